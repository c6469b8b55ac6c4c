"""Why one hit was taken for what it is, and which hits a person's message has."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from urllib.parse import urlsplit

from pixeltrack import verdicts
from pixeltrack.agents import AgentFacts, describe
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.headerflags import in_words
from pixeltrack.judging import Context, Fact, Verdict, judge_of
from pixeltrack.judging.trail import Step, trail
from pixeltrack.minting import number
from pixeltrack.model import TOGETHER, Campaign, EventKind, LinkRow
from pixeltrack.recipients import identity
from pixeltrack.rules import Rules
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring
from pixeltrack.urls import parse


@dataclass(frozen=True, slots=True)
class Explanation:
    """One hit: what is known of it, every rule that was asked, and what became of it."""

    fact: Fact
    campaign: Campaign
    link: LinkRow | None
    about: AgentFacts
    signs: tuple[str, ...]  # of its request
    others: int  # hits of the same message
    verdict: Verdict
    steps: tuple[Step, ...]
    counted: str
    rules_version: str


@dataclass(frozen=True, slots=True)
class Listed:
    """One of a message's hits."""

    fact: Fact
    verdict: Verdict


def explain(store: Store, book: Rules, event: int) -> Explanation:
    """Explain the hit of a number. What is new is judged first."""
    verdicts.update(store, book)
    placed = store.facts_by_number([event])
    if not placed:
        raise PixeltrackError(
            f"there is no hit number {event}",
            hint="pixeltrack explain --campaign NAME --recipient ADDRESS lists a person's hits",
        )
    (campaign_id, fact) = placed[0]
    campaign = next(each for each in store.campaigns() if each.campaign_id == campaign_id)
    hits, context, spread = _message(store, book, campaign_id, fact.message)
    place = [hit.event_id for hit in hits].index(event)
    verdict, steps = trail(judge_of(book), hits, place, context, spread)
    links = {link.number: link for link in store.links(campaign_id)}
    return Explanation(
        fact,
        campaign,
        links.get(fact.link),
        describe(fact.agent),
        in_words(fact.flags),
        len(hits) - 1,
        verdict,
        tuple(steps),
        _counted(fact, verdict),
        book.version,
    )


def hits_of(store: Store, book: Rules, campaign_id: int, message: int) -> list[Listed]:
    """Return a message's hits in order of time, with their verdicts. What is new is judged first."""
    verdicts.update(store, book)
    hits, context, spread = _message(store, book, campaign_id, message)
    judged = judge_of(book).message(hits, context, spread)
    return [Listed(fact, verdict) for fact, verdict in zip(hits, judged, strict=True)]


def _message(
    store: Store, book: Rules, campaign_id: int, message: int
) -> tuple[list[Fact], Context, set[int]]:
    placed = store.facts_of([(campaign_id, message)], store.last_event())
    hits = sorted((fact for _campaign, fact in placed), key=attrgetter("at", "event_id"))
    spread, _others = verdicts.spread_events(store, placed, store.last_event(), book)
    return hits, verdicts.contexts(store)[campaign_id], spread


def _counted(fact: Fact, verdict: Verdict) -> str:
    what = "click" if fact.kind == EventKind.CLICK else "open"
    if verdict.label == "human":
        return f"a person's {what}; the message counts once as unique"
    if verdict.label == "unknown":
        return f"an unknown {what}: apart from people's and machines'"
    if verdict.label == "test":
        return "nothing: hits of test messages are told as a number"
    return f"a machine's {what}: set aside, never among people's"


def message_of_recipient(store: Store, keyring: Keyring, name: str, recipient: str) -> tuple[Campaign, int]:
    """Return a campaign and the number of the message that went to a recipient.

    Where the sender's own mail system fills in the recipients, that is its id of one. Raises
    PixeltrackError for who got no message of the campaign, as far as that is known.
    """
    campaign = store.campaign(name)
    keys = keyring.campaign(campaign.code, campaign.key_id)
    if campaign.kind == "merge":
        return campaign, number(keys.pseudonym(recipient))
    recipient = identity(recipient, "--recipient")
    message = number(keys.pseudonym(recipient))
    if not store.holders(campaign.campaign_id, [message]):
        raise PixeltrackError(
            f"campaign {name!r} has no message for {recipient}",
            hint="is the address written as on the list?",
        )
    return campaign, message


def message_of_token(store: Store, keyring: Keyring, given: str) -> tuple[Campaign, int]:
    """Return the campaign and message of a URL in a mail, or of the token in it."""
    split = urlsplit(given.strip())
    route = parse(split.path)
    for campaign in store.campaigns():
        if route is None:
            found = keyring.verify_tracking(campaign.code, given.strip(), 0)
        elif route.kind in ("open", "click") and route.code == campaign.code:
            found = keyring.verify_tracking(route.code, route.token, route.link)
        else:
            found = None
        if found is not None and found.mode not in TOGETHER:
            return campaign, found.pseudonym
        if route and route.kind in ("unsubscribe", "preferences"):
            purpose = "unsubscribe" if route.kind == "unsubscribe" else "preferences"
            person = keyring.verify_personal(purpose, route.token)  # type: ignore[arg-type]
            if person and person.code == campaign.code and person.subject is None:
                return campaign, person.pseudonym
            together = person is not None and person.code == campaign.code
        else:
            together = found is not None
        if together:
            raise InputError(
                f"nothing of this mail is kept by message: campaign {campaign.name!r} is counted together",
                hint="pixeltrack report has its figures",
            )
    raise InputError(
        f"{given[:200]!r} is no address or token of a mail made here",
        hint="give a whole link of the mail, its pixel's address, or the token at the end of one",
    )
