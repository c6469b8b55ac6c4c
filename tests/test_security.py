"""The security rules that no other file tests. ``docs/SECURITY.md`` says where each rule has its test."""

from __future__ import annotations

import ast
import base64
import hashlib
import http.client
import json
import random
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import clean_environment, run
from conftest import CHROME, Client, Inject
from inbox import Copy, copies
from test_dashboard import Answer, Serving
from test_dashboard import started as dashboard_of

from pixeltrack import keyfile, report
from pixeltrack.figures import Tally
from pixeltrack.setup import Workspace
from pixeltrack.show.text import clean

ROOT = Path(__file__).parents[1]
# What a request may be answered with, whatever it is (security rule S4).
STATUSES = {200, 302, 303, 400, 404, 405, 411, 413, 414, 417, 429, 431, 501, 505}


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example"))


@pytest.fixture
def dashboard(workspace: Workspace, mail: list[Copy]) -> Iterator[Serving]:
    made = dashboard_of(workspace.store.path.parent)
    yield made
    if made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)


@dataclass
class Served:
    """``pixeltrack -v serve`` as a program, whose log goes to a file."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def end(self) -> list[str]:
        """Stop it and return the lines of its log."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0
        return self.log.read_text("utf-8").splitlines()


@pytest.fixture
def served(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> Iterator[Served]:
    log = tmp_path / "log"
    argv = ["--db", "t.db", "-v", "serve", "--port", "0", "--log-format", "json"]
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", *argv], cwd=tmp_path, stderr=file, env=clean_environment()
        )
    deadline = time.monotonic() + 30
    while not (started := re.search(rb"collecting on http://127\.0\.0\.1:(\d+)", log.read_bytes())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield Served(process, int(started[1]), log)
    if process.poll() is None:
        process.kill()
        process.wait()


def ask(port: int, request: bytes) -> tuple[int, dict[str, str], bytes] | None:
    """Send bytes as they are; return the answer, None when the server waits for more or hangs up."""
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = http.client.HTTPResponse(connection)
        try:
            answer.begin()
            return answer.status, dict(answer.headers), answer.read()
        except (http.client.HTTPException, ConnectionError):
            return None


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


@pytest.mark.parametrize("odd", ["\t", "\x00", "\x0b", "\x7f"])
def test_s03_a_control_character_in_an_address_makes_it_no_other(
    served: Served, mail: list[Copy], odd: str
) -> None:
    for path in (mail[0].click(1), mail[0].open, mail[0].preferences):
        for at in (2, 6, len(path) - 3):
            answer = ask(served.port, get(path[:at] + odd + path[at:]))
            assert answer
            assert answer[0] == 400
            assert "Location" not in answer[1]


def test_s04_no_bytes_of_a_request_lead_to_an_error_of_ours(served: Served, mail: list[Copy]) -> None:
    chance = random.Random(4)
    ann = mail[0]
    whole = [
        *(get(path, f"User-Agent: {CHROME}") for path in (ann.open, ann.click(1), ann.preferences)),
        b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\naction=nono" % ann.preferences.encode(),
        b"GET /c/%s/1/%%E9%%00%%0D%%0A HTTP/1.0\r\n\r\n" % ann.code.encode(),
    ]
    seen = set()
    for _ in range(3_000):
        request = bytearray(chance.choice(whole))
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(request))
            change = chance.randrange(4)
            if change == 0:
                request[at] = chance.randrange(256)
            elif change == 1:
                request.insert(at, chance.choice(b"\r\n\0\xe9 %:/.\\"))
            elif change == 2:
                del request[at : at + chance.randint(1, 9)]
            else:
                request[at:at] = request[chance.randrange(len(request)) :][:20]
        answer = ask(served.port, bytes(request))
        if answer:
            status, headers, _ = answer
            seen.add(status)
            assert headers.get("Location") in (None, "https://shop.example/a?x=1&y=2")
    assert seen <= STATUSES
    assert {200, 302, 400, 404} <= seen
    told = ask(served.port, get("/metrics").replace(b"Host: x", b"Host: localhost"))
    assert told
    refused = re.search(rb'answers_total\{route="other",status="400"\} (\d+)', told[2])
    assert refused
    assert int(refused[1]) > 100
    lines = served.end()
    assert not [line for line in lines if "could not be answered" in line or "traceback" in line]


