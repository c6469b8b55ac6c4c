"""The files that a command is given: opened, or one clear error."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from pixeltrack import source as sources
from pixeltrack.errors import InputError
from pixeltrack.source import Source


def read_mail(path: Path) -> bytes:
    """Return a mail's bytes, "-" for standard input's; raise InputError naming the file."""
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError("there is no standard input", hint="give the mail as a file")
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"no such file: {path}", hint="give the HTML file of your mail") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder", hint="give one of the files in it") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


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


def write_new(path: Path, content: bytes, option: str = "--out") -> None:
    """Write a file that is not there yet; raise InputError for one that is."""
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        raise InputError(f"{path} exists already", hint=f"name another with {option}") from None
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


@contextmanager
def open_list(path: str, name: str) -> Iterator[IO[str]]:
    """Open a list as UTF-8 with its line ends as they are; standard input too, whatever the locale."""
    if path == "-" and sys.stdin is None:
        raise InputError("there is no standard input", hint="give the list as a file")
    try:
        with sys.stdin.buffer if path == "-" else Path(path).open("rb") as file:
            yield TextIOWrapper(file, encoding="utf-8", errors="surrogateescape", newline="")
    except FileNotFoundError:
        raise InputError(
            f"no such file: {name}", hint="give the recipient list as CSV or JSON lines"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror}") from None
