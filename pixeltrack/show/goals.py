"""Goals, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.show.text import clean, count, iso
from pixeltrack.store import Goal


def goals_json(goals: Sequence[Goal], reached: Mapping[int, int]) -> str:
    """Return the goals as a JSON array."""
    return json.dumps(
        [
            {
                **{"name": goal.name, "site": goal.host, "created": iso(goal.created)},
                "reached": reached.get(goal.goal_id, 0),
            }
            for goal in goals
        ],
        indent=2,
    )


def show_goals(console: Console, goals: Sequence[Goal], reached: Mapping[int, int]) -> None:
    """Print the goals, and how often each was reached, by whatever led there."""
    table = Table("goal", "site", box=None, pad_edge=False)
    table.add_column("reached", justify="right")
    for goal in goals:
        table.add_row(Text(clean(goal.name)), Text(clean(goal.host)), count(reached.get(goal.goal_id, 0)))
    console.print(table)
