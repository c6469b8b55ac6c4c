"""What was delivered, as far as mail systems told: the figures, and the messages that rates are over.

Where any delivery was told, delivered are the messages of which it was. Where only failures were told, as by
mails that came back, delivered are all messages but those that failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pixeltrack.figures import DeliveryFigures
from pixeltrack.rates import NONE_TRACKED, Tracked, share

FAILED = ("hard", "soft", "unknown", "rejected")
_BY_HIT = 4  # modes from here on keep hits one by one: as model.BY_HIT
_INDIVIDUAL = 5


class Sort(NamedTuple):
    """Messages of one sort, and what became of them: delivered, hard, soft, unknown, rejected, deferred, "".

    ``opens`` and ``clicks`` are places in ``model.MODES``; ``domain`` is that of the recipient. Of messages
    that nobody knows these are 0 and empty.
    """

    batch: int
    version: int
    opens: int
    clicks: int
    domain: str
    outcome: str
    sent: int
    complained: int
    unsubscribed: int
    messages: int


Wanted = Callable[[Sort], bool]


@dataclass(frozen=True, slots=True)
class Reached:
    """What became of a campaign's messages."""

    sorts: tuple[Sort, ...]
    told: bool  # whether deliveries are: else it is failures that are told

    def of(self, whole: Tracked, wanted: Wanted | None = None, least: int = _BY_HIT) -> Tracked:
        """Return how many of some measured messages were delivered.

        ``whole`` is how many there are, ``wanted`` which sorts they are of, ``least`` the lowest mode of
        those that count.
        """
        found = NONE_TRACKED
        for sort in self.sorts:
            is_so = sort.outcome == "delivered" if self.told else sort.outcome in FAILED
            if is_so and (wanted is None or wanted(sort)):
                opens, clicks = sort.opens >= least, sort.clicks >= least
                number = sort.messages
                found = found.plus(Tracked(number * (opens or clicks), number * opens, number * clicks))
        if self.told:
            return found
        return Tracked(*(max(0, all_ - some) for all_, some in zip(whole, found, strict=True)))

    def by_domain(self, whole: Mapping[str, Tracked], name_of: Callable[[str], str]) -> dict[str, Tracked]:
        """Return the same of individually measured messages, by what ``name_of`` calls their domains."""
        named = [(name_of(sort.domain), sort) for sort in self.sorts if sort.domain]
        return self._by_name(whole, named)

    def by_version(self, whole: Mapping[str, Tracked], name_of: Callable[[int], str]) -> dict[str, Tracked]:
        """Return the same by what ``name_of`` calls their versions."""
        return self._by_name(whole, [(name_of(sort.version), sort) for sort in self.sorts])

    def _by_name(self, whole: Mapping[str, Tracked], named: Iterable[tuple[str, Sort]]) -> dict[str, Tracked]:
        by_name: dict[str, list[Sort]] = {}
        for name, sort in named:
            by_name.setdefault(name, []).append(sort)
        return {
            name: Reached(tuple(by_name.get(name, ())), self.told).of(number, least=_INDIVIDUAL)
            for name, number in whole.items()
        }

    def figures(
        self, messages: int | None, measured: Tracked | None, merged: tuple[bool, bool] = (False, False)
    ) -> DeliveryFigures:
        """Return the figures of a campaign of so many messages, None where nobody told how many.

        Then the sender's mail system fills in its recipients, and ``merged`` says whether opens and clicks
        of each copy are measured.
        """
        sums = _Sums(self.sorts)
        failed = sum(sums.of(outcome) for outcome in FAILED)
        whole = None if messages is None else max(messages, sums.all)
        delivered = sums.of("delivered") if self.told else None if whole is None else whole - failed
        sent = sums.sent if self.told else whole
        if measured is not None:
            reached: Tracked | None = self.of(measured)
        elif delivered is not None:
            reached = Tracked(delivered * any(merged), delivered * merged[0], delivered * merged[1])
        else:
            reached = None
        bounced = sums.of("hard") + sums.of("soft") + sums.of("unknown")
        return DeliveryFigures(
            sent=sent,
            delivered=delivered,
            bounced=bounced,
            hard_bounced=sums.of("hard"),
            soft_bounced=sums.of("soft"),
            unknown_bounced=sums.of("unknown"),
            rejected=sums.of("rejected"),
            deferred=sums.of("deferred"),
            complained=sums.complained,
            unsubscribed=sums.unsubscribed,
            not_told=None if whole is None else whole - sums.heard,
            deliveries_told=self.told,
            opens_tracked=reached.opens if reached else None,
            clicks_tracked=reached.clicks if reached else None,
            delivery_rate=share(delivered, sent),
            bounce_rate=share(bounced, sent),
            complaint_rate=share(sums.complained, delivered),
        )


class _Sums:
    def __init__(self, sorts: Iterable[Sort]) -> None:
        self._by_outcome: dict[str, int] = {}
        self.all = self.heard = self.sent = self.complained = self.unsubscribed = 0
        for sort in sorts:
            number = sort.messages
            self._by_outcome[sort.outcome] = self.of(sort.outcome) + number
            self.all += number
            self.heard += number * (sort.outcome in ("delivered", "deferred", *FAILED))
            self.sent += number * sort.sent
            self.complained += number * sort.complained
            self.unsubscribed += number * sort.unsubscribed

    def of(self, outcome: str) -> int:
        return self._by_outcome.get(outcome, 0)


def reached(sorts: Iterable[tuple[int, int, int, int, str, str, int, int, int, int]]) -> Reached:
    """Return what became of a campaign's messages by the rows that the store has of them."""
    found = tuple(Sort(*row) for row in sorts)
    return Reached(found, any(sort.outcome == "delivered" for sort in found))
