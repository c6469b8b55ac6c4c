"""Hold both lanes against waitress by itself: the same bytes must give the same answer and event.

    python benchmarks/fuzz_lanes.py [CONVERSATIONS] [SEED]

Stops at the first difference and prints what was sent, with the seed that makes it again.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from lanes import conversation, paths, side_by_side

from pixeltrack import config, setup
from pixeltrack.minting import number
from pixeltrack.model import LinkRow, Message


def main(count: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load(options={"db": str(Path(folder) / "t.db")}, environment={})
        workspace = setup.open_workspace(settings, create=True)
        store, keyring = workspace.store, workspace.keyring
        links = [LinkRow(each, each, 1, "", f"https://shop.example/{each}?a=%20#b") for each in (1, 2, 3)]
        draft = store.draft_campaign("a", "recipients", keyring, 0).number(links)
        campaign = store.save_campaign(draft)
        keys = keyring.campaign(campaign.code)
        people = [f"p{each}@x.example" for each in range(4)]
        messages = [Message(number(keys.pseudonym(each)), each, {}, True) for each in people]
        store.save_messages(campaign.campaign_id, messages)
        lanes = side_by_side(Path(folder), settings.db, keyring, settings)
        store.close()
        addresses, statuses = paths(keys), Counter[bytes]()
        started, requests, events = time.monotonic(), 0, 0
        for each in range(seed, seed + count):
            pieces = conversation(Random(each), addresses)
            outcomes = [lane.feed(pieces) for lane in lanes]
            if any(outcome != outcomes[0] for outcome in outcomes):
                told = zip(("fast lane", "other lane", "waitress"), outcomes, strict=True)
                sys.exit(f"seed {each}: {pieces}\n" + "\n".join(f"{name}: {it}" for name, it in told))
            found = [
                line[9:12] for line in outcomes[0].answered.split(b"\r\n") if line.startswith(b"HTTP/1.")
            ]
            statuses.update(found)
            requests += len(found)
            events += len(outcomes[0].events)
        print(
            f"{count:,} connections with {requests:,} answers and {events:,} events in"
            f" {time.monotonic() - started:.0f} s: no difference between the lanes\n"
            f"{lanes[0].taken:,} answers were the fast lane's; by status: "
            + ", ".join(f"{status.decode()} {times:,}" for status, times in sorted(statuses.items()))
        )
        for lane in lanes:
            lane.close()


if __name__ == "__main__":
    arguments = [int(each) for each in sys.argv[1:]] + [20_000, 0][len(sys.argv) - 1 :]
    main(*arguments)
