"""Reports as pages: the same figures as elsewhere, one file that loads nothing, hostile text, own templates."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from command import Ran, run
from conftest import Client, Inject
from test_show import HOSTILE, REPORT, bucket

from pixeltrack import resources
from pixeltrack.earned import Funnel
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.figures import Bounds, CampaignReport, LinkFigures, Share, Tally, Week
from pixeltrack.model import Mail
from pixeltrack.rates import Tracked
from pixeltrack.reached import reached
from pixeltrack.setup import Workspace
from pixeltrack.show.json import as_json
from pixeltrack.show.page import VARIABLES, ReportPages
from pixeltrack.show.text import count, percent

MAIL = Mail("html", b'<p>Hi <a href="https://shop.example/">Shop now</a></p>', "utf-8", {1: 1}, 0)
NONE, NEVER = Tally(0, 0), ((0,) * 24,) * 7
EMPTY = replace(
    REPORT,
    opens=NONE,
    clicks=NONE,
    open_rate=0.0,
    click_rate=0.0,
    click_to_open_rate=None,
    opens_bounds=Bounds(0, 0),
    clicks_bounds=Bounds(0, 0),
    adjusted_open_rate=None,
    observable=None,
    observable_share=None,
    links=(LinkFigures(1, 1, 1, "Shop now", "https://shop.example/", "", NONE, 0, None),),
    timeline=(),
    week=Week("UTC", NEVER, NEVER),
    devices=(),
    systems=(),
    browsers=(),
    clients=(),
    providers=(),
    companies=(),
    alarms=(),
    set_aside=(),
    begun=None,
    first=None,
    last=None,
)


@pytest.fixture(scope="module")
def pages() -> ReportPages:
    return ReportPages()


class Read(HTMLParser):
    """A page as a program reads it: its figures, its tags and their attributes, its text."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.figures: list[tuple[str, str, str]] = []  # path, exact value, what is shown
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[tuple[str, str]] = []
        self.text = ""
        self._open: tuple[str, str] | None = None
        self.feed(page.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, tuple(given)))
        self.values += given.items()
        if tag == "data":
            self._open = given["data-figure"], given["value"]
            self.text_before = len(self.text)

    def handle_endtag(self, tag: str) -> None:
        if tag == "data" and self._open:
            self.figures.append((*self._open, self.text[self.text_before :]))
            self._open = None

    def handle_data(self, data: str) -> None:
        self.text += data


# -- figures ------------------------------------------------------------------------------------------


def at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = value[int(step)] if step.isdecimal() else value[step]
    return value


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every number of a report's JSON with its path."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, int | float) or value is None:
        yield path, value


def check_figures(page: bytes, value: Any) -> dict[str, Any]:
    """Compare each figure of a page with the JSON report, exact value and text; return them by path."""
    figures = Read(page).figures
    for path, exact, text in figures:
        expected = at(value, path)
        assert exact == ("" if expected is None else json.dumps(expected)), path
        shown = percent(expected) if isinstance(expected, float) else count(expected)
        if "together." in path and not path.endswith("recipients"):
            shown = shown if expected else "<10"
        short = path.startswith("week.") and isinstance(expected, int) and expected >= 10_000
        assert text == (f"{expected // 1000:,}k" if short else shown), path
    return {path: at(value, path) for path, _exact, _text in figures}


# Not figures: places in the mail, what charts are made of, and what stands within a sentence.
NO_FIGURES = re.compile(
    r"links\.\d+\.(number|position|line)|timeline_step_seconds|created|begun|first|last"
    r"|adjusted_open_rate|adjusted_open_rate\.(confidence|part|whole)|alarms\..*"
    r"|conversions|funnel"  # of which test_earned has some
)


@pytest.mark.parametrize(
    "report", [REPORT, EMPTY, replace(REPORT, messages=None, tracked=None, open_rate=None)]
)
def test_every_figure_of_the_json_is_on_the_page_and_the_other_way_round(
    pages: ReportPages, report: CampaignReport
) -> None:
    value = json.loads(as_json(report))
    shown = check_figures(pages.campaign(report, [MAIL]), value)
    for path, figure in leaves(value):
        hidden = figure == 0 and path.startswith(("timeline.", "week."))  # hours without hits have no row
        if not hidden and not NO_FIGURES.fullmatch(path) and path not in shown:
            assert figure is None or report is not REPORT, path


