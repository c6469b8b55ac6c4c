"""What `pixeltrack ingest` costs: lines a second of one core, every line a hit of another reader.

    python benchmarks/ingest.py [LINES]

The whole command in a process of its own, from its start to the last commit in a real database, with
tokens verified: CPU seconds, user and system, so that other work on the machine hardly matters. Beside
it, in the same run, what other readers of the same log do at least, storing nothing: splitting each line
at its spaces; and taking each line apart with a plain regular expression or json.loads. Lines are as the
servers write them; Caddy shuffles its headers, and so do we.

The last rows are what is read line by line instead of many lines at a time; they have no bar.
"""

from __future__ import annotations

import json
import random
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from measure import pixeltrack

from pixeltrack import config
from pixeltrack.accesslog import Format
from pixeltrack.minting import CampaignKeys
from pixeltrack.model import LinkRow
from pixeltrack.setup import Workspace, open_workspace

START = 1_790_000_000_000
BAR = 100_000  # lines a second
AGENTS = [
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    f" Chrome/{version}.0.0.0 Safari/537.36"
    for version in range(60, 140)
]


ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
LANGUAGE = "de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"


class Request(NamedTuple):
    at: float
    path: str
    status: int
    agent: str
    address: str


#: Half of all hits come through image proxies and offices: some thousands of addresses, again and again.
#: The others have each an address of their own.
PROXIES = 2_000


def address_of(number: int, chance: random.Random) -> str:
    if number % 2:
        place = chance.randrange(PROXIES)
        return f"66.249.{80 + place // 256}.{place % 256}"
    place = number * 2_654_435_761 % 2**24  # spread over networks, none twice
    return f"{80 + number % 8}.{place >> 16}.{place >> 8 & 255}.{place & 255}"


def combined(request: Request) -> str:
    at, path, status, agent, address = request
    moment = datetime.fromtimestamp(at, UTC)
    return f'{address} - - [{moment:%d/%b/%Y:%H:%M:%S} +0000] "GET {path} HTTP/1.1" {status} 43 "-" "{agent}"'


def nginx_json(request: Request) -> str:
    at, path, status, agent, address = request
    return (
        f'{{"time":{at:.3f},"addr":"{address}","method":"GET","uri":"{path}","status":"{status}",'
        f'"agent":"{agent}","purpose":"   ","scheme":"https","accept":"{ACCEPT}",'
        f'"accept_language":"{LANGUAGE}","sec_fetch_mode":"no-cors","sec_gpc":"","dnt":""}}'
    )


SHUFFLED = random.Random(2)


def caddy(request: Request) -> str:
    at, path, status, agent, address = request
    headers = [
        ("User-Agent", [agent]),
        ("Accept", [ACCEPT]),
        ("Accept-Encoding", ["gzip, deflate, br, zstd"]),
        ("Accept-Language", [LANGUAGE]),
        ("Sec-Fetch-Dest", ["image"]),
        ("Sec-Fetch-Mode", ["no-cors"]),
        ("Sec-Ch-Ua", ['"Chromium";v="131", "Not_A Brand";v="24"']),
    ]
    SHUFFLED.shuffle(headers)
    asked = {
        **{"remote_ip": address, "remote_port": "50000", "client_ip": address},
        **{"proto": "HTTP/2.0", "method": "GET", "host": "track.example.com", "uri": path},
        "headers": dict(headers),
        "tls": {
            **{"resumed": False, "version": 772, "cipher_suite": 4865, "proto": "h2"},
            "server_name": "track.example.com",
        },
    }
    row = {
        **{"level": "info", "ts": at, "logger": "http.log.access.log0", "msg": "handled request"},
        **{"request": asked, "bytes_read": 0, "user_id": "", "duration": 0.000026449, "size": 43},
        **{"status": status, "resp_headers": {"Server": ["Caddy"], "Content-Type": ["image/gif"]}},
    }
    return json.dumps(row, separators=(",", ":"))


def cloudfront(request: Request) -> str:
    at, path, status, agent, address = request
    moment = datetime.fromtimestamp(at, UTC)
    fields = [f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}", "FRA56-P1", "417", address, "GET"]
    fields += ["d111111abcdef8.cloudfront.net", path, str(status), "-", agent.replace(" ", "%20")]
    return "\t".join([*fields, "-", "-", "Hit", *["-"] * 19])


class Dialect(NamedTuple):
    """How a format is written, and how a program takes its lines apart that does nothing else."""

    write: Callable[[Request], str]
    apart: Callable[[str], object]


PLAIN = re.compile(r'(\S+) (\S+) (\S+) \[([^\]]+)\] "(\S+) (\S+) ([^"]+)" (\d+) (\S+) "([^"]*)" "([^"]*)"')
DIALECTS: dict[Format, Dialect] = {
    "combined": Dialect(combined, lambda line: PLAIN.match(line).groups()),  # type: ignore[union-attr]
    "json": Dialect(nginx_json, json.loads),
    "caddy": Dialect(caddy, json.loads),
    "cloudfront": Dialect(cloudfront, lambda line: line.split("\t")),
}

