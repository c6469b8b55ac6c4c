"""Each log format: what a line says, however the server escaped it."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixeltrack.accesslog import Format, Hit, detect, fits, is_answered, reader
from pixeltrack.logclients import client_in
from pixeltrack.model import Flag
from pixeltrack.networks.address import packed
from pixeltrack.peers import client_of

AT = 1_795_558_028_000  # 2026-11-24 22:07:08 UTC
PIXEL = "/o/67iqlp26/token.gif"
AGENT = "Mozilla/5.0 (X11)"
COMBINED = f'203.0.113.9 - - [24/Nov/2026:22:07:08 +0000] "GET {PIXEL} HTTP/1.1" 200 43 "-" "{AGENT}"'
JSON = f'{{"time":1795558028.123,"method":"GET","uri":"{PIXEL}","status":"200","agent":"{AGENT}","purpose":"   "}}'
CADDY = json.dumps(
    {
        **{"level": "info", "ts": 1795558028.123, "logger": "http.log.access.log0", "msg": "handled request"},
        "request": {"method": "GET", "uri": PIXEL, "headers": {"User-Agent": [AGENT]}},
        "status": 200,
    }
)
CLOUDFRONT = "\t".join(
    [
        *("2026-11-24", "22:07:08", "FRA56-P1", "417", "203.0.113.9", "GET", "d1.cloudfront.net", PIXEL),
        *("200", "-", "Mozilla/5.0%20(X11)", "-", "-", "Hit"),
    ]
)


def read(format_: Format, line: str) -> Hit | None:
    return reader(format_).line(line)


@pytest.mark.parametrize(
    ("format_", "line", "at"),
    [
        ("combined", COMBINED, AT),
        ("combined", f"track.example.com:443 {COMBINED}", AT),  # vhost_combined
        ("combined", f'{COMBINED} "203.0.113.1" 0.003 gzip=-', AT),  # fields after it
        ("combined", COMBINED.replace("22:07:08 +0000", "23:07:08 +0100"), AT),
        ("combined", COMBINED.replace("22:07:08 +0000", "16:37:08 -0530"), AT),
        ("combined", COMBINED.replace(PIXEL, f"{PIXEL}?x=1"), AT),
        ("combined", COMBINED.replace(PIXEL, f"https://track.example.com{PIXEL}"), AT),
        ("combined", COMBINED.replace("token", "%74oken"), AT),
        ("combined", COMBINED.replace('"-"', '"https://a.example/\\"x\\""'), AT),
        ("combined", COMBINED.replace(" 43 ", " - "), AT),
        ("json", JSON, AT + 123),
        ("json", JSON.replace("1795558028.123", '"2026-11-24T23:07:08+01:00"'), AT),
        ("json", JSON.replace("1795558028.123", '"24/Nov/2026:22:07:08 +0000"'), AT),
        ("json", JSON.replace("1795558028.123", "1795558028000"), AT),
        ("json", JSON.replace('"200"', "200"), AT + 123),
        ("json", JSON.replace("X11", "\\u00581\\u0031"), AT + 123),
        (
            "json",
            f'{{"time_iso8601":"2026-11-24T22:07:08Z","request":"GET {PIXEL} HTTP/1.1","status":"200","http_user_agent":"{AGENT}"}}',
            AT,
        ),
        ("caddy", CADDY, AT + 123),
        ("caddy", CADDY.replace("1795558028.123", '"2026-11-24T22:07:08.000Z"'), AT),
        ("cloudfront", CLOUDFRONT, AT),
        ("cloudfront", CLOUDFRONT.replace("%20", "%2520"), AT),
    ],
)
def test_a_line_says_what_was_asked_for(format_: Format, line: str, at: int) -> None:
    hit = read(format_, line)
    assert hit is not None
    assert hit[:5] == (at, "GET", PIXEL, 200, AGENT)


@pytest.mark.parametrize(
    ("written", "agent"),
    [
        ("a\\x22b", 'a"b'),
        ('a\\"b', 'a"b'),
        ("a\\\\b", "a\\b"),
        ("a\\tb", "a\tb"),
        ("\\xC3\\xBC", "Ã¼"),
        ("-", ""),
    ],
)
def test_escapes_in_an_agent_are_undone(written: str, agent: str) -> None:
    hit = read("combined", COMBINED.replace(AGENT, written))
    assert hit is not None
    assert hit.agent == agent


@pytest.mark.parametrize(
    ("format_", "line"),
    [
        ("json", JSON.replace('"   "', '" prefetch  "')),
        ("json", JSON.replace('"purpose":"   "', '"http_x_moz":"prefetch"')),
        ("caddy", CADDY.replace('"headers": {', '"headers": {"Sec-Purpose": ["prefetch;prerender"], ')),
    ],
)
def test_a_load_ahead_is_told_where_the_log_says_so(format_: Format, line: str) -> None:
    hit = read(format_, line)
    assert hit is not None
    assert hit.flags & Flag.SPECULATIVE


FULL = (
    JSON[:-1].replace('"method"', '"addr":"80.1.2.3","method"')
    + ',"scheme":"https","accept":"*/*","accept_language":"","sec_fetch_mode":"navigate","sec_gpc":"1","dnt":"1"}'
)
ALL = Flag.HEADERS | Flag.BARE_ACCEPT | Flag.NO_LANGUAGE | Flag.FETCH | Flag.NAVIGATE | Flag.GPC | Flag.DNT
BROWSER = (
    '"headers": {"Accept": ["image/*"], "Accept-Language": ["de", "en"], "Sec-Fetch-Mode": ["no-cors"], '
)


@pytest.mark.parametrize(
    ("format_", "line", "flags"),
    [
        ("combined", COMBINED, 0),
        ("cloudfront", CLOUDFRONT, 0),
        ("json", JSON, 0),  # our format of before: nothing is known of headers
        ("json", FULL, ALL | Flag.TLS),
        ("json", FULL.replace("https", "http"), ALL),
        ("json", FULL.replace('"accept', '"http_accept').replace('"sec_', '"http_sec_'), ALL | Flag.TLS),
        ("json", FULL.replace(',"accept":"*/*"', ""), Flag.TLS),  # some headers are no headers
        ("json", FULL.replace(',"sec_gpc":"1","dnt":"1"', ""), ALL - Flag.GPC - Flag.DNT + Flag.TLS),
        ("caddy", CADDY, 0),  # a log without headers but the agent
        ("caddy", CADDY.replace('"headers": {', BROWSER), Flag.HEADERS | Flag.FETCH),
        (
            "caddy",
            CADDY.replace('"headers": {', '"tls": {}, "headers": {"Accept-Encoding": ["gzip"], '),
            Flag.HEADERS | Flag.BARE_ACCEPT | Flag.NO_LANGUAGE | Flag.TLS,
        ),
    ],
)
def test_what_a_line_says_of_headers(format_: Format, line: str, flags: int) -> None:
    hit = read(format_, line)
    assert hit is not None
    assert hit.flags == flags


@pytest.mark.parametrize(
    ("format_", "line", "client"),
    [
        ("combined", COMBINED.replace("203.0.113.9", "80.1.2.3"), "80.1.2.3"),
        ("combined", f"x.example:443 {COMBINED.replace('203.0.113.9', '2a00:1450::1')}", "2a00:1450::1"),
        ("combined", COMBINED, ""),  # no public address
        ("combined", COMBINED.replace("203.0.113.9 - -", "reader.example - 80.1.2.3"), "80.1.2.3"),
        ("json", JSON, ""),
        ("json", FULL, "80.1.2.3"),
        ("json", FULL.replace('"addr"', '"remote_addr"'), "80.1.2.3"),
        ("json", FULL.replace("80.1.2.3", "unix:"), ""),
        ("json", FULL.replace('"80.1.2.3"', "7"), ""),
        ("caddy", CADDY.replace('"method"', '"remote_ip": "80.1.2.3", "method"'), "80.1.2.3"),
        (
            "caddy",
            CADDY.replace('"method"', '"remote_ip": "127.0.0.1", "client_ip": "80.1.2.3", "method"'),
            "80.1.2.3",
        ),
        ("cloudfront", CLOUDFRONT.replace("203.0.113.9", "80.1.2.3"), "80.1.2.3"),
    ],
)
def test_who_asked(format_: Format, line: str, client: str) -> None:
    hit = read(format_, line)
    assert hit is not None
    assert client_in(hit.client.encode("latin-1")) == packed(client)


def test_cloudfront_says_whether_it_was_https() -> None:
    parse = reader("cloudfront").line
    assert parse("#Fields: date time cs-method cs-uri-stem sc-status cs(User-Agent) x cs-protocol") is None
    for protocol, flags in (("https", Flag.TLS), ("http", 0)):
        hit = parse(f"2026-11-24\t22:07:08\tGET\t{PIXEL}\t200\ta\t-\t{protocol}")
        assert hit is not None
        assert (hit.flags, hit.client) == (flags, "")


@given(st.ip_addresses().map(str) | st.ip_addresses(v=4).map("::ffff:{}".format))
def test_only_public_addresses_are_known(address: str) -> None:
    assert client_in(address.encode()) == packed(client_of(address, "", True, ()))


def test_cloudfront_names_its_fields_in_a_header() -> None:
    parse = reader("cloudfront").line
    assert parse("#Version: 1.0") is None
    assert parse("#Fields: cs(User-Agent) sc-status time date cs-uri-stem cs-method") is None
    assert parse(f"{AGENT.replace(' ', '%20')}\t200\t22:07:08\t2026-11-24\t{PIXEL}\tGET") == Hit(
        AT, "GET", PIXEL, 200, AGENT
    )


@pytest.mark.parametrize(
    ("format_", "line"),
    [
        ("combined", "\x16\x03\x01"),
        ("combined", COMBINED[:-1]),
        ("combined", COMBINED.rpartition(' "-"')[0]),  # the common format: no agent
        ("combined", COMBINED.replace("24/Nov", "31/Feb")),
        ("combined", COMBINED.replace("Nov", "Nor")),
        ("json", JSON[:-2]),
        ("json", "[1]"),
        ("json", "[" * 100_000),
        ("json", JSON.replace('"agent"', '"agents"')),
        ("json", JSON.replace("1795558028.123", '"2026-11-24T22:07:08"')),  # in which zone?
        ("json", JSON.replace("1795558028.123", "1e300")),
        ("json", JSON.replace("1795558028.123", "NaN")),
        ("json", JSON.replace('"200"', '"many"')),
        ("json", JSON.replace('"GET"', "7")),
        ("json", JSON.replace(f'"{PIXEL}"', "[7]")),
        ("caddy", CADDY.replace("headers", "heads")),
        ("caddy", CADDY.replace(f'["{AGENT}"]', "[]")),
        ("caddy", CADDY.replace(f'["{AGENT}"]', "[7]")),
        ("caddy", CADDY.replace('"status": 200', '"status": null')),
        ("cloudfront", "2026-11-24\t22:07:08"),
        ("cloudfront", CLOUDFRONT.replace("2026-11-24", "yesterday")),
    ],
)
def test_a_damaged_line_is_told(format_: Format, line: str) -> None:
    with pytest.raises(ValueError):
        read(format_, line)


def test_what_is_no_request_is_nothing() -> None:
    assert read("caddy", '{"level":"info","ts":1.5,"msg":"serving initial configuration"}') is None
    assert read("caddy", CADDY.replace("http.log.access.log0", "http.log.error.log0")) is None
    hit = read("combined", COMBINED.replace(f"GET {PIXEL} HTTP/1.1", "\\x16\\x03\\x01"))
    assert hit is not None
    assert hit.path == ""


@pytest.mark.parametrize(
    ("kind", "status", "method", "answered"),
    [
        *(("open", status, "GET", True) for status in (200, 204, 206, 304)),
        *(("click", status, "GET", True) for status in (301, 302, 303, 307, 308)),
        *(("open", status, "GET", False) for status in (0, 302, 404, 499, 503)),
        *(("click", status, "GET", False) for status in (0, 200, 304, 404, 499, 502)),
        ("open", 200, "HEAD", True),
        ("open", 200, "POST", False),
    ],
)
def test_only_what_was_answered_counts(kind: str, status: int, method: str, answered: bool) -> None:
    assert is_answered(kind, method, status) == answered  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("format_", "line"),
    [("combined", COMBINED), ("json", JSON), ("caddy", CADDY), ("cloudfront", CLOUDFRONT)],
)
def test_a_format_is_known_by_its_lines(format_: Format, line: str) -> None:
    assert detect(["nonsense", line, line]) == format_
    assert fits([line], format_)
    for other in ("combined", "json", "cloudfront"):
        if other != format_:
            assert not fits([line], other)  # type: ignore[arg-type]


def test_a_header_alone_is_cloudfront_and_nonsense_is_nothing() -> None:
    assert detect(["#Version: 1.0", "#Fields: date time"]) == "cloudfront"
    assert detect(["Nov 24 22:07:08 host sshd[1]: bye"]) is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.just(PIXEL),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["uri", "method", "headers", "User-Agent", "Purpose"]), inner)
    ),
    max_leaves=6,
)
NAMES = ["time", "time_local", "ts", "method", "uri", "request", "status", "agent", "purpose", "logger"]


@settings(suppress_health_check=[HealthCheck.too_slow])  # the machine may have other work
@given(st.dictionaries(st.sampled_from(NAMES), VALUES))
def test_no_object_is_more_than_damaged(row: dict[str, object]) -> None:
    line = json.dumps(row)
    for format_ in ("json", "caddy"):
        with suppress(ValueError, OverflowError):
            read(format_, line)  # type: ignore[arg-type]


@given(st.data())
def test_no_mutation_is_more_than_damaged(data: st.DataObject) -> None:
    format_, line = data.draw(
        st.sampled_from(
            [("combined", COMBINED), ("json", JSON), ("caddy", CADDY), ("cloudfront", CLOUDFRONT)]
        )
    )
    start = data.draw(st.integers(0, len(line)))
    end = data.draw(st.integers(start, min(len(line), start + 20)))
    junk = data.draw(st.text(st.characters(max_codepoint=255), max_size=20))
    with suppress(ValueError, OverflowError):
        read(format_, line[:start] + junk + line[end:])
