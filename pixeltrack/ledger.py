"""What the consent ledger says of a person: a pure function of the entries, in any order."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from hashlib import blake2b
from itertools import groupby
from typing import Literal, NamedTuple

from pixeltrack.model import Consent

Purpose = Literal["opens", "clicks", "retargeting"]
Decision = Literal["granted", "denied", "withdrawn"]

PURPOSES: tuple[Purpose, ...] = ("opens", "clicks", "retargeting")
SUBJECT_BYTES = 16
BY_SIGNAL = "browser signal"  # the method of who is asked by Sec-GPC or DNT alone
_RANK = {"granted": 0, "denied": 1, "withdrawn": 2}


class Entry(NamedTuple):
    """One row of the ledger. Times are ms UTC; ``wording`` is the SHA-256 of the text that was shown."""

    subject: bytes
    purpose: Purpose
    decision: Decision
    at: int  # when the person decided
    recorded: int  # when it was put down
    method: str
    source: str
    wording: bytes | None
    origin: str  # "list.csv line 3", "pixeltrack consent grant"


class Recorded(NamedTuple):
    """What the ledger says of one person, by purpose. Never asked is "unknown", not "denied"."""

    opens: Consent = "unknown"
    clicks: Consent = "unknown"
    retargeting: Consent = "unknown"

    @property
    def refuses(self) -> bool:
        """Whether being measured is refused, be it for opens or for clicks alone."""
        return "denied" in (self.opens, self.clicks)

    @property
    def refused_kinds(self) -> int:
        """What of being measured is refused, in bits: 1 opens, 2 clicks."""
        return (self.opens == "denied") | (self.clicks == "denied") << 1


NOTHING = Recorded()


def deciding(decisions: Iterable[tuple[int, Decision]]) -> tuple[int, Decision] | None:
    """Return which of the (at, decision) pairs of one person and purpose holds; None where there is none.

    It is the latest; of several at the same moment the most restrictive. So a withdrawal beats a grant
    that was given before it, whenever that is imported, and order in the ledger does not matter.
    """
    return max(decisions, key=lambda each: (each[0], _RANK[each[1]]), default=None)


def recorded(decisions: Iterable[tuple[Purpose, int, Decision]]) -> Recorded:
    """Return what holds for one person, from (purpose, at, decision) in any order."""
    by_purpose: dict[Purpose, list[tuple[int, Decision]]] = {}
    for purpose, at, decision in decisions:
        by_purpose.setdefault(purpose, []).append((at, decision))
    said: dict[str, Consent] = {}
    for purpose, given in by_purpose.items():
        last = deciding(given)
        if last:
            said[purpose] = "granted" if last[1] == "granted" else "denied"
    return Recorded(**said)


def holding(entries: Iterable[Entry]) -> Entry | None:
    """Return which of the entries of one person and purpose decides; None where there is none.

    Of several that say the same at the same moment it is the one that was put down first.
    """
    given = list(entries)
    last = deciding((entry.at, entry.decision) for entry in given)
    return next((entry for entry in given if (entry.at, entry.decision) == last), None)


def stricter(one: Entry, other: Entry) -> Entry:
    """Return which of two entries of one list, for one person and purpose, is taken: the most restrictive.

    That is a refusal before a grant, then the later refusal, then the earlier grant, which more
    withdrawals beat.
    """
    return max(one, other, key=_strictness)


def _strictness(entry: Entry) -> tuple[int, int, str]:
    refused = entry.decision != "granted"
    return _RANK[entry.decision], entry.at if refused else -entry.at, entry.origin


class Standings:
    """What the whole ledger says, in 17 bytes a person: it may know as many people as a long list has."""

    def __init__(self, rows: Iterable[tuple[bytes, Purpose, int, Decision]]) -> None:
        """Take in (subject, purpose, at, decision) of all entries, in the order of their subjects."""
        subjects, states = bytearray(), bytearray()
        kinds: dict[Recorded, int] = {}
        for subject, group in groupby(rows, key=lambda row: row[0]):
            subjects += subject
            states.append(kinds.setdefault(recorded(row[1:] for row in group), len(kinds)))
        self._subjects = bytes(subjects)
        self._states = bytes(states)
        self._kinds = list(kinds)

    def __len__(self) -> int:
        return len(self._states)

    def of(self, subject: bytes) -> Recorded:
        """Return what is recorded of a person; nothing where the ledger does not know them."""
        place = bisect_left(range(len(self._states)), subject, key=self._subject)
        if place < len(self._states) and self._subject(place) == subject:
            return self._kinds[self._states[place]]
        return NOTHING

    @property
    def digest(self) -> str:
        """What is the same for two ledgers that say the same of everybody."""
        said = blake2b(self._subjects, digest_size=16)
        said.update(self._states + repr(self._kinds).encode())
        return said.hexdigest() if self._states else ""

    def _subject(self, place: int) -> bytes:
        return self._subjects[place * SUBJECT_BYTES : (place + 1) * SUBJECT_BYTES]
