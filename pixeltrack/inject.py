"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from hashlib import blake2b, sha256
from pathlib import Path

from pixeltrack.compile import Compiled, Mint, Task, compile_into, mails_of
from pixeltrack.consent import NO_SCOPES, Decision, Rules, Said, decide
from pixeltrack.copies import Copy, Variant
from pixeltrack.copytokens import Whose
from pixeltrack.delivery import Delivery
from pixeltrack.delivery import writer as make_writer
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.groups import Groups, together
from pixeltrack.handout import MessageTable
from pixeltrack.ledger import Standings
from pixeltrack.links import has_field
from pixeltrack.listing import RecipientList
from pixeltrack.manifest import manifest, versions_manifest
from pixeltrack.minting import EVERYBODY, CampaignKeys, number
from pixeltrack.model import BY_HIT, MODES, RANK, Consent, Message, Mode, Recipient, Scope
from pixeltrack.output import Output
from pixeltrack.placing import Placed, Versions, place
from pixeltrack.proofs import Proof
from pixeltrack.rewrite import Plan
from pixeltrack.signals import uninterrupted
from pixeltrack.sinks import Format
from pixeltrack.split import Split
from pixeltrack.store import Drafting, Store
from pixeltrack.terms import Terms
from pixeltrack.tokens import Keyring

_CHECKPOINT = 10_000  # copies after which an interrupted run can be taken up again

Progress = Callable[[int], None]  # called with the number of recipients done so far


@dataclass(frozen=True, slots=True)
class Summary:
    """What an injection did. ``modes`` counts recipients by what was decided about them."""

    campaign: str
    code: str
    out: Path
    messages: int
    bytes: int
    modes: Mapping[Decision, int]
    proof: Proof
    format: Format = "html"
    earlier: int = 0  # messages of the campaign that earlier runs made, and that still count
    resumed: int = 0  # recipients that an earlier, interrupted run had done
    versions: tuple[tuple[str, int], ...] = ()  # name and messages of each
    kept: int = 0  # people who keep the version that they were given before
    shared: bool = False  # one mail, the same for everybody


