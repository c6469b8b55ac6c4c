"""Hits of which only a number is kept, or a day: they are never rows of events."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable

from pixeltrack.model import EventRow, Flag
from pixeltrack.replay import HOUR
from pixeltrack.store.schema import query

_DAY = 24 * HOUR


def put_counted(connection: sqlite3.Connection, events: Iterable[EventRow]) -> int:
    """Add hits that ``measured.kept`` has made to the counters, or as days; return how many were kept."""
    counters: Counter[tuple[int, ...]] = Counter()
    days: dict[tuple[int, int], int] = {}
    kept = 0
    for at, campaign_id, kind, link, message, _agent, flags, _network, _address in events:
        if flags & Flag.LAST_OPEN:
            place = campaign_id, message
            days[place] = max(at // _DAY, days.get(place, 0))
        else:
            counters[campaign_id, message, at, int(kind), link, flags // Flag.CLASS] += 1
    if counters:
        rows = ((*place, hits) for place, hits in counters.items())
        connection.executemany(query("put_counter"), rows)
        kept += counters.total()
    for (campaign_id, message), day in days.items():
        values = {"campaign_id": campaign_id, "message": message, "day": day}
        kept += max(0, connection.execute(query("put_last_open"), values).rowcount)
    return kept
