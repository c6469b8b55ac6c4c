"""The real server over real sockets: an answer that was read stands for a hit that is on the disk."""

from __future__ import annotations

import http.client
import os
import random
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, Clock, Inject
from inbox import Copy, copies

from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.serve import Server, listen
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

FIRST, SECOND = "https://shop.example/a?x=1&y=2", "https://shop.example/b#part"
PEOPLE = [f"p{number}@x.example" for number in range(8)]
STARTED = re.compile(r"collecting on http://127\.0\.0\.1:(\d+) ")


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject(*PEOPLE))


def hits(workspace: Workspace) -> Counter[tuple[int, int]]:
    """How often each (message, link) is on the disk; link 0 is an open."""
    campaign = workspace.store.campaign("spring")
    found: Counter[tuple[int, int]] = Counter()
    for message, _, _, link, _, _, weight in workspace.store.hits(campaign.campaign_id):
        found[message, link] += weight
    return found


def key(workspace: Workspace, copy: Copy, link: int) -> tuple[int, int]:
    tracked = workspace.keyring.verify_tracking(copy.code, copy.token)
    assert tracked is not None
    return tracked.pseudonym, link


# -- in a thread ----------------------------------------------------------------------------------------


@contextmanager
def running(workspace: Workspace, settings: Settings, clock: Clock, busy_ms: int = 5_000) -> Iterator[Server]:
    store = open_store(workspace.store.path, workspace.keyring, busy_ms=busy_ms)
    app = make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join(20)
        assert not thread.is_alive()
        store.close()


@pytest.fixture
def server(workspace: Workspace, settings: Settings, clock: Clock) -> Iterator[Server]:
    with running(workspace, settings, clock) as made:
        yield made


def dial(port: int, timeout: float = 10) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout)


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def status(port: int, request: bytes) -> int:
    """Send a request as it is and return the status of its answer."""
    with dial(port) as connection:
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status


