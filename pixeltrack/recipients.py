"""Recipient lists: CSV or JSON lines in, values out, every fault named with its line."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain

from pixeltrack import objection
from pixeltrack.errors import InputError
from pixeltrack.model import Consent, Recipient

GRANTED = frozenset({"granted", "yes", "y", "true", "1", "opt-in", "in"})
_DENIED = frozenset({"denied", "withdrawn", "no", "n", "false", "0", "opt-out", "out"})

_LONGEST = 2**31 - 1  # characters in a cell: a list says what it says, in CSV as in JSON

# What SMTP carries (RFC 5321, 4.1.2 and 4.5.3.1; RFC 6531 for letters outside ASCII): no quoted local
# parts, which no mail system of a reader uses. Nor one that a spreadsheet would run: messages.csv
# carries addresses as they are.
_ATOM = r"[^\s@<>()\[\]:;,.\\\"]++"
_LABEL = r"(?![^.]{64})[^\W_]++(?:-++[^\W_]++)*+"
_ADDRESS = re.compile(
    rf"(?!=|[+-][^@]*\|)(?P<local>(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*+)@"
    rf"(?P<domain>(?=.{{1,253}}\Z)(?:{_LABEL}\.)+(?=[^\W\d_].){_LABEL})"
)


def read(stream: Iterable[str], name: str) -> Iterator[Recipient]:
    """Yield the recipients of a CSV or JSON-lines stream, in order.

    The stream gives lines with their ends (``newline=""``), and what is no UTF-8 in them as surrogates.
    The first character that is not white space decides: "{" means JSON lines. CSV needs a header line
    with an ``email`` column; ``consent`` is understood, as are ``consent_opens`` and ``consent_clicks``;
    all other columns are kept as fields. Raises
    InputError naming the line and the value.
    """
    for line, row in rows(stream, name):
        address, consent = row.pop("email", ""), row.pop("consent", "")
        row.pop("", None)  # a column without a name
        known_as = identity(address, name, line)
        opens = clicks = read_consent(consent, name, line) if consent else "unknown"
        if "consent_opens" in row or "consent_clicks" in row:
            opens = _with(opens, row.pop("consent_opens", ""), name, line)
            clicks = _with(clicks, row.pop("consent_clicks", ""), name, line)
        yield Recipient(address, known_as, opens, clicks, row, line)


def rows(stream: Iterable[str], name: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line, cells by column) of a list, each with an ``email``; its consent is not looked at."""
    blank = 0
    stream = _decodable(stream, name)
    for first in stream:
        if first.strip().strip("\ufeff"):
            break
        blank += 1
    else:
        raise InputError(f"{name} is empty", hint="a list is CSV with an email column, or JSON lines")
    lines = chain([first.removeprefix("\ufeff")], stream)
    yield from (_json_lines if first.lstrip("\ufeff \t")[0] == "{" else _csv)(lines, name, blank)


def _decodable(lines: Iterable[str], name: str) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if not line.isascii():
            try:
                line.encode()
            except UnicodeEncodeError:
                raise InputError(
                    f"{name} line {number} is not UTF-8", hint="save the list as UTF-8"
                ) from None
        yield line


def _csv(lines: Iterator[str], name: str, before: int) -> Iterator[tuple[int, dict[str, str]]]:
    first = next(lines)
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(_LONGEST)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    line = before + 1
    try:
        header: list[str] = []
        while not any(header):
            header = [column.strip().lower() for column in next(reader)]
        _check_header(header, name)
        width = len(header)
        while True:
            line = before + reader.line_num + 1  # where the row begins: quotes may have line ends in them
            row = next(reader)
            cells = list(map(str.strip, row))
            if not any(cells):
                continue
            if len(row) != width:
                fewer = "is the file cut off? a blank cell needs its delimiter too"
                more = f"put quotes round a value that has {delimiter!r} in it"
                raise InputError(
                    f"{name} line {line}: {len(row)} cells under {len(header)} columns",
                    hint=more if len(row) > len(header) else fewer,
                )
            yield line, dict(zip(header, cells, strict=True))
    except StopIteration:
        return
    except csv.Error as error:
        raise InputError(
            f"{name} line {line}: {error}", hint='is a quote missing? inside quotes, " is written ""'
        ) from None


def _check_header(header: list[str], name: str) -> None:
    if "email" not in header:
        if header[0].startswith("["):
            raise InputError(f"{name} is a JSON array", hint="give JSON lines: one object a line")
        shown = ", ".join(header[:8])
        raise InputError(
            f"{name} has no email column; its first line says: {shown}",
            hint="the first line names the columns, for instance: email,first_name,company",
        )
    for column in header:
        if column and header.count(column) > 1:
            raise InputError(f"{name}: column {column!r} is there twice", hint="rename one of them")


def _json_lines(lines: Iterator[str], name: str, before: int) -> Iterator[tuple[int, dict[str, str]]]:
    for line, written in enumerate(lines, start=before + 1):
        if not written.strip():
            continue
        try:
            value = json.loads(written, object_pairs_hook=_no_twins)
            if "\\u" in written:
                json.dumps(value, ensure_ascii=False).encode()  # refuses half a surrogate pair
        except json.JSONDecodeError as error:
            raise InputError(f"{name} line {line}: not JSON: {error.msg}") from None
        except _Twice as error:
            raise InputError(f"{name} line {line}: the key {error} is there twice") from None
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


class _Twice(Exception):
    """A key is in one JSON object twice: which of its values is meant, nobody knows."""


def _no_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _value in pairs]
        raise _Twice(repr(next(key for key in keys if keys.count(key) > 1)))
    return made


def _as_text(value: object) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def identity(address: str, where: str, line: int = 0) -> str:
    """Return what makes an address the same person: lower case, the domain as punycode.

    where and line say for the error message what the address was read from.
    """
    found = _ADDRESS.fullmatch(address) if address.isprintable() else None
    if found and address.isascii() and "--" not in address:
        return address.lower()
    where += f" line {line}" if line else ""
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


def read_consent(value: str, name: str, line: int) -> Consent:
    """Read a consent cell that is not blank. (Blank is unknown: never asked is never denied.)"""
    word = value.strip().lower()
    if word in ("unknown", objection.WORD):  # the second counts in the ledger alone
        return "unknown"
    if word in GRANTED:
        return "granted"
    if word in _DENIED:
        return "denied"
    raise InputError(
        f"{name} line {line}: consent {value[:40]!r} is not understood",
        hint="write granted, denied, or leave it blank",
    )


def _with(given: Consent, cell: str, name: str, line: int) -> Consent:
    """Return a row's consent to opens, or to clicks, given that to both and the cell of its own.

    A refusal in either holds; what one does not say, the other may.
    """
    own = read_consent(cell, name, line) if cell else "unknown"
    return "denied" if "denied" in (given, own) else "granted" if "granted" in (given, own) else "unknown"
