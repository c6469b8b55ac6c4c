"""What reading a web server's log costs: lines a second of one core, every line a hit of another reader.

    python benchmarks/ingest.py [LINES]

Each format in turn, against the least that any reader of a log does: reading the same lines and
splitting them. CPU seconds (user and system) of this process, so other work on the machine hardly
matters; the database is a real file, with its commits. Memory is the peak of the whole process.
"""

from __future__ import annotations

import json
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pixeltrack.accesslog import Format
from pixeltrack.ingest import LogReading
from pixeltrack.logfile import open_log
from pixeltrack.model import LinkRow
from pixeltrack.store import open_store
from pixeltrack.tokens import Keyring

START = 1_790_000_000_000
AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    f" Chrome/{version}.0.0.0 Safari/537.36"
    for version in range(60, 140)
]


def combined(at: float, path: str, status: int, agent: str) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return (
        f'203.0.113.9 - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} 43 "-" "{agent}"'
    )


def nginx_json(at: float, path: str, status: int, agent: str) -> str:
    return (
        f'{{"time":{at:.3f},"method":"GET","uri":"{path}","status":"{status}",'
        f'"agent":"{agent}","purpose":"   "}}'
    )


def caddy(at: float, path: str, status: int, agent: str) -> str:
    headers = {"User-Agent": [agent], "Accept": ["image/*"], "Accept-Encoding": ["gzip, deflate"]}
    request = {
        **{"remote_ip": "203.0.113.9", "remote_port": "50000", "proto": "HTTP/2.0", "method": "GET"},
        **{"host": "track.example.com", "uri": path, "headers": headers},
    }
    row = {
        **{"level": "info", "ts": at, "logger": "http.log.access.log0", "msg": "handled request"},
        **{"request": request, "user_id": "", "duration": 0.0001, "size": 43, "status": status},
        "resp_headers": {"Server": ["Caddy"], "Content-Type": ["image/gif"]},
    }
    return json.dumps(row, separators=(",", ":"))


def cloudfront(at: float, path: str, status: int, agent: str) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    fields = [f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}", "FRA56-P1", "417", "203.0.113.9", "GET"]
    fields += ["d111111abcdef8.cloudfront.net", path, str(status), "-", agent.replace(" ", "%20")]
    return "\t".join([*fields, "-", "-", "Hit", *["-"] * 19])


WRITERS: dict[Format, Callable[[float, str, int, str], str]] = {
    "combined": combined,
    "json": nginx_json,
    "caddy": caddy,
    "cloudfront": cloudfront,
}


def requests(count: int, keyring: Keyring, code: str) -> Iterator[tuple[float, str, int, str]]:
    """Yield opens and clicks of as many readers as there are requests, a thousand a second."""
    chance = random.Random(1)
    keys = keyring.campaign(code)
    for number in range(count):
        token = keys.message_token(number.to_bytes(8, "big"))
        agent = chance.choice(AGENTS)
        if number % 4:
            yield START / 1000 + number / 1000, f"/o/{code}/{token}.gif", 200, agent
        else:
            yield START / 1000 + number / 1000, f"/c/{code}/1/{token}", 302, agent


def baseline(path: Path) -> float:
    """Return the CPU seconds of reading the lines and splitting each at its spaces."""
    before = time.process_time()
    with path.open("rb") as file:
        for line in file:
            line.split(b" ")
    return time.process_time() - before


def ingested(path: Path, folder: Path, keyring: Keyring, format_: Format, count: int) -> float:
    store = open_store(folder / f"{format_}.db", keyring, create=True)
    store.save_campaign(
        store.draft_campaign("spring", "recipients", keyring, START).number(
            [LinkRow(1, 1, 1, "First", "https://shop.example/")]
        )
    )
    log = open_log(path)
    reading = LogReading(log, store, keyring, format_)
    before = time.process_time()
    reading.advance()
    used = time.process_time() - before
    assert reading.counts.opens + reading.counts.clicks == count, reading.counts
    log.close()
    store.close()
    return used


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    keyring = Keyring({1: bytes(range(32))})
    code = keyring.campaign_code("spring")
    print(f"{count:,} lines, each a hit of another reader; CPU time of one core")
    with TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        for format_, write in WRITERS.items():
            path = folder / format_
            with path.open("w") as file:
                file.writelines(f"{write(*request)}\n" for request in requests(count, keyring, code))
            plain = min(baseline(path) for _ in range(3))
            used = ingested(path, folder, keyring, format_, count)
            print(
                f"{format_:<10}  {count / used:9,.0f} lines/s   {used / count * 1e6:5.2f} µs a line"
                f"   {used / plain:4.1f} x reading and splitting"
            )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory {peak / 1024:.0f} MB")


if __name__ == "__main__":
    main()
