"""Saved audiences, and what working them out reads."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.model import ClientClass
from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000  # as of ``Trail``


class Copy(NamedTuple):
    """One copy: ``opens`` and ``clicks`` say whether these may be told of its recipient by name."""

    campaign_id: int
    message: int
    identity: str
    opens: bool
    clicks: bool


class Segments(Trail):
    """The part of the store that keeps audiences. Times are ms UTC."""

    def segments(self) -> dict[str, tuple[str, int]]:
        """Return all audiences by name: their conditions as JSON, and when they were made."""
        rows = self._plain("select name, conditions, created from segments order by name")
        return {name: (conditions, created) for name, conditions, created in rows}

    def add_segment(self, name: str, conditions: str, now: int) -> None:
        """Keep an audience; raise InputError where there is one of that name."""
        with self._transaction(_BUSY_MS) as connection:
            insert = "insert or ignore into segments (name, conditions, created) values (?, ?, ?)"
            if not connection.execute(insert, [name, conditions, now]).rowcount:
                raise InputError(
                    f"audience {name!r} is there already", hint=f"pixeltrack audience delete {name}"
                )
            self.note("audience", f"{name} made", at=now)

    def delete_segment(self, name: str) -> bool:
        """Forget an audience; return whether there was one."""
        with self._transaction(_BUSY_MS) as connection:
            gone = connection.execute("delete from segments where name = ?", [name]).rowcount > 0
            if gone:
                self.note("audience", f"{name} deleted")
        return gone

    def named_copies(self, campaign_id: int | None) -> list[Copy]:
        """Return the copies of one campaign or of all; what is silenced tells of nobody."""
        rows = self._plain(
            "select m.campaign_id, m.message, identity, m.opens = 5 and not coalesce(kinds, 0) & 1,"
            " m.clicks = 5 and not coalesce(kinds, 0) & 2 from messages as m join recipients"
            " using (recipient_id) left join silenced as s on s.campaign_id = m.campaign_id"
            " and s.message = m.message where ?1 is null or m.campaign_id = ?1",
            [campaign_id],
        )
        return [Copy(row[0], row[1], row[2], bool(row[3]), bool(row[4])) for row in rows]

    def fields_by_identity(self, people: Collection[str]) -> dict[str, dict[str, str]]:
        """Return the list's other columns, as last given, of some people by address."""
        select = "select identity, fields from recipients where identity in (select value from json_each(?))"
        rows = self._plain(select, [json.dumps([*people])])
        return {identity: json.loads(fields) for identity, fields in rows}

    def viewers(self, path: str, since: int) -> set[tuple[int, int]]:
        """Return the copies whose people saw a page, machines left out; ``*`` at the end is any rest."""
        rows = self._plain(
            "select distinct campaign_id, message from views join pages using (page_id)"
            " where class <> ?1 and at >= ?2 and (path = ?3 or (substr(?3, -1) = '*'"
            " and substr(path, 1, length(?3) - 1) = substr(?3, 1, length(?3) - 1)))",
            [int(ClientClass.MACHINE), since, path],
        )
        return set(map(tuple, rows))

    def told_by_machines(self, goal: str) -> set[tuple[str, int, int, int]]:
        """Return what machines told of a goal: order, campaign, message and time."""
        rows = self._plain(
            "select order_id, campaign_id, message, at from conversions join goals using (goal_id)"
            " where name = ? and class = ?",
            [goal, int(ClientClass.MACHINE)],
        )
        return set(map(tuple, rows))

    def opted_out(self) -> set[str]:
        """Return who refused something on the collector's pages, or has unsubscribed."""
        rows = self._plain(
            "select identity from recipients where subject in (select subject from optouts) union"
            " select identity from optouts join messages using (campaign_id, message)"
            " join recipients using (recipient_id)"
        )
        return {identity for (identity,) in rows}