@pytest.mark.parametrize("keep", [True, False], ids=["keep-alive", "new connections"])
def test_opens_and_clicks_are_answered_and_on_the_disk(
    server: Server, workspace: Workspace, mail: list[Copy], keep: bool
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    expected: Counter[tuple[int, int]] = Counter()
    for copy in mail:
        for link, path in ((0, copy.open), (1, copy.click(1)), (2, copy.click(2))):
            connection.request("GET", path, headers={"User-Agent": CHROME})
            response = connection.getresponse()
            body = response.read()
            if link:
                assert (response.status, response.headers["Location"]) == (302, [FIRST, SECOND][link - 1])
            else:
                assert (response.status, body) == (200, PIXEL)
            assert "Server" not in response.headers
            assert (response.headers["Connection"] == "close") is False
            expected[key(workspace, copy, link)] += 1
            assert hits(workspace) == expected  # at the moment the answer is there
            if not keep:
                connection.close()
    connection.close()


def test_head_has_no_body_and_keeps_the_connection(server: Server, mail: list[Copy]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    for _ in range(3):
        connection.request("HEAD", mail[0].open)
        response = connection.getresponse()
        assert (response.status, response.headers["Content-Length"], response.read()) == (200, "43", b"")
    connection.close()


def test_a_one_click_post_unsubscribes(server: Server, workspace: Workspace, mail: list[Copy]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    connection.request("POST", mail[0].unsubscribe, b"List-Unsubscribe=One-Click", form)
    assert connection.getresponse().status == 200
    connection.close()
    assert workspace.store.opt_outs() == {workspace.keyring.subject(PEOPLE[0]): frozenset({"all"})}


def read_answers(connection: socket.socket, count: int) -> list[http.client.HTTPResponse]:
    """Read that many answers from one connection, in order."""
    stream = connection.makefile("rb")

    class Same:  # HTTPResponse wants to open its own, which would read ahead
        def makefile(self, *_: object) -> object:
            return stream

    answers = []
    for _ in range(count):
        answer = http.client.HTTPResponse(Same())  # type: ignore[arg-type]
        answer.begin()
        body = answer.fp.read(int(answer.headers["Content-Length"]))
        assert len(body) == int(answer.headers["Content-Length"])
        answers.append(answer)
    return answers


def test_pipelined_requests_are_answered_in_order(
    server: Server, workspace: Workspace, mail: list[Copy]
) -> None:
    requests = [mail[0].click(number % 2 + 1) for number in range(500)]
    with dial(server.port) as connection:
        sender = threading.Thread(target=connection.sendall, args=(b"".join(map(get, requests)),))
        sender.start()
        answers = read_answers(connection, len(requests))
        sender.join()
    assert [answer.headers["Location"] for answer in answers] == [FIRST, SECOND] * 250
    assert hits(workspace) == {key(workspace, mail[0], 1): 250, key(workspace, mail[0], 2): 250}


def test_a_client_that_has_said_all_still_gets_its_answer(
    server: Server, workspace: Workspace, mail: list[Copy]
) -> None:
    with dial(server.port) as connection:
        connection.sendall(get(mail[0].click(1)))
        connection.shutdown(socket.SHUT_WR)
        assert read_answers(connection, 1)[0].status == 302
    assert hits(workspace).total() == 1


@pytest.mark.parametrize("ends", [True, False])
def test_a_client_that_takes_its_first_answer_slowly_gets_all_of_it(
    workspace: Workspace, settings: Settings, clock: Clock, ends: bool
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    client, ours = socket.socketpair()
    connection = socket.SocketType(ours.family, ours.type, ours.proto, ours.detach())
    server._listener._keep(connection, ("127.0.0.1", 1), b"x" * 1_000_000, ends)
    client.settimeout(0.01)
    received, closed = 0, False
    for _ in range(200):
        server._turn(0)
        try:
            data = client.recv(50_000)
        except TimeoutError:
            continue
        received += len(data)
        closed = not data
        if closed:
            break
    assert (received, closed) == (1_000_000, ends)
    client.close()
    server.stop()
    server.run()


@pytest.mark.parametrize(
    "request_",
    [
        b"GET %b HTTP/1.1\r\nConnection: close\r\n\r\n",
        b"GET %b HTTP/1.0\r\n\r\n",
        b"GET %b HTTP/1.1\r\nX_Y: z\r\nConnection: close\r\n\r\n",  # not plain
    ],
)
def test_a_last_answer_comes_whole_and_then_the_end(
    server: Server, mail: list[Copy], request_: bytes
) -> None:
    for pieces in (1, 2):
        with dial(server.port) as connection:
            whole = request_ % mail[0].open.encode()
            for at in range(pieces):
                connection.sendall(whole[at * 9 : None if at + 1 == pieces else 9])
                time.sleep(0.05)
            answer = b""
            while data := connection.recv(4_096):
                answer += data
        assert answer.startswith(b"HTTP/1.")
        assert answer.endswith(PIXEL)


def test_clients_that_vanish_harm_nobody(server: Server, mail: list[Copy]) -> None:
    for number in range(100):
        connection = dial(server.port)
        connection.sendall(get(mail[0].open)[: -(number % 3) or None])
        if number % 2:
            linger = b"\1\0\0\0\0\0\0\0"
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)  # closes with a reset
        connection.close()
    assert status(server.port, get(mail[0].open)) == 200


POST = b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"


@pytest.mark.parametrize("following", ["nothing", "another", "expecting"])
def test_no_answer_leaves_before_its_hit_is_on_the_disk(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy], following: str
) -> None:
    # "expecting": to ask for the body of the second request, waitress flushes what it has.
    second = {
        "nothing": b"",
        "another": get(mail[1].open),
        "expecting": POST % mail[0].preferences.encode(),
    }[following]
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    with running(workspace, settings, clock, busy_ms=20_000) as server, dial(server.port) as connection:
        lock.execute("begin immediate")
        connection.sendall(get(mail[0].click(1)) + second)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        lock.execute("rollback")
        connection.settimeout(10)
        assert read_answers(connection, 1)[0].status == 302
        assert hits(workspace)[key(workspace, mail[0], 1)] == 1
    lock.close()


def test_a_body_that_waits_for_its_signal_gets_it(
    server: Server, workspace: Workspace, mail: list[Copy]
) -> None:
    with dial(server.port) as connection:
        connection.sendall(get(mail[0].click(1)) + POST % mail[0].preferences.encode())
        received = b""
        while b"HTTP/1.1 100 Continue\r\n\r\n" not in received:
            received += connection.recv(4096)
        assert received.startswith(b"HTTP/1.1 302")
        connection.sendall(b"action=stop")
        assert read_answers(connection, 1)[0].status == 200
    assert workspace.store.opt_outs() == {workspace.keyring.subject(PEOPLE[0]): frozenset({"tracking"})}


def test_half_open_connections_do_not_block_others(server: Server, mail: list[Copy]) -> None:
    idle = [dial(server.port) for _ in range(300)]
    for number, connection in enumerate(idle):
        connection.sendall(get(mail[0].open)[: number % 40])
    started = time.monotonic()
    for copy in mail:
        assert status(server.port, get(copy.open)) == 200
    assert time.monotonic() - started < 2
    for connection in idle:
        connection.close()


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 16_384 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 16_384 + b" HTTP/1.1\r\n\r\n", 431),
        (b"POST /u/x HTTP/1.1\r\nContent-Length: 8193\r\n\r\n", 413),
        (b"POST /u/x HTTP/1.1\r\nContent-Length: 99999999999999\r\n\r\n", 413),
        (b"POST /u/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2001\r\n" + b"a" * 0x2001, 413),
        (b"POST /u/x HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /u/x HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 8_000 + b"\r\n\r\n", 404),
        (b"POST /u/x HTTP/1.1\r\nContent-Length: 8000\r\n\r\n" + b"a" * 8_000, 404),
    ],
)
def test_what_is_too_large_or_malformed_is_refused(server: Server, request_: bytes, expected: int) -> None:
    assert status(server.port, request_) == expected


