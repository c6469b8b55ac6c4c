"""Campaigns side by side: the figures of their reports in every format, and nothing else."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import Client, Inject
from inbox import copies
from rich.console import Console
from test_show import HOSTILE, REPORT

from pixeltrack import compare
from pixeltrack.chances import wilson
from pixeltrack.errors import InputError, NoSuchCampaign
from pixeltrack.figures import Alarm, Tally
from pixeltrack.show import compare as show
from pixeltrack.show.table import csv_text

SECOND = replace(
    REPORT,
    campaign="summer",
    clicks=Tally(150, 180),
    click_rate=150 / 1200,
    click_to_open_rate=150 / 400,
    adjusted_open_rate=None,
)
MERGE = replace(
    *(REPORT,),
    campaign="merged",
    messages=None,
    tracked=None,
    opens_tracked=None,
    clicks_tracked=None,
    open_rate=None,
    click_rate=None,
    begun=None,
)


def printed(width: int, *reports) -> str:
    stream = io.StringIO()
    show.show(Console(file=stream, width=width, highlight=False), compare.side_by_side(reports))
    return stream.getvalue()


def row(text: str, name: str) -> list[str]:
    return next(line for line in text.splitlines() if line.strip().startswith(name)).split("  ")


def test_figures_stand_beside_each_other_with_their_difference() -> None:
    text = printed(80, REPORT, SECOND)
    assert [cell.strip() for cell in row(text, "Click rate ") if cell.strip()] == [
        "Click rate",
        "7.5 %",
        "12.5 % (+5.0)",
    ]
    assert [cell.strip() for cell in row(text, "Clicked") if cell.strip()] == ["Clicked", "90", "150"]
    assert [cell.strip() for cell in row(text, "Adjusted") if cell.strip()][1:] == ["40.4 %", "–"]
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_what_has_no_room_beside_stands_below(width: int) -> None:
    text = printed(width, REPORT, SECOND, MERGE)
    assert max(map(len, text.splitlines())) <= width
    beside = max(1, (width - 20) // 18)
    assert text.count("Click rate ") == -(-3 // beside)
    for name in ("spring", "summer", "merged"):
        assert text.count(name) >= 1


def test_what_is_not_known_is_a_dash() -> None:
    text = printed(80, MERGE, REPORT)
    assert [cell.strip() for cell in row(text, "Click rate ") if cell.strip()] == ["Click rate", "–", "7.5 %"]


def test_json_and_csv_have_the_same_figures() -> None:
    found = compare.side_by_side([REPORT, SECOND, MERGE])
    said = json.loads(show.as_json(found))
    assert said["campaigns"] == ["spring", "summer", "merged"]
    assert said["figures"]["click_rate"] == [0.075, 0.125, None]
    assert said["changes"]["click_rate"] == [0, pytest.approx(0.05), None]
    assert said["intervals"]["click_rate"] == [list(wilson(90, 1200)), list(wilson(150, 1200)), None]
    lines = {line[0]: line[1:] for line in csv.reader(io.StringIO(show.as_csv(found)))}
    assert lines["figure"] == ["spring", "summer", "merged"]
    for name, values in said["figures"].items():
        assert lines[name] == ["" if each is None else str(each) for each in values]
    assert float(lines["click_rate_low"][1]) == wilson(150, 1200)[0]
    assert lines["click_rate_low"][2] == ""


def test_an_alarm_stands_first() -> None:
    alarmed = replace(SECOND, alarms=(Alarm("Gmail", 0, 412, 0.31, 3, 1e-9, "Gmail: 0 of 412 opened"),))
    assert (
        printed(80, replace(REPORT, alarms=()), alarmed).splitlines()[0]
        == "Alarm. summer: Gmail: 0 of 412 opened"
    )


def test_what_others_wrote_reaches_no_terminal_and_no_formula() -> None:
    hostile = replace(SECOND, campaign=HOSTILE)
    assert not {"\x1b", "\x9b", "\u202e"} & set(printed(80, REPORT, hostile))
    formula = replace(SECOND, campaign="=1+1")
    assert show.as_csv(compare.side_by_side([REPORT, formula])).splitlines()[0] == "figure,spring,'=1+1"


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=x", "'=x"),
        ("+x", "'+x"),
        ("-x", "'-x"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("a=b", "a=b"),
        (-0.5, "-0.5"),
        (None, '""'),
    ],
)
def test_cells(cell, written: str) -> None:
    assert csv_text([[cell]]) == f"{written}\n"


def test_campaigns_are_those_of_their_reports(inject: Inject, client: Client, workspace) -> None:
    for name, clicking in (("one", 1), ("two", 3)):
        for copy in copies(inject(*(f"p{n}@example.com" for n in range(10)), campaign=name))[:clicking]:
            client.get(copy.open)
            client.get(copy.click(1))
    found = compare.build(workspace.store, ["two", "one"])
    figures = {each.figure: each for each in found.rows}
    assert found.campaigns == ("two", "one")
    assert figures["click_rate"].values == (0.3, 0.1)
    assert figures["click_rate"].changes == (0, pytest.approx(-0.2))
    assert figures["opens"].values == (3, 1)
    assert figures["tracked"].values == (10, 10)


def test_who_cannot_be_compared(inject: Inject, workspace) -> None:
    inject("p@example.com", campaign="one")
    for names, says in ((["one"], "needs two campaigns"), (["one", "one"], "named twice")):
        with pytest.raises(InputError, match=says):
            compare.build(workspace.store, names)
    with pytest.raises(NoSuchCampaign, match="two"):
        compare.build(workspace.store, ["one", "two"])


def test_the_command_takes_names_behind_one_option_or_each_behind_its_own(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("email\na@example.com\n")
    (tmp_path / "m.html").write_text('<body><a href="https://shop.example/">Shop</a></body>')
    for name in ("one", "two", "three"):
        ran = run(tmp_path, "inject", "m.html", "--recipients", "list.csv", "--campaign", name)
        assert ran.code == 0, ran.err
    behind = run(tmp_path, "report", "--compare", "one", "two", "three", "--csv")
    assert behind.code == 0
    assert behind.out.splitlines()[0] == "figure,one,two,three"
    each = run(tmp_path, "report", "--compare", "one", "--compare", "two", "--compare", "three", "--csv")
    assert each.out == behind.out
    shown = run(tmp_path, "report", "--compare", "one", "two", COLUMNS="80")
    assert "one" in shown.out and "Click-to-open rate" in shown.out
    assert json.loads(run(tmp_path, "report", "--compare", "one", "two", "--json").out)["campaigns"] == [
        "one",
        "two",
    ]


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("--compare", "one"), "--compare needs two campaigns or more"),
        (("--compare", "one", "one"), "campaign 'one' is named twice"),
        (("--compare", "one", "two", "--campaign", "one"), "--compare and --campaign exclude each other"),
        (("--compare", "one", "two", "--ab"), "--compare and --ab are two runs"),
        (("--ab",), "--ab needs --campaign"),
        (("--compare", "one", "two", "--by", "day"), "--compare and --by are two runs"),
        (("--by", "day"), "--by needs --campaign"),
        (("--campaign", "one", "--by", "moon"), "hits have no 'moon'"),
        (("--campaign", "one", "--who", "slept"), "--who 'slept' asks for nothing that is known"),
        (("--campaign", "one", "--html", "x.html", "--csv"), "--html and --csv are two runs"),
        (("--compare", "one", "two", "--since", "2026-01-01"), "--since and --compare do not go together"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), "--until 2026-01-01 is not after --since"),
        (("--compare", "one", "two", "--csv", "--json"), "--csv and --json exclude each other"),
        (("one",), "unexpected extra argument (one). One campaign is --campaign one."),
    ],
)
def test_wrong_use_is_one_clear_error(tmp_path: Path, argv: tuple[str, ...], says: str) -> None:
    (tmp_path / "m.html").write_text('<body><a href="https://shop.example/">Shop</a></body>')
    assert run(tmp_path, "inject", "m.html", "--campaign", "one").code == 0
    ran = run(tmp_path, "report", *argv)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
