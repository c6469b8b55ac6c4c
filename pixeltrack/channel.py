"""One connection: waitress' channel, which makes what only the other lane needs when that lane needs it."""

from __future__ import annotations

import threading
import time
from functools import cached_property
from socket import MSG_DONTWAIT, SO_SNDBUF, SOL_SOCKET, SocketType
from typing import Any

from waitress.buffers import OverflowableBuffer
from waitress.channel import ClientDisconnected, HTTPChannel

from pixeltrack.parser import QuickParser
from pixeltrack.task import Refusal, Task


class Channel(HTTPChannel):
    """A connection that is kept, or whose request is not plain or has not arrived as a whole."""

    task_class = Task
    error_task_class = Refusal
    parser_class = QuickParser
    sending = MSG_DONTWAIT  # how answers are sent
    # Everything happens on one thread, so that all connections can share them.
    requests_lock = threading.RLock()
    outbuf_lock = threading.Condition()

    def __init__(self, server: Any, sock: SocketType, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002
        sock.setblocking(False)
        self.server, self.addr, self.adj, self.socket = server, addr, adj, sock
        self.creation_time = self.last_activity = time.time()
        self.requests: list[Any] = []
        self._answers: list[bytes] = []  # that wait for the commit, of either lane
        self._map, self._fileno = map, sock.fileno()
        self.add_channel()
        self.connected = True

    @cached_property
    def outbufs(self) -> list[OverflowableBuffer]:
        return [OverflowableBuffer(self.adj.outbuf_overflow)]

    @cached_property
    def sendbuf_len(self) -> int:
        return int(self.socket.getsockopt(SOL_SOCKET, SO_SNDBUF))

    def readable(self) -> bool:
        """Nothing more is read before an answer is sent: a client may have ended its side by then."""
        return not self._answers and bool(super().readable())

    def writable(self) -> bool:
        """Nothing is written, nor closed, before the answers are sent."""
        return not self._answers and bool(super().writable())

    def handle_close(self) -> None:
        """Close; waitress' own way would first make the buffers that most connections never need."""
        if "outbufs" in self.__dict__:
            super().handle_close()
        else:
            self.close()

    def received(self, data: bytes) -> bool:
        """Answer what is plain, and hand the rest over from the first request that is not."""
        if self._is_idle() and self.server.fast_lane:
            data = self._take_plain(data)
            if not data:
                return True
        return bool(super().received(data))

    def _is_idle(self) -> bool:
        """Return whether a request starts here, and none waits to be answered by the other lane."""
        return self.request is None and not (self.requests or self.will_close or self.close_when_flushed)

    def write_soon(self, data: bytes) -> int:
        """Take an answer, or a part of one; it leaves by ``send_answers``."""
        if not self.connected:
            raise ClientDisconnected
        self._answers.append(data)
        return len(data)

    def send_continue(self) -> None:
        """Commit first, as answers of this turn may be waiting before it."""
        self.server.commit()
        self.send_answers()
        if self.connected:
            super().send_continue()

    def send_answers(self) -> None:
        """Send what is answered; only after the commit."""
        if not self.connected:
            return
        if self._answers:
            answers = b"".join(self._answers)
            self._answers.clear()
            try:
                sent = 0 if self.total_outbufs_len else self.socket.send(answers, self.sending)
            except BlockingIOError:
                sent = 0
            except OSError:  # as waitress does it: the connection is of no use any more
                self.handle_close()
                return
            if sent < len(answers):
                self.send_later(answers[sent:])
        if self.close_when_flushed and not self.total_outbufs_len:
            self.handle_close()

    def send_later(self, data: bytes) -> None:
        """Keep what the client does not take yet."""
        super().write_soon(data)

    def _take_plain(self, data: bytes) -> bytes:
        """Answer plain requests at the start of data; return what is left of it.

        Nothing is taken when one behind expects a 100 (Continue): waitress sends it at once only where
        nothing waits to be answered before it.
        """
        start = 0
        if data.find(b"\r\n\r\n") < len(data) - 4 and b"expect:" in data.lower():
            return data
        while (
            end := data.find(b"\r\n\r\n", start)
        ) >= 0 and end + 4 - start < self.adj.max_request_header_size:
            end += 4
            request = data[start:end] if start or end < len(data) else data
            answered = self.server.fast_lane.answer(request, self.addr[0])
            if answered is None:
                break
            if not self._answers:
                self.server.answered.append(self)
            answer, self.close_when_flushed = answered
            self._answers.append(answer)
            if self.close_when_flushed:
                return b""
            start = end
        return data[start:] if start else data
