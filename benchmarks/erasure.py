"""What erasing one person takes, and what it leaves: python benchmarks/erasure.py [PEOPLE]

Beside it, the same rows deleted by SQL alone with secure_delete off, which is what SQLite does by default:
how often the address is in the files afterwards.
"""

from __future__ import annotations

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from pixeltrack import keyfile, residues, restoring, rights, verdicts
from pixeltrack.minting import number
from pixeltrack.model import Event, EventKind, Message
from pixeltrack.store import Store, open_store
from pixeltrack.tokens import Keyring

ADA = "ada.lovelace@engines.example"
NOON = 1_795_608_000_000
HITS = 50  # of the one person; everybody else has two


def fill(store: Store, keyring: Keyring, people: int) -> None:
    draft = store.draft_campaign("spring", "recipients", keyring, NOON).draft()
    campaign = store.save_campaign(replace(draft, mails=()))
    keys = keyring.campaign(campaign.code, campaign.key_id)
    addresses = [ADA, *(f"reader{each}@x.example" for each in range(people - 1))]
    pseudonyms = [number(keys.pseudonym(address)) for address in addresses]
    messages = [
        Message(pseudonym, address, {"note": f"known as {address}"}, tracked=True)
        for pseudonym, address in zip(pseudonyms, addresses, strict=True)
    ]
    store.save_messages(campaign.campaign_id, messages)
    hits = [
        Event(NOON + each * 3_600_000, campaign.campaign_id, EventKind.OPEN, 0, pseudonyms[0], "Firefox", 0)
        for each in range(HITS)
    ]
    for place, pseudonym in enumerate(pseudonyms[1:]):
        for again in (0, 1):
            at = NOON + place * 100 + again
            hits.append(Event(at, campaign.campaign_id, EventKind.OPEN, 0, pseudonym, "Firefox", 0))
    for start in range(0, len(hits), 5_000):
        store.put_events(hits[start : start + 5_000])
    verdicts.bring_up_to_date(store)


def copies(path: Path) -> tuple[int, int]:
    """Return how often the address is in the database and in its journal."""
    found = []
    for name in (path, path.with_name(f"{path.name}-wal")):
        there = residues.scan(name, {"address": [ADA.encode()]})["address"] if name.exists() else 0
        found.append(there)
    return found[0], found[1]


def by_sql(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("pragma secure_delete = OFF")
        connection.execute("delete from messages where recipient_id = 1")
        connection.execute("delete from recipients where recipient_id = 1")
        connection.commit()
        print("  by SQL alone, after DELETE (db, -wal):", copies(path))
        connection.execute("pragma wal_checkpoint(TRUNCATE)")
        print("  by SQL alone, after a checkpoint:", copies(path))


def main() -> None:
    people = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.db"
        keyring = keyfile.create(Path(folder) / "t.key")
        with closing(open_store(path, keyring, create=True)) as store:
            fill(store, keyring, people)
            store.empty_journal(10)
            restoring.back_up(store, Path(folder) / "naive.db")
            restoring.back_up(store, Path(folder) / "before.db")
            print(f"{people:,} people, {HITS + 2 * (people - 1):,} hits, {path.stat().st_size:,} bytes")
            print("  before (db, -wal):", copies(path))
            began = time.perf_counter()
            done = rights.erase(store, keyring, ADA, NOON)
            took = time.perf_counter() - began
        print(f"  forget: {took:.2f} s, deleted {dict(done.counts)}, kept {dict(done.kept)}")
        print(f"  looked for {done.patterns} spellings in {done.scanned:,} bytes: {dict(done.residues) or 0}")
        print("  after (db, -wal):", copies(path), "VACUUM needed:", done.vacuumed)
        began = time.perf_counter()
        back = restoring.restore(Path(folder) / "before.db", path, keyring, NOON + 1)
        took = time.perf_counter() - began
        print(f"  restore of a backup from before: {took:.2f} s, {back.erased} erased again:", copies(path))
        by_sql(Path(folder) / "naive.db")


if __name__ == "__main__":
    main()
