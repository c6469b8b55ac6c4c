"""Campaigns side by side, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.compare import Comparison, Row, Value
from pixeltrack.published import NOTES, said
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import clean, count, iso, moment, percent, points

_NAMES = 20  # columns for the figures' names
_EACH = 18  # and for each campaign: a time, or a rate with its change


def show(console: Console, comparison: Comparison) -> None:
    """Print as many campaigns beside each other as there is room for, and the others below."""
    for campaign, says in comparison.alarms:
        console.print(Text(f"Alarm. {clean(campaign)}: {clean(says, 400)}", style="bold red"))
    beside = max(1, (console.width - _NAMES) // _EACH)
    for start in range(0, len(comparison.campaigns), beside):
        console.print(_table(comparison, range(start, min(start + beside, len(comparison.campaigns)))))
    first = clean(comparison.campaigns[0])
    for line in (
        f"In brackets: the difference from {first} in percentage points.",
        "Counts are of recipients, and of people, but for the lines of machines' and unknown hits. Campaigns"
        " go to different people at different times, so a difference need not come from the mail: versions"
        " of one campaign tell that (pixeltrack inject --version, report --ab).",
        "What the figures mean is printed under pixeltrack report --campaign NAME.",
    ):
        console.print(Text(line, style="dim"))
    if any(row.unit == "published" for row in comparison.rows):
        for line in NOTES:
            console.print(Text(line, style="dim"))


def _table(comparison: Comparison, which: range) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", min_width=_NAMES - 2, no_wrap=True)
    for at in which:
        table.add_column(
            Text(clean(comparison.campaigns[at])), justify="right", max_width=_EACH - 2, overflow="fold"
        )
    for row in comparison.rows:
        style = "bold" if row.figure in ("open_rate", "click_rate") else ""
        table.add_row(row.name, *(Text(_said(row, at), style) for at in which))
    return table


def _said(row: Row, at: int) -> str:
    value = row.values[at]
    if row.unit == "rate":
        change = row.changes[at]
        return percent(value) + (f" ({points(change)})" if at and change is not None else "")
    whole = None if value is None else int(value)
    if row.unit == "published":
        return said(whole)
    return moment(whole) if row.unit == "time" else count(whole)


def _plain(row: Row, value: Value) -> Cell:
    return iso(None if value is None else int(value)) if row.unit == "time" else value


def as_json(comparison: Comparison) -> str:
    """Return figures by name: lists in the order of the campaigns. Rates are shares of 1."""
    figures: dict[str, list[Any]] = {}
    for row in comparison.rows:
        figures[row.figure] = [_plain(row, value) for value in row.values]
    value = {
        "campaigns": list(comparison.campaigns),
        "figures": figures,
        "changes": {row.figure: list(row.changes) for row in comparison.rows if row.changes},
        "intervals": {
            row.figure: [None if each is None else [each.low, each.high] for each in row.intervals]
            for row in comparison.rows
            if row.intervals
        },
        "alarms": [{"campaign": campaign, "says": says} for campaign, says in comparison.alarms],
        "rules_version": comparison.rules_version,
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_csv(comparison: Comparison) -> str:
    """Return a line for each figure, with a column for each campaign."""
    return csv_text(_lines(comparison))


def _lines(comparison: Comparison) -> Iterator[list[Cell]]:
    yield ["figure", *comparison.campaigns]
    for row in comparison.rows:
        yield [row.figure, *(_plain(row, value) for value in row.values)]
        if row.intervals:
            for name in ("low", "high"):
                ends = [None if each is None else getattr(each, name) for each in row.intervals]
                yield [f"{row.figure}_{name}", *ends]
