"""Several processes on one port, and keys, pages and links read again while they run."""

from __future__ import annotations

import base64
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from conftest import Inject
from inbox import Copy, copies
from test_serve import FIRST, PEOPLE, Program, Readers, dial, get, missing, read_answers, status

from pixeltrack import keyfile
from pixeltrack.setup import Workspace


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject(*PEOPLE))


@pytest.fixture
def program(workspace: Workspace) -> Iterator[Program]:
    made = Program(workspace.store.path.parent, options=("--workers", "2"))
    wait_for(lambda: len(workers(made)) == 2)
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGTERM)


def workers(program: Program) -> list[int]:
    pid = program.process.pid
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def refused(port: int) -> bool:
    try:
        dial(port, 1).close()
    except OSError:
        return True
    return False


def test_workers_share_the_port_and_lose_nothing_when_stopped(
    program: Program, workspace: Workspace, mail: list[Copy]
) -> None:
    answered: Counter[tuple[str, int]] = Counter()
    readers = Readers(program.port, mail[:6], answered)
    time.sleep(0.7)
    code, said = program.end(signal.SIGTERM)  # a busy machine may have had to use the spool
    assert (code, said.splitlines()[-1][:33]) == (0, "stopped; every hit is on the disk")
    readers.join()
    assert answered.total() > 50
    assert missing(workspace, mail, answered) == Counter()


def test_a_worker_that_dies_loses_nothing_and_is_started_again(
    program: Program, workspace: Workspace, mail: list[Copy]
) -> None:
    answered: Counter[tuple[str, int]] = Counter()
    asking = []
    for _turn in range(2):
        enough = answered.total() + 12
        asking.append(Readers(program.port, mail[:6], answered))  # whose connection breaks asks no more
        wait_for(lambda enough=enough: answered.total() > enough)  # type: ignore[misc]
        before = workers(program)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda before=before: len(set(workers(program)) - set(before)) == 2)  # type: ignore[misc]
        assert status(program.port, get(mail[0].open)) == 200
    code, said = program.end(signal.SIGTERM)
    for readers in asking:
        readers.join()
    assert answered.total() > 20
    assert missing(workspace, mail, answered) == Counter()
    assert code == 0
    assert said.count("ended with -9") == 4


def test_a_stop_that_reaches_all_processes_is_one_stop(program: Program, mail: list[Copy]) -> None:
    with dial(program.port) as connection:
        connection.sendall(get(mail[0].click(1)))
        assert read_answers(connection, 1)[0].status == 302
    for pid in workers(program):
        os.kill(pid, signal.SIGINT)  # as Ctrl-C does
        os.kill(pid, signal.SIGTERM)  # as systemd does
    assert program.end(signal.SIGINT) == (0, "stopped; every hit is on the disk\n")


def test_workers_stop_when_their_parent_is_killed(program: Program, mail: list[Copy]) -> None:
    assert status(program.port, get(mail[0].open)) == 200
    program.end(signal.SIGKILL)
    wait_for(lambda: refused(program.port))


def test_workers_that_cannot_live_are_not_started_for_ever() -> None:
    script = (
        "import socket; from pixeltrack.workers import Workers\n"
        "raise SystemExit(Workers(2, socket.socket(), lambda: 3).run())"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 1
    assert "giving up" in ended.stderr


def test_a_worker_that_is_told_to_stop_as_it_starts_is_no_failure() -> None:
    script = (
        "import os, signal, socket; from pixeltrack.workers import Workers\n"
        "raise SystemExit(Workers(1, socket.socket(), lambda _n: os.kill(os.getpid(), signal.SIGTERM)).run())"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30)
    assert "ended with -15" not in ended.stderr


def test_two_writers_of_one_database_wait_for_each_other_fairly(
    workspace: Workspace, mail: list[Copy]
) -> None:
    script = (
        "import sys, time; from pathlib import Path\n"
        "from pixeltrack import keyfile; from pixeltrack.store import open_store\n"
        "from pixeltrack.model import Event, EventKind\n"
        "folder = Path(sys.argv[1])\n"
        "store = open_store(folder / 't.db', keyfile.load(folder / 'pixeltrack.key'), busy_ms=5_000, replay_limit=10**9)\n"
        "print(flush=True); sys.stdin.readline()\n"  # both begin together
        "end, turns = time.monotonic() + 1.5, 0\n"
        "while time.monotonic() < end:\n"
        "    store.put_events([Event(1, 1, EventKind.OPEN, 0, each, 'a', 0) for each in range(50)])\n"
        "    turns += 1\n"
        "print(turns)"
    )
    command = [sys.executable, "-c", script, str(workspace.store.path.parent)]
    writers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.readline()
    for writer in writers:
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    turns = [int(writer.communicate(timeout=60)[0]) for writer in writers]
    assert min(turns) > max(turns) / 5  # with SQLite's own waiting, one of two has starved all the time


@pytest.mark.parametrize("count", ["1", "2"])
def test_sighup_reads_keys_pages_and_links_again_and_drops_no_connection(
    workspace: Workspace, inject: Inject, mail: list[Copy], count: str, tmp_path: Path
) -> None:
    pages = tmp_path / "pages"
    pages.mkdir()
    program = Program(workspace.store.path.parent, options=("--workers", count, "--templates", str(pages)))
    key = workspace.store.path.parent / "pixeltrack.key"
    rotated = keyfile.load(key)
    fresh = base64.b64encode(random.Random(1).randbytes(32)).decode()
    code = mail[0].code
    with dial(program.port) as connection:

        def ask(path: str) -> tuple[int, str | None, bytes]:
            connection.sendall(get(path))
            answer = read_answers(connection, 1)[0]
            return answer.status, answer.headers["Location"], b""

        assert ask(mail[0].click(1))[:2] == (302, FIRST)
        whole = key.read_text()
        key.write_text(whole + "nonsense\n")
        program.process.send_signal(signal.SIGHUP)
        time.sleep(0.5)
        assert ask(mail[0].click(1))[:2] == (302, FIRST)  # the broken file changed nothing
        key.write_text(f"{whole}2 {fresh}\n")
        rotated = keyfile.load(key)
        token = rotated.campaign(code).message_token(bytes(8))
        assert rotated.active == 2
        assert ask(f"/c/{code}/1/{token}")[0] == 404
        (pages / "missing.html").write_text("<h1>Gone fishing</h1>")
        program.process.send_signal(signal.SIGHUP)
        wait_for(lambda: ask(f"/c/{code}/1/{token}")[0] == 302)  # on the very connection
        assert ask(mail[0].click(1))[:2] == (302, FIRST)
    with socket.create_connection(("127.0.0.1", program.port)) as other:
        other.sendall(b"GET /nothing HTTP/1.0\r\n\r\n")
        received = b""
        while data := other.recv(4_096):
            received += data
        assert b"Gone fishing" in received
    code_, said = program.end(signal.SIGTERM)
    assert code_ == 0
    assert "the keys stay as they were" in said
