"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from hashlib import blake2b, sha256
from pathlib import Path

from pixeltrack import consent
from pixeltrack.compile import Compiled, Task, compile_into, mails_of
from pixeltrack.copies import Copy
from pixeltrack.delivery import Delivery
from pixeltrack.delivery import writer as make_writer
from pixeltrack.errors import PixeltrackError
from pixeltrack.handout import MessageTable
from pixeltrack.ledger import Standings
from pixeltrack.listing import RecipientList
from pixeltrack.manifest import manifest, versions_manifest
from pixeltrack.minting import CampaignKeys, TokenKind, number
from pixeltrack.model import Message, Recipient, Scope
from pixeltrack.output import Output
from pixeltrack.placing import Placed, Versions, place
from pixeltrack.proofs import Proof
from pixeltrack.signals import uninterrupted
from pixeltrack.sinks import Format
from pixeltrack.split import Split
from pixeltrack.store import Drafting, Store
from pixeltrack.tokens import Keyring

_CHECKPOINT = 10_000  # copies after which an interrupted run can be taken up again

Progress = Callable[[int], None]  # called with the number of recipients done so far


@dataclass(frozen=True, slots=True)
class Summary:
    """What an injection did. ``modes`` counts recipients by (outcome, reason)."""

    campaign: str
    code: str
    out: Path
    messages: int
    bytes: int
    modes: Mapping[consent.Mode, int]
    proof: Proof
    format: Format = "html"
    earlier: int = 0  # messages of the campaign that earlier runs made, and that still count
    resumed: int = 0  # recipients that an earlier, interrupted run had done
    versions: tuple[tuple[str, int], ...] = ()  # name and messages of each
    kept: int = 0  # people who keep the version that they were given before


