"""What doctor has found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pixeltrack.doctor import Check
from pixeltrack.show.text import clean

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def checks_json(checks: Sequence[Check]) -> str:
    """Return an array with an object for each check."""
    return json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False)


def show_checks(console: Console, checks: Sequence[Check]) -> None:
    """Print a line for each check, what to do where something is wrong, and how many are."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for check in checks:
        said = Text(clean(check.message, 400))
        hint = Text(clean(check.hint, 400), style="dim")
        table.add_row(
            Text(f"  {check.outcome}", _STYLES[check.outcome]),
            Text(check.name),
            Group(said, hint) if check.hint else said,
        )
    console.print(table)
    outcomes = [check.outcome for check in checks]
    failures, warnings = outcomes.count("failed"), outcomes.count("warning")
    console.print()
    console.print(
        f"{len(checks)} checks, {failures} failed, {warnings} warning{'' if warnings == 1 else 's'}"
    )
