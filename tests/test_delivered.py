"""Reports over what was delivered: the figures, the same in every format, and nothing without reports."""

from __future__ import annotations

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from command import run
from conftest import Inject, people
from feedcases import AT, sendgrid
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_events import PEOPLE, event, take
from test_report import GMAIL, Hits

from pixeltrack import breakdown, compare, properties, report
from pixeltrack.earnings import Wanted
from pixeltrack.figures import CampaignReport
from pixeltrack.heard import Span
from pixeltrack.rates import DEFINITIONS, Tracked
from pixeltrack.reached import Sort, reached
from pixeltrack.setup import Workspace
from pixeltrack.show import wide
from pixeltrack.show.brief import show_brief
from pixeltrack.show.json import as_json
from pixeltrack.show.page import ReportPages
from pixeltrack.show.terminal import show_overview, show_report
from pixeltrack.times import read_zone

ALL = (
    *(event("delivered", number) for number in range(3)),
    *(event("bounce", 3, type="bounce"), event("bounce", 4, type="blocked"), event("dropped", 5)),
)


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    """Six people, of whom two opened and one clicked."""
    inject(*PEOPLE)
    made = Hits(workspace, "spring", PEOPLE)
    made.open(0, 100, GMAIL)
    made.open(1, 200, GMAIL)
    made.click(0, 300, 1)
    return made


def built(workspace: Workspace) -> CampaignReport:
    return report.build(workspace.store, "spring")


def text_of(show: Any, said: Any, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width)
    show(console, said)
    found: str = console.file.getvalue()  # type: ignore[attr-defined]
    return found


def test_without_reports_nothing_is_said_of_delivery(hits: Hits, workspace: Workspace) -> None:
    said = built(workspace)
    assert said.delivery is None
    assert said.definitions == DEFINITIONS
    assert (said.open_rate, said.click_rate) == (2 / 6, 1 / 6)
    assert "deliver" not in text_of(show_report, said) + text_of(show_brief, said)
    assert b"delivery" not in ReportPages().campaign(said, [])


def test_rates_are_over_delivered_messages(hits: Hits, workspace: Workspace) -> None:
    take(workspace, *ALL, event("spamreport", 2))
    said = built(workspace)
    got = said.delivery
    assert got
    assert (got.sent, got.delivered, got.bounced, got.hard_bounced, got.soft_bounced) == (5, 3, 2, 1, 1)
    assert (got.rejected, got.deferred, got.complained, got.not_told) == (1, 0, 1, 0)
    assert (got.opens_tracked, got.clicks_tracked) == (3, 3)
    assert (said.messages, said.tracked, said.opens_tracked) == (6, 6, 6)
    assert (said.open_rate, said.click_rate, said.click_to_open_rate) == (2 / 3, 1 / 3, 1 / 2)
    assert (got.delivery_rate, got.bounce_rate, got.complaint_rate) == (3 / 5, 2 / 5, 1 / 3)
    assert said.observable == 3
    assert said.adjusted_open_rate and said.adjusted_open_rate.whole == 3
    (provider,) = said.providers
    assert (provider.opens_tracked, provider.open_rate) == (3, 2 / 3)
    assert "delivered messages" in dict(said.definitions)["open rate"]


def test_where_only_failures_are_told_all_others_are_delivered(hits: Hits, workspace: Workspace) -> None:
    take(workspace, *ALL[3:])
    said = built(workspace)
    got = said.delivery
    assert got
    assert (got.sent, got.delivered, got.not_told, got.deliveries_told) == (6, 3, 3, False)
    assert (said.open_rate, said.click_rate) == (2 / 3, 1 / 3)
    assert "No delivery is reported" in text_of(show_brief, said)


def test_a_rate_over_too_few_deliveries_is_none(hits: Hits, workspace: Workspace) -> None:
    take(workspace, event("delivered", 0))
    said = built(workspace)
    assert said.delivery and said.delivery.not_told == 5
    assert (said.open_rate, said.click_rate, said.adjusted_open_rate) == (None, 1.0, None)
    for shown in (text_of(show_brief, said), text_of(show_report, said)):
        assert "Messages of which no report says whether they came: 5" in shown
        assert "More people were seen than were delivered to" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        ((("bounce", 0, "blocked"), ("delivered", 10, "")), "delivered"),
        ((("delivered", 0, ""), ("bounce", 10, "bounce")), "hard"),
        ((("delivered", 5, ""), ("bounce", 5, "blocked")), "soft"),
        ((("bounce", 0, "bounce"), ("bounce", 5, "blocked")), "soft"),
        ((("bounce", 5, "bounce"), ("bounce", 5, "blocked")), "hard"),
        ((("deferred", 0, ""), ("delivered", 9, "")), "delivered"),
        ((("delivered", 0, ""), ("deferred", 9, "")), "delivered"),
        ((("deferred", 0, ""),), "deferred"),
        ((("dropped", 3, ""), ("deferred", 9, "")), "rejected"),
        ((("spamreport", 3, ""),), ""),
    ],
)
def test_what_was_told_last_holds(
    told: tuple[tuple[str, int, str], ...], outcome: str, inject: Inject, workspace: Workspace
) -> None:
    inject(*PEOPLE)
    records = [
        event(name, 0, timestamp=AT + at, type=kind, sg_event_id=f"{name}{at}{kind}")
        for name, at, kind in told
    ]
    for order in (records, records[::-1]):
        with closing(sqlite3.connect(workspace.store.path)) as connection, connection:
            connection.execute("delete from deliveries")
        take(workspace, *order)
        (found,) = workspace.store.outcomes(1)
        assert found.outcome == outcome


