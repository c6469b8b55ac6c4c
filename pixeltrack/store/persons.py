"""One person, everywhere in the database: what is held of them, and deleting it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pixeltrack.errors import StoreError
from pixeltrack.model import Scope
from pixeltrack.refusals import Refusal, remember
from pixeltrack.store.connect import create_private, explained
from pixeltrack.store.followed import Followed
from pixeltrack.store.hits import Place, Placed, bucket_of, numbers_in
from pixeltrack.store.namedlinks import NamedLinks
from pixeltrack.store.people import People
from pixeltrack.store.retained import Retained
from pixeltrack.store.salts import drop_salts
from pixeltrack.store.schema import query

_BUSY_MS = 10_000  # an erasure is worth waiting for
_PAUSE = 0.05  # seconds


class Copied(NamedTuple):
    """A copy that a person got. Times are ms UTC; opens and clicks are numbers of modes."""

    campaign_id: int
    campaign: str
    code: str
    key_id: int
    created: int
    sent: int | None
    message: int
    tracked: int
    opens: int
    clicks: int
    version: int


class Held(NamedTuple):
    """What a person is known by: the number and the list's columns; number 0 where there is no row."""

    recipient_id: int
    fields: dict[str, str]
    last_open: int | None  # day since 1970, in hygiene mode


