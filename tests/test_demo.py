"""The demo: a whole day over real HTTP, and a report that equals it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pixeltrack import agents, config, demo, simulate
from pixeltrack.figures import Tally
from pixeltrack.model import EventKind, Flag
from pixeltrack.setup import open_workspace
from pixeltrack.simulate.facts import flags


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_report_equals_what_was_played(tmp_path: Path, seed: int) -> None:
    settings = config.load(options={"db": str(tmp_path / "d.db")}, environment={})
    outcome = demo.run(tmp_path, settings, people=300, seed=seed)
    assert outcome.differences == ()
    assert outcome.hits > 300
    assert outcome.report.opens.unique > 50
    assert outcome.report.machine_opens.unique > 50
    assert outcome.report.machine_clicks.total > 100


def test_the_comparison_sees_a_wrong_figure(tmp_path: Path) -> None:
    settings = config.load(options={"db": str(tmp_path / "d.db")}, environment={})
    outcome = demo.run(tmp_path, settings, people=60, seed=4)
    hits = demo.a_day(outcome.report.tracked or 0, len(outcome.report.links), seed=4)
    expected = simulate.expect(hits, len(outcome.report.links))
    wrong = replace(outcome.report, opens=Tally(outcome.report.opens.unique + 1, outcome.report.opens.total))
    compared = demo.compare(wrong, expected, 60, outcome.report.tracked or 0)
    assert [name for name, played, said in compared if played != said] == ["opens"]


def test_what_was_played_is_stored_as_it_would_be_directly(tmp_path: Path) -> None:
    settings = config.load(options={"db": str(tmp_path / "d.db")}, environment={})
    outcome = demo.run(tmp_path, settings, people=200, seed=5)
    drawn = demo.a_day(outcome.report.tracked or 0, len(outcome.report.links), seed=5)
    store = open_workspace(settings, create=False).store
    rows = store._connection.execute(
        "select at, kind, link, agent, flags, network, address from events join agents using (agent_id)"
        " left join networks using (network_id)"
    ).fetchall()
    store.close()
    kinds = {"open": EventKind.OPEN, "click": EventKind.CLICK}
    recorded = [hit for hit in drawn if hit.counts and hit.kind in kinds]
    # what the collector does not look at, it cannot store
    known = -1 if any(row["flags"] & Flag.HEADERS for row in rows) else Flag.HEAD | Flag.SPECULATIVE
    networks = any(row["network"] for row in rows)
    numbers = [link.number for link in outcome.report.links]
    assert sorted(
        (
            *(row["at"], row["kind"], row["link"], row["agent"], row["flags"] & known),
            (row["network"] or "").partition("/")[0],
        )
        for row in rows
    ) == sorted(
        (
            *(hit.at, int(kinds[hit.kind]), numbers[hit.link] if hit.kind == "click" else 0),
            *(agents.reduce(hit.program.agent), flags(hit) & known),
            hit.place.network if networks else "",
        )
        for hit in recorded
    )
