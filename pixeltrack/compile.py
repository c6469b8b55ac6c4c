"""From a plan to proved templates: numbers from the link table, URLs, cuts, and the three proofs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urlsplit

from pixeltrack.hrefs import host
from pixeltrack.message import header_edits
from pixeltrack.model import CampaignKind, LinkRow
from pixeltrack.proofs import Proof, prove
from pixeltrack.rewrite import Edit, Link, Plan, cut_plan
from pixeltrack.store import CampaignDraft, Store
from pixeltrack.template import Mixture, Slot, Template
from pixeltrack.tokens import CampaignKeys, Keyring, TokenKind
from pixeltrack.urls import Addresses


@dataclass(frozen=True, slots=True)
class Task:
    """What every way of injecting needs. ``now`` is milliseconds UTC."""

    plan: Plan
    campaign: str
    addresses: Addresses
    out: Path
    now: int
    readable: bool = False  # the destination's host stands in the wrapped link
    honeypot: bool = False  # a link that only machines find
    envelope: bool = False  # of a message: each copy gets the headers of its recipient
    test: bool = False  # copies whose hits are recorded and never counted


# No text, so that no screen reader says it and no keyboard reaches it; hidden where styles are kept.
_TRAP_REST = '" tabindex="-1" aria-hidden="true" style="display:none"></a>'


@dataclass(frozen=True, slots=True)
class Compiled:
    """A campaign's mail, cut and proved: how tracked copies are made, and untracked ones."""

    draft: CampaignDraft
    keys: CampaignKeys
    tracked: Template | Mixture
    untracked: Template | Mixture
    proof: Proof


def compile_mail(task: Task, kind: CampaignKind, store: Store, keyring: Keyring) -> Compiled:
    """Number the links, cut the source and prove the cut. Writes nothing.

    Raises SelfCheckError when a proof fails.
    """
    plan, addresses = task.plan, task.addresses
    rows = [
        LinkRow(
            link.number, link.number, link.line, link.label, _tagged(link, plan, task.campaign), link.group
        )
        for link in plan.wrapped
    ]
    trap_at = plan.pixel_at
    if task.honeypot and trap_at is not None:
        position = len(plan.links) + 1
        rows.append(LinkRow(position, position, 0, "honeypot", addresses.privacy, role="honeypot"))
    draft = store.draft_campaign(task.campaign, kind, rows, keyring, task.now)
    keys = keyring.campaign(draft.campaign.code, draft.campaign.key_id)
    numbers = {row.position: row.number for row in draft.links}

    def address(position: int, destination: str) -> str:
        number, name = numbers[position], host(destination) if task.readable else ""
        readable = f"{name}~{keys.host_seal(number, name)}" if name else ""
        return addresses.click_before(keys.code, number, readable)

    def written(start: int, end: int, before: str, slot: Slot | None, after: str = "") -> Edit:
        before, after = plan.enclose(start, before, after, slot is not None)
        return Edit(start, end, before, slot, after)

    fills = []
    if task.envelope:
        created = format_datetime(datetime.fromtimestamp(draft.campaign.created // 1000, UTC))
        fills += header_edits(plan.source, _host(addresses), addresses.unsubscribe(""), created)
    for link in plan.links:
        if link.decision == "fill":
            fills.append(written(link.start, link.end, *_fill(link, addresses)))
    edits = fills + [
        written(link.start, link.end, address(link.number, link.destination), "message")
        for link in plan.wrapped
    ]
    if task.honeypot and trap_at is not None:
        opening = f'<a href="{address(len(plan.links) + 1, "")}'
        edits.append(written(trap_at, trap_at, opening, "message", _TRAP_REST))
    if plan.pixel_at is not None:
        before = f'<img src="{addresses.open_before(keys.code)}'
        after = '.gif" width="1" height="1" alt="" border="0" />'
        edits.append(written(plan.pixel_at, plan.pixel_at, before, "message", after))
    tracked = cut_plan(plan, edits)
    sample = tokens(keys, bytes(8), keys.preview_token())
    sample["to"] = "ada@example.com"
    proof = prove(plan, edits, sample, tracked.renderer()(sample))
    return Compiled(draft, keys, tracked, cut_plan(plan, fills), proof)


def _host(addresses: Addresses) -> str:
    """Return what Message-IDs end in."""
    return urlsplit(addresses.base).hostname or "localhost"


def _tagged(link: Link, plan: Plan, campaign: str) -> str:
    """Return a link's destination with its UTM tags."""
    utm = plan.policy.utm
    if link.utm:
        utm = utm.overridden(link.utm) if utm else link.utm
    if utm is None:
        return link.destination
    places = {
        "campaign": campaign,
        "label": link.label,
        "group": link.group,
        "number": str(link.number),
    }
    return utm.add(link.destination, places)


def _fill(link: Link, addresses: Addresses) -> tuple[str, Slot | None]:
    """Return what stands in the place of a placeholder: a page of ours, and whose."""
    if link.reason == "unsubscribe":
        return addresses.unsubscribe(""), "unsubscribe"
    if link.reason == "preferences":
        return addresses.preferences(""), "preferences"
    return addresses.privacy, None


def tokens(
    keys: CampaignKeys, pseudonym: bytes, message: str, kind: TokenKind = "message"
) -> dict[Slot, str]:
    """Return one copy's tokens by slot; message is the one of its pixel and links."""
    return {
        "message": message,
        "unsubscribe": keys.personal_token("unsubscribe", pseudonym, kind),
        "preferences": keys.personal_token("preferences", pseudonym, kind),
        "id": pseudonym.hex(),
    }
