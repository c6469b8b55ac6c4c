"""An injected mail looks like the original, pixel by pixel, in a browser that shares nothing with us."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from command import run
from playwright.sync_api import Page, Route, sync_playwright
from test_main_job import serving

EXAMPLE = Path(__file__).parents[1] / "examples" / "spring-sale" / "campaign.html"
SAMPLE = [  # for what might go wrong in each
    "emailmonday+Cerberus/00007.html",  # backgrounds in VML, hover styles
    "sendwithus+templates/00130.html",  # many tables, twin buttons
    "sendwithus+templates/00145.html",
    "mailgun+transactional-email-templates/00236.html",  # styles that count children
    "ActiveCampaign+postmark-templates/00069.html",
    "konsav+email-templates/*.html",  # no doctype
    "leemunroe+responsive-html-email-template/*.html",
    "mikel+mail/03249.html",  # an image map
    "sendgrid+email-templates/*.html",
    "stdlib-js+datasets-spam-assassin/00752.html",  # two times </body>, 115 pictures
    "stdlib-js+datasets-spam-assassin/00719.html",  # no body at all
    "foundation+foundation-emails/00062.html",  # a fragment
]


@contextmanager
def browser_page(collector: str) -> Iterator[Page]:
    """A page of a real browser; all it can reach are files and the collector."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium is installed")

    def pass_on(route: Route) -> None:
        if route.request.url.startswith(("file:", "data:", collector)):
            route.continue_()
        else:
            route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found,
            args=[
                *("--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        context = browser.new_context(viewport={"width": 800, "height": 1_800}, java_script_enabled=False)
        context.route("**/*", pass_on)
        yield context.new_page()
        browser.close()


def test_an_injected_mail_looks_like_the_original(corpus: list[Path], tmp_path: Path) -> None:
    folder = corpus[0].parents[1]
    mails = [EXAMPLE, *(sorted(folder.glob(name))[0] for name in SAMPLE)]
    with serving(tmp_path) as base, browser_page(base) as page:
        fetched, pictures = list[str](), set[bytes]()
        page.on("response", lambda answer: fetched.append(f"{answer.status} {answer.url}"))

        def picture(path: Path) -> bytes:
            page.goto(path.as_uri())
            return page.screenshot()

        for number, original in enumerate(mails):
            mail = tmp_path / f"{number}.html"
            mail.write_bytes(original.read_bytes())
            ran = run(tmp_path, "inject", mail.name, "--base-url", base, "--quiet")
            assert ran.code == 0, ran.err
            injected = tmp_path / "out" / str(number) / "html" / "preview.html"
            assert injected.read_bytes() != mail.read_bytes()
            before = picture(mail)
            fetched.clear()
            assert picture(injected) == before, original
            assert [each for each in fetched if each.startswith(f"200 {base}/o/")], "the pixel was loaded"
            pictures.add(before)
    assert len(pictures) == len(mails), "each is a picture of its own"
