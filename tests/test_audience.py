"""Audiences: who is in them, who may be uploaded, and what the file says."""

from __future__ import annotations

import json
import sqlite3
import stat
from hashlib import sha256

import pytest
from command import run
from conftest import START, Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_report import APPLE_AHEAD, Hits

from pixeltrack import segments, uploads, verdicts
from pixeltrack.ledger import BY_SIGNAL, Entry
from pixeltrack.model import ClientClass
from pixeltrack.segments import Condition, Segment
from pixeltrack.setup import Workspace

READERS = ["ada@x.example", "bob@x.example", "cid@x.example", "dan@x.example"]
DAY = 86_400_000


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    inject(*READERS)
    return Hits(workspace, "spring", READERS)


def found(workspace: Workspace, segment: Segment, now: int = START + DAY) -> set[str]:
    verdicts.bring_up_to_date(workspace.store)
    return {each[:3] for each in segments.build(workspace.store, segment, now).people}


def test_what_people_did_and_did_not(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    hits.open(1, 7_200)
    hits.open(2, 10, APPLE_AHEAD)
    assert found(workspace, Segment((Condition("clicked"),))) == {"ada"}
    assert found(workspace, Segment((Condition("clicked", "", True),))) == {"bob", "cid", "dan"}
    assert found(workspace, Segment((Condition("opened"),))) == {"bob"}
    assert found(workspace, Segment((Condition("clicked"), Condition("opened")))) == set()


def test_only_within(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    at = START + 7_200_000
    assert found(workspace, Segment((Condition("clicked"),), within=DAY), at + DAY) == {"ada"}
    assert found(workspace, Segment((Condition("clicked"),), within=DAY), at + DAY + 1) == set()


def test_who_is_not_measured_has_neither_done_nor_not_done_it(hits: Hits, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("update messages set clicks = 4 where message = ?", [hits.message(0)])
        connection.execute("insert into silenced values (1, ?, 'person', 2)", [hits.message(1)])
    assert found(workspace, Segment((Condition("clicked", "", True),))) == {"cid", "dan"}


def test_of_others_and_not_of_others(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    hits.click(1, 7_200)
    hits.open(1, 7_100)
    store = workspace.store
    store.add_segment("read", Segment((Condition("opened"),)).json(), START)
    assert found(workspace, Segment((Condition("clicked"),), also=("read",))) == {"bob"}
    assert found(workspace, Segment((Condition("clicked"),), without=("read",))) == {"ada"}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(
        st.tuples(st.integers(0, 3), st.sampled_from(["/a", "/ab", "/b"]), st.integers(0, 9), st.booleans())
    ),
    st.sampled_from(["/a", "/a*", "/b", "*"]),
    st.integers(0, 10),
    st.booleans(),
)
def test_pages_as_a_plain_loop_finds_them(
    hits: Hits,
    workspace: Workspace,
    seen: set[tuple[int, str, int, bool]],
    page: str,
    within: int,
    negated: bool,
) -> None:
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("delete from views")
        connection.execute("insert or ignore into sites values (1, 'shop.example', 1, 0)")
        for number, path in enumerate(["/a", "/ab", "/b"]):
            connection.execute("insert or ignore into pages values (?, 1, ?)", [number, path])
        for reader, path, day, machine in seen:
            page_id = ["/a", "/ab", "/b"].index(path)
            kind = int(ClientClass.MACHINE if machine else ClientClass.PHONE)
            row = [hits.message(reader), page_id, START + day * DAY, kind]
            connection.execute(
                "insert into views (campaign_id, message, page_id, at, agent_id, class) values (1, ?, ?, ?, 1, ?)",
                row,
            )
    did = {
        READERS[reader][:3]
        for reader, path, day, machine in seen
        if not machine
        and day >= 10 - within
        and (path.startswith(page[:-1]) if page.endswith("*") else path == page)
    }
    want = {each[:3] for each in READERS} - did if negated else did
    asked = Segment((Condition("viewed", page, negated),), within=within * DAY)
    assert found(workspace, asked, START + 10 * DAY) == want


def consent(workspace: Workspace, address: str, decision: str, method: str = "form") -> None:
    subject = workspace.keyring.subject(address)
    entry = Entry(subject, "retargeting", decision, START, START, method, "x", None, "x")  # type: ignore[arg-type]
    workspace.store.record_consents([entry], {})


def test_only_who_agreed_is_uploaded(hits: Hits, workspace: Workspace) -> None:
    consent(workspace, READERS[0], "granted")
    consent(workspace, READERS[1], "denied", BY_SIGNAL)
    consent(workspace, READERS[2], "granted")
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute(
            "insert into optouts values (?, 'all', 1, 1, ?)",
            [workspace.keyring.subject(READERS[2]), hits.message(2)],
        )
    folder = workspace.store.path.parent
    files = ("--db", str(workspace.store.path))
    assert run(folder, "audience", "create", "all", "--not-clicked", "any", *files).code == 0
    made = run(folder, "audience", "export", "all", "--for", "google", "-o", "up.csv", *files)
    assert made.code == 0, made.err
    out = folder / "up.csv"
    assert out.read_text().split() == ["Email", sha256(READERS[0].encode()).hexdigest()]
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    for said in ("1 browser signal", "1 never asked", "1 opted out"):
        assert said in made.err
    assert run(folder, "audience", "export", "all", "--for", "meta", "-o", "up.csv", *files).code == 2
    shown = json.loads(run(folder, "audience", "show", "all", "--json", *files).out)
    assert (shown["people"], shown["retargeting"]) == (4, 1)
    with sqlite3.connect(
        workspace.store.path
    ) as connection:  # who is erased is in none: nobody is kept in it
        kept = connection.execute("select * from segments").fetchall()
    assert not any(address in str(kept) for address in READERS)
    assert run(folder, "forget", READERS[0], "--yes", *files).code == 0
    assert json.loads(run(folder, "audience", "show", "all", "--json", *files).out)["retargeting"] == 0


def test_addresses_are_normalised_and_dots_stay() -> None:
    assert uploads.written("csv", [" A.B@Gmail.com "]) == b"email\r\na.b@gmail.com\r\n"


def test_a_mail_to_an_audience(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    hits.click(1, 7_200)
    folder, files = workspace.store.path.parent, ("--db", str(workspace.store.path))
    (folder / "next.html").write_text("<p><a href='https://shop.example/'>x</a></p>")
    (folder / "list.csv").write_text("email,town\nADA@x.example,Bonn\ncid@x.example,Ulm\n")
    assert run(folder, "audience", "create", "warm", "--clicked", "any", *files).code == 0
    base = ("--base-url", "https://t.example", "--audience", "warm", "--json", *files)
    whole = run(folder, "inject", "next.html", *base)
    assert whole.code == 0, whole.err
    part = run(folder, "inject", "next.html", "--campaign", "part", "--recipients", "list.csv", *base)
    assert part.code == 0, part.err
    with sqlite3.connect(workspace.store.path) as connection:
        sent = connection.execute(
            "select name, identity from messages join campaigns using (campaign_id) join recipients"
            " using (recipient_id) where name <> 'spring' order by 1, 2"
        ).fetchall()
    assert sent == [("next", READERS[0]), ("next", READERS[1]), ("part", READERS[0])]


def test_a_goal_that_machines_told_of_or_that_was_refunded_is_not_reached(
    hits: Hits, workspace: Workspace
) -> None:
    put = (
        "insert into conversions (goal_id, order_id, entry, at, value, currency, whole, campaign_id, message,"
        " source, verified, told, class, signal) values (1, ?, ?, ?, 0, '', ?, 1, ?, 1, 1, 1, ?, 0)"
    )
    person, machine = int(ClientClass.PHONE), int(ClientClass.MACHINE)
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("insert into sites values (1, 'shop.example', 1, 0)")
        connection.execute("insert into goals values (1, 'order', 1, 0)")
        connection.execute(put, ["1", "", START, 0, hits.message(0), person])
        connection.execute(put, ["2", "", START, 0, hits.message(1), machine])
        connection.execute(put, ["3", "", START, 0, hits.message(2), person])
        connection.execute(put, ["3", "r", START, 1, hits.message(2), person])
    assert found(workspace, Segment((Condition("converted", "order"),))) == {"ada"}
    assert found(workspace, Segment((Condition("converted", "order", True),))) == {"bob", "cid", "dan"}
