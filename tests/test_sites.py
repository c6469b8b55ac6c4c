"""From a click to a site: the parameter, pages that were seen, orders that were made, and who may tell of them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import CHROME, START, Client, Clock, Inject, Response
from inbox import copies

from pixeltrack import signing, snippets
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.model import ClientClass, Mode
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace
from pixeltrack.sitecalls import View, arrived, drawn, travelling
from pixeltrack.store import Goal

ANN, SHOP = "ann@x.example", "shop.example"
ON_SHOP = {"referer": f"https://www.{SHOP}/"}


@pytest.fixture
def goal(workspace: Workspace) -> Goal:
    store = workspace.store
    return store.add_goal("order", store.add_site(SHOP, START), START)


def rows(workspace: Workspace, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(workspace.store.path)) as database:
        return database.execute(statement).fetchall()


def token_of(
    workspace: Workspace, client: Client, inject: Inject, *, name: str = "spring", **modes: Any
) -> str:
    """The parameter with which a click of Ann's arrives at the shop; empty where it has none."""
    made = inject(ANN, campaign=name, **modes)
    campaign = workspace.store.campaign(name)
    workspace.store.set_attribute(campaign.campaign_id, "pt")
    (copy,) = copies(made)
    where = client.get(copy.click(1)).headers["Location"]
    return parse_qs(urlsplit(where).query).get("pt", [""])[0]


def ask(client: Client, path: str, **headers: str) -> Response:
    """GET, as a page of the shop does it."""
    return client.get(path, **(ON_SHOP | headers))


def call(client: Client, key: bytes, at: int, **said: Any) -> Response:
    body = json.dumps(said).encode()
    return client.request("POST", "/v/order", body, pixeltrack_signature=signing.sign(body, key, at))


# -- the parameter -----------------------------------------------------------------------------------


def test_a_click_takes_a_token_to_the_sites_of_the_sender_alone(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal
) -> None:
    (copy,) = copies(inject(ANN))
    workspace.store.set_attribute(1, "pt")
    where = client.get(copy.click(1)).headers["Location"]
    assert where.startswith("https://shop.example/a?x=1&y=2&pt=")
    assert client.get(copy.click(2)).headers["Location"].split("pt=")[1].endswith("#part")
    visit = workspace.keyring.verify_visit(parse_qs(urlsplit(where).query)["pt"][0])
    assert visit is not None
    assert visit.tracked.mode == "individual"
    assert workspace.keyring.verify_personal("preferences", where.partition("pt=")[2]) is None


@pytest.mark.parametrize("header", ["sec_gpc", "dnt"])
def test_a_browser_that_asks_not_to_be_followed_takes_none_and_denies_retargeting(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal, header: str
) -> None:
    (copy,) = copies(inject(ANN))
    workspace.store.set_attribute(1, "pt")
    for _twice in range(2):
        where = client.request("GET", copy.click(1), **{header: "1"}).headers["Location"]
        assert "pt=" not in where
    said = rows(workspace, "select purpose, decision, method from consents")
    assert said == [("retargeting", "denied", "browser signal")]
    assert workspace.store.recorded_of(workspace.keyring.subject(ANN)).retargeting == "denied"


def test_who_has_refused_takes_none(workspace: Workspace, client: Client, inject: Inject, goal: Goal) -> None:
    (copy,) = copies(inject(ANN))
    workspace.store.set_attribute(1, "pt")
    client.post(copy.preferences, b"action=stop-clicks")
    assert "pt=" not in client.get(copy.click(1)).headers["Location"]


# -- pages -------------------------------------------------------------------------------------------


