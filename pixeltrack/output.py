"""The output folder: everything is written beside it first, and appears at once or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import IO, NamedTuple, get_args

from pixeltrack.errors import InputError, Interrupted, PixeltrackError
from pixeltrack.folder import CREATE, Folder
from pixeltrack.model import VERSION_NAME, CampaignKind

# What a run may write at the top of the folder: one file or folder for all copies, or files for each version.
_COMMON = (
    *("manifest.json", "undo.jsonl", "messages.csv", "html", "text", "eml", "maildir"),
    *("messages.mbox", "messages.jsonl"),
)
_UPLOADS = (
    *(f"upload{kind}.csv" for kind in ("", "-untracked", "-opens", "-clicks", "-apart")),
    *(
        f"{kind}.{suffix}"
        for kind in ("template", "untracked", "opens", "clicks", "apart")
        for suffix in ("html", "txt")
    ),
)
_MESSAGE_FILES: dict[CampaignKind, re.Pattern[str]] = {
    "recipients": re.compile(r"\d{6,}-[0-9a-f]{6}\.(?:html|txt|eml)|cur|new|tmp"),
    "merge": re.compile(r"template\.(?:html|txt|eml)"),
    "preview": re.compile(r"preview\.(?:html|txt|eml)"),
}
_PROGRESS = "progress.json"


def _uploads(versions: Iterable[str]) -> list[str]:
    """Return the names of the files for uploading, of a mail in these versions too."""
    marks = ("", *(f".{version}" for version in versions))
    return [name.replace(".", f"{mark}.") for name in _UPLOADS for mark in marks]


def check(folder: Path, *, force: bool, campaign: str, versions: Sequence[str] = ()) -> None:
    """Raise when a folder must not or cannot be written to: not empty (without force), or no folder.

    versions are the names of those that will be written.
    """
    if (folder.exists() or folder.is_symlink()) and not folder.is_dir():
        raise InputError(f"{folder} is a file, not a folder", hint="name another with --out")
    if (folder / "html").is_symlink():
        raise InputError(f"{folder / 'html'} is a link to elsewhere", hint="name another with --out")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise _unwritable(folder, NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)))
    if not os.access(nearest, os.W_OK):
        raise _unwritable(folder, PermissionError(errno.EACCES, os.strerror(errno.EACCES)))
    if not folder.is_dir() or not any(path for path in folder.iterdir() if not _is_staging(path, folder)):
        return
    held = _held(folder)
    kind = held and held.kind
    if held and held.campaign != campaign:
        raise InputError(
            f"the output folder {folder} holds the mails of campaign {held.campaign!r}",
            hint="name another folder with --out",
        )
    if not force and kind != "preview":  # one makes several previews while editing
        raise InputError(
            f"the output folder {folder} is not empty",
            hint="--force replaces what pixeltrack wrote there; --out names another folder",
        )
    known = _uploads(held.versions) if held else []
    new = [name for name in _uploads(versions) if name not in known]
    theirs = [name for name in ((*_COMMON, *new) if kind is None else new) if (folder / name).exists()]
    if theirs:
        raise InputError(
            f"the output folder {folder} has a {theirs[0]} that pixeltrack did not write",
            hint="name another folder with --out, or move it away",
        )


class _Held(NamedTuple):
    """Of what a folder holds the kind, the name of the campaign, and the names of its versions."""

    kind: CampaignKind
    campaign: str
    versions: tuple[str, ...]


def _held(folder: Path) -> _Held | None:
    """Return what a folder holds; None when it is none of ours."""
    try:
        record = json.loads((folder / "manifest.json").read_bytes())
        kind: CampaignKind = record["kind"]
        ours = "pixeltrack_manifest" in record and kind in get_args(CampaignKind)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    versions = record.get("versions")
    named = versions if isinstance(versions, dict) else ()
    names = tuple(name for name in named if VERSION_NAME.fullmatch(name))  # they become names of files
    return _Held(kind, str(record.get("campaign", "")), names) if ours else None


def _is_staging(path: Path, folder: Path) -> bool:
    return path.name.startswith(f".{folder.name}.partial-")


def interrupted_at(folder: Path) -> int | None:
    """Return when the run began that an interruption has left to be resumed, in ms UTC; None without one."""
    beside = folder if folder.is_dir() else folder.parent
    with suppress(OSError):
        for path in sorted(path for path in beside.iterdir() if _is_staging(path, folder)):
            with suppress(OSError, ValueError, KeyError, TypeError):
                return int(json.loads((path / _PROGRESS).read_bytes())["started"])
    return None


class Output:
    """A folder in the making. Call ``publish`` when all is well; leaving without it removes everything.

    What a run has made by its last ``checkpoint`` outlives an interruption, hidden beside the folder,
    for a run with the same fingerprint that is told to resume: it then starts with ``done`` copies.
    """

    def __init__(
        self,
        folder: Path,
        fingerprint: str = "",
        *,
        resume: bool = False,
        started: int = 0,
        versions: Sequence[str] = (),
    ) -> None:
        """versions are the names of those that are written; started is ms UTC."""
        self.folder = folder
        self._versions = versions
        self._started = started
        self.done = 0
        self._fingerprint = fingerprint
        self._positions: dict[str, int] = {}  # of files at the last checkpoint
        self._files: dict[str, IO[bytes]] = {}
        self._texts: list[IO[str]] = []
        self._folders: list[Folder] = []
        self._parents: list[Path] = []  # that had to be made, the deepest first
        try:
            self._parents = [path for path in folder.absolute().parents if not path.exists()]
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Inside a folder that exists: it may be a file system of its own, across which nothing renames.
            beside = folder if folder.is_dir() else folder.parent
            kept: tuple[Path, int | None] | None = None
            for path in sorted(path for path in beside.iterdir() if _is_staging(path, folder)):
                lock = _lock(path)
                if lock is None:
                    continue  # another run is at work
                if resume and kept is None and (path / _PROGRESS).exists():
                    kept = path, lock
                else:
                    shutil.rmtree(path, ignore_errors=True)
                    os.close(lock)
            if kept is None:
                made = Path(mkdtemp(prefix=f".{folder.name}.partial-", dir=beside))
                kept = made, _lock(made)
            self._staging, self._lock = kept
            self._staging.chmod(0o755)
        except OSError as error:
            self._remove_parents()
            raise _unwritable(folder, error) from None
        if (self._staging / _PROGRESS).exists():
            self._take_up()

    def _take_up(self) -> None:
        progress = json.loads((self._staging / _PROGRESS).read_bytes())
        if progress["fingerprint"] != self._fingerprint:
            self._unlock()
            raise InputError(
                f"the interrupted run for {self.folder} was of another mail, list or setting",
                hint="give the same again, or start over without --resume",
            )
        self.done, self._positions = progress["done"], progress["positions"]
        for name in ("messages.csv", *_uploads(self._versions)):
            (self._staging / name).unlink(missing_ok=True)

    def make_folder(self, name: str) -> Folder:
        """Make a folder for files of single messages."""
        made = Folder(self._staging / name, resumed=self.done > 0)
        self._folders.append(made)
        return made

    def open(self, name: str, mode: int = 0o600) -> IO[bytes]:
        """Open a file at the top of the folder, new or as it was at the last checkpoint.

        Each write is one call of the system.
        """
        path, position = self._staging / name, self._positions.get(name)
        flags = CREATE if position is None else os.O_WRONLY | os.O_NOFOLLOW
        file = open(path, "wb", buffering=0, opener=lambda *_: os.open(path, flags, mode))  # noqa: SIM115
        if position is not None:
            file.truncate(position)
            file.seek(position)
        self._files[name] = file
        return file

    def open_text(self, name: str, mode: int = 0o600) -> IO[str]:
        """Open a new file for many short lines."""
        path = self._staging / name
        file = open(  # noqa: SIM115 - it is closed with the others
            path, "w", encoding="utf-8", newline="", opener=lambda *_: os.open(path, CREATE, mode)
        )
        self._texts.append(file)
        return file

    def write(self, name: str, content: bytes, mode: int = 0o644) -> None:
        """Write one file at the top of the folder."""
        path = self._staging / name
        with open(path, "wb", opener=lambda *_: os.open(path, CREATE, mode)) as file:
            file.write(content)

    def checkpoint(self, done: int) -> None:
        """Note that so many copies are made, for a later run to go on from there."""
        self._positions = {name: file.tell() for name, file in self._files.items()}
        progress = {
            "fingerprint": self._fingerprint,
            "started": self._started,
            "done": done,
            "positions": self._positions,
        }
        fresh = self._staging / f"{_PROGRESS}.new"
        fresh.write_text(json.dumps(progress))
        fresh.replace(self._staging / _PROGRESS)
        self.done = done

    def publish(self) -> None:
        """Put everything in its place; in a folder of ours, only what we wrote before is replaced."""
        self._close()
        (self._staging / _PROGRESS).unlink(missing_ok=True)
        if self.folder.is_dir():
            self._merge()
        else:
            self._staging.rename(self.folder)

    def _merge(self) -> None:
        held = _held(self.folder)
        kind = held and held.kind
        versions = {*self._versions, *(held.versions if held else ())}
        before = self._staging / "before"
        before.mkdir()
        for name in (*_COMMON, *_uploads(versions)):
            old, new = self.folder / name, self._staging / name
            if old.is_dir() and not old.is_symlink():
                old.rename(before / name)
            elif kind is not None:
                old.unlink(missing_ok=True)
            if new.exists():
                new.replace(old)
        for path in before.glob("*/*"):
            if kind is None or not _MESSAGE_FILES[kind].fullmatch(path.name):  # the user's own: it stays
                home = self.folder / path.parent.name
                home.mkdir(exist_ok=True)
                path.rename(home / (f"{path.name}.before" if (home / path.name).exists() else path.name))

    def _close(self) -> None:
        for text in self._texts:
            text.close()
        for file in self._files.values():
            file.close()
        for folder in self._folders:
            folder.close()
        self._texts, self._files, self._folders = [], {}, []

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)

    def _remove_parents(self) -> None:
        for path in self._parents:
            with suppress(OSError):  # one that is not empty is in use
                path.rmdir()

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with suppress(OSError):  # a full disk is said already
            self._close()
        stopped = isinstance(value, (KeyboardInterrupt, SystemExit, OSError))
        if stopped and (self._staging / _PROGRESS).exists():
            self._unlock()
            raise self._interrupted(value) from None
        shutil.rmtree(self._staging, ignore_errors=True)
        self._unlock()
        self._remove_parents()
        if isinstance(value, OSError):
            raise _unwritable(self.folder, value) from None

    def _interrupted(self, why: BaseException | None) -> Interrupted:
        again = f"the same command with --resume goes on after {self.done:,} copies"
        if isinstance(why, OSError):
            refused = _unwritable(self.folder, why)
            return Interrupted(refused.message, hint=f"once that is mended, {again}", exit_code=1)
        code = why.code if isinstance(why, SystemExit) and isinstance(why.code, int) else 130
        return Interrupted(f"interrupted after {self.done:,} copies", hint=again, exit_code=code)


def _lock(staging: Path) -> int | None:
    """Lock a folder in the making; None when its run is alive. The lock ends with the run."""
    descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _unwritable(folder: Path, error: OSError) -> PixeltrackError:
    return PixeltrackError(
        f"cannot write to {folder}: {error.strerror}",
        hint="choose another folder with --out",
    )
