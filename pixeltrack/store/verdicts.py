"""Verdicts as they are kept: two bytes a hit, and how far judging has come.

Several programs may judge at the same time, and hits come in meanwhile. Whoever judges a stretch of hits
notes first up to where (``State.upto``), so that all write the same, and writes only while the state
is as it was read; else ``Moved`` is raised and the work is done again from what is there now.
"""

from __future__ import annotations

import sqlite3
import sys
from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from struct import pack
from typing import NamedTuple, cast

from pixeltrack.cells import Delta, Rollup
from pixeltrack.errors import StoreError
from pixeltrack.judging import Label, Verdict
from pixeltrack.store.hits import CHUNK
from pixeltrack.store.rollups import Rollups
from pixeltrack.store.schema import query

_MOST = 65_535  # judgements that two bytes tell apart
_TOTALLED = 100_000  # hits that are read at a time
_BUCKETS = 8_000  # in one transaction: the collector waits meanwhile


class State(NamedTuple):
    """How far judging has come; see the table's own words."""

    rules: str
    epoch: int
    indexed: int
    through: int
    upto: int
    writes: int


Change = tuple[int, int, int]  # a hit and the numbers of its verdicts before (0 for none) and after


class Moved(Exception):
    """Somebody else has gone on with the judging meanwhile."""


