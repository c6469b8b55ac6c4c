"""Audiences: conditions as values, and who meets them. Only what people did counts, and never machines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Literal

from pixeltrack import heard, who
from pixeltrack.errors import InputError
from pixeltrack.heard import Span
from pixeltrack.ledger import BY_SIGNAL, holding
from pixeltrack.model import Campaign, EventKind
from pixeltrack.orders import gather
from pixeltrack.store import Store
from pixeltrack.store.segments import Copy
from pixeltrack.tokens import Keyring

What = Literal["opened", "clicked", "viewed", "converted"]
_EVER = -(1 << 62)


@dataclass(frozen=True, slots=True)
class Condition:
    """What somebody did, or (``negated``) did not. ``of`` is a link, page or goal, empty for any link."""

    what: What
    of: str = ""
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Segment:
    """All conditions hold, within ``within`` ms before now, in one campaign's mail or any; and who is in
    all audiences of ``also`` and in none of ``without``."""

    conditions: tuple[Condition, ...] = ()
    campaign: str = ""
    within: int | None = None
    also: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def json(self) -> str:
        """Return it as it is stored."""
        return json.dumps(asdict(self), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Found:
    """Who is in an audience, by normalised address; ``unnamed`` are people of whom nothing may be told."""

    people: frozenset[str]
    unnamed: frozenset[str]


def load(store: Store, name: str) -> Segment:
    """Return a saved audience; raise InputError, with the names there are."""
    saved = store.segments()
    if name not in saved:
        there = f"there are {', '.join(saved)}" if saved else "pixeltrack audience create makes one"
        raise InputError(f"no audience {name!r}", hint=there)
    said = json.loads(saved[name][0])
    return Segment(
        tuple(Condition(**each) for each in said["conditions"]),
        said["campaign"],
        said["within"],
        tuple(said["also"]),
        tuple(said["without"]),
    )


def build(store: Store, segment: Segment, now: int) -> Found:
    """Return who meets an audience at a time (ms UTC); hits count as far as they are judged.

    Of whom it is not known by name, nothing is true, a ``not`` neither: they are unnamed.
    """
    campaign = store.campaign(segment.campaign) if segment.campaign else None
    copies = store.named_copies(campaign.campaign_id if campaign else None)
    since = _EVER if segment.within is None else now - segment.within
    everybody = {copy.identity for copy in copies}
    found, unnamed = set(everybody), set()
    for condition in segment.conditions:
        known = [copy for copy in copies if (copy.opens if condition.what == "opened" else copy.clicks)]
        named = {copy.identity for copy in known}
        did = _did(store, condition, known, campaign, since)
        found &= named - did if condition.negated else did
        unnamed |= everybody - named
    for name in segment.also:
        other = build(store, load(store, name), now)
        found &= other.people
        unnamed |= other.unnamed & everybody
    for name in segment.without:
        other = build(store, load(store, name), now)
        found -= other.people | other.unnamed
        unnamed |= other.unnamed & everybody
    return Found(frozenset(found), frozenset(unnamed))


def _did(
    store: Store, condition: Condition, known: list[Copy], campaign: Campaign | None, since: int
) -> set[str]:
    if condition.what == "viewed":
        places = store.viewers(condition.of, since)
    elif condition.what == "converted":
        goal = store.goal(condition.of).name
        machines = store.told_by_machines(goal)
        places = {
            (each.campaign_id, each.message)
            for each in gather(store.said(goal)).orders
            if each.at >= since
            and not each.is_refunded
            and (each.order, each.campaign_id, each.message, each.at) not in machines
        }
    else:
        places = set(_hits(store, condition, campaign, since))
    return {copy.identity for copy in known if (copy.campaign_id, copy.message) in places}


def _hits(
    store: Store, condition: Condition, campaign: Campaign | None, since: int
) -> Iterator[tuple[int, int]]:
    kind = EventKind.OPEN if condition.what == "opened" else EventKind.CLICK
    campaigns = [campaign] if campaign else [each for each in store.campaigns() if each.kind == "recipients"]
    for each in campaigns:
        links = None
        if condition.of:
            try:
                links = who.read(store, each, f"clicked:{condition.of}").links
            except InputError:
                if campaign:
                    raise
                continue  # another campaign's link
        for message, hits in heard.messages(store, each.campaign_id, Span(since)):
            if any(
                hit.kind == kind and hit.verdict.label == "human" and (links is None or hit.link in links)
                for hit in hits
            ):
                yield each.campaign_id, message


def allowed(store: Store, keyring: Keyring, people: frozenset[str]) -> tuple[list[str], dict[str, int]]:
    """Return who has agreed to retargeting and has not opted out, and how many others, by reason."""
    kept: list[str] = []
    left: dict[str, int] = {}
    out = store.opted_out()
    for identity in sorted(people):
        entries = store.consents_of(keyring.subject(identity))
        last = holding(each for each in entries if each.purpose == "retargeting")
        if identity in out:
            why = "opted out"
        elif last is None:
            why = "never asked"
        elif last.decision == "granted":
            kept.append(identity)
            continue
        else:
            why = "browser signal" if last.method == BY_SIGNAL else last.decision
        left[why] = left.get(why, 0) + 1
    return kept, left
