"""The collector against nginx and what others do: durable hits a second of one core's time.

    python benchmarks/collector.py [--rounds 3] [--seconds 5] [--connections 64]

Needs two cores, wrk and nginx (Debian: apt-get install wrk nginx-light). Every contender runs alone,
pinned to core 0, and wrk to the last core; the rounds are interleaved, and medians are shown. Hits are
counted by the client that read the answers; the processor time is the server's. Two workers get cores 0
and 1: with two cores only they share the second with wrk, and then not their rate but what they cost is
compared.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pixeltrack import config, setup
from pixeltrack.minting import number
from pixeltrack.model import Message

sys.path.insert(0, str(Path(__file__).parent))

from contenders import CONTENDERS

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
SCRIPT = """
local paths = {}
for line in io.lines("%(paths)s") do paths[#paths + 1] = line end
local at = 0
function request()
  at = at %% #paths + 1
  return wrk.format("GET", paths[at])
end
wrk.headers["User-Agent"] = "%(agent)s"
wrk.headers["Accept"] = "image/avif,image/webp,*/*"
wrk.headers["Accept-Encoding"] = "gzip, deflate, br"
%(close)s
%(delay)s
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format("RESULT %%d %%d %%d %%d\\n",
    summary.requests, summary.duration, latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
"""
READERS = 5_000
CORES = os.cpu_count() or 1
OURS = ("fast lane", "parser", "two workers")


@dataclass(frozen=True)
class Run:
    """One contender under load once."""

    hits: int
    seconds: float
    cpu: float
    p99_ms: float
    errors: int


def prepare(folder: Path) -> Path:
    """Make a campaign; write the paths of its pixels to a file and return it."""
    settings = config.load(options={"db": str(folder / "t.db")}, environment={})
    workspace = setup.open_workspace(settings, create=True)
    draft = workspace.store.draft_campaign("bench", "recipients", workspace.keyring, 0).number([])
    campaign = workspace.store.save_campaign(draft)
    keys = workspace.keyring.campaign(campaign.code)
    people = {f"p{each}@x.example": keys.pseudonym(f"p{each}@x.example") for each in range(READERS)}
    messages = [Message(number(pseudonym), each, {}, True) for each, pseudonym in people.items()]
    workspace.store.save_messages(campaign.campaign_id, messages)
    paths = folder / "paths"
    pixels = (f"/o/{keys.code}/{keys.message_token(pseudonym)}.gif\n" for pseudonym in people.values())
    paths.write_text("".join(pixels))
    workspace.store.close()
    return paths


def recorded(folder: Path) -> int:
    """How many hits pixeltrack has stored."""
    settings = config.load(options={"db": str(folder / "t.db")}, environment={})
    store = setup.open_workspace(settings, create=False).store
    count = sum(hit[-1] for hit in store.hits(store.campaign("bench").campaign_id))
    store.close()
    return count


@contextmanager
def serving(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    """Run a contender on core 0; yields (port, process id)."""
    script = Path(__file__).with_name("contenders.py")
    cores = "0,1" if name == "two workers" else "0"
    command = ["taskset", "-c", cores, sys.executable, str(script), name, str(folder / "t.db")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    port = int(process.stdout.readline())
    try:
        yield port, process.pid
    finally:
        for pid in [*descendants(process.pid), process.pid]:
            with suppress(ProcessLookupError):  # stopped with its parent
                os.kill(pid, signal.SIGTERM)
        process.wait()


def descendants(pid: int) -> list[int]:
    found = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [deeper for each in found for deeper in (*descendants(each), each)]


def cpu(pid: int) -> float:
    """Seconds of processor time that a process and its children have used."""
    ticks = 0
    for each in [pid, *descendants(pid)]:
        fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def load(port: int, pid: int, folder: Path, options: argparse.Namespace, keep: bool, pause_ms: float) -> Run:
    """Put load on a server. With a pause, each connection waits about that long between two requests."""
    script = folder / "load.lua"
    delay = f"function delay() return math.random(0, {2 * pause_ms:.0f}) end" if pause_ms else ""
    close = "" if keep else 'wrk.headers["Connection"] = "close"'
    values = {"paths": folder / "paths", "agent": AGENT, "close": close, "delay": delay}
    script.write_text(SCRIPT % values)
    command = [
        "taskset",
        "-c",
        str(CORES - 1),
        "wrk",
        "-t1",
        f"-c{options.connections}",
        f"-d{options.seconds}s",
    ]
    before = cpu(pid)
    told = subprocess.run(
        [*command, "--latency", "-s", str(script), f"http://127.0.0.1:{port}/"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    used = cpu(pid) - before
    result = re.search(r"RESULT (\d+) (\d+) (\d+) (\d+)", told)
    assert result, told
    hits, microseconds, p99, errors = map(int, result.groups())
    return Run(hits, microseconds / 1e6, used, p99 / 1e3, errors)


def median(runs: list[Run]) -> tuple[float, float, float]:
    """Return hits a second, microseconds of processor time a hit, p99 in milliseconds."""
    return (
        statistics.median(run.hits / run.seconds for run in runs),
        statistics.median(run.cpu / run.hits * 1e6 for run in runs),
        statistics.median(run.p99_ms for run in runs),
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--only", nargs="*", choices=CONTENDERS, default=list(CONTENDERS))
    options = parser.parse_args()
    runs: dict[tuple[str, str], list[Run]] = defaultdict(list)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as named:
        folder = Path(named)
        prepare(folder)
        for _ in range(options.rounds):
            for name in options.only:
                for kind in ("new", "keep"):
                    stored = recorded(folder)
                    with serving(name, folder) as (port, pid):
                        time.sleep(0.3)
                        run = load(port, pid, folder, options, kind == "keep", 0)
                    if name in OURS and recorded(folder) - stored < run.hits:
                        sys.exit(f"{name}: {run.hits} answered, {recorded(folder) - stored} stored")
                    runs[name, kind].append(run)
                    print(f"{name:11} {kind:5} {run}", file=sys.stderr)
        calm = []
        for _ in range(options.rounds):
            capacity = median(runs["fast lane", "new"])[0]
            with serving("fast lane", folder) as (port, pid):
                pause = options.connections / (0.7 * capacity) * 1e3 - 1
                calm.append(load(port, pid, folder, options, False, max(1, pause)))
    show(runs, calm, options)


def show(runs: dict[tuple[str, str], list[Run]], calm: list[Run], options: argparse.Namespace) -> None:
    rounds = f"{options.rounds} interleaved rounds of {options.seconds} s"
    print(f"{options.connections} connections, {rounds}, medians")
    print("           | new: hits/s  CPU µs  p99 ms | keep:hits/s  CPU µs  p99 ms")
    for name in options.only:
        cells = []
        for kind in ("new", "keep"):
            rate, spent, p99 = median(runs[name, kind])
            cells.append(f"{rate:11,.0f} {spent:7.1f} {p99:7.1f}")
        print(f"{name:11} | {' | '.join(cells)}")
    cost = {name: median(runs[name, "new"])[1] for name in options.only}
    bars = (
        ("parser", "nginx", 0.45),
        ("fast lane", "nginx", 0.7),
        ("fast lane", "pool", 2.5),
        ("fast lane", "naive", 8),
    )
    for name, other, bar in bars:
        if name not in cost or other not in cost:
            continue
        ratio = cost[other] / cost[name]
        print(f"{name}, per second of CPU, new connections: {ratio:.2f} x {other} (bar {bar})")
    if {"fast lane", "two workers"} <= set(options.only):
        show_two_workers(runs["fast lane", "new"], runs["two workers", "new"])
    rate, _, p99 = median(calm)
    share = rate / median(runs["fast lane", "new"])[0]
    print(f"fast lane at {share:.0%} of its rate ({rate:,.0f} hits/s): p99 {p99:.1f} ms (bar 25)")
    errors = sum(run.errors for every in runs.values() for run in every)
    print(f"errors {errors}; every hit answered by pixeltrack was in the store")


def show_two_workers(one: list[Run], two: list[Run]) -> None:
    """Two workers against one: their rate where they and wrk have a core each, else what a hit costs."""
    rates, costs = zip(median(one)[:2], median(two)[:2], strict=True)
    print(f"two workers, per second of CPU, both together: {costs[0] / costs[1]:.2f} x one worker")
    if CORES < 3:
        print("two workers: their rate cannot be measured with two cores, as wrk needs one (bar 1.7)")
    else:
        print(f"two workers: {rates[1] / rates[0]:.2f} x the rate of one (bar 1.7)")


if __name__ == "__main__":
    main()
