"""Who has asked on their own page to be erased, until they are."""

from __future__ import annotations

from pixeltrack.store.trail import Trail

_BUSY_MS = 2_000  # as for an opt-out


class Erasures(Trail):
    """The part of the store that does not forget who wants to be forgotten. Times are ms UTC."""

    def ask_erasure(self, subject: bytes, at: int) -> None:
        """Put down, durably, that somebody wants to be erased. Asking twice changes nothing."""
        with self._transaction(_BUSY_MS) as connection:
            added = connection.execute(
                "insert or ignore into erasures (subject, at) values (?, ?)", [subject, at]
            ).rowcount
            if added:
                self.note("erasure asked", subject=subject, actor="recipient", at=at)

    def erasures(self) -> list[tuple[bytes, int]]:
        """Return who waits to be erased, and since when, in that order."""
        return [(row[0], row[1]) for row in self._plain("select subject, at from erasures order by at")]

    def erasure_asked(self, subject: bytes) -> int | None:
        """Return since when somebody waits to be erased; None where they do not."""
        rows = self._plain("select at from erasures where subject = ?", [subject])
        return int(rows[0][0]) if rows else None

    def was_erased(self, subject: bytes) -> bool:
        """Return whether somebody has been erased, and no row is kept of them since."""
        statement = (
            "select exists (select 1 from trail where subject = ?1 and action = 'forget')"
            " and not exists (select 1 from recipients where subject = ?1)"
        )
        return bool(self._plain(statement, [subject])[0][0])

    def erasure_done(self, subject: bytes) -> bool:
        """Strike somebody out of who waits; return whether they did."""
        with self._transaction(_BUSY_MS) as connection:
            return connection.execute("delete from erasures where subject = ?", [subject]).rowcount > 0
