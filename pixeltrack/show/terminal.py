"""Reports for the terminal in full, and the overview."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from pixeltrack.figures import CampaignReport, CompanyFigures, DeliveryFigures, ProviderFigures
from pixeltrack.show import earned, funnel
from pixeltrack.show.parts import (
    NARROW,
    ROWS,
    WIDE,
    breakdown,
    links,
    notes,
    numbers,
    section,
    timeline,
    title,
)
from pixeltrack.show.reasons import reason
from pixeltrack.show.text import clean, count, moment, percent
from pixeltrack.show.together import is_all_together, show_together, show_together_of_all

_BROAD = 80  # and from which the providers' rates are
_LOOSE = 90  # below which they stand close: three rates may be 100.0 %
_ROOMY = 120  # and from which the overview has estimates


def show_report(console: Console, report: CampaignReport) -> None:
    """Print one campaign's report with every row, and what its figures mean."""
    console.print(title(report))
    if report.together and is_all_together(report):
        show_together(console, report.together, rows=None)
        _define(console, report)
        return
    for alarm in report.alarms:
        console.print(Text(f"Alarm. {clean(alarm.says, 400)}", style="bold red"))
    console.print(_headline(report, console.width))
    for note in notes(report):
        console.print(Text(note, style="dim"))
    if report.delivery:
        console.print(section("Delivery, as reported", _delivery(report.delivery)))
    console.print(section("Estimates", _estimates(report)))
    if report.timeline:
        console.print(section("When", timeline(report, console.width)))
    if report.links:
        console.print(section("Links", links(report.links, console.width)))
    breakdowns = [
        breakdown(name, shares)
        for name, shares in (
            ("Devices", report.devices),
            ("Operating systems", report.systems),
            ("Browsers", report.browsers),
            ("Mail clients (opens)", report.clients),
        )
        if shares
    ]
    if breakdowns:
        console.print()
        console.print(Columns(breakdowns, padding=(0, 3)))
    if report.providers:
        console.print(section("Mailbox providers", _providers(report.providers, console.width)))
    if report.companies:
        console.print(section("Companies, by mail domain", _companies(report.companies)))
    if report.set_aside:
        console.print(section("Set aside: not counted as people", _set_aside(report)))
    if report.together:
        console.print()
        show_together(console, report.together, rows=None)
    _define(console, report)
    if report.funnel:
        console.print()
        funnel.show(console, report.funnel)
    if report.conversions:
        console.print()
        earned.show(console, report.conversions)


