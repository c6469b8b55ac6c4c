"""How one person stands now: what is noted of them, by mode, and since when and why. Pure rules.

What is said here is said to that person, so it must be true of them: of a copy it is what its mode, which
was settled when the mail was made, still allows after what they have refused since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from pixeltrack.consent import Policy, narrowed
from pixeltrack.ledger import PURPOSES, Entry, Purpose, holding
from pixeltrack.model import BY_HIT, MODES, RANK, TOGETHER, Axis, Mode, Scope

AXES: tuple[Axis, Axis] = ("opens", "clicks")
#: How somebody is called in the ledger who was told and did not object; that is no agreement.
INFORMED, UNPROVEN = "informed, no objection", "not proved"
What = Literal["both", "opens", "clicks", "retargeting"]
#: Why things are as they are; each is a text of the pages, behind "why_".
Why = Literal[
    "stopped",
    "denied",
    "withdrawn",
    "agreed",
    "informed",
    "unproven",
    "list_refused",
    "not_measured",
    "nothing_off",
    "nothing_free",
    "nothing_dated",
    "nothing_assumed",
]
_COUNTED: frozenset[Mode] = frozenset({"aggregate", "company"})
_KIND: dict[Axis, int] = {"opens": 1, "clicks": 2}


class Sent(NamedTuple):
    """A copy that somebody got: places in ``MODES``, and what of it is silenced (bits: 1 opens, 2 clicks)."""

    campaign_id: int
    message: int
    opens: int
    clicks: int
    silenced: int = 0
    by_list: bool = False  # the sender's list, or the ledger, has silenced it

    def mode(self, axis: Axis) -> Mode:
        return MODES[self.opens if axis == "opens" else self.clicks]


class Refused(NamedTuple):
    """A refusal on the person's own page, at ms UTC."""

    scope: Scope
    at: int


class Noted(NamedTuple):
    """What is noted now of opens, of clicks, or of both alike.

    mode is of the mail that the person came from; elsewhere is what another mail of theirs still tells
    beyond it, None where none does. counted says that the person has refused, and that mails which are
    out are counted together with others' all the same: whose hit one is, nobody can tell.
    """

    what: What
    mode: Mode
    elsewhere: Mode | None = None
    counted: bool = False


class Choice(NamedTuple):
    """What holds for a purpose, and why: at is ms UTC, None where there is no date.

    wording is the SHA-256 of the text that was shown with it.
    """

    what: What
    why: Why
    at: int | None = None
    method: str = ""
    wording: bytes | None = None


class Standing(NamedTuple):
    """How one person stands."""

    noted: tuple[Noted, ...]
    choices: tuple[Choice, ...]
    retargeting: Choice | None  # None where the ledger says nothing about it

    @property
    def measured(self) -> frozenset[Axis]:
        """What can still be refused: of which something is noted, in this mail or in another."""
        return frozenset(
            axis
            for each in self.noted
            if each.mode != "off" or each.elsewhere
            for axis in AXES
            if each.what in ("both", axis)
        )

    @property
    def by_person(self) -> bool:
        """Whether anything is kept of this person alone, in this mail or in another."""
        return not TOGETHER.issuperset({each.elsewhere or each.mode for each in self.noted})


def standing(
    this: Sent, others: Iterable[Sent], refused: Sequence[Refused], entries: Sequence[Entry], policy: Policy
) -> Standing:
    """Return how somebody stands who has come from a copy.

    others are the other copies that they got; refused, on their own pages; entries are theirs in the
    ledger. policy says what holds for who is in neither.
    """
    other, held = list(others), {purpose: _held(entries, purpose) for purpose in PURPOSES}
    noted: list[Noted] = []
    choices: list[Choice] = []
    for axis in AXES:
        stopped = [each.at for each in refused if each.scope in ("tracking", axis)]
        entry = held[axis]
        no = bool(stopped) or (entry is not None and entry.decision != "granted")
        noted.append(_noted(axis, this, other, no=no))
        never = all(each.decision == "granted" for each in entries if each.purpose == axis)
        listed = never and this.by_list and bool(this.silenced & _KIND[axis])
        choices.append(_choice(this.mode(axis), axis, stopped, entry, policy, listed=listed))
    about = held["retargeting"]
    return Standing(
        _joined(noted), _agreeing(choices), _entered("retargeting", about) if about is not None else None
    )


def _held(entries: Sequence[Entry], purpose: Purpose) -> Entry | None:
    return holding(entry for entry in entries if entry.purpose == purpose)


def _noted(axis: Axis, this: Sent, others: Iterable[Sent], *, no: bool) -> Noted:
    copies = [(each.mode(axis), no or bool(each.silenced & _KIND[axis])) for each in (this, *others)]
    mode, *more = (narrowed(frozen, refused=refused) for frozen, refused in copies)  # as for a hit itself
    most = max(more, key=RANK.__getitem__, default=mode)
    counted = any(refused and frozen in _COUNTED for frozen, refused in copies)
    return Noted(axis, mode, most if RANK[most] > RANK[mode] else None, counted)


def _choice(
    mode: Mode, axis: Axis, stopped: Sequence[int], entry: Entry | None, policy: Policy, *, listed: bool
) -> Choice:
    """Return what decides on an axis, in the order of ``consent.decide``.

    mode is the copy's; listed says that the list has silenced it, and not the ledger.
    """
    if stopped:
        return Choice(axis, "stopped", min(stopped))
    if listed:
        return Choice(axis, "list_refused")
    if entry is not None:
        return _entered(axis, entry)
    if mode == "off":
        return Choice(axis, "nothing_off" if policy == "required" else "not_measured")
    if policy == "assumed":
        return Choice(axis, "nothing_assumed")
    return Choice(axis, "nothing_dated" if mode in BY_HIT else "nothing_free")


def _entered(what: What, entry: Entry) -> Choice:
    at = entry.at if entry.at > 0 else None
    if entry.decision != "granted":
        return Choice(what, entry.decision, at, entry.method, entry.wording)
    if entry.method == INFORMED:
        return Choice(what, "informed", at, "", entry.wording)
    if entry.method == UNPROVEN:
        return Choice(what, "unproven", at, "", entry.wording)
    return Choice(what, "agreed", at, entry.method, entry.wording)


def _joined(each: list[Noted]) -> tuple[Noted, ...]:
    """Return what is the same of opens and of clicks as one that says it of both."""
    opens, clicks = each
    return (opens._replace(what="both"),) if opens._replace(what=clicks.what) == clicks else (opens, clicks)


def _agreeing(each: list[Choice]) -> tuple[Choice, ...]:
    """Return the same of choices."""
    opens, clicks = each
    return (opens._replace(what="both"),) if opens._replace(what=clicks.what) == clicks else (opens, clicks)