def test_s05_a_guess_is_one_in_a_million_million_million_million(workspace: Workspace) -> None:
    chance = random.Random(5)
    code = workspace.keyring.campaign_code("spring")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    token = workspace.keyring.campaign(code).message_token(bytes(8))
    verify = workspace.keyring.verify_tracking
    assert verify(code, token)
    for _ in range(50_000):  # with a head that is right: only the tag is guessed
        assert verify(code, token[:14] + "".join(chance.choices(alphabet, k=14))) is None
    assert len(base64.urlsafe_b64decode(token)) - 10 >= 11  # bytes of tag: 88 bits


def test_s05_how_much_of_a_tag_is_right_does_not_show_in_the_time(workspace: Workspace) -> None:
    code = workspace.keyring.campaign_code("spring")
    token = workspace.keyring.campaign(code).message_token(bytes(8))
    early = token[:14] + ("B" if token[14] == "A" else "A") + token[15:]
    late = token[:-1] + ("B" if token[-1] == "A" else "A")

    def fastest(wrong: str) -> int:
        verify, taken = workspace.keyring.verify_tracking, []
        for _ in range(200):
            began = time.perf_counter_ns()
            verify(code, wrong)
            taken.append(time.perf_counter_ns() - began)
        return min(taken)

    rounds = [(fastest(early), fastest(late)) for _ in range(15)]
    ratio = statistics.median(first / second for first, second in rounds)
    assert 0.8 < ratio < 1.25


