"""Hits from web servers' logs: the same events that the collector would have recorded, each once.

A log is known by how it begins, whatever its name, and how far it has been read is stored in the very
transaction that stores its hits. So a log may be read again, while it grows, renamed, copied, packed
or from standard input: only what is new in it counts. A log that is cut off and written anew begins
otherwise, and is another one.
"""

from __future__ import annotations

from collections.abc import Callable

from pixeltrack import accesslog
from pixeltrack.accesslog import Format
from pixeltrack.errors import InputError, StoreError
from pixeltrack.logclients import LogClients
from pixeltrack.logfile import HEAD, LogFile
from pixeltrack.loghits import Counts, LogHits
from pixeltrack.memory import no_collection
from pixeltrack.model import LogPosition
from pixeltrack.moments import rounded
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

_FIRST_LINES = 1_000  # of a log, by which its format is told
_BATCH = 4_000  # hits a transaction: a collector beside us waits no longer than it can
_BLOCKS = 128  # of lines without any hit, before the position is stored all the same

_NEW = LogPosition(0, 0, 0, b"", 0)


class LogReading:
    """One log on its way into the store."""

    def __init__(
        self,
        log: LogFile,
        store: Store,
        keyring: Keyring,
        clients: LogClients,
        format_: Format | None = None,
        *,
        trusted: bool = False,
        step: int = 0,
    ) -> None:
        """Without a format it is told from the first lines; a trusted one is not held against them.

        step (ms) is what moments are rounded to, 0 for exact ones.
        """
        self._step = step
        self.log = log
        self.counts = Counts()
        self.format = format_
        self._trusted = trusted
        self._store = store
        self._keyring = keyring
        self._clients = clients
        self._position: LogPosition | None = None
        self._hits: LogHits | None = None

    def advance(self, progress: Callable[[int], None] | None = None) -> bool:
        """Read what there is and store it; return whether there was something.

        progress is told how many bytes of the file have been read. Raises InputError when no line is
        of the format, StoreError when the log cannot be the one that was read before.
        """
        with no_collection():
            return self._advance(progress)

    def _advance(self, progress: Callable[[int], None] | None) -> bool:
        self._clients.tend()
        if self._position is None and self.log.head:
            self._position = self._find()
        blocks = 0
        while lines := self.log.next_lines():
            blocks += 1
            self._clients.tend()
            self._hits = self._hits or self._begin(lines)
            self._hits.read(lines)
            if len(self._hits.events) >= _BATCH or blocks % _BLOCKS == 0:
                self._commit()
            if progress:
                progress(self.log.disk_position)
        self._commit()
        self.counts.unfinished = int(self.log.unfinished)
        return blocks > 0

    # -- where it stands ----------------------------------------------------------------------------

    def _heads(self) -> dict[int, bytes]:
        """Return the keyed hash of each beginning by which this log may be known."""
        head = self.log.head
        return {length: self._keyring.log_fingerprint(head[:length]) for length in self.log.heads()}

    def _find(self) -> LogPosition:
        """Go to where this log was read to, and return that place."""
        position = self._store.log_position(self._heads())
        if position is None:
            return _NEW
        passed = self.log.skip_to(position.reached)
        if self.log.reached < position.reached:  # an older copy: all of it has been read
            self.counts.already_read = passed
            return position
        if self._keyring.log_fingerprint(self.log.tail()) != position.tail:
            raise StoreError(
                f"{self.log.name} begins like a log that was read before, and then differs from it",
                hint="it was edited, or put together anew; what is new in it cannot be told",
            )
        self.counts.already_read = position.lines
        return position

    def _commit(self) -> None:
        if self._hits is None or self._position is None or not self._hits.counts.lines:
            return
        events, signals, counts = self._hits.events, [*self._hits.signals.values()], self._hits.counts
        head_length = min(self.log.reached, HEAD)
        after = LogPosition(
            self._position.log_id,
            head_length,
            self.log.reached,
            self._keyring.log_fingerprint(self.log.tail()),
            self._position.lines + counts.lines,
        )
        if self._step:
            events, signals = rounded(events, self._step), rounded(signals, self._step)
        self._position, stored = self._store.put_log_events(
            [*events, *signals], self._position, after, self._heads()
        )
        counts.silenced = len(events) - stored
        self.counts.add(counts)
        self._hits.forget()

    # -- what it says -------------------------------------------------------------------------------

    def _begin(self, block: bytes) -> LogHits:
        """Return what takes the lines, with the header's fields known where the log has one."""
        whole = self.log.head.decode("latin-1").split("\n")[:-1]
        lines = block.decode("latin-1").replace("\0", "").split("\n", _FIRST_LINES)[:-1]
        first = [line for line in (whole or lines[:1]) + lines if line]
        if self.format is None:
            self.format = accesslog.detect(first)
        elif not self._trusted and first and not accesslog.fits(first, self.format):
            looks = accesslog.detect(first)
            raise InputError(
                f"no line of {self.log.name} reads as {self.format}",
                hint=f"it looks like {looks}: --format {looks}" if looks else _FORMATS,
            )
        if self.format is None:
            raise InputError(f"{self.log.name} is no log in a format that pixeltrack knows", hint=_FORMATS)
        reader = accesslog.reader(self.format)
        for line in whole:
            if line.startswith("#"):
                reader.line(line)
        return LogHits(reader, self._store, self._keyring, self._clients)


_FORMATS = "it reads combined, json, caddy and cloudfront; the common log format has no user agent"
