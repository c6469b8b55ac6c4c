"""What Prometheus reads: its format, the right numbers, and only for those who may."""

from __future__ import annotations

import os
import re
import sqlite3
from dataclasses import replace
from itertools import groupby

import pytest
from conftest import CHROME, Client, Clock, Inject
from inbox import Copy, copies

from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.metrics import Counters
from pixeltrack.model import EventKind, Flag
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace

LOCAL = {"REMOTE_ADDR": "127.0.0.1", "HTTP_HOST": "localhost:8000"}
SAMPLE = re.compile(
    r'(?P<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?P<labels>\{[a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*\})? (?P<value>[0-9.e+-]+)'
)


def parse(text: str) -> dict[str, float]:
    """Read the text format strictly: every family with HELP and TYPE, once, its samples right behind."""
    samples: dict[str, float] = {}
    families: list[str] = []
    kind = ""
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            families.append(line.split(" ", 3)[2])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == families[-1]
            assert kind in ("counter", "gauge", "histogram")
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            ends = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert found["name"] in {families[-1] + end for end in ends}
            key = f"{found['name']}{found['labels'] or ''}".removeprefix("pixeltrack_")
            assert key not in samples
            samples[key] = float(found["value"])
    assert len(families) == len(set(families))
    assert all(list(group) == [name] for name, group in groupby(families))
    return samples


def read(client: Client) -> dict[str, float]:
    response = Client(client.app, LOCAL).get("/metrics")
    assert response.status == "200 OK"
    assert response.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    return parse(response.body.decode("ascii"))


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example"))


def test_at_first_everything_is_there_and_zero(client: Client) -> None:
    samples = read(client)
    assert samples.pop("start_time_seconds") > 1_700_000_000
    assert samples.pop("workers") == 1
    assert samples.pop('info{version="0.1.0"}') == 1
    assert set(samples.values()) == {0}
    assert 'hits_total{kind="click",class="plain"}' in samples


def test_hits_answers_and_commits_are_counted(client: Client, mail: list[Copy], workspace: Workspace) -> None:
    ann, bob = mail
    client.get(ann.open)
    client.get(bob.open)
    client.get(bob.open, sec_purpose="prefetch")
    client.head(ann.open)
    client.get(ann.click(1))
    client.get(ann.click(99))
    client.get(f"/c/{ann.code}/1/{'A' * 28}")
    client.get("/c/x")
    client.get(f"/o/{ann.code}/{'A' * 28}.gif")
    client.get("/o/x")
    client.get(f"/u/{'A' * 40}")
    client.post(ann.unsubscribe)
    client.post(ann.open)
    client.get("/nothing")
    stranger = workspace.keyring.campaign("aaaaaaaa").message_token(bytes(8))
    client.get(f"/o/aaaaaaaa/{stranger}.gif")
    unlinked = workspace.keyring.campaign(ann.code).merge_token("*|ID|*")
    client.get(f"/c/{ann.code}/1/{unlinked}")
    samples = {key: value for key, value in read(client).items() if value and "_seconds" not in key}
    assert samples == {
        'info{version="0.1.0"}': 1,
        "workers": 1,
        'answers_total{route="open",status="200"}': 7,
        'answers_total{route="open",status="405"}': 1,
        'answers_total{route="click",status="302"}': 2,
        'answers_total{route="click",status="404"}': 3,
        'answers_total{route="unsubscribe",status="200"}': 1,
        'answers_total{route="unsubscribe",status="404"}': 1,
        'answers_total{route="other",status="404"}': 1,
        'hits_total{kind="open",class="plain"}': 2,
        'hits_total{kind="open",class="speculative"}': 1,
        'hits_total{kind="open",class="head"}': 1,
        'hits_total{kind="click",class="plain"}': 1,
        'hits_not_counted_total{kind="open",reason="unknown_token"}': 2,
        'hits_not_counted_total{kind="open",reason="unknown_campaign"}': 1,
        'hits_not_counted_total{kind="click",reason="unknown_token"}': 2,
        'hits_not_counted_total{kind="click",reason="unknown_link"}': 1,
        'hits_not_counted_total{kind="click",reason="merge_tag_not_filled_in"}': 1,
        "stored_hits_total": 5,
    }
    assert read(client)["commit_seconds_count"] == 5
    assert read(client)["commit_seconds_sum"] >= read(client)["commit_seconds_max"] > 0


