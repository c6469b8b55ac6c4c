"""What was read from logs, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

from pixeltrack.loghits import Counts
from pixeltrack.show.text import clean

_SAID = {
    "silenced": "of people who stopped tracking: not stored",
    "unknown_tokens": "with a token, campaign or link that is not known here",
    "unanswered": "answered with an error, or not at all: not counted",
    "not_ours": "other requests",
    "damaged": "damaged lines",
    "already_read": "lines read before: passed over",
}


class Read(NamedTuple):
    """One log and what was in it."""

    name: str
    format: str | None  # None: nothing was there to tell it from
    counts: Counts


def total(logs: Sequence[Read]) -> Counts:
    counts = Counts()
    for log in logs:
        counts.add(log.counts)
    return counts


def read_json(logs: Sequence[Read]) -> str:
    """Return the sums as an object, with each log's own figures in it."""
    each = [{"name": log.name, "format": log.format, **asdict(log.counts)} for log in logs]
    return json.dumps({**asdict(total(logs)), "logs": each}, indent=2, ensure_ascii=False)


def read_lines(logs: Sequence[Read]) -> Iterator[str]:
    """Yield what was read: one line of sums, then what was not recorded, and why."""
    counts = total(logs)
    name = clean(logs[0].name) if len(logs) == 1 else f"{len(logs):,} logs"
    yield f"{name}: {counts.lines:,} lines read, {counts.opens:,} opens and {counts.clicks:,} clicks"
    for field, said in _SAID.items():
        if value := getattr(counts, field):
            yield f"  {value:>9,}  {said}"
    if counts.unfinished:
        yield "  the last line has no end yet, and waits for the next time"
