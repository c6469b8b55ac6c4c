"""How far people came, in the terminal."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.earned import Funnel, FunnelTogether
from pixeltrack.published import said
from pixeltrack.show.funnelplain import as_csv, as_json, unverified
from pixeltrack.show.text import bar, clean, count, percent

__all__ = ["as_csv", "as_json", "show"]

_BAR = 24
_NARROW = 70


def show(console: Console, found: Funnel) -> None:
    """Print the steps, and what they mean."""
    console.print(Text(clean(found.campaign), "bold"))
    console.print(table(found, console.width))
    if found.unverified:
        console.print(Text(unverified(found), "yellow"))
    if found.together:
        console.print(Text("Counted together, as multiples of ten; hits, not people", "bold"))
        console.print(together(found.together))
    console.print()
    for term, text in found.definitions:
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def table(found: Funnel, width: int) -> Table:
    """Return the steps with bars."""
    steps = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    steps.add_column("")
    for name in ("people", "of all", "of the step before"):
        steps.add_column(name, justify="right", no_wrap=True)
    if width >= _NARROW:
        steps.add_column("", min_width=_BAR, no_wrap=True)
    most = max((step.people or 0 for step in found.steps), default=0)
    for step in found.steps:
        steps.add_row(
            step.name,
            Text(count(step.people), "bold"),
            percent(step.of_all),
            percent(step.of_before),
            *((Text(bar(step.people or 0, most, _BAR), "green"),) if width >= _NARROW else ()),
        )
    return steps


def together(found: FunnelTogether) -> Table:
    """Return the published figures."""
    line = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in FunnelTogether.__slots__:
        line.add_column(name, justify="right", no_wrap=True)
    line.add_row(
        count(found.recipients),
        *(said(each) for each in (found.loads, found.clicks, found.views, found.conversions)),
    )
    return line
