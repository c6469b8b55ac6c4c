"""A log followed by its name, while it is written, rotated and cut off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pixeltrack.accesslog import Format
from pixeltrack.ingest import LogReading
from pixeltrack.loghits import Counts

# A rotated file is read on until nothing came for so many steps: nginx' workers write to it until each
# has opened the new one.
_QUIET = 20

Begin = Callable[[Path, Format | None], LogReading]  # a format is passed on from the file before


class Follower:
    """Reads what is new under a name. Each step is quick; wait a little between them."""

    def __init__(self, path: Path, begin: Begin) -> None:
        self._path = path
        self._begin = begin
        self._current = begin(path, None)
        self._rotated: list[tuple[LogReading, int]] = []  # with the steps that each has been quiet
        self._done = Counts()

    @property
    def counts(self) -> Counts:
        """Return what was in all that was read, of however many files."""
        total = Counts()
        for counts in (
            self._done,
            self._current.counts,
            *(reading.counts for reading, _quiet in self._rotated),
        ):
            total.add(counts)
        return total

    def step(self) -> bool:
        """Read what has come, in whichever file; return whether there was something."""
        came = False
        if self._current.log.was_rewritten():  # what stood there unread is in the copy that was made
            self._finish(self._current)
            self._current = self._begin(self._path, self._current.format)
        elif not self._current.log.is_at(self._path):
            self._rotated.append((self._current, 0))
            self._current = self._begin(self._path, self._current.format)
        rotated, self._rotated = self._rotated, []
        for reading, quiet in rotated:
            more = reading.advance()
            came |= more
            if more or quiet < _QUIET:
                self._rotated.append((reading, 0 if more else quiet + 1))
            else:
                self._finish(reading)
        return self._current.advance() or came

    def _finish(self, reading: LogReading) -> None:
        self._done.add(reading.counts)
        reading.log.close()
