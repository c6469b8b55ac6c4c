"""Goals, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.show.text import clean, count, iso
from pixeltrack.store import Goal
from pixeltrack.store.sites import Reached

_NONE = Reached()


def goals_json(goals: Sequence[Goal], reached: Mapping[int, Reached]) -> str:
    """Return the goals as a JSON array."""
    return json.dumps([_value(goal, reached.get(goal.goal_id, _NONE)) for goal in goals], indent=2)


def show_goals(
    console: Console, goals: Sequence[Goal], reached: Mapping[int, Reached], signalled: int
) -> None:
    """Print the goals, and how often each was reached, by whatever led there.

    ``signalled`` is of how many people a browser has refused retargeting.
    """
    table = Table("goal", "site", box=None, pad_edge=False)
    for name in ("reached", "signed", "unverified", "contradicted", "signal honoured"):
        table.add_column(name, justify="right")
    for goal in goals:
        its = reached.get(goal.goal_id, _NONE)
        figures = (its.times, its.verified, its.times - its.verified, its.contradicted, its.signals)
        table.add_row(Text(clean(goal.name)), Text(clean(goal.host)), *map(count, figures))
    console.print(table)
    for goal in goals:
        beyond = reached.get(goal.goal_id, _NONE).beyond
        if beyond:
            said = (
                f"{goal.name}: {count(beyond)} unsigned calls were left out, as an hour had too many of them"
            )
            console.print(Text(said, "yellow"))
    if signalled:
        people = "1 person" if signalled == 1 else f"{count(signalled)} people"
        said = f"Browsers of {people} asked not to be followed, on clicks too: that denied retargeting."
        console.print(Text(said, "dim"))


def _value(goal: Goal, its: Reached) -> dict[str, object]:
    return {
        **{"name": goal.name, "site": goal.host, "created": iso(goal.created)},
        **{"reached": its.times, "signed": its.verified, "unverified": its.times - its.verified},
        **{"contradicted": its.contradicted, "signal_honoured": its.signals, "left_out": its.beyond},
    }
