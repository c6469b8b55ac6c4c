"""Who made the hits of a log: the network of each client and the day's number of its address.

As ``headerfacts`` says it of a request, from what a log holds of it; the address goes no further.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.dayhash import DAY, KEPT, DayHash
from pixeltrack.networks import Networks
from pixeltrack.networks.address import packed
from pixeltrack.peers import client_of

if TYPE_CHECKING:
    from pixeltrack.store import Store

#: Network (as "google/2026-11-01", or empty) and address (32 bits, or 0), as an Event has them.
Client = tuple[str, int]

_REMEMBERED = 16_384  # clients of a day
# First bytes behind which every address is public; of the others ``peers`` knows more.
_PUBLIC_4 = frozenset(range(1, 224)) - {10, 100, 127, 169, 172, 192, 198, 203}
_PUBLIC_6 = frozenset({0x24, 0x26, 0x28, 0x2A, 0x2C})


class LogClients:
    """The clients of one run, whatever logs it reads. Not for several threads at the same time.

    clock returns milliseconds UTC; lists is the folder of the user's own network lists. Makes today's
    salt if there is none, and deletes old ones. Raises InputError for a network list that is none.
    """

    known: Callable[[bytes, int], Client]
    """Return who a client is on a day (days since 1970, UTC), from the words that a log has of it."""

    def __init__(self, store: Store, clock: Callable[[], int], *, lists: Path | None) -> None:
        networks = Networks.of(lists)
        networks.load()
        self._label_of = networks.label_of
        self._hash = DayHash(store, clock)
        self._clock = clock
        self._remembered = lru_cache(maxsize=_REMEMBERED)(self._look)
        self.known = self._remembered
        self._until = 0
        self.tend()

    def tend(self) -> None:
        """Take up the day's salt, and forget old salts and addresses, when it is time; cheap otherwise."""
        self._hash.tend()
        now = self._clock()
        if now >= self._until or now < self._until - DAY:
            self._remembered.cache_clear()
            midnight = now // DAY * DAY
            self._until = midnight + (KEPT if now < midnight + KEPT else DAY)

    def _look(self, written: bytes, day: int) -> Client:
        client = client_in(written.decode("latin-1"))
        if not client:
            return "", 0
        return self._label_of(packed(client)), self._hash.key(client, day * DAY)


def client_in(written: str) -> str:
    """Return the first word that is an address; nothing when there is none or it is not a public one.

    A log does not say whether a proxy stands before its server. Behind one on the same machine or beside
    it, all readers would have one address: then none is known, as in the collector.
    """
    for word in written.split():
        raw = packed(word)
        if raw:
            wide = ":" in word  # IPv4 written as IPv6 is neither
            sure = raw[0] in _PUBLIC_6 and len(raw) == 16 if wide else raw[0] in _PUBLIC_4
            return word if sure else client_of(word, "", True, ())
    return ""