def played(folder: Path, people: int = 400) -> dict[str, Ran]:
    """A drawn campaign's report in every format."""
    made = run(folder, "simulate", "--people", str(people), "--into", "t.db", "--mix", "mixed", "--seed", "7")
    assert made.code == 0, made.err
    name = json.loads(run(folder, "report", "--db", "t.db", "--json").out)[0]["campaign"]
    one = ("report", "--db", "t.db", "--campaign", name)
    return {
        "json": run(folder, *one, "--json"),
        "html": run(folder, *one, "--html", "one.html"),
        "terminal": run(folder, *one, "--full", COLUMNS="200"),
        "links": run(folder, "export", "--links", "--db", "t.db"),
        "events": run(folder, "export", "--events", "--db", "t.db"),
        "daily": run(folder, "export", "--daily", "--db", "t.db"),
        "people": run(folder, "export", "--people", "--db", "t.db"),
        "all json": run(folder, "report", "--db", "t.db", "--json"),
        "all html": run(folder, "report", "--db", "t.db", "--html", "all.html"),
    }


def test_terminal_page_and_json_agree_figure_by_figure(tmp_path: Path) -> None:
    ran = played(tmp_path)
    assert {each.code for each in ran.values()} == {0}
    value = json.loads(ran["json"].out)
    shown = check_figures((tmp_path / "one.html").read_bytes(), value)
    assert shown["opens.unique"] > 50 and shown["clicks.total"] > 10, "there is something to compare"
    lines = [re.sub(r"[█▁-▇\s]+", " ", line).strip() for line in ran["terminal"].out.splitlines()]

    def says(label: str, *figures: str, between: str = r"\D+") -> None:
        values = [shown[path] for path in figures]
        texts = [percent(value) if isinstance(value, float) else count(value) for value in values]
        said = between.join(map(re.escape, texts))
        pattern = rf"{re.escape(label)}(?:.*[^\d.,])?{said}(?![\d.,]*\d)"
        assert any(re.search(pattern, line) for line in lines), (label, texts)

    says("Opens ", "opens.unique", "opens.total", "open_rate", "machine_opens.total", "unknown_opens.total")
    says(
        "Clicks ",
        "clicks.unique",
        "clicks.total",
        "click_rate",
        "machine_clicks.total",
        "unknown_clicks.total",
    )
    says("Click-to-open ", "click_to_open_rate")
    for kind in ("opens", "clicks"):
        says(f"{kind.capitalize()} ", f"{kind}_bounds.at_least", f"{kind}_bounds.at_most")
    says("Only loaded ahead: ", "prefetch_only")
    says("Can be seen: ", "observable", "observable_share")
    says(
        "Adjusted open rate (an estimate): ",
        *(f"adjusted_open_rate.{each}" for each in ("rate", "low", "high")),
        between=".*",
    )
    for place, link in enumerate(value["links"]):
        said = (f"links.{place}.{each}" for each in ("clicks.unique", "clicks.total", "machine_clicks"))
        says(f"{link['number']} ", *said)
    for part in ("devices", "systems", "browsers", "clients"):
        for place, share in enumerate(value[part][:8]):
            says(f"{share['name'][:36]} ", f"{part}.{place}.people")
    names = (
        "tracked",
        "openers",
        "open_rate",
        "adjusted_open_rate",
        "clickers",
        "click_rate",
        "prefetch_only",
    )
    for place, provider in enumerate(value["providers"]):
        says(f"{provider['provider']} ", *(f"providers.{place}.{name}" for name in names))
    for place, row in enumerate(value["set_aside"]):
        says(f"{row['label']} ", *(f"set_aside.{place}.{name}" for name in ("opens", "clicks", "messages")))


