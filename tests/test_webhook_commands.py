"""pixeltrack webhook: the commands, the process that sends, and the receiver of the documentation."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
from command import clean_environment, run
from conftest import START, Client, Inject
from hookserver import Receiver, receiving
from inbox import Copy, copies
from test_following import wait_for

from pixeltrack import config, setup, signing
from pixeltrack.cli import webhook as commands
from pixeltrack.clock import now_ms
from pixeltrack.doctor.hooks import check_hooks
from pixeltrack.model import Event, EventKind
from pixeltrack.setup import Workspace
from pixeltrack.store import Tries, examine, open_store
from pixeltrack.webhooks.payload import KINDS

DB = ("--db", "t.db")
DAY = 86_400_000
PAGE = (Path(__file__).parents[1] / "docs" / "webhooks.md").read_text("utf-8")


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject(*(f"r{number}@x.example" for number in range(40))))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@contextmanager
def sending(folder: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """``webhook send`` as a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pixeltrack", *DB, "webhook", "send", *more],
        **{"cwd": folder, "env": clean_environment(), "stderr": subprocess.PIPE},
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


# -- commands --------------------------------------------------------------------------------------------


def test_a_webhook_from_adding_to_removing(tmp_path: Path, mail: list[Copy], receiver: Receiver) -> None:
    added = run(tmp_path, *DB, "webhook", "add", receiver.url, "--events", "click, opt-out", "--people-only")
    key = bytes.fromhex(added.out.strip())
    assert len(key) == 32
    assert "127.0.0.1 gets data of your readers" in added.err
    assert run(tmp_path, *DB, "webhook", "key", "1").out == added.out
    assert run(tmp_path, *DB, "webhook", "test", "1").err == "webhook 1 took the example: 204\n"
    body, header = receiver.bodies[0], receiver.headers[0][signing.HEADER]
    assert signing.fault(header, body, [key], now_ms()) is None
    assert [event["kind"] for event in json.loads(body)["events"]] == ["click", "opt-out"]
    renewed = run(tmp_path, *DB, "webhook", "key", "1", "--renew")
    assert renewed.out != added.out
    assert "number 2" in renewed.err
    (listed,) = json.loads(run(tmp_path, *DB, "webhook", "list", "--json").out)
    assert listed == {
        **{"webhook": 1, "url": receiver.url, "events": ["click", "opt-out"], "campaign": None},
        **{"people_only": True, "with_address": False, "allow_private": False, "key": 2},
        **{"created": listed["created"], "sent": 0, "last_sent": None, "given_up": 0, "given_up_at": None},
        **{"paused": None, "reason": None, "failing": None},
    }
    assert run(tmp_path, *DB, "webhook", "remove", "1").err == "webhook 1 to 127.0.0.1 is removed\n"
    assert json.loads(run(tmp_path, *DB, "webhook", "--json").out) == []
    trail = run(tmp_path, *DB, "audit", "export", "--jsonl").out
    assert re.findall(r'"(webhook [a-z]+)"', trail) == ["webhook add", "webhook key", "webhook remove"]
    assert "/hook?a=1" not in trail, "a path may be a secret"


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("add", "http://crm.example/"), 2, "not encrypted"),
        (("add", "https://crm.example/", "--events", "open,read"), 2, "'read', which is no kind"),
        (("add", "https://crm.example/", "--campaign", "sprng"), 1, "no such campaign: 'sprng'"),
        (("test", "7"), 2, "no webhook 7"),
        (("remove", "7"), 2, "no webhook 7"),
        (("resume", "7"), 2, "pixeltrack webhook add makes one"),
        (("key", "seven"), 2, "not a valid integer"),
    ],
)
def test_what_cannot_be(
    tmp_path: Path, mail: list[Copy], argv: tuple[str, ...], code: int, said: str
) -> None:
    ran = run(tmp_path, *DB, "webhook", *argv)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_the_commands_name_every_kind() -> None:
    assert ",".join(KINDS) == commands._KINDS


def test_a_test_that_is_not_taken_says_why(tmp_path: Path, mail: list[Copy], receiver: Receiver) -> None:
    receiver.answer = lambda _number: "redirect"
    run(tmp_path, *DB, "webhook", "add", receiver.url)
    ran = run(tmp_path, *DB, "webhook", "test", "1")
    assert ran.code == 1
    assert "it answered 302: redirects are not followed" in ran.err


def test_a_private_address_is_refused_until_it_is_allowed(tmp_path: Path, mail: list[Copy]) -> None:
    run(tmp_path, *DB, "webhook", "add", "https://169.254.169.254/latest/meta-data")
    ran = run(tmp_path, *DB, "webhook", "test", "1")
    assert "169.254.169.254, which is in a private network" in ran.err


