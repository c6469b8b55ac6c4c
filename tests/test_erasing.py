"""Hits are deleted, and what reports say stays: old ones, and those of people who are erased."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_judging import HITS, PHONE, hit
from test_report import READERS, Hits
from test_verdicts import CLICK, OPEN, Made

from pixeltrack import erasing, report, rollups, verdicts
from pixeltrack.figures import CampaignReport, Tally
from pixeltrack.model import Event, EventKind
from pixeltrack.replay import HOUR
from pixeltrack.rules import rules, shipped
from pixeltrack.setup import Workspace
from pixeltrack.store import Store
from pixeltrack.times import read_zone

UTC = read_zone("UTC")


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    found = Made(tmp_path)
    yield found
    found.store.close()


def said(store: Store) -> CampaignReport:
    """What the report says, which is also what counting all hits anew gives."""
    found = report.build(store, "spring", zone=UTC)
    assert rollups.rebuild(store, store.campaign("spring")).different == 0
    assert report.build(store, "spring", zone=UTC) == found
    return replace(found, gone_before=None)


def numbers(store: Store) -> set[int]:
    return {fact.event_id for _campaign, fact in store.facts_between(0, store.last_event())}


@given(
    st.lists(st.lists(HITS, min_size=1, max_size=8), min_size=1, max_size=4),
    st.lists(st.integers(0, 30), min_size=1, max_size=4),
    st.sampled_from((2, 20)),
)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_are_after_any_purge_what_they_were_before(tmp_path_factory, steps, cuts, limit) -> None:
    made = Made(tmp_path_factory.mktemp("purge"))
    made.store._replays._limit = limit
    for place, step in enumerate(steps):
        made.put(*step)
        before = said(made.store)
        cut = min(each.at for each in step) // HOUR * HOUR + cuts[place % len(cuts)] * HOUR
        erasing.delete_before(made.store, cut)
        assert said(made.store) == before
        facts = [fact for _campaign, fact in made.store.facts_between(0, made.store.last_event())]
        assert all(fact.at >= cut for fact in facts)
        assert all(repeat.first_at >= cut for repeat in made.store.repeats(made.campaign.campaign_id))
    made.store.close()


@given(st.lists(HITS, min_size=1, max_size=12), st.sets(st.integers(1, 5), max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_stay_when_people_are_erased(tmp_path_factory, hits, gone) -> None:
    made = Made(tmp_path_factory.mktemp("erase"))
    made.put(*hits)
    before = said(made.store)
    erasing.delete_messages(made.store, [(made.campaign.campaign_id, message) for message in gone])
    assert said(made.store) == before
    left = [fact for _campaign, fact in made.store.facts_between(0, made.store.last_event())]
    assert not gone & {fact.message for fact in left}
    made.store.close()


def test_whoever_opens_again_after_a_purge_is_no_second_person(inject: Inject, workspace: Workspace) -> None:
    inject(*READERS)
    hits, store = Hits(workspace, "spring"), workspace.store
    hits.open(0, 100)
    hits.open(1, 100)
    hits.open(1, 900_000)
    before = said(store)
    erasing.delete_before(store, (1_740_000_000_000 // HOUR + 10**6) * HOUR)
    assert numbers(store) == set()
    hits.open(0, 2_000_000)
    hits.click(1, 2_000_000)
    after = said(store)
    assert (before.opens, after.opens) == (Tally(2, 3), Tally(2, 4))
    assert (before.clicks, after.clicks) == (Tally(0, 0), Tally(0, 1))
    assert after.open_rate == before.open_rate


def test_a_run_of_which_nothing_was_purged_is_counted_as_ever(inject: Inject, workspace: Workspace) -> None:
    store = workspace.store
    inject(*READERS[:4])
    hits = Hits(workspace, "spring")
    hits.open(0, 100)
    assert said(store).opens == Tally(1, 1)
    erasing.delete_before(store, 1 << 50)
    inject(*READERS)
    hits.open(5, 3_000_000)
    hits.click(5, 3_000_100)
    assert (said(store).opens, said(store).clicks) == (Tally(2, 2), Tally(1, 1))


def test_a_message_of_which_a_part_is_purged_is_counted_once(made: Made) -> None:
    made.put(hit(OPEN, 100, agent=PHONE), hit(OPEN, 900_000, agent=PHONE))
    before = said(made.store)
    cut = (hit(OPEN, 100).at // HOUR + 1) * HOUR
    erasing.delete_before(made.store, cut)
    made.put(hit(OPEN, 950_000, agent=PHONE))
    after = said(made.store)
    assert after.opens == Tally(before.opens.unique, before.opens.total + 1)
    assert after.devices == before.devices
    erasing.delete_before(made.store, 1 << 50)
    assert said(made.store) == after


def test_numbers_of_hits_are_never_given_twice(made: Made) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 200, message=2))
    said(made.store)
    for round_ in range(3):
        erasing.delete_before(made.store, 1 << 50)
        made.put(hit(OPEN, 300 + round_, message=3 + round_))
        assert numbers(made.store) == {3 + round_}
        assert said(made.store).opens.total == 3 + round_
    with sqlite3.connect(made.store.path) as connection:
        assert connection.execute("select count(*) from events where campaign_id = 0").fetchone() == (1,)
    erasing.delete_before(made.store, 0)
    assert verdicts.judge_again(made.store, shipped()) is None
    assert said(made.store).opens.total == 5


def test_other_rules_judge_what_is_there_and_keep_the_rest(made: Made, tmp_path: Path) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 100, message=2), hit(OPEN, 900_000, message=3))
    before = said(made.store)
    erasing.delete_before(made.store, (hit(OPEN, 100).at // HOUR + 1) * HOUR)
    verdicts.update(made.store, replace(shipped(), version="other"))
    verdicts.update(made.store, shipped())
    assert said(made.store) == before


def test_the_erased_still_count_as_sent_to(inject: Inject, workspace: Workspace) -> None:
    readers = [f"p{number}@firm.example" for number in range(6)] + ["ada@lovelace.example", "b@gmail.com"]
    readers += [f"me@home{number}.example" for number in range(4)]  # so that few are not told from the firm
    inject(*readers)
    hits, store = Hits(workspace, "spring", readers), workspace.store
    for reader in (0, 6, 7):
        hits.open(reader, 100)
    before = said(store)
    campaign = store.campaign("spring")
    keys = workspace.keyring.campaign(campaign.code, campaign.key_id)
    gone = [
        (campaign.campaign_id, int.from_bytes(keys.pseudonym(reader), "big", signed=True))
        for reader in (readers[0], readers[6], readers[7])
    ]
    erasing.delete_messages(store, gone, rows=True)
    assert said(store) == before
    with sqlite3.connect(store.path) as connection:
        assert connection.execute("select count(*) from messages").fetchone() == (9,)
        domains = connection.execute("select domain from kept_audience order by domain").fetchall()
        assert domains == [("",), ("firm.example",), ("gmail.com",)]
        assert "lovelace" not in str(connection.execute("select cell from kept_cells").fetchall())
        assert "lovelace" not in str(connection.execute("select cell from rollup_cells").fetchall())


def test_hits_that_are_judged_while_others_are_deleted_are_counted_once(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 100, message=2))
    before, other = said(made.store), made.again()
    write, others = made.store.delete_keeping_totals, [1]

    def judged_meanwhile(*given: object) -> object:
        if others:
            others.pop()
            made.put(hit(CLICK, 500, 1, message=2))
            verdicts.update(other, rules())
        return write(*given)

    monkeypatch.setattr(made.store, "delete_keeping_totals", judged_meanwhile)
    erasing.delete_before(made.store, (hit(OPEN, 100).at // HOUR + 1) * HOUR)
    other.close()
    after = said(made.store)
    assert (after.opens, after.clicks) == (before.opens, Tally(1, 1))


def test_a_purge_that_ends_half_way_leaves_every_figure_right(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made.put(*(hit(OPEN, 100 + number, message=number) for number in range(2_500)))
    before = said(made.store)
    write, left = made.store.delete_keeping_totals, [1]

    def once(*given: object) -> object:
        if not left:
            raise KeyboardInterrupt
        left.pop()
        return write(*given)

    monkeypatch.setattr(made.store, "delete_keeping_totals", once)
    with pytest.raises(KeyboardInterrupt):
        erasing.delete_before(made.store, 1 << 50)
    assert said(made.store) == before
    monkeypatch.undo()
    erasing.delete_before(made.store, 1 << 50)
    assert said(made.store) == before
    assert numbers(made.store) == set()


def test_hits_of_merge_mail_are_kept_as_totals_too(workspace: Workspace, inject: Inject) -> None:
    inject("a@x.example")
    store = workspace.store
    campaign = store.campaign("spring")
    store.put_events([Event(3_600_000, campaign.campaign_id, EventKind.OPEN, 0, 77, PHONE, 0)])
    before = said(store)
    erasing.delete_before(store, 1 << 50)
    assert said(store) == before
