"""The first job: one source mail in, one tracked copy per recipient out."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pixeltrack import consent
from pixeltrack.compile import Compiled, Task, compile_mail, tokens, without_fields
from pixeltrack.errors import InputError
from pixeltrack.manifest import manifest
from pixeltrack.model import CampaignKind, Message, Recipient
from pixeltrack.output import Output, uninterrupted
from pixeltrack.personalize import compile_personalized
from pixeltrack.proofs import Proof
from pixeltrack.rewrite import Plan, Slot, cut
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, number
from pixeltrack.urls import Addresses

ONE_CLICK = "List-Unsubscribe=One-Click"  # the List-Unsubscribe-Post value of RFC 8058, section 3.1

_MESSAGE_COLUMNS = (
    *("email", "file", "tracked", "token"),
    *("list_unsubscribe", "list_unsubscribe_post", "preferences_url"),
)

Progress = Callable[[int], None]  # called with the number of messages done so far


@dataclass(frozen=True, slots=True)
class Summary:
    """What an injection did. ``modes`` counts recipients by (outcome, reason)."""

    campaign: str
    code: str
    out: Path
    files: int
    bytes: int
    modes: Mapping[tuple[str, str], int]
    proof: Proof


def inject_list(
    task: Task,
    recipients: Sequence[Recipient],
    store: Store,
    keyring: Keyring,
    policy: consent.Policy,
    *,
    personalize: bool,
    list_name: str,
    progress: Progress | None = None,
) -> Summary:
    """Write one copy for each recipient, with manifest.json and messages.csv.

    Recipients who may not be tracked get the mail with its original links and no pixel; people who
    unsubscribed get none. Files appear only after every row is stored. On an error before that nothing
    is left; should storing itself fail half-way, rows stay that the same command completes.
    """
    compiled = compile_mail(task, "recipients", store, keyring)
    keys, addresses = compiled.keys, task.addresses
    if personalize:
        tracked = compile_personalized(compiled.tracked, task.plan.source, addresses)
        untracked = compile_personalized(compiled.untracked, task.plan.source, addresses)
    else:
        tracked = without_fields(compiled.tracked)
        untracked = without_fields(compiled.untracked)
    opt_outs = store.opt_outs()
    denied = [recipient.identity for recipient in recipients if recipient.consent == "denied"]
    modes: Counter[tuple[str, str]] = Counter()
    messages: list[Message] = []
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(_MESSAGE_COLUMNS)
    with Output(task.out) as output:
        for done, recipient in enumerate(recipients, start=1):
            refused = (
                opt_outs.get(keyring.subject(recipient.identity), frozenset()) if opt_outs else frozenset()
            )
            mode = consent.decide(policy, recipient.consent, refused)
            modes[mode] += 1
            if mode.outcome == "suppressed":
                continue
            pseudonym = keys.pseudonym(recipient.identity)
            is_tracked = mode.outcome == "tracked"
            values = tokens(keys, pseudonym, keys.message_token(pseudonym))
            name = f"{done:06d}-{pseudonym.hex()[:6]}.html"
            render = tracked if is_tracked else untracked
            output.write_message(name, render(recipient.fields, values, f"{list_name} line {recipient.line}"))
            messages.append(Message(number(pseudonym), recipient.identity, recipient.fields, is_tracked))
            rows.writerow(
                (
                    *(recipient.address, f"html/{name}", "yes" if is_tracked else "no"),
                    *(
                        values["message"] if is_tracked else "",
                        f"<{addresses.unsubscribe(values['unsubscribe'])}>",
                    ),
                    *(ONE_CLICK, addresses.preferences(values["preferences"])),
                )
            )
            if progress:
                progress(done)
        summary = Summary(
            task.campaign, keys.code, task.out, len(messages), output.written, dict(modes), compiled.proof
        )
        output.write("messages.csv", table.getvalue(), 0o600)
        output.write("manifest.json", manifest(task, compiled, "recipients", len(messages)))
        with uninterrupted():
            campaign = store.save_campaign(compiled.draft)
            store.save_messages(campaign.campaign_id, messages, denied)
            output.publish()
    return summary


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


def rehearse(plan: Plan, recipients: Sequence[Recipient], list_name: str) -> None:
    """Personalise a mail for everybody without keeping it; raise InputError where that fails.

    For a first run: a field that the list does not have is then known before anything is made.
    """
    render = compile_personalized(cut(plan.source, ()), plan.source, Addresses(""))
    nowhere: dict[Slot, str] = {"message": "", "unsubscribe": "", "preferences": ""}
    for recipient in recipients:
        render(recipient.fields, nowhere, f"{list_name} line {recipient.line}")


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
    values: Mapping[Slot, str],
    store: Store,
) -> Summary:
    content = without_fields(compiled.tracked)({}, values, name)
    with Output(task.out) as output:
        output.write_message(name, content)
        summary = Summary(task.campaign, compiled.keys.code, task.out, 1, len(content), {}, compiled.proof)
        output.write("manifest.json", manifest(task, compiled, kind, 1))
        with uninterrupted():
            store.save_campaign(compiled.draft)
            output.publish()
    return summary
