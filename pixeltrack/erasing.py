"""Deleting hits so that campaigns' totals stay: old ones, and those of people who are erased.

What the hits of a message are counted for is moved to its campaign's kept totals in the transaction that
deletes them. While other hits of the message are there its person stays counted, once: those hits, and
any that come later, count as hits and no more. So they do where all hits of a message were deleted as old
and another one comes: whether that person is counted already is what nobody may know any more.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable
from operator import attrgetter
from typing import NamedTuple

from pixeltrack import rollups, verdicts
from pixeltrack.cells import Cells, Delta, Rollup
from pixeltrack.count import NO_HOME, Count, Home, hit_of
from pixeltrack.judging import Fact, judge_of
from pixeltrack.model import Flag, Repeat
from pixeltrack.providers import OTHER, provider_of
from pixeltrack.repeated import add, judged_together
from pixeltrack.rules import rules
from pixeltrack.store import Deletion, Moved, RepeatRow, State, Store

_AT_ONCE = 500  # messages of which counts are deleted in one transaction

Place = tuple[int, int]  # campaign and message
Progress = Callable[[int], None]
_by_time = attrgetter("at", "event_id")


def delete_before(store: Store, before: int, progress: Progress | None = None) -> Counter[str]:
    """Delete all hits from before a time (ms UTC, a whole hour); return how many rows of which tables.

    They must be judged, by the rules in use. In short transactions, so that a collector may run beside
    it; what is interrupted is gone on with. ``progress`` is told how many thousands are looked through.
    """
    deleted = Counter[str]()
    with store.relaxed():
        for done, chunk in enumerate(store.old_chunks(before), start=1):
            deleted += _delete(store, store.old_places(chunk, before), before)
            if progress:
                progress(done)
        while places := store.old_repeat_places(before, _AT_ONCE):
            deleted += _delete(store, places, before)
    return deleted


def delete_messages(store: Store, places: Collection[Place], *, rows: bool = False) -> Counter[str]:
    """Delete all judged hits of some messages, and with ``rows`` the messages.

    Returns how many rows of which tables.

    Campaigns' totals stay, and with the messages how many were sent. Whoever is erased must be silenced
    before: a hit that comes later would be counted as somebody else's.
    """
    wanted = list(places)
    parts = [wanted[start : start + _AT_ONCE] for start in range(0, len(wanted), _AT_ONCE)]
    deleted = Counter[str]()
    for part in parts:
        deleted += _delete(store, part, None, rows=rows)
    return deleted


def _delete(store: Store, places: Iterable[Place], before: int | None, *, rows: bool = False) -> Counter[str]:
    """Delete what is old of some messages in one transaction, and as often as others are in the way."""
    wanted = list(places)
    while wanted:
        state = store.judging_state()
        if state is None:
            verdicts.bring_up_to_date(store)
            continue
        try:
            rollups.keep(store, state, {campaign for campaign, _message in wanted})
            deletion = _Count(store, state, wanted, before).deletion()
            if rows:
                deletion.audience = {place: _domain(store, place) for place in wanted}
            if not (deletion.places or deletion.audience):
                break
            return Counter(store.delete_keeping_totals(state, deletion, rollups.version()))
        except Moved:
            continue
    return Counter()


def _domain(store: Store, place: Place) -> str:
    """Return what is kept of where an erased person's mailbox was: nothing that few people share."""
    domain = store.domain_of(place)
    shown = rollups.audience(store, place[0]).companies
    return domain if provider_of(domain) != OTHER or domain in shown else ""


class _Hits(NamedTuple):
    """The hits of one message: those that are kept one by one with their verdicts, and the counts."""

    facts: list[Fact]
    judged: list[int]
    counts: list[RepeatRow]

    def some(self, wanted: Callable[[int], bool]) -> _Hits:
        """Return the hits at some times."""
        chosen = [wanted(fact.at) for fact in self.facts]
        return _Hits(
            [fact for fact, yes in zip(self.facts, chosen, strict=True) if yes],
            [number for number, yes in zip(self.judged, chosen, strict=True) if yes],
            [row for row in self.counts if wanted(row.hour)],
        )


