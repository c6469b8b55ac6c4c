"""Who may look: the token, the sessions that it opens, and how often somebody may try (security rule S23)."""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path

from pixeltrack.dashboard import token
from pixeltrack.errors import PixeltrackError

log = logging.getLogger("pixeltrack.dashboard")

SESSION_SECONDS = 12 * 3600.0
_MOST_SESSIONS = 200
_LOOK_SECONDS = 1.0  # how long the files are believed to be as they were

Clock = Callable[[], float]


class Access:
    """Knows the token and the sessions. For several threads.

    Sessions are in memory alone. All of them end when the token or a key changes on the disk, and nobody
    gets in while the token's file cannot be used.
    """

    def __init__(self, token_file: Path, key_file: Path, clock: Clock = time.monotonic) -> None:
        """Raises KeyFileError for a token file that cannot be used."""
        self._files = token_file, key_file
        self._clock = clock
        self._lock = threading.RLock()
        self._sessions: OrderedDict[bytes, float] = OrderedDict()  # until when, by the hash of the id
        self._secret = secrets.token_bytes(32)  # of the marks in forms
        self._believed_until = 0.0
        self._token: bytes | None = _hash(token.read(token_file))
        self._seen = self._states()
        self._key = _content(key_file)

    def is_token(self, given: str) -> bool:
        """Return whether something is the token; how much of it is right does not show in the time."""
        with self._lock:
            self._look()
            return self._token is not None and hmac.compare_digest(_hash(given), self._token)

    def open(self) -> str:
        """Return the id of a new session: 256 random bits."""
        made = secrets.token_urlsafe(32)
        with self._lock:
            self._sessions[_hash(made)] = self._clock() + SESSION_SECONDS
            if len(self._sessions) > _MOST_SESSIONS:
                self._sessions.popitem(last=False)
        return made

    def holds(self, session: str) -> bool:
        """Return whether an id is that of a session that has not ended."""
        with self._lock:
            self._look()
            until = self._sessions.get(_hash(session))
            return until is not None and self._clock() < until

    def close(self, session: str) -> None:
        with self._lock:
            self._sessions.pop(_hash(session), None)

    def mark(self, cookie: str) -> str:
        """Return what a form must send along with a cookie, which no other site can know."""
        return hmac.digest(self._secret, cookie.encode("utf-8", "replace"), "sha256").hex()

    def is_mark(self, given: str, cookie: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.mark(cookie).encode())

    def _look(self) -> None:
        """End all sessions if the token or the key is another than before."""
        if self._clock() < self._believed_until:
            return
        self._believed_until = self._clock() + _LOOK_SECONDS
        states = self._states()
        if states == self._seen:
            return
        self._seen = states
        before = self._token, self._key
        try:
            self._token = _hash(token.read(self._files[0]))
        except PixeltrackError as error:
            self._token = None
            log.error("nobody can log in to the dashboard: %s", error.message)
        self._key = _content(self._files[1])
        if (self._token, self._key) != before:
            self._sessions.clear()
            log.warning("the token or a key has changed: all sessions of the dashboard are ended")

    def _states(self) -> list[tuple[int, ...]]:
        return [_state(path) for path in self._files]


class Throttle:
    """Lets each client fail some times in a row, and then once in a while."""

    FAILURES = 5
    SECONDS = 10.0  # for one more
    _MOST = 4_096  # clients that are remembered

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until: OrderedDict[str, float] = OrderedDict()  # when all failures of a client are forgotten

    def wait(self, client: str) -> int:
        """Return for how many seconds a client may not try, 0 when it may."""
        with self._lock:
            owed = self._until.get(_neighbourhood(client), 0.0) - self._clock()
        over = owed - (self.FAILURES - 1) * self.SECONDS
        return int(over) + 1 if over > 0 else 0

    def failed(self, client: str) -> None:
        place, now = _neighbourhood(client), self._clock()
        with self._lock:
            self._until[place] = max(self._until.pop(place, now), now) + self.SECONDS
            if len(self._until) > self._MOST:
                self._until.popitem(last=False)


def _neighbourhood(client: str) -> str:
    """Return a client's address, of IPv6 its /64: whoever has one has all of it."""
    try:
        address = ip_address(client)
    except ValueError:
        return ""
    return str(ip_network((address, 64), strict=False)) if isinstance(address, IPv6Address) else client


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def _state(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_mode


def _content(path: Path) -> bytes:
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""
