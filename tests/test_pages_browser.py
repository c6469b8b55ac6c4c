"""The recipient's pages in a real browser: by axe-core, in each language, scheme and width, and as pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import Clock, Inject
from inbox import copies
from test_pages import ERASE, TRACKING, UNSUBSCRIBE, preferences_of
from test_withdrawal import serving

from pixeltrack.config import Settings
from pixeltrack.languages import LANGUAGES
from pixeltrack.notice import notice_of
from pixeltrack.noticepage import page_values
from pixeltrack.noticetext import plain, wording_id
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace
from pixeltrack.store import NoticeVersion

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

sync_api = pytest.importorskip("playwright.sync_api")

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
SHOWN = {
    "unsubscribe.html": [UNSUBSCRIBE],
    "preferences.html": [
        *(preferences_of(each) for each in TRACKING),
        {**preferences_of("opens"), "preview": True},
    ],
    "erase.html": [ERASE],
}
GROUND = {"light": "#f3f1ec", "dark": "#14181a"}  # as style.css has them
BUTTON = {"light": "#1d5f5a", "dark": "#8fcfc3"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not found:
        pytest.skip("no chromium is installed")
    if not AXE.is_file():
        pytest.skip("axe-core is not installed (npm ci --prefix tests)")
    with sync_api.sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.mark.parametrize("width", [320, 1280], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_and_nothing_is_cut_off(
    browser: Browser, language: str, scheme: str, width: int
) -> None:
    pages = Pages()
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    for name, states in SHOWN.items():
        for values in states:
            page.set_content(pages.render(name, language, **values).decode())
            page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
            page.evaluate(AXE.read_text("utf-8"))
            found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            assert [each["id"] for each in found["violations"]] == []
            assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


@pytest.mark.parametrize("width", [320, 1280], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_the_notice_and_on_the_page_for_what_is_not_ours(
    browser: Browser, settings: Settings, language: str, scheme: str, width: int
) -> None:
    pages = Pages()
    named = replace(settings, preset="us-ca", sender="Blue Boat Books", contact="privacy@blueboat.example")
    digest = bytes.fromhex(wording_id(plain(notice_of(named), pages.notice_texts[language])))
    known = [NoticeVersion(language, 7, digest, 1_790_000_000_000, None)]
    page = browser.new_page(color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True)
    for name, values in (
        ("privacy.html", page_values(named, pages, language, known)),
        ("missing.html", {}),
    ):
        page.set_content(pages.render(name, language, **values).decode())
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        assert [each["id"] for each in found["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def spot(page: Page, x: float, y: float) -> bytes:
    """One pixel of a page, as a picture."""
    return page.screenshot(clip={"x": round(x), "y": round(y), "width": 1, "height": 1})


@pytest.mark.parametrize("scheme", GROUND)
def test_pictures_of_the_pages_as_they_are_served(
    browser: Browser, workspace: Workspace, settings: Settings, clock: Clock, inject: Inject, scheme: str
) -> None:
    """With the headers of a real collector: styled, the same without scripts, and of nobody else's making."""
    (copy,) = copies(inject("ann@x.example"))
    paths = (copy.preferences, copy.unsubscribe, "/privacy", "/nowhere")
    seen: dict[tuple[str, bool], bytes] = {}
    asked: set[str] = set()
    with serving(workspace, settings, clock) as connection:
        base = f"http://127.0.0.1:{connection.port}"
        for scripts in (True, False):
            context = browser.new_context(
                color_scheme=scheme,  # type: ignore[arg-type]
                viewport={"width": 640, "height": 900},
                java_script_enabled=scripts,
            )
            page, plain = context.new_page(), context.new_page()
            page.on("request", lambda request: asked.add(request.url))
            for path in paths:
                page.goto(base + path)
                seen[path, scripts] = page.screenshot(full_page=True)
                plain.set_content(f"<body style='background: {GROUND[scheme]}'>")
                assert spot(page, 2, 2) == spot(plain, 2, 2)
                button = page.locator("button")
                if path in paths[:2]:
                    place = button.first.bounding_box()
                    assert place is not None
                    plain.set_content(f"<body style='background: {BUTTON[scheme]}'>")
                    middle = place["y"] + place["height"] / 2
                    assert spot(page, place["x"] + 8, middle) == spot(plain, 2, 2)
                    page.keyboard.press("Tab")
                    assert (
                        page.screenshot(full_page=True) != seen[path, scripts]
                    )  # where the focus is, is seen
            context.close()
    for path in paths:
        assert seen[path, True] == seen[path, False]
    assert len(set(seen.values())) == len(paths)
    assert all(url.startswith(base) for url in asked)
