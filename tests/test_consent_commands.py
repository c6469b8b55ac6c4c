"""Consent by the command line, from a list to what inject, the collector and the report make of it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from command import Ran, run, snapshot
from conftest import BASE, MAIL, START, Client, Inject

from pixeltrack import inject as job
from pixeltrack.addressed import Given, inject_addressed
from pixeltrack.compile import Task
from pixeltrack.consent import Decision, Rules
from pixeltrack.delivery import Delivery
from pixeltrack.errors import InputError, Interrupted, StoreError
from pixeltrack.ledger import Entry
from pixeltrack.links import Policy
from pixeltrack.message import plan_message
from pixeltrack.setup import Workspace
from pixeltrack.terms import Terms
from pixeltrack.urls import addresses

WORDS = "We measure who opens and clicks.\nYou may stop that at any time.\n"
PROVED = ("--wording", "words.txt", "--method", "signup form", "--at", "2026-03-01 10:00")
SILENCED = (
    "select identity from silenced join messages using (campaign_id, message)"
    " join recipients using (recipient_id)"
)
Row = Sequence[Any]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "words.txt").write_text(WORDS, "utf-8")
    (tmp_path / "mail.html").write_bytes(MAIL)
    return tmp_path


def ledger(folder: Path, *argv: str, stdin: bytes = b"") -> Ran:
    return run(folder, "consent", *argv, "--db", "t.db", stdin=stdin)


def imported(folder: Path, text: str, *options: str) -> Ran:
    (folder / "list.csv").write_text(text, "utf-8")
    return ledger(folder, "import", "list.csv", *options)


def states(folder: Path, address: str) -> dict[str, str]:
    shown = json.loads(ledger(folder, "show", address, "--json").out)
    return {purpose: value["state"] for purpose, value in shown["purposes"].items()}


def rows(folder: Path, statement: str) -> list[Row]:
    with closing(sqlite3.connect(folder / "t.db")) as connection:
        return connection.execute(statement).fetchall()


def injected(folder: Path, text: str, *options: str) -> dict[tuple[str, str], int]:
    """Inject for a list; return how many people fell into each mode."""
    (folder / "people.csv").write_text(text, "utf-8")
    done = run(
        *(folder, "inject", "mail.html", "--recipients", "people.csv", "--db", "t.db", "--force"),
        *("--base-url", BASE, "--campaign", "summer", "--json", *options),
    )
    assert done.code == 0, done.err
    modes = json.loads(done.out)["recipients"]
    return {(mode["outcome"], mode["reason"]): mode["people"] for mode in modes}


# -- taking over a list ---------------------------------------------------------------------------------


def test_a_list_is_recorded_with_its_proof(folder: Path) -> None:
    """P1: who, when, how, and on which words."""
    done = imported(folder, "email,consent\nada@x.example,yes\nbob@x.example,\n", *PROVED)
    assert (done.code, done.out.splitlines()) == (
        0,
        ["list.csv: 2 rows, 2 entries recorded", "  1 row that says nothing: it changes nothing"],
    )
    shown = json.loads(ledger(folder, "show", "Ada@X.example", "--json").out)
    digest = sha256(WORDS.encode()).hexdigest()
    opens = shown["purposes"]["opens"]
    assert (opens["state"], opens["method"], opens["source"]) == ("granted", "signup form", "list.csv")
    assert (opens["wording_sha256"], opens["wording"], opens["origin"]) == (digest, WORDS, "list.csv line 2")
    assert shown["purposes"]["retargeting"] == {"state": "unknown"}
    assert set(states(folder, "bob@x.example").values()) == {"unknown"}
    text = ledger(folder, "show", "ada@x.example").out
    assert f"wording {digest}\n  | We measure who opens and clicks.\n  | You may stop" in text


def test_no_address_is_in_the_ledger(folder: Path) -> None:
    imported(folder, "email,consent\nada@x.example,yes\neve@x.example,denied\n", *PROVED)
    assert b"@x.example" not in b"".join(file.read_bytes() for file in folder.glob("t.db*"))


def test_importing_again_changes_nothing(folder: Path) -> None:
    text = "email,consent\nada@x.example,yes\neve@x.example,withdrawn\n"
    imported(folder, text, *PROVED)
    before = rows(folder, "select * from consents")
    assert imported(folder, text, *PROVED).out.splitlines() == [
        "list.csv: 2 rows, 0 entries recorded",
        "  4 entries that the ledger has already",
    ]
    assert rows(folder, "select * from consents") == before
    imported(folder, "email,consent\neve@x.example,withdrawn\n")  # without a time: as of now
    assert rows(folder, "select * from consents") == before


def test_an_older_list_does_not_bring_back_a_withdrawn_consent(folder: Path) -> None:
    text = "email,consent\nada@x.example,yes\n"
    imported(folder, text, *PROVED)
    ledger(folder, "withdraw", "ada@x.example")
    imported(folder, text, *PROVED)
    imported(folder, text, *PROVED[:-1], "2026-04-01")  # given again, but before the withdrawal
    assert set(states(folder, "ada@x.example").values()) == {"withdrawn"}
    imported(folder, "email,consent\nada@x.example,\n")
    assert set(states(folder, "ada@x.example").values()) == {"withdrawn"}


def test_a_withdrawal_of_long_ago_does_not_end_a_newer_consent(folder: Path, inject: Inject) -> None:
    inject("ada@x.example")
    imported(folder, "email,consent\nada@x.example,yes\n", *PROVED)
    imported(folder, "email,consent,consent_at\nada@x.example,withdrawn,2025-01-01\n")
    assert states(folder, "ada@x.example") == {
        **{"opens": "granted", "clicks": "granted"},
        "retargeting": "unknown",
    }
    assert rows(folder, "select * from silenced") == []


def test_a_list_with_one_fault_is_not_taken_at_all(folder: Path) -> None:
    imported(folder, "email,consent\nada@x.example,yes\n", *PROVED)
    before = rows(folder, "select * from consents")
    done = imported(folder, "email,consent\nbob@x.example,yes\neve@x.example,perhaps\n", *PROVED)
    assert done.code == 2
    assert done.err.startswith("Error: list.csv line 3: consent 'perhaps' is not understood\nHint: ")
    assert rows(folder, "select * from consents") == before


def test_a_fault_in_an_empty_folder_leaves_it_empty(folder: Path) -> None:
    (folder / "list.csv").write_text("email,consent\nada,yes\n")
    before = snapshot(folder)
    assert ledger(folder, "import", "list.csv").code == 2
    assert ledger(folder, "import", "none.csv").err.startswith("Error: no such file: none.csv")
    assert snapshot(folder) == before


def test_a_dry_run_says_the_same_and_records_nothing(folder: Path) -> None:
    (folder / "list.csv").write_text("email,consent\nada@x.example,yes\n")
    before = snapshot(folder)
    dry = ledger(folder, "import", "list.csv", *PROVED, "--dry-run")
    assert (dry.code, dry.out) == (0, "list.csv: 1 row, 2 entries would be recorded\n")
    assert snapshot(folder) == before
    ledger(folder, "import", "list.csv", *PROVED)
    done = ledger(folder, "import", "list.csv", *PROVED[:-1], "2026-05-01", "--dry-run", "--json")
    assert json.loads(done.out)["recorded"] == 2
    assert rows(folder, "select count(*) from consents") == [(2,)]


def test_grants_without_proof_are_left_out_and_said(folder: Path) -> None:
    done = imported(folder, "email,consent\nada@x.example,yes\nbob@x.example,no\n", "--method", "form")
    assert done.code == 0
    assert done.err.splitlines()[-1] == (
        "Warning: grants of 1 row are left out, as they cannot be proved: line 2; missing: consent_at"
        " (or --at), consent_text_id (or --wording)"
    )
    assert set(states(folder, "ada@x.example").values()) == {"unknown"}
    assert states(folder, "bob@x.example")["opens"] == "denied"


def test_a_list_may_come_from_standard_input_and_be_about_one_purpose(folder: Path) -> None:
    given = b'{"email": "ada@x.example", "consent": "granted"}\n'
    done = ledger(folder, "import", "-", *PROVED, "--purpose", "retargeting", stdin=given)
    assert done.out == "standard input: 1 row, 1 entry recorded\n"
    assert states(folder, "ada@x.example") == {
        **{"opens": "unknown", "clicks": "unknown"},
        "retargeting": "granted",
    }


# -- one person -----------------------------------------------------------------------------------------


def test_granting_and_withdrawing_by_hand(folder: Path) -> None:
    done = ledger(folder, "grant", "ada@x.example", *PROVED)
    assert "recorded for opens, clicks: granted" in done.err
    assert "next mail    tracked: consent granted in the ledger" in done.out
    done = ledger(folder, "withdraw", "ada@x.example", "--source", "her mail", "--purpose", "opens")
    said = "opens: refused in the ledger; clicks: consent granted in the ledger"
    assert f"next mail    opens off, clicks individual: {said}" in done.out
    assert states(folder, "ada@x.example") == {
        **{"opens": "withdrawn", "clicks": "granted"},
        "retargeting": "unknown",
    }
    ledger(folder, "grant", "ada@x.example", *PROVED[:-2])  # she has changed her mind
    assert states(folder, "ada@x.example")["opens"] == "granted"
    history = json.loads(ledger(folder, "history", "ada@x.example", "--json").out)["entries"]
    assert [(each["purpose"], each["state"]) for each in history] == [
        *(("opens", "granted"), ("clicks", "granted")),
        ("opens", "withdrawn"),
        *(("opens", "granted"), ("clicks", "granted")),
    ]
    assert history[2]["source"] == "her mail"
    assert history[2]["origin"] == "pixeltrack consent withdraw"


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (("grant", "ada@x.example", "--method", "form"), "Missing option '--wording'"),
        (("grant", "ada@x.example", "--wording", "words.txt"), "Missing option '--method'"),
        (("grant", "ada@x.example", *PROVED[:-1], "2099-01-01"), "--at '2099-01-01' is still to come"),
        (("grant", "ada@x.example", *PROVED[:-1], "today"), "--at is 'today', which is no time"),
        (("grant", "ada", *PROVED), "ADDRESS: 'ada' is not an email address"),
        (("grant", "ada@x.example", "--method", " ", "--wording", "words.txt"), "--method is empty"),
        (("grant", "ada@x.example", "--method", "form", "--wording", "none.txt"), "no such file: none.txt"),
        (("grant", "ada@x.example", "--method", "form", "--wording", "void.txt"), "void.txt is empty"),
        (("grant", "ada@x.example", "--method", "form", "--wording", "bytes.txt"), "bytes.txt is not UTF-8"),
        (("withdraw", "ada@x.example", "--purpose", "all"), "Invalid value for '--purpose'"),
        (("show", "ada@x.example"), "nothing here yet: no database at t.db"),
    ],
)
def test_what_cannot_be_right_is_refused_and_nothing_is_made(
    folder: Path, argv: tuple[str, ...], message: str
) -> None:
    (folder / "void.txt").write_text(" \n")
    (folder / "bytes.txt").write_bytes(b"\xff\xfe")
    before = snapshot(folder)
    done = ledger(folder, *argv)
    assert done.code == 2
    assert message in done.err
    assert snapshot(folder) == before


def test_what_strangers_wrote_cannot_command_the_terminal(folder: Path) -> None:
    imported(folder, "email,consent,consent_source\nada@x.example,denied,\x1b[2Jshop\n")
    for name in ("show", "history"):
        assert "\x1b" not in ledger(folder, name, "ada@x.example").out


@pytest.mark.parametrize("name", ["import", "show", "grant", "withdraw", "history"])
def test_each_has_help_with_an_example(folder: Path, name: str) -> None:
    done = ledger(folder, name, "--help")
    assert done.code == 0
    assert f"pixeltrack consent {name} " in done.out.partition("Example")[2]


# -- what the others make of it -------------------------------------------------------------------------


def test_inject_takes_the_most_restrictive_of_list_ledger_and_opt_outs(
    folder: Path, inject: Inject, client: Client
) -> None:
    stopped = inject("stopped@x.example", format="jsonl")
    copies = [json.loads(line) for line in (stopped.out / "messages.jsonl").read_text().splitlines()]
    (page,) = set(re.findall(rf"{BASE}(/p/[\w-]+)", json.dumps(copies)))
    client.post(page, b"action=stop")
    granted = "".join(f"{name}@x.example,yes,yes\n" for name in ("ada", "denied", "stopped"))
    imported(
        folder,
        "email,consent_opens,consent_clicks\n" + granted + "half@x.example,yes,\nnot@x.example,yes,no\n",
        *PROVED,
    )
    listed = (
        "email,consent\nada@x.example,\nbob@x.example,\nlisted@x.example,yes\ndenied@x.example,no\n"
        "stopped@x.example,yes\nhalf@x.example,\nnot@x.example,yes\n"
    )
    (folder / "pixeltrack.toml").write_text('[consent]\npolicy = "required"\n')
    assert injected(folder, listed, "--config", "pixeltrack.toml") == {
        ("tracked", "consent granted in the ledger"): 1,
        ("tracked", "consent granted"): 1,
        ("untracked", "no consent on record"): 1,
        ("untracked", "consent denied"): 1,
        ("untracked", "stopped tracking"): 1,
        ("tracked", "opens: consent granted in the ledger; clicks: no consent on record"): 1,
        ("tracked", "opens: consent granted; clicks: refused in the ledger"): 1,
    }


def test_columns_of_a_list_by_purpose_hold_without_the_ledger(folder: Path) -> None:
    text = (
        "email,consent,consent_opens,consent_clicks\nada@x.example,,yes,yes\nbob@x.example,yes,,no\n"
        "eve@x.example,,yes,\n"
    )
    assert injected(folder, text) == {
        ("tracked", "consent granted"): 1,
        ("tracked", "opens: consent granted; clicks: consent denied"): 1,
        ("tracked", "opens: consent granted; clicks: not refused"): 1,
    }


def test_messages_that_are_addressed_already_are_asked_for_too(folder: Path) -> None:
    ledger(folder, "withdraw", "ada@x.example", "--purpose", "clicks")
    (folder / "ada.eml").write_bytes(
        b"To: ada@x.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/html\n\n" + MAIL
    )
    done = run(folder, "inject", "ada.eml", "--db", "t.db", "--base-url", BASE, "--json")
    assert done.code == 0, done.err
    (said,) = json.loads(done.out)["recipients"]
    assert (said["opens"], said["clicks"]) == ("individual", "off")
    assert "clicks: refused in the ledger" in said["reason"]


@pytest.mark.parametrize("way", ["withdraw", "import"])
def test_withdrawing_silences_mail_already_sent(
    folder: Path, inject: Inject, client: Client, workspace: Workspace, way: str
) -> None:
    urls = {}
    for campaign in ("spring", "autumn"):
        out = inject("ada@x.example", "bob@x.example", campaign=campaign).out
        for name, file in zip(("ada", "bob"), sorted((out / "html").iterdir()), strict=True):
            urls[campaign, name] = re.findall(rf"{BASE}(/[oc]/[^\"']+)", file.read_text())
    if way == "withdraw":
        assert ledger(folder, "withdraw", "Ada@x.example").code == 0
    else:
        assert (
            imported(folder, "email,consent_opens,consent_clicks\nADA@x.example,withdrawn,withdrawn\n").code
            == 0
        )
    for sent in urls.values():
        for path in sent:
            answered = client.get(path)
            assert answered.status == ("302 Found" if path.startswith("/c") else "200 OK")
    counted = [len(list(workspace.store.events(number))) for number in (1, 2)]
    assert counted == [len(urls["spring", "bob"]), len(urls["autumn", "bob"])]
    assert min(counted) == 3  # the pixel and two links


def test_a_withdrawal_while_copies_are_made_silences_these(
    folder: Path, inject: Inject, workspace: Workspace
) -> None:
    def at_the_second(done: int) -> None:
        if done == 2:
            assert ledger(folder, "withdraw", "ada@x.example").code == 0

    made = inject("ada@x.example", "bob@x.example", progress=at_the_second)
    assert made.modes == {Decision("tracked", "individual", "individual", "consent granted"): 2}
    assert rows(folder, SILENCED) == [("ada@x.example",)]


def test_a_withdrawal_while_addressed_messages_are_made_silences_these(
    folder: Path, workspace: Workspace
) -> None:
    given = [
        Given(name, f"To: {name}@x.example\nContent-Type: text/html\n\n".encode() + MAIL)
        for name in ("ada", "bob")
    ]
    places = addresses(BASE)

    def task_of(each: Given) -> Task:
        planned = plan_message(each.data, each.name, Policy(places.owns), text=False)
        return Task(planned, "spring", places, folder / "out", START)

    def at_the_second(done: int) -> None:
        if done == 2:
            assert ledger(folder, "withdraw", "ada@x.example").code == 0

    inject_addressed(
        *(given, task_of, workspace.store, workspace.keyring, Terms(Rules("assumed"))),
        *(Delivery("eml"), at_the_second),
    )
    assert rows(folder, SILENCED) == [("ada@x.example",)]


def test_a_run_is_not_resumed_after_a_withdrawal(
    folder: Path, inject: Inject, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(job, "_CHECKPOINT", 1)
    both = "ada@x.example", "bob@x.example"
    with pytest.raises(Interrupted):
        inject(*both, progress=interrupt)
    assert ledger(folder, "withdraw", "ada@x.example").code == 0
    with pytest.raises(InputError):  # the copies that are there already would be tracked
        inject(*both, resume=True)


def test_who_agrees_again_is_heard_in_the_next_campaign_and_not_in_the_last(
    folder: Path, inject: Inject
) -> None:
    inject("ada@x.example")
    ledger(folder, "withdraw", "ada@x.example")
    ledger(folder, "grant", "ada@x.example", *PROVED[:-2])
    assert injected(folder, "email\nada@x.example\n") == {("tracked", "consent granted in the ledger"): 1}
    silenced = rows(folder, "select name from silenced join campaigns using (campaign_id)")
    assert silenced == [("spring",)]


def test_what_was_done_on_the_pages_is_in_the_history_and_stays_in_force(
    folder: Path, inject: Inject, client: Client
) -> None:
    (file,) = (inject("ada@x.example").out / "html").iterdir()
    (page,) = re.findall(rf"{BASE}(/p/[\w-]+)", file.read_text())
    client.post(page, b"action=stop")
    done = ledger(folder, "grant", "ada@x.example", *PROVED)
    assert "next mail    untracked: stopped tracking" in done.out
    assert "they stopped tracking themselves, and that stays in force" in done.err
    lines = ledger(folder, "history", "ada@x.example").out.splitlines()
    assert len(lines) == 3
    assert lines[-1].endswith("UTC  stopped tracking on the page of spring")
    (act,) = json.loads(ledger(folder, "history", "ada@x.example", "--json").out)["opt_outs"]
    assert (act["act"], act["campaign"]) == ("stopped tracking", "spring")


def test_the_page_of_a_person_says_that_tracking_is_off(folder: Path, inject: Inject, client: Client) -> None:
    (file,) = (inject("ada@x.example").out / "html").iterdir()
    (page,) = re.findall(rf"{BASE}(/p/[\w-]+)", file.read_text())
    before = client.get(page).body
    ledger(folder, "withdraw", "ada@x.example")
    after = client.get(page).body
    assert before != after
    assert b'value="stop"' in before
    assert b'value="stop"' not in after


# -- the table ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["update consents set decision = 'granted'", "delete from consents"])
def test_the_ledger_is_only_added_to(folder: Path, statement: str) -> None:
    ledger(folder, "withdraw", "ada@x.example")
    with (
        closing(sqlite3.connect(folder / "t.db")) as connection,
        pytest.raises(sqlite3.IntegrityError, match="only added to"),
    ):
        connection.execute(statement)
    assert rows(folder, "select count(*) from consents") == [(3,)]


def test_a_database_with_a_ledger_is_not_thrown_away(workspace: Workspace) -> None:
    assert workspace.store.is_unused()
    workspace.store.record_consents(
        [Entry(bytes(16), "opens", "denied", 1, 2, "form", "shop", None, "here")], {}
    )
    assert not workspace.store.is_unused()


def test_entries_are_stored_all_or_none(workspace: Workspace) -> None:
    good = Entry(bytes(16), "opens", "denied", 1, 2, "form", "shop", None, "here")
    with pytest.raises(StoreError):
        workspace.store.record_consents([good, good._replace(purpose="sending")], {})  # type: ignore[arg-type]
    assert workspace.store.consents_of(bytes(16)) == []
    assert workspace.store.last_consent() == 0


def test_a_column_that_only_looks_like_consent_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text('<body><a href="https://shop.example/">x</a></body>')
    (tmp_path / "list.csv").write_text(
        "email,consent,consent_opens,consent_at,consent_retargeting,consent_tracking,name\n"
        "ann@x.example,,,,denied,denied,Ann\n"
    )
    ran = run(tmp_path, "inject", "mail.html", "--recipients", "list.csv", "--base-url", BASE, "--db", "t.db")
    assert ran.code == 0, ran.err
    said = [line for line in ran.err.splitlines() if "column" in line]
    assert said == [
        "Warning: column consent_retargeting changes nothing here; pixeltrack consent import records what it says",
        "Warning: column consent_tracking says nothing of consent; consent, consent_opens and consent_clicks do",
    ]
