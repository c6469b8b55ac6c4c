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
    about,
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
        console.print(_together(found.together, console.width))
        console.print(Text(f"Hours up to {moment(found.together_until)} UTC are counted.", "dim"))
    for note in notes(found):
        console.print(Text(note, "dim"))
    console.print()
    for term, text in terms(found):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def _table(rows: Sequence[EarnedRow], totals: Sequence[EarnedRow], width: int) -> Table:
    wide, narrow = width >= _WIDE, width < _NARROW
    ways = () if narrow else ("by click", "by view", "no touch")
    head = (
        "number",
        *ways,
        *(("refunded",) if wide else ()),
        "revenue",
        *(() if narrow else ("unverified",)),
    )
    several = len(rows) > len({row.currency for row in rows})
    named = [(Text(clean(name_of(row))), row) for row in rows]
    named += [(Text("all together", "bold"), row) for row in totals] if several else []
    lines = []
    for name, row in named:
        its = row.verified
        cells = (
            Text(credit(its.orders), "bold"),
            *(() if narrow else (credit(its.by_click), credit(its.by_view), credit(its.no_touch))),
            *((credit(its.refunded),) if wide else ()),
            Text(_money(its.revenue, row.currency), "bold green"),
            *(() if narrow else (Text(_both(row.unverified, row.currency, wide), "yellow"),)),
        )
        lines.append((name, *cells))
    return _fitted(head, lines, width)


def _fitted(head: Sequence[str], lines: Sequence[Sequence[Text | str]], width: int) -> Table:
    """Return a table of which no figure is ever cut: names have the room that these leave."""
    columns = list(zip(*lines, strict=True))[1:]
    widths = [
        max(len(name), *(len(cell) for cell in cells)) for name, cells in zip(head, columns, strict=True)
    ]
    close = width < _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=close)
    room = width - sum(widths) - (2 if close else 3) * len(widths) - 2
    table.add_column("", overflow="ellipsis", no_wrap=True, max_width=max(6, room))
    for name, least in zip(head, widths, strict=True):
        table.add_column(name, justify="right", no_wrap=True, min_width=least)
    for line in lines:
        table.add_row(*line)
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
    wide, narrow = width >= _WIDE, width < _NARROW
    head = ("cost", *(() if narrow else ("a click",)), "a conversion", "return")
    lines = [
        (
            Text(clean(its.campaign)),
            money.say(its.cost, its.currency),
            *(() if narrow else (about(its.cost_per_click, its.currency),)),
            about(its.cost_per_order, its.currency),
            Text(percent(its.return_rate), "bold"),
            *((percent(its.return_of_all),) if wide else ()),
        )
        for its in costs
    ]
    return _fitted((*head, *(("with unverified",) if wide else ())), lines, width)


def _together(rows: Sequence[EarnedTogether], width: int) -> Table:
    lines = [
        (
            Text(clean(f"{row.campaign}: {row.goal}")),
            "yes" if row.verified else "no",
            Text(said(row.orders), "bold"),
            _money(row.revenue, row.currency) if row.orders else DASH,
            said(row.refunded),
            _money(row.refunds, row.currency) if row.refunded else DASH,
        )
        for row in rows
    ]
    return _fitted(("signed", "number", "revenue", "refunded", "refunds"), lines, width)