def test_what_goes_through_the_spool_is_counted(
    client: Client, mail: list[Copy], workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixeltrack.recorder._PAUSE_SECONDS", 0.0)
    workspace.store._busy_ms = 10
    client.get(mail[0].open)
    lock = sqlite3.connect(workspace.store.path, isolation_level=None)
    lock.execute("begin immediate")
    client.get(mail[0].open)
    client.get(mail[0].open)
    samples = read(client)
    assert (samples["spooled_hits_total"], samples["taken_up_hits_total"]) == (2, 0)
    assert samples["spool_bytes"] == client.app.recorder.state()["spool_bytes"] > 0
    lock.close()
    client.get(mail[0].open)
    samples = read(client)
    assert (samples["stored_hits_total"], samples["taken_up_hits_total"]) == (2, 2)
    assert (samples["spool_bytes"], samples["waiting_hits"], samples["lost_hits_total"]) == (0, 0, 0)


def test_the_buckets_add_up() -> None:
    counters = Counters()
    for seconds in (0.0001, 0.001, 0.0011, 0.2, 5.0):
        counters.stored(1, seconds)
    samples = parse(counters.exposition().decode())
    buckets = [value for key, value in samples.items() if key.startswith("commit_seconds_bucket")]
    assert buckets == [2, 3, 3, 3, 3, 3, 3, 4, 4, 5]
    assert samples["commit_seconds_count"] == 5
    assert samples["commit_seconds_sum"] == pytest.approx(5.2022)
    assert samples["commit_seconds_max"] == 5


@pytest.mark.parametrize(
    ("flags", "name"),
    [
        (0, "plain"),
        (Flag.HEAD, "head"),
        (Flag.SPECULATIVE | Flag.HEAD, "speculative"),
        (Flag.PREVIEW | Flag.HEAD, "preview"),
    ],
)
def test_a_hit_is_of_one_class(flags: int, name: str) -> None:
    counters = Counters()
    counters.hit(EventKind.OPEN, flags)
    samples = parse(counters.exposition().decode())
    assert {key for key, value in samples.items() if key.startswith("hits_total") and value} == {
        f'hits_total{{kind="open",class="{name}"}}'
    }


def test_workers_count_apart_and_tell_the_sum() -> None:
    counters = Counters(workers=3)
    children = []
    for worker in (1, 2):
        child = os.fork()
        if not child:
            counters.take_row(worker)
            for _ in range(1_000):
                counters.answered("/o/", "200 OK")
            counters.stored(1, worker)
            counters.now(open_=worker)
            os._exit(0)
        children.append(child)
    for child in children:
        assert os.waitpid(child, 0)[1] == 0
    counters.answered("/o/", "200 OK")
    samples = parse(counters.exposition().decode())
    assert samples['answers_total{route="open",status="200"}'] == 2_001
    assert (samples["workers"], samples["open_connections"], samples["commit_seconds_max"]) == (3, 3, 2)


# -- who may read them ----------------------------------------------------------------------------------

PROXY = "10.0.0.1"
THROUGH = {"HTTP_X_FORWARDED_FOR": "203.0.113.9"}


@pytest.mark.parametrize(
    ("environ", "seen"),
    [
        (LOCAL, True),
        (LOCAL | {"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"}, True),
        (LOCAL | {"HTTP_HOST": "127.0.0.1"}, True),
        (LOCAL | {"REMOTE_ADDR": "203.0.113.9"}, False),
        (LOCAL | {"REMOTE_ADDR": ""}, False),
        (LOCAL | {"HTTP_HOST": "track.example.com"}, False),  # a proxy that passes the Host on
        (LOCAL | {"HTTP_HOST": "127.0.0.1.example.com"}, False),
        (LOCAL | {"HTTP_HOST": "[x"}, False),
        (LOCAL | {"HTTP_HOST": ""}, False),
        *(
            (LOCAL | {f"HTTP_{name}": "127.0.0.1"}, False)
            for name in ("X_FORWARDED_FOR", "X_FORWARDED_PORT", "VIA", "X_REAL_IP", "CF_CONNECTING_IP")
        ),
        *((LOCAL | {f"HTTP_{name}": "localhost"}, False) for name in ("FORWARDED", "X_FORWARDED_HOST")),
        (LOCAL | {"REMOTE_ADDR": PROXY} | THROUGH, False),
        (LOCAL | {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "127.0.0.1, 203.0.113.9"}, False),
        (LOCAL | {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "203.0.113.9, 127.0.0.1"}, True),
        (LOCAL | {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": "for=127.0.0.1"}, False),
        (LOCAL | {"REMOTE_ADDR": "203.0.113.9", "HTTP_X_FORWARDED_FOR": "127.0.0.1"}, False),
    ],
)
def test_s18_only_a_named_proxy_is_believed_and_only_its_own_hop(
    workspace: Workspace, settings: Settings, clock: Clock, environ: dict[str, str], seen: bool
) -> None:
    trusting = replace(settings, trusted_proxies=frozenset({PROXY}))
    client = Client(make_app(workspace.store, workspace.keyring, Pages(), trusting, clock), environ)
    response = client.get("/metrics")
    if seen:
        assert response.status == "200 OK"
    else:
        assert response == client.get("/nothing")  # as if there were none


@pytest.mark.parametrize(("setting", "seen"), [("public", True), ("local", False), ("off", False)])
def test_the_setting_says_who_may(
    workspace: Workspace, settings: Settings, clock: Clock, setting: str, seen: bool
) -> None:
    allowing = replace(settings, metrics=setting)  # type: ignore[arg-type]
    app = make_app(workspace.store, workspace.keyring, Pages(), allowing, clock)
    assert (Client(app, {"REMOTE_ADDR": "203.0.113.9"}).get("/metrics").status == "200 OK") is seen
    assert (Client(app, LOCAL).get("/metrics").status == "200 OK") is (setting != "off")


def test_there_is_nothing_of_a_person_in_it(client: Client, mail: list[Copy]) -> None:
    for copy in mail:
        client.get(copy.open, x_forwarded_for="198.51.100.23")
        client.get(copy.click(1))
    text = Client(client.app, LOCAL).get("/metrics").body.decode()
    for secret in (*(copy.token for copy in mail), mail[0].code, CHROME, "ann@", "198.51.100.23"):
        assert secret not in text
