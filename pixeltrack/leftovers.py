"""Files beside the database that may still hold a person: folders that inject wrote, backups, exports."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator
from glob import escape
from pathlib import Path
from typing import IO, NamedTuple

from pixeltrack import packed, residues
from pixeltrack.errors import PixeltrackError


class Leftover(NamedTuple):
    """A file that holds a person: how often, and whether ``clean`` can take them out of it.

    Or one that may hold them: packed so that it cannot be looked into.
    """

    path: Path
    finds: int
    way: str  # "lines", "whole", "by hand", or "not looked into"


def find(folders: Iterable[Path], patterns: residues.Patterns, but: Collection[Path] = ()) -> list[Leftover]:
    """Return the files in some folders, and of those named, in which a person is found.

    Packed ones too. ``but`` are files that are left out, absolute.
    """
    found = []
    for path in _files(folders):
        if path.absolute() in but:
            continue
        try:
            finds = sum(residues.scan_stream(each, patterns).total() for each in packed.contents(path))
        except (packed.Closed, *packed.BROKEN):
            found.append(Leftover(path, 0, "not looked into"))
            continue
        except OSError as error:
            if error.errno is None:  # what gzip and bz2 say of a broken file
                found.append(Leftover(path, 0, "not looked into"))
                continue
            raise PixeltrackError(f"cannot read {path}: {error.strerror}") from None
        if finds:
            found.append(Leftover(path, finds, _way(path)))
    return found


def clean(leftover: Leftover, patterns: residues.Patterns) -> bool:
    """Take a person out of a file of ours; False where that must be done by hand.

    Of a table their records go, of one copy each the whole file. Nobody else's lines change.
    """
    if leftover.way == "whole":
        leftover.path.unlink(missing_ok=True)
        return True
    if leftover.way != "lines":
        return False
    made = leftover.path.with_name(f".pixeltrack-{secrets.token_hex(6)}.partial")
    wanted = [each for spellings in patterns.values() for each in spellings if each]
    try:
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file, leftover.path.open("rb") as source:
            for record in _records(source, quoted=leftover.path.suffix == ".csv"):
                low = record.lower()
                if not any(each in record or each in low for each in wanted):
                    file.write(record)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(leftover.path.stat().st_mode & 0o777)
        made.replace(leftover.path)
    except OSError as error:
        raise PixeltrackError(f"cannot clean {leftover.path}: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)
    return True


def _records(source: IO[bytes], *, quoted: bool) -> Iterator[bytes]:
    """Yield the lines of a table; those that a quoted cell goes over together (RFC 4180)."""
    record = b""
    for line in source:
        record += line
        if not quoted or record.count(b'"') % 2 == 0:
            yield record
            record = b""
    if record:
        yield record


def _way(path: Path) -> str:
    if path.suffix in (".csv", ".jsonl"):
        return "lines"
    ours = any(_is_ours(folder) for folder in list(path.parents)[:3])
    return "whole" if ours and path.suffix in (".html", ".txt", ".eml", ".pixeltrack", "") else "by hand"


def _is_ours(folder: Path) -> bool:
    try:
        return "pixeltrack_manifest" in json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def _files(folders: Iterable[Path]) -> list[Path]:
    found: set[Path] = set()
    for folder in folders:
        if folder.is_dir():
            begun = folder.absolute().parent.glob(f".{escape(folder.absolute().name)}.partial-*")
            for each in (folder, *begun):  # what inject has begun to write there, and was interrupted
                found.update(path for path in each.rglob("*") if path.is_file() and not path.is_symlink())
        elif folder.is_file():
            found.add(folder)
        else:
            raise PixeltrackError(f"no such file or folder: {folder}")
    return sorted(found)
