"""What somebody does with their own data on their own page: getting it, and having it erased."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import clean_environment, run
from conftest import BASE, CHROME, Client, Clock, Inject
from inbox import Copy, copies
from test_modes import FREE, mails, rows
from test_pages import Outline
from test_rights import mentions
from test_withdrawal import tables

from pixeltrack import keyfile, ownrights, rights
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.held import canonical
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace
from pixeltrack.trail import check

ANN, BOB = "ann@x.example", "bob@x.example"
TEXTS = Pages().texts["en"]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
STAYS = {"optouts", "trail", "silenced"}
TOGETHER: dict[str, Any] = {"opens": "aggregate", "clicks": "aggregate", "free": FREE, "format": "jsonl"}


def says(page: bytes, key: str) -> bool:
    return " ".join(TEXTS[key].split()) in " ".join(Outline(page).text.split())


# -- getting it ------------------------------------------------------------------------------------------


def test_a_copy_of_all_that_is_held_comes_as_a_file(
    client: Client, workspace: Workspace, settings: Settings, inject: Inject
) -> None:
    """Requirement P8: by a button, for whoever has the link."""
    copy = copies(inject(ANN, BOB))[0]
    client.get(copy.open)
    client.get(copy.click(1))
    answer = client.post(copy.preferences, b"action=data")
    assert answer.status == "200 OK"
    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    assert not {"Set-Cookie", "Location"} & answer.headers.keys()
    found = json.loads(answer.body)
    schema = json.loads(files("pixeltrack").joinpath("schemas", "subject.json").read_text("utf-8"))
    jsonschema.validate(found, schema)
    assert found["subject"]["address"] == ANN
    assert len(found["events"]) == 2
    assert BOB.encode() not in answer.body
    by_address = rights.export_of(workspace.store, workspace.keyring, ANN, settings, 0)
    others = {"generated_at", "integrity", "audit"}
    assert {key: found[key] for key in found.keys() - others} == {
        key: by_address[key] for key in by_address.keys() - others
    }
    assert [(row["action"], row["actor"]) for row in found["audit"]] == [("subject", "recipient")]
    assert found["integrity"]["sha256"] == sha256(canonical(found)).hexdigest()


def test_the_trail_names_who_asked_once_an_hour_and_nobody_of_the_senders(
    client: Client, workspace: Workspace, clock: Clock, inject: Inject
) -> None:
    copy, subject = copies(inject(ANN))[0], workspace.keyring.subject(ANN)
    workspace.store.note("subject", subject=subject, actor="mallory", at=1)
    for minutes in (0, 59, 2):
        clock.forward(minutes * 60)
        answer = client.post(copy.preferences, b"action=data")
    assert b"mallory" not in answer.body
    told = [(row["action"], row["actor"]) for row in json.loads(answer.body)["audit"]]
    assert told == [("subject", "sender"), ("subject", "recipient"), ("subject", "recipient")]


@pytest.mark.parametrize("body", [b"", b"action=data"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_look_gives_any_data_away(client: Client, inject: Inject, method: str, body: bytes) -> None:
    copy = copies(inject(ANN))[0]
    for query in ("", "action=data"):
        client.environ["QUERY_STRING"] = query
        answer = client.request(method, copy.preferences, body)
        assert answer.headers["Content-Type"].startswith("text/html")
        assert ANN.encode() not in answer.body


def test_who_has_no_row_gets_what_stands_under_their_hash(client: Client, inject: Inject) -> None:
    (mail,) = mails(inject(ANN, **TOGETHER))
    page = mail["preferences_url"].removeprefix(BASE)
    client.post(page, b"action=stop")
    found = json.loads(client.post(page, b"action=data").body)
    assert found["subject"]["address"] is None
    assert [each["scope"] for each in found["opt_outs"]] == ["tracking"]
    assert [each["campaign"] for each in found["cannot_be_linked"]] == ["spring"]


@pytest.mark.parametrize("action", ["data", "erase", "erase-now"])
def test_a_preview_and_a_forged_link_get_nothing(
    client: Client, workspace: Workspace, inject: Inject, action: str
) -> None:
    copy = copies(inject(ANN))[0]
    keys = workspace.keyring.campaign(copy.code)
    preview = client.post(
        f"/p/{keys.personal_token('preferences', bytes(8), 'preview')}", f"action={action}".encode()
    )
    assert says(preview.body, "preview_changed_nothing")
    stranger = f"/p/{keys.personal_token('preferences', bytes(7) + b'x')}"
    assert client.post(stranger, f"action={action}".encode()).status == "404 Not Found"
    assert client.post(copy.preferences[:-1] + "x", f"action={action}".encode()).status == "404 Not Found"
    assert (
        client.post(copy.unsubscribe.replace("/u/", "/p/"), f"action={action}".encode()).status[:3] == "404"
    )
    assert rows(workspace, "select count(*) from erasures") == [(0,)]


def test_a_sender_may_keep_these_buttons_off(
    workspace: Workspace, settings: Settings, clock: Clock, inject: Inject
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), replace(settings, own_rights=False), clock)
    client, copy = Client(app), copies(inject(ANN))[0]
    page = client.get(copy.preferences).body
    assert (says(page, "data_by_mail"), says(page, "get_data"), b'value="erase' in page) == (
        True,
        False,
        False,
    )
    for action in (b"data", b"erase", b"erase-now"):
        answer = client.post(copy.preferences, b"action=" + action)
        assert (answer.status, says(answer.body, "unknown")) == ("400 Bad Request", True)
    assert workspace.store.erasures() == []


def test_long_copies_leave_time_for_everybody_else(
    client: Client, inject: Inject, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ownrights, "_FREE", 0.0)  # so that any copy is a long one
    monkeypatch.setattr(ownrights, "_PAUSE", 1_000_000)
    copy = copies(inject(ANN))[0]
    assert client.post(copy.preferences, b"action=data").status == "200 OK"
    answer = client.post(copy.preferences, b"action=data")
    assert (answer.status, answer.headers["Retry-After"]) == ("503 Service Unavailable", "10")
    assert says(answer.body, "busy")
    assert client.get(copy.preferences).status == "200 OK"


# -- being erased ----------------------------------------------------------------------------------------


@dataclass
class Served:
    """``pixeltrack serve`` as a program, on a real socket."""

    folder: Path
    process: subprocess.Popen[bytes]
    port: int

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            given = {"User-Agent": CHROME, **(FORM if body else {}), **headers}
            connection.request(method, path.removeprefix(BASE), body, given)
            answer = connection.getresponse()
            assert answer.headers["Set-Cookie"] is None
            return answer.status, answer.read()

    def children(self) -> list[int]:
        """The processes that it has started and that are at work."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(each) for each in found.split()]


