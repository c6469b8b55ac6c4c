"""Who stopped being measured is not measured, by whatever old address of whatever mail."""

from __future__ import annotations

import http.client
import re
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from conftest import BASE, CHROME, Client, Clock, Inject
from inbox import Copy, copies
from test_modes import FREE, mails, paths

from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.ledger import Entry, Purpose
from pixeltrack.model import EventKind, Mode
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.serve import Server, listen
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

ANN = "ann@x.example"
LINKS = ("https://shop.example/a?x=1&y=2", "https://shop.example/b#part")
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOLD = b"In new mails you are not counted."
STOPS = {
    b"action=stop": set(),
    b"action=stop-opens": {EventKind.CLICK},
    b"action=stop-clicks": {EventKind.OPEN},
}


@contextmanager
def serving(workspace: Workspace, settings: Settings, clock: Clock) -> Iterator[http.client.HTTPConnection]:
    """A connection to a real server over the workspace's database."""
    store = open_store(workspace.store.path, workspace.keyring)
    app = make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
            yield connection
    finally:
        server.stop()
        thread.join(20)
        store.close()


def tables(workspace: Workspace) -> Counter[str]:
    """How many rows each table has."""
    with closing(sqlite3.connect(workspace.store.path)) as connection:
        names = [
            name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")
        ]
        return Counter(
            {name: connection.execute(f'select count(*) from "{name}"').fetchone()[0] for name in names}
        )


def kinds(workspace: Workspace, campaign: str) -> Counter[int]:
    """How many hits of each kind are stored of a campaign."""
    number = workspace.store.campaign(campaign).campaign_id
    found: Counter[int] = Counter()
    for hit in workspace.store.hits(number):
        found[hit[2]] += hit[-1]
    return found


def test_after_withdrawal_a_thousand_old_addresses_add_no_row(
    workspace: Workspace, settings: Settings, clock: Clock, inject: Inject
) -> None:
    sent = [copies(inject(ANN, campaign=f"mail-{number}"))[0] for number in range(20)]
    with serving(workspace, settings, clock) as connection:

        def ask(method: str, path: str, body: bytes = b"") -> tuple[int, str | None, bytes]:
            connection.request(method, path, body, {"User-Agent": CHROME, **(FORM if body else {})})
            answer = connection.getresponse()
            return answer.status, answer.headers["Location"], answer.read()

        ask("GET", sent[0].open)
        assert kinds(workspace, "mail-0") == {EventKind.OPEN: 1}  # what is asked for below would be stored
        assert ask("POST", sent[7].preferences, b"action=stop")[0] == 200
        before = tables(workspace)
        for number in range(1_000):
            copy, link = sent[number % 20], number // 20 % 3
            status, where, body = ask("GET", copy.click(link) if link else copy.open)
            if link:
                assert (status, where) == (302, LINKS[link - 1])
            else:
                assert (status, body) == (200, PIXEL)
            clock.forward(60)
    assert tables(workspace) == before


MODES_OF_PEOPLE: list[tuple[Mode, Mode]] = [
    ("individual", "individual"),
    ("pseudonymous", "pseudonymous"),
    ("hygiene", "off"),
    ("hygiene", "individual"),
]


@pytest.mark.parametrize(("opens", "clicks"), MODES_OF_PEOPLE)
@pytest.mark.parametrize("way", ["button", "signal", "ledger"])
def test_in_whatever_mode_a_thousand_old_addresses_then_change_nothing(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    inject: Inject,
    opens: Mode,
    clicks: Mode,
    way: str,
) -> None:
    """Requirement P5: not a row and not a number, from whatever day, in whatever browser."""
    made = inject(ANN, "bob@x.example", opens=opens, clicks=clicks, free=FREE, format="jsonl")
    (pixels, links), _bob = paths(made)
    page = mails(made)[0]["preferences_url"].removeprefix(BASE)
    with serving(workspace, settings, clock) as connection:

        def ask(method: str, path: str, body: bytes = b"", **headers: str) -> int:
            given = {"User-Agent": CHROME, **headers, **(FORM if body else {})}
            connection.request(method, path, body, given)
            answer = connection.getresponse()
            answer.read()
            return answer.status

        before = dump(workspace)
        for path in (*pixels, *links):
            ask("GET", path)
        assert dump(workspace) != before  # what is asked for below would be stored
        if way == "ledger":
            entries = [
                Entry(
                    workspace.keyring.subject(ANN), each, "withdrawn", clock(), clock(), "", "", None, "test"
                )
                for each in ("opens", "clicks")
            ]
            workspace.store.record_consents(entries, {workspace.keyring.subject(ANN): ANN})
        else:
            signal = {"Sec-GPC": "1"} if way == "signal" else {}
            assert ask("POST", page, b"action=stop", **signal) == 200
        before = dump(workspace)
        for number in range(1_000):
            path = (*pixels, *links)[number % len((*pixels, *links))]
            assert ask("GET", path, **({"Sec-GPC": "1"} if number % 3 == 0 else {})) in (200, 302)
            clock.forward(7_200)  # into other days, too
        kept = dump(workspace)
    assert kept == before


