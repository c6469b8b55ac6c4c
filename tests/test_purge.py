"""Purge: what is too old goes, nothing early, and never by a clock that may be wrong."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import START, Inject
from hypothesis import given
from hypothesis import strategies as st
from test_judging import PHONE
from test_report import READERS, Hits

from pixeltrack import clock, purging, report, retention
from pixeltrack.config import Settings
from pixeltrack.doctor import check_here
from pixeltrack.ledger import Entry
from pixeltrack.model import Event, EventKind
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.steps import Reading, doubt
from pixeltrack.store import Store

DAY, HOUR = 86_400_000, 3_600_000
UP = 400 * DAY  # a machine that is never off


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    inject(*READERS)
    found = Hits(workspace, "spring")
    found.open(0, 100)
    found.click(0, 200)
    found.open(1, 300, agent=PHONE)
    return found


def at(moment: float, boot: str = "one", up: float = UP) -> Reading:
    return Reading(round(moment), boot, round(up))


def rows(path: Path, select: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(select).fetchall()


def events(store: Store) -> int:
    return sum(len(list(store.events(each.campaign_id))) for each in store.campaigns())


# -- what goes ------------------------------------------------------------------------------------------


def test_hits_go_when_they_are_older_than_the_limit_and_no_sooner(
    hits: Hits, workspace: Workspace, settings: Settings
) -> None:
    """P7: older than the limit is gone, younger is not."""
    store, settings = workspace.store, replace(settings, events_days=30)
    before = report.build(store, "spring")
    found = purging.purge(store, settings, at(START + 30 * DAY))
    assert (found.rows["hits"], events(store)) == (0, 3)
    found = purging.purge(store, settings, at(START + 30 * DAY + HOUR + 300_000))
    assert (found.rows["hits"], events(store)) == (3, 0)
    assert report.build(store, "spring") == replace(before, gone_before=found.events_before)


@given(st.integers(0, 1 << 50), st.integers(1, 760))
def test_nothing_is_too_old_before_its_days_are_over(now: int, days: int) -> None:
    before = retention.events_before(now, days)
    assert now - days * DAY - HOUR < before <= now - days * DAY
    assert before % HOUR == 0


def test_an_open_extends_nothing(hits: Hits, workspace: Workspace, settings: Settings) -> None:
    for day in range(1, 31, 7):
        hits.open(0, day * 86_400)
    purging.purge(workspace.store, replace(settings, events_days=30), at(START + 31 * DAY))
    left = {moment for _message, moment, *_rest in workspace.store.events(1)}
    assert min(left) == START + DAY
    assert len(left) == 5


def test_without_a_limit_it_is_180_days(hits: Hits, workspace: Workspace, settings: Settings) -> None:
    assert purging.look(workspace.store, settings, at(START + 180 * DAY)).rows["hits"] == 0
    found = purging.look(workspace.store, settings, at(START + 181 * DAY))
    assert (found.rows["hits"], found.events_days) == (3, 180)


def test_what_else_is_too_old_goes(hits: Hits, workspace: Workspace, settings: Settings) -> None:
    store, now, subject = workspace.store, START + 1_500 * DAY, b"s" * 16
    said = ("form", "page", None, "test")
    store.record_consents(
        [
            Entry(subject, "opens", "granted", START - 9 * DAY, START, *said),
            Entry(subject, "opens", "granted", START - 8 * DAY, START, *said),
            Entry(subject, "opens", "withdrawn", now - 1_000 * DAY, START, *said),
        ],
        {},
    )
    with sqlite3.connect(store.path) as connection:
        connection.execute(
            "insert into recipients (recipient_id, identity, fields) values (99, 'x@y.example', '{}')"
        )
        connection.execute("insert into last_opens values (1, ?)", [now // DAY - 731])
        connection.execute("insert into last_opens values (2, ?)", [now // DAY - 730])
        connection.execute("insert into addresses values (1, 1, ?, 1, 0, '192.0.2.7')", [START])
    found = purging.purge(store, settings, at(now))
    assert found.rows == {
        **{"hits": 3, "addresses": 1, "last_opens": 1, "consents": 1, "recipients": 1},
        **{"views": 0, "conversions": 0, "names": 1, "salts": 0, "deliveries": 0},
    }
    assert [each.decision for each in store.consents_of(subject)] == ["granted", "withdrawn"]
    assert rows(store.path, "select recipient_id from last_opens") == [(2,)]
    assert purging.look(store, settings, at(now)).rows == dict.fromkeys(found.rows, 0)


def test_the_ledger_gives_up_nothing_that_a_person_decided_last(workspace: Workspace) -> None:
    entry = Entry(b"s" * 16, "opens", "granted", START, START, "form", "page", None, "test")
    workspace.store.record_consents([entry], {})
    assert workspace.store.purge_consents(1 << 60) == 0
    with pytest.raises(sqlite3.IntegrityError, match="only added to"):
        rows(workspace.store.path, "delete from consents")


def test_a_collector_beside_it_goes_on_under_numbers_that_hold(
    hits: Hits, workspace: Workspace, settings: Settings
) -> None:
    def put(agent: str, moment: int) -> None:
        other.put_events([Event(moment, 1, EventKind.OPEN, 0, 5, agent, 0, f"net-{agent}/2026-01-01")])

    now = START + 200 * DAY
    with closing(open_workspace(settings, create=False).store) as other:
        for agent in ("one", "two", "three"):
            put(agent, START)
        assert purging.purge(workspace.store, settings, at(now)).rows["names"] > 3
        for agent in ("two", "one", "four", "three"):
            put(agent, now)
    found = [agent for *_rest, agent, _flags in workspace.store.events(1)]
    assert sorted(found) == ["four", "one", "three", "two"]


def test_what_was_deleted_is_in_no_file(hits: Hits, workspace: Workspace, settings: Settings) -> None:
    store = workspace.store
    store.put_events([Event(START, 1, EventKind.OPEN, 0, 5, "SecretAgent/007", 0)])
    store.put_events([Event(START, 1, EventKind.OPEN, 0, 5, "another", 0)])
    assert purging.purge(store, settings, at(START + 200 * DAY)).clean
    for path in store.path.parent.glob("t.db*"):
        assert b"SecretAgent" not in path.read_bytes()


def test_it_is_in_the_audit_trail(hits: Hits, workspace: Workspace, settings: Settings) -> None:
    purging.purge(workspace.store, settings, at(START + 200 * DAY))
    last = list(workspace.store.trail())[-1]
    assert last.action == "purge"
    assert json.loads(last.counts)["hits"] == 3
    assert last.subject is None


def _collect(settings: Settings, ready: object, stop: object, stored: object) -> None:
    number = 0
    with closing(open_workspace(settings, create=False, busy_ms=2_000).store) as store:
        while not stop.is_set():  # type: ignore[attr-defined]
            store.put_events([Event(START + 300 * DAY, 1, EventKind.OPEN, 0, number, PHONE, 0)])
            number += 1
            ready.set()  # type: ignore[attr-defined]
    stored.value = number  # type: ignore[attr-defined]


def test_a_collector_loses_nothing_while_it_runs(
    inject: Inject, workspace: Workspace, settings: Settings
) -> None:
    inject(*READERS)
    store = workspace.store
    store.put_events([Event(START + each, 1, EventKind.OPEN, 0, each, PHONE, 0) for each in range(5_000)])
    before = report.build(store, "spring").opens
    spawn = multiprocessing.get_context("spawn")
    ready, stop, stored = spawn.Event(), spawn.Event(), spawn.Value("i", 0)
    collector = spawn.Process(target=_collect, args=(settings, ready, stop, stored))
    collector.start()
    assert ready.wait(30)
    purging.purge(store, settings, at(START + 200 * DAY))
    stop.set()
    collector.join(30)
    assert (collector.exitcode, events(store)) == (0, stored.value)
    after = report.build(store, "spring").opens
    assert after.total == before.total + stored.value


# -- clocks ---------------------------------------------------------------------------------------------

NOW = START + 1_000 * DAY
CLOCKS = {
    "nothing is known": (at(NOW, up=HOUR), None, None, ""),
    "a hit just now": (at(NOW), None, NOW - 1_000, ""),
    "a hit that is still to come": (at(NOW), at(NOW - DAY, up=UP - DAY), NOW + HOUR, "newest hit is of"),
    "a hit of a clock that is a little ahead": (at(NOW), None, NOW + 60_000, ""),
    "behind the last purge": (at(NOW), at(NOW + DAY), None, "the last purge was on"),
    "a quiet week": (at(NOW), at(NOW - 7 * DAY, up=UP - 7 * DAY), NOW - 30 * DAY, ""),
    "a quiet week, the first time": (at(NOW, up=8 * DAY), None, NOW - 7 * DAY, ""),
    "set forward three days": (at(NOW + 3 * DAY), at(NOW - DAY, up=UP - DAY), NOW, "3 days further"),
    "set forward less than a day": (at(NOW + DAY), at(NOW, up=UP - HOUR), NOW, ""),
    "set back three days": (at(NOW - 3 * DAY), at(NOW - DAY, up=UP - DAY), None, "the last purge was on"),
    "started again every night": (at(NOW, "two", HOUR), at(NOW - DAY), NOW - 90 * DAY, ""),
    "a year ahead after a start": (
        at(NOW + 365 * DAY, "two", HOUR),
        at(NOW - DAY),
        NOW,
        "has been up for 1 hours",
    ),
    "off for a week, with mail since": (at(NOW, "two", HOUR), at(NOW - 7 * DAY), NOW - HOUR, ""),
    "a clock without a start": (at(NOW, ""), at(NOW - DAY, ""), NOW - DAY, ""),
}


@pytest.mark.parametrize("case", CLOCKS)
def test_a_clock_is_doubted(case: str) -> None:
    now, last, newest, said = CLOCKS[case]
    found = doubt(now, last, newest)
    assert said in found
    assert bool(found) is bool(said)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Iterator[list[Reading]]:
    """What the machine's clock says, which a test may set."""
    now = [at(START + 100 * DAY)]
    monkeypatch.setattr(clock, "now_ms", lambda: now[0].at)
    monkeypatch.setattr(clock, "up_ms", lambda: now[0].up)
    monkeypatch.setattr(clock, "boot", lambda: now[0].boot)
    yield now


