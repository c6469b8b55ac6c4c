"""What would betray a person in a file: their address and tokens in every spelling that files use."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import md5, sha1, sha256
from pathlib import Path
from typing import IO
from urllib.parse import quote

_BLOCK = 1 << 22  # bytes that are read at a time

Patterns = Mapping[str, Sequence[bytes]]  # by what they are; those in lower case match any case


def of_text(text: str) -> dict[str, list[bytes]]:
    """Return the spellings of a text: UTF-8, UTF-16, base64 at each alignment, percent-encoded, hex."""
    raw = text.encode()
    percent = {quote(text, safe="").lower().encode(), quote(text, safe="@").lower().encode()}
    return {
        "utf-8": [raw.lower()],
        "utf-16": [text.lower().encode("utf-16-le"), text.lower().encode("utf-16-be")],
        "base64": [piece for at in range(3) for piece in _base64(raw, at)],
        "percent": sorted(percent - {raw.lower()}) or [quote(text, safe="").lower().encode()],
        "hex": [raw.hex().encode()],
    }


def of_address(address: str) -> dict[str, list[bytes]]:
    """Return the spellings of an address, and its plain hashes, raw and in hex."""
    raw = address.encode()
    digests = [make(raw).digest() for make in (md5, sha1, sha256)]  # looked for, not relied on
    return {
        **of_text(address),
        "hash": [*digests, *(each.hex().encode() for each in digests)],
    }


def of_bytes(raw: bytes) -> list[bytes]:
    """Return a keyed hash or a pseudonym as it is, and in hex."""
    return [raw, raw.hex().encode()]


def _base64(raw: bytes, at: int) -> Iterable[bytes]:
    """Return what base64 makes of bytes that stand behind so many others, without what those change."""
    whole = base64.b64encode(bytes(at) + raw)
    begin, end = (0, 2, 3)[at], len(whole) - (0, 4, 4)[(at + len(raw)) % 3]
    piece = whole[begin:end]
    return (piece, piece.translate(bytes.maketrans(b"+/", b"-_")))


def scan(path: Path, patterns: Patterns) -> Counter[str]:
    """Return how often each pattern stands in a file, wherever in it."""
    with path.open("rb") as file:
        return scan_stream(file, patterns)


def scan_stream(file: IO[bytes], patterns: Patterns) -> Counter[str]:
    """Return how often each pattern stands in what is read from a stream."""
    found: Counter[str] = Counter()
    wanted = [
        (name, each, _is_text(each) and each == each.lower())
        for name, spellings in patterns.items()
        for each in dict.fromkeys(spellings)
        if each
    ]
    overlap = max((len(each) for _name, each, _any in wanted), default=1) - 1
    tail = b""
    while block := file.read(_BLOCK):
        data = tail + block
        lower = data.lower()
        for name, each, any_case in wanted:
            at = (lower if any_case else data).find(each)
            while at >= 0:
                if at + len(each) > len(tail):  # else it was counted with the block before
                    found[name] += 1
                at = (lower if any_case else data).find(each, at + 1)
        tail = data[-overlap:] if overlap else b""
    return found


def _is_text(pattern: bytes) -> bool:
    try:
        return any(each.isalpha() for each in pattern.replace(b"\0", b"").decode())
    except UnicodeDecodeError:
        return False