def test_page_and_csv_agree_figure_by_figure(tmp_path: Path) -> None:
    ran = played(tmp_path)
    shown = check_figures((tmp_path / "one.html").read_bytes(), json.loads(ran["json"].out))
    links, events, daily, people = (
        list(csv.DictReader(io.StringIO(ran[name].out))) for name in ("links", "events", "daily", "people")
    )
    for place, row in enumerate(links):
        for column, figure in (
            ("people", "clicks.unique"),
            ("clicks", "clicks.total"),
            ("machine_clicks",) * 2,
        ):
            assert int(row[column]) == shown[f"links.{place}.{figure}"], (place, column)
    for kind in ("open", "click"):
        for counted, figure in (("people", ""), ("machines", "machine_"), ("unknown", "unknown_")):
            rows = [row for row in events if (row["kind"], row["counted"]) == (kind, counted)]
            assert sum(int(row["hits"]) for row in rows) == shown[f"{figure}{kind}s.total"]
            assert len({row["message"] for row in rows}) == shown[f"{figure}{kind}s.unique"]
            assert sum(int(row[f"{figure}{kind}s"]) for row in daily) == shown[f"{figure}{kind}s.total"]
    assert sum(row["opened"] == "true" for row in people) == shown["opens.unique"]
    assert sum(row["clicked"] == "true" for row in people) == shown["clicks.unique"]
    for place, provider in enumerate(json.loads(ran["json"].out)["providers"]):
        at_provider = [row for row in people if row["provider"] == provider["provider"]]
        assert len(at_provider) == shown[f"providers.{place}.tracked"]
        assert sum(row["opened"] == "true" for row in at_provider) == shown[f"providers.{place}.openers"]


def test_the_overview_and_json_agree(tmp_path: Path) -> None:
    ran = played(tmp_path, people=60)
    shown = check_figures((tmp_path / "all.html").read_bytes(), json.loads(ran["all json"].out))
    assert {"0.messages", "0.opens.unique", "0.open_rate", "0.clicks.unique"} <= set(shown)


def test_undefined_figures_are_a_dash(pages: ReportPages) -> None:
    figures = {path: (exact, text) for path, exact, text in Read(pages.campaign(EMPTY, [])).figures}
    assert figures["click_to_open_rate"] == ("", "–")
    assert figures["links.0.share"] == ("", "–")


# -- the file -----------------------------------------------------------------------------------------


def test_the_policy_of_the_page_is_this_one(pages: ReportPages) -> None:
    policy = (
        b"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        b"img-src data:; base-uri 'none'; form-action 'none'\">"
    )
    for page in (pages.campaign(REPORT, [MAIL]), pages.overview([REPORT])):
        head = page[: page.index(b"<style>")]
        assert policy in head
        assert b"=" not in head[: head.index(policy)].replace(b'lang="en"', b"").replace(
            b'charset="utf-8"', b""
        )


def test_the_page_names_nothing_that_is_elsewhere(pages: ReportPages) -> None:
    for page in (pages.campaign(REPORT, [MAIL]), pages.overview([REPORT])):
        read = Read(page)
        for name, value in read.values:
            assert name not in ("src", "action", "srcset", "poster", "background"), value
            assert name != "href" or value.startswith("#"), value
        assert not {tag for tag, _names in read.tags} & {"script", "link", "img", "object", "form", "base"}
        assert not re.search(rb"url\((?!#)|@import", page)


def test_the_mail_stands_in_a_frame_that_may_do_nothing(pages: ReportPages) -> None:
    read = Read(pages.campaign(REPORT, [MAIL]))
    assert ("iframe", ("class", "sandbox", "title", "srcdoc")) in read.tags
    values = dict(read.values)
    assert values["sandbox"] == ""
    assert re.match(
        r'<p>Hi <a href="#"><x-share s="4"><i>1</i>88\.9 %</x-share>Shop now</a></p>', values["srcdoc"]
    )


def test_a_mail_of_60_kb_makes_a_page_below_500_kb(pages: ReportPages) -> None:
    row = (
        '<tr><td style="padding:0 12px" class="cell"><a href="https://shop.example/{n}?utm_source=x&amp;utm_medium=y">'
        'No. {n}</a><img src="https://shop.example/{n}.png" width="300" height="90" alt="A picture"></td></tr>\n'
    )
    rows = "".join(row.format(n=number) for number in range(1, 286))
    mail = Mail("html", f"<table>{rows}</table>".encode(), "utf-8", {n: n for n in range(1, 286)}, 0)
    assert 58_000 < len(mail.content) < 62_000
    links = tuple(
        LinkFigures(
            n,
            n,
            n,
            f"No. {n}",
            f"https://shop.example/{n}?utm_source=x&utm_medium=y",
            "",
            Tally(n, n),
            n,
            n / 285,
        )
        for n in range(1, 286)
    )
    hours = ((12_345,) * 24,) * 7
    report = replace(
        REPORT,
        links=links,
        week=Week("Europe/Berlin", hours, hours),
        timeline=tuple(bucket(1_790_000_000_000 + 3_600_000 * n, 900 + n, n) for n in range(96)),
        devices=tuple(Share(f"Device {n}", 1_000 - n) for n in range(40)),
    )
    assert len(pages.campaign(report, [mail])) < 500_000


