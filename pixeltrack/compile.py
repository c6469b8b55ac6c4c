"""From a plan to the templates of its copies: links numbered, URLs written in, every proof passed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from pixeltrack.copies import CLICKED, OPENED, Variant, variant_of
from pixeltrack.copytokens import Whose, minter, mode_minter, with_pixel
from pixeltrack.edits import Change, Edit, changes, cut_regions
from pixeltrack.headers import personal_edits
from pixeltrack.hrefs import host
from pixeltrack.longlines import fitted
from pixeltrack.markup import scan
from pixeltrack.mime import split_headers
from pixeltrack.minting import SUBJECT, CampaignKeys, Personal, TokenKind
from pixeltrack.model import CampaignKind, LinkRow, Mail, Mode
from pixeltrack.proofs import Proof, prove
from pixeltrack.rewrite import Link, Plan
from pixeltrack.store import CampaignDraft, Drafting, Store
from pixeltrack.template import Mixture, Slot, Template
from pixeltrack.tokens import Keyring
from pixeltrack.urls import Addresses


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be injected, as what, and where to. ``now`` is milliseconds UTC."""

    plan: Plan
    campaign: str
    addresses: Addresses
    out: Path
    now: int
    readable: bool = False  # the destination's host stands in the wrapped link
    honeypot: bool = False  # a link that only machines find
    bind: bool = False  # each link has a token of its own, which holds for no other
    envelope: bool = False  # of a message: each copy gets the headers of its recipient
    join_buttons: bool = False  # both halves of a button are one link
    test: bool = False  # copies whose hits are recorded and never counted
    attribute: str = ""  # the parameter that the redirect adds to destinations on sites of ours
    version: str = ""  # the name of this version of the campaign's mail, where it has any


# No reader sees or reaches it: nothing to click, hidden from the eye, the keyboard and screen readers.
_TRAP_REST = '" tabindex="-1" aria-hidden="true" style="display:none"></a>'

_PERSONAL: tuple[Personal, ...] = ("unsubscribe", "preferences")


Mint = Callable[[Whose], dict[Slot, str]]


class Made(NamedTuple):
    """One kind of copy, ready for joining. ``leaves`` are a message's parts in quoted-printable there."""

    template: Template | Mixture
    changes: tuple[Change, ...]
    leaves: tuple[int, ...]
    proof: Proof


@dataclass(frozen=True, slots=True)
class Compiled:
    """A source ready for joining: a template for each kind of copy, made and proved when it is asked for.

    ``numbers`` are those of the links in the link table, by position. ``ceiling`` is the kind of copy
    that has all that the campaign may measure.
    """

    draft: CampaignDraft
    keys: CampaignKeys
    numbers: Mapping[int, int]
    make: Callable[[Variant], Made]
    ceiling: Variant
    bound: tuple[int, ...] = ()  # numbers of the links that have tokens of their own
    made: dict[Variant, Made] = field(default_factory=dict)  # as far as it was asked for

    def copy(self, variant: Variant) -> Made:
        """Return one kind of copy. Raises SelfCheckError when a proof fails."""
        if variant not in self.made:
            self.made[variant] = self.make(variant)
        return self.made[variant]

    @property
    def tracked(self) -> Template | Mixture:
        """The template of copies with all that the campaign may measure."""
        return self.copy(self.ceiling).template

    @property
    def untracked(self) -> Template | Mixture:
        return self.copy("none").template

    @property
    def proof(self) -> Proof:
        return self.copy(self.ceiling).proof

    def copies(self, opens: Mode, clicks: Mode, *, test: bool, rowless: bool) -> tuple[Variant, Mint]:
        """Return the kind of copy that is measured so, and what makes its tokens."""
        variant = variant_of(opens, clicks, bound=bool(self.bound))
        self.copy(variant)
        mint = mode_minter(self.keys, opens, clicks, self.bound, test=test, rowless=rowless)
        return variant, mint

    def minter(self, kind: TokenKind = "message") -> Callable[[bytes], dict[Slot, str]]:
        """Return the function pseudonym -> one copy's tokens by slot, all of one kind."""
        mint = minter(self.keys, kind, self.bound)
        return (lambda pseudonym: with_pixel(mint(pseudonym))) if self.ceiling == "apart" else mint


def compile_mail(
    task: Task,
    kind: CampaignKind,
    store: Store,
    keyring: Keyring,
    modes: tuple[Mode, Mode] = ("individual", "individual"),
) -> Compiled:
    """Number the links, cut the source and prove the cut. Writes nothing.

    modes are what a new campaign may have at most. Raises SelfCheckError when a proof fails.
    """
    drafting = store.draft_campaign(task.campaign, kind, keyring, task.now, modes, task.attribute)
    compiled = compile_into(drafting, task, keyring)
    mails = mails_of(drafting, [(task, compiled)], preview=task.test or kind == "preview")
    return replace(compiled, draft=replace(compiled.draft, mails=mails))


def mails_of(drafting: Drafting, made: Iterable[tuple[Task, Compiled]], *, preview: bool) -> tuple[Mail, ...]:
    """Return what a report shows of a campaign's mail, or of each of its versions."""
    found = []
    for task, compiled in made:
        mail = _mail_of(task.plan, compiled.numbers, task.now, preview=preview)
        if mail:
            found.append(replace(mail, version=drafting.version(task.version) if task.version else 0))
    return tuple(found)


