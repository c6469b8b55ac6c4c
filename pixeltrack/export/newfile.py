"""A file that appears whole or not at all: written beside its place, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from pixeltrack.errors import InputError, PixeltrackError

_CREATE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW


class NewFile:
    """A file in the making, at ``path``. It takes its place when the block ends without an exception.

    ``force`` replaces any other file than those of ``not_over``. Raises InputError where it must not be
    written, PixeltrackError where it cannot.
    """

    file: IO[bytes]

    def __init__(self, place: Path, *, force: bool, not_over: tuple[Path, ...] = ()) -> None:
        _check(place, force=force, not_over=not_over)
        self._place, self._force = place, force
        self.path = place.with_name(f".pixeltrack-{secrets.token_hex(6)}.partial")

    def __enter__(self) -> NewFile:
        try:
            self.file = open(self.path, "wb", opener=_create)
        except OSError as error:
            raise _unwritable(self._place, error) from None
        except BaseException:  # a signal, once the file was there
            self.path.unlink(missing_ok=True)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._publish()
            elif isinstance(value, OSError) and not isinstance(value, BrokenPipeError):
                raise _unwritable(self._place, value) from None
        finally:
            with suppress(OSError):
                self.file.close()
            with suppress(OSError):
                self.path.unlink()

    def _publish(self) -> None:
        try:
            self.file.flush()
            os.fsync(self.file.fileno())
            if not self._force and os.path.lexists(self._place):  # made by somebody meanwhile
                raise _exists(self._place)
            self.path.replace(self._place)
            folder = os.open(self._place.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise _unwritable(self._place, error) from None


def _create(path: str, _flags: int) -> int:
    return os.open(path, _CREATE, 0o600)


def _check(place: Path, *, force: bool, not_over: tuple[Path, ...]) -> None:
    try:
        if not place.parent.is_dir():
            raise InputError(f"{place.parent} is no folder", hint="make it first, or name another with -o")
        if place.is_dir():
            raise InputError(f"{place} is a folder", hint="name a file with -o")
        if any(each.exists() and place.exists() and place.samefile(each) for each in not_over):
            raise InputError(f"{place} is what pixeltrack works with", hint="name another file with -o")
        if place.exists() and not place.is_file():
            raise InputError(f"{place} is no plain file", hint="name another with -o")
        for journal in (place.with_name(f"{place.name}{end}") for end in ("-wal", "-journal")):
            if os.path.lexists(journal):  # SQLite would play it into what stands at the place then
                raise InputError(
                    f"{journal} belongs to another database at {place}",
                    hint="close the program that has it open, or name another with -o",
                )
    except OSError as error:
        raise _unwritable(place, error) from None
    if os.path.lexists(place) and not force:
        raise _exists(place)


def _exists(place: Path) -> InputError:
    return InputError(f"{place} exists already", hint="--force replaces it; or name another with -o")


def _unwritable(place: Path, error: OSError) -> PixeltrackError:
    return PixeltrackError(
        f"cannot write {place}: {error.strerror or error}", hint="choose another place with -o"
    )
