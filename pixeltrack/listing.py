"""A recipient list that is read once and gone through as often as needed, never held in memory."""

from __future__ import annotations

import marshal
import struct
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from tempfile import TemporaryFile
from typing import IO

from pixeltrack.errors import InputError
from pixeltrack.model import Consent, Recipient

_STRICTNESS = {"granted": 0, "unknown": 1, "denied": 2}
_BUCKETS = 256  # people are looked at for twins a bucket at a time, so that a million need 8 MB
_BATCH = 500  # people a piece of the spool
_LENGTH = struct.Struct("<Q")


class RecipientList:
    """Every person of a list, once.

    All rows are read when it is made: every fault is known, with its line, before anything is
    written. From then on they come from a nameless temporary file, nearly as quickly as from memory.
    ``columns`` are the names of all fields, ``digest`` tells one list from another.
    """

    def __init__(self, rows: Iterable[Recipient], name: str, *, merge: bool = False) -> None:
        """Take in the rows of a list; name is for messages.

        A second row for a person is an InputError that names both lines. With merge the first row's
        fields count, and the most restrictive consent of all.
        """
        self.name = name
        self._merged: dict[str, tuple[Consent, Consent]] = {}  # to opens, to clicks
        self._count = 0
        self._spool: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed with the list
        buckets = [array("q") for _ in range(_BUCKETS)]
        digest = blake2b(digest_size=16)
        columns: dict[str, None] = {}
        known: frozenset[str] = frozenset()
        remaining = iter(rows)
        while batch := list(islice(remaining, _BATCH)):
            written = marshal.dumps(
                list(map(tuple, batch)), 2
            )  # read back by this process alone; nothing is quicker
            digest.update(written)
            self._spool.write(_LENGTH.pack(len(written)) + written)
            self._count += len(batch)
            for row in batch:
                if not row.fields.keys() <= known:
                    columns.update(dict.fromkeys(row.fields))
                    known = frozenset(columns)
                mark = hash(row.identity)
                buckets[mark % _BUCKETS].append(mark)
        self.columns = tuple(columns)
        self.digest = digest.hexdigest()
        if not self._count:
            raise InputError(f"{name} has a header but no recipients", hint="add one line a person")
        twins = {mark for bucket in buckets if len(set(bucket)) < len(bucket) for mark in _repeated(bucket)}
        if twins:
            self._settle(twins, merge=merge)

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Recipient]:
        if not self._merged:
            yield from self._rows()
            return
        given: set[str] = set()
        for recipient in self._rows():
            merged = self._merged.get(recipient.identity)
            if merged is None:
                yield recipient
            elif recipient.identity not in given:
                given.add(recipient.identity)
                yield recipient._replace(opens=merged[0], clicks=merged[1])

    def _settle(self, twins: set[int], *, merge: bool) -> None:
        """Look again at the people who may be there twice."""
        first: dict[str, Recipient] = {}
        for recipient in self._rows():
            if hash(recipient.identity) not in twins:
                continue
            earlier = first.setdefault(recipient.identity, recipient)
            if earlier is recipient:
                continue
            if not merge:
                raise InputError(
                    f"{self.name} line {recipient.line}: {recipient.address} is already on line"
                    f" {earlier.line}",
                    hint="--duplicates merge keeps one message for both, with the stricter consent",
                )
            opens, clicks = self._merged.get(recipient.identity, (earlier.opens, earlier.clicks))
            self._merged[recipient.identity] = (
                max(opens, recipient.opens, key=_STRICTNESS.__getitem__),
                max(clicks, recipient.clicks, key=_STRICTNESS.__getitem__),
            )
            self._count -= 1

    def _rows(self) -> Iterator[Recipient]:
        position = 0
        while True:
            self._spool.seek(position)  # several may be going through it
            size = self._spool.read(_LENGTH.size)
            if not size:
                return
            written = self._spool.read(*_LENGTH.unpack(size))
            position += len(size) + len(written)
            yield from map(Recipient._make, marshal.loads(written))  # noqa: S302 - our own, without a name


def _repeated(bucket: array[int]) -> list[int]:
    return [mark for mark, times in Counter(bucket).items() if times > 1]