def inject_list(
    task: Task,
    people: RecipientList,
    store: Store,
    keyring: Keyring,
    policy: consent.Policy,
    delivery: Delivery,
    progress: Progress | None = None,
    versions: Versions | None = None,
    *,
    only_new: bool = False,
) -> Summary:
    """Make one copy for each recipient, with manifest.json and a table of who gets which.

    With versions each gets one of these, and ``task`` is the first of them. With only_new those who
    have a message of the campaign already get none.

    Recipients who may not be tracked get the mail with its original links and no pixel; people who
    unsubscribed get none. Files appear only after every row is stored. On an error before that nothing
    is left, but what an interrupted long run has made for ``delivery.resume``; should storing itself
    fail half-way, rows stay that the same command completes.
    """
    tasks = versions.tasks if versions else (task,)
    drafting = store.draft_campaign(task.campaign, "recipients", keyring, task.now)
    made = [compile_into(drafting, each, keyring) for each in tasks]
    mails = list(zip(tasks, made, strict=True))
    compiled = made[0]
    keys, addresses = compiled.keys, task.addresses
    kind: TokenKind = "preview" if task.test else "message"  # what previews do is never counted
    opt_outs = store.opt_outs()
    last_consent = store.last_consent()
    standings = store.standings()
    modes: Counter[consent.Mode] = Counter()

    def mode_of(recipient: Recipient) -> consent.Mode:
        if not (opt_outs or standings):
            return consent.decide(policy, recipient.consent, _NOTHING)
        subject = keyring.subject(recipient.identity)
        return consent.decide(
            *(policy, recipient.consent, opt_outs.get(subject, _NOTHING), standings.of(subject))
        )

    placed = _placed(people, mode_of, keys, drafting, store, tasks, versions, only_new=only_new)
    copies = array("q")  # pseudonyms
    fates = bytearray()  # of each person of the list
    per_version = Counter({each.version: 0 for each in tasks})
    fingerprint = _fingerprint(task, people, made, placed, delivery, policy, opt_outs, standings)
    denied = False
    names = [each.version for each in tasks if each.version]
    with Output(task.out, fingerprint, resume=delivery.resume, started=task.now, versions=names) as output:
        resumed = output.done
        writer = make_writer(output, mails, delivery, people)
        table = MessageTable(output, addresses, versions=bool(names)) if writer.single_files else None
        mints = [each.minter(kind) for each in made]
        for done, recipient in enumerate(people, start=1):
            mode = mode_of(recipient)
            which = 0
            if placed and mode.outcome != "suppressed":
                version = placed.version(done - 1)
                if isinstance(version, str):
                    mode = consent.Mode("suppressed", version)
                else:
                    which = version
            modes[mode] += 1
            denied = denied or recipient.consent == "denied"
            if mode.outcome != "suppressed":
                pseudonym = keys.pseudonym(recipient.identity)
                is_tracked = mode.outcome == "tracked"
                values = mints[which](pseudonym)
                copy = Copy(
                    done,
                    recipient,
                    is_tracked,
                    f"{done:06d}-{pseudonym[:3].hex()}",
                    values,
                    f"{people.name} line {recipient.line}",
                    tasks[which].version,
                )
                file = writer.put(copy, again=done <= resumed)
                copies.append(number(pseudonym))
                fates.append(is_tracked)
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
                f"nobody to write to: {_why_nobody(people, modes)}", hint="nothing was written"
            )
        summary = Summary(
            *(task.campaign, keys.code, task.out, len(copies), writer.written),
            *(dict(modes), compiled.proof, delivery.format),
            resumed=resumed,
            versions=tuple(per_version.items()) if names else (),
            kept=placed.kept if placed else 0,
        )
        known = delivery.tags.values if delivery.format in ("recipe", "esp") else {}
        if names:
            record = versions_manifest(mails, per_version, delivery.format, known)
        else:
            record = manifest(task, compiled, "recipients", len(copies), delivery.format, known)
        output.write("manifest.json", record)
        with uninterrupted():
            shown = mails_of(drafting, mails, preview=task.test)
            campaign = store.save_campaign(replace(drafting.draft(), mails=shown))
            if not task.test:
                numbers = [drafting.version(name) for name in names] or [0]
                batch = store.begin_batch(campaign.campaign_id, task.now)
                store.save_messages(
                    campaign.campaign_id,
                    _stored(people, copies, fates, placed, numbers),
                    (each.identity for each in people if each.consent == "denied") if denied else (),
                    batch,
                )
                store.end_batch(campaign.campaign_id, batch)
                late = store.refused_since(last_consent)  # while the copies were made
                if late:
                    store.silence(each.identity for each in people if keyring.subject(each.identity) in late)
                store.note("inject", campaign.name, counts=store.modes_of(campaign.campaign_id))
                stored, _tracked = store.message_counts(campaign.campaign_id)
                if not only_new:  # who has an earlier one is left out, and counted as that
                    summary = replace(summary, earlier=stored - len(copies))
            output.publish()
    return summary


_NOTHING: frozenset[Scope] = frozenset()
_NO_COPY = 2  # a fate; 0 and 1 are untracked and tracked


def _placed(
    people: RecipientList,
    mode_of: Callable[[Recipient], consent.Mode],
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


def _why_nobody(people: RecipientList, modes: Mapping[consent.Mode, int]) -> str:
    reasons = {reason for outcome, reason in modes if outcome == "suppressed"}
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
        yield Message(next(remaining), recipient.identity, recipient.fields, bool(fate), numbers[which])


def _fingerprint(
    task: Task,
    people: RecipientList,
    made: Sequence[Compiled],
    placed: Placed | None,
    delivery: Delivery,
    policy: consent.Policy,
    opt_outs: Mapping[bytes, frozenset[Scope]],
    standings: Standings,
) -> str:
    """Return what is the same for two runs exactly when all their copies are."""
    keys = made[0].keys
    refused = sorted((subject.hex(), sorted(scopes)) for subject, scopes in opt_outs.items())
    told = repr(
        (
            *((each.tracked.chunks, each.untracked.chunks, each.bound) for each in made),
            *(keys.check, people.digest, task.test, placed and sha256(placed.places).digest()),
            *(delivery.format, delivery.tags, delivery.personalize, policy, refused),
            standings.digest,
        )
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()
