"""The table of a mail's links: what is done to each, and why."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.rewrite import Plan
from pixeltrack.show.text import clean

_STYLES = {"wrap": "green", "leave": "yellow", "fill": "cyan"}


def show_plan(console: Console, plan: Plan) -> None:
    """Print every link with its number, line, text, destination, decision and reason."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("text", overflow="ellipsis", no_wrap=True, max_width=24)
    table.add_column("destination", overflow="fold", ratio=1)
    table.add_column("what", no_wrap=True)
    table.add_column("why", overflow="fold", max_width=30)
    for link in plan.links:
        table.add_row(
            str(link.number),
            str(link.line),
            Text(clean(link.text) or f"({link.tag})"),
            Text(clean(link.destination, 2_000)),
            Text(link.decision, _STYLES[link.decision]),
            Text(clean(link.reason)),
        )
    console.print(table)
    console.print(Text(f"pixel: {plan.pixel_reason}"))
