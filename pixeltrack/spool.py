"""Where hits wait, durably, while the store cannot take them: an append-only file beside it.

Each collector process has a file of its own, locked while it lives, so the files of killed processes
are known by being free. A hit is taken up exactly once: how far a file has been taken up is stored in
the very transaction that stores its hits, and is forgotten only when the file is gone from the disk.
Files have random names, so one that is gone never comes back.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path

from pixeltrack.errors import StoreError
from pixeltrack.model import Event, EventKind, Rows
from pixeltrack.store import Store

Hit = tuple[Event, Rows | None]  # with the rows that it may have already

log = logging.getLogger("pixeltrack.spool")

DEFAULT_LIMIT = 256 << 20  # bytes of a process: some 2.5 million hits
_CHUNK = 1 << 19  # bytes taken up in one transaction: some thousand hits, a fraction of a second


def waiting_bytes(database: Path) -> int:
    """Return the size of all spool files of a database, whoever is at work on them."""
    size = 0
    for path in database.absolute().parent.glob(f"{escape(database.name)}.spool-*"):
        with suppress(OSError):  # it has just been taken up
            size += path.stat().st_size
    return size


class Spool:
    """The spool files of one database, of at most limit bytes. Not for several threads at a time."""

    def __init__(self, database: Path, limit: int = DEFAULT_LIMIT) -> None:
        self._limit = limit
        self._folder = database.absolute().parent
        self._prefix = f"{database.name}.spool-"
        self._own: _File | None = None
        self._left = [
            file for path in sorted(self._folder.glob(f"{escape(self._prefix)}*")) if (file := _adopt(path))
        ]

    @property
    def size(self) -> int:
        """How many bytes wait in the files of this process and of those that died before it."""
        return sum(file.size - file.taken for file in self._files())

    def append(self, events: Sequence[Event], doubted: int = 0, rows: Rows | None = None) -> None:
        """Write hits to the file; when this returns they are on the disk.

        The first so many of them are doubted: they may be in the store already, in these rows.
        Raises StoreError when the file cannot be written, or would outgrow the limit.
        """
        notes = [rows or ()] * doubted + [()] * (len(events) - doubted)
        lines = b"".join(
            json.dumps((*event, *note)).encode() + b"\n" for event, note in zip(events, notes, strict=True)
        )
        if sum(file.size for file in self._files()) + len(lines) > self._limit:
            raise StoreError(f"the spool in {self._folder} has reached its limit of {self._limit:,} bytes")
        try:
            if self._own and self._own.is_deleted():
                self._left.append(self._own)  # it is taken up while we live
                self._own = None
            if self._own is None:
                self._own = _create(self._folder, self._prefix)
            self._own.append(lines)
        except OSError as error:
            raise StoreError(f"cannot write a spool file in {self._folder}: {error.strerror}") from None

    def take_up(self, store: Store) -> int:
        """Move the next hits into the store and return how many; 0 when nothing waits.

        Raises StoreError when the store still cannot take them; they stay where they are. Also when a
        file cannot be read or removed; it is tried again the next time.
        """
        try:
            return self._take_up(store)
        except OSError as error:
            raise StoreError(f"cannot take up a spool file in {self._folder}: {error.strerror}") from None

    def _take_up(self, store: Store) -> int:
        for file in self._files():
            hits = file.next_hits(store)
            events = [event for event, rows in hits if not rows or not store.has_event(event, rows)]
            if file.reached > file.taken:
                try:
                    store.put_events(events, spool=(file.name, file.reached))
                except StoreError:
                    file.ask_again()  # the commit may have been made all the same
                    raise
                file.taken = file.reached
            if not file.has_more():
                self._drop(file, store)
            if hits:
                return len(hits)
        return 0

    def _drop(self, file: _File, store: Store) -> None:
        if file is self._own:  # nothing more is written to it: if this fails, its name may be gone already
            self._own = None
            self._left.append(file)
        file.remove()
        self._left.remove(file)
        file.close()
        gone = [name for name in store.spool_files() if not (self._folder / name).exists()]
        store.forget_spool_files(gone)

    def close(self) -> None:
        """Let go of the files; what they hold is taken up by the next process."""
        for file in self._files():
            file.close()

    def _files(self) -> list[_File]:
        return [*self._left, *([self._own] if self._own else [])]


class _File:
    """One open, locked spool file. ``taken`` is -1 until the store has been asked how far it got."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.name = path.name
        self.size = os.fstat(descriptor).st_size
        self.taken = 0
        self.reached = 0
        self._asked = self.size == 0
        self._ragged = False  # behind its size there may be what was not answered for

    def is_deleted(self) -> bool:
        return not os.fstat(self._descriptor).st_nlink

    def append(self, lines: bytes) -> None:
        self._trim()
        try:
            written = os.pwrite(self._descriptor, lines, self.size)
            if written < len(lines):
                raise OSError(28, os.strerror(28))
            os.fsync(self._descriptor)
        except OSError:
            self._ragged = True
            self._trim()
            raise
        self.size += len(lines)

    def _trim(self) -> None:
        """Cut off what was not written whole: its hits count as not written, and are kept elsewhere."""
        if self._ragged:
            os.ftruncate(self._descriptor, self.size)
            self._ragged = False

    def ask_again(self) -> None:
        """Let the store say, before the next hits, how far it got."""
        self._asked = False

    def next_hits(self, store: Store) -> list[Hit]:
        self._trim()
        if not self._asked:
            self.taken = store.spool_offset(self.name)
            self._asked = True
        whole = self._whole_lines()
        self.reached = self.taken + len(whole)
        return [hit for line in whole.splitlines() if (hit := self._hit(line))]

    def has_more(self) -> bool:
        return bool(self._whole_lines())

    def _whole_lines(self) -> bytes:
        """The next lines; a killed process may leave half a one at the end, which was never answered."""
        block = os.pread(self._descriptor, _CHUNK, self.taken)
        return block[: block.rfind(b"\n") + 1]

    def _hit(self, line: bytes) -> Hit | None:
        try:
            at, campaign_id, kind, link, message, agent, flags, network, address, *doubt = json.loads(line)
            rows = (int(doubt[0]), int(doubt[1])) if doubt else None
            event = Event(*(at, campaign_id, EventKind(kind), link, message, agent, flags, network, address))
            return event, rows
        except (ValueError, TypeError, IndexError):  # a damaged disk must not hold up the hits behind it
            log.error("%s: a line that is no hit was left out", self._path)
            return None

    def remove(self) -> None:
        """Remove the file for good: a power loss does not bring its name back."""
        self._path.unlink(missing_ok=True)
        _sync(self._path.parent)

    def close(self) -> None:
        os.close(self._descriptor)


def _create(folder: Path, prefix: str) -> _File:
    while True:
        path = folder / f"{prefix}{secrets.token_hex(8)}"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        if _take(descriptor):  # else a starting collector was quicker, and removes what is empty
            _sync(folder)  # so that the name survives a power loss too
            return _File(path, descriptor)


def _adopt(path: Path) -> _File | None:
    """Open a file that a process left behind; None when that process is alive, or has just finished it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
    except OSError:
        return None
    if not _take(descriptor):
        return None
    file = _File(path, descriptor)
    if file.size:
        return file
    with suppress(OSError):  # else a later start removes it
        file.remove()
    file.close()
    return None


def _take(descriptor: int) -> bool:
    """Lock an open file; close it and return False when another has it, or has removed it meanwhile."""
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:
            return True
    os.close(descriptor)
    return False


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
