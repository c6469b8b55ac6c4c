"""Reports in a real browser: nothing is fetched, nothing runs, everybody can read them, at any width."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page, sync_playwright
from test_report_page import EMPTY, with_text
from test_show import REPORT, bucket

from pixeltrack.earned import (
    Costs,
    Earned,
    EarnedRow,
    EarnedTogether,
    Earnings,
    Funnel,
    FunnelStep,
    FunnelTogether,
)
from pixeltrack.figures import LinkFigures, Tally, Week
from pixeltrack.model import Mail
from pixeltrack.resources import examples_dir
from pixeltrack.show.page import ReportPages

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (320, 390, 768, 1280)
MANY = tuple(
    LinkFigures(
        n, n, n, f"Link {n}", f"https://shop.example/{'long/' * 20}{n}", "cta", Tally(900 - n, 12_345), n, 0.5
    )
    for n in range(1, 21)
)
SUMS = Earned(95_000, 70_000, 15_000, 10_000, 12_345_678_900, 4_000_000, 1_000_000, 988_000, 10_000, 499_000)
ROWS = tuple(
    EarnedRow(str(n), "https://shop.example/" + "long/" * 20, "spring", "EUR", SUMS, SUMS)
    for n in range(1, 9)
)
EARNED = Earnings(
    campaign="spring",
    goal=None,
    model="time-decay",
    window=604_800_000,
    half_life=604_800_000,
    since=1_790_000_000_000,
    until=None,
    totals=ROWS[:1],
    goals=ROWS[:2],
    campaigns=ROWS[:1],
    links=ROWS,
    costs=(Costs("spring", 4_000_000, "EUR", 0, 0, 0, 0, None, None, 1.5, None, ("Nobody clicked.",)),),
    together=(
        EarnedTogether("spring", "order", "EUR", verified=True, orders=20, revenue=5, refunded=0, refunds=0),
    ),
    together_until=1_790_000_000_000,
    repeats=1,
    contradicted=1,
    stray=1,
    unproved=1,
)
FUNNEL = Funnel(
    "spring",
    (FunnelStep("sent", 100_000, None, None), FunnelStep("delivered", None, None, None)),
    3,
    FunnelTogether(20, 10, 0, 0, 0),
)
HUGE = replace(
    REPORT,
    conversions=EARNED,
    funnel=FUNNEL,
    clicks=Tally(900, 98_765),
    links=MANY,
    week=Week("America/Argentina/Buenos_Aires", ((98_765,) * 24,) * 7, ((1_234,) * 24,) * 7),
    timeline=tuple(bucket(1_790_000_000_000 + 86_400_000 * n, 98_765 - n, n * 7) for n in range(120)),
    timeline_step=86_400_000,
)
HOSTILE = with_text(REPORT, "<script>alert(1)</script> [/] \x1b[31m \u202egnp.exe שלום " + "W" * 150)
REPORTS = {"ordinary": REPORT, "empty": EMPTY, "huge": HUGE, "hostile": HOSTILE}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A page for each report, and the overview of all."""
    pages, folder = ReportPages(), tmp_path_factory.mktemp("pages")
    content = (examples_dir() / "spring-sale" / "campaign.html").read_bytes()
    mail = Mail("html", content, "utf-8", {1: 1, 2: 2}, 0)
    made = {
        name: pages.campaign(report, [] if report is EMPTY else [mail]) for name, report in REPORTS.items()
    }
    made["overview"] = pages.overview(list(REPORTS.values()))
    for name, page in made.items():
        (folder / f"{name}.html").write_bytes(page)
    return {name: folder / f"{name}.html" for name in made}


@contextmanager
def opened(browser: Browser, file: Path, width: int = 1280, theme: str = "light") -> Iterator[Page]:
    """A page of a file in a window."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(file.as_uri())
    yield page
    context.close()


PAGES = pytest.mark.parametrize("name", [*REPORTS, "overview"])


@PAGES
@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 390)])
def test_axe_finds_nothing(
    browser: Browser, files: dict[str, Path], name: str, theme: str, width: int
) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci --prefix tests)")
    with opened(browser, files[name], width, theme) as page:
        assert violations(page) == []


def violations(page: Page) -> list[Any]:
    """What axe-core objects to, the frame with the mail left out: that is its author's."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("axe.run(document, {iframes: false, preload: false, resultTypes: ['violations']})")
    assert len(found["passes"]) > 15, "it has looked"
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in found["violations"]]


def test_axe_would_find_what_is_wrong(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci --prefix tests)")
    broken = (
        files["ordinary"]
        .read_bytes()
        .replace(b"--quiet: #5a6265", b"--quiet: #aab2b5")
        .replace(b' lang="en"', b"")
    )
    (tmp_path / "broken.html").write_bytes(broken)
    with opened(browser, tmp_path / "broken.html") as page:
        assert {"color-contrast", "html-has-lang"} <= {rule for rule, _nodes in violations(page)}


@PAGES
def test_no_page_is_wider_than_its_window(browser: Browser, files: dict[str, Path], name: str) -> None:
    with opened(browser, files[name]) as page:
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width


