"""The files for advertising platforms: who is in them, who is left out and why, and what they look like."""

from __future__ import annotations

import csv
import json
import sqlite3
import stat
from hashlib import sha256

import pytest
from command import Ran, run
from conftest import START, Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixeltrack import ledger, segments, uploads
from pixeltrack.ledger import BY_SIGNAL, Entry
from pixeltrack.marks import Marks
from pixeltrack.setup import Workspace
from pixeltrack.tokens import number

REASONS = ("never asked", "denied", "withdrawn", "browser signal", "opted out", "unsubscribed")
READERS = ["yes@x.example", *(f"{why.replace(' ', '.')}@x.example" for why in REASONS)]
# echo -n test@example.com | sha256sum
TEST_HASH = "973dfe463ec85785f5f95af5ba3906eedb2d931c24e69824a89ea65dba4e813b"


@pytest.mark.parametrize(
    ("given", "google", "others"),
    [
        (" Test@Example.COM ", "test@example.com", "test@example.com"),
        ("A.B+c@Gmail.com", "ab@gmail.com", "a.b+c@gmail.com"),
        ("a.b+c@googlemail.com", "ab@googlemail.com", "a.b+c@googlemail.com"),
        ("a.b+c@example.com", "a.b+c@example.com", "a.b+c@example.com"),
        ("a.b@gmail.com.example", "a.b@gmail.com.example", "a.b@gmail.com.example"),
        ("a. b@example.com", "a.b@example.com", "a.b@example.com"),
    ],
)
def test_addresses_are_normalised_as_each_platform_says(given: str, google: str, others: str) -> None:
    assert uploads.normalised(given, "google") == google
    assert {uploads.normalised(given, each) for each in ("meta", "linkedin", "csv")} == {others}


def test_the_hash_is_what_anybody_gets() -> None:
    assert [*uploads.written("meta", ["Test@example.com"])] == [b"email\r\n", TEST_HASH.encode() + b"\r\n"]


def test_two_addresses_of_one_account_are_one_row() -> None:
    assert len([*uploads.written("google", ["a.b@gmail.com", "ab+x@gmail.com"])]) == 2
    assert len([*uploads.written("linkedin", ["a.b@gmail.com", "ab+x@gmail.com"])]) == 3


@pytest.mark.parametrize(
    ("platform", "rows", "said"),
    [
        ("google", 99, "Google Ads wants 100 people or more, and here are 99"),
        ("google", 100, ""),
        ("meta", 99, "Meta wants 100 people or more, and here are 99"),
        ("linkedin", 299, "LinkedIn wants 300 people or more, and here are 299"),
        ("linkedin", 300_000, ""),
        ("linkedin", 300_001, "LinkedIn takes 300,000 rows at most, and here are 300,001"),
        ("csv", 0, ""),
    ],
)
def test_what_a_platform_would_not_take_is_said(platform: str, rows: int, said: str) -> None:
    assert uploads.refused(platform, rows) == said


def decide(workspace: Workspace, address: str, decision: str, at: int = START, method: str = "form") -> None:
    subject = workspace.keyring.subject(address)
    entry = Entry(subject, "retargeting", decision, at, at, method, "x", None, "x")  # type: ignore[arg-type]
    workspace.store.record_consents([entry], {})


@pytest.fixture
def asked(inject: Inject, workspace: Workspace) -> Workspace:
    """Seven people, one for each reason, and an audience of them all."""
    inject(*READERS)
    yes, _never, denied, withdrawn, signal, opted, unsubscribed = READERS
    for each in (yes, withdrawn, opted, unsubscribed):
        decide(workspace, each, "granted")
    decide(workspace, denied, "denied")
    decide(workspace, withdrawn, "withdrawn", START + 1)
    decide(workspace, signal, "denied", method=BY_SIGNAL)
    store, campaign = workspace.store, workspace.store.campaign("spring")
    keys = workspace.keyring.campaign(campaign.code, campaign.key_id)
    for each, scope in ((opted, "opens"), (unsubscribed, "all")):
        place = number(keys.pseudonym(each))
        store.opt_out(campaign.code, place, workspace.keyring.subject(each), scope, START)  # type: ignore[arg-type]
    assert audience(workspace, "create", "all", "--not-clicked", "any").code == 0
    return workspace


