"""The fast lane: a plain GET of a pixel or a click is answered straight from its bytes.

Only what is complete and beyond doubt is taken here; everything else goes, untouched, to waitress'
parser and through the whole application. Both lanes give the same answer and the same event:
``tests/test_fastlane.py`` and ``benchmarks/fuzz_lanes.py`` hold them against each other.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from functools import cached_property, lru_cache
from socket import SO_SNDBUF, SOL_SOCKET, socket
from typing import Any, NamedTuple

from waitress.buffers import OverflowableBuffer
from waitress.channel import HTTPChannel
from waitress.task import ErrorTask
from waitress.utilities import build_http_date

from pixeltrack import urls
from pixeltrack.answers import Headers
from pixeltrack.collector import PIXEL, PIXEL_HEADERS, REDIRECT_HEADERS
from pixeltrack.parser import Parser

#: Records a hit of (campaign, link, token, agent) and returns where it leads, empty for the pixel; or
#: None, with nothing done, when it takes more than that.
Hit = Callable[[str, int, str, str], bytes | None]

log = logging.getLogger("pixeltrack.fastlane")

_REQUEST = re.compile(rb"GET " + urls.PLAIN_PATH + rb" HTTP/1\.([01])(?=\r\n)")
# A name as RFC 9110 (5.6.2) has it, but for "_", which waitress leaves out; a value of plain ASCII.
_HEADER = re.compile(rb"\r\n([!#$%&'*+.^`|~0-9A-Za-z-]+):([ -~]*)")
# What says that there is a body, or more to the request than its first line and its agent.
_OTHER_LANE = frozenset(
    (
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade"),
        *(b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"),
    )
)
_COMMON = 1_024  # bytes: longer headers are not remembered
# Malformed ones are refused where a proxy is trusted.
_FORWARDED = frozenset(
    (
        *(b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"),
        *(b"x-forwarded-port", b"x-forwarded-by"),
    )
)


class Plain(NamedTuple):
    """A plain request, taken apart. ``link`` is 0 for the pixel."""

    code: str
    link: int
    token: str
    agent: str
    version: bytes
    connection: bytes  # close, keep-alive or nothing


def parse(block: bytes, other_lane: frozenset[bytes] = _OTHER_LANE) -> Plain | None:
    """Take a request apart, from its first byte to the line end before the empty line.

    None when anything about it is not plain.
    """
    first = _REQUEST.match(block)
    if first is None:
        return None
    lines = block[first.end() :]
    said = (_said if len(lines) <= _COMMON else _said.__wrapped__)(lines, other_lane)
    if said is None:
        return None
    open_code, open_token, code, link, token, version = first.groups()
    return Plain(
        (open_code or code).decode(),
        int(link or 0),
        (open_token or token).decode(),
        said[0],
        version,
        said[1],
    )


@lru_cache(maxsize=1_024)
def _said(lines: bytes, other_lane: frozenset[bytes]) -> tuple[str, bytes] | None:
    """Return agent and connection of headers, from the line end before the first one; None as ``parse``.

    Image proxies and programs send the same headers every time, so they are remembered.
    """
    headers = {name.lower(): value for name, value in _HEADER.findall(lines)}
    # Each line is one header and no name comes twice: else they would not fill the lines, with the
    # colon and the line end of each, and the last line end.
    if len(lines) != sum(map(len, headers)) + sum(map(len, headers.values())) + 3 * len(headers) + 2:
        return None
    connection = headers.get(b"connection", b"").strip(b" ").lower()
    if connection not in (b"", b"close", b"keep-alive") or not other_lane.isdisjoint(headers):
        return None
    return headers.get(b"user-agent", b"").strip(b" ").decode(), connection


def _answer(status: str, headers: Headers, body: bytes, version: str, connection: str) -> bytes:
    """Return an answer as waitress writes it: sorted by name, with places for the date and the address."""
    lines = [*headers, ("Content-Length", str(len(body))), ("Date", "%b")]
    if connection:
        lines.append(("Connection", connection))
    head = [f"HTTP/1.{version} {status}", *(f"{name}: {value}" for name, value in sorted(lines))]
    return "\r\n".join([*head, "", ""]).encode() + body.replace(b"%", b"%%")


def _answers(status: str, headers: Headers, body: bytes) -> dict[tuple[bytes, bytes], bytes]:
    """Return the answers to each version of HTTP and each wish for the connection."""
    said = {(b"1", b""): "", (b"1", b"keep-alive"): "", (b"1", b"close"): "close"}
    said |= {(b"0", b""): "close", (b"0", b"close"): "close", (b"0", b"keep-alive"): "Keep-Alive"}
    return {
        (version, wish): _answer(status, headers, body, version.decode(), connection)
        for (version, wish), connection in said.items()
    }


_PIXELS = _answers("200 OK", PIXEL_HEADERS, PIXEL)
_REDIRECTS = _answers("302 Found", [("Location", "%b"), *REDIRECT_HEADERS], b"")


class _Refusal(ErrorTask):
    """Waitress' own answer to what is malformed or too large, counted."""

    def execute(self) -> None:
        super().execute()
        self.channel.server.application.counters.answered("", self.status)


