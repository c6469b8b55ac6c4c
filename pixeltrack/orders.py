"""Orders from what sites have said of them: an order itself, and its refunds and corrections."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import NamedTuple

from pixeltrack.attribution import Order


class Said(NamedTuple):
    """One thing that a site has said, as it is stored; amounts are ten-thousandths, times ms UTC.

    ``entry`` is empty of the order itself, else the name of a refund or correction; ``whole`` takes back all
    of the order. What has no order's number stands for itself, whatever its entry. Campaign and message are
    0 where they are not known, the message also where it is counted with others. ``repeats`` are further
    calls of the same, ``contradicted`` those of them that differed.
    """

    goal: str
    order: str
    entry: str
    at: int
    value: int
    currency: str
    whole: bool
    campaign_id: int
    message: int
    verified: bool
    repeats: int = 0
    contradicted: int = 0


@dataclass(frozen=True, slots=True)
class Orders:
    """Orders in order of time, and what of all that was said is in none of them.

    ``repeats`` and ``contradicted`` are sums. ``stray`` are refunds and corrections of orders that nobody has
    told of, or in another currency than theirs; ``unproved`` those without a signature, of orders with one.
    """

    orders: tuple[Order, ...]
    repeats: int
    contradicted: int
    stray: int
    unproved: int


def gather(said: Iterable[Said]) -> Orders:
    """Return the orders of what was said, which may come in any sequence.

    What takes something from an order needs as good a proof as the order has: else anybody who knows its
    number could take it back.
    """
    own: dict[tuple[str, str], Said] = {}
    changes: defaultdict[tuple[str, str], list[Said]] = defaultdict(list)
    repeats = contradicted = stray = unproved = 0
    for each in said:
        repeats += each.repeats
        contradicted += each.contradicted
        if not each.order:
            own[each.goal, f"\0{each.entry}"] = each
        elif each.entry:
            changes[each.goal, each.order].append(each)
        else:
            own[each.goal, each.order] = each
    orders = []
    for place, its in own.items():
        if place not in changes:
            orders.append(_order(its, (), cancelled=False))
            continue
        corrections: list[int] = []
        cancelled = False
        for change in changes.pop(place):
            if its.verified and not change.verified:
                unproved += 1
            elif change.whole:
                cancelled = True
            elif change.currency != its.currency:
                stray += 1
            else:
                corrections.append(change.value)
        orders.append(_order(its, tuple(sorted(corrections)), cancelled=cancelled))
    stray += sum(map(len, changes.values()))
    orders.sort(key=attrgetter("at", "goal", "order", "campaign_id", "message"))
    return Orders(tuple(orders), repeats, contradicted, stray, unproved)


def _order(its: Said, corrections: tuple[int, ...], *, cancelled: bool) -> Order:
    return Order(
        *(its.goal, its.order, its.at, its.value, its.currency, corrections),
        *(its.verified, cancelled, its.campaign_id, its.message),
    )
