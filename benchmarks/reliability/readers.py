"""Clients that ask without end, and remember every answer that they have read to its last byte."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ground import Ground

_LENGTH = re.compile(rb"\r\nContent-Length: (\d+)")
_LOCATION = re.compile(rb"\r\nLocation: ([^\r]*)")
_NOT_COUNTED = re.compile(rb"\r\nX-Pixeltrack: not counted")
_TIMEOUT = 30.0
_RETRY_SECONDS = 0.01
_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36"


@dataclass
class Tally:
    """What was asked and answered, by number of the hit."""

    asked: dict[int, float] = field(default_factory=dict)  # and when, monotonic seconds
    answered: dict[int, float] = field(default_factory=dict)  # right, and acknowledged: when
    uncounted: int = 0  # right, and it says that it was not counted
    wrong: list[str] = field(default_factory=list)
    broken: int = 0  # connections that ended before their answer
    seconds: list[float] = field(default_factory=list)  # each answer took
    stamps: dict[int, int] = field(default_factory=dict)  # whatever `stamp` gave at the answer

    def p99_ms(self) -> float:
        return percentile(self.seconds, 0.99) * 1000

    def answers(self) -> str:
        """Return in words how many requests were answered as they should be; for when none is under way."""
        right = len(self.seconds) - len(self.wrong)
        share = 100 * right / max(1, len(self.asked))
        return f"{len(self.asked):,} hits asked for, {share:.4g} % answered as always"

    def lost(self, rows: Counter[int]) -> list[int]:
        """Return the acknowledged hits that are not among the rows."""
        return [number for number in list(self.answered) if number not in rows]

    def broken_promises(self, rows: Counter[int], *, answers: bool = True) -> list[str]:
        """Return what is wrong: with the rows, and (unless it was killed) with the answers."""
        found = []
        lost = len(self.lost(rows))
        doubled = sum(count > 1 for count in rows.values())
        invented = len(rows.keys() - self.asked.keys())
        if lost:
            found.append(f"{lost} acknowledged hits lost")
        if doubled:
            found.append(f"{doubled} hits counted twice")
        if invented:
            found.append(f"{invented} hits that nobody made")
        if self.wrong:
            found.append(f"{len(self.wrong)} wrong answers, the first: {self.wrong[0]}")
        if answers and self.broken:
            found.append(f"{self.broken} connections ended without their answer")
        return found


def percentile(values: list[float], share: float) -> float:
    """Return a percentile; not a number when there are no values."""
    ordered = sorted(values)
    return ordered[int(len(ordered) * share)] if ordered else float("nan")


class Readers:
    """Threads that ask for hits, each for one that nobody has asked for before.

    They differ: a connection for each hit, one for all, five requests at once. A rate is hits a second
    of all together; None is as fast as they can. After a connection breaks they go on, or with
    ``until_broken`` end. ``stamp`` is called as soon as an answer is there.
    """

    def __init__(
        self,
        ground: Ground,
        port: int,
        tally: Tally,
        *,
        count: int = 6,
        rate: float | None = None,
        until_broken: bool = False,
        stamp: Callable[[], int] | None = None,
    ) -> None:
        self._ground, self._port, self._tally, self._stamp = ground, port, tally, stamp
        self._pause = count / rate if rate else 0.0  # between two hits of one reader
        self._until_broken = until_broken
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(count)]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let them finish what they have begun."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        depth = 5 if number % 3 == 2 else 1
        keeps = number % 3 != 0
        due = time.monotonic()
        connection: socket.socket | None = None
        while not self._stop.is_set():
            try:
                if connection is None:
                    connection = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT)
                    answers = read_answers(connection)
                self._ask(connection, answers, depth)
                broke = False
            except (OSError, EOFError):
                self._tally.broken += 1
                broke = True
                if self._until_broken:
                    break
            if connection and (broke or not keeps):
                connection.close()
                connection = None
            due += self._pause * depth
            self._stop.wait(max(_RETRY_SECONDS if broke else 0.0, due - time.monotonic()))
        if connection:
            connection.close()

    def _ask(self, connection: socket.socket, answers: Iterator[tuple[bytes, bytes]], depth: int) -> None:
        tally = self._tally
        numbers = [next(self._ground.numbers) for _ in range(depth)]
        hits = [self._ground.hit(number) for number in numbers]
        started = time.monotonic()
        tally.asked.update(dict.fromkeys(numbers, started))
        connection.sendall(b"".join(request(path) for path, _ in hits))
        for number, (_, destination) in zip(numbers, hits, strict=True):
            head, body = next(answers)
            now = time.monotonic()
            if wrong := what_is_wrong(head, body, destination):
                tally.wrong.append(wrong)
            elif _NOT_COUNTED.search(head):
                tally.uncounted += 1
            else:
                if self._stamp:
                    tally.stamps[number] = self._stamp()
                tally.answered[number] = now
            tally.seconds.append(now - started)


def request(path: str, method: str = "GET") -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {_AGENT}\r\n\r\n".encode()


def read_answers(connection: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """Yield (head, body) of each answer, once all of it is there. Raises EOFError at the end."""
    received = b""
    while True:
        head, found, rest = received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if found else None
        size = int(length[1]) if length else 0
        if found and len(rest) >= size:
            yield head, rest[:size]
            received = rest[size:]
            continue
        data = connection.recv(65_536)
        if not data:
            raise EOFError
        received += data


def what_is_wrong(head: bytes, body: bytes, destination: str | None) -> str:
    """Return what is wrong with the answer to a hit; nothing when it is as promised."""
    status = head[9:12]
    if destination is None:
        right = status == b"200" and body.startswith(b"GIF89a") and len(body) == 43
    else:
        location = _LOCATION.search(head)
        right = status == b"302" and location is not None and location[1] == destination.encode()
    return "" if right else head.decode("latin-1").partition("\r\n")[0] + f" for {destination or 'an open'}"