class Verdicts(Rollups):
    """The part of the store that keeps what judging made of the hits."""

    @contextmanager
    def relaxed(self) -> Iterator[None]:
        """Do not wait for the disk after each commit meanwhile: after a power cut verdicts are made again."""
        self._plain("pragma synchronous = NORMAL")
        try:
            yield
        finally:
            self._plain("pragma synchronous = FULL")

    def judging_state(self) -> State | None:
        """Return how far judging has come; None when nothing was ever judged."""
        rows = self._plain(query("judging_state"))
        return State(*rows[0]) if rows else None

    def unjudged(self) -> int:
        """Return how many hits nobody has judged yet, at most."""
        state = self.judging_state()
        return self.last_event() - (state.through if state else 0)

    def begin_judging(self, rules: str, after: int | None = None) -> State:
        """Judge with rules of this version from now on, everything again if it was another.

        With ``after`` the hits behind that number are judged again in any case.
        """
        with self._transaction() as connection:
            insert = "insert or ignore into judging values (1, ?, 1, 0, 0, 0, 0)"
            if connection.execute(insert, [rules]).rowcount:
                self._forget_rollups(connection)  # of verdicts that are gone
            state = State(*connection.execute(query("judging_state")).fetchone())
            if state.rules != rules or after is not None:
                through = min(after or 0, state.through)  # what is behind was never judged
                connection.execute(
                    "update judging set rules = ?, epoch = epoch + 1, through = ?, upto = ?",
                    [rules, through, through],
                )
                if not through:
                    connection.execute("delete from stale_campaigns")
            return State(*connection.execute(query("judging_state")).fetchone())

    def claim(self, state: State, most: int) -> State | None:
        """Note up to where the next hits are judged, at most so many; None when all are."""
        if state.upto > state.through:
            return state
        last = self.last_event()
        if last <= state.through:
            return None
        with self._held(state) as connection:
            connection.execute("update judging set upto = ?", [min(last, state.through + most)])
        return state._replace(upto=min(last, state.through + most))

    def index(self, state: State, buckets: Mapping[int, list[int]]) -> State:
        """Note in which buckets the hits behind ``indexed`` and up to ``upto`` are."""
        if state.upto <= state.indexed:
            return state
        rows = [(bucket, _packed(buckets[bucket])) for bucket in sorted(buckets)]
        for start in range(0, len(rows), _BUCKETS):
            with self._held(state) as connection:
                connection.executemany(query("put_bucket"), rows[start : start + _BUCKETS])
        with self._held(state) as connection:
            connection.execute("update judging set indexed = upto")
        return state._replace(indexed=state.upto)

    def stale_campaign(self) -> tuple[int, int] | None:
        """Return a campaign that is to be judged again, and from which bucket on."""
        rows = self._plain("select campaign_id, bucket from stale_campaigns order by campaign_id limit 1")
        return rows[0] if rows else None

    def pass_stale(self, state: State, campaign_id: int, bucket: int | None) -> None:
        """Note that a campaign has been judged again up to a bucket, or the whole of it."""
        with self._held(state) as connection:
            if bucket is None:
                connection.execute("delete from stale_campaigns where campaign_id = ?", [campaign_id])
            else:
                connection.execute(
                    "update stale_campaigns set bucket = ? where campaign_id = ?", [bucket, campaign_id]
                )

    def put_verdicts(
        self,
        state: State,
        judged: Mapping[int, int],
        moments: Mapping[int, tuple[int, int]],
        deltas: Mapping[int, Delta],
        version: str,
        changes: list[Change] | None = None,
    ) -> State:
        """Write verdicts by the numbers of the hits, and what they change in campaigns' roll-ups.

        ``moments`` are the first and the last moment of new hits, by chunk; ``version`` is that of the
        roll-ups that the deltas are for. ``changes`` takes the verdicts
        that are others than before.
        """
        by_chunk: defaultdict[int, list[int]] = defaultdict(list)
        for event in judged:
            by_chunk[event // CHUNK].append(event)
        with self._held(state) as connection:
            for chunk in sorted(by_chunk):
                select = "select first_at, last_at, judged from verdicts where chunk = ?"
                stored = connection.execute(select, [chunk]).fetchone() or (None, None, b"")
                numbers = _changed(stored[2], by_chunk[chunk], judged)
                if changes is not None:
                    changes += _changes(stored[2], by_chunk[chunk], judged)
                if numbers != stored[2] or chunk in moments:
                    times = [*moments.get(chunk, ()), *(at for at in stored[:2] if at is not None)]
                    values = [chunk, min(times), max(times), numbers]
                    connection.execute("insert or replace into verdicts values (?, ?, ?, ?)", values)
            for campaign_id, delta in deltas.items():
                if not self._add_delta(connection, campaign_id, version, delta):
                    raise Moved
            connection.execute("update judging set writes = writes + 1")
        return state._replace(writes=state.writes + 1)

    def keep_rollup(
        self, state: State, campaign_id: int, version: str, rollup: Rollup, busy_ms: int | None = None
    ) -> None:
        """Replace a campaign's roll-up with one that was counted from the verdicts as they were.

        ``busy_ms`` is how long to wait for another writer, this once.
        """
        with self._held(state, busy_ms) as connection:
            self._replace_rollup(connection, campaign_id, version, rollup)

    def finish(self, state: State) -> State:
        """Note that all hits up to ``upto`` are judged."""
        with self._held(state) as connection:
            connection.execute("update judging set through = upto")
        return state._replace(through=state.upto)

    def judgements(self) -> dict[int, Verdict]:
        """Return all verdicts that there are, by their numbers."""
        rows = self._plain("select judgement_id, label, score, reasons from judgements")
        return {
            number: Verdict(cast("Label", label), score, tuple(reasons.split()))
            for number, label, score, reasons in rows
        }

    def number_judgements(self, verdicts: Sequence[Verdict]) -> dict[Verdict, int]:
        """Return the numbers of verdicts, which are stored if they are new."""
        rows = [(verdict.label, verdict.score, " ".join(verdict.reasons)) for verdict in verdicts]
        with self._transaction() as connection:
            connection.executemany(
                "insert or ignore into judgements (label, score, reasons) values (?, ?, ?)", rows
            )
            (most,) = connection.execute("select max(judgement_id) from judgements").fetchone()
            if most > _MOST:
                raise StoreError(
                    f"database {self.path}: there are more than {_MOST:,} different verdicts",
                    hint="rows of your own rules file with fewer different reasons make fewer",
                )
        return {verdict: number for number, verdict in self.judgements().items()}

    def all_judged(self) -> array[int]:
        """Return the numbers of the verdicts on all hits, by the hit's number; 0 where there is none."""
        found = array("H")
        for chunk, judged in self._plain("select chunk, judged from verdicts order by chunk"):
            found.extend([0] * (chunk * CHUNK - len(found)))
            found.frombytes(judged)
        if sys.byteorder == "big":
            found.byteswap()
        return found

    def hit_counts(self) -> dict[int, int]:
        """Return how many hits each campaign has; campaigns without any are left out."""
        state = self.judging_state()
        counts = Counter(dict(self._plain(query("hit_counts"))))
        newer = {"indexed": state.indexed if state else 0}
        counts.update(dict(self._plain(query("newer_hit_counts"), newer)))
        return dict(counts)

    def judged_totals(self) -> Counter[tuple[int, int, int]]:
        """Return how many hits there are by campaign, kind and number of the verdict."""
        judged, totals = self.all_judged(), Counter[tuple[int, int, int]]()
        for after in range(0, len(judged), _TOTALLED):
            rows = self._plain(query("kinds_between"), {"after": after, "upto": after + _TOTALLED})
            totals.update(
                (campaign, kind, judged[event]) for event, campaign, kind in rows if event < len(judged)
            )
        return totals

    @contextmanager
    def _held(self, state: State, busy_ms: int | None = None) -> Iterator[sqlite3.Connection]:
        """Write, unless somebody else has gone on meanwhile."""
        with self._transaction(busy_ms) as connection:
            row = connection.execute(query("judging_state")).fetchone()
            if row is None or tuple(row) != tuple(state):
                raise Moved
            yield connection


def _packed(events: list[int]) -> bytes:
    return events[0].to_bytes(4, "big") if len(events) == 1 else pack(f">{len(events)}I", *events)


def _changed(stored: bytes, events: list[int], judged: Mapping[int, int]) -> bytes:
    """Return a chunk's verdicts with those on some hits replaced."""
    numbers = array("H", stored)
    if sys.byteorder == "big":
        numbers.byteswap()
    length = max(events) % CHUNK + 1
    if len(numbers) < length:
        numbers.extend([0] * (length - len(numbers)))
    first = events[0] // CHUNK * CHUNK
    for event in events:
        numbers[event - first] = judged[event]
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _changes(stored: bytes, events: list[int], judged: Mapping[int, int]) -> list[Change]:
    """Return what replacing a chunk's verdicts on some hits changes."""
    found = [(event, int.from_bytes(stored[event % CHUNK * 2 :][:2], "little")) for event in events]
    return [(event, before, judged[event]) for event, before in found if before != judged[event]]
