"""What a webhook is told of an event: made when it is sent, of what is in the database then.

Who has refused, was erased or is counted together with others is not in it, not even as an event. The shape
is a promise: ``schemas/webhook.json``, and docs/webhooks.md says what each part means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from pixeltrack import money
from pixeltrack.agents import describe
from pixeltrack.export.scope import message_name
from pixeltrack.heard import Verdicts
from pixeltrack.model import BY_HIT, MODES, EventKind, LinkRow, Mode
from pixeltrack.sitecalls import SOURCES
from pixeltrack.store import Holder, Hook, Store
from pixeltrack.store.exports import Arrived
from pixeltrack.store.hits import Place
from pixeltrack.store.hooks import (
    CONVERSION,
    DELIVERY,
    OPT_OUT,
    Fed,
    FedConversion,
    FedDelivery,
    FedOptOut,
)
from pixeltrack.tokens import Keyring

Event = dict[str, Any]
Kind = Literal["open", "click", "conversion", "opt-out", "delivery"]
KINDS: tuple[Kind, ...] = ("open", "click", "conversion", "opt-out", "delivery")
COUNTED = {"human": "people", "unknown": "unknown", "prefetch": "machines", "scanner": "machines"}
_SOURCES = {number: name for name, number in SOURCES.items()}
_LONGEST = 4_000  # characters of a text, so that any event fits into a body

Facts = Arrived | FedConversion | FedOptOut | FedDelivery


class Teller:
    """Makes the events of one webhook."""

    def __init__(self, store: Store, keyring: Keyring, hook: Hook) -> None:
        self._store, self._keyring, self._hook = store, keyring, hook
        self._verdicts = Verdicts(store)
        self._names: dict[int, str] = {}
        self._links: dict[int, dict[int, LinkRow]] = {}
        self._holders: Mapping[Place, Holder] = {}

    def told(self, what: Sequence[Arrived | Fed | None]) -> list[Event | None]:
        """Return the event of each of some things that were stored; None where nothing is told of it."""
        fed = self._fed([each for each in what if isinstance(each, Fed)])
        facts = [fed.get(each.number) if isinstance(each, Fed) else each for each in what]
        wanted: defaultdict[int, set[int]] = defaultdict(set)
        for each in facts:
            campaign_id, message = _place(each)
            wanted[campaign_id].add(message)
        self._holders = {
            (campaign_id, message): holder
            for campaign_id, messages in wanted.items()
            if campaign_id
            for message, holder in self._store.holders(campaign_id, messages).items()
        }
        return [self._event(each) if each is not None and self._is_meant(each) else None for each in facts]

    def _fed(self, rows: Iterable[Fed]) -> dict[int, Facts]:
        numbers: defaultdict[int, list[int]] = defaultdict(list)
        for row in rows:
            numbers[row.stream].append(row.number)
        found: list[FedConversion | FedOptOut | FedDelivery] = []
        if self._hook.is_of("conversion") and numbers[CONVERSION]:
            found += self._store.fed_conversions(numbers[CONVERSION])
        if self._hook.is_of("opt-out") and numbers[OPT_OUT]:
            found += self._store.fed_optouts(numbers[OPT_OUT])
        if self._hook.is_of("delivery") and numbers[DELIVERY]:
            found += self._store.fed_deliveries(numbers[DELIVERY])
        return {each.feed: each for each in found}

    def _is_meant(self, facts: Facts) -> bool:
        campaign_id, _message = _place(facts)
        return self._hook.campaign_id in (0, campaign_id)

    def _event(self, facts: Facts) -> Event | None:
        if isinstance(facts, Arrived):
            return self._hit(facts)
        if isinstance(facts, FedConversion):
            return self._conversion(facts)
        if isinstance(facts, FedOptOut):
            return self._opt_out(facts)
        return self._delivery(facts)

    def _hit(self, arrived: Arrived) -> Event | None:
        campaign_id, fact, judgement = arrived
        kind, verdict = EventKind(fact.kind).name.lower(), self._verdicts[judgement]
        if verdict.label == "test" or not self._hook.is_of(kind):
            return None
        if self._hook.people_only and verdict.label != "human":
            return None
        person = self._person((campaign_id, fact.message), "opens" if kind == "open" else "clicks")
        if person is None:
            return None
        link = self._link(campaign_id, fact.link) if fact.link else None
        about = describe(fact.agent)
        what = f"hit {fact.event_id} {fact.at} {campaign_id} {fact.kind} {fact.link} {fact.message}"
        return {
            **self._head(what, kind, fact.at, campaign_id),
            **person,
            **{"link": fact.link or None, "link_text": _cut(link.text if link else None)},
            **{"link_url": _cut(link.url if link else None)},
            **{"device": about.device, "system": about.os, "browser": about.browser},
            **{"client": about.client, "hidden_by": about.proxy},
            **{"counted": COUNTED[verdict.label], "verdict": verdict.label, "reason": verdict.reason},
            **{"reasons": list(verdict.reasons), "judgement": judgement},
        }

    def _conversion(self, facts: FedConversion) -> Event | None:
        place = facts.campaign_id, facts.message
        person = self._person(place, "clicks") if facts.campaign_id else _NOBODY
        if person is None:
            return None
        what = f"conversion {facts.conversion_id} {facts.verified}"
        return {
            **self._head(what, "conversion", facts.at, facts.campaign_id),
            **person,
            **{"goal": facts.goal, "site": facts.host, "order": facts.order or None},
            **{"entry": facts.entry if facts.order and facts.entry else None},
            "value": money.plain(facts.value, facts.currency) if facts.currency else None,
            **{"currency": facts.currency or None, "takes_back_all": bool(facts.whole)},
            **{"told_by": _SOURCES[facts.source], "verified": bool(facts.verified)},
        }

    def _opt_out(self, facts: FedOptOut) -> Event | None:
        """Tell of a refusal also of who is not measured any more: others should follow it."""
        person = self._person((facts.campaign_id, facts.message), "either", silenced=True)
        if person is None:
            return None
        what = f"opt-out {facts.subject.hex()} {facts.scope}"
        head = self._head(what, "opt-out", facts.at, facts.campaign_id)
        return {**head, **person, "scope": facts.scope}

    def _delivery(self, facts: FedDelivery) -> Event | None:
        person = self._person((facts.campaign_id, facts.message), "either")
        if person is None:
            return None
        head = self._head(f"delivery {facts.event_id.hex()}", "delivery", facts.at, facts.campaign_id)
        return {
            **{**head, **person, "delivery": facts.kind, "bounce": facts.bounce or None},
            "source": facts.source,
        }

    def _head(self, what: str, kind: str, at: int | None, campaign_id: int) -> Event:
        return {
            **{"id": self._keyring.told_id(what), "kind": kind, "at": iso(at)},
            "campaign": self._name(campaign_id) if campaign_id else None,
        }

    def _person(self, place: Place, axis: str, *, silenced: bool = False) -> Event | None:
        """Return what names whoever got a message; None where nothing is told of them.

        ``axis`` is what has to be kept of them one by one: "opens", "clicks" or "either".
        """
        if not place[1]:
            return None
        holder = self._holders.get(place)
        if holder is None:
            # A pseudonymous copy, or a mail system's own recipient; or somebody who was erased.
            return None if self._store.silenced_of([place]) else _named(place[1], None)
        opens, clicks = MODES[holder.opens], MODES[holder.clicks]
        modes: tuple[Mode, ...] = {"opens": (opens,), "clicks": (clicks,)}.get(axis, (opens, clicks))
        if (holder.silenced and not silenced) or BY_HIT.isdisjoint(modes):
            return None
        may = self._hook.with_address and "individual" in modes and "pseudonymous" not in (opens, clicks)
        return _named(place[1], holder.identity if may else None)

    def _name(self, campaign_id: int) -> str:
        if campaign_id not in self._names:  # some may be made meanwhile
            self._names = {each.campaign_id: each.name for each in self._store.campaigns()}
        return self._names[campaign_id]

    def _link(self, campaign_id: int, number: int) -> LinkRow | None:
        table = self._links.get(campaign_id, {})
        if number not in table:  # tables only grow
            table = self._links[campaign_id] = {row.number: row for row in self._store.links(campaign_id)}
        return table.get(number)


def _named(message: int, address: str | None) -> Event:
    return {"message": message_name(message), "recipient": address}


_NOBODY: Event = {"message": None, "recipient": None}


def _place(facts: Facts | None) -> Place:
    if isinstance(facts, Arrived):
        return facts.campaign_id, facts.fact.message
    return (facts.campaign_id, facts.message) if facts is not None else (0, 0)


def iso(at: int | None) -> str | None:
    """Return a time (ms UTC) in ISO 8601."""
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:_LONGEST]


def examples(hook: Hook) -> list[Event]:
    """Return an event of each kind that a webhook is told of, of nobody and no campaign of yours."""
    head = {"at": iso(1_795_608_000_000), "campaign": "example"}
    person = {"message": "0123456789abcdef", "recipient": "ann@example.com" if hook.with_address else None}
    hit = {
        **{"link": None, "link_text": None, "link_url": None, "device": "mobile", "system": "iOS"},
        **{"browser": None, "client": "Apple Mail", "hidden_by": None, "counted": "people"},
        **{"verdict": "human", "reason": "no-sign", "reasons": ["no-sign"], "judgement": 1},
    }
    link = {"link": 1, "link_text": "Read more", "link_url": "https://www.example.com/"}
    bodies: dict[Kind, Event] = {
        "open": hit,
        "click": {**hit, **link, "browser": "Mobile Safari", "client": None},
        "conversion": {
            **{"goal": "order", "site": "shop.example", "order": "17", "entry": None, "value": "49.90"},
            **{"currency": "EUR", "takes_back_all": False, "told_by": "server", "verified": True},
        },
        "opt-out": {"scope": "all"},
        "delivery": {"delivery": "bounced", "bounce": "hard", "source": "dsn"},
    }
    return [
        {"id": f"{number:032x}", "kind": kind, **head, **person, **bodies[kind]}
        for number, kind in enumerate(KINDS, start=1)
        if hook.is_of(kind)
    ]
