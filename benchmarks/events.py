"""What `pixeltrack events import` costs: 100,000 records of a list of 100,000, into a real database.

    python benchmarks/events.py [RECORDS]

Beside it, in the same run, the least that any such program does with the same file: json.loads of each line,
and one insert of five columns into a table with the record's id as its key, in one transaction that is on the
disk. CPU seconds, user and system, of one process each, so that other work on the machine hardly matters;
the middle one of three runs. What `events import` does besides: each record read by its service's rules, each
recipient's address normalised and looked up, each event known by a keyed hash, in transactions of 5,000.
"""

from __future__ import annotations

import base64
import json
import sqlite3
import statistics
import sys
from collections.abc import Callable
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory

from pixeltrack import config, feedimport
from pixeltrack.minting import number
from pixeltrack.model import Message
from pixeltrack.setup import Workspace, open_workspace

AT = 1_795_600_800
BAR = 6.0  # times the least; a record costs it some 4 µs
RUNS = 3
KINDS = ("delivered",) * 18 + ("bounce", "deferred")


def cpu() -> float:
    used = getrusage(RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def event_id(place: int) -> str:
    """An id as SendGrid makes them: base64 of what begins alike and then is chance."""
    chance = blake2b(str(place).encode(), digest_size=16).hexdigest()
    return base64.urlsafe_b64encode(f"delivered-0-1234567-{chance}-0".encode()).decode()


def write(path: Path, records: int) -> None:
    with path.open("w") as file:
        for place in range(records):
            record = {
                **{"email": f"reader{place}@firm{place % 500}.example", "timestamp": AT + place % 5_000},
                **{
                    "smtp-id": f"<{place}@geopod-ismtpd-1>",
                    "event": KINDS[place % len(KINDS)],
                    "type": "bounce",
                },
                **{"sg_event_id": event_id(place), "sg_message_id": f"msg-{place}.recvd-1"},
                **{"response": "250 2.0.0 OK", "category": ["news"], "pixeltrack_campaign": "spring"},
            }
            file.write(json.dumps(record) + "\n")


def prepared(folder: Path, records: int) -> Workspace:
    """A database with a campaign that everybody got."""
    settings = config.load(options={"db": str(folder / "pixeltrack.db")}, environment={})
    workspace = open_workspace(settings, create=True)
    drafting = workspace.store.draft_campaign("spring", "recipients", workspace.keyring, AT * 1000)
    campaign = workspace.store.save_campaign(drafting.draft())
    keys = workspace.keyring.campaign(campaign.code, campaign.key_id)
    people = (f"reader{place}@firm{place % 500}.example" for place in range(records))
    workspace.store.save_messages(
        campaign.campaign_id, (Message(number(keys.pseudonym(who)), who, {}, tracked=True) for who in people)
    )
    return workspace


def least(path: Path, folder: Path) -> None:
    """What nothing can do without."""
    (folder / "plain.db").unlink(missing_ok=True)
    with closing(sqlite3.connect(folder / "plain.db")) as connection, connection:
        connection.execute("pragma synchronous = full")
        connection.execute("create table events (id text primary key, email, event, type, at) without rowid")
        with path.open() as file:
            rows = map(json.loads, file)
            connection.executemany(
                "insert or ignore into events values (?, ?, ?, ?, ?)",
                (
                    (row["sg_event_id"], row["email"], row["event"], row["type"], row["timestamp"])
                    for row in rows
                ),
            )


def timed(work: Callable[[], object]) -> float:
    before = cpu()
    work()
    return cpu() - before


def main() -> int:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    plain, ours, again = list[float](), list[float](), list[float]()
    with TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "events.jsonl"
        write(path, records)
        workspace = prepared(folder, records)
        store, keyring = workspace.store, workspace.keyring

        def imported() -> None:
            feedimport.run(store, keyring, [path], AT * 1000 + 10**7)

        for _ in range(RUNS):
            plain.append(timed(lambda: least(path, folder)))
            with closing(sqlite3.connect(store.path)) as connection, connection:
                connection.execute("delete from deliveries")
            ours.append(timed(imported))
            again.append(timed(imported))
        ((stored,),) = store._plain("select count(*) from deliveries")
        store.close()
    assert stored == records
    base, first, second = (statistics.median(each) for each in (plain, ours, again))
    print(f"{records:,} records, CPU seconds, median of {RUNS}")
    print(f"  json.loads and a plain insert   {base:6.2f}")
    print(f"  events import                   {first:6.2f}   {first / base:4.1f} times, bar {BAR:.0f}")
    print(f"  the same file again             {second:6.2f}   {second / base:4.1f} times")
    return int(first / base > BAR)


if __name__ == "__main__":
    sys.exit(main())
