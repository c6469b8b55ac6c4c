"""From a plan to proved templates: numbers from the link table, URLs, cuts, and the three proofs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pixeltrack.model import CampaignKind, LinkRow
from pixeltrack.personalize import Personalized
from pixeltrack.proofs import Proof, prove
from pixeltrack.rewrite import Edit, Plan, Slot, Template, cut
from pixeltrack.store import CampaignDraft, Store
from pixeltrack.tokens import CampaignKeys, Keyring
from pixeltrack.urls import Addresses


@dataclass(frozen=True, slots=True)
class Task:
    """What every way of injecting needs. ``now`` is milliseconds UTC."""

    plan: Plan
    campaign: str
    addresses: Addresses
    out: Path
    now: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """A campaign's mail, cut and proved: how tracked copies are made, and untracked ones."""

    draft: CampaignDraft
    keys: CampaignKeys
    tracked: Template
    untracked: Template
    proof: Proof


def compile_mail(task: Task, kind: CampaignKind, store: Store, keyring: Keyring) -> Compiled:
    """Number the links, cut the source and prove the cut. Writes nothing.

    Raises SelfCheckError when a proof fails.
    """
    plan, addresses = task.plan, task.addresses
    rows = [
        LinkRow(link.number, link.number, link.line, link.text, link.destination) for link in plan.wrapped
    ]
    draft = store.draft_campaign(task.campaign, kind, rows, keyring, task.now)
    keys = keyring.campaign(draft.campaign.code, draft.campaign.key_id)
    numbers = {row.position: row.number for row in draft.links}
    fills = [
        Edit(link.start, link.end, "", _slot(link.reason), "")
        for link in plan.links
        if link.decision == "fill"
    ]
    edits = fills + [
        Edit(link.start, link.end, addresses.click_before(keys.code, numbers[link.number]), "message", "")
        for link in plan.wrapped
    ]
    if plan.pixel_at is not None:
        before = f'<img src="{addresses.open_before(keys.code)}'
        after = '.gif" width="1" height="1" alt="" border="0" />'
        edits.append(Edit(plan.pixel_at, plan.pixel_at, before, "message", after))
    tracked = cut(plan.source, edits)
    sample = slot_values(keys, addresses, bytes(8), keys.preview_token())
    output = without_fields(tracked)({}, sample, "")
    proof = prove(plan.source, edits, sample, output, addresses.owns)
    return Compiled(draft, keys, tracked, cut(plan.source, fills), proof)


def _slot(reason: str) -> Slot:
    slots: dict[str, Slot] = {
        "unsubscribe": "unsubscribe",
        "preferences": "preferences",
        "privacy": "privacy",
    }
    return slots[reason]


def slot_values(keys: CampaignKeys, addresses: Addresses, pseudonym: bytes, token: str) -> dict[Slot, str]:
    """Return what one recipient's copy has in its slots."""
    return {
        "message": token,
        "unsubscribe": addresses.unsubscribe(keys.personal_token("unsubscribe", pseudonym)),
        "preferences": addresses.preferences(keys.personal_token("preferences", pseudonym)),
        "privacy": addresses.privacy,
    }


def without_fields(template: Template) -> Personalized:
    """Return a renderer that leaves the mail's own merge tags as they are."""
    join = template.renderer()

    def render(_fields: Mapping[str, str], values: Mapping[Slot, str], _where: str) -> bytes:
        return join(values["message"], values["unsubscribe"], values["preferences"], values["privacy"])

    return render