@contextmanager
def serving(folder: Path) -> Iterator[Served]:
    log = folder / "log"
    log.touch()
    before = log.stat().st_size
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "pixeltrack", "--db", "t.db", "serve", "--port", "0"],
            cwd=folder, stderr=file, env=clean_environment(),
        )  # fmt: skip
    try:
        started = eventually(
            lambda: re.search(rb"collecting on http://127\.0\.0\.1:(\d+)", log.read_bytes()[before:])
        )
        yield Served(folder, process, int(started[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def eventually(asked: Callable[[], Any], seconds: float = 30) -> Any:
    """Ask again and again until the answer is yes; fail after some seconds."""
    deadline = time.monotonic() + seconds
    while not (answer := asked()):
        assert time.monotonic() < deadline, "this did not happen"
        time.sleep(0.05)
    return answer


def waiting(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "t.db")) as database:
        return int(database.execute("select count(*) from erasures").fetchone()[0])


@pytest.fixture
def ann(workspace: Workspace, inject: Inject) -> Copy:
    """Ann's copy of the second of two mails, which Bob and others got too."""
    inject(ANN, BOB, campaign="earlier")
    copy = copies(inject(ANN, BOB, *(f"reader{number}@x.example" for number in range(50))))[0]
    workspace.store.close()
    return copy


def test_the_first_button_explains_and_changes_nothing_the_second_erases(tmp_path: Path, ann: Copy) -> None:
    keyring = keyfile.load(tmp_path / "pixeltrack.key")
    with serving(tmp_path) as served:
        for path in (ann.open, ann.click(1)):
            served.ask("GET", path)
        with closing(sqlite3.connect(tmp_path / "t.db")) as database:
            before = list(database.iterdump())
            status, page = served.ask("POST", ann.preferences, b"action=erase")
            assert (status, says(page, "stays_hash"), says(page, "erase_now")) == (200, True, True)
            assert list(database.iterdump()) == before
        assert mentions(tmp_path / "t.db", keyring, ANN).keys() >= {"recipients", "messages", "events"}
        status, page = served.ask("POST", ann.preferences, b"action=erase-now")
        assert (status, says(page, "erasing")) == (200, True)
        hits = number_of_events(tmp_path)
        for path in (ann.open, ann.click(1)):  # from this moment on
            assert served.ask("GET", path)[0] in (200, 302)
        assert number_of_events(tmp_path) <= hits
        eventually(lambda: not waiting(tmp_path))
        assert mentions(tmp_path / "t.db", keyring, ANN).keys() == STAYS
        assert mentions(tmp_path / "t.db", keyring, BOB).keys() >= {"recipients", "messages"}
        assert ANN.encode() not in (tmp_path / "t.db").read_bytes()
        assert_gone(served, ann)
        with closing(sqlite3.connect(tmp_path / "t.db")) as database:
            told = database.execute("select actor, action from trail where actor = 'recipient'").fetchall()
        assert [each[1] for each in told] == ["opt-out", "opt-out", "erasure asked", "forget"]
    assert run(tmp_path, "audit", "verify", "--db", "t.db").code == 0
    (tmp_path / "list.csv").write_text(f"email\n{ANN}\n{BOB}\n")
    (tmp_path / "mail.html").write_text("<p><a href='https://shop.example/'>x</a></p>")
    made = run(
        tmp_path,
        "inject",
        "mail.html",
        "--recipients",
        "list.csv",
        "--db",
        "t.db",
        "--base-url",
        BASE,
        "--out",
        "o",
    )
    assert made.code == 0, made.err
    assert ANN not in "".join(each.read_text() for each in (tmp_path / "o").rglob("*.csv"))


def number_of_events(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "t.db")) as database:
        return int(database.execute("select count(*) from events").fetchone()[0])


def assert_gone(served: Served, copy: Copy) -> None:
    """Whatever an erased person's links ask for is answered, and stores nothing."""
    before = number_of_events(served.folder)
    for path in (copy.preferences, copy.unsubscribe):
        for method, body in (("GET", b""), ("POST", b"action=stop"), ("POST", b"List-Unsubscribe=One-Click")):
            if (path, method, body) == (copy.preferences, "POST", b"List-Unsubscribe=One-Click"):
                continue
            status, page = served.ask(method, path, body)
            assert (status, says(page, "erased")) == (200, True), (path, method, body)
    for action in (b"action=data", b"action=erase", b"action=erase-now"):
        status, page = served.ask("POST", copy.preferences, action)
        assert (status, says(page, "erased")) == (200, True), action
    assert served.ask("GET", copy.open)[0] == 200
    assert served.ask("GET", copy.click(1))[0] == 302
    assert number_of_events(served.folder) == before
    assert waiting(served.folder) == 0


def test_an_erasure_that_has_to_wait_keeps_nobody_else_waiting(tmp_path: Path, ann: Copy) -> None:
    with serving(tmp_path) as served:
        served.ask("GET", ann.open)
        with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as reader:
            reader.execute("begin")
            reader.execute("select count(*) from events").fetchone()
            assert says(served.ask("POST", ann.preferences, b"action=erase-now")[1], "erasing")
            slowest = 0.0
            deadline = time.monotonic() + 4
            while time.monotonic() < deadline:
                begun = time.monotonic()
                assert served.ask("GET", "/healthz")[0] == 200
                assert served.ask("GET", ann.click(1))[0] == 302
                slowest = max(slowest, time.monotonic() - begun)
            assert waiting(tmp_path) == 1  # the reader is in the way: the journal has deleted rows still
            assert says(served.ask("GET", ann.preferences)[1], "erasing") or says(
                served.ask("GET", ann.preferences)[1], "erased"
            )
            assert slowest < 1.5
        eventually(lambda: not waiting(tmp_path))


def test_an_erasure_goes_on_after_everything_was_killed(tmp_path: Path, ann: Copy) -> None:
    keyring = keyfile.load(tmp_path / "pixeltrack.key")
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from events").fetchone()
        with serving(tmp_path) as served:
            served.ask("POST", ann.preferences, b"action=erase-now")
            children = eventually(served.children)
            eventually(lambda: "messages" not in mentions(tmp_path / "t.db", keyring, ANN))
            for process in (served.process.pid, *children):
                os.kill(process, signal.SIGKILL)
        assert waiting(tmp_path) == 1
    with serving(tmp_path) as served:
        eventually(lambda: not waiting(tmp_path))
        assert mentions(tmp_path / "t.db", keyring, ANN).keys() == STAYS
        assert_gone(served, ann)


def test_an_erasure_that_never_began_goes_on_too(
    client: Client, workspace: Workspace, inject: Inject, tmp_path: Path
) -> None:
    copy = copies(inject(ANN, BOB))[0]
    workspace.store.ask_erasure(workspace.keyring.subject(ANN), 5)
    assert says(client.get(copy.preferences).body, "erasing")
    workspace.store.close()
    with serving(tmp_path):
        eventually(lambda: not waiting(tmp_path))
    assert mentions(tmp_path / "t.db", workspace.keyring, ANN).keys() == STAYS


def test_who_was_only_counted_is_erased_too(workspace: Workspace, inject: Inject, tmp_path: Path) -> None:
    (mail,) = mails(inject(ANN, **TOGETHER))
    workspace.store.close()
    page = mail["preferences_url"].removeprefix(BASE)
    with serving(tmp_path) as served:
        assert says(served.ask("POST", page, b"action=erase-now")[1], "erasing")
        eventually(lambda: not waiting(tmp_path))
        assert says(served.ask("GET", page)[1], "erased")
        status, found = served.ask("POST", page, b"action=data")
        assert (status, json.loads(found)["recipient"]) == (200, None)
    assert mentions(tmp_path / "t.db", workspace.keyring, ANN).keys() == {"optouts", "trail"}


def test_where_no_program_can_be_started_the_wish_stays_and_the_log_says_so(
    client: Client, workspace: Workspace, inject: Inject, settings: Settings, clock: Clock,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    copy = copies(inject(ANN))[0]
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock)
    assert says(Client(app).post(copy.preferences, b"action=erase-now").body, "erasing")
    assert len(workspace.store.erasures()) == 1
    assert "pixeltrack forget --asked erases them" in caplog.text
    assert ANN not in caplog.text


def test_whoever_asks_again_waits_once(workspace: Workspace, inject: Inject) -> None:
    inject(ANN)
    subject = workspace.keyring.subject(ANN)
    before = tables(workspace)
    for at in (5, 6):
        workspace.store.ask_erasure(subject, at)
    assert workspace.store.erasures() == [(subject, 5)]
    changed = tables(workspace) - before
    assert changed == {"erasures": 1, "trail": 1}
    assert check(workspace.store.trail()).broken is None


def test_the_command_erases_who_waits_and_says_how_many(
    workspace: Workspace, inject: Inject, tmp_path: Path
) -> None:
    inject(ANN, BOB)
    workspace.store.ask_erasure(workspace.keyring.subject(ANN), 5)
    workspace.store.ask_erasure(workspace.keyring.subject("nobody@x.example"), 6)
    workspace.store.close()
    done = run(tmp_path, "forget", "--asked", "--json", "--db", "t.db")
    assert (done.code, json.loads(done.out)) == (0, {"erased": 2, "waiting": 0, "with_traces": 0})
    again = run(tmp_path, "forget", "--asked", "--db", "t.db")
    assert (again.code, again.err.strip()) == (0, "erased: 0; waiting: 0")
    assert mentions(tmp_path / "t.db", workspace.keyring, ANN).keys() == STAYS
    for argv in (("forget", "--db", "t.db"), ("forget", "--asked", ANN, "--db", "t.db")):
        refused = run(tmp_path, *argv)
        assert (refused.code, "give an address, or --asked" in refused.err) == (2, True)
    refused = run(tmp_path, "forget", "--asked", "--dry-run", "--db", "t.db")
    assert (refused.code, "--asked goes with --json alone" in refused.err) == (2, True)


def test_the_command_forgets_by_address_whoever_waits(
    workspace: Workspace, inject: Inject, tmp_path: Path
) -> None:
    inject(ANN, BOB)
    workspace.store.ask_erasure(workspace.keyring.subject(ANN), 5)
    workspace.store.close()
    assert run(tmp_path, "forget", ANN, "--yes", "--db", "t.db").code == 0
    assert waiting(tmp_path) == 0
