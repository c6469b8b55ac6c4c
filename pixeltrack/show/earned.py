"""What conversions have earned, in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack import money
from pixeltrack.earned import Costs, Earned, EarnedRow, EarnedTogether, Earnings
from pixeltrack.published import said
from pixeltrack.show.earnedplain import (
    as_csv,
    as_json,
    credit,
    name_of,
    notes,
    subject,
    terms,
    within,
)
from pixeltrack.show.text import DASH, clean, moment, percent

__all__ = ["as_csv", "as_json", "show"]

_WIDE = 104  # columns from which all are shown
_NARROW = 66  # and below which only what matters most
_ROWS = 12  # of links, on a terminal


def show(console: Console, found: Earnings) -> None:
    """Print what was earned, by what, and what the figures mean."""
    heading = Text(clean(found.campaign) if found.campaign is not None else "Conversions", style="bold")
    heading.append(f"   {clean(subject(found))}", "dim")
    if within(found):
        heading.append(f"\n{within(found)}", "bold yellow")
    console.print(heading)
    if not found.totals:
        console.print("No conversion yet.")
    for head, rows in (
        ("Goals", found.goals),
        ("Campaigns", found.campaigns if found.campaign is None else ()),
        ("Links", found.links),
    ):
        if rows:
            console.print()
            console.print(Text(head, "bold"))
            shown = rows[:_ROWS] if head == "Links" else rows
            console.print(_table(shown, found.totals if head != "Links" else (), console.width))
            if len(shown) < len(rows):
                console.print(Text(f"{len(rows) - len(shown)} more: --csv and --json have all", "dim"))
    if found.costs:
        console.print()
        console.print(Text("Costs", "bold"))
        console.print(_costs(found.costs, console.width))
        for each in found.costs:
            for why in each.why_not:
                console.print(Text(f"{clean(each.campaign)}: {why}", "dim"))
    if found.together:
        console.print()
        console.print(Text("Counted together, as multiples of ten", "bold"))
        console.print(_together(found.together))
        console.print(Text(f"Hours up to {moment(found.together_until)} UTC are counted.", "dim"))
    for note in notes(found):
        console.print(Text(note, "dim"))
    console.print()
    for term, text in terms(found):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def _table(rows: Sequence[EarnedRow], totals: Sequence[EarnedRow], width: int) -> Table:
    wide, narrow = width >= _WIDE, width < _NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=max(10, width - (92 if wide else 60)))
    ways = () if narrow else ("by click", "by view", "no touch")
    more = ("refunded",) if wide else ()
    for name in ("number", *ways, *more, "revenue", *(() if narrow else ("unverified",))):
        table.add_column(name, justify="right", no_wrap=True)
    several = len(rows) > len({row.currency for row in rows})
    for row in (*rows, *(totals if several else ())):
        is_total = row in totals and row not in rows
        its = row.verified
        name = Text("all together", "bold") if is_total else Text(clean(name_of(row)))
        apart = _both(row.unverified, row.currency, wide)
        table.add_row(
            name,
            Text(credit(its.orders), "bold"),
            *(() if narrow else (credit(its.by_click), credit(its.by_view), credit(its.no_touch))),
            *((credit(its.refunded),) if wide else ()),
            Text(_money(its.revenue, row.currency), "bold green"),
            *(() if narrow else (Text(apart, "yellow"),)),
        )
    return table


def _money(amount: int, currency: str) -> str:
    return money.say(amount, currency) if currency else DASH


def _both(its: Earned, currency: str, wide: bool) -> str:
    if not its:
        return DASH
    return (
        f"{credit(its.orders)} · {_money(its.revenue, currency)}" if wide and currency else credit(its.orders)
    )


def _costs(costs: Sequence[Costs], width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=max(10, width - 64))
    for name in ("cost", "a click", "a conversion", "return"):
        table.add_column(name, justify="right", no_wrap=True)
    if width >= _WIDE:
        table.add_column("with unverified", justify="right", no_wrap=True)
    for its in costs:
        table.add_row(
            Text(clean(its.campaign)),
            money.say(its.cost, its.currency),
            money.say(its.cost_per_click, its.currency) if its.cost_per_click is not None else DASH,
            money.say(its.cost_per_order, its.currency) if its.cost_per_order is not None else DASH,
            Text(percent(its.return_rate), "bold"),
            *((percent(its.return_of_all),) if width >= _WIDE else ()),
        )
    return table


def _together(rows: Sequence[EarnedTogether]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", overflow="ellipsis", no_wrap=True)
    for name in ("signed", "number", "revenue", "refunded", "refunds"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(clean(f"{row.campaign}: {row.goal}")),
            "yes" if row.verified else "no",
            Text(said(row.orders), "bold"),
            _money(row.revenue, row.currency) if row.orders else DASH,
            said(row.refunded),
            _money(row.refunds, row.currency) if row.refunded else DASH,
        )
    return table