def test_a_page_is_a_persons_where_a_token_came_along_and_else_only_counted(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    assert ask(client, f"/s/{SHOP}.gif?p=/pricing&pt={token}").status == "200 OK"
    ask(client, f"/s/{SHOP}.gif?p=/pricing%3Fq=ann@x.example")
    ask(client, f"/s/{SHOP}.gif?p=/of/ann@x.example/orders", sec_gpc="1")
    assert rows(workspace, "select path from pages order by 1") == [("/of/*/orders",), ("/pricing",)]
    assert rows(
        workspace,
        "select campaign_id, path, at, agent from views join pages using (page_id) join agents using (agent_id)",
    ) == [(1, "/pricing", START, CHROME.replace(".0.0.0", ".0"))]
    counted = rows(
        workspace,
        "select path, campaign_id, signal, views from page_counters join pages using (page_id) order by 1",
    )
    assert counted == [("/of/*/orders", 0, 1, 1), ("/pricing", 0, 0, 1)]


@pytest.mark.parametrize("mode", ["pseudonymous", "company", "aggregate"])
def test_what_a_page_tells_is_kept_as_its_mail_was_measured(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal, mode: Mode
) -> None:
    free = frozenset({mode})
    token = token_of(workspace, client, inject, opens=mode, clicks=mode, free=free)
    ask(client, f"/s/{SHOP}.gif?p=/a&pt={token}")
    alone = mode == "pseudonymous"
    assert len(rows(workspace, "select * from views")) == alone
    assert rows(workspace, "select campaign_id, views from page_counters") == ([] if alone else [(1, 1)])


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/s/other.example.gif?p=/a", {}),
        (f"/s/{SHOP}.gif?p=/a", {"referer": "https://evil.example/"}),
        (f"/s/{SHOP}.gif?p=/a", {"referer": f"https://{SHOP}.evil.example/"}),
        ("/v/sale.gif?order=1", {}),
        ("/v/order.gif?order=1&value=-5&currency=EUR", {}),
        ("/v/order.gif?refund=1", {}),
        ("/v/order.gif?order=1&value=5", {}),
        ("/v/order.gif?order=1&value=a&currency=EUR", {}),
        ("/v/order.gif?order=1&value=5&currency=EUR", {"referer": "https://evil.example/"}),
    ],
)
def test_what_nobody_vouches_for_is_answered_and_not_kept(
    workspace: Workspace, client: Client, goal: Goal, path: str, headers: dict[str, str]
) -> None:
    answer = ask(client, path, **headers)
    assert answer.status == "200 OK"
    assert answer.headers["X-Pixeltrack"].startswith("not counted: ")
    assert (
        rows(workspace, "select * from views union all select 1, 1, 1, 1, 1, 1, views from page_counters")
        == []
    )
    assert rows(workspace, "select * from conversions") == []


