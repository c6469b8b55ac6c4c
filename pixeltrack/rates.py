"""What the figures of a report mean: one definition each, printed under every report."""

from __future__ import annotations

DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("open", "the pixel was fetched by what looks like a person's mail program; not proof of reading"),
    ("unique", "messages with at least one; total counts every one"),
    ("open rate", "unique opens ÷ tracked messages"),
    ("click rate", "unique clicks ÷ tracked messages"),
    ("click-to-open rate", "unique clicks ÷ unique opens"),
    ("share of a link", "people who clicked it ÷ people who clicked any link; shares may add up to more than 100 %"),
    ("tracked messages", "copies made with a pixel and wrapped links; the others carry neither"),
    ("machines", "hits with a reason to think no person made them; kept, never counted above"),
    ("unknown", "hits that could be either; kept apart from both"),
)


def ratio(part: int, whole: int | None) -> float | None:
    """Return part ÷ whole, or None where that has no meaning (nothing to divide by)."""
    return part / whole if whole else None
