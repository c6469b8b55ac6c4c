"""A campaign's report on one screen: the figures that are asked for first."""

from __future__ import annotations

from collections import Counter

from rich import box
from rich.columns import Columns
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from pixeltrack.figures import CampaignReport, Share
from pixeltrack.providers import OTHER
from pixeltrack.show.parts import NARROW, breakdown, links, notes, numbers, section, timeline, title
from pixeltrack.show.reasons import reason
from pixeltrack.show.text import clean, count, percent
from pixeltrack.show.together import is_all_together, show_together

_BOUNDS = 78  # columns from which the least and the most are shown
_LINKS = 8
_ROWS = 6
_REASONS = 3  # of why hits are machines'


def show_brief(console: Console, report: CampaignReport) -> None:
    """Print one campaign's report so that it fits a screen; ``terminal.show_report`` has all of it."""
    console.print(title(report))
    if report.together and is_all_together(report):
        show_together(console, report.together)
        console.print(Text("--full has every row, and what the figures mean.", "dim"))
        return
    for alarm in report.alarms:
        console.print(Text(f"Alarm. {clean(alarm.says, 400)}", style="bold red"))
    console.print(_headline(report, console.width))
    console.print(_below(report))
    for note in notes(report):
        console.print(Text(note, style="dim"))
    if report.timeline:
        console.print(section("When", timeline(report, console.width)))
    if report.links:
        console.print(section("Links", links(report.links, console.width, _LINKS)))
    shares = (
        ("Devices", report.devices),
        ("Mail clients (opens)", report.clients),
        ("Mailbox providers", _providers(report)),
    )
    shown = [breakdown(name, its, _ROWS) for name, its in shares if its]
    if shown:
        console.print()
        console.print(Columns(shown, padding=(0, 3)))
    if report.set_aside:
        console.print()
        console.print(Text(_machines(report), "yellow"))
    if report.together:
        console.print()
        show_together(console, report.together)
    console.print(Text("--full has every row, and what the figures mean.", "dim"))


def _headline(report: CampaignReport, width: int) -> RenderableType:
    bounds, wide = width >= _BOUNDS, width >= NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=True, min_width=6)
    names = ("unique", "total", *(("rate",) if wide else ()), "machines", *(("unknown",) if wide else ()))
    numbers(table, *names, *(("at least", "at most") if bounds else ()))
    for name, people, rate, limits, machines, unknown in (
        (
            *("Opens", report.opens, report.open_rate, report.opens_bounds),
            *(report.machine_opens, report.unknown_opens),
        ),
        (
            *("Clicks", report.clicks, report.click_rate, report.clicks_bounds),
            *(report.machine_clicks, report.unknown_clicks),
        ),
    ):
        table.add_row(
            name,
            Text(count(people.unique), "bold green"),
            count(people.total),
            *((Text(percent(rate), "bold"),) if wide else ()),
            Text(count(machines.total), "yellow"),
            *((Text(count(unknown.total), "yellow"),) if wide else ()),
            *((count(limits.at_least), count(limits.at_most)) if bounds else ()),
        )
    return table


def _below(report: CampaignReport) -> Text:
    said = [
        f"Click-to-open {percent(report.click_to_open_rate)}",
        f"unsubscribed {count(report.unsubscribed)}",
        f"stopped tracking {count(report.stopped_tracking)}",
    ]
    text = Text(", ".join(said) + ".")
    estimate = report.adjusted_open_rate
    if estimate is not None and report.prefetch_only:
        text.append(
            f"\nAdjusted open rate (an estimate) {percent(estimate.rate)}, {estimate.confidence * 100:.0f} %"
            f" between {percent(estimate.low)} and {percent(estimate.high)}: of {count(report.prefetch_only)}"
            " recipients the pixel was only loaded ahead, and nobody can see whether they looked."
        )
    return text


def _providers(report: CampaignReport) -> tuple[Share, ...]:
    """Return the openers at each provider, unless all are at other domains, which says nothing."""
    rows = report.providers
    if [row.provider for row in rows] == [OTHER]:
        return ()
    return tuple(Share(f"{row.provider} {percent(row.open_rate)}", row.openers) for row in rows)


def _machines(report: CampaignReport) -> str:
    why: Counter[str] = Counter()
    for row in report.set_aside:
        why[row.reason] += row.opens + row.clicks
    said = "; ".join(f"{clean(reason(code))} ({count(hits)})" for code, hits in why.most_common(_REASONS))
    more = f"; {len(why) - _REASONS} more reasons" if len(why) > _REASONS else ""
    return f"Set aside, not counted as people: {said}{more}."
