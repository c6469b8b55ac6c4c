"""What the collector promises, put to the test: ``pixeltrack serve`` as a program, and what harms it.

    python benchmarks/reliability [SUBJECT ...] [options]

Subjects are run in the order given, all of them without any; each prints its figures, and whether the
promises were kept. Exit code 1 when one was broken. A subject that cannot run here says why.
"""

from __future__ import annotations

import argparse
import importlib
import shlex
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ground import CannotRun

SUBJECTS = ("kill", "power", "ioerror", "full", "locked", "gone", "slow", "fuzz", "scanners", "soak")
IO_PARTS = ("running", "killed", "starting")


def main() -> int:
    options = arguments()
    broken = 0
    for name in options.subjects or SUBJECTS:
        module = importlib.import_module(name)
        print(f"{name}:", flush=True)
        folder = Path(tempfile.mkdtemp(prefix=f"reliability-{name}-", dir=options.folder))
        started = time.monotonic()
        try:
            found = module.run(options, folder / "ground")
        except CannotRun as missing:
            print(f"  skipped: {missing}", flush=True)
            continue
        finally:
            shutil.rmtree(folder)
        took = f"({time.monotonic() - started:.0f} s)"
        print("\n".join(f"  BROKEN: {each}" for each in found) or f"  kept {took}", flush=True)
        broken += bool(found)
    return 1 if broken else 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python benchmarks/reliability",
        description=(__doc__ or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument("--serve", type=shlex.split, default=[], help="options for pixeltrack serve")
    parser.add_argument("--folder", type=Path, help="where to work; None is the system's temporary folder")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--kill-within", type=float, default=0.6, help="seconds after the start")
    parser.add_argument("--power-seconds", type=float, default=12.0, help="of load that is recorded")
    parser.add_argument("--cuts", type=int, default=60, help="points at which the power fails")
    parser.add_argument(
        "--weaken", choices=["store-off", "store-normal", "spool"], help="take syncs away: losses must show"
    )
    parser.add_argument("--io-parts", nargs="+", choices=IO_PARTS, default=IO_PARTS)
    parser.add_argument("--most-n", type=int, default=1_000, help="of the failing calls")
    parser.add_argument("--every-n", type=int, default=1, help="step from one failing call to the next")
    parser.add_argument("--rate", type=float, default=500.0, help="hits a second: full, locked, gone")
    parser.add_argument("--locked-seconds", type=float, default=30.0)
    parser.add_argument("--full-seconds", type=float, default=10.0)
    parser.add_argument("--gone-seconds", type=float, default=5.0)
    parser.add_argument("--half-open", type=int, default=1_000, help="connections")
    parser.add_argument("--dripping", type=int, default=200, help="connections")
    parser.add_argument("--slow-seconds", type=float, default=30.0)
    parser.add_argument("--slow-rate", type=float, default=50.0, help="ordinary hits a second")
    parser.add_argument("--fuzz", type=int, default=10_000_000, help="requests in process")
    parser.add_argument("--fuzz-socket", type=int, default=100_000, help="requests over the socket")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the soak")
    options = parser.parse_args()
    if unknown := set(options.subjects) - set(SUBJECTS):
        parser.error(f"no such subject: {', '.join(sorted(unknown))} (there are {', '.join(SUBJECTS)})")
    return options


if __name__ == "__main__":
    sys.exit(main())