# -- hostile text -------------------------------------------------------------------------------------


def with_text(value: Any, text: str) -> Any:
    """A value with every text of strangers' in it replaced."""
    if isinstance(value, tuple):
        return tuple(with_text(each, text) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        kept = ("label", "kind", "definitions", "formula", "code", "local")
        return replace(
            value,
            **{
                each.name: with_text(getattr(value, each.name), text)
                for each in fields(value)
                if each.name not in kept
            },
        )
    return text if isinstance(value, str) else value


@pytest.mark.parametrize(
    "text",
    [
        HOSTILE,
        "<script>alert(1)</script>",
        "\"'><img src=x onerror=alert(1)>",
        "</style></title></iframe><script>alert(1)</script>",
        "{{ 7 * 191 }}{% raw %}",
        "\u202egnp.exe\u2066 \u200f",
        "שלום العربية",
        "\ud800 lone",
        "W" * 5_000,
    ],
)
def test_no_text_becomes_markup(pages: ReportPages, text: str) -> None:
    for draw in (lambda report: pages.campaign(report, [MAIL]), lambda report: pages.overview([report])):
        plain, hostile = Read(draw(with_text(REPORT, "plain"))), draw(with_text(REPORT, text))
        assert Read(hostile).tags == plain.tags
        said = hostile.decode("utf-8")
        assert "1337" not in said
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", said)


def test_a_hostile_mail_stays_in_its_frame(pages: ReportPages) -> None:
    mail = replace(MAIL, content=b'"></iframe><script>alert(1)</script>&quot;&amp;quot;<a href="x">Shop</a>')
    read = Read(pages.campaign(REPORT, [mail]))
    assert read.tags == Read(pages.campaign(REPORT, [MAIL])).tags
    assert '"></iframe>&quot;&amp;quot;<a href="#">' in dict(read.values)["srcdoc"]


def test_hostile_names_and_agents_pass_every_format_as_text(
    workspace: Workspace, inject: Inject, client: Client, tmp_path: Path
) -> None:
    name = "<script>alert(1)</script> [/] [red]x \u202egnp"
    mail = f'<p><a href="https://shop.example/">{escape(name)}</a> <a href="https://shop.example/b">B</a></p>'
    copy = next(
        (
            inject("ada@example.com", mail=mail.encode(), campaign="<script>x</script>[bold]").out / "html"
        ).iterdir()
    )
    for url in re.findall(r'(?:href|src)="([^"]+)"', copy.read_text()):
        client.get(url, agent="\x1b[31m<script>alert(2)</script>\u202e[/] Chrome/131.0.0.0 Safari/537.36")
    one = ("report", "--db", "t.db", "--campaign", "<script>x</script>[bold]")
    terminal, as_json = run(tmp_path, *one), run(tmp_path, *one, "--json")
    assert "<script>x</script>[bold]" in terminal.out
    assert "<script>alert(1)" in terminal.out
    assert not re.search("[\x1b\u202e]", terminal.out)
    value = json.loads(as_json.out)
    assert (value["campaign"], value["links"][0]["text"]) == ("<script>x</script>[bold]", name)
    assert "\x1b" not in as_json.out
    assert (
        run(tmp_path, *one, "--html", "out.html").code
        == run(tmp_path, "report", "--db", "t.db", "--html", "all.html").code
        == 0
    )
    for file in ("out.html", "all.html"):
        page = (tmp_path / file).read_text()
        assert "&lt;script&gt;x&lt;/script&gt;[bold]" in page
        assert "<script" not in page
        assert not re.search("[\x1b\u202e]", re.sub('srcdoc="[^"]*"', "", page))
    table = run(tmp_path, "export", "--links", "--db", "t.db").out
    assert next(csv.DictReader(io.StringIO(table)))["campaign"] == "<script>x</script>[bold]"
    assert "\x1b" not in table


# -- templates of the user's ---------------------------------------------------------------------------


def own(folder: Path, **files: str) -> ReportPages:
    for name, text in files.items():
        (folder / name.replace("__", "-").replace("_", ".")).write_text(text)
    return ReportPages(folder)


def test_a_template_may_extend_ours(tmp_path: Path, pages: ReportPages) -> None:
    brand = '{% extends "pixeltrack/report.html" %}{% block brand %}<p>Blue Boat & {{ report.campaign }}</p>{% endblock %}'
    made = own(tmp_path, report_html=brand).campaign(REPORT, [MAIL])
    ours = pages.campaign(REPORT, [MAIL])
    assert b"<p>Blue Boat & spring</p>" in made
    assert Read(made).figures == Read(ours).figures


def test_a_base_and_a_style_of_the_users_are_for_both_pages(tmp_path: Path) -> None:
    made = own(
        tmp_path,
        report__base_html="<style>{{ style }}</style>{% block content %}{% endblock %}",
        report_css="p{}",
    )
    for page in (made.campaign(REPORT, []), made.overview([REPORT])):
        assert page.startswith(b"<style>p{}</style>")


def test_a_template_has_every_value_that_is_promised(tmp_path: Path) -> None:
    names = "".join(f"{{% if {name} %}}{name} {{% endif %}}" for name in sorted(VARIABLES["report.html"]))
    nothing_told = reached([]).figures(5, Tracked(5, 5, 5))
    full = replace(REPORT, gone_before=1, delivery=nothing_told, funnel=Funnel("spring", (), 0, None))
    assert own(tmp_path, report_html=names).campaign(full, [MAIL]).split()[
        : len(VARIABLES["report.html"])
    ] == [name.encode() for name in sorted(VARIABLES["report.html"])]
    page = own(
        tmp_path,
        report_html="{{ figure('opens.unique') }} {{ 0.5|percent }} {{ 1234|count }} {{ 'head'|reason }}",
    )
    assert page.campaign(REPORT, []).startswith(
        b'<data value="400" data-figure="opens.unique">400</data> 50.0 % 1,234 HEAD request'
    )


def test_the_documentation_names_what_there_is(tmp_path: Path) -> None:
    docs = (Path(__file__).parents[1] / "docs" / "reports.md").read_text("utf-8")
    (example,) = re.findall(r"```html\n(.*?)```", docs, re.DOTALL)
    page = own(tmp_path, report_html=example).campaign(REPORT, [MAIL])
    assert b'alt="Blue Boat Books"' in page
    assert b"Write to Ada." in page
    named = set(re.findall(r"^\| `(\w+)(?:\([\w, ]*\))?` \|", docs, re.MULTILINE))
    assert named >= VARIABLES["report.html"]
    blocks = docs[docs.index("Blocks of both pages") : docs.index("What `report.html` may use")]
    for name in ("report.html", "report-overview.html", "report-base.html"):
        source = (resources.templates_dir() / "report" / name).read_text("utf-8")
        assert set(re.findall(r"\{% block (\w+)", source)) <= set(re.findall(r"`(\w+)`", blocks)), name


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{% if %}", "report.html, line 1: Expected an expression"),
        ("a\n{{ campain }}", "report.html: unknown variable: 'campain'"),
        ('{% extends "nothing.html" %}', "report.html: no such template: 'nothing.html'"),
        ("a\n{{ report.campain }}", "has no attribute 'campain'"),
        ("a\n{{ figure('opens.uniqe') }}", "report.html, line 2: 'Tally' object has no attribute 'uniqe'"),
        ("a\n\n{{ 1 // 0 }}", "report.html, line 3: integer division or modulo by zero"),
    ],
)
def test_a_template_that_cannot_work_says_where(tmp_path: Path, template: str, said: str) -> None:
    with pytest.raises(PixeltrackError) as caught:
        own(tmp_path, report_html=template).campaign(REPORT, [MAIL])
    assert said in caught.value.message