def test_s10_no_character_that_a_terminal_acts_on_is_printed() -> None:
    for start in range(0, sys.maxunicode + 1, 4_096):
        shown = clean("".join(map(chr, range(start, start + 4_096))), 10_000)
        assert not [each for each in shown if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        shown.encode("utf-8")


def test_s11_a_busy_collector_logs_no_token_address_or_agent(served: Served, mail: list[Copy]) -> None:
    hostile = 'Secr3tAgent/1.0 \x1b[31m \xe9 {"level":"error"}'
    secrets = ["Secr3tAgent", "198.51.100.23", "ann@x.example", "bob@x.example"]
    for copy in mail:
        secrets += [copy.token, copy.unsubscribe[3:], copy.preferences[3:]]
        for path in (copy.open, copy.click(1), copy.unsubscribe, f"{copy.click(1)}x", f"{copy.open}%0d%0aX"):
            ask(served.port, get(path, f"User-Agent: {hostile}", "X-Forwarded-For: 198.51.100.23"))
            ask(served.port, get(path, f"User-Agent: {hostile}", "Bad Header: 198.51.100.23"))
        ask(
            served.port,
            b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % copy.unsubscribe.encode(),
        )
        with socket.create_connection(("127.0.0.1", served.port)) as gone:  # before its answer
            gone.sendall(get(copy.open) * 50)
    lines = served.end()
    events = [json.loads(line) for line in lines if line.startswith("{")]
    assert [line for line in lines if not line.startswith("{")] == [
        line for line in lines if line.startswith(("collecting on", "stopped;"))
    ]
    assert any("stored" in event["message"] for event in events)
    text = "\n".join(lines)
    assert [secret for secret in secrets if secret in text] == []


def sql_statements() -> Iterator[tuple[str, ast.expr]]:
    for path in sorted((ROOT / "pixeltrack").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and node.args
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in ("execute", "executemany", "executescript")
            ):
                yield f"{path.name}:{node.lineno}", node.args[0]


@pytest.mark.parametrize("address", ["=1+1@x.example", "+cmd|'calc'!A0@x.example", "-a|b@x.example"])
def test_s12_an_address_that_a_spreadsheet_would_run_never_reaches_messages_csv(
    tmp_path: Path, address: str
) -> None:
    (tmp_path / "mail.html").write_text('<p><a href="https://shop.example/">x</a></p>')
    (tmp_path / "list.csv").write_text(f'email\nann@x.example\n"{address}"\n')
    ran = run(tmp_path, "inject", "mail.html", "--recipients", "list.csv")
    assert ran.code == 2
    assert "list.csv line 3" in ran.err
    assert not (tmp_path / "out").exists()


def test_s23_no_answer_sets_a_cookie_or_asks_for_a_password(client: Client, mail: list[Copy]) -> None:
    """On the tracking host there is nothing to log in to."""
    for copy in mail:
        for path in (
            copy.open,
            copy.click(1),
            copy.unsubscribe,
            copy.preferences,
            "/privacy",
            "/healthz",
            "/x",
        ):
            for method in ("GET", "HEAD", "POST"):
                answer = client.request(method, path)
                assert not {"Set-Cookie", "WWW-Authenticate"} & answer.headers.keys()
                assert not answer.status.startswith("401")


def test_s23_the_dashboard_is_off_unless_asked_for(served: Served) -> None:
    before = set(served.log.parent.iterdir())
    assert not [path for path in before if path.name == "pixeltrack.token"]
    children = Path(f"/proc/{served.process.pid}/task/{served.process.pid}/children").read_text()
    assert children == "", "nothing runs beside the collector"


def test_s23_no_route_of_one_is_a_route_of_the_other(dashboard: Serving, mail: list[Copy]) -> None:
    own = ["/", "/login", "/logout", "/campaign", "/campaign?name=spring"]
    for path in own:
        for method in ("GET", "POST"):
            answer = dashboard.ask(path, method, {} if method == "POST" else None, port=dashboard.collector)
            assert answer.status in (404, 405), path
            assert "Set-Cookie" not in answer.headers
    copy = mail[0]
    links = [copy.open, copy.click(1), copy.unsubscribe, copy.preferences]
    for path in [*links, "/v/buy.gif", "/privacy", "/healthz", "/metrics"]:
        for ask in (dashboard.ask, dashboard.bearer):
            assert ask(path).status == 404, path
        assert dashboard.ask(path, "POST", {}).status == 404, path


def test_s23_without_token_or_session_there_is_a_form_and_nothing_else(dashboard: Serving) -> None:
    for path in ("/", "/campaign?name=spring", "/campaign?name=sprng"):
        for cookie in ("", f"pixeltrack-{dashboard.port}-session={'x' * 43}"):
            answer = dashboard.ask(path, Cookie=cookie)
            assert (answer.status, answer.headers["Location"], answer.body) == (303, "/login", b"")
    assert b"spring" not in dashboard.ask("/login").body
    for wrong in ("x" * 43, "", dashboard.token[:-1], dashboard.token + "x", "é" * 43):
        answer = dashboard.log_in(wrong, X_Forwarded_For=f"192.0.2.{len(wrong)}")
        assert answer.status in (403, 429)
        assert "session" not in str(answer.headers.get_all("Set-Cookie"))
    for header in ("Basic eDp5", "Bearer", "Bearer ", f"Basic {dashboard.token}", dashboard.token):
        assert dashboard.ask("/", Authorization=header).status in (401, 429)


def test_s23_the_session_cookie_is_for_this_server_alone(dashboard: Serving) -> None:
    for line in (*_cookie_lines(dashboard.ask("/login")), *_cookie_lines(dashboard.log_in())):
        name, *flags = line.split("; ")
        assert name.startswith(f"pixeltrack-{dashboard.port}-")
        assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(flags)
        assert not [flag for flag in flags if flag.startswith("Domain")]
    assert len(dashboard.cookies[f"pixeltrack-{dashboard.port}-session"]) == 43


def test_s23_behind_https_cookies_are_secure_and_bound_to_the_host(
    workspace: Workspace, mail: list[Copy]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--dashboard-url", "https://stats.example.com")
    made = dashboard_of(workspace.store.path.parent, *options, port=f"127.0.0.1:{port}")
    made.port = port
    try:
        named = {"Host": "stats.example.com"}
        asked = made.ask("/login", **named)
        found = re.search(rb'name="mark" value="([0-9a-f]{64})"', asked.body)
        assert found
        form = {"mark": found[1].decode(), "token": made.token}
        assert made.ask("/login", "POST", form, **named).status == 403, "it comes from http://127.0.0.1"
        answer = made.ask("/login", "POST", form, Origin="https://stats.example.com", **named)
        assert answer.status == 303
        assert answer.headers["Strict-Transport-Security"]
        for line in (*_cookie_lines(asked), *_cookie_lines(answer)):
            assert line.startswith("__Host-pixeltrack-")
            assert {"Path=/", "Secure", "HttpOnly", "SameSite=Strict"} <= set(line.split("; "))
        assert made.ask("/", **named).status == 200
        assert made.ask("/").status == 421
    finally:
        made.end()


def _cookie_lines(answer: Answer) -> list[str]:
    found: list[str] = answer.headers.get_all("Set-Cookie", [])
    assert found
    return found


@pytest.mark.parametrize(
    "changed",
    [
        {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1", "Sec_Fetch_Site": ""},  # another port
        {"Origin": "", "Sec_Fetch_Site": ""},
        {"Origin": "", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate"},
        {"Origin": "", "Sec_Fetch_Site": "same-site", "Sec_Fetch_Mode": "navigate"},
        {"Sec_Fetch_Site": "none"},
        {"Content_Type": "text/plain"},
        {"Content_Type": "application/json"},
    ],
    ids=str,
)
def test_s23_no_other_site_can_log_in_or_out(dashboard: Serving, changed: dict[str, str]) -> None:
    form = {"mark": dashboard.mark(), "token": dashboard.token}
    answer = dashboard.ask("/login", "POST", form, **changed)
    assert (answer.status, answer.headers.get("Location")) == (403, None)
    assert dashboard.log_in().status == 303
    form = {"mark": dashboard.mark("/")}
    assert dashboard.ask("/logout", "POST", form, **changed).status == 403
    assert dashboard.ask("/").status == 200
    assert dashboard.ask("/logout", "POST", form).headers["Location"] == "/login"


def test_s23_a_form_needs_the_mark_of_its_own_cookie(dashboard: Serving) -> None:
    mark, cookies = dashboard.mark(), dict(dashboard.cookies)
    dashboard.cookies.clear()
    other = dashboard.mark()
    assert other != mark
    for wrong in (mark, "", "0" * 64, other.upper()):
        assert dashboard.ask("/login", "POST", {"mark": wrong, "token": dashboard.token}).status == 403
    dashboard.cookies = {}
    assert dashboard.ask("/login", "POST", {"mark": mark, "token": dashboard.token}).status == 403
    dashboard.cookies = cookies
    assert dashboard.ask("/login", "POST", {"mark": mark, "token": dashboard.token}).status == 303
    for wrong in ("", mark, "0" * 64):
        assert dashboard.ask("/logout", "POST", {"mark": wrong}).status == 403
    assert dashboard.ask("/").status == 200


def test_s23_logging_in_makes_a_new_session_and_logging_out_ends_it(dashboard: Serving) -> None:
    name = f"pixeltrack-{dashboard.port}-session"
    dashboard.cookies[name] = "planted"
    assert dashboard.log_in().status == 303
    session = dashboard.cookies[name]
    assert session != "planted"
    mark = dashboard.mark("/")
    assert dashboard.ask("/logout", "POST", {"mark": mark}).status == 303
    assert name not in dashboard.cookies
    assert dashboard.ask("/", Cookie=f"{name}={session}").status == 303, "it is ended on our side"


def test_s23_get_changes_nothing_and_other_methods_are_refused(dashboard: Serving) -> None:
    assert dashboard.log_in().status == 303
    assert dashboard.ask("/logout").status == 405
    for path, allowed in (("/", "GET, HEAD"), ("/login", "GET, POST, HEAD"), ("/logout", "POST")):
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST" if path == "/" else "PUT"):
            answer = dashboard.ask(path, method)
            assert (answer.status, answer.headers["Allow"]) == (405, allowed)
    head = dashboard.ask("/", "HEAD")
    assert (head.status, head.body) == (200, b"")
    assert dashboard.ask("/").status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "127.0.0.1",
        "127.0.0.1:1",
        "localhost.evil.example:{port}",
        "evil@127.0.0.1:{port}",
        "0.0.0.0:{port}",
    ],
)
def test_s23_a_name_that_is_not_its_own_gets_nothing(dashboard: Serving, host: str) -> None:
    assert dashboard.log_in().status == 303
    for path in ("/", "/login", "/campaign?name=spring", "/x"):
        answer = dashboard.ask(path, Host=host.format(port=dashboard.port))
        assert answer.status == 421
        assert b"spring" not in answer.body
    assert dashboard.ask("/", Host=f"LOCALHOST:{dashboard.port}").status == 200


def test_s23_another_site_gets_no_page_of_it_into_its_own(dashboard: Serving) -> None:
    assert dashboard.log_in().status == 303
    for site in ("cross-site", "same-site"):
        for mode in ("no-cors", "cors", "websocket"):
            assert dashboard.ask("/", Sec_Fetch_Site=site, Sec_Fetch_Mode=mode).status == 403
    assert dashboard.ask("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate").status == 200


def test_s23_every_answer_is_private_and_admits_one_script(dashboard: Serving) -> None:
    asked = [dashboard.ask("/"), dashboard.ask("/login"), dashboard.ask("/x"), dashboard.log_in("x" * 43)]
    asked += [dashboard.log_in(), dashboard.ask("/"), dashboard.ask("/campaign?name=spring")]
    asked += [
        dashboard.ask("/", If_None_Match=asked[-2].headers["ETag"]),
        dashboard.ask("/", Host="evil.example"),
    ]
    assert [answer.status for answer in asked] == [303, 200, 404, 403, 303, 200, 200, 304, 421]
    for answer in asked:
        policy = answer.headers["Content-Security-Policy"]
        assert {
            "default-src 'none'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "form-action 'self'",
        } <= set(policy.split("; "))
        assert re.search(r"script-src 'sha256-[^ ;]+';", policy)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Access-Control-Allow-Origin" not in answer.headers
        scripts = re.findall(rb"<script>(.*?)</script>", answer.body, re.DOTALL)
        for script in scripts:
            digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
            assert f"'sha256-{digest}'" in policy
        assert answer.body.count(b"<script") == len(scripts) <= 1


def test_s23_guessing_is_slowed_down_by_address(dashboard: Serving) -> None:
    statuses = [dashboard.log_in("x" * 43).status for _ in range(7)]
    assert statuses == [403] * 5 + [429] * 2
    assert dashboard.log_in().status == 429, "the right one has to wait, too"
    slowed = dashboard.bearer("/")
    assert slowed.status == 429
    assert 1 <= int(slowed.headers["Retry-After"]) <= 11


def test_s23_what_a_session_rests_on_changes_and_it_ends(dashboard: Serving) -> None:
    assert dashboard.log_in().status == 303
    assert dashboard.ask("/").status == 200
    before = dashboard.token
    path = dashboard.folder / "pixeltrack.token"
    path.write_text("y" * 43)
    deadline = time.monotonic() + 10
    while dashboard.ask("/").status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert dashboard.log_in(before).status == 403
    assert dashboard.log_in().status == 303
    key = dashboard.folder / "pixeltrack.key"
    key.write_text(key.read_text() + f"2 {base64.b64encode(bytes(32)).decode()}\n")
    deadline = time.monotonic() + 10
    while dashboard.ask("/").status == 200:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_s23_the_token_is_in_its_file_alone(dashboard: Serving) -> None:
    dashboard.log_in("wrong" * 9)
    dashboard.log_in()
    dashboard.bearer("/")
    dashboard.ask(f"/?token={dashboard.token}")
    secret = dashboard.token
    argv = Path(f"/proc/{dashboard.process.pid}/cmdline").read_bytes()
    assert secret.encode() not in argv
    said = dashboard.end()
    assert "somebody gave the dashboard a wrong token" in said
    assert secret not in said
    assert "wrong" * 9 not in said
    for path in dashboard.folder.rglob("*"):
        if path.is_file() and path.name != "pixeltrack.token":
            assert secret.encode() not in path.read_bytes(), path


def test_s23_no_bytes_of_a_request_lead_to_an_error_of_the_dashboard(dashboard: Serving) -> None:
    random.seed(23)
    assert dashboard.log_in().status == 303
    cookie = "; ".join(f"{name}={value}" for name, value in dashboard.cookies.items())
    for _ in range(150):
        path = random.choice(["/campaign?name=", "/?", "/login?", "/logout?", "/"]) + "".join(
            random.choices("abc%&=+;?/\\.~\x7f\xff0123456789ABCDEF", k=random.randrange(60))
        )
        odd = "".join(random.choices('"=;, \xe9\x80%abc', k=random.randrange(40)))
        request = (
            f"{random.choice(['GET', 'POST', 'HEAD'])} {path} HTTP/1.1\r\nHost: {dashboard.host}\r\n"
            f"Cookie: {random.choice([cookie, odd])}\r\nIf-None-Match: {odd}\r\n"
            f"{random.choice(['X', 'Authorization', 'Origin', 'Content-Type'])}: {odd}\r\nConnection: close\r\n\r\n"
        ).encode("latin-1")
        answer = ask(dashboard.port, request)
        assert answer is None or answer[0] in STATUSES | {401, 403, 304}, request
    said = dashboard.end()
    assert "Traceback" not in said


def test_s13_no_statement_is_put_together_from_values() -> None:
    found = list(sql_statements())
    assert len(found) > 20
    for where, statement in found:
        if isinstance(statement, ast.JoinedStr):  # a pragma takes no parameters; its values are ours
            assert isinstance(statement.values[0], ast.Constant), where
            assert str(statement.values[0].value).startswith("pragma "), where
        else:
            assert isinstance(statement, ast.Constant | ast.Name | ast.Call), where
        if isinstance(statement, ast.Call):
            assert ast.unparse(statement).startswith("query("), where


def test_s13_names_are_values_and_nothing_else(client: Client, inject: Inject, workspace: Workspace) -> None:
    hostile = "x'); drop table events; --"
    copy = copies(inject("ann@x.example", campaign=hostile))[0]
    client.get(copy.open, agent=f'{hostile}" or 1=1')
    campaign = workspace.store.campaign(hostile)
    assert len(list(workspace.store.events(campaign.campaign_id))) == 1


def test_s17_no_host_header_changes_an_answer(served: Served, mail: list[Copy]) -> None:
    chance = random.Random(17)
    letters = "abc.:@/\\[]%-_<>\"'?#= \xe9019"
    paths = [mail[0].click(1), mail[0].unsubscribe, mail[0].preferences, "/privacy", "/nothing", mail[0].open]
    plain = {path: ask(served.port, get(path)) for path in paths}
    same = 0
    for number in range(1_000):
        path = paths[number % len(paths)]
        host = "".join(chance.choices(letters, k=chance.randint(0, 30))).strip()
        answer = ask(served.port, get(path).replace(b"Host: x", b"Host: " + host.encode("latin-1")))
        assert answer
        if answer[0] == 400:  # what is no header is refused whole
            continue
        same += 1
        for each in (answer, plain[path]):
            assert each
            each[1].pop("Date", None)
        assert answer == plain[path], host
    assert same > 900


def test_s18_a_trusted_proxy_that_is_no_address_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    refused = run(tmp_path, "--db", "t.db", "serve", "--trusted-proxy", "10.0.0.0/8")
    assert (refused.code, refused.err.splitlines()[0]) == (
        2,
        "Error: trusted proxy '10.0.0.0/8' is no IP address",
    )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (["Host: localhost"], 200),
        (["Host: localhost", "X-Forwarded-For: 127.0.0.1"], 404),
        (["Host: localhost", "Forwarded: for=127.0.0.1"], 404),
        (["Host: localhost", "X-Real-IP: 127.0.0.1"], 404),
        (["Host: track.example.com"], 404),
    ],
)
def test_s18_metrics_are_for_this_machine(served: Served, headers: list[str], status: int) -> None:
    request = "\r\n".join(["GET /metrics HTTP/1.1", *headers, "", ""]).encode()
    answer = ask(served.port, request)
    assert answer
    assert answer[0] == status


