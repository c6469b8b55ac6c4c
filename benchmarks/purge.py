"""What a purge takes, and how long a collector beside it waits: python benchmarks/purge.py [HITS]

Half of the hits are too old. Meanwhile another process stores a hit every few milliseconds.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from typing import Any

from pixeltrack import config, purging, report, verdicts
from pixeltrack.model import Event, EventKind
from pixeltrack.rules import rules
from pixeltrack.setup import open_workspace
from pixeltrack.steps import Reading
from pixeltrack.store import Store

DAY = 86_400_000
NOW = 1_795_608_000_000
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1)",
)


def fill(store: Store, campaign: int, hits: int) -> None:
    """Store hits of a year, of five messages' each about three, in order of time."""
    span = 360 * DAY
    for start in range(0, hits, 5_000):
        batch = []
        for place in range(start, min(start + 5_000, hits)):
            at = NOW - span + place * span // hits
            message = place // 9 * 3 + place % 3
            kind = EventKind.CLICK if place % 4 == 0 else EventKind.OPEN
            batch.append(Event(at, campaign, kind, place % 4 == 0, message, AGENTS[place % 2], 0))
        store.put_events(batch)


def collect(settings: config.Settings, campaign: int, ready: Signal, stop: Signal, found: Any) -> None:
    waits = []
    with closing(open_workspace(settings, create=False, busy_ms=10_000).store) as store:
        while not stop.is_set():
            begun = time.perf_counter()
            store.put_events([Event(NOW, campaign, EventKind.OPEN, 0, 1 << 40, AGENTS[0], 0)])
            waits.append(time.perf_counter() - begun)
            ready.set()
            time.sleep(0.002)
    found.put(waits)


def main(hits: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load(options={"db": str(Path(folder) / "t.db")}, environment={})
        workspace = open_workspace(settings, create=True)
        store = workspace.store
        draft = store.draft_campaign("spring", "recipients", workspace.keyring, NOW - 360 * DAY).draft()
        campaign = store.save_campaign(replace(draft, mails=())).campaign_id
        fill(store, campaign, hits)
        verdicts.update(store, rules())
        before = report.build(store, "spring").opens
        spawn = multiprocessing.get_context("spawn")
        ready, stop, found = spawn.Event(), spawn.Event(), spawn.Queue()
        other = spawn.Process(target=collect, args=(settings, campaign, ready, stop, found))
        other.start()
        ready.wait()
        begun = time.perf_counter()
        purged = purging.purge(store, settings, Reading(NOW, "", 0))
        took = time.perf_counter() - begun
        stop.set()
        waits = sorted(found.get())
        other.join()
        after = report.build(store, "spring").opens
        old = purged.rows["hits"]
        print(f"{old:,} of {hits:,} hits deleted in {took:.1f} s, {old / took:,.0f} a second")
        print(f"unique openers before {before.unique:,}, after {after.unique - 1:,} and the other process'")
        most = [1_000 * waits[place] for place in (len(waits) // 2, len(waits) * 99 // 100, -1)]
        said = "median {:.1f} ms, 99 % below {:.0f} ms, longest {:.0f} ms".format(*most)
        print(f"{len(waits):,} hits of another process meanwhile: {said}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200_000)
