"""Orders that are told from here rather than by a site's calls: all of a file, or nothing of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pixeltrack import sitesaid
from pixeltrack.clock import now_ms
from pixeltrack.config import Settings
from pixeltrack.errors import InputError
from pixeltrack.model import Event
from pixeltrack.moments import STEPS
from pixeltrack.orderfile import Row
from pixeltrack.setup import Workspace
from pixeltrack.sitecalls import Conversion, travelling
from pixeltrack.store import Goal
from pixeltrack.visits import Visits

_AT_ONCE = 5_000  # calls in one transaction


class Told(NamedTuple):
    """How many of each were recorded; of what was known, and of previews, nothing is."""

    orders: int
    refunds: int
    known: int
    previews: int


def tell(
    goal: Goal, rows: Iterable[Row], workspace: Workspace, settings: Settings, name_of_file: str = ""
) -> Told:
    """Record what rows say of a goal. Raises InputError, with the line, before anything is recorded."""
    store, keyring = workspace.store, workspace.keyring
    now, step = now_ms(), STEPS[settings.moment] or 1
    visits = Visits(store, keyring, lambda: now)
    events: list[Event] = []
    names: set[tuple[str, str]] = set()
    known = previews = orders = refunds = 0
    for line, said in rows:
        try:
            at = sitesaid.moment_of(said, now) // step * step
            calls = sitesaid.calls_of(goal, said, visits, store, keyring)
        except InputError as error:
            where = f"{name_of_file} line {line}: ".lstrip() if line else ""
            raise InputError(f"{where}{error.message}", hint=error.hint) from None
        previews += not calls
        for call in calls:
            events.append(travelling(call, at))
            if isinstance(call, Conversion):
                name = (call.order, call.entry)
                again = name in names or store.is_signed(goal.goal_id, *name)
                known += again
                if not again and call.entry:
                    refunds += 1
                elif not again:
                    orders += 1
                names.add(name)
    for start in range(0, len(events), _AT_ONCE):
        store.put_events(events[start : start + _AT_ONCE])
    if events:
        store.note("orders", goal.name, counts={"rows": len(events)})
    return Told(orders, refunds, known, previews)
