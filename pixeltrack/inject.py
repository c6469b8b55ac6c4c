"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

from pixeltrack import consent
from pixeltrack.compile import Compiled, Task, compile_mail, tokens
from pixeltrack.copies import Copy
from pixeltrack.delivery import Delivery
from pixeltrack.delivery import writer as make_writer
from pixeltrack.errors import InputError
from pixeltrack.formats import Format
from pixeltrack.listing import RecipientList
from pixeltrack.manifest import manifest
from pixeltrack.message import ONE_CLICK
from pixeltrack.model import CampaignKind, Message, Recipient, Scope
from pixeltrack.output import Output, uninterrupted
from pixeltrack.proofs import Proof
from pixeltrack.rewrite import Plan
from pixeltrack.store import Store
from pixeltrack.template import Slot, Tokens
from pixeltrack.tokens import Keyring, TokenKind, number
from pixeltrack.urls import Addresses

_MESSAGE_COLUMNS = (
    *("email", "file", "tracked", "token"),
    *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
)
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
    with Output(task.out, fingerprint, resume=delivery.resume) as output:
        resumed = output.done
        writer = make_writer(output, task, compiled, delivery, people)
        rows = _message_table(output) if writer.single_files else None
        for done, recipient in enumerate(people, start=1):
            refused = opt_outs.get(keyring.subject(recipient.identity), _NOTHING) if opt_outs else _NOTHING
            mode = consent.decide(policy, recipient.consent, refused)
            modes[mode] += 1
            if mode.outcome != "suppressed":
                pseudonym = keys.pseudonym(recipient.identity)
                is_tracked = mode.outcome == "tracked"
                values = tokens(keys, pseudonym, keys.message_token(pseudonym, kind), kind)
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
                if rows:
                    rows(_message_row(copy, file, addresses))
            if done % _CHECKPOINT == 0 and done > resumed:
                output.checkpoint(done)
            if progress:
                progress(done)
        summary = Summary(
            *(task.campaign, keys.code, task.out, len(copies), writer.written),
            *(dict(modes), compiled.proof, delivery.format),
            resumed=resumed,
        )
        output.write("manifest.json", manifest(task, compiled, "recipients", len(copies), delivery.format))
        with uninterrupted():
            campaign = store.save_campaign(compiled.draft)
            if not task.test:
                store.save_messages(
                    campaign.campaign_id,
                    _stored(people, copies, tracked, keyring, opt_outs),
                    (recipient.identity for recipient in people if recipient.consent == "denied"),
                )
                known, _tracked = store.message_counts(campaign.campaign_id)
                summary = replace(summary, earlier=known - len(copies))
            output.publish()
    return summary


_NOTHING: frozenset[Scope] = frozenset()


def _message_table(output: Output) -> Callable[[Sequence[str]], object]:
    rows = csv.writer(output.open_text("messages.csv"), lineterminator="\n")
    rows.writerow(_MESSAGE_COLUMNS)
    return rows.writerow


def _message_row(copy: Copy, file: str, addresses: Addresses) -> Sequence[str]:
    values = copy.values
    return (
        copy.recipient.address,
        file,
        "yes" if copy.tracked else "no",
        values["message"] if copy.tracked else "",
        f"<{addresses.unsubscribe(values['unsubscribe'])}>",
        ONE_CLICK,
        addresses.preferences(values["preferences"]),
    )


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
            *(compiled.tracked.chunks, compiled.untracked.chunks, keys.check, people.digest, task.test),
            *(delivery.format, delivery.tags, delivery.personalize, policy, refused),
        )
    )
    return blake2b(told.encode(), digest_size=16).hexdigest()


def inject_preview(task: Task, store: Store, keyring: Keyring) -> Summary:
    """Write one copy whose links and pixel work and are never counted."""
    compiled = compile_mail(task, "preview", store, keyring)
    values = tokens(compiled.keys, bytes(8), compiled.keys.preview_token(), "preview")
    return _write_one(task, compiled, "preview", "preview.html", values, store)


def check_merge(plan: Plan) -> None:
    """Raise InputError when a mail asks for personal pages: those need a token of ours per person."""
    for link in plan.links:
        if link.decision == "fill" and link.reason != "privacy":
            raise InputError(
                f"{plan.source.name} line {link.line}: {link.destination} needs a recipient list",
                hint="use your mail system's own unsubscribe tag there, or give --recipients",
            )


def inject_merge(task: Task, merge_tag: str, store: Store, keyring: Keyring) -> Summary:
    """Write one template whose recipient is filled in by the sender's own mail system.

    Raises InputError when the mail asks for personal pages.
    """
    check_merge(task.plan)
    compiled = compile_mail(task, "merge", store, keyring)
    values: dict[Slot, str] = {"message": compiled.keys.merge_token(merge_tag)}
    return _write_one(task, compiled, "merge", "template.html", values, store)


def inject_one(
    task: Task, recipient: Recipient | None, store: Store, keyring: Keyring, policy: consent.Policy
) -> tuple[bytes, consent.Mode]:
    """Return one message as its one recipient gets it, and what was decided; for use as a filter.

    Without a recipient it is untracked: whose it is cannot be known. Everything is stored before this
    returns.
    """
    compiled = compile_mail(task, "recipients", store, keyring)
    if recipient is None:
        mode = consent.Mode("untracked", "it goes to several people")
        pseudonym = bytes(8)
    else:
        refused = store.opt_outs_of(keyring.subject(recipient.identity))
        mode = consent.decide(policy, recipient.consent, refused)
        pseudonym = compiled.keys.pseudonym(recipient.identity)
    kind: TokenKind = "preview" if task.test or recipient is None else "message"
    values = tokens(compiled.keys, pseudonym, compiled.keys.message_token(pseudonym, kind), kind)
    is_tracked = mode.outcome == "tracked"
    content = (compiled.tracked if is_tracked else compiled.untracked).renderer()(values)
    with uninterrupted():
        campaign = store.save_campaign(compiled.draft)
        if recipient is not None and not task.test:
            message = Message(number(pseudonym), recipient.identity, recipient.fields, is_tracked)
            store.save_messages(campaign.campaign_id, [message])
    return content, mode


def _write_one(
    task: Task,
    compiled: Compiled,
    kind: CampaignKind,
    name: str,
    values: Tokens,
    store: Store,
) -> Summary:
    content = compiled.tracked.renderer()(values)
    with Output(task.out) as output:
        output.make_folder("html").write(name, content)
        summary = Summary(task.campaign, compiled.keys.code, task.out, 1, len(content), {}, compiled.proof)
        output.write("manifest.json", manifest(task, compiled, kind, 1, "html"))
        with uninterrupted():
            store.save_campaign(compiled.draft)
            output.publish()
    return summary
