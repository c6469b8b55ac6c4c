"""Looking an address up: sorted starts and a bisect, so that it costs a microsecond or two.

All lists are laid into one table, where each address has one label. Where lists overlap, the list
that covers fewer addresses has it: Microsoft's mail filter is a few blocks, listed again, in smaller
pieces, by Azure. So the size of the list decides and not that of the range.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.netlabel import labelled
from pixeltrack.networks.address import packed
from pixeltrack.networks.countries import open_countries
from pixeltrack.networks.lists import Prefixes, RangeList, read_lists

_REMEMBERED = 8_192  # addresses; image proxies and offices come again and again
_MOST_LISTS = 255
_LOW = (1 << 64) - 1
_FIRST = 12  # bits of an IPv4 address by which the starts are looked up first: half the steps are left
_SHIFT = 32 - _FIRST

_number = int.from_bytes  # its default is "big"


class _Table(NamedTuple):
    """Where each stretch of addresses starts, and whose it is: names[owners[bisect_right(...)]]."""

    names: tuple[str, ...]
    starts: array[int]
    owners: array[int]
    edges: array[int]  # for each value of the first bits, how many starts are before it or at it
    highs: array[int]  # IPv6, in halves: 16 bytes a start, and no object
    lows: array[int]
    owners_6: array[int]


class Networks:
    """Which list an address is in. The lists are read at the first look-up, or by ``load``."""

    label: Callable[[str], str]
    """Return ``label/date`` of the list that an address is in, as ``google/2026-11-01``; else empty.

    With a file of countries the country stands before it, as ``netlabel`` has it. The address is text, IPv4
    or IPv6. What is no address is in no list.
    """

    label_of: Callable[[bytes], str]
    """Return the same of an address as ``packed`` gives it. This is not remembered."""

    def __init__(
        self, read: Callable[[], Iterable[RangeList]], country: Callable[[bytes], str] | None = None
    ) -> None:
        """country tells the country of an address as ``packed`` gives it, as "DE"; empty for none."""
        self._read = read
        self._table: _Table | None = None
        self._country = country
        self.label_of = self._network_of if country is None else self._label_of
        self.label = lru_cache(maxsize=_REMEMBERED)(self._label)

    @classmethod
    def of(cls, folder: Path | None, country_db: Path | None = None) -> Networks:
        """Return the networks of the shipped lists and of those in the user's folder.

        country_db is the user's file of countries. Raises InputError when that cannot be used.
        """
        return cls(lambda: read_lists(folder), open_countries(country_db) if country_db else None)

    def load(self) -> _Table:
        """Read the lists now. Raises InputError for a file that is no list."""
        if self._table is None:
            self._table = _table(list(self._read()))
        return self._table

    def _label(self, address: str) -> str:
        return self.label_of(packed(address))

    def _label_of(self, raw: bytes) -> str:
        country = self._country(raw) if self._country and raw else ""
        return labelled(country, self._network_of(raw))

    def _network_of(self, raw: bytes) -> str:
        table = self._table or self.load()
        if len(raw) == 4:
            value = _number(raw)
            edges, first = table.edges, value >> _SHIFT
            behind = bisect_right(table.starts, value, edges[first], edges[first + 1])
            return table.names[table.owners[behind]]
        if not raw:
            return ""
        value = _number(raw)
        high, low = value >> 64, value & _LOW
        highs = table.highs
        behind = bisect_right(highs, high)
        if behind and highs[behind - 1] == high:
            behind = bisect_right(table.lows, low, bisect_left(highs, high, 0, behind), behind)
        return table.names[table.owners_6[behind]]


def _table(lists: list[RangeList]) -> _Table:
    if len(lists) > _MOST_LISTS:
        raise InputError(f"there are {len(lists)} network lists, and no more than {_MOST_LISTS} can be used")
    names = tuple(each.name for each in lists)
    starts, owners = _flat([each.v4 for each in lists], 32)
    wide, owners_6 = _flat([each.v6 for each in lists], 128)
    return _Table(
        ("", *names),
        array("I", starts),
        array("B", owners),
        array("I", [bisect_right(starts, first << _SHIFT) for first in range((1 << _FIRST) + 1)]),
        array("Q", [start >> 64 for start in wide]),
        array("Q", [start & _LOW for start in wide]),
        array("B", owners_6),
    )


def _flat(lists: list[Prefixes], bits: int) -> tuple[list[int], list[int]]:
    """Return where each stretch of one owner starts, and the owners: one more, the first before any.

    An owner is the place of its list, from 1; 0 is nobody. Prefixes hold each other or are apart, so
    those that are open at an address lie in each other, as on a stack.
    """
    sizes = [1 << bits - length for length in range(bits + 1)]
    covered = [sum(map(sizes.__getitem__, each.lengths)) for each in lists]
    by_size = sorted(range(len(lists)), key=lambda place: -covered[place])  # the last one wins
    keys: list[int] = []
    for rank, place in enumerate(by_size, start=1):
        found = zip(lists[place].starts, lists[place].lengths, strict=True)
        keys += [start << 16 | length << 8 | rank for start, length in found]
    keys.sort()
    starts: list[int] = []
    ranks = [0]
    ends: list[int] = []  # of the prefixes that are open, the innermost last
    winners: list[int] = [0]  # among each and those around it

    def change(at: int, rank: int) -> None:
        if starts and starts[-1] == at:
            ranks[-1] = rank
            if ranks[-2] == rank:
                starts.pop()
                ranks.pop()
        elif ranks[-1] != rank:
            starts.append(at)
            ranks.append(rank)

    for key in keys:
        start = key >> 16
        while ends and ends[-1] <= start:
            winners.pop()
            change(ends.pop(), winners[-1])
        rank = key & 0xFF
        if rank < winners[-1]:
            rank = winners[-1]
        change(start, rank)
        ends.append(start + sizes[key >> 8 & 0xFF])
        winners.append(rank)
    while ends:
        winners.pop()
        change(ends.pop(), winners[-1])
    if starts and starts[-1] == 1 << bits:  # behind the last address there is
        starts.pop()
        ranks.pop()
    owner = [0, *(place + 1 for place in by_size)]
    return starts, [owner[rank] for rank in ranks]