Written = Callable[[CampaignKeys, int, int], str]  # the path of one hit: keys, number, link


def path_of(keys: CampaignKeys, link: int, token: str) -> str:
    return f"/c/{keys.code}/{link}/{token}" if link else f"/o/{keys.code}/{token}.gif"


def ordinary(keys: CampaignKeys, number: int, link: int) -> str:
    return path_of(keys, link, keys.message_token(number.to_bytes(8, "big")))


def bound(keys: CampaignKeys, number: int, link: int) -> str:
    return path_of(keys, link, keys.bound_tokens(number.to_bytes(8, "big"), [link])[link])


def merged(keys: CampaignKeys, number: int, link: int) -> str:
    return path_of(keys, link, keys.merge_token(f"c{number:09}"))


def readable(keys: CampaignKeys, number: int, link: int) -> str:
    host = f"shop.example~{keys.host_seal(link, 'shop.example')}/" if link else ""
    token = keys.message_token(number.to_bytes(8, "big"))
    return f"/c/{keys.code}/{link}/{host}{token}" if link else path_of(keys, 0, token)


def others(keys: CampaignKeys, number: int, link: int) -> str:
    return ordinary(keys, number, link) if number % 2 else f"/assets/picture-{number}.jpg"


def requests(count: int, keys: CampaignKeys, written: Written) -> Iterator[Request]:
    """Yield opens and clicks of as many readers as there are requests, a thousand a second."""
    chance = random.Random(1)
    for number in range(count):
        link = int(number % 4 == 0)
        at = START / 1000 + number / 1000
        yield Request(
            at,
            written(keys, number, link),
            302 if link else 200,
            chance.choice(AGENTS),
            address_of(number, chance),
        )


def least(path: Path, take: Callable[[Path], object]) -> float:
    """Return the least CPU seconds of three times."""

    def once() -> float:
        before = time.process_time()
        take(path)
        return time.process_time() - before

    return min(once() for _ in range(3))


def split(path: Path) -> None:
    with path.open("rb") as file:
        for line in file:
            line.split(b" ")


def taking(apart: Callable[[str], object]) -> Callable[[Path], None]:
    def take(path: Path) -> None:
        with path.open(encoding="latin-1") as file:
            for line in file:
                apart(line)

    return take


def made(folder: Path) -> Workspace:
    """A workspace as the commands make it, with a campaign of one link."""
    options = {"db": str(folder / "pixeltrack.db"), "base_url": "https://track.example.com"}
    workspace = open_workspace(config.load(options=options, environment={}), create=True)
    store = workspace.store
    draft = store.draft_campaign("spring", "recipients", workspace.keyring, START)
    store.save_campaign(draft.number([LinkRow(1, 1, 1, "First", "https://shop.example/")]))
    return workspace


def measured(format_: Format, count: int, written: Written) -> tuple[float, float, float, int]:
    """Return the CPU seconds of ingest, of splitting and of taking apart, and the peak of ingest."""
    with TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        workspace = made(folder)
        campaign = workspace.store.campaign("spring")
        keys = workspace.keyring.campaign(campaign.code)
        log = folder / "access.log"
        ours = 0
        with log.open("w") as file:
            if format_ == "cloudfront":
                file.write("#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method")
                file.write(" cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query\n")
            for request in requests(count, keys, written):
                ours += request.path.startswith(("/o/", "/c/"))
                file.write(DIALECTS[format_].write(request) + "\n")
        used = pixeltrack(["ingest", "access.log", "--format", format_, "--quiet"], folder)
        stored = sum(1 for _ in workspace.store.events(campaign.campaign_id))
        workspace.store.close()
        assert stored == ours, f"{stored:,} of {ours:,} hits are stored"
        return used.cpu, least(log, split), least(log, taking(DIALECTS[format_].apart)), used.peak


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500_000
    cases: list[tuple[str, Format, Written]] = [(name, name, ordinary) for name in DIALECTS]
    cases += [
        ("combined, half of the lines other requests", "combined", others),
        ("combined, --bind-links", "combined", bound),
        ("combined, the mail system's own numbers", "combined", merged),
        ("combined, --readable", "combined", readable),
    ]
    print(f"{count:,} lines, each a hit of another reader; CPU time of the whole command on one core")
    print(f"{'':<44} lines/s  µs a line   x splitting   x taking apart   peak")
    for name, format_, written in cases:
        used, plain, apart, peak = measured(format_, count, written)
        verdict = "" if name not in DIALECTS else "ok" if count / used >= BAR else f"NOT {BAR:,}"
        print(
            f"{name:<44} {count / used:7,.0f}  {used / count * 1e6:9.2f}   {used / plain:11.1f}"
            f"   {used / apart:14.1f}   {peak / 2**20:.0f} MB  {verdict}".rstrip()
        )


if __name__ == "__main__":
    main()
