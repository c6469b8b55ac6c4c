"""Where copies go that are written whole: a file each, or one file for all."""

from __future__ import annotations

from typing import Literal, Protocol

from pixeltrack.copies import Copy
from pixeltrack.folder import Folder
from pixeltrack.output import Output

Format = Literal["html", "text", "eml", "mbox", "maildir", "jsonl", "recipe", "esp"]
MESSAGE_FORMATS = ("eml", "mbox", "maildir")

_STREAMS = {"jsonl": "messages.jsonl", "mbox": "messages.mbox"}
_SUFFIXES = {"html": "html", "text": "txt", "eml": "eml"}


class Sink(Protocol):
    """Takes copies as bytes. ``written`` counts them."""

    written: int

    def file(self, copy: Copy) -> str:
        """Return the file that a copy is in, by its path below the output folder."""

    def write(self, copy: Copy, content: bytes) -> None:
        """Write one copy."""


class FilesSink:
    """A file for each copy."""

    def __init__(self, folder: Folder, place: str, suffix: str) -> None:
        self.written = 0
        self._folder, self._place, self._suffix = folder, place, suffix

    def file(self, copy: Copy) -> str:
        return f"{self._place}/{copy.name}.{self._suffix}"

    def write(self, copy: Copy, content: bytes) -> None:
        self._folder.write(f"{copy.name}.{self._suffix}", content)
        self.written += len(content)


class StreamSink:
    """One file for all copies."""

    def __init__(self, output: Output, name: str) -> None:
        self.written = 0
        self._name = name
        self._file = output.open(name)

    def file(self, copy: Copy) -> str:
        return self._name

    def write(self, copy: Copy, content: bytes) -> None:
        written = self._file.write(content)
        while written < len(content):  # a disk that is nearly full takes a part
            written += self._file.write(memoryview(content)[written:])
        self.written += len(content)


def open_sink(output: Output, format_: Format) -> Sink:
    """Open the sink of a format that writes copies whole."""
    if format_ in _STREAMS:
        return StreamSink(output, _STREAMS[format_])
    if format_ == "maildir":
        maildir = output.make_folder("maildir")
        for name in ("cur", "tmp"):
            maildir.make_folder(name)
        return FilesSink(maildir.make_folder("new"), "maildir/new", "pixeltrack")
    suffix = _SUFFIXES[format_]
    return FilesSink(output.make_folder(format_), format_, suffix)