def test_a_template_may_set_names_of_its_own(tmp_path: Path) -> None:
    text = "{% if report %}{% set mine = 3 %}{% macro m(x) %}{{ x }}{% endmacro %}{{ m(mine) }}{% endif %}"
    assert own(tmp_path, report_html=text).campaign(REPORT, []).startswith(b"3\n")


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such templates folder"):
        ReportPages(tmp_path / "none")


def test_every_template_is_one_that_can_be_replaced() -> None:
    folder = resources.templates_dir() / "report"
    assert {path.name for path in folder.iterdir()} == {
        *VARIABLES,
        "report-base.html",
        "report-earned.html",
        "report.css",
        "mail.css",
        *(f"dashboard-{name}.html" for name in ("report", "overview", "bar", "login", "saying")),
        "dashboard.css",
        "dashboard.js",
    }


# -- the command --------------------------------------------------------------------------------------


@pytest.fixture
def made(tmp_path: Path) -> Path:
    (tmp_path / "mail.html").write_bytes(MAIL.content)
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    options = ("--recipients", "list.csv", "--campaign", "spring", "--base-url", "https://t.example.com")
    assert run(tmp_path, "inject", "mail.html", *options).code == 0
    return tmp_path


def report(folder: Path, *options: str) -> Ran:
    return run(folder, "report", "--campaign", "spring", *options)


