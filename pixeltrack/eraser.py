"""Erasing who has asked for it on their own page, in a process of its own beside the collector.

An erasure waits for readers of the database and reads all of it: a collector answers nobody meanwhile, and
so does not do it itself. Who waits is in the database. So it does not matter which collector begins, and
whatever is ended half way is begun again: by this collector within a minute, or by the next that starts.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
from contextlib import suppress

from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.store import Store

log = logging.getLogger("pixeltrack.eraser")

_NICE = 10  # whoever answers readers goes first
_EVERY = 60.0  # seconds between two looks at who waits


class Eraser:
    """Starts ``pixeltrack forget --asked`` when somebody waits, one at a time."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._command = [
            *(sys.executable, "-P", "-m", "pixeltrack", "forget", "--asked", "--quiet"),
            *("--db", str(settings.db.absolute()), "--key", str(settings.key.absolute())),
        ]
        if settings.config is not None:
            self._command += ["--config", str(settings.config.absolute())]
        self._child: subprocess.Popen[str] | None = None
        self._due = 0.0  # monotonic seconds

    def begin(self) -> None:
        """Look at once whether somebody waits, as somebody does."""
        self._due = 0.0
        self.tend()

    def tend(self) -> None:
        """Do what is due. It takes no longer than to start a program."""
        if self._child is not None:
            code = self._child.poll()
            if code is None:
                return
            self._buried(code)
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + _EVERY
        try:
            if self._store.erasures():
                self._child = subprocess.Popen(  # noqa: S603 - ours
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    text=True,
                    errors="replace",
                    start_new_session=True,  # Ctrl-C is for the collector
                )
                with suppress(OSError):  # it may have ended
                    os.setpriority(os.PRIO_PROCESS, self._child.pid, _NICE)
        except PixeltrackError:
            pass  # those who need the database for more than that say so
        except OSError as error:
            log.error("who asked to be erased waits: %s; pixeltrack forget --asked erases them", error)

    def _buried(self, code: int) -> None:
        """Take note of how it has ended."""
        child, self._child = self._child, None
        said = child.stderr.read() if child is not None and child.stderr else ""
        if code:
            log.error("erasing is not finished, and tried again: %s", " ".join(said.split())[:500] or code)
        else:
            self._due = 0.0  # somebody may have asked since it looked last
