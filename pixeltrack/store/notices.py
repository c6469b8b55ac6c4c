"""Versions of the privacy notice: which wording was in force, in which language, since when."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import NamedTuple

from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000


class NoticeVersion(NamedTuple):
    """A version of the notice; times are ms UTC, ``until`` None while it is the newest of its language."""

    language: str
    number: int
    wording: bytes  # SHA-256
    since: int
    until: int | None


class Notices(Trail):
    """The part of the store that knows the versions of the notice."""

    def register_notices(self, texts: Mapping[str, bytes], now: int) -> dict[str, int]:
        """Keep texts of the notice by their languages as the versions in force; return their numbers.

        A text that is the newest version of its language already stays that one: nothing is written.
        """
        newest = self._newest()
        changed = {
            language: text
            for language, text in texts.items()
            if language not in newest or newest[language].wording != sha256(text).digest()
        }
        if changed:
            with self._transaction(_BUSY_MS) as connection:
                newest = self._newest()  # another process may have been here
                for language, text in changed.items():
                    digest = sha256(text).digest()
                    last = newest.get(language)
                    if last is not None and last.wording == digest:
                        continue
                    number = last.number + 1 if last else 1
                    connection.execute(
                        "insert or ignore into wordings (wording, content, added) values (?, ?, ?)",
                        [digest, text, now],
                    )
                    connection.execute(
                        "insert into notices values (?, ?, ?, ?)", [language, number, digest, now]
                    )
                    counts = {"version": number, "wording": digest.hex()}
                    self.note("notice", language, counts=counts, at=now)
                newest = self._newest()
        return {language: newest[language].number for language in texts}

    def notices(self) -> list[NoticeVersion]:
        """Return all versions, by language and number."""
        rows = self._plain(
            "select language, number, wording, since,"
            " lead(since) over (partition by language order by number)"
            " from notices order by language, number"
        )
        return [NoticeVersion(row[0], row[1], bytes(row[2]), row[3], row[4]) for row in rows]

    def notices_of(self, wording: bytes) -> list[NoticeVersion]:
        """Return the versions that are a wording."""
        return [each for each in self.notices() if each.wording == wording]

    def _newest(self) -> dict[str, NoticeVersion]:
        return {each.language: each for each in self.notices() if each.until is None}
