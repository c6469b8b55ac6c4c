"""Who has not opened since a date, and what that cannot tell."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest
from command import run
from conftest import START, Inject, people
from test_report import APPLE_AHEAD, Hits

from pixeltrack import inactive, verdicts
from pixeltrack.setup import Workspace

TODAY = START // inactive.DAY
READERS = ["ada@x.example", "bob@x.example", "cid@x.example", "dan@x.example"]


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    """Ada has opened, ten days later; what was loaded for Bob was loaded ahead. Eve refuses."""
    inject(recipients=[*people(*READERS, town="Bonn"), *people("eve@x.example", consent="denied")])
    made = Hits(workspace, "spring", READERS)
    made.open(0, 10 * 86_400)
    made.open(1, 10, APPLE_AHEAD)
    verdicts.bring_up_to_date(workspace.store)
    return made


def sql(workspace: Workspace, statement: str, *values: object) -> None:
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute(statement, values)


def listed(found: inactive.Inactive) -> dict[str, int | None]:
    return {each.address: each.last for each in found.people}


def test_who_has_no_open_of_a_person_is_idle(hits: Hits, workspace: Workspace) -> None:
    found = inactive.build(workspace.store, TODAY + 5)
    assert listed(found) == {"bob@x.example": None, "cid@x.example": None, "dan@x.example": None}
    assert (found.active, found.unknown) == (1, 1)  # Ada; of Eve nothing is measured
    later = inactive.build(workspace.store, TODAY + 11)
    assert listed(later)["ada@x.example"] == TODAY + 10
    assert later.active == 0


def test_who_was_sent_nothing_before_has_not_been_idle(hits: Hits, workspace: Workspace) -> None:
    found = inactive.build(workspace.store, TODAY)
    assert (found.people, found.unknown) == ((), 5)


def test_hygiene_tells_its_one_date(hits: Hits, workspace: Workspace) -> None:
    sql(workspace, "update messages set opens = 3, clicks = 0, tracked = 0")
    ids = dict(sqlite3.connect(workspace.store.path).execute("select identity, recipient_id from recipients"))
    sql(workspace, "insert into last_opens values (?, ?)", ids["cid@x.example"], TODAY + 7)
    found = inactive.build(workspace.store, TODAY + 5)
    assert "cid@x.example" not in listed(found)
    assert listed(inactive.build(workspace.store, TODAY + 8))["cid@x.example"] == TODAY + 7
    assert listed(found)["ada@x.example"] is None  # what is stored of her hits is not used


@pytest.mark.parametrize("scope", ["all", "tracking", "opens"])
def test_who_refuses_is_left_out(hits: Hits, workspace: Workspace, scope: str) -> None:
    message = hits.message(3)
    sql(workspace, "insert into optouts values (?, ?, ?, 1, ?, null)", b"dan", scope, START, message)
    found = inactive.build(workspace.store, TODAY + 5)
    assert "dan@x.example" not in listed(found)
    assert found.refusing == 1


def test_a_silenced_copy_tells_nothing(hits: Hits, workspace: Workspace) -> None:
    sql(workspace, "insert into silenced values (1, ?, 'list', 1)", hits.message(2))
    assert "cid@x.example" not in listed(inactive.build(workspace.store, TODAY + 5))


def test_every_form_has_the_same_people(hits: Hits, tmp_path: Path) -> None:
    asked = ("report", "--inactive-since", "2026-09-26", "--db", "t.db")
    terminal, as_csv, as_json = (
        run(tmp_path, *asked),
        run(tmp_path, *asked, "--csv"),
        run(tmp_path, *asked, "--json"),
    )
    rows = list(csv.DictReader(io.StringIO(as_csv.out)))
    assert [row["email"] for row in rows] == READERS[1:]
    assert {(row["town"], row["pt_last"], row["pt_mails"]) for row in rows} == {("Bonn", "", "1")}
    value = json.loads(as_json.out)
    assert [each["address"] for each in value["people"]] == READERS[1:]
    assert (value["active"], value["unknown"], value["inactive_since"]) == (1, 1, "2026-09-26")
    said = " ".join(terminal.out.split())
    assert "3 recipients have not opened since 2026-09-26" in said
    assert "An open is not a contact" in said
    assert "who blocks pictures looks idle" in said


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("--inactive-since", "May"), "is no date"),
        (("--inactive-since", "2026-05-01", "--campaign", "spring"), "exclude each other"),
        (("--inactive-since", "2026-05-01", "--since", "2026-05-01"), "do not go together"),
        (("--inactive-since", "2026-05-01", "--ab"), "are two runs"),
    ],
)
def test_wrong_use_is_one_clear_error(hits: Hits, tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    ran = run(tmp_path, "report", "--db", "t.db", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