def inject_list(
    task: Task,
    people: RecipientList,
    store: Store,
    keyring: Keyring,
    terms: Terms,
    delivery: Delivery,
    progress: Progress | None = None,
    versions: Versions | None = None,
    *,
    only_new: bool = False,
    skip_bounced: bool = False,
) -> Summary:
    """Make one copy for each recipient, with manifest.json and a table of who gets which.

    With versions each gets one of these, and ``task`` is the first of them. With only_new those who
    have a message of the campaign already get none, with skip_bounced those whose address is bad for good.

    Recipients of whom nothing may be measured get the mail with its original links and no pixel; people
    who unsubscribed get none. Files appear only after every row is stored. On an error before that nothing
    is left, but what an interrupted long run has made for ``delivery.resume``; should storing itself
    fail half-way, rows stay that the same command completes.
    """
    tasks = versions.tasks if versions else (task,)
    modes = terms.rules.opens, terms.rules.clicks
    drafting = store.draft_campaign(task.campaign, "recipients", keyring, task.now, modes, task.attribute)
    rules = terms.within(drafting.campaign)
    rowless = drafting.campaign.is_rowless
    if rowless and only_new:
        raise InputError(
            "--only-new cannot be used for a campaign that keeps no row of its recipients",
            hint="of mail that is counted together nobody knows who has it already",
        )
    made = [compile_into(drafting, each, keyring) for each in tasks]
    mails = list(zip(tasks, made, strict=True))
    for each in tasks:
        check_fields(each.plan, rules)
    keys, addresses = made[0].keys, task.addresses
    opt_outs = store.opt_outs()
    gone = frozenset(map(keyring.subject, store.hard_bounced())) if skip_bounced else NOBODY
    last_consent = store.last_consent()
    standings = store.standings()
    decided: Counter[Decision] = Counter()

    def mode_of(recipient: Recipient) -> Decision:
        if not (opt_outs or standings or gone):
            return of_list(recipient.opens, recipient.clicks)
        subject = keyring.subject(recipient.identity)
        if subject in gone:
            return _BOUNCED
        recorded, refused = standings.of(subject), opt_outs.get(subject, NO_SCOPES)
        return decide(rules, Said(recipient.opens, recipient.clicks, recorded, refused))

    @cache
    def of_list(opens: Consent, clicks: Consent) -> Decision:
        return decide(rules, Said(opens, clicks))

    groups = Groups(people, mode_of, keys) if rowless and "company" in modes else None
    placed = _placed(people, mode_of, keys, drafting, store, tasks, versions, only_new=only_new)
    copies = array("q")  # pseudonyms
    fates = bytearray()  # of each person of the list
    crowds: Counter[tuple[bytes, Mode, Mode]] = Counter()
    digest = ListDigest()
    per_version = Counter({each.version: 0 for each in tasks})
    fingerprint = _fingerprint(task, people, made, placed, delivery, rules, opt_outs, standings, gone)
    denied = False
    names = [each.version for each in tasks if each.version]
    with Output(task.out, fingerprint, resume=delivery.resume, started=task.now, versions=names) as output:
        resumed = output.done
        writer = make_writer(output, mails, delivery, people)
        table = MessageTable(output, addresses, versions=bool(names)) if writer.single_files else None
        mints: dict[tuple[int, Mode, Mode], tuple[Variant, Mint]] = {}
        for done, recipient in enumerate(people, start=1):
            decision, crowd = mode_of(recipient), EVERYBODY
            if groups:
                decision, crowd = groups.placed(recipient, decision)
            elif not rowless:
                decision = together(decision)
            which = 0
            if placed and decision.outcome != "suppressed":
                version = placed.version(done - 1)
                if isinstance(version, str):
                    decision = Decision("suppressed", "off", "off", version)
                else:
                    which = version
            decided[decision] += 1
            denied = denied or "denied" in (recipient.opens, recipient.clicks)
            outcome, opens, clicks, _reason = decision
            pseudonym = keys.pseudonym(recipient.identity)
            if rowless:
                digest.add(pseudonym)
            if outcome != "suppressed":
                kind = mints.get((which, opens, clicks))
                if kind is None:
                    kind = mints[which, opens, clicks] = made[which].copies(
                        opens, clicks, test=task.test, rowless=rowless
                    )
                subject = keyring.subject(recipient.identity) if rowless else b""
                copy = Copy(
                    done,
                    recipient,
                    kind[0],
                    f"{done:06d}-{pseudonym[:3].hex()}",
                    kind[1](Whose(pseudonym, recipient.identity, crowd, subject)),
                    f"{people.name} line {recipient.line}",
                    tasks[which].version,
                )
                file = writer.put(copy, again=done <= resumed)
                copies.append(number(pseudonym))
                fates.append(RANK[opens] << 4 | RANK[clicks])
                if rowless:
                    crowds[crowd, opens, clicks] += 1
                per_version[copy.version] += 1
                if table:
                    table.add(copy, file)
            else:
                fates.append(_NO_COPY)
            if done % _CHECKPOINT == 0 and done > resumed:
                output.checkpoint(done)
            if progress:
                progress(done)
        if not copies:
            raise PixeltrackError(
                f"nobody to write to: {_why_nobody(people, decided)}", hint="nothing was written"
            )
        summary = Summary(
            *(task.campaign, keys.code, task.out, len(copies), writer.written),
            *(dict(decided), made[0].proof, delivery.format),
            resumed=resumed,
            versions=tuple(per_version.items()) if names else (),
            kept=placed.kept if placed else 0,
        )
        known = delivery.tags.values if delivery.format in ("recipe", "esp") else {}
        if names:
            record = versions_manifest(mails, per_version, delivery.format, known)
        else:
            record = manifest(task, made[0], "recipients", len(copies), delivery.format, known)
        output.write("manifest.json", record)
        with uninterrupted():
            shown = mails_of(drafting, mails, preview=task.test)
            campaign = store.save_campaign(replace(drafting.draft(), mails=shown))
            if not task.test:
                numbers = [drafting.version(name) for name in names] or [0]
                batch = store.begin_batch(campaign.campaign_id, task.now)
                store.save_messages(
                    campaign.campaign_id,
                    () if rowless else _stored(people, copies, fates, placed, numbers),
                    _denied(people) if denied else (),
                    batch,
                )
                if rowless:
                    rows = (groups or Groups((), mode_of, keys)).crowds(crowds)
                    store.save_crowds(campaign.campaign_id, digest.value, rows)
                store.end_batch(campaign.campaign_id, batch)
                late = store.refused_since(last_consent)  # while the copies were made
                if late:
                    identities = ((each.identity, keyring.subject(each.identity)) for each in people)
                    store.silence((each, late[subject]) for each, subject in identities if subject in late)
                store.note("inject", campaign.name, counts=store.modes_of(campaign.campaign_id))
                if not only_new:  # who has an earlier one is left out, and counted as that
                    summary = replace(summary, earlier=store.copies(campaign.campaign_id) - len(copies))
            output.publish()
    return summary


