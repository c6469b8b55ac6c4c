"""Bounds, the adjusted rate, who can be seen, and providers: from labels, and from hits in a store."""

from __future__ import annotations

import io
import json
from collections import Counter
from dataclasses import replace

import pytest
from conftest import CHROME, Inject, people
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_report import APPLE_AHEAD, Hits

from pixeltrack import report
from pixeltrack.alarm import Standing, alarms
from pixeltrack.estimates import BITS, BOTH, Seen, add_up, adjusted, by_provider, counters, observable
from pixeltrack.figures import Bounds, CampaignReport
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.rates import Tracked
from pixeltrack.setup import Workspace
from pixeltrack.show import terminal, text
from pixeltrack.show.json import as_json

HUMAN, UNKNOWN, AHEAD, SCANNER = (BITS[label] for label in ("human", "unknown", "prefetch", "scanner"))
PROVIDERS = ("Gmail", "Apple", "other domains")
labels = st.integers(0, 15)
providers = st.sampled_from(PROVIDERS)
messages = st.lists(st.builds(Seen, labels, labels, providers, st.just(BOTH)), max_size=60)
only_clicks = st.lists(st.builds(Seen, st.just(0), labels, providers, st.just(2)), max_size=20)


@pytest.mark.parametrize(
    ("opens", "clicks", "least", "most", "hidden"),
    [
        (HUMAN, 0, 1, 1, 0),
        (HUMAN | AHEAD | SCANNER, 0, 1, 1, 0),
        (UNKNOWN, 0, 0, 1, 0),
        (UNKNOWN | AHEAD, 0, 0, 1, 0),
        (AHEAD, 0, 0, 1, 1),
        (AHEAD | SCANNER, 0, 0, 1, 1),
        (SCANNER, 0, 0, 0, 0),
        (0, HUMAN, 1, 1, 0),
        (AHEAD, HUMAN, 1, 1, 1),  # read it, but the open cannot be seen
        (0, UNKNOWN, 0, 1, 0),
        (0, SCANNER | AHEAD, 0, 0, 0),
    ],
)
def test_a_recipient_is_the_best_of_its_hits(
    opens: int, clicks: int, least: int, most: int, hidden: int
) -> None:
    sums = counters(Seen(opens, clicks, "Gmail"))
    assert (sums.opens_bounds, sums.prefetch_only) == (Bounds(least, most), hidden)


@pytest.mark.parametrize(
    ("opens", "without_open", "without_images"),
    [(0, 1, 1), (SCANNER, 1, 1), (AHEAD, 1, 0), (UNKNOWN, 1, 0), (HUMAN, 0, 0)],
)
def test_a_click_without_an_open_need_not_be_without_images(
    opens: int, without_open: int, without_images: int
) -> None:
    sums = counters(Seen(opens, HUMAN, "Gmail"))
    assert (sums.clicked_without_open, sums.clicked_without_images) == (without_open, without_images)


@given(messages, st.integers(0, 40))
def test_bounds_hold_what_is_between(seen: list[Seen], silent: int) -> None:
    sums, recipients = add_up(Counter(seen)), len(seen) + silent
    opens, clicks = sums.opens_bounds, sums.clicks_bounds
    assert sums.openers <= opens.at_least <= opens.at_most <= recipients
    assert sums.clickers == clicks.at_least <= clicks.at_most <= opens.at_most
    assert opens.at_least == sums.openers + sums.clicked_without_open
    assert sums.clicked_without_images <= sums.clicked_without_open <= sums.clickers
    seen_at_all = observable(sums, recipients)
    assert seen_at_all is not None
    assert sums.openers <= seen_at_all <= recipients
    estimate = adjusted(sums, recipients)
    assert (estimate is None) == (seen_at_all == 0)
    if estimate:
        assert 0 <= estimate.low <= estimate.rate <= estimate.high <= 1
        assert estimate.rate * seen_at_all == pytest.approx(sums.openers)


@given(messages, only_clicks)
def test_an_open_that_is_not_measured_is_not_missing(seen: list[Seen], more: list[Seen]) -> None:
    both, alone, clicks = add_up(Counter(seen + more)), add_up(Counter(seen)), add_up(Counter(more))
    assert (both.opens_bounds, both.prefetch_only) == (alone.opens_bounds, alone.prefetch_only)
    assert both.clicked_without_open == alone.clicked_without_open
    assert both.clicked_without_images == alone.clicked_without_images
    assert both.clickers == alone.clickers + clicks.clickers


@given(messages, messages)
def test_sums_add_up_over_parts_and_over_providers(some: list[Seen], more: list[Seen]) -> None:
    both = Counter(some) + Counter(more)
    whole = add_up(both)
    rows = by_provider(both, {name: Tracked(*[len(some) + len(more)] * 3) for name in PROVIDERS})
    for name in type(whole).__slots__:
        parts = [getattr(add_up(Counter(part)), name) for part in (some, more)]
        assert sum(parts) == getattr(whole, name)
        assert sum(getattr(add_up(both, each), name) for each in PROVIDERS) == getattr(whole, name)
    assert sum(row.openers for row in rows) == whole.openers
    assert rows[-1].provider == "other domains"


def test_an_estimate_needs_somebody_to_see() -> None:
    assert adjusted(add_up({}), None) is None
    assert adjusted(add_up({}), 0) is None
    assert adjusted(add_up({Seen(AHEAD, 0, ""): 5}), 5) is None
    assert observable(add_up({}), None) is None


READERS = (
    *(f"r{number}@gmail.com" for number in range(4)),
    *(f"r{number}@icloud.com" for number in range(4)),
    "ada@shop.example",
    "bob@firm.example",
)