def test_sending_says_what_was_taken_and_what_was_not(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy], receiver: Receiver
) -> None:
    assert "no webhook yet" in run(tmp_path, *DB, "webhook").err
    for _twice in range(2):
        run(tmp_path, *DB, "webhook", "add", receiver.url)
    receiver.answer = lambda number: 503 if number else 200
    client.get(mail[0].open)
    sent = run(tmp_path, *DB, "webhook", "send")
    assert sent.code == 0
    assert "webhook 1: 1 event sent" in sent.err
    assert re.search(r"Warning: webhook 2: 1 event failed: it answered 503; again at \d", sent.err)
    shown = run(tmp_path, *DB, "webhook", COLUMNS="200").out
    assert "fine" in shown
    assert re.search(r"2 fails since .* UTC, try 1: it answered 503; the next one is at", shown)
    receiver.answer = lambda _number: 200
    run(tmp_path, *DB, "webhook", "resume", "2")
    assert "webhook 2: 1 event sent" in run(tmp_path, *DB, "webhook", "send").err
    assert len(receiver.seen) == 3
    assert len(set(receiver.seen)) == 1, "the same event has one id, whoever is told"


def test_doctor_names_a_webhook_that_is_not_well(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy]
) -> None:
    store, now = workspace.store, START + 10 * DAY

    def outcomes() -> list[tuple[str, str]]:
        return [(check.outcome, check.message) for check in check_hooks(examine(store.path).hooks, now)]

    assert outcomes() == []
    hook = store.add_hook("https://crm.example/secret", KINDS, START)
    assert outcomes()[0][0] == "ok"
    client.get(mail[0].open)
    assert outcomes() == [("failed", "1 to crm.example was told of nothing for 10 days: nobody sends it")]
    tries = Tries(hook.hook_id, 1, 0, 1, 40, now - 3600_000, now, 500, "it answered 500")
    store.hook_failed(tries)
    assert outcomes()[0][0] == "warning"
    store.hook_failed(tries._replace(since=now - DAY - 1))
    assert outcomes() == [("failed", "1 to crm.example has failed for a day: it answered 500")]
    assert "1 to crm.example has failed for" in run(tmp_path, *DB, "doctor", "--local").out.replace("\n", " ")
    store.hook_gave_up(tries, now)
    assert outcomes()[0] == (
        "warning",
        "1 to crm.example was not told of 1 event after three days of tries",
    )
    store.pause_hook(hook.hook_id, "its receiver answered 410 (Gone)", now)
    assert outcomes()[0] == ("warning", "1 to crm.example is paused: its receiver answered 410 (Gone)")


# -- the process that sends ------------------------------------------------------------------------------


def test_two_at_once_are_one(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy], receiver: Receiver
) -> None:
    receiver.answer = lambda _number: "hang"
    run(tmp_path, *DB, "webhook", "add", receiver.url)
    client.get(mail[0].open)
    with sending(tmp_path) as first:
        wait_for(lambda: len(receiver.bodies) == 1)
        second = run(tmp_path, *DB, "webhook", "send")
        assert second.code == 1
        assert "another pixeltrack webhook send is at work" in second.err
        first.kill()
        first.wait()
    receiver.answer = lambda _number: 204
    assert run(tmp_path, *DB, "webhook", "send").err == "webhook 1: 1 event sent\n", (
        "a lock ends with its process"
    )


def test_killed_in_the_middle_nothing_is_lost_and_what_comes_twice_has_the_same_id(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy], receiver: Receiver
) -> None:
    run(tmp_path, *DB, "webhook", "add", receiver.url)
    for copy in mail:
        for _hit in range(15):
            client.get(copy.click(1))
    stops = iter([0, 2, 3])
    for stop in stops:  # while it waits for the answer to a body, which the receiver has taken all the same
        before = len(receiver.bodies)
        receiver.answer = lambda number, at=before + stop: "hang" if number >= at else 204
        with sending(tmp_path) as process:
            wait_for(lambda at=before + stop: len(receiver.bodies) > at)
            process.send_signal(signal.SIGKILL)
            process.wait()
    receiver.answer = lambda _number: 204
    assert run(tmp_path, *DB, "webhook", "send").code == 0
    wanted = [number for (number,) in workspace.store._plain("select event_id from events order by 1")]
    assert len(wanted) == 600
    firsts = list(dict.fromkeys(receiver.seen))
    assert len(firsts) == len(wanted), "all of them"
    assert len(receiver.seen) == len(wanted) + 300, "three batches came twice"
    assert [event["id"] for event in receiver.events] == firsts, "in order"
    assert workspace.store.hook(1).sent == len(wanted)


