"""Looking into files that are packed: what is in one as it is cannot be found in its bytes."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

#: What reading a packed file raises where it is cut off, broken, or locked with a password.
BROKEN = (
    *(EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)

_ZIP = b"PK\x03\x04"  # also of spreadsheets
_CLOSED = (b"PAR1", b"\x28\xb5\x2f\xfd", b"7z\xbc\xaf\x27\x1c", b"Rar!")  # Parquet, Zstandard, 7-Zip, RAR


class Closed(Exception):
    """A packed file of a kind that cannot be looked into here."""


def contents(path: Path) -> Iterator[BinaryIO]:
    """Yield what is in a file, unpacked where it is packed, one piece after the other to be read as it comes.

    Raises Closed, OSError and what is in ``BROKEN``.
    """
    with path.open("rb") as file:
        head = file.read(8)
        if head.startswith(_CLOSED):
            raise Closed
        file.seek(0)
        if head.startswith(_ZIP):
            with zipfile.ZipFile(file) as archive:
                for name in archive.namelist():
                    with archive.open(name) as member:
                        yield cast(BinaryIO, member)
        elif head.startswith(b"\x1f\x8b"):
            with gzip.open(file) as stream:
                yield cast(BinaryIO, stream)
        elif head.startswith(b"BZh"):
            with bz2.open(file) as unpacked:
                yield cast(BinaryIO, unpacked)
        elif head.startswith(b"\xfd7zXZ\0"):
            with lzma.open(file) as plain:
                yield cast(BinaryIO, plain)
        else:
            yield file
