"""Messages that are written already: each is injected for the person it is addressed to."""

from __future__ import annotations

import json
import mmap
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from email.utils import getaddresses
from pathlib import Path

from pixeltrack import headers, mime
from pixeltrack.compile import Compiled, Task, compile_into
from pixeltrack.consent import Decision, Said, decide
from pixeltrack.copies import Copy
from pixeltrack.copytokens import Whose
from pixeltrack.delivery import Delivery, render_of
from pixeltrack.errors import InputError
from pixeltrack.groups import together
from pixeltrack.handout import MessageTable
from pixeltrack.inject import Progress, Summary, check_fields, message_of
from pixeltrack.manifest import addressed_manifest, undo_record
from pixeltrack.minting import number
from pixeltrack.model import RANK, Crowd, Message, Mode, Recipient
from pixeltrack.output import Output
from pixeltrack.recipients import identity
from pixeltrack.signals import uninterrupted
from pixeltrack.sinks import open_sink
from pixeltrack.store import ONE_BY_ONE, Drafting, Store
from pixeltrack.terms import Terms
from pixeltrack.tokens import Keyring

_FROM_LINE = re.compile(rb"(?:\A|(?<=\n))From [^\r\n]*\r?\n(?=[!-9;-~]+:)")
_QUOTED_FROM = re.compile(rb"(?m)^>(?=>*From )")  # as mboxrd quotes


@dataclass(frozen=True, slots=True)
class Given:
    """One message, and what it goes by in errors."""

    name: str
    data: bytes


