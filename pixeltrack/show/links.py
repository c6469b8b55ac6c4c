"""The table of a mail's links: what is done to each, and why."""

from __future__ import annotations

from rich import box
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pixeltrack.rewrite import Link, Plan
from pixeltrack.show.text import clean

_WIDE = 120  # columns from which the table has everything in one line
_STYLES = {"wrap": "green", "leave": "yellow", "fill": "cyan"}


def show_plan(console: Console, plan: Plan) -> None:
    """Print every link with its number, line, text, destination, decision and reason."""
    console.print(_wide(plan) if console.width >= _WIDE else _stacked(plan))
    console.print(Text(f"pixel: {plan.pixel_reason}"))


def _wide(plan: Plan) -> Table:
    table = _table()
    table.add_column("text", overflow="fold", max_width=30)
    table.add_column("destination", overflow="fold", ratio=1)
    table.add_column("why", overflow="fold", max_width=40)
    for link in plan.links:
        text, destination, reason = _said(link)
        table.add_row(*_head(link), text, destination, reason)
    return table


def _stacked(plan: Plan) -> Table:
    """A narrow terminal has no room beside each other: text, destination and reason stand in a pile."""
    table = _table()
    table.add_column("text, destination, why", overflow="fold")
    for link in plan.links:
        table.add_row(*_head(link), Group(*_said(link)))
    return table


def _table() -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    table.add_column("line", justify="right", no_wrap=True)
    table.add_column("what", no_wrap=True)
    return table


def _head(link: Link) -> tuple[str, str, Text]:
    return str(link.number), str(link.line), Text(link.decision, _STYLES[link.decision])


def _said(link: Link) -> tuple[Text, Text, Text]:
    text = Text(clean(link.text) or f"({clean(link.tag)})", style="bold")
    return text, Text(clean(link.destination, 2_000)), Text(clean(link.reason), style="dim")
