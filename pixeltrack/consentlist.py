"""A list of who agreed to what: CSV or JSON lines in, entries of the ledger out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from sys import intern
from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.ledger import PURPOSES, Decision, Entry, Purpose, stricter
from pixeltrack.recipients import identity, read_consent, rows
from pixeltrack.times import read_time
from pixeltrack.tokens import Keyring

_COLUMNS = ("consent", *(f"consent_{purpose}" for purpose in PURPOSES))
_SHA256 = re.compile(r"[0-9a-f]{64}")
_Taken = dict[Purpose, dict[bytes, Entry]]
_SHOWN = 5  # lines that are named of those that cannot be taken


class Terms(NamedTuple):
    """What holds for rows that do not say it themselves. ``now`` and ``at`` are ms UTC."""

    now: int
    purposes: tuple[Purpose, ...] = ("opens", "clicks")  # that the column "consent" speaks for
    at: int | None = None
    method: str = ""
    source: str = ""
    wording: bytes | None = None


@dataclass
class Claims:
    """What a list says. ``refusing`` has the addresses of all who refuse something in it."""

    entries: list[Entry] = field(default_factory=list)
    refusing: dict[bytes, str] = field(default_factory=dict)
    rows: int = 0
    silent: int = 0  # rows that say nothing: these change nothing
    twice: int = 0  # rows about a person and purpose that an earlier row is about
    unproven: int = 0  # rows with a grant without its time, its method or its wording
    unproven_lines: list[int] = field(default_factory=list)  # the first of them
    missing: set[str] = field(default_factory=set)  # what these have not


def read_claims(
    stream: Iterable[str],
    name: str,
    terms: Terms,
    keyring: Keyring,
    progress: Callable[[int], None] | None = None,
) -> Claims:
    """Read a whole list; raise InputError, naming the line, for anything that cannot be right.

    Columns: email; consent, consent_opens, consent_clicks, consent_retargeting; consent_at,
    consent_method, consent_source, consent_text_id. A blank cell changes nothing. Of several rows for
    one person and purpose the most restrictive is taken. A grant that cannot be proved, for want of its
    time, method or wording (GDPR art. 7(1)), is left out and counted: such a person stays unknown.
    """
    claims = Claims()
    taken: _Taken = {purpose: {} for purpose in PURPOSES}
    has_column = False
    for line, row in rows(stream, name):
        claims.rows += 1
        has_column = has_column or any(column in row for column in _COLUMNS)
        known_as = identity(row["email"], name, line)
        said = dict(_decisions(row, terms.purposes, name, line))
        if not said:
            claims.silent += 1
        else:
            _take(claims, taken, row, said, terms, keyring.subject(known_as), known_as, name, line)
        if progress:
            progress(claims.rows)
    if not has_column:
        raise InputError(
            f"{name} has no consent column" if claims.rows else f"{name} has a header but nobody in it",
            hint=f"it needs one of {', '.join(_COLUMNS)}",
        )
    # by subject, as the ledger's index is: a long list is recorded several times as fast
    claims.entries = sorted(chain.from_iterable(each.values() for each in taken.values()), key=itemgetter(0))
    return claims


def _take(
    claims: Claims,
    taken: _Taken,
    row: dict[str, str],
    said: dict[Purpose, Decision],
    terms: Terms,
    subject: bytes,
    known_as: str,
    name: str,
    line: int,
) -> None:
    at = _time(row, terms, name, line)
    method = intern(row.get("consent_method") or terms.method)  # most rows of a list say the same
    source = intern(row.get("consent_source") or terms.source or name)
    wording = _wording(row, terms, name, line)
    proof = {"consent_at": at, "consent_method": method, "consent_text_id": wording}
    missing = {column for column, value in proof.items() if not value}
    origin = f"{name} line {line}"
    again = unproven = False
    for purpose, decision in said.items():
        if decision == "granted" and missing:
            unproven = True
            claims.missing |= missing
            continue
        if decision != "granted":
            claims.refusing[subject] = known_as
        entry = Entry(
            *(subject, purpose, decision, terms.now if at is None else at, terms.now),
            *(method, source, wording, origin),
        )
        earlier = taken[purpose].get(subject)
        again = again or earlier is not None
        taken[purpose][subject] = stricter(earlier, entry) if earlier else entry
    claims.twice += again
    if unproven:
        claims.unproven += 1
        if len(claims.unproven_lines) < _SHOWN:
            claims.unproven_lines.append(line)


def _decisions(
    row: dict[str, str], purposes: tuple[Purpose, ...], name: str, line: int
) -> Iterator[tuple[Purpose, Decision]]:
    """Yield what a row says of each purpose: of two cells about one, a refusal before a grant."""
    for purpose in PURPOSES:
        cells = [row.get(f"consent_{purpose}", "")]
        if purpose in purposes:
            cells.append(row.get("consent", ""))
        words = [cell for cell in cells if cell]
        given = [read_consent(word, name, line) for word in words]
        if "denied" in given:
            withdrawn = any(word.strip().lower() == "withdrawn" for word in words)
            yield purpose, "withdrawn" if withdrawn else "denied"
        elif "granted" in given:
            yield purpose, "granted"


def _time(row: dict[str, str], terms: Terms, name: str, line: int) -> int | None:
    written = row.get("consent_at", "")
    at = read_time(written, f"{name} line {line}: consent_at") if written else terms.at
    if at is not None and at > terms.now:  # it would beat every withdrawal until then
        raise InputError(
            f"{name} line {line}: consent_at is {written or 'given'!r}, which is still to come",
            hint="a time without an offset is this machine's local time",
        )
    return at


def _wording(row: dict[str, str], terms: Terms, name: str, line: int) -> bytes | None:
    written = row.get("consent_text_id", "").lower()
    if not written:
        return terms.wording
    if not _SHA256.fullmatch(written):
        raise InputError(
            f"{name} line {line}: consent_text_id {written[:80]!r} is no SHA-256",
            hint="it has 64 hexadecimal digits, as sha256sum prints; or give the text with --wording",
        )
    return bytes.fromhex(written)
