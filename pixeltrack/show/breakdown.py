"""A campaign's hits by one property, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.breakdown import Breakdown, Row
from pixeltrack.show.table import csv_text
from pixeltrack.show.text import bar, clean, count, iso, moment, percent

_ROWS = 40  # on a terminal
_BAR = 12
_WIDE = 90  # columns from which other hits and bars are shown
_COLUMNS = (
    *("tracked", "openers", "opens", "open_rate", "clickers", "clicks", "click_rate"),
    *("machine_opens", "machine_clicks", "unknown_opens", "unknown_clicks"),
)


def show(console: Console, found: Breakdown) -> None:
    """Print the rows, of many the first."""
    title = Text(clean(found.campaign), style="bold").append(f"   by {found.by}", style="dim")
    console.print(title.append(_span(found), style="dim"))
    rows, rest = found.rows, 0
    if console.is_terminal and len(rows) > _ROWS:
        rows, rest = rows[:_ROWS], len(rows) - _ROWS
    if not rows:
        console.print("No hits.")
        return
    console.print(_table(found, rows, console.width))
    if rest:
        console.print(Text(f"{rest:,} more rows: --csv and --json have all of them", "dim"))
    for note in _notes(found):
        console.print(Text(note, "dim"))


def _span(found: Breakdown) -> str:
    since = f"   since {moment(found.since)} UTC" if found.since is not None else ""
    return since + (f"   until {moment(found.until)} UTC" if found.until is not None else "")


def _notes(found: Breakdown) -> list[str]:
    if found.by in ("hour", "day", "weekday"):
        return [f"Times are those of {clean(found.zone)}. A person can stand in several rows."]
    if any(row.tracked is not None for row in found.rows):
        return ["Rates are over tracked messages."]
    if found.by in ("link", "group"):
        return ["People's clicks; opens have no link. A person can stand in several rows."]
    if found.by == "client":
        return ["Opens alone: who clicks has left the mail program. A person can stand in several rows."]
    return ["A person can stand in several rows."]


def _table(found: Breakdown, rows: tuple[Row, ...], width: int) -> Table:
    rated = any(row.tracked is not None for row in rows)
    opens = found.by not in ("link", "group")
    clicks = found.by != "client"
    wide = width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#" if found.by == "link" else found.by, no_wrap=True, overflow="ellipsis", min_width=3)
    if found.by == "link":
        room = width - (60 if wide else 26)
        table.add_column("link", no_wrap=True, overflow="ellipsis", max_width=max(12, room))
    names = [
        *(["tracked"] if rated else []),
        *(["opened", "rate"] if rated else ["opened", "opens"] if opens else []),
        *(["clicked", "rate"] if rated else ["clicked", "clicks"] if clicks else []),
        *(["machines", "unknown"] if wide else []),
    ]
    for name in names:
        table.add_column(name, justify="right", min_width=len(name), no_wrap=True)
    if wide:
        table.add_column("", min_width=_BAR, no_wrap=True)
    most = max(_weight(row) for row in rows)
    for row in rows:
        cells: list[str | Text] = [Text(clean(row.name, 60))]
        if found.by == "link":
            cells.append(Text(clean(row.says)))
        if rated:
            cells += [count(row.tracked), Text(count(row.opens.unique), "bold"), percent(row.open_rate)]
            cells += [Text(count(row.clicks.unique), "bold"), percent(row.click_rate)]
        else:
            for tally in ([row.opens] if opens else []) + ([row.clicks] if clicks else []):
                cells += [Text(count(tally.unique), "bold"), count(tally.total)]
        if wide:
            cells += [
                Text(count(row.machine_opens + row.machine_clicks), "yellow"),
                Text(count(row.unknown_opens + row.unknown_clicks), "yellow"),
                Text(bar(_weight(row), most, _BAR), "green"),
            ]
        table.add_row(*cells)
    return table


def _weight(row: Row) -> int:
    return row.opens.unique + row.clicks.unique


def as_json(found: Breakdown) -> str:
    """Return the breakdown as an object; names of figures are those of the report's JSON."""
    value: dict[str, Any] = asdict(found)
    value["since"], value["until"] = iso(found.since), iso(found.until)
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_csv(found: Breakdown) -> str:
    """Return a row for each value; rates are shares of 1."""
    says = ("says",) if found.by == "link" else ()
    rows = [
        (
            *((row.name, row.says) if says else (row.name,)),
            *(row.tracked, row.opens.unique, row.opens.total, row.open_rate),
            *(row.clicks.unique, row.clicks.total, row.click_rate),
            *(row.machine_opens, row.machine_clicks, row.unknown_opens, row.unknown_clicks),
        )
        for row in found.rows
    ]
    return csv_text([(found.by, *says, *_COLUMNS), *rows])
