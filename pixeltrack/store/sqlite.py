"""The embedded store, on SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from pixeltrack import replay
from pixeltrack.errors import KeyFileError, PixeltrackError, StoreError
from pixeltrack.store.askers import Askers
from pixeltrack.store.campaigns import Campaigns
from pixeltrack.store.connect import connect, create_private, explained
from pixeltrack.store.consents import Consents
from pixeltrack.store.crowds import Crowds
from pixeltrack.store.deliveries import Deliveries
from pixeltrack.store.domains import Domains
from pixeltrack.store.earners import Earners
from pixeltrack.store.erasures import Erasures
from pixeltrack.store.exports import Exports
from pixeltrack.store.gathered import Gathered
from pixeltrack.store.hooks import Hooks
from pixeltrack.store.keyed import fill_subjects, keyed
from pixeltrack.store.logs import Logs
from pixeltrack.store.mails import Mails
from pixeltrack.store.notices import Notices
from pixeltrack.store.people import People
from pixeltrack.store.persons import Persons
from pixeltrack.store.salts import Salts
from pixeltrack.store.schema import migrate
from pixeltrack.store.segments import Segments
from pixeltrack.store.sites import Sites
from pixeltrack.tokens import Keyring


class Store(
    Persons,
    Campaigns,
    Mails,
    People,
    Gathered,
    Consents,
    Segments,
    Notices,
    Logs,
    Salts,
    Domains,
    Exports,
    Crowds,
    Erasures,
    Sites,
    Askers,
    Earners,
    Deliveries,
    Hooks,
):
    """One open database. Not for several threads at the same time."""

    def is_unused(self) -> bool:
        """Return whether nothing is stored and no other program has the database open."""
        if self.campaigns() or self.last_consent():
            return False
        try:
            with explained(self.path):
                self._connection.execute("pragma journal_mode = delete")  # needs to be alone
        except StoreError:
            return False
        return True


def open_store(
    path: Path,
    keyring: Keyring,
    *,
    create: bool = False,
    busy_ms: int = 5_000,
    follow: bool = False,
    replay_limit: int = replay.LIMIT,
) -> Store:
    """Open a database with the key that made it.

    With follow the store goes on with the database that stands at the path, when the one it has open
    was deleted or replaced. replay_limit is how many hits of one URL in an hour are kept one by one.
    Raises StoreError when there is none (unless create is set), when it cannot be used or is newer
    than this program; KeyFileError when the key is another one.
    """
    if create and not path.exists():
        create_private(path)
    if not path.is_file():
        raise StoreError(
            f"no database at {path}",
            hint="pixeltrack inject makes one; name another with --db",
        )

    def connected() -> sqlite3.Connection:
        return _connect(path, keyring, busy_ms)

    return Store(path, connected(), busy_ms, connected if follow else None, replay_limit)


def _connect(path: Path, keyring: Keyring, busy_ms: int) -> sqlite3.Connection:
    connection = connect(path, busy_ms=busy_ms)
    keyed(connection, keyring)
    try:
        with explained(path):
            migrate(connection, path)
            select = "select value from facts where name = 'key'"
            stored = connection.execute(select).fetchone()
            if stored is None:  # two programs may find that at the same time
                insert = "insert or ignore into facts (name, value) values ('key', ?)"
                connection.execute(insert, [keyring.check_value()])
                stored = connection.execute(select).fetchone()
            if stored[0] == keyring.check_value():
                fill_subjects(connection)
        if stored[0] != keyring.check_value():
            raise KeyFileError(
                f"the key is not the one that made the database {path}",
                hint="give the right key file with --key, or another database with --db",
            )
    except PixeltrackError:
        connection.close()
        raise
    return connection