def test_clock_steps_of_three_days_delete_nothing_early(
    hits: Hits, workspace: Workspace, machine: list[Reading]
) -> None:
    """P7: a clock that may be wrong deletes nothing."""
    folder = workspace.store.path.parent

    def purge(*more: str) -> int:
        return run(folder, "--db", "t.db", "purge", "--yes", *more).code

    assert purge() == 0
    up = UP
    for step in (3, -3, 2, -2):
        up += HOUR
        machine[0] = at(START + (100 + step) * DAY + 78 * DAY, up=up)
        assert purge() == 1
        assert events(workspace.store) == 3
    machine[0] = at(START + 183 * DAY, up=UP + 83 * DAY)
    assert purge() == 0
    assert events(workspace.store) == 0


def test_who_says_that_the_clock_is_right_is_believed(
    hits: Hits, workspace: Workspace, machine: list[Reading]
) -> None:
    folder = workspace.store.path.parent
    machine[0] = at(START + 300 * DAY, "two", HOUR)
    refused = run(folder, "--db", "t.db", "purge", "--yes")
    assert refused.code == 1
    assert "nothing is deleted: the clock says" in refused.err
    assert "--clock-is-right" in refused.err
    assert run(folder, "--db", "t.db", "purge", "--yes", "--clock-is-right").code == 0
    assert events(workspace.store) == 0
    machine[0] = at(START + 301 * DAY, "two", DAY + HOUR)
    assert run(folder, "--db", "t.db", "purge", "--yes").code == 0


