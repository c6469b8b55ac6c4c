"""What each format makes of a mail: copies whole, or one template and a table that fills it in."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import asctime, gmtime
from typing import Protocol

from pixeltrack.copies import Copy, Variant
from pixeltrack.errors import InputError
from pixeltrack.flatjson import flat, quoted
from pixeltrack.headers import ONE_CLICK
from pixeltrack.output import Output
from pixeltrack.sinks import Sink
from pixeltrack.source import Source
from pixeltrack.template import Slot, Template, at, joined
from pixeltrack.urls import Addresses

Render = Callable[[Copy], bytes]


class Writer(Protocol):
    """Takes a run's copies one by one."""

    @property
    def written(self) -> int:
        """Bytes so far."""

    single_files: bool  # whether messages.csv is needed to say which file goes to whom

    def put(self, copy: Copy, *, again: bool) -> str:
        """Write a copy, and return the file that it is in; again when a resumed run has it already."""


class WholeCopies:
    """Each copy whole, in a sink."""

    single_files = True

    def __init__(self, sink: Sink, render_of: Callable[[Variant], Render]) -> None:
        """render_of returns what makes one kind of copy; it is asked when the first of the kind comes."""
        self._sink, self._render_of = sink, render_of
        self._renders: dict[Variant, Render] = {}

    @property
    def written(self) -> int:
        return self._sink.written

    def put(self, copy: Copy, *, again: bool) -> str:
        if not again:
            render = self._renders.get(copy.variant)
            if render is None:
                render = self._renders[copy.variant] = self._render_of(copy.variant)
            self._sink.write(copy, render(copy))
        return self._sink.file(copy)


@dataclass(frozen=True, slots=True)
class Tags:
    """How a mail system writes what it fills in from the columns of an uploaded table."""

    name: str
    email: str  # its name for the address column
    columns: tuple[str, str, str]  # for the tracking, unsubscribe and preferences tokens
    pattern: str
    pixel: str = "pt_pixel"  # the column for the pixel's token, where it is another one

    def tag(self, column: str) -> str:
        return self.pattern.format(column)

    @property
    def values(self) -> dict[Slot, str]:
        message, unsubscribe, preferences = map(self.tag, self.columns)
        return {
            "message": message,
            "pixel": self.tag(self.pixel),
            "unsubscribe": unsubscribe,
            "preferences": preferences,
        }


_LOWER = ("pt_token", "pt_unsubscribe", "pt_preferences")
_UPPER = ("PT_TOKEN", "PT_UNSUBSCRIBE", "PT_PREFERENCES")

#: The documented merge tags for custom fields of each system; Mailchimp allows ten characters a name.
SYSTEMS = {
    "mailchimp": Tags("Mailchimp", "Email Address", ("PTTOKEN", "PTUNSUB", "PTPREFS"), "*|{}|*", "PTPIXEL"),
    "sendgrid": Tags("SendGrid", "email", _LOWER, "{{{{{}}}}}"),
    "ses": Tags("Amazon SES", "email", _LOWER, "{{{{{}}}}}"),
    "postmark": Tags("Postmark", "email", _LOWER, "{{{{{}}}}}"),
    "mailgun": Tags("Mailgun", "email", _LOWER, "%recipient.{}%"),
    "brevo": Tags("Brevo", "EMAIL", _UPPER, "{{{{contact.{}}}}}", "PT_PIXEL"),
    "customerio": Tags("Customer.io", "email", _LOWER, "{{{{customer.{}}}}}"),
    "hubspot": Tags("HubSpot", "Email", _LOWER, "{{{{contact.{}}}}}"),
}
RECIPE = Tags("recipe", "email", _LOWER, "{{{{{}}}}}")


def given_tags(merge_tag: str) -> Tags:
    """Return the tags of any other system, by how it writes its tag for the column pt_token.

    Raises InputError for a tag without that column.
    """
    before, column, after = merge_tag.partition(_LOWER[0])
    if not column:
        raise InputError(
            f"merge tag {merge_tag!r} does not name the column pt_token",
            hint="write it as your mail system writes the tag of that column, such as '%%pt_token%%'",
        )
    doubled = [part.replace("{", "{{").replace("}", "}}") for part in (before, after)]
    return Tags("your mail system", "email", _LOWER, "{}".join(doubled))


class ByVersion:
    """Copies of a mail in several versions: each is written by its version's own writer."""

    def __init__(self, writers: Mapping[str, Writer], *, shared: bool) -> None:
        """shared says that all write to one place, which counts the bytes of all."""
        self._writers, self._shared = writers, shared
        self.single_files = any(each.single_files for each in writers.values())

    @property
    def written(self) -> int:
        sizes = [each.written for each in self._writers.values()]
        return sizes[0] if self._shared else sum(sizes)

    def put(self, copy: Copy, *, again: bool) -> str:
        return self._writers[copy.version].put(copy, again=again)


