"""How the benchmarks measure: CPU time, interleaved, and always beside a baseline of the same run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table. ``holds`` is None for a figure that has no bar."""

    name: str
    value: str
    bar: str = ""
    holds: bool | None = None

    def row(self) -> str:
        verdict = {True: "ok", False: "NOT", None: ""}[self.holds]
        return f"  {self.name:<58} {self.value:>34}   {self.bar:<18} {verdict}".rstrip()


@dataclass(frozen=True, slots=True)
class Used:
    """What a process used: seconds, and its largest resident memory in bytes."""

    cpu: float
    wall: float
    peak: int


def least(cases: Mapping[str, Callable[[], object]], *, repeat: int, rounds: int) -> dict[str, float]:
    """Return each case's least CPU seconds a call; the cases take turns in every round."""
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, call in cases.items():
            began = time.process_time()
            for _ in range(repeat):
                call()
            best[name] = min(best[name], (time.process_time() - began) / repeat)
    return best


def settle() -> None:
    """Let what was written before be on the disk and, where we may, out of the page cache.

    Else whoever writes many gigabytes second pays for what the first has left in memory.
    """
    os.sync()
    with suppress(OSError):  # only root may; Linux alone has it
        Path("/proc/sys/vm/drop_caches").write_text("1")


def timed(call: Callable[P, object], *args: P.args, **kwargs: P.kwargs) -> Used:
    """Return what one call used in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    call(*args, **kwargs)
    return Used(time.process_time() - cpu, time.perf_counter() - wall, 0)


def pixeltrack(arguments: Sequence[str], folder: Path, *, silent: bool = False) -> Used:
    """Run the command in a process of its own; an error ends the benchmark. Silent drops what it prints.

    Its peak is at least what this process holds when it starts it, so measure memory first.
    """
    began = time.perf_counter()
    command = [sys.executable, "-m", "pixeltrack", *arguments]
    # Python may keep its compiled modules, as it does for an installed program.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL if silent else None
    )
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"pixeltrack {' '.join(arguments)} failed")
    wall = time.perf_counter() - began
    return Used(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * 1024)