def _define(console: Console, report: CampaignReport) -> None:
    console.print()
    for term, text in (*report.definitions, ("rules", f"version {report.rules_version}")):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def show_overview(console: Console, reports: Sequence[CampaignReport]) -> None:
    """Print all campaigns, one line each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    dated = console.width >= WIDE
    adjusted = console.width >= _ROOMY
    room = console.width - (90 if dated else 68) - (28 if adjusted else 0)  # beside the figures
    table.add_column("campaign", overflow="ellipsis", no_wrap=True, max_width=max(12, room))
    if dated:
        table.add_column("created", no_wrap=True)
    estimates = ("at most", "adjusted", "seen") if adjusted else ()
    numbers(table, "messages", "opens", "rate", *estimates, "clicks", "rate", "machines")
    for report in reports:
        table.add_row(
            Text(clean(report.campaign)),
            *([moment(report.created)] if dated else []),
            count(report.messages),
            count(report.opens.unique),
            percent(report.open_rate),
            *(_overview_estimates(report) if adjusted else []),
            count(report.clicks.unique),
            percent(report.click_rate),
            count(report.machine_opens.total + report.machine_clicks.total),
        )
    console.print(table)
    for report in reports:
        for alarm in report.alarms:
            said = f"Alarm. {clean(report.campaign)}: {clean(alarm.says, 400)}"
            console.print(Text(said, style="bold red"))
    over = "tracked messages"
    if any(report.delivery for report in reports):
        over += ", and of these over the delivered ones where deliveries or bounces were imported"
    console.print(Text(f"Opens and clicks are unique, and of people; rates are over {over}.", "dim"))
    show_together_of_all(console, reports)


def _overview_estimates(report: CampaignReport) -> list[str]:
    estimate = report.adjusted_open_rate
    return [
        count(report.opens_bounds.at_most),
        percent(estimate.rate if estimate else None),
        percent(report.observable_share),
    ]


def _headline(report: CampaignReport, width: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=width < NARROW)  # else narrow ones leave nothing of it
    numbers(table, "unique", "total", "rate", "machines", "unknown")
    for name, people, rate, machines, unknown in (
        ("Opens", report.opens, report.open_rate, report.machine_opens, report.unknown_opens),
        ("Clicks", report.clicks, report.click_rate, report.machine_clicks, report.unknown_clicks),
    ):
        table.add_row(
            name,
            Text(count(people.unique), "bold green"),
            count(people.total),
            Text(percent(rate), "bold"),
            Text(count(machines.total), "yellow"),
            Text(count(unknown.total), "yellow"),
        )
    table.add_row("Click-to-open", "", "", Text(percent(report.click_to_open_rate), "bold"), "", "")
    table.add_row("Unsubscribed", Text(count(report.unsubscribed), "bold"), "", "", "", "")
    if report.stopped_tracking:
        table.add_row("Stopped tracking", Text(count(report.stopped_tracking), "bold"), "", "", "", "")
    return table


def _delivery(delivery: DeliveryFigures) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    numbers(table, "messages", "rate")
    for name, number, rate in (
        ("Sent", delivery.sent, None),
        ("Delivered", delivery.delivered, delivery.delivery_rate),
        ("Bounced", delivery.bounced, delivery.bounce_rate),
        ("  hard", delivery.hard_bounced, None),
        ("  soft", delivery.soft_bounced, None),
        ("  not told which", delivery.unknown_bounced, None),
        ("Rejected", delivery.rejected, None),
        ("Delayed, and nothing since", delivery.deferred, None),
        ("Complained", delivery.complained, delivery.complaint_rate),
        ("Unsubscribed, as reported", delivery.unsubscribed, None),
        ("Not reported", delivery.not_told, None),
        ("Delivered, opens tracked", delivery.opens_tracked, None),
        ("Delivered, clicks tracked", delivery.clicks_tracked, None),
    ):
        table.add_row(name, Text(count(number), "bold"), "" if rate is None else percent(rate))
    return table


def _estimates(report: CampaignReport) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    numbers(table, "at least", "at most")
    for name, bounds in (("Opens", report.opens_bounds), ("Clicks", report.clicks_bounds)):
        table.add_row(name, Text(count(bounds.at_least), "bold"), Text(count(bounds.at_most), "bold"))
    lines = [f"Only loaded ahead: {count(report.prefetch_only)} recipients."]
    if report.observable is not None:
        lines.append(
            f"Can be seen: {count(report.observable)} recipients, {percent(report.observable_share)}."
        )
    estimate = report.adjusted_open_rate
    said = percent(None)
    if estimate is not None:
        said = (
            f"{percent(estimate.rate)} = {estimate.formula}, {estimate.confidence * 100:.0f} % between"
            f" {percent(estimate.low)} and {percent(estimate.high)}"
        )
    lines.append(f"Adjusted open rate (an estimate): {said}")
    return Group(table, *(Text(line) for line in lines))


def _providers(providers: Sequence[ProviderFigures], width: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=width < _LOOSE)
    wide = width >= _BROAD
    table.add_column("provider", overflow="ellipsis", no_wrap=True, max_width=16)
    rates = ("rate",) if wide else ()
    adjusted = ("adjusted",) if wide else ()
    numbers(table, "tracked", "opened", *rates, *adjusted, "clicked", *rates, "ahead")
    for row in providers:
        table.add_row(
            Text(clean(row.provider)),
            count(row.tracked),
            Text(count(row.openers), "bold"),
            *((percent(row.open_rate), percent(row.adjusted_open_rate)) if wide else ()),
            Text(count(row.clickers), "bold"),
            *((percent(row.click_rate),) if wide else ()),
            count(row.prefetch_only),
        )
    return table


def _companies(companies: Sequence[CompanyFigures]) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("domain", overflow="ellipsis", no_wrap=True, max_width=28)
    numbers(table, "tracked", "opened", "rate", "clicked", "rate")
    for row in companies[:ROWS]:
        table.add_row(
            Text(clean(row.domain)),
            count(row.tracked),
            Text(count(row.openers), "bold"),
            percent(row.open_rate),
            Text(count(row.clickers), "bold"),
            percent(row.click_rate),
        )
    if len(companies) > ROWS:
        table.add_row(Text(f"{len(companies) - ROWS} more: --by domain has all", "dim"))
    return table


def _set_aside(report: CampaignReport) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("as")
    table.add_column("why", overflow="fold")
    numbers(table, "opens", "clicks", "messages")
    for row in report.set_aside:
        table.add_row(
            row.label,
            Text(clean(reason(row.reason))),
            count(row.opens),
            count(row.clicks),
            count(row.messages),
        )
    return table
