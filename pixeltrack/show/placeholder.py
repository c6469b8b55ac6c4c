"""What stands in the place of a picture that a report must not load."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from urllib.parse import quote

from pixeltrack.markup import Attribute
from pixeltrack.show.text import clean

_PIXELS = re.compile(r"\s*+(\d{1,5})(?:\.\d+)?\s*+(?:px)?\s*+", re.IGNORECASE)
_IN_STYLE = {
    side: re.compile(rf"(?:^|[;\s]){side}\s*:\s*(\d{{1,5}})(?:\.\d+)?px", re.IGNORECASE)
    for side in ("width", "height")
}
_MOST = 2_000  # px of a side
_SAFE = " !'()*+,/:;<=>?@[]^`{|}"  # what needs no escape in a data: URL in double quotes; & # % do
_LETTER = 7  # px of width, on average
_NOTHING = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def placeholder(attributes: Mapping[str, Attribute], decoded: Mapping[str, str]) -> str:
    """Return a picture (a data: URL) of an image's size that says what its alt text says.

    ``decoded`` has values as readable text. It is ASCII, and may stand in an attribute in double quotes.
    """
    alt = clean(unescape(decoded.get("alt", "")[:1_000]), 120).strip()
    width, height = (_side(side, attributes, decoded) for side in ("width", "height"))
    if width is None and height is None and not alt:
        return _NOTHING  # most likely no more than a spacer
    if width is not None and height is not None and min(width, height) < 8:
        return _NOTHING
    if width is None:
        width = height * 2 if height and not alt else max(24, len(alt) * _LETTER + 16)
    if height is None:
        height = width * 2 // 5 if width >= 200 else min(width, 32)
    return _drawn(min(width, _MOST), min(height, _MOST), alt)


def _side(side: str, attributes: Mapping[str, Attribute], decoded: Mapping[str, str]) -> int | None:
    """Return a width or height in pixels where the image says one, as attribute or in its style."""
    found = _PIXELS.fullmatch(attributes[side].value) if side in attributes else None
    found = found or _IN_STYLE[side].search(decoded.get("style", ""))
    return int(found[1]) if found and int(found[1]) else None


def _drawn(width: int, height: int, alt: str) -> str:
    room = (width - 8) // _LETTER
    words = alt if len(alt) <= room else f"{alt[: room - 1]}…" if room > 3 else ""
    text = ""
    if words and height >= 12:
        text = (
            f"<text x='{width / 2:g}' y='{height / 2 + 4:g}' fill='#4f4a41' font-family='sans-serif'"
            f" font-size='12' text-anchor='middle'>{escape(words)}</text>"
        )
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'>"
        f"<path fill='#e9e5dc' stroke='#cfc9bc' stroke-width='2' d='M0 0h{width}v{height}H0z'/>{text}</svg>"
    )
    return f"data:image/svg+xml,{quote(svg, safe=_SAFE)}"