# -- the command, and what doctor says ------------------------------------------------------------------


def test_without_yes_nothing_goes(hits: Hits, workspace: Workspace, machine: list[Reading]) -> None:
    machine[0] = at(START + 300 * DAY)
    folder = workspace.store.path.parent
    said = run(folder, "--db", "t.db", "purge")
    assert said.code == 0
    assert "would be deleted: 3 hits from before 2027-01-" in said.out
    assert "180 days ago, as the settings say nothing (retention.events_days)" in said.out
    assert "nothing was deleted; pixeltrack purge --yes does it" in said.out
    assert events(workspace.store) == 3
    found = json.loads(run(folder, "--db", "t.db", "purge", "--yes", "--json").out)
    assert (found["deleted"], found["hits"], found["campaigns"]) == (True, 3, {"spring": 3})
    assert "nothing is too old" in run(folder, "--db", "t.db", "purge").out


def test_doctor_fails_where_purge_has_not_run_for_two_days(
    hits: Hits, workspace: Workspace, settings: Settings
) -> None:
    """P7: what is not purged is said."""

    def outcome(now: int) -> tuple[str, str]:
        (found,) = [each for each in check_here(limited, now) if each.name == "retention"]
        return found.outcome, found.message

    limited = replace(settings, events_days=30)
    assert outcome(START + DAY)[0] == "warning"
    assert "purge has never run" in outcome(START + DAY)[1]
    assert outcome(START + 31 * DAY)[0] == "failed"
    purging.purge(workspace.store, limited, at(START + 29 * DAY))
    assert outcome(START + 30 * DAY)[0] == "ok"
    assert outcome(START + 31 * DAY)[0] == "ok"
    assert outcome(START + 32 * DAY) == (
        *("failed", "the oldest event is 31 days old, and 30 is the limit; purge ran 3 days ago"),
    )
    purging.purge(workspace.store, limited, at(START + 32 * DAY))
    assert outcome(START + 40 * DAY)[0] == "ok"


