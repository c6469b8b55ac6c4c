"""Rights of one person: a copy of all that is held of them, and having it erased."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from pixeltrack import residues
from pixeltrack.config import Settings
from pixeltrack.errors import StoreError
from pixeltrack.ledger import PURPOSES, holding
from pixeltrack.minting import CampaignKeys, number
from pixeltrack.model import MODES, EventKind
from pixeltrack.spool import Spool, waiting_bytes
from pixeltrack.store import Store
from pixeltrack.store.hits import Place
from pixeltrack.store.persons import Copied
from pixeltrack.tokens import Keyring

_WAIT = 10.0  # seconds for others to finish with the journal and the spool
_SCOPE = "tracking"
_RIGHTS = ("access", "rectification", "erasure", "restriction", "portability", "objection", "complaint")


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. ``residues`` are finds that nothing explains, by file and kind; none is right.

    ``kept`` says what stays on purpose. ``unfinished`` says what still has to happen, where anything has.
    """

    counts: Mapping[str, int]
    kept: Mapping[str, int]
    scanned: int  # bytes
    patterns: int
    residues: Mapping[str, Mapping[str, int]]
    vacuumed: bool
    unfinished: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Person:
    identity: str
    subject: bytes
    places: list[Place]
    spellings: dict[str, list[bytes]] = field(default_factory=dict)
    pseudonyms: dict[Place, bytes] = field(default_factory=dict)

    @property
    def everywhere(self) -> list[Place]:
        """Every message that could be theirs; ``places`` are those of campaigns that have one."""
        return list({**self.pseudonyms, **dict.fromkeys(self.places)})


def pseudonyms_of(keys: CampaignKeys, identity: str) -> list[bytes]:
    """Return by what a campaign may know an address: the copy's, and the one that no row leads to."""
    unlinked = getattr(keys, "unlinked_pseudonym", None)
    return [keys.pseudonym(identity), *((unlinked(identity),) if unlinked else ())]


def _person(store: Store, keyring: Keyring, identity: str) -> _Person:
    person = _Person(identity, keyring.subject(identity), [])
    mailed = {copy.campaign_id for copy in store.copies_of(identity)}
    spellings = residues.of_address(identity)
    person.spellings.update(spellings)
    tokens: list[bytes] = []
    for campaign in store.campaigns():
        if not keyring.has_key(campaign.key_id):
            continue
        keys = keyring.campaign(campaign.code, campaign.key_id)
        for pseudonym in pseudonyms_of(keys, identity):
            place = campaign.campaign_id, number(pseudonym)
            person.pseudonyms[place] = pseudonym
            if campaign.campaign_id in mailed:
                person.places.append(place)
        pseudonym = keys.pseudonym(identity)
        tokens += [keys.message_token(pseudonym).encode()]
        tokens += [
            keys.personal_token("unsubscribe", pseudonym).encode(),
            keys.personal_token("preferences", pseudonym).encode(),
        ]
    known = set(person.places)
    person.places.extend(
        place
        for copy in store.copies_of(identity)
        if (place := (copy.campaign_id, copy.message)) not in known
    )
    person.spellings["token"] = tokens
    return person


def erase(
    store: Store,
    keyring: Keyring,
    identity: str,
    now: int,
    actor: str | None = None,
    *,
    everything: bool = False,
    wait: float = _WAIT,
) -> Erased:
    """Erase a person: every row, the spool, the journal; then look for them byte by byte.

    From the first transaction on no hit of theirs is stored, also of mail that they have. Whoever is
    interrupted runs it again. With ``everything`` they get no mail any more either. ``now`` is ms UTC.
    """
    person = _person(store, keyring, identity)
    store.stop_measuring(person.subject, person.places, "all" if everything else _SCOPE, now)
    unfinished = []
    if not _spool_is_empty(store, wait):
        unfinished.append("hits wait in the spool beside the database: let serve take them up")
    counts = store.delete_person(identity, person.subject, person.everywhere, actor, now)
    found: dict[str, dict[str, int]] = {}
    scanned, vacuumed = 0, False
    if store.empty_journal(wait):
        found, scanned = _left(store, person)
        if found:
            store.vacuum()
            vacuumed = True
            if store.empty_journal(wait):
                found, scanned = _left(store, person)
            else:
                unfinished.append("another program reads the database: its journal still holds deleted rows")
    else:
        unfinished.append("another program reads the database: its journal still holds deleted rows")
    hashes, silenced = store.kept_rows(person.subject, person.everywhere)
    kept = {"keyed hash of the address": hashes, "silenced messages": sum(silenced.values())}
    patterns = sum(map(len, person.spellings.values())) + 2 * (1 + len(person.pseudonyms))
    return Erased(counts, kept, scanned, patterns, found, vacuumed, tuple(unfinished))


