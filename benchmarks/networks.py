"""What a look-up of an address, and the day's number of it, cost; and reading the lists.

python benchmarks/networks.py

Times are CPU time, the least of several rounds that take turns. The baselines of the same run are
parsing the address with ``ipaddress``, and going through the lists one after the other.
"""

from __future__ import annotations

import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from ipaddress import IPv4Address, ip_address, ip_network
from itertools import cycle
from pathlib import Path
from random import Random

from measure import Figure, least

from pixeltrack import config, setup
from pixeltrack.dayhash import DayHash
from pixeltrack.headerfacts import HeaderFacts, Said
from pixeltrack.networks import Networks, read_lists
from pixeltrack.networks.lists import SHIPPED, write

NOW = 1_790_000_000_000
HEADERS = {
    b"host": b"track.example.com",
    b"user-agent": b"Mozilla/5.0",
    b"accept": b"image/avif,image/webp,*/*;q=0.8",
    b"accept-language": b"en-GB,en;q=0.9",
    b"sec-fetch-mode": b"no-cors",
}


def addresses(count: int, seed: int) -> list[str]:
    """Half of them in some list, a quarter IPv6."""
    random = Random(seed)
    lists = read_lists(None)
    starts = [start for each in lists for start in each.v4.starts]
    wide = [start for each in lists for start in each.v6.starts]
    made = []
    for number in range(count):
        if number % 4 == 3:
            base = random.choice(wide) if random.random() < 0.5 else 0x2001 << 112
            made.append(str(ip_address(base + random.getrandbits(60))))
        else:
            inside = random.random() < 0.5
            made.append(str(IPv4Address(random.choice(starts) if inside else random.getrandbits(32))))
    return made


def many(folder: Path, count: int) -> None:
    """Write a list of so many prefixes, a tenth of them IPv6."""
    random = Random(1)
    v4 = sorted(random.sample(range(1 << 24), count * 9 // 10))
    v6 = sorted(random.sample(range(1 << 32), count // 10))
    prefixes = [f"{IPv4Address(each << 8)}/24" for each in v4]
    prefixes += [f"{ip_address(0x2A << 120 | each << 80)}/48" for each in v6]
    head = {"label": "many", "date": "2026-11-01", "source": "-", "covers": "-", "made": "-"}
    (folder / "many.txt").write_text(write(head, prefixes))


def turns(call: Callable[[str], object], of: list[str]) -> Callable[[], object]:
    """Return a call that goes through the addresses."""
    following = cycle(of)

    def one() -> object:
        return call(next(following))

    return one


def main() -> None:
    networks = Networks.of(None)
    networks.load()
    cold, warm = addresses(60_000, 2), addresses(1_000, 3)
    nets = [ip_network(line) for line in lines()]

    def scan(address: str) -> bool:
        asked = ip_address(address)
        return any(asked in each for each in nets)

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = config.load(options={"db": str(folder / "t.db")}, environment={})
        store = setup.open_workspace(settings, create=True).store
        hashed = DayHash(store, lambda: NOW)
        facts = HeaderFacts(store, lambda: NOW, lists=None, trusted=frozenset())
        said = Said(HEADERS)
        environ = {
            f"HTTP_{key.decode().upper().replace('-', '_')}": value.decode() for key, value in HEADERS.items()
        }
        turn = turns(len, warm)
        took = least(
            {
                "turn": turn,
                "look-up, warm": turns(networks.label, warm),
                "look-up, cold": turns(networks.label, cold),
                "number, warm": turns(lambda address: hashed.key(address, NOW), warm),
                "number, cold": turns(lambda address: hashed.key(address, NOW), cold),
                "facts, fast lane, warm": turns(lambda address: facts.of_said(said, address, NOW), warm),
                "facts, fast lane, cold": turns(lambda address: facts.of_said(said, address, NOW), cold),
                "facts, environ, warm": turns(
                    lambda address: facts.of({**environ, "REMOTE_ADDR": address}, NOW), warm
                ),
                "facts, headers": lambda: Said(HEADERS),
                "ip_address()": turns(ip_address, cold),
            },
            repeat=20_000,
            rounds=7,
        )
        scanned = least({"scan": turns(scan, cold)}, repeat=200, rounds=3)["scan"]
        many(folder, 100_000)
        reading = least(
            {
                "shipped": lambda: Networks.of(None).load(),
                "many": lambda: Networks.of(folder).load(),
            },
            repeat=1,
            rounds=7,
        )
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        kept = Networks.of(folder)
        kept.load()
        memory = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
    turn_cost = took.pop("turn")
    net = {what: seconds - turn_cost for what, seconds in took.items()}
    bars = {"look-up, warm": 0.2e-6, "look-up, cold": 2e-6, "number, warm": 1e-6}
    figures = [
        Figure(
            what,
            f"{seconds * 1e6:.3f} µs",
            f"< {bars[what] * 1e6:g} µs" if what in bars else "",
            seconds < bars[what] if what in bars else None,
        )
        for what, seconds in net.items()
    ]
    parsing, cold_cost = net["ip_address()"], net["look-up, cold"]
    size = sum(path.stat().st_size for path in SHIPPED.glob("*.txt"))
    figures += [
        Figure(
            "cold look-up against ip_address() alone",
            f"{parsing / cold_cost:.1f} times as fast",
            "> 1",
            parsing > cold_cost,
        ),
        Figure("cold look-up against a scan", f"{scanned / cold_cost:,.0f} times as fast"),
        Figure(
            f"reading the shipped lists ({len(nets):,} ranges, {size / 1000:.0f} kB)",
            f"{reading['shipped'] * 1e3:.1f} ms",
            "< 30 ms",
            reading["shipped"] < 0.03,
        ),
        Figure(
            "reading these and 100,000 ranges more",
            f"{reading['many'] * 1e3:.0f} ms",
            "< 200 ms",
            reading["many"] < 0.2,
        ),
        Figure("and keeping them", f"{memory / 1e6:.1f} MB"),
    ]
    for figure in figures:
        print(figure.row())
    sys.exit(any(figure.holds is False for figure in figures))


def lines() -> list[str]:
    """All shipped prefixes."""
    texts = (path.read_text() for path in SHIPPED.glob("*.txt"))
    return [line for text in texts for line in text.splitlines() if line and not line.startswith("#")]


if __name__ == "__main__":
    main()
