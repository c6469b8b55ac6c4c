"""A campaign's link table in memory: where each number goes, in few bytes, loaded piece by piece.

A piece is read when a link in it is asked for, so that even a table of a million links never holds
up the loop for longer than it takes to read one piece, and a restart needs no warm-up. Where
nothing is pressing, ``load_next`` reads the others ahead, so that links work when the store is gone.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable

from pixeltrack.errors import PixeltrackError
from pixeltrack.hrefs import location
from pixeltrack.links import has_field

#: Returns (number, url) of the links from the first number to before the second.
Read = Callable[[int, int], Iterable[tuple[int, str]]]

_PIECE = 128  # links; a few milliseconds to read
_NOWHERE = b"-"
_PERSONAL = b"="


class LinkTable:
    """Where the links of one campaign go."""

    __slots__ = ("_ahead", "_pieces", "_read", "_stale", "attribute", "campaign_id", "last")

    def __init__(self, campaign_id: int, last: int, read: Read, attribute: str = "") -> None:
        """last is the highest number when the table was made; attribute is the campaign's."""
        self.attribute = attribute
        self.campaign_id = campaign_id
        self.last = last
        self._read = read
        self._pieces: dict[int, _Piece] = {}
        self._stale: dict[int, _Piece] = {}
        self._ahead = 0

    def get(self, number: int) -> bytes | None:
        """Return where a link goes, as ``place_of`` and ``template_of`` read it; None when there is none.

        Raises PixeltrackError when that has to be read, and cannot be.
        """
        if number > self.last:  # nobody makes us keep empty pieces
            return None
        which = number // _PIECE
        piece = self._pieces.get(which) or self._load(which)
        return piece.get(number % _PIECE)

    def known(self, number: int) -> bytes | None:
        """Return the same as ``get`` where nothing has to be read for it, else None."""
        piece = self._pieces.get(number // _PIECE)
        return piece.get(number % _PIECE) if piece else None

    def read_again(self, number: int) -> bytes | None:
        """Return where a link goes that was added since its piece was read."""
        self.last = max(self.last, number)
        return self._load(number // _PIECE).get(number % _PIECE)

    def load_next(self) -> bool:
        """Read one piece ahead; return False when there is no more to read."""
        while self._ahead * _PIECE <= self.last:
            which, self._ahead = self._ahead, self._ahead + 1
            if which not in self._pieces:
                self._load(which)
                return True
        return False

    def outdate(self) -> None:
        """Read everything again when it is next asked for; what cannot be read stays as it is."""
        self._stale |= self._pieces
        self._pieces = {}
        self._ahead = 0

    def _load(self, which: int) -> _Piece:
        try:
            piece = _Piece(self._read(which * _PIECE, (which + 1) * _PIECE))
        except PixeltrackError:
            if which not in self._stale:
                raise
            piece = self._stale[which]
        self._stale.pop(which, None)
        self._pieces[which] = piece
        return piece


class _Piece:
    """The links of one piece, end to end in one string of bytes."""

    __slots__ = ("_ends", "_text")

    def __init__(self, rows: Iterable[tuple[int, str]]) -> None:
        """rows come in the order of their numbers."""
        ends, texts, size = array("I", [0]), [], 0
        for number, url in rows:
            text = written(url)
            ends.extend([size] * (number % _PIECE + 1 - len(ends)))  # numbers that are no link
            size += len(text)
            texts.append(text)
            ends.append(size)
        self._ends = ends
        self._text = b"".join(texts)

    def get(self, place: int) -> bytes | None:
        if place + 1 >= len(self._ends):
            return None
        return self._text[self._ends[place] : self._ends[place + 1]] or None


def written(url: str) -> bytes:
    """Return an address as an entry of a table."""
    if has_field(url):
        return _PERSONAL + url.encode()
    where = location(url)
    return _NOWHERE if where is None else where.encode()


def place_of(entry: bytes) -> str | None:
    """Return the address that an entry of a table redirects to, or None when it can go nowhere."""
    return None if entry == _NOWHERE else entry.decode()


def template_of(entry: bytes) -> str | None:
    """Return the destination with fields of the recipient in it, or None when it is the same for all."""
    return entry[1:].decode() if entry[:1] == _PERSONAL else None


def is_plain(entry: bytes) -> bool:
    """Return whether an entry is an address as it goes into a Location header."""
    return entry[:1] not in (_NOWHERE, _PERSONAL)
