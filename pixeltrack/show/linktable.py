"""The link tables of campaigns: where each number leads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.model import Campaign, LinkRow
from pixeltrack.show.text import clean

Tables = Sequence[tuple[Campaign, Sequence[LinkRow]]]
Names = Mapping[int, Mapping[int, str]]  # of versions by their numbers, by the campaign's


def tables_json(tables: Tables, names: Names, *, one: bool) -> str:
    """Return the table of one campaign as an object, or those of all as an array."""
    values = [_plain(campaign, links, names[campaign.campaign_id]) for campaign, links in tables]
    return json.dumps(values[0] if one else values, indent=2, ensure_ascii=False)


def _plain(campaign: Campaign, links: Sequence[LinkRow], versions: Mapping[int, str]) -> dict[str, Any]:
    return {
        "campaign": campaign.name,
        "code": campaign.code,
        "links": [
            {
                "number": link.number,
                "position": link.position,
                "line": link.line,
                "label": link.text,
                "group": link.group,
                "destination": link.url,
                "role": link.role,
                **({"version": versions.get(link.version, "")} if versions else {}),
            }
            for link in links
        ],
    }


def show_tables(console: Console, tables: Tables, names: Names) -> None:
    """Print each campaign's links by number."""
    for campaign, links in tables:
        console.print(
            Text(clean(campaign.name), "bold").append(f"   /c/{campaign.code}/<link>/…", "not bold dim")
        )
        versions = names[campaign.campaign_id]
        console.print(_table(links, versions) if links else Text("no links", "dim"))


def _table(links: Sequence[LinkRow], versions: Mapping[int, str]) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    if versions:
        table.add_column("version", no_wrap=True)
    table.add_column("label", overflow="fold", max_width=30)
    grouped = any(link.group for link in links)
    if grouped:
        table.add_column("group", overflow="fold", max_width=16)
    table.add_column("destination", overflow="fold", ratio=1)
    hidden = any(link.role != "link" for link in links)
    if hidden:
        table.add_column("role", no_wrap=True)
    for link in links:
        table.add_row(
            str(link.number),
            *([versions.get(link.version, "")] if versions else []),
            Text(clean(link.text)),
            *([Text(clean(link.group), "dim")] if grouped else []),
            Text(clean(link.url, 2_000)),
            *([Text(link.role, "yellow" if link.role == "honeypot" else "")] if hidden else []),
        )
    return table
