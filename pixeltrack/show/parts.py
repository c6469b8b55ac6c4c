"""Pieces of a report for the terminal, which the brief and the full one share."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pixeltrack.figures import CampaignReport, DeliveryFigures, LinkFigures, Share
from pixeltrack.show.text import bar, clean, count, gone, moment, sparkline

SPARK_WIDTH = 60
BAR_WIDTH = 12
NARROW = 60  # columns below which less is shown, so that figures are not cut off
WIDE = 110  # columns from which destinations and dates are shown too
ROWS = 8  # of each breakdown; the rest is one line


def title(report: CampaignReport) -> RenderableType:
    """Return a campaign's name, its size, and of when its hits are."""
    title = Text(clean(report.campaign), style="bold")
    title.append(f"   {_size(report)}", style="dim")
    if report.delivery:
        title.append(f"\n{delivered(report.delivery)}", style="dim")
    if report.since is not None or report.until is not None:
        title.append(f"\nonly hits{_within(report)}", style="bold yellow")
    if report.first is not None:
        title.append(f"\n{moment(report.first)} to {moment(report.last)} UTC", style="dim")
    return title


def _within(report: CampaignReport) -> str:
    since = f" since {moment(report.since)} UTC" if report.since is not None else ""
    return since + (f" until {moment(report.until)} UTC" if report.until is not None else "")


def delivered(delivery: DeliveryFigures) -> str:
    """Return what was reported of a campaign's delivery, and what its rates are over."""
    classes = (
        (delivery.hard_bounced, "hard"),
        (delivery.soft_bounced, "soft"),
        (delivery.unknown_bounced, "of unknown kind"),
    )
    kinds = ", ".join(f"{count(number)} {name}" for number, name in classes if number)
    said = [f"{count(delivery.delivered)} delivered"]
    said.append(f"{count(delivery.bounced)} bounced" + (f" ({kinds})" if kinds else ""))
    for number, name in ((delivery.rejected, "rejected"), (delivery.complained, "complained")):
        if number:
            said.append(f"{count(number)} {name}")
    return f"{', '.join(said)}; rates are over delivered messages"


def _size(report: CampaignReport) -> str:
    if report.messages is None or report.tracked is None:
        return "recipients filled in by your mail system"
    together = report.together
    apart = [f"{count(together.recipients)} recipients counted together"] if together else []
    if together and not report.messages:
        return apart[0]
    untracked = report.messages - report.tracked
    parts = [f"{count(report.messages)} messages"]
    if untracked:
        parts.append(f"{count(untracked)} of them untracked")
    if report.opens_tracked != report.clicks_tracked:
        opens, clicks = count(report.opens_tracked), count(report.clicks_tracked)
        parts.append(f"opens tracked of {opens}, clicks of {clicks}")
    return ", ".join(parts + apart)


def notes(report: CampaignReport) -> list[str]:
    """Return what a reader should know beside the figures."""
    notes = []
    if report.clicked_without_open:
        people = "1 person" if report.clicked_without_open == 1 else f"{report.clicked_without_open:,} people"
        notes.append(
            f"{people} clicked without an open that can be told:"
            " at least so many opens are missing above."
            f" {count(report.clicked_without_images)} of them never loaded the images."
        )
    missing = incomplete(report)
    if missing:
        notes.append(missing)
    if report.messages is None and not (report.delivery and report.delivery.delivered is not None):
        notes.append("Rates need to know how many messages went out; recipient ids here are unsigned.")
    if report.preview_hits:
        notes.append(f"{count(report.preview_hits)} hits of preview messages are not counted.")
    if report.repeated_hits:
        hits = "1 further hit" if report.repeated_hits == 1 else f"{count(report.repeated_hits)} further hits"
        urls = (
            "1 URL that was" if report.repeated_urls == 1 else f"{count(report.repeated_urls)} URLs that were"
        )
        notes.append(f"{hits} of {urls} requested over and over: counted, not kept one by one.")
    if report.gone_before is not None:
        notes.append(deleted(report))
    return notes


