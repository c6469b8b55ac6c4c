"""How a run's copies are handed over: a file each, one file for all, or one template and a table."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import asctime, gmtime
from typing import Literal, Protocol, get_args

from pixeltrack.copies import Copy
from pixeltrack.errors import InputError
from pixeltrack.message import ONE_CLICK
from pixeltrack.output import Folder, Output
from pixeltrack.source import Source
from pixeltrack.template import Slot, Template, at, joined
from pixeltrack.urls import Addresses

Format = Literal["html", "jsonl", "recipe", "esp", "eml", "mbox", "maildir"]
MESSAGE_FORMATS = ("eml", "mbox", "maildir")
FORMATS: tuple[str, ...] = get_args(Format)


Render = Callable[[Copy], bytes]


class Writer(Protocol):
    """Takes a run's copies one by one."""

    written: int  # bytes so far
    single_files: bool  # whether messages.csv is needed to say which file goes to whom

    def put(self, copy: Copy, *, again: bool) -> str:
        """Write a copy, and return the file that it is in; again when a resumed run has it already."""


class FilesWriter:
    """A file for each copy."""

    single_files = True

    def __init__(self, output: Output, folder: str, renders: Mapping[bool, Render]) -> None:
        """renders makes a tracked (True) or an untracked copy."""
        self.written = 0
        self._name = self._place = folder
        self._folder = output.make_folder(folder)
        self._renders = renders

    def put(self, copy: Copy, *, again: bool) -> str:
        name = f"{copy.name}.{self._name}"
        if not again:
            content = self._renders[copy.tracked](copy)
            self._folder.write(name, content)
            self.written += len(content)
        return f"{self._place}/{name}"


class MaildirWriter(FilesWriter):
    """A file for each copy in a maildir's ``new``, by the names that its readers expect."""

    def __init__(self, new: Folder, renders: Mapping[bool, Render]) -> None:
        self.written = 0
        self._name = "pixeltrack"
        self._place = "maildir/new"
        self._folder = new
        self._renders = renders


class StreamWriter:
    """One file for all copies."""

    single_files = True

    def __init__(self, output: Output, name: str, renders: Mapping[bool, Render]) -> None:
        self.written = 0
        self._name = name
        self._file = output.open(name)
        self._renders = renders

    def put(self, copy: Copy, *, again: bool) -> str:
        if not again:
            content = self._renders[copy.tracked](copy)
            written = self._file.write(content)
            while written < len(content):  # a disk that is nearly full takes a part
                written += self._file.write(memoryview(content)[written:])
            self.written += len(content)
        return self._name


@dataclass(frozen=True, slots=True)
class Tags:
    """How a mail system writes what it fills in from the columns of an uploaded table."""

    name: str
    email: str  # its name for the address column
    columns: tuple[str, str, str]  # for the tracking, unsubscribe and preferences tokens
    pattern: str

    def tag(self, column: str) -> str:
        return self.pattern.format(column)

    @property
    def values(self) -> dict[Slot, str]:
        message, unsubscribe, preferences = map(self.tag, self.columns)
        return {"message": message, "unsubscribe": unsubscribe, "preferences": preferences}


_LOWER = ("pt_token", "pt_unsubscribe", "pt_preferences")
_UPPER = ("PT_TOKEN", "PT_UNSUBSCRIBE", "PT_PREFERENCES")

#: The documented merge tags for custom fields of each system; Mailchimp allows ten characters a name.
SYSTEMS = {
    "mailchimp": Tags("Mailchimp", "Email Address", ("PTTOKEN", "PTUNSUB", "PTPREFS"), "*|{}|*"),
    "sendgrid": Tags("SendGrid", "email", _LOWER, "{{{{{}}}}}"),
    "ses": Tags("Amazon SES", "email", _LOWER, "{{{{{}}}}}"),
    "postmark": Tags("Postmark", "email", _LOWER, "{{{{{}}}}}"),
    "mailgun": Tags("Mailgun", "email", _LOWER, "%recipient.{}%"),
    "brevo": Tags("Brevo", "EMAIL", _UPPER, "{{{{contact.{}}}}}"),
    "customerio": Tags("Customer.io", "email", _LOWER, "{{{{customer.{}}}}}"),
    "hubspot": Tags("HubSpot", "Email", _LOWER, "{{{{contact.{}}}}}"),
}
RECIPE = Tags("recipe", "email", _LOWER, "{{{{{}}}}}")


