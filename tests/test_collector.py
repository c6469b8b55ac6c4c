"""The collector: it answers always, redirects only where the link table says, and GET changes nothing."""

from __future__ import annotations

import logging
import re
import sqlite3
import string
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import CHROME, Client, Clock, Inject, Response, people
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbox import Copy, copies

from pixeltrack.collector import make_app
from pixeltrack.compile import Task
from pixeltrack.config import Settings
from pixeltrack.links import Policy
from pixeltrack.model import Flag, StoredEvent
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.rewrite import plan
from pixeltrack.setup import Workspace
from pixeltrack.single import inject_single
from pixeltrack.source import read
from pixeltrack.store import open_store
from pixeltrack.urls import addresses

BASE = "https://track.example.com"
FIRST, SECOND = "https://shop.example/a?x=1&y=2", "https://shop.example/b#part"
STOP = b"action=stop"
ONE_CLICK = b"List-Unsubscribe=One-Click"


@pytest.fixture
def ann(inject: Inject) -> Copy:
    """Ann's copy of a campaign that Bob got too."""
    return copies(inject("ann@x.example", "bob@x.example"))[0]


@pytest.fixture
def task(tmp_path: Path) -> Task:
    places = addresses(BASE)
    mail = b'<html><body><a href="https://shop.example/a">A</a></body></html>'
    return Task(plan(read(mail, "mail.html"), Policy(places.owns)), "other", places, tmp_path / "other", 1)


BROWSER = Flag.HEADERS | Flag.FETCH | Flag.NAVIGATE  # what the client here sends, as far as it is recorded


def hits(workspace: Workspace, campaign: str = "spring") -> list[StoredEvent]:
    return list(workspace.store.events(workspace.store.campaign(campaign).campaign_id))


