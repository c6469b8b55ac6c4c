"""How a database is, without changing it and whoever else has it open."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pixeltrack.cells import least, most
from pixeltrack.store.connect import explained
from pixeltrack.store.retained import last_purge_in
from pixeltrack.store.salts import salt_days
from pixeltrack.store.schema import VERSION


class HookHealth(NamedTuple):
    """A webhook. Times are ms UTC: since when it fails, is paused, and has a hit to be looked at."""

    hook_id: int
    url: str
    failing: int | None
    error: str | None
    paused: int | None
    reason: str
    given_up: int
    waiting: int | None


@dataclass(frozen=True, slots=True)
class Health:
    """``damage`` is what SQLite's quick check found first, or empty; times are milliseconds UTC."""

    schema: int
    known_schema: int
    damage: str
    oldest: int | None
    newest: int | None
    wal_bytes: int
    key: str | None  # the check value of the key that made it
    salts: tuple[str, ...] = ()  # the days whose salt is kept, as 2026-11-01
    last_purge: int | None = None  # when purge came to its end, by its clock
    lately: int = 0  # newest hits that were looked at, and of how many the client's address was known
    known: int = 0
    asked: tuple[int, ...] = ()  # since when people wait to be erased
    hooks: tuple[HookHealth, ...] = ()


_LATELY = 200  # hits
_HOOKS = (
    "select hook_id, url, since, error, paused, reason, given_up, iif("
    "kinds like '%open%' or kinds like '%click%',"
    " (select at from events where event_id > hooks.hit order by event_id limit 1), null)"
    " from hooks left join hook_tries using (hook_id) order by hook_id"
)


def examine(path: Path) -> Health:
    """Read a database through. Raises StoreError when it cannot be read at all."""
    wal = Path(f"{path}-wal")
    with (
        explained(path),
        closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True, timeout=5)) as connection,
    ):
        (schema,) = connection.execute("pragma user_version").fetchone()
        (found,) = connection.execute("pragma quick_check(1)").fetchone()
        oldest = newest = key = None
        salts: tuple[str, ...] = ()
        lately = known = 0
        purged = None
        asked: tuple[int, ...] = ()
        hooks: tuple[HookHealth, ...] = ()
        if found == "ok" and 0 < schema <= VERSION:
            oldest, newest = connection.execute(
                "select min(at), max(at) from events where campaign_id <> 0"
            ).fetchone()
            if schema >= 5:  # the counts of further hits came then
                first, last = connection.execute("select min(hour), max(last_at) from repeats").fetchone()
                oldest, newest = least(oldest, first), most(newest, last)
            purged = last_purge_in(lambda select: connection.execute(select).fetchall())
            row = connection.execute("select value from facts where name = 'key'").fetchone()
            key = row[0] if row else None
            salts = salt_days(connection)
            if schema >= 4:  # hits have a number of their address since then
                lately, known = connection.execute(
                    "select count(*), coalesce(sum(address <> 0), 0)"
                    " from (select address from events order by event_id desc limit ?)",
                    [_LATELY],
                ).fetchone()
            if connection.execute("select 1 from sqlite_master where name = 'erasures'").fetchone():
                rows = connection.execute("select at from erasures order by at").fetchall()
                asked = tuple(at for (at,) in rows)
            if connection.execute("select 1 from sqlite_master where name = 'hooks'").fetchone():
                hooks = tuple(HookHealth(*row) for row in connection.execute(_HOOKS).fetchall())
        wal_bytes = wal.stat().st_size if wal.exists() else 0
    damage = "" if found == "ok" else str(found)
    last_purge = purged.at if purged else None
    return Health(
        *(schema, VERSION, damage, oldest, newest, wal_bytes, key, salts, last_purge, lately, known, asked),
        hooks=hooks,
    )
