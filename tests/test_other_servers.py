"""The collector under other WSGI servers: real ones, many threads, killed under load."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec

import pytest
from conftest import Inject
from inbox import Copy, copies
from test_serve import PEOPLE, Readers, dial, get, hits, missing, status

from pixeltrack.model import Event, EventKind
from pixeltrack.pool import GroupRecorder
from pixeltrack.setup import Workspace
from pixeltrack.spool import Spool
from pixeltrack.store import open_store

SERVERS = {
    "gunicorn": "gunicorn --bind 127.0.0.1:{port} --worker-class gthread --workers 2 --threads 16 pixeltrack.wsgi:app",
    "granian": "granian --interface wsgi --host 127.0.0.1 --port {port} --workers 1 --blocking-threads 16"
    " --http 1 pixeltrack.wsgi:app",
}


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject(*PEOPLE))


class Running:
    """Another server in a session of its own, so that all its processes can be killed together."""

    def __init__(self, name: str, workspace: Workspace) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        folder = workspace.store.path.parent
        self.process = subprocess.Popen(
            [sys.executable, "-m", *SERVERS[name].format(port=self.port).split()],
            cwd=folder,
            env={**os.environ, "PIXELTRACK_DB": str(workspace.store.path)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(OSError):
                dial(self.port, 1).close()
                return
            time.sleep(0.1)
        raise AssertionError(f"{name} has not started")

    def end(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        self.process.wait(30)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, workspace: Workspace) -> Iterator[Running]:
    if find_spec(request.param) is None:
        pytest.skip(f"no {request.param} here")
    made = Running(request.param, workspace)
    yield made
    made.end(signal.SIGKILL)


def test_nothing_that_another_server_has_answered_is_lost_when_it_is_killed(
    server: Running, workspace: Workspace, mail: list[Copy]
) -> None:
    answered: Counter[tuple[str, int]] = Counter()
    readers = Readers(server.port, mail, answered, depth=1)
    time.sleep(1.5)
    server.end(signal.SIGKILL)
    readers.join()
    assert answered.total() > 20
    assert missing(workspace, mail, answered) == Counter()


def test_another_server_gives_the_same_answers(
    server: Running, workspace: Workspace, mail: list[Copy]
) -> None:
    assert status(server.port, get(mail[0].open)) == 200
    assert status(server.port, get(mail[0].click(2))) == 302
    assert status(server.port, get("/nothing")) == 404
    assert hits(workspace).total() == 2


def test_threads_that_wait_share_a_commit(workspace: Workspace) -> None:
    store = open_store(workspace.store.path, workspace.keyring)
    recorder = GroupRecorder(store, Spool(store.path))
    commits: list[str] = []
    store._connection.set_trace_callback(lambda text: commits.append(text) if text == "commit" else None)
    seen: list[bool] = []
    readers = [open_store(workspace.store.path, workspace.keyring) for _ in range(16)]

    def add(place: int) -> None:
        for each in range(20):
            message = place * 100 + each
            recorder.add(Event(1, 1, EventKind.OPEN, 0, message, "a", 0))
            recorder.commit()
            query = "select 1 from events where message = ?"
            seen.append(readers[place]._connection.execute(query, [message]).fetchone() is not None)

    threads = [threading.Thread(target=add, args=(place,)) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 320  # durable when commit returned
    assert len(commits) < 240
    assert recorder.state()["recorded"] == 320
    for each in (*readers, store):
        each.close()
