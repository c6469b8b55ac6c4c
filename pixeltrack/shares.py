"""Adding up what orders earned: by goal, by campaign and by link, for one campaign or for all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pixeltrack.attribution import ONE, Order, Rule, Touch, Way, split, weigh
from pixeltrack.earned import Earned
from pixeltrack.money import step

_WAYS: tuple[Way, ...] = ("click", "view", "none")


class Piece(NamedTuple):
    """What one touch earned of an order, or, without a touch, all of it."""

    campaign_id: int  # 0: none is known
    link: int | None  # None where there is no touch; 0 for an open
    way: Way
    credit: int
    value: int
    taken: int  # of its value before refunds and corrections, what these took
    touch: Touch | None


def pieces(order: Order, touches: Sequence[Touch], rule: Rule) -> Iterator[Piece]:
    """Yield what an order falls into. ``touches`` are those of its person, in order (``sorted``)."""
    first = bisect_left(touches, (order.at - rule.window,))
    within = touches[first : bisect_left(touches, (order.at + 1,), first)]
    way, earning, weights = weigh(order.at, within, rule)
    value, net = order.value, order.net
    if not earning:
        yield Piece(order.campaign_id, None, way, ONE, net, value - net, None)
        return
    coin = step(order.currency)
    credit, values = split(ONE, weights), split(net, weights, coin)
    gross = values if net == value else split(value, weights, coin)
    for touch, part, left, was in zip(earning, credit, values, gross, strict=True):
        if part or left or was:
            yield Piece(touch.campaign_id, touch.link, way, part, left, was - left, touch)


Key = tuple[str | int, ...]


@dataclass(slots=True)
class Sums:
    """Sums of pieces, by (key, currency) and whether they are verified. Each list is that of an Earned."""

    totals: dict[tuple[Key, str], tuple[list[int], list[int]]] = field(default_factory=dict)

    def add(self, key: Key, order: Order, piece: Piece, *, refunded: bool) -> None:
        """Add a piece of an order."""
        place = key, order.currency
        both = self.totals.get(place)
        if both is None:
            both = self.totals[place] = [0] * 10, [0] * 10
        sums = both[order.verified]
        way = 1 + _WAYS.index(piece.way)
        if refunded:
            sums[8] += piece.credit
        else:
            sums[0] += piece.credit
            sums[way] += piece.credit
        sums[4] += piece.value
        sums[4 + way] += piece.value
        sums[9] += piece.taken

    def rows(self) -> Iterator[tuple[Key, str, Earned, Earned]]:
        """Yield (key, currency, verified, unverified)."""
        for (key, currency), (unverified, verified) in self.totals.items():
            yield key, currency, Earned(*verified), Earned(*unverified)


@dataclass(slots=True)
class Shared:
    """What all orders earned; keys are () of totals, (goal), (campaign), and (campaign, link)."""

    totals: Sums = field(default_factory=Sums)
    goals: Sums = field(default_factory=Sums)
    campaigns: Sums = field(default_factory=Sums)
    links: Sums = field(default_factory=Sums)


def add_up(
    found: Shared,
    orders: Iterable[Order],
    touches_of: Callable[[Order], Sequence[Touch]],
    rule: Rule,
    campaign_id: int | None = None,
) -> None:
    """Add what orders earned, or what a campaign earned of them.

    A campaign has what its touches earned, and orders without a touch in the window that it led to.
    """
    totals, goals, campaigns, links = found.totals, found.goals, found.campaigns, found.links
    for order in orders:
        refunded = order.is_refunded
        for piece in pieces(order, touches_of(order), rule):
            if campaign_id is not None and piece.campaign_id != campaign_id:
                continue
            totals.add((), order, piece, refunded=refunded)
            goals.add((order.goal,), order, piece, refunded=refunded)
            campaigns.add((piece.campaign_id,), order, piece, refunded=refunded)
            if piece.link is not None:
                links.add((piece.campaign_id, piece.link), order, piece, refunded=refunded)
