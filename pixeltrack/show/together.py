"""Figures of recipients who are counted together, in the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.figures import CampaignReport, Together, TogetherRow
from pixeltrack.published import NOTES, said
from pixeltrack.show.text import clean, count, moment

_ROWS = 8
_MACHINES = 70  # columns from which machines are shown


def is_all_together(report: CampaignReport) -> bool:
    """Return whether a report says nothing of anybody else."""
    people = (report.messages, report.opens.total, report.clicks.total, report.unsubscribed)
    machines = (report.machine_opens.total, report.machine_clicks.total, report.unknown_clicks.total)
    return report.together is not None and report.messages is not None and not any((*people, *machines))


def show_together(console: Console, found: Together, rows: int | None = _ROWS) -> None:
    """Print what is known of who is counted together, of long lists the first ``rows``."""
    console.print(Text("Counted together", "bold"))
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    for name in ("recipients", "hits", "machines"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, recipients, hits, machines in (
        ("Loads", found.loads_recipients, found.loads, found.machine_loads),
        ("Clicks", found.clicks_recipients, found.clicks, found.machine_clicks),
    ):
        table.add_row(name, count(recipients), Text(said(hits), "bold"), Text(said(machines), "yellow"))
    console.print(table)
    for title, its in (
        ("Links", found.links),
        ("Hours" if found.by_hour else "Days", found.times),
        ("Devices", found.classes),
        ("Companies", found.companies),
        ("Industries", found.industries),
        ("Sizes", found.sizes),
        ("Regions", found.regions),
    ):
        if its:
            shown = its[:rows]
            console.print(Text(title, "bold"))
            console.print(rows_table(shown, console.width))
            if len(its) > len(shown):
                console.print(Text(f"{len(its) - len(shown)} more", "dim"))
    console.print(Text(f"Hours up to {moment(found.counted_until)} UTC are counted.", "dim"))
    show_notes(console)


def show_notes(console: Console) -> None:
    """Print what such figures mean."""
    for note in NOTES:
        console.print(Text(note, "dim"))


def rows_table(rows: Sequence[TogetherRow], width: int, head: str = "") -> Table:
    """Return rows as a table; columns that have nothing in any row are left out."""
    sized = any(row.recipients is not None for row in rows)
    loads = any(row.loads is not None for row in rows)
    machines = width >= _MACHINES and any(row.machine_clicks is not None for row in rows)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(head, overflow="ellipsis", no_wrap=True, max_width=max(16, width - 54))
    for name, is_shown in (("recipients", sized), ("loads", loads), ("clicks", True), ("machines", machines)):
        if is_shown:
            table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for row in rows:
        name = f"{row.name} {row.says}" if row.says else row.name
        table.add_row(
            Text(clean(name)),
            *([count(row.recipients)] if sized else []),
            *([Text(said(row.loads), "bold")] if loads else []),
            Text(said(row.clicks), "bold"),
            *([Text(_machines(row), "yellow")] if machines else []),
        )
    return table


def _machines(row: TogetherRow) -> str:
    """Return machines' loads and clicks, each as it is published: their sum might not be told."""
    return " + ".join(said(each) for each in (row.machine_loads, row.machine_clicks) if each is not None)


def show_together_of_all(console: Console, reports: Iterable[CampaignReport]) -> None:
    """Print a line for each campaign that counts recipients together, if there is any."""
    found = [(report.campaign, report.together) for report in reports if report.together]
    if not found:
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("counted together", overflow="ellipsis", no_wrap=True, max_width=console.width - 40)
    for name in ("recipients", "loads", "clicks"):
        table.add_column(name, justify="right", no_wrap=True)
    for campaign, its in found:
        table.add_row(Text(clean(campaign)), count(its.recipients), said(its.loads), said(its.clicks))
    console.print(table)
    show_notes(console)
