"""One access log as a stream of whole lines: a file that may grow, a .gz, or standard input."""

from __future__ import annotations

import gzip
import os
import stat
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from pixeltrack.errors import InputError, PixeltrackError

HEAD = 4_096  # first bytes by which a log is known
TAIL = 256  # last bytes read, which must still be there
_CHUNK = 1 << 18  # bytes at a time: hundreds of lines, and what is made of them fits a processor's cache
_LONGEST = 1 << 20  # bytes of a line; servers do not let requests grow so long
_TOO_LONG = b"(too long)\n"


class LogFile:
    """Hands out a log's whole lines in order. What follows the last line end waits for its rest."""

    def __init__(self, stream: IO[bytes], name: str, raw: IO[bytes] | None = None) -> None:
        """raw is the file on the disk behind a stream of it: what has been read of it is progress."""
        self._stream = stream
        self._raw = raw or stream
        self.name = name
        self.reached = 0  # bytes handed out; they end with a line
        self._head = b""
        self._tail = b""
        self._rest = b""
        self._dropped = 0  # bytes of a line that is too long
        self._dropped_tail = b""
        self._grows = self._raw is stream and _is_file(stream)
        while len(self._head) < HEAD and self._more():
            pass

    @property
    def unfinished(self) -> bool:
        """Whether something follows the last line end."""
        return bool(self._rest or self._dropped)

    @property
    def disk_position(self) -> int:
        """How many bytes of the file on the disk have been read, packed as they are."""
        try:
            return self._raw.tell()
        except (OSError, ValueError):  # a pipe
            return 0

    @property
    def head(self) -> bytes:
        """The first bytes, as far as they are there."""
        return self._head

    def heads(self) -> Iterator[int]:
        """Yield the lengths of the beginnings by which this log may be known: reading stops at a line end."""
        if len(self._head) == HEAD:
            yield HEAD
        end = self._head.rfind(b"\n")
        while end >= 0:
            yield end + 1
            end = self._head.rfind(b"\n", 0, end)

    def tail(self) -> bytes:
        """Return the last bytes that were handed out."""
        return self._tail

    def next_lines(self) -> bytes | None:
        """Return the next whole lines; None when there are none, or none yet."""
        while True:
            end = self._rest.rfind(b"\n") + 1
            if end:
                return self._hand_out(end)
            if len(self._rest) > _LONGEST:
                self._drop()
            if not self._more():
                return None

    def skip_to(self, offset: int) -> int:
        """Go on from a place that was read to before, or from the end of a log that is shorter.

        Return the lines passed, as far as they were read: in a plain file they are not.
        """
        lines = 0
        if self._grows and len(self._rest) < offset <= os.fstat(self._stream.fileno()).st_size:
            self._stream.seek(offset - TAIL)
            self._tail, self._rest, self.reached = self._stream.read(TAIL), b"", offset
            return 0
        while self.reached < offset:
            if not self._rest and not self._more():
                break
            passed, self._rest = self._rest[: offset - self.reached], self._rest[offset - self.reached :]
            lines += passed.count(b"\n")
            self._passed(passed)
        return lines

    def was_rewritten(self) -> bool:
        """Whether the file is no longer the one that was begun: cut off, and perhaps filled again."""
        if not self._grows:
            return False
        file = self._stream.fileno()
        read = self.reached + self._dropped + len(self._rest)
        return os.fstat(file).st_size < read or os.pread(file, len(self._head), 0) != self._head

    def is_at(self, path: Path) -> bool:
        """Whether the file still has its name: rotating gives it another one."""
        try:
            return os.path.samestat(os.fstat(self._stream.fileno()), path.stat())
        except FileNotFoundError:
            return True  # nothing has come in its place yet

    def close(self) -> None:
        self._stream.close()
        self._raw.close()

    def _more(self) -> bool:
        try:
            fresh: bytes = self._stream.read1(_CHUNK)  # type: ignore[attr-defined]
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise PixeltrackError(
                f"{self.name} is damaged or cut off behind {self.reached:,} bytes",
                hint="the lines before are recorded; fetch the file again, and give it once more",
            ) from None
        if len(self._head) < HEAD:
            self._head += fresh[: HEAD - len(self._head)]
        self._rest += fresh
        return bool(fresh)

    def _hand_out(self, end: int) -> bytes:
        lines, self._rest = self._rest[:end], self._rest[end:]
        if self._dropped:
            self.reached += self._dropped
            self._tail, self._dropped = self._dropped_tail, 0
            self._passed(lines)
            return _TOO_LONG + lines[lines.find(b"\n") + 1 :]
        self._passed(lines)
        return lines

    def _passed(self, data: bytes) -> None:
        self.reached += len(data)
        self._tail = (self._tail + data[-TAIL:])[-TAIL:]

    def _drop(self) -> None:
        self._dropped += len(self._rest)
        self._dropped_tail, self._rest = self._rest[-TAIL:], b""


def _is_file(stream: IO[bytes]) -> bool:
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except OSError:  # standard input may be no file at all
        return False


def open_log(path: Path) -> LogFile:
    """Open a log; "-" is standard input. A gzip file is known by its first bytes, not by its name.

    Raises InputError when it cannot be read.
    """
    if path == Path("-"):
        if sys.stdin is None:
            raise InputError("there is no standard input", hint="name a log file")
        return LogFile(_unpacked(sys.stdin.buffer), "standard input", sys.stdin.buffer)
    try:
        raw = path.open("rb")
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}", hint="name a log file") from None
    stream = _unpacked(raw)
    return LogFile(stream, str(path), None if stream is raw else raw)


def _unpacked(raw: IO[bytes]) -> IO[bytes]:
    peek: Callable[[int], bytes] | None = getattr(raw, "peek", None)
    return gzip.GzipFile(fileobj=raw) if peek and peek(2)[:2] == b"\x1f\x8b" else raw  # type: ignore
