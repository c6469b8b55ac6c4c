"""What a copy has to be told when it takes a database's place: refusals, silenced messages, the trail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pixeltrack.refusals import Refusal
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail
from pixeltrack.trail import Link

_BUSY_MS = 10_000


class Silence(NamedTuple):
    """A message of a campaign (by its code) that is not measured, why, and in which kinds."""

    code: str
    message: int
    why: str
    kinds: int


class Followed(Trail):
    """The part of the store that tells what people refused, and takes it over from another."""

    def silenced_everywhere(self) -> list[Silence]:
        """Return all messages that are not measured, or not in full."""
        select = "select code, message, why, kinds from silenced join campaigns using (campaign_id)"
        return [Silence._make(row) for row in self._plain(select)]

    def silence_as_there(self, rows: Iterable[Silence]) -> None:
        """Stop measuring what another database of the same campaigns does not measure."""
        with self._transaction(_BUSY_MS) as connection:
            connection.executemany(query("silence_as_there"), [each._asdict() for each in rows])

    def known_refusals(self) -> list[Refusal]:
        """Return who was erased, opted out or withdrew, as the file beside the database has them."""
        found = [
            Refusal(at, "opted out", subject, scope)
            for subject, scope, at in self._plain("select subject, scope, at from optouts")
        ]
        found += [
            Refusal(at, "withdrew", subject, purpose)
            for subject, purpose, at in self._plain(
                "select subject, purpose, at from consents where decision <> 'granted'"
            )
        ]
        erased = (
            "select at, subject from trail where action = 'forget' and subject is not null"
            " union all select at, subject from erasures"
        )
        return found + [Refusal(at, "erased", subject, "tracking") for at, subject in self._plain(erased)]

    def knows(self, refusal: Refusal) -> bool:
        """Return whether an opt-out or a withdrawal, or a later word about the same, is stored here."""
        if refusal.act == "withdrew":
            select = (
                "select 1 from consents where subject = ?1 and purpose = ?2"
                " and (at > ?3 or (at = ?3 and decision <> 'granted')) limit 1"
            )
            return bool(self._plain(select, [refusal.subject, refusal.what, refusal.at]))
        select = "select 1 from optouts where subject = ? and scope = ?"
        return bool(self._plain(select, [refusal.subject, refusal.what]))

    def refuse(self, subject: bytes, scope: str, at: int, identity: str | None) -> int:
        """Record an opt-out again, and silence that person's mail; return 1 where it was not known."""
        with self._transaction(_BUSY_MS) as connection:
            added = connection.execute(
                "insert or ignore into optouts (subject, scope, at, campaign_id, message)"
                " values (?, ?, ?, 0, 0)",
                [subject, scope, at],
            ).rowcount
            if identity is not None and scope != "all":
                kinds = {"opens": 1, "clicks": 2}.get(scope, 3)
                connection.execute(query("silence_again"), {"identity": identity, "kinds": kinds})
        return added

    def go_on_with_trail(self, rows: Iterable[Link]) -> int:
        """Take over the rows that another trail has beyond this one, if it begins as this one does."""
        head = self.trail_head()
        after = head.seq == 0
        added = 0
        with self._transaction(_BUSY_MS) as connection:
            for row in rows:
                if row.seq == head.seq and row.hash == head.hash:
                    after = True
                elif row.seq > head.seq and after:
                    connection.execute("insert into trail values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
                    added += 1
        return added