def in_mbox(path: Path) -> Iterator[Given]:
    """Yield the messages of an mbox (RFC 4155), without the quoting of their lines.

    Raises InputError where the file does not begin with a message.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as box:
        starts = list(_FROM_LINE.finditer(box))
        if not starts or starts[0].start() > 0:
            raise InputError(
                f"{path} is no mbox", hint='one begins with a line such as "From ada@example.com"'
            )
        ends = [found.start() for found in starts[1:]] + [len(box)]
        for place, (found, end) in enumerate(zip(starts, ends, strict=True), start=1):
            message = box[found.end() : end]
            ending = b"\r\n" if message.endswith(b"\r\n\r\n") else b"\n" if message.endswith(b"\n\n") else b""
            message = message.removesuffix(ending)  # the empty line before the next From_
            yield Given(f"{path} message {place}", _QUOTED_FROM.sub(b"", message))


def addressee(given: Given) -> Recipient | None:
    """Return whom a message is addressed to, or None when that is more than one person.

    Raises InputError for a message without an address.
    """
    end = mime.split_headers(given.data)[1]
    written = [
        field.text
        for field in headers.fields(given.data[:end].decode("latin-1"), end)
        if field.name.lower() in ("to", "cc", "bcc")
    ]
    people = {
        identity(address, f"{given.name}: To"): address for _name, address in getaddresses(written) if address
    }
    if not people:
        raise InputError(f"{given.name} has no To address", hint="add one, or give --recipients")
    if len(people) > 1:
        return None
    ((known, address),) = people.items()
    return Recipient(address, known, "unknown", "unknown", {}, 1)


class _Run:
    """What messages of one campaign have in common while they are injected one by one."""

    def __init__(self, drafting: Drafting, store: Store, keyring: Keyring, terms: Terms) -> None:
        if drafting.versions:  # their messages would lose the version that they have
            raise InputError(
                f"campaign {drafting.campaign.name!r} has versions ({', '.join(drafting.versions)}), and a"
                " message that is addressed already has none",
                hint="name another campaign with --campaign",
            )
        self._drafting, self._store, self._keyring = drafting, store, keyring
        self._rules = terms.within(drafting.campaign)
        self._rowless = drafting.campaign.is_rowless
        self._last_consent = store.last_consent()
        self.modes: Counter[Decision] = Counter()
        self.messages: list[Message] = []
        self._together: Counter[tuple[Mode, Mode]] = Counter()

    @property
    def copies(self) -> int:
        return len(self.messages) + self._together.total()

    def take(self, given: Given, task: Task, place: int) -> tuple[Copy, Compiled, Decision]:
        """Compile one message, and decide how its recipient gets it."""
        recipient = addressee(given)
        check_fields(task.plan, self._rules)
        compiled = compile_into(self._drafting, task, self._keyring)
        if recipient is None:
            mode = Decision("untracked", "off", "off", "it goes to several people")
            recipient = Recipient("", "", "unknown", "unknown", {}, 1)
            whose = Whose(bytes(8))
            variant, mint = compiled.copies("off", "off", test=True, rowless=False)
        else:
            subject = self._keyring.subject(recipient.identity)
            refused, recorded = self._store.opt_outs_of(subject), self._store.recorded_of(subject)
            mode = together(decide(self._rules, Said(recorded=recorded, opt_outs=refused)))
            whose = Whose(compiled.keys.pseudonym(recipient.identity), recipient.identity, subject=subject)
            variant, mint = compiled.copies(mode.opens, mode.clicks, test=task.test, rowless=self._rowless)
        self.modes[mode] += 1
        if recipient.identity and not task.test and mode.outcome != "suppressed":
            if self._rowless:
                self._together[mode.opens, mode.clicks] += 1
            else:
                modes = RANK[mode.opens], RANK[mode.clicks]
                self.messages.append(message_of(number(whose.pseudonym), recipient, *modes))
        name = f"{place:06d}-{whose.pseudonym[:3].hex()}"
        return Copy(place, recipient, variant, name, mint(whose), given.name), compiled, mode

    def save(self) -> None:
        campaign = self._store.save_campaign(self._drafting.draft())
        self._store.save_messages(campaign.campaign_id, self.messages)
        if self._together:
            crowds = (Crowd(0, *modes, people) for modes, people in self._together.items())
            self._store.save_crowds(campaign.campaign_id, ONE_BY_ONE, crowds)
        tracked = sum(each.tracked for each in self.messages)
        self._store.note("inject", campaign.name, counts={"copies": len(self.messages), "tracked": tracked})
        late = self._store.refused_since(self._last_consent)  # while the copies were made
        if late:
            identities = ((each.identity, self._keyring.subject(each.identity)) for each in self.messages)
            self._store.silence((each, late[subject]) for each, subject in identities if subject in late)


def inject_addressed(
    messages: Iterable[Given],
    task_of: Callable[[Given], Task],
    store: Store,
    keyring: Keyring,
    terms: Terms,
    delivery: Delivery,
    progress: Progress | None = None,
) -> Summary:
    """Make a copy of each message for whom it is addressed to; all belong to one campaign.

    A message to several people is not tracked: who opens it cannot be known. Files appear only after
    every row is stored; on an error before that nothing is left.
    """
    remaining = iter(messages)
    first = next(remaining, None)
    if first is None:
        raise InputError("there is no message in it", hint="give files that end in .eml, or an mbox")
    task = task_of(first)
    drafting = _drafting(task, store, keyring, terms)
    run = _Run(drafting, store, keyring, terms)
    with Output(task.out) as output:
        made = 0
        table = MessageTable(output, task.addresses)
        records = output.open_text("undo.jsonl")
        sink = open_sink(output, delivery.format)
        given: Given | None = first
        while given is not None:
            made += 1
            task = task if given is first else task_of(given)
            copy, compiled, mode = run.take(given, task, made)
            if mode.outcome != "suppressed":
                sink.write(copy, render_of(task, compiled, delivery, copy.variant)(copy))
                table.add(copy, sink.file(copy))
                record = undo_record(task.plan, compiled, {})
                records.write(json.dumps({"file": sink.file(copy), "message": made, **record}) + "\n")
            if progress:
                progress(made)
            given = next(remaining, None)
        proof = replace(compiled.proof, audit=f"{made:,} messages read alike by BeautifulSoup")
        code = drafting.campaign.code
        summary = Summary(
            *(task.campaign, code, task.out, run.copies, sink.written, dict(run.modes), proof),
            delivery.format,
        )
        output.write("manifest.json", addressed_manifest(task, drafting.draft(), made, delivery.format))
        with uninterrupted():
            run.save()
            output.publish()
    return summary


def render_addressed(
    given: Given, task: Task, store: Store, keyring: Keyring, terms: Terms
) -> tuple[bytes, Decision]:
    """Return one message as its recipient gets it, and what was decided; for use as a filter.

    Who has unsubscribed gets an untracked one: a filter cannot hold a mail back. Everything is stored
    before this returns.
    """
    run = _Run(_drafting(task, store, keyring, terms), store, keyring, terms)
    copy, compiled, mode = run.take(given, task, 1)
    content = compiled.copy(copy.variant).template.renderer()(copy.values)
    with uninterrupted():
        run.save()
    return content, mode


def _drafting(task: Task, store: Store, keyring: Keyring, terms: Terms) -> Drafting:
    modes = terms.rules.opens, terms.rules.clicks
    return store.draft_campaign(task.campaign, "recipients", keyring, task.now, modes, task.attribute)
