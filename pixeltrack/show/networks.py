"""The network lists, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.networks import RangeList
from pixeltrack.show.text import clean, count


def lists_json(lists: Sequence[RangeList]) -> str:
    """Return an array with an object for each list."""
    values = [
        {
            "label": each.label,
            "date": each.date,
            "ranges": each.ranges,
            "covers": each.covers,
            "source": each.source,
            "shipped": each.shipped,
            "file": str(each.path),
        }
        for each in lists
    ]
    return json.dumps(values, indent=2, ensure_ascii=False)


def show_lists(console: Console, lists: Sequence[RangeList], *, verbose: bool) -> None:
    """Print a row for each list: what is in it, from when and from where; verbose adds its file."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("label", no_wrap=True)
    table.add_column("date", no_wrap=True)
    table.add_column("ranges", justify="right", no_wrap=True)
    table.add_column("covers, and source", overflow="fold", ratio=1)
    for each in lists:
        about = Text(clean(each.covers, 400)).append(f"\n{clean(each.source, 300)}", "dim")
        if verbose:
            about.append(f"\n{clean(str(each.path), 600)}", "dim")
        table.add_row(
            Text(clean(each.label), "" if each.shipped else "bold"),
            Text(clean(each.date)),
            count(each.ranges),
            about,
        )
    console.print(table)
    own = sum(not each.shipped for each in lists)
    console.print(
        f"{len(lists)} lists, {own} of your own and {len(lists) - own} that came with pixeltrack", style="dim"
    )
