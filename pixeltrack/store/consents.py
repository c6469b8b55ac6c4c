"""The consent ledger, and the texts that people were shown."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from pixeltrack.ledger import BY_SIGNAL, Decision, Entry, Purpose, Recorded, Standings, recorded
from pixeltrack.model import Scope
from pixeltrack.refusals import Refusal, remember
from pixeltrack.store.connect import explained
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_TOLD = 1_000  # entries between two words about how far it is
_BUSY_MS = 5_000  # a withdrawal is worth waiting for


class _Dry(Exception):
    """Takes back what was only tried."""


class OptOut(NamedTuple):
    """A refusal that somebody made on the collector's pages, at ms UTC, through a campaign's mail."""

    scope: Scope
    at: int
    campaign: str


class Consents(Trail):
    """The part of the store that knows who agreed to what, and when."""

    def record_consents(
        self,
        entries: Sequence[Entry],
        refusing: Mapping[bytes, str],
        wording: bytes | None = None,
        *,
        dry: bool = False,
        told: Callable[[int], None] | None = None,
        of: str = "",
        actor: str | None = None,
    ) -> int:
        """Add entries to the ledger, all or none, durably; return how many were new.

        refusing has the addresses of those who refuse something: where that holds in the ledger
        afterwards, mail that they were sent before is silenced. wording is the text that was shown. An
        entry that says what an earlier one says is not added again. With dry nothing is kept. told is told
        how many are looked at; of and actor are what the audit trail says of it.
        """
        try:
            with self._transaction(_BUSY_MS) as connection:
                added = self._add(connection, entries, refusing, wording, told)
                self._note_consents(entries, added, of, actor)
                if added and not dry:
                    remember(
                        self.path,
                        [
                            Refusal(each.at, "withdrew", each.subject, each.purpose)
                            for each in entries
                            if each.decision != "granted"
                        ],
                    )
                if dry:
                    raise _Dry
        except _Dry:
            pass
        return added

    def _add(
        self,
        connection: sqlite3.Connection,
        entries: Sequence[Entry],
        refusing: Mapping[bytes, str],
        wording: bytes | None,
        told: Callable[[int], None] | None,
    ) -> int:
        added = connection.executemany(query("put_consent"), _values(entries, told)).rowcount
        if wording is not None:
            connection.execute(
                "insert or ignore into wordings (wording, content, added) values (?, ?, ?)",
                [sha256(wording).digest(), wording, max((each.recorded for each in entries), default=0)],
            )
        connection.executemany(
            query("silence_denied"),
            (
                {"identity": identity, "kinds": kinds}
                for subject, identity in refusing.items()
                if (kinds := self._recorded_of(subject).refused_kinds)
            ),
        )
        return added

    def _note_consents(self, entries: Sequence[Entry], added: int, of: str, actor: str | None) -> None:
        """Note what was decided: of one person by name of the decision, of a list how many of each."""
        if not entries:
            return
        subjects = {each.subject for each in entries}
        decisions = Counter(f"{each.purpose} {each.decision}" for each in entries)
        one = entries[0].subject if len(subjects) == 1 else None
        counts = {"people": len(subjects), "new": added, **decisions}
        self.note("consent", of, subject=one, counts=counts, actor=actor)

    def consents_of(self, subject: bytes) -> list[Entry]:
        """Return all entries about one person, in the order in which they were put down."""
        return [Entry(*row) for row in self._rows("consents_of", subject=subject)]

    def recorded_of(self, subject: bytes) -> Recorded:
        """Return what the ledger says of one person."""
        self._stay()
        with explained(self.path):
            return self._recorded_of(subject)

    def _recorded_of(self, subject: bytes) -> Recorded:
        rows = self._connection.execute(
            "select purpose, at, decision from consents where subject = ?", [subject]
        )
        return recorded((row[0], row[1], row[2]) for row in rows)

    def standings(self) -> Standings:
        """Return what the ledger says of everybody."""
        with explained(self.path):
            return Standings(self._all_consents())

    def _all_consents(self) -> Iterator[tuple[bytes, Purpose, int, Decision]]:
        self._stay()
        cursor = self._connection.cursor()
        cursor.row_factory = None
        yield from cursor.execute("select subject, purpose, at, decision from consents order by subject")

    def last_consent(self) -> int:
        """Return the number of the newest entry, 0 where there is none."""
        ((number,),) = self._plain("select coalesce(max(entry), 0) from consents")
        return int(number)

    def signalled(self) -> int:
        """Return of how many people, of those that are known, a browser has refused retargeting."""
        ((people,),) = self._plain(
            "select count(distinct subject) from consents join recipients using (subject)"
            " where purpose = 'retargeting' and method = ?",
            [BY_SIGNAL],
        )
        return int(people)

    def refused_since(self, entry: int) -> dict[bytes, int]:
        """Return who refuses something by entries after one with a number, and what: 1 opens, 2 clicks."""
        rows = self._plain(
            "select distinct subject from consents where entry > ? and decision <> 'granted'", [entry]
        )
        kinds = {subject: self._recorded_of(subject).refused_kinds for (subject,) in rows}
        return {subject: refused for subject, refused in kinds.items() if refused}

    def silence(self, refused: Iterable[tuple[str, int]]) -> None:
        """Stop measuring all mail that people were sent, each in some kinds: bits, 1 opens, 2 clicks."""
        with self._transaction() as connection:
            rows = ({"identity": identity, "kinds": kinds} for identity, kinds in refused)
            connection.executemany(query("silence_denied"), rows)

    def wording(self, digest: bytes) -> bytes | None:
        """Return a text that people were shown by its SHA-256, or None where it is not kept here."""
        rows = self._plain("select content from wordings where wording = ?", [digest])
        return bytes(rows[0][0]) if rows else None

    def opt_out_rows(self, subject: bytes) -> list[OptOut]:
        """Return what one person refused on the collector's pages."""
        return [OptOut(*row) for row in self._rows("optouts_of", subject=subject)]


def _values(entries: Iterable[Entry], told: Callable[[int], None] | None) -> Iterator[dict[str, object]]:
    for place, entry in enumerate(entries, start=1):
        yield entry._asdict()
        if told and not place % _TOLD:
            told(place)
