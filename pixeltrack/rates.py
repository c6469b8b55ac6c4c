"""What the figures of a report mean: one definition each, printed under every report."""

from __future__ import annotations

from typing import NamedTuple

DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("open", "the pixel was fetched by what looks like a person's mail program; not proof of reading"),
    ("unique", "messages with at least one; total counts every one"),
    ("open rate", "unique opens ÷ messages of which opens are tracked"),
    ("click rate", "unique clicks ÷ messages of which clicks are tracked"),
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
    (
        "can be seen",
        "messages of which opens are tracked, but for those only loaded ahead; who loads no images stays"
        " among them",
    ),
    (
        "adjusted open rate",
        "an estimate: unique opens ÷ messages that can be seen; as if the others opened as"
        " often. The interval is Wilson's, for 95 %",
    ),
    ("without images", "people who clicked while nothing but a scanner, or nobody, loaded their pixel"),
    ("other domains", "where a company's own domain is hosted is not known, and not guessed"),
    (
        "tracked messages",
        "copies with a pixel, wrapped links or both of their own; the others carry neither, or are counted"
        " together with others",
    ),
    (
        "counted together",
        "recipients of whom nothing is kept one by one: loads of the pixel and clicks of all of them in each"
        " hour, machines' apart, as multiples of ten, rounded down. Never part of the figures above",
    ),
    ("machines", "hits with a reason to think no person made them; kept, never counted above"),
    ("unknown", "hits that could be either; kept apart from both"),
)


class Tracked(NamedTuple):
    """Numbers of messages: of which something is measured, of which opens are, of which clicks are."""

    any: int = 0
    opens: int = 0
    clicks: int = 0

    def plus(self, other: Tracked) -> Tracked:
        """Return the sums."""
        return Tracked(self.any + other.any, self.opens + other.opens, self.clicks + other.clicks)


NONE_TRACKED = Tracked()


#: What rates are over where something was reported of a campaign's delivery: in the place of the above.
_OVER_DELIVERED = {
    "open rate": "unique opens ÷ delivered messages of which opens are tracked",
    "click rate": "unique clicks ÷ delivered messages of which clicks are tracked",
    "can be seen": "delivered messages of which opens are tracked, but for those only loaded ahead; who loads"
    " no images stays among them",
}
_DELIVERY = (
    (
        "delivered",
        "messages that the recipient's mail server took, as reported, and that did not come back later."
        " Numbers of tracked messages at providers and companies are of these",
    ),
    ("bounced", "sent and not taken: hard where the address is bad for good, soft where it is not"),
    ("rejected", "not sent at all by the sender's mail system"),
    ("bounce rate", "bounced ÷ sent"),
    ("complaint rate", "recipients who reported the mail as spam ÷ delivered"),
)
_NOT_TOLD = (
    "delivered",
    "messages but for those that failed: no report tells of deliveries. Numbers of tracked messages at"
    " providers and companies are of these",
)


def definitions(*, told: bool) -> tuple[tuple[str, str], ...]:
    """Return the definitions of a report over delivered messages; ``told`` says that deliveries are."""
    more = _DELIVERY if told else (_NOT_TOLD, *_DELIVERY[1:])
    return (*((term, _OVER_DELIVERED.get(term, text)) for term, text in DEFINITIONS), *more)


def share(part: int | None, whole: int | None) -> float | None:
    """Return part ÷ whole; None where that has no meaning, or the part is no part of it.

    More people than delivered messages are there where only some deliveries were reported.
    """
    return None if part is None or whole is None or part > whole else ratio(part, whole)


def ratio(part: int, whole: int | None) -> float | None:
    """Return part ÷ whole, or None where that has no meaning (nothing to divide by)."""
    return part / whole if whole else None
