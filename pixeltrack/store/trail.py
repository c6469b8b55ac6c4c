"""The audit trail: one row more, in the same transaction as the act that it tells of."""

from __future__ import annotations

import getpass
import sqlite3
from collections.abc import Iterator, Mapping

from pixeltrack.clock import now_ms
from pixeltrack.store.connect import explained
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query
from pixeltrack.trail import ZEROS, Head, Link, linked, written

_BUSY_MS = 5_000  # an act without its row would be worse than waiting


class Trail(Database):
    """The part of the store that remembers who did what to people's data."""

    def note(
        self,
        action: str,
        object: str = "",  # noqa: A002 - the trail's own word for what something was done to
        *,
        subject: bytes | None = None,
        counts: Mapping[str, object] | None = None,
        actor: str | None = None,
        at: int | None = None,
    ) -> None:
        """Add a row to the trail: within the transaction that is open, else in one of its own.

        ``object`` never names a person: they are ``subject``, the keyed hash of the address. ``actor`` is
        the system's user where it is not said. Writers take turns, so the chain never forks.
        """
        said = (now_ms() if at is None else at, actor or _user(), action, object, subject)
        if self._writing:
            self._append(self._connection, *said, written(counts or {}))
            return
        with self._transaction(_BUSY_MS) as connection:
            self._append(connection, *said, written(counts or {}))

    def _append(
        self,
        connection: sqlite3.Connection,
        at: int,
        actor: str,
        action: str,
        of: str,
        subject: bytes | None,
        counts: str,
    ) -> None:
        row = linked(_head(connection), at, actor, action, of, subject, counts)
        connection.execute("insert into trail values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)

    def was_noted(self, action: str, subject: bytes, actor: str, since: int) -> bool:
        """Return whether somebody's act upon one person is in the trail since a time (ms UTC)."""
        statement = "select 1 from trail where subject = ? and action = ? and actor = ? and at > ? limit 1"
        return bool(self._plain(statement, [subject, action, actor, since]))

    def trail(self, subject: bytes | None = None) -> Iterator[Link]:
        """Yield the trail's rows in order; only those about one person where that is said."""
        self._stay()
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            for row in cursor.execute(query("trail"), {"subject": subject}):
                yield Link(*row)

    def trail_head(self) -> Head:
        """Return the last row's number and hash."""
        self._stay()
        with explained(self.path):
            return _head(self._connection)

    def modes_of(self, campaign_id: int) -> dict[str, int]:
        """Return how many copies of a campaign there are by their modes, as "opens 5, clicks 0"."""
        rows = self._plain(
            "select opens, clicks, sum(copies) from ("
            "select opens, clicks, count(*) as copies from messages where campaign_id = ?1 group by 1, 2"
            " union all select opens, clicks, recipients from crowds where campaign_id = ?1"
            ") group by 1, 2",
            [campaign_id],
        )
        return {f"opens {_mode(opens)}, clicks {_mode(clicks)}": copies for opens, clicks, copies in rows}


def _mode(number: int) -> str:
    from pixeltrack.model import MODES

    return MODES[number] if 0 <= number < len(MODES) else str(number)


def _head(connection: sqlite3.Connection) -> Head:
    row = connection.execute("select seq, hash from trail order by seq desc limit 1").fetchone()
    return Head(row[0], row[1]) if row else Head(0, ZEROS)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        import os

        return f"uid {os.getuid()}"
