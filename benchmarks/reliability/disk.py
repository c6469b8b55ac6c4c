"""A disk that forgets and fails: builds disk.c, arms it, and makes what a power loss would leave."""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ground import CannotRun

CREATE, WRITE, TRUNCATE, SYNC_BEGINS, SYNC_ENDS, SYNC_FAILED, UNLINK, RENAME = range(1, 9)  # as in disk.c
SHORT = -1  # as an error: a write stores half of its bytes
SECTOR = 512  # what a disk writes in one piece
_RECORD = struct.Struct("=IIQQ")
_CONTROL = struct.Struct("=QQQq")


def build(folder: Path) -> Path:
    """Compile the library into a folder. Raises CannotRun where there is no C compiler."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise CannotRun("no C compiler (cc) here")
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "disk.so"
    source = Path(__file__).with_name("disk.c")
    subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", made, source, "-ldl"], check=True)
    return made


def environment(
    library: Path, folder: Path, *, journal: Path | None = None, control: Path | None = None
) -> dict[str, str]:
    """Return the variables that put a program on this disk; the journal is made empty."""
    found = {"LD_PRELOAD": str(library), "DISK_FOLDER": str(folder.resolve())}
    if journal:
        journal.write_bytes(b"")
        found["DISK_JOURNAL"] = str(journal)
    if control:
        found["DISK_CONTROL"] = str(control)
    return found


class Control:
    """Says which of a program's calls fail, while it runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.write_bytes(bytes(_CONTROL.size))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _CONTROL.size)

    def arm(self, first: int, last: int, error: int) -> None:
        """Count from 0 again; calls numbered first to last fail with an errno, or are SHORT."""
        self._map[:] = _CONTROL.pack(0, first, last, error)

    def disarm(self) -> int:
        """Let everything work; return how many calls there have been since it was armed."""
        calls: int = _CONTROL.unpack(self._map[:])[0]
        self._map[:] = bytes(_CONTROL.size)
        return calls


@dataclass
class _File:
    content: bytearray = field(default_factory=bytearray)  # what is surely on the disk
    pending: list[tuple[int, bytes]] = field(default_factory=list)  # (offset, bytes); -1: cut at that size
    begun: int = 0  # changes so far
    synced: int = 0  # of them

    def add(self, offset: int, data: bytes) -> None:
        self.pending.append((offset, data))
        self.begun += 1

    def sync(self, upto: int) -> None:
        for change in self.pending[: upto - self.synced]:
            _apply(self.content, change)
        del self.pending[: max(0, upto - self.synced)]
        self.synced = max(self.synced, upto)

    def forget(self, upto: int) -> None:
        """A failed fsync may have dropped what it was to write, and the next one will not say so."""
        del self.pending[: max(0, upto - self.synced)]
        self.synced = max(self.synced, upto)

    def left(self, chance: random.Random | None) -> bytes:
        """Return what a power loss leaves: nothing that is not synced, or any sectors of it."""
        content = bytearray(self.content)
        for offset, data in self.pending if chance else ():
            if offset < 0 or len(data) <= SECTOR:
                if chance.random() < 0.5:
                    _apply(content, (offset, data))
                continue
            whole = chance.random()
            for at in range(0, len(data), SECTOR):
                if chance.random() < whole:
                    _apply(content, (offset + at, data[at : at + SECTOR]))
        return bytes(content)


def _apply(content: bytearray, change: tuple[int, bytes]) -> None:
    offset, data = change
    if offset < 0:
        size = int.from_bytes(data, "big")
        del content[size:]
        content.extend(bytes(size - len(content)))
        return
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(data)] = data


class Disk:
    """A folder as it was before a program ran on it, and the journal of what the program did."""

    def __init__(self, folder: Path, journal: Path) -> None:
        self._journal = journal
        self._folder_inode = folder.stat().st_ino
        self._start = {path.name: (path.stat().st_ino, path.read_bytes()) for path in folder.iterdir()}

    def lose_power(self, at: int, chance: random.Random | None, into: Path) -> None:
        """Write into a new folder what is left when the power fails at a position of the journal.

        Without chance it is the least: what was synced, under names that were synced. With it, any
        part of the rest may be there too, whole or torn at sectors, and a first part of the changes
        of names, which file systems keep in order.
        """
        files = {inode: _File(bytearray(content)) for inode, content in self._start.values()}
        names = {name: inode for name, (inode, _) in self._start.items()}
        renamed: list[tuple[str, int | None]] = []  # changes of names; None: gone
        current = dict(names)
        folder = _File()  # counts the changes of names as a file counts its writes
        tickets: dict[int, int] = {}
        for kind, inode, offset, data in self._records(at):
            file = folder if inode == self._folder_inode else files.setdefault(inode, _File())
            if kind == WRITE:
                file.add(offset, data)
            elif kind == TRUNCATE:
                file.add(-1, offset.to_bytes(8, "big"))
            elif kind == SYNC_BEGINS:
                tickets[offset] = file.begun
            elif kind == SYNC_FAILED and chance is None:
                file.forget(tickets[offset])
            elif kind == SYNC_ENDS and file is folder:
                done = max(0, tickets[offset] - folder.synced)
                for name, to in renamed[:done]:
                    _rename(names, name, to)
                del renamed[:done]
                folder.synced += done
            elif kind == SYNC_ENDS:
                file.sync(tickets[offset])
            elif kind in (CREATE, UNLINK, RENAME):
                changes = _changes(kind, inode, data.decode(), current)
                if kind == CREATE:
                    files[inode] = _File()
                for name, to in changes:
                    _rename(current, name, to)
                renamed += changes
                folder.begun += len(changes)
        for name, to in renamed[: chance.randint(0, len(renamed))] if chance else ():
            _rename(names, name, to)
        into.mkdir()
        for name, inode in names.items():
            if not name.endswith("-shm"):  # a memory map, made anew
                descriptor = os.open(into / name, os.O_WRONLY | os.O_CREAT, 0o600)
                with os.fdopen(descriptor, "wb") as out:
                    out.write(files[inode].left(chance))

    def _records(self, at: int) -> Iterator[tuple[int, int, int, bytes]]:
        """Yield (kind, inode, offset, bytes) of every record that was whole at that position."""
        with self._journal.open("rb") as file:
            while file.tell() + _RECORD.size <= at:
                kind, length, inode, offset = _RECORD.unpack(file.read(_RECORD.size))
                if file.tell() + length > at:
                    return
                yield kind, inode, offset, file.read(length)


def _changes(kind: int, inode: int, name: str, current: dict[str, int]) -> list[tuple[str, int | None]]:
    if kind == CREATE:
        return [(name, inode)]
    if kind == UNLINK:
        return [(name, None)]
    old, _, new = name.partition("\0")
    return [(new, current.get(old)), (old, None)]


def _rename(names: dict[str, int], name: str, inode: int | None) -> None:
    if inode is None:
        names.pop(name, None)
    else:
        names[name] = inode
