"""Taking in what sites tell of: views, conversions, and signals of browsers."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable

from pixeltrack.model import EventKind, EventRow
from pixeltrack.replay import HOUR
from pixeltrack.sitecalls import (
    NOBODY,
    SOURCES,
    Call,
    Conversion,
    Signal,
    View,
    Visitor,
    arrived,
    is_by_person,
)
from pixeltrack.store.schema import query

_PAGES = 10_000  # of a site; whoever makes up more shares one row, so it stays bounded
OTHER_PAGE = "(other)"

#: Denies a subject's retargeting, in the transaction that is open, at ms UTC, unless it is denied already.
Deny = Callable[[bytes, int], None]
#: Returns the number of a reduced agent.
Intern = Callable[[str], int]


def put_calls(connection: sqlite3.Connection, events: Iterable[EventRow], intern: Intern, deny: Deny) -> int:
    """Store calls that travelled as events; return how many were kept."""
    kept = 0
    for event in events:
        call, at = arrived(event), event[0]
        call = _of_who_agrees(connection, call)
        if isinstance(call, View):
            kept += _put_view(connection, call, at, intern)
        elif isinstance(call, Conversion):
            kept += _put_conversion(connection, call, at)
        else:
            _put_signal(connection, call, at, deny)
    return kept


def _of_who_agrees(connection: sqlite3.Connection, call: Call) -> Call:
    """Return a call without its visitor where that is somebody who has refused."""
    visitor = call.visitor
    if isinstance(call, Signal) or not is_by_person(visitor):
        return call
    asked = {"campaign_id": visitor.campaign_id, "message": visitor.message, "kind": int(EventKind.CLICK)}
    refused = connection.execute(query("is_silenced"), asked).fetchone()
    return call._replace(visitor=NOBODY) if refused else call


def _put_view(connection: sqlite3.Connection, view: View, at: int, intern: Intern) -> int:
    page, visitor = _page(connection, view.site_id, view.path), view.visitor
    if is_by_person(visitor):
        values = [
            view.number,
            visitor.campaign_id,
            visitor.message,
            page,
            at,
            intern(view.agent),
            view.client,
        ]
        return connection.execute("insert or ignore into views values (?, ?, ?, ?, ?, ?, ?)", values).rowcount
    place = [page, visitor.campaign_id, _crowd(visitor), at // HOUR * HOUR, view.client, int(view.signal)]
    return connection.execute(query("put_page_counter"), place).rowcount


def _put_conversion(connection: sqlite3.Connection, call: Conversion, at: int) -> int:
    visitor = call.visitor
    values = {
        **{"conversion_id": call.number, "goal_id": call.goal_id, "order_id": call.order},
        **{"entry": call.entry, "at": at, "value": call.value, "currency": call.currency},
        **{"whole": call.whole, "campaign_id": visitor.campaign_id},
        **{"message": visitor.message if is_by_person(visitor) else 0},
        **{"source": SOURCES[call.source], "verified": call.verified, "told": call.told},
        **{"class": call.client, "signal": call.signal},
    }
    return connection.execute(query("put_conversion"), values).rowcount


def _put_signal(connection: sqlite3.Connection, call: Signal, at: int, deny: Deny) -> None:
    visitor = call.visitor
    found = connection.execute(
        "select recipients.subject from messages join recipients using (recipient_id)"
        " where campaign_id = ? and message = ?",
        [visitor.campaign_id, visitor.message],
    ).fetchone()
    if found and found[0]:
        deny(bytes(found[0]), at)


def _page(connection: sqlite3.Connection, site_id: int, path: str) -> int:
    select = "select page_id from pages where site_id = ? and path = ?"
    known = connection.execute(select, [site_id, path]).fetchone()
    if known is None:
        (count,) = connection.execute("select count(*) from pages where site_id = ?", [site_id]).fetchone()
        path = path if count < _PAGES else OTHER_PAGE
        connection.execute("insert or ignore into pages (site_id, path) values (?, ?)", [site_id, path])
        known = connection.execute(select, [site_id, path]).fetchone()
    return int(known[0])


def _crowd(visitor: Visitor) -> int:
    return visitor.message if visitor.mode == "company" else 0
