"""The files that a command is given: opened, or one clear error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import click

from pixeltrack import source as sources
from pixeltrack.errors import InputError
from pixeltrack.source import Source

_MOST = 200_000_000  # bytes of one mail with all that is attached: some servers take 150 MB


def read_mail(path: Path) -> bytes:
    """Return a mail's bytes, "-" for standard input's; raise InputError naming the file."""
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError("there is no standard input", hint="give the mail as a file")
        return _all_of(sys.stdin.buffer, "standard input")
    try:
        with path.open("rb") as file:
            return _all_of(file, str(path))
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", hint="give the HTML file of your mail") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder", hint="give one of the files in it") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _all_of(file: IO[bytes], name: str) -> bytes:
    data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise InputError(
            f"{name} has more than {_MOST:,} bytes", hint="no mail server takes such a mail; give one mail"
        )
    return data


def read_html(data: bytes, name: str, encoding: str | None) -> Source:
    """Return a mail's HTML; raise InputError for what is none."""
    read = sources.read(data, name, encoding)
    sources.require_html(read)
    return read


def read_text(data: bytes, name: str, encoding: str | None) -> Source:
    """Return a plain text; raise InputError for one that is empty, too large or not text."""
    read = sources.read(data, name, encoding)
    sources.require_size(read)
    if "\0" in read.view:
        raise InputError(f"{name} is not plain text: it has a NUL byte in it", hint="save it as UTF-8")
    return read


def read_headers(path: Path) -> list[tuple[str, str]]:
    """Return the fields of a headers file; raise InputError naming its line."""
    from pixeltrack import headers

    try:
        return headers.read(path.read_text("utf-8"), str(path))
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8", hint="save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def standard_output() -> IO[bytes]:
    """Return standard output for bytes; raise InputError where there is none."""
    if sys.stdout is None:
        raise InputError("there is no standard output", hint="send it to a file or a program")
    return sys.stdout.buffer


def write_new(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a file that is not there yet; raise InputError for one that is."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(f"{path} exists already", hint=f"name another with {option}") from None
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def replace_own(path: Path, content: bytes, mark: bytes, option: str) -> None:
    """Write a file whole or not at all, in the place of an earlier one of ours: one that ends in a mark.

    Raises InputError for a file that is not ours, and where it cannot be written.
    """
    target = Path(os.path.realpath(path))  # a link stays one
    try:
        if path.exists() and not path.is_file():  # a pipe, a terminal
            path.write_bytes(content)
            return
        if target.is_file() and target.stat().st_size and not target.read_bytes().endswith(mark):
            raise InputError(
                f"{path} exists already, and pixeltrack did not write it", hint=f"name another with {option}"
            )
        made = target.with_name(f".{target.name[:200]}.{os.getpid()}.partial")
        try:
            with made.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            made.replace(target)
        except BaseException:
            made.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror}") from None


def check_readable(path: Path) -> None:
    """Raise InputError for a file that cannot be read, or has nothing in it."""
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise InputError(f"{path} is empty")
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", hint="give the file of your mail") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


class GivenPath(click.Path):
    """A path that was given: an empty text would mean the current folder, and is most likely a mistake."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "":
            self.fail("it is empty", param, ctx)
        return super().convert(value, param, ctx)


@contextmanager
def open_list(path: str, name: str) -> Iterator[IO[str]]:
    """Open a list as UTF-8 with its line ends as they are; standard input too, whatever the locale."""
    if path == "-" and sys.stdin is None:
        raise InputError("there is no standard input", hint="give the list as a file")
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            yield TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    except IsADirectoryError:
        raise InputError(f"{name} is a folder", hint="give one list, as CSV or JSON lines") from None
    except FileNotFoundError:
        raise InputError(
            f"no such file: {name}", hint="give the recipient list as CSV or JSON lines"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
