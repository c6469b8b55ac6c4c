"""Signatures of calls between servers: a time and a keyed hash over it and the body (RFC 2104, SHA-256).

    Pixeltrack-Signature: t=1795608000,v1=5257a8…

Whoever receives one checks the hash over "<t>.<body>" and that the time is not long ago, so that a call which
somebody has overheard is worth nothing a few minutes later.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable

HEADER = "Pixeltrack-Signature"
ENVIRON = "HTTP_PIXELTRACK_SIGNATURE"
TOLERANCE = 300  # seconds
_WRITTEN = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)


def sign(body: bytes, key: bytes, now: int) -> str:
    """Return the header's value for a body; now is ms UTC."""
    seconds = now // 1000
    return f"t={seconds},v1={_hash(body, key, seconds)}"


def fault(header: str, body: bytes, keys: Iterable[bytes], now: int) -> str | None:
    """Return what is wrong with a signature, None where one of the keys made it; now is ms UTC."""
    found = _WRITTEN.fullmatch(header.replace(" ", ""))
    if found is None:
        return f"{HEADER} is missing, or not of the form t=<unix seconds>,v1=<hex HMAC-SHA256>"
    seconds = int(found[1])
    if not any(hmac.compare_digest(_hash(body, key, seconds), found[2]) for key in keys):
        return f"{HEADER} is not made with this site's key over <t>.<body>"
    if abs(now // 1000 - seconds) > TOLERANCE:
        return f"{HEADER} is of another time: more than {TOLERANCE // 60} minutes from now"
    return None


def _hash(body: bytes, key: bytes, seconds: int) -> str:
    return hmac.new(key, str(seconds).encode() + b"." + body, "sha256").hexdigest()
