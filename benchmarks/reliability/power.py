"""power: the power fails at random points, and what was not synced is gone, or any part of it.

The program runs on a disk that keeps a journal (disk.c), under load, while another program holds the
store now and then so that the spool is in use. Each answer is stamped with the journal's length at
that moment. Then, for many points of the journal, the folder is made that a power loss there would
leave, once at its worst and once by chance; the program is started on it and stopped. Promised: every
hit whose answer came before that point is in the store, none is there twice, and the store is sound.

With --weaken the syncs are taken away from the program, to see that this would show.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

from disk import Disk, build, environment
from ground import CannotStart, Ground, Serve
from readers import Readers, Tally

_RATE = 400.0  # hits a second: every point is made anew from the whole journal
_LOCKED_SECONDS = 0.4
_WEAKER = {
    "store": """
import sqlite3
class Weak(sqlite3.Connection):
    def execute(self, statement, *values):
        return super().execute(statement.replace("synchronous = FULL", "synchronous = {level}"), *values)
connect = sqlite3.connect
sqlite3.connect = lambda *values, **options: connect(*values, **dict(options, factory=Weak))
""",
    "spool": "import os\nos.fsync = os.fdatasync = lambda descriptor: None\n",
}


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    tools = folder.parent
    library, journal = build(tools), tools / "journal"
    ground, tally = Ground(folder), Tally()
    disk = Disk(folder, journal)
    more = environment(library, folder, journal=journal)
    if options.weaken:
        more |= _weakened(options.weaken, tools)
    started = 0
    with Serve(folder, options.serve, more) as serve, journal.open("rb") as written:
        started = _size(written)
        stop = threading.Event()
        locker = threading.Thread(target=_lock_now_and_then, args=(ground.database, stop))
        with Readers(ground, serve.port, tally, rate=_RATE, until_broken=True, stamp=lambda: _size(written)):
            locker.start()
            time.sleep(options.power_seconds)
            stop.set()
            locker.join()
            with closing(sqlite3.connect(ground.database, isolation_level=None, timeout=10)) as other:
                other.execute("begin immediate")
                time.sleep(_LOCKED_SECONDS)  # so that the last moment finds the spool in use
                serve.kill()
        end = _size(written)
    chance = random.Random(options.seed)
    cuts = [end, *(chance.randint(started, end) for _ in range(options.cuts - 1))]
    found: list[str] = []
    lost_at = 0
    for cut in cuts:
        before = Tally(asked=tally.asked, answered={n: 0 for n, at in tally.stamps.items() if at <= cut})
        for luck in (None, chance):
            after = tools / "after"
            disk.lose_power(cut, luck, after)
            broken = _broken(ground, after, before, options)
            shutil.rmtree(after)
            lost_at += bool(broken)
            found += [f"{each} (power lost at byte {cut} of {end})" for each in broken]
    print(
        f"  {len(cuts)} points, {2 * len(cuts)} power losses; {len(tally.answered):,} hits acknowledged,"
        f" {end / 1e6:.1f} MB written; {lost_at} power losses broke a promise"
    )
    if options.weaken:
        return [] if found else [f"the check sees nothing: no loss with {options.weaken} weakened"]
    return found[:20]


def _broken(ground: Ground, after: Path, before: Tally, options: argparse.Namespace) -> list[str]:
    """Start the program on what is left, and return what is wrong then."""
    try:
        Serve(after, options.serve).stop()
        if ground.sound(after):
            return before.broken_promises(ground.rows(after))
    except CannotStart as ended:
        return [f"it does not start again: {ended}"]
    except sqlite3.DatabaseError:
        pass
    return ["the database is damaged"]


def _size(written: BinaryIO) -> int:
    return written.seek(0, os.SEEK_END)


def _weakened(what: str, tools: Path) -> dict[str, str]:
    part, _, level = what.partition("-")
    (tools / "weaker").mkdir()
    (tools / "weaker" / "sitecustomize.py").write_text(_WEAKER[part].format(level=level.upper()))
    return {"PYTHONPATH": str(tools / "weaker")}


def _lock_now_and_then(database: Path, stop: threading.Event) -> None:
    with closing(sqlite3.connect(database, isolation_level=None, timeout=10)) as other:
        while not stop.wait(0.7):
            other.execute("begin immediate")
            stop.wait(_LOCKED_SECONDS)
            other.execute("rollback")
