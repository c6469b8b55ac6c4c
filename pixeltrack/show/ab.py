"""Versions of one campaign beside each other, in the terminal, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.abfigures import AbReport, Difference, LinkShare
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import clean, count, iso, moment, percent, points

_WIDE = 104  # columns from which each rate's interval has a place
_MIDDLE = 80  # and from which doubtful opens have
_NARROW = 70  # below that, clicks alone
_NAME = 16  # columns of a version's name
_ROWS = 12  # destinations; the rest is in the JSON


def show(console: Console, report: AbReport) -> None:
    """Print the versions, what their differences say, and where people clicked."""
    title = Text(clean(report.campaign), style="bold")
    compared = sum(version.messages for version in report.versions)
    title.append(f"   {len(report.versions)} versions, {count(compared)} messages", style="dim")
    if report.begun is not None:
        title.append(f", first hit {moment(report.begun)} UTC", style="dim")
    console.print(title)
    console.print(_versions(report, console.width))
    for difference in report.differences:
        for line in _said(difference, report):
            console.print(line)
    if len(report.differences) > 1:
        number = len(report.differences)
        which = "Both" if number == 2 else f"All {number}"
        says = f"{which} intervals hold with {_confidence(report)} together: each is wider than one alone."
        console.print(Text(says, style="dim"))
    for note in (*_left_out(report), *report.notes):
        console.print(Text(clean(note, 400), style="dim"))
    if any(any(link.clickers) for link in report.links):
        console.print()
        console.print(Text("People by destination", style="bold"))
        console.print(_links(report, console.width))
    console.print()
    for term, text in (*report.definitions, ("rules", f"version {report.rules_version}")):
        console.print(Text.assemble((f"{term}: ", "dim bold"), (text, "dim")))


def _versions(report: AbReport, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    longest = max(len(version.name) for version in report.versions)
    width -= max(0, min(_NAME, longest) - len("version"))
    table.add_column("version", overflow="fold", min_width=7, max_width=_NAME)
    doubtful = ("at most",) if width >= _MIDDLE else ()
    between = (f"{_confidence(report)} between",) if width >= _WIDE else ()
    opens, machines = (("opened", *doubtful, "rate"), ("machines",)) if width >= _NARROW else ((), ())
    for name in ("tracked", *opens, "clicked", "rate", *between, *machines):
        table.add_column(name, justify="right", min_width=max(7, len(name)), no_wrap=True)
    for version in report.versions:
        low, high = version.click_rate_low, version.click_rate_high
        table.add_row(
            Text(version.name, "bold"),
            count(version.tracked),
            *([count(version.openers)] if opens else []),
            *([count(version.opens_bounds.at_most)] if doubtful else []),
            *([percent(version.open_rate)] if opens else []),
            Text(count(version.clickers), "bold green"),
            Text(percent(version.click_rate), "bold"),
            *([f"{percent(low)} and {percent(high)}"] if between else []),
            *([Text(count(version.machine_clickers), "yellow")] if machines else []),
        )
    return table


def _confidence(report: AbReport) -> str:
    return f"{report.confidence * 100:.0f} %"


def _said(difference: Difference, report: AbReport) -> Iterator[Text]:
    name = f"{difference.version} − {difference.first}"
    if difference.difference is not None:
        yield Text.assemble(
            (f"{name}: ", "bold"),
            (f"{points(difference.difference)} points", "bold"),
            f" of click rate, {_confidence(report)} between {points(difference.low)} and"
            f" {points(difference.high)}",
        )
    if difference.chance_higher is not None:
        yield Text(f"  How sure: {sureness(difference)}")
    yield Text(f"  {difference.says}", style="bold green" if difference.enough else "bold yellow")


def sureness(difference: Difference) -> str:
    """Return in words how likely it is that one of two versions is clicked by more people."""
    chance = difference.chance_higher or 0.0
    more, less = difference.version, difference.first
    if chance < 0.5:
        chance, more, less = 1 - chance, less, more
    percents = round(chance * 100)
    amount = "more than 99" if chance > 0.995 else f"{min(percents, 99)}"
    return f"{amount} in 100 that more people click {more} than {less}."


def _left_out(report: AbReport) -> Iterator[str]:
    for name, messages in report.left_out:
        what = f"version {name}" if name else "no version"
        yield (
            f"Not compared: {count(messages)} messages of {what}, which were not drawn at random against"
            " another version."
        )


def _links(report: AbReport, width: int) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    names = [version.name for version in report.versions]
    names = names[: max(1, (width - 24) // (max(5, *map(len, names)) + 3))]
    room = max(12, width - sum(max(5, len(name)) + 3 for name in names) - 4)
    table.add_column("destination", overflow="ellipsis", no_wrap=True, max_width=room)
    for name in names:
        table.add_column(name, justify="right", min_width=5, no_wrap=True)
    for link in report.links[:_ROWS]:
        table.add_row(_destination(link), *map(count, link.clickers[: len(names)]))
    if len(report.links) > _ROWS:
        table.add_row(Text(f"{len(report.links) - _ROWS} more with fewer people", "dim"))
    if len(names) < len(report.versions):
        table.add_row(Text("--json has the other versions", "dim"))
    return table


def _destination(link: LinkShare) -> Text:
    text = clean(link.text)
    return Text(f"{text}  " if text else "").append(clean(link.url), "dim")


def as_json(report: AbReport) -> str:
    """Return everything that the report says; rates and differences are shares of 1."""
    value = asdict(report)
    for moment_ in ("created", "begun"):
        value[moment_] = iso(value[moment_])
    value["left_out"] = dict(report.left_out)
    value["definitions"] = dict(report.definitions)
    names = [version.name for version in report.versions]
    for link, shares in zip(value["links"], report.links, strict=True):
        link["clickers"] = dict(zip(names, shares.clickers, strict=True))
    return json.dumps(value, indent=2, ensure_ascii=False)


_COLUMNS = (
    *("version", "messages", "tracked", "delivered", "opens_tracked", "clicks_tracked"),
    *("openers", "opens_at_least", "opens_at_most", "open_rate"),
    *("clickers", "clicks_at_most", "click_rate", "click_rate_low", "click_rate_high", "machine_clickers"),
    *("difference", "difference_low", "difference_high", "chance_higher", "enough", "more_messages"),
)


def as_csv(report: AbReport) -> str:
    """Return a line for each version; what compares it with the first is empty for the first."""
    return csv_text(_lines(report))


def _lines(report: AbReport) -> Iterator[Sequence[Cell]]:
    yield _COLUMNS
    found = {difference.version: difference for difference in report.differences}
    for version in report.versions:
        beside = found.get(version.name)
        yield (
            *(version.name, version.messages, version.tracked, version.delivered),
            *(version.opens_tracked, version.clicks_tracked, version.openers),
            *(version.opens_bounds.at_least, version.opens_bounds.at_most, version.open_rate),
            *(version.clickers, version.clicks_bounds.at_most, version.click_rate),
            *(version.click_rate_low, version.click_rate_high, version.machine_clickers),
            *(
                (beside.difference, beside.low, beside.high, beside.chance_higher)
                if beside
                else (None, None, None, None)
            ),
            *(("yes" if beside.enough else "no", beside.more_messages) if beside else (None, None)),
        )
