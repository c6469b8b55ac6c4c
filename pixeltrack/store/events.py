"""Hits, the agents that made them, and how far the spool is taken up."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from pathlib import Path

from pixeltrack import replay
from pixeltrack.errors import StoreError
from pixeltrack.ledger import BY_SIGNAL, Entry
from pixeltrack.model import Event, EventRow, Flag, Repeat, Rows, StoredEvent, WeightedHit
from pixeltrack.refusals import Refusal, remember
from pixeltrack.replay import Replays
from pixeltrack.store.calls import put_calls
from pixeltrack.store.connect import explained
from pixeltrack.store.counters import put_counted
from pixeltrack.store.database import Reconnect
from pixeltrack.store.repeats import OTHER_AGENT, Fold, Mark, is_mark
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_MAX_AGENTS = 50_000  # distinct agents kept; whoever invents more shares one row, so it stays bounded


_SELECT_NAMES = "select value from facts where name = 'names'"  # as ``retained.NAMES``
_COLUMNS = 9
_MANY = 50  # rows of one statement: half of what one by one costs


@lru_cache(maxsize=1)
def _put_many() -> str:
    """Return the statement that puts many hits at once, each under the same condition as one."""
    row = f"({', '.join('?' * _COLUMNS)})"
    return query("put_events").replace(row, ", ".join([row] * _MANY))


class Events(Trail):
    """The part of the store that takes hits and gives them back.

    It keeps so many hits of one URL in an hour as they are, and folds those beyond into counts. Here,
    where every hit comes through, whether from the collector, the spool or a log.
    """

    def __init__(
        self,
        path: Path,
        connection: sqlite3.Connection,
        busy_ms: int,
        reconnect: Reconnect | None = None,
        replay_limit: int = replay.LIMIT,
    ) -> None:
        super().__init__(path, connection, busy_ms, reconnect)
        self._agents: dict[str, int] = {}
        self._networks: dict[str, int] = {"": 0}
        self._replays = Replays(replay_limit)
        self._names = ""
        self._mark = Mark()
        self._marked: Rows | None = None  # the commit that is being made, if it folds hits
        self._folding = False  # whether the last batch had any such hits
        self._folds = 0  # how many of them were stored
        self._folded = 0  # hits of all, since ``folds`` was asked
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
        self.doubt = self._marked = None
        self._replays.begin()
        try:
            self._put(events, agents, spool)
        except StoreError:
            self._replays.take_back()
            self._networks = {"": 0}  # a rolled back row has no id
            if self._committing:
                self._mark.renew()
                (last,) = self._connection.execute("select last_insert_rowid()").fetchone()
                self.doubt = self._marked or (last - len(events), last)
            raise
        self._keep(agents)

    def _put(self, events: Sequence[Event], agents: dict[str, int], spool: tuple[str, int] | None) -> None:
        with self._transaction() as connection:
            self._insert(events, agents)
            if self._folding:
                self._marked = self._mark.put(connection, events[-1].at)
            if spool:
                connection.execute(
                    query("put_spool_offset"), {"name": f"spool {spool[0]}", "value": str(spool[1])}
                )

    def has_event(self, event: Event, rows: Rows) -> bool:
        """Return whether a hit of a commit that failed has been stored by it all the same."""
        if is_mark(rows[0]):
            return bool(self._rows("has_commit", mark=rows[0], number=rows[1]))
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

    def _insert(self, events: Sequence[EventRow], agents: dict[str, int]) -> int:
        """Insert hits and return how many were stored; agents takes the ids that were not known.

        Call ``_keep`` with these when they are committed.
        """
        self._forget_deleted_names()
        known, networks = self._agents, self._networks
        values: list[int] = []
        clients: list[tuple[int, int, int, int, int, str]] = []
        fold = Fold()
        counted = [event for event in events if event[6] >= Flag.COUNTED]
        if counted:
            events = [event for event in events if event[6] < Flag.COUNTED]
        kept, beyond = self._replays.part(events)
        for event in beyond:
            fold.add(event)
        for at, campaign_id, kind, link, message, agent, flags, network, address in kept:
            agent_id = known.get(agent) or agents.get(agent) or self._intern(agent, agents)
            network_id = networks.get(network)
            if network_id is None:
                network, _nul, client = network.partition("\0")
                if client:
                    clients.append((campaign_id, message, at, int(kind), link, client))
                if network not in networks:
                    networks[network] = self._network(network)
                network_id = networks[network]
            values += (at, campaign_id, int(kind), link, message, agent_id, flags, network_id, address)
        many = len(values) // (_COLUMNS * _MANY) * (_COLUMNS * _MANY)
        stored = self._put_rows(_put_many(), values[:many], _MANY)
        stored += self._put_rows(query("put_event"), values[many:], 1)
        if clients:
            self._connection.executemany(query("put_address"), clients)
        self._folding = bool(fold or counted)
        self._folds = fold.put(self._connection, partial(self._ids, agents)) if fold else 0
        return stored + self._folds + (self._put_counted(counted, agents) if counted else 0)

    def _put_counted(self, events: Sequence[EventRow], agents: dict[str, int]) -> int:
        """Store what is no row of events: numbers, days, and what sites tell."""
        calls = [event for event in events if event[6] & Flag.CALL]
        kept = put_counted(self._connection, (event for event in events if not event[6] & Flag.CALL))
        if calls:
            intern = partial(self._agent, agents)
            kept += put_calls(self._connection, calls, intern, self._deny_retargeting)
        return kept

    def _agent(self, agents: dict[str, int], agent: str) -> int:
        return self._agents.get(agent) or agents.get(agent) or self._intern(agent, agents)

    def _deny_retargeting(self, subject: bytes, at: int) -> None:
        """Put it into the ledger that a browser has asked for it, in the transaction that is open."""
        entry = Entry(subject, "retargeting", "denied", at, at, BY_SIGNAL, "", None, "collector")
        if self._connection.execute(query("put_consent"), entry._asdict()).rowcount > 0:
            remember(self.path, [Refusal(at, "withdrew", subject, "retargeting")])
            self.note("consent", "retargeting denied", subject=subject, actor="recipient", at=at)

    def _forget_deleted_names(self) -> None:
        """Forget the numbers of agents and networks when a purge has deleted some since.

        In the transaction of the hits, which keeps a purge from doing so meanwhile: 2 µs.
        """
        row = self._connection.execute(_SELECT_NAMES).fetchone()
        if row and row[0] != self._names:
            self._names = row[0]
            self._agents.clear()
            self._networks = {"": 0}

    def _put_rows(self, sql: str, values: list[int], rows: int) -> int:
        """Run a statement for every so many rows' values; return how many rows it stored."""
        size = rows * _COLUMNS
        each = (values[at : at + size] for at in range(0, len(values), size))
        return max(0, self._connection.executemany(sql, each).rowcount)

    def _keep(self, agents: dict[str, int]) -> None:
        """Remember what a commit has stored: only now, as a rolled back row has no id."""
        self._agents.update(agents)
        self._folded += self._folds

    def folds(self) -> int:
        """Return how many hits were only counted since this was asked last."""
        folded, self._folded = self._folded, 0
        return folded

    def _ids(self, agents: dict[str, int], agent: str, network: str) -> tuple[int, int]:
        return self._agent(agents, agent), self._network(network) if network else 0

    def _intern(self, agent: str, into: dict[str, int]) -> int:
        select = "select agent_id from agents where agent = ?"
        known = self._connection.execute(select, [agent]).fetchone()
        if known is None:
            (count,) = self._connection.execute("select count(*) from agents").fetchone()
            kept = agent if count < _MAX_AGENTS else OTHER_AGENT
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
        """Yield the hits that are kept one by one: one message after the other, each in order of time.

        ``hits`` has those too that are only counted.
        """
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None  # plain tuples: there may be millions
            yield from cursor.execute(query("events_of_campaign"), {"campaign_id": campaign_id})

    def repeats(self, campaign_id: int) -> list[Repeat]:
        """Return the counts of a campaign's hits that were not kept one by one."""
        return [Repeat(*row) for row in self._rows("repeats_of_campaign", campaign_id=campaign_id)]

    def hits(self, campaign_id: int) -> Iterator[WeightedHit]:
        """Yield all of a campaign's hits, in the order of ``events``, with how many each stands for.

        Counts of hits that were not kept one by one come as their first and their last hit, the last
        standing for all others; their flags have ``Flag.REPEAT``.
        """
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            yield from cursor.execute(query("hits_of_campaign"), {"campaign_id": campaign_id})
