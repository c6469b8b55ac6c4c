"""Whose message a report is about: by our own tokens in it, by what it calls the campaign, by the address.

Tokens are verified by the key, so what returned mail says with them is certain; anything else is the word of
whoever made the file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from pixeltrack.errors import InputError, NoSuchCampaign
from pixeltrack.feedback import TrackingEvent
from pixeltrack.minting import TokenKind
from pixeltrack.model import Campaign
from pixeltrack.recipients import identity
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring
from pixeltrack.urls import parse

#: Why an event is nobody's here.
Unmatched = Literal["no_campaign", "unknown_campaign", "unknown_recipient", "preview"]

_TOKEN = r"[A-Za-z0-9_-]{28}(?:\.[A-Za-z0-9_~.-]{1,64})?"
_PATH = re.compile(
    r"/[up]/[A-Za-z0-9_-]{40,48}"
    r"|/o/[a-z2-7]{8}/[A-Za-z0-9_-]{28}(?:\.[A-Za-z0-9_~.-]{1,64}?)??\.gif"
    rf"|/c/[a-z2-7]{{8}}/[1-9][0-9]{{0,6}}/(?:[a-z0-9.:\[\]-]{{1,253}}~[A-Za-z0-9_-]{{8}}/)?{_TOKEN}"
)
REFUSING = frozenset({"complained", "unsubscribed"})  # types of events by which people refuse all mail
_MOST_URLS = 200  # of one message that are tried


class Found(NamedTuple):
    """What a token of ours says: a campaign, and a message or a person where it names one."""

    code: str
    kind: TokenKind
    message: int | None = None
    subject: bytes | None = None


class Match(NamedTuple):
    """A campaign and its message, 0 where that has no row; and who it went to, by address or keyed hash."""

    campaign: Campaign
    message: int
    who: str | bytes | None


class _Told(NamedTuple):
    """What an event says of itself, before anything is looked up."""

    event: TrackingEvent
    found: Found | None
    campaign: Campaign | Unmatched
    identity: str | None


class Matcher:
    """Finds the messages of one store. Raises NoSuchCampaign for a ``campaign`` that is not there.

    ``campaign`` is whose the events are that name none.
    """

    def __init__(self, store: Store, keyring: Keyring, campaign: str | None = None) -> None:
        self._store, self._keyring = store, keyring
        campaigns = store.campaigns()
        self._by_code = {each.code: each for each in campaigns}
        self._by_name = {each.name: each for each in campaigns}
        if campaign is not None and campaign not in self._by_name:
            raise NoSuchCampaign(campaign, [*self._by_name])
        self._default = self._by_name[campaign] if campaign is not None else None
        self._crowded: dict[int, bool] = {}
        self._messages: dict[int, dict[str, int]] = {}  # by campaign and address

    def match(self, events: Iterable[TrackingEvent]) -> list[tuple[Match | Unmatched, bytes | None]]:
        """Return of each event whose message it is about, or why it is nobody's; and who it is about.

        That is a keyed hash, known by the address alone where the message is not; None where a preview's
        recipient is, for nobody got that.
        """
        told = [self._told(event) for event in events]
        self._look_up(told)
        return [self._matched(each) for each in told]

    def _told(self, event: TrackingEvent) -> _Told:
        found = next(tokens(self._keyring, event.returned), None) if event.returned else None
        try:
            known_as = identity(event.recipient, "event")
        except InputError:
            known_as = None
        return _Told(event, found, self._campaign(event, found), known_as)

    def _look_up(self, told: Iterable[_Told]) -> None:
        """Note the messages to all addresses at once."""
        wanted: defaultdict[int, set[str]] = defaultdict(set)
        for each in told:
            if each.identity and isinstance(each.campaign, Campaign):
                wanted[each.campaign.campaign_id].add(each.identity)
        self._messages = {
            number: self._store.messages_to(number, identities) for number, identities in wanted.items()
        }

    def _matched(self, told: _Told) -> tuple[Match | Unmatched, bytes | None]:
        match = self._match(told)
        if match == "preview":
            return match, None
        who = match.who if isinstance(match, Match) else told.identity
        if told.event.event_type not in REFUSING:
            return match, None
        return match, self._keyring.subject(who) if isinstance(who, str) else who

    def _match(self, told: _Told) -> Match | Unmatched:
        _event, found, campaign, known_as = told
        if not isinstance(campaign, Campaign):
            return campaign
        match = self._with_row(campaign, found, known_as)
        if match is not None:
            return match
        subject = self._keyring.subject(known_as) if known_as else found.subject if found else None
        if subject is not None and self._store.is_erased(subject):
            return "unknown_recipient"
        if campaign.kind == "merge":
            return Match(campaign, (found.message if found else None) or 0, subject)
        if self._has_crowd(campaign) or (found is not None and found.kind == "pseudonymous"):
            return Match(campaign, 0, subject)
        return "unknown_recipient"

    def _campaign(self, event: TrackingEvent, found: Found | None) -> Campaign | Unmatched:
        campaign = self._named(event, found)
        is_preview = (found is not None and found.kind == "preview") or (
            isinstance(campaign, Campaign) and campaign.kind == "preview"
        )
        return "preview" if is_preview else campaign

    def _named(self, event: TrackingEvent, found: Found | None) -> Campaign | Unmatched:
        if found is not None:
            return self._by_code.get(found.code) or "unknown_campaign"
        if event.campaign:
            named = self._by_name.get(event.campaign) or self._by_code.get(event.campaign.lower())
            return named or "unknown_campaign"
        return self._default or "no_campaign"

    def _with_row(self, campaign: Campaign, found: Found | None, known_as: str | None) -> Match | None:
        """Return the message that has a row here."""
        number, store = campaign.campaign_id, self._store
        if found is not None and found.message is not None:
            owner = store.recipient_of(number, found.message)
            if owner is not None:
                return Match(campaign, found.message, owner)
        if found is not None and found.subject is not None:
            message = store.message_of_subject(number, found.subject)
            if message is not None:
                return Match(campaign, message, found.subject)
        message = self._messages.get(number, {}).get(known_as) if known_as else None
        return None if message is None else Match(campaign, message, known_as)

    def _has_crowd(self, campaign: Campaign) -> bool:
        """Return whether some of a campaign's recipients have no row."""
        number = campaign.campaign_id
        if number not in self._crowded:
            self._crowded[number] = campaign.is_rowless or bool(self._store.crowds(number))
        return self._crowded[number]


