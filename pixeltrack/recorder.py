"""Recording hits: in the store, else in the spool, else in memory; and saying which."""

from __future__ import annotations

import logging
import time

from pixeltrack.errors import PixeltrackError
from pixeltrack.metrics import Counters
from pixeltrack.model import Event, Rows
from pixeltrack.spool import Spool
from pixeltrack.store import Store

log = logging.getLogger("pixeltrack.recorder")

_MAX_WAITING = 100_000  # hits kept in memory when not even the spool can be written
_REPEAT_SECONDS = 10.0  # before it is said again that hits are lost
_PAUSE_SECONDS = 0.25  # before a store that failed is asked again: asking can cost the busy time


class Recorder:
    """Takes hits one by one and makes them durable together. Not for several threads at a time."""

    def __init__(self, store: Store, spool: Spool, counters: Counters | None = None) -> None:
        self._store = store
        self._spool = spool
        self._counters = counters or Counters()
        self._waiting: list[Event] = []
        self._doubted = 0  # how many of them, from the first, the store may have already, in these rows
        self._rows: Rows | None = None
        self._recorded = 0
        self._lost = 0
        self._failing = False
        self._said = ""  # why the store fails, as it was last logged
        self._say_again = 0.0  # monotonic seconds
        self._homeless = False  # not even the spool can be written
        self._ask_again = 0.0  # monotonic seconds

    @property
    def waiting(self) -> int:
        """How many hits are not on the disk."""
        return len(self._waiting)

    @property
    def unstored(self) -> bool:
        """True while hits wait in the spool or in memory."""
        return bool(self._waiting or self._spool.size)

    def add(self, event: Event) -> None:
        """Take a hit; it is durable after the next ``commit``."""
        self._waiting.append(event)

    def commit(self) -> None:
        """Put every hit on the disk: in one transaction of the store, or else in the spool.

        What was spooled before is taken up by and by. Never raises: whatever fails, the readers'
        answers do not wait for it; what cannot even be spooled stays in memory and is tried again.
        """
        if not self.unstored or (self._failing and not self._waiting and self._pausing()):
            return
        if self._pausing() or not self._store_all():
            self._spool_all()
        self._counters.now(waiting=len(self._waiting), spool=self._spool.size)

    def flush(self) -> None:
        """Take up the whole spool, as far as the store allows."""
        while self.unstored and self._store_all():
            pass
        self._counters.now(waiting=len(self._waiting), spool=self._spool.size)

    def state(self) -> dict[str, object]:
        """Return where the hits are, for ``/healthz``: counts of hits, and bytes of the spool.

        "degraded": the store fails, and every hit is safe in the spool. "unsafe": hits are in memory
        only, or are being lost.
        """
        return {
            "status": "unsafe" if self._homeless else "degraded" if self._failing else "ok",
            "recorded": self._recorded,
            "spool_bytes": self._spool.size,
            "waiting": len(self._waiting),
            "lost": self._lost,
        }

    def close(self) -> None:
        self._spool.close()

    def _pausing(self) -> bool:
        return time.monotonic() < self._ask_again

    def _store_all(self) -> bool:
        try:
            if self._waiting:
                self._store_waiting()
            taken_up = self._spool.take_up(self._store)
            self._recorded += taken_up
            self._counters.taken_up(taken_up)
            self._counters.folded(self._store.folds())
        except PixeltrackError as error:
            if not self._failing or self._said != error.message:
                hint = f" ({error.hint})" if error.hint else ""
                log.error("%s; hits go to the spool until it works again%s", error, hint)
            self._failing, self._said = True, error.message
            self._ask_again = time.monotonic() + _PAUSE_SECONDS
            return False
        if self._failing:
            lost = f"; {self._lost} hits were lost" if self._lost else ""
            log.error("the store works again%s", lost)
        self._failing = self._homeless = False
        return True

    def _store_waiting(self) -> None:
        hits = len(self._waiting)
        if self._rows:
            self._leave_out_stored(self._rows)
        began = time.perf_counter()
        try:
            self._store.put_events(self._waiting)
        except PixeltrackError:
            if self._store.doubt:
                self._rows, self._doubted = self._store.doubt, len(self._waiting)
            raise
        self._counters.stored(hits, time.perf_counter() - began)
        log.info("stored %d hits", hits)
        self._recorded += hits
        self._waiting_no_more()

    def _leave_out_stored(self, rows: Rows) -> None:
        """Drop what a commit has stored although it failed."""
        doubted = self._waiting[: self._doubted]
        missing = [event for event in doubted if not self._store.has_event(event, rows)]
        self._waiting[: self._doubted] = missing
        self._doubted = len(missing)

    def _waiting_no_more(self) -> None:
        self._waiting.clear()
        self._doubted, self._rows = 0, None

    def _spool_all(self) -> None:
        if not self._waiting:
            return
        try:
            self._spool.append(self._waiting, self._doubted, self._rows)
            self._counters.spooled(len(self._waiting))
            self._waiting_no_more()
            if self._homeless:
                log.error("the spool can be written again")
            self._homeless = False
        except PixeltrackError as error:
            over = max(0, len(self._waiting) - _MAX_WAITING)
            del self._waiting[:over]
            self._doubted = max(0, self._doubted - over)
            self._lost += over
            self._counters.lost(over)
            if not self._homeless or (over and time.monotonic() >= self._say_again):
                log.error("%s; %d hits wait in memory, %d lost", error, len(self._waiting), self._lost)
                self._say_again = time.monotonic() + _REPEAT_SECONDS
            self._homeless = True
