"""Stored verdicts: what is new is judged, and in the end they are as if all had been judged at once."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_judging import HIDDEN, HITS, LINKS, MAIL, PHONE, hit
from test_sixty_hits import SENT

from pixeltrack import config, explain, reclassify, report, rollups, rules, setup, verdicts
from pixeltrack.cells import Rollup
from pixeltrack.errors import PixeltrackError, StoreError
from pixeltrack.judging import Fact, Label, Verdict, judge
from pixeltrack.keyfile import load as load_key
from pixeltrack.model import Campaign, Event, EventKind, LinkRow
from pixeltrack.rules import Rules, shipped
from pixeltrack.store import CampaignDraft, Store, open_store

OPEN, CLICK = EventKind.OPEN, EventKind.CLICK


class Made:
    """A store with one campaign of the links that the tests of judging use."""

    def __init__(self, folder: Path) -> None:
        self.settings = config.load(options={"db": str(folder / "t.db")}, environment={})
        workspace = setup.open_workspace(self.settings, create=True)
        self.store = workspace.store
        links = [LinkRow(number, number, 1, "", "https://shop.example/", "", "link") for number in LINKS]
        links.append(LinkRow(HIDDEN, HIDDEN, 1, "", "https://shop.example/", "", "honeypot"))
        campaign = Campaign(0, "spring", "aaaaaaaa", 1, "recipients", SENT)
        self.campaign = self.store.save_campaign(CampaignDraft(campaign, tuple(links), frozenset()))
        self.store.set_sent(self.campaign.campaign_id, SENT)

    def again(self) -> Store:
        """The same database, opened by somebody else."""
        return setup.open_workspace(self.settings, create=False).store

    def put(self, *hits: Fact) -> None:
        self.store.put_events(
            [
                Event(
                    *(each.at, self.campaign.campaign_id, EventKind(each.kind), each.link, each.message),
                    *(each.agent, each.flags, each.network, each.address),
                )
                for each in hits
            ]
        )

    def stored(self) -> list[Verdict | None]:
        """The verdicts as they are stored, by the number of the hit."""
        known, judged = self.store.judgements(), self.store.all_judged()
        return [known.get(judged[number]) for number in range(1, len(judged))]

    def rollup(self) -> Rollup | None:
        """The campaign's figures as they are stored; those of no hits where none are."""
        return self.store.rollup(self.campaign.campaign_id) or Rollup(Counter(), None, None, None)

    def right(self, book: Rules | None = None) -> list[Verdict]:
        """What all hits at once are to be taken for."""
        facts = [fact for _campaign, fact in self.store.facts_between(0, self.store.last_event())]
        mail = verdicts.contexts(self.store)[self.campaign.campaign_id]
        return judge(facts, mail, book or shipped())

    def labels(self) -> list[Label | None]:
        verdicts.update(self.store, shipped())
        return [each and each.label for each in self.stored()]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Made]:
    found = Made(tmp_path)
    yield found
    found.store.close()


@pytest.fixture
def own(tmp_path: Path) -> Rules:
    """The rules with a file of one's own, by which all opens of the tests' browser are machines'."""
    path = tmp_path / "own.toml"
    path.write_text('machine = [{ kind = "gateway", tokens = ["Chrome/131"] }]')
    return rules.load(path)


