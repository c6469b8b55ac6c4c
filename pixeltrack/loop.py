"""The event loop of waitress' channels: the system says which of them has something.

Waitress' own loop asks every channel in every turn whether it wants to read or write. Here each is asked
when something has happened to it, so two thousand idle connections cost the others nothing.
"""

from __future__ import annotations

import select
from typing import Any

from waitress import wasyncore

_READ, _WRITE, _BROKEN = (
    select.POLLIN,
    select.POLLOUT,
    select.POLLERR | select.POLLHUP,
)  # epoll's are the same
_ALONE = getattr(select, "EPOLLEXCLUSIVE", 0)  # of several workers, one is told of a new connection


class Watched(dict[int, Any]):
    """Waitress' map of channels by descriptor, and what the system is asked to watch of them.

    Waitress puts a channel in when it is made, and takes it out before it is closed. One that comes and
    goes within a turn is never watched.
    """

    def __init__(self) -> None:
        super().__init__()
        self._system: Any = select.epoll() if hasattr(select, "epoll") else select.poll()
        self._second = 1 if hasattr(select, "epoll") else 1_000  # in the unit that its poll() takes
        self._asked: dict[int, int] = {}  # what is watched, by descriptor
        self._touched: list[Any] = []

    def __setitem__(self, descriptor: int, channel: Any) -> None:
        super().__setitem__(descriptor, channel)
        self._touched.append(channel)

    def __delitem__(self, descriptor: int) -> None:
        super().__delitem__(descriptor)
        if self._asked.pop(descriptor, 0):
            self._system.unregister(descriptor)  # closing it may not be enough: another process may have it

    def close(self) -> None:
        """Close every channel, and watch nothing any more."""
        wasyncore.close_all(self, ignore_all=True)
        if hasattr(self._system, "close"):  # an epoll
            self._system.close()

    def touch(self, channel: Any) -> None:
        """Ask a channel again what it waits for, when the turn ends."""
        self._touched.append(channel)

    def wait(self, seconds: float) -> bool:
        """Wait for something to happen and let the channels handle it; return False when nothing did."""
        happened = False
        for descriptor, events in self._system.poll(seconds * self._second):
            channel = self.get(descriptor)
            if channel is None:  # another one has closed it meanwhile
                continue
            wanted = _wanted(channel)  # within a turn it may be less than what is watched
            if wanted and (events := events & (wanted | _BROKEN)):
                happened = True
                self._touched.append(channel)
                wasyncore.readwrite(channel, events)
        return happened

    def settle(self) -> None:
        """Watch each channel to which something has happened for what it waits for now."""
        touched, self._touched = self._touched, []
        for channel in touched:
            descriptor: int = channel._fileno
            if descriptor not in self or self[descriptor] is not channel:
                continue
            wanted, asked = _wanted(channel), self._asked.get(descriptor, 0)
            if not wanted:  # for the moment; and not whether it is broken, which would be said all the time
                self._touched.append(channel)
            if wanted == asked:
                continue
            if not wanted:
                del self._asked[descriptor]
                self._system.unregister(descriptor)
                continue
            if asked:
                self._system.modify(descriptor, wanted)
            else:
                self._system.register(descriptor, wanted | (_ALONE if channel.accepting else 0))
            self._asked[descriptor] = wanted


def _wanted(channel: Any) -> int:
    reads = _READ if channel.readable() else 0
    return reads | _WRITE if not channel.accepting and channel.writable() else reads
