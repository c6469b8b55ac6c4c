"""Pages of sites that were seen, as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack import published
from pixeltrack.seen import PageViews, SiteViews
from pixeltrack.show.text import clean, count, iso

_DAYS = 14  # that are printed; --json has all
_NOTE = (
    "People are those whom a mail led there and who are measured one by one; all others are counted together,"
    f" in tens and for hours that are over ({published.FEW}: fewer than ten, or none). Honoured are views"
    " among these by browsers that ask not to be followed. Last seen is by people."
)


def pages_json(sites: Sequence[SiteViews]) -> str:
    """Return the sites as a JSON array; figures of 0 under others, honoured and machines are below ten."""
    return json.dumps(
        [
            {
                "site": site.host,
                "pages": [_page(page) for page in site.pages],
                "total": {name: value for name, value in _page(site.total).items() if name != "path"},
                "devices": {
                    name: {"by_people": own, "others": rest} for name, (own, rest) in site.devices.items()
                },
                "browsers": site.browsers,
                "days": {day: {"by_people": own, "others": rest} for day, (own, rest) in site.days.items()},
            }
            for site in sites
        ],
        indent=2,
        ensure_ascii=False,
    )


def show_pages(console: Console, sites: Sequence[SiteViews]) -> None:
    """Print a table for each site."""
    for site in sites:
        console.print(Text(clean(site.host), "bold"))
        table = Table("page", box=None, pad_edge=False)
        for name in ("people", "their views", "others", "honoured", "machines", "last seen (UTC)"):
            table.add_column(name, justify="right")
        for page in site.pages:
            table.add_row(Text(clean(page.path)), *_figures(page))
        table.add_row(Text("together", "bold"), *_figures(site.total))
        console.print(table)
        for name, (own, rest) in site.devices.items():
            console.print(Text(f"{name}: {count(own)} by people, {published.said(rest)} by others"))
        if site.browsers:
            said = ", ".join(f"{clean(name)} {count(views)}" for name, views in site.browsers.items())
            console.print(Text(f"browsers of people, in views: {said}"))
        if site.days:
            days = list(site.days.items())[-_DAYS:]
            said = ", ".join(f"{day} {count(own)} + {published.said(rest)}" for day, (own, rest) in days)
            console.print(Text(f"views by day, of people + of others: {said}"))
        console.print()
    console.print(Text(_NOTE, "dim"))


def _figures(page: PageViews) -> list[str]:
    machines = published.said(page.machines)
    return [
        count(page.people),
        count(page.by_people),
        published.said(page.others),
        published.said(page.honoured),
        machines,
        "–" if page.last is None else f"{datetime.fromtimestamp(page.last / 1000, UTC):%Y-%m-%d %H:%M}",
    ]


def _page(page: PageViews) -> dict[str, object]:
    return asdict(page) | {"first": iso(page.first), "last": iso(page.last)}
