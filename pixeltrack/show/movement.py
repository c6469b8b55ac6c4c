"""How totals have moved, as a table and as JSON."""

from __future__ import annotations

import json
from itertools import groupby

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.model import EventKind
from pixeltrack.reclassify import Movement
from pixeltrack.show.text import clean, count


def movement_json(movement: Movement) -> str:
    """Return a movement as an object."""
    return json.dumps(
        {
            "rules_before": movement.rules_before,
            "rules_after": movement.rules_after,
            "hits": movement.hits,
            "first_judged": movement.first_judged,
            "moved": movement.moved,
            "campaigns": [
                {
                    "campaign": campaign,
                    "totals": [
                        {
                            "kind": _kind(row.kind),
                            "verdict": row.label,
                            "before": row.before,
                            "after": row.after,
                        }
                        for row in rows
                    ],
                }
                for campaign, rows in groupby(movement.rows, key=lambda row: row.campaign)
            ],
            "moves": [{"from": was, "to": now, "hits": hits} for was, now, hits in movement.moves],
        },
        indent=2,
        ensure_ascii=False,
    )


def show_movement(console: Console, movement: Movement) -> None:
    """Print the campaigns in which something moved, and what moved in all."""
    if movement.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("campaign", overflow="fold")
        table.add_column("")
        table.add_column("verdict")
        for name in ("before", "after", "change"):
            table.add_column(name, justify="right", no_wrap=True)
        shown = None
        for row in movement.rows:
            moved = row.after - row.before
            table.add_row(
                Text(clean(row.campaign) if row.campaign != shown else ""),
                f"{_kind(row.kind)}s",
                row.label,
                count(row.before),
                count(row.after),
                Text(f"{moved:+,}" if moved else "", "yellow"),
            )
            shown = row.campaign
        console.print(table)
    for was, now, hits in movement.moves:
        console.print(Text(f"{count(hits)} from {was} to {now}"))
    console.print(Text(_summary(movement), "dim"))


def _summary(movement: Movement) -> str:
    rules = movement.rules_after
    if movement.rules_before != rules:
        rules = f"{movement.rules_before} → {rules}"
    first = f", {count(movement.first_judged)} more for the first time" if movement.first_judged else ""
    return clean(f"rules {rules}: {count(movement.hits)} hits{first}, {count(movement.moved)} moved", 400)


def _kind(kind: EventKind) -> str:
    return kind.name.lower()
