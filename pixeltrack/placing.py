"""Who gets which version in one run: those who had one keep it, the others are drawn."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pixeltrack.compile import Task
from pixeltrack.errors import InputError
from pixeltrack.listing import RecipientList
from pixeltrack.model import Recipient
from pixeltrack.split import KEPT_BACK, Split, draw
from pixeltrack.store import Drafting, Store

_DRAWN = 255  # until the draw is made: the same as KEPT_BACK, which is what it leaves
_HAD = 254
_UNSUBSCRIBED = 253

Away = Literal["has a message of this campaign already", "kept for later (--split)"]
_HAS_ONE: Away = "has a message of this campaign already"
_LATER: Away = "kept for later (--split)"


@dataclass(frozen=True, slots=True)
class Versions:
    """The versions of a run's mail: a task for each, all for the same campaign and folder."""

    tasks: tuple[Task, ...]
    split: Split


@dataclass(frozen=True, slots=True)
class Placed:
    """The version of each person of a list, by its place among the run's, in the order of the list."""

    places: bytes
    kept: int  # people who keep the version that they were given in an earlier run

    def version(self, person: int) -> int | Away:
        """Return the place of the version that a person of the list (from 0) gets, or why none."""
        place = self.places[person]
        return _LATER if place == KEPT_BACK else _HAS_ONE if place == _HAD else place


def place(
    people: RecipientList,
    pseudonym_of: Callable[[Recipient], int | None],
    drafting: Drafting,
    store: Store,
    tasks: Sequence[Task],
    split: Split,
    *,
    only_new: bool,
) -> Placed:
    """Decide everybody's version. ``pseudonym_of`` returns None for who gets no mail at all.

    With ``only_new`` whoever has a message of the campaign is left out. Raises InputError for a person
    who has another version than those of this run: it would be counted as if they had got this one.
    """
    mine = {drafting.version(task.version) if task.version else 0: at for at, task in enumerate(tasks)}
    earlier = {
        each.message: each.version
        for each in store.placings(drafting.campaign.campaign_id)
        if each.stored  # else nothing of it was published
    }
    places = bytearray()
    draws, drawn_at, kept = array("q"), array("q"), 0
    for recipient in people:
        pseudonym = pseudonym_of(recipient)
        had = None if pseudonym is None else earlier.get(pseudonym)
        if pseudonym is None:
            places.append(_UNSUBSCRIBED)
            continue
        if had is None:
            places.append(_DRAWN)
        elif only_new:
            places.append(_HAD)
            continue
        elif had in mine:
            places.append(mine[had])
            kept += 1
        else:
            raise _another_version(people, recipient, drafting.versions, had)
        drawn_at.append(
            len(places) - 1
        )  # who keeps a version is in the draw, so that others stay as they were
        draws.append(pseudonym)
    for at, drawn in zip(drawn_at, draw(draws, split), strict=True):
        if places[at] == _DRAWN:
            places[at] = drawn
    return Placed(bytes(places), kept if len(tasks) > 1 else 0)


def _another_version(
    people: RecipientList, recipient: Recipient, names: Sequence[str], had: int
) -> InputError:
    given = f"version {names[had - 1]}" if had else "this campaign's mail without versions"
    return InputError(
        f"{people.name} line {recipient.line}: {recipient.address} was given {given} before",
        hint="--only-new leaves out who has a message already; or name a new campaign with --campaign",
    )
