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
        return self._few("old_addresses", {"before": before}, dry=dry)

    def purge_last_opens(self, before: int, *, dry: bool = False) -> int:
        """Delete days of last opens before a day (since 1970)."""
        return self._few("old_last_opens", {"before": before}, dry=dry)

    def purge_recipients(self, *, dry: bool = False) -> int:
        """Delete people whom no mail of any campaign went to."""
        return self._few("empty_recipients", {}, dry=dry)

    def purge_consents(self, before: int, *, dry: bool = False) -> int:
        """Delete entries of the ledger that later ones have ended before a time (ms UTC).

        And texts that no entry names any more, and that are no version of the privacy notice.
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
                " and wording not in (select wording from notices)"
            )
        return len(ended)

    def purge_names(self, *, dry: bool = False) -> int:
        """Delete agents and networks that no hit has any more.

        The newest of each stays, so that no number is ever given twice.
        """
        last = self.last_event()
        used = self._plain("select distinct agent_id, network_id from events")
        used += self._plain("select distinct agent_id, network_id from repeats")
        agents, networks = ({row[column] for row in used} for column in (0, 1))
        unused = (
            self._but_the_highest("select agent_id from agents") - agents,
            self._but_the_highest("select network_id from networks") - networks,
        )
        if dry:
            return sum(map(len, unused))
        with self._transaction() as connection:
            fresh = "select agent_id, network_id from events where event_id > ?"  # stored meanwhile
            used = [*connection.execute(fresh, [last])]
            used += [*connection.execute("select distinct agent_id, network_id from repeats")]
            agents, networks = (unused[column] - {row[column] for row in used} for column in (0, 1))
            connection.executemany("delete from agents where agent_id = ?", [[each] for each in agents])
            connection.executemany("delete from networks where network_id = ?", [[each] for each in networks])
            if agents or networks:
                connection.execute(
                    "insert into facts (name, value) values (?, '1')"
                    " on conflict (name) do update set value = value + 1",
                    [NAMES],
                )
        return len(agents) + len(networks)

    def _but_the_highest(self, select: str) -> set[int]:
        """Return the numbers in a table of names but for the highest."""
        numbers = {number for (number,) in self._plain(select)}
        return numbers - {max(numbers, default=0)}

    def _few(self, name: str, values: dict[str, int], *, dry: bool) -> int:
        """Delete the rows that a query finds, some at a time, or say how many there are to delete.

        The query is ``name``, what deletes such rows ``delete_`` and the name; not every SQLite can
        limit a delete.
        """
        if dry:
            return len(self._plain(query(name), {**values, "most": -1}))
        deleted = 0
        while rows := self._plain(query(name), {**values, "most": _AT_ONCE}):
            with self._transaction() as connection:
                deleted += connection.executemany(query(f"delete_{name}"), rows).rowcount
        return deleted


def last_purge_in(rows: Callable[[str], list[tuple[object, ...]]]) -> Reading | None:
    """Return the clock at the last purge from a database of which ``rows`` reads."""
    found = rows("select value from facts where name = 'last purge'")  # as ``_LAST``
    return Reading(*json.loads(str(found[0][0]))) if found else None
