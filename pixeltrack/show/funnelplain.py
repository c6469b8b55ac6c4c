"""How far people came, as JSON and as CSV."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from pixeltrack.earned import Funnel
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import count


def unverified(found: Funnel) -> str:
    """Return the sentence about who has converted as far as an unsigned call says."""
    people = "1 more person" if found.unverified == 1 else f"{count(found.unverified)} more people"
    return f"{people} converted as unsigned calls say: not in the figures above."


def as_json(found: Funnel) -> str:
    """Return the steps by name; shares are 0 to 1."""
    return json.dumps(plain(found), indent=2, ensure_ascii=False)


def plain(found: Funnel) -> dict[str, Any]:
    """Return the funnel as JSON has it."""
    return asdict(found) | {"definitions": dict(found.definitions)}


def as_csv(found: Funnel) -> str:
    """Return a row for each step, and those of who is counted together."""
    return csv_text([("campaign", "step", "counted", "number", "of_all", "of_before"), *_lines(found)])


def _lines(found: Funnel) -> Iterator[list[Cell]]:
    for step in found.steps:
        yield [found.campaign, step.name, "people", step.people, step.of_all, step.of_before]
    yield [found.campaign, "converted, unverified", "people", found.unverified, None, None]
    if found.together:
        for name, number in asdict(found.together).items():
            yield [found.campaign, name, "together", number, None, None]
