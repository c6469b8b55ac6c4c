"""Recipients who have not opened since a date, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.inactive import DAY, Idle, Inactive
from pixeltrack.show.table import AsIs, Cell, csv_text
from pixeltrack.show.text import DASH, clean, count

_ROWS = 100  # on a terminal
NOTES = (
    "Mail programs and proxies that load pictures by themselves make readers of people who never look; who"
    " blocks pictures looks idle, and may read every mail.",
    "Hits that were deleted for their age are not seen, so somebody may have opened before what is kept.",
    "An open is not a contact: it proves no interest, and prolongs no retention period.",
)


def show(console: Console, found: Inactive) -> None:
    """Print who they are, of many the first."""
    title = f"{count(len(found.people))} recipients have not opened since {_date(found.since)}"
    console.print(Text(title, "bold"))
    people = found.people[:_ROWS] if console.is_terminal else found.people
    if people:
        console.print(_table(people))
    if len(people) < len(found.people):
        more = len(found.people) - len(people)
        console.print(Text(f"{count(more)} more: --csv and --json have all of them", "dim"))
    for note in (
        f"{count(found.active)} have; {count(found.refusing)} want no mail, or not to be measured, and are"
        f" left out; of {count(found.unknown)} nobody can know: no copy from before then tells.",
        *NOTES,
    ):
        console.print(Text(note, "dim"))


def _table(people: tuple[Idle, ...]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("address", no_wrap=True, overflow="ellipsis")
    table.add_column("last (UTC)", no_wrap=True, min_width=10)
    table.add_column("mails", justify="right", no_wrap=True)
    for each in people:
        last = DASH if each.last is None else _date(each.last)
        table.add_row(Text(clean(each.address)), last, count(each.copies))
    return table


def _date(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY / 1000, UTC):%Y-%m-%d}"


def _last(each: Idle) -> str | None:
    return None if each.last is None else _date(each.last)


def as_json(found: Inactive) -> str:
    """Return the people as an object each."""
    value: dict[str, Any] = {
        "inactive_since": _date(found.since),
        "active": found.active,
        "refusing": found.refusing,
        "unknown": found.unknown,
        "notes": NOTES,
        "people": [
            {"address": each.address, "fields": each.fields, "last": _last(each), "mails": each.copies}
            for each in found.people
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_csv(found: Inactive) -> str:
    """Return a list as ``inject --recipients`` reads it, with ``pt_last`` and ``pt_mails``."""
    own = ("pt_last", "pt_mails")
    columns = sorted({name for each in found.people for name in each.fields} - {"email", *own})
    rows: Iterator[tuple[Cell, ...]] = (
        (
            AsIs(each.address),
            *(each.fields.get(name, "") for name in columns),
            *(_last(each), each.copies),
        )
        for each in found.people
    )
    return csv_text(chain([("email", *columns, *own)], rows))
