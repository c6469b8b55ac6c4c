"""A number for a client's address that means nothing beyond its day.

It tells the clients of one day apart, which is enough to see one machine touch the mail of several
people within seconds. It is keyed BLAKE2b with a random salt of that UTC day. Without the salt it
says nothing; with it all 2^32 IPv4 addresses could be tried in an hour, so the salt is deleted:
that of yesterday at 01:00 UTC, from the database and from its journal.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from pixeltrack.errors import PixeltrackError
from pixeltrack.networks.address import packed

if TYPE_CHECKING:
    from pixeltrack.store import Store

DAY = 86_400_000  # milliseconds
KEPT = 3_600_000  # milliseconds of the next day through which a salt is kept
_SALT_BYTES = 32
_REMEMBERED = 8_192  # addresses of a day
_MOST_DAYS = 400  # of old logs at once
_AGAIN = 60_000  # milliseconds before a store that refused is asked again
_BUSY_MS = 20  # that a request may wait for another writer; then the process uses a salt of its own
_START_MS = 1_000  # that a start may

log = logging.getLogger("pixeltrack.dayhash")


def number(address: str, salt: bytes) -> int:
    """Return an address as 32 bits that only whoever has the salt can make; 0 for what is no address."""
    return _numbered(salt)(packed(address))


def _numbered(salt: bytes) -> Callable[[bytes], int]:
    """Return ``number`` with a salt, of addresses as ``packed`` gives them."""
    begun = blake2b(digest_size=8, key=salt, person=b"pixeltrack day")  # a copy costs less than another
    from_bytes = int.from_bytes  # the highest byte first

    def numbered(raw: bytes) -> int:
        if not raw:
            return 0
        hashed = begun.copy()
        hashed.update(raw)
        return from_bytes(hashed.digest()) % 0xFFFF_FFFF + 1

    return numbered


def day_of(at: int) -> str:
    """Return the UTC day of a time in milliseconds, as 2026-11-01."""
    return time.strftime("%Y-%m-%d", time.gmtime(at // 1000))


class Transient:
    """Salts that live in this object alone and are never stored: for the days of old logs."""

    def __init__(self) -> None:
        self._days: dict[int, _Keyed] = {}

    def key(self, address: str, at: int) -> int:
        """Return the number of an address on the day of a time (milliseconds UTC)."""
        return self.of_day(at // DAY).remembering(address)

    def of_day(self, day: int) -> _Keyed:
        """Return what numbers the addresses of a day (days since 1970, UTC)."""
        of_day = self._days.get(day)
        if of_day is None:
            while len(self._days) >= _MOST_DAYS:
                del self._days[next(iter(self._days))]
            of_day = self._days[day] = _keyed(secrets.token_bytes(_SALT_BYTES))
        return of_day


class DayHash:
    """The numbers of one process. Not for several threads at the same time.

    clock returns milliseconds UTC. What is of today (and, until 01:00, of yesterday) is keyed with the
    salt that all processes of the store share; other days have salts that are never stored. A store
    that cannot be read or written costs the sharing until it can, never a request.
    """

    def __init__(self, store: Store, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._transient = Transient()
        self._days: dict[int, _Keyed] = {}  # those that are shared
        self._alone: set[int] = set()  # days of those for which the store gave no salt
        self._today: Callable[[str], int] = _keyed(secrets.token_bytes(_SALT_BYTES)).remembering
        self._start = self._end = 0  # between them the time of a hit is today's, and nothing is to be done
        self._failing = False
        self._busy_ms = _START_MS
        self.tend()
        self._busy_ms = _BUSY_MS

    def key(self, address: str, at: int) -> int:
        """Return the number of an address at a time (milliseconds UTC); 0 when there is no address."""
        if not address:
            return 0
        if self._start <= at < self._end:
            return self._today(address)
        return self._of_day(at // DAY).remembering(address)

    def numbering(self, day: int) -> Callable[[bytes], int]:
        """Return what makes ``key`` on a day (days since 1970, UTC) of an address as ``packed`` gives it.

        It remembers none. Only for now: who asks for it again gets another one when the day has turned.
        """
        return self._of_day(day).numbered

    def _of_day(self, day: int) -> _Keyed:
        self.tend()
        return self._days.get(day) or self._transient.of_day(day)

    def tend(self) -> None:
        """Take up the day's salt and delete the old ones, when it is time; costs nothing otherwise.

        For a loop that turns without hits, too.
        """
        now = self._clock()
        if self._start <= now < self._end:
            return
        today = now // DAY
        kept = {today, today - 1} if now < today * DAY + KEPT else {today}
        for day in [day for day in self._days if day not in kept]:
            del self._days[day]  # with the addresses that it remembered
        self._alone &= kept
        done = self._share(kept) & self._forget(min(kept))
        self._today = self._days[today].remembering
        self._start = today * DAY
        self._end = (today + 1) * DAY if len(kept) == 1 else today * DAY + KEPT
        if not done:
            self._end = min(self._end, now + _AGAIN)

    def _share(self, days: set[int]) -> bool:
        """Take up the salts of days; return whether all of them are shared."""
        for day in sorted(days):
            if day in self._days and day not in self._alone:
                continue
            fresh = secrets.token_bytes(_SALT_BYTES)
            try:
                salt = self._store.salt(day_of(day * DAY), fresh, busy_ms=self._busy_ms)
                self._alone.discard(day)
            except PixeltrackError as error:
                self._say(error)
                self._alone.add(day)
                if day in self._days:
                    continue
                salt = fresh
            self._days[day] = _keyed(salt)
        return not self._alone

    def _forget(self, first: int) -> bool:
        """Delete the salts of the days before one; return whether nothing of them is left.

        And those far ahead, of a clock that was wrong. Not tomorrow's: another's clock may be there.
        """
        last = self._clock() // DAY + 1
        try:
            gone = self._store.forget_salts(day_of(first * DAY), day_of(last * DAY), busy_ms=self._busy_ms)
        except PixeltrackError as error:
            self._say(error)
            return False
        if gone:
            self._failing = False
        return gone

    def _say(self, error: PixeltrackError) -> None:
        """Log the first of a row of failures."""
        if not self._failing:
            log.warning("the day's salt is not shared, or an old one not deleted yet: %s", error)
        self._failing = True


class _Keyed(NamedTuple):
    """``number`` with a salt, which nothing else keeps: of bytes, and of text with a bounded memory."""

    numbered: Callable[[bytes], int]
    remembering: Callable[[str], int]


def _keyed(salt: bytes) -> _Keyed:
    numbered = _numbered(salt)
    return _Keyed(numbered, lru_cache(maxsize=_REMEMBERED)(lambda address: numbered(packed(address))))
