"""All that is held of one person, as one value: GDPR articles 15 and 20."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any

from pixeltrack import money
from pixeltrack.config import Settings
from pixeltrack.ledger import PURPOSES, holding
from pixeltrack.model import MODES, ClientClass, EventKind
from pixeltrack.person import person_of
from pixeltrack.retention import EVENTS
from pixeltrack.sitecalls import SOURCES
from pixeltrack.store import Store
from pixeltrack.store.hits import Place
from pixeltrack.store.persons import Copied
from pixeltrack.tokens import Keyring

_SOURCES = {number: name for name, number in SOURCES.items()}
_RIGHTS = ("access", "rectification", "erasure", "restriction", "portability", "objection", "complaint")


def export_of(
    store: Store, keyring: Keyring, person: str | bytes, settings: Settings, now: int
) -> dict[str, Any]:
    """Return all that is held of a person, by address or by keyed hash; ``now`` is ms UTC.

    By keyed hash alone only what stands under it is found, unless a recipient has it.
    """
    from importlib.metadata import version

    identity = person if isinstance(person, str) else store.identity_of(person) or ""
    subject = keyring.subject(person) if isinstance(person, str) else person
    copies = store.copies_of(identity) if identity else []
    known = person_of(store, keyring, identity) if identity else None
    places = known.everywhere if known else []
    events = _events(store, places)
    consents = store.consents_of(subject)
    held = store.held(identity) if identity else None
    campaigns = {campaign.campaign_id: campaign.name for campaign in store.campaigns()}
    mailed = {copy.campaign_id for copy in copies}
    found: dict[str, Any] = {
        "format": "pixeltrack-subject/1",
        "generated_at": _iso(now),
        "tool": f"pixeltrack {version('pixeltrack')}",
        "controller": {
            "name": settings.controller or settings.sender,
            "contact": settings.contact,
        },
        "subject": {"address": identity or None, "keyed_hash": subject.hex()},
        "purposes": [{"purpose": purpose, "legal_basis": _basis(settings, purpose)} for purpose in PURPOSES],
        "categories": [
            *("address and columns of the list", "copies of mails", "deliveries", "opens and clicks"),
            *("pages and orders on sites", "choices"),
        ],
        "recipients_of_data": ", ".join(sorted({hook.host for hook in store.hooks()})) or "none",
        "automated_decisions": "none",
        "source": sorted({entry.origin for entry in consents})
        or (["a list given to inject"] if copies else []),
        "retention": _retention(settings, events),
        "rights": list(_RIGHTS),
        "recipient": {"number": held.recipient_id, "columns": held.fields}
        if held and held.recipient_id
        else None,
        "consents": [_consent(store, entry) for entry in consents],
        "opt_outs": [
            {"scope": each.scope, "at": _iso(each.at), "campaign": each.campaign or None}
            for each in store.opt_out_rows(subject)
        ],
        "erasure_asked": _iso(asked) if (asked := store.erasure_asked(subject)) is not None else None,
        "messages": [_message(copy) for copy in copies],
        "silenced": [
            {"campaign": campaigns.get(campaign), "message": message, "because_of": why, "kinds": kinds}
            for campaign, message, why, kinds in store.silenced_of(places)
        ],
        "events": [{**event, "campaign": campaigns.get(event["campaign"])} for event in events],
        "repeated_events": [
            {
                **{"campaign": campaigns.get(place[0]), "hour": _iso(hour), "kind": _kind(kind)},
                **{"link": link or None, "client": agent, "hits": hits},
                **{"first_at": _iso(first), "last_at": _iso(last)},
            }
            for place in places
            for hour, kind, link, agent, hits, first, last in store.repeats_of_message(place)
        ],
        "addresses": [
            {
                **{"campaign": campaigns.get(place[0]), "at": _iso(at), "kind": _kind(kind)},
                **{"link": link or None, "address": address},
            }
            for place in places
            for at, kind, link, address in store.addresses_of(place)
        ],
        "links": [
            {
                **{"campaign": campaigns.get(each.campaign_id), "link": each.number},
                **{"text": each.text, "address": each.url},
            }
            for each in (store.links_naming(known.written) if known else ())
        ],
        "views": [
            {
                **{"campaign": campaigns.get(place[0]), "at": _iso(seen.at), "site": seen.host},
                **{"page": seen.path, "client": seen.agent},
                "device": ClientClass(seen.client).name.lower().replace("_", " "),
            }
            for place in places
            for seen in store.views_of(place)
        ],
        "conversions": [
            {
                **{"campaign": campaigns.get(place[0]), "at": _iso(said.at), "goal": said.goal},
                **{"order": said.order or None, "entry": said.entry or None},
                **{"value": money.plain(said.value, said.currency) if said.currency else None},
                **{"currency": said.currency or None, "takes_back_all": bool(said.whole)},
                **{"told_by": _SOURCES[said.source], "signed": bool(said.verified)},
            }
            for place in places
            for said in store.conversions_of(place)
        ],
        "deliveries": [
            {
                **{"campaign": campaigns.get(place[0]), "kind": kind, "bounce": bounce or None},
                **{"at": _iso(at) if at is not None else None, "source": source},
            }
            for place in places
            for kind, bounce, at, source in store.deliveries_of(place)
        ],
        "partly_deleted": [campaigns.get(place[0]) for place in places if store.is_partly_deleted(place)],
        "last_open_day": _day(held.last_open) if held and held.last_open is not None else None,
        "derived": _derived(events, consents),
        "audit": [
            {
                "row": row.seq,
                "at": _iso(row.at),
                "actor": row.actor,
                "action": row.action,
                "object": row.object,
            }
            for row in store.trail(subject)
        ],
        "cannot_be_linked": [
            {"campaign": campaign.name, "why": "counted together: no row is a person's (GDPR article 11)"}
            for campaign in store.campaigns()
            if campaign.campaign_id not in mailed and campaign.is_rowless
        ],
    }
    found["integrity"] = {"sha256": sha256(canonical(found)).hexdigest()}
    return found


def canonical(export: Mapping[str, Any]) -> bytes:
    """Return what the integrity hash is of: the JSON without it, keys in order and no blanks."""
    content = {key: value for key, value in export.items() if key != "integrity"}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _basis(settings: Settings, purpose: str) -> str:
    if settings.consent == "required" or purpose == "retargeting":
        return "consent, GDPR article 6(1)(a)"
    return "legitimate interest, GDPR article 6(1)(f), with a way to object"


def _retention(settings: Settings, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    days = settings.events_days or EVENTS
    newest = max((event["at"] for event in events), default=None)
    until = None
    if newest is not None:
        until = (datetime.fromisoformat(newest) + timedelta(days=days)).date().isoformat()
    return {"events_days": days, "newest_event_kept_until": until, "choices": "as long as they count"}


def _events(store: Store, places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the hits of some messages, judged or not, in order."""
    judgements, wanted = store.judgements(), set(places)
    facts = [(campaign, fact) for campaign, fact in store.facts_of_messages(wanted)]
    numbers = store.judgements_of(fact.event_id for _campaign, fact in facts)
    found = []
    for (campaign, fact), judged in zip(facts, numbers, strict=True):
        verdict = judgements.get(judged)
        found.append(
            {
                **{"number": fact.event_id, "campaign": campaign, "at": _iso(fact.at)},
                **{"kind": _kind(fact.kind), "link": fact.link or None, "client": fact.agent},
                **{"network": fact.network or None, "client_of_the_day": fact.address or None},
                **{"verdict": verdict.label if verdict else None},
                **{"reasons": list(verdict.reasons) if verdict else []},
            }
        )
    return found


