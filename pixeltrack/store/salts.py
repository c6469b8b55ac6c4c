"""The salts of days, which all processes of a database share, and which are gone for good afterwards."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from pixeltrack.store.connect import explained
from pixeltrack.store.database import Database

_PREFIX = "salt "  # of the names in facts, before the day


def salt_days(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the days whose salts a database holds, in order."""
    rows = connection.execute("select name from facts where name like 'salt ____-__-__' order by name")
    return tuple(str(name).removeprefix(_PREFIX) for (name,) in rows)


def drop_salts(path: Path) -> None:
    """Delete the salts from a copy of a database that nobody has open. Raises StoreError."""
    with explained(path), closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma secure_delete = on")
        connection.execute("pragma journal_mode = memory")  # no second file that has them
        connection.execute("delete from facts where name like 'salt ____-__-__'")
        connection.commit()


class Salts(Database):
    """The part of the store that keeps them."""

    def salt(self, day: str, fresh: bytes, *, busy_ms: int) -> bytes:
        """Return the salt of a day (as 2026-11-01), which is fresh when it has none yet.

        busy_ms is how long to wait for another writer. Raises StoreError.
        """
        name, select = _PREFIX + day, "select value from facts where name = ?"
        self._stay()
        with explained(self.path):
            found = self._connection.execute(select, [name]).fetchone()  # waits for nobody
        if found is None:
            insert = "insert or ignore into facts (name, value) values (?, ?)"
            with self._transaction(busy_ms) as connection:
                connection.execute(insert, [name, fresh.hex()])
                found = connection.execute(select, [name]).fetchone()
        return bytes.fromhex(found[0])

    def salt_days(self) -> tuple[str, ...]:
        """Return the days whose salts are kept, in order."""
        self._stay()
        with explained(self.path):
            return salt_days(self._connection)

    def forget_salts(self, first: str, last: str, *, busy_ms: int) -> bool:
        """Delete all salts but those of the days between two, from the database and from its journal.

        Return whether none of their bytes are left. A reader may keep the journal from being cut:
        then they are gone from the database, and this must be called again. Raises StoreError.
        """
        old = [day for day in self.salt_days() if not first <= day <= last]
        if old:
            with self._transaction(busy_ms) as connection:
                # secure_delete overwrites what is deleted (store.connect); the journal has it still.
                connection.executemany("delete from facts where name = ?", [[_PREFIX + day] for day in old])
        return self._cut_journal()

    def _cut_journal(self) -> bool:
        """Bring all of the journal into the database and cut it to nothing; never wait for a reader."""
        self._stay()
        with explained(self.path):
            self._connection.execute("pragma busy_timeout = 0")
            try:
                busy, _frames, _moved = self._connection.execute("pragma wal_checkpoint(truncate)").fetchone()
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                busy = 1
            finally:
                self._connection.execute(f"pragma busy_timeout = {self._busy_ms}")
        return not busy
