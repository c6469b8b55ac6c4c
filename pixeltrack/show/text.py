"""How values look as text: what strangers wrote is cleaned, what is undefined is a dash."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

DASH = "–"

# Controls, format characters (bidi marks, zero-width), private use, surrogates: a terminal acts on
# them, a reader never needs them.
_UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str, limit: int = 200) -> str:
    """Return text that is safe to print: no control or format characters, at most limit characters."""
    kept = "".join(
        " " if character in "\t\n\r" else character
        for character in text[: limit * 4]
        if character in "\t\n\r" or unicodedata.category(character) not in _UNPRINTABLE
    )
    return kept if len(kept) <= limit else f"{kept[: limit - 1]}…"


def count(value: int | None) -> str:
    """Return a whole number with thousands separated."""
    return DASH if value is None else f"{value:,}"


def percent(rate: float | None) -> str:
    """Return a rate as a percentage with one decimal."""
    return DASH if rate is None else f"{rate * 100:.1f} %"


def points(difference: float | None) -> str:
    """Return a difference of rates in percentage points, with its sign."""
    if difference is None:
        return DASH
    said = f"{abs(difference) * 100:.1f}"
    return said if said == "0.0" else f"{'+' if difference > 0 else '−'}{said}"


def moment(at: int | None) -> str:
    """Return a time (ms UTC) to the minute."""
    return DASH if at is None else f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M}"


def gone(before: int | None, *, counted: bool = False) -> str:
    """Return the sentence that says that hits are deleted; nothing where none are."""
    if before is None:
        return ""
    if not counted:
        return f"Hits from before {moment(before)} UTC are deleted, and not in this."
    return (
        f"Hits from before {moment(before)} UTC are deleted; they are in these totals."
        " A message that is heard of again adds hits, and no second person."
    )


def iso(at: int | None) -> str | None:
    """Return a time (ms UTC) in ISO 8601, for programs."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def sparkline(values: list[int], width: int) -> str:
    """Return a row of bars at most width wide; neighbours are added up where there are too many."""
    if not values or not max(values):
        return ""
    per_bar = -(-len(values) // width)
    sums = [sum(values[start : start + per_bar]) for start in range(0, len(values), per_bar)]
    top = max(sums)
    return "".join("▁▂▃▄▅▆▇█"[value * 7 // top] if value else " " for value in sums)


def bar(part: int, whole: int, width: int) -> str:
    """Return a horizontal bar that shows part of whole."""
    return "█" * round(width * part / whole) if whole else ""
