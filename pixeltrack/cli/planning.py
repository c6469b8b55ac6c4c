"""From what a user gave as the mail to plans: HTML, plain text, whole messages, boxes and folders of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pixeltrack.cli import inputs
from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.addressed import Given
    from pixeltrack.links import Policy
    from pixeltrack.rewrite import Plan
    from pixeltrack.sinks import Format
    from pixeltrack.source import Source
    from pixeltrack.split import VersionFile

Kind = Literal["html", "text", "message"]

_TAG = re.compile(rb"\{\{\s*(\w+)\s*(?:\||\}\})")  # {{ name }} and {{ name|filter }}
_TITLE = re.compile(r"<title[^>]*>([^<]{1,500})</title", re.IGNORECASE)
_KINDS: dict[Kind, str] = {"html": "HTML", "text": "plain text", "message": "a whole message"}
_BOXES = (".mbox", ".mbx")
_TEXTS = (".txt", ".text")
_MAILS = (".html", ".htm", ".eml", *_TEXTS)


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as given."""

    path: Path
    data: bytes
    name: str
    kind: Kind

    @property
    def is_stdin(self) -> bool:
        return str(self.path) == "-"


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked for messages made of HTML or text, and for their texts."""

    from_: str | None = None
    subject: str | None = None
    headers: Path | None = None
    text_part: Path | None = None
    text: bool = False
    resign_later: bool = False
    encoding: str | None = None
    personalize: bool = False


def gather(source: Path, *, text: bool) -> tuple[list[Mail], list[Path]]:
    """Return the mails that were given, and the mboxes; raise InputError where there are none."""
    if source.is_dir():
        files = _files(source)
        if not files:
            raise InputError(
                f"no mail in the folder {source}", hint=f"files end in {', '.join((*_MAILS, *_BOXES))}"
            )
        boxes = [path for path in files if path.suffix.lower() in _BOXES]
        return [read(path, text=text) for path in files if path not in boxes], boxes
    if source.suffix.lower() in _BOXES:
        inputs.check_readable(source)
        return [], [source]
    return [read(source, text=text)], []


def _files(folder: Path) -> list[Path]:
    if (folder / "cur").is_dir() and (folder / "new").is_dir():  # a maildir
        return sorted(path for name in ("cur", "new") for path in (folder / name).iterdir() if path.is_file())
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in (*_MAILS, *_BOXES))


def read(path: Path, *, text: bool = False) -> Mail:
    """Read one mail, and tell what it is; text says that standard input may be plain text."""
    from pixeltrack.message import is_message
    from pixeltrack.source import has_markup

    data = inputs.read_mail(path)
    name = "standard input" if str(path) == "-" else str(path)
    if path.suffix.lower() in _TEXTS:
        return Mail(path, data, name, "text")
    if is_message(data):
        # the line that an mbox has before a message is no part of it; a filter gives it back
        stripped = data.partition(b"\n")[2] if data.startswith(b"From ") and str(path) != "-" else data
        return Mail(path, stripped, name, "message")
    if path.suffix.lower() == ".eml":
        raise InputError(
            f"{path} is no message: it does not begin with header fields",
            hint="a file of HTML is to end in .html",
        )
    plain = text and str(path) == "-" and not has_markup(data)
    return Mail(path, data, name, "text" if plain else "html")


def read_versions(files: Sequence[VersionFile]) -> list[Mail]:
    """Read the versions of a mail; raise InputError unless all are of one kind."""
    mails = []
    for file in files:
        path = Path(file.path)
        if path.is_dir() or path.suffix.lower() in _BOXES:
            raise InputError(f"version {file.name}: {path} is no single mail", hint="give one file")
        try:
            mails.append(read(path))
        except InputError as error:
            raise InputError(f"version {file.name}: {error.message}", hint=error.hint) from None
        if mails[-1].kind != mails[0].kind:
            raise InputError(
                f"version {file.name} is {_KINDS[mails[-1].kind]},"
                f" version {files[0].name} is {_KINDS[mails[0].kind]}",
                hint="give versions of one kind",
            )
    return mails


def addressed(mails: list[Mail], boxes: list[Path]) -> Iterator[Given]:
    """Yield the messages among what was given, each with its name."""
    from pixeltrack.addressed import Given, in_mbox

    for mail in mails:
        if mail.kind == "message":
            yield Given(mail.name, mail.data)
    for box in boxes:
        yield from in_mbox(box)


def plan_mail(mail: Mail, policy: Policy, format_: Format, wishes: Wishes) -> Plan:
    """Return the plan of a mail for a format; raise InputError where the two do not go together."""
    from pixeltrack import message, rewrite
    from pixeltrack.sinks import MESSAGE_FORMATS

    asked = {"--subject": wishes.subject, "--headers": wishes.headers, "--text-part": wishes.text_part}
    for option, value in asked.items():
        if value is not None and (mail.kind == "message" or format_ not in MESSAGE_FORMATS):
            raise InputError(
                f"{option} is for messages that are made of HTML or text",
                hint="add --format eml, or leave it out",
            )
    if mail.kind == "message":
        if format_ not in MESSAGE_FORMATS:
            raise InputError(
                f"{mail.name} is a whole message, which --format {format_} does not hold",
                hint=f"use one of {', '.join(MESSAGE_FORMATS)}, or give the mail's HTML",
            )
        return plan_given(mail.data, mail.name, policy, wishes)
    if mail.kind == "text":
        if format_ == "html":
            raise InputError(f"{mail.name} is plain text, not HTML", hint="leave --format out")
        source = inputs.read_text(mail.data, mail.name, wishes.encoding)
    else:
        if format_ == "text":
            raise InputError(f"{mail.name} is HTML, not plain text", hint="leave --format out")
        source = inputs.read_html(mail.data, mail.name, wishes.encoding)
    if format_ in MESSAGE_FORMATS:
        composed = _composed(source, mail, wishes)
        wraps = wishes.text or mail.kind == "text"
        return message.plan_message(composed, mail.name, policy, text=wraps, anew=wishes.personalize)
    made = rewrite.plan_text(source, policy) if mail.kind == "text" else rewrite.plan(source, policy)
    return made.personalized() if wishes.personalize else made


def plan_given(data: bytes, name: str, policy: Policy, wishes: Wishes) -> Plan:
    """Return the plan of a whole message; raise InputError for a signed one, unless it is signed again."""
    from pixeltrack import message

    if not wishes.resign_later:
        message.refuse_signed(data, name)
    return message.plan_message(data, name, policy, text=wishes.text, anew=wishes.personalize)


def columns_in(data: bytes, columns: Sequence[str]) -> list[str]:
    """Return which columns of a list a mail has as ``{{ tags }}``, in the order of the list."""
    tags = {tag.decode().lower() for tag in _TAG.findall(data)}
    return [name for name in columns if name in tags]


def can_be_stopped(plan: Plan) -> bool:
    """Whether a mail leads to the page on which its reader stops tracking; unsubscribe leads on to it."""
    if any(link.decision == "fill" and link.reason != "privacy" for link in plan.links):
        return True
    urls_filled_in = ("preferences_url", "unsubscribe_url")
    return plan.personal and any(name in plan.source.view for name in urls_filled_in)


def _composed(body: Source, mail: Mail, wishes: Wishes) -> bytes:
    """Return the message that a mail's HTML or text is sent as."""
    from pixeltrack import headers, message

    fields = inputs.read_headers(wishes.headers) if wishes.headers else []
    for option, name, value in (("--from", "From", wishes.from_), ("--subject", "Subject", wishes.subject)):
        if value is None:
            continue
        if not value.isprintable():
            raise InputError(f"{option} {value!r} has a line end or control character in it")
        fields = [field for field in fields if field[0].lower() != name.lower()]
        fields.insert(0, (name, value))
    there = {name.lower() for name, _value in fields}
    if "from" not in there:
        raise InputError(
            "a message needs a sender", hint="for instance --from 'Garden Shop <news@example.com>'"
        )
    if "subject" not in there:
        title = _TITLE.search(body.text(body.view)) if mail.kind == "html" else None
        if title is None:
            raise InputError("a message needs a subject", hint="give --subject, or a <title> in the mail")
        fields.append(("Subject", " ".join(unescape(title[1]).split())))
    headers.check(fields)
    whole = _bytes(body)
    if mail.kind == "text":
        return message.compose(None, whole, fields)
    beside = mail.path.with_suffix(".txt")
    text = wishes.text_part or (beside if beside.is_file() and not mail.is_stdin else None)
    part = inputs.read_text(text.read_bytes(), str(text), None) if text else None
    if part:
        part.decode(part.data)  # its header will say what it is in
    return message.compose(whole, _bytes(part) if part else None, fields)


def _bytes(body: Source) -> tuple[bytes, str]:
    """Return a text's bytes and their charset; UTF-8 for one whose bytes mail does not carry as text."""
    if body.codec == "latin-1":
        return body.data, body.charset
    return body.view.removeprefix("\ufeff").encode(), "utf-8"
