"""Counting a campaign's judged hits, one message at a time: unique needs no set of all recipients."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pixeltrack.agents import describe
from pixeltrack.estimates import BITS, Seen
from pixeltrack.figures import Tally
from pixeltrack.judging import Label, Verdict
from pixeltrack.model import EventKind
from pixeltrack.replay import HOUR

Hit = tuple[int, int, int, str, int]  # at (ms UTC), kind, link, agent, number of its verdict
Ground = tuple[Label, str]  # a verdict's label and the reason that decided
_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_HUMAN, _UNKNOWN, _TEST = BITS["human"], BITS["unknown"], BITS["test"]


@dataclass(slots=True)
class Count:
    """The counting itself. ``finish`` once all messages are added."""

    judgements: Mapping[int, Verdict]
    providers: Mapping[int, str] = field(default_factory=dict)  # by message
    grounds: Counter[tuple[int, Ground]] = field(default_factory=Counter)  # hits by kind
    aside: Counter[Ground] = field(default_factory=Counter)  # messages, people's left out
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)  # people's hits by hour and kind
    devices: Counter[str] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    browsers: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    link_people: Counter[int] = field(default_factory=Counter)
    link_clicks: Counter[int] = field(default_factory=Counter)
    link_machines: Counter[int] = field(default_factory=Counter)
    messages: Counter[Seen] = field(default_factory=Counter)
    previews: int = 0
    first: int | None = None
    last: int | None = None
    begun: int | None = None  # the first hit, a machine's too
    _hits: dict[int, list[int]] = field(default_factory=dict)  # opens and clicks by verdict, at their kind
    _hours: list[Counter[int]] = field(default_factory=lambda: [Counter(), Counter(), Counter()])  # by kind
    _asides: Counter[frozenset[Ground]] = field(default_factory=Counter)  # messages
    _readers: Counter[frozenset[tuple[int, str]]] = field(default_factory=Counter)  # by kinds and agents
    _known: dict[int, tuple[int, Ground]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for number, verdict in self.judgements.items():
            self._known[number] = BITS[verdict.label], (verdict.label, verdict.reason)

    def tally(self, kind: EventKind, *labels: Label) -> Tally:
        """Return the messages with a hit of one of the labels, and all such hits."""
        wanted = sum(BITS[label] for label in labels)
        total = sum(hits for (of, ground), hits in self.grounds.items() if of == kind and ground[0] in labels)
        unique = sum(
            messages
            for seen, messages in self.messages.items()
            if (seen.opens if kind == _OPEN else seen.clicks) & wanted
        )
        return Tally(unique, total)

    def add(self, message: int, hits: Iterable[Hit]) -> None:
        """Count the hits of one message. One that nobody has judged yet is left for the next time."""
        known, counted = self._known, self._hits
        seen = [0, 0, 0]  # labels by kind
        people: set[tuple[int, str]] = set()
        links: set[int] = set()
        aside: set[Ground] = set()
        for at, kind, link, agent, judgement in hits:
            if not judgement:
                continue
            bit, ground = known[judgement]
            if bit == _TEST:
                self.previews += 1
                continue
            if judgement not in counted:
                counted[judgement] = [0, 0, 0]
            counted[judgement][kind] += 1
            seen[kind] |= bit
            if self.begun is None or at < self.begun:
                self.begun = at
            if bit != _HUMAN:
                aside.add(ground)
                if bit != _UNKNOWN:
                    self.link_machines[link] += 1
                continue
            people.add((kind, agent))
            self._hours[kind][at // HOUR] += 1
            if self.first is None or self.last is None:
                self.first = self.last = at
            elif at < self.first:
                self.first = at
            elif at > self.last:
                self.last = at
            if kind == _CLICK:
                links.add(link)
                self.link_clicks[link] += 1
        if aside:
            self._asides[frozenset(aside)] += 1
        if people:
            self._readers[frozenset(people)] += 1
        for link in links:
            self.link_people[link] += 1
        if seen[_OPEN] or seen[_CLICK]:
            self.messages[Seen(seen[_OPEN], seen[_CLICK], self.providers.get(message, ""))] += 1

    def number(self, verdict: Verdict) -> int:
        """Return the number by which hits with a verdict are counted, be it stored or not."""
        known = BITS[verdict.label], (verdict.label, verdict.reason)
        found = next((number for number, each in self._known.items() if each == known), None)
        if found is None:
            found = max(self._known, default=0) + 1
            self._known[found] = known
        return found

    def add_alike(self, hit: Hit, more: int) -> None:
        """Count so many more hits like one that is counted, in its hour."""
        at, kind, link, _agent, judgement = hit
        bit, _ground = self._known[judgement]
        if bit == _TEST:
            self.previews += more
            return
        self._hits[judgement][kind] += more
        if bit == _HUMAN:
            self._hours[kind][at // HOUR] += more
            if kind == _CLICK:
                self.link_clicks[link] += more
        elif bit != _UNKNOWN:
            self.link_machines[link] += more

    def finish(self) -> None:
        """Work out what needs each sort of message once."""
        for judgement, by_kind in self._hits.items():
            for kind in (_OPEN, _CLICK):
                if by_kind[kind]:
                    self.grounds[kind, self._known[judgement][1]] += by_kind[kind]
        for kind in (_OPEN, _CLICK):
            for hour, hits in self._hours[kind].items():
                self.hours[hour, kind] += hits
        for grounds, messages in self._asides.items():
            for ground in grounds:
                self.aside[ground] += messages
        for agents, people in self._readers.items():
            self._describe(agents, people)

    def _describe(self, agents: frozenset[tuple[int, str]], people: int) -> None:
        """Count devices and programs of people alike; "hidden" counts only where nothing is known."""
        facts = [(kind, describe(agent)) for kind, agent in agents]
        hidden = {fact.hidden for _kind, fact in facts if fact.hidden}
        fallback = hidden or {"unknown"}
        clients = {fact.client or "webmail or browser" for kind, fact in facts if kind != _CLICK}
        for counted, names in (
            (self.devices, {fact.device for _kind, fact in facts if fact.device} or fallback),
            (self.systems, {fact.os for _kind, fact in facts if fact.os} or fallback),
            (self.browsers, {fact.browser for _kind, fact in facts if fact.browser}),
            (self.clients, clients),
        ):
            for name in names:
                counted[name] += people
