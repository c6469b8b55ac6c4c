"""Who asks: this machine itself, or somebody else, perhaps through a proxy.

Forwarding headers say what their sender likes, so they count only when the connection comes from a
proxy that the settings name, and then only the hop that this proxy added (security rule S18).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

#: How the names of forwarding headers begin.
FORWARDING = (b"forwarded", b"via", b"x-forwarded-", b"x-real-ip", b"cf-", b"true-")
_FORWARDING = tuple("HTTP_" + name.decode().upper().replace("-", "_") for name in FORWARDING)


def is_local(environ: WSGIEnvironment, trusted: Collection[str]) -> bool:
    """Return whether a request was made on this machine, for this machine's own name.

    A proxy on this machine is no such client: it says for whom it asks, in a header or by the Host
    that it passes on. trusted are the addresses of proxies whose X-Forwarded-For counts.
    """
    client: str = environ.get("REMOTE_ADDR", "")
    if is_spoken_for(environ):
        if client not in trusted:
            return False
        client = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return _is_loopback(client) and _is_own_name(environ.get("HTTP_HOST", ""))


def client_of(peer: str, hops: str, spoken_for: bool, trusted: Collection[str]) -> str:
    """Return the address that a request comes from, or nothing when that is not known.

    peer is who has connected, hops the value of X-Forwarded-For, and spoken_for whether any forwarding
    header is there at all. Of trusted proxies only the hop counts that the outermost of them has added.
    Of a proxy that nobody has named, on this machine or beside it, all readers would have one address:
    then it is not known.
    """
    if peer in trusted:
        added = (_without_port(hop.strip()) for hop in reversed(hops.split(",")))
        return next((hop for hop in added if hop not in trusted), "")
    plain = peer.removeprefix("::ffff:")
    if plain.startswith("127.") or plain == "::1" or (spoken_for and _is_inside(peer)):
        return ""
    return peer


@lru_cache(maxsize=1_024)
def _is_inside(address: str) -> bool:
    try:
        known = ip_address(address)
        return not (getattr(known, "ipv4_mapped", None) or known).is_global
    except ValueError:
        return True  # a Unix socket has no address


def _without_port(hop: str) -> str:
    """Return the address of a hop; some proxies write the port too, as RFC 7239 (6) has it."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def is_spoken_for(environ: WSGIEnvironment) -> bool:
    """Return whether a request has a forwarding header."""
    return any(name.startswith(_FORWARDING) for name in environ)


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _is_own_name(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or _is_loopback(name)