def _consent(store: Store, entry: Any) -> dict[str, Any]:
    text = store.wording(entry.wording) if entry.wording else None
    return {
        **{"purpose": entry.purpose, "decision": entry.decision, "at": _iso(entry.at)},
        **{"recorded": _iso(entry.recorded), "method": entry.method, "source": entry.source},
        **{"origin": entry.origin, "wording_sha256": entry.wording.hex() if entry.wording else None},
        "wording": text.decode("utf-8", "replace") if text is not None else None,
    }


def _message(copy: Copied) -> dict[str, Any]:
    return {
        **{"campaign": copy.campaign, "message": copy.message, "tracked": bool(copy.tracked)},
        **{"prepared": _iso(copy.created), "sent": _iso(copy.sent) if copy.sent is not None else None},
        **{"opens": MODES[copy.opens], "clicks": MODES[copy.clicks], "version": copy.version or None},
    }


def _derived(events: Sequence[Mapping[str, Any]], consents: Sequence[Any]) -> dict[str, Any]:
    people = [event for event in events if event["verdict"] == "human"]
    opens = [event["at"] for event in people if event["kind"] == "open"]
    holds = {}
    for purpose in PURPOSES:
        entry = holding(each for each in consents if each.purpose == purpose)
        holds[purpose] = entry.decision if entry else "never asked"
    return {"last_open": max(opens, default=None), "people_hits": len(people), "consent_now": holds}


def _kind(kind: int) -> str:
    return EventKind(kind).name.lower()


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


def _day(day: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=day)).isoformat()
