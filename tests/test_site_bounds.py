"""Whatever a site, or somebody who plays one, asks: an answer, no fault of ours, and no more rows than there may be."""

from __future__ import annotations

import http.client
import io
import json
import logging
import re
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from conftest import CHROME, START, Client, Clock, Inject
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from test_security import Served, mail, served
from test_sites import ON_SHOP, ORDERS, SHOP, ask, call, goal, rows, token_of

from pixeltrack import signing
from pixeltrack.setup import Workspace
from pixeltrack.store import Goal, calls

__all__ = ["goal", "mail", "served"]  # fixtures

FUZZ = hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
STATUSES = {"200", "400", "401", "404", "405", "413"}
NAMES = st.sampled_from(
    ["order", "value", "currency", "pt", "p", "refund", "id", "by", "at", "email", "gpc", "x"]
)
ODD = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        [
            "EUR",
            "1.5",
            "-3",
            "9" * 400,
            "1e5",
            "NaN",
            "\ud800",
            "\0",
            "\r\nSet-Cookie: a=b",
            "<script>",
            "²",
            "ann@x.example",
        ]
    ),
)
LATIN = st.text(st.characters(max_codepoint=255), max_size=80)
QUERIES = st.one_of(
    LATIN,
    st.lists(st.tuples(NAMES, LATIN), max_size=60).map(lambda pairs: "&".join(f"{a}={b}" for a, b in pairs)),
    st.binary(max_size=60).map(lambda raw: "order=%" + "%".join(f"{each:02x}" for each in raw)),
)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "referer",
            "user_agent",
            "cookie",
            "origin",
            "sec_gpc",
            "dnt",
            "x_forwarded_for",
            "purpose",
            "host",
            "pixeltrack_signature",
        ]
    ),
    st.one_of(
        LATIN,
        st.sampled_from(
            ["http://[", "https://[::1", "http://shop.example:99999/", "t=1,v1=" + "0" * 64, "1"]
        ),
    ),
    max_size=5,
)
VALUES = st.one_of(ODD, st.integers(), st.floats(), st.booleans(), st.none(), st.lists(ODD, max_size=2))
BODIES = st.one_of(
    st.binary(max_size=200),
    st.dictionaries(NAMES, VALUES, max_size=9).map(lambda said: json.dumps(said).encode()),
    st.sampled_from(
        [
            b"[" * 8_000,
            b'{"order":' * 900,
            b'{"order":"1","order":"2"}',
            b'{"order":1e999}',
            b"\xff\xfe{\0}\0",
        ]
    ),
)