def test_what_is_kept_of_the_outcomes_goes_with_every_change(hits: Hits, workspace: Workspace) -> None:
    store = workspace.store

    def kept() -> str | None:
        with closing(sqlite3.connect(store.path)) as connection:
            rows = connection.execute("select outcomes from audiences").fetchall()
        return rows[0][0] if rows else None

    take(workspace, *ALL)
    first = built(workspace)
    noted = kept()
    assert noted and built(workspace) == first
    take(workspace, *ALL)
    assert kept() == noted  # nothing was new
    take(workspace, event("bounce", 0, type="bounce", timestamp=AT + 9, sg_event_id="late"))
    assert kept() is None
    assert built(workspace).delivery != first.delivery
    assert kept() not in (None, noted)
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("update messages set version = 1")
    assert kept() is None
    assert {each.version for each in store.outcomes(1)} == {1}


def test_every_format_has_the_same_figures(hits: Hits, workspace: Workspace) -> None:
    take(workspace, *ALL, event("spamreport", 2), event("unsubscribe", 1), event("deferred", 0))
    said = built(workspace)
    figures = json.loads(as_json(said))
    (row,) = csv.DictReader(io.StringIO(wide.as_csv([said])))
    for name, value in figures["delivery"].items():
        expected = "" if value is None else str(int(value) if isinstance(value, bool) else value)
        assert row[f"delivery.{name}"] == expected, name
    assert float(row["open_rate"]) == figures["open_rate"]
    page = ReportPages().campaign(said, []).decode()
    on_page = {
        name: value for value, name in re.findall(r'<data value="([^"]*)" data-figure="([^"]*)">', page)
    }
    for name, value in figures["delivery"].items():
        if name != "deliveries_told":
            assert json.loads(on_page[f"delivery.{name}"]) == value, name
    terminal = " ".join(text_of(show_report, said).split())
    for line in (
        "3 delivered, 2 bounced (1 hard, 1 soft), 1 rejected, 1 complained; rates are over delivered messages",
        "Delivered 3 60.0 %",
        "Bounced 2 40.0 %",
        "Complained 1 33.3 %",
        "Unsubscribed, as reported 1",
        "Delivered, opens tracked 3",
    ):
        assert line in terminal, line
    assert "rates are over delivered messages" in " ".join(text_of(show_brief, said, width=80).split())
    assert "delivered ones where" in " ".join(text_of(show_overview, [said]).split())
    assert "delivered ones where" in ReportPages().overview([said]).decode()


def test_comparing_says_what_rates_are_over(hits: Hits, inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE, campaign="summer")
    take(workspace, *ALL)
    found = {row.figure: row.values for row in compare.build(workspace.store, ["spring", "summer"]).rows}
    assert found["delivered"] == (3, None)
    assert found["opens_over"] == (3, 6)
    assert found["open_rate"] == (2 / 3, 0.0)
    alone = {row.figure for row in compare.side_by_side([report.build(workspace.store, "summer")] * 2).rows}
    assert "delivered" not in alone


@pytest.mark.parametrize("by", ["provider", "domain", "company"])
def test_breakdowns_are_over_delivered_messages(
    by: properties.By, inject: Inject, workspace: Workspace
) -> None:
    names = [f"p{number}@firm.example" for number in range(8)]
    inject(recipients=people(*names, company="Firm Ltd"))
    hits = Hits(workspace, "spring", names)
    hits.open(0, 100, GMAIL)
    campaign = workspace.store.campaign("spring")

    def rows() -> list[tuple[int | None, float | None]]:
        found = breakdown.build(workspace.store, campaign, by, Span(), read_zone("UTC"))
        assert found.over_delivered == workspace.store.has_deliveries(campaign.campaign_id)
        return [(row.tracked, row.open_rate) for row in found.rows]

    built(workspace)  # judges
    assert rows() == [(8, 1 / 8)]
    take(workspace, sendgrid("bounce", email=names[7], type="bounce"))
    assert rows() == [(7, 1 / 7)]
    take(workspace, *(sendgrid("delivered", email=name) for name in names[:6]))
    assert rows() == [(6, 1 / 6)]