def test_the_page_is_written_and_shows_the_mail(made: Path) -> None:
    ran = report(made, "--html", "out.html")
    assert (ran.code, ran.out, ran.err) == (0, "", "wrote out.html\n")
    assert b"Shop now</a></p>" in (made / "out.html").read_bytes()
    assert not list(made.glob(".*partial"))


def test_an_earlier_report_is_replaced_and_a_link_stays_one(made: Path) -> None:
    (made / "latest.html").symlink_to("out.html")
    for _time in range(2):
        assert report(made, "--html", "latest.html").code == 0
    assert (made / "latest.html").is_symlink()
    assert (made / "out.html").read_bytes().startswith(b"<!doctype html>")


def test_no_other_file_is_replaced(made: Path) -> None:
    before = (made / "mail.html").read_bytes()
    ran = report(made, "--html", "mail.html")
    assert ran.code == 2
    assert "mail.html exists already, and pixeltrack did not write it" in ran.err
    assert "name another with --html" in ran.err
    assert (made / "mail.html").read_bytes() == before
    assert not list(made.glob(".*partial"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--html", "none/out.html"), "cannot write none/out.html: No such file or directory"),
        (("--html", "."), "cannot write .: Is a directory"),
        (("--html", "a.html", "--json"), "--html and --json are two runs"),
        (("--templates", "."), "--templates is for --html"),
        (("--html", "a.html", "--templates", "none"), "no such templates folder: 'none'"),
    ],
)
def test_what_cannot_be_is_refused(made: Path, options: tuple[str, ...], said: str) -> None:
    ran = report(made, *options)
    assert ran.code == 2
    assert said in ran.err
    assert not (made / "a.html").exists()


def test_weekdays_and_hours_are_those_of_a_zone(made: Path) -> None:
    assert json.loads(report(made, "--json", "--tz", "Asia/Tokyo").out)["week"]["zone"] == "Asia/Tokyo"
    ran = report(made, "--json", "--tz", "Asia/Tokio")
    assert (ran.code, "unknown time zone: 'Asia/Tokio'" in ran.err) == (2, True)


def test_templates_are_the_users_first(made: Path) -> None:
    (made / "own").mkdir()
    (made / "own" / "report.html").write_text("Sent: {{ report.messages }}")
    assert report(made, "--html", "out.html", "--templates", "own").code == 0
    assert (made / "out.html").read_text().startswith("Sent: 1\n")
    assert report(made, "--html", "out.html", "--templates", "own").code == 0, (
        "it is known as ours all the same"
    )


def test_each_version_of_a_mail_is_shown_with_its_own_links(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.html").write_bytes(MAIL.content.replace(b"Shop now", f"Shop {name}".encode()))
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(8)))
    options = ("--recipients", "list.csv", "--campaign", "spring", "--base-url", "https://t.example.com")
    ran = run(tmp_path, "inject", "--version", "Long=a.html", "Short=b.html", *options)
    assert ran.code == 0, ran.err
    assert report(tmp_path, "--html", "out.html").code == 0
    read = Read((tmp_path / "out.html").read_bytes())
    frames = [value for name, value in read.values if name == "srcdoc"]
    titles = [value for name, value in read.values if name == "title"]
    assert titles == [f"The mail, version {name}, with each link's share on it" for name in ("Long", "Short")]
    for number, (frame, name) in enumerate(zip(frames, "ab", strict=True), start=1):
        assert f"<i>{number}</i>" in frame
        assert f"Shop {name}</a>" in frame
    assert "Not to be seen" not in read.text


def test_without_any_campaign_the_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("email\nada@example.com\n")
    assert run(tmp_path, "init").code == 0
    assert run(tmp_path, "report", "--html", "all.html").code == 0
    assert "There is no campaign yet." in (tmp_path / "all.html").read_text()
