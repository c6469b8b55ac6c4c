"""Erasures and refusals in a file beside the database, so that they survive losing it.

One line of JSON each, only ever added to, on the disk before the database has them. People are in it by
keyed hash alone. A backup that is put back is made to follow it. A line that was cut off, by a crash or a
full disk, is of a refusal that nobody was told is stored; the next one begins on a line of its own.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from pixeltrack.errors import StoreError

Act = Literal["erased", "opted out", "withdrew"]


class Refusal(NamedTuple):
    """What a person refused, and when (ms UTC). ``what`` is a scope of opting out, or a purpose."""

    at: int
    act: Act
    subject: bytes
    what: str


def place(database: Path) -> Path:
    """Return where a database's refusals stand."""
    return database.with_name(f"{database.name}.refusals")


def remember(database: Path, refusals: Sequence[Refusal]) -> None:
    """Add refusals; when this returns they are on the disk. Raises StoreError where that fails."""
    if not refusals:
        return
    path = place(database)
    lines = "".join(
        json.dumps({"at": each.at, "act": each.act, "subject": each.subject.hex(), "what": each.what}) + "\n"
        for each in refusals
    )
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
        try:
            size = os.fstat(descriptor).st_size
            cut_off = size and os.pread(descriptor, 1, size - 1) != b"\n"
            remaining = b"\n" * bool(cut_off) + lines.encode()
            while remaining:  # a disk that is nearly full takes a part
                remaining = remaining[os.write(descriptor, remaining) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}") from None


def read(database: Path) -> list[Refusal]:
    """Return what is remembered; a line that was cut off is passed over."""
    try:
        text = place(database).read_text("utf-8")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StoreError(f"cannot read {place(database)}: {error.strerror}") from None
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            row = json.loads(line)
            found.append(Refusal(int(row["at"]), row["act"], bytes.fromhex(row["subject"]), row["what"]))
        except (ValueError, KeyError, TypeError):
            if line.endswith("}"):
                raise StoreError(
                    f"{place(database)} line {number} cannot be read",
                    hint="it says who was erased: put back the file as it was",
                ) from None
    return found
