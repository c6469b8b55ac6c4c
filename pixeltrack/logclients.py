"""Who made the hits of a log: the network of each client and the day's number of its address.

As ``headerfacts`` says it of a request, from what a log holds of it; the address goes no further.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.dayhash import DAY, KEPT, DayHash
from pixeltrack.networks import Networks
from pixeltrack.networks.address import kept_of, packed
from pixeltrack.peers import client_of
from pixeltrack.remembered import Remembered

if TYPE_CHECKING:
    from pixeltrack.config import Ip
    from pixeltrack.store import Store

#: Network (as ``netlabel`` has it, or empty) and address (32 bits, or 0), as an Event has them.
Client = tuple[str, int]
_Number = Callable[[bytes], int]  # of an address on a day

_REMEMBERED = 8_192  # clients of a day, and as many that were asked for before those
_MOST_DAYS = 2  # a log goes from day to day
# First bytes behind which every address is public; of the others ``peers`` knows more.
_PUBLIC_4 = frozenset(range(1, 224)) - {10, 100, 127, 169, 172, 192, 198, 203}
_PUBLIC_6 = frozenset({0x24, 0x26, 0x28, 0x2A, 0x2C})
_UNKNOWN: Client = ("", 0)


class LogClients:
    """The clients of one run, whatever logs it reads. Not for several threads at the same time.

    clock returns milliseconds UTC; lists is the folder of the user's own network lists, country_db the
    file of countries, if there is one. Makes today's salt if there is none, and deletes old ones. Raises
    InputError for a network list or a file of countries that is none.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        *,
        lists: Path | None,
        country_db: Path | None = None,
        ip: Ip = "none",
    ) -> None:
        networks = Networks.of(lists, country_db)
        networks.load()
        self._label_of = networks.label_of if ip == "none" else _with_address(networks.label_of, ip)
        self._hash = DayHash(store, clock)
        self._clock = clock
        self._days: dict[int, tuple[_Number, Remembered[bytes, Client]]] = {}
        self._until = 0
        self.tend()

    def on(self, day: int) -> Mapping[bytes, Client]:
        """Return who is who on a day (days since 1970, UTC), by the words that a log has of a client.

        It knows everybody that is asked for as ``[words]``. It is for the lines at hand: with the day's
        salt it must be forgotten.
        """
        number = self._hash.numbering(day)
        known = self._days.get(day)
        if known is None or known[0] is not number:  # a salt that could not be shared is shared now
            while len(self._days) >= _MOST_DAYS:
                del self._days[next(iter(self._days))]
            known = self._days[day] = number, Remembered(_looking(self._label_of, number), _REMEMBERED)
        return known[1]

    def tend(self) -> None:
        """Take up the day's salt, and forget old salts and addresses, when it is time; cheap otherwise."""
        self._hash.tend()
        now = self._clock()
        if now >= self._until or now < self._until - DAY:
            self._days.clear()
            midnight = now // DAY * DAY
            self._until = midnight + (KEPT if now < midnight + KEPT else DAY)


def _with_address(label_of: Callable[[bytes], str], ip: Ip) -> Callable[[bytes], str]:
    """Return ``label_of`` with what is kept of the address behind it, as an Event has it."""

    def labelled(raw: bytes) -> str:
        return f"{label_of(raw)}\0{kept_of(raw, whole=ip == 'full')}"

    return labelled


def _looking(label_of: Callable[[bytes], str], number: _Number) -> Callable[[bytes], Client]:
    def look(words: bytes) -> Client:
        raw = client_in(words)
        return (label_of(raw), number(raw)) if raw else _UNKNOWN

    return look


def client_in(words: bytes) -> bytes:
    """Return the first word that is an address, as ``packed``; nothing when there is no public one.

    A log does not say whether a proxy stands before its server. Behind one on the same machine or beside
    it, all readers would have one address: then none is known, as in the collector.
    """
    for word in words.decode("latin-1").split():
        raw = packed(word)
        if raw:
            wide = ":" in word  # IPv4 written as IPv6 is neither
            sure = raw[0] in _PUBLIC_6 and len(raw) == 16 if wide else raw[0] in _PUBLIC_4
            return raw if sure or client_of(word, "", True, ()) else b""
    return b""
