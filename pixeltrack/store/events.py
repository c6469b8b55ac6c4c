"""Hits, the agents that made them, and how far the spool is taken up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from pixeltrack.errors import StoreError
from pixeltrack.model import Event, Rows, StoredEvent
from pixeltrack.store.connect import explained
from pixeltrack.store.database import Database, Reconnect
from pixeltrack.store.schema import query

_MAX_AGENTS = 50_000  # distinct agents kept; whoever invents more shares one row, so it stays bounded
_OTHER_AGENT = "(other)"


class Events(Database):
    """The part of the store that takes hits and gives them back."""

    def __init__(
        self, path: Path, connection: sqlite3.Connection, busy_ms: int, reconnect: Reconnect | None = None
    ) -> None:
        super().__init__(path, connection, busy_ms, reconnect)
        self._agents: dict[str, int] = {}
        self._networks: dict[str, int] = {"": 0}
        self.doubt: Rows | None = None

    def _forget(self) -> None:
        super()._forget()
        self._agents.clear()
        self._networks = {"": 0}

    def put_events(self, events: Sequence[Event], spool: tuple[str, int] | None = None) -> None:
        """Store hits in one transaction; when this returns they are on the disk.

        Hits of people who stopped tracking are left out. With spool (a file's name and the offset
        behind these hits in it) the same transaction notes how far that file is taken up.

        When it raises, ``doubt`` says what rows the hits would have if they were stored nevertheless:
        a commit can fail after all of it is in the journal, and a later start find it there. It is
        None when nothing can have been stored.
        """
        agents: dict[str, int] = {}
        self.doubt = None
        try:
            self._put(events, agents, spool)
        except StoreError:
            self._networks = {"": 0}  # a rolled back row has no id
            if self._committing:
                (last,) = self._connection.execute("select last_insert_rowid()").fetchone()
                self.doubt = last - len(events), last
            raise
        self._agents.update(agents)  # only now: a rolled back row has no id

    def _put(self, events: Sequence[Event], agents: dict[str, int], spool: tuple[str, int] | None) -> None:
        with self._transaction() as connection:
            self._insert(events, agents)
            if spool:
                connection.execute(
                    query("put_spool_offset"), {"name": f"spool {spool[0]}", "value": str(spool[1])}
                )

    def has_event(self, event: Event, rows: Rows) -> bool:
        """Return whether a hit of a commit that failed has been stored by it all the same."""
        found = self._rows(
            "has_event",
            before=rows[0],
            last=rows[1],
            at=event.at,
            campaign_id=event.campaign_id,
            kind=int(event.kind),
            link=event.link,
            message=event.message,
            flags=event.flags,
        )
        return bool(found)

    def _insert(self, events: Sequence[Event], agents: dict[str, int]) -> int:
        """Insert hits and return how many were stored; agents takes the ids that were not known."""
        known, networks = self._agents, self._networks
        rows = []
        for at, campaign_id, kind, link, message, agent, flags, network, address in events:
            agent_id = known.get(agent) or agents.get(agent) or self._intern(agent, agents)
            network_id = networks.get(network)
            if network_id is None:
                network_id = networks[network] = self._network(network)
            rows.append((at, campaign_id, int(kind), link, message, agent_id, flags, network_id, address))
        return max(0, self._connection.executemany(query("put_event"), rows).rowcount)

    def _intern(self, agent: str, into: dict[str, int]) -> int:
        select = "select agent_id from agents where agent = ?"
        known = self._connection.execute(select, [agent]).fetchone()
        if known is None:
            (count,) = self._connection.execute("select count(*) from agents").fetchone()
            kept = agent if count < _MAX_AGENTS else _OTHER_AGENT
            self._connection.execute("insert or ignore into agents (agent) values (?)", [kept])
            known = self._connection.execute(select, [kept]).fetchone()
        if len(self._agents) + len(into) < _MAX_AGENTS:
            into[agent] = known[0]
        return int(known[0])

    def _network(self, network: str) -> int:
        self._connection.execute("insert or ignore into networks (network) values (?)", [network])
        found = self._connection.execute("select network_id from networks where network = ?", [network])
        return int(found.fetchone()[0])

    def spool_offset(self, name: str) -> int:
        """Return how far a spool file is taken up, in bytes."""
        self._stay()
        with explained(self.path):
            row = self._connection.execute(
                "select value from facts where name = ?", [f"spool {name}"]
            ).fetchone()
        return int(row[0]) if row else 0

    def spool_files(self) -> list[str]:
        """Return the names of the spool files of which something is taken up."""
        self._stay()
        with explained(self.path):
            rows = self._connection.execute("select name from facts where name like 'spool %'").fetchall()
        return [name.removeprefix("spool ") for (name,) in rows]

    def forget_spool_files(self, names: Sequence[str]) -> None:
        """Forget how far spool files are taken up. Only for those that are gone from the disk."""
        with self._transaction() as connection:
            connection.executemany("delete from facts where name = ?", [[f"spool {name}"] for name in names])

    def events(self, campaign_id: int) -> Iterator[StoredEvent]:
        """Yield a campaign's hits: one message after the other, each in order of time."""
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None  # plain tuples: there may be millions
            yield from cursor.execute(query("events_of_campaign"), {"campaign_id": campaign_id})