def test_following_sends_what_comes_and_tries_again_by_itself(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy], receiver: Receiver
) -> None:
    receiver.answer = lambda number: 500 if number == 0 else 204
    run(tmp_path, *DB, "webhook", "add", receiver.url)
    with sending(tmp_path, "--follow") as process:
        client.get(mail[0].open)
        wait_for(lambda: len(receiver.taken) == 1)
        client.get(mail[0].click(1))
        wait_for(lambda: len(receiver.taken) == 2)
        process.send_signal(signal.SIGTERM)
        _out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert "Warning: webhook 1: 1 event failed: it answered 500" in err
    assert "Traceback" not in err
    assert [event["kind"] for event in receiver.events] == ["open", "click"]


def test_following_waits_for_a_database_that_is_away(
    tmp_path: Path, workspace: Workspace, client: Client, mail: list[Copy], receiver: Receiver
) -> None:
    run(tmp_path, *DB, "webhook", "add", receiver.url)
    names = [tmp_path / f"t.db{end}" for end in ("", "-wal", "-shm")]
    with sending(tmp_path, "--follow") as process:
        client.get(mail[0].open)
        wait_for(lambda: len(receiver.taken) == 1)
        workspace.store.close()
        for path in names:
            if path.exists():
                path.rename(path.with_name(f"away-{path.name}"))
        assert process.stderr is not None
        said = [process.stderr.readline() for _line in range(2)]
        for path in names:
            if path.with_name(f"away-{path.name}").exists():
                path.with_name(f"away-{path.name}").rename(path)
        with closing(open_store(tmp_path / "t.db", workspace.keyring)) as store:
            store.put_events([Event(START, 1, EventKind.CLICK, 1, 5, "a", 0)])
            wait_for(lambda: len(receiver.taken) == 2)
    assert said[0] == "webhook 1: 1 event sent\n"
    assert "Warning: nothing is sent: the database" in said[1]


def test_whoever_serves_readers_does_not_send() -> None:
    """Off the hot path: nothing that answers a request knows how to send, and no hit is noted for it."""
    package = Path(setup.__file__).parent
    for name in ("collector", "serve", "fastlane", "recorder", "workers", "sitehits", "pixel"):
        assert "webhooks" not in (package / f"{name}.py").read_text("utf-8")
    schema = (package / "store" / "schema" / "0020_hooks.sql").read_text("utf-8")
    assert re.findall(r"after \w+ (?:of \w+ )?on (\w+)", schema) == [
        *("conversions", "conversions", "optouts", "deliveries")
    ]


# -- the documentation -----------------------------------------------------------------------------------


def test_the_documentation_shows_a_body_as_the_schema_has_it() -> None:
    schema = json.loads(files("pixeltrack").joinpath("schemas", "webhook.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    (shown,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    jsonschema.validate(json.loads(shown), schema)
    for name, part in schema["$defs"].items():
        for field in part["properties"]:
            assert f"`{field}`" in PAGE, f"{name}.{field} is not explained"


def test_the_receiver_of_the_documentation_works(
    tmp_path: Path, settings: config.Settings, client: Client, mail: list[Copy]
) -> None:
    (code,) = re.findall(r"<!-- receiver -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert sum(bool(line.strip()) for line in code.splitlines()) == 15
    (tmp_path / "receiver.py").write_text(code)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    url = f"http://127.0.0.1:{port}/"
    key = run(tmp_path, *DB, "webhook", "add", url).out.strip()
    with subprocess.Popen(
        [sys.executable, "receiver.py", key, str(port)],
        **{"cwd": tmp_path, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL},
        text=True,
    ) as process:
        try:
            wait_for(lambda: run(tmp_path, *DB, "webhook", "test", "1").code == 0)
            client.get(mail[0].open)
            assert "1 event sent" in run(tmp_path, *DB, "webhook", "send").err
            assert process.stdout is not None
            said = [process.stdout.readline().split()[0] for _line in range(6)]
            assert said == [*KINDS, "open"]
            refused = _status(url, b'{"events":[]}', {})
            body, now = b'{"events":[]}', int(time.time() * 1000)
            good = signing.sign(body, bytes.fromhex(key), now)
            old = signing.sign(body, bytes.fromhex(key), now - 301_000)
            found = [
                _status(url, sent, {signing.HEADER: value})
                for value, sent in (
                    (good, body),
                    (good, body + b" "),
                    (old, body),
                )
            ]
            assert [refused, *found] == [401, 204, 401, 401]
        finally:
            process.kill()


def _status(url: str, body: bytes, headers: dict[str, str]) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
