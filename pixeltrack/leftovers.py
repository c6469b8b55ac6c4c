"""Files beside the database that may still hold a person: folders that inject wrote, backups, exports."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pixeltrack import residues
from pixeltrack.errors import PixeltrackError


class Leftover(NamedTuple):
    """A file that holds a person: how often, and whether ``clean`` can take them out of it."""

    path: Path
    finds: int
    way: str  # "lines", "whole", or "by hand"


def find(folders: Iterable[Path], patterns: residues.Patterns) -> list[Leftover]:
    """Return the files in some folders, and of those named, in which a person is found."""
    found = []
    for path in _files(folders):
        try:
            finds = sum(residues.scan(path, patterns).values())
        except OSError as error:
            raise PixeltrackError(f"cannot read {path}: {error.strerror}") from None
        if finds:
            found.append(Leftover(path, finds, _way(path)))
    return found


def clean(leftover: Leftover, patterns: residues.Patterns) -> bool:
    """Take a person out of a file of ours; False where that must be done by hand.

    Of a table their lines go, of one copy each the whole file. Nobody else's lines change.
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
            for line in source:
                low = line.lower()
                if not any(each in line or each in low for each in wanted):
                    file.write(line)
            file.flush()
            os.fsync(file.fileno())
        made.chmod(leftover.path.stat().st_mode & 0o777)
        made.replace(leftover.path)
    except OSError as error:
        raise PixeltrackError(f"cannot clean {leftover.path}: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)
    return True


def _way(path: Path) -> str:
    if path.suffix in (".csv", ".jsonl"):
        return "lines"
    ours = any(_is_ours(folder) for folder in list(path.parents)[:3])
    return "whole" if ours and path.suffix in (".html", ".txt", ".eml", "") else "by hand"


def _is_ours(folder: Path) -> bool:
    try:
        return "pixeltrack_manifest" in json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError, TypeError):
        return False


def _files(folders: Iterable[Path]) -> list[Path]:
    found: set[Path] = set()
    for folder in folders:
        if folder.is_dir():
            found.update(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        elif folder.is_file():
            found.add(folder)
        else:
            raise PixeltrackError(f"no such file or folder: {folder}")
    return sorted(found)