@pytest.fixture
def noise(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """No request makes the collector log a fault."""
    yield
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def is_whole(answer: Any) -> bool:
    """Whether an answer is one of ours, with headers of one line each."""
    text = "".join(f"{name}{value}" for name, value in answer.headers.items())
    kind = answer.headers["Content-Type"]
    return (
        answer.status[:3] in STATUSES
        and not any(each in text for each in "\r\n\0")
        and "Set-Cookie" not in answer.headers
        and (b"<script" not in answer.body or kind in ("application/json", "text/javascript; charset=utf-8"))
        and answer.headers["X-Content-Type-Options"] == "nosniff"
    )


@given(data=st.data())
@FUZZ
def test_no_request_to_a_sites_address_is_a_fault_of_ours(
    data: st.DataObject, client: Client, workspace: Workspace, goal: Goal, noise: None
) -> None:
    """1.2.1, 1.3.11: whatever the query, the body and the headers are."""
    paths = [
        f"/s/{SHOP}.gif",
        f"/s/{SHOP}.js",
        "/v/order.gif",
        "/v/order",
        "/s/evil.example.gif",
        "/v/gone.gif",
        "/v/gone",
    ]
    path = data.draw(
        st.one_of(
            st.sampled_from(paths), LATIN.map(lambda text: f"/v/{text}"), LATIN.map(lambda text: f"/s/{text}")
        )
    )
    method = data.draw(st.sampled_from(["GET", "HEAD", "POST", "OPTIONS", "PUT"]))
    headers = data.draw(HEADERS)
    agent = headers.pop("user_agent", CHROME)
    body = data.draw(BODIES)
    answer = client.request(method, f"{path.replace('?', '')}?{data.draw(QUERIES)}", body, agent, **headers)
    assert is_whole(answer)
    assert rows(workspace, "select distinct site_id from pages") in ([], [(1,)])
    assert rows(workspace, "select distinct goal_id, verified from conversions") in ([], [(1, 0)])


@given(said=st.dictionaries(NAMES, VALUES, max_size=9), form=st.booleans(), more=BODIES)
@FUZZ
def test_no_signed_call_is_a_fault_of_ours(
    said: dict[str, Any],
    form: bool,
    more: bytes,
    client: Client,
    workspace: Workspace,
    clock: Clock,
    goal: Goal,
    noise: None,
) -> None:
    key = workspace.keyring.site_key(SHOP, 1)
    for body in (json.dumps({"order": "1", **said}).encode(), more):
        kind = "application/x-www-form-urlencoded" if form else "application/json; charset=utf-16"
        client.environ["CONTENT_TYPE"] = kind
        answer = client.request(
            "POST", "/v/order", body, pixeltrack_signature=signing.sign(body, key, clock())
        )
        assert is_whole(answer)
        assert answer.status[:3] in ("200", "400")
    for order, entry, at in rows(workspace, "select order_id, entry, at from conversions"):
        assert len(order) <= 100 and len(entry) <= 100 and 0 <= at <= clock()
        assert not re.search("[@\x00-\x1f\x7f-\x9f]", order + entry)


def test_orders_that_somebody_makes_up_fill_no_disk_and_hide_no_signed_one(
    workspace: Workspace, client: Client, clock: Clock, goal: Goal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """2.4.1: each goal has its share of an hour; what is beyond is counted."""
    monkeypatch.setattr(calls, "_UNSIGNED", 20)
    for number in range(50):
        ask(client, f"/v/order.gif?order=x{number}&value=1&currency=EUR")
    ask(client, "/v/order.gif?order=x1&value=1&currency=EUR")  # known, so it costs nothing
    key = workspace.keyring.site_key(SHOP, 1)
    for number in range(5):
        assert call(client, key, clock(), order=f"s{number}", value=5, currency="EUR").status == "200 OK"
    assert rows(workspace, "select verified, count(*) from conversions group by 1") == [(0, 20), (1, 5)]
    assert workspace.store.reached()[goal.goal_id].beyond == 30
    clock.forward(3_600)
    ask(client, "/v/order.gif?order=later&value=1&currency=EUR")
    assert rows(workspace, "select count(*) from conversions") == [(26,)]


def test_pages_that_somebody_makes_up_share_one_row(
    workspace: Workspace, client: Client, inject: Inject, goal: Goal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "_OF_SITE", 20)
    monkeypatch.setattr(calls, "_OF_PERSON", 5)
    token = token_of(workspace, client, inject)
    for _often in range(10):
        ask(client, f"/s/{SHOP}.gif?p=/mine&pt={token}")
    assert rows(workspace, "select count(*) from views") == [(5,)]
    assert rows(workspace, "select campaign_id, crowd, views from page_counters") == [(1, 0, 5)]
    for number in range(100):
        ask(client, f"/s/{SHOP}.gif?p=/{number}")
    assert rows(workspace, "select count(*) <= 22 from page_counters") == [(1,)]
    assert rows(workspace, "select sum(views) from page_counters") == [(105,)]
    assert ("(other)",) in rows(workspace, "select path from pages")
    monkeypatch.setattr(calls, "_PAGES", 3)
    ask(client, f"/s/{SHOP}.gif?p=/one-more")
    assert rows(workspace, "select count(*) from pages where path = '/one-more'") == [(0,)]


def test_a_long_path_takes_no_time(client: Client, workspace: Workspace, goal: Goal) -> None:
    """1.3.12."""
    began = time.perf_counter()
    ask(client, f"/s/{SHOP}.gif?p=" + "a" * 15_000 + "@x.example/b")
    assert time.perf_counter() - began < 0.5
    assert rows(workspace, "select path from pages") == [("/*/b",)]


@pytest.mark.parametrize("said", ["order=ann@x.example", "order=ann%40x.example", "order=ann%2540x.example"])
def test_an_address_is_no_order(
    client: Client, workspace: Workspace, clock: Clock, goal: Goal, said: str
) -> None:
    """14.2.1: nobody's address is kept as an id that outlives them."""
    answer = ask(client, f"/v/order.gif?{said}&value=1&currency=EUR")
    assert answer.headers["X-Pixeltrack"] == "not counted: unreadable"
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="ann@x.example").status == "400 Bad Request"
    assert (
        call(client, key, clock(), order="1", value=-1, currency="EUR", id="ann@x.example").status
        == "400 Bad Request"
    )
    assert rows(workspace, ORDERS) == []


@pytest.mark.parametrize("path", ["/v/order.gif", "/v/order", f"/s/{SHOP}.gif", f"/s/{SHOP}.js"])
def test_other_sites_get_no_leave_to_read_or_to_ask_more(client: Client, goal: Goal, path: str) -> None:
    """3.5.1: an image or a script needs none, so no answer has a header of CORS, and a preflight is refused."""
    for method in ("OPTIONS", "GET", "POST", "HEAD"):
        answer = client.request(
            method, path, origin="https://evil.example", access_control_request_method="POST"
        )
        assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    preflight = client.request("OPTIONS", path)
    assert preflight.status == "405 Method Not Allowed"
    assert preflight.headers["Allow"] == ("POST" if path == "/v/order" else "GET, HEAD")


def test_looking_with_head_is_answered_and_changes_nothing(
    client: Client, workspace: Workspace, inject: Inject, goal: Goal
) -> None:
    token = token_of(workspace, client, inject)
    for path in (f"/s/{SHOP}.gif?p=/a&pt={token}", f"/v/order.gif?order=1&pt={token}"):
        answer = client.request("HEAD", path, sec_gpc="1", **ON_SHOP)
        assert (answer.status, answer.body) == ("200 OK", b"")
        assert answer.headers["X-Pixeltrack"] == "not counted: HEAD"
    tables = ("views", "page_counters", "conversions", "consents")
    assert [len(rows(workspace, f"select * from {table}")) for table in tables] == [0, 0, 0, 0]


def test_a_body_that_is_too_long_is_not_even_read(client: Client, goal: Goal) -> None:
    class Unread(io.BytesIO):
        def read(self, *_size: Any) -> bytes:
            raise AssertionError

    client.environ = {"CONTENT_LENGTH": "8193", "wsgi.input": Unread()}  # type: ignore[dict-item]
    assert client.request("POST", "/v/order").status == "413 Content Too Large"


def test_bodies_that_are_huge_slow_or_in_chunks(served: Served, workspace: Workspace) -> None:
    """5.2.1, 4.2.1: over a socket, beside requests that are none of these."""
    goal = workspace.store.add_goal("order", workspace.store.add_site(SHOP, START), START)
    key = workspace.keyring.site_key(goal.host, 1)
    slow = socket.create_connection(("127.0.0.1", served.port), 5)
    slow.sendall(b"POST /v/order HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    huge = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    huge.request("POST", "/v/order", b"x" * 8_193)
    assert huge.getresponse().status == 413
    body = b'{"order": "7", "value": "1", "currency": "EUR"}'
    chunked = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    signature = {signing.HEADER: signing.sign(body, key, int(time.time() * 1000))}
    chunked.request("POST", "/v/order", iter([body[:9], body[9:]]), signature, encode_chunked=True)
    assert chunked.getresponse().status == 200
    twice = {signing.HEADER: "t=1,v1=" + "0" * 64}
    wrong = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    wrong.request("POST", "/v/order", body, twice)
    assert wrong.getresponse().status == 401
    metrics = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    metrics.request("GET", "/metrics")
    text = metrics.getresponse().read().decode()
    assert 'pixeltrack_answers_total{route="goal",status="200"} 1' in text
    assert 'pixeltrack_answers_total{route="goal",status="401"} 1' in text
    for connection in (slow, huge, chunked, wrong, metrics):
        connection.close()
    assert not [line for line in served.end() if "Traceback" in line or '"error"' in line.lower()]
    assert rows(workspace, "select order_id, verified from conversions") == [("7", 1)]


def test_a_signature_is_compared_in_constant_time() -> None:
    """11.2.4: by the function of the standard library that is made for it, and by nothing else."""
    source = Path(signing.__file__).read_text("utf-8")
    assert "hmac.compare_digest(_hash(body, key, seconds), found[2])" in source
    assert "== found[2]" not in source


def test_a_store_that_cannot_be_read_breaks_no_page(
    client: Client, workspace: Workspace, clock: Clock, goal: Goal
) -> None:
    """16.5.2."""
    with closing(sqlite3.connect(workspace.store.path)) as database:
        database.execute("alter table sites rename to elsewhere")
    clock.forward(60)
    answer = ask(client, f"/s/{SHOP}.gif?p=/a")
    assert (answer.status, answer.headers["X-Pixeltrack"]) == (
        "200 OK",
        "not counted: the store cannot be read",
    )
    key = workspace.keyring.site_key(SHOP, 1)
    assert call(client, key, clock(), order="1").status == "503 Service Unavailable"
