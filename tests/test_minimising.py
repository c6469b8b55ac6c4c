"""What is kept of a request: by itself no address, no raw agent, no referrer; and what the settings allow."""

from __future__ import annotations

import logging
import re
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, START, Client, Clock, Inject
from inbox import Copy, copies
from test_judging import CLICK, LINKS, MAIL, OPEN, hit
from test_purge import at, rows

from pixeltrack import purging, report, rights
from pixeltrack.collector import make_app
from pixeltrack.config import Ip, Moment, Settings
from pixeltrack.judging import judge
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.moments import STEPS
from pixeltrack.networks.address import kept_of, packed
from pixeltrack.pages import Pages
from pixeltrack.recorder import Recorder
from pixeltrack.rules import shipped
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.spool import Spool

DAY = 86_400_000
ADA = "ada.lovelace@engines.example"
FOUR, SIX = "203.0.113.77", "2001:db8:1234:5678::9"
RAW = "Mozilla/5.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007) Chrome/131.0.6778.39 Mobile Safari/537.36"
REFERRER = "https://intranet.example/ada/inbox"
# In no file: whole and as four or sixteen bytes, the agent's build and serial, where the reader came from.
TRACES = [
    *(FOUR.encode(), packed(FOUR), packed(FOUR)[::-1], b"203.0.113.", SIX.encode(), packed(SIX)),
    *(b"2001:db8", b"SM-S918B", b"UP1A.231005", b"SerialX9", b"6778.39", b"intranet.example", b"ada/inbox"),
]


@pytest.fixture
def mail(inject: Inject) -> Copy:
    (copy,) = copies(inject(ADA))
    return copy


def collector(workspace: Workspace, settings: Settings, clock: Clock, **more: object) -> Client:
    return Client(make_app(workspace.store, workspace.keyring, Pages(), settings, clock, **more))  # type: ignore[arg-type]


def read(client: Client, mail: Copy, address: str) -> None:
    """Open and click as somebody does whose program tells all it can."""
    client.environ = {"REMOTE_ADDR": address, "HTTP_REFERER": REFERRER, "HTTP_COOKIE": "id=SerialX9"}
    assert client.get(mail.open, agent=RAW).status == "200 OK"
    assert client.get(mail.click(1), agent=RAW).status == "302 Found"


