"""Where a webhook may lead: to HTTPS elsewhere, or to this machine, and into no network that nobody named.

Whoever can say where a server posts to could let it reach what only it can reach (server-side request
forgery, CWE-918). So the address that a name has is looked at each time, and that very one is connected to.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from pixeltrack.errors import InputError

_LONGEST = 2_000
_WRITTEN = re.compile(r"[!-~]+", re.ASCII)
_HOST = re.compile(r"[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*\.?", re.ASCII)
_TRANSLATED = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))  # to IPv4 (RFC 6052, RFC 8215)

Address = IPv4Address | IPv6Address


class Target(NamedTuple):
    """What a webhook's URL says; ``path`` is with its query."""

    host: str
    port: int
    path: str
    is_tls: bool

    @property
    def is_loopback(self) -> bool:
        """Whether the URL names this machine itself."""
        address = _address(self.host)
        return address.is_loopback if address else f".{self.host}".endswith(".localhost")

    @property
    def authority(self) -> str:
        """Return it as the header Host has it (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


def read(url: str) -> Target:
    """Return what a URL says; raise InputError for one that nothing is sent to."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise InputError(f"{url!r} is no URL", hint="such as https://crm.example/hooks/mail") from None
    if not _WRITTEN.fullmatch(url) or len(url) > _LONGEST:
        raise InputError(
            f"{url[:100]!r} is no URL: it is of printable ASCII, at most {_LONGEST:,} characters",
            hint="write names in other letters in punycode (xn--…), and the rest percent-encoded",
        )
    if parts.scheme not in ("http", "https") or not (_HOST.fullmatch(host) or _address(host)):
        raise InputError(f"{url!r} is no web address", hint="such as https://crm.example/hooks/mail")
    if "@" in parts.netloc or parts.fragment:
        raise InputError(
            f"{url!r} has a password or a fragment in it",
            hint="leave it out: the signature says who sends; a secret may stand in the path",
        )
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    target = Target(host, port or (443 if is_tls else 80), path, is_tls)
    if not is_tls and not target.is_loopback:
        raise InputError(f"{url!r} is not encrypted", hint="use https; http is for this machine alone")
    return target


def fault(target: Target, address: str, *, allow_private: bool) -> str | None:
    """Return why an address that the target's name has is not connected to; None where it may be."""
    found = _address(address)
    if found is None:
        return f"{target.host} has no IP address"
    plain = _inner(found)
    if plain.is_multicast or plain.is_unspecified:
        return f"{target.host} is {found}, which is no machine's address"
    if target.is_loopback:
        return None if plain.is_loopback else f"{target.host} is {found}, which is not this machine"
    if allow_private or (plain.is_global and found.is_global):
        return None
    return f"{target.host} is {found}, which is in a private network (webhook add --allow-private allows it)"


def _address(text: str) -> Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 address leads to, where it is one of those."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address.sixtofour:
            return address.sixtofour
        if any(address in network for network in _TRANSLATED):
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address
