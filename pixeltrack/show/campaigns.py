"""The list of campaigns, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack import money
from pixeltrack.model import Campaign
from pixeltrack.show.text import DASH, clean, count, iso, moment


class Line(NamedTuple):
    """A campaign with its numbers of messages (None where nobody told them) and hits.

    None for hits is where they are only counted together: the report has them as they may be published.
    """

    campaign: Campaign
    messages: int | None
    hits: int | None


def campaigns_json(lines: Sequence[Line]) -> str:
    """Return the campaigns as an array."""
    values = [
        {
            "campaign": campaign.name,
            "code": campaign.code,
            "kind": campaign.kind,
            "created": iso(campaign.created),
            "sent": iso(campaign.sent),
            "messages": messages,
            "hits": hits,
            "attribute": campaign.attribute or None,
            "cost": None if campaign.cost is None else money.plain(campaign.cost, campaign.cost_currency),
            "cost_currency": campaign.cost_currency or None,
        }
        for campaign, messages, hits in lines
    ]
    return json.dumps(values, indent=2, ensure_ascii=False)


def show_campaigns(console: Console, lines: Sequence[Line]) -> None:
    """Print one line for each campaign."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("campaign", overflow="fold")
    for name in ("created (UTC)", "sent (UTC)"):
        table.add_column(name, no_wrap=True)
    costs = any(campaign.cost is not None for campaign, _messages, _hits in lines)
    for name in ("messages", "hits", *(("cost",) if costs else ())):
        table.add_column(name, justify="right", no_wrap=True)
    for campaign, messages, hits in lines:
        table.add_row(
            Text(clean(campaign.name)),
            moment(campaign.created),
            Text(moment(campaign.sent), "" if campaign.sent else "dim"),
            count(messages),
            count(hits),
            *((money.say(campaign.cost, campaign.cost_currency),) if costs else ()),
        )
    console.print(table)
    if any(hits is None for _campaign, _messages, hits in lines):
        console.print(Text(f"{DASH} under hits: counted together; the report has them, in tens", "dim"))
    if any(campaign.sent is None for campaign, _messages, _hits in lines):
        console.print(
            Text(
                f"{DASH} under sent: rules on times after sending stay silent;"
                " pixeltrack campaigns set NAME --sent-at TIME tells it",
                "dim",
            )
        )