class UploadWriter:
    """One template, and a table with each recipient's tokens for whoever fills it in.

    Each kind of copy has a template and a table of its own: of people who may not be tracked, too.
    """

    single_files = False

    def __init__(
        self,
        output: Output,
        tags: Tags,
        template_of: Callable[[Variant], Template],
        suffix: str,
        fields: Sequence[str],
        addresses: Addresses,
        version: str = "",
    ) -> None:
        """fields are the list's columns; template_of returns the mail as one kind of copy."""
        self.written = 0
        self._mark = f".{version}" if version else ""
        self._suffix = suffix
        self._output, self._tags, self._template_of = output, tags, template_of
        self._fields, self._addresses = fields, addresses
        clash = {column.lower() for column in (*tags.columns, tags.pixel)} & {
            field.lower() for field in fields
        }
        if clash:
            raise InputError(
                f"the list has a column {min(clash)!r}, which is pixeltrack's own here",
                hint="rename it in the list",
            )
        self._rows: dict[Variant, Callable[[Sequence[str]], object]] = {}

    def put(self, copy: Copy, *, again: bool) -> str:
        write = self._rows.get(copy.variant) or self._begin(copy.variant)
        recipient, values = copy.recipient, copy.values
        fields = recipient.fields
        write(
            (
                recipient.address,
                *[fields.get(name, "") for name in self._fields],
                *([values[slot] for slot in _TRACKING[copy.variant]]),
                values["unsubscribe"],
                values["preferences"],
                f"<{self._addresses.unsubscribe(values['unsubscribe'])}>",
                ONE_CLICK,
            )
        )
        return ""

    def _begin(self, variant: Variant) -> Callable[[Sequence[str]], object]:
        """Write the template and the head of the table when the first copy of its kind comes."""
        content = self._template_of(variant).renderer()(self._tags.values)
        name, table_name = UPLOADS[variant]
        self._output.write(f"{name}{self._mark}.{self._suffix}", content)
        self.written += len(content)
        table = self._output.open_text(f"{table_name}{self._mark}.csv")
        rows = csv.writer(table, lineterminator="\n")
        message, *personal = self._tags.columns
        named: dict[Slot, str] = {"message": message, "pixel": self._tags.pixel}
        columns = [*(named[slot] for slot in _TRACKING[variant]), *personal]
        rows.writerow(
            (self._tags.email, *self._fields, *columns, "list_unsubscribe", "list_unsubscribe_post")
        )
        self._rows[variant] = rows.writerow
        return rows.writerow


#: The template and the table of each kind of copy, without their endings.
UPLOADS: dict[Variant, tuple[str, str]] = {
    "both": ("template", "upload"),
    "none": ("untracked", "upload-untracked"),
    "opens": ("opens", "upload-opens"),
    "clicks": ("clicks", "upload-clicks"),
    "apart": ("apart", "upload-apart"),
}
_TRACKING: dict[Variant, tuple[Slot, ...]] = {  # the tokens in a row of the table
    "both": ("message",),
    "none": (),
    "opens": ("message",),
    "clicks": ("message",),
    "apart": ("message", "pixel"),
}


# -- JSON lines -------------------------------------------------------------------------------------


def json_line(
    template: Template, *, variant: Variant, key: str, source: Source, addresses: Addresses, version: str = ""
) -> Template:
    """Return one line of JSON for one copy, escaped once for all copies; key is what the mail goes by.

    The slots "address" and "fields" take JSON. Raises InputError for bytes that are no text.
    """
    tracked = variant != "none"
    token = joined('"', at("message"), '"') if tracked else "null"
    measured = ""
    if variant in ("opens", "clicks"):
        measured = f', "opens": {json.dumps(variant == "opens")}, "clicks": {json.dumps(variant == "clicks")}'
    unsubscribe = (addresses.unsubscribe(""), at("unsubscribe"))
    which = f', "version": {json.dumps(version)}' if version else ""
    return joined(
        *(
            '{"email": ',
            at("address"),
            f'{which}, "tracked": {json.dumps(tracked)}{measured}, "token": ',
            token,
        ),
        *(', "list_unsubscribe": "<', *unsubscribe, f'>", "list_unsubscribe_post": "{ONE_CLICK}"'),
        *(', "preferences_url": "', addresses.preferences(""), at("preferences"), '"'),
        *(', "fields": ', at("fields"), f', "{key}": "', _json_text(template, source), '"}\n'),
    )


def _json_text(mail: Template, source: Source) -> Template:
    def escaped(chunk: bytes) -> bytes:
        text = source.decode(chunk)
        return json.dumps(text.removeprefix("\ufeff"), ensure_ascii=False)[1:-1].encode()

    return mail.mapped(escaped, str.encode)


def json_values(copy: Copy) -> dict[Slot, str]:
    """Return a copy's values for a line of JSON."""
    return {
        **copy.values,
        "address": quoted(copy.recipient.address),
        "fields": flat(copy.recipient.fields),
    }


# -- messages ---------------------------------------------------------------------------------------


def message_values(copy: Copy) -> dict[Slot, str]:
    """Return a copy's values for a message, whose bytes are UTF-8 (RFC 6532 where not ASCII)."""
    return {**copy.values, "to": copy.recipient.address.encode().decode("latin-1")}


def with_line_feeds(template: Template, *, variant: Variant) -> Template:  # noqa: ARG001 - as every shape
    """Return a message as mail boxes on disk have it; a mail server makes CRLF of it when it sends."""
    return template.mapped(lambda chunk: chunk.replace(b"\r\n", b"\n"), template.encode)


def boxed(template: Template, *, variant: Variant, now: int) -> Template:
    """Return a message as it stands in an mbox: a From_ line before it, an empty one behind it.

    Lines of it that begin with "From " are quoted as mboxrd does, which can be undone. now is ms UTC.
    """
    chunks = [_FROM.sub(b">", chunk) for chunk in with_line_feeds(template, variant=variant).chunks]
    chunks[0] = f"From pixeltrack@localhost {asctime(gmtime(now / 1000))}\n".encode() + chunks[0]
    chunks[-1] += b"\n" if chunks[-1].endswith(b"\n") else b"\n\n"
    return replace(template, chunks=tuple(chunks))


_FROM = re.compile(rb"(?<=\n)(?=>*From )")  # never where a chunk begins: a token stands before it
