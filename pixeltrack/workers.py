"""Several worker processes on one listening socket, and the parent that watches over them.

Each worker is forked before there is any thread or open database, and opens its own. The parent
starts a worker again that died, passes signals on, and waits for all of them at the end. A worker
whose parent is gone stops.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from pixeltrack.errors import PixeltrackError

log = logging.getLogger("pixeltrack.workers")

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_SHORT_LIFE = 2.0  # seconds: whoever dies earlier than that is not started again at once
_GIVE_UP = 5  # short lives in a row
_TOLD = (0, -signal.SIGTERM)  # how a worker ends that was told to, the second before it heeds signals
_BESIDE = -1  # the number of the process that does other work


class Workers:
    """Runs ``work`` in that many processes until told to stop."""

    def __init__(
        self,
        count: int,
        listening: socket.socket,
        work: Callable[[int], int],
        beside: tuple[socket.socket, Callable[[], int]] | None = None,
    ) -> None:
        """work serves the socket, as the worker of a number from 0, and returns an exit code.

        It may set its signals as it likes. ``beside`` is a socket and work of another kind, done by one
        more process: when that cannot go on, the others do.
        """
        self._count = count
        self._listening = listening
        self._work = work
        self._beside = beside
        self._failures_beside = 0
        self._born: dict[int, tuple[float, int]] = {}  # since when and as what number, by process id
        self._short_lives = 0
        self._stopping = False
        self._code = 0

    def run(self) -> int:
        """Return 0 when every worker has ended well after a stop was asked for, else 1."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # they are waited for, one by one
        self._lifeline = os.pipe()
        try:
            for number in range(self._count):
                self._start(number, before)
            if self._beside:
                self._start(_BESIDE, before)
            while self._born:
                self._take(signal.sigwait(_SIGNALS), before)
        finally:
            for end in self._lifeline:
                os.close(end)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._code

    def _take(self, number: int, before: set[int | signal.Signals]) -> None:
        if number == signal.SIGCHLD:
            self._bury(before)
        elif number == signal.SIGHUP:
            self._send(signal.SIGHUP)
        elif self._stopping:  # asked twice: no more waiting
            self._send(signal.SIGKILL)
        else:
            self._stop()

    def _stop(self) -> None:
        self._stopping = True
        if self._beside:
            self._beside[0].close()
        self._listening.close()  # when the last worker has closed its own, nobody is left waiting in it
        self._send(signal.SIGTERM)

    def _send(self, number: signal.Signals) -> None:
        for pid in self._born:
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _bury(self, before: set[int | signal.Signals]) -> None:
        """Take note of the dead; start others in their places, unless they die as soon as they live."""
        for pid in list(self._born):
            dead, status = os.waitpid(pid, os.WNOHANG)
            if not dead:
                continue
            since, number = self._born.pop(pid)
            age = time.monotonic() - since
            code = os.waitstatus_to_exitcode(status)
            if self._stopping:
                self._code = self._code or int(code not in _TOLD)
                continue
            if number == _BESIDE:
                self._bury_beside(code, age, before)
                continue
            level = logging.INFO if code in _TOLD else logging.ERROR
            log.log(level, "worker %d ended with %d after %.0f s", pid, code, age)
            self._short_lives = self._short_lives + 1 if age < _SHORT_LIFE else 0
            if self._short_lives < _GIVE_UP:
                self._start(number, before, pause=0.2 if self._short_lives else 0)
            else:
                log.error("workers end as soon as they are started; giving up")
                self._code = 1
                self._stop()

    def _bury_beside(self, code: int, age: float, before: set[int | signal.Signals]) -> None:
        self._failures_beside = self._failures_beside + 1 if age < _SHORT_LIFE else 0
        if self._failures_beside < _GIVE_UP:
            log.error("the dashboard ended with %d after %.0f s; it is started again", code, age)
            self._start(_BESIDE, before, pause=0.2 if self._failures_beside else 0)
        elif self._beside:
            self._beside[0].close()  # nobody shall wait in it
            log.error("the dashboard ends as soon as it is started; hits are collected without it")

    def _start(self, number: int, before: set[int | signal.Signals], pause: float = 0) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        time.sleep(pause)
        pid = os.fork()
        if pid:
            self._born[pid] = time.monotonic(), number
            return
        code = 1
        try:
            os.close(self._lifeline[1])
            threading.Thread(target=self._stop_when_orphaned, daemon=True).start()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not the parent's way to end
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all: the parent passes it on
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            code = self._do(number)
        except PixeltrackError as error:
            log.error("%s", error)
        except BaseException:
            log.exception("a worker failed")
        finally:
            sys.stderr.flush()
            os._exit(code)  # what the parent would do at its end is not the worker's to do

    def _do(self, number: int) -> int:
        """Do the work of a number, without the socket that is another's."""
        if self._beside is None:
            return self._work(number)
        listening, work = self._beside
        if number == _BESIDE:
            self._listening.close()
            return work()
        listening.close()
        return self._work(number)

    def _stop_when_orphaned(self) -> None:
        os.read(self._lifeline[0], 1)  # returns when the last copy of the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)
