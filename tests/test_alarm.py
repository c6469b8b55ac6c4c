"""When the alarm goes, and when it must not: constructed histories."""

from __future__ import annotations

import random

import pytest
from conftest import CHROME, START, Inject
from test_report import Hits

from pixeltrack import alarm, report
from pixeltrack.alarm import Standing, alarms
from pixeltrack.setup import Workspace

WELL = {"Gmail": Standing(124, 400), "Outlook.com": Standing(60, 200), "other domains": Standing(90, 300)}
HISTORY = [WELL] * 4


def now(**openers: int) -> dict[str, Standing]:
    names = {"gmail": "Gmail", "outlook": "Outlook.com", "other": "other domains"}
    return WELL | {names[key]: WELL[names[key]]._replace(openers=count) for key, count in openers.items()}


def test_a_provider_whose_people_stop_is_named_with_its_figures() -> None:
    (found,) = alarms(now(gmail=0), HISTORY)
    assert (found.provider, found.openers, found.recipients, found.campaigns) == ("Gmail", 0, 400, 4)
    assert found.before == pytest.approx(0.31)
    assert found.chance < 1e-50
    assert found.says == (
        "Gmail: 0 of 400 opened, against 31 % before: mail may go to spam or images may be blocked"
    )


def test_two_that_stop_while_others_read_on_are_two_alarms() -> None:
    assert [each.provider for each in alarms(now(gmail=1, outlook=0), HISTORY)] == ["Gmail", "Outlook.com"]


def test_as_usual_is_no_alarm() -> None:
    assert alarms(WELL, HISTORY) == ()


@pytest.mark.parametrize("openers", [25, 60, 110])
def test_a_bad_day_is_no_alarm(openers: int) -> None:
    assert alarms(now(gmail=openers), HISTORY) == ()  # 20 % of what it was, or more


def test_few_recipients_are_no_alarm() -> None:
    few = [{"Gmail": Standing(3, 30)}] * 4
    assert alarms({"Gmail": Standing(0, 30)}, few) == ()  # chance alone: 4 % of the time


def test_fewer_than_three_earlier_campaigns_are_no_history() -> None:
    assert alarms(now(gmail=0), HISTORY[:2]) == ()
    assert alarms(now(gmail=0), [*HISTORY[:2], {"Outlook.com": Standing(60, 200)}]) == ()
    assert len(alarms(now(gmail=0), HISTORY[:3])) == 1


@pytest.mark.parametrize("part", [0.5, 0.3, 0.21])
def test_a_holiday_for_everybody_is_no_alarm(part: float) -> None:
    dull = {name: Standing(round(each.openers * part), each.recipients) for name, each in WELL.items()}
    assert alarms(dull, HISTORY) == ()


def test_a_provider_a_little_below_a_dull_mail_is_no_alarm() -> None:
    assert alarms(now(gmail=20, outlook=15, other=22), HISTORY) == ()  # others at a quarter, Gmail at a sixth


def test_when_everybody_stops_one_alarm_says_so() -> None:
    (found,) = alarms(now(gmail=0, outlook=0, other=1), HISTORY)
    assert (found.provider, found.openers, found.recipients) == (None, 1, 900)
    assert "Everywhere: 1 of 900 opened, against 30 % before: at all providers alike" in found.says


def test_other_domains_are_no_provider() -> None:
    assert alarms(now(other=0), HISTORY) == ()


def test_by_chance_alone_hardly_ever() -> None:
    chance = random.Random(7)

    def played(rate: float) -> dict[str, Standing]:
        return {
            name: Standing(sum(chance.random() < rate for _ in range(size)), size)
            for name, size in (("Gmail", 60), ("Yahoo", 40), ("other domains", 50))
        }

    for rate in (0.05, 0.1, 0.3):
        found = [alarms(played(rate), [played(rate) for _ in range(3)]) for _ in range(100)]
        assert not any(found), rate


def test_earlier_campaigns_are_looked_at_only_when_it_can_matter() -> None:
    assert not alarm.is_suspect(WELL)
    assert alarm.is_suspect(now(gmail=79))


GMAIL = tuple(f"reader{number}@gmail.com" for number in range(40))
DAY = 86_400


@pytest.fixture
def campaigns(inject: Inject, workspace: Workspace) -> list[str]:
    """Four campaigns to Gmail and elsewhere, weeks apart; in the last nobody at Gmail opens."""
    others = tuple(f"reader{number}@shop.example" for number in range(40))
    names = ["one", "two", "three", "last"]
    for week, name in enumerate(names):
        inject(*GMAIL, *others, campaign=name)
        send(workspace, name, START + week * 7 * DAY * 1000)
        hits = Hits(workspace, name, (*GMAIL, *others))
        for reader in range(20):
            if name != "last":
                hits.open(reader, week * 7 * DAY + 3600, CHROME)
            hits.open(40 + reader, week * 7 * DAY + 3600, CHROME)
    return names


def send(workspace: Workspace, name: str, at: int) -> None:
    workspace.store.set_sent(workspace.store.campaign(name).campaign_id, at)


def said(workspace: Workspace, days: float, name: str = "last") -> list[str | None]:
    found = report.build(workspace.store, name, clock=lambda: START + round(days * DAY * 1000))
    return [each.provider for each in found.alarms]


def test_a_report_has_the_alarm_from_the_hits(campaigns: list[str], workspace: Workspace) -> None:
    assert said(workspace, 23) == ["Gmail"]
    every = report.build_all(workspace.store, clock=lambda: START + 23 * DAY * 1000)
    assert {each.campaign: len(each.alarms) for each in every} == {"last": 1, "one": 0, "two": 0, "three": 0}


def test_a_campaign_of_some_hours_is_too_young(campaigns: list[str], workspace: Workspace) -> None:
    assert said(workspace, 21.9) == []


def test_a_campaign_without_a_time_of_sending_is_as_old_as_its_first_hit(
    inject: Inject, workspace: Workspace
) -> None:
    others = tuple(f"reader{number}@shop.example" for number in range(40))
    for name in ("one", "two", "three"):
        inject(*GMAIL, *others, campaign=name)
        send(workspace, name, START - DAY * 1000)
        hits = Hits(workspace, name, (*GMAIL, *others))
        for reader in range(60):
            hits.open(reader, 60, CHROME)
    inject(*GMAIL, *others, campaign="last")
    assert said(workspace, 9) == []  # not a single hit: perhaps it was never sent
    hits = Hits(workspace, "last", (*GMAIL, *others))
    for reader in range(40, 60):
        hits.open(reader, 8.5 * DAY, CHROME)
    assert said(workspace, 9) == []
    assert said(workspace, 9.6) == ["Gmail"]


def test_a_campaign_that_was_sent_and_never_heard_of_alarms_for_all(
    campaigns: list[str], inject: Inject, workspace: Workspace
) -> None:
    inject(*GMAIL, *(f"reader{number}@shop.example" for number in range(40)), campaign="silent")
    send(workspace, "silent", START + 28 * DAY * 1000)
    assert said(workspace, 28.5, "silent") == []
    assert said(workspace, 29.5, "silent") == [None]


def test_what_is_half_a_year_old_is_no_history(campaigns: list[str], workspace: Workspace) -> None:
    send(workspace, "one", START - 181 * DAY * 1000)
    assert said(workspace, 23) == []
