"""Roll-ups: kept up as hits are judged, in the end they are what counting all hits gives."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_judging import HITS, LINKS, PHONE, hit
from test_report import Hits
from test_verdicts import CLICK, OPEN, Made

from pixeltrack import count, report, rollups, rules, verdicts
from pixeltrack.cells import Rollup
from pixeltrack.rules import shipped
from pixeltrack.setup import Workspace


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    found = Made(tmp_path)
    yield found
    found.store.close()


def counted(made: Made) -> Rollup:
    return rollups.counted(made.store, made.campaign.campaign_id)


@given(st.lists(st.lists(HITS, max_size=8), max_size=5))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_few_hits_in_each_transaction_add_up_to_the_full_count(tmp_path_factory, steps) -> None:
    made = Made(tmp_path_factory.mktemp("steps"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verdicts, "WINDOW", 5)
        patch.setattr(verdicts, "_AT_ONCE", 2)
        for step in steps:
            made.put(*step)
            verdicts.update(made.store, shipped())
            assert made.rollup() == counted(made)
    made.store.close()


def test_the_first_and_last_of_people_are_found_again_when_a_sweep_takes_them_away(made: Made) -> None:
    made.put(hit(OPEN, 5, message=2, agent=PHONE), hit(OPEN, 34), hit(OPEN, 40_000, message=3))
    made.put(hit(OPEN, 90_000, message=4), *(hit(OPEN, 20_000, message=each) for each in range(9, 1_500)))
    verdicts.update(made.store, shipped())
    before = made.rollup()
    made.put(*(hit(CLICK, 90_004 + link / 10, link, message=4) for link in LINKS))
    verdicts.update(made.store, shipped())
    after = made.rollup()
    assert before is not None
    assert after is not None
    assert before.last is not None
    assert after.last == before.last - 50_000_000
    assert after == counted(made)


class Stop(Exception):
    pass


def test_judging_that_is_interrupted_anywhere_leaves_what_was_judged(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts, "_AT_ONCE", 5)
    (tmp_path / "own.toml").write_text('machine = [{ kind = "gateway", tokens = ["Chrome/131"] }]')
    own = rules.load(tmp_path / "own.toml")
    made.put(*(hit(OPEN, 100 + number, message=number % 9) for number in range(50)))
    verdicts.update(made.store, shipped())
    made.put(*(hit(CLICK, 300 + number, number % 5 + 1, message=number % 12) for number in range(50)))
    for book, most in ((shipped(), 3), (own, 20), (shipped(), 31), (shipped(), 1_000)):
        left = most

        def changed(_change: verdicts.Change) -> None:
            nonlocal left
            left -= 1
            if not left:
                raise Stop

        with suppress(Stop):
            verdicts.update(made.store, book, changed=changed)
        assert made.rollup() == counted(made)
    assert made.stored() == made.right()


def test_verdicts_that_are_thrown_away_are_not_counted_twice(made: Made) -> None:
    made.put(hit(OPEN, 100), hit(CLICK, 200, 1))
    verdicts.update(made.store, shipped())
    before = made.rollup()
    with sqlite3.connect(made.store.path) as connection:
        for table in ("judging", "verdicts", "judgements", "message_events"):
            connection.execute(f"delete from {table}")
    verdicts.update(made.store, shipped())
    assert made.rollup() == before == counted(made)


def test_figures_of_another_version_are_counted_anew(made: Made) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 200, message=2))
    right = report.build(made.store, "spring")
    with sqlite3.connect(made.store.path) as connection:
        connection.execute("update rollups set version = '0 of old'")
        connection.execute("update rollup_cells set number = 77")
    assert report.build(made.store, "spring") == right
    made.put(hit(OPEN, 300, message=3))
    assert report.build(made.store, "spring").opens.total == 3
    assert made.rollup() == counted(made)


def test_a_report_without_roll_ups_counts(made: Made) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 200, message=2), hit(CLICK, 900, 1))
    right = report.build(made.store, "spring")
    with sqlite3.connect(made.store.path) as connection:
        connection.execute("delete from rollups")
        connection.execute("delete from rollup_cells")
    assert report.build(made.store, "spring") == right


def test_the_audience_is_counted_again_when_messages_change(inject: Inject, workspace: Workspace) -> None:
    store = workspace.store
    inject("a@gmail.com", "b@firm.example")
    (campaign,) = store.campaigns()
    first = rollups.audience(store, campaign.campaign_id)
    assert first == (2, 2, {"Gmail": 1, "other domains": 1}, {})
    assert store.audience(campaign.campaign_id, "1") == first
    inject("a@gmail.com", "b@firm.example", "c@gmail.com")
    assert store.audience(campaign.campaign_id, "1") is None
    assert rollups.audience(store, campaign.campaign_id) == (3, 3, {"Gmail": 2, "other domains": 1}, {})


def test_a_message_that_comes_while_the_audience_is_counted_is_not_forgotten(made: Made) -> None:
    number = made.campaign.campaign_id

    def count() -> rollups.Audience:
        with sqlite3.connect(made.store.path, isolation_level=None) as other:
            other.execute(
                "insert into recipients (recipient_id, identity, fields) values (1, 'a@x.example', '{}')"
            )
            other.execute(
                "insert into messages (campaign_id, message, recipient_id, tracked) values (?, 1, 1, 1)",
                [number],
            )
        return rollups.Audience(0, 0, {}, {})

    made.store.keep_audience(number, "1", count)
    assert made.store.audience(number, "1") is None


def test_those_that_judge_at_once_count_each_hit_once(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 40)
    monkeypatch.setattr(verdicts, "_AT_ONCE", 10)
    made.put(*(hit(OPEN, number, message=number % 50, address=number % 4) for number in range(600)))
    failed: list[BaseException] = []

    def judge() -> None:
        store = made.again()
        try:
            verdicts.update(store, shipped())
        except BaseException as error:
            failed.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=judge) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert made.rollup() == counted(made)
    assert made.stored() == made.right()


def test_companies_of_five_recipients_are_counted_by_their_domains(
    inject: Inject, workspace: Workspace
) -> None:
    readers = [f"p{number}@firm.example" for number in range(5)] + ["a@small.example", "b@gmail.com"]
    inject(*readers)
    hits = Hits(workspace, "spring", readers)
    for reader in range(3):
        hits.open(reader, 100)
    hits.click(2, 200)
    hits.click(4, 300)
    hits.open(5, 100)
    (said,) = report.build(workspace.store, "spring").companies
    assert (said.domain, said.tracked, said.openers, said.clickers) == ("firm.example", 5, 3, 2)
    assert (said.open_rate, said.click_rate) == (3 / 5, 2 / 5)
    campaign = workspace.store.campaign("spring")
    assert rollups.rebuild(workspace.store, campaign).different == 0


def test_verdicts_that_are_new_meanwhile_are_counted(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 200, message=2))
    verdicts.update(made.store, shipped())
    read, other = made.store.seen, made.again()

    def judged_meanwhile(*given: int) -> Iterator[tuple[int, list[count.Hit], list[int]]]:
        made.put(*(hit(CLICK, 300 + link / 10, link, message=3) for link in LINKS))
        verdicts.update(other, shipped())
        yield from read(*given)

    monkeypatch.setattr(made.store, "seen", judged_meanwhile)
    found = rollups.counted(made.store, made.campaign.campaign_id)
    monkeypatch.undo()
    other.close()
    assert found == counted(made)


def test_a_roll_up_with_other_names_is_not_added_to(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts, "_AT_ONCE", 1)
    made.put(*(hit(OPEN, 100 + number, message=number) for number in range(4)))
    right = report.build(made.store, "spring")
    made.put(hit(OPEN, 300), hit(OPEN, 400, message=2))
    its_version = made.store.rollup_versions()[made.campaign.campaign_id]

    def another_program_counts(_change: verdicts.Change) -> None:
        with sqlite3.connect(made.store.path) as connection:
            connection.execute("update rollups set version = ?", [f"{its_version} but older"])
            connection.execute(
                "update rollup_cells set cell = '[\"device\",\"old\"]' where cell like '%device%'"
            )

    verdicts.update(made.store, shipped(), changed=another_program_counts)
    found = report.build(made.store, "spring")
    assert (found.opens.total, found.devices) == (right.opens.total + 2, right.devices)
    assert made.rollup() == counted(made)


def test_rebuilding_ends_though_hits_are_judged_all_the_time(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 200, message=2))
    verdicts.update(made.store, shipped())
    with sqlite3.connect(made.store.path) as connection:
        connection.execute("update rollup_cells set number = 77")
    read, other = made.store.seen, made.again()

    def judged_meanwhile(*given: int) -> Iterator[tuple[int, list[count.Hit], list[int]]]:
        made_by_other.put(hit(OPEN, 300, message=3))
        verdicts.update(other, shipped())
        yield from read(*given)

    made_by_other = Made.__new__(Made)
    made_by_other.store, made_by_other.campaign = other, made.campaign
    monkeypatch.setattr(made.store, "seen", judged_meanwhile)
    assert rollups.rebuild(made.store, made.campaign).different
    monkeypatch.undo()
    other.close()
    assert report.build(made.store, "spring").opens.total == 3
    assert made.rollup() == counted(made)


def test_a_report_does_not_wait_long_to_keep_what_it_has_counted(made: Made) -> None:
    made.put(hit(OPEN, 100))
    right = report.build(made.store, "spring")
    with sqlite3.connect(made.store.path) as connection:
        for table in ("rollups", "rollup_cells", "audiences"):
            connection.execute(f"delete from {table}")
    connection = sqlite3.connect(made.store.path, isolation_level=None)
    connection.execute("begin immediate")
    begun = time.monotonic()
    assert report.build(made.store, "spring") == right
    assert time.monotonic() - begun < 3  # it would wait 5 seconds for each
    connection.close()


def test_missing_figures_are_no_difference(made: Made) -> None:
    made.put(hit(OPEN, 100))
    verdicts.update(made.store, shipped())
    made.store.drop_rollup(made.campaign.campaign_id)
    assert rollups.rebuild(made.store, made.campaign).different == 0
    assert made.rollup() == counted(made)