@given(
    st.lists(st.one_of(st.lists(HITS, max_size=8), st.sampled_from([SENT, SENT + 60_000, None])), max_size=6)
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_step_by_step_gives_what_all_at_once_gives(tmp_path_factory, steps) -> None:
    made = Made(tmp_path_factory.mktemp("steps"))
    for step in steps:
        if isinstance(step, list):
            made.put(*step)
        else:
            made.store.set_sent(made.campaign.campaign_id, step)
        verdicts.update(made.store, shipped())
        assert made.stored() == made.right()
        assert made.rollup() == rollups.counted(made.store, made.campaign.campaign_id)
    made.store.close()


def test_a_later_sweep_convicts_the_pixel_that_was_loaded_before(made: Made) -> None:
    made.put(hit(OPEN, 34))
    assert made.labels() == ["human"]
    made.put(*(hit(CLICK, 43 + link / 10, link) for link in LINKS))
    assert made.labels() == ["scanner"] * 6


def test_an_address_that_comes_back_within_seconds_convicts_what_it_touched(made: Made) -> None:
    made.put(hit(OPEN, 100, message=1, address=7), hit(OPEN, 101, message=2, address=7))
    made.put(hit(OPEN, 5_000, message=1, agent=PHONE))
    assert made.labels() == ["human", "human", "human"]
    made.put(hit(OPEN, 101.9, message=3, address=7))
    assert made.labels() == ["scanner", "scanner", "human", "scanner"]
    made.put(hit(CLICK, 9_000, 1, message=2, agent=PHONE))  # judging the message again forgets nothing
    assert made.labels() == ["scanner", "scanner", "human", "scanner", "human"]


def test_a_time_of_sending_that_is_told_later_judges_again(made: Made) -> None:
    made.store.set_sent(made.campaign.campaign_id, None)
    made.put(hit(OPEN, 2), hit(OPEN, -5))
    verdicts.update(made.store, shipped())
    assert [each and each.reasons for each in made.stored()] == [("none-against", "no_send_time")] * 2
    made.store.set_sent(made.campaign.campaign_id, SENT)
    assert made.labels() == ["unknown", "scanner"]


def test_spread_is_remembered_where_another_rule_decided(made: Made) -> None:
    made.put(*(hit(OPEN, -5, message=number, address=7) for number in range(3)))
    assert made.labels() == ["scanner"] * 3  # before sending
    made.store.set_sent(made.campaign.campaign_id, None)
    assert made.labels() == ["scanner"] * 3
    assert [each and each.reason for each in made.stored()] == ["spread"] * 3


def test_a_time_of_sending_that_is_told_meanwhile_counts(made: Made, monkeypatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 5)
    made.put(*(hit(OPEN, 2, message=number) for number in range(20)))

    def tell(done: int) -> None:
        if done == 5:
            other = made.again()
            other.set_sent(made.campaign.campaign_id, None)
            other.close()

    verdicts.update(made.store, shipped(), progress=tell)
    assert {each and each.label for each in made.stored()} == {"human"}


def test_a_campaign_that_is_made_meanwhile_is_judged_too(made: Made, monkeypatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 5)
    made.put(*(hit(OPEN, 100, message=number) for number in range(20)))

    def make(done: int) -> None:
        if done == 5:
            campaign = Campaign(0, "summer", "bbbbbbbb", 1, "recipients", SENT)
            made.campaign = made.store.save_campaign(CampaignDraft(campaign, (), frozenset()))
            made.put(hit(OPEN, 100))

    verdicts.update(made.store, shipped(), progress=make)
    assert [each and each.label for each in made.stored()] == ["human"] * 21


def test_neighbours_are_found_over_thousands_of_hits(made: Made) -> None:
    made.put(*(hit(OPEN, 100, message=number) for number in range(10, 1_010)))
    made.put(hit(OPEN, 200, message=1, address=7), hit(OPEN, 200, message=2, address=7))
    made.put(*(hit(OPEN, 150, message=number) for number in range(2_000, 4_000)))
    made.labels()
    made.put(hit(OPEN, 202, message=3, address=7))  # two seconds are still at once
    labels = made.labels()
    assert [number for number, label in enumerate(labels, start=1) if label == "scanner"] == [
        1_001,
        1_002,
        3_003,
    ]


def test_other_rules_judge_everything_again(made: Made, own: Rules) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 100, message=2, agent=PHONE))
    assert made.labels() == ["human", "human"]
    verdicts.update(made.store, own)
    assert [each and each.reason for each in made.stored()] == ["gateway", "none-against"]
    assert made.labels() == ["human", "human"]  # and back


class Stop(Exception):
    pass


def test_judging_that_is_interrupted_goes_on_where_it_was(made: Made, own: Rules, monkeypatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 7)
    made.put(*(hit(OPEN, 100 + number, message=number % 9) for number in range(50)))
    verdicts.update(made.store, shipped())
    told: list[int] = []

    def stop(done: int) -> None:
        told.append(done)
        if len(told) == 3:
            raise Stop

    with pytest.raises(Stop):
        verdicts.update(made.store, own, progress=stop)
    assert {each and each.reason for each in made.stored()} == {"gateway", "none-against"}
    verdicts.update(made.store, own, progress=told.append)
    assert told == [7, 14, 21, 7, 14, 21, 28, 29]
    assert made.stored() == made.right(own)


