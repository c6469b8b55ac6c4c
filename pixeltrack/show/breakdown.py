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
from pixeltrack.published import OTHER
from pixeltrack.show.table import csv_text
from pixeltrack.show.text import bar, clean, count, gone, iso, moment, percent
from pixeltrack.show.together import rows_table, show_notes

_ROWS = 40  # on a terminal
_BAR = 12
_LEAST = 8  # columns for what a row is called
_WIDE = 90  # columns from which other hits and bars are shown
_BROAD = 60  # and from which rates and totals are
_COLUMNS = (
    *("tracked", "openers", "opens", "open_rate", "clickers", "clicks", "click_rate"),
    *("machine_opens", "machine_clicks", "unknown_opens", "unknown_clicks", "counted", "recipients"),
)


def show(console: Console, found: Breakdown) -> None:
    """Print the rows, of many the first."""
    title = Text(clean(found.campaign), style="bold").append(f"   by {found.by}", style="dim")
    console.print(title.append(_span(found), style="dim"))
    rows, rest = found.rows, 0
    if console.is_terminal and len(rows) > _ROWS:
        rows, rest = rows[:_ROWS], len(rows) - _ROWS
    if found.together:
        console.print(Text("Counted together", "bold"))
        console.print(rows_table(found.together, console.width, found.by))
        show_notes(console)
        if not rows:
            return
        console.print(Text("Kept one by one", "bold"))
    if not rows:
        console.print("No hits.")
        return
    console.print(_table(found, rows, console.width))
    if rest:
        console.print(Text(f"{rest:,} more rows: --csv and --json have all of them", "dim"))
    for note in filter(None, (gone(found.gone_before), *_notes(found))):
        console.print(Text(note, "dim"))


def _span(found: Breakdown) -> str:
    since = f"   since {moment(found.since)} UTC" if found.since is not None else ""
    return since + (f"   until {moment(found.until)} UTC" if found.until is not None else "")


def _notes(found: Breakdown) -> list[str]:
    if found.by in ("hour", "day", "weekday"):
        return [f"Times are those of {clean(found.zone)}. A person can stand in several rows."]
    if any(row.tracked is not None for row in found.rows):
        notes = ["Rates are over messages of which opens, or clicks, are tracked."]
        if found.over_delivered:
            notes = ["Rates are over delivered messages of which opens, or clicks, are tracked."]
        if any(row.name == OTHER for row in found.rows):
            notes.append("Groups of fewer than five are joined, with as many others as hide them.")
        return notes
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
    broad = width >= _BROAD
    names = [
        *(["tracked"] if rated else []),
        *(["opened", *(["rate" if rated else "opens"] if broad else [])] if opens else []),
        *(["clicked", *(["rate" if rated else "clicks"] if broad else [])] if clicks else []),
        *(["machines", "unknown"] if wide else []),
    ]
    widths = [len("100.0 %") if name == "rate" else len(name) for name in names]
    room = max(_LEAST, width - sum(widths) - 3 * len(names) - 2 - (_BAR + 3 if wide else 0))
    if found.by == "link":
        table.add_column("#", no_wrap=True, min_width=3)
        table.add_column("link", no_wrap=True, overflow="ellipsis", max_width=max(_LEAST, room - 6))
    else:
        table.add_column(found.by, no_wrap=True, overflow="ellipsis", min_width=3, max_width=room)
    for name, least in zip(names, widths, strict=True):
        table.add_column(name, justify="right", min_width=least, no_wrap=True)
    if wide:
        table.add_column("", min_width=_BAR, no_wrap=True)
    most = max(_weight(row) for row in rows)
    for row in rows:
        cells: list[str | Text] = [Text(clean(row.name, 60))]
        if found.by == "link":
            cells.append(Text(clean(row.says)))
        if rated:
            cells.append(count(row.tracked))
        for tally, rate, is_shown in (
            (row.opens, row.open_rate, opens),
            (row.clicks, row.click_rate, clicks),
        ):
            if is_shown:
                cells.append(Text(count(tally.unique), "bold"))
                cells += [percent(rate) if rated else count(tally.total)] if broad else []
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
    for name in ("since", "until", "gone_before"):
        value[name] = iso(value[name])
    return json.dumps(value, indent=2, ensure_ascii=False)


def as_csv(found: Breakdown) -> str:
    """Return a row for each value; rates are shares of 1.

    What is counted together has rows of its own, of which opens are loads, in tens.
    """
    says = ("says",) if found.by == "link" else ()
    rows = [
        (
            *((row.name, row.says) if says else (row.name,)),
            *(row.tracked, row.opens.unique, row.opens.total, row.open_rate),
            *(row.clicks.unique, row.clicks.total, row.click_rate),
            *(row.machine_opens, row.machine_clicks, row.unknown_opens, row.unknown_clicks, "people", None),
        )
        for row in found.rows
    ]
    together = [
        (
            *((row.name, row.says) if says else (row.name,)),
            *(None, None, row.loads, None, None, row.clicks, None),
            *(row.machine_loads, row.machine_clicks, None, None, "together", row.recipients),
        )
        for row in found.together
    ]
    return csv_text([(found.by, *says, *_COLUMNS), *rows, *together])
