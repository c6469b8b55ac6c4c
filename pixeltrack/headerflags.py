"""What a request's headers say of who made it, as bits: the same for the collector and for a log."""

from __future__ import annotations

from functools import lru_cache

from pixeltrack.model import Flag

_WORDS = (
    (Flag.HEAD, "HEAD"),
    (Flag.SPECULATIVE, "loaded ahead"),
    (Flag.PREVIEW, "test message"),
    (Flag.NO_LANGUAGE, "no language"),
    (Flag.BARE_ACCEPT, "takes anything"),
    (Flag.NAVIGATE, "navigation"),
    (Flag.FETCH, "says how it asks"),
    (Flag.TLS, "TLS"),
    (Flag.GPC, "Global Privacy Control"),
    (Flag.DNT, "Do Not Track"),
)


def header_flags(accept: str, language: str, mode: str, gpc: str, dnt: str) -> int:
    """Return the flags of Accept, Accept-Language, Sec-Fetch-Mode, Sec-GPC and DNT; empty is not there."""
    flags = Flag.HEADERS
    if not language or language.isspace():
        flags |= Flag.NO_LANGUAGE
    if accept.strip() in ("", "*/*"):
        flags |= Flag.BARE_ACCEPT
    mode = mode.strip()
    if mode:
        flags |= Flag.FETCH
        if mode == "navigate":
            flags |= Flag.NAVIGATE
    if gpc.strip() == "1":
        flags |= Flag.GPC
    if dnt.strip() == "1":
        flags |= Flag.DNT
    return flags


@lru_cache(maxsize=1_024)
def in_words(flags: int) -> tuple[str, ...]:
    """Return what an event's flags say, each in a word or two."""
    return tuple(name for flag, name in _WORDS if flags & flag)
