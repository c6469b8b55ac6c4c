"""What is new for a webhook, in the order in which it was stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pixeltrack.store import Hook, Store
from pixeltrack.store.exports import Arrived
from pixeltrack.store.hooks import Fed

_ALWAYS = 1 << 62
HIT_KINDS = ("open", "click")


class Point(NamedTuple):
    """How far somebody is: up to which hit, and which row of the feed."""

    hit: int
    told: int


class New(NamedTuple):
    """Something that was stored, and the point behind it. ``what`` is None where it is nothing to tell of."""

    point: Point
    what: Arrived | Fed | None


def new(store: Store, hook: Hook, end: Point | None) -> Iterator[New]:
    """Yield what was stored after the place of a webhook, up to an end, or to what is there now.

    It stops before a hit that nobody has judged yet: what is passed over is never told.
    """
    last = end.hit if end else store.last_event()  # first: what the feed then has is not older
    point = Point(hook.hit, hook.told)
    wants_hits = any(hook.is_of(kind) for kind in HIT_KINDS)
    for row in store.feed(hook.told, end.told if end else None):
        if row.hit > point.hit:
            if wants_hits:
                for found in _hits(store, hook, point, row.hit):
                    yield found
                    point = found.point
                if point.hit < row.hit:
                    return
            point = Point(row.hit, point.told)
        point = Point(point.hit, row.number)
        yield New(point, row)
    if last > point.hit:
        if wants_hits:
            yield from _hits(store, hook, point, last)
        else:
            yield New(Point(last, point.told), None)


def _hits(store: Store, hook: Hook, point: Point, upto: int) -> Iterator[New]:
    for reached, arrived in store.in_order(
        hook.campaign_id or None, -_ALWAYS, _ALWAYS, upto, after=point.hit
    ):
        for each in arrived:
            if not each.judgement:
                return
            yield New(Point(each.fact.event_id, point.told), each)
        yield New(Point(reached, point.told), None)
