"""A plan put straight into a database of its own: no server, and nothing of anybody's real mail."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from pixeltrack.minting import number
from pixeltrack.model import Campaign, Event, LinkRow, Message, Scope
from pixeltrack.simulate.facts import events
from pixeltrack.simulate.hits import HitKind, Plan
from pixeltrack.store import CampaignDraft, Store
from pixeltrack.tokens import Keyring

_CHUNK = 5_000  # hits a transaction
_SCOPES: dict[HitKind, Scope] = {"unsubscribe": "all", "stop": "tracking"}


def made_up_links(links: int, honeypot: bool) -> list[LinkRow]:
    """Return a link table for a mail that does not exist, the honeypot last."""
    rows = [
        LinkRow(each, each, each, f"Link {each}", f"https://example.com/{each}")
        for each in range(1, links + 1)
    ]
    hidden = LinkRow(links + 1, links + 1, 0, "honeypot", "https://example.com/privacy", role="honeypot")
    return [*rows, hidden] if honeypot else rows


def fill(
    store: Store,
    keyring: Keyring,
    name: str,
    links: Sequence[LinkRow],
    plan: Plan,
    reduce: Callable[[str], str],
    progress: Callable[[int], None] | None = None,
) -> Campaign:
    """Store a campaign of that name with everything that a plan says, and return it.

    ``links`` are the plan's, the honeypot last. Its people are made up, at a reserved domain.
    ``reduce`` makes of an agent what the store keeps.
    """
    new = store.draft_campaign(name, "recipients", keyring, plan.start).campaign
    campaign = store.save_campaign(CampaignDraft(new, tuple(links), frozenset()))
    keys = keyring.campaign(campaign.code, campaign.key_id)
    people = [f"reader{each}@example.com" for each in range(1, len(plan.people) + 1)]
    messages = [number(keys.pseudonym(each)) for each in people]
    store.save_messages(
        campaign.campaign_id,
        (Message(message, identity, {}, True) for message, identity in zip(messages, people, strict=True)),
    )
    store.set_sent(campaign.campaign_id, plan.sent)
    drawn = events(plan, campaign.campaign_id, messages, [row.number for row in links], reduce)
    done = 0
    for chunk in _chunks(drawn):
        store.put_events(chunk)
        done += len(chunk)
        if progress:
            progress(done)
    for hit in plan.hits:
        if hit.kind in _SCOPES:
            subject = keyring.subject(people[hit.copy])
            store.opt_out(campaign.code, messages[hit.copy], subject, _SCOPES[hit.kind], hit.at)
    return campaign


def _chunks(drawn: Iterator[Event]) -> Iterator[list[Event]]:
    while chunk := list(islice(drawn, _CHUNK)):
        yield chunk
