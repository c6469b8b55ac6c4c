"""A campaign's cells by what a report asks for."""

from __future__ import annotations

from collections import Counter

from pixeltrack.cells import Rollup, by_sort
from pixeltrack.estimates import BITS, Seen
from pixeltrack.figures import Tally
from pixeltrack.judging import Label
from pixeltrack.model import EventKind


class Counted:
    """A campaign's figures, by what a report asks for."""

    def __init__(self, rollup: Rollup) -> None:
        sorts = by_sort(rollup.cells)
        self.begun, self.first, self.last = rollup.begun, rollup.first, rollup.last
        self.previews = sorts["preview"].total()
        self.hits: Counter[tuple[int, Label, str]] = sorts["hit"]  # by kind, label and reason
        self.aside: Counter[tuple[Label, str]] = sorts["aside"]  # messages, people's left out
        self.hours: Counter[tuple[int, int]] = sorts["hour"]  # people's hits by kind and hour
        self.devices: Counter[str] = sorts["device"]
        self.systems: Counter[str] = sorts["system"]
        self.browsers: Counter[str] = sorts["browser"]
        self.clients: Counter[str] = sorts["client"]
        self.link_people: Counter[int] = sorts["reader"]
        self.link_clicks: Counter[int] = sorts["click"]
        self.link_machines: Counter[int] = sorts["machine"]
        self.companies: Counter[tuple[str, int]] = sorts["company"]  # messages by domain and kinds of hits
        self.messages = Counter({Seen(*seen): messages for seen, messages in sorts["seen"].items()})

    def tally(self, kind: EventKind, *labels: Label) -> Tally:
        """Return the messages with a hit of one of the labels, and all such hits."""
        wanted = sum(BITS[label] for label in labels)
        total = sum(hits for (of, label, _why), hits in self.hits.items() if of == kind and label in labels)
        unique = sum(
            messages
            for seen, messages in self.messages.items()
            if (seen.opens if kind == EventKind.OPEN else seen.clicks) & wanted
        )
        return Tally(unique, total)
