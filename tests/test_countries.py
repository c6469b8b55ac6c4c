"""The country of a hit: from the user's own file, the same from every way in, two letters and no more."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, START, Client, Clock, Inject
from hypothesis import given
from hypothesis import strategies as st
from inbox import Copy, copies
from lanes import PEERS, side_by_side
from mmdb import Value, write_mmdb
from test_ingest import combined
from test_serve import Program

from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.doctor.here import check_here
from pixeltrack.errors import InputError
from pixeltrack.headerfacts import HeaderFacts
from pixeltrack.ingest import LogReading
from pixeltrack.judging.hit import look
from pixeltrack.logclients import LogClients
from pixeltrack.logfile import open_log
from pixeltrack.model import EventKind, Flag
from pixeltrack.netlabel import country_of, labelled, network_of
from pixeltrack.networks import Networks
from pixeltrack.pages import Pages
from pixeltrack.rules import load
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

#: As MaxMind and DB-IP write it, with the names that must not be kept.
RECORDS: dict[str, Value] = {
    "93.184.216.0/24": {"country": {"iso_code": "GB", "names": {"en": "United Kingdom"}}},
    "66.249.84.0/22": {"country": {"iso_code": "US", "geoname_id": 6252001}, "continent": {"code": "NA"}},
    "198.51.100.0/24": {"registered_country": {"iso_code": "DE"}},
    "2a00:1450::/32": {"country": {"iso_code": "IE"}},
}


@pytest.fixture
def country_db(tmp_path: Path) -> Path:
    return write_mmdb(tmp_path / "country.mmdb", RECORDS)


# -- the label ------------------------------------------------------------------------------------------


@given(st.sampled_from(["", "DE", "US"]), st.sampled_from(["", "google/2026-11-01", "our-office/2026-11-01"]))
def test_a_label_is_taken_apart_as_it_was_put_together(country: str, network: str) -> None:
    label = labelled(country, network)
    assert (country_of(label) or "", network_of(label)) == (country, network)


def test_labels_are_what_they_are_in_databases() -> None:
    assert labelled("DE", "google/2026-11-01") == "DE:google/2026-11-01"
    assert labelled("DE", "") == "DE:"
    assert labelled("", "google/2026-11-01") == "google/2026-11-01"
    assert [country_of(label) for label in ("DE:", "google/2026-11-01", "")] == ["DE", None, None]


# -- the file -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "label"),
    [
        ("93.184.216.34", "GB:"),
        ("::ffff:93.184.216.34", "GB:"),
        ("66.249.84.1", "US:google"),
        ("2a00:1450::1", "IE:google"),
        ("8.8.8.8", "google"),
        ("198.51.100.7", ""),  # where it is registered is not where it is
        *(("203.0.113.9", ""), ("127.0.0.1", ""), ("2001:db8::1", ""), ("example.com", ""), ("", "")),
    ],
)
def test_the_country_stands_before_the_network(country_db: Path, address: str, label: str) -> None:
    networks = Networks.of(None, country_db)
    assert networks.label(address).partition("/")[0] == label


def test_other_publishers_write_the_country_flat(tmp_path: Path) -> None:
    records: dict[str, Value] = {
        "81.0.0.0/16": {"country_code": "FR"},
        "81.1.0.0/16": {"country": "ES", "country_name": "Spain"},
        "81.2.0.0/16": {"country": "Italy", "country_code": "IT"},
        **{"81.3.0.0/16": {"country": {"iso_code": "gb"}}, "81.4.0.0/16": {"country": {"iso_code": "GBR"}}},
        **{"81.5.0.0/16": {"country": ["DE"]}, "81.6.0.0/16": {"country_code": ""}, "81.7.0.0/16": "DE"},
        "81.8.0.0/16": {"country_code": "\u00c4\u00d6"},
    }
    networks = Networks.of(None, write_mmdb(tmp_path / "flat.mmdb", records))
    found = [networks.label(f"81.{number}.0.1") for number in range(9)]
    assert found == ["FR:", "ES:", "IT:", "", "", "", "", "", ""]


def test_a_file_of_ipv4_alone_says_nothing_of_ipv6(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "v4.mmdb", {"93.184.216.0/24": {"country_code": "GB"}}, version=4)
    networks = Networks.of(None, path)
    assert (networks.label("93.184.216.34"), networks.label("2a03::1")) == ("GB:", "")


def test_writing_over_the_file_does_not_disturb_who_has_it_open(country_db: Path) -> None:
    """It is mapped into memory, where a page of a file that was cut off is a fatal fault."""
    networks = Networks.of(None, country_db)
    os.truncate(country_db, 0)
    assert networks.label("93.184.216.34") == "GB:"


@pytest.mark.parametrize("content", [b"", b"nothing of the kind", b"\xab\xcd\xefMaxMind.com", None])
def test_a_file_that_is_none_is_an_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.mmdb"
    if content is None:
        write_mmdb(path, RECORDS)
        path.write_bytes(path.read_bytes()[2_000:])
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match="x.mmdb is no file in MaxMind's format") as refused:
        Networks.of(None, path)
    assert "country_db" in (refused.value.hint or "")


def test_a_file_that_is_not_there_or_tells_no_countries_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the country file .*none.mmdb: No such file"):
        Networks.of(None, tmp_path / "none.mmdb")
    with pytest.raises(InputError, match="cannot read the country file"):
        Networks.of(None, tmp_path)
    numbers: dict[str, Value] = {"81.0.0.0/16": {"autonomous_system_number": 64500}}
    path = write_mmdb(tmp_path / "asn.mmdb", numbers, sort="GeoLite2-ASN")
    with pytest.raises(InputError, match=r"asn.mmdb tells no countries \(GeoLite2-ASN\)"):
        Networks.of(None, path)


def test_without_the_package_one_error_says_what_to_install(
    country_db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb", None)  # as Python says that it is not there
    with pytest.raises(InputError, match="not installed: maxminddb") as refused:
        Networks.of(None, country_db)
    assert refused.value.hint == 'pip install "pixeltrack[country]"'
    assert Networks.of(None).label("66.249.84.1").startswith("google/")


# -- every way in ---------------------------------------------------------------------------------------


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example"))


def recorded(database: Path) -> list[str]:
    """The labels of all stored hits, in their order."""
    query = "select coalesce(network, '') from events left join networks using (network_id) order by event_id"
    with closing(sqlite3.connect(database)) as connection:
        return [label for (label,) in connection.execute(query)]


def request(path: str, peer: str) -> bytes:
    """A request of a length with which the lanes take it for one of this peer."""
    made = f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: {CHROME}\r\nX-Pad: ".encode()
    while PEERS[(len(made) + 4) % len(PEERS)] != peer:
        made += b"x"
    return made + b"\r\n\r\n"


def test_both_lanes_and_a_log_say_the_same(
    workspace: Workspace, settings: Settings, mail: list[Copy], country_db: Path, tmp_path: Path
) -> None:
    settings = replace(settings, country_db=country_db)
    peers = [PEERS[0], PEERS[2], PEERS[3], PEERS[0]]
    expected = ["GB:", "US:google", "", "GB:"]
    workspace.store.close()
    lanes = side_by_side(tmp_path, settings.db, workspace.keyring, settings)
    for lane in lanes:
        for peer in peers:
            lane.feed([request(mail[0].open, peer)])
        lane.close()
    assert lanes[0].taken >= 3  # the first request of a campaign is the other lane's
    for name in ("fast", "other", "waitress"):
        labels = recorded(tmp_path / f"{name}.db")
        assert [label.partition("/")[0] for label in labels] == expected
    store = open_store(settings.db, workspace.keyring)
    lines = [combined(mail[0].open).replace("203.0.113.9", peer) for peer in peers]
    (tmp_path / "access.log").write_text("".join(lines))
    clients = LogClients(store, Clock(), lists=settings.networks, country_db=country_db)
    log = open_log(tmp_path / "access.log")
    LogReading(log, store, workspace.keyring, clients).advance()
    log.close()
    store.close()
    assert recorded(settings.db) == recorded(tmp_path / "fast.db")


def test_only_the_two_letters_are_kept(
    workspace: Workspace, mail: list[Copy], country_db: Path, tmp_path: Path
) -> None:
    workspace.store.close()
    (tmp_path / "pixeltrack.toml").write_text('db = "t.db"\ncountry_db = "country.mmdb"\n')
    (tmp_path / "a.log").write_text(combined(mail[0].open).replace("203.0.113.9", "93.184.216.34"))
    assert run(tmp_path, "ingest", "a.log").code == 0
    assert recorded(tmp_path / "t.db") == ["GB:"]
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("t.db*"))
    assert b"93.184.216" not in kept
    assert b"United Kingdom" not in kept
    assert socket.inet_aton("93.184.216.34") not in kept


def test_a_newer_file_is_taken_up_and_a_broken_one_is_not(
    workspace: Workspace, country_db: Path, tmp_path: Path
) -> None:
    facts = HeaderFacts(workspace.store, Clock(), lists=None, trusted=(), country_db=country_db)
    write_mmdb(country_db, {"93.184.216.0/24": {"country": {"iso_code": "FR"}}})
    assert facts.of({"REMOTE_ADDR": "93.184.216.34"}, START)[1] == "GB:"
    facts.reload()
    assert facts.of({"REMOTE_ADDR": "93.184.216.34"}, START)[1] == "FR:"
    country_db.write_bytes(b"x")
    with pytest.raises(InputError):
        facts.reload()
    assert facts.of({"REMOTE_ADDR": "93.184.216.34"}, START)[1] == "FR:"


# -- the commands ---------------------------------------------------------------------------------------


def test_the_commands_say_what_is_wrong_with_the_file(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    workspace.store.close()
    (tmp_path / "pixeltrack.toml").write_text('db = "t.db"\ncountry_db = "none.mmdb"\n')
    (tmp_path / "a.log").write_text(combined(mail[0].open))
    for command in (
        *(["ingest", "a.log"], ["networks", "lookup", "192.0.2.1"]),
        *(["serve", "--port", "0"], ["serve", "--port", "0", "--workers", "2"]),
    ):
        ran = run(tmp_path, *command)
        assert ran.code == 2
        assert "Error: cannot read the country file none.mmdb: No such file" in ran.err
        assert "Hint: name a country or city file (.mmdb) as country_db, or remove that line" in ran.err
    assert run(tmp_path, "report").code == 0  # which needs no countries


def test_networks_lookup_and_doctor_know_of_it(
    settings: Settings, workspace: Workspace, country_db: Path, tmp_path: Path
) -> None:
    (tmp_path / "pixeltrack.toml").write_text('db = "t.db"\ncountry_db = "country.mmdb"\n')
    ran = run(tmp_path, "networks", "lookup", "93.184.216.34", "203.0.113.9")
    assert ran.out.splitlines() == ["93.184.216.34\tGB:", "203.0.113.9\t–"]
    checks = {check.name: check for check in check_here(replace(settings, country_db=country_db), START)}
    assert checks["countries"].outcome == "ok"
    country_db.write_bytes(b"x")
    checks = {check.name: check for check in check_here(replace(settings, country_db=country_db), START)}
    assert checks["countries"].outcome == "failed"
    assert "countries" not in {check.name for check in check_here(settings, START)}


def test_serve_takes_a_new_file_up_at_sighup(
    workspace: Workspace, mail: list[Copy], country_db: Path, tmp_path: Path
) -> None:
    workspace.store.close()
    write_mmdb(country_db, {"93.184.216.0/24": {"country_code": "GB"}})
    (tmp_path / "pixeltrack.toml").write_text('country_db = "country.mmdb"\n')
    program = Program(tmp_path, options=("--trusted-proxy", "127.0.0.1"))

    def hit() -> None:
        with socket.create_connection(("127.0.0.1", program.port), 10) as connection:
            forwarded = b"X-Forwarded-For: 93.184.216.34\r\nConnection: close\r\n\r\n"
            connection.sendall(f"GET {mail[0].open} HTTP/1.1\r\nHost: x\r\n".encode() + forwarded)
            while connection.recv(65_536):
                pass

    hit()
    write_mmdb(country_db, {"93.184.216.0/24": {"country_code": "FR"}})
    program.process.send_signal(signal.SIGHUP)
    assert program.process.stderr is not None
    while "read again" not in program.process.stderr.readline():
        pass
    hit()
    assert program.end(signal.SIGTERM)[0] == 0
    assert recorded(tmp_path / "t.db") == ["GB:", "FR:"]


def test_the_privacy_notice_tells_it(
    settings: Settings, workspace: Workspace, country_db: Path, clock: Clock
) -> None:
    for choice, told in ((country_db, True), (None, False)):
        app = make_app(
            workspace.store, workspace.keyring, Pages(), replace(settings, country_db=choice), clock
        )
        assert (b"the country that it probably came from" in Client(app).get("/privacy").body) is told


# -- judging --------------------------------------------------------------------------------------------


def test_judging_does_not_see_the_country() -> None:
    book = load(None)
    for network in ("", "unheard-of/2026-11-01", *(f"{label}/2026-11-01" for label in book.networks)):
        for kind in (int(EventKind.OPEN), int(EventKind.CLICK)):
            for flags in (0, Flag.HEADERS | Flag.NAVIGATE | Flag.TLS):
                plain = look(kind, CHROME, flags, network, book)
                assert look(kind, CHROME, flags, f"DE:{network}", book) == plain
