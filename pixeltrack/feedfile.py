"""Files of what mail systems report: JSON of senders' services, and reports by mail.

JSON is one record, an array of them, or lines of either, packed with gzip or not; mail is one message, an
mbox (RFC 4155) or a folder: a Maildir, or one of .eml files. "-" is standard input.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from io import BufferedReader
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from pixeltrack import feedback
from pixeltrack.errors import InputError
from pixeltrack.feedback import Service, Skipped, TrackingEvent

_GZIP = b"\x1f\x8b"
_HEAD = 8_192  # bytes by which it is told what a file is
_HEADER = re.compile(rb"[!-9;-~]+:")
_QUOTED_FROM = re.compile(rb"(?m)^>(?=>*From )")
_SAFE = "what came before is stored; when it is put right, run the same again: nothing counts twice"


class Record(NamedTuple):
    """A record or a message, where it stands, and what it says."""

    where: str
    told: tuple[TrackingEvent | Skipped, ...]


def read(path: Path, service: Service | None = None) -> Iterator[Record]:
    """Yield the records of a file in order; without a service each file's first record says whose it is.

    Raises InputError naming the file and the line or record for what cannot be read.
    """
    if path.is_dir():
        yield from _folder(path, service)
        return
    name = "standard input" if str(path) == "-" else str(path)
    try:
        with closing(_opened(path)) as stream:
            yield from _stream(stream, name, service)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise InputError(f"{name} is cut off or damaged: it cannot be unpacked", hint=_SAFE) from None
    except FileNotFoundError:
        raise InputError(f"no such file: {name}") from None
    except OSError as error:
        raise InputError(f"cannot read {name}: {error.strerror or error}") from None


def _opened(path: Path) -> IO[bytes]:
    if str(path) == "-":
        if sys.stdin is None:
            raise InputError("there is no standard input", hint="give a file")
        raw: Any = sys.stdin.buffer
    else:
        raw = path.open("rb")
    found = raw if isinstance(raw, BufferedReader) else BufferedReader(raw)
    if found.peek(2)[:2] == _GZIP:
        return BufferedReader(cast(Any, gzip.GzipFile(fileobj=found)))
    return found


def _stream(stream: IO[bytes], name: str, service: Service | None) -> Iterator[Record]:
    head = stream.peek(_HEAD)[:_HEAD] if isinstance(stream, BufferedReader) else b""
    begins = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if begins[:1] in (b"{", b"["):
        yield from _Json(name, service).records(stream)
    elif begins.startswith(b"From "):
        for number, raw in enumerate(_in_mbox(stream), start=1):
            yield Record(f"{name} message {number}", tuple(feedback.of_mail(raw)))
    elif _HEADER.match(begins):
        yield Record(name, tuple(feedback.of_mail(stream.read())))
    elif not begins and not stream.read().strip():
        return
    else:
        raise InputError(f"{name} is neither JSON nor mail", hint="it reads JSON, JSON lines, .eml and mbox")


def _folder(path: Path, service: Service | None) -> Iterator[Record]:
    """Yield the messages of a Maildir, or the files of a folder, by name."""
    boxes = [path / "cur", path / "new"]
    if all(box.is_dir() for box in boxes):
        files = sorted((file for box in boxes for file in box.iterdir()), key=lambda file: file.name)
        for file in files:
            if file.is_file() and not file.name.startswith("."):
                yield Record(str(file), tuple(feedback.of_mail(_bytes(file))))
        return
    files = sorted(path.glob("*.eml"))
    if not files:
        raise InputError(
            f"{path} is a folder without reports", hint="give a Maildir, a folder of .eml files, or files"
        )
    for file in files:
        yield from read(file, service)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _in_mbox(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the messages of an mbox, without the quoting of their lines.

    One begins where a From_ line has a header behind it: texts have such lines too, not always quoted.
    """
    message: list[bytes] = []
    begins, blank = b"", True
    for line in stream:
        if begins:
            if _HEADER.match(line):
                if message:
                    yield _QUOTED_FROM.sub(b"", b"".join(message))
                message = []
            else:
                message.append(begins)
        begins = line if blank and line.startswith(b"From ") else b""
        if not begins:
            message.append(line)
        blank = not line.strip()
    if any(line.strip() for line in message):
        yield _QUOTED_FROM.sub(b"", b"".join(message))


class _Json:
    """The records of one file of JSON."""

    def __init__(self, name: str, service: Service | None) -> None:
        self._name, self._service = name, service
        self._reader = feedback.reader(service) if service else None

    def records(self, stream: IO[bytes]) -> Iterator[Record]:
        first = stream.readline()
        while first and not first.removeprefix(b"\xef\xbb\xbf").strip():
            first = stream.readline()
        try:
            value = json.loads(self._text(first, 1))
        except (ValueError, RecursionError):  # no JSON in one line: it stands in several
            yield from self._whole(self._text(first + stream.read(), 0))
            return
        yield from self._of(value, f"{self._name} line 1")
        for number, line in enumerate(stream, start=2):
            if line.strip():
                where = f"{self._name} line {number}"
                yield from self._of(self._loaded(self._text(line, number), where), where)

    def _whole(self, text: str) -> Iterator[Record]:
        """Yield the records of values that stand one after the other."""
        decoder, at = json.JSONDecoder(), 0
        blank = re.compile(r"\s*")
        while (at := _end(blank, text, at)) < len(text):
            try:
                value, end = decoder.raw_decode(text, at)
            except json.JSONDecodeError as error:
                raise InputError(
                    f"{self._name} line {error.lineno}: not JSON: {error.msg}", hint=_SAFE
                ) from None
            except (ValueError, RecursionError):
                line = text.count("\n", 0, at) + 1
                raise InputError(f"{self._name} line {line}: no JSON that can be read", hint=_SAFE) from None
            yield from self._of(value, f"{self._name} line {text.count(chr(10), 0, at) + 1}")
            at = end

    def _text(self, data: bytes, line: int) -> str:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            number = line or data.count(b"\n", 0, error.start) + 1
            raise InputError(f"{self._name} line {number} is not UTF-8", hint=_SAFE) from None

    def _loaded(self, text: str, where: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"{where}: not JSON: {error.msg}", hint=_SAFE) from None
        except (ValueError, RecursionError):
            raise InputError(f"{where}: no JSON that can be read", hint=_SAFE) from None

    def _of(self, value: Any, where: str) -> Iterator[Record]:
        several = isinstance(value, list)
        for number, record in enumerate(value if several else [value], start=1):
            place = f"{where}, record {number}" if several else where
            if not isinstance(record, Mapping):
                raise InputError(f"{place}: {str(record)[:40]!r} is no JSON object", hint=_SAFE)
            yield Record(place, tuple(self._read(record, place)))

    def _read(self, record: Mapping[str, Any], where: str) -> Iterator[TrackingEvent | Skipped]:
        if self._reader is None:
            self._service = feedback.detect(record)
            if self._service is None:
                raise InputError(
                    f"{where}: it cannot be told whose record this is: {', '.join(sorted(record)[:6])}",
                    hint=f"say it with --from: {', '.join(feedback.SERVICES)}",
                )
            self._reader = feedback.reader(self._service)
        return chain(self._reader(record))


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
