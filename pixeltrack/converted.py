"""Whose orders these are, and the touches before them: a person's on all of their mail, or a copy's alone."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

from pixeltrack.attribution import Order, Rule, Touch, touches
from pixeltrack.model import EventKind
from pixeltrack.repeated import Repeats
from pixeltrack.store import Store

Place = tuple[int, int]  # campaign and message
Owner = int | Place  # a recipient, or a copy that stands by itself


class Converted:
    """Who has converted, in all campaigns or among the people who got the mail of one."""

    def __init__(self, store: Store, campaign_id: int | None = None) -> None:
        self._store = store
        self._campaign = campaign_id
        self._people = store.converted(campaign_id)

    def is_meant(self, order: Order) -> bool:
        """Return whether an order may concern the campaign, and is not counted with others."""
        if not order.message:
            return not order.campaign_id and self._campaign is None
        return (order.campaign_id, order.message) in self._people

    def owner(self, order: Order) -> Owner | None:
        """Return whose order it is; None where that is not known."""
        place = order.campaign_id, order.message
        person = self._people.get(place)
        return person if person is not None else place if order.message else None

    def touches(self, orders: Iterable[Order], rule: Rule) -> dict[Owner | None, list[Touch]]:
        """Return the touches that lie in the window before any order of the same owner, in order of time.

        Opens only of who has an order without a click in its window: nobody else's count.
        """
        known = [order for order in orders if order.message]
        found: defaultdict[Owner | None, list[Touch]] = defaultdict(list)
        self._add(found, EventKind.CLICK, known, rule)
        without = [order for order in known if not _has(found.get(self.owner(order), ()), order, rule)]
        self._add(found, EventKind.OPEN, without, rule)
        for each in found.values():
            each.sort()
        return dict(found)

    def _add(
        self,
        found: defaultdict[Owner | None, list[Touch]],
        kind: EventKind,
        orders: Iterable[Order],
        rule: Rule,
    ) -> None:
        """Add the touches of a kind in the windows of some orders, sorted where they are clicks."""
        times: defaultdict[Owner, list[int]] = defaultdict(list)
        own: dict[Place, Owner] = {}
        for order in orders:
            place = order.campaign_id, order.message
            person = self._people.get(place)
            owner = own[place] = place if person is None else person
            times[owner].append(order.at)
        if not times:
            return
        for moments in times.values():
            moments.sort()
        first, last = min(its[0] for its in times.values()), max(its[-1] for its in times.values())
        again: set[Place] = set()
        window, new = rule.window, tuple.__new__
        for campaign in self._store.repeating():
            for owner, touch in self._repeated(campaign, kind, times, own, again):
                if _is_before(times[owner], touch.at, window):
                    found[owner].append(touch)
        people = [owner for owner in times if isinstance(owner, int)]
        for hits in self._store.hits_of_people(kind, people, own, first - window, last):
            for hit in hits:  # there may be a million, so this is all in one place
                at, campaign, message, _link, _kind, recipient, is_told = hit
                its = recipient if is_told and recipient in times else own.get((campaign, message))
                if its is None or not _is_before(times[its], at, window):
                    continue
                if (campaign, message) not in again:
                    found[its].append(new(Touch, hit[:5]))
        for each in found.values():
            each.sort()

    def _repeated(
        self,
        campaign_id: int,
        kind: EventKind,
        times: dict[Owner, list[int]],
        own: dict[Place, Owner],
        again: set[Place],
    ) -> Iterator[tuple[Owner, Touch]]:
        """Yield the touches on copies with hits that were only counted: these are judged with all others."""
        repeats = Repeats(self._store, campaign_id)
        people = self._store.people_of(campaign_id, repeats.messages)
        for message, judged in repeats.judged():
            again.add((campaign_id, message))
            recipient, kinds = people.get(message, (None, 0))
            owner = own.get((campaign_id, message))
            if recipient in times and kinds & kind:
                owner = recipient
            hits = ((fact.at, fact.kind, fact.link, verdict.label) for fact, _more, verdict in judged)
            if owner is not None:
                yield from (
                    (owner, touch) for touch in touches(campaign_id, message, hits) if touch.kind == kind
                )


def _is_before(moments: list[int], at: int, window: int) -> bool:
    """Return whether a moment lies in the window before any of some others, which stand in order."""
    following = bisect_left(moments, at)  # the first one that is not before it
    return following < len(moments) and moments[following] - at <= window


def _has(clicks: Sequence[Touch], order: Order, rule: Rule) -> bool:
    """Return whether any of some touches, in order of time, is in an order's window."""
    place = bisect_left(clicks, (order.at - rule.window,))
    return place < len(clicks) and clicks[place][0] <= order.at


def clickers(store: Store, campaign_id: int, messages: Collection[int]) -> set[int]:
    """Return those of some messages of a campaign that a person has clicked in."""
    repeats = Repeats(store, campaign_id)
    again = repeats.messages & set(messages)
    found = {
        message
        for message, judged in (repeats.judged() if again else ())
        if message in again
        and any(fact.kind == EventKind.CLICK and verdict.label == "human" for fact, _more, verdict in judged)
    }
    places = [(campaign_id, message) for message in messages if message not in again]
    wanted = set(places)
    for hits in store.hits_of_people(EventKind.CLICK, (), places, -(1 << 62), 1 << 62):
        found.update(hit[2] for hit in hits if (hit[1], hit[2]) in wanted)
    return found
