"""kill: the program is killed with signal 9 at random points, again and again, under load.

Promised: every acknowledged hit is in the store after the next start, and no hit is there twice.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from ground import Ground, Serve
from readers import Readers, Tally

_LOCKED_SHARE = 0.25  # of the kills come while another program holds the store, so the spool is in use


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    ground, tally, chance = Ground(folder), Tally(), random.Random(options.seed)
    for _ in range(options.kills):
        serve = Serve(folder, options.serve)
        readers = Readers(ground, serve.port, tally, until_broken=True)
        with closing(sqlite3.connect(ground.database, isolation_level=None, timeout=10)) as other:
            time.sleep(chance.uniform(0, options.kill_within))
            if chance.random() < _LOCKED_SHARE:
                other.execute("begin immediate")
                time.sleep(chance.uniform(0, options.kill_within))
            serve.kill()
        readers.stop()
    Serve(folder, options.serve).stop()  # takes up what is in spools
    rows = ground.rows()
    print(
        f"  {options.kills} kills, {len(tally.asked):,} hits asked for, {len(tally.answered):,} acknowledged,"
        f" {rows.total():,} rows, {len(tally.lost(rows))} acknowledged lost"
    )
    found = tally.broken_promises(rows, answers=False)
    return found if ground.sound() else [*found, "the database is damaged"]