@PAGES
def test_themes_differ_and_paper_is_white(browser: Browser, files: dict[str, Path], name: str) -> None:
    grounds = []
    for theme in ("light", "dark"):
        with opened(browser, files[name], theme=theme) as page:
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            page.emulate_media(media="print", color_scheme=theme)  # type: ignore[arg-type]
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(243, 241, 236)", "rgb(255, 255, 255)", "rgb(20, 24, 26)", "rgb(255, 255, 255)"]


def test_badges_stand_at_their_links(browser: Browser, files: dict[str, Path]) -> None:
    with opened(browser, files["ordinary"]) as page:
        places = mail_of(page).evaluate(
            """[...document.querySelectorAll('x-share')].map(badge => {
                 const box = badge.getBoundingClientRect(), link = badge.parentElement.getBoundingClientRect()
                 return [badge.textContent, box.left - link.left, box.bottom - link.top, box.width] })"""
        )
    assert [place[0] for place in places] == ["188.9 %", "212.2 %"]
    for _text, left, overlap, width in places:
        assert -12 < left < 12
        assert 0 <= overlap < 20
        assert 40 < width < 100


def test_the_mail_is_laid_out_as_it_was(browser: Browser, files: dict[str, Path], tmp_path: Path) -> None:
    """Badges take no room: each link is where it is without them."""
    script = """[...document.querySelectorAll('a')].map(a => { const box = a.getBoundingClientRect()
                  return [Math.round(box.left), Math.round(box.top), Math.round(box.width), Math.round(box.height)] })"""
    with opened(browser, files["ordinary"]) as page:
        frame = mail_of(page)
        drawn = frame.evaluate(script)
        frame.evaluate("document.querySelectorAll('x-share').forEach(badge => badge.remove())")
        assert frame.evaluate(script) == drawn
        assert len(drawn) > 15


def mail_of(page: Page) -> Frame:
    (frame,) = page.frames[1:]
    frame.wait_for_load_state()
    return frame


class Listener:
    """A server that only notes who connects."""

    def __init__(self) -> None:
        self.connections = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _peer = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            connection.close()

    def close(self) -> None:
        self._socket.close()


REACHING = """<!doctype html><html manifest="http://{at}/m"><head>
<meta http-equiv="refresh" content="0;url=http://{at}/refresh"><base href="http://{at}/base/">
<link rel="stylesheet" href="http://{at}/style.css"><link rel="preload" as="image" href="http://{at}/pre.png">
<link rel="prefetch" href="http://{at}/next"><link rel="icon" href="http://{at}/icon.png">
<style>@import "http://{at}/import.css"; @font-face {{ font-family: x; src: url(http://{at}/font) }}
body {{ background: url("http://{at}/back.png"); font-family: x }} p {{ list-style: u\\72l(http://{at}/escaped.png) }}
x-share {{ display: none }}</style>
<script>parent.document.title = "ran"; fetch("http://{at}/fetch")</script></head>
<body background="http://{at}/body.png" onload="top.location = 'http://{at}/onload'">
<img src="http://{at}/img.png" srcset="http://{at}/img2.png 2x"><img src=//{at}/bare.png onerror="fetch('http://{at}/e')">
<picture><source srcset="http://{at}/source.png"><img src="http://{at}/picture.png"></picture>
<iframe src="http://{at}/frame"></iframe><object data="http://{at}/object"></object><embed src="http://{at}/embed">
<video src="http://{at}/video" poster="http://{at}/poster" autoplay></video><audio src="http://{at}/audio" autoplay></audio>
<svg><image href="http://{at}/image.svg"/><use href="http://{at}/use.svg#a"/><script>fetch("http://{at}/svg")</script></svg>
<table background="http://{at}/table.png"><tr><td background="http://{at}/cell.png">cell</table>
<input type="image" src="http://{at}/input.png"><a href="http://{at}/click" ping="http://{at}/ping">click me</a>
<form action="http://{at}/form"><button>send me</button></form></body></html>"""


def test_a_mail_that_reaches_out_reaches_nobody(browser: Browser, tmp_path: Path) -> None:
    listener = Listener()
    try:
        content = REACHING.format(at=listener.address).encode()
        link = LinkFigures(1, 1, 1, "click", f"http://{listener.address}/click", "", Tally(1, 1), 0, 1.0)
        hostile = replace(REPORT, campaign=f"<img src=http://{listener.address}/name>", links=(link,))
        made = ReportPages().campaign(hostile, [Mail("html", content, "utf-8", {1: 1}, 0)])
        (tmp_path / "page.html").write_bytes(made)
        with opened(browser, tmp_path / "page.html") as page:
            page.wait_for_timeout(300)
            frame = mail_of(page)
            frame.get_by_text("click me").click(force=True)
            frame.get_by_text("send me").click(force=True)
            page.wait_for_timeout(300)
            assert page.url == (tmp_path / "page.html").as_uri()
            assert page.title() != "ran"
            assert frame.locator("x-share").is_visible(), "the mail cannot hide it"
        assert listener.connections == 0
        (tmp_path / "raw.html").write_bytes(content)  # to see that the mail would, if it could
        with opened(browser, tmp_path / "raw.html") as page:
            page.wait_for_timeout(300)
        assert listener.connections > 3
    finally:
        listener.close()


def test_the_page_prints_on_paper(browser: Browser, files: dict[str, Path]) -> None:
    with opened(browser, files["ordinary"]) as page:
        pdf = page.pdf(format="A4")
    assert 2 <= pdf.count(b"/Type /Page\n") <= 7
