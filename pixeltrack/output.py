"""The output folder: everything is written beside it first, and appears at once or not at all."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType
from typing import get_args

from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.model import CampaignKind

_MESSAGE_FILES: dict[CampaignKind, re.Pattern[str]] = {
    "recipients": re.compile(r"\d{6,}-[0-9a-f]{6}\.html"),
    "merge": re.compile(r"template\.html"),
    "preview": re.compile(r"preview\.html"),
}
_NAMES = ("manifest.json", "messages.csv", "html")
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


def check(folder: Path, *, force: bool) -> None:
    """Raise when a folder must not or cannot be written to: not empty (without force), or no folder."""
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
    kind = _held(folder)
    if not force and kind != "preview":  # one makes several previews while editing
        raise InputError(
            f"the output folder {folder} is not empty",
            hint="--force replaces what pixeltrack wrote there; --out names another folder",
        )
    theirs = [name for name in _NAMES if (folder / name).exists()] if kind is None else []
    if theirs:
        raise InputError(
            f"the output folder {folder} has a {theirs[0]} that pixeltrack did not write",
            hint="name another folder with --out, or move it away",
        )


def _held(folder: Path) -> CampaignKind | None:
    """Return what kind of injection an output folder holds; None when it is none of ours."""
    try:
        record = json.loads((folder / "manifest.json").read_bytes())
        kind: CampaignKind = record["kind"]
        ours = "pixeltrack_manifest" in record and kind in get_args(CampaignKind)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return kind if ours else None


def _is_staging(path: Path, folder: Path) -> bool:
    return path.name.startswith(f".{folder.name}.partial-")


class Output:
    """A folder in the making. Call ``publish`` when all is well; leaving without it removes everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._parents: list[Path] = []  # that had to be made, the deepest first
        try:
            self._parents = [path for path in folder.absolute().parents if not path.exists()]
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Inside a folder that exists: it may be a file system of its own, across which nothing renames.
            beside = folder if folder.is_dir() else folder.parent
            for path in beside.iterdir():
                if _is_staging(path, folder):
                    _remove_abandoned(path)
            self._staging = Path(mkdtemp(prefix=f".{folder.name}.partial-", dir=beside))
            self._top = os.open(self._staging, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._top, fcntl.LOCK_EX)  # tells the living from the abandoned
            self._staging.chmod(0o755)
            (self._staging / "html").mkdir()
            self._html = os.open(self._staging / "html", os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            self._remove_parents()
            raise _unwritable(folder, error) from None
        self.written = 0  # bytes

    def write_message(self, name: str, content: bytes) -> None:
        """Write one message's file into ``html/``, with a single write call."""
        self._write(self._html, name, content, 0o600)

    def write(self, name: str, content: str, mode: int = 0o644) -> None:
        """Write one file at the top of the folder."""
        self._write(self._top, name, content.encode(), mode)

    def _write(self, folder: int, name: str, content: bytes, mode: int) -> None:
        try:
            descriptor = os.open(name, _CREATE, mode, dir_fd=folder)
            try:
                view = memoryview(content)
                while view:
                    view = view[os.write(descriptor, view) :]
            finally:
                os.close(descriptor)
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self.written += len(content)

    def publish(self) -> None:
        """Put everything in its place; in a folder of ours, only what we wrote before is replaced."""
        try:
            if self.folder.is_dir():
                self._merge()
            else:
                self._staging.rename(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def _merge(self) -> None:
        html, before, kind = self.folder / "html", self._staging / "before", _held(self.folder)
        for name in ("manifest.json", "messages.csv"):
            if (self._staging / name).exists():
                (self._staging / name).replace(self.folder / name)
            else:
                (self.folder / name).unlink(missing_ok=True)  # it lists files that are gone
        if html.exists():
            html.rename(before)
        (self._staging / "html").rename(html)
        for path in before.iterdir() if before.exists() else ():
            if kind is None or not _MESSAGE_FILES[kind].fullmatch(path.name):  # the user's own: it stays
                taken = (html / path.name).exists()
                path.rename(html / (f"{path.name}.before" if taken else path.name))

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
        os.close(self._html)
        shutil.rmtree(self._staging, ignore_errors=True)
        os.close(self._top)
        self._remove_parents()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold Ctrl-C and SIGTERM back until the block is done, so that it is done whole."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other thread gets signals
        return
    held: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.signal(number, lambda number, _frame: held.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
    if held:
        signal.raise_signal(held[0])


def _remove_abandoned(staging: Path) -> None:
    """Remove what a killed run left behind; its lock ended with it."""
    descriptor = os.open(staging, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return  # another run is at work
    else:
        shutil.rmtree(staging, ignore_errors=True)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> PixeltrackError:
    return PixeltrackError(
        f"cannot write to {folder}: {error.strerror}",
        hint="choose another folder with --out",
    )