def dump(workspace: Workspace) -> list[str]:
    """Everything in the database, as SQL."""
    connection = sqlite3.connect(workspace.store.path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


def is_the_404_page(response: Response) -> bool:
    return (
        response.status == "404 Not Found"
        and "Location" not in response.headers
        and response.headers["Content-Type"] == "text/html; charset=utf-8"
        and b"<h1" in response.body
    )


# -- the pixel ------------------------------------------------------------------------------------------


def size_and_pixels(gif: bytes) -> tuple[int, int, list[int]]:
    """Decode a GIF89a by its specification: logical screen, one image, and the LZW codes in it."""
    assert gif[:6] == b"GIF89a"
    width, height = (int.from_bytes(gif[at : at + 2], "little") for at in (6, 8))
    at = 13 + 3 * 2 ** ((gif[10] & 7) + 1)  # behind the global colour table
    if gif[at] == 0x21:  # the graphic control extension
        at += 8
    assert gif[at] == 0x2C
    image = tuple(int.from_bytes(gif[place : place + 2], "little") for place in (at + 5, at + 7))
    assert image == (width, height)
    smallest, length = gif[at + 10], gif[at + 11]
    bits = int.from_bytes(gif[at + 12 : at + 12 + length], "little")
    codes = [bits >> shift & 7 for shift in range(0, length * 8 - 2, smallest + 1)]
    assert gif[at + 12 + length :] == b"\0;"  # no further block, and the trailer
    clear, end = 1 << smallest, (1 << smallest) + 1
    assert codes[0] == clear
    return width, height, codes[1 : codes.index(end)]


def test_the_pixel_is_a_transparent_gif_of_one_pixel() -> None:
    assert size_and_pixels(PIXEL) == (1, 1, [0])
    assert PIXEL[19:23] == b"\x21\xf9\x04\x01"  # a transparent colour is given
    assert PIXEL[25] == 0  # and it is colour 0


def test_an_open_is_answered_with_the_pixel_and_recorded(
    client: Client, workspace: Workspace, ann: Copy, clock: Clock
) -> None:
    response = client.get(ann.open)
    assert response.status == "200 OK"
    assert response.body == PIXEL
    assert response.headers == {
        "Content-Type": "image/gif",
        "Content-Length": "43",
        "Cache-Control": "no-store, no-cache, must-revalidate, max-age=0, private",
        "Pragma": "no-cache",
        "Expires": "0",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "no-referrer",
    }
    ((_, at, kind, link, agent, flags),) = hits(workspace)
    assert (at, kind, link, flags) == (clock.now, 1, 0, BROWSER)
    assert "Chrome/131.0" in agent


@pytest.mark.parametrize(
    "path",
    [
        *(f"/o/CODE/{token}.gif" for token in ("nobody", "A" * 28, "{{t}}", "%%T%%", "a/b", "~" * 200)),
        *("/o/CODE/é.gif", f"/o/CODE/{'A' * 201}.gif", "/o/CODE/nobody", "/o/no/nobody.gif", "/o/"),
    ],
)
def test_the_pixel_answers_even_when_the_token_is_unknown(
    client: Client, workspace: Workspace, ann: Copy, path: str
) -> None:
    response = client.get(path.replace("CODE", ann.code))
    assert (response.status, response.body) == ("200 OK", PIXEL)
    assert response.headers["X-Pixeltrack"] == "not counted: unknown token"
    assert "no-store" in response.headers["Cache-Control"]
    assert hits(workspace) == []


def test_the_pixel_answers_even_when_the_campaign_is_unknown(client: Client, workspace: Workspace) -> None:
    keys = workspace.keyring.campaign("aaaaaaaa")
    response = client.get(f"/o/aaaaaaaa/{keys.message_token(bytes(8))}.gif")
    assert (response.status, response.body) == ("200 OK", PIXEL)
    assert response.headers["X-Pixeltrack"] == "not counted: unknown campaign"


# -- clicks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("link", "url"), [(1, FIRST), (2, SECOND)])
def test_a_click_redirects_exactly_and_is_recorded(
    client: Client, workspace: Workspace, ann: Copy, link: int, url: str
) -> None:
    response = client.get(ann.click(link))
    assert (response.status, response.body) == ("302 Found", b"")
    assert response.headers == {
        "Location": url,
        "Content-Length": "0",
        "Cache-Control": "no-store, no-cache, must-revalidate, max-age=0, private",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex, nofollow",
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
    }
    assert [(kind, n) for _, _, kind, n, _, _ in hits(workspace)] == [(2, link)]


def test_whatever_is_unknown_gets_one_fixed_page(client: Client, workspace: Workspace, ann: Copy) -> None:
    stranger = workspace.keyring.campaign("aaaaaaaa").message_token(bytes(8))
    answers = [
        client.get(path)
        for path in (
            *(
                ann.click(3),
                ann.click(9_999_999),
                f"/c/{ann.code}/1/{'A' * 28}",
                f"/c/aaaaaaaa/1/{ann.token}",
            ),
            *(f"/c/aaaaaaaa/1/{stranger}", f"{ann.click(1)}x", f"{ann.click(1)}/../1", f"/c/{ann.code}/1/"),
            *(f"/u/{ann.token}", f"/p/{'A' * 40}", "/", "/c/https://evil.example", "/redirect", ""),
        )
    ]
    assert all(map(is_the_404_page, answers))
    assert len({(answer.body, *answer.headers.items()) for answer in answers}) == 1
    assert hits(workspace) == []


def test_nothing_in_the_query_changes_where_a_click_goes(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    evil = "https://evil.example"
    for name in ("url", "u", "to", "next", "redirect", "r", "link", "goto", "target"):
        client.environ["QUERY_STRING"] = f"{name}={evil}"
        assert client.get(ann.click(1), referer=evil).headers["Location"] == FIRST


def test_a_link_that_was_injected_after_the_first_click_is_found(
    client: Client, inject: Inject, ann: Copy
) -> None:
    assert client.get(ann.click(1)).headers["Location"] == FIRST
    inject("ann@x.example", mail=b'<html><body><a href="https://new.example/">N</a></body></html>')
    assert client.get(ann.click(3)).headers["Location"] == "https://new.example/"
    assert client.get(ann.click(1)).headers["Location"] == FIRST  # mail that was sent keeps its meaning


def test_numbers_that_are_no_link_do_not_make_us_read_the_link_table(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    client.get(ann.click(1))
    statements: list[str] = []
    workspace.store._connection.set_trace_callback(statements.append)
    for number in range(1_000, 1_010):
        assert client.get(ann.click(1).replace("/1/", f"/{number}/")).status == "404 Not Found"
    assert not [each for each in statements if "select number, position" in each]


def test_a_stored_address_that_nobody_can_be_sent_to_does_not_either(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    with sqlite3.connect(workspace.store.path) as other:  # as an older version may have let it in
        other.execute("update links set url = 'https://a b/' where number = 2")
    assert is_the_404_page(client.get(ann.click(2)))
    statements: list[str] = []
    workspace.store._connection.set_trace_callback(statements.append)
    assert is_the_404_page(client.get(ann.click(2)))
    assert not [each for each in statements if "select number, position" in each]


# -- what is recorded -----------------------------------------------------------------------------------


def test_head_answers_without_a_body_and_is_recorded_as_head(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    pixel, click = client.head(ann.open), client.head(ann.click(1))
    assert (pixel.status, pixel.body, pixel.headers["Content-Length"]) == ("200 OK", b"", "43")
    assert (click.status, click.body, click.headers["Location"]) == ("302 Found", b"", FIRST)
    assert [row[5] for row in hits(workspace)] == [Flag.HEAD | BROWSER] * 2


@pytest.mark.parametrize(
    ("header", "value", "flags"),
    [
        ("sec_purpose", "prefetch;prerender", Flag.SPECULATIVE),
        ("purpose", "prefetch", Flag.SPECULATIVE),
        ("x_purpose", "Preview", Flag.SPECULATIVE),
        ("x_moz", "prefetch", Flag.SPECULATIVE),
        ("sec_purpose", "", 0),
        ("referer", "prefetch", 0),
    ],
)
def test_a_speculative_load_is_recorded_as_such(
    client: Client, workspace: Workspace, ann: Copy, header: str, value: str, flags: int
) -> None:
    client.get(ann.click(1), **{header: value})
    assert [row[5] for row in hits(workspace)] == [flags | BROWSER]


def test_neither_address_nor_raw_agent_nor_network_address_of_a_hit_is_in_the_database(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    # The recipients' own addresses are in their table: that is the sender's list, not a hit.
    secrets = {
        "raw agent": "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007) Secr3tApp/7.8.9.1011",
        "model": "SM-S918B",
        "build": "UP1A.231005.007",
        "version": "7.8.9.1011",
        "network address": "203.0.113.77",
        "forwarded": "198.51.100.23",
        "referrer": "webmail.secret.example",
        "cookie": "sessionid=zzz",
        "language": "tlh-KX",
    }
    client.environ |= {"REMOTE_ADDR": secrets["network address"], "REMOTE_HOST": secrets["network address"]}
    for path in (ann.open, ann.click(1), ann.unsubscribe, ann.preferences):
        client.get(
            path,
            agent=secrets["raw agent"],
            x_forwarded_for=secrets["forwarded"],
            referer=f"https://{secrets['referrer']}/",
            cookie=secrets["cookie"],
            accept_language=secrets["language"],
        )
    client.post(ann.preferences, STOP)
    assert len(hits(workspace)) == 2
    stored = b"".join(file.read_bytes() for file in workspace.store.path.parent.glob("t.db*"))
    assert b"Secr3tApp/7.8" in stored
    assert [name for name, secret in secrets.items() if secret.encode() in stored] == []
    assert ann.token.encode() not in stored


@pytest.mark.parametrize("agent", ["", "\0\x1b[31m", "é" * 600, "A" * 100_000, "'; drop table events; --"])
def test_no_agent_breaks_anything(client: Client, workspace: Workspace, ann: Copy, agent: str) -> None:
    assert client.get(ann.open, agent=agent).body == PIXEL
    ((_, _, _, _, stored, _),) = hits(workspace)
    assert len(stored) <= 200
    assert stored.isascii()
    assert stored.isprintable()


# -- opting out -----------------------------------------------------------------------------------------


def test_looking_changes_nothing(client: Client, workspace: Workspace, ann: Copy) -> None:
    before = dump(workspace)
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "LIST"):
        for path in (ann.unsubscribe, ann.preferences):
            for _ in range(100):
                client.environ["QUERY_STRING"] = "action=stop&List-Unsubscribe=One-Click"
                client.request(method, path, STOP)
    assert dump(workspace) == before


@pytest.mark.parametrize("path", ["unsubscribe", "preferences"])
def test_looking_shows_a_form_that_posts_to_the_same_address(client: Client, ann: Copy, path: str) -> None:
    at = getattr(ann, path)
    page = client.get(at)
    assert page.status == "200 OK"
    assert re.search(
        rf'<form[^>]* method="post"[^>]* action="{at}"|action="{at}"[^>]* method="post"', page.body.decode()
    )
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "no-store" in page.headers["Cache-Control"]


MULTIPART = b'--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (ONE_CLICK, "application/x-www-form-urlencoded"),
        (MULTIPART, "multipart/form-data; boundary=b"),
        (b"", ""),
        (b"\xff" * 8_000, "application/octet-stream"),
    ],
)
def test_a_post_unsubscribes_whatever_the_body(
    client: Client, workspace: Workspace, ann: Copy, body: bytes, content_type: str
) -> None:
    client.environ["CONTENT_TYPE"] = content_type
    answers = [client.post(ann.unsubscribe, body) for _ in range(3)]
    assert {answer.status for answer in answers} == {"200 OK"}
    assert "Location" not in answers[0].headers  # RFC 8058, section 3.1: no redirect
    assert workspace.store.opt_outs() == {workspace.keyring.subject("ann@x.example"): frozenset({"all"})}


def test_who_unsubscribed_gets_no_further_mail(client: Client, inject: Inject, ann: Copy) -> None:
    client.post(ann.unsubscribe, ONE_CLICK)
    assert [copy.address for copy in copies(inject("ann@x.example", "bob@x.example", campaign="summer"))] == [
        "bob@x.example"
    ]


def test_stopping_reaches_mail_that_was_sent_before(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    spring = copies(inject("ann@x.example", "bob@x.example"))
    summer = copies(inject("ann@x.example", "bob@x.example", campaign="summer"))
    for copy in (*spring, *summer):
        client.get(copy.open)
    for _ in range(2):
        assert client.post(summer[0].preferences, STOP).status == "200 OK"
    for _ in range(5):
        for copy in (spring[0], summer[0]):
            assert client.get(copy.open).body == PIXEL
            assert client.get(copy.click(1)).headers["Location"] == FIRST
    assert len(hits(workspace, "spring")) == len(hits(workspace, "summer")) == 2
    client.get(spring[1].open)
    assert len(hits(workspace, "spring")) == 3  # Bob did not stop anything


def test_preferences_say_what_is_so(client: Client, ann: Copy) -> None:
    before = client.get(ann.preferences).body
    client.post(ann.preferences, STOP)
    after = client.get(ann.preferences).body
    assert STOP.partition(b"=")[2] in before
    assert before != after


@pytest.mark.parametrize(
    "body", [b"", b"action=", b"action=start", b"action=stop&action=stop", b"Action=stop", b"\xff"]
)
def test_preferences_do_nothing_on_an_unknown_wish(
    client: Client, workspace: Workspace, ann: Copy, body: bytes
) -> None:
    assert client.post(ann.preferences, body).status == "400 Bad Request"
    assert workspace.store.opt_outs() == {}


@pytest.mark.parametrize("length", ["-1", "", "x", "99999999999999999999"])
def test_a_wrong_content_length_is_no_way_in(client: Client, ann: Copy, length: str) -> None:
    client.environ["CONTENT_LENGTH"] = length
    status = client.post(ann.preferences, b"x" * 10_000 + b"&action=stop").status
    assert status == "400 Bad Request"


def test_a_token_of_one_purpose_does_not_act_for_another(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    unsubscribe, preferences = ann.unsubscribe[3:], ann.preferences[3:]
    for path in (f"/u/{preferences}", f"/p/{unsubscribe}", f"/u/{ann.token}", f"/p/{ann.token}"):
        assert is_the_404_page(client.post(path, STOP))
    for token in (unsubscribe, preferences):
        assert is_the_404_page(client.get(f"/c/{ann.code}/1/{token}"))
    assert workspace.store.opt_outs() == {}


def test_a_preview_redirects_and_never_acts(client: Client, workspace: Workspace, task: Task) -> None:
    summary = inject_single(task, None, workspace.store, workspace.keyring)
    keys = workspace.keyring.campaign(summary.code)
    assert (
        client.get(f"/c/{summary.code}/1/{keys.preview_token()}").headers["Location"]
        == "https://shop.example/a"
    )
    assert [row[5] for row in hits(workspace, "other")] == [Flag.PREVIEW | BROWSER]
    for letter, purpose in (("u", "unsubscribe"), ("p", "preferences")):
        path = f"/{letter}/{keys.personal_token(purpose, bytes(8), 'preview')}"  # type: ignore[arg-type]
        assert client.get(path).status == "200 OK"
        assert b"This was a preview" in client.post(path, STOP).body
    assert workspace.store.opt_outs() == {}


def test_a_merge_template_counts_once_it_was_filled_in(
    client: Client, workspace: Workspace, task: Task
) -> None:
    summary = inject_single(task, "*|ID|*", workspace.store, workspace.keyring)
    sealed = workspace.keyring.campaign(summary.code).merge_token("")
    for left in ("*|ID|*", "", "{{id}}"):
        pixel = client.get(f"/o/{summary.code}/{sealed}{left}.gif")
        assert pixel.headers["X-Pixeltrack"] == "not counted: merge tag not filled in"
        assert client.get(f"/c/{summary.code}/1/{sealed}{left}").status == "302 Found"
    assert hits(workspace, "other") == []
    client.get(f"/o/{summary.code}/{sealed}4711.gif")
    client.get(f"/c/{summary.code}/1/{sealed}4711")
    assert len({row[0] for row in hits(workspace, "other")}) == 1


# -- every answer ---------------------------------------------------------------------------------------


def test_other_methods_are_refused_with_those_that_work(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    for path in (ann.open, ann.click(1), "/privacy", "/healthz", "/robots.txt"):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"):
            response = client.request(method, path)
            assert (response.status, response.headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")
            assert "Location" not in response.headers
    for path in (ann.unsubscribe, ann.preferences):
        response = client.request("OPTIONS", path)
        assert (response.status, response.headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD, POST")
    assert hits(workspace) == []


def test_robots_and_health_answer(client: Client, ann: Copy) -> None:
    assert client.get("/robots.txt").body == b"User-agent: *\nDisallow: /\n"
    client.get(ann.open)
    assert (
        client.get("/healthz").body
        == b'{"status": "ok", "recorded": 1, "spool_bytes": 0, "waiting": 0, "lost": 0}'
    )
    assert client.get("/privacy").status == "200 OK"


def test_the_host_header_shows_in_no_answer(client: Client, ann: Copy) -> None:
    paths = (ann.open, ann.click(1), ann.unsubscribe, ann.preferences, "/privacy", "/healthz", "/nothing")
    for path in paths:
        plain = client.get(path)
        for host in ("evil.example", "evil.example:80", "a\r\nX: y", '"><script>', "127.0.0.1", ""):
            client.environ = {"SERVER_NAME": "evil.example", "SERVER_PORT": "66"}
            told = client.get(path, host=host, x_forwarded_host=host, forwarded=f"host={host}")
            if path != "/healthz":
                assert told == plain
            assert "evil" not in repr(told)


SPELLED = string.ascii_letters + string.digits + "-_./%~+=:@?#é\n\0"


@st.composite
def mutated(draw: st.DrawFn, path: str) -> str:
    """A path of ours after one to four slips: a letter changed, left out, put in, or a piece moved."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(path)))
        slip = draw(st.sampled_from(("change", "drop", "insert", "move", "case")))
        if slip == "change":
            path = path[:at] + draw(st.sampled_from(SPELLED)) + path[at + 1 :]
        elif slip == "drop":
            path = path[:at] + path[at + draw(st.integers(1, 9)) :]
        elif slip == "insert":
            path = path[:at] + draw(st.text(SPELLED, max_size=9)) + path[at:]
        elif slip == "move":
            path = path[at:] + path[:at]
        else:
            path = path[:at] + path[at:].swapcase()
    return path


FUZZED = {"200", "302", "400", "404", "405"}


@settings(max_examples=3_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutated_address_leads_out_of_the_link_table_or_to_an_error(
    client: Client, workspace: Workspace, ann: Copy, data: st.DataObject
) -> None:
    whole = data.draw(
        st.sampled_from((ann.open, ann.click(1), ann.click(2), ann.unsubscribe, ann.preferences))
    )
    path = data.draw(mutated(whole))
    method = data.draw(st.sampled_from(("GET", "GET", "HEAD", "POST", "OPTIONS")))
    before = workspace.store.opt_outs()
    response = client.request(method, path, STOP, agent=data.draw(st.text(max_size=9)))
    assert response.status[:3] in FUZZED
    assert response.headers.get("Location") in (None, FIRST, SECOND)
    if method != "POST" or path not in (ann.unsubscribe, ann.preferences):
        assert workspace.store.opt_outs() == before


# -- when the store fails -------------------------------------------------------------------------------


@pytest.fixture
def hasty(workspace: Workspace, settings: Settings, clock: Clock) -> Iterator[Client]:
    """A client of a collector whose store waits 10 ms and no longer."""
    store = open_store(workspace.store.path, workspace.keyring, busy_ms=10)
    yield Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    store.close()


def test_while_another_writes_all_is_answered_and_the_hits_are_stored_afterwards(
    hasty: Client, workspace: Workspace, ann: Copy, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin exclusive")
    for _ in range(10):
        assert hasty.get(ann.open).body == PIXEL
        assert hasty.get(ann.click(2)).headers["Location"] == SECOND
        clock.forward(1)
    health = hasty.get("/healthz").body
    assert b'"degraded", "recorded": 0, "spool_bytes": 0' not in health
    assert b'"waiting": 0, "lost": 0' in health
    lock.execute("rollback")
    lock.close()
    time.sleep(0.3)  # the store is not asked again at once
    hasty.get("/healthz")
    stored = hits(workspace)
    assert len(stored) == 20
    assert len({row[1] for row in stored}) == 10  # each with the time it happened at
    assert b'"ok", "recorded": 20, "spool_bytes": 0, "waiting": 0' in hasty.get("/healthz").body


def test_an_opt_out_that_cannot_be_stored_is_not_said_to_be(
    hasty: Client, workspace: Workspace, ann: Copy
) -> None:
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin exclusive")
    for path in (ann.unsubscribe, ann.preferences):
        response = hasty.post(path, STOP)
        assert response.status == "503 Service Unavailable"
        assert b"try again" in response.body
    lock.execute("rollback")
    lock.close()
    assert workspace.store.opt_outs() == {}
    assert hasty.post(ann.unsubscribe, STOP).status == "200 OK"


def test_known_links_work_while_the_store_is_gone(client: Client, workspace: Workspace, ann: Copy) -> None:
    client.get(ann.click(1))
    workspace.store.close()
    assert client.get(ann.open).body == PIXEL
    assert client.get(ann.click(2)).headers["Location"] == SECOND
    assert client.get(ann.unsubscribe).status == "200 OK"
    assert client.get(ann.preferences).status == "503 Service Unavailable"
    assert client.post(ann.unsubscribe).status == "503 Service Unavailable"
    assert is_the_404_page(client.get("/nothing"))


def test_a_failure_is_logged_without_any_token(
    hasty: Client, workspace: Workspace, ann: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin exclusive")
    hasty.get(ann.open)
    hasty.post(ann.unsubscribe)
    lock.close()
    assert "database is locked; hits go to the spool until it works again" in caplog.text
    assert "an opt-out could not be stored" in caplog.text
    for token in (ann.token, ann.unsubscribe[3:], CHROME, "ann@x.example"):
        assert token not in caplog.text


def test_a_link_that_cannot_be_looked_up_is_no_dead_link(
    workspace: Workspace, settings: Settings, clock: Clock, ann: Copy
) -> None:
    store = open_store(workspace.store.path, workspace.keyring)
    unread = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    store.close()
    assert unread.get(ann.click(1)).status == "503 Service Unavailable"
    assert unread.get(ann.open).body == PIXEL


def test_a_fault_of_ours_still_answers(client: Client, ann: Copy, caplog: pytest.LogCaptureFixture) -> None:
    del client.app._recording  # whatever it may be
    opened = client.get(ann.open)
    assert (opened.status, opened.body) == ("200 OK", PIXEL)
    assert client.get(ann.click(1)).status == "503 Service Unavailable"
    assert ann.token not in caplog.text


def test_a_merge_tag_with_spaces_that_nobody_filled_in_redirects(
    client: Client, workspace: Workspace, ann: Copy
) -> None:
    keys = workspace.keyring.campaign(ann.code)
    answer = client.get(f"/c/{ann.code}/1/{keys.merge_token('{{ contact.id }}')}")
    assert answer.headers["Location"] == FIRST
    assert hits(workspace) == []


def test_an_untracked_copy_does_not_say_that_earlier_mails_are_untracked(
    client: Client, inject: Inject, workspace: Workspace
) -> None:
    summary = inject(recipients=people("bob@x.example", consent="denied"), campaign="later")
    page = client.get(copies(summary)[0].preferences).body
    assert b"<form" in page


# -- what stands for the client's address ---------------------------------------------------------------


def seen(workspace: Workspace) -> list[tuple[str | None, int]]:
    with closing(sqlite3.connect(workspace.store.path)) as connection:
        query = "select network, address from events left join networks using (network_id) order by event_id"
        return connection.execute(query).fetchall()


def test_of_an_address_its_network_and_a_number_of_the_day_are_kept_and_nothing_else(
    workspace: Workspace, settings: Settings, clock: Clock, ann: Copy
) -> None:
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock)
    for address in ("66.249.84.1", "66.249.84.2", "66.249.84.1", "127.0.0.1"):
        Client(app, {"REMOTE_ADDR": address}).get(ann.open)
    clock.now += 24 * 3_600_000
    Client(app, {"REMOTE_ADDR": "66.249.84.1"}).get(ann.open)
    (first, second, again, unknown, tomorrow) = seen(workspace)
    assert first[0].split("/")[0] == "google"  # type: ignore[union-attr]
    assert first == again
    assert len({first[1], second[1], tomorrow[1], 0}) == 4
    assert unknown == (None, 0)
    assert "66.249.84" not in "\n".join(dump(workspace))


def test_only_a_trusted_proxy_says_whose_address_it_is(
    workspace: Workspace, settings: Settings, clock: Clock, ann: Copy
) -> None:
    trusting = replace(settings, trusted_proxies=frozenset({"198.51.100.7"}))
    app = make_app(workspace.store, workspace.keyring, Pages(), trusting, clock)
    for peer in ("198.51.100.7", "93.184.216.34"):
        Client(app, {"REMOTE_ADDR": peer}).get(ann.open, x_forwarded_for="66.249.84.1")
    Client(app, {"REMOTE_ADDR": "66.249.84.1"}).get(ann.open)
    forwarded, claimed, direct = seen(workspace)
    assert forwarded == direct
    assert claimed[0] is None
    assert claimed[1] not in (0, direct[1])
