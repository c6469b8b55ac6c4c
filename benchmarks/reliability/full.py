"""full: the disk fills up under load, and has space again later. On a small tmpfs of our own.

Promised: every hit is answered as always, and when there is space again every acknowledged one comes
into the store without a restart, once. What is acknowledged while not even the spool can be written is
in memory until then; the program says so, and how many there are.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import time
from pathlib import Path

from ground import CannotRun, Ground, Serve, wait_for
from readers import Readers, Tally

_DISK_BYTES = 8 << 20
_LEFT_BYTES = 200_000  # free when the hits begin
_RECOVERY_SECONDS = 60.0


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK_BYTES},mode=700", "pixeltrack", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        raise CannotRun("a small disk cannot be mounted here (needs root and tmpfs)")
    try:
        return _fill(options, folder)
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _fill(options: argparse.Namespace, folder: Path) -> list[str]:
    ground, tally = Ground(folder), Tally()
    filler = folder / "filler"
    with Serve(folder, options.serve) as serve:
        _leave(folder, filler)
        with Readers(ground, serve.port, tally, rate=options.rate):
            full = wait_for(lambda: _free(folder) < 8_192, 60)
            time.sleep(options.full_seconds)
            asked = len(tally.asked)
            filler.unlink()
            recovered = wait_for(lambda: _complete(ground, tally), _RECOVERY_SECONDS)
        wait_for(lambda: _complete(ground, tally), 10)
        rows = ground.rows()
        in_memory = any("wait in memory" in line for line in serve.said)
        serve.stop()
    took = "never" if recovered is None else f"{recovered:.1f} s after there was space"
    print(
        f"  full for {options.full_seconds:.0f} s: {tally.answers()} ({asked:,} of them until"
        f" there was space), p99 {tally.p99_ms():.1f} ms\n"
        f"  all stored {took}; {len(tally.lost(rows))} acknowledged lost, {tally.uncounted} opens said that"
        f" they were not counted\n"
        f"  {'hits had to wait in memory, too' if in_memory else 'the spool took them all'}"
    )
    found = tally.broken_promises(rows)
    if full is None:
        found.append("the disk did not fill up: the check is wrong")
    if recovered is None:
        found.append("the store was not used again without a restart")
    if not ground.sound():
        found.append("the database is damaged")
    return found


def _free(folder: Path) -> int:
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize


def _leave(folder: Path, filler: Path) -> None:
    filler.write_bytes(bytes(_free(folder) - _LEFT_BYTES))


def _complete(ground: Ground, tally: Tally) -> bool:
    return not tally.lost(ground.rows())
