"""The bytes of an address, made without ``ipaddress``, which takes ten times as long."""

from __future__ import annotations

from socket import AF_INET, AF_INET6, inet_ntop, inet_pton

_MAPPED = bytes(10) + b"\xff\xff"  # ::ffff:0:0/96, IPv4 in an IPv6 socket (RFC 4291, 2.5.5.2)


def packed(address: str) -> bytes:
    """Return an address as its 4 or 16 bytes, in network order; empty for what is no address.

    IPv4 is 4 bytes however it came, also as ``::ffff:192.0.2.1``. A zone (``fe80::1%eth0``) is left out.
    """
    try:
        if ":" not in address:
            return inet_pton(AF_INET, address)
        raw = inet_pton(AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):  # ValueError: what is no ASCII, or holds a NUL
        return b""
    return raw[12:] if raw.startswith(_MAPPED) else raw


def kept_of(raw: bytes, *, whole: bool) -> str:
    """Return an address as it may be kept: whole, or the first 24 bits, of IPv6 48; empty for none.

    raw is as ``packed`` gives it.
    """
    if not raw:
        return ""
    family, bits = (AF_INET, 24) if len(raw) == 4 else (AF_INET6, 48)
    if not whole:
        raw = raw[: bits // 8] + bytes(len(raw) - bits // 8)
    return inet_ntop(family, raw)
