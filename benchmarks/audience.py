"""Audiences at scale, beside the same question in plain SQL.

python benchmarks/audience.py [PEOPLE [HITS]]      (without: 200,000 and 2 million)

Two mails to the same people, hits over two months, an order of every twentieth and a decision about
retargeting of two thirds. Asked is who has clicked, has not ordered, and agreed. The plain way is one
statement, with a table of the hits that people made, which nobody charges it for.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from multiprocessing import Process
from pathlib import Path

from judging import LOOKED, START
from measure import Figure, pixeltrack, timed
from reports import BROWSER, SYSTEMS, best

from pixeltrack import config, segments, setup, verdicts
from pixeltrack.agents import reduce
from pixeltrack.model import Flag
from pixeltrack.rules import shipped
from pixeltrack.segments import Condition, Segment
from pixeltrack.setup import Workspace

MAILS, LINKS, AGENTS, DAY = 2, 5, 60, 86_400_000
NOW = START + 90 * DAY
WARM = Segment((Condition("clicked"), Condition("converted", "order", negated=True)))
SAME_QUESTION = """
select identity from recipients
where recipient_id in (
        select recipient_id from events join human using (event_id) join messages using (campaign_id, message)
        where kind = 2 and clicks = 5
    )
    and recipient_id not in (
        select recipient_id from conversions join messages using (campaign_id, message) where clicks = 5
    )
    and (
        select decision from consents where consents.subject = recipients.subject and purpose = 'retargeting'
        order by at desc limit 1
    ) = 'granted'
    and subject not in (select subject from optouts)
order by identity
"""


def opened(path: Path) -> Workspace:
    return setup.open_workspace(config.load(options={"db": str(path)}, environment={}), create=True)


def fill(path: Path, people: int, hits: int) -> None:
    """Make a database in which all is judged."""
    workspace, chance = opened(path), random.Random(8)
    addresses = [f"p{n}@firm{n % 997}.example" for n in range(people)]
    agents = [
        reduce(BROWSER.format(SYSTEMS[n % 3][0], 100 + n // 3, SYSTEMS[n % 3][1])) for n in range(AGENTS)
    ]

    def rows() -> Iterator[tuple[int, ...]]:
        for n in range(hits):
            mail, person = chance.randint(1, MAILS), chance.randrange(people)
            kind = 2 if chance.random() < 0.3 else 1
            flags = LOOKED | (Flag.NAVIGATE | Flag.FETCH if kind == 2 else 0)
            flags |= Flag.HEAD if chance.random() < 0.1 else 0
            link = chance.randint(1, LINKS) if kind == 2 else 0
            at = START + n * 60 * DAY // hits
            yield at, mail, kind, link, mail << 32 | person, person % AGENTS + 1, flags, 0, person + 1

    with sqlite3.connect(path) as connection:
        connection.executemany("insert into agents (agent) values (?)", ((each,) for each in agents))
        connection.executemany(
            "insert into recipients (recipient_id, identity, fields, subject) values (?, ?, '{}', ?)",
            ((n + 1, each, workspace.keyring.subject(each)) for n, each in enumerate(addresses)),
        )
        for mail in range(1, MAILS + 1):
            connection.execute(
                "insert into campaigns (campaign_id, name, code, key_id, kind, created, sent)"
                " values (?, ?, ?, 1, 'recipients', ?, ?)",
                (mail, f"mail {mail}", f"code{mail:04}", START, START),
            )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (?, ?, ?, 1, ?, ?)",
                ((mail, n, n, f"Offer {n}", f"https://shop.example/{n}") for n in range(1, LINKS + 1)),
            )
            connection.executemany(
                "insert into messages (campaign_id, message, recipient_id, tracked, opens, clicks)"
                " values (?, ?, ?, 1, 5, 5)",
                ((mail, mail << 32 | n, n + 1) for n in range(people)),
            )
        columns = "at, campaign_id, kind, link, message, agent_id, flags, network_id, address"
        connection.executemany(f"insert into events ({columns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows())
        connection.execute("insert into sites (site_id, host, created) values (1, 'shop.example', 0)")
        connection.execute("insert into goals (goal_id, name, site_id, created) values (1, 'order', 1, 0)")
        connection.executemany(
            "insert into conversions (goal_id, order_id, entry, at, value, currency, whole, campaign_id,"
            " message, source, verified, told, class, signal)"
            " values (1, ?, '', ?, 1, 'EUR', 0, 1, ?, 3, 1, 1, 0, 0)",
            ((f"A{n}", START + n, 1 << 32 | n) for n in range(0, people, 20)),
        )
        connection.executemany(
            "insert into consents (subject, purpose, decision, at, recorded, method, source, origin)"
            " values (?, 'retargeting', ?, ?, 0, 'form', '', '')",
            (
                (workspace.keyring.subject(each), "granted" if n % 3 else "withdrawn", START + n)
                for n, each in enumerate(addresses)
                if n % 3 < 2
            ),
        )
    verdicts.update(workspace.store, shipped())
    workspace.store.add_segment("warm", WARM.json(), NOW)
    workspace.store.close()


def exported(workspace: Workspace) -> list[str]:
    found = segments.build(workspace.store, WARM, NOW)
    return sorted(workspace.store.addresses(segments.allowed(workspace.store, found.people).people))


def plainly(connection: sqlite3.Connection) -> list[str]:
    return [identity for (identity,) in connection.execute(SAME_QUESTION)]


def measure(people: int, hits: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "pixeltrack.db"
        filling = Process(target=fill, args=(path, people, hits))  # so that its memory is not ours
        filling.start()
        filling.join()
        least = pixeltrack(["audience", "list"], folder, silent=True).peak
        commands = {
            "show": ["audience", "show", "warm", "-q"],
            "export": ["audience", "export", "warm", "--for", "google", "-o", "warm.csv", "-q"],
        }
        figures = []
        for command, argv in commands.items():
            used = pixeltrack(argv, folder, silent=True)
            a_person = (used.peak - least) / people
            figures += [
                Figure(f"audience {command}, CPU and wall", f"{used.cpu:.1f} s, {used.wall:.1f} s"),
                Figure(
                    f"audience {command}, memory ({used.peak / 1e6:.0f} MB) a person above audience list",
                    f"{a_person:.0f} B",
                    "300 B",
                    a_person < 300,
                ),
            ]
        workspace = opened(path)
        human = {number for number, each in workspace.store.judgements().items() if each.label == "human"}
        judged = workspace.store.all_judged()
        with sqlite3.connect(path) as connection:
            connection.execute("create temp table human (event_id integer primary key)")
            connection.executemany(
                "insert into human values (?)",
                ((event,) for event in range(1, hits + 1) if judged[event] in human),
            )
            same = plainly(connection) == exported(workspace)
            plain = min(timed(plainly, connection).cpu for _ in range(2))
        ours = best(lambda: exported(workspace), 2)
        workspace.store.close()
    figures.append(Figure("the same people, either way", "yes" if same else "no", "yes", same))
    name = f"plain SQL ({plain:.1f} s) ÷ audience and consent ({ours:.1f} s), CPU"
    return [*figures, Figure(name, f"{plain / ours:.2f}", "0.5", plain / ours > 0.5)]


if __name__ == "__main__":
    given = [int(each.replace("_", "")) for each in sys.argv[1:]]
    sizes = (*given, *(200_000, 2_000_000)[len(given) :])
    for each in measure(*sizes):
        print(each.row(), flush=True)
