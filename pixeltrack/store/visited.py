"""What sites have told of single people: to show it to them, to erase it, and to delete it when it is old."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from pixeltrack.replay import HOUR
from pixeltrack.store.database import Database
from pixeltrack.store.hits import Place
from pixeltrack.store.schema import query

_AT_ONCE = 1_000  # rows in one transaction
_ENTRY_BYTES = 8


class Seen(NamedTuple):
    """A page that somebody saw. ``at`` is ms UTC; ``client`` a ClientClass."""

    host: str
    path: str
    at: int
    agent: str
    client: int


class Said(NamedTuple):
    """What a site said of an order. ``at`` is ms UTC, ``value`` ten-thousandths of the currency's unit."""

    goal: str
    order: str
    entry: str
    at: int
    value: int
    currency: str
    whole: int
    source: int
    verified: int


class Visited(Database):
    """The part of the store that knows what single people did on sites."""

    def views_of(self, place: Place) -> list[Seen]:
        """Return the pages that were seen by whoever got a message."""
        return [Seen(*row) for row in self._plain(query("views_of"), place)]

    def conversions_of(self, place: Place) -> list[Said]:
        """Return what sites said of orders of whoever got a message, what was taken back too."""
        return [Said(*row) for row in self._plain(query("conversions_of"), place)]

    def purge_views(self, before: int, *, dry: bool = False) -> int:
        """Add views of people from before a time (ms UTC) to the counters of pages, and delete them."""
        if dry:
            return int(self._plain("select count(*) from views where at < ?", [before])[0][0])
        gone = 0
        select = "select view_id, page_id, campaign_id, at, class from views where at < ? limit ?"
        while rows := self._plain(select, [before, _AT_ONCE]):
            with self._transaction() as connection:
                for view, page, campaign, at, client in rows:
                    if connection.execute("delete from views where view_id = ?", [view]).rowcount:
                        place = [page, campaign, 0, at // HOUR * HOUR, client, 0]
                        connection.execute(query("put_page_counter"), place)
                        gone += 1
        return gone

    def purge_conversions(self, before: int, *, dry: bool = False) -> int:
        """Leave nobody in conversions from before a time (ms UTC): they keep campaign, order and value."""
        if dry:
            select = "select count(*) from conversions where at < ? and message <> 0"
            return int(self._plain(select, [before])[0][0])
        with self._transaction() as connection:
            rows = connection.execute(
                "select conversion_id, order_id, entry from conversions where at < ? and message <> 0",
                [before],
            ).fetchall()
            for number, order, entry in rows:  # where there is no order, the entry says whose it is
                connection.execute(
                    "update conversions set message = 0, entry = ? where conversion_id = ?",
                    [entry if order else _random(), number],
                )
            connection.execute("delete from site_hours where beyond = 0 and hour < ?", [before])
        return len(rows)


def erase(connection: sqlite3.Connection, places: Iterable[Place]) -> dict[str, int]:
    """Delete, in the transaction that is open, what sites told of whoever got some messages.

    Return how many rows of which tables. Of an order nothing is left but one row with what it was worth in
    the end, its goal, time and campaign.
    """
    gone = {"views": 0, "conversions": 0}
    for place in places:
        deleted = connection.execute("delete from views where campaign_id = ? and message = ?", place)
        gone["views"] += deleted.rowcount
        select = "select distinct goal_id, order_id from conversions where campaign_id = ? and message = ?"
        for goal, order in connection.execute(select, place).fetchall():
            gone["conversions"] += _erase_order(connection, place, goal, order)
    return gone


def _erase_order(connection: sqlite3.Connection, place: Place, goal: int, order: str) -> int:
    rows = connection.execute(
        "select conversion_id, entry, value, currency, whole from conversions"
        " where goal_id = ?1 and order_id = ?2 and (?2 <> '' or (campaign_id = ?3 and message = ?4))"
        " order by entry",
        [goal, order, *place],
    ).fetchall()
    main = rows[0] if not order or rows[0][1] == "" else None
    forget = "update conversions set message = 0, order_id = ?, entry = ? where conversion_id = ?"
    if not order or main is None:  # each for itself; a refund stays one, of an order that is not there
        for number, entry, *_rest in rows:
            connection.execute(forget, [_random() if order else "", entry if order else _random(), number])
        return len(rows)
    same = [row for row in rows if row[3] in (main[3], "")]
    value = 0 if any(row[4] for row in rows) else sum(row[2] for row in same)
    connection.executemany("delete from conversions where conversion_id = ?", [[row[0]] for row in rows[1:]])
    connection.execute("update conversions set value = ? where conversion_id = ?", [value, main[0]])
    connection.execute(forget, ["", _random(), main[0]])
    return len(rows)


def _random() -> str:
    return secrets.token_hex(_ENTRY_BYTES)
