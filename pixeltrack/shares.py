"""Adding up what orders earned: by goal, by campaign and by link, for one campaign or for all."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pixeltrack.attribution import ONE, Order, Rule, Touch, Way, attribute
from pixeltrack.earned import Earned

_PLACES: dict[Way, int] = {"click": 1, "view": 2, "none": 3}


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
    at = order.at
    first = bisect_left(touches, (at - rule.window,))
    way, shares = attribute(order, touches[first : bisect_left(touches, (at + 1,), first)], rule)
    if not shares:
        yield Piece(order.campaign_id, None, way, ONE, order.net, order.value - order.net, None)
    for touch, credit, value, taken in shares:
        yield Piece(touch.campaign_id, touch.link, way, credit, value, taken, touch)


class Cell(NamedTuple):
    """What sums are told apart by."""

    goal: str
    campaign_id: int
    link: int | None
    currency: str
    verified: bool
    way: Way
    refunded: bool


Sums = dict[Cell, list[int]]  # credit, value and what was taken


def add_up(orders: Iterable[Order], touches_of: Callable[[Order], Sequence[Touch]], rule: Rule) -> Sums:
    """Return what orders earned."""
    found: dict[tuple[object, ...], list[int]] = {}
    for order in orders:
        refunded = order.is_refunded
        for campaign, link, way, credit, value, taken, _touch in pieces(order, touches_of(order), rule):
            cell = order.goal, campaign, link, order.currency, order.verified, way, refunded
            sums = found.get(cell)
            if sums is None:
                sums = found[cell] = [0, 0, 0]
            sums[0] += credit
            sums[1] += value
            sums[2] += taken
    return {Cell._make(cell): sums for cell, sums in found.items()}


Key = tuple[str | int, ...]


def by(sums: Sums, key: Callable[[Cell], Key | None]) -> Iterator[tuple[Key, str, Earned, Earned]]:
    """Yield (key, currency, verified, unverified) of cells by a key; without those of which it is None."""
    totals: dict[tuple[Key, str], tuple[list[int], list[int]]] = {}
    for cell, (credit, value, taken) in sums.items():
        its = key(cell)
        if its is None:
            continue
        earned = totals.setdefault((its, cell.currency), ([0] * 10, [0] * 10))[cell.verified]
        place = _PLACES[cell.way]
        for at in (8,) if cell.refunded else (0, place):
            earned[at] += credit
        for at in (4, 4 + place):
            earned[at] += value
        earned[9] += taken
    for (its, currency), (unverified, verified) in totals.items():
        yield its, currency, Earned(*verified), Earned(*unverified)
