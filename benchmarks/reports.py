"""Reports at scale: what one costs beside counting the hits, and that this does not grow with the database.

python benchmarks/reports.py [HITS ...]      (without: 100,000, 1 million and 10 million)

Each database has 100 campaigns, the largest with a fifth of all messages, and ten hits a message, in order
of time over half a year. Whole processes are timed from start to end, the least of five.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import accumulate
from pathlib import Path

from judging import AHEAD, BROWSER, LINKS, LOOKED, NETWORKS, PROXY, START, SYSTEMS, room
from measure import Figure, pixeltrack, timed

from pixeltrack import config, report, rollups, setup, verdicts
from pixeltrack.agents import reduce
from pixeltrack.model import Flag
from pixeltrack.rules import shipped
from pixeltrack.store import Store

SIZES = (100_000, 1_000_000, 10_000_000)
CAMPAIGNS, A_MESSAGE, DAYS = 100, 10, 180
DAY = 86_400_000
LARGEST = "campaign 1"
DOMAINS = ("gmail.com", "outlook.com", "yahoo.com", "icloud.com", "gmx.de", "orange.fr")
AGENTS = 602  # the last two load ahead, and stand before Gmail
SQL = "select kind, count(*), count(distinct message) from events where campaign_id = 1 group by kind"


def messages(total: int) -> list[range]:
    """Return the messages of each campaign: the first has most, the n-th an n-th of them."""
    parts = [1 / rank for rank in range(1, CAMPAIGNS + 1)]
    ends = [round(total * end / sum(parts)) for end in accumulate(parts)]
    return [range(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]


def hits(total: int, chance: random.Random) -> Iterator[tuple[int, ...]]:
    """Yield rows of the table of events, not in order of time."""
    sent = [START + chance.randrange(DAYS) * DAY for _ in range(CAMPAIGNS)]
    for campaign, its in enumerate(messages(total // A_MESSAGE), start=1):
        for message in its:
            begin, agent = sent[campaign - 1], chance.randint(1, AGENTS - 2)
            address, sort = chance.getrandbits(32), chance.random()
            for _ in range(A_MESSAGE):
                at = begin + int(chance.expovariate(1 / (2 * DAY)))
                if sort < 0.25:
                    yield at, campaign, 1, 0, message, AGENTS - 1, LOOKED, 2, address
                elif sort < 0.45:
                    yield at, campaign, 1, 0, message, AGENTS, LOOKED, 1, address
                elif sort < 0.5:
                    yield at, campaign, 2, chance.randint(1, LINKS), message, agent, LOOKED, 3, address
                elif chance.random() < 0.85:
                    yield at, campaign, 1, 0, message, agent, LOOKED, 0, address
                else:
                    flags = LOOKED | Flag.NAVIGATE | Flag.FETCH
                    yield at, campaign, 2, chance.randint(1, LINKS), message, agent, flags, 0, address


def fill(path: Path, total: int) -> Store:
    """Make a database with so many hits, of which nothing is judged."""
    chance = random.Random(1)
    store = setup.open_workspace(config.load(options={"db": str(path)}, environment={}), create=True).store
    agents = [
        reduce(BROWSER.format(SYSTEMS[n % 3][0], 100 + n // 3, SYSTEMS[n % 3][1])) for n in range(AGENTS - 2)
    ]
    people = total // A_MESSAGE
    with sqlite3.connect(path) as connection:
        connection.execute("pragma temp_store = file")
        for number, its in enumerate(messages(people), start=1):
            connection.execute(
                "insert into campaigns (campaign_id, name, code, key_id, kind, created, sent)"
                " values (?, ?, ?, 1, 'recipients', ?, ?)",
                (number, f"campaign {number}", f"code{number:04}", START + number, START),
            )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (?, ?, ?, 1, ?, ?)",
                ((number, n, n, f"Read more {n}", f"https://shop.example/{n}") for n in range(1, LINKS + 1)),
            )
            connection.executemany(
                "insert into recipients (recipient_id, identity, fields) values (?, ?, '{}')",
                ((n + 1, f"p{n}@{DOMAINS[n % 9] if n % 9 < 6 else f'firm{n % 997}.example'}") for n in its),
            )
            connection.executemany(
                "insert into messages (campaign_id, message, recipient_id, tracked, opens, clicks)"
                " values (?, ?, ?, 1, 5, 5)",
                ((number, n, n + 1) for n in its),
            )
        connection.executemany(
            "insert into agents (agent) values (?)",
            ((each,) for each in [*agents, reduce(AHEAD), reduce(PROXY)]),
        )
        connection.executemany("insert into networks (network) values (?)", ((name,) for name in NETWORKS))
        columns = "at, campaign_id, kind, link, message, agent_id, flags, network_id, address"
        connection.execute(f"create temp table made ({columns})")
        connection.executemany("insert into made values (?, ?, ?, ?, ?, ?, ?, ?, ?)", hits(total, chance))
        connection.execute(f"insert into events ({columns}) select * from made order by at")
    return store


def process(*arguments: str, folder: Path) -> float:
    """Return the least wall seconds of the whole command."""
    return min(pixeltrack(arguments, folder, silent=True).wall for _ in range(5))


def best(call: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU seconds of a call."""
    return min(timed(call).cpu for _ in range(times))


def measure(total: int) -> list[Figure]:
    """Return the figures of a database with so many hits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "pixeltrack.db"
        store = fill(path, total)
        judging = timed(verdicts.update, store, shipped())
        (largest,) = [each.campaign_id for each in store.campaigns() if each.name == LARGEST]
        report.build_all(store)
        queries = best(partial(report.build, store, LARGEST))
        counting = best(partial(rollups.counted, store, largest), 1)
        with sqlite3.connect(path) as connection:
            plain = best(lambda: connection.execute(SQL).fetchall())
        store.close()
        one = process("report", "--campaign", LARGEST, folder=folder)
        every = process("report", folder=folder)
        page = process("report", "--campaign", LARGEST, "--html", "page.html", folder=folder)
        rooms = room(path)
        bytes_a_hit = path.stat().st_size / total
    rolled = sum(size for table, size in rooms.items() if table.startswith("rollup")) / total
    huge = total >= SIZES[-1]
    return [
        Figure(f"{total:,} hits: judged and rolled up, a second of CPU", f"{total / judging.cpu:,.0f}"),
        Figure("report of the largest campaign, whole process", f"{one:.3f} s", "0.4 s", one < 0.4),
        Figure("report of all campaigns, whole process", f"{every:.3f} s", "0.5 s", every < 0.5),
        Figure("the largest campaign's page (--html), whole process", f"{page:.3f} s", "1.5 s", page < 1.5),
        Figure("the largest campaign's report built, CPU", f"{queries * 1000:.1f} ms"),
        Figure(
            "counting its hits ÷ building the report, CPU",
            f"{counting / queries:,.0f}",
            "100" if huge else "",
            counting > 100 * queries if huge else None,
        ),
        Figure("bare SQL count of its hits ÷ building the report, CPU", f"{plain / queries:,.1f}"),
        Figure("roll-ups, bytes a hit", f"{rolled:.1f}"),
        Figure(
            "the whole file, bytes a hit",
            f"{bytes_a_hit:.1f}",
            "60" if huge else "",
            bytes_a_hit <= 60 if huge else None,
        ),
    ]


if __name__ == "__main__":
    began = time.perf_counter()
    for size in map(int, sys.argv[1:]) if len(sys.argv) > 1 else SIZES:
        for row in measure(size):
            print(row.row(), flush=True)
    print(f"  ({time.perf_counter() - began:.0f} s in all)")
