"""Hits beyond their URL's share of an hour, which were not kept one by one: judged, and counted.

Of each count the first and the last hit are judged with all others of the message, as if they were
kept; those between are like the last. Messages with counts are few, and judged at each report.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from pixeltrack import rollups, verdicts
from pixeltrack.cells import Rollup, by_sort, least, most
from pixeltrack.count import NO_HOME, Count, Home, hit_of
from pixeltrack.judging import Context, Fact, Judge, Verdict, judge_of
from pixeltrack.model import Flag, Repeat
from pixeltrack.rules import rules
from pixeltrack.store import Store


class Judged(NamedTuple):
    """A hit, how many more there were like it, and what it is taken for; a made one has the number 0."""

    fact: Fact
    more: int
    verdict: Verdict


class Repeats:
    """The counts of one campaign.

    ``hits`` and ``urls`` are how many there were from ``since`` to before ``until`` (ms UTC), tests left out.
    """

    def __init__(self, store: Store, campaign_id: int, since: int = -(1 << 62), until: int = 1 << 62) -> None:
        self._store, self._campaign_id = store, campaign_id
        self._counts: defaultdict[int, list[Repeat]] = defaultdict(list)
        for repeat in store.repeats(campaign_id):
            self._counts[repeat.message].append(repeat)
        real = [
            each
            for counts in self._counts.values()
            for each in counts
            if not each.flags & Flag.PREVIEW and since <= each.first_at < until
        ]
        self.hits = sum(repeat.hits for repeat in real)
        self.urls = len({(repeat.message, repeat.kind, repeat.link) for repeat in real})
        if since == -(1 << 62) and until == 1 << 62 and (kept := store.kept(campaign_id)):
            self.hits += kept.rollup.cells["repeated", "hits"]
            self.urls += kept.rollup.cells["repeated", "urls"]

    def applied(self, stored: Rollup) -> Rollup:
        """Return a campaign's figures with those of these messages counted anew, with all their hits."""
        if not self._counts:
            return stored
        homes = rollups.homes(self._store, self._campaign_id, self._counts)
        kept = self._kept()
        judged = {
            message: self._store.judgements_of(fact.event_id for fact in facts)
            for message, facts in kept.items()
        }
        judgements = self._store.judgements()  # no sooner: hits may have been judged since
        gone, count = Count(judgements), Count(judgements)
        later = self._store.later(self._campaign_id, {each: _first(kept[each]) for each in self._counts})
        for message, found in self._judged(kept):
            home = homes.get(message, NO_HOME)
            if message in judged:
                stored_hits = [hit_of(fact) for fact in kept[message]]
                if message in later:
                    gone.add_hits(stored_hits, judged[message], -1)
                else:
                    gone.add(stored_hits, judged[message], home, -1)
            add(count, found, home, alone=message in later)
        return self._replaced(stored, gone, count)

    @property
    def messages(self) -> frozenset[int]:
        """The messages with counts, whose kept hits are judged again with these."""
        return frozenset(self._counts)

    def judged(self) -> Iterator[tuple[int, list[Judged]]]:
        """Yield each message with counts, with all its hits in order of time."""
        if self._counts:
            yield from self._judged(self._kept())

    def _kept(self) -> defaultdict[int, list[Fact]]:
        """Return the hits of these messages that are kept one by one."""
        kept: defaultdict[int, list[Fact]] = defaultdict(list)
        places = [(self._campaign_id, message) for message in self._counts]
        for _campaign, fact in self._store.facts_of(places, self._store.last_event()):
            kept[fact.message].append(fact)
        return kept

    def _judged(self, kept: Mapping[int, list[Fact]]) -> Iterator[tuple[int, list[Judged]]]:
        judge, context = judge_of(rules()), verdicts.contexts(self._store)[self._campaign_id]
        for message, counts in self._counts.items():
            yield message, judged_together(judge, context, kept[message], counts)

    def _replaced(self, stored: Rollup, gone: Count, added: Count) -> Rollup:
        cells = Counter(stored.cells)
        cells.update(gone.cells())
        hours = [int(hour) for (_kind, hour), hits in by_sort(cells)["hour"].items() if hits]
        first, last = self._store.people_moments(self._campaign_id, hours, self._counts)
        cells.update(added.cells())
        return Rollup(
            Counter({cell: number for cell, number in cells.items() if number}),
            least(stored.begun, added.begun),
            least(first, added.first),
            most(last, added.last),
        )


def judged_together(
    judge: Judge, context: Context, facts: Iterable[Fact], counts: Iterable[Repeat]
) -> list[Judged]:
    """Judge a message's hits, those that are kept one by one and those that are counted, in order of time."""
    made: list[tuple[Fact, int]] = [(fact, 0) for fact in facts]
    for repeat in counts:
        made.append((_fact(repeat, repeat.first_at), 0))
        if repeat.hits > 1:
            made.append((_fact(repeat, repeat.last_at), repeat.hits - 2))
    made.sort(key=lambda each: each[0].at)
    found = judge.message([fact for fact, _more in made], context)
    return [Judged(fact, more, verdict) for (fact, more), verdict in zip(made, found, strict=True)]


def add(count: Count, found: Iterable[Judged], home: Home, times: int = 1, *, alone: bool = False) -> None:
    """Count a message's hits with all that are like them; ``alone`` nothing of its person."""
    found = list(found)
    hits, numbers = [hit_of(each.fact) for each in found], [count.number(each.verdict) for each in found]
    if alone:
        count.add_hits(hits, numbers, times)
    else:
        count.add(hits, numbers, home, times)
    for hit, number, each in zip(hits, numbers, found, strict=True):
        if each.more:
            count.add_alike(hit, number, each.more * times)


def _first(facts: Iterable[Fact]) -> int:
    """Return the number of the first of a message's hits; beyond all where only counts are left of them."""
    return min((fact.event_id for fact in facts), default=1 << 62)


def _fact(repeat: Repeat, at: int) -> Fact:
    return Fact(
        *(0, repeat.message, at, repeat.kind, repeat.link, repeat.agent, repeat.flags),
        *(repeat.network, 0),
    )
