"""Links in plain text: where an address begins and ends among words and punctuation."""

from __future__ import annotations

import re

from pixeltrack.links import PLACEHOLDERS

# What stands before an address is told in ASCII: in Chinese or Japanese a word may.
_FOUND = re.compile(
    r"(?<![A-Za-z0-9_@/.-])(?:https?://[^<>\"\x00-\x20]+"
    rf"|(?P<placeholder>{'|'.join(PLACEHOLDERS)})(?![A-Za-z0-9_-]))",
    re.IGNORECASE,
)
# Spaces of every width, and the punctuation of languages that put no space after it.
_OVER = re.compile(r"[\s\u200b\ufeff\u3000-\u303f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]")
_TRAILING = ".,;:!?'\"*_~`|…‘’“”‹›"
_PAIRS = {")": "(", "]": "[", "}": "{", "»": "«"}


def spans(text: str, charset: str | None = None) -> list[tuple[int, int]]:
    """Return where the web addresses and the placeholders of a text are.

    Punctuation after an address is the sentence's, not the address's; a closing bracket belongs to
    the address when it was opened in it (RFC 3986, appendix C). charset is what the bytes of a text
    mean that is given one character per byte: an address that they do not spell is passed over.
    """
    found = []
    for match in _FOUND.finditer(text):
        length = len(match[0])
        if match["placeholder"] is None:
            length = _written(match[0], charset) if charset and not match[0].isascii() else _length(match[0])
        if length:
            found.append((match.start(), match.start() + length))
    return found


def _written(raw: str, charset: str) -> int:
    """Return the length of the address that raw begins with, in bytes; 0 when they are no text."""
    piece = raw.encode("latin-1")
    try:
        decoded = piece.decode(charset)
        address = decoded[: _length(decoded)].encode(charset)
    except UnicodeError:
        return 0
    return len(address) if piece.startswith(address) else 0


def _length(candidate: str) -> int:
    """Return the length of the address that candidate begins with; 0 when nothing follows its "//"."""
    over = _OVER.search(candidate)
    end = over.start() if over else len(candidate)
    unopened = {
        closing: candidate.count(closing, 0, end) - candidate.count(opening, 0, end)
        for closing, opening in _PAIRS.items()
    }
    while end:
        last = candidate[end - 1]
        if unopened.get(last, 0) > 0:
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end if candidate[:end].partition("://")[2] else 0
