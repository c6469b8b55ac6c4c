"""The headers of a message: those that a sender writes, and those that make it one recipient's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.header import Header, decode_header, make_header
from email.utils import formataddr, parseaddr

from pixeltrack.edits import Edit
from pixeltrack.errors import InputError
from pixeltrack.template import Slot

ONE_CLICK = "List-Unsubscribe=One-Click"  # the List-Unsubscribe-Post value of RFC 8058, section 3.1

_FIELD = r"^({name}):[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)"
_ANY = re.compile(_FIELD.format(name=r"[!-9;-~]+"), re.MULTILINE)
_WRITTEN_HERE = frozenset(
    ("to", "cc", "bcc", "message-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version")
)
_LINE = re.compile(r"([!-9;-~]+):[ \t]*(.*)")  # RFC 5322, 2.2
_ADDRESSES = ("from", "reply-to", "sender")
_CRLF = "\r\n"
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")
_MAX_PLAIN = 900  # characters; RFC 5322, 2.1.1 allows 998 a line


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: its name, its value as text, and the span of what is written as the value."""

    name: str
    text: str
    start: int
    end: int


def fields(view: str, end: int) -> Iterator[Field]:
    """Yield the header fields of a message up to its body; view has one character a byte."""
    for found in _ANY.finditer(view, 0, end):
        yield Field(found[1], decoded(found[2]), found.start(2), found.end(2))


def decoded(value: str) -> str:
    """Return what a header value says: unfolded, encoded words read (RFC 2047)."""
    unfolded = re.sub(r"\r?\n", "", value)
    try:
        return str(make_header(decode_header(unfolded)))
    except (LookupError, ValueError):  # a charset that nobody knows
        return unfolded


def encoded(name: str, text: str) -> str:
    """Return a header value as a message has it: no line end in it, encoded words where not ASCII."""
    text = _CONTROLS.sub(" ", text).strip()  # a recipient's field must not begin a header of its own
    if name.lower() in _ADDRESSES:
        shown, address = parseaddr(text)
        if address:
            return _mailbox(name, shown, address)
    if text.isascii() and len(text) < _MAX_PLAIN:
        return text
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


def _mailbox(name: str, shown: str, address: str) -> str:
    local, _at, domain = address.rpartition("@")
    if not domain.isascii():
        address = f"{local}@{domain.encode('idna').decode()}"
    if shown.isascii() and len(shown) < _MAX_PLAIN // 2:
        return formataddr((shown, address))
    return f"{Header(shown, 'utf-8', header_name=name).encode(linesep=_CRLF)} <{address}>"


def read(text: str, name: str) -> list[tuple[str, str]]:
    """Return the fields of a headers file: ``Name: value`` lines, as a message has them.

    Raises InputError, with the line, for what is no header, and for one that is written for each
    recipient anyway.
    """
    found: list[tuple[str, str]] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
        if line[:1] in (" ", "\t") and line.strip() and found:
            found[-1] = found[-1][0], f"{found[-1][1]} {line.strip()}"
            continue
        if not line.strip() or line.startswith("#"):
            continue
        field = _LINE.fullmatch(line)
        if field is None:
            raise InputError(f"{name} line {number}: {line[:60]!r} is no header", hint="write Name: value")
        lower = field[1].lower()
        if lower in _WRITTEN_HERE or lower.startswith("content-"):
            raise InputError(
                f"{name} line {number}: {field[1]} is written by pixeltrack",
                hint="remove the line: it is different for each recipient, or says how the mail is encoded",
            )
        if any(lower == earlier.lower() for earlier, _value in found):
            raise InputError(f"{name} line {number}: {field[1]} is there twice", hint="remove one of them")
        found.append((field[1], field[2].strip()))
    return found


def check(fields: list[tuple[str, str]]) -> None:
    """Raise InputError for a sender that no mail server would take."""
    for name, value in fields:
        if name.lower() not in _ADDRESSES or "{{" in value:
            continue
        local, at, domain = parseaddr(value)[1].rpartition("@")
        try:
            sound = bool(at and local.isascii() and domain.encode("idna"))
        except UnicodeError:
            sound = False
        if not sound:
            raise InputError(
                f"{name} {value[:80]!r} has no address that mail can carry",
                hint='for instance Garden Shop <news@example.com>, or "Shop, Inc" <news@example.com>',
            )


def personal_edits(view: str, end: int, host: str, unsubscribe_before: str, created: str) -> list[Edit]:
    """Return the edits that make a message one recipient's own: To, Message-ID, List-Unsubscribe.

    The unsubscribe headers are those of RFC 8058. A header that is there is replaced, but its Date
    stays; created is the Date of a message that has none. end is where the body begins.
    """
    eol = "\r\n" if "\r\n" in view[:end] else "\n"
    blank = end - len(eol) if view[:end].endswith(eol * 2) else end
    missing = "" if blank == 0 or view[:blank].endswith(eol) else eol
    wanted: tuple[tuple[str, str, Slot | None, str], ...] = (
        ("To", "", "to", ""),
        ("Message-ID", "<", "id", f"@{host}>"),
        ("List-Unsubscribe", f"<{unsubscribe_before}", "unsubscribe", ">"),
        ("List-Unsubscribe-Post", ONE_CLICK, None, ""),
        ("Date", created, None, ""),
    )
    edits = list(_other_recipients(view, blank))
    for name, before, slot, after in wanted:
        found = re.compile(_FIELD.format(name=name), re.MULTILINE | re.IGNORECASE).search(view, 0, blank)
        if found is None:
            edits.append(Edit(blank, blank, f"{missing}{name}: {before}", slot, f"{after}{eol}"))
            missing = ""
        elif name != "Date":
            edits.append(Edit(found.start(2), found.end(2), before, slot, after))
    return edits


def _other_recipients(view: str, end: int) -> Iterator[Edit]:
    """Yield what takes Cc, Bcc and every To but the first out: a copy is for one person alone."""
    seen = False
    for found in _ANY.finditer(view, 0, end):
        name = found[1].lower()
        if name in ("cc", "bcc") or (name == "to" and seen):
            behind = re.compile(r"\r?\n").match(view, found.end())
            yield Edit(found.start(), behind.end() if behind else found.end(), "")
        seen = seen or name == "to"
