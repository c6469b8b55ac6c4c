"""Which version of a campaign's mail each message is, and in which run it was made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pixeltrack.store.connect import explained
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query


class Placing(NamedTuple):
    """A message's version (0: none) and batch (0: of no list), and whether it is tracked."""

    message: int
    version: int
    batch: int
    tracked: bool
    stored: bool  # all of its batch is: else that run has failed half-way, and nothing of it was published


class BatchSize(NamedTuple):
    """How many messages of one version a batch has, how many are measured, of how many opens, and clicks."""

    batch: int
    version: int
    messages: int
    tracked: int
    opens: int
    clicks: int


class Versions(Database):
    """The part of the store that knows versions and batches."""

    def versions(self, campaign_id: int) -> dict[int, str]:
        """Return the names of a campaign's versions by number, in order; empty where it has none."""
        self._stay()
        with explained(self.path):
            rows = self._connection.execute(
                "select version, name from versions where campaign_id = ? order by version", [campaign_id]
            )
            return dict(rows.fetchall())

    def placings(self, campaign_id: int) -> Iterator[Placing]:
        """Yield the version and the batch of each of a campaign's messages, tracked or not."""
        self._stay()
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            rows = cursor.execute(query("message_versions"), {"campaign_id": campaign_id})
            for message, version, batch, tracked, stored in rows:
                yield Placing(message, version, batch, bool(tracked), bool(stored))

    def versions_of(self, campaign_id: int, messages: Iterable[int]) -> list[tuple[int, int]]:
        """Return some messages, each with the number of its version; unknown ones are left out."""
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        return [(message, version) for message, version in self._plain(query("versions_of"), asked)]

    def batch_sizes(self, campaign_id: int) -> list[BatchSize]:
        """Return how many messages of each version each of a campaign's batches has."""
        return [BatchSize(*row) for row in self._rows("batch_sizes", campaign_id=campaign_id)]

    def begin_batch(self, campaign_id: int, made: int) -> int:
        """Return the number of a new batch (made at ms UTC); it counts as failed until ``end_batch``."""
        with self._transaction() as connection:
            (last,) = connection.execute(
                "select coalesce(max(batch), 0) from batches where campaign_id = ?", [campaign_id]
            ).fetchone()
            connection.execute(
                "insert into batches (campaign_id, batch, made, done) values (?, ?, ?, 0)",
                [campaign_id, last + 1, made],
            )
        return int(last) + 1

    def end_batch(self, campaign_id: int, batch: int) -> None:
        """Note that all messages of a batch are stored."""
        with self._transaction() as connection:
            connection.execute(
                "update batches set done = 1 where campaign_id = ? and batch = ?", [campaign_id, batch]
            )
