"""How much a webhook is told at once: up to 100 events and 256 kB, in one JSON body."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from pixeltrack.store import Hook
from pixeltrack.webhooks.order import New, Point
from pixeltrack.webhooks.payload import Event, Teller, iso

VERSION = 1  # of the body: another one is made when a reader of this one would misread it
MOST_EVENTS = 100
MOST_BYTES = 256_000
_HEAD_BYTES = 300  # that the rest of a body may have


class Batch(NamedTuple):
    """Events as JSON, and the point behind them; there may be none to tell of before that point."""

    point: Point
    events: list[bytes]


class Batches:
    """Cuts what is new into batches, in order."""

    def __init__(self, new: Iterator[New], teller: Teller) -> None:
        self._new, self._teller = new, teller
        self._ready: deque[tuple[Point, bytes | None]] = deque()

    def next(self) -> Batch | None:
        """Return the next batch; None at the end."""
        point: Point | None = None
        events: list[bytes] = []
        size = _HEAD_BYTES
        while len(events) < MOST_EVENTS and (self._ready or self._fill()):
            reached, event = self._ready[0]
            if event is not None:
                size += len(event) + 1
                if events and size > MOST_BYTES:
                    break
                events.append(event)
            point = reached
            self._ready.popleft()
        return Batch(point, events) if point else None

    def _fill(self) -> bool:
        """Look up some more, no sooner than they are needed: who is erased meanwhile is in none of it."""
        found = list(islice(self._new, MOST_EVENTS))
        told = self._teller.told([each.what for each in found])
        for each, event in zip(found, told, strict=True):
            self._ready.append((each.point, None if event is None else encoded(event)))
        return bool(found)


def encoded(event: Event) -> bytes:
    """Return an event as JSON."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def body(hook: Hook, events: Sequence[bytes], now: int, *, test: bool = False) -> bytes:
    """Return what is posted, of events as JSON; now is ms UTC."""
    head = encoded({"version": VERSION, "hook": hook.hook_id, "sent": iso(now), "test": test})
    return head[:-1] + b',"events":[' + b",".join(events) + b"]}"
