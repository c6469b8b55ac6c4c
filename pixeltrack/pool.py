"""Recording from many threads at once: those that wait share one commit."""

from __future__ import annotations

import threading

from pixeltrack.metrics import Counters
from pixeltrack.model import Event
from pixeltrack.recorder import Recorder
from pixeltrack.spool import Spool
from pixeltrack.store import Store


class GroupRecorder(Recorder):
    """A recorder for several threads. ``commit`` returns when the hits that its caller added are durable.

    Whoever comes first commits for all who have added until then; the others find it done. The store
    is this recorder's own, so that requests are read and answered while it commits.
    """

    def __init__(self, store: Store, spool: Spool, counters: Counters | None = None) -> None:
        super().__init__(store, spool, counters)
        self._adding = threading.Lock()
        self._committing = threading.Lock()
        self._arrived: list[Event] = []
        self._added = 0
        self._committed = 0

    def add(self, event: Event) -> None:
        with self._adding:
            self._arrived.append(event)
            self._added += 1

    def commit(self) -> None:
        mine = self._added  # at least
        with self._committing:
            if mine <= self._committed and not self.unstored:
                return
            with self._adding:
                arrived, self._arrived = self._arrived, []
                added = self._added
            for event in arrived:
                super().add(event)
            super().commit()
            self._committed = added
