"""The bundled server: waitress' event loop on one thread, one commit for each turn of the loop.

The requests that arrived in a turn are answered inline, their hits are committed together, and only
then do the answers leave. So an answer that a reader has seen stands for a hit that is on the disk,
and many hits share the cost of one fsync.
"""

from __future__ import annotations

import errno
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable
from types import FrameType

from pixeltrack.collector import Collector
from pixeltrack.errors import PixeltrackError
from pixeltrack.listener import Listener
from pixeltrack.loop import Watched

# Limits against slow and large requests (security rule S16): waitress' defaults would let a hundred
# half-open connections shut everybody out.
_LIMITS = {
    "channel_timeout": 15,
    "cleanup_interval": 5,
    "max_request_header_size": 16_384,
    "max_request_body_size": 8_192,
    "backlog": 1_024,
}
_CONNECTIONS = 2_000
_OTHER_FILES = 40  # that may be open beside the connections: database, listener, pages
_GATHERINGS = 4  # how often a turn looks again for requests before it commits
# A commit costs as much processor time as ten hits: after a turn with many, the next waits for company.
_COMPANY = 8  # answers
_PAUSE = 0.0005  # seconds
_TURN_SECONDS = 1.0  # how long a turn waits when nothing happens
_DRAIN_SECONDS = 5.0  # how long a stopping server waits for answers to be taken


class Server:
    """A listening collector. ``run`` blocks until ``stop`` is called, from a signal or a thread."""

    def __init__(
        self,
        app: Collector,
        listening: socket.socket,
        *,
        reload: Callable[[], None] | None = None,
        fast_lane: bool = True,
    ) -> None:
        """Take over a socket made by ``listen``.

        reload is called between two turns when SIGHUP has come. Without fast_lane waitress' parser
        reads every request.
        """
        self._app = app
        self._reload = reload
        self._reloading = threading.Event()
        self._stopping = threading.Event()
        self._closing = threading.RLock()  # a signal may come while its own thread closes
        self._closed = False
        self._watched = Watched()
        self._company = False
        limits = _LIMITS | {"connection_limit": _connection_limit()}
        self._listener = Listener(app, self._watched, listening, limits, fast_lane)
        place = listening.getsockname()
        self.host: str = place[0]
        self.port: int = place[1]

    @property
    def url(self) -> str:
        return url_of(self.host, self.port)

    def run(self) -> None:
        """Serve until stopped; then finish what has begun, and leave every hit on the disk.

        Raises PixeltrackError when neither the store nor the spool would take the last ones.
        """
        more = False
        while not self._stopping.is_set():
            self._turn(0 if more else _TURN_SECONDS)
            if self._reloading.is_set() and self._reload:
                self._reloading.clear()
                self._reload()
            self._app.tend()
            more = self._app.load_ahead()
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._turn(0) and time.monotonic() < deadline:
            pass  # what has arrived by now is read and answered
        self._listener.accepting = False
        self._listener.del_channel()
        self._listener.socket.close()
        while time.monotonic() < deadline and any(
            channel.request or channel.requests or channel.total_outbufs_len
            for channel in self._listener.active_channels.values()
        ):
            self._turn(0.05)
        with self._closing:
            self._closed = True
            self._watched.close()
        recorder = self._app.recorder
        recorder.commit()
        while recorder.waiting and time.monotonic() < deadline:
            time.sleep(0.05)
            recorder.commit()
        recorder.flush()
        recorder.close()
        if recorder.waiting:
            raise PixeltrackError(
                f"stopped, but {recorder.waiting} hits could not be stored", hint="the lines above say why"
            )

    def stop(self) -> None:
        """Ask the server to finish; may be called from a signal handler or another thread."""
        self._stopping.set()
        self._wake()

    def _wake(self) -> None:
        with self._closing:
            if not self._closed:  # else the trigger's number may be another file's by now
                self._listener.trigger.pull_trigger()

    def heed_signals(self, *, alone: bool = True) -> None:
        """Stop on SIGTERM, reload on SIGHUP; alone: stop on SIGINT too, and at once on a second one.

        With others, the parent does that: it gets what they get, and passes on what is for all.
        """
        numbers = (signal.SIGTERM, signal.SIGINT) if alone else (signal.SIGTERM,)

        def end(_number: int, _frame: FrameType | None) -> None:
            for number in numbers if alone else ():
                signal.signal(number, signal.SIG_DFL)
            self.stop()

        def renew(_number: int, _frame: FrameType | None) -> None:
            self._reloading.set()
            self._wake()

        for number in numbers:
            signal.signal(number, end)
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup sets it
            signal.signal(signal.SIGHUP, renew)

    def _turn(self, seconds: float) -> bool:
        """Wait for something to happen, and answer it; return False when nothing did."""
        watched, listener = self._watched, self._listener
        self._app.counters.now(open_=listener.connections)
        watched.touch(listener)  # it closes idle connections, and stops listening when there are too many
        watched.settle()
        happened = watched.wait(seconds)
        if self._company and listener.waiting:
            time.sleep(_PAUSE)
        for _ in range(_GATHERINGS):  # what has come meanwhile shares the commit, which costs more
            arrived = listener.waiting
            if not arrived or not watched.wait(0) or listener.waiting == arrived:
                break
        self._company = listener.waiting >= _COMPANY
        listener.serve()
        return happened


def _connection_limit() -> int:
    """Return how many connections fit into the files that this process may open.

    That number is raised first, as far as the system lets us. Beyond it accept fails at once, again
    and again, and the loop would do nothing else.
    """
    wanted = _CONNECTIONS + _OTHER_FILES
    files, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY != files < wanted:
        files = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))
        return files - _OTHER_FILES
    return _CONNECTIONS


def url_of(host: str, port: int) -> str:
    """Return the URL of a server at an address of this machine."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address of this machine; port 0 takes a free one.

    Raises PixeltrackError when that is not possible.
    """
    try:
        family, kind, protocol, _name, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise _cannot_listen(host, port, error) from None
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(place)
    except OSError as error:
        bound.close()
        raise _cannot_listen(host, port, error) from None
    return bound


def _cannot_listen(host: str, port: int, error: OSError | UnicodeError) -> PixeltrackError:
    if isinstance(error, UnicodeError | socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return PixeltrackError(f"{host!r} is no address of this machine", hint="try --host 127.0.0.1")
    if error.errno == errno.EADDRINUSE:
        return PixeltrackError(
            f"port {port} on {host} is in use",
            hint="another collector may be running; --port 0 takes a free port",
        )
    return PixeltrackError(
        f"cannot listen on {host} port {port}: {error.strerror}",
        hint="ports under 1024 need more rights; a proxy in front can have them",
    )