def test_verdicts_can_be_thrown_away_and_are_made_again(made: Made) -> None:
    made.put(*(hit(CLICK, 43 + link / 10, link) for link in LINKS), hit(OPEN, 9_000))
    before = made.labels()
    with sqlite3.connect(made.store.path) as connection:
        for table in ("judging", "verdicts", "judgements", "message_events", "stale_campaigns"):
            connection.execute(f"delete from {table}")
    assert made.labels() == before == ["scanner"] * 5 + ["human"]


def test_several_that_judge_at_once_while_hits_come_in_agree(made: Made, monkeypatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 40)
    hits = [
        hit(
            OPEN if number % 3 else CLICK,
            number / 5,
            number % 3 or 1,
            message=number % 50,
            address=number % 4,
        )
        for number in range(900)
    ]
    hits = [each._replace(link=0) if each.kind == OPEN else each for each in hits]
    made.put(*hits[:300])
    failed: list[BaseException] = []

    def judge_often() -> None:
        store = made.again()
        try:
            for _ in range(8):
                verdicts.update(store, shipped())
        except BaseException as error:
            failed.append(error)
        finally:
            store.close()

    threads = [threading.Thread(target=judge_often) for _ in range(3)]
    for thread in threads:
        thread.start()
    for start in range(300, 900, 60):
        made.put(*hits[start : start + 60])
    for sent in (None, SENT + 1_000, SENT):
        made.store.set_sent(made.campaign.campaign_id, sent)
    for thread in threads:
        thread.join()
    assert failed == []
    verdicts.update(made.store, shipped())
    assert made.stored() == made.right()


def test_two_rules_files_for_one_database_are_told(made: Made, own: Rules, monkeypatch) -> None:
    monkeypatch.setattr(verdicts, "WINDOW", 5)
    made.put(*(hit(OPEN, 100, message=number) for number in range(20)))

    def meddle(_done: int) -> None:
        other = made.again()
        other.begin_judging("other rules")
        other.close()

    with pytest.raises(PixeltrackError, match="judges the hits of .* with other rules"):
        verdicts.update(made.store, own, progress=meddle)


def test_a_link_that_comes_later_is_known_to_judging(made: Made) -> None:
    made.put(*(hit(CLICK, 43 + link / 10, link) for link in LINKS))
    made.labels()
    assert "all-links" in (made.stored()[0] or made.right()[0]).reasons
    new = LinkRow(7, 7, 1, "", "https://shop.example/new", "", "link")
    known = frozenset({*LINKS, HIDDEN})
    made.store.save_campaign(CampaignDraft(made.campaign, (new,), known))
    made.labels()
    assert made.stored() == made.right()
    assert "all-links" not in made.right()[0].reasons


def test_who_counts_along_is_told_every_change_once(made: Made) -> None:
    made.put(hit(OPEN, 34), hit(OPEN, 9_000, message=2))
    told: list[verdicts.Change] = []
    verdicts.update(made.store, shipped(), changed=told.append)
    made.put(*(hit(CLICK, 43 + link / 10, link) for link in LINKS))
    verdicts.update(made.store, shipped(), changed=told.append)
    verdicts.update(made.store, shipped(), changed=told.append)
    moves = [(each.fact.event_id, each.before and each.before.label, each.after.label) for each in told]
    assert moves == [
        (1, None, "human"),
        (2, None, "human"),
        (1, "human", "scanner"),
        *((number, None, "scanner") for number in range(3, 8)),
    ]


def test_a_verdict_takes_two_bytes(made: Made) -> None:
    made.put(*(hit(OPEN, 100 + number, message=number) for number in range(5_000)))
    made.labels()
    (stored,) = made.store._plain("select sum(length(judged)) from verdicts")[0]
    assert stored <= 2 * 5_001