def _mail_of(plan: Plan, numbers: Mapping[int, int], now: int, *, preview: bool) -> Mail | None:
    """Return what a report shows of a mail: its HTML, or its text where that is all; None for neither.

    numbers are those of the link table by the place of the link in the plan.
    """
    before = 0  # links of the documents before this one
    for document in plan.documents:
        page = scan(document.view)
        if not page.amp:  # no browser draws AMP without its scripts
            here = range(1, len(page.anchors) + 1)
            own = {place: numbers[before + place] for place in here if before + place in numbers}
            return Mail("html", document.data, document.charset, own, now, preview)
        before += len(page.anchors)
    if plan.kind == "text":
        return Mail("text", plan.source.data, plan.source.charset, dict(numbers), now, preview)
    return None


def compile_into(drafting: Drafting, task: Task, keyring: Keyring) -> Compiled:
    """Do the same for one of several mails of a campaign."""
    plan, addresses = task.plan, task.addresses
    version = drafting.version(task.version) if task.version else 0
    rows = [
        LinkRow(
            *(link.number, link.number, link.line, link.label, _tagged(link, task), link.group),
            version=version,
            plain=link.destination if _tagged(link, task) != link.destination else "",
        )
        for link in plan.wrapped
        if not (task.join_buttons and link.twin)
    ]
    trap_at = plan.pixel_at if task.honeypot else None
    trap = len(plan.links) + 1
    if trap_at is not None:
        rows.append(LinkRow(trap, trap, 0, "honeypot", addresses.privacy, "", "honeypot", version))
    draft = drafting.number(rows)
    keys = keyring.campaign(draft.campaign.code, draft.campaign.key_id)
    numbers = {row.position: row.number for row in draft.links}
    for link in plan.wrapped:
        numbers.setdefault(link.number, numbers.get(link.number - 1, 0))  # the other half of a button

    def written(start: int, end: int, before: str, slot: Slot | None, after: str = "") -> Edit:
        before, after = plan.enclose(start, before, after, slot is not None)
        return Edit(start, end, before, slot, after)

    def click(
        position: int, destination: str, start: int, end: int, opening: str = "", rest: str = ""
    ) -> Edit:
        number, name = numbers[position], host(destination) if task.readable else ""
        readable = f"{name}~{keys.host_seal(number, name)}" if name else ""
        before = opening + addresses.click_before(keys.code, number, readable)
        return written(start, end, before, number if task.bind else "message", rest)

    always = []
    if task.envelope:
        body = split_headers(plan.source.data)[1]
        created = format_datetime(datetime.fromtimestamp(draft.campaign.created // 1000, UTC))
        always += personal_edits(plan.source.view, body, _host(addresses), addresses.unsubscribe(""), created)
    for link in plan.links:
        always += [Edit(start, end, "") for start, end in link.strips]
        if link.decision == "fill":
            always.append(written(link.start, link.end, *_fill(link, addresses)))
    wrapping = [click(link.number, link.destination, link.start, link.end) for link in plan.wrapped]
    if trap_at is not None:
        wrapping.append(click(trap, "", trap_at, trap_at, '<a href="', _TRAP_REST))

    def pixel(slot: Slot) -> list[Edit]:
        if plan.pixel_at is None:
            return []
        before = f'<img src="{addresses.open_before(keys.code)}'
        after = '.gif" width="1" height="1" alt="" border="0" />'
        return [written(plan.pixel_at, plan.pixel_at, before, slot, after)]

    bound = (0, *dict.fromkeys(numbers.values())) if task.bind else ()
    sample: dict[Slot, str] = {
        **with_pixel(minter(keys, "preview", bound)(bytes(8))),
        "to": "ada@example.com",
    }
    if draft.campaign.is_rowless:  # their links are longer
        for purpose in _PERSONAL:
            sample[purpose] = keys.subject_token(purpose, bytes(SUBJECT))

    def make(variant: Variant) -> Made:
        edits = always + (wrapping if variant in CLICKED else [])
        if variant in OPENED:
            edits += pixel(0 if task.bind else "pixel" if variant == "apart" else "message")
        done = fitted(plan.source, plan.regions, plan.plains, edits, sample)
        template = cut_regions(plan.source, done.regions, done.edits)
        proof = prove(
            *(plan, done, sample, template.renderer()(sample)),
            pixel=variant in OPENED,
            links=variant in CLICKED,
        )
        return Made(template, changes(plan.source, done.edits), done.leaves, proof)

    opens, clicks = draft.campaign.modes
    ceiling = variant_of(opens, clicks, bound=task.bind)
    compiled = Compiled(draft, keys, numbers, make, ceiling, bound)
    compiled.copy(ceiling)  # whatever is wrong with it is known before anything is made
    return compiled


def _host(addresses: Addresses) -> str:
    """Return what Message-IDs end in."""
    return urlsplit(addresses.base).hostname or "localhost"


def _tagged(link: Link, task: Task) -> str:
    """Return a link's destination with its UTM tags."""
    utm = task.plan.policy.utm
    if link.utm:
        utm = utm.overridden(link.utm) if utm else link.utm
    if utm is None:
        return link.destination
    places = {
        "campaign": task.campaign,
        "label": link.label,
        "group": link.group,
        "number": str(link.number),
        "version": task.version,
    }
    return utm.add(link.destination, places)


def _fill(link: Link, addresses: Addresses) -> tuple[str, Slot | None]:
    """Return what stands in the place of a placeholder: a page of ours, and whose."""
    if link.reason == "unsubscribe":
        return addresses.unsubscribe(""), "unsubscribe"
    if link.reason == "preferences":
        return addresses.preferences(""), "preferences"
    return addresses.privacy, None
