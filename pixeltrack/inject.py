"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from pixeltrack import consent
from pixeltrack.compile import Compiled, Task, compile_mail
from pixeltrack.copies import Copy
from pixeltrack.delivery import Delivery
from pixeltrack.delivery import writer as make_writer
from pixeltrack.errors import PixeltrackError
from pixeltrack.handout import MessageTable
from pixeltrack.listing import RecipientList
from pixeltrack.manifest import manifest
from pixeltrack.minting import TokenKind, number
from pixeltrack.model import Message, Recipient, Scope
from pixeltrack.output import Output
from pixeltrack.proofs import Proof
from pixeltrack.signals import uninterrupted
from pixeltrack.sinks import Format
from pixeltrack.store import Store
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


def inject_list(
    task: Task,
    people: RecipientList,
    store: Store,
    keyring: Keyring,
    policy: consent.Policy,
    delivery: Delivery,
    progress: Progress | None = None,
) -> Summary:
    """Make one copy for each recipient, with manifest.json and a table of who gets which.

    Recipients who may not be tracked get the mail with its original links and no pixel; people who
    unsubscribed get none. Files appear only after every row is stored. On an error before that nothing
    is left, but what an interrupted long run has made for ``delivery.resume``; should storing itself
    fail half-way, rows stay that the same command completes.
    """
    compiled = compile_mail(task, "recipients", store, keyring)
    keys, addresses = compiled.keys, task.addresses
    kind: TokenKind = "preview" if task.test else "message"  # what previews do is never counted
    opt_outs = store.opt_outs()
    modes: Counter[consent.Mode] = Counter()
    copies = array("q")  # pseudonyms, and beside them whether each is tracked
    tracked = bytearray()
    fingerprint = _fingerprint(task, people, compiled, delivery, policy, opt_outs)
    denied = False
    with Output(task.out, fingerprint, resume=delivery.resume, started=task.now) as output:
        resumed = output.done
        writer = make_writer(output, task, compiled, delivery, people)
        table = MessageTable(output, addresses) if writer.single_files else None
        mint = compiled.minter(kind)
        for done, recipient in enumerate(people, start=1):
            refused = opt_outs.get(keyring.subject(recipient.identity), _NOTHING) if opt_outs else _NOTHING
            mode = consent.decide(policy, recipient.consent, refused)
            modes[mode] += 1
            denied = denied or recipient.consent == "denied"
            if mode.outcome != "suppressed":
                pseudonym = keys.pseudonym(recipient.identity)
                is_tracked = mode.outcome == "tracked"
                values = mint(pseudonym)
                copy = Copy(
                    done,
                    recipient,
                    is_tracked,
                    f"{done:06d}-{pseudonym[:3].hex()}",
                    values,
                    f"{people.name} line {recipient.line}",
                )
                file = writer.put(copy, again=done <= resumed)
                copies.append(number(pseudonym))
                tracked.append(is_tracked)
                if table:
                    table.add(copy, file)
            if done % _CHECKPOINT == 0 and done > resumed:
                output.checkpoint(done)
            if progress:
                progress(done)
        if not copies:
            raise PixeltrackError(
                f"nobody to write to: everybody in {people.name} has unsubscribed",
                hint="nothing was written",
            )
        summary = Summary(
            *(task.campaign, keys.code, task.out, len(copies), writer.written),
            *(dict(modes), compiled.proof, delivery.format),
            resumed=resumed,
        )
        known = delivery.tags.values if delivery.format in ("recipe", "esp") else {}
        output.write(
            "manifest.json",
            manifest(task, compiled, "recipients", len(copies), delivery.format, known),
        )
        with uninterrupted():
            campaign = store.save_campaign(compiled.draft)
            if not task.test:
                store.save_messages(
                    campaign.campaign_id,
                    _stored(people, copies, tracked, keyring, opt_outs),
                    (each.identity for each in people if each.consent == "denied") if denied else (),
                )
                stored, _tracked = store.message_counts(campaign.campaign_id)
                summary = replace(summary, earlier=stored - len(copies))
            output.publish()
    return summary


_NOTHING: frozenset[Scope] = frozenset()


def _stored(
    people: Iterable[Recipient],
    copies: Iterable[int],
    tracked: Iterable[int],
    keyring: Keyring,
    opt_outs: Mapping[bytes, frozenset[Scope]],
) -> Iterator[Message]:
    """Yield the run's messages again, as the store keeps them."""
    written = zip(copies, tracked, strict=True)
    for recipient in people:
        if opt_outs and "all" in opt_outs.get(keyring.subject(recipient.identity), _NOTHING):
            continue
        pseudonym, is_tracked = next(written)
        yield Message(pseudonym, recipient.identity, recipient.fields, bool(is_tracked))


def _fingerprint(
    task: Task,
    people: RecipientList,
    compiled: Compiled,
    delivery: Delivery,
    policy: consent.Policy,
    opt_outs: Mapping[bytes, frozenset[Scope]],
) -> str:
    """Return what is the same for two runs exactly when all their copies are."""
    keys = compiled.keys
    refused = sorted((subject.hex(), sorted(scopes)) for subject, scopes in opt_outs.items())
    told = repr(
        (
            *(compiled.tracked.chunks, compiled.untracked.chunks, compiled.bound, keys.check),
            *(people.digest, task.test),
            *(delivery.format, delivery.tags, delivery.personalize, policy, refused),
        )
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()
