"""People who did something, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import chain
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.show.table import AsIs, Cell, csv_text
from pixeltrack.show.text import clean, count, gone, iso, moment
from pixeltrack.who import Listing, Person

_ROWS = 100  # on a terminal
_NARROW = 70  # columns below which times are left out


def show(console: Console, found: Listing) -> None:
    """Print who it was, of many the first."""
    what = {"opened": "opened", "clicked": "clicked", "not-opened": "did not open, as far as can be seen"}
    title = Text(clean(found.campaign), style="bold")
    console.print(title.append(f"   {len(found.people):,} {what[found.asked.what]}", style="dim"))
    people = found.people[:_ROWS] if console.is_terminal else found.people
    if people:
        console.print(_table(found, people, console.width))
    if len(people) < len(found.people):
        more = len(found.people) - len(people)
        console.print(Text(f"{more:,} more: --csv and --json have all of them", "dim"))
    for note in _notes(found):
        console.print(Text(note, "dim"))


def _notes(found: Listing) -> list[str]:
    notes = [gone(found.gone_before)] if found.gone_before is not None else []
    if notes and found.asked.what == "not-opened":
        notes.append("Who opened before that only, and not since, is in this list, too.")
    if found.unnamed:
        notes.append(f"{found.unnamed:,} more may not be named: they refused, or have a pseudonym alone.")
    if found.unsubscribed:
        notes.append(f"{found.unsubscribed:,} more left out: unsubscribed.")
    ahead = sum(person.seen == "only loaded ahead" for person in found.people)
    if ahead:
        notes.append(f"Of {ahead:,} the pixel was only loaded ahead: whether they looked cannot be seen.")
    if found.asked.what == "not-opened":
        notes.append("Who loads no images, and clicks nothing, looks like who never opened.")
    return notes


def _table(found: Listing, people: tuple[Person, ...], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("address", no_wrap=True, overflow="ellipsis")
    if found.asked.what == "not-opened":
        table.add_column("seen of the pixel", no_wrap=True)
    else:
        table.add_column("times", justify="right", no_wrap=True)
        if width >= _NARROW:
            table.add_column("first (UTC)", no_wrap=True)
            table.add_column("last (UTC)", no_wrap=True)
    for person in people:
        cells = [Text(clean(person.address))]
        if person.seen is not None:
            cells.append(Text(person.seen))
        else:
            cells.append(Text(count(person.hits)))
            if width >= _NARROW:
                cells += [Text(moment(person.first)), Text(moment(person.last))]
        table.add_row(*cells)
    return table


def as_json(found: Listing) -> str:
    """Return the people as an object each."""
    value: dict[str, Any] = {
        "campaign": found.campaign,
        "who": found.asked.what,
        "links": None if found.asked.links is None else sorted(found.asked.links),
        "since": iso(found.since),
        "until": iso(found.until),
        "gone_before": iso(found.gone_before),
        "unnamed": found.unnamed,
        "unsubscribed": found.unsubscribed,
        "people": [
            {
                "address": person.address,
                "fields": person.fields,
                "hits": person.hits,
                "first": iso(person.first),
                "last": iso(person.last),
                "seen": person.seen,
            }
            for person in found.people
        ],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_csv(found: Listing) -> str:
    """Return a list as ``inject --recipients`` reads it: ``email``, the list's columns, and what was seen.

    Addresses are as ``inject`` took them, which refuses those that a spreadsheet would run: with a guard
    before it, one would be somebody else's.
    """
    own = ("pt_hits", "pt_first", "pt_last", "pt_seen")
    columns = sorted({name for person in found.people for name in person.fields} - {"email", *own})
    rows: Iterator[tuple[Cell, ...]] = (
        (
            AsIs(person.address),
            *(person.fields.get(name, "") for name in columns),
            *(person.hits, iso(person.first), iso(person.last), person.seen),
        )
        for person in found.people
    )
    return csv_text(chain([("email", *columns, *own)], rows))  # one by one: there may be a million
