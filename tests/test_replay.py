"""Replays of one URL: counted to the last one, while memory and database stay as small as they were."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import tracemalloc
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, START, Client, Clock, Inject
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from inbox import Copy, copies
from test_ingest import combined
from test_recovery import Failing
from test_serve import Program, get, http_answers

from pixeltrack import report
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.errors import StoreError
from pixeltrack.figures import CampaignReport, Tally
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.pages import Pages
from pixeltrack.recorder import Recorder
from pixeltrack.replay import HOUR, LIMIT, Replays
from pixeltrack.setup import Workspace
from pixeltrack.spool import Spool
from pixeltrack.store import Store, examine, open_store
from pixeltrack.store.schema import VERSION

REPLAYS = int(os.environ.get("PIXELTRACK_REPLAYS", "5000"))  # of each URL
CURL = "curl/8.11"
NOON = START // HOUR * HOUR


def hits(
    count: int, message: int = 1, link: int = 0, at: int = NOON, agent: str = CHROME, flags: int = 0
) -> list[Event]:
    """So many hits of one URL, a second apart."""
    kind = EventKind.CLICK if link else EventKind.OPEN
    return [Event(at + each * 1000, 1, kind, link, message, agent, flags) for each in range(count)]


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def kept(store: Store) -> int:
    return len(rows(store.path, "select 1 from events"))


def counted(store: Store) -> int:
    """All hits, whether kept or counted."""
    return sum(hit[-1] for hit in store.hits(1))


def bytes_of(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(f"{path.name}*"))


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example", "cyd@x.example"))


@pytest.fixture
def store(workspace: Workspace, mail: list[Copy]) -> Store:
    return workspace.store


# -- the whole way --------------------------------------------------------------------------------------


def replay(port: int, path: str, times: int) -> None:
    """Ask for a URL over and over on one connection, fifty at a time."""
    said = "".join(f"\r\n{name}: {value}" for name, value in {"User-Agent": CHROME, **BROWSER}.items())
    request = get(path).replace(b"Host: x", b"Host: x" + said.encode())
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        answers = http_answers(connection)
        for _ in range(times // 50):
            connection.sendall(request * 50)
            assert {next(answers) for _ in range(50)} <= {200, 302}


def test_s19_replays_over_a_socket_neither_inflate_unique_figures_nor_fill_the_disk(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    path = workspace.store.path
    workspace.store.close()
    program = Program(tmp_path)
    replay(program.port, mail[0].open, 50)
    replay(program.port, mail[1].click(2), 50)
    before = bytes_of(path)
    replay(program.port, mail[0].open, REPLAYS)
    replay(program.port, mail[1].click(2), REPLAYS)
    with socket.create_connection(("127.0.0.1", program.port)) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
        told = re.search(rb"pixeltrack_folded_hits_total (\d+)", connection.makefile("rb").read())
    assert told
    assert program.end(signal.SIGTERM)[0] == 0
    made = json.loads(run(tmp_path, "report", "--db", "t.db", "--campaign", "spring", "--json").out)
    assert made["opens"] == {"unique": 1, "total": REPLAYS + 50}
    assert made["clicks"] == {"unique": 1, "total": REPLAYS + 50}
    assert made["repeated_urls"] == 2
    kept_now = int(str(rows(path, "select count(*) from events")[0][0]))
    assert kept_now <= 2 * 2 * LIMIT  # the hour may have changed meanwhile
    assert made["repeated_hits"] == int(told[1]) == 2 * (REPLAYS + 50) - kept_now
    assert len(rows(path, "select 1 from repeats")) <= 2 * 2
    grown = bytes_of(path) - before
    print(f"{2 * REPLAYS:,} replays of 2 URLs: {kept_now} rows; the database has grown by {grown:,} bytes")
    assert grown < 8 * 4_096  # with the journal, which is gone now: less than nothing, as a rule


def test_a_log_and_the_collector_fold_the_same(
    workspace: Workspace, client: Client, clock: Clock, mail: list[Copy], tmp_path: Path
) -> None:
    rows(workspace.store.path, f"vacuum into '{tmp_path / 'twin.db'}'")
    (tmp_path / "twin.db").chmod(0o600)
    lines, headers = [], {name.lower().replace("-", "_"): value for name, value in BROWSER.items()}
    for number in range(600):
        clock.now = NOON + number * 7_000  # over an hour
        copy, agent = mail[number % 2], CURL if number % 5 == 0 else CHROME
        path = copy.click(1 + number % 2) if number % 3 else copy.open
        answer = client.get(path, agent=agent, **headers)
        lines.append(combined(path, clock.now, int(answer.status[:3]), agent))
    (tmp_path / "a.log").write_text("".join(lines))
    key = ("--key", str(tmp_path / "pixeltrack.key"))
    assert run(tmp_path, "ingest", "a.log", "--db", "twin.db", *key).code == 0
    made = [
        run(tmp_path, "report", "--campaign", "spring", "--json", "--db", name, *key).out
        for name in ("t.db", "twin.db")
    ]
    assert json.loads(made[0])["repeated_hits"] > 300
    assert made[0] == made[1]


def test_the_report_says_how_many_hits_were_only_counted(workspace: Workspace, store: Store) -> None:
    store.put_events(hits(30) + hits(1_255, message=2, link=1))
    said = run(store.path.parent, "report", "--db", "t.db", "--campaign", "spring", COLUMNS="120").out
    assert (
        "1,245 further hits of 2 URLs that were requested over and over: counted, not kept one by one."
        in said
    )
    store.put_events(hits(1, at=NOON + HOUR))
    assert report.build(store, "spring").repeated_hits == 1_245


def test_s19_posting_over_and_over_stores_no_more_than_once(
    client: Client, workspace: Workspace, mail: list[Copy]
) -> None:
    def everything() -> dict[str, int]:
        names = [str(name) for (name,) in rows(path, "select name from sqlite_schema where type = 'table'")]
        return {name: len(rows(path, f"select 1 from {name}")) for name in names}

    path = workspace.store.path

    def post() -> None:
        assert client.post(mail[0].unsubscribe, b"List-Unsubscribe=One-Click").status == "200 OK"
        assert client.post(mail[1].preferences, b"action=stop").status in ("200 OK", "303 See Other")

    post()
    once = everything()
    assert once["optouts"] >= 1
    for _ in range(200):
        post()
    assert everything() == once


# -- what is folded -------------------------------------------------------------------------------------


def test_the_share_is_of_one_url_and_one_hour(store: Store) -> None:
    store.put_events(hits(LIMIT + 5) + hits(LIMIT, message=2) + hits(LIMIT, link=1))
    assert (kept(store), counted(store)) == (3 * LIMIT, 3 * LIMIT + 5)
    store.put_events(hits(LIMIT + 1, at=NOON + HOUR))
    assert (kept(store), counted(store)) == (4 * LIMIT, 4 * LIMIT + 6)
    hours = {(bucket.start, bucket.opens) for bucket in report.build(store, "spring").timeline}
    assert hours == {(NOON, 2 * LIMIT + 5), (NOON + HOUR, LIMIT + 1)}


def test_counts_know_agent_flags_and_when(store: Store) -> None:
    store.put_events(hits(LIMIT))
    store.put_events(hits(3, at=NOON + 60_000) + hits(1, at=NOON + 1, agent=CURL))
    store.put_events(hits(2, at=NOON + 30_000) + hits(4, at=NOON + 90_000, flags=Flag.HEAD))
    assert [hit for hit in store.hits(1) if hit[5] & Flag.REPEAT] == [
        (1, NOON + 1, 1, 0, CURL, 8, 1),
        (1, NOON + 30_000, 1, 0, CHROME, 8, 1),
        (1, NOON + 62_000, 1, 0, CHROME, 8, 4),
        (1, NOON + 90_000, 1, 0, CHROME, 9, 1),
        (1, NOON + 93_000, 1, 0, CHROME, 9, 3),
    ]
    assert examine(store.path).newest == NOON + 93_000
    made = report.build(store, "spring")
    assert (made.opens, made.machine_opens) == (Tally(1, LIMIT + 5), Tally(1, 5))


def test_invented_agents_make_no_rows_and_no_agents(store: Store) -> None:
    store.put_events(hits(LIMIT))
    for number in range(100):
        store.put_events(hits(1, at=NOON + 60_000 + number, agent=f"{CHROME} Made/{number}.0"))
        store.put_events(hits(1, at=NOON + 61_000 + number, flags=number * 16))  # in every way, as it were
    assert len(rows(store.path, "select 1 from repeats")) == 8 + 1
    assert len(rows(store.path, "select 1 from agents")) < 8 + 1
    assert counted(store) == LIMIT + 200
    assert report.build(store, "spring").unknown_opens == Tally(1, 200 - 8)  # nothing is known of them


def test_nor_do_they_when_the_store_takes_no_more_agents(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixeltrack.store.events._MAX_AGENTS", 1)
    store.put_events(hits(LIMIT))
    for number in range(100):
        agent = f"Made/{number}.0"
        event = hits(1, at=NOON + 60_000 + number, agent=agent, flags=16 * number)[0]
        store.put_events([event._replace(network=f"cloud/{number}")])
    assert len(rows(store.path, "select 1 from repeats")) <= 8 + 8
    assert len(rows(store.path, "select 1 from agents")) == 2
    assert len(rows(store.path, "select 1 from networks")) <= 8
    assert counted(store) == LIMIT + 100


def test_who_stopped_tracking_is_not_counted_either(
    client: Client, store: Store, mail: list[Copy], clock: Clock
) -> None:
    for _ in range(LIMIT + 5):
        client.get(mail[0].open)
    assert counted(store) == LIMIT + 5
    client.post(mail[0].preferences, b"action=stop")
    for _ in range(10):
        client.get(mail[0].open)
    assert counted(store) == LIMIT + 5


def test_a_gateway_that_looks_every_two_minutes_is_no_person(inject: Inject, workspace: Workspace) -> None:
    links = b"".join(b'<a href="https://shop.example/%d">link %d</a>' % (n, n) for n in range(1, 5))
    inject("ann@x.example", mail=b"<html><body>" + links + b"</body></html>")
    for sweep in range(29):
        for link in range(1, 5):
            workspace.store.put_events(hits(1, link=link, at=NOON + sweep * 120_000 + link))
    workspace.store.put_events(hits(1, message=2, link=2))
    made = report.build(workspace.store, "spring")
    assert (made.clicks, made.machine_clicks) == (Tally(1, 1), Tally(1, 4 * 29))
    assert made.repeated_hits == 4 * 9


# -- no figure depends on it ----------------------------------------------------------------------------

# What hits say of themselves: agent and flags.
PEOPLE_AND_MACHINES = [
    *((CHROME, 0), (CHROME, 0), (CHROME, Flag.HEAD), (CHROME, Flag.SPECULATIVE), (CHROME, Flag.PREVIEW)),
    *((CURL, 0), ("Mozilla/5.0", 0), ("", 0), ("Thing/1.0", 0)),
]
INVENTED = [(f"{CHROME} A/{each}.0", flags) for each in range(15) for flags in (0, Flag.HEAD, 16, 2048)]
BROWSER = {"Accept": "text/html", "Accept-Language": "en", "Sec-Fetch-Mode": "navigate"}
many = examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def traffic(draw: st.DrawFn, links: int, sorts: list[tuple[str, int]]) -> list[list[Event]]:
    """Batches of hits of a few messages within three hours, many of them of the same URL."""
    one = st.builds(
        lambda at, link, message, sort: Event(
            *(NOON + at * 1_000, 1, EventKind.CLICK if link else EventKind.OPEN, link, message, *sort)
        ),
        st.one_of(st.integers(0, 30), st.integers(0, 3 * 3_600)),
        st.integers(0, links),
        st.sampled_from([1, 1, 1, 2]),
        st.sampled_from(sorts),
    )
    return draw(st.lists(st.lists(one, max_size=30), max_size=8))


def reports(
    workspace: Workspace, batches: list[list[Event]], limit: int
) -> tuple[CampaignReport, CampaignReport]:
    """What is reported when hits are folded beyond a limit, and when they never are."""
    made = []
    for each in (limit, 1_000_000_000):
        with closing(sqlite3.connect(workspace.store.path)) as connection:
            for table in ("events", "repeats", "agents", "verdicts", "message_events", "judging"):
                connection.execute(f"delete from {table}")
            connection.commit()
        store = open_store(workspace.store.path, workspace.keyring, replay_limit=each)
        store._connection.execute("pragma synchronous = off")
        for batch in batches:
            store.put_events(batch)
        made.append(report.build(store, "spring"))
        store.close()
    return made[0], made[1]


@many
@given(batches=traffic(links=0, sorts=PEOPLE_AND_MACHINES), limit=st.integers(1, 6))
def test_no_figure_of_opens_depends_on_folding(
    workspace: Workspace, mail: list[Copy], batches: list[list[Event]], limit: int
) -> None:
    folded, whole = reports(workspace, batches, limit)
    assert replace(folded, repeated_hits=0, repeated_urls=0) == whole
    assert (whole.repeated_hits, whole.repeated_urls) == (0, 0)


@many
@given(batches=traffic(links=5, sorts=INVENTED), limit=st.integers(1, 6))
def test_no_hit_is_missing_from_the_totals_however_many_links_and_agents(
    workspace: Workspace, mail: list[Copy], batches: list[list[Event]], limit: int
) -> None:
    for made in reports(workspace, batches, limit):
        opens = made.opens.total + made.machine_opens.total + made.unknown_opens.total
        clicks = made.clicks.total + made.machine_clicks.total + made.unknown_clicks.total
        assert opens + clicks + made.preview_hits == sum(map(len, batches))


# -- memory ---------------------------------------------------------------------------------------------


def test_the_memory_is_bounded_and_whoever_replays_stays_known() -> None:
    replays = Replays()
    tracemalloc.start()
    (again,) = hits(1, message=7)
    for number in range(200_000):
        replays.part([again._replace(message=number - (1 << 40))])
        if number % 1_000 == 0:
            _kept, beyond = replays.part([again])
    _size, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(replays._young) + len(replays._old) <= 65_536
    assert peak < 6 << 20
    assert beyond


def test_what_could_not_be_stored_does_not_use_up_the_share(store: Store) -> None:
    sound = store._connection
    for _ in range(3):
        store._connection = Failing(sound, False)  # type: ignore[assignment]
        with pytest.raises(StoreError):
            store.put_events(hits(LIMIT))
        store._connection = sound
    store.put_events(hits(LIMIT))
    assert kept(store) == LIMIT


# -- once and not twice ---------------------------------------------------------------------------------


@pytest.fixture
def locked(store: Store) -> Iterator[sqlite3.Connection]:
    lock = sqlite3.connect(store.path, isolation_level=None)
    lock.execute("begin immediate")
    yield lock
    lock.close()


def test_replays_that_had_to_wait_in_the_spool_of_the_killed_are_folded(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy], locked: sqlite3.Connection
) -> None:
    store = open_store(workspace.store.path, workspace.keyring, busy_ms=10)
    client = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    client.app._tables.clear()
    for _ in range(100):
        client.get(mail[0].open)
    assert client.app.recorder.state()["status"] == "degraded"
    client.app.recorder.close()  # as if killed
    locked.close()
    recorder = Recorder(store, Spool(store.path))
    recorder.flush()
    assert (kept(store), counted(store)) == (LIMIT, 100)
    store.close()


@pytest.mark.parametrize("made", [True, False])
def test_a_count_in_doubt_is_told_apart_from_what_others_added_to_it(
    workspace: Workspace, store: Store, made: bool
) -> None:
    store.put_events(hits(LIMIT))
    other = open_store(store.path, workspace.keyring, replay_limit=1)
    recorder = Recorder(store, Spool(store.path))
    sound = store._connection
    store._connection = Failing(sound, made)  # type: ignore[assignment]
    for event in hits(7):
        recorder.add(event)
    recorder.commit()
    assert recorder.state()["status"] == "degraded"
    store._connection = sound
    other.put_events(hits(8))  # one of them is a row
    recorder._ask_again = 0.0
    for event in hits(1):  # a commit that is not in doubt, before the spool is taken up
        recorder.add(event)
    recorder.flush()
    assert (kept(store), counted(store)) == (LIMIT + 1, LIMIT + 7 + 8 + 1)
    assert len(rows(store.path, "select 1 from commits")) <= 3
    other.close()


def test_a_commit_in_doubt_that_left_out_the_silenced_is_told_by_its_rows(
    client: Client, store: Store, mail: list[Copy]
) -> None:
    client.get(mail[0].open)
    client.post(mail[0].preferences, b"action=stop")
    silenced = next(iter(store.events(1)))[0]
    recorder = Recorder(store, Spool(store.path))
    sound = store._connection
    store._connection = Failing(sound, True)  # type: ignore[assignment]
    for event in (*hits(5, message=silenced), *hits(1)):  # more of them than the store has rows
        recorder.add(event)
    recorder.commit()
    assert recorder.state()["status"] == "degraded"
    store._connection = sound
    recorder._ask_again = 0.0
    recorder.flush()
    assert (kept(store), counted(store)) == (2, 2)


# -- databases made before ------------------------------------------------------------------------------


def test_a_database_made_before_there_were_counts_keeps_its_hits(
    workspace: Workspace, client: Client, mail: list[Copy]
) -> None:
    for copy in mail:
        client.get(copy.open)
    path = workspace.store.path
    before = run(path.parent, "report", "--db", "t.db", "--campaign", "spring", "--json").out
    workspace.store.close()
    with closing(sqlite3.connect(path)) as connection:  # as it was then
        connection.executescript(
            "drop trigger message_measured; drop trigger optout_fed;"
            "drop table views; drop table page_counters; drop table conversions; drop table goals;"
            "drop table pages; drop table sites; drop table site_hours; alter table campaigns drop column attribute;"
            "alter table campaigns drop column cost; alter table campaigns drop column cost_currency;"
            "drop view outcomes; drop table deliveries; drop table kept_deliveries;"
            "drop table hook_tries; drop table hook_feed; drop table hooks; drop table segments;"
            "drop table repeats; drop table commits;"
            "drop table judgements; drop table verdicts; drop table message_events; drop table judging;"
            "drop table stale_campaigns; drop table mails; drop table versions; drop table batches;"
            "drop table consents; drop table wordings; drop table notices;"
            "drop table kept_cells; drop table kept; drop table kept_messages; drop table closed_batches;"
            "drop table kept_audience; drop table addresses;"
            "drop table erasures; drop table trail; drop table crowds; drop table counters; drop table last_opens;"
            "drop index recipients_by_subject; alter table recipients drop column subject;"
            "alter table silenced drop column kinds; alter table links drop column plain;"
            "alter table campaigns drop column opens; alter table campaigns drop column clicks;"
            "alter table messages drop column opens; alter table messages drop column clicks;"
            "drop trigger message_added; drop trigger message_changed; drop trigger message_removed;"
            "drop table rollups; drop table rollup_cells; drop table audiences;"
            "alter table links drop column version;"
            "alter table messages drop column version; alter table messages drop column batch;"
            "create index events_by_campaign on events (campaign_id);"
            "pragma user_version = 4;"
            "delete from _sqlite_migrations where name >= '0005'"
        )
    assert run(path.parent, "doctor", "--db", "t.db", "--local").code in (0, 1)
    assert run(path.parent, "report", "--db", "t.db", "--campaign", "spring", "--json").out == before
    assert rows(path, "pragma user_version") == [(VERSION,)]
    store = open_store(path, workspace.keyring)
    message = next(iter(store.events(1)))[0]
    store.put_events(hits(LIMIT + 5, message=message))
    assert (kept(store), counted(store)) == (LIMIT + 3, LIMIT + 5 + 3)
    store.close()