def test_versions_are_compared_over_delivered_messages(workspace: Workspace) -> None:
    folder = workspace.store.path.parent
    names = [f"p{number}@firm.example" for number in range(40)]
    (folder / "list.csv").write_text("email\n" + "\n".join(names))
    for name in "ab":
        (folder / f"{name}.html").write_text(f'<p>{name} <a href="https://shop.example/{name}">x</a></p>')
    made = ("--recipients", "list.csv", "--campaign", "test", "--db", "t.db", "--out", "ab")
    assert run(folder, "inject", "--version", "A=a.html", "B=b.html", *made).code == 0
    split = {version.name: version.messages for version in _versions(workspace)}
    lost = [name for name in names if _version_of(workspace, name) == 1][:5]
    told = [sendgrid("bounce" if name in lost else "delivered", email=name, pixeltrack_campaign="test", type="bounce") for name in names]  # fmt: skip
    take(workspace, *told)
    found = {version.name: version for version in _versions(workspace)}
    assert (found["A"].delivered, found["A"].clicks_tracked) == (split["A"] - 5, split["A"] - 5)
    assert (found["B"].delivered, found["B"].tracked) == (split["B"], split["B"])
    ran = run(folder, "report", "--db", "t.db", "--campaign", "test", "--ab")
    assert f"delivered, as reported: A {split['A'] - 5}, B {split['B']}" in " ".join(ran.out.split())


def _versions(workspace: Workspace) -> Any:
    from pixeltrack import ab

    return ab.build(workspace.store, "test").versions


def _version_of(workspace: Workspace, identity: str) -> int:
    campaign = workspace.store.campaign("test").campaign_id
    message = workspace.store.messages_to(campaign, [identity])[identity]
    ((_message, version),) = workspace.store.versions_of(campaign, [message])
    return version


def test_where_the_mail_system_fills_in_recipients_deliveries_tell_how_many(workspace: Workspace) -> None:
    folder = workspace.store.path.parent
    (folder / "mail.html").write_text('<p>Hi <a href="https://shop.example/a">x</a></p>')
    made = ("inject", "mail.html", "--merge-tag", "*|UNIQID|*", "--campaign", "spring", "--db", "t.db")
    ran = run(folder, *made)
    assert ran.code == 0, ran.err
    assert built(workspace).open_rate is None
    take(workspace, *ALL)
    said = built(workspace)
    assert said.delivery
    assert (said.messages, said.delivery.delivered, said.delivery.opens_tracked) == (None, 3, 3)
    assert said.open_rate == 0.0
    assert "Rates need to know" not in text_of(show_brief, said)


# -- the rules, by themselves ----------------------------------------------------------------------------

sorts = st.lists(
    st.builds(
        Sort,
        *(st.integers(0, 1), st.integers(0, 2), st.integers(0, 5), st.integers(0, 5)),
        *(st.sampled_from(["", "a.example", "b.example"]),),
        *(st.sampled_from(["delivered", "hard", "soft", "unknown", "rejected", "deferred", ""]),),
        *(st.integers(0, 1), st.integers(0, 1), st.integers(0, 1), st.integers(1, 9)),
    ),
    max_size=8,
)


@given(sorts, st.integers(0, 200))
def test_every_message_is_in_one_sum_and_none_is_more_than_all(found: list[Sort], more: int) -> None:
    got = reached(found)
    messages = sum(sort.messages for sort in found) + more
    said = got.figures(messages, Tracked(messages, messages, messages))
    failed = said.bounced + said.rejected
    assert said.delivered is not None and said.not_told is not None
    told = sum(sort.messages for sort in found if sort.outcome == "delivered")
    assert told + failed + said.deferred + said.not_told == messages
    assert said.delivered == (told if got.told else messages - failed)
    assert 0 <= (said.opens_tracked or 0) <= messages
    assert said.bounced == said.hard_bounced + said.soft_bounced + said.unknown_bounced
    by_domain = got.by_domain({name: Tracked(9**9, 9**9, 9**9) for name in ("a.example", "b.example")}, str)
    if got.told:
        alone = [sort for sort in found if sort.domain and sort.outcome == "delivered" and sort.opens == 5]
        assert sum(each.opens for each in by_domain.values()) == sum(sort.messages for sort in alone)


def test_the_funnel_is_of_what_was_delivered(hits: Hits, workspace: Workspace) -> None:
    store = workspace.store
    store.add_goal("order", store.add_site("shop.example", AT), AT)
    take(workspace, *ALL)
    found = report.build(store, "spring", wanted=Wanted()).funnel
    assert found is not None
    steps = {step.name: (step.people, step.of_all) for step in found.steps}
    assert steps["delivered"] == (3, 1)
    assert (steps["opened"], steps["clicked"]) == ((2, 2 / 3), (1, 1 / 3))


def test_the_funnel_has_no_share_of_deliveries_that_are_told_in_part(
    hits: Hits, workspace: Workspace
) -> None:
    store = workspace.store
    store.add_goal("order", store.add_site("shop.example", AT), AT)
    take(workspace, event("delivered", 0))
    found = report.build(store, "spring", wanted=Wanted()).funnel
    assert found is not None
    assert [(step.name, step.people, step.of_all, step.of_before) for step in found.steps[:4]] == [
        ("sent", 6, None, None),
        ("delivered", 1, None, 1 / 6),
        ("opened", 2, None, None),
        ("clicked", 1, None, 1 / 2),
    ]
