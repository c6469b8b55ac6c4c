"""What is too old, counted and deleted, table by table; and when that was done last."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import NamedTuple

from pixeltrack.steps import Reading
from pixeltrack.store.deleting import Deleting
from pixeltrack.store.schema import query

_LAST = "last purge"  # its name in facts
#: In facts, a number that is another one when names were deleted: who remembers some forgets them then.
NAMES = "names"
_AT_ONCE = 1_000  # rows in one transaction


class OldHits(NamedTuple):
    """How many hits of a campaign are too old, those too that were only counted."""

    campaign: str
    hits: int


class Retained(Deleting):
    """The part of the store that knows what is too old."""

    def old_hits(self, before: int) -> list[OldHits]:
        """Return how many hits from before a time (ms UTC) each campaign has; none is left out."""
        return [OldHits(*row) for row in self._plain(query("old_hits"), {"before": before})]

    def newest_hit(self) -> int | None:
        """Return the time of the newest hit, in ms UTC."""
        ((newest,),) = self._plain(
            "select max(at) from (select max(at) as at from events where campaign_id <> 0"
            " union all select max(last_at) from repeats)"
        )
        return None if newest is None else int(newest)

    def last_purge(self) -> Reading | None:
        """Return the clock at the last purge that came to its end."""
        return last_purge_in(self._plain)

    def note_purge(self, now: Reading) -> None:
        """Note that a purge has come to its end."""
        with self._transaction() as connection:
            insert = "insert or replace into facts (name, value) values (?, ?)"
            connection.execute(insert, [_LAST, json.dumps(now)])

    def purge_addresses(self, before: int, *, dry: bool = False) -> int:
        """Delete what is kept of clients' addresses from before a time (ms UTC)."""
        return self._few("addresses", "at < ?", before, dry=dry)

    def purge_last_opens(self, before: int, *, dry: bool = False) -> int:
        """Delete days of last opens before a day (since 1970)."""
        return self._few("last_opens", "day < ?", before, dry=dry)

    def purge_recipients(self, *, dry: bool = False) -> int:
        """Delete people whom no mail of any campaign went to."""
        return self._few("recipients", _WITHOUT_MAIL, 1, dry=dry)

    def purge_consents(self, before: int, *, dry: bool = False) -> int:
        """Delete entries of the ledger that later ones have ended before a time (ms UTC).

        And texts that no entry names any more.
        """
        ended = [entry for (entry,) in self._plain(query("ended_consents"), {"before": before})]
        if dry or not ended:
            return len(ended)
        for start in range(0, len(ended), _AT_ONCE):
            with self._transaction() as connection:
                part = [[entry] for entry in ended[start : start + _AT_ONCE]]
                connection.executemany("delete from consents where entry = ?", part)
        with self._transaction() as connection:
            connection.execute(
                "delete from wordings where not exists"
                " (select 1 from consents where consents.wording = wordings.wording)"
            )
        return len(ended)

    def purge_names(self, *, dry: bool = False) -> int:
        """Delete agents and networks that no hit has any more.

        The newest of each stays, so that no number is ever given twice.
        """
        last = self.last_event()
        used = self._plain("select distinct agent_id, network_id from events")
        used += self._plain("select distinct agent_id, network_id from repeats")
        unused = {
            "agent": self._numbers_of("agents", "agent_id") - {agent for agent, _network in used},
            "network": self._numbers_of("networks", "network_id") - {network for _agent, network in used},
        }
        if dry:
            return sum(map(len, unused.values()))
        deleted = 0
        with self._transaction() as connection:
            for name, numbers in unused.items():
                for table in ("events where event_id > ?", "repeats where ? >= 0"):  # stored meanwhile
                    found = connection.execute(f"select distinct {name}_id from {table}", [last])  # noqa: S608
                    numbers -= {number for (number,) in found.fetchall()}
                deleted += len(numbers)
                connection.executemany(
                    f"delete from {name}s where {name}_id = ?",  # noqa: S608 - names of ours
                    [[number] for number in numbers],
                )
            if deleted:
                connection.execute(
                    "insert into facts (name, value) values (?, '1')"
                    " on conflict (name) do update set value = value + 1",
                    [NAMES],
                )
        return deleted

    def _numbers_of(self, table: str, column: str) -> set[int]:
        """Return the numbers in a table of names but for the highest."""
        numbers = {number for (number,) in self._plain(f"select {column} from {table}")}  # noqa: S608
        return numbers - {max(numbers, default=0)}

    def _few(self, table: str, where: str, value: int, *, dry: bool) -> int:
        """Delete rows, some at a time, or say how many there are to delete."""
        if dry:
            ((rows,),) = self._plain(f"select count(*) from {table} where {where}", [value])  # noqa: S608
            return int(rows)
        deleted = 0
        while True:
            with self._transaction() as connection:
                # Not every SQLite can limit a delete, and some of these tables have no row numbers.
                key = _KEYS[table]
                rows = connection.execute(
                    f"delete from {table} where ({key}) in"  # noqa: S608 - names of ours
                    f" (select {key} from {table} where {where} limit {_AT_ONCE})",
                    [value],
                ).rowcount
            deleted += rows
            if rows < _AT_ONCE:
                return deleted


_WITHOUT_MAIL = (
    "? and recipient_id not in (select recipient_id from messages)"
    " and recipient_id not in (select recipient_id from last_opens)"
)
_KEYS = {
    "addresses": "campaign_id, message, at, kind, link, address",
    "last_opens": "recipient_id",
    "recipients": "recipient_id",
}


def last_purge_in(rows: Callable[[str], list[tuple[object, ...]]]) -> Reading | None:
    """Return the clock at the last purge from a database of which ``rows`` reads."""
    found = rows(f"select value from facts where name = '{_LAST}'")  # noqa: S608 - a name of ours
    return Reading(*json.loads(str(found[0][0]))) if found else None
