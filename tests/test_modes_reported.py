"""From the list over the collector to the report, in each of the modes that name nobody."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import run
from conftest import START, Client, Clock, Inject, people
from test_modes import BOT, FREE, HOUR, PHONE, paths

from pixeltrack import inactive, report
from pixeltrack.setup import Workspace

DAY = 24 * HOUR


@pytest.fixture
def companies(inject: Inject, client: Client, clock: Clock) -> None:
    """A mail to three companies and others; each copy is loaded twice, big companies click, a robot looks."""
    given = [
        *people(*(f"p{n}@big.example" for n in range(8)), industry="steel", region="north"),
        *people(*(f"p{n}@firm.example" for n in range(6)), industry="law", region="north"),
        *people(*(f"p{n}@small.example" for n in range(3)), industry="law", region="south"),
        *people(*(f"q{n}@gmail.com" for n in range(9))),
    ]
    made = inject(recipients=given, opens="company", clicks="company", free=FREE, format="jsonl")
    for number, (pixels, links) in enumerate(paths(made)):
        client.environ = {"HTTP_USER_AGENT": PHONE, "REMOTE_ADDR": "80.1.2.3"}
        for _twice in range(2):
            client.get(pixels[0])
        if number < 8:
            client.get(links[0])
            client.get(links[0])
    client.environ = {"HTTP_USER_AGENT": BOT, "REMOTE_ADDR": "80.1.2.3"}
    for _look in range(12):
        client.get(pixels[0])
    clock.forward(2 * 3600)


def test_a_company_campaign_from_the_list_to_the_report(
    companies: None, workspace: Workspace, clock: Clock, tmp_path: Path
) -> None:
    said = report.build(workspace.store, "spring", clock=clock)
    found = said.together
    assert found is not None
    assert (said.messages, said.opens.total, found.recipients) == (0, 0, 26)
    assert (found.loads + found.machine_loads) in (50, 60)  # 52 and 12, each in tens
    shown = {row.name: (row.recipients, row.loads, row.clicks) for row in found.companies}
    assert {name: row[0] for name, row in shown.items()} == {"big.example": 8, "firm.example": 6, "other": 12}
    assert {row.name: row.recipients for row in found.industries} == {"steel": 8, "law": 6, "other": 12}
    assert {row.name: row.recipients for row in found.regions} == {"north": 14, "other": 12}
    assert report.build(workspace.store, "spring", clock=lambda: START).together.loads == 0  # type: ignore[union-attr]
    ran = run(tmp_path, "report", "--campaign", "spring", "--by", "company", "--csv", "--db", "t.db")
    assert [row["company"] for row in csv.DictReader(io.StringIO(ran.out))] == [
        "big.example",
        "firm.example",
        "other",
    ]
    refused = run(tmp_path, "report", "--campaign", "spring", "--who", "opened", "--db", "t.db")
    assert "counts its recipients together (company)" in refused.err


def test_opens_and_clicks_have_rates_of_their_own(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock
) -> None:
    names = [f"p{n}@x.example" for n in range(4)]
    given = [
        each._replace(opens="denied" if place < 2 else "granted") for place, each in enumerate(people(*names))
    ]
    made = inject(recipients=given, format="jsonl")
    clock.forward(3600)
    for pixels, links in paths(made):
        client.get(links[0])
        if pixels:
            client.get(pixels[0])
        clock.forward(60)
    said = report.build(workspace.store, "spring", clock=clock)
    assert (said.tracked, said.opens_tracked, said.clicks_tracked) == (4, 2, 4)
    assert (said.opens.unique, said.open_rate) == (2, 1.0)
    assert (said.clicks.unique, said.click_rate) == (4, 1.0)
    assert (said.opens_bounds.at_most, said.clicked_without_open) == (2, 0)


def test_hygiene_says_who_is_idle_and_nothing_else(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock
) -> None:
    made = inject("ann@x.example", "bob@x.example", opens="hygiene", clicks="off", free=FREE, format="jsonl")
    clock.forward(86_400)
    client.get(paths(made)[0][0][0])
    today = START // DAY
    found = inactive.build(workspace.store, today + 1)
    assert [(each.address, each.last) for each in found.people] == [("bob@x.example", None)]
    assert found.active == 1
    later = inactive.build(workspace.store, today + 2)
    assert {each.address: each.last for each in later.people} == {
        "ann@x.example": today + 1,
        "bob@x.example": None,
    }
    said = report.build(workspace.store, "spring", clock=clock)
    assert (said.messages, said.tracked, said.opens.total, said.together) == (2, 0, 0, None)


def test_a_pseudonymous_campaign_has_rates_and_no_names(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock, tmp_path: Path
) -> None:
    names = [f"p{n}@x.example" for n in range(3)]
    made = inject(*names, opens="pseudonymous", clicks="pseudonymous", free=FREE, format="jsonl")
    clock.forward(3600)
    client.get(paths(made)[0][0][0])
    said = report.build(workspace.store, "spring", clock=clock)
    assert (said.opens.unique, said.opens_tracked, said.open_rate) == (1, 3, 1 / 3)
    for argv in (
        ("report", "--campaign", "spring", "--who", "opened"),
        ("report", "--campaign", "spring", "--who", "not-opened"),
        ("report", "--inactive-since", "2030-01-01", "--json"),
        ("export", "--people", "--campaign", "spring"),
        ("export", "--events"),
    ):
        ran = run(tmp_path, *argv, "--db", "t.db")
        assert ran.code == 0, ran.err
        assert "@x.example" not in ran.out, argv


def test_whose_browser_objects_is_counted_apart_from_people(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock
) -> None:
    made = inject(*(f"p{n}@x.example" for n in range(12)), format="jsonl")
    client.environ = {"HTTP_SEC_GPC": "1"}
    for _pixels, links in paths(made):
        client.get(links[0])
    clock.forward(7200)
    said = report.build(workspace.store, "spring", clock=clock)
    assert said.clicks.total == 0
    assert said.together is not None
    assert (said.together.recipients, said.together.clicks + said.together.machine_clicks) == (0, 10)
    value = json.loads(json.dumps([row.clicks for row in said.together.links]))
    assert set(value) <= {0, 10}


def test_the_list_of_campaigns_counts_who_has_no_row_and_leaves_their_hits_to_the_report(
    companies: None, tmp_path: Path
) -> None:
    (line,) = json.loads(run(tmp_path, "campaigns", "--json", "--db", "t.db").out)
    assert (line["messages"], line["hits"]) == (26, None)
    assert "– under hits: counted together" in run(tmp_path, "campaigns", "--db", "t.db").out
