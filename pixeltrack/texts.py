"""Links in plain text: where an address begins and ends among words and punctuation."""

from __future__ import annotations

import re

_URL = re.compile(r"(?<![\w@/.-])(?:https?://[^\s<>\"\x00-\x20]+|pixeltrack:[a-z]+)", re.IGNORECASE)
_TRAILING = ".,;:!?'\"*_~`|"
_PAIRS = {")": "(", "]": "[", "}": "{", "»": "«"}


def spans(text: str) -> list[tuple[int, int]]:
    """Return where the web addresses of a text are, and the placeholders for pages of ours.

    Punctuation after an address is the sentence's, not the address's; a closing bracket belongs to
    the address when it was opened in it (RFC 3986, appendix C).
    """
    found = []
    for match in _URL.finditer(text):
        start, end = match.span()
        while end > start:
            last = text[end - 1]
            opening = _PAIRS.get(last)
            if last in _TRAILING or (
                opening and text.count(last, start, end) > text.count(opening, start, end)
            ):
                end -= 1
            else:
                break
        if not text[start:end].endswith("://"):
            found.append((start, end))
    return found
