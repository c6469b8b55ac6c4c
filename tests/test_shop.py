"""From a mail to the shop of ``examples/shop`` and back, in a real browser: what is recorded is what was done."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from command import clean_environment, run
from conftest import CHROME
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

EXAMPLE = Path(__file__).parents[1] / "examples" / "shop"
ANN = "ann@example.com"
GPC = {"Sec-GPC": "1"}
UNIT = 10_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        yield made
        made.close()


@pytest.fixture(scope="module")
def example() -> ModuleType:
    """The shop, as it stands in its file."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("shop", EXAMPLE / "shop.py")
    assert spec
    assert spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules["shop"] = made
    spec.loader.exec_module(made)
    return made


@dataclass
class Street:
    """A collector that runs as a program, a shop beside it, and the mail that leads there."""

    folder: Path
    shop: Any
    address: str
    collector: str
    mail: Path

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.folder / "pixeltrack.db")) as database:
            return database.execute(statement).fetchall()

    def wait_for(self, statement: str, rows: int) -> list[tuple[Any, ...]]:
        """Return what a statement finds, once these are so many: a browser loads images when it likes."""
        deadline = time.monotonic() + 10
        while len(found := self.rows(statement)) < rows and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(found) == rows, found
        return found


@pytest.fixture
def collector(tmp_path: Path) -> Iterator[str]:
    assert run(tmp_path, "goal", "add", "order", "--site", "127.0.0.1").code == 0
    log = tmp_path / "log"
    with log.open("wb") as file:
        argv = [sys.executable, "-m", "pixeltrack", "serve", "--port", "0"]
        process = subprocess.Popen(argv, cwd=tmp_path, stderr=file, env=clean_environment())
    deadline = time.monotonic() + 30
    while not (started := re.search(rb"collecting on (http://127\.0\.0\.1:\d+)", log.read_bytes())):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield started[1].decode()
    process.terminate()
    assert process.wait(30) == 0
    assert b"Traceback" not in log.read_bytes()


@contextmanager
def opened(folder: Path, collector: str, example: ModuleType, *, script: bool) -> Iterator[Street]:
    key = bytes.fromhex(run(folder, "goal", "key", "order").out)
    shop = example.Shop(collector, "127.0.0.1", key, script)
    with example.server_of(shop) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        address = f"http://127.0.0.1:{server.server_port}"
        text = (EXAMPLE / "mail.html").read_text("utf-8").replace("http://127.0.0.1:8080", address)
        (folder / "mail.html").write_text(text, "utf-8")
        shutil.copy(EXAMPLE / "people.csv", folder)
        made = run(
            folder,
            *("inject", "mail.html", "--recipients", "people.csv", "--campaign", "oars", "--out", "out"),
            *("--attribute", "pt", "--base-url", collector),
        )
        assert made.code == 0, made.err
        (mail,) = (
            each for each in (folder / "out").rglob("*.html") if "ann" in each.name or "000001" in each.name
        )
        yield Street(folder, shop, address, collector, mail)
        server.shutdown()
        thread.join()


@pytest.fixture(params=["images", "script"])
def street(
    request: pytest.FixtureRequest, tmp_path: Path, collector: str, example: ModuleType
) -> Iterator[Street]:
    with opened(tmp_path, collector, example, script=request.param == "script") as made:
        yield made


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens pages of one reader; whatever a console says is a fault."""
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def begin(**options: Any) -> Page:
        contexts.append(browser.new_context(user_agent=CHROME, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        return page

    yield begin
    for context in contexts:
        context.close()
    assert said == []


def from_mail(page: Page, street: Street) -> None:
    page.goto(street.mail.as_uri())
    page.get_by_role("link", name="See the oars").click()
    page.get_by_role("heading", name="Oars", level=1).wait_for()


def buy(page: Page) -> None:
    page.get_by_role("button", name="Into the cart").click()
    page.get_by_role("button", name="Order").click()
    page.get_by_role("heading", name="Thank you").wait_for()


ORDERS = "select order_id, entry, value, whole, verified, campaign_id, message <> 0, repeats from conversions order by at, entry"
VIEWS = "select path from views join pages using (page_id) order by path"
NET = """select coalesce(sum(iif(exists(select 1 from conversions as back where back.order_id = conversions.order_id
    and back.whole), 0, value)), 0) from conversions where not whole"""


def reported(street: Street) -> set[str]:
    """Return the campaign's revenue in euros as each format of the report has it."""
    ask = ("report", "--campaign", "oars", "--conversions")
    (total,) = json.loads(run(street.folder, *ask, "--json").out)["totals"]
    assert total["currency"] == "EUR"
    assert total["verified"]["revenue_by_click"] == total["verified"]["revenue"]
    rows = csv.DictReader(run(street.folder, *ask, "--csv").out.splitlines())
    (of_all,) = (row["revenue"] for row in rows if row["by"] == "all")
    page = run(street.folder, *ask, "--html", "oars.html")
    assert page.code == 0, page.err
    shown = run(street.folder, *ask).out + (street.folder / "oars.html").read_text("utf-8")
    printed = [each for each in re.findall(r"([\d,]+\.\d\d)[  ]EUR", shown) if each != "0.00"]  # by view
    assert len(printed) >= 4  # its goal and its link, in both
    return {total["verified"]["revenue"], of_all, *(each.replace(",", "") for each in printed)}


