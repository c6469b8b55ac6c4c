"""A receiver of webhooks: a real HTTP server on a free port that takes, refuses, hangs, drips or redirects."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = int | str  # a status, or what else it does


@dataclass
class Receiver:
    """What came in. ``answer`` says what a request gets, by its number from 0."""

    url: str = ""
    answer: Callable[[int], Answer] = lambda _number: 204
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    taken: list[dict[str, Any]] = field(default_factory=list)  # bodies that were answered with 2xx
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def events(self) -> list[dict[str, Any]]:
        """Events that were taken, in order."""
        return [event for body in self.taken for event in body["events"]]

    @property
    def seen(self) -> list[str]:
        """The ids of all events that came, taken or not."""
        return [event["id"] for body in self.bodies for event in json.loads(body)["events"]]


@contextmanager
def receiving(
    answer: Callable[[int], Answer] = lambda _number: 204, context: ssl.SSLContext | None = None
) -> Iterator[Receiver]:
    """Run one until the end of the block."""
    receiver = Receiver(answer=answer)
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                number = len(receiver.bodies)
                receiver.bodies.append(content)
                receiver.headers.append(dict(self.headers))
                receiver.paths.append(self.path)
                what = receiver.answer(number)
                if isinstance(what, int) and 200 <= what < 300:
                    receiver.taken.append(json.loads(content))
            self._do(what)

        def do_GET(self) -> None:  # what a followed redirect would come to
            receiver.paths.append(self.path)
            self._do(200)

        def _do(self, what: Answer) -> None:
            if what == "hang":
                receiver.over.wait(30)
            elif what == "drip":
                for sign in b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 1_000:
                    if receiver.over.wait(0.2):
                        return
                    self.wfile.write(bytes([sign]))
            elif what == "redirect":
                self.send_response(302)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
            elif what == "slow":
                time.sleep(1.5)
                self._do(200)
            elif what == "noise":
                self.wfile.write(b"SSH-2.0-OpenSSH_9.9\r\n\r\n")
            elif what == "busy":
                self.send_response(503)
                self.send_header("Retry-After", "600")
                self.end_headers()
            elif what == "hints":
                self.wfile.write(b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
            elif what == "drop":
                self.connection.shutdown(socket.SHUT_RDWR)
            elif isinstance(what, int):
                self.send_response(what)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

        def log_message(self, *_said: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_about: object) -> None:
            """Whoever hangs up early is not this test's failure."""

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    receiver.url = f"{scheme}://127.0.0.1:{server.server_port}/hook?a=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        server.shutdown()
        server.server_close()
