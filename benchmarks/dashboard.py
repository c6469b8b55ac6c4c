"""What a dashboard takes from the collector: hits a second without one, with one, and with people looking.

    python benchmarks/dashboard.py [--rounds 3] [--seconds 6] [--connections 64] [--lookers 3]

Needs two cores and wrk. The collector is pinned to core 0 and wrk to the last core; the dashboard is first on
any core, then on the collector's own, which is the worst that can be. Every looker asks for a campaign's page
each three seconds, as a browser does. Rounds are interleaved, and medians are shown; processor time is that
of collector and dashboard together.
"""

from __future__ import annotations

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from collector import Run, descendants, load, prepare

CASES = {
    "no dashboard": (False, False, "0"),
    "nobody looks": (True, False, "0-1"),
    "people look": (True, True, "0-1"),
    "people look, on the same core": (True, True, "0"),
}


@contextmanager
def serving(folder: Path, dashboard: bool, cores: str) -> Iterator[tuple[int, int, int]]:
    """Run the collector on core 0; yield its port, its process id and the dashboard's port."""
    options = ["--dashboard", "127.0.0.1:0"] if dashboard else []
    log = folder / "log"
    command = [sys.executable, "-m", "pixeltrack", "--db", "t.db", "serve", "--port", "0", *options]
    with log.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, stderr=file)
    ports: list[str] = []
    while len(ports) < 1 + dashboard:
        time.sleep(0.05)
        ports = re.findall(r"on http://127\.0\.0\.1:(\d+)", log.read_text())
    time.sleep(1)
    children = sorted(descendants(process.pid))
    pin(process.pid, "0")
    for child in children[:1]:  # the collector is started first
        pin(child, "0")
    for child in children[1:]:
        pin(child, cores)
    try:
        yield int(ports[0]), process.pid, int(ports[1]) if dashboard else 0
    finally:
        process.terminate()
        process.wait()


def pin(pid: int, cores: str) -> None:
    subprocess.run(["taskset", "-a", "-p", "-c", cores, str(pid)], check=True, capture_output=True)


def look(port: int, token: str, stop: threading.Event, seconds: list[float]) -> None:
    while not stop.wait(3):
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Host": f"127.0.0.1:{port}", "Authorization": f"Bearer {token}"}
        connection.request("GET", "/campaign?name=bench", headers=headers)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status == 200:
            seconds.append(time.monotonic() - begun)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--lookers", type=int, default=3)
    options = parser.parse_args()
    runs: defaultdict[str, list[Run]] = defaultdict(list)
    waits: defaultdict[str, list[float]] = defaultdict(list)
    for _ in range(options.rounds):
        for name, (dashboard, looked_at, cores) in CASES.items():
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                prepare(folder)
                with serving(folder, dashboard, cores) as (port, pid, other):
                    stop = threading.Event()
                    if looked_at:
                        token = (folder / "pixeltrack.token").read_text().strip()
                        for _ in range(options.lookers):
                            arguments = (other, token, stop, waits[name])
                            threading.Thread(target=look, args=arguments, daemon=True).start()
                    runs[name].append(load(port, pid, folder, options, False, 0))
                    stop.set()
    print(f"{os.cpu_count()} cores, {options.connections} connections, a new one for each hit")
    for name, done in runs.items():
        rates = sorted(run.hits / run.seconds for run in done)
        p99 = statistics.median(run.p99_ms for run in done)
        errors = sum(run.errors for run in done)
        cost = statistics.median(run.cpu / run.hits * 1e6 for run in done)
        pages = f", a page in {statistics.median(waits[name]) * 1000:.0f} ms" if waits[name] else ""
        print(
            f"{name:32} {statistics.median(rates):8,.0f} hits/s ({rates[0]:,.0f} to {rates[-1]:,.0f}),"
            f" {cost:.0f} µs of processor a hit, 99 % within {p99:.1f} ms, {errors} errors{pages}"
        )


if __name__ == "__main__":
    main()
