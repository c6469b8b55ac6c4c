"""How much memory a link table takes in the collector, and how long reading it may hold up the loop.

python benchmarks/link_table.py [LINKS]
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from pixeltrack import config, setup
from pixeltrack.linktable import LinkTable


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = config.load(options={"db": str(Path(folder) / "t.db")}, environment={})
        store = setup.open_workspace(settings, create=True).store
        urls = (f"https://shop.example/catalogue/item-{number:07}?utm_source=mail" for number in range(count))
        with sqlite3.connect(settings.db) as connection:
            connection.execute(
                "insert into campaigns (campaign_id, name, code, key_id, kind, created)"
                " values (1, 'a', 'aaaaaaaa', 1, 'recipients', 0)"
            )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (1, ?, ?, 1, '', ?)",
                ((number, number, url) for number, url in enumerate(urls, start=1)),
            )
        before = memory()
        started = time.perf_counter()
        table = LinkTable(1, store.last_link(1), partial(store.destinations, 1))
        table.get(count // 2)
        first = time.perf_counter() - started
        longest, more = 0.0, True
        while more:
            asked = time.perf_counter()
            more = table.load_next()
            longest = max(longest, time.perf_counter() - asked)
        whole = time.perf_counter() - started
        grown = memory() - before
        asked = time.perf_counter()
        for number in range(1, count + 1):
            table.get(number)
        look_up = (time.perf_counter() - asked) / count
    length = len(table.get(1) or b"")
    print(f"{count:,} links of {length} bytes")
    print(f"  memory          {grown / count:.0f} bytes a link, {grown / 1e6:.0f} MB")
    print(f"  first look-up   {first * 1e3:.1f} ms, then {look_up * 1e9:.0f} ns")
    print(f"  the whole table {whole:.1f} s, never longer than {longest * 1e3:.1f} ms at a time")


def memory() -> int:
    """The highest resident size so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
