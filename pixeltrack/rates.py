"""What the figures of a report mean: one definition each, printed under every report."""

from __future__ import annotations

DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("open", "the pixel was fetched by what looks like a person's mail program; not proof of reading"),
    ("unique", "messages with at least one; total counts every one"),
    ("open rate", "unique opens ÷ tracked messages"),
    ("click rate", "unique clicks ÷ tracked messages"),
    ("click-to-open rate", "unique clicks ÷ unique opens"),
    (
        "share of a link",
        "people who clicked it ÷ people who clicked any link; shares may add up to more than 100 %",
    ),
    (
        "at least, at most",
        "recipients; opens at least: a person's open or click, at most: also unknown hits"
        " and pixels loaded ahead; clicks at least: a person's, at most: also unknown. Readers without images"
        " who click nothing are in neither",
    ),
    (
        "only loaded ahead",
        "recipients whose pixel a privacy proxy or mail program fetched ahead, with no open"
        " besides: nobody can see whether they looked",
    ),
    ("can be seen", "tracked messages but for those only loaded ahead; who loads no images stays among them"),
    (
        "adjusted open rate",
        "an estimate: unique opens ÷ messages that can be seen; as if the others opened as"
        " often. The interval is Wilson's, for 95 %",
    ),
    ("without images", "people who clicked while nothing but a scanner, or nobody, loaded their pixel"),
    ("other domains", "where a company's own domain is hosted is not known, and not guessed"),
    ("tracked messages", "copies made with a pixel and wrapped links; the others carry neither"),
    ("machines", "hits with a reason to think no person made them; kept, never counted above"),
    ("unknown", "hits that could be either; kept apart from both"),
)


def audience(tracked: int | None) -> int | None:
    """Return the number of messages that rates are over. The one place that chooses it."""
    return tracked


def ratio(part: int, whole: int | None) -> float | None:
    """Return part ÷ whole, or None where that has no meaning (nothing to divide by)."""
    return part / whole if whole else None
