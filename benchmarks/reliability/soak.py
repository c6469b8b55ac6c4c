"""soak: minutes of steady load at 60 % of what was measured first; memory, latency and files stay flat.

The first minute is left out (tables are read, caches fill). Of the rest, the last third is compared
with the first: resident memory may be a tenth and 4 MB more, open files not more than the readers
explain, and the p99 half more and 5 ms.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from ground import Ground, Serve
from readers import Readers, Tally

_READERS = 8
_SHARE = 0.6
_MEASURE_SECONDS = 8.0
_MB = 1 << 20


@dataclass(frozen=True)
class _Sample:
    minute: float
    memory: int
    files: int
    p99_ms: float
    rate: float


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    ground, whole = Ground(folder), Tally()
    with Serve(folder, options.serve) as serve:
        fastest = Tally()
        with Readers(ground, serve.port, fastest, count=_READERS):
            time.sleep(_MEASURE_SECONDS)
        most = len(fastest.answered) / _MEASURE_SECONDS
        samples = _soak(options, ground, serve, whole, most * _SHARE)
        serve.stop()
    rows = ground.rows()
    found = Tally(
        asked=fastest.asked | whole.asked,
        answered=fastest.answered | whole.answered,
        wrong=fastest.wrong + whole.wrong,
        broken=fastest.broken + whole.broken,
    ).broken_promises(rows)
    third = max(1, len(samples) // 3)
    first, last = samples[:third], samples[-third:]
    memory = [statistics.median(each.memory for each in part) / _MB for part in (first, last)]
    files = [max(each.files for each in part) for part in (first, last)]
    p99 = [statistics.median(each.p99_ms for each in part) for part in (first, last)]
    print(
        f"  {options.minutes:g} minutes at {most * _SHARE:,.0f} hits a second ({_SHARE:.0%} of {most:,.0f}):"
        f" {whole.answers()}\n"
        f"  first and last third: memory {memory[0]:.1f} and {memory[1]:.1f} MB, open files {files[0]} and"
        f" {files[1]}, p99 {p99[0]:.1f} and {p99[1]:.1f} ms; {rows.total():,} rows,"
        f" {ground.database.stat().st_size / _MB:.0f} MB"
    )
    if memory[1] > memory[0] * 1.1 + 4:
        found.append("memory grows")
    if files[1] > files[0] + _READERS:
        found.append("open files grow")
    if p99[1] > p99[0] * 1.5 + 5:
        found.append("latency grows")
    return found


def _soak(
    options: argparse.Namespace, ground: Ground, serve: Serve, whole: Tally, rate: float
) -> list[_Sample]:
    samples = []
    started = time.monotonic()
    warm = min(60.0, options.minutes * 6)
    window = max(1.0, min(10.0, options.minutes * 2))
    with Readers(ground, serve.port, whole, count=_READERS, rate=rate):
        while (passed := time.monotonic() - started) < options.minutes * 60:
            before = len(whole.seconds)
            time.sleep(window)
            part = Tally(seconds=whole.seconds[before:])
            minute = (time.monotonic() - started) / 60
            sample = _Sample(
                minute, serve.memory(), serve.open_files(), part.p99_ms(), len(part.seconds) / window
            )
            if passed < warm:
                continue
            samples.append(sample)
            if len(samples) % 6 == 1:
                print(
                    f"    minute {sample.minute:5.1f}: {sample.memory / _MB:6.1f} MB, {sample.files} files,"
                    f" p99 {sample.p99_ms:.1f} ms, {sample.rate:,.0f} hits a second",
                    flush=True,
                )
    return samples