def test_a_call_that_is_taken_up_twice_is_stored_once(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    ask(client, f"/s/{SHOP}.gif?p=/pricing&pt={token}")
    (view,) = rows(workspace, "select view_id, campaign_id, message from views")
    from pixeltrack.sitecalls import Visitor

    again = View(
        view[0], 1, "/pricing", Visitor(view[1], view[2], "individual"), ClientClass.COMPUTER, CHROME, False
    )
    event = travelling(again, START)
    assert arrived(event) == again
    workspace.store.put_events([event, event])
    assert len(rows(workspace, "select * from views")) == 1
    workspace.store.put_events([travelling(again._replace(number=drawn()), START)])
    assert len(rows(workspace, "select * from views")) == 2


# -- orders ------------------------------------------------------------------------------------------

ORDERS = "select order_id, entry, value, currency, whole, campaign_id, verified, repeats, contradicted from conversions order by 1, 2"


def test_an_order_counts_once_and_a_signature_stands_above_a_pixel(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    pixel = f"/v/order.gif?order=7&value=49.90&currency=EUR&pt={token}"
    ask(client, pixel)
    ask(client, pixel)
    ask(client, "/v/order.gif?order=7&value=1.00&currency=EUR")
    assert rows(workspace, ORDERS) == [("7", "", 499_000, "EUR", 0, 1, 0, 2, 1)]
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="7", value=39.90, currency="EUR").status == "200 OK"
    assert rows(workspace, ORDERS) == [("7", "", 399_000, "EUR", 0, 1, 1, 3, 2)]
    ask(client, pixel)
    assert rows(workspace, ORDERS) == [("7", "", 399_000, "EUR", 0, 1, 1, 4, 3)]


def test_refunds_and_corrections_are_signed_and_count_once(
    workspace: Workspace, client: Client, clock: Clock, goal: Goal
) -> None:
    key = workspace.keyring.site_key(SHOP, 1)
    for said in (
        {"order": "1", "value": "100", "currency": "EUR"},
        {"order": "1", "value": "-20.5", "currency": "EUR", "id": "c1"},
        {"order": "1", "value": "-20.5", "currency": "EUR", "id": "c1"},
        {"refund": "1"},
        {"refund": "1"},
        {"refund": "2", "value": 5, "currency": "USD"},
    ):
        assert call(client, key, clock(), **said).status == "200 OK"
    stored = {(row[0], row[1]): row[2:5] for row in rows(workspace, ORDERS)}
    partial = next(entry for order, entry in stored if order == "2")
    assert stored == {
        ("1", ""): (1_000_000, "EUR", 0),
        ("1", "c1"): (-205_000, "EUR", 0),
        ("1", "whole"): (0, "", 1),
        ("2", partial): (-50_000, "USD", 0),
    }


def test_a_call_without_the_sites_own_fresh_signature_is_refused(
    workspace: Workspace, client: Client, clock: Clock, goal: Goal
) -> None:
    body = b'{"order": "1"}'
    key, store = workspace.keyring.site_key(SHOP, 1), workspace.store
    good = signing.sign(body, key, clock())
    other = workspace.keyring.site_key("other.example", 1)
    for header, content in (
        ("", body),
        (good, b'{"order": "2"}'),
        (signing.sign(body, other, clock()), body),
        (signing.sign(body, key, clock() - 301_000), body),
        (good.replace("t=1", "t=2"), body),
    ):
        answer = client.request("POST", "/v/order", content, pixeltrack_signature=header)
        assert answer.status == "401 Unauthorized"
        assert "Pixeltrack-Signature" in json.loads(answer.body)["error"]
    assert client.request("POST", "/v/sale", body, pixeltrack_signature=good).status == "404 Not Found"
    assert client.get("/v/order").status == "405 Method Not Allowed"
    assert rows(workspace, ORDERS) == []
    store.renew_site_key(SHOP)
    clock.forward(31)
    for generation, status in ((1, "200 OK"), (2, "200 OK"), (3, "401 Unauthorized")):
        key = workspace.keyring.site_key(SHOP, generation)
        assert call(client, key, clock(), order="1").status == status


def test_a_server_may_name_a_reader_by_address(
    workspace: Workspace, client: Client, inject: Inject, clock: Clock, goal: Goal
) -> None:
    inject(ANN)
    key = workspace.keyring.site_key(SHOP, 1)
    for order, address in (("1", "Ann@X.example"), ("2", "bob@x.example")):
        assert call(client, key, clock(), order=order, email=address).status == "200 OK"
    assert [row[5] for row in rows(workspace, ORDERS)] == [1, 0]
    assert call(client, key, clock(), order="3", email="nobody").status == "400 Bad Request"


def test_sites_are_heard_while_the_store_is_busy(
    workspace: Workspace, settings: Settings, clock: Clock, goal: Goal
) -> None:
    client = Client(make_app(workspace.store, workspace.keyring, Pages(), replace(settings), clock))
    ask(client, "/v/order.gif?order=1&value=5&currency=EUR")
    with closing(sqlite3.connect(workspace.store.path)) as other:
        other.execute("begin immediate")
        assert ask(client, "/v/order.gif?order=2&value=5&currency=EUR").status == "200 OK"
        assert ask(client, f"/s/{SHOP}.gif?p=/a").status == "200 OK"
        other.rollback()
    import time

    time.sleep(0.3)
    ask(client, "/v/order.gif?order=3&value=5&currency=EUR")
    client.app.recorder.flush()
    assert [row[0] for row in rows(workspace, ORDERS)] == ["1", "2", "3"]
    assert rows(workspace, "select views from page_counters") == [(1,)]


def test_the_script_is_small_and_only_of_known_sites(client: Client, goal: Goal) -> None:
    answer = client.get(f"/s/{SHOP}.js")
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.body == snippets.script_text()
    assert 0 < len(answer.body) < 1_000
    assert client.get("/s/other.example.js").status == "404 Not Found"
