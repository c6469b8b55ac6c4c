"""locked: another program holds the store's write lock for half a minute, under load.

Promised: every hit is answered as always and soon, none is lost, none is there twice, and afterwards
what was spooled is in the store without a restart.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from ground import Ground, Serve, wait_for
from readers import Readers, Tally

_RECOVERY_SECONDS = 60.0


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    ground, before, during, after = Ground(folder), Tally(), Tally(), Tally()
    with Serve(folder, options.serve) as serve:
        with Readers(ground, serve.port, before, rate=options.rate):
            time.sleep(2)
        with closing(sqlite3.connect(ground.database, isolation_level=None, timeout=10)) as other:
            other.execute("begin immediate")
            with Readers(ground, serve.port, during, rate=options.rate):
                time.sleep(options.locked_seconds)
            spooled = ground.spools()
        with Readers(ground, serve.port, after, rate=options.rate):
            recovered = wait_for(lambda: not during.lost(ground.rows()), _RECOVERY_SECONDS)
            time.sleep(1)
        serve.stop()
    rows = ground.rows()
    whole = Tally(asked=before.asked | during.asked | after.asked)
    whole.answered = before.answered | during.answered | after.answered
    whole.wrong = before.wrong + during.wrong + after.wrong
    whole.broken = before.broken + during.broken + after.broken
    took = "never" if recovered is None else f"{recovered:.1f} s later"
    print(
        f"  locked for {options.locked_seconds:.0f} s: {during.answers()}, p99 {during.p99_ms():.1f} ms "
        f"(before {before.p99_ms():.1f}, after {after.p99_ms():.1f})\n"
        f"  {spooled:,} bytes in the spool; all stored {took}; {len(whole.lost(rows))} acknowledged lost"
    )
    found = whole.broken_promises(rows)
    if recovered is None:
        found.append("the store was not used again without a restart")
    return found