class Channel(HTTPChannel):
    """One connection. What only the other lane needs is made when that lane needs it."""

    error_task_class = _Refusal
    parser_class = Parser
    # Everything happens on one thread, so that all connections can share them.
    requests_lock = threading.RLock()
    outbuf_lock = threading.Condition()

    def __init__(self, server: Any, sock: socket, addr: Any, adj: Any, map: Any = None) -> None:  # noqa: A002
        sock.setblocking(False)
        self.server, self.addr, self.adj, self.socket = server, addr, adj, sock
        self.creation_time = self.last_activity = time.time()
        self.requests: list[Any] = []
        self._answers: list[bytes] = []
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
        """Nothing is written, nor closed, before what the fast lane has answered is sent."""
        return not self._answers and bool(super().writable())

    def read_at_once(self) -> None:
        """Read what a new connection has already sent: most clients send their request with it."""
        try:
            data = self.socket.recv(self.adj.recv_bytes)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self.received(data)
        else:
            self.handle_close()

    def handle_close(self) -> None:
        """Close; waitress' own way would first make the buffers that most connections never need."""
        if "outbufs" in self.__dict__:
            super().handle_close()
        else:
            self.close()

    def received(self, data: bytes) -> bool:
        """Answer what is plain, and hand the rest over from the first request that is not."""
        if self._is_idle() and self.server.hit:
            data = self._take_plain(data)
            if not data:
                return True
            self._pass_on_answers()
        return bool(super().received(data))

    def _is_idle(self) -> bool:
        """Return whether a request starts here, and none waits to be answered by the other lane."""
        return self.request is None and not (self.requests or self.will_close or self.close_when_flushed)

    def send_continue(self) -> None:
        """Commit first: this flushes, and answers of this turn may be waiting before it."""
        self.server.commit()
        super().send_continue()

    def send_answers(self) -> None:
        """Send what the fast lane has answered; only after the commit."""
        if not self.connected or not self._answers:
            return
        answers = b"".join(self._answers)
        self._answers.clear()
        try:
            sent = self.send(answers)
        except OSError:  # as waitress does it: the connection is of no use any more
            self.handle_close()
            return
        if sent < len(answers) and self.connected:
            self.write_soon(answers[sent:])
        elif self.close_when_flushed:
            self.handle_close()

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
            answer = self._answer_plain(data[start : end + 2])
            if answer is None:
                break
            if not self._answers:
                self.server.answered.append(self)
            self._answers.append(answer)
            if self.close_when_flushed:
                return b""
            start = end + 4
        return data[start:] if start else data

    def _answer_plain(self, block: bytes) -> bytes | None:
        asked = parse(block, self.server.other_lane)
        if asked is None:
            return None
        try:
            where = self.server.hit(asked.code, asked.link, asked.token, asked.agent)
        except Exception:  # the other lane knows how to answer even then
            log.exception("a request could not be answered at once")
            return None
        if where is None:
            return None
        if asked.connection == b"close" or (asked.version == b"0" and not asked.connection):
            self.close_when_flushed = True
        how = (asked.version, asked.connection)
        date = self.server.date()
        return _REDIRECTS[how] % (date, where) if asked.link else _PIXELS[how] % date

    def _pass_on_answers(self) -> None:
        """Let the answers so far leave before those of the other lane."""
        for answer in self._answers:
            self.write_soon(answer)
        self._answers.clear()


class Date:
    """The Date header, written once a second."""

    def __init__(self) -> None:
        self._second = 0
        self._written = b""

    def __call__(self) -> bytes:
        second = int(time.time())
        if second != self._second:
            self._second, self._written = second, build_http_date(second).encode()
        return self._written


def other_lane(trusted_proxy: bool) -> frozenset[bytes]:
    """Return the headers whose requests the fast lane does not take."""
    return _OTHER_LANE | _FORWARDED if trusted_proxy else _OTHER_LANE
