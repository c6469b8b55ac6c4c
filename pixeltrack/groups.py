"""Groups of people of one company, for mail that is measured by company: never fewer than five together.

A company is the list's column of that name, or else the domain of the mail, where that is not a provider's
who gives everybody a mailbox. Whoever belongs to none, or to a smaller one, is counted with everybody else;
and where these would be fewer than five, the smallest companies join them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from pixeltrack.consent import Decision
from pixeltrack.minting import EVERYBODY, CampaignKeys, number
from pixeltrack.model import Axis, Crowd, Mode, Recipient
from pixeltrack.properties import FREE_MAIL, company

LEAST = 5  # recipients: a group of fewer would say too much of each
_AXES: tuple[Axis, ...] = ("opens", "clicks")
_TRAITS = ("industry", "size", "region")

Decide = Callable[[Recipient], Decision]


@dataclass(slots=True)
class _Group:
    name: str
    traits: dict[str, str]
    crowd: bytes
    sizes: Counter[str] = field(default_factory=Counter)  # people by axis
    joined: set[Axis] = field(default_factory=set)  # axes on which they are counted with everybody else


class Groups:
    """The groups of one list, and who of it is counted with which."""

    def __init__(self, people: Iterable[Recipient], decide: Decide, keys: CampaignKeys) -> None:
        self._groups: dict[str, _Group] = {}
        others: Counter[Axis] = Counter()
        for recipient in people:
            decision = decide(recipient)
            name = _company(recipient) if "company" in decision[1:3] else ""
            for axis in _AXES:
                mode = getattr(decision, axis)
                others[axis] += mode == "aggregate" or (mode == "company" and not name)
            if not name:
                continue
            group = self._groups.get(name.casefold())
            if group is None:
                group = _Group(name, _traits(recipient), keys.crowd(name.casefold()))
                self._groups[name.casefold()] = group
            for axis in _AXES:
                group.sizes[axis] += getattr(decision, axis) == "company"
        for axis in _AXES:
            self._join(axis, others[axis])

    def _join(self, axis: Axis, others: int) -> None:
        """Count small companies with everybody else, and larger ones until nobody is told apart by that."""
        for group in sorted(self._groups.values(), key=lambda each: each.sizes[axis]):
            if group.sizes[axis] >= LEAST and not 0 < others < LEAST:
                break
            group.joined.add(axis)
            others += group.sizes[axis]

    def placed(self, recipient: Recipient, decision: Decision) -> tuple[Decision, bytes]:
        """Return what somebody gets, and the crowd that they are counted with."""
        if "company" not in decision[1:3]:
            return decision, EVERYBODY
        name = _company(recipient)
        group = self._groups.get(name.casefold()) if name else None
        small = {axis for axis in _AXES if group is None or axis in group.joined}
        alone = together(decision, small)
        if alone == decision:
            return decision, group.crowd if group else EVERYBODY
        if group is None:
            why = "of no company"
        elif all(group.sizes[axis] < LEAST for axis in small):
            why = f"fewer than {LEAST} of their company"
        else:
            why = f"with fewer than {LEAST} others"
        alone = alone._replace(reason=f"{decision.reason}; {why}")
        crowd = group.crowd if group and "company" in alone[1:3] else EVERYBODY
        return alone, crowd

    def crowds(self, sizes: Mapping[tuple[bytes, Mode, Mode], int]) -> list[Crowd]:
        """Return what is stored of people without rows; sizes are how many there are by crowd and modes."""
        by_crowd = {group.crowd: group for group in self._groups.values()}
        found = []
        for (crowd, opens, clicks), people in sizes.items():
            group = by_crowd.get(crowd)
            told = (group.name, *group.traits.values()) if group else ()
            found.append(Crowd(number(crowd), opens, clicks, people, *told))
        return found


def together(decision: Decision, axes: Collection[Axis] = _AXES) -> Decision:
    """Return what somebody gets who is counted with everybody, and not with their company, on some axes."""
    opens, clicks = (
        "aggregate" if axis in axes and mode == "company" else mode
        for axis, mode in zip(_AXES, decision[1:3], strict=True)
    )
    return decision._replace(opens=opens, clicks=clicks)


def _company(recipient: Recipient) -> str:
    name = company(recipient.fields, recipient.identity.rpartition("@")[2])
    return "" if name == FREE_MAIL else name


def _traits(recipient: Recipient) -> dict[str, str]:
    columns = {name.strip().lower(): value.strip() for name, value in recipient.fields.items()}
    return {trait: columns.get(trait, "") for trait in _TRAITS}