@pytest.fixture
def said(inject: Inject, workspace: Workspace) -> CampaignReport:
    inject(recipients=[*people(*READERS), *people("eve@gmail.com", consent="denied")])
    hits = Hits(workspace, "spring", READERS)
    hits.open(0, 100)
    hits.open(0, 200)
    hits.click(1, 100, agent=CHROME)  # never loaded the images
    hits.click(2, 100, flags=Flag.HEAD)
    for apple in (4, 5, 6):
        hits.open(apple, 10, APPLE_AHEAD)
    hits.open(4, 500)
    hits.click(5, 600)  # what Apple fetched ahead hides the open
    hits.open(8, 300)
    return report.build(workspace.store, "spring")


def test_the_figures_of_a_campaign(said: CampaignReport) -> None:
    assert said.opens.unique == 3
    assert said.opens_bounds == Bounds(5, 6)
    assert said.clicks_bounds == Bounds(2, 2)
    assert (said.tracked, said.prefetch_only, said.observable, said.observable_share) == (10, 2, 8, 0.8)
    assert said.adjusted_open_rate is not None
    assert (said.adjusted_open_rate.rate, said.adjusted_open_rate.formula) == (3 / 8, "3 ÷ (10 − 2)")
    assert (said.clicked_without_open, said.clicked_without_images) == (2, 1)
    assert [
        (row.provider, row.tracked, row.openers, row.clickers, row.prefetch_only) for row in said.providers
    ] == [("Apple", 4, 1, 1, 2), ("Gmail", 4, 1, 1, 0), ("other domains", 2, 1, 0, 0)]
    assert [(row.open_rate, row.click_rate, row.adjusted_open_rate) for row in said.providers] == [
        (0.25, 0.25, 0.5),
        (0.25, 0.25, 0.25),
        (0.5, 0.0, 0.5),
    ]


@pytest.mark.parametrize("width", [80, 120])
def test_the_terminal_and_json_say_the_same(said: CampaignReport, width: int) -> None:
    stream = io.StringIO()
    terminal.show_report(Console(file=stream, width=width, highlight=False), said)
    words = " ".join(stream.getvalue().split())
    value = json.loads(as_json(said))
    for name, bounds in (("Opens", value["opens_bounds"]), ("Clicks", value["clicks_bounds"])):
        assert f"{name} {bounds['at_least']} {bounds['at_most']}" in words
    estimate = value["adjusted_open_rate"]
    shown = [text.percent(estimate[name]) for name in ("rate", "low", "high")]
    assert (
        f"Adjusted open rate (an estimate): {shown[0]} = {estimate['formula']}, 95 % between"
        f" {shown[1]} and {shown[2]}" in words
    )
    assert (
        f"Can be seen: {value['observable']} recipients, {text.percent(value['observable_share'])}" in words
    )
    assert f"Only loaded ahead: {value['prefetch_only']} recipients" in words
    assert f"{value['clicked_without_images']} of them never loaded the images" in words
    for row in value["providers"]:
        cells = [row["provider"], row["tracked"], row["openers"], text.percent(row["open_rate"])]
        cells += [text.percent(row["adjusted_open_rate"]), row["clickers"], text.percent(row["click_rate"])]
        assert " ".join(map(str, [*cells, row["prefetch_only"]])) in words


def test_an_alarm_stands_above_the_figures_and_in_json(said: CampaignReport) -> None:
    found = alarms({"Gmail": Standing(0, 400)}, [{"Gmail": Standing(124, 400)}] * 3)
    alarmed = replace(said, alarms=found)
    stream = io.StringIO()
    console = Console(file=stream, width=200, highlight=False)
    terminal.show_report(console, alarmed)
    shown = stream.getvalue()
    assert 0 < shown.index("Gmail: 0 of 400 opened, against 31 % before") < shown.index("Opens")
    (value,) = json.loads(as_json(alarmed))["alarms"]
    assert (value["provider"], value["openers"], value["recipients"]) == ("Gmail", 0, 400)
    terminal.show_overview(console, [said, alarmed])
    assert "spring: Gmail: 0 of 400 opened" in stream.getvalue()


def test_the_wide_overview_has_the_estimates(said: CampaignReport) -> None:
    stream = io.StringIO()
    terminal.show_overview(Console(file=stream, width=120, highlight=False), [said])
    words = " ".join(stream.getvalue().split())
    assert "spring" in words
    assert "11 3 30.0 % 6 37.5 % 80.0 % 2 20.0 %" in words


def test_who_fills_in_recipients_gets_bounds_and_no_rates(inject: Inject, workspace: Workspace) -> None:
    value = report.build(workspace.store, _merge(inject, workspace))
    assert (value.opens_bounds, value.clicks_bounds) == (Bounds(1, 1), Bounds(0, 0))
    assert (value.adjusted_open_rate, value.observable, value.observable_share) == (None, None, None)
    assert (value.providers, value.alarms) == ((), ())
    stream = io.StringIO()
    terminal.show_report(Console(file=stream, width=80), value)
    assert "Adjusted open rate (an estimate): –" in stream.getvalue()


def _merge(inject: Inject, workspace: Workspace) -> str:
    draft = workspace.store.draft_campaign("merged", "merge", workspace.keyring, 1_790_000_000_000)
    campaign = workspace.store.save_campaign(draft.draft())
    workspace.store.put_events(
        [Event(1_790_000_100_000, campaign.campaign_id, EventKind.OPEN, 0, 77, CHROME, 0)]
    )
    return "merged"
