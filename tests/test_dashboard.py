"""The dashboard over real sockets: who gets in, what may be asked, and that the figures are those of now."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from command import clean_environment, run
from conftest import CHROME, Client, Inject
from inbox import Copy, copies

from pixeltrack.dashboard import token
from pixeltrack.dashboard.access import Access, Throttle
from pixeltrack.dashboard.figures import Figures, Keeper
from pixeltrack.dashboard.place import place_of, read_listen
from pixeltrack.errors import InputError, KeyFileError
from pixeltrack.figures import CampaignReport
from pixeltrack.setup import Workspace
from pixeltrack.store import Store, open_store

MARK = re.compile(rb'name="mark" value="([0-9a-f]{64})"')


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    def cookies(self) -> dict[str, str]:
        set_ = [line.partition(";")[0].partition("=") for line in self.headers.get_all("Set-Cookie", [])]
        return {name: value for name, _, value in set_}


@dataclass
class Serving:
    """``pixeltrack serve --dashboard`` as a program."""

    process: subprocess.Popen[bytes]
    log: Path
    port: int
    collector: int
    folder: Path
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def token(self) -> str:
        return (self.folder / "pixeltrack.token").read_text().strip()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def ask(
        self,
        path: str,
        method: str = "GET",
        form: dict[str, str] | None = None,
        port: int = 0,
        **headers: str,
    ) -> Answer:
        """Ask as a browser would, with the cookies that were set; headers are by name with _ for -."""
        sent = {
            "Host": self.host,
            "User-Agent": CHROME,
            "Accept-Language": "en",
            "Accept": "text/html",
            "Sec-Fetch-Mode": "navigate",
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if form is not None:
            sent |= {
                "Origin": f"http://{self.host}",
                "Sec-Fetch-Site": "same-origin",
                "Content-Type": "application/x-www-form-urlencoded",
            }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        body = None if form is None else urlencode(form)
        connection = http.client.HTTPConnection("127.0.0.1", port or self.port, timeout=20)
        connection.request(method, path, body, {name: value for name, value in sent.items() if value})
        got = connection.getresponse()
        answer = Answer(got.status, got.headers, got.read())
        connection.close()
        for name, value in answer.cookies().items():
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return answer

    def mark(self, path: str = "/login") -> str:
        found = MARK.search(self.ask(path).body)
        assert found
        return found[1].decode()

    def log_in(self, token: str | None = None, **headers: str) -> Answer:
        form = {"mark": self.mark(), "token": self.token if token is None else token}
        return self.ask("/login", "POST", form, **headers)

    def bearer(self, path: str, token: str | None = None, **headers: str) -> Answer:
        return self.ask(path, Authorization=f"Bearer {token or self.token}", **headers)

    def end(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        assert self.process.wait(30) == 0
        return self.log.read_text("utf-8")


def started(folder: Path, *options: str, port: str = "127.0.0.1:0") -> Serving:
    log = folder / "serve.log"
    argv = ["--db", "t.db", "serve", "--port", "0", "--dashboard", port, *options]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", *argv], cwd=folder, stderr=file, env=clean_environment()
        )
    said = ""

    def ready() -> bool:
        nonlocal said
        said = log.read_text("utf-8")
        assert process.poll() is None, said
        return "dashboard on" in said

    wait_for(ready)
    collector = re.search(r"collecting on http://127\.0\.0\.1:(\d+) ", said)
    dashboard = re.search(r"dashboard on https?://[^/: ]+(?::(\d+))?  \(", said)
    assert collector
    assert dashboard
    return Serving(process, log, int(dashboard[1] or 0), int(collector[1]), folder)


def wait_for(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example"))


@pytest.fixture
def serving(workspace: Workspace, mail: list[Copy]) -> Iterator[Serving]:
    made = started(workspace.store.path.parent)
    yield made
    if made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)


def figure(answer: Answer, path: str) -> str:
    found = re.search(rf'<data value="([^"]*)" data-figure="{re.escape(path)}"'.encode(), answer.body)
    assert found, path
    return found[1].decode()


# -- looking --------------------------------------------------------------------------------------------


def test_a_hit_at_the_collector_is_on_the_page_soon_and_an_idle_page_costs_nothing(
    serving: Serving, mail: list[Copy]
) -> None:
    assert serving.log_in().status == 303
    page = serving.ask("/campaign?name=spring")
    assert (page.status, figure(page, "clicks.unique")) == (200, "0")
    same = serving.ask("/campaign?name=spring", If_None_Match=page.headers["ETag"])
    assert (same.status, same.body) == (304, b"")
    clicked = serving.ask(mail[0].click(1), port=serving.collector)
    assert clicked.status == 302
    wait_for(lambda: serving.ask("/campaign?name=spring", If_None_Match=page.headers["ETag"]).status == 200)
    assert figure(serving.ask("/campaign?name=spring"), "clicks.unique") == "1"
    assert figure(serving.ask("/"), "0.clicks.unique") == "1"


def test_the_token_in_a_header_opens_the_same_pages(serving: Serving) -> None:
    assert serving.bearer("/").status == 200
    assert serving.bearer("/campaign?name=spring").status == 200
    assert serving.cookies == {}
    wrong = serving.bearer("/", "x" * 43)
    assert (wrong.status, wrong.headers["WWW-Authenticate"]) == (401, "Bearer")


def test_nobody_is_named_on_a_page(serving: Serving, mail: list[Copy]) -> None:
    serving.ask(mail[0].open, port=serving.collector)
    for path in ("/", "/campaign?name=spring"):
        body = serving.bearer(path).body
        for copy in mail:
            assert copy.address.encode() not in body
            assert copy.token.encode() not in body


def test_a_campaign_that_is_not_there(serving: Serving) -> None:
    for name in ("sprng", "", "%00", "../x", "%3Cscript%3E", "x" * 3000):
        answer = serving.bearer(f"/campaign?name={name}")
        assert answer.status == 404
        assert b"<script>" not in answer.body


def test_any_name_has_its_page(workspace: Workspace, inject: Inject) -> None:
    names = ["../up", "a&b=c#d", "ünï code", '"><b>', "/"]
    made = []
    for name in names:
        try:
            inject("ann@x.example", campaign=name)
        except InputError:
            continue  # not every name can be one
        made.append(name)
    serving = started(workspace.store.path.parent)
    try:
        overview = serving.bearer("/").body.decode()
        links = re.findall(r'<a href="(/campaign\?name=[^"]+)"', overview)
        assert len(links) == len(made)
        for link in links:
            assert serving.bearer(link).status == 200
    finally:
        serving.end()


def test_a_template_that_fails_is_said_and_the_others_are_shown(
    workspace: Workspace, mail: list[Copy]
) -> None:
    folder = workspace.store.path.parent
    (folder / "look").mkdir()
    (folder / "look" / "report.html").write_text("{{ report.nothing }}")
    serving = started(folder, "--templates", "look")
    try:
        answer = serving.bearer("/campaign?name=spring")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
        assert b"the log says why" in answer.body
        assert serving.bearer("/").status == 200
        assert "has no attribute" in serving.log.read_text()
    finally:
        serving.end()


@pytest.mark.parametrize("lock", ["begin immediate", "begin exclusive"])
def test_a_locked_database_delays_no_page_and_is_said_on_it(
    serving: Serving, mail: list[Copy], workspace: Workspace, lock: str
) -> None:
    serving.bearer("/campaign?name=spring")
    with closing(sqlite3.connect(workspace.store.path, isolation_level=None)) as other:
        serving.ask(mail[0].click(1), port=serving.collector)
        other.execute(lock)
        begun = time.monotonic()
        page = serving.bearer("/campaign?name=spring")
        assert time.monotonic() - begun < 1
        assert page.status == 200
        wait_for(lambda: b"New hits are not judged" in serving.bearer("/campaign?name=spring").body)
        other.execute("rollback")
    wait_for(lambda: figure(serving.bearer("/campaign?name=spring"), "clicks.unique") == "1")
    assert b"New hits are not judged" not in serving.bearer("/campaign?name=spring").body


def test_a_database_that_is_gone_is_said_and_the_page_comes_back(
    serving: Serving, workspace: Workspace, client: Client
) -> None:
    assert serving.bearer("/").status == 200
    workspace.store.close()
    client.app.recorder.close()
    path = workspace.store.path
    path.rename(path.with_name("away"))
    wait_for(lambda: b"is gone" in serving.bearer("/").body)
    assert serving.bearer("/").status == 200, "what was counted stays"
    assert serving.bearer("/campaign?name=spring").status == 503
    path.with_name("away").rename(path)
    wait_for(lambda: b"is gone" not in serving.bearer("/").body)
    wait_for(lambda: serving.bearer("/campaign?name=spring").status == 200)


def test_the_dashboard_is_one_process_beside_the_workers_and_is_started_again(
    workspace: Workspace, mail: list[Copy]
) -> None:
    serving = started(workspace.store.path.parent, "--workers", "2")
    pid = serving.process.pid

    def children() -> list[int]:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def listeners(child: int) -> set[int]:
        return {port for port in (serving.port, serving.collector) if port in _listens(child)}

    wait_for(lambda: len(children()) == 3)
    assert serving.bearer("/").status == 200
    (dashboard,) = [child for child in children() if serving.port in listeners(child)]
    assert listeners(dashboard) == {serving.port}, "it does not hold the collector's socket"
    time.sleep(2.1)  # whoever dies sooner than that is not started again at once
    os.kill(dashboard, signal.SIGKILL)
    wait_for(lambda: len(children()) == 3 and dashboard not in children())
    assert serving.ask(mail[0].open, port=serving.collector).status == 200
    wait_for(lambda: serving.bearer("/").status == 200)
    said = serving.end(signal.SIGINT)
    assert "the dashboard ended with -9" in said
    assert "every hit is on the disk" in said


def _listens(pid: int) -> set[int]:
    """The TCP ports of the listening sockets that a process holds."""
    inodes = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found = re.match(r"socket:\[(\d+)\]", str(each.readlink()))
        except OSError:
            continue
        if found:
            inodes.add(found[1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == "0A" and row[9] in inodes}


def test_a_dashboard_that_cannot_start_does_not_stop_the_collector(
    workspace: Workspace, mail: list[Copy]
) -> None:
    folder = workspace.store.path.parent
    serving = started(folder)
    assert serving.bearer("/").status == 200
    (folder / "pixeltrack.token").chmod(0o644)
    pid = serving.process.pid
    wait_for(lambda: serving.bearer("/").status == 401)
    assert "nobody can log in to the dashboard" in serving.log.read_text()
    children = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    (dashboard,) = [child for child in children if serving.port in _listens(child)]
    os.kill(dashboard, signal.SIGKILL)
    wait_for(lambda: b"hits are collected without it" in serving.log.read_bytes())
    with pytest.raises(ConnectionRefusedError):
        serving.bearer("/")
    assert serving.ask(mail[0].open, port=serving.collector).status == 200
    assert "every hit is on the disk" in serving.end()


# -- where it is ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--dashboard", "0.0.0.0:0"), "anybody on the way could read the dashboard's token"),
        (("--dashboard", "nowhere"), "give a host and a port, such as 127.0.0.1:8081"),
        (("--dashboard", "127.0.0.1:65536"), "give a host and a port"),
        (("--dashboard", ":8081"), "give a host and a port"),
        (
            ("--dashboard", "0", "--dashboard-url", "http://stats.example"),
            "would go over the network in clear",
        ),
        (
            ("--dashboard", "0", "--dashboard-url", "https://stats.example/x"),
            "give the address without a path",
        ),
        (("--dashboard", "0", "--dashboard-url", "ftp://stats.example"), "give the address without a path"),
        (("--dashboard", "0", "--dashboard-url", "https://[x"), "give the address without a path"),
        (("--dashboard", "0", "--dashboard-token", "nowhere/token"), "cannot write the dashboard's token"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, argv: tuple[str, ...], said: str
) -> None:
    told = run(tmp_path, "serve", "--port", "0", *argv)
    assert told.code in (1, 2)
    assert said in told.err
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = run(tmp_path, "serve", "--port", "0", "--dashboard", f"127.0.0.1:{port}")
    assert told.code == 1
    assert f"the dashboard: port {port} on 127.0.0.1 is in use" in told.err


def test_it_has_a_host_name_of_its_own() -> None:
    with pytest.raises(InputError, match=r"as the links in your mail are"):
        place_of("127.0.0.1", 8081, "https://track.example.com:8443", "https://Track.example.com")
    place_of("127.0.0.1", 8081, "https://stats.example.com", "https://track.example.com")


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("https://Stats.example.com", {"stats.example.com"}),
        ("https://stats.example.com:443/", {"stats.example.com"}),
        ("https://stats.example.com:8443", {"stats.example.com:8443"}),
        ("http://localhost:9000", {"localhost:9000"}),
        ("http://[::1]:9000", {"[::1]:9000"}),
    ],
)
def test_only_the_address_that_is_given_is_its_own(url: str, hosts: set[str]) -> None:
    found = place_of("0.0.0.0", 8081, url, "https://track.example.com")
    assert found.hosts == hosts
    scheme = url.partition(":")[0]
    assert found.origins == {f"{scheme}://{host}" for host in hosts}
    assert found.secure == (scheme == "https")


def test_where_to_listen() -> None:
    assert read_listen("8081") == ("127.0.0.1", 8081)
    assert read_listen("[::1]:0") == ("::1", 0)
    assert read_listen("localhost:80") == ("localhost", 80)


# -- token and sessions ---------------------------------------------------------------------------------


def test_a_token_file_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert token.make(path)
    made = token.read(path)
    assert len(made) == 43
    assert path.stat().st_mode & 0o777 == 0o600
    assert not token.make(path)
    assert token.read(path) == made


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("x" * 43, 0o640, "can be read by others"),
        ("short", 0o600, "holds no token"),
        ("", 0o600, "holds no token"),
        ("x" * 20 + " " + "x" * 20, 0o600, "holds no token"),
        ("é" * 30, 0o600, "holds no token"),
    ],
)
def test_a_token_that_protects_nothing_is_refused(tmp_path: Path, text: str, mode: int, said: str) -> None:
    path = tmp_path / "token"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    with pytest.raises(KeyFileError, match=said):
        token.read(path)


def test_sessions_end_by_time_by_number_and_with_the_token(tmp_path: Path) -> None:
    now = [0.0]
    files = tmp_path / "token", tmp_path / "key"
    token.make(files[0])
    files[1].write_text("1 key")
    access = Access(*files, lambda: now[0])
    first = access.open()
    assert access.holds(first)
    assert not access.holds(first + "x")
    now[0] = 12 * 3600 + 1
    assert not access.holds(first)
    second = access.open()
    for _ in range(200):
        access.open()
    assert not access.holds(second), "the oldest makes room"
    third = access.open()
    files[1].write_text("1 key\n2 another")
    now[0] += 2
    assert not access.holds(third), "a key was rotated"
    fourth, given = access.open(), token.read(files[0])
    files[0].unlink()
    now[0] += 2
    assert not access.holds(fourth), "the token is gone"
    assert not access.is_token(given)
    token.make(files[0])
    now[0] += 2
    assert not access.is_token(given)
    assert access.is_token(token.read(files[0]))


def test_failures_are_counted_by_neighbourhood_and_forgotten_in_time() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(5):
        assert throttle.wait("2001:db8::1") == 0
        throttle.failed("2001:db8::1")
    assert 1 <= throttle.wait("2001:db8::2") <= 11
    assert throttle.wait("2001:db8:0:1::1") == 0
    assert throttle.wait("192.0.2.1") == 0
    now[0] += 11
    assert throttle.wait("2001:db8::1") == 0
    for number in range(10_000):
        throttle.failed(f"192.0.{number // 256}.{number % 256}")
    assert len(throttle._until) <= 4_096


# -- keeping up -----------------------------------------------------------------------------------------


def test_requests_neither_count_nor_wait_for_counting(
    workspace: Workspace, client: Client, mail: list[Copy]
) -> None:
    """However many ask while hits come in, figures are counted once in a while."""
    made: list[str | int] = []

    def render(figures: Figures) -> bytes:
        assert isinstance(figures.counted, CampaignReport)
        made.append(figures.counted.clicks.total)
        return b"a page"

    def opened() -> Store:
        return open_store(workspace.store.path, workspace.keyring)

    keeper = Keeper(opened, render, every=0.4)
    keeper.start()
    try:
        assert keeper.body("spring")
        asked, begun, slowest = 0, time.monotonic(), 0.0
        while time.monotonic() - begun < 2:
            client.get(mail[asked % 2].click(1))
            before = time.monotonic()
            assert keeper.body("spring")
            slowest = max(slowest, time.monotonic() - before)
            asked += 1
            time.sleep(0.01)
    finally:
        keeper.stop()
    assert asked > 50
    assert 2 <= len(made) <= 7
    assert made == sorted(made)
    assert slowest < 0.2


def test_a_page_that_takes_long_is_not_waited_for_for_ever(workspace: Workspace, mail: list[Copy]) -> None:
    may_go_on = threading.Event()

    def opened() -> Store:
        assert may_go_on.wait(20)
        return open_store(workspace.store.path, workspace.keyring)

    keeper = Keeper(opened, lambda figures: b"a page")
    keeper.start()
    try:
        begun = time.monotonic()
        assert keeper.body(None, patience=0.2) is None
        assert time.monotonic() - begun < 1
        may_go_on.set()
        found = keeper.body(None, patience=20)
        assert found
        assert found[0] == b"a page"
    finally:
        may_go_on.set()
        keeper.stop()


def test_while_nobody_looks_nothing_is_done(workspace: Workspace, client: Client, mail: list[Copy]) -> None:
    opened: list[Store] = []

    def open_() -> Store:
        opened.append(open_store(workspace.store.path, workspace.keyring))
        return opened[0]

    keeper = Keeper(open_, lambda figures: b"a page", every=0.05)
    keeper.start()
    try:
        client.get(mail[0].click(1))
        time.sleep(0.3)
        assert opened == []
        assert workspace.store.unjudged() == 1
    finally:
        keeper.stop()
