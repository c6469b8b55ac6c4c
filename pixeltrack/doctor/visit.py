"""Asking one host over the network: no redirect is followed, and the whole visit has a time limit."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Timer
from typing import NamedTuple
from urllib.parse import urlsplit

_BODY_LIMIT = 65_536
_STEP_SECONDS = 10.0


class Answer(NamedTuple):
    """``headers`` have lower-case names; ``seconds`` is from dialling to the last byte."""

    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


class Unreachable(Exception):
    """The host could not be asked; says why in words."""


class Visit:
    """A visit to the collector at a base URL. Use it as a context manager."""

    def __init__(self, base: str, seconds: float, plain_port: int | None = None) -> None:
        """plain_port is where http is expected, if it is not the usual one."""
        parts = urlsplit(base)
        self.host = parts.hostname or ""
        self.secure = parts.scheme == "https"
        self.port = parts.port or (443 if self.secure else 80)
        self.plain_port = plain_port or (80 if parts.port is None else None)  # else who knows where
        self.trusted = ssl.create_default_context()
        self._deadline = time.monotonic() + seconds
        self._context = self.trusted
        self._open: socket.socket | None = None
        self._timer = Timer(seconds, self._give_up)
        self._timer.daemon = True

    def __enter__(self) -> Visit:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def distrust(self) -> None:
        """Go on although the certificate is no good: what else is wrong is worth knowing too."""
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE

    def dial(self, context: ssl.SSLContext | None, port: int) -> socket.socket:
        """Return a connection. Raises OSError."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the time is up")
        self._open = socket.create_connection((self.host, port), min(_STEP_SECONDS, left))
        if context:
            with self._open as unsafe:  # closed if this fails, and otherwise it is no longer its own
                self._open = context.wrap_socket(unsafe, server_hostname=self.host)
        return self._open

    def get(self, path: str, headers: Mapping[str, str] | None = None, port: int | None = None) -> Answer:
        """Ask for a path; with port without encryption, there. Raises Unreachable."""
        context = None if port or not self.secure else self._context
        port = port or self.port
        given = {"User-Agent": "pixeltrack-doctor", "Connection": "close", **(headers or {})}
        started = time.monotonic()
        try:
            with self.dial(context, port) as connection:
                name = f"[{self.host}]" if ":" in self.host else self.host
                asked = http.client.HTTPConnection(name, port)
                asked.sock = connection
                asked.putrequest("GET", path, skip_host="Host" in given, skip_accept_encoding=True)
                for key, value in (
                    {"User-Agent": "pixeltrack-doctor", "Connection": "close"} | given
                ).items():
                    asked.putheader(key, value)
                asked.endheaders()
                response = asked.getresponse()
                body = response.read(_BODY_LIMIT)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(reason(error)) from None
        found = {key.lower(): value for key, value in response.headers.items()}
        return Answer(response.status, found, body, time.monotonic() - started)

    def _give_up(self) -> None:
        """End what is going on: a host that drips bytes would keep us for ever."""
        if self._open:
            with suppress(OSError):  # it has ended by itself
                self._open.shutdown(socket.SHUT_RDWR)


def reason(error: Exception) -> str:
    """Return in words why a host could not be asked."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not good: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"no encrypted connection: {error.reason or error}"
    if isinstance(error, socket.gaierror):
        return "there is no such name in the DNS"
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"no answer that is HTTP ({type(error).__name__})"
