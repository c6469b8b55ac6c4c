"""Links in plain text: where an address begins and ends among words and punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pixeltrack.links import PLACEHOLDERS

# Spaces of every width, and the punctuation of languages that put no space after it.
_OVER = r"\s\x00-\x20\u200b\ufeff\u3000-\u303f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f"
# What stands before an address is told in ASCII: in Chinese or Japanese a word may.
_FOUND = re.compile(rf"(?<![A-Za-z0-9@/.-])(?:[Hh][Tt][Tt][Pp][Ss]?://|pixeltrack:)[^<>\"{_OVER}]+")
_TRAILING = ".,;:!?'\"*_~`|…‘’“”‹›"
_NO_TEXT = re.compile("[\udc80-\udcff]")
_PAIRS = {")": "(", "]": "[", "}": "{", "»": "«"}


def spans(text: str, charset: str | None = None) -> list[tuple[int, int]]:
    """Return where the web addresses and the placeholders of a text are.

    Punctuation after an address is the sentence's, not the address's; a closing bracket belongs to
    the address when it was opened in it (RFC 3986, appendix C). charset is what the bytes of a text
    mean that is given one character per byte: an address that they do not spell is passed over.
    """
    if charset is None or text.isascii():
        return list(_spans(text))
    raw = text.encode("latin-1")
    found = []
    decoded, codec = _decoded(raw, charset)
    done = at = 0  # characters, bytes
    for start, end in _spans(decoded):
        at += len(decoded[done:start].encode(codec, "surrogateescape"))
        address = decoded[start:end].encode(codec, "surrogateescape")
        if raw.startswith(address, at) and not _NO_TEXT.search(decoded, start, end):
            found.append((at, at + len(address)))
        done, at = end, at + len(address)
    return found


def _decoded(raw: bytes, charset: str) -> tuple[str, str]:
    """Return bytes as text, those that are none as surrogates, and the codec that gives them back."""
    try:
        decoded = raw.decode(charset, "surrogateescape")
        if decoded.encode(charset, "surrogateescape") == raw:
            return decoded, charset
    except UnicodeError:
        pass
    return raw.decode("ascii", "surrogateescape"), "ascii"


def _spans(text: str) -> Iterator[tuple[int, int]]:
    for match in _FOUND.finditer(text):
        length = _length(match[0])
        address = match[0][:length]
        if address in PLACEHOLDERS if match[0][0] == "p" else address.partition("://")[2]:
            yield match.start(), match.start() + length


def _length(candidate: str) -> int:
    """Return how much of a candidate is the address, and not punctuation after it."""
    end = len(candidate)
    unopened = {
        closing: candidate.count(closing) - candidate.count(opening) for closing, opening in _PAIRS.items()
    }
    while end:
        last = candidate[end - 1]
        if unopened.get(last, 0) > 0:
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end