class _Count:
    """What some messages' hits are counted for, with and without those that are to be deleted."""

    def __init__(self, store: Store, state: State, places: list[Place], before: int | None) -> None:
        self._store, self._before = store, before
        self._judge, self._contexts = judge_of(rules()), verdicts.contexts(store)
        facts: defaultdict[Place, list[Fact]] = defaultdict(list)
        for campaign, fact in store.facts_of(places, state.through):
            facts[campaign, fact.message].append(fact)
        counts: defaultdict[Place, list[RepeatRow]] = defaultdict(list)
        for row in store.repeats_of(places):
            counts[row.campaign_id, row.message].append(row)
        self._hits: dict[Place, _Hits] = {}
        for place in dict.fromkeys(places):
            its = sorted(facts[place], key=_by_time)
            judged = store.judgements_of(fact.event_id for fact in its)
            self._hits[place] = _Hits(its, judged, counts[place])

    def deletion(self) -> Deletion:
        """Return what is to be deleted, and what that changes."""
        found = Deletion(gone_before=self._before)
        by_campaign: defaultdict[int, list[Place]] = defaultdict(list)
        for place in self._hits:
            by_campaign[place[0]].append(place)
        for campaign_id, places in by_campaign.items():
            self._of_campaign(campaign_id, places, found)
        return found

    def _of_campaign(self, campaign_id: int, places: list[Place], found: Deletion) -> None:
        store, judgements = self._store, self._store.judgements()
        homes = rollups.homes(store, campaign_id, (message for _campaign, message in places))
        firsts = {
            place[1]: min((fact.event_id for fact in self._hits[place].facts), default=1 << 62)
            for place in places
        }
        later = store.later(campaign_id, firsts)
        kept, stored, moments = Count(judgements), Count(judgements), Count(judgements)
        repeated = Counter[str]()
        for place in places:
            hits = self._hits[place]
            gone = hits.some(lambda at: self._before is None or at < self._before)
            left = hits.some(lambda at: self._before is not None and at >= self._before)
            if not (gone.facts or gone.counts):
                continue
            home, alone = homes.get(place[1], NO_HOME), place[1] in later
            self._add(kept, campaign_id, hits, home, 1, alone=alone)
            self._add(kept, campaign_id, left, home, -1, alone=True)
            _add_stored(stored, hits, home, -1, alone=alone)
            _add_stored(stored, left, home, 1, alone=True)
            self._add(moments, campaign_id, gone, home, 1, alone=True)
            repeated.update(_repeated(hits.counts))
            repeated.subtract(_repeated(left.counts))
            if gone.facts:
                found.events[place] = [fact.event_id for fact in gone.facts]
            found.repeats += gone.counts
            if left.facts or left.counts:
                found.partly.add(place)
        total = kept.cells()
        for what, number in repeated.items():
            total["repeated", what] += number
        total = _without_small(total, rollups.audience(store, campaign_id).companies)
        found.kept[campaign_id] = Rollup(total, moments.begun, moments.first, moments.last)
        change = Counter(total)
        change.update(stored.cells())
        cells = Counter({cell: number for cell, number in change.items() if number})
        found.deltas[campaign_id] = Delta(cells, moments.begun, moments.first, moments.last, None, None)

    def _add(
        self, count: Count, campaign_id: int, hits: _Hits, home: Home, times: int, *, alone: bool
    ) -> None:
        """Count a message's hits as reports do."""
        if not hits.counts:
            _add_stored(count, hits, home, times, alone=alone)
            return
        counts = [
            Repeat(
                *(row.message, row.kind, row.link, row.agent, row.flags, row.network),
                *(row.hits, row.first_at, row.last_at),
            )
            for row in hits.counts
        ]
        found = judged_together(self._judge, self._contexts[campaign_id], hits.facts, counts)
        add(count, found, home, times, alone=alone)


def _add_stored(count: Count, hits: _Hits, home: Home, times: int, *, alone: bool) -> None:
    """Count a message's hits as roll-ups do: those that are kept one by one."""
    seen = [hit_of(fact) for fact in hits.facts]
    if not seen:
        return
    if alone:
        count.add_hits(seen, hits.judged, times)
    else:
        count.add(seen, hits.judged, home, times)


def _repeated(counts: Iterable[RepeatRow]) -> dict[str, int]:
    """Return how many hits of people's mail are in counts, and of how many URLs."""
    real = [row for row in counts if not row.flags & Flag.PREVIEW]
    return {"hits": sum(row.hits for row in real), "urls": len({(row.kind, row.link) for row in real})}


def _without_small(cells: Cells, shown: Collection[str]) -> Cells:
    """Leave out domains of which reports say nothing, for too few people share them."""
    return Counter(
        {
            cell: number
            for cell, number in cells.items()
            if number and (cell[0] != "company" or cell[1] in shown)
        }
    )
