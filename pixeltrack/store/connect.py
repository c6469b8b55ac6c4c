"""Opening the database: private file modes, durable settings, and plain words when it fails."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pixeltrack.errors import StoreError


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn any SQLite error inside into a StoreError that names the database."""
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"database {path}: {error}", hint=_hint(str(error))) from error


_File = tuple[int, int]  # device and inode: what a path leads to, whatever is done to the name


def _file(path: str | Path) -> _File | None:
    try:
        status = os.stat(path)  # noqa: PTH116 - on the collector's way, and twice as fast
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _companions(path: Path) -> tuple[str, str]:
    return f"{path}-wal", f"{path}-shm"


@dataclass(frozen=True, slots=True)
class Place:
    """Which files stood at a database's path when it was opened."""

    database: _File | None
    companions: tuple[_File | None, ...]  # its -wal and -shm

    @classmethod
    def of(cls, path: Path) -> Place:
        return cls(_file(path), tuple(map(_file, _companions(path))))

    def is_same(self, path: Path) -> bool:
        return self.database is not None and _file(path) == self.database

    def check_companions(self, path: Path) -> None:
        """Raise StoreError when another database stands at the path, beside the journal of this one.

        SQLite would play the pages of that journal into the other database
        (sqlite.org/howtocorrupt.html, section 1.4).
        """
        if _file(path) == self.database:
            return
        for name, before in zip(_companions(path), self.companions, strict=True):
            if before is not None and _file(name) == before:
                raise StoreError(
                    f"{name} belongs to another database than the one now at {path}",
                    hint=f"move {path}-wal and {path}-shm away, with the database that they belong to",
                )


def is_passing(error: sqlite3.Error) -> bool:
    """Return whether the same connection may well work again, when a lock or a full disk has gone."""
    return any(word in str(error) for word in ("locked", "full"))


def _hint(message: str) -> str | None:
    if "locked" in message:
        return "another program holds it; try again, or stop that program"
    if "not a database" in message:
        return "the file is something else, or damaged; name another with --db"
    if "readonly" in message or "unable to open" in message:
        return "pixeltrack writes in the database's folder too; choose one that you may write to, with --db"
    if "full" in message:
        return "the disk is full"
    return None


def create_private(path: Path) -> None:
    """Create an empty file 0600 first: the database and its -wal and -shm then inherit that mode."""
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        pass  # another program has made it since we looked
    except OSError as error:
        raise StoreError(
            f"cannot create the database {path}: {error.strerror}",
            hint="choose a folder that you may write to, with --db",
        ) from None


def connect(path: Path, *, busy_ms: int) -> sqlite3.Connection:
    """Return a connection with every setting that correctness needs.

    WAL lets reports read while the collector writes; synchronous FULL makes a commit survive power
    loss; secure_delete overwrites what is erased. busy_ms is how long a write waits for another.
    Transactions are begun by hand. The connection may move between threads, one at a time.
    """
    with explained(path):
        connection = sqlite3.connect(
            path.absolute().as_uri() + "?mode=rw",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
            timeout=busy_ms / 1000,
        )
        connection.row_factory = sqlite3.Row
        _use_wal(connection, busy_ms)
        for pragma in ("synchronous = FULL", "secure_delete = ON", "foreign_keys = ON"):
            connection.execute(f"pragma {pragma}")
        return connection


def _use_wal(connection: sqlite3.Connection, busy_ms: int) -> None:
    """Switch to WAL. SQLite does not wait for others there, so we do: two may make one database."""
    deadline = time.monotonic() + busy_ms / 1000
    while True:
        try:
            connection.execute("pragma journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() >= deadline:
                raise
        time.sleep(0.01)
