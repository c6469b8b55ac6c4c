"""Deleting hits, and in the same transaction adding to a campaign's totals what they had counted for."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import NamedTuple

from pixeltrack.cells import Delta, Rollup
from pixeltrack.store.hits import CHUNK, Place, bucket_of, numbers_in
from pixeltrack.store.kept import text_of
from pixeltrack.store.schema import query
from pixeltrack.store.verdicts import State, Verdicts

_AT_ONCE = 5_000  # places in one JSON array


class RepeatRow(NamedTuple):
    """A count of hits that were not kept one by one, with what tells its row from all others."""

    campaign_id: int
    message: int
    hour: int
    kind: int
    link: int
    agent_id: int
    flags: int
    network_id: int
    agent: str
    network: str
    hits: int
    first_at: int
    last_at: int


@dataclass
class Deletion:
    """Hits that are to be deleted, and what becomes of the figures that they are counted in."""

    events: dict[Place, list[int]] = field(default_factory=dict)  # numbers, in order
    repeats: list[RepeatRow] = field(default_factory=list)
    kept: dict[int, Rollup] = field(default_factory=dict)  # what is added to the totals, by campaign
    deltas: dict[int, Delta] = field(default_factory=dict)  # what roll-ups change by, with what is added
    partly: set[Place] = field(default_factory=set)  # messages that have other hits
    gone_before: int | None = None  # ms UTC, where the hits are deleted because they are old
    audience: dict[Place, str] = field(default_factory=dict)  # messages to delete, by their kept domain

    @property
    def places(self) -> set[Place]:
        """The messages of which something is deleted."""
        return self.events.keys() | {(each.campaign_id, each.message) for each in self.repeats}


class Deleting(Verdicts):
    """The part of the store that deletes hits."""

    def old_chunks(self, before: int) -> list[int]:
        """Return the thousands of judged hits among which are some from before a time (ms UTC)."""
        return [
            chunk
            for (chunk,) in self._plain(
                "select chunk from verdicts where first_at < ? order by chunk", [before]
            )
        ]

    def old_places(self, chunk: int, before: int) -> list[Place]:
        """Return the messages that have a hit from before a time among a thousand."""
        asked = {"first": chunk * CHUNK, "behind": (chunk + 1) * CHUNK, "before": before}
        return [(campaign, message) for campaign, message in self._plain(query("old_places"), asked)]

    def old_repeat_places(self, before: int, most: int) -> list[Place]:
        """Return some messages that have counts of hours before a time."""
        select = "select distinct campaign_id, message from repeats where hour < ? limit ?"
        return [(campaign, message) for campaign, message in self._plain(select, [before, most])]

    def repeats_of(self, places: Collection[Place]) -> list[RepeatRow]:
        """Return the counts of some messages' hits that were not kept one by one."""
        wanted, found = list(places), []
        for start in range(0, len(wanted), _AT_ONCE):
            asked = {"places": json.dumps(wanted[start : start + _AT_ONCE])}
            found += [RepeatRow._make(row) for row in self._plain(query("repeats_of_places"), asked)]
        return found

    def domain_of(self, place: Place) -> str:
        """Return the mail domain that a message went to; empty where that is not known."""
        rows = self._plain(query("domains_of"), {"campaign_id": place[0], "messages": json.dumps([place[1]])})
        return rows[0][0] if rows else ""

    def delete_keeping_totals(self, state: State, deletion: Deletion, version: str) -> dict[str, int]:
        """Delete hits in one transaction that leaves every figure as it was; return how many rows.

        ``version`` is that of the roll-ups that the deltas are for. Raises Moved where somebody else has
        gone on with the judging since the state was read: what is to be kept is another then.
        """
        with self._held(state) as connection:
            (last,) = connection.execute("select coalesce(max(event_id), 0) from events").fetchone()
            self._delete_rows(connection, deletion)
            self._keep_numbers(connection, last)
            self._keep_totals(connection, state, deletion)
            for campaign_id, delta in deletion.deltas.items():
                self._add_delta(connection, campaign_id, version, delta)
            messages = deliveries = 0
            for (campaign_id, message), domain in deletion.audience.items():
                values = {"campaign_id": campaign_id, "message": message, "domain": domain}
                connection.execute(query("keep_audience"), values)
                connection.execute(query("keep_delivery"), values)
                place = [campaign_id, message]
                delete = "delete from deliveries where campaign_id = ? and message = ?"
                deliveries += connection.execute(delete, place).rowcount
                delete = "delete from messages where campaign_id = ? and message = ?"
                messages += connection.execute(delete, place).rowcount
            if deletion.gone_before is None:
                connection.executemany(
                    "delete from addresses where campaign_id = ? and message = ?", sorted(deletion.places)
                )
            connection.execute("update judging set writes = writes + 1")
        events = sum(map(len, deletion.events.values()))
        repeats = len(deletion.repeats)
        return {"events": events, "repeats": repeats, "messages": messages, "deliveries": deliveries}

    def _delete_rows(self, connection: sqlite3.Connection, deletion: Deletion) -> None:
        gone = sorted(event for events in deletion.events.values() for event in events)
        connection.executemany("delete from events where event_id = ?", [[event] for event in gone])
        connection.executemany(query("delete_repeats"), [row[:8] for row in deletion.repeats])
        by_bucket: defaultdict[int, set[int]] = defaultdict(set)
        for place, events in deletion.events.items():
            by_bucket[bucket_of(*place)].update(events)
        for bucket in sorted(by_bucket):
            _leave_out(connection, bucket, by_bucket[bucket])
        for chunk in sorted({event // CHUNK for event in gone}):
            _moments_again(connection, chunk)

    def _keep_numbers(self, connection: sqlite3.Connection, last: int) -> None:
        """Let no number be given twice: see the schema."""
        (now,) = connection.execute("select coalesce(max(event_id), 0) from events").fetchone()
        row = connection.execute("select value from facts where name = 'stand-in'").fetchone()
        if now < last:
            connection.execute("insert into events values (?, 0, 0, 0, 0, 0, 0, 0, 0, 0)", [last])
            connection.execute(
                "insert or replace into facts (name, value) values ('stand-in', ?)", [str(last)]
            )
        elif row and int(row[0]) < now:
            connection.execute("delete from facts where name = 'stand-in'")
        else:
            return
        if row:
            connection.execute("delete from events where event_id = ? and campaign_id = 0", [int(row[0])])

    def _keep_totals(self, connection: sqlite3.Connection, state: State, deletion: Deletion) -> None:
        for campaign_id, rollup in deletion.kept.items():
            rows = [(campaign_id, text_of(cell), number) for cell, number in rollup.cells.items()]
            connection.executemany(query("keep_cell"), rows)
            moments = {"begun": rollup.begun, "first": rollup.first, "last": rollup.last}
            connection.execute(
                query("keep_moments"),
                {"campaign_id": campaign_id, "gone_before": deletion.gone_before, **moments},
            )
        connection.execute("delete from kept_cells where number = 0")
        whole = deletion.places - deletion.partly
        connection.executemany(
            "delete from kept_messages where campaign_id = ? and message = ?", sorted(whole)
        )
        connection.executemany("insert or ignore into kept_messages values (?, ?)", sorted(deletion.partly))
        for campaign_id, messages in _by_campaign(deletion.places).items():
            asked = {"campaign_id": campaign_id, "messages": json.dumps(messages), "event": state.through}
            connection.execute(query("close_batches"), asked)


def _leave_out(connection: sqlite3.Connection, bucket: int, gone: set[int]) -> None:
    row = connection.execute("select events from message_events where bucket = ?", [bucket]).fetchone()
    if row is None:
        return
    left = [event for event in numbers_in(row[0]) if event not in gone]
    if left:
        connection.execute(
            "update message_events set events = ? where bucket = ?", [pack(f">{len(left)}I", *left), bucket]
        )
    else:
        connection.execute("delete from message_events where bucket = ?", [bucket])


def _moments_again(connection: sqlite3.Connection, chunk: int) -> None:
    """Note the first and the last moment of what is left of a thousand hits."""
    first, last = connection.execute(
        "select min(at), max(at) from events where event_id >= ? and event_id < ? and campaign_id <> 0",
        [chunk * CHUNK, (chunk + 1) * CHUNK],
    ).fetchone()
    if first is None:
        connection.execute("delete from verdicts where chunk = ?", [chunk])
    else:
        connection.execute(
            "update verdicts set first_at = ?, last_at = ? where chunk = ?", [first, last, chunk]
        )


def _by_campaign(places: Iterable[Place]) -> Mapping[int, Sequence[int]]:
    found: defaultdict[int, list[int]] = defaultdict(list)
    for campaign_id, message in places:
        found[campaign_id].append(message)
    return found
