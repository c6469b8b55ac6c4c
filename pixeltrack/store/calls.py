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
#: Where views are counted of whom, and of which page, there are too many.
OTHER_PAGE = "(other)"
_OF_PERSON = 100  # views of somebody in an hour that are kept one by one
_OF_SITE = 20_000  # rows of all its pages in an hour
_UNSIGNED = 1_000  # orders of a goal in an hour that nobody has signed
_PAGES_OF_SITE, _UNSIGNED_OF_GOAL = 1, 2  # in site_hours

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
    if (
        is_by_person(view.visitor)
        and connection.execute("select 1 from views where view_id = ?", [view.number]).fetchone()
    ):
        return 0
    if is_by_person(view.visitor) and _put_own_view(connection, view, at, intern):
        return 1
    page = _page(connection, view.site_id, view.path)
    update = connection.execute(query("count_view"), _place(view, page, at)).rowcount if page else 0
    if update:
        return update
    if not _has_room(connection, _PAGES_OF_SITE, view.site_id, at, _OF_SITE):
        page = _make_page(connection, view.site_id, OTHER_PAGE)
    return connection.execute(
        query("put_page_counter"), _place(view, page or _make_page(connection, view.site_id, view.path), at)
    ).rowcount


def _put_own_view(connection: sqlite3.Connection, view: View, at: int, intern: Intern) -> bool:
    """Store a view of somebody who is measured one by one; False where that would be too many."""
    visitor, hour = view.visitor, at // HOUR * HOUR
    (own,) = connection.execute(
        "select count(*) from views where campaign_id = ? and message = ? and at >= ? and at < ?",
        [visitor.campaign_id, visitor.message, hour, hour + HOUR],
    ).fetchone()
    if own >= _OF_PERSON or not _has_room(connection, _PAGES_OF_SITE, view.site_id, at, _OF_SITE):
        return False
    page = _page(connection, view.site_id, view.path) or _make_page(connection, view.site_id, view.path)
    connection.execute(
        "insert into views values (?, ?, ?, ?, ?, ?, ?)",
        [view.number, visitor.campaign_id, visitor.message, page, at, intern(view.agent), view.client],
    )
    return True


def _place(view: View, page: int, at: int) -> list[int]:
    """Return where a view is counted."""
    visitor = view.visitor
    return [page, visitor.campaign_id, _crowd(visitor), at // HOUR * HOUR, view.client, int(view.signal)]


def _put_conversion(connection: sqlite3.Connection, call: Conversion, at: int) -> int:
    known = connection.execute(
        "select 1 from conversions where goal_id = ? and order_id = ? and entry = ?",
        [call.goal_id, call.order, call.entry],
    ).fetchone()
    if (
        not call.verified
        and known is None
        and not _has_room(connection, _UNSIGNED_OF_GOAL, call.goal_id, at, _UNSIGNED)
    ):
        return 0
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


def _has_room(connection: sqlite3.Connection, what: int, place: int, at: int, most: int) -> bool:
    """Return whether one more row of an hour may be stored, and count it there or as one too many."""
    key = [what, place, at // HOUR * HOUR]
    found = connection.execute(
        "select kept from site_hours where what = ? and place = ? and hour = ?", key
    ).fetchone()
    room = found is None or found[0] < most
    connection.execute(query("count_site_hour"), [*key, int(room), int(not room)])
    return room


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
    """Return the number of a page; 0 where there is none."""
    select = "select page_id from pages where site_id = ? and path = ?"
    known = connection.execute(select, [site_id, path]).fetchone()
    return int(known[0]) if known else 0


def _make_page(connection: sqlite3.Connection, site_id: int, path: str) -> int:
    """Return the number of a page, which is made where there is none and there are not too many."""
    (count,) = connection.execute("select count(*) from pages where site_id = ?", [site_id]).fetchone()
    path = path if count < _PAGES else OTHER_PAGE
    connection.execute("insert or ignore into pages (site_id, path) values (?, ?)", [site_id, path])
    return _page(connection, site_id, path)


def _crowd(visitor: Visitor) -> int:
    return visitor.message if visitor.mode == "company" else 0