def test_what_has_arrived_when_the_server_stops_is_answered(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy]
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    with ExitStack() as open_:
        connections = [open_.enter_context(dial(server.port)) for _ in range(100)]
        for connection in connections:
            connection.sendall(get(mail[0].click(1)) * 2)
        server.stop()
        server.run()
        assert [read_answers(connection, 2)[1].status for connection in connections] == [302] * 100
    assert hits(workspace).total() == 200


def test_stopping_twice_writes_into_no_file_that_was_opened_since(
    workspace: Workspace, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    server.stop()
    server.run()
    files = [(tmp_path / f"{number}").open("wb") for number in range(50)]  # they take the free numbers
    server.stop()
    for file in files:
        file.close()
        assert Path(file.name).read_bytes() == b""


def test_a_port_in_use_is_said(
    server: Server, workspace: Workspace, settings: Settings, clock: Clock
) -> None:
    with pytest.raises(PixeltrackError, match=f"port {server.port} on 127.0.0.1 is in use"):
        listen("127.0.0.1", server.port)
    with pytest.raises(PixeltrackError, match="is no address of this machine"):
        listen("192.0.2.1", 0)


def test_ipv6_is_served_where_there_is_any(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy]
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    try:
        server = Server(app, listen("::1", 0))
    except PixeltrackError:
        pytest.skip("no IPv6 here")
    assert re.fullmatch(r"http://\[::1\]:\d+", server.url)


# -- as a program ---------------------------------------------------------------------------------------


@dataclass
class Program:
    """``pixeltrack serve`` in a process of its own."""

    folder: Path
    files: int = 4_096  # how many it may open
    options: tuple[str, ...] = ()
    process: subprocess.Popen[str] = field(init=False)
    port: int = field(init=False)

    def __post_init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", "--db", "t.db", "serve", "--port", "0", *self.options],
            cwd=self.folder,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (self.files, self.files)),
        )
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        started = STARTED.match(line)
        assert started, line
        self.port = int(started[1])

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the exit code and what was said after the start."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@pytest.fixture
def program(workspace: Workspace) -> Iterator[Program]:
    made = Program(workspace.store.path.parent)
    yield made
    if made.process.poll() is None:
        made.end(signal.SIGKILL)


class Readers:
    """Clients that ask without end until the server has gone, and note every answer that they read.

    Each has a message of its own. They differ: one connection for each hit, one for all, pipelined.
    """

    def __init__(
        self, port: int, mail: list[Copy], answered: Counter[tuple[str, int]], depth: int = 5
    ) -> None:
        self._port = port
        self._depth = depth  # of pipelining
        self._answered = answered
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._ask, args=(copy, number)) for number, copy in enumerate(mail)
        ]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _ask(self, copy: Copy, number: int) -> None:
        depth = self._depth if number % 3 == 2 else 1
        paths = [copy.open, copy.click(1), copy.click(2)]
        connection: socket.socket | None = None
        link = 0
        try:
            while True:
                connection = connection or dial(self._port)
                asked = [(link + step) % 3 for step in range(depth)]
                connection.sendall(b"".join(get(paths[each]) for each in asked))
                answers = http_answers(connection)
                for each in asked:
                    assert next(answers) == (302 if each else 200)
                    with self._lock:
                        self._answered[copy.token, each] += 1
                link = (asked[-1] + 1) % 3
                if number % 3 == 0:
                    connection.close()
                    connection = None
        except (OSError, EOFError):
            pass
        finally:
            if connection:
                connection.close()


def http_answers(connection: socket.socket) -> Iterator[int]:
    """Yield the status of each answer, once all of it is there."""
    received = b""
    while True:
        head, found, rest = received.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)Content-Length: (\d+)", head) if found else None
        if length and len(rest) >= int(length[1]):
            received = rest[int(length[1]) :]
            yield int(head[9:12])
            continue
        data = connection.recv(65_536)
        if not data:
            raise EOFError
        received += data