def test_s18_forwarding_headers_change_no_answer(served: Served, mail: list[Copy]) -> None:
    spoofed = (
        'X-Forwarded-For: "',
        "X-Forwarded-Host: evil.example",
        "X-Forwarded-Proto: gopher",
        "X-Forwarded-Port: x",
        "Forwarded: ;;;=,",
    )
    for path in (mail[0].open, mail[0].click(1), mail[0].unsubscribe, "/privacy"):
        plain, told = ask(served.port, get(path)), ask(served.port, get(path, *spoofed))
        assert plain
        assert told
        assert (plain[0], plain[2]) == (told[0], told[2])
        assert plain[1].get("Location") == told[1].get("Location")


def test_s19_replaying_one_url_keeps_the_unique_figures(
    client: Client, workspace: Workspace, mail: list[Copy]
) -> None:
    client.app._commit_each = False
    for number in range(20_000):
        client.get(mail[0].open if number % 2 else mail[0].click(1))
        if number % 500 == 0:
            client.app.recorder.commit()
    client.app.recorder.commit()
    made = report.build(workspace.store, "spring")
    assert (made.opens, made.clicks) == (Tally(1, 10_000), Tally(1, 10_000))
    assert made.tracked == 2
    assert made.repeated_hits == 20_000 - len(list(workspace.store.events(1)))
    assert len(list(workspace.store.events(1))) == 40