def test_p10_by_itself_nothing_that_a_request_tells_of_a_person_is_kept(
    workspace: Workspace, settings: Settings, clock: Clock, mail: Copy, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client, folder = collector(workspace, settings, clock), workspace.store.path.parent
    read(client, mail, FOUR)
    spool = Spool(workspace.store.path)
    with closing(Recorder(workspace.store, spool)) as recorder:
        spooled = collector(workspace, settings, clock, recorder=recorder, commit_each=False)
        read(spooled, mail, SIX)
        recorder._spool_all()
        assert list(folder.glob("t.db.spool-*"))
        files = [path for path in folder.iterdir() if path.is_file() and path.name.startswith("t.db")]
        assert len(files) >= 3
        for path in files:
            content = path.read_bytes()
            assert [trace for trace in TRACES if trace in content] == [], path
    logged = caplog.text.encode()
    assert [trace for trace in (*TRACES, ADA.encode()) if trace in logged] == []
    assert rows(workspace.store.path, "select count(*) from events") == [(2,)]  # there was something to keep
    assert rows(workspace.store.path, "select count(*) from addresses") == [(0,)]


def test_p10_no_url_in_a_mail_names_its_reader(inject: Inject) -> None:
    written = b"".join(path.read_bytes() for path in inject(ADA).out.rglob("*.html"))
    urls = re.findall(rb"https://track\.example\.com[^\"' ]*", written)
    assert urls
    assert [url for url in urls if b"@" in url or b"lovelace" in url or b"engines" in url] == []


@pytest.mark.parametrize(
    ("ip", "kept"),
    [("truncated", ["2001:db8:1234::", "203.0.113.0"]), ("full", ["2001:db8:1234:5678::9", "203.0.113.77"])],
)
@pytest.mark.parametrize("way", ["store", "spool", "log"])
def test_an_address_is_kept_apart_from_hits_where_the_settings_say_so(
    workspace: Workspace, settings: Settings, mail: Copy, ip: Ip, kept: list[str], way: str
) -> None:
    settings, folder, store = (
        replace(settings, ip=ip, ip_days=7),
        workspace.store.path.parent,
        workspace.store,
    )
    if way == "log":
        (folder / "pixeltrack.toml").write_text(
            f'db = "t.db"\n[privacy]\nip = "{ip}"\n[retention]\nip_days = 7\n'
        )
        (folder / "a.log").write_text(
            "".join(
                f'{address} - - [21/Sep/2026:14:13:20 +0000] "GET {mail.open} HTTP/1.1" 200 43 "-" "x"\n'
                for address in ("8.8.4.77", "2a00:1450:1234:5678::9", "10.0.0.7")
            )
        )
        assert run(folder, "ingest", "a.log").code == 0
        kept = [each.replace("2001:db8:", "2a00:1450:").replace("203.0.113.", "8.8.4.") for each in kept]
    else:
        recorder = Recorder(store, Spool(store.path))
        client = collector(workspace, settings, Clock(), recorder=recorder, commit_each=False)
        for address in (FOUR, SIX, ""):
            read(client, mail, address)
        if way == "spool":
            recorder._spool_all()
            assert list(folder.glob("t.db.spool-*"))
        recorder.flush()
        recorder.close()
    assert sorted({address for (address,) in rows(store.path, "select address from addresses")}) == sorted(
        kept
    )
    assert all("\0" not in str(network) for (network,) in rows(store.path, "select network from networks"))
    assert not [name for (name,) in rows(store.path, "select network from networks") if "203" in str(name)]
    purging.purge(store, settings, at(START + 7 * DAY))
    assert rows(store.path, "select count(*) > 0 from addresses") == [(1,)]
    assert purging.purge(store, settings, at(START + 7 * DAY + 1_000)).addresses > 0
    for path in folder.glob("t.db*"):
        assert kept[-1].encode() not in path.read_bytes()


def test_addresses_go_with_the_setting_and_with_the_person(
    workspace: Workspace, settings: Settings, mail: Copy
) -> None:
    kept = replace(settings, ip="full", ip_days=30)
    read(collector(workspace, kept, Clock()), mail, FOUR)
    assert purging.look(workspace.store, kept, at(START + DAY)).addresses == 0
    assert purging.look(workspace.store, replace(kept, events_days=1), at(START + 2 * DAY)).addresses == 2
    assert purging.look(workspace.store, settings, at(START + DAY)).addresses == 2
    erased = rights.erase(workspace.store, workspace.keyring, ADA, START + DAY)
    assert rows(workspace.store.path, "select count(*) from addresses") == [(0,)]
    assert not erased.residues


def test_no_address_is_kept_of_who_stopped_it_nor_of_hits_that_are_only_counted(
    workspace: Workspace, settings: Settings, mail: Copy
) -> None:
    client = collector(workspace, replace(settings, ip="full", ip_days=30), Clock())
    for _ in range(40):
        read(client, mail, FOUR)
    (before,) = rows(workspace.store.path, "select count(*) from addresses")
    assert before == (2,)  # alike in all that is kept of them
    client.post(mail.preferences, b"action=stop")
    client.app._clock.now += 60_000  # type: ignore[attr-defined]
    read(client, mail, FOUR)
    assert rows(workspace.store.path, "select count(*) from addresses") == [before]


@pytest.mark.parametrize("address", ["203.0.113.77", "::ffff:203.0.113.77"])
def test_what_is_kept_of_an_address(address: str) -> None:
    assert kept_of(packed(address), whole=False) == "203.0.113.0"
    assert kept_of(packed(address), whole=True) == "203.0.113.77"
    assert kept_of(packed("unix:"), whole=True) == ""


@pytest.mark.parametrize("moment", ["exact", "minute", "hour", "day"])
def test_moments_are_as_exact_as_the_settings_say(
    workspace: Workspace, settings: Settings, mail: Copy, moment: Moment
) -> None:
    step, clock = STEPS[moment], Clock(START + 12_345)
    read(collector(workspace, replace(settings, moment=moment), clock), mail, FOUR)
    stored = rows(workspace.store.path, "select at, flags & 4096, address <> 0 from events")
    assert (
        stored == [(clock.now // (step or 1) * (step or 1), Flag.ROUNDED if step else 0, int(not step))] * 2
    )


def test_moments_of_a_log_are_rounded_too(workspace: Workspace, mail: Copy) -> None:
    folder = workspace.store.path.parent
    (folder / "pixeltrack.toml").write_text('db = "t.db"\n[privacy]\ntime = "hour"\n')
    (folder / "a.log").write_text(
        f'{FOUR} - - [21/Sep/2026:14:13:20 +0000] "GET {mail.open} HTTP/1.1" 200 43 "-" "x"\n'
    )
    assert run(folder, "ingest", "a.log").code == 0
    assert rows(workspace.store.path, "select at, address from events") == [
        (START // 3_600_000 * 3_600_000, 0)
    ]


def test_rounded_moments_make_nobody_a_machine() -> None:
    hours = [hit(OPEN, 0, flags=Flag.ROUNDED), *(hit(CLICK, 0, link, flags=Flag.ROUNDED) for link in LINKS)]
    verdicts = judge(hours, MAIL, shipped())
    assert {each.label for each in verdicts} == {"human"}
    exact = [each._replace(flags=0) for each in hours]
    assert "scanner" in {each.label for each in judge(exact, MAIL, shipped())}


def test_rounded_hits_show_what_needs_no_time() -> None:
    (head,) = judge([hit(OPEN, 0, flags=Flag.ROUNDED | Flag.HEAD)], MAIL, shipped())
    assert head.reason == "head"
    alone = hit(CLICK, 0, min(LINKS), flags=Flag.ROUNDED)
    assert "no-pixel" in judge([alone], MAIL, shipped())[0].reasons
    together = judge([hit(OPEN, 50), alone], MAIL, shipped())
    assert "no-pixel" not in together[1].reasons


def test_a_report_of_rounded_hits_is_made(workspace: Workspace, settings: Settings, mail: Copy) -> None:
    client = collector(workspace, replace(settings, moment="day"), Clock(START + DAY))
    client.get(mail.open, agent=CHROME)
    made = report.build(workspace.store, "spring")
    assert (made.opens.unique, made.first) == (1, (START + DAY) // DAY * DAY)


def test_a_hit_with_an_address_takes_no_number_twice(workspace: Workspace, mail: Copy) -> None:
    event = Event(START, 1, EventKind.OPEN, 0, 5, "x", 0, "google/2026-11-01\x00203.0.113.0")
    workspace.store.put_events([event, event._replace(network="google/2026-11-01"), event])
    assert rows(workspace.store.path, "select network from networks") == [("google/2026-11-01",)]
    assert rows(workspace.store.path, "select distinct network_id from events") == [(1,)]
    with closing(open_workspace(_settings_of(workspace.store.path), create=False).store) as other:
        other.put_events([event])
    assert rows(workspace.store.path, "select count(distinct network_id) from events") == [(1,)]


def _settings_of(path: Path) -> Settings:
    from pixeltrack import config

    return config.load(options={"db": str(path)}, environment={})
