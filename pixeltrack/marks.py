"""Sets of people, a byte each at the place of their number: a million take a megabyte.

All marks of one question have the same length.
"""

from __future__ import annotations

from collections.abc import Iterator

_ALL = bytes([0, *[0xFF] * 255])


class Marks:
    """A set of people by their numbers. It does not change."""

    __slots__ = ("_bytes",)

    def __init__(self, marked: bytes | bytearray) -> None:
        """Take a byte for each number, 1 for who is in it and 0 for who is not."""
        self._bytes = bytes(marked)

    @property
    def size(self) -> int:
        """How many numbers there are, of who is in it and who is not."""
        return len(self._bytes)

    def __len__(self) -> int:
        return self._bytes.count(1)

    def __contains__(self, number: int) -> bool:
        return 0 <= number < len(self._bytes) and self._bytes[number] == 1

    def __iter__(self) -> Iterator[int]:
        place = self._bytes.find(1)
        while place >= 0:
            yield place
            place = self._bytes.find(1, place + 1)

    def __and__(self, other: Marks) -> Marks:
        return Marks(_whole(_number(self._bytes) & _number(other._bytes), len(self._bytes)))

    def __sub__(self, other: Marks) -> Marks:
        both = _number(self._bytes) & _number(other._bytes)
        return Marks(_whole(_number(self._bytes) ^ both, len(self._bytes)))

    def only(self, codes: bytes) -> bytes:
        """Return the codes of who is in it, and 0 for everybody else."""
        return _whole(_number(codes) & _number(self._bytes.translate(_ALL)), len(codes))


def coded(codes: bytes | bytearray, *wanted: int) -> Marks:
    """Return who has one of some codes."""
    return Marks(codes.translate(bytes(code in wanted for code in range(256))))


def filled(codes: bytes, more: bytes) -> bytes:
    """Return codes where there are any, and of all others those of ``more``."""
    missing = _number(more) & ~_number(codes.translate(_ALL))
    return _whole(_number(codes) | missing, len(codes))


def _number(each: bytes) -> int:
    return int.from_bytes(each, "little")


def _whole(number: int, length: int) -> bytes:
    return number.to_bytes(length, "little")
