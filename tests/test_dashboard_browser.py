"""The dashboard in a real browser: in and out, figures that keep up without a reload, for everybody to read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import Inject
from inbox import Copy, copies
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from test_dashboard import Serving, started, wait_for
from test_report_browser import AXE, violations

from pixeltrack.setup import Workspace


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example", "cyd@x.example"))


@pytest.fixture
def serving(workspace: Workspace, mail: list[Copy]) -> Iterator[Serving]:
    made = started(workspace.store.path.parent)
    yield made
    if made.process.poll() is None:
        made.process.terminate()
        made.process.wait(30)


@contextmanager
def window(
    browser: Browser, serving: Serving, width: int = 1280, theme: str = "light", *, script: bool = True
) -> Iterator[Page]:
    """A window on the dashboard's first page; whatever the policy had to forbid fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=theme,  # type: ignore[arg-type]
        java_script_enabled=script,
    )
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"http://{serving.host}/")
    yield page
    context.close()
    assert not [line for line in said if "Failed to load resource" not in line]


def log_in(page: Page, token: str) -> None:
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def click(serving: Serving, copy: Copy, link: int = 1) -> None:
    assert serving.ask(copy.click(link), port=serving.collector, Host="track.example.com").status == 302


def test_log_in_see_figures_and_see_them_change_without_a_reload(
    browser: Browser, serving: Serving, mail: list[Copy]
) -> None:
    with window(browser, serving) as page:
        assert page.url.endswith("/login")
        log_in(page, "x" * 43)
        expect(page.get_by_role("alert")).to_have_text("This is not the token.")
        log_in(page, serving.token)
        assert page.url == f"http://{serving.host}/"
        page.get_by_role("link", name="spring").click()
        expect(page.get_by_role("heading", name="spring")).to_be_visible()
        clicks = page.locator('data[data-figure="clicks.unique"]').first
        expect(clicks).to_have_text("0")
        expect(page.locator("#live")).to_have_text("Live")
        page.evaluate("window.here = true; document.querySelector('main').dataset.old = 'yes'")
        page.evaluate("scrollTo(0, 300)")
        click(serving, mail[0])
        expect(clicks).to_have_text("1", timeout=10_000)
        expect(page.locator("#live")).to_contain_text("Live · changed")
        assert page.evaluate("window.here") is True, "it was not loaded again"
        assert 250 < page.evaluate("scrollY") < 400, "it stays where it was read"
        click(serving, mail[1])
        expect(clicks).to_have_text("2", timeout=10_000)
        page.get_by_role("link", name="All campaigns").click()
        expect(page.locator('data[data-figure="0.clicks.unique"]')).to_have_text("2")
        page.get_by_role("button", name="Log out").click()
        assert page.url.endswith("/login")
        page.goto(f"http://{serving.host}/campaign?name=spring")
        assert page.url.endswith("/login")


def test_a_page_grows_by_what_was_not_on_it_and_is_as_a_reload_would_make_it(
    browser: Browser, serving: Serving, mail: list[Copy]
) -> None:
    with window(browser, serving) as page:
        log_in(page, serving.token)
        page.goto(f"http://{serving.host}/campaign?name=spring")
        expect(page.locator("#live")).to_have_text("Live")
        expect(page.get_by_role("heading", name="Why")).to_have_count(0)
        for copy in mail:
            serving.ask(copy.open, port=serving.collector)
            click(serving, copy)
            serving.ask(copy.click(2), port=serving.collector, User_Agent="curl/8.5.0")
        expect(page.get_by_role("heading", name="Why")).to_be_visible(timeout=10_000)
        expect(page.locator('data[data-figure="clicks.unique"]').first).to_have_text("3", timeout=10_000)
        content = "document.querySelector('main').innerHTML"
        kept = page.evaluate(content)
        page.reload()
        assert page.evaluate(content) == kept


def test_cookies_are_kept_from_scripts_and_other_sites(browser: Browser, serving: Serving) -> None:
    with window(browser, serving) as page:
        log_in(page, serving.token)
        expect(page.get_by_role("link", name="spring")).to_be_visible()
        (cookie,) = page.context.cookies()
        assert cookie["name"] == f"pixeltrack-{serving.port}-session"
        assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
        assert page.evaluate("document.cookie") == ""
        assert page.evaluate("Object.keys(localStorage).length") == 0


