"""The listening socket: connections are accepted in bursts, and what they have sent is answered at once.

Most hits come as one connection with one plain request in one piece. Of those nothing is made but the
socket: no channel, nothing to watch.
"""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable
from socket import MSG_DONTWAIT, SocketType
from typing import Any

from waitress.adjustments import Adjustments
from waitress.server import TcpWSGIServer

from pixeltrack.channel import Channel
from pixeltrack.collector import Collector
from pixeltrack.fastlane import FastLane
from pixeltrack.loop import Watched
from pixeltrack.task import LAST

_ACCEPT_BURST = 64
_DEFER_SECONDS = 1


class _Queue:
    """Stands where waitress has its thread pool: it only remembers who has a request to answer."""

    def __init__(self) -> None:
        self.channels: deque[Channel] = deque()

    def add_task(self, channel: Channel) -> None:
        self.channels.append(channel)


class Listener(TcpWSGIServer):
    """Takes connections and gathers the answers of a turn; ``send`` lets them go, after the commit."""

    channel_class: type[Channel] = Channel

    def __init__(
        self,
        app: Collector,
        watched: Watched,
        listening: socket.socket,
        limits: dict[str, Any],
        fast_lane: bool,
    ) -> None:
        adjustments = Adjustments(
            sockets=[listening],
            ident=None,
            clear_untrusted_proxy_headers=False,  # pixeltrack.peers says which are believed
            **limits,
        )
        self.commit: Callable[[], None] = app.recorder.commit
        self.fast_lane = (
            FastLane(app.hit, trusted_proxy=bool(adjustments.trusted_proxy)) if fast_lane else None
        )
        self.answered: list[Channel] = []  # by the fast lane, in this turn
        # the same, of connections without a channel
        self._new: list[tuple[SocketType, Any, bytes, bool]] = []
        self._queue = _Queue()
        super().__init__(
            app,
            watched,
            _sock=listening,
            dispatcher=self._queue,
            adj=adjustments,
            sockinfo=(listening.family, listening.type, listening.proto, listening.getsockname()),
            bind_socket=False,
        )

    def accept_connections(self) -> None:
        """Listen; what is set here is inherited by every connection (Linux, tcp(7)).

        Where the system can, a connection waits there until its request has arrived: one that says
        nothing for a second comes without.
        """
        super().accept_connections()
        self.set_socket_options(self.socket)
        if hasattr(socket, "TCP_DEFER_ACCEPT"):
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, _DEFER_SECONDS)
        self._kind = (int(self.socket.family), int(self.socket.type), self.socket.proto)

    @property
    def waiting(self) -> int:
        """How many connections have something to be answered, or an answer to be sent."""
        return len(self._new) + len(self.answered) + len(self._queue.channels)

    @property
    def connections(self) -> int:
        return len(self.active_channels) + len(self._new)

    def maintenance(self, now: float) -> None:
        super().maintenance(now)
        for channel in self.active_channels.values():
            if channel.will_close:
                self._map.touch(channel)

    def handle_accept(self) -> None:
        """Take the connections that are waiting, not one a turn."""
        accept, kind = self.socket._accept, self._kind  # accept() asks again for what we know
        room = self.adj.connection_limit - len(self._map) - len(self._new)
        for _ in range(min(room, _ACCEPT_BURST)):
            try:
                descriptor, address = accept()
            except OSError:  # nobody waits, has gone again, or there are no more files
                return
            self.welcome(SocketType(*kind, descriptor), address)

    def welcome(self, connection: SocketType, address: Any) -> None:
        """Read what a new connection has already sent: most clients send their request with it."""
        try:
            data = connection.recv(self.adj.recv_bytes, MSG_DONTWAIT)
        except BlockingIOError:
            self.channel_class(self, connection, address, self.adj, self._map)
            return
        except OSError:
            data = b""
        if not data:
            connection.close()
            return
        lane = self.fast_lane
        if lane and data.endswith(b"\r\n\r\n") and (answered := lane.answer(data, address[0])):
            self._new.append((connection, address, *answered))
        else:
            self.channel_class(self, connection, address, self.adj, self._map).received(data)

    def serve(self) -> None:
        """Let waitress answer what the fast lane has left to it, then commit and send."""
        served: list[Channel] = []
        channels = self._queue.channels
        while channels:
            channel = channels.popleft()
            channel.service()
            served.append(channel)
        self.commit()
        new, self._new = self._new, []
        for connection, address, answer, ends in new:
            try:
                sent = connection.send(answer, LAST if ends else MSG_DONTWAIT)
            except BlockingIOError:
                sent = 0
            except OSError:  # it has gone
                connection.close()
                continue
            if ends and sent == len(answer):
                connection.close()
            else:
                self._keep(connection, address, answer[sent:], ends)
        answered, self.answered = self.answered, []
        for channel in (*answered, *served):
            channel.send_answers()

    def _keep(self, connection: SocketType, address: Any, unsent: bytes, ends: bool) -> None:
        """Make a channel of a connection that goes on, or whose client does not take its answer."""
        channel = self.channel_class(self, connection, address, self.adj, self._map)
        channel.close_when_flushed = ends
        if unsent:
            channel.send_later(unsent)

    def pull_trigger(self) -> None:
        """Nothing to wake: answers are made on the loop's own thread."""
