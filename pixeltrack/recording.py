"""From a verified request to what is recorded of it: by the mode that its token was made in.

A browser that asks not to be followed is heard on clicks. What is counted with others keeps nothing of the
request beyond the hour and a class of clients, and no salt is made for its address.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from pixeltrack import agents
from pixeltrack.classify import is_speculative
from pixeltrack.errors import PixeltrackError
from pixeltrack.headerfacts import Facts, HeaderFacts, Said, signalled
from pixeltrack.linktable import LinkTable, written
from pixeltrack.measured import kept, mode_of_hit
from pixeltrack.metrics import Counters
from pixeltrack.model import BY_HIT, SIGNAL, Event, EventKind, Flag, Mode
from pixeltrack.recorder import Recorder
from pixeltrack.sitecalls import Signal, Visitor, drawn, travelling
from pixeltrack.store import Store
from pixeltrack.tokens import Tracked

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.collector")

_REPEAT_SECONDS = 10.0  # before it is said again that the store cannot be read
_SPECULATIVE = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")

_reduce = lru_cache(maxsize=8_192)(agents.reduce)


class Recording:
    """Records the hits of one collector.

    clock returns milliseconds UTC. step (ms, of ``moments.STEPS``) is what moments are rounded down to.
    """

    def __init__(
        self,
        store: Store,
        recorder: Recorder,
        counters: Counters,
        facts: HeaderFacts,
        clock: Callable[[], int],
        step: int,
    ) -> None:
        self._store = store
        self._recorder = recorder
        self._counters = counters
        self._facts = facts
        self._clock = clock
        self._step = step
        self._say_again = 0.0  # monotonic seconds

    def request(
        self, table: LinkTable, kind: EventKind, link: int, tracked: Tracked, environ: WSGIEnvironment
    ) -> None:
        """Record a WSGI request."""
        at = self._clock()
        mode = tracked.mode
        flags, network, address = self._facts.of(environ, at, numbered=mode in BY_HIT)
        if environ["REQUEST_METHOD"] == "HEAD":
            flags |= Flag.HEAD
        for name in _SPECULATIVE:
            if name in environ and is_speculative(environ[name]):
                flags |= Flag.SPECULATIVE
        agent = environ.get("HTTP_USER_AGENT", "")
        self._record(at, table, kind, link, tracked, mode, agent, (flags, network, address))

    def plain(self, table: LinkTable, link: int, tracked: Tracked, agent: str, said: Said, peer: str) -> bool:
        """Record a plain GET that peer has sent, link 0 being the pixel; False, with nothing done, where that
        takes a look into the store.
        """
        if link and said.flags & SIGNAL:
            return False
        at = self._clock()
        kind = EventKind.CLICK if link else EventKind.OPEN
        mode = tracked.mode
        facts = self._facts.of_said(said, peer, at, numbered=mode in BY_HIT)
        self._record(at, table, kind, link, tracked, mode, agent, facts)
        return True

    def _record(
        self,
        at: int,
        table: LinkTable,
        kind: EventKind,
        link: int,
        tracked: Tracked,
        frozen: Mode,
        agent: str,
        facts: Facts,
    ) -> None:
        flags, network, address = facts
        if self._step:  # as ``moments.rounded``
            at, flags, address = at // self._step * self._step, flags | Flag.ROUNDED, 0
        if tracked.kind == "preview":
            flags |= Flag.PREVIEW
        self._counters.hit(kind, flags)
        agent = _reduce(agent[:512])
        event = Event(at, table.campaign_id, kind, link, tracked.pseudonym, agent, flags, network, address)
        if frozen == "individual" and not (link and flags & SIGNAL):
            self._recorder.add(event)
            return
        mode = mode_of_hit(frozen, kind, flags)
        if mode not in BY_HIT and frozen in BY_HIT and not flags & Flag.PREVIEW:
            mode = mode_of_hit(frozen, kind, flags, refused=self._refuses(event))
            if frozen == "individual":
                visitor = Visitor(event.campaign_id, event.message, frozen)
                self._recorder.add(travelling(Signal(drawn(), visitor), at))
        reduced = kept(event, mode)
        if reduced is not None:
            self._recorder.add(reduced)

    def _refuses(self, event: Event) -> bool:
        """Whether somebody has refused that hits of this kind are measured.

        Of all other hits the store sees that when it takes them. Of one that is counted with others, for
        its browser asks for that, it does not see whose it is.
        """
        try:
            return self._store.is_silenced(event.campaign_id, event.message, event.kind)
        except PixeltrackError as error:
            self.say("who has refused", error)
            return True

    def without_tags(self, table: LinkTable, link: int, environ: WSGIEnvironment) -> bytes | None:
        """Return where a link leads somebody whose browser asks not to be followed: without our tags.

        None where that is where all others go, or cannot be read.
        """
        if not signalled(environ):
            return None
        try:
            plain = self._store.plain_link(table.campaign_id, link)
        except PixeltrackError as error:
            self.say("a link table", error)
            return None
        return written(plain) if plain else None

    def say(self, what: str, error: PixeltrackError) -> None:
        """Log what cannot be read; not for each of the many that ask for it meanwhile."""
        if time.monotonic() >= self._say_again:
            log.error("cannot read %s: %s", what, error)
            self._say_again = time.monotonic() + _REPEAT_SECONDS
