"""How reports look: the same figures in every format, safe with hostile text, right when narrow."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cutting import planned
from rich.console import Console

from pixeltrack import rates, simulate
from pixeltrack.figures import (
    Alarm,
    Bounds,
    Bucket,
    CampaignReport,
    CompanyFigures,
    Estimate,
    LinkFigures,
    ProviderFigures,
    SetAside,
    Share,
    Tally,
    Week,
)
from pixeltrack.show import brief, terminal, text
from pixeltrack.show.json import as_json
from pixeltrack.show.links import show_plan

HOSTILE = "[/] [red]x[/red] \x1b[31mred\x1b[0m :smile: \u202egnp.exe <script> \x9b2J a\nb"

NOBODY = ((0,) * 24,) * 6
WEEK_OPENS = ((*(0,) * 14, 300, 212, *(0,) * 8), *NOBODY)  # on a Monday
WEEK_CLICKS = ((*(0,) * 14, 50, 83, *(0,) * 8), *NOBODY)


def bucket(start: int, opens: int, clicks: int) -> Bucket:
    """A bar of the timeline, in UTC."""
    return Bucket(
        start, opens, clicks, datetime.fromtimestamp(start / 1000, UTC).isoformat(timespec="minutes")
    )


REPORT = CampaignReport(
    campaign="spring",
    code="abcdefgh",
    kind="recipients",
    created=1_790_000_000_000,
    messages=1234,
    tracked=1200,
    opens_tracked=1200,
    clicks_tracked=1200,
    opens=Tally(400, 512),
    clicks=Tally(90, 133),
    open_rate=400 / 1200,
    click_rate=90 / 1200,
    click_to_open_rate=90 / 400,
    opens_bounds=Bounds(407, 618),
    clicks_bounds=Bounds(90, 92),
    adjusted_open_rate=Estimate(400 / 991, 0.374, 0.435, 0.95, 400, 991, "400 ÷ (1,200 − 209)"),
    prefetch_only=209,
    observable=991,
    observable_share=991 / 1200,
    clicked_without_open=7,
    clicked_without_images=5,
    unsubscribed=3,
    stopped_tracking=2,
    machine_opens=Tally(210, 260),
    machine_clicks=Tally(40, 321),
    unknown_opens=Tally(1, 1),
    unknown_clicks=Tally(2, 2),
    links=(
        LinkFigures(1, 1, 12, "Shop now", "https://shop.example/", "", Tally(80, 110), 300, 80 / 90),
        LinkFigures(2, 2, 19, "", "https://shop.example/b", "", Tally(11, 23), 21, 11 / 90),
    ),
    timeline=(bucket(1_790_000_000_000, 300, 50), bucket(1_790_003_600_000, 212, 83)),
    timeline_step=3_600_000,
    week=Week("UTC", WEEK_OPENS, WEEK_CLICKS),
    devices=(Share("desktop", 55), Share("hidden by Gmail's image proxy", 44)),
    systems=(Share("Windows", 51),),
    browsers=(Share("Chrome", 49),),
    clients=(Share("Outlook", 33),),
    providers=(
        ProviderFigures("Gmail", 702, 702, 702, 0, 14, 161, 0.0, 14 / 702, 0.0),
        ProviderFigures("other domains", 498, 498, 498, 400, 76, 48, 400 / 498, 76 / 498, 400 / 450),
    ),
    companies=(CompanyFigures("firm.example", 9, 9, 9, 4, 1, 4 / 9, 1 / 9),),
    alarms=(Alarm("Gmail", 0, 541, 0.31, 4, 1e-90, "Gmail: 0 of 541 opened, against 31 % before: spam?"),),
    set_aside=(SetAside("scanner", "burst", 0, 297, 31),),
    begun=1_790_000_000_000,
    first=1_790_000_000_000,
    last=1_790_003_600_000,
    preview_hits=6,
    repeated_hits=1234,
    repeated_urls=3,
    rules_version="2026-09-20.7",
)


def printed(width: int, value: CampaignReport = REPORT, **options: object) -> str:
    stream = io.StringIO()
    terminal.show_report(Console(file=stream, width=width, highlight=False, **options), value)  # type: ignore[arg-type]
    return stream.getvalue()


def test_a_narrow_screen_says_which_figures_are_opens_and_which_clicks() -> None:
    shown = printed(40)
    assert re.search(r"^ Opens +400 ", shown, re.MULTILINE)
    assert re.search(r"^ Clicks +90 ", shown, re.MULTILINE)


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_every_figure_is_on_the_screen_whatever_its_width(width: int) -> None:
    shown = printed(width)
    for figure in (
        "1,234",
        "34 of them untracked",
        "400",
        "512",
        "33.3 %",
        "260",
        "90",
        "133",
        "7.5 %",
        "321",
        "22.5 %",
        "80",
        "110",
        "300",
        "55",
        "44",
        "51",
        "49",
        "33",
        "297",
        "31",
        "Gmail: 0 of 541 opened",
        "407",
        "618",
        "209 recipients",
        "991 recipients, 82.6 %",
        "40.4 %",
        "rules: version 2026-09-20.7",
    ):
        assert figure in shown, figure


def test_a_report_in_which_everybody_opens_and_clicks_is_whole_at_80_columns() -> None:
    everybody = ProviderFigures("smaller provider", 1_000, 1_000, 1_000, 1_000, 1_000, 12_345, 1.0, 1.0, 1.0)
    shown = printed(80, replace(REPORT, providers=(everybody,), browsers=(Share("Edge", 1),)))
    (row,) = [line for line in shown.splitlines() if "smaller provider" in line]
    assert row.split()[2:] == ["1,000", "1,000", "100.0", "%", "100.0", "%", "1,000", "100.0", "%", "12,345"]
    assert "Operating systems" in printed(80, replace(REPORT, systems=(Share("iOS", 1),)))


@pytest.mark.parametrize("width", [60, 80, 110, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    assert max(len(line) for line in printed(width).splitlines()) <= width


def test_undefined_rates_are_a_dash() -> None:
    none = replace(
        REPORT, messages=None, tracked=None, open_rate=None, click_rate=None, click_to_open_rate=None
    )
    shown = printed(80, none)
    assert "–" in shown
    assert "recipients filled in by your mail system" in shown


def test_hostile_text_stays_text() -> None:
    hostile = replace(
        REPORT,
        campaign=HOSTILE,
        links=(LinkFigures(1, 1, 1, HOSTILE, f"https://shop.example/{HOSTILE}", "", Tally(1, 1), 0, 1.0),),
        devices=(Share(HOSTILE, 1),),
    )
    shown = printed(120, hostile)
    assert not [
        character
        for character in shown
        if unicodedata.category(character) in ("Cc", "Cf") and character != "\n"
    ]
    assert "[/]" in shown
    assert ":smile:" in shown


def test_colour_is_only_for_terminals() -> None:
    assert "\x1b" not in printed(80)
    assert "\x1b[" in printed(80, force_terminal=True)


def test_json_has_the_same_figures() -> None:
    value = json.loads(as_json(REPORT))
    assert value["opens"] == {"unique": 400, "total": 512}
    assert value["click_to_open_rate"] == 90 / 400
    assert value["links"][0]["clicks"] == {"unique": 80, "total": 110}
    assert value["first"] == "2026-09-21T14:13:20.000+00:00"
    assert value["timeline"][1] == {
        "start": "2026-09-21T15:13:20.000+00:00",
        "local": "2026-09-21T15:13+00:00",
        "opens": 212,
        "clicks": 83,
    }
    assert value["rules_version"] == "2026-09-20.7"
    assert value["definitions"]["open rate"] == "unique opens ÷ messages of which opens are tracked"


@pytest.mark.parametrize("width", [80, 120])
def test_the_overview_has_a_line_for_each_campaign(width: int) -> None:
    stream = io.StringIO()
    long_name = replace(REPORT, campaign="a campaign whose name is far too long for the line")
    terminal.show_overview(Console(file=stream, width=width), [REPORT, long_name])
    lines = stream.getvalue().splitlines()
    for name in ("spring", "a campaign"):
        (line,) = [line for line in lines if line.strip().startswith(name)]
        for figure in ("1,234", "400", "33.3 %", "90", "7.5 %", "581"):
            assert figure in line


@pytest.mark.parametrize("width", [60, 80, 140])
def test_the_table_of_links_says_everything_whatever_its_width(width: int) -> None:
    mail = b'<p><a href="https://shop.example/a?b=c">Shop</a> <a href="mailto:a@shop.example">Mail us</a></p>'
    stream = io.StringIO()
    show_plan(Console(file=stream, width=width), planned(mail))
    shown = stream.getvalue()
    for said in (
        "Shop",
        "https://shop.example/a?b=c",
        "wrap",
        "web link",
        "leave",
        "mailto: link",
        "at the end",
    ):
        assert said in shown


@pytest.mark.parametrize(
    ("values", "width", "shown"),
    [([], 10, ""), ([0, 0], 10, ""), ([1], 10, "█"), ([1, 0, 8], 10, "▁ █"), ([1, 1, 4, 4], 2, "▂█")],
)
def test_sparklines(values: list[int], width: int, shown: str) -> None:
    assert text.sparkline(values, width) == shown


def test_expected_figures_follow_the_definitions() -> None:
    program = simulate.Program("x", "desktop", "Windows", "Chrome")
    hidden = simulate.Program("y", client="Gmail", hidden_by="Gmail")
    plan = [
        simulate.Hit(1, "open", 0, 0, hidden, "human"),
        simulate.Hit(2, "open", 0, 0, hidden, "human"),
        simulate.Hit(3, "click", 1, 1, program, "human"),
        simulate.Hit(4, "click", 1, 0, program, "scanner"),
        simulate.Hit(5, "open", 2, 0, program, "human", counts=False),
    ]
    expected = simulate.expect(plan, links=2)
    assert (expected.opens, expected.clicks, expected.machine_clicks) == ((1, 2), (1, 1), (1, 1))
    assert expected.clicked_without_open == 1
    assert expected.links == ((0, 0, 1), (1, 1, 0))
    assert expected.devices == {"hidden by Gmail's image proxy": 1, "desktop": 1}
    assert (expected.first, expected.last) == (1, 3)


def test_reports_are_values() -> None:
    with pytest.raises(AttributeError):
        REPORT.messages = 5  # type: ignore[misc]
    assert REPORT.definitions == rates.DEFINITIONS


@pytest.mark.parametrize("width", [40, 50, 60, 80, 110, 160])
def test_the_brief_report_fits_a_screen_at_any_width(width: int) -> None:
    stream = io.StringIO()
    brief.show_brief(Console(file=stream, width=width, highlight=False), replace(REPORT, alarms=()))
    said = stream.getvalue()
    assert max(map(len, said.splitlines())) <= width
    assert len(said.splitlines()) <= (48 if width >= 80 else 80)
    more = (*(("33.3 %",) if width >= 60 else ()), *(("407", "618") if width >= 80 else ()))
    for figure in ("400", "512", "90", "133", "260", "321", *more):
        assert figure in said, figure
    assert "Shop now" in said
    assert "--full" in said


def test_a_brief_report_of_nothing_and_of_hostile_names() -> None:
    stream = io.StringIO()
    links = (replace(REPORT.links[0], text=HOSTILE, url=HOSTILE),)
    hostile = replace(REPORT, campaign=HOSTILE, links=links, devices=(Share(HOSTILE, 3),))
    brief.show_brief(Console(file=stream, width=80, highlight=False), hostile)
    assert not set(stream.getvalue()) & set("\x1b\u202e\x9b")
    assert "[red]x[/red]" in stream.getvalue()
    empty = replace(REPORT, links=(), timeline=(), devices=(), clients=(), providers=(), set_aside=())
    brief.show_brief(Console(file=stream, width=80, highlight=False), empty)