def test_what_is_bought_after_a_mail_is_what_is_recorded(street: Street, visit: Visit) -> None:
    page = visit()
    from_mail(page, street)
    assert re.search(r"[?&]pt=[\w-]{40}$", page.url)
    street.wait_for(VIEWS, 1)
    buy(page)
    pages = ["/cart", "/p/oars", "/thanks"]
    seen = street.wait_for(VIEWS, 3)
    assert [re.sub("(?<=/thanks)/.*", "", path) for (path,) in seen] == pages
    (number,) = street.shop.books
    page.reload()  # the thank-you page once more: the order stays one
    street.wait_for(VIEWS, 4)
    street.wait_for("select * from conversions where repeats = 2", 1)
    assert street.rows(ORDERS) == [(number, "", 499_000, 0, 1, 1, 1, 2)]
    assert street.rows("select contradicted, value from conversions") == [(0, 499_000)]
    who = street.rows(
        "select identity from conversions join messages using (message) join recipients using (recipient_id)"
    )
    assert who == [(ANN,)]

    page.get_by_role("button", name="ten euros").click()
    street.wait_for("select * from conversions", 2)
    assert street.rows(NET) == [(int(street.shop.turnover() * UNIT),)] == [(399_000,)]
    assert reported(street) == {f"{street.shop.turnover():.2f}"} == {"39.90"}
    page.get_by_role("link", name="Boats").click()
    page.get_by_role("link", name="Dinghy").click()
    buy(page)
    street.wait_for("select * from conversions where verified", 3)
    assert street.rows(NET) == [(int(street.shop.turnover() * UNIT),)] == [(399_000 + 3_499_000,)]
    assert reported(street) == {f"{street.shop.turnover():.2f}"} == {"389.80"}
    page.get_by_role("button", name="everything").click()
    street.wait_for("select * from conversions where whole", 1)
    assert street.rows(NET) == [(int(street.shop.turnover() * UNIT),)] == [(399_000,)]
    assert reported(street) == {f"{street.shop.turnover():.2f}"} == {"39.90"}
    assert street.shop.unsent == []
    (told,) = json.loads(run(street.folder, "goal", "--json").out)
    assert (told["reached"], told["signed"], told["contradicted"], told["left_out"]) == (2, 2, 0, 0)
    (site,) = json.loads(run(street.folder, "goal", "pages", "--json").out)
    assert site["total"]["people"] == 1
    assert site["browsers"] == {"Chrome": site["total"]["by_people"]}
    assert site["devices"] == {"computer": {"by_people": site["total"]["by_people"], "others": 0}}
    assert page.context.cookies() == []


def test_who_comes_without_a_mail_is_counted_and_nobody(street: Street, visit: Visit) -> None:
    page = visit()
    page.goto(f"{street.address}/p/oars")
    buy(page)
    street.wait_for("select * from conversions where repeats > 0", 1)
    ((number, entry, value, _whole, verified, campaign, message, _repeats),) = street.rows(ORDERS)
    assert (number in street.shop.books, entry, value, verified, campaign, message) == (
        True,
        "",
        499_000,
        1,
        0,
        0,
    )
    assert street.rows(VIEWS) == []
    street.wait_for("select * from page_counters", 3)


def test_who_asks_not_to_be_followed_is_nobody_and_goes_to_no_network(street: Street, visit: Visit) -> None:
    page = visit(extra_http_headers=GPC)
    page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    from_mail(page, street)
    assert "pt=" not in page.url
    buy(page)
    if street.shop.script:
        page.get_by_role("button", name="Remember me").click()
        page.get_by_role("heading", name="Thank you").wait_for()
    street.wait_for("select * from conversions where repeats > 0", 1)
    assert [row[5:7] for row in street.rows(ORDERS)] == [(0, 0)]
    assert street.rows(VIEWS) == []
    assert street.rows("select distinct signal from page_counters") == [(1,)]
    assert page.context.cookies() == []
    assert street.rows("select purpose, decision, method from consents") == [
        ("retargeting", "denied", "browser signal")
    ]
    (told,) = json.loads(run(street.folder, "goal", "--json").out)
    assert told["signal_honoured"] == 1


def test_a_cookie_is_set_only_by_who_asks_for_it_and_goes_when_they_say_so(
    tmp_path: Path, collector: str, example: ModuleType, visit: Visit
) -> None:
    with opened(tmp_path, collector, example, script=True) as street:
        page = visit()
        from_mail(page, street)
        street.wait_for(VIEWS, 1)
        assert page.context.cookies() == []
        page.get_by_role("button", name="Remember me").click()
        street.wait_for(VIEWS, 2)
        (cookie,) = page.context.cookies()
        assert (cookie["name"], cookie["domain"], cookie["sameSite"]) == ("pt", "127.0.0.1", "Lax")
        assert 29 < (cookie["expires"] - time.time()) / 86_400 < 31
        page.goto(f"{street.address}/pricing")  # a week later, without the mail
        street.wait_for(VIEWS, 3)
        page.get_by_role("button", name="Forget me").click()
        page.get_by_role("heading", name="Prices").wait_for()
        street.wait_for("select * from page_counters where campaign_id = 0", 1)
        assert page.context.cookies() == []
        page.goto(f"{street.address}/cart")
        street.wait_for("select * from page_counters where campaign_id = 0", 2)
        assert len(street.rows(VIEWS)) == 3


def test_the_shop_opens_with_one_command(tmp_path: Path) -> None:
    import urllib.request

    argv = [sys.executable, str(EXAMPLE / "shop.py"), "--key", "00" * 32, "--port", "0"]
    process = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        where = re.search(r"http://127\.0\.0\.1:\d+/", process.stdout.readline())
        assert where
        with urllib.request.urlopen(where[0], timeout=5) as answer:
            assert b"Blue Boat" in answer.read()
            assert "Set-Cookie" not in answer.headers
    finally:
        process.terminate()
        process.wait(10)
