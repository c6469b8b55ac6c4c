"""Reports on conversions at scale, beside reading and adding up the same in the plainest way.

python benchmarks/conversions.py [CONVERSIONS [HITS]]      (without: 100,000 and 1 million)

One database: 20 campaigns to the same people, hits over a year, and conversions of people who have clicked.
The plain way asks the database for each order's touches, and adds them up in a loop; it knows one model.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path

from judging import LOOKED, START
from measure import Figure, timed
from reports import AGENTS, BROWSER, SYSTEMS, best

from pixeltrack import config, earnings, report, setup, verdicts
from pixeltrack.agents import reduce
from pixeltrack.attribution import MODELS, WINDOW, Rule
from pixeltrack.model import Flag
from pixeltrack.rules import shipped
from pixeltrack.store import Store

CAMPAIGNS, LINKS, DAY = 20, 5, 86_400_000
SALE = "campaign 7"


def fill(path: Path, conversions: int, hits: int) -> Store:
    """Make a database in which nothing is judged."""
    chance = random.Random(8)
    store = setup.open_workspace(config.load(options={"db": str(path)}, environment={}), create=True).store
    people = max(1, conversions // 2)
    agents = [
        reduce(BROWSER.format(SYSTEMS[n % 3][0], 100 + n // 3, SYSTEMS[n % 3][1])) for n in range(AGENTS)
    ]
    with sqlite3.connect(path) as connection:
        connection.executemany("insert into agents (agent) values (?)", ((each,) for each in agents))
        connection.executemany(
            "insert into recipients (recipient_id, identity, fields) values (?, ?, '{}')",
            ((n + 1, f"p{n}@firm{n % 997}.example") for n in range(people)),
        )
        for number in range(1, CAMPAIGNS + 1):
            connection.execute(
                "insert into campaigns"
                " (campaign_id, name, code, key_id, kind, created, sent, cost, cost_currency)"
                " values (?, ?, ?, 1, 'recipients', ?, ?, 4000000, 'EUR')",
                (number, f"campaign {number}", f"code{number:04}", START + number, START),
            )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (?, ?, ?, 1, ?, ?)",
                ((number, n, n, f"Offer {n}", f"https://shop.example/{n}") for n in range(1, LINKS + 1)),
            )
            connection.executemany(
                "insert into messages (campaign_id, message, recipient_id, tracked, opens, clicks)"
                " values (?, ?, ?, 1, 5, 5)",
                ((number, number << 32 | n, n + 1) for n in range(people)),
            )
        rows = []
        clicked: list[tuple[int, int, int]] = []
        for _ in range(hits):
            number, person = chance.randint(1, CAMPAIGNS), chance.randrange(people)
            at = START + number * 14 * DAY + int(chance.expovariate(1 / (2 * DAY)))
            message, is_click = number << 32 | person, chance.random() < 0.4
            flags = LOOKED | (Flag.NAVIGATE | Flag.FETCH if is_click else 0)
            link = chance.randint(1, LINKS) if is_click else 0
            rows.append((at, number, 1 + is_click, link, message, person % AGENTS + 1, flags, 0, person + 1))
            if is_click:
                clicked.append((at, number, message))
        rows.sort()
        columns = "at, campaign_id, kind, link, message, agent_id, flags, network_id, address"
        connection.executemany(f"insert into events ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        connection.execute("insert into sites (site_id, host, created) values (1, 'shop.example', 0)")
        connection.execute(
            "insert into goals (goal_id, name, site_id, created) values (1, 'order', 1, 0), (2, 'rare', 1, 0)"
        )
        connection.executemany(
            "insert into conversions (conversion_id, goal_id, order_id, entry, at, value, currency, whole,"
            " campaign_id, message, source, verified, told, class, signal)"
            " values (?, ?, ?, '', ?, ?, 'EUR', 0, ?, ?, 3, 1, 1, 0, 0)",
            (
                (
                    n + 1,
                    1 if n % 100 else 2,
                    f"A{n}",
                    at + chance.randint(1, 4 * DAY),
                    100 * chance.randint(99, 29_900),
                    number,
                    message,
                )
                for n, (at, number, message) in enumerate(chance.choices(clicked, k=conversions))
            ),
        )
    return store


def plainly(store: Store, path: Path) -> Counter[int]:
    """Return the revenue of each campaign by last click, the way one would write it at first."""
    human = {number for number, verdict in store.judgements().items() if verdict.label == "human"}
    judged = store.all_judged()
    found: Counter[int] = Counter()
    with sqlite3.connect(path) as connection:
        connection.execute("create temp table clicks as select * from events where kind = 2")
        connection.execute("create index temp.clicks_by_message on clicks (campaign_id, message)")
        orders = connection.execute("select at, value, campaign_id, message from conversions").fetchall()
        for at, value, campaign, message in orders:
            rows = connection.execute(
                "select clicks.at, clicks.campaign_id, event_id from messages as own"
                " join messages as other using (recipient_id)"
                " join clicks on clicks.campaign_id = other.campaign_id and clicks.message = other.message"
                " where own.campaign_id = ? and own.message = ? and clicks.at between ? and ?"
                " order by clicks.at desc, clicks.campaign_id desc",
                [campaign, message, at - WINDOW, at],
            )
            for _at, number, event in rows:
                if judged[event] in human:
                    found[number] += value
                    break
    return found


def measure(conversions: int, hits: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "pixeltrack.db"
        store = fill(path, conversions, hits)
        verdicts.update(store, shipped())
        report.build_all(store)
        now = START + 400 * DAY
        plain = timed(plainly, store, path)
        expected = plainly(store, path)
        found = earnings.build(store, now)
        earned = {
            row.name: row.verified.revenue_by_click
            for row in found.campaigns
            if row.verified.revenue_by_click
        }
        same = earned == {f"campaign {number}": value for number, value in expected.items()}
        figures = [
            Figure(
                "the plain way's revenue by click, and the report's",
                "the same" if same else "differ",
                "",
                same,
            )
        ]
        for model in MODELS:
            built = best(partial(earnings.build, store, now, rule=Rule(model)), 2)
            figures.append(
                Figure(
                    f"{model}: plain way ÷ report of all campaigns, CPU ({built:.2f} s)",
                    f"{plain.cpu / built:.1f}",
                    "1",
                    plain.cpu / built > 1,
                )
            )
        one = best(partial(earnings.build, store, now, store.campaign(SALE)), 2)
        figures.append(Figure("one campaign's, CPU", f"{one:.2f} s"))
        rare = best(partial(earnings.build, store, now, goal="rare"), 2)
        figures.append(Figure("a goal's that one conversion of a hundred is of, CPU", f"{rare:.2f} s"))
        store.close()
    return figures


if __name__ == "__main__":
    given = [int(each.replace("_", "")) for each in sys.argv[1:]]
    sizes = (*given, *(100_000, 1_000_000)[len(given) :])
    for each in measure(*sizes):
        print(each.row(), flush=True)
