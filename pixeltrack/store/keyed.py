"""What only the key can tell, for statements: who a person is by keyed hash, and under which number in a
pseudonymous copy, which is stored nowhere.
"""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from functools import lru_cache

from pixeltrack.minting import number
from pixeltrack.tokens import Keyring

_CHUNK = 5_000  # rows a transaction: a collector never waits long for its turn


def keyed(connection: sqlite3.Connection, keyring: Keyring) -> None:
    """Give a connection the functions ``subject_of(identity)`` and ``unlinked(code, key_id, identity)``."""
    campaign = lru_cache(maxsize=64)(keyring.campaign)

    def unlinked(code: str, key_id: int, identity: str) -> int:
        return number(campaign(code, key_id).unlinked_pseudonym(identity))

    connection.create_function("subject_of", 1, keyring.subject, deterministic=True)
    connection.create_function("unlinked", 3, unlinked, deterministic=True)


def fill_subjects(connection: sqlite3.Connection) -> None:
    """Note of everybody, also of those who were stored before there was one, their keyed hash.

    While another program writes, that is left for the next time.
    """
    missing = "select 1 from recipients where subject is null limit 1"
    fill = (
        "update recipients set subject = subject_of(identity) where recipient_id in"
        " (select recipient_id from recipients where subject is null limit ?)"
    )
    with suppress(sqlite3.OperationalError):
        while connection.execute(missing).fetchone():
            connection.execute(fill, [_CHUNK])
