"""Who asks: this machine itself, or somebody else, perhaps through a proxy.

Forwarding headers say what their sender likes, so they count only when the connection comes from a
proxy that the settings name, and then only the hop that this proxy added (security rule S18).
"""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

_FORWARDING = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_", "HTTP_X_REAL_IP", "HTTP_CF_", "HTTP_TRUE_")


def is_local(environ: WSGIEnvironment, trusted: Collection[str]) -> bool:
    """Return whether a request was made on this machine, for this machine's own name.

    A proxy on this machine is no such client: it says for whom it asks, in a header or by the Host
    that it passes on. trusted are the addresses of proxies whose X-Forwarded-For counts.
    """
    client: str = environ.get("REMOTE_ADDR", "")
    if any(name.startswith(_FORWARDING) for name in environ):
        if client not in trusted:
            return False
        client = environ.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()
    return _is_loopback(client) and _is_own_name(environ.get("HTTP_HOST", ""))


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