@pytest.mark.parametrize(("opens", "clicks"), [("aggregate", "aggregate"), ("company", "company")])
def test_who_was_counted_with_others_adds_to_nothing_but_the_count_of_all(
    workspace: Workspace, settings: Settings, clock: Clock, inject: Inject, opens: Mode, clicks: Mode
) -> None:
    """Nobody can tell whose hit one is: their old mail goes on counting, and says nothing of them.

    From the next mail on there is nothing to count in theirs.
    """
    everybody = [ANN, *(f"reader{number}@x.example" for number in range(9))]
    given = {"opens": opens, "clicks": clicks, "free": FREE, "format": "jsonl"}
    made = inject(*everybody, **given)
    (pixels, links), *others = paths(made)
    assert all(each == (pixels, links) for each in others)
    page = mails(made)[0]["preferences_url"].removeprefix(BASE)
    with serving(workspace, settings, clock) as connection:
        connection.request("POST", page, b"action=stop", {**FORM, "User-Agent": CHROME})
        assert TOLD in b" ".join(connection.getresponse().read().split())
        before = dump(workspace)
        for number in range(1_000):
            connection.request("GET", (*pixels, *links)[number % 3], headers={"User-Agent": CHROME})
            connection.getresponse().read()
        kept = dump(workspace)
    changed = [line for line in kept if line not in before]
    assert changed
    assert all(line.startswith('INSERT INTO "counters"') for line in changed), changed
    hits = [int(line.rpartition(",")[2].rstrip(");")) for line in changed]
    assert sum(hits) == 1_000
    later = inject(*everybody, campaign="later", **given)
    assert [bool(pixels or links) for pixels, links in paths(later)] == [False] + [True] * 9


def dump(workspace: Workspace) -> list[str]:
    """The whole database, row by row; not the salts of days, nor which commit was the last."""
    with closing(sqlite3.connect(workspace.store.path)) as connection:
        beside = re.compile(r"""INSERT INTO "commits"|INSERT INTO "facts" VALUES\('salt """)
        return [line for line in connection.iterdump() if not beside.match(line)]


@pytest.mark.parametrize("wish", STOPS, ids=bytes.decode)
def test_a_button_stops_its_kind_in_mail_that_is_out_and_no_other(
    client: Client, workspace: Workspace, inject: Inject, wish: bytes
) -> None:
    sent = {name: copies(inject(ANN, campaign=name))[0] for name in ("spring", "summer")}
    assert client.post(sent["summer"].preferences, wish).status == "200 OK"
    look_at(client, sent)
    assert [set(kinds(workspace, name)) for name in sent] == [STOPS[wish]] * 2


def test_both_kinds_stopped_one_by_one_are_tracking_stopped(
    client: Client, workspace: Workspace, inject: Inject
) -> None:
    sent = {"spring": copies(inject(ANN))[0]}
    for wish in (b"action=stop-clicks", b"action=stop-opens"):
        client.post(sent["spring"].preferences, wish)
    look_at(client, sent)
    assert not kinds(workspace, "spring")
    assert b"Tracking is off" in client.get(sent["spring"].preferences).body
    later = copies(inject(ANN, "bob@x.example", campaign="later"))
    assert [bool(copy.token) for copy in later] == [False, True]


@pytest.mark.parametrize(("purpose", "left"), [("opens", {EventKind.CLICK}), ("clicks", {EventKind.OPEN})])
def test_a_withdrawal_in_the_ledger_silences_its_kind_alone(
    client: Client, workspace: Workspace, inject: Inject, clock: Clock, purpose: Purpose, left: set[EventKind]
) -> None:
    sent = {"spring": copies(inject(ANN))[0]}
    subject = workspace.keyring.subject(ANN)
    entry = Entry(subject, purpose, "withdrawn", clock(), clock(), "", "", None, "test")
    workspace.store.record_consents([entry], {subject: ANN})
    look_at(client, sent)
    assert set(kinds(workspace, "spring")) == left
    page = client.get(sent["spring"].preferences).body
    assert (b"was opened" in page, b"was clicked" in page) == (purpose == "clicks", purpose == "opens")


def test_a_preview_stops_nothing(client: Client, workspace: Workspace, inject: Inject) -> None:
    copy = copies(inject(ANN))[0]
    keys = workspace.keyring.campaign(copy.code)
    for wish in STOPS:
        path = f"/p/{keys.personal_token('preferences', bytes(8), 'preview')}"
        assert b"This was a preview" in client.post(path, wish).body
    assert workspace.store.opt_outs() == {}


def look_at(client: Client, sent: dict[str, Copy]) -> None:
    """Open each mail and click its links."""
    for copy in sent.values():
        assert client.get(copy.open).body == PIXEL
        assert [client.get(copy.click(link)).headers["Location"] for link in (1, 2)] == list(LINKS)