class UploadWriter:
    """One template, and a table with each recipient's tokens for whoever fills it in.

    Who may not be tracked has a template and a table of their own.
    """

    single_files = False

    def __init__(
        self,
        output: Output,
        tags: Tags,
        templates: Mapping[bool, Template],
        fields: Sequence[str],
        addresses: Addresses,
    ) -> None:
        """fields are the list's columns; templates are the tracked (True) and the untracked mail."""
        self.written = 0
        self._output, self._tags, self._templates = output, tags, templates
        self._fields, self._addresses = fields, addresses
        clash = {column.lower() for column in tags.columns} & {field.lower() for field in fields}
        if clash:
            raise InputError(
                f"the list has a column {min(clash)!r}, which is pixeltrack's own here",
                hint="rename it in the list",
            )
        self._rows: dict[bool, Callable[[Sequence[str]], object]] = {}

    def put(self, copy: Copy, *, again: bool) -> str:
        write = self._rows.get(copy.tracked) or self._begin(copy.tracked)
        recipient, values = copy.recipient, copy.values
        fields = recipient.fields
        write(
            (
                recipient.address,
                *[fields.get(name, "") for name in self._fields],
                *((values["message"],) if copy.tracked else ()),
                values["unsubscribe"],
                values["preferences"],
                f"<{self._addresses.unsubscribe(values['unsubscribe'])}>",
                ONE_CLICK,
            )
        )
        return ""

    def _begin(self, tracked: bool) -> Callable[[Sequence[str]], object]:
        """Write the template and the head of the table when the first copy of its kind comes."""
        content = self._templates[tracked].renderer()(self._tags.values)
        self._output.write("template.html" if tracked else "untracked.html", content)
        self.written += len(content)
        table = self._output.open_text("upload.csv" if tracked else "upload-untracked.csv")
        rows = csv.writer(table, lineterminator="\n")
        columns = self._tags.columns[0 if tracked else 1 :]
        rows.writerow(
            (self._tags.email, *self._fields, *columns, "list_unsubscribe", "list_unsubscribe_post")
        )
        self._rows[tracked] = rows.writerow
        return rows.writerow


# -- JSON lines -------------------------------------------------------------------------------------


def json_line(html: Template, *, tracked: bool, source: Source, addresses: Addresses) -> Template:
    """Return one line of JSON for one copy, escaped once for all copies.

    The slots "address" and "fields" take JSON. Raises InputError for bytes that are no text.
    """
    token = joined('"', at("message"), '"') if tracked else "null"
    unsubscribe = (addresses.unsubscribe(""), at("unsubscribe"))
    return joined(
        *('{"email": ', at("address"), f', "tracked": {json.dumps(tracked)}, "token": ', token),
        *(', "list_unsubscribe": "<', *unsubscribe, f'>", "list_unsubscribe_post": "{ONE_CLICK}"'),
        *(', "preferences_url": "', addresses.preferences(""), at("preferences"), '"'),
        *(', "fields": ', at("fields"), ', "html": "', _json_text(html, source), '"}\n'),
    )


def _json_text(html: Template, source: Source) -> Template:
    def escaped(chunk: bytes) -> bytes:
        text = source.decode(chunk)
        return json.dumps(text.removeprefix("\ufeff"), ensure_ascii=False)[1:-1].encode()

    return html.mapped(escaped, str.encode)


def json_values(copy: Copy) -> dict[Slot, str]:
    """Return a copy's values for a line of JSON."""
    return {
        **copy.values,
        "address": json.dumps(copy.recipient.address, ensure_ascii=False),
        "fields": json.dumps(copy.recipient.fields, ensure_ascii=False),
    }


# -- messages ---------------------------------------------------------------------------------------


def message_values(copy: Copy) -> dict[Slot, str]:
    """Return a copy's values for a message, whose bytes are UTF-8 (RFC 6532 where not ASCII)."""
    return {**copy.values, "to": copy.recipient.address.encode().decode("latin-1")}


def message_writer(output: Output, format_: str, renders: Mapping[bool, Render], now: int) -> Writer:
    """Return what writes messages as files, into one mbox, or into a maildir. now is ms UTC."""
    renders = {kind: _with_last_line(render) for kind, render in renders.items()}
    if format_ == "eml":
        return FilesWriter(output, "eml", renders)
    if format_ == "maildir":
        maildir = output.make_folder("maildir")
        for name in ("cur", "tmp"):
            maildir.make_folder(name)
        unix = {tracked: _with_line_feeds(render) for tracked, render in renders.items()}
        return MaildirWriter(maildir.make_folder("new"), unix)
    separator = f"From pixeltrack@localhost {asctime(gmtime(now / 1000))}\n".encode()

    def boxed(render: Render) -> Render:
        def put(copy: Copy) -> bytes:
            content = _FROM.sub(rb">\g<0>", render(copy))  # mboxrd: From_ lines are quoted, reversibly
            return separator + content + (b"\n" if content.endswith(b"\n") else b"\n\n")

        return put

    return StreamWriter(
        output, "messages.mbox", {kind: boxed(_with_line_feeds(render)) for kind, render in renders.items()}
    )


_FROM = re.compile(rb"(?m)^>*From ")


def _with_last_line(render: Render) -> Render:
    """A message ends with a line end, also where our pixel is its last byte (RFC 5321, 2.3.8)."""

    def put(copy: Copy) -> bytes:
        content = render(copy)
        return content if content.endswith(b"\n") else content + (b"\r\n" if b"\r\n" in content else b"\n")

    return put


def _with_line_feeds(render: Render) -> Render:
    """Mail boxes on disk have line feeds; a mail server makes CRLF of them when it sends."""
    return lambda copy: render(copy).replace(b"\r\n", b"\n")