def missing(
    workspace: Workspace, mail: list[Copy], answered: Counter[tuple[str, int]]
) -> Counter[tuple[int, int]]:
    """The answered hits that are not on the disk."""
    by_token = {copy.token: copy for copy in mail}
    promised = Counter(
        {key(workspace, by_token[token], link): count for (token, link), count in answered.items()}
    )
    return promised - hits(workspace)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_server_has_every_answered_hit_on_the_disk(
    program: Program, workspace: Workspace, mail: list[Copy], number: int
) -> None:
    answered: Counter[tuple[str, int]] = Counter()
    readers = Readers(program.port, mail[:6], answered)
    time.sleep(0.7)
    started = time.monotonic()
    code, said = program.end(number)
    assert (code, said) == (0, "stopped; every hit is on the disk\n")
    assert time.monotonic() - started < 5
    readers.join()
    assert answered.total() > 50
    assert missing(workspace, mail, answered) == Counter()


def test_no_answered_hit_is_lost_when_the_server_is_killed_twenty_times(
    workspace: Workspace, mail: list[Copy]
) -> None:
    answered: Counter[tuple[str, int]] = Counter()
    chance = random.Random(20)
    for _ in range(20):
        program = Program(workspace.store.path.parent)
        readers = Readers(program.port, mail[:6], answered)
        time.sleep(chance.uniform(0.05, 0.6))
        program.end(signal.SIGKILL)
        readers.join()
        assert missing(workspace, mail, answered) == Counter()
    stored = hits(workspace).total()
    print(f"20 kills, {answered.total()} hits answered, {stored} on the disk, 0 answered hits lost")
    assert answered.total() > 1_000
    check = sqlite3.connect(workspace.store.path)
    assert check.execute("pragma integrity_check").fetchall() == [("ok",)]
    check.close()


def test_hits_of_a_locked_store_survive_a_kill_and_are_stored_once_by_the_next_server(
    program: Program, workspace: Workspace, mail: list[Copy]
) -> None:
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin immediate")
    for copy in mail[:5]:
        assert status(program.port, get(copy.click(1))) == 302
        assert status(program.port, get(copy.open)) == 200
    program.end(signal.SIGKILL)
    lock.close()
    assert hits(workspace) == Counter()
    for _ in range(2):
        Program(workspace.store.path.parent).end(signal.SIGTERM)
        assert hits(workspace) == {key(workspace, copy, link): 1 for copy in mail[:5] for link in (0, 1)}
    assert not list(workspace.store.path.parent.glob("*.spool-*"))


def test_hits_of_a_store_that_is_locked_to_the_end_stay_in_the_spool(
    program: Program, workspace: Workspace, mail: list[Copy]
) -> None:
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin immediate")
    assert status(program.port, get(mail[0].click(1))) == 302
    code, said = program.end(signal.SIGTERM)
    lock.close()
    assert code == 0
    assert re.search(r"on the disk; \d+ bytes of them in a spool beside t.db until serve runs again\n$", said)
    told = run(workspace.store.path.parent, "report", "--campaign", "spring", "--db", "t.db")
    assert "bytes of hits wait in a spool beside t.db and are not counted yet" in told.err
    assert len(list(workspace.store.path.parent.glob("*.spool-*"))) == 1


def test_a_store_that_is_locked_for_a_while_gets_its_hits_from_the_running_server(
    program: Program, workspace: Workspace, mail: list[Copy]
) -> None:
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin immediate")
    assert status(program.port, get(mail[0].click(1))) == 302
    lock.close()
    deadline = time.monotonic() + 10
    while not hits(workspace) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert hits(workspace) == {key(workspace, mail[0], 1): 1}


def test_a_port_in_use_ends_the_program_with_what_to_do(program: Program, workspace: Workspace) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "pixeltrack", "--db", "t.db", "serve", "--port", str(program.port)],
        cwd=workspace.store.path.parent,
        capture_output=True,
        text=True,
    )
    assert second.returncode == 1
    assert second.stderr == (
        f"Error: port {program.port} on 127.0.0.1 is in use\n"
        "Hint: another collector may be running; --port 0 takes a free port\n"
    )


def test_more_connections_than_files_are_waited_for_without_a_word(
    workspace: Workspace, mail: list[Copy]
) -> None:
    program = Program(workspace.store.path.parent, files=100)
    idle = [dial(program.port) for _ in range(150)]
    time.sleep(1)
    used = cpu_seconds(program.process.pid)
    time.sleep(1)
    assert cpu_seconds(program.process.pid) - used < 0.3  # no busy loop
    for connection in idle:
        connection.close()
    assert status(program.port, get(mail[0].open)) == 200
    code, said = program.end(signal.SIGTERM)
    assert code == 0
    assert "accept() threw" not in said


def cpu_seconds(pid: int) -> float:
    """What a process has used of the processor."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
