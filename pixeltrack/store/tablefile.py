"""A new SQLite file of plain tables, for other programs to read."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any

_AT_ONCE = 5_000  # rows of one call


class TableFile:
    """An empty file that becomes a database. Names of tables and columns are the program's own words.

    Nothing is safe before it is closed, and nobody may read meanwhile: it is written beside its place.
    What cannot be written raises OSError, as it does with any other file.
    """

    def __init__(self, path: Path) -> None:
        with _as_of_a_file():
            self._connection = sqlite3.connect(path, isolation_level=None)
            for pragma in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive"):
                self._connection.execute(f"pragma {pragma}")
            self._connection.execute("begin")

    def put(
        self,
        table: str,
        columns: Sequence[tuple[str, str]],
        rows: Iterable[Sequence[Any]],
        indexes: Sequence[Sequence[str]] = (),
    ) -> int:
        """Make a table of columns, each with its declaration, and fill it; return how many rows it has."""
        declared = ", ".join(f"{_name(name)} {declaration}" for name, declaration in columns)
        create = f"create table {_name(table)} ({declared})"
        insert = f"insert into {_name(table)} values ({', '.join('?' * len(columns))})"  # noqa: S608 - ours
        done, remaining = 0, iter(rows)
        with _as_of_a_file():
            self._connection.execute(create)
        while chunk := list(islice(remaining, _AT_ONCE)):
            with _as_of_a_file():
                self._connection.executemany(insert, chunk)
            done += len(chunk)
        for names in indexes:
            index = _name("_".join((table, *names)))
            create = f"create index {index} on {_name(table)} ({', '.join(map(_name, names))})"
            with _as_of_a_file():
                self._connection.execute(create)
        return done

    def __enter__(self) -> TableFile:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _as_of_a_file():
                    self._connection.execute("commit")
        finally:
            self._connection.close()


@contextmanager
def _as_of_a_file() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise OSError(errno.EIO, str(error)) from error


def _name(name: str) -> str:
    """Return a name as SQL has it; raise ValueError for what is no plain word."""
    if not name.isascii() or not name.isidentifier():
        raise ValueError(f"{name!r} is no name of a table or column")
    return f'"{name}"'