def _spool_is_empty(store: Store, wait: float) -> bool:
    """Take up what dead collectors left, and wait for living ones to take up theirs."""
    deadline = time.monotonic() + wait
    while waiting_bytes(store.path):
        spool = Spool(store.path)
        try:
            while spool.take_up(store):
                pass
        except StoreError:
            pass
        finally:
            spool.close()
        if not waiting_bytes(store.path):
            break
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def _left(store: Store, person: _Person) -> tuple[dict[str, dict[str, int]], int]:
    """Return what of a person is in the files of the database beyond what stays, and their size."""
    hashes, silenced = store.kept_rows(person.subject, person.everywhere)
    found: dict[str, dict[str, int]] = {}
    size = 0
    for path in database_files(store.path):
        size += path.stat().st_size
        here = look(path, person.spellings)
        if path == store.path:
            whole = residues.scan(path, {"subject": [person.subject]})["subject"] - hashes
            here |= {"subject": whole} if whole > 0 else {}
            more = 0
            for place, raw in person.pseudonyms.items():
                seen = residues.scan(path, {"pseudonym": [raw]})["pseudonym"]
                more += max(0, seen - silenced.get(place, 0))
            here |= {"pseudonym": more} if more else {}
        if here:
            found[path.name] = here
    return found, size


def look(path: Path, patterns: residues.Patterns) -> dict[str, int]:
    """Return what a file holds of patterns; an empty one and one that has just gone hold nothing."""
    try:
        return {name: times for name, times in residues.scan(path, patterns).items() if times}
    except FileNotFoundError:
        return {}


def patterns_of(store: Store, keyring: Keyring, identity: str) -> residues.Patterns:
    """Return what would betray a person in any other file: nothing of it may be there at all."""
    person = _person(store, keyring, identity)
    return {
        **person.spellings,
        "subject": residues.of_bytes(person.subject),
        "pseudonym": [each for raw in person.pseudonyms.values() for each in residues.of_bytes(raw)],
    }


def database_files(path: Path) -> list[Path]:
    """Return the files of a database that can hold persons, those that are there."""
    named = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]
    return [each for each in (*named, *sorted(path.parent.glob(f"{path.name}.spool-*"))) if each.is_file()]


def export_of(
    store: Store, keyring: Keyring, person: str | bytes, settings: Settings, now: int
) -> dict[str, Any]:
    """Return all that is held of a person, by address or by keyed hash; ``now`` is ms UTC.

    By keyed hash alone only what stands under it is found, unless a recipient has it.
    """
    from importlib.metadata import version

    identity = person if isinstance(person, str) else _identity_of(store, keyring, person)
    subject = keyring.subject(person) if isinstance(person, str) else person
    copies = store.copies_of(identity) if identity else []
    places = _person(store, keyring, identity).everywhere if identity else []
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
        "categories": ["address and columns of the list", "copies of mails", "opens and clicks", "choices"],
        "recipients_of_data": "none",
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
            if campaign.campaign_id not in mailed and campaign.kind == "recipients"
        ],
    }
    found["integrity"] = {"sha256": sha256(canonical(found)).hexdigest()}
    return found


def canonical(export: Mapping[str, Any]) -> bytes:
    """Return what the integrity hash is of: the JSON without it, keys in order and no blanks."""
    content = {key: value for key, value in export.items() if key != "integrity"}
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def _identity_of(store: Store, keyring: Keyring, subject: bytes) -> str:
    return next((each for each in store.identities() if keyring.subject(each) == subject), "")


def _basis(settings: Settings, purpose: str) -> str:
    if settings.consent == "required" or purpose == "retargeting":
        return "consent, GDPR article 6(1)(a)"
    return "legitimate interest, GDPR article 6(1)(f), with a way to object"


def _retention(settings: Settings, events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    days = settings.events_days
    newest = max((event["at"] for event in events), default=None)
    until = None
    if days is not None and newest is not None:
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
