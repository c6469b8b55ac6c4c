"""What every part of the store works through: rows by a query's name, and transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pixeltrack.store.connect import explained
from pixeltrack.store.schema import query

_ASK_AGAIN = 0.0005  # seconds


class Database:
    """One open database. Not for several threads at the same time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, busy_ms: int) -> None:
        self.path = path
        self._busy_ms = busy_ms
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def _rows(self, name_of_query: str, /, **values: object) -> list[sqlite3.Row]:
        with explained(self.path):
            return self._connection.execute(query(name_of_query), values).fetchall()

    def _begin(self, busy_ms: int) -> None:
        """Begin a write, and ask again twice a millisecond while another program writes.

        SQLite's own waiting sleeps longer and longer: of two collectors that write all the time, one
        could wait for seconds.
        """
        deadline = time.monotonic() + busy_ms / 1000
        self._connection.execute("pragma busy_timeout = 0")
        try:
            while True:
                try:
                    self._connection.execute("begin immediate")
                    return
                except sqlite3.OperationalError as error:
                    if "locked" not in str(error) or time.monotonic() >= deadline:
                        raise
                time.sleep(_ASK_AGAIN)
        finally:
            self._connection.execute(f"pragma busy_timeout = {self._busy_ms}")

    @contextmanager
    def _transaction(self, busy_ms: int | None = None) -> Iterator[sqlite3.Connection]:
        """Begin, and commit or roll back. busy_ms is how long to wait for another writer, this once."""
        with explained(self.path):
            self._begin(busy_ms or self._busy_ms)
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
