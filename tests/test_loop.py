"""The loop: channels are asked when something has happened to them, and only then."""

from __future__ import annotations

import select
import socket
from collections.abc import Iterator

import pytest
from waitress import wasyncore

from pixeltrack.loop import Watched


class Asked(wasyncore.dispatcher):
    """A channel that counts how often it is asked, and keeps what it reads."""

    def __init__(self, ours: socket.socket, watched: Watched) -> None:
        self.times = 0
        self.read = b""
        self.wants_to_write = False
        super().__init__(ours, watched)
        self.connected = True

    def readable(self) -> bool:
        self.times += 1
        return True

    def writable(self) -> bool:
        return self.wants_to_write

    def handle_read(self) -> None:
        self.read += self.recv(100)

    def handle_write(self) -> None:
        self.wants_to_write = False
        self.send(b"written")

    def handle_close(self) -> None:
        self.close()


@pytest.fixture(params=["epoll", "poll"])
def watched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    if request.param == "poll":  # as where there is no epoll
        monkeypatch.delattr(select, "epoll")
    made = Watched()
    yield made
    made.close()


def pair(watched: Watched) -> tuple[Asked, socket.socket]:
    ours, theirs = socket.socketpair()
    return Asked(ours, watched), theirs


def turn(watched: Watched) -> bool:
    watched.settle()
    return watched.wait(0)


def test_idle_channels_are_not_asked_again(watched: Watched) -> None:
    pairs = [pair(watched) for _ in range(100)]
    assert not turn(watched)
    before = [channel.times for channel, _ in pairs]
    for _ in range(10):
        pairs[0][1].send(b"x")
        assert turn(watched)
    assert pairs[0][0].read == b"x" * 10
    assert [channel.times for channel, _ in pairs[1:]] == before[1:]


def test_what_a_channel_waits_for_may_change(watched: Watched) -> None:
    channel, theirs = pair(watched)
    turn(watched)
    channel.wants_to_write = True
    assert not turn(watched)  # nobody has said so
    watched.touch(channel)
    assert turn(watched)
    assert theirs.recv(100) == b"written"
    assert not turn(watched)


def test_a_closed_channel_is_forgotten_also_when_its_number_is_another_s(watched: Watched) -> None:
    channel, theirs = pair(watched)
    turn(watched)
    kept = channel.socket.dup()  # as another process may have it: the system would go on watching it
    theirs.send(b"x")
    channel.close()
    assert not turn(watched)
    kept.close()
    theirs.close()
    other, theirs = pair(watched)
    assert not turn(watched)
    theirs.send(b"y")
    assert turn(watched)
    assert other.read == b"y"


def test_a_channel_whose_other_side_has_gone_closes(watched: Watched) -> None:
    channel, theirs = pair(watched)
    turn(watched)
    theirs.close()
    assert turn(watched)
    assert not channel.connected
    assert not watched