def incomplete(report: CampaignReport) -> str:
    """Return what a reader should know of deliveries that are not reported; nothing where all are."""
    delivery = report.delivery
    if delivery is None:
        return ""
    if not delivery.deliveries_told:
        return "No delivery is reported: delivered are all messages but those that failed."
    if not delivery.not_told and report.opens.unique <= (report.opens_over or 0):
        return ""
    said = (
        f"Messages of which no report says whether they came: {count(delivery.not_told)} (not sent, or not"
        " imported)."
    )
    people = max(
        report.opens.unique - (report.opens_over or 0), report.clicks.unique - (report.clicks_over or 0)
    )
    return (
        f"{said} More people were seen than were delivered to, so some are missing." if people > 0 else said
    )


def deleted(report: CampaignReport) -> str:
    """Return what deleted hits mean for the figures; nothing where none are deleted."""
    said = gone(report.gone_before, counted=report.since is None and report.until is None)
    if said and report.messages is None:  # whose messages these are nobody knows, nor when they were sent
        return said.replace("adds hits, and no second person", "after all its hits are deleted counts anew")
    return said


def section(title: str, body: RenderableType) -> RenderableType:
    """Return something under a heading."""
    return Padding(Group(Text(title, style="bold"), body), (1, 0, 0, 0))


def timeline(report: CampaignReport, width: int) -> RenderableType:
    """Return a sparkline each for opens and clicks."""
    unit = "an hour" if report.timeline_step == 3_600_000 else "a day"
    table = Table.grid(padding=(0, 2))
    for name, values in (
        ("opens", [bucket.opens for bucket in report.timeline]),
        ("clicks", [bucket.clicks for bucket in report.timeline]),
    ):
        if any(values):
            spark = Text(sparkline(values, max(12, min(SPARK_WIDTH, width - 32))), "cyan", no_wrap=True)
            table.add_row(name, spark, Text(f"at most {count(max(values))} {unit}", "dim"))
    return table


def links(found: Sequence[LinkFigures], width: int, rows: int | None = None) -> RenderableType:
    """Return links ranked, with bars; of many the first ``rows``, and how many more there are."""
    most = max(link.clicks.unique for link in found)
    wide, narrow = width >= WIDE, width < NARROW
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", min_width=3, no_wrap=True)
    table.add_column("link", overflow="ellipsis", no_wrap=True, width=max(8, width - 32) if narrow else 24)
    if wide:
        table.add_column("destination", overflow="ellipsis", no_wrap=True, width=width - 80)
    numbers(table, "people", *(() if narrow else ("clicks", "machines")))
    table.add_column("", min_width=BAR_WIDTH, no_wrap=True)
    ranked = sorted(found, key=lambda link: (-link.clicks.unique, -link.clicks.total, link.position))
    for link in ranked[:rows]:
        destination = [Text(clean(link.url), style="dim")] if wide else []
        table.add_row(
            str(link.number),
            Text("".join(f"{clean(each)}: " for each in (link.version, link.group) if each), "dim").append(
                clean(link.text) or clean(link.url), "not dim"
            ),
            *destination,
            Text(count(link.clicks.unique), "bold"),
            *(() if narrow else (count(link.clicks.total), Text(count(link.machine_clicks), "yellow"))),
            Text(bar(link.clicks.unique, most, BAR_WIDTH), "green"),
        )
    if rows is not None and len(ranked) > rows:
        table.add_row("", Text(f"{len(ranked) - rows} more", "dim"))
    return table


def numbers(table: Table, *names: str) -> None:
    """Add columns of numbers that keep their width on a narrow terminal."""
    for name in names:
        table.add_column(name, justify="right", min_width=len(name), no_wrap=True)


def breakdown(title: str, shares: Sequence[Share], rows: int = ROWS) -> RenderableType:
    """Return the first of some shares under a title."""
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.min_width = len(title)  # else a narrow table breaks its title over two lines
    table.show_header = False
    table.add_column(no_wrap=True)
    table.add_column(justify="right", no_wrap=True)
    for share in shares[:rows]:
        table.add_row(Text(clean(share.name, 36)), count(share.people))
    if len(shares) > rows:
        table.add_row(Text(f"{len(shares) - rows} more", "dim"), "")
    return table
