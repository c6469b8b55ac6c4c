"""Reports for the terminal. The one door to rich for reports."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pixeltrack.figures import CampaignReport, CompanyFigures, LinkFigures, ProviderFigures, Share
from pixeltrack.show.reasons import reason
from pixeltrack.show.text import bar, clean, count, moment, percent, sparkline

_SPARK_WIDTH = 60
_BAR_WIDTH = 12
_NARROW = 60  # columns below which figures at the right are cut off
_WIDE = 110  # columns from which destinations and dates are shown too
_BROAD = 80  # and from which the providers' rates are
_ROOMY = 120  # and from which the overview has estimates
_ROWS = 8  # of each breakdown; the rest is one line


def show_report(console: Console, report: CampaignReport) -> None:
    """Print one campaign's report."""
    console.print(_title(report))
    for alarm in report.alarms:
        console.print(Text(f"Alarm. {clean(alarm.says, 400)}", style="bold red"))
    console.print(_headline(report, console.width))
    for note in _notes(report):
        console.print(Text(note, style="dim"))
    console.print(_section("Estimates", _estimates(report)))
    if report.timeline:
        console.print(_section("When", _timeline(report)))
    if report.links:
        console.print(_section("Links", _links(report.links, console.width)))
    breakdowns = [
        _breakdown(name, shares)
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
        console.print(_section("Mailbox providers", _providers(report.providers, console.width)))
    if report.companies:
        console.print(_section("Companies, by mail domain", _companies(report.companies)))
    if report.set_aside:
        console.print(_section("Set aside: not counted as people", _set_aside(report)))
    console.print()
    for term, text in (*report.definitions, ("rules", f"version {report.rules_version}")):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def show_overview(console: Console, reports: Sequence[CampaignReport]) -> None:
    """Print all campaigns, one line each."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    dated = console.width >= _WIDE
    adjusted = console.width >= _ROOMY
    room = console.width - (90 if dated else 68) - (28 if adjusted else 0)  # beside the figures
    table.add_column("campaign", overflow="ellipsis", no_wrap=True, max_width=max(12, room))
    if dated:
        table.add_column("created", no_wrap=True)
    estimates = ("at most", "adjusted", "seen") if adjusted else ()
    _numbers(table, "messages", "opens", "rate", *estimates, "clicks", "rate", "machines")
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
    console.print(Text("Opens and clicks are unique, and of people; rates are over tracked messages.", "dim"))


def _overview_estimates(report: CampaignReport) -> list[str]:
    estimate = report.adjusted_open_rate
    return [
        count(report.opens_bounds.at_most),
        percent(estimate.rate if estimate else None),
        percent(report.observable_share),
    ]


def _title(report: CampaignReport) -> RenderableType:
    title = Text(clean(report.campaign), style="bold")
    title.append(f"   {_size(report)}", style="dim")
    if report.since is not None or report.until is not None:
        title.append(f"\nonly hits{_within(report)}", style="bold yellow")
    if report.first is not None:
        title.append(f"\n{moment(report.first)} to {moment(report.last)} UTC", style="dim")
    return title


def _within(report: CampaignReport) -> str:
    since = f" since {moment(report.since)} UTC" if report.since is not None else ""
    return since + (f" until {moment(report.until)} UTC" if report.until is not None else "")


def _size(report: CampaignReport) -> str:
    if report.messages is None or report.tracked is None:
        return "recipients filled in by your mail system"
    untracked = report.messages - report.tracked
    size = f"{count(report.messages)} messages"
    return f"{size}, {count(untracked)} of them untracked" if untracked else size


def _headline(report: CampaignReport, width: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("", no_wrap=width < _NARROW)  # else narrow ones leave nothing of it
    _numbers(table, "unique", "total", "rate", "machines", "unknown")
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


def _notes(report: CampaignReport) -> list[str]:
    notes = []
    if report.clicked_without_open:
        notes.append(
            f"{count(report.clicked_without_open)} people clicked without an open that can be told:"
            " at least so many opens are missing above."
            f" {count(report.clicked_without_images)} of them never loaded the images."
        )
    if report.messages is None:
        notes.append("Rates need to know how many messages went out; recipient ids here are unsigned.")
    if report.preview_hits:
        notes.append(f"{count(report.preview_hits)} hits of preview messages are not counted.")
    if report.repeated_hits:
        hits = "1 further hit" if report.repeated_hits == 1 else f"{count(report.repeated_hits)} further hits"
        urls = (
            "1 URL that was" if report.repeated_urls == 1 else f"{count(report.repeated_urls)} URLs that were"
        )
        notes.append(f"{hits} of {urls} requested over and over: counted, not kept one by one.")
    return notes


def _estimates(report: CampaignReport) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("")
    _numbers(table, "at least", "at most")
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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    wide = width >= _BROAD
    table.add_column("provider", overflow="ellipsis", no_wrap=True, max_width=16)
    rates = ("rate",) if wide else ()
    adjusted = ("adjusted",) if wide else ()
    _numbers(table, "tracked", "opened", *rates, *adjusted, "clicked", *rates, "ahead")
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
    _numbers(table, "tracked", "opened", "rate", "clicked", "rate")
    for row in companies[:_ROWS]:
        table.add_row(
            Text(clean(row.domain)),
            count(row.tracked),
            Text(count(row.openers), "bold"),
            percent(row.open_rate),
            Text(count(row.clickers), "bold"),
            percent(row.click_rate),
        )
    if len(companies) > _ROWS:
        table.add_row(Text(f"{len(companies) - _ROWS} more: --by domain has all", "dim"))
    return table


def _section(title: str, body: RenderableType) -> RenderableType:
    return Padding(Group(Text(title, style="bold"), body), (1, 0, 0, 0))


def _timeline(report: CampaignReport) -> RenderableType:
    unit = "an hour" if report.timeline_step == 3_600_000 else "a day"
    table = Table.grid(padding=(0, 2))
    for name, values in (
        ("opens", [bucket.opens for bucket in report.timeline]),
        ("clicks", [bucket.clicks for bucket in report.timeline]),
    ):
        if any(values):
            spark = Text(sparkline(values, _SPARK_WIDTH), "cyan", no_wrap=True)
            table.add_row(name, spark, Text(f"at most {count(max(values))} {unit}", "dim"))
    return table


def _links(links: Sequence[LinkFigures], width: int) -> RenderableType:
    most = max(link.clicks.unique for link in links)
    wide = width >= _WIDE
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", min_width=3, no_wrap=True)
    table.add_column("link", overflow="ellipsis", no_wrap=True, width=24)
    if wide:
        table.add_column("destination", overflow="ellipsis", no_wrap=True, width=width - 80)
    _numbers(table, "people", "clicks", "machines")
    table.add_column("", min_width=_BAR_WIDTH, no_wrap=True)
    for link in sorted(links, key=lambda link: (-link.clicks.unique, -link.clicks.total, link.position)):
        destination = [Text(clean(link.url), style="dim")] if wide else []
        table.add_row(
            str(link.number),
            Text("".join(f"{clean(each)}: " for each in (link.version, link.group) if each), "dim").append(
                clean(link.text) or clean(link.url), "not dim"
            ),
            *destination,
            Text(count(link.clicks.unique), "bold"),
            count(link.clicks.total),
            Text(count(link.machine_clicks), "yellow"),
            Text(bar(link.clicks.unique, most, _BAR_WIDTH), "green"),
        )
    return table


def _numbers(table: Table, *names: str) -> None:
    """Add columns of numbers that keep their width on a narrow terminal."""
    for name in names:
        table.add_column(name, justify="right", min_width=len(name), no_wrap=True)


def _breakdown(title: str, shares: Sequence[Share]) -> RenderableType:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for share in shares[:_ROWS]:
        table.add_row(Text(clean(share.name, 36)), count(share.people))
    if len(shares) > _ROWS:
        table.add_row(Text(f"{len(shares) - _ROWS} more", "dim"), "")
    return table


def _set_aside(report: CampaignReport) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("as")
    table.add_column("why", overflow="fold")
    _numbers(table, "opens", "clicks", "messages")
    for row in report.set_aside:
        table.add_row(
            row.label,
            Text(clean(reason(row.reason))),
            count(row.opens),
            count(row.clicks),
            count(row.messages),
        )
    return table
