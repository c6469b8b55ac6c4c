"""How exactly the moment of a hit is kept (privacy.time).

A rounded one says that of its hit: rules that need seconds ask it nothing, and its client's number of the
day, which is for seconds alone, is left out.
"""

from __future__ import annotations

from collections.abc import Iterable

from pixeltrack.model import EventRow, Flag

STEPS = {"exact": 0, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}  # ms; days are UTC


def rounded(events: Iterable[EventRow], step: int) -> list[EventRow]:
    """Return hits with their moments rounded down to a step (ms)."""
    return [
        (
            *(at // step * step, campaign_id, kind, link, message, agent),
            *(flags | Flag.ROUNDED, network, 0),
        )
        for at, campaign_id, kind, link, message, agent, flags, network, _address in events
    ]
