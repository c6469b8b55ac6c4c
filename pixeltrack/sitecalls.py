"""What sites tell of: pages that were seen, things that were reached. Each travels as an Event does.

So it takes the same way, through recorder and spool, and is as safe. Whoever takes it up twice stores it
once, by the number that was drawn when it came.
"""

from __future__ import annotations

import json
import secrets
from typing import Literal, NamedTuple

from pixeltrack.model import RANK, Event, EventKind, EventRow, Flag, Mode

Source = Literal["pixel", "script", "server"]
SOURCES: dict[Source, int] = {"pixel": 1, "script": 2, "server": 3}


class Visitor(NamedTuple):
    """Who it is, as far as the visit token says: of which campaign, and which message or crowd.

    ``mode`` is how much may be measured; off where there is no token, or a browser's signal forbids it.
    """

    campaign_id: int = 0
    message: int = 0
    mode: Mode = "off"


NOBODY = Visitor()


class View(NamedTuple):
    """A page that was seen."""

    number: int
    site_id: int
    path: str
    visitor: Visitor
    client: int  # a ClientClass
    agent: str  # reduced
    signal: bool


class Conversion(NamedTuple):
    """A call of a goal. ``value`` is in ten-thousandths of the currency's unit.

    ``entry`` is empty for an order, else the id of a refund or correction; ``whole`` takes the whole
    order back. ``told``: the page that it was on said that it is the site's.
    """

    number: int
    goal_id: int
    order: str
    entry: str
    value: int
    currency: str
    whole: bool
    visitor: Visitor
    source: Source
    verified: bool
    told: bool
    client: int
    signal: bool


class Signal(NamedTuple):
    """Somebody's browser has asked not to be followed: their data goes to nobody for retargeting."""

    number: int
    visitor: Visitor


Call = View | Conversion | Signal
_KINDS: dict[str, type[View] | type[Conversion] | type[Signal]] = {
    "view": View,
    "conversion": Conversion,
    "signal": Signal,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def drawn() -> int:
    """Return a number for a call: as good as unique, and what a rowid can be."""
    return secrets.randbits(62)


def travelling(call: Call, at: int) -> Event:
    """Return a call, which came at ms UTC, as what recorder and spool take."""
    visitor = call.visitor
    text = json.dumps([_NAMES[type(call)], *call], separators=(",", ":"))
    return Event(at, visitor.campaign_id, EventKind.CLICK, 0, visitor.message, text, Flag.CALL)


def arrived(event: EventRow) -> Call:
    """Return what ``travelling`` made an Event of."""
    name, *values = json.loads(event[5])
    kind = _KINDS[name]
    place = kind._fields.index("visitor")
    values[place] = Visitor(*values[place])
    return kind(*values)


def is_by_person(visitor: Visitor) -> bool:
    """Return whether a visitor is measured one by one."""
    return RANK[visitor.mode] >= RANK["pseudonymous"]
