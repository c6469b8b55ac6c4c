"""What every part of the store works through: rows by a query's name, and transactions."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pixeltrack.errors import PixeltrackError, StoreError
from pixeltrack.store.connect import Place, explained, is_passing
from pixeltrack.store.schema import query

_PAUSE_SECONDS = 0.25  # before a database that could not be opened is opened again: that takes a while
_ASK_AGAIN = 0.0005  # seconds
Reconnect = Callable[[], sqlite3.Connection]


class Database:
    """One open database. Not for several threads at the same time.

    Before each use it makes sure that the open file is still the one at its path: what is written
    into a file that was deleted is gone. With reconnect, for programs that run for long, it opens
    what stands there instead, as soon as that is a database of the same key again.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, busy_ms: int, reconnect: Reconnect | None = None
    ) -> None:
        self.path = path
        self._busy_ms = busy_ms
        self._connection = connection
        self._reconnect = reconnect
        self._place = Place.of(path)
        self._damaged = False  # opened again before its next use, for pages of it may be in our memory
        self._writing = False
        self._committing = False  # stays so when a commit fails: nobody knows then what it has left
        self._why = PixeltrackError("")  # that the last reopening failed, and until when that is believed
        self._again = 0.0  # monotonic seconds
        self._codes: dict[int, str] = {}  # of the campaigns that were asked for: hits carry their numbers

    def close(self) -> None:
        self._connection.close()

    def version(self) -> tuple[int, ...]:
        """Return a value that is another one when another connection has committed something since.

        It is also another when another file is open. To ask costs some microseconds.
        """
        ((number,),) = self._plain("pragma data_version")
        return int(number), *(self._place.database or ())

    def _rows(self, name_of_query: str, /, **values: object) -> list[sqlite3.Row]:
        self._stay()
        with explained(self.path):
            return self._connection.execute(query(name_of_query), values).fetchall()

    def _plain(self, statement: str, values: Any = ()) -> list[tuple[Any, ...]]:
        """Return rows as plain tuples: there may be many."""
        self._stay()
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            return cursor.execute(statement, values).fetchall()

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
        self._committing = False
        self._stay()
        with explained(self.path):
            try:
                self._begin(busy_ms or self._busy_ms)
                self._writing = True
                yield self._connection
                if not self._place.is_same(self.path):  # the last moment at which that can help
                    raise StoreError(f"the database {self.path} was deleted while it was written to")
                self._committing = True
                self._connection.execute("commit")
                self._committing = False
            except BaseException as error:
                if self._writing and self._connection.in_transaction:
                    self._connection.execute("rollback")
                self._damaged = isinstance(error, sqlite3.Error) and not is_passing(error)
                raise
            finally:
                self._writing = False

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read meanwhile what is there now, whatever others write; nothing can be written here.

        Within another it is part of that.
        """
        self._stay()
        if self._connection.in_transaction:
            yield
            return
        with explained(self.path):
            self._connection.execute("begin")
        try:
            yield
        finally:
            with explained(self.path):
                self._connection.execute("rollback")

    def _stay(self) -> None:
        """Raise StoreError unless the open file is the one at the path, if need be after opening that."""
        if self._writing or (self._place.is_same(self.path) and not self._damaged):
            return
        if self._reconnect is None:
            if self._place.is_same(self.path):
                return  # SQLite itself says what is wrong
            raise StoreError(f"the database {self.path} was deleted or replaced while it was in use")
        if not self.path.exists():
            raise StoreError(
                f"the database {self.path} is gone", hint="put it, or a backup of it, back in its place"
            )
        if time.monotonic() < self._again:
            raise StoreError(self._why.message, hint=self._why.hint)
        try:
            self._connection = self._reopened(self._reconnect)
        except PixeltrackError as error:
            self._why, self._again = error, time.monotonic() + _PAUSE_SECONDS
            raise
        self._place, self._damaged = Place.of(self.path), False
        self._forget()

    def _reopened(self, reconnect: Reconnect) -> sqlite3.Connection:
        """Return a connection to what stands at the path now, if hits can go on with that."""
        self._place.check_companions(self.path)
        self._damaged = True
        self._connection.close()  # first: it holds locks on files beside the database
        connection = reconnect()
        try:
            with explained(self.path):
                found = dict(connection.execute("select campaign_id, code from campaigns").fetchall())
            if any(found.get(number) != code for number, code in self._codes.items()):
                raise StoreError(
                    f"the database now at {self.path} lacks campaigns that hits have come in for",
                    hint="put back a newer backup, or start serve again to go on with this one",
                )
        except StoreError:
            connection.close()
            raise
        return connection

    def _forget(self) -> None:
        """Forget what was read from the file that was open before."""
