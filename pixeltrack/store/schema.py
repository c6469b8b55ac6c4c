"""The schema by numbered migrations, each one a file that says why its columns are as they are."""

from __future__ import annotations

import sqlite3
from functools import cache
from importlib.resources import files
from pathlib import Path

from pixeltrack.errors import StoreError

VERSION = 20


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring a database up to this version's schema; safe to run twice and from two places.

    Raises StoreError for a database that a newer pixeltrack has made.
    """
    found = connection.execute("pragma user_version").fetchone()[0]
    if found > VERSION:
        raise StoreError(
            f"database {path} was made by a newer pixeltrack (schema {found}, this one knows {VERSION})",
            hint="upgrade pixeltrack, or name another database with --db",
        )
    if found == VERSION:
        return
    connection.execute("begin immediate")  # two programs at once: the second finds it done
    try:
        found = connection.execute("pragma user_version").fetchone()[0]
        if found == 0 and connection.execute("select 1 from sqlite_master limit 1").fetchone():
            raise StoreError(
                f"database {path} belongs to another program", hint="name another database with --db"
            )
        _apply(connection)
        connection.execute("commit")
    except BaseException:
        connection.execute("rollback")
        raise


def _apply(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database
    from sqlite_utils.migrations import Migrations

    migrations = Migrations("pixeltrack")
    scripts = sorted(files("pixeltrack.store").joinpath("schema").iterdir(), key=lambda file: file.name)
    for script in scripts:

        def step(
            db: Database, number: int = int(script.name[:4]), text: str = script.read_text("utf-8")
        ) -> None:
            for statement in _statements(text):
                db.execute(statement)
            db.execute(f"pragma user_version = {number}")

        migrations(name=script.name.removesuffix(".sql"))(step)
    migrations.apply(Database(connection))


def _statements(script: str) -> list[str]:
    statements, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            statements.append(pending)
            pending = ""
    return statements


@cache
def query(name: str) -> str:
    """Return the text of a query by its file's name."""
    return files("pixeltrack.store").joinpath("queries", f"{name}.sql").read_text("utf-8")