NOBODY: frozenset[bytes] = frozenset()
_BOUNCED = Decision("suppressed", "off", "off", "bounced for good before")
_NO_COPY = 255  # a fate; others are the modes of opens and of clicks


def check_fields(plan: Plan, rules: Rules) -> None:
    """Raise InputError for a mail whose links lead each reader elsewhere, where no row says who that is."""
    if {rules.clicks, rules.without if rules.clicks != "off" else "off"} <= {"individual", "off"}:
        return
    for link in plan.wrapped:
        if has_field(link.destination):
            raise InputError(
                f"{plan.source.name} line {link.line}: {link.destination} is filled in for each recipient,"
                " who is not known when clicks are not measured by person",
                hint="--clicks off leaves links alone; or take the field out of the address",
            )


def _denied(people: Iterable[Recipient]) -> Iterator[tuple[str, int]]:
    """Yield whom the list denies something, and what, in bits: 1 opens, 2 clicks."""
    for each in people:
        kinds = (each.opens == "denied") | (each.clicks == "denied") << 1
        if kinds:
            yield each.identity, kinds


class ListDigest:
    """Tells the people of one list from those of another, whatever their order and the other columns."""

    def __init__(self) -> None:
        self._sum = self._people = 0

    def add(self, pseudonym: bytes) -> None:
        self._sum = (self._sum + int.from_bytes(pseudonym)) % (1 << 128)
        self._people += 1

    @property
    def value(self) -> bytes:
        return blake2b(f"{self._people} {self._sum}".encode(), digest_size=16).digest()


def _placed(
    people: RecipientList,
    mode_of: Callable[[Recipient], Decision],
    keys: CampaignKeys,
    drafting: Drafting,
    store: Store,
    tasks: Sequence[Task],
    versions: Versions | None,
    *,
    only_new: bool,
) -> Placed | None:
    """Return who gets which version; None where all get the one that there is."""
    if not (versions or only_new or drafting.versions):
        return None

    def pseudonym_of(recipient: Recipient) -> int | None:
        if mode_of(recipient).outcome == "suppressed":
            return None
        return number(keys.pseudonym(recipient.identity))

    split = versions.split if versions else Split((Fraction(100),))
    return place(people, pseudonym_of, drafting, store, tasks, split, only_new=only_new)


def _why_nobody(people: RecipientList, modes: Mapping[Decision, int]) -> str:
    reasons = {each.reason for each in modes if each.outcome == "suppressed"}
    if len(reasons) > 1:
        return f"nobody in {people.name} is left"
    (reason,) = reasons
    return f"everybody in {people.name} {'has unsubscribed' if reason == 'unsubscribed' else reason}"


def _stored(
    people: Iterable[Recipient],
    copies: Iterable[int],
    fates: Iterable[int],
    placed: Placed | None,
    numbers: Sequence[int],
) -> Iterator[Message]:
    """Yield the run's messages again, as the store keeps them; numbers are those of the versions."""
    remaining = iter(copies)
    for at, (recipient, fate) in enumerate(zip(people, fates, strict=True)):
        if fate == _NO_COPY:
            continue
        which = placed.places[at] if placed else 0
        opens, clicks = divmod(fate, 16)
        yield message_of(next(remaining), recipient, opens, clicks, numbers[which])


def message_of(pseudonym: int, recipient: Recipient, opens: int, clicks: int, version: int = 0) -> Message:
    """Return a copy as the store keeps it; opens and clicks are places in ``MODES``."""
    by_hit = BY_HIT & {MODES[opens], MODES[clicks]}
    return Message(
        *(pseudonym, recipient.identity, recipient.fields, bool(by_hit), version), opens=opens, clicks=clicks
    )


def _fingerprint(
    task: Task,
    people: RecipientList,
    made: Sequence[Compiled],
    placed: Placed | None,
    delivery: Delivery,
    rules: Rules,
    opt_outs: Mapping[bytes, frozenset[Scope]],
    standings: Standings,
    gone: frozenset[bytes],
) -> str:
    """Return what is the same for two runs exactly when all their copies are."""
    keys = made[0].keys
    refused = sorted((subject.hex(), sorted(scopes)) for subject, scopes in opt_outs.items())
    told = repr(
        (
            *((each.tracked.chunks, each.bound) for each in made),
            *(keys.check, people.digest, task.test, placed and sha256(placed.places).digest()),
            *(delivery.format, delivery.tags, delivery.personalize, rules[:-1], sorted(rules.free), refused),
            standings.digest,
            *([sorted(gone)] if gone else []),
        )
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()
