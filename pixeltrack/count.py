"""Counting a campaign's hits, one message at a time: judged, then added up."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from pixeltrack.agents import describe
from pixeltrack.classify import Label, Verdict, judge, loaded_by_sweeper, sweep
from pixeltrack.figures import Tally
from pixeltrack.model import EventKind, Flag, StoredEvent

HOUR = 3_600_000  # ms


@dataclass(slots=True)
class Count:
    """The counting itself, one message at a time: unique needs no set of all recipients."""

    honeypots: frozenset[int] = frozenset()  # links that nobody can see
    hits: Counter[tuple[EventKind, Verdict]] = field(default_factory=Counter)
    aside: Counter[Verdict] = field(default_factory=Counter)  # messages by verdict, people's left out
    messages: Counter[tuple[EventKind, tuple[Label, ...]]] = field(default_factory=Counter)
    hours: Counter[tuple[int, EventKind]] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    browsers: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    link_people: Counter[int] = field(default_factory=Counter)
    link_clicks: Counter[int] = field(default_factory=Counter)
    link_machines: Counter[int] = field(default_factory=Counter)
    clicked_without_open: int = 0
    previews: int = 0
    first: int | None = None
    last: int | None = None

    def tally(self, kind: EventKind, *labels: Label) -> Tally:
        total = sum(
            hits for (of, verdict), hits in self.hits.items() if of == kind and verdict.label in labels
        )
        unique = sum(
            messages
            for (of, seen), messages in self.messages.items()
            if of == kind and not set(labels).isdisjoint(seen)
        )
        return Tally(unique, total)

    def add(self, hits: Iterable[StoredEvent]) -> None:
        """Count the hits of one message, which come in order of time."""
        judged = self._judge(hits)
        labels: defaultdict[EventKind, set[Label]] = defaultdict(set)
        people: list[tuple[EventKind, str]] = []
        links: set[int] = set()
        for (_message, at, stored_kind, link, agent, _flags), verdict in judged:
            kind = EventKind(stored_kind)
            self.hits[kind, verdict] += 1
            labels[kind].add(verdict.label)
            if verdict.label != "human":
                self.link_machines[link] += verdict.label != "unknown"
                continue
            people.append((kind, agent))
            self.hours[at // HOUR * HOUR, kind] += 1
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)
            if kind == EventKind.CLICK:
                links.add(link)
                self.link_clicks[link] += 1
        self.aside.update({verdict for _hit, verdict in judged if verdict.label != "human"})
        self.link_people.update(links)
        for kind, seen in labels.items():
            self.messages[kind, tuple(sorted(seen))] += 1
        self.clicked_without_open += (
            "human" in labels[EventKind.CLICK] and "human" not in labels[EventKind.OPEN]
        )
        self._describe(people)

    def _judge(self, hits: Iterable[StoredEvent]) -> list[tuple[StoredEvent, Verdict]]:
        judged: list[tuple[StoredEvent, Verdict]] = []
        for hit in hits:
            flags = hit[5]
            if flags & Flag.PREVIEW:
                self.previews += 1
                continue
            verdict = judge(
                "open" if hit[2] == EventKind.OPEN else "click",
                hit[4],
                head=bool(flags & Flag.HEAD),
                speculative=bool(flags & Flag.SPECULATIVE),
            )
            judged.append((hit, Verdict("scanner", "honeypot") if hit[3] in self.honeypots else verdict))
        for index in _swept([hit for hit, _verdict in judged]):
            if judged[index][1].label in ("human", "unknown"):
                judged[index] = (judged[index][0], Verdict("scanner", "burst"))
        return judged

    def _describe(self, people: list[tuple[EventKind, str]]) -> None:
        """Count one person's devices and programs; "hidden" counts only where nothing is known."""
        if not people:
            return
        facts = [(kind, describe(agent)) for kind, agent in people]
        hidden = {fact.hidden for _kind, fact in facts if fact.hidden}
        fallback = hidden or {"unknown"}
        self.devices.update({fact.device for _kind, fact in facts if fact.device} or fallback)
        self.systems.update({fact.os for _kind, fact in facts if fact.os} or fallback)
        self.browsers.update({fact.browser for _kind, fact in facts if fact.browser})
        opens = [fact for kind, fact in facts if kind == EventKind.OPEN]
        self.clients.update({fact.client or "webmail or browser" for fact in opens})


def _swept(hits: list[StoredEvent]) -> list[int]:
    """Return the positions of a message's hits that a machine made by following many links at once."""
    clicks = [index for index, hit in enumerate(hits) if hit[2] == EventKind.CLICK]
    swept = [clicks[each] for each in sorted(sweep([(hits[index][1], hits[index][3]) for index in clicks]))]
    times: defaultdict[str, list[int]] = defaultdict(list)
    for index in swept:
        times[hits[index][4]].append(hits[index][1])
    loads = [
        index
        for index, (_message, at, kind, _link, agent, _flags) in enumerate(hits)
        if kind == EventKind.OPEN and agent in times and loaded_by_sweeper(at, times[agent])
    ]
    return swept + loads