class Persons(People, Retained, NamedLinks, Followed):
    """The part of the store that finds and deletes one person."""

    def held(self, identity: str) -> Held:
        """Return what the recipients' table has of a person."""
        rows = self._plain(
            "select recipient_id, fields, (select day from last_opens"
            " where last_opens.recipient_id = recipients.recipient_id) from recipients where identity = ?",
            [identity],
        )
        return Held(rows[0][0], json.loads(rows[0][1]), rows[0][2]) if rows else Held(0, {}, None)

    def copies_of(self, identity: str) -> list[Copied]:
        """Return the copies that a person got."""
        return [Copied._make(tuple(row)) for row in self._rows("messages_of_person", identity=identity)]

    def identities(self) -> list[str]:
        """Return everybody's normalised address."""
        return [identity for (identity,) in self._plain("select identity from recipients")]

    def silenced_of(self, places: Sequence[Place]) -> list[tuple[int, int, str, int]]:
        """Return which of some messages are not measured: campaign, message, why, kinds."""
        select = "select campaign_id, message, why, kinds from silenced where campaign_id = ? and message = ?"
        return [row for place in places for row in self._plain(select, place)]

    def facts_of_messages(self, places: Collection[Place]) -> list[Placed]:
        """Return all hits of some messages in order, whether judged and indexed or not."""
        self._stay()
        with explained(self.path):
            numbers = self._events_of([*places])
        return sorted(self.facts_by_number(numbers), key=lambda placed: placed[1].event_id)

    def repeats_of_message(self, place: Place) -> list[tuple[int, int, int, str, int, int, int]]:
        """Return counts of a message's hits: hour, kind, link, agent, hits, first and last (ms UTC)."""
        return self._plain(
            "select hour, kind, link, agent, hits, first_at, last_at"
            " from repeats join agents using (agent_id) where campaign_id = ?"
            " and message = ? order by hour, kind, link",
            place,
        )

    def addresses_of(self, place: Place) -> list[tuple[int, int, int, str]]:
        """Return what is kept of the addresses that a message was read from: at, kind, link, address."""
        return self._plain(
            "select at, kind, link, address from addresses where campaign_id = ? and message = ?"
            " order by at, kind, link",
            place,
        )

    def is_partly_deleted(self, place: Place) -> bool:
        """Return whether older hits of a message were deleted while others are there."""
        select = "select 1 from kept_messages where campaign_id = ? and message = ?"
        return bool(self._plain(select, place))

    def stop_measuring(
        self, subject: bytes, places: Sequence[Place], scopes: Sequence[Scope], at: int
    ) -> None:
        """Begin an erasure: from here on no hit of these messages is stored, whatever happens next.

        The refusal is in the file beside the database before it is in the database.
        """
        with self._transaction(_BUSY_MS) as connection:
            remember(self.path, [Refusal(at, "erased", subject, scope) for scope in scopes])
            connection.executemany(
                query("silence_message"),
                [{"campaign_id": campaign, "message": message} for campaign, message in places],
            )
            connection.executemany(
                "insert or ignore into optouts (subject, scope, at, campaign_id, message)"
                " values (?, ?, ?, 0, 0)",
                [(subject, scope, at) for scope in scopes],
            )

    def delete_person(
        self,
        identity: str,
        subject: bytes,
        hits: Mapping[str, int],
        actor: str | None,
        at: int,
        spellings: Sequence[str] = (),
    ) -> dict[str, int]:
        """Delete every row of a person but hits in one transaction, and return how many of each table.

        ``hits`` are the rows that were deleted before; ``spellings`` are taken out of links. What stays:
        refusals and the consent ledger by keyed hash, the trail, and that these messages are not measured.
        """
        gone = Counter(hits)
        named = self.links_naming(spellings)
        with self._transaction(_BUSY_MS) as connection:
            gone["links"] += self._blank(named, spellings)
            row = connection.execute(
                "select recipient_id from recipients where identity = ?", [identity]
            ).fetchone()
            person = [row[0] if row else 0]
            for table, statement in (
                ("last_opens", "delete from last_opens where recipient_id = ?"),
                ("messages", "delete from messages where recipient_id = ?"),
                ("recipients", "delete from recipients where recipient_id = ?"),
            ):
                gone[table] += _many(connection.execute(statement, person))
            connection.execute("update optouts set message = 0 where subject = ?", [subject])
            counts = {table: rows for table, rows in gone.items() if rows}
            self.note("forget", subject=subject, counts=counts, actor=actor, at=at)
        return counts

    def _events_of(self, places: Sequence[Place]) -> list[int]:
        """Return the numbers of some messages' hits, indexed or not."""
        connection, wanted = self._connection, set(places)
        row = connection.execute("select indexed from judging").fetchone()
        numbers: set[int] = set()
        for bucket in {bucket_of(*place) for place in wanted}:
            found = connection.execute("select events from message_events where bucket = ?", [bucket])
            for (events,) in found.fetchall():
                numbers.update(numbers_in(events))
        mine = [
            number
            for number in numbers
            for hit in connection.execute(
                "select campaign_id, message from events where event_id = ?", [number]
            )
            if tuple(hit) in wanted
        ]
        fresh = (  # looked through by SQLite: there may be a million that nobody has judged yet
            "select event_id from events where event_id > ? and (campaign_id, message) in"
            " (select value ->> 0, value ->> 1 from json_each(?))"
        )
        asked = [row[0] if row else 0, json.dumps([*wanted])]
        mine += [number for (number,) in connection.execute(fresh, asked)]
        return sorted(set(mine))

    def kept_rows(self, subject: bytes, places: Sequence[Place]) -> tuple[int, dict[Place, int]]:
        """Return how often a person's keyed hash, and each message, stands on purpose, indexes too."""
        ((others, consents, trail),) = self._plain(
            "select (select count(*) from optouts where subject = ?1)"
            " + (select count(*) from erasures where subject = ?1),"
            " (select count(*) from consents where subject = ?1),"
            " (select count(*) from trail where subject = ?1)",
            [subject],
        )
        silenced = Counter((row[0], row[1]) for row in self.silenced_of(places))
        return others + 2 * consents + 2 * trail, dict(silenced)

    def empty_journal(self, seconds: float) -> bool:
        """Write the journal into the database and cut it to nothing; False where somebody reads for longer.

        What was deleted stays readable in the -wal until then.
        """
        deadline = time.monotonic() + seconds
        while True:
            self._stay()
            with explained(self.path):
                busy, _log, _done = self._connection.execute("pragma wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_PAUSE)

    def vacuum(self) -> None:
        """Write the whole database anew, so that nothing is left in unused places."""
        self._stay()
        with explained(self.path):
            self._connection.execute("vacuum")

    def copy_to(self, path: Path) -> None:
        """Write a copy of what the database holds now, without anything deleted; readable by its owner.

        Without the salts of days: a copy is there when they have to be gone.
        """
        create_private(path)
        self._stay()
        with explained(self.path):
            self._connection.execute("vacuum into ?", [str(path)])
        drop_salts(path)

    def leave_wal(self) -> bool:
        """Make the file whole in itself, without a journal; False where another program has it open."""
        self._stay()
        try:
            with explained(self.path):
                (mode,) = self._connection.execute("pragma journal_mode = delete").fetchone()
        except StoreError:
            return False
        return bool(mode == "delete")


def _many(cursor: object) -> int:
    return max(0, getattr(cursor, "rowcount", 0))