# -- what is said of hits that are gone -----------------------------------------------------------------


@pytest.fixture
def purged(hits: Hits, workspace: Workspace, settings: Settings) -> Path:
    """A folder of which the campaign's first hits are purged, and one came later."""
    purging.purge(workspace.store, settings, at(START + 200 * DAY))
    hits.open(2, 190 * 86_400)
    return workspace.store.path.parent


GONE = "from before 2026-10-11 14:00 UTC are deleted"


@pytest.mark.parametrize("form", [(), ("--full",)])
def test_a_report_says_that_its_totals_hold_what_is_deleted(purged: Path, form: tuple[str, ...]) -> None:
    said = run(purged, "--db", "t.db", "report", "--campaign", "spring", *form, COLUMNS="200").out
    assert f"Hits {GONE}; they are in these totals" in said
    found = json.loads(run(purged, "--db", "t.db", "report", "--campaign", "spring", "--json").out)
    assert (found["opens"], found["gone_before"]) == (
        {"unique": 2, "total": 3},
        "2026-10-11T14:00:00.000+00:00",
    )


def test_a_page_says_it_too(purged: Path) -> None:
    assert run(purged, "--db", "t.db", "report", "--campaign", "spring", "--html", "r.html").code == 0
    assert GONE in (purged / "r.html").read_text("utf-8")


@pytest.mark.parametrize(
    "asked",
    [
        ("report", "--campaign", "spring", "--by", "device"),
        ("report", "--campaign", "spring", "--by", "device", "--csv"),
        ("report", "--campaign", "spring", "--who", "opened"),
        ("report", "--campaign", "spring", "--who", "opened", "--csv"),
        ("report", "--campaign", "spring", "--since", "2026-10-01"),
        ("explain", "--campaign", "spring", "--recipient", READERS[0]),
        ("export", "--events"),
        ("export", "--people"),
    ],
)
def test_what_is_made_from_single_hits_says_that_some_are_gone(purged: Path, asked: tuple[str, ...]) -> None:
    said = run(purged, "--db", "t.db", *asked, COLUMNS="200")
    assert said.code == 0
    assert GONE in said.out + said.err


def test_what_begins_later_does_not(purged: Path) -> None:
    asked = ("report", "--campaign", "spring", "--by", "device", "--since", "2026-10-12")
    said = run(purged, "--db", "t.db", *asked, COLUMNS="200")
    assert GONE not in said.out + said.err
    assert json.loads(run(purged, "--db", "t.db", *asked, "--json").out)["gone_before"] is None


def test_the_nightly_example_runs(hits: Hits, workspace: Workspace, machine: list[Reading]) -> None:
    unit = Path(__file__).parents[1] / "examples" / "nightly-purge" / "pixeltrack-purge.service"
    (line,) = [each for each in unit.read_text().splitlines() if each.startswith("ExecStart=")]
    program, *argv = line.removeprefix("ExecStart=").split()
    assert program.endswith("/pixeltrack")
    machine[0] = at(START + 300 * DAY)
    (workspace.store.path.parent / "pixeltrack.toml").write_text('db = "t.db"\n')
    assert "deleted: 3 hits" in run(workspace.store.path.parent, *argv).out
    assert events(workspace.store) == 0
