"""A listening socket that systemd passes on."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from command import clean_environment
from conftest import Inject
from inbox import copies

from pixeltrack.pixel import PIXEL
from pixeltrack.sockets import inherited

# What systemd does between fork and exec: the socket is descriptor 3, and the variables name the process.
ACTIVATE = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": sys.argv[2], "LISTEN_FDNAMES": "web"}
os.execv(sys.executable, [sys.executable, "-m", "pixeltrack", *sys.argv[3:]])
"""


def activated(passed: socket.socket, count: int, *arguments: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ACTIVATE, str(passed.fileno()), str(count), *arguments],
        pass_fds=[passed.fileno()],
        cwd=cwd,
        env=clean_environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def listening() -> socket.socket:
    made = socket.create_server(("127.0.0.1", 0), backlog=16)
    made.settimeout(10)
    return made


def get(port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()
    return body


def test_serve_takes_the_socket_that_is_passed_and_it_outlives_a_restart(
    inject: Inject, listening: socket.socket, tmp_path: Path
) -> None:
    (ann,) = copies(inject("ann@x.example"))
    port = listening.getsockname()[1]
    for _ in range(2):
        # asked before anybody serves: the connection waits in the socket
        waiting = socket.create_connection(("127.0.0.1", port), 20)
        waiting.sendall(f"GET {ann.open} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        server = activated(listening, 1, "serve", "--db", "t.db", "--port", "1", cwd=tmp_path)
        answer = b""
        while block := waiting.recv(4_096):
            answer += block
        waiting.close()
        assert answer.endswith(PIXEL)
        assert get(port, ann.open) == PIXEL
        server.send_signal(signal.SIGTERM)
        _, said = server.communicate(timeout=30)
        assert server.returncode == 0
        assert f"collecting on http://127.0.0.1:{port} " in said


@pytest.mark.parametrize("count", [0, 2])
def test_anything_but_one_socket_is_an_error(listening: socket.socket, tmp_path: Path, count: int) -> None:
    server = activated(listening, count, "serve", cwd=tmp_path)
    _, said = server.communicate(timeout=30)
    assert server.returncode == 1
    assert said.startswith(f"Error: socket activation: {count} sockets were passed\n")


def test_a_socket_that_does_not_listen_or_is_no_tcp_is_an_error(tmp_path: Path) -> None:
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(tmp_path / "s"))
    unix.listen()
    for passed in (socket.socket(), unix):
        server = activated(passed, 1, "serve", cwd=tmp_path)
        _, said = server.communicate(timeout=30)
        assert server.returncode == 1
        assert said.startswith("Error: socket activation: the socket that was passed is no listening TCP")
        passed.close()


def test_a_socket_for_another_process_is_not_ours() -> None:
    environment = {"LISTEN_PID": str(os.getpid() + 1), "LISTEN_FDS": "1"}
    assert inherited(environment) is None
    assert environment["LISTEN_FDS"] == "1"
    assert inherited({}) is None
