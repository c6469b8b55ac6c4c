"""Links in plain text: where an address begins and ends among words and punctuation."""

from __future__ import annotations

import re

_URL = re.compile(r"(?<![\w@/.-])https?://[^\s<>\"\x00-\x20]+", re.IGNORECASE)
_TRAILING = ".,;:!?'\"*_~`|"
_PAIRS = {")": "(", "]": "[", "}": "{", "»": "«"}


def spans(text: str) -> list[tuple[int, int]]:
    """Return where the web addresses of a text are.

    Punctuation after an address is the sentence's, not the address's; a closing bracket belongs to
    the address when it was opened in it (RFC 3986, appendix C).
    """
    found = []
    for match in _URL.finditer(text):
        length = _length(match[0])
        if match[0][:length].partition("://")[2]:
            found.append((match.start(), match.start() + length))
    return found


def _length(written: str) -> int:
    """Return the length of an address without the sentence's punctuation after it."""
    end = len(written)
    unopened: dict[str, int] = {}  # closing brackets that no other opened, counted once a kind
    while end:
        last = written[end - 1]
        if last in _PAIRS:
            if last not in unopened:
                unopened[last] = written.count(last, 0, end) - written.count(_PAIRS[last], 0, end)
            if unopened[last] <= 0:
                break
            unopened[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return end
