"""The recipient's pages in a real browser: axe-core finds nothing, in each language, scheme and width."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from test_pages import ERASE, TRACKING, UNSUBSCRIBE, preferences_of

from pixeltrack.config import Settings
from pixeltrack.languages import LANGUAGES
from pixeltrack.notice import notice_of
from pixeltrack.noticepage import page_values
from pixeltrack.noticetext import plain, wording_id
from pixeltrack.pages import Pages
from pixeltrack.store import NoticeVersion

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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
