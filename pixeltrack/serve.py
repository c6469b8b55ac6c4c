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
from collections import deque
from collections.abc import Callable
from types import FrameType

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from pixeltrack.collector import Collector
from pixeltrack.errors import PixeltrackError
from pixeltrack.fastlane import Channel, Date, Hit, other_lane

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
_HELD_BACK = 1 << 24  # bytes an answer may have before waitress sends it by itself: more than any of ours
_ACCEPT_BURST = 64
_GATHERINGS = 4  # how often a turn looks again for requests before it commits
_TURN_SECONDS = 1.0  # how long a turn waits when nothing happens
_DRAIN_SECONDS = 5.0  # how long a stopping server waits for answers to be taken


class _Queue:
    """Stands where waitress has its thread pool: it only remembers who has a request to answer."""

    def __init__(self) -> None:
        self.channels: deque[Channel] = deque()

    def add_task(self, channel: Channel) -> None:
        self.channels.append(channel)


class _Listener(TcpWSGIServer):
    channel_class = Channel
    # what the fast lane works with
    commit: Callable[[], None]
    hit: Hit | None
    date: Date
    other_lane: frozenset[bytes]
    answered: list[Channel]

    def accept_connections(self) -> None:
        """Listen; what is set here is inherited by every connection (Linux, tcp(7))."""
        super().accept_connections()
        self.set_socket_options(self.socket)
        self._kind = (int(self.socket.family), int(self.socket.type), self.socket.proto)

    def handle_accept(self) -> None:
        """Take the connections that are waiting, not one a turn, and read what they have sent."""
        for _ in range(_ACCEPT_BURST):
            if len(self._map) >= self.adj.connection_limit:
                return
            try:
                descriptor, address = self.socket._accept()  # accept() asks again for what we know
            except OSError:  # nobody waits, has gone again, or there are no more files
                return
            connection = socket.socket(*self._kind, fileno=descriptor)
            Channel(self, connection, address, self.adj, self._map).read_at_once()

    def pull_trigger(self) -> None:
        """Nothing to wake: answers are made on the loop's own thread."""


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
        self._queue = _Queue()
        self._stopping = threading.Event()
        self._closing = threading.RLock()  # a signal may come while its own thread closes
        self._closed = False
        self._map: dict[int, wasyncore.dispatcher] = {}
        adjustments = Adjustments(
            sockets=[listening],
            ident=None,
            clear_untrusted_proxy_headers=False,  # pixeltrack.peers says which are believed
            connection_limit=_connection_limit(),
            **_LIMITS,
        )
        # Set afterwards, for as options they are on their way out: nothing leaves before its commit.
        adjustments.send_bytes = adjustments.outbuf_high_watermark = _HELD_BACK
        place = listening.getsockname()
        self._listener = _Listener(
            app,
            self._map,
            _sock=listening,
            dispatcher=self._queue,
            adj=adjustments,
            sockinfo=(listening.family, listening.type, listening.proto, place),
            bind_socket=False,
        )
        self._listener.commit = app.recorder.commit
        self._listener.hit = app.hit if fast_lane else None
        self._listener.date = Date()
        self._listener.other_lane = other_lane(bool(adjustments.trusted_proxy))
        self._listener.answered = []
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
            wasyncore.close_all(self._map, ignore_all=True)
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
        before = set(self._map)
        self._app.counters.now(open_=len(self._listener.active_channels))
        channels, hits = self._queue.channels, self._listener.answered
        wasyncore.poll2(seconds, self._map)
        for _ in range(_GATHERINGS):  # what has come meanwhile shares the commit, which costs more
            arrived = len(channels) + len(hits)
            if not arrived:
                break
            wasyncore.poll2(0, self._map)
            if len(channels) + len(hits) == arrived:
                break
        served: list[Channel] = []
        while channels:
            channel = channels.popleft()
            channel.service()
            served.append(channel)
        answered, self._listener.answered = self._listener.answered, []
        self._app.recorder.commit()
        for channel in answered:
            channel.send_answers()
        for channel in served:
            if channel.connected and channel.writable():
                channel.handle_write()
        return bool(served or answered) or set(self._map) != before


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
