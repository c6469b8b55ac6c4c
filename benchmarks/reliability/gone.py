"""gone: the store's files go away under load.

moved      they are moved away and back again
restored   they are deleted, and a copy from a backup is put there
deleted    they are deleted, and nothing comes back

Promised: every hit is answered as always, and none that was asked for after the files went is lost:
it is in the store that came back, once, or in the spool when none did.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from ground import DATABASE, Ground, Serve, wait_for
from readers import Readers, Tally

_RECOVERY_SECONDS = 15.0


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    found = []
    for case in ("moved", "restored", "deleted"):
        found += [f"{case}: {each}" for each in _case(case, options, folder.with_name(case))]
    return found


def _case(case: str, options: argparse.Namespace, folder: Path) -> list[str]:
    ground, before, after = Ground(folder), Tally(), Tally()
    backup, aside = folder / "backup.db", folder / "aside"
    aside.mkdir()
    with Serve(folder, options.serve) as serve:
        with Readers(ground, serve.port, before, rate=options.rate):
            time.sleep(1)
        with closing(sqlite3.connect(ground.database)) as source, closing(sqlite3.connect(backup)) as copy:
            source.backup(copy)
        with Readers(ground, serve.port, after, rate=options.rate):
            for path in folder.glob(f"{DATABASE}*"):
                path.rename(aside / path.name)
            first = next(ground.numbers)  # what is asked for from here on must not be lost
            if case != "moved":
                shutil.rmtree(aside)
            time.sleep(options.gone_seconds)
            spooled = ground.spools()
            if case == "moved":
                for path in aside.iterdir():
                    path.rename(folder / path.name)
            elif case == "restored":
                shutil.copy(backup, folder / "restoring")
                (folder / "restoring").rename(ground.database)
            promised = Tally(asked=before.asked | after.asked, wrong=after.wrong, broken=after.broken)

            def complete() -> bool:
                promised.answered = {n: at for n, at in dict(after.answered).items() if n > first}
                return not promised.lost(_rows(ground))

            recovered = wait_for(complete, _RECOVERY_SECONDS if case != "deleted" else 0)
        said = len(serve.said)
        code = serve.stop()
    if case == "deleted":  # the spool is what is left; a store from a backup takes it up
        backup.rename(ground.database)
        for path in folder.glob(f"{DATABASE}-*"):
            path.unlink()
        Serve(folder, options.serve).stop()
    complete()
    promised.asked = before.asked | after.asked
    rows = _rows(ground)
    took = "never" if recovered is None else f"{recovered:.1f} s later"
    print(
        f"  {case}: {after.answers()}, p99 {after.p99_ms():.1f} ms, {spooled:,} bytes in the spool,"
        f" {said - 1} lines said\n"
        f"    in use again {took}; {len(promised.lost(rows)):,} acknowledged after it went are lost;"
        f" exit code {code}",
        flush=True,
    )
    found = promised.broken_promises(rows)
    if recovered is None and case != "deleted":
        found.append("the store that came back was not used without a restart")
    return found


def _rows(ground: Ground) -> Counter[int]:
    try:
        return ground.rows() if ground.database.exists() else Counter()
    except sqlite3.DatabaseError:
        return Counter()