def test_s20_the_key_is_in_its_own_file_alone(
    client: Client, workspace: Workspace, inject: Inject, tmp_path: Path
) -> None:
    for copy in copies(inject("ann@x.example", campaign="summer")):
        client.get(copy.open)
        client.get(copy.click(1))
        client.post(copy.unsubscribe)
    written = (tmp_path / "pixeltrack.key").read_text("ascii").splitlines()[-1].split()[1]
    key = base64.b64decode(written)
    assert len(key) == 32
    spelled = [
        key,
        written.rstrip("=").encode(),
        base64.urlsafe_b64encode(key).rstrip(b"="),
        key.hex().encode(),
    ]
    for path in (path for path in tmp_path.rglob("*") if path.is_file() and path.name != "pixeltrack.key"):
        data = path.read_bytes()
        assert not [each for each in spelled if each in data], path


def test_s20_a_key_that_others_can_read_stops_serve(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "pixeltrack.key").chmod(0o640)
    told = run(tmp_path, "--db", "t.db", "serve", "--port", "0")
    assert told.code == 1
    assert "can be read by others" in told.err


def test_s20_no_traceback_shows_a_key(workspace: Workspace) -> None:
    key = next(iter(keyfile.load(workspace.store.path.with_name("pixeltrack.key"))._keys.values()))
    shown = repr(workspace) + repr(workspace.keyring) + str(vars(type(workspace.keyring)))
    assert repr(key) not in shown
    assert key.hex() not in shown