def tokens(keyring: Keyring, texts: Iterable[str]) -> Iterator[Found]:
    """Yield what verified tokens of ours in texts say, in order; those that name somebody first of all."""
    unnamed = []
    for found in _verified(keyring, texts):
        if found.message is None and found.subject is None and found.kind != "preview":
            unnamed.append(found)
        else:
            yield found
    yield from unnamed


def _verified(keyring: Keyring, texts: Iterable[str]) -> Iterator[Found]:
    tried = 0
    for text in texts:
        for path in _PATH.finditer(text):
            tried += 1
            if tried > _MOST_URLS:
                return
            found = _verify(keyring, path[0].rstrip("."))
            if found is not None:
                yield found


def _verify(keyring: Keyring, path: str) -> Found | None:
    route = parse(path)
    if route is None:
        return None
    if route.kind in ("unsubscribe", "preferences"):
        person = keyring.verify_personal(
            "unsubscribe" if route.kind == "unsubscribe" else "preferences", route.token
        )
        if person is None:
            return None
        named = None if person.kind == "subject" else person.pseudonym
        return Found(person.code, person.kind, named, person.subject)
    tracked = keyring.verify_tracking(route.code, route.token, route.link)
    if tracked is None:
        return None
    names = tracked.kind in ("message", "merge", "hygiene") and tracked.counts
    return Found(route.code, tracked.kind, tracked.pseudonym if names else None)
