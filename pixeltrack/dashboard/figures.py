"""The pages as they are now, made on one thread: no request waits for judging, or for the database.

Only what somebody has looked at lately is kept up; while nobody looks, nothing is done.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from pixeltrack import report, verdicts
from pixeltrack.errors import NoSuchCampaign, PixeltrackError
from pixeltrack.figures import CampaignReport
from pixeltrack.model import Mail
from pixeltrack.store import Store

log = logging.getLogger("pixeltrack.dashboard")

_KEPT_SECONDS = 60.0  # after the last look at a page, it is no longer kept up
_MOST_PAGES = 64  # that are kept up at a time
_SHARE = 10  # at most one part in so many of a processor's time is spent counting
_AT_LEAST = 60.0  # seconds between two countings that nothing gave cause to: alarms depend on the time

_OURS = "an error of ours; the log has it"

Counted = CampaignReport | list[CampaignReport]
Render = Callable[["Figures"], bytes]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a page shows, and a ``note`` on what it lacks; ``counted`` is None where nothing could be."""

    counted: Counted | None
    mails: tuple[Mail, ...] = ()
    note: str = ""
    missing: bool = False  # there is no campaign of that name


@dataclass(slots=True)
class _Page:
    asked: float
    figures: Figures | None = None
    body: bytes = b""
    upto: int = 0  # the counting that it shows


class Keeper:
    """Keeps pages up. ``body`` is for any thread; everything else is its own thread's."""

    def __init__(self, open_: Callable[[], Store], render: Render, *, every: float = 2.0) -> None:
        self._open, self._render, self._every = open_, render, every
        self._changed = threading.Condition()
        self._pages: OrderedDict[str | None, _Page] = OrderedDict()  # by campaign; None is all of them
        self._stopping = False
        self._store: Store | None = None
        self._version: tuple[int, ...] = ()
        self._counting = 0
        self._note = ""  # what the last judging left undone
        self._next = self._until = 0.0  # when to look again, and when to count again in any case
        self._thread = threading.Thread(target=self._run, name="dashboard", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(5)

    def body(self, campaign: str | None, patience: float = 3.0) -> tuple[bytes, Figures] | None:
        """Return a page, of one campaign or of all, and what it shows; None when it takes longer to make.

        A page that is kept up is there at once; of another the figures are counted first, and waited for
        with a patience in seconds.
        """
        with self._changed:
            now = time.monotonic()
            page = self._pages.setdefault(campaign, _Page(now))
            page.asked = now
            self._pages.move_to_end(campaign)
            while len(self._pages) > _MOST_PAGES:
                self._pages.popitem(last=False)
            self._changed.notify_all()
            self._changed.wait_for(lambda: page.figures is not None, patience)
            return (page.body, page.figures) if page.figures else None

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._due())
                if self._stopping:
                    break
            self._turn()
            with self._changed:  # a page that somebody waits for is made at once, without judging anew
                pause = max(self._next - time.monotonic(), 0.05)
                self._changed.wait_for(lambda: self._stopping or self._new_one(), pause)
        if self._store:
            self._store.close()

    def _due(self) -> bool:
        """Return whether somebody looks; forget the pages that nobody looks at any more."""
        old = time.monotonic() - _KEPT_SECONDS
        for campaign in [name for name, page in self._pages.items() if page.asked < old]:
            del self._pages[campaign]
        return bool(self._pages)

    def _new_one(self) -> bool:
        return any(page.figures is None for page in self._pages.values())

    def _turn(self) -> None:
        """Look whether something has changed, and make the pages anew that do not show it yet."""
        used = time.thread_time()
        judging = time.monotonic() >= self._next
        with self._changed:
            pages = dict(self._pages)
        trouble = self._look() if judging else ""
        for campaign, page in pages.items():
            figures = page.figures
            if trouble:
                figures = _troubled(figures, trouble)
            elif page.upto != self._counting or figures is None:
                figures = self._count(campaign, figures)
            body = page.body if figures == page.figures else self._rendered(figures)
            with self._changed:
                page.figures, page.body = figures, body
                page.upto = 0 if figures.note else self._counting
                self._changed.notify_all()
        if judging:
            spent = time.thread_time() - used  # not what it waited for: a busy machine, or another writer
            self._next = time.monotonic() + max(self._every, spent * _SHARE)

    def _look(self) -> str:
        """Judge what is new, if there is something; return what hinders that altogether, or nothing."""
        try:
            if self._store is None:
                self._store = self._open()
            version = self._store.version()
            if version != self._version or self._note or time.monotonic() > self._until:
                notes: list[str] = []
                verdicts.bring_up_to_date(self._store, failed=lambda error: notes.append(error.message))
                self._note = f"New hits are not judged, and not counted yet: {notes[0]}." if notes else ""
                self._version, self._until = version, time.monotonic() + _AT_LEAST
                self._counting += 1
        except PixeltrackError as error:
            self._version = ()
            return error.message
        except Exception:  # whatever it is, the thread goes on
            log.exception("the dashboard could not judge")
            self._version = ()
            return _OURS
        return ""

    def _count(self, campaign: str | None, before: Figures | None) -> Figures:
        store = self._store
        if store is None:
            return _troubled(before, "the database is not open")
        try:
            if campaign is None:
                return Figures(report.build_all(store, judge=False), (), self._note)
            counted = report.build(store, campaign, judge=False)
            return Figures(counted, tuple(report.kept_mails(store, campaign)), self._note)
        except NoSuchCampaign:
            return Figures(None, missing=True)
        except PixeltrackError as error:
            return _troubled(before, error.message)
        except Exception:
            log.exception("the dashboard could not count")
            return _troubled(before, _OURS)

    def _rendered(self, figures: Figures) -> bytes:
        try:
            return self._render(figures)
        except PixeltrackError as error:  # of a template of the user's
            log.error("%s", error.message)
        except Exception:
            log.exception("the dashboard could not show its figures")
        return b""


def _troubled(before: Figures | None, why: str) -> Figures:
    """Return what was known before, with a note that it could not be counted again."""
    note = f"Not counted again: {why}."
    return Figures(before.counted, before.mails, note, before.missing) if before else Figures(None, note=note)