def test_s28_inject_and_lint_ask_nothing_over_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(*place: object) -> None:
        asked.append(place)
        raise OSError("no network here")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    (tmp_path / "mail.html").write_text(
        '<html><body><img src="https://img.example/x.png"><a href="https://shop.example/">S</a></body></html>'
    )
    (tmp_path / "list.csv").write_text("email\nann@x.example\n")
    assert run(tmp_path, "inject", "mail.html", "--recipients", "list.csv").code == 0
    assert run(tmp_path, "lint", "mail.html").code == 0
    assert run(tmp_path, "doctor").code == 0
    assert asked == []


# -- the table ------------------------------------------------------------------------------------------


def test_every_rule_has_a_row_whose_tests_exist() -> None:
    page = (ROOT / "docs" / "SECURITY.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (S\d+) \|(.*)\|$", page, re.MULTILINE))
    assert list(rows) == [f"S{number}" for number in range(1, 29)]
    for rule, row in rows.items():
        named = re.findall(r"`(test_\w+)::(\w+)`", row)
        assert named or "nothing to test yet" in row, rule
        for file, test in named:
            text = (ROOT / "tests" / f"{file}.py").read_text("utf-8")
            assert f"def {test}(" in text, f"{rule}: {file}::{test}"


def test_every_test_that_names_a_rule_is_in_its_row() -> None:
    page = (ROOT / "docs" / "SECURITY.md").read_text("utf-8")
    for path in (ROOT / "tests").glob("test_*.py"):
        for test, number in re.findall(r"^def (test_s(\d\d)_\w+)\(", path.read_text("utf-8"), re.MULTILINE):
            row = re.search(rf"^\| S{int(number)} \|.*$", page, re.MULTILINE)
            assert row
            assert f"`{path.stem}::{test}`" in row[0]