def test_reclassify_says_how_totals_moved(made: Made, own: Rules) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 100, message=2, agent=PHONE), hit(CLICK, 900, 1))
    made.labels()
    made.put(hit(OPEN, 5_000, message=3))
    moved = reclassify.reclassify(made.store, own)
    assert [(row.kind, row.label, row.before, row.after) for row in moved.rows] == [
        (OPEN, "human", 2, 1),
        (OPEN, "scanner", 0, 1),
        (CLICK, "human", 1, 0),
        (CLICK, "scanner", 0, 1),
    ]
    assert (moved.hits, moved.first_judged, moved.moved) == (3, 1, 2)
    assert moved.moves == (("human", "scanner", 2),)
    assert reclassify.reclassify(made.store, own).moved == 0
    assert made.stored() == made.right(own)


def test_reclassify_since_leaves_what_was_before(made: Made, own: Rules) -> None:
    made.put(hit(OPEN, 100), hit(OPEN, 8_000, message=2))
    made.labels()
    reclassify.reclassify(made.store, own, SENT + 5_000_000)
    assert [each and each.label for each in made.stored()] == ["human", "scanner"]


def test_two_sets_of_rules_are_compared_and_nothing_is_stored(made: Made, own: Rules) -> None:
    made.put(hit(OPEN, 100), *(hit(OPEN, 200, message=number, address=3) for number in range(2, 6)))
    before = made.labels()
    moved = reclassify.compare(made.store, shipped(), own)
    assert [(row.label, row.before, row.after) for row in moved.rows] == [("human", 1, 0), ("scanner", 4, 5)]
    assert [each and each.label for each in made.stored()] == before
    state = made.store.judging_state()
    assert state is not None
    assert state.rules == shipped().version


def test_an_explanation_gives_the_verdict_that_is_stored(made: Made) -> None:
    made.put(
        *(hit(OPEN, 20, message=number, address=3) for number in range(1, 4)),
        *(hit(CLICK, 43 + link / 10, link, message=9) for link in LINKS),
        hit(CLICK, 5, HIDDEN),
    )
    made.labels()
    for number, verdict in enumerate(made.stored(), start=1):
        said = explain.explain(made.store, shipped(), number)
        assert said.verdict == verdict
        fired = [step for step in said.steps if step.answer == "yes"]
        assert verdict is not None
        assert {step.code for step in fired} <= {*verdict.reasons, "spread"}
        assert sum(step.points or 0 for step in fired if not fired[-1].decides) == verdict.score


def test_a_report_counts_what_is_stored(inject: Inject, workspace: setup.Workspace) -> None:
    inject("a@x.example", "b@x.example")
    campaign = workspace.store.campaign("spring")
    workspace.store.set_sent(campaign.campaign_id, SENT)
    hits = [hit(OPEN, 2, message=1), hit(OPEN, 500, message=2)]
    workspace.store.put_events(
        [Event(each.at, campaign.campaign_id, OPEN, 0, each.message, each.agent, each.flags) for each in hits]
    )
    said = report.build(workspace.store, "spring")
    assert (said.opens.total, said.unknown_opens.total, said.machine_opens.total) == (1, 1, 0)
    assert [row.reason for row in said.set_aside] == ["instant"]


def test_a_report_that_cannot_judge_counts_what_is_judged(made: Made) -> None:
    made.put(hit(OPEN, 500))
    report.build(made.store, "spring")
    made.put(hit(OPEN, 600, message=2))
    hasty = open_store(made.settings.db, load_key(made.settings.key), busy_ms=20)
    told: list[StoreError] = []
    with sqlite3.connect(made.store.path, isolation_level=None) as writer:
        writer.execute("begin immediate")
        said = report.build(hasty, "spring", failed=told.append)
        with pytest.raises(StoreError):
            report.build(hasty, "spring")
    assert said.opens.total == 1
    assert ["locked" in error.message for error in told] == [True]
    assert (report.build(hasty, "spring").opens.total, hasty.unjudged()) == (2, 0)
    hasty.close()


def test_context_of_the_store_is_that_of_the_tests(made: Made) -> None:
    assert verdicts.contexts(made.store)[made.campaign.campaign_id] == MAIL
