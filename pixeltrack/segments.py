"""Audiences: conditions as values, and who meets them. Only what people did counts, and never machines."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Literal, NamedTuple

from pixeltrack import meantlinks
from pixeltrack.errors import InputError
from pixeltrack.marks import Marks, coded, filled
from pixeltrack.model import Campaign, EventKind
from pixeltrack.orders import gather
from pixeltrack.repeated import Repeats
from pixeltrack.store import Store
from pixeltrack.store.segments import (
    DENIED,
    GRANTED,
    OPTED_OUT,
    SIGNAL,
    UNSUBSCRIBED,
    WITHDRAWN,
    no_segment,
)

What = Literal["opened", "clicked", "viewed", "converted"]
_EVER = -(1 << 62)
#: Why nothing may be told of a person by name, by the codes of ``told_of``; 6 is who may be told of.
WHY = ("", "not measured", "counted together", "last open's day alone", "pseudonymous", "refused since")
_NAMED = len(WHY)
NEVER = "never asked"
#: Why a member is not uploaded, by the codes of ``retargeting`` and ``opted_out``; others were never asked.
LEFT_OUT = {
    SIGNAL: "browser signal",
    DENIED: "denied",
    WITHDRAWN: "withdrawn",
    OPTED_OUT: "opted out",
    UNSUBSCRIBED: "unsubscribed",
}


@dataclass(frozen=True, slots=True)
class Condition:
    """What somebody did, or (``negated``) did not. ``of`` is a link, page or goal, empty for any link."""

    what: What
    of: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """All conditions hold, within ``within`` ms before now, in one campaign's mail or any; and who is in
    all audiences of ``also`` and in none of ``without``. Goals that nobody signed count with ``unverified``.
    """

    conditions: tuple[Condition, ...] = ()
    campaign: str = ""
    within: int | None = None
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    unverified: bool = False

    def json(self) -> str:
        """Return it as it is stored."""
        return json.dumps(asdict(self), sort_keys=True)


class Found(NamedTuple):
    """Who is in an audience, and of whom nothing may be told by name, so that they are in none.

    ``unnamed`` has codes of ``WHY``; ``together`` are recipients of mail of which nobody knows who got it.
    """

    people: Marks
    unnamed: bytes
    together: int

    @property
    def reasons(self) -> dict[str, int]:
        """How many people are not told of by name, by reason."""
        counts = Counter(self.unnamed)
        return {why: counts[code] for code, why in enumerate(WHY) if code and counts[code]}


class Allowed(NamedTuple):
    """Whose data may be uploaded, and how many others there are, by reason."""

    people: Marks
    left_out: dict[str, int]


def parsed(text: str) -> Segment:
    """Return an audience as it is stored."""
    said = json.loads(text)
    return Segment(
        tuple(Condition(**each) for each in said["conditions"]),
        said["campaign"],
        said["within"],
        tuple(said["also"]),
        tuple(said["without"]),
        said["unverified"],
    )


def load(store: Store, name: str) -> Segment:
    """Return a saved audience; raise InputError, with the names there are."""
    saved = store.segments()
    if name not in saved:
        raise no_segment(name, saved)
    return parsed(saved[name][0])


def build(store: Store, segment: Segment, now: int) -> Found:
    """Return who meets an audience at a time (ms UTC); hits count as far as they are judged.

    Of whom it is not known by name, nothing is true, a ``not`` neither: they are unnamed.
    """
    with store.snapshot():
        return _Building(store, now).found(segment)


class _Building:
    """Working out one audience, and those that it is made of, each once."""

    def __init__(self, store: Store, now: int) -> None:
        self._store, self._now = store, now
        self._size = store.people_size()
        self._known: dict[str, Found | None] = {}  # None: it is being worked out
        self._told: dict[int | None, tuple[bytes, bytes]] = {}

    def found(self, segment: Segment) -> Found:
        campaign = self._store.campaign(segment.campaign) if segment.campaign else None
        number = campaign.campaign_id if campaign else None
        if number not in self._told:
            opens, clicks = self._store.told_of(self._size, number)
            self._told[number] = bytes(opens), bytes(clicks)
        told = self._told[number]
        since = _EVER if segment.within is None else self._now - segment.within
        here = coded(told[0], *range(1, _NAMED + 1))
        people, unnamed = here, bytes(self._size)
        for condition in segment.conditions:
            codes = told[0] if condition.what == "opened" else told[1]
            named = coded(codes, _NAMED)
            did = self._did(condition, campaign, since, unverified=segment.unverified)
            people = people & (named - did if condition.negated else did)
            unnamed = filled(unnamed, (here - named).only(codes))
        for name in segment.also:
            other = self._of(name)
            people, unnamed = people & other.people, filled(unnamed, here.only(other.unnamed))
        for name in segment.without:
            other = self._of(name)
            people = people - other.people - coded(other.unnamed, *range(1, _NAMED))
            unnamed = filled(unnamed, here.only(other.unnamed))
        return Found(people, unnamed, self._store.counted_together(number))

    def _of(self, name: str) -> Found:
        if name not in self._known:
            self._known[name] = None
            self._known[name] = self.found(load(self._store, name))
        known = self._known[name]
        if known is None:  # nothing of ours makes one, but a database can be written by hand
            raise InputError(f"audience {name!r} is made of itself", hint="delete it, and make it anew")
        return known

    def _did(self, condition: Condition, campaign: Campaign | None, since: int, *, unverified: bool) -> Marks:
        store, number = self._store, campaign.campaign_id if campaign else None
        if condition.what == "viewed":
            host, path = place(condition.of)
            return Marks(store.viewers(self._size, host, path, since, number))
        if condition.what == "converted":
            return self._reached(condition.of, number, since, unverified=unverified)
        kind = EventKind.OPEN if condition.what == "opened" else EventKind.CLICK
        return self._hit(kind, condition.of, campaign, since)

    def _reached(self, goal: str, number: int | None, since: int, *, unverified: bool) -> Marks:
        owners = self._store.people_of_goal(self._store.goal(goal).name, number)
        marked = bytearray(self._size)
        for each in gather(self._store.said(goal, machines=False)).orders:
            person = owners.get((each.campaign_id, each.message))
            if person and each.at >= since and not each.is_refunded and (each.verified or unverified):
                marked[person] = 1
        return Marks(marked)

    def _hit(self, kind: EventKind, link: str, campaign: Campaign | None, since: int) -> Marks:
        store = self._store
        campaigns = [campaign] if campaign else meantlinks.people_of(store)
        links = meantlinks.numbers(store, campaigns, link) if link else None
        known = {each.campaign_id for each in campaigns} & store.repeating()
        counted = {number: Repeats(store, number) for number in known}
        apart = {(number, message) for number, repeats in counted.items() for message in repeats.messages}
        number = campaign.campaign_id if campaign else None
        marked = store.people_who_hit(self._size, kind, since, number, links, apart)
        for number, repeats in counted.items():  # these are judged with all that were only counted
            people = store.people_of(number, repeats.messages)
            for message, judged in repeats.judged():
                person, kinds = people.get(message, (0, 0))
                if kinds & kind and not store.is_silenced(number, message, kind):
                    marked[person] |= any(
                        fact.kind == kind
                        and fact.at >= since
                        and verdict.label == "human"
                        and (links is None or (number, fact.link) in links)
                        for fact, _more, verdict in judged
                    )
        return Marks(marked)


def place(page: str) -> tuple[str, str]:
    """Return the host (empty: any site) and the path of a page as a condition has it."""
    host, slash, path = page.partition("/")
    return ("", page) if page.startswith(("/", "*")) else (host, slash + path)


def allowed(store: Store, people: Marks) -> Allowed:
    """Return who of some people has agreed to retargeting and has not opted out; all others by reason."""
    with store.snapshot():
        size = store.people_size()  # somebody may have come since
        codes = filled(bytes(store.opted_out(size)), bytes(store.retargeting(size)))[: people.size]
    granted = people & coded(codes, GRANTED)
    others = people - granted
    counts = Counter(others.only(codes))
    left = {why: counts[code] for code, why in LEFT_OUT.items() if counts[code]}
    if never := len(others) - sum(left.values()):
        left[NEVER] = never
    return Allowed(granted, left)