def test_without_script_a_reload_does(browser: Browser, serving: Serving, mail: list[Copy]) -> None:
    with window(browser, serving, script=False) as page:
        log_in(page, serving.token)
        page.get_by_role("link", name="spring").click()
        clicks = page.locator('data[data-figure="clicks.unique"]').first
        expect(clicks).to_have_text("0")
        click(serving, mail[0])

        def reloaded() -> bool:
            page.reload()
            return clicks.inner_text() == "1"

        wait_for(reloaded)


def test_a_session_that_ends_leads_to_the_form_by_itself(browser: Browser, serving: Serving) -> None:
    with window(browser, serving) as page:
        log_in(page, serving.token)
        expect(page.locator("#live")).to_have_text("Live")
        (serving.folder / "pixeltrack.token").write_text("y" * 43)
        expect(page.get_by_label("Token")).to_be_visible(timeout=15_000)


def test_a_server_that_is_gone_is_said_and_the_figures_stay(browser: Browser, serving: Serving) -> None:
    with window(browser, serving) as page:
        log_in(page, serving.token)
        expect(page.locator("#live")).to_have_text("Live")
        serving.end()
        expect(page.locator("#live")).to_contain_text("Not connected since", timeout=15_000)
        expect(page.get_by_text("spring")).to_be_visible()


def test_a_page_of_another_site_can_neither_show_nor_use_it(
    browser: Browser, serving: Serving, tmp_path: Path
) -> None:
    """Another port of this machine is another origin, and the same site: more than a stranger has."""
    with window(browser, serving) as page:
        log_in(page, serving.token)
        expect(page.locator("#live")).to_have_text("Live")
        other: BrowserContext = page.context
        evil = other.new_page()
        evil.route(
            "http://localhost:1/",
            lambda route: route.fulfill(
                content_type="text/html",
                body=f"""<iframe src="http://{serving.host}/"></iframe>
                <form method="post" action="http://{serving.host}/logout"><button>x</button></form>""",
            ),
        )
        evil.goto("http://localhost:1/")
        read = evil.evaluate(
            f"fetch('http://{serving.host}/', {{credentials: 'include'}}).then(a => a.text(), e => 'refused')"
        )
        assert read == "refused"
        assert "spring" not in evil.frames[1].content()
        evil.get_by_role("button").click()
        evil.wait_for_load_state()
        assert "This form was too old" in evil.content()
        page.reload()
        expect(page.get_by_role("link", name="spring")).to_be_visible()


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")])
def test_every_page_fits_and_can_be_read_by_everybody(
    browser: Browser, serving: Serving, mail: list[Copy], width: int, theme: str, tmp_path: Path
) -> None:
    click(serving, mail[0])
    with window(browser, serving, width, theme) as page:
        looked = []

        def look(name: str) -> None:
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            page.screenshot(path=str(tmp_path / f"{name}-{width}-{theme}.png"), full_page=True)
            looked.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            for button in page.get_by_role("button").all():
                box = button.bounding_box()
                assert box
                assert box["height"] >= 44

        log_in(page, "x" * 43)
        look("login")
        log_in(page, serving.token)
        expect(page.locator("#live")).to_have_text("Live")
        look("overview")
        page.goto(f"http://{serving.host}/campaign?name=spring")
        expect(page.locator("#live")).to_have_text("Live")
        look("campaign")
        assert set(looked) == {"rgb(243, 241, 236)" if theme == "light" else "rgb(20, 24, 26)"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, serving: Serving, theme: str) -> None:
    if not AXE.exists():
        pytest.skip("axe-core is not installed (npm ci --prefix tests)")
    with window(browser, serving, 390, theme) as page:
        log_in(page, "x" * 43)
        assert violations(page) == []
        log_in(page, serving.token)
        for path in ("/", "/campaign?name=spring", "/nowhere"):
            page.goto(f"http://{serving.host}{path}")
            assert violations(page) == [], re.sub(r"\d+", "", path)
