"""Counting a campaign's judged hits, one message at a time: unique needs no set of all recipients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pixeltrack.agents import describe
from pixeltrack.cells import Cells, Delta, Rollup
from pixeltrack.estimates import BITS, BOTH
from pixeltrack.judging import Fact, Label, Verdict
from pixeltrack.model import EventKind
from pixeltrack.replay import HOUR

Hit = tuple[int, int, int, str, int, str]  # at (ms UTC), kind, link, agent, flags, network
_Alike = tuple[str, int, tuple[tuple[int, int, str, int], ...]]  # provider, axes; hits without moments
Ground = tuple[Label, str]  # a verdict's label and the reason that decided
_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_MOST_ALIKE = 20_000  # sorts of messages that are held
_HUMAN, _UNKNOWN, _TEST = BITS["human"], BITS["unknown"], BITS["test"]


class Home(NamedTuple):
    """Where a recipient's mailbox is: the provider, or other domains; and then the domain, in lower case.

    Both are empty where the recipient is not known. ``axes`` are as of ``estimates.Seen``.
    """

    provider: str = ""
    company: str = ""
    axes: int = BOTH


NO_HOME = Home()


def hit_of(fact: Fact) -> Hit:
    """Return what is counted of a hit."""
    return fact[2:8]


@dataclass(slots=True)
class Count:
    """The counting itself, by the numbers of verdicts that ``judgements`` tells."""

    judgements: Mapping[int, Verdict]
    first: int | None = None  # of people's hits, ms UTC
    last: int | None = None
    begun: int | None = None  # the first hit, a machine's too
    gone_first: int | None = None  # of people's hits that were taken away
    gone_last: int | None = None
    _previews: int = 0
    _hits: dict[int, list[int]] = field(default_factory=dict)  # opens and clicks by verdict, at their kind
    _hours: list[Counter[int]] = field(default_factory=lambda: [Counter(), Counter(), Counter()])  # by kind
    _asides: Counter[frozenset[Ground]] = field(default_factory=Counter)  # messages
    _readers: Counter[frozenset[tuple[int, str]]] = field(default_factory=Counter)  # by kinds and agents
    _seen: Counter[tuple[int, int, str, int]] = field(default_factory=Counter)  # messages
    _link_people: Counter[int] = field(default_factory=Counter)
    _link_clicks: Counter[int] = field(default_factory=Counter)
    _link_machines: Counter[int] = field(default_factory=Counter)
    _companies: Counter[tuple[str, int]] = field(default_factory=Counter)  # messages with people's hits
    _alike: Counter[_Alike] = field(default_factory=Counter)  # messages that are yet to be added up
    _known: dict[int, tuple[int, Ground]] = field(default_factory=dict)
    _bits: dict[int, int] = field(default_factory=dict)
    _numbers: dict[tuple[int, Ground], int] = field(default_factory=dict)  # once one is asked for

    def __post_init__(self) -> None:
        self.know(self.judgements)

    def know(self, judgements: Mapping[int, Verdict]) -> None:
        """Learn verdicts by their numbers, of which another program may have added some meanwhile."""
        for number, verdict in judgements.items():
            self._known[number] = BITS[verdict.label], (verdict.label, verdict.reason)
            self._bits[number] = BITS[verdict.label]

    def add(self, hits: Sequence[Hit], judged: Sequence[int], home: Home = NO_HOME, times: int = 1) -> None:
        """Count the hits of one message, given the numbers of their verdicts; -1 ``times`` takes them away.

        A hit that nobody has judged yet (0) is left for the next time. ``home`` is the recipient's.
        """
        if len(hits) == 1 and judged[0]:
            self._add_one(hits[0], judged[0], home, times)
            return
        bits, moments, alike, kinds = self._bits, [], [], 0
        for (at, kind, link, agent, _flags, _network), judgement in zip(hits, judged, strict=True):
            if not judgement:
                continue
            alike.append((kind, link, agent, judgement))
            bit = bits[judgement]
            if bit == _HUMAN:
                moments.append(at)
                kinds |= kind
                self._hours[kind][at // HOUR] += times
            elif bit == _TEST:
                continue
            if self.begun is None or at < self.begun:
                self.begun = at
        if moments:
            self._note(min(moments), max(moments), times)
            if home.company:
                self._companies[home.company, kinds] += times
        self._alike[home.provider, home.axes, tuple(alike)] += times
        if len(self._alike) > _MOST_ALIKE:
            self._add_up()

    def _add_one(self, hit: Hit, judgement: int, home: Home, times: int) -> None:
        """Do as ``add`` does: most messages have one hit, and this takes a third of the time."""
        at, kind, link, agent, _flags, _network = hit
        bit = self._bits[judgement]
        if bit == _HUMAN:
            self._hours[kind][at // HOUR] += times
            self._note(at, at, times)
            if home.company:
                self._companies[home.company, kind] += times
        if bit != _TEST and (self.begun is None or at < self.begun):
            self.begun = at
        self._alike[home.provider, home.axes, ((kind, link, agent, judgement),)] += times
        if len(self._alike) > _MOST_ALIKE:
            self._add_up()

    def _add_up(self) -> None:
        """Count what messages are alike in: all but the moments of their hits."""
        for (provider, axes, hits), times in self._alike.items():
            self._add(hits, provider, axes, times)
        self._alike.clear()

    def _add(self, hits: Iterable[tuple[int, int, str, int]], provider: str, axes: int, times: int) -> None:
        known, counted = self._known, self._hits
        seen = [0, 0, 0]  # labels by kind
        people: set[tuple[int, str]] = set()
        links: set[int] = set()
        aside: set[Ground] = set()
        for kind, link, agent, judgement in hits:
            bit, ground = known[judgement]
            if bit == _TEST:
                self._previews += times
                continue
            if judgement not in counted:
                counted[judgement] = [0, 0, 0]
            counted[judgement][kind] += times
            seen[kind] |= bit
            if bit != _HUMAN:
                aside.add(ground)
                if bit != _UNKNOWN:
                    self._link_machines[link] += times
                continue
            people.add((kind, agent))
            if kind == _CLICK:
                links.add(link)
                self._link_clicks[link] += times
        if aside:
            self._asides[frozenset(aside)] += times
        if people:
            self._readers[frozenset(people)] += times
        for link in links:
            self._link_people[link] += times
        if seen[_OPEN] or seen[_CLICK]:
            self._seen[seen[_OPEN], seen[_CLICK], provider, axes] += times

    def _note(self, first: int, last: int, times: int) -> None:
        """Note the first and the last of a person's hits."""
        if times < 0:
            if self.gone_first is None or first < self.gone_first:
                self.gone_first = first
            if self.gone_last is None or last > self.gone_last:
                self.gone_last = last
            return
        if self.first is None or first < self.first:
            self.first = first
        if self.last is None or last > self.last:
            self.last = last

    def number(self, verdict: Verdict) -> int:
        """Return the number by which hits with a verdict are counted, be it stored or not."""
        known = BITS[verdict.label], (verdict.label, verdict.reason)
        if not self._numbers:
            self._numbers = {each: number for number, each in self._known.items()}
        if known not in self._numbers:
            number = max(self._known, default=0) + 1
            self._numbers[known], self._known[number], self._bits[number] = number, known, known[0]
        return self._numbers[known]

    def add_hits(self, hits: Sequence[Hit], judged: Sequence[int], times: int = 1) -> None:
        """Count the hits of a message whose person is counted already, and nothing of the person."""
        for hit, judgement in zip(hits, judged, strict=True):
            if not judgement:
                continue
            self.add_alike(hit, judgement, times)
            bit = self._bits[judgement]
            if bit == _HUMAN:
                self._note(hit[0], hit[0], times)
            if bit != _TEST and (self.begun is None or hit[0] < self.begun):
                self.begun = hit[0]

    def add_alike(self, hit: Hit, judgement: int, more: int) -> None:
        """Count so many more hits like one that is counted, in its hour."""
        at, kind, link, _agent, _flags, _network = hit
        bit, _ground = self._known[judgement]
        if bit == _TEST:
            self._previews += more
            return
        if judgement not in self._hits:
            self._hits[judgement] = [0, 0, 0]
        self._hits[judgement][kind] += more
        if bit == _HUMAN:
            self._hours[kind][at // HOUR] += more
            if kind == _CLICK:
                self._link_clicks[link] += more
        elif bit != _UNKNOWN:
            self._link_machines[link] += more

    def cells(self) -> Cells:
        """Return what was counted, without zeros."""
        self._add_up()
        cells: Cells = Counter()
        if self._previews:
            cells["preview",] = self._previews
        for judgement, by_kind in self._hits.items():
            for kind in (_OPEN, _CLICK):
                cells["hit", kind, *self._known[judgement][1]] += by_kind[kind]
        for kind in (_OPEN, _CLICK):
            for hour, hits in self._hours[kind].items():
                cells["hour", kind, hour] = hits
        for grounds, messages in self._asides.items():
            for ground in grounds:
                cells["aside", *ground] += messages
        for seen, messages in self._seen.items():
            cells["seen", *(seen[:3] if seen[3] == BOTH else seen)] = messages
        for of_company, messages in self._companies.items():
            cells["company", *of_company] = messages
        for agents, people in self._readers.items():
            self._describe(cells, agents, people)
        for sort, counted in (
            ("reader", self._link_people),
            ("click", self._link_clicks),
            ("machine", self._link_machines),
        ):
            for link, number in counted.items():
                cells[sort, link] = number
        return Counter({cell: number for cell, number in cells.items() if number})

    def rollup(self) -> Rollup:
        """Return what was counted, of hits none of which were taken away."""
        return Rollup(self.cells(), self.begun, self.first, self.last)

    def delta(self) -> Delta:
        """Return what was counted and taken away."""
        return Delta(self.cells(), self.begun, self.first, self.last, self.gone_first, self.gone_last)

    def _describe(self, cells: Cells, agents: frozenset[tuple[int, str]], people: int) -> None:
        """Count devices and programs of people alike; "hidden" counts only where nothing is known."""
        facts = [(kind, describe(agent)) for kind, agent in agents]
        hidden = {fact.hidden for _kind, fact in facts if fact.hidden}
        fallback = hidden or {"unknown"}
        clients = {fact.client or "webmail or browser" for kind, fact in facts if kind != _CLICK}
        for sort, names in (
            ("device", {fact.device for _kind, fact in facts if fact.device} or fallback),
            ("system", {fact.os for _kind, fact in facts if fact.os} or fallback),
            ("browser", {fact.browser for _kind, fact in facts if fact.browser}),
            ("client", clients),
        ):
            for name in names:
                cells[sort, name] += people
