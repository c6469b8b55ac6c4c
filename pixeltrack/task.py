"""Waitress' tasks: how a request that its parser has read is answered by the application."""

from __future__ import annotations

import socket
import time
from functools import lru_cache
from typing import Any

from waitress.task import ErrorTask, WSGITask
from waitress.utilities import build_http_date

# What is sent last leaves together with the end of the connection, in one packet (Linux, tcp(7)). Not a
# refusal: its client may be sending still, and the system would then drop what has not left.
LAST = socket.MSG_DONTWAIT | getattr(socket, "MSG_MORE", 0)
_MOST_HEADS = 1_024
_http_date = lru_cache(maxsize=2)(build_http_date)
_heads: dict[tuple[object, ...], tuple[bytes, bool]] = {}


class Refusal(ErrorTask):
    """Waitress' own answer to what is malformed or too large, counted."""

    def execute(self) -> None:
        super().execute()
        self.channel.server.application.counters.answered("", self.status)


class Task(WSGITask):
    """Calls the collector, which names the length of each answer and gives it in one piece.

    So waitress' ways for answers of other applications are left out; their headers are checked and
    written by waitress, and remembered for a second, as most answers are the same.
    """

    close_on_finish: bool

    def execute(self) -> None:
        body = b"".join(self.channel.server.application(self.get_environment(), self._start_response))
        self.channel.write_soon(self.build_response_header() + body)
        self.wrote_header = True
        if self.close_on_finish:
            self.channel.sending = LAST

    def _start_response(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        self.status, self.response_headers = status, headers

    def build_response_header(self) -> bytes:
        """Return the head of the answer, and note whether the connection ends with it."""
        self.response_headers.append(("Date", _http_date(int(time.time()))))
        wish = self.request.headers.get("CONNECTION")
        known = (self.version, wish, self.status, *self.response_headers)
        found = _heads.get(known)
        if found is None:
            if any("\r" in value or "\n" in value for _, value in self.response_headers):
                raise ValueError("a header of an answer with a line end in it")  # waitress answers 500
            if len(_heads) >= _MOST_HEADS:
                _heads.clear()
            head: bytes = super().build_response_header()
            _heads[known] = found = head, self.close_on_finish
        head, self.close_on_finish = found
        return head
