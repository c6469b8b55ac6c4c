"""Counting a campaign's judged hits, one message at a time."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from pixeltrack.agents import describe
from pixeltrack.figures import Tally
from pixeltrack.judging import Label, Verdict
from pixeltrack.model import EventKind

HOUR = 3_600_000  # ms
Judged = tuple[int, int, int, str, Verdict]  # at (ms UTC), kind, link, agent, verdict
Ground = tuple[Label, str]  # a verdict's label and the reason that decided


@dataclass(slots=True)
class Count:
    """The counting itself, one message at a time: unique needs no set of all recipients."""

    hits: Counter[tuple[EventKind, Ground]] = field(default_factory=Counter)
    aside: Counter[Ground] = field(default_factory=Counter)  # messages by verdict, people's left out
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
        total = sum(hits for (of, ground), hits in self.hits.items() if of == kind and ground[0] in labels)
        unique = sum(
            messages
            for (of, seen), messages in self.messages.items()
            if of == kind and not set(labels).isdisjoint(seen)
        )
        return Tally(unique, total)

    def add(self, hits: Sequence[Judged]) -> None:
        """Count the hits of one message."""
        labels: defaultdict[EventKind, set[Label]] = defaultdict(set)
        people: list[tuple[EventKind, str]] = []
        links: set[int] = set()
        aside: set[Ground] = set()
        for at, stored_kind, link, agent, verdict in hits:
            if verdict.label == "test":
                self.previews += 1
                continue
            kind, ground = EventKind(stored_kind), (verdict.label, verdict.reason)
            self.hits[kind, ground] += 1
            labels[kind].add(verdict.label)
            if verdict.label != "human":
                aside.add(ground)
                self.link_machines[link] += verdict.label != "unknown"
                continue
            people.append((kind, agent))
            self.hours[at // HOUR * HOUR, kind] += 1
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)
            if kind == EventKind.CLICK:
                links.add(link)
                self.link_clicks[link] += 1
        self.aside.update(aside)
        self.link_people.update(links)
        for kind, seen in labels.items():
            self.messages[kind, tuple(sorted(seen))] += 1
        self.clicked_without_open += (
            "human" in labels[EventKind.CLICK] and "human" not in labels[EventKind.OPEN]
        )
        self._describe(people)

    def _describe(self, people: list[tuple[EventKind, str]]) -> None:
        """Count one person's devices and programs; "hidden" counts only where nothing is known."""
        if not people:
            return
        facts = [(kind, describe(agent)) for kind, agent in people]
        hidden = {f"hidden by {fact.client}" for _kind, fact in facts if fact.proxy}
        fallback = hidden or {"unknown"}
        self.devices.update({fact.device for _kind, fact in facts if fact.device} or fallback)
        self.systems.update({fact.os for _kind, fact in facts if fact.os} or fallback)
        self.browsers.update({fact.browser for _kind, fact in facts if fact.browser})
        opens = [fact for kind, fact in facts if kind == EventKind.OPEN]
        self.clients.update({fact.client or "webmail or browser" for fact in opens})
