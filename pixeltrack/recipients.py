"""Recipient lists: CSV or JSON lines in, values out, every fault named with its line."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import IO

from pixeltrack.errors import InputError
from pixeltrack.model import Consent, Recipient

_GRANTED = frozenset({"granted", "yes", "y", "true", "1", "opt-in", "in"})
_DENIED = frozenset({"denied", "withdrawn", "no", "n", "false", "0", "opt-out", "out"})

# What SMTP carries (RFC 5321, 4.1.2 and 4.5.3.1; RFC 6531 for letters outside ASCII): no quoted local
# parts, which no mail system of a reader uses. Nor one that a spreadsheet would run: messages.csv
# carries addresses as they are.
_ATOM = r"[^\s@<>()\[\]:;,.\\\"]+"
_LABEL = r"[^\W_](?:(?:[^\W_]|-){0,61}[^\W_])?"
_ADDRESS = re.compile(
    rf"(?!=|[+-][^@]*\|)(?P<local>(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*)@"
    rf"(?P<domain>(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[^\W\d_].){_LABEL})"
)


def read(stream: IO[str], name: str) -> Iterator[Recipient]:
    """Yield the recipients of a CSV or JSON-lines stream, in order.

    The first character that is not white space decides: "{" means JSON lines. CSV needs a header
    line with an ``email`` column; ``consent`` is understood, all other columns are kept as fields.
    Raises InputError naming the line and the value.
    """
    text = stream.read()
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InputError(f"{name} is empty", hint="a list is CSV with an email column, or JSON lines")
    rows = _json_lines(text, name) if text.lstrip()[0] == "{" else _csv(text, name)
    for line, row in rows:
        yield _recipient(row, name, line)


def _csv(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    head = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        header: list[str] = []
        while not any(header):
            header = [column.strip().lower() for column in next(reader)]
        _check_header(header, name)
        while True:
            line = reader.line_num + 1  # where the row begins: a value in quotes may have line ends
            row = next(reader)
            if not any(cell.strip() for cell in row):
                continue
            if len(row) > len(header):
                raise InputError(
                    f"{name} line {line}: {len(row)} cells under {len(header)} columns",
                    hint=f"put quotes round a value that has {delimiter!r} in it",
                )
            yield line, dict(zip(header, (cell.strip() for cell in row), strict=False))
    except StopIteration:
        return
    except csv.Error as error:
        raise InputError(
            f"{name} line {line}: {error}", hint='is a quote missing? inside quotes, " is written ""'
        ) from None


def _check_header(header: list[str], name: str) -> None:
    if "email" not in header:
        shown = ", ".join(header[:8])
        raise InputError(
            f"{name} has no email column; its first line says: {shown}",
            hint="the first line names the columns, for instance: email,first_name,company",
        )
    for column in header:
        if column and header.count(column) > 1:
            raise InputError(f"{name}: column {column!r} is there twice", hint="rename one of them")


def _json_lines(text: str, name: str) -> Iterator[tuple[int, dict[str, str]]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if not written.strip():
            continue
        try:
            value = json.loads(written)
            if "\\u" in written:
                json.dumps(value, ensure_ascii=False).encode()  # refuses half a surrogate pair
        except json.JSONDecodeError as error:
            raise InputError(f"{name} line {line}: not JSON: {error.msg}") from None
        except (ValueError, RecursionError):  # endless digits or brackets, half a pair
            raise InputError(f"{name} line {line}: no JSON that can be stored") from None
        keys = [key.strip().lower() for key in value] if isinstance(value, dict) else []
        if len(set(keys)) < len(keys):
            raise InputError(f"{name} line {line}: a key is there twice", hint="case does not count")
        if "email" not in keys:
            raise InputError(
                f"{name} line {line}: no email in {written[:60]!r}",
                hint='each line is one object, for instance {"email": "ada@example.com"}',
            )
        yield line, {key.strip().lower(): _as_text(item) for key, item in value.items()}


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _recipient(row: dict[str, str], name: str, line: int) -> Recipient:
    address = row.pop("email", "")
    return Recipient(
        address=address,
        identity=identity(address, f"{name} line {line}"),
        consent=_consent(row.pop("consent", ""), name, line),
        fields={column: value for column, value in row.items() if column},
        line=line,
    )


def identity(address: str, where: str) -> str:
    """Return what makes an address the same person: lower case, the domain as punycode.

    where says for the error message what the address was read from.
    """
    found = _ADDRESS.fullmatch(address) if address.isprintable() else None
    if found is None:
        raise InputError(
            f"{where}: {address[:80]!r} is not an email address",
            hint="write it bare, for instance ada@example.com",
        )
    try:
        domain = found["domain"].encode("idna").decode("ascii")
        domain.encode("ascii").decode("idna")  # refuses what only looks like punycode, such as "xn--"
    except UnicodeError:
        raise InputError(f"{where}: {address[:80]!r} has no valid domain") from None
    return f"{found['local'].lower()}@{domain.lower()}"


def _consent(value: str, name: str, line: int) -> Consent:
    """Read one consent cell. Blank is unknown: never asked is never denied."""
    word = value.strip().lower()
    if word in ("", "unknown"):
        return "unknown"
    if word in _GRANTED:
        return "granted"
    if word in _DENIED:
        return "denied"
    raise InputError(
        f"{name} line {line}: consent {value[:40]!r} is not understood",
        hint="write granted, denied, or leave it blank",
    )


def unique(recipients: Iterable[Recipient], name: str, *, merge: bool) -> list[Recipient]:
    """Return the list with every person once.

    Without merge a second row for a person is an InputError that names both lines. With it the first
    row's fields count, and the most restrictive consent of all.
    """
    seen: dict[str, Recipient] = {}
    strictness = {"granted": 0, "unknown": 1, "denied": 2}
    for recipient in recipients:
        earlier = seen.get(recipient.identity)
        if earlier is None:
            seen[recipient.identity] = recipient
            continue
        if not merge:
            raise InputError(
                f"{name} line {recipient.line}: {recipient.address} is already on line {earlier.line}",
                hint="--duplicates merge keeps one message for both, with the stricter consent",
            )
        stricter = max(earlier, recipient, key=lambda each: strictness[each.consent])
        seen[recipient.identity] = Recipient(
            earlier.address, earlier.identity, stricter.consent, earlier.fields, earlier.line
        )
    if not seen:
        raise InputError(f"{name} has a header but no recipients", hint="add one line a person")
    return list(seen.values())
