"""The demo: a whole day over real HTTP, and a report that equals it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pixeltrack import config, demo, simulate
from pixeltrack.figures import Tally


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
    hits = simulate.draw(outcome.report.tracked or 0, len(outcome.report.links), demo.START, seed=4)
    expected = simulate.expect(hits, len(outcome.report.links))
    wrong = replace(outcome.report, opens=Tally(outcome.report.opens.unique + 1, outcome.report.opens.total))
    compared = demo.compare(wrong, expected, 60, outcome.report.tracked or 0)
    assert [name for name, played, said in compared if played != said] == ["opens"]


def test_the_same_seed_is_the_same_day() -> None:
    assert simulate.draw(100, 5, 0, seed=9) == simulate.draw(100, 5, 0, seed=9)
    assert simulate.draw(100, 5, 0, seed=9) != simulate.draw(100, 5, 0, seed=10)
