"""A list of who agreed to what: CSV or JSON lines in, entries of the ledger out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from sys import intern
from typing import NamedTuple

from pixeltrack import objection
from pixeltrack.errors import InputError
from pixeltrack.ledger import PURPOSES, Decision, Entry, Purpose, stricter
from pixeltrack.model import Consent
from pixeltrack.recipients import GRANTED, identity, read_consent, rows
from pixeltrack.times import read_time
from pixeltrack.tokens import Keyring

_NAMES: dict[Purpose, tuple[str, ...]] = {  # of columns; "export" is what some lists call retargeting
    "opens": ("consent_opens",),
    "clicks": ("consent_clicks",),
    "retargeting": ("consent_retargeting", "consent_export"),
}
_COLUMNS = ("consent", *chain.from_iterable(_NAMES.values()))
UNPROVEN = "not proved"  # the method of a grant that has none
_SHA256 = re.compile(r"[0-9a-f]{64}")
_Taken = dict[Purpose, dict[bytes, Entry]]
_NO_TIME = 0  # ms UTC, of a grant that nobody knows the time of: before every refusal
_SHOWN = 5  # lines that are named of those that cannot be taken


class Terms(NamedTuple):
    """What holds for rows that do not say it themselves. ``now`` and ``at`` are ms UTC."""

    now: int
    purposes: tuple[Purpose, ...] = ("opens", "clicks")  # that the column "consent" speaks for
    at: int | None = None
    method: str = ""
    source: str = ""
    wording: bytes | None = None
    preset: str | None = None
    reason: str = ""  # why grants without proof are accepted; empty where they are not
    lenient: bool = False  # a cell that is not understood is unknown


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
    uninformed: int = 0  # rows that say "informed, no objection" where that counts for nothing
    unclear_lines: list[int] = field(default_factory=list)  # rows with a cell that is not understood


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
    time, method or wording (GDPR art. 7(1)), is left out and counted: such a person stays unknown. Where
    the terms give a reason it is taken, and without a time it counts from the beginning of time, so that
    every refusal beats it.
    """
    claims = Claims()
    taken: _Taken = {purpose: {} for purpose in PURPOSES}
    has_column = False
    for line, row in rows(stream, name):
        claims.rows += 1
        has_column = has_column or any(column in row for column in _COLUMNS)
        known_as = identity(row["email"], name, line)
        said = dict(_decisions(claims, row, terms, name, line))
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
    informed = _is_informed(row)
    if informed and at is None:
        at = read_time(row[objection.TOLD], f"{name} line {line}: {objection.TOLD}")
    given = row.get("consent_method") or (objection.METHOD if informed else terms.method)
    method = intern(given)  # most rows of a list say the same
    source = intern(row.get("consent_source") or terms.source or name)
    wording = _wording(row, terms, name, line)
    proof = {"consent_at": at, "consent_method": method, "consent_text_id": wording}
    missing = set() if informed else {column for column, value in proof.items() if not value}
    origin = f"{name} line {line}"
    if missing and terms.reason:
        origin += f"; unproven, accepted: {terms.reason}"
    again = unproven = False
    for purpose, decision in said.items():
        if decision == "granted" and missing:
            unproven = True
            claims.missing |= missing
            if not terms.reason:
                continue
        if decision != "granted":
            claims.refusing[subject] = known_as
        without = _NO_TIME if decision == "granted" else terms.now
        entry = Entry(
            *(subject, purpose, decision, without if at is None else at, terms.now),
            *(method or (UNPROVEN if decision == "granted" else ""), source, wording, origin),
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
    claims: Claims, row: dict[str, str], terms: Terms, name: str, line: int
) -> Iterator[tuple[Purpose, Decision]]:
    """Yield what a row says of each purpose: of two cells about one, a refusal before a grant."""
    informed = _is_informed(row) and _informs(claims, row, terms, name, line)
    for purpose in PURPOSES:
        cells = [row.get(column, "") for column in _NAMES[purpose]]
        if purpose in terms.purposes:
            cells.append(row.get("consent", ""))
        words = [cell for cell in cells if cell]
        given: list[Consent] = []
        for word in words:
            if word.strip().lower() == objection.WORD:
                given.append("granted" if informed and purpose != "retargeting" else "unknown")
                continue
            try:
                given.append(read_consent(word, name, line))
            except InputError:
                if not terms.lenient:
                    raise
                if line not in claims.unclear_lines[-1:]:
                    claims.unclear_lines.append(line)
        if "denied" in given:
            withdrawn = any(word.strip().lower() == "withdrawn" for word in words)
            yield purpose, "withdrawn" if withdrawn else "denied"
        elif "granted" in given:
            yield purpose, "granted"


def _is_informed(row: dict[str, str]) -> bool:
    """Return whether a row says that, and says of nothing that it was granted: that would need its proof."""
    said = {row.get(column, "").strip().lower() for column in _COLUMNS}
    return objection.WORD in said and not said & GRANTED


def _informs(claims: Claims, row: dict[str, str], terms: Terms, name: str, line: int) -> bool:
    """Return whether being informed without an objection counts in this row; count it where it does not."""
    try:
        told = objection.counts(row, terms.preset)
    except ValueError:
        raise InputError(
            f"{name} line {line}: {objection.COLLECTED} and {objection.TOLD} are no dates",
            hint="write 2026-03-01",
        ) from None
    claims.uninformed += not told
    return told


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