def audience(workspace: Workspace, *argv: str) -> Ran:
    return run(workspace.store.path.parent, "audience", *argv, "--db", str(workspace.store.path))


def test_reasons_are_apart_and_add_up_to_the_size(asked: Workspace) -> None:
    said = json.loads(audience(asked, "show", "all", "--json").out)
    assert said["left_out"] == dict.fromkeys(REASONS, 1)
    assert said["people"] == said["exportable"] + sum(said["left_out"].values()) == len(READERS)


@pytest.mark.parametrize("platform", ["google", "meta", "linkedin", "csv"])
def test_only_who_agreed_is_in_the_file(asked: Workspace, platform: str) -> None:
    ran = audience(asked, "export", "all", "--for", platform, "-o", "up.csv", "--json")
    assert ran.code == 0, ran.err
    out = asked.store.path.parent / "up.csv"
    with out.open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["Email" if platform == "google" else "email"]
    assert rows == [[READERS[0] if platform == "csv" else sha256(READERS[0].encode()).hexdigest()]]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    said = json.loads(ran.out)
    assert (said["rows"], said["exportable"], said["people"]) == (1, 1, len(READERS))
    assert "1 of 7 people are in up.csv" in ran.err
    for why in REASONS:
        assert f"left out: 1 {why}" in ran.err
    assert ("people or more, and here are 1" in ran.err) is (platform != "csv")


def test_a_file_is_replaced_only_when_asked_and_the_trail_knows(asked: Workspace) -> None:
    once = ("export", "all", "--for", "meta", "-o", "up.csv")
    assert [audience(asked, *more).code for more in (once, once, (*once, "--force"))] == [0, 2, 0]
    rows = [each for each in asked.store.trail() if each.action == "audience export"]
    assert [(each.object, json.loads(each.counts)["people"]) for each in rows] == [("all for meta", 1)] * 2


def test_who_is_erased_is_in_no_audience_and_no_file(asked: Workspace) -> None:
    folder, files = asked.store.path.parent, ("--db", str(asked.store.path))
    with sqlite3.connect(asked.store.path) as connection:
        kept = str(connection.execute("select * from segments").fetchall())
    assert not any(address in kept for address in READERS)
    assert run(folder, "forget", READERS[0], "--yes", *files).code == 0
    said = json.loads(audience(asked, "show", "all", "--json").out)
    assert (said["people"], said["exportable"]) == (len(READERS) - 1, 0)
    assert audience(asked, "export", "all", "--for", "csv", "-o", "up.csv").code == 0
    assert (folder / "up.csv").read_text().split() == ["email"]
    (folder / "list.csv").write_text(f"email\n{READERS[0]}\n")  # and stays out when a later list has them
    (folder / "mail.html").write_text("<p><a href='https://shop.example/'>x</a></p>")
    base = ("--recipients", "list.csv", "--base-url", "https://t.example")
    assert run(folder, "inject", "mail.html", *base, *files).code == 0
    said = json.loads(audience(asked, "show", "all", "--json").out)
    assert (said["people"], said["unnamed"]["not measured"]) == (len(READERS) - 1, 1)


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            st.sampled_from(["granted", "denied", "withdrawn"]),
            st.sampled_from(["form", BY_SIGNAL]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_what_holds_is_what_the_ledger_says(
    inject: Inject, workspace: Workspace, told: list[tuple[int, str, str]]
) -> None:
    store = workspace.store
    address = (
        f"p{store.people_size()}@x.example"  # rows of the ledger stay, so each example has its own person
    )
    inject(address)
    for at, decision, method in told:
        decide(workspace, address, decision, START + at, method)
    held = ledger.holding(store.consents_of(workspace.keyring.subject(address)))
    assert held is not None
    everybody = Marks(b"\0" * (store.people_size() - 1) + b"\1")
    by_signal = held.method == BY_SIGNAL and held.decision == "denied"
    want = {} if held.decision == "granted" else {"browser signal" if by_signal else held.decision: 1}
    assert segments.allowed(store, everybody).left_out == want
