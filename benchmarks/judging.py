"""Judging: how fast, and how much room its verdicts take.

python benchmarks/judging.py speed [HITS]

A made-up history of two campaigns, in order of time: people who open and click, what is fetched ahead,
gateways that sweep. It is judged in memory, then by the command, beside the bare reading of the same rows.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from measure import Figure, pixeltrack, timed

from pixeltrack import config, setup, verdicts
from pixeltrack.agents import reduce
from pixeltrack.judging import Context, Fact, judge_of
from pixeltrack.model import Flag
from pixeltrack.rules import shipped
from pixeltrack.store import Store
from pixeltrack.store.verdicts import CHUNK

START = 1_790_000_000_000
CAMPAIGNS, LINKS = 2, 8
BROWSER = "Mozilla/5.0 ({}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{}.0.0.0 {}Safari/537.36"
SYSTEMS = (
    ("Windows NT 10.0; Win64; x64", ""),
    ("Macintosh; Intel Mac OS X 10_15_7", ""),
    ("Linux; Android 10; K", "Mobile "),
)
AHEAD = "Mozilla/5.0"
PROXY = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
NETWORKS = ("google/2026-11-01", "apple-relay/2026-11-01", "azure/2026-11-01")
LOOKED = Flag.HEADERS | Flag.TLS
Row = tuple[int, int, int, int, int, int, int, int, int]


def history(hits: int, seed: int = 1) -> tuple[list[str], list[Row]]:
    """Return agents, and rows of the table of events in order of time."""
    chance = random.Random(seed)
    agents = [
        reduce(BROWSER.format(*SYSTEMS[n % 3][:1], 100 + n // 3, SYSTEMS[n % 3][1])) for n in range(600)
    ]
    agents += [reduce(AHEAD), reduce(PROXY)]
    ahead, proxy = len(agents) - 1, len(agents)
    rows: list[Row] = []
    while len(rows) < hits:
        campaign, message = chance.randint(1, CAMPAIGNS), chance.getrandbits(64) - 2**63
        agent, address = chance.randint(1, 600), chance.getrandbits(32)
        begin = START + campaign * 86_400_000
        seen = begin + int(chance.expovariate(1 / 40_000_000))
        sort = chance.random()
        if sort < 0.3:
            rows.append(
                (begin + chance.randint(0, 900_000), campaign, 1, 0, message, ahead, LOOKED, 2, address)
            )
        elif sort < 0.55:
            for _ in range(chance.randint(1, 3)):
                rows.append((seen, campaign, 1, 0, message, proxy, LOOKED, 1, address))
                seen += chance.randint(1_000, 80_000_000)
        elif sort < 0.6:
            at = begin + chance.randint(20_000, 200_000)
            for link in range(1, LINKS + 1):
                rows.append((at, campaign, 2, link, message, agent, LOOKED, 3, address))
                at += chance.randint(10, 200)
        else:
            for _ in range(chance.randint(1, 3)):
                rows.append((seen, campaign, 1, 0, message, agent, LOOKED, 0, address))
                seen += chance.randint(1_000, 80_000_000)
            if chance.random() < 0.3:
                flags = LOOKED | Flag.NAVIGATE | Flag.FETCH
                rows.append((seen, campaign, 2, chance.randint(1, LINKS), message, agent, flags, 0, address))
    rows.sort()
    return agents, rows[:hits]


def fill(path: Path, hits: int) -> Store:
    """Make a database with such a history, of which nothing is judged."""
    settings = config.load(options={"db": str(path)}, environment={})
    store = setup.open_workspace(settings, create=True).store
    agents, rows = history(hits)
    with sqlite3.connect(path) as connection:
        for number in range(1, CAMPAIGNS + 1):
            sent = START + number * 86_400_000
            connection.execute(
                "insert into campaigns (campaign_id, name, code, key_id, kind, created, sent)"
                " values (?, ?, ?, 1, 'recipients', ?, ?)",
                (number, f"campaign {number}", f"code{number}", START, sent),
            )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (?, ?, ?, 1, '', 'https://shop.example/')",
                ((number, link, link) for link in range(1, LINKS + 1)),
            )
        connection.executemany("insert into agents (agent) values (?)", ((agent,) for agent in agents))
        connection.executemany("insert into networks (network) values (?)", ((name,) for name in NETWORKS))
        connection.executemany(
            "insert into events (at, campaign_id, kind, link, message, agent_id, flags, network_id, address)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    return store


def speed(hits: int) -> list[Figure]:
    """Judge a history in memory and by the command."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixeltrack.db"
        store = fill(path, hits)
        sample = min(hits, 300_000)
        reading = timed(store.facts_between, 0, sample).cpu
        facts = store.facts_between(0, sample)
        judging = min(timed(judge_all, facts).cpu for _ in range(3))
        store.close()
        before = room(path)
        fresh = pixeltrack(["report"], Path(folder), silent=True)
        after = room(path)
        none = [pixeltrack(["report"], Path(folder), silent=True) for _ in range(2)][-1]
        with sqlite3.connect(path) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
        store = setup.open_workspace(
            config.load(options={"db": str(path)}, environment={}), create=False
        ).store
        looking = timed(verdicts.update, store, shipped()).wall
        store.close()
    kept = (after["verdicts"] + after["judgements"]) / hits
    index = after["message_events"] / hits
    return [
        Figure("reading hits, a second", f"{sample / reading:,.0f}"),
        Figure(
            "judging hits, warm agents, a second",
            f"{sample / judging:,.0f}",
            "100,000",
            sample / judging >= 1e5,
        ),
        Figure("judging ÷ reading (CPU)", f"{judging / reading:.2f}"),
        Figure(
            f"report over {hits:,} fresh hits",
            f"{fresh.wall:.1f} s ({fresh.cpu:.1f} s CPU)",
            "15 s a million",
            fresh.wall < 15 * hits / 1e6,
        ),
        Figure(
            "of it judging: less the report over none new",
            f"{fresh.wall - none.wall:.1f} s ({fresh.cpu - none.cpu:.1f} s CPU)",
            "15 s a million",
            fresh.wall - none.wall < 15 * hits / 1e6,
        ),
        Figure("the same report over none new", f"{none.wall:.1f} s ({none.cpu:.1f} s CPU)"),
        Figure("of it judging", f"{looking * 1000:.2f} ms", "no time", looking < 0.05),
        Figure("verdicts, bytes a hit", f"{kept:.2f}", "8", kept < 8),
        Figure("index of messages, bytes a hit", f"{index:.1f}"),
        Figure("the hits themselves, bytes a hit", f"{before['events'] / hits:.1f}"),
        Figure(
            "the whole file, bytes a hit",
            f"{sum(after.values()) / hits:.1f}",
            "60",
            sum(after.values()) / hits <= 60,
        ),
    ]


def judge_all(placed: list[tuple[int, Fact]]) -> None:
    """Judge hits as a report does, message by message."""
    judge = judge_of(shipped())
    mail = {
        number: Context(START + number * 86_400_000, frozenset(range(1, LINKS + 1)))
        for number in range(1, CAMPAIGNS + 1)
    }
    messages: defaultdict[tuple[int, int], list[Fact]] = defaultdict(list)
    for campaign, fact in placed:
        messages[campaign, fact.message].append(fact)
    for (campaign, _message), seen in messages.items():
        judge.message(seen, mail[campaign])


def room(path: Path) -> dict[str, int]:
    """Return the bytes that each table takes in the file."""
    with sqlite3.connect(path) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        return dict(connection.execute("select name, sum(pgsize) from dbstat group by name"))


PARTS = {"speed": speed}

if __name__ == "__main__":
    began = time.perf_counter()
    for row in PARTS[sys.argv[1]](int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000):
        print(row.row())
    print(f"  (chunks of {CHUNK} hits; {time.perf_counter() - began:.0f} s in all)")
