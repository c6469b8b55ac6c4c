"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

import csv
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path

from pixeltrack import consent
from pixeltrack.compile import Compiled, Task, compile_mail, tokens
from pixeltrack.copies import Copy
from pixeltrack.errors import InputError
from pixeltrack.formats import (
    ONE_CLICK,
    RECIPE,
    FilesWriter,
    Format,
    Render,
    StreamWriter,
    Tags,
    UploadWriter,
    Writer,
    json_line,
    json_values,
)
from pixeltrack.listing import RecipientList
from pixeltrack.manifest import manifest
from pixeltrack.model import CampaignKind, Message, Recipient, Scope
from pixeltrack.output import Output, uninterrupted
from pixeltrack.personalize import compile_personalized
from pixeltrack.proofs import Proof
from pixeltrack.rewrite import Plan, cut
from pixeltrack.store import Store
from pixeltrack.template import Slot, Template, Tokens
from pixeltrack.tokens import Keyring, TokenKind, number
from pixeltrack.urls import Addresses

_MESSAGE_COLUMNS = (
    *("email", "file", "tracked", "token"),
    *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
)
_CHECKPOINT = 10_000  # copies after which an interrupted run can be taken up again

Progress = Callable[[int], None]  # called with the number of recipients done so far


@dataclass(frozen=True, slots=True)
class Delivery:
    """How copies are handed over. ``tags`` are those of the mail system that a template is for."""

    format: Format = "html"
    tags: Tags = RECIPE
    personalize: bool = False
    resume: bool = False


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
        writer = _writer(output, task, compiled, delivery, people)
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


def _writer(
    output: Output, task: Task, compiled: Compiled, delivery: Delivery, people: RecipientList
) -> Writer:
    """Return what writes the copies in the format that is asked for."""
    source, addresses = task.plan.source, task.addresses
    templates = {True: compiled.tracked, False: compiled.untracked}
    if delivery.format in ("recipe", "esp"):
        return UploadWriter(output, delivery.tags, templates, people.columns, addresses)

    def renders(shape: Shape, values: Callable[[Copy], Tokens]) -> dict[bool, Render]:
        def render(template: Template, tracked: bool) -> Render:
            if delivery.personalize:
                fill = compile_personalized(template, source, addresses)
                return lambda copy: shape(Template((fill(copy),)), tracked).renderer()(values(copy))
            join = shape(template, tracked).renderer()
            return lambda copy: join(values(copy))

        return {tracked: render(template, tracked) for tracked, template in templates.items()}

    if delivery.format == "jsonl":
        line = partial(json_line, source=source, addresses=addresses)
        return StreamWriter(output, "messages.jsonl", renders(line, json_values))
    return FilesWriter(output, "html", renders(_as_it_is, attrgetter("values")))


Shape = Callable[[Template, bool], Template]  # a mail and whether it is tracked, as a format holds it


def _as_it_is(template: Template, _tracked: bool) -> Template:
    return template


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


def rehearse(plan: Plan, people: RecipientList) -> None:
    """Personalise a mail for everybody without keeping it; raise InputError where that fails.

    For a first run: a field that the list does not have is then known before anything is made.
    """
    fill = compile_personalized(cut(plan.source, ()), plan.source, Addresses(""))
    nowhere: dict[Slot, str] = {"message": "", "unsubscribe": "", "preferences": ""}
    for recipient in people:
        fill(Copy(0, recipient, True, "", nowhere, f"{people.name} line {recipient.line}"))


def inject_merge(task: Task, merge_tag: str, store: Store, keyring: Keyring) -> Summary:
    """Write one template whose recipient is filled in by the sender's own mail system.

    Raises InputError when the mail asks for personal pages.
    """
    check_merge(task.plan)
    compiled = compile_mail(task, "merge", store, keyring)
    values: dict[Slot, str] = {"message": compiled.keys.merge_token(merge_tag)}
    return _write_one(task, compiled, "merge", "template.html", values, store)


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
