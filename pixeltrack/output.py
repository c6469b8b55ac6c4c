"""The output folder: everything is written beside it first, and appears at once or not at all."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from tempfile import mkdtemp
from types import TracebackType

from pixeltrack.errors import InputError, PixeltrackError

_MESSAGE_FILE = re.compile(r"\d{6,}-[0-9a-f]{6}\.html|preview\.html|template\.html")
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
    if not force and folder.is_dir() and any(folder.iterdir()):
        raise InputError(
            f"the output folder {folder} is not empty",
            hint="--force replaces what pixeltrack wrote there; --out names another folder",
        )


class Output:
    """A folder in the making. Call ``publish`` when all is well; leaving without it removes everything."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            # Inside a folder that exists: it may be a file system of its own, across which nothing renames.
            beside = folder if folder.is_dir() else folder.parent
            self._staging = Path(mkdtemp(prefix=f".{folder.name}.partial-", dir=beside))
            self._staging.chmod(0o755)
            (self._staging / "html").mkdir()
        except OSError as error:
            raise _unwritable(folder, error) from None
        self._html = os.open(self._staging / "html", os.O_RDONLY | os.O_DIRECTORY)
        self._top = os.open(self._staging, os.O_RDONLY | os.O_DIRECTORY)
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
        """Put everything in its place. Only files that pixeltrack itself wrote before are replaced."""
        try:
            if self.folder.is_dir():
                self._merge()
            else:
                self._staging.rename(self.folder)
        except OSError as error:
            raise _unwritable(self.folder, error) from None

    def _merge(self) -> None:
        html = self.folder / "html"
        html.mkdir(exist_ok=True)
        for stale in html.iterdir():
            if _MESSAGE_FILE.fullmatch(stale.name):
                stale.unlink()
        if not (self._staging / "messages.csv").exists():
            (self.folder / "messages.csv").unlink(missing_ok=True)  # it lists files that are gone
        for path in [*(self._staging / "html").iterdir(), *self._staging.glob("*.*")]:
            path.replace(self.folder / path.relative_to(self._staging))

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._html)
        os.close(self._top)
        shutil.rmtree(self._staging, ignore_errors=True)


def _unwritable(folder: Path, error: OSError) -> PixeltrackError:
    return PixeltrackError(
        f"cannot write to {folder}: {error.strerror}",
        hint="choose another folder with --out",
    )
