"""Facts of a request: the same in both lanes, and forwarding headers believed of trusted proxies alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import START, Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from waitress.adjustments import Adjustments
from waitress.task import WSGITask

from pixeltrack import fastlane
from pixeltrack.errors import InputError
from pixeltrack.headerfacts import HeaderFacts, Said
from pixeltrack.model import Flag
from pixeltrack.parser import Parser
from pixeltrack.setup import Workspace

PROXY = "192.0.2.80"
PERSON = "81.2.69.142"
GMAIL = "66.249.88.2"


@pytest.fixture
def facts(workspace: Workspace, tmp_path: Path) -> HeaderFacts:
    return HeaderFacts(
        workspace.store,
        Clock(),
        lists=tmp_path / "pixeltrack.networks",
        trusted=frozenset({PROXY, "127.0.0.9"}),
    )


def environ_of(block: bytes, peer: str, scheme: str = "http") -> dict[str, Any]:
    """The environ that waitress makes of a request."""

    class Place:
        class adj(Adjustments):  # noqa: N801
            url_scheme = scheme

        server_name, effective_port = "localhost", 80

    class Connection:
        server, addr = Place(), (peer, 1)

        def check_client_disconnected(self) -> bool:
            return False

    parser = Parser(Place.adj())
    parser.received(block + b"\r\n")
    assert parser.completed
    assert parser.error is None
    made: dict[str, Any] = WSGITask(Connection(), parser).get_environment()
    return made


def both(facts: HeaderFacts, lines: bytes, peer: str) -> tuple[int, str, int]:
    """What the two lanes say of headers, which must be the same."""
    block = b"GET / HTTP/1.1" + lines
    slow = facts.of(environ_of(block, peer), START)
    headers = {name.lower(): value.strip(b" ") for name, value in fastlane._HEADER.findall(lines)}
    assert facts.of_said(Said(headers), peer, START) == slow
    return slow


NAMES = (
    *("Accept", "Accept-Language", "Sec-Fetch-Mode", "Sec-GPC", "DNT", "User-Agent", "Via", "Forwarded"),
    *("X-Forwarded-For", "X-Forwarded-Proto", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP", "X-Other"),
)
VALUES = st.one_of(
    st.sampled_from(
        [
            *("", " ", "*/*", "*/*, text/html", "image/*", "en", "navigate", "no-cors", "Navigate", "1", "0"),
            *("https", "http", "HTTPS", "http, https", "https,http", PERSON, GMAIL, f"{PERSON}, {GMAIL}"),
            *(f"{GMAIL},{PROXY}", "unknown", f"{GMAIL}:4711", "[2001:4860::1]:443", "2001:4860::1", "a, , b"),
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
PEERS = (PROXY, PERSON, GMAIL, "127.0.0.1", "::1", "10.0.0.3", "::ffff:127.0.0.1", "2001:4860::1", "")


@settings(deadline=None, max_examples=500, suppress_health_check=list(HealthCheck))
@given(headers=st.dictionaries(st.sampled_from(NAMES), VALUES), peer=st.sampled_from(PEERS))
def test_both_lanes_say_the_same(headers: dict[str, str], peer: str, facts: HeaderFacts) -> None:
    lines = "".join(f"\r\n{name}: {value}" for name, value in headers.items()).encode() + b"\r\n"
    flags, network, address = both(facts, lines, peer)
    assert flags & Flag.HEADERS
    assert bool(flags & Flag.NO_LANGUAGE) is not bool(headers.get("Accept-Language", "").strip())
    assert not flags & (Flag.HEAD | Flag.SPECULATIVE | Flag.PREVIEW)
    assert 0 <= address < 2**32
    assert network == "" or address


BROWSER = b"\r\nAccept: text/html,*/*;q=0.8\r\nAccept-Language: en\r\nSec-Fetch-Mode: navigate\r\nSec-GPC: 1\r\nDNT: 1\r\n"


@pytest.mark.parametrize(
    ("lines", "flags"),
    [
        (BROWSER, Flag.NAVIGATE | Flag.FETCH | Flag.GPC | Flag.DNT),
        (b"\r\nAccept: */*\r\n", Flag.NO_LANGUAGE | Flag.BARE_ACCEPT),
        (b"\r\nAccept-Language: \r\n", Flag.NO_LANGUAGE | Flag.BARE_ACCEPT),
        (b"\r\nAccept: image/avif,*/*\r\nAccept-Language: de\r\nSec-Fetch-Mode: no-cors\r\n", Flag.FETCH),
        (b"\r\nAccept: a/b\r\nAccept-Language: de\r\nDNT: 0\r\nSec-GPC: 0\r\n", 0),
    ],
)
def test_flags(lines: bytes, flags: int, facts: HeaderFacts) -> None:
    assert both(facts, lines, PERSON)[0] == Flag.HEADERS | flags


@pytest.mark.parametrize(
    ("peer", "lines", "client", "tls"),
    [
        (PERSON, b"", PERSON, False),
        (PERSON, b"X-Forwarded-For: 66.249.88.2\r\nX-Forwarded-Proto: https\r\n", PERSON, False),  # a liar
        (PROXY, b"X-Forwarded-For: 66.249.88.2\r\nX-Forwarded-Proto: https\r\n", GMAIL, True),
        (PROXY, b"X-Forwarded-For: 1.1.1.1, 66.249.88.2\r\nX-Forwarded-Proto: http\r\n", GMAIL, False),
        (PROXY, b"X-Forwarded-For: 1.1.1.1, 66.249.88.2, 127.0.0.9\r\n", GMAIL, False),  # two of ours
        (PROXY, b"X-Forwarded-For: 66.249.88.2:4711\r\n", GMAIL, False),
        (PROXY, b"X-Forwarded-For: [2001:4860::1]:443\r\n", "2001:4860::1", False),
        (PROXY, b"X-Forwarded-For: unknown\r\n", "", False),
        (PROXY, b"", "", False),
        ("127.0.0.1", b"X-Forwarded-For: 66.249.88.2\r\n", "", False),  # a proxy that nobody has named
        ("127.0.0.1", b"", "", False),
        ("::ffff:127.0.0.1", b"", "", False),
        ("10.0.0.3", b"Via: 1.1 proxy\r\n", "", False),
        ("10.0.0.3", b"", "10.0.0.3", False),  # a reader of the same office
        ("", b"", "", False),  # a Unix socket
    ],
)
def test_whose_address_it_is(peer: str, lines: bytes, client: str, tls: bool, facts: HeaderFacts) -> None:
    flags, network, address = both(facts, b"\r\n" + lines, peer)
    _, expected_network, expected = facts.of({"REMOTE_ADDR": client or "127.0.0.1"}, START)
    assert (network, address) == (expected_network, expected)
    assert bool(address) is bool(client)
    assert bool(flags & Flag.TLS) is tls
    assert not client or bool(network) is (client in (GMAIL, "2001:4860::1"))


def test_a_server_that_speaks_https_itself(facts: HeaderFacts) -> None:
    assert facts.of({"REMOTE_ADDR": PERSON, "wsgi.url_scheme": "https"}, START)[0] & Flag.TLS


def test_new_lists_are_taken_up_and_broken_ones_are_not(facts: HeaderFacts, tmp_path: Path) -> None:
    folder = tmp_path / "pixeltrack.networks"
    folder.mkdir()
    (folder / "mine.txt").write_text(f"# label: mine\n# date: 2026-11-01\n\n{PERSON}/32\n")
    assert facts.of({"REMOTE_ADDR": PERSON}, START)[1] == ""
    facts.reload()
    assert facts.of({"REMOTE_ADDR": PERSON}, START)[1] == "mine/2026-11-01"
    (folder / "mine.txt").write_text("nothing")
    with pytest.raises(InputError):
        facts.reload()
    assert facts.of({"REMOTE_ADDR": PERSON}, START)[1] == "mine/2026-11-01"
