"""A log's plain lines, read many at a time: the same events and counts as line by line, in the same order."""

from __future__ import annotations

import http.client
import json
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import CHROME
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixeltrack.accesslog import Format, Hit, Plain, Reader, reader
from pixeltrack.logclients import LogClients
from pixeltrack.loghits import Counts, LogHits
from pixeltrack.minting import CampaignKeys
from pixeltrack.model import ClientClass, EventRow, Flag, LinkRow
from pixeltrack.store import Store, open_store
from pixeltrack.tokens import Keyring

KEYRING = Keyring({1: bytes(range(32)), 7: bytes(range(1, 33))})
TODAY = 1_795_558_028_000  # 2026-11-24 22:07:08 UTC
FORMATS: list[Format] = ["combined", "json", "caddy", "cloudfront"]
CADDY = shutil.which("caddy")
needs_caddy = pytest.mark.skipif(CADDY is None, reason="Caddy is not installed (apt install caddy)")


@dataclass
class OneByOne:
    """A format's reader without its way for plain lines."""

    reader: Reader
    plain: Plain | None = None

    def line(self, text: str) -> Hit | None:
        return self.reader.line(text)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Two campaigns, one signed by the older key."""
    made = open_store(tmp_path_factory.mktemp("store") / "t.db", KEYRING, create=True)
    rows = [LinkRow(number, number, 1, "x", f"https://shop.example/{number}") for number in (1, 2, 70)]
    for name in ("spring", "summer"):
        made.save_campaign(made.draft_campaign(name, "recipients", KEYRING, 1).number(rows))
    yield made
    made.close()


def both(store: Store, format_: Format, blocks: list[bytes]) -> tuple[list[EventRow], Counts]:
    """Read blocks in both ways, which must agree; return what came out."""
    clients = LogClients(store, lambda: TODAY, lists=None)  # one for both: they share its salts
    quick = LogHits(reader(format_), store, KEYRING, clients)
    slow = LogHits(OneByOne(reader(format_)), store, KEYRING, clients)
    for block in blocks:
        quick.read(block)
        slow.read(block)
    assert quick.events == slow.events
    assert [*quick.signals] == [*slow.signals]
    assert quick.counts == slow.counts
    return quick.events, quick.counts


# -- lines as servers write them, and nearly so ---------------------------------------------------------


def mostly(good: list[str], odd: list[str]) -> st.SearchStrategy[str]:
    """One of some, and now and then something odd."""
    return st.integers(0, 19).flatmap(lambda chance: st.sampled_from(good if chance else odd))


def odd_tokens(keys: CampaignKeys, body: bytes) -> list[str]:
    good = keys.message_token(body)
    return [
        *(good[:-1] + "A", good[::-1], "A" * 28, "_" * 28, keys.preview_token(), keys.merge_token("c17")),
        *(keys.merge_token("*|EMAIL|*"), f"{good}.c17", keys.bound_tokens(body, [0])[0]),
        *(keys.bound_tokens(body, [1])[1], keys.personal_token("preferences", body)),
    ]


def paths(keys: CampaignKeys, number: int) -> st.SearchStrategy[str]:
    body = number.to_bytes(8, "big", signed=True)
    seal = f"shop.example~{keys.host_seal(1, 'shop.example')}"
    token = mostly([keys.message_token(body)], odd_tokens(keys, body))
    link = mostly(["1", "2", "70"], ["3", "0", "01", f"1/{seal}", f"2/{seal}", "99999999"])
    code = mostly([keys.code], ["aaaaaaaa", keys.code.upper()])
    ours = st.builds("/o/{}/{}.gif".format, code, token) | st.builds("/c/{}/{}/{}".format, code, link, token)
    encoded = ours.map(lambda path: path.replace("/o/", "/%6f/").replace("/c/", "https://x.example/c/"))
    other = st.sampled_from(["/", "/favicon.ico", "/o/shop/basket", "*", "/u/" + "A" * 40, "/c/" + keys.code])
    behind = mostly(["", "", "?a=b"], ["?", "?a b", "#x", '?"', "?\\x22", "?é", "?\t"])
    asked = st.integers(0, 19).flatmap(lambda chance: {0: encoded, 1: other}.get(chance, ours))
    return st.builds("{}{}".format, asked, behind)


KEYS = [KEYRING.campaign(KEYRING.campaign_code(name), key) for name in ("spring", "summer") for key in (1, 7)]
PATHS = st.sampled_from(KEYS).flatmap(
    lambda keys: st.integers(-(2**63), 2**63 - 1).flatmap(lambda number: paths(keys, number))
)
METHODS = mostly(["GET", "GET", "GET", "HEAD"], ["POST", "get", "G"])
STATUSES = mostly(["200", "302"], ["204", "304", "404", "499", "000", "20", "0200", "2 0", "³02"])
TEXTS = st.text(st.characters(max_codepoint=255, exclude_characters="\n"), max_size=12)
ODD_AGENTS = ["-", "", "a\\x22b", 'a"b', "a\\", "ü\xa0\x85", "a\tb", "{}", "%20", "#", "\0", "\x7f", "\r"]
AGENTS = st.integers(0, 19).flatmap(
    lambda chance: TEXTS if chance == 0 else mostly([CHROME, "curl/7.88.1"], ODD_AGENTS)
)


CLIENTS = mostly(
    ["66.249.80.1", "80.1.2.3", "::ffff:80.1.2.3", "2a00:1450::1", "2001:4860::5"],
    [
        "203.0.113.9",
        "127.0.0.1",
        "::1",
        "fe80::1%eth0",
        "mail.example",
        "-",
        "",
        "10.0.0.1",
        "\xff",
        "\\u0038",
    ],
)


def combined(draw: st.DrawFn) -> str:
    when = mostly(
        ["24/Nov/2026:22:07:08 +0000", "24/Nov/2026:22:07:60 -0530"],
        [
            *("31/Feb/2026:22:07:08 +0000", "24/Nov/2026 22:07:08 +0000", "01/Jan/0001:00:00:00 +2359"),
            *("31/Dec/9999:23:59:59 -2359", "24/Nov/2026:22:07:08 +9900"),
        ],
    )
    client = draw(CLIENTS)
    before = mostly([f"{client} - -", f"x:443 {client} - ann", f"{client} - 66.249.80.2"], ["[::1] - -", ""])
    size = mostly(["43", "-"], ["x", ""])
    referrer = mostly(["-", "https://a.example/"], ['\\"x\\"', "\\", "[", "\x7f"])
    behind = mostly(["", "", ' "203.0.113.1"', "\r", "\t"], ['"'])
    version = mostly([" HTTP/1.1", " HTTP/2.0"], ["", " X", "  HTTP/1.0"])
    return (
        f"{draw(before)} [{draw(when)}] "
        f'"{draw(METHODS)} {draw(PATHS)}{draw(version)}" {draw(STATUSES)} {draw(size)} "{draw(referrer)}"'
        f' "{draw(AGENTS)}"{draw(behind)}'
    )


SECONDS = st.integers(0, 19).flatmap(
    lambda chance: (
        st.decimals(1e9, 9_999_999_999, places=3).map(str)
        if chance
        else st.sampled_from(["1795558028.0005", "1795558028", "0795558028.123", "1.7e9", "NaN", "7"])
    )
)


def nginx(draw: st.DrawFn) -> str:
    status = draw(STATUSES)
    status = draw(mostly([f'"{status}"'], [status]))
    purpose = mostly(["   ", " prefetch  ", "prefetch;prerender   "], ["", "a\\u0062", "x\ty"])
    end = draw(mostly([""], [" ", "\r", "}"]))
    client = draw(mostly([f',"addr":"{draw(CLIENTS)}"', ""], [',"addr":null', ',"ip":"80.1.2.3"']))
    more = f',"purpose":"{draw(purpose)}"'
    if draw(st.booleans()):
        headers = {
            "scheme": mostly(["https", "http"], ["", "\\u0068ttps"]),
            "accept": mostly(["*/*", "", "image/*"], [" ", '\\"', "\t"]),
            "accept_language": mostly(["de", ""], [" ", "\xa0"]),
            "sec_fetch_mode": mostly(["", "navigate", "no-cors"], [" navigate "]),
            "sec_gpc": mostly(["", "1"], ["0"]),
            "dnt": mostly(["", "1"], [" 1"]),
        }
        more += "".join(f',"{name}":"{draw(value)}"' for name, value in headers.items())
    more += draw(
        mostly(
            ["", ',"request_time":"0.001"'],
            [',"addr":"80.1.2.4"', ',"dnt":1', ',"uri":"/"', ',"agent":"x"', ","],
        )
    )
    return (
        f'{{"time":{draw(SECONDS)}{client},"method":"{draw(METHODS)}","uri":"{draw(PATHS)}","status":{status}'
        f',"agent":"{draw(AGENTS)}"{more}}}{end}'
    )


HEADERS = [
    *('"Accept":["*/*"]', '"Cookie":[]', '"X":["a","b"]', '"Sec-Ch-Ua":["\\"x\\";v=\\"1\\""]'),
    *('"Accept-Language":["de"]', '"Accept-Encoding":["gzip"]', '"Accept":["image/*"]', '"Dnt":["1"]'),
    *('"Sec-Fetch-Mode":["navigate"]', '"Sec-Fetch-Mode":["no-cors"]', '"Sec-Gpc":["1"]', '"Dnt":["0"]'),
    *('"Sec-Purpose":["prefetch;prerender"]', '"Accept-Language":["de","en"]', '"Accept-Language":[""]'),
    *('"Unknown":["x"]', '"Save-Data":["on"]', '"Priority":["u=1"]', '"":[""]', '"Dnt":["\\u0031"]'),
]
ODD_HEADERS = [
    *(
        '"Sec-Purpose":["prefetch"]',
        '"Purpose":["preview"]',
        '"X-Purpose":["preview"]',
        '"X-Moz":["prefetch"]',
    ),
    *(
        '"X-Moz":[7]',
        '"User-Agent":["second"]',
        '"\\u0055ser-Agent":["third"]',
        '"Purpose":["\\u0070review"]',
    ),
    *('"Accept":[]', '"Accept":"*/*"', '"Accept":["*/*",1]', '"Accept-Language":null', '"A":["],\\"B"]'),
    *('"Sec-Gpc":["],"]', '"\\u0041ccept":["*/*"]', '"A":{}', '"A":["{"]', '"A":["\\"],\\"B\\":[\\"x"]'),
    *('"A":["[b]","c]"]', '{"A":["b"]', '"A":["b"]]', '"User-Agent":["a [FBAN/x;FBAV/1]"]', '"A":["b],"]'),
    *('"A":"b"', '"A":["b"', '"A":["\\x"]', '"A":["}"]', '"A":["\\ud800"]', '"A":[]]', '"A":[,]'),
]


def caddy(draw: st.DrawFn) -> str:
    headers = draw(st.lists(mostly(HEADERS, ODD_HEADERS), max_size=4))
    if draw(st.integers(0, 19)):
        headers.append(f'"User-Agent":["{draw(AGENTS)}"]')
    headers = draw(st.permutations(headers))
    versions = '"version":772,"cipher_suite":4865,"proto":"h2","server_name":"x"'
    tls = mostly(
        ["", f',"tls":{{"resumed":false,{versions}}}', f',"tls":{{"resumed":true,{versions},"ech":false}}'],
        [',"tls":{"version":0772}', ',"uri":"/"'],
    )
    logger = mostly(["http.log.access", "http.log.access.log0"], ["http.log.error", "http.log.access\\n"])
    response = mostly(
        ["{}", '{"Server":["Caddy"],"Content-Type":[]}', '{"Location":["https://x/?a=\\u0026"]}'], ["{", "[]"]
    )
    duration = mostly(["0.000026449", "0", "1e-05"], ["01", "1e", "-1", ".5"])
    more = mostly([""], [',"status":200', ',"ts":1', " "])
    joined = ",".join(headers)
    client = f',"client_ip":"{draw(CLIENTS)}"' if draw(st.booleans()) else ""
    size = draw(st.sampled_from(["", ',"bytes_read":0']))
    return (
        f'{{"level":"info","ts":{draw(SECONDS)},"logger":"{draw(logger)}","msg":"handled request"'
        f',"request":{{"remote_ip":"{draw(CLIENTS)}","remote_port":"50000"{client},"proto":"HTTP/2.0"'
        f',"method":"{draw(METHODS)}","host":"track.example.com","uri":"{draw(PATHS)}"'
        f',"headers":{{{joined}}}{draw(tls)}}}{size}'
        f',"user_id":"","duration":{draw(duration)},"size":43,"status":{draw(STATUSES)}'
        f',"resp_headers":{draw(response)}{draw(more)}}}'
    )


def cloudfront(draw: st.DrawFn) -> str:
    header = st.sampled_from(
        [
            "date time cs-method cs-uri-stem sc-status cs(User-Agent)",
            "date time x cs-method cs-uri-stem sc-status y cs(User-Agent) z",
            "date time x x c-ip cs-method x cs-uri-stem sc-status y cs(User-Agent) z cs-protocol z",
            "date time x cs-protocol c-ip cs-method x cs-uri-stem sc-status y cs(User-Agent) z",
            "date time x y cs-method x cs-uri-stem sc-status c-ip cs(User-Agent) cs-protocol",
            "time date cs-method cs-uri-stem sc-status cs(User-Agent)",
            "cs-method date time cs-uri-stem sc-status cs(User-Agent)",
            "date time time cs-method cs-uri-stem sc-status cs(User-Agent)",
            "date time cs-method",
        ]
    )
    if not draw(st.integers(0, 19)):
        return f"#Fields: {draw(header)}"
    day = draw(mostly(["2026-11-24"], ["yesterday", "#"]))
    moment = draw(mostly(["22:07:08"], ["25:07:08", "22:07:08Z", ""]))
    asked = [draw(METHODS), draw(PATHS), draw(STATUSES)]
    agent = draw(AGENTS).replace(" ", draw(mostly(["%20", "%2520"], [" "])))
    if not draw(st.integers(0, 4)):
        return "\t".join((day, moment, *asked, agent))
    return "\t".join(
        (
            *(day, moment, "FRA56-P1", "417", draw(CLIENTS), asked[0], "host", *asked[1:], "-", agent),
            *draw(st.sampled_from([(), ("-",), ("-", "https"), ("-", "http", "x"), ("-", "https", "")])),
        )
    )


WRITERS = {"combined": combined, "json": nginx, "caddy": caddy, "cloudfront": cloudfront}


@st.composite
def block(draw: st.DrawFn, format_: Format) -> bytes:
    lines = []
    for _ in range(draw(st.integers(1, 6))):
        line = WRITERS[format_](draw)
        if not draw(st.integers(0, 9)):
            start = draw(st.integers(0, len(line)))
            junk = draw(
                st.sampled_from(["", '"', "\\", "\\u0041", "{", "}", " ", "\t", "\0", "#", "é", "0", ","])
            )
            line = line[:start] + junk + line[start + draw(st.integers(0, 3)) :]
        lines.append(line)
    return "".join(line.replace("\n", "") + "\n" for line in lines).encode("latin-1")


@pytest.mark.parametrize("format_", FORMATS)
@settings(deadline=None, max_examples=50, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_many_at_a_time_is_the_same_as_one_by_one(store: Store, format_: Format, data: st.DataObject) -> None:
    both(store, format_, data.draw(st.lists(block(format_), min_size=1, max_size=3)))


# -- and they are read many at a time -------------------------------------------------------------------


def plain_line(format_: Format, number: int, path: str, status: int, agent: str = CHROME) -> str:
    if format_ == "combined":
        return f'203.0.113.9 - - [24/Nov/2026:22:07:08 +0000] "GET {path} HTTP/1.1" {status} 43 "-" "{agent}"'
    if format_ == "json":
        return (
            f'{{"time":1795558028.{number % 1000:03},"method":"GET","uri":"{path}","status":"{status}"'
            f',"agent":"{agent}","purpose":"   "}}'
        )
    if format_ == "caddy":
        request = {"remote_ip": "203.0.113.9", "remote_port": "5", "proto": "HTTP/2.0", "method": "GET"}
        request |= {"host": "track.example.com", "uri": path, "headers": {"User-Agent": [agent]}}  # type: ignore[dict-item]
        row = {"level": "info", "ts": 1795558028.5, "logger": "http.log.access", "msg": "handled request"}
        row |= {"request": request, "user_id": "", "duration": 0.1, "size": 43, "status": status}
        return json.dumps({**row, "resp_headers": {}}, separators=(",", ":"))
    fields = [
        "2026-11-24",
        "22:07:08",
        "FRA",
        "1",
        "203.0.113.9",
        "GET",
        "d1.example",
        path,
        str(status),
        "-",
    ]
    return "\t".join([*fields, agent.replace(" ", "%20"), "-"])


@pytest.mark.parametrize("format_", FORMATS)
def test_a_long_log_of_hits_and_others_keeps_its_order(store: Store, format_: Format) -> None:
    chance, lines, expected = random.Random(4), [], []
    for number in range(3_000):
        keys = KEYS[number % 4]
        link = chance.choice([0, 0, 1, 70])
        body = number.to_bytes(8, "big")
        token, sort = keys.message_token(body), chance.random()
        if sort < 0.1:
            token = keys.bound_tokens(body, [link])[link]
        elif sort < 0.2:
            token = "".join(chance.sample(token, 28))
        path = f"/c/{keys.code}/{link}/{token}" if link else f"/o/{keys.code}/{token}.gif"
        lines.append(plain_line(format_, number, path, 302 if link else 200, f"agent {number % 50}"))
        if not 0.1 <= sort < 0.2:
            expected.append(number)
        if sort > 0.9:
            lines.append(plain_line(format_, number, "/robots.txt", 200))
    taken = reader(format_).plain
    assert taken is not None
    found = taken.findall("".join(f"{line}\n" for line in lines).encode())
    assert [bool(each[0]) for each in found] == ["/robots.txt" not in line for line in lines]
    events, counts = both(store, format_, ["".join(f"{line}\n" for line in lines).encode()])
    assert [event[4] for event in events] == expected
    assert counts.unknown_tokens == 3_000 - len(expected)
    assert counts.opens + counts.clicks == len(expected)
    assert counts.not_ours == len(lines) - 3_000


def test_what_begins_in_one_of_caddys_lines_never_ends_in_the_next(store: Store) -> None:
    """Its headers are found up to a brace, so that a line cut off there goes on behind the line end."""
    keys = KEYS[0]
    lines = [
        plain_line("caddy", 0, f"/o/{keys.code}/{keys.message_token(bytes(7) + bytes([number]))}.gif", 200)
        for number in range(4)
    ]
    for cut in (lines[1].index('"User-Agent"'), lines[1].index('"resp_headers":{') + 16):
        for more in ("", '"A":["'):
            damaged = [lines[0], lines[1][:cut] + more, *lines[2:]]
            events, counts = both(store, "caddy", ["".join(f"{line}\n" for line in damaged).encode()])
            assert [event[4] for event in events] == [0, 2, 3]
            assert (counts.lines, counts.damaged) == (4, 1)


def test_a_bracket_in_a_header_does_not_make_a_caddy_line_slow(store: Store) -> None:
    keys = KEYS[0]
    agent = "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/442.0;FBDM/1]"
    line = plain_line("caddy", 0, f"/o/{keys.code}/{keys.message_token(bytes(8))}.gif", 200, agent)
    plain = reader("caddy").plain
    assert plain is not None
    assert plain.findall(f"{line}\n".encode())[0][0]
    events, _counts = both(store, "caddy", [f"{line}\n".encode()])
    assert len(events) == 1


def test_a_token_of_another_campaign_or_key_is_found_among_good_ones(store: Store) -> None:
    first, second = KEYS[0], KEYS[2]
    for place in range(20):
        lines = [
            plain_line(
                "combined", 0, f"/o/{first.code}/{first.message_token(bytes(7) + bytes([number]))}.gif", 200
            )
            for number in range(20)
        ]
        stranger = Keyring({1: bytes(32)}).campaign(first.code)
        for bad in (second.message_token(b"12345678"), stranger.message_token(b"12345678"), "_" * 28):
            lines[place] = plain_line("combined", 0, f"/o/{first.code}/{bad}.gif", 200)
            events, counts = both(store, "combined", ["".join(f"{line}\n" for line in lines).encode()])
            assert [event[4] for event in events] == [number for number in range(20) if number != place]
            assert counts.unknown_tokens == 1


# -- a real Caddy ---------------------------------------------------------------------------------------


@contextmanager
def served(folder: Path) -> Iterator[tuple[int, Path]]:
    """Caddy that answers as the pixel and a link do; yields its port and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    log = folder / "access.log"
    (folder / "Caddyfile").write_text(
        "{\n\tadmin off\n\tauto_https off\n}\n"
        f"http://127.0.0.1:{port} {{\n\tlog {{\n\t\toutput file {log}\n\t}}\n"
        "\thandle /o/* {\n\t\trespond 204\n\t}\n"
        '\thandle /c/* {\n\t\tredir "https://shop.example/?a=<1>&b=2" 302\n\t}\n}\n'
    )
    assert CADDY
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    with (folder / "caddy.log").open("w") as said:
        program = subprocess.Popen(
            [CADDY, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"],
            env=environment, stdout=said, stderr=said,
        )  # fmt: skip
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port, log
    finally:
        program.terminate()
        program.wait(20)


@needs_caddy
def test_what_caddy_writes_is_read_many_at_a_time(store: Store, tmp_path: Path) -> None:
    keys, numbers = KEYS[0], range(30)
    headers = [
        {"User-Agent": CHROME, "Accept": "image/*", "Accept-Language": "de", "Cookie": "a=b"},
        {"User-Agent": "Mail/3731.600.7", "Referer": "https://mail.example/", "X-Forwarded-For": "192.0.2.1"},
        {"User-Agent": CHROME, "Sec-Ch-Ua": '"Chromium";v="131"', "Sec-Fetch-Mode": "no-cors", "DNT": "1"},
    ]
    with served(tmp_path) as (port, log):
        for number in numbers:
            token = keys.message_token(number.to_bytes(8, "big"))
            path = f"/c/{keys.code}/1/{token}?x=1" if number % 4 == 0 else f"/o/{keys.code}/{token}.gif"
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", path, headers=headers[number % 3])
            connection.getresponse().read()
            connection.close()
    written = log.read_bytes()
    plain = reader("caddy").plain
    assert plain is not None
    assert all(found[0] for found in plain.findall(written)), written
    events, counts = both(store, "caddy", [written])
    wished = {8, 20}  # clicks of a browser that asks not to be followed: only counted
    assert [event[4] for event in events] == [0 if number in wished else number for number in numbers]
    assert (counts.opens, counts.clicks) == (22, 8)
    assert [event[6] for event in events if event[6] & Flag.COUNTED] == [
        Flag.COUNTED | ClientClass.COMPUTER * Flag.CLASS
    ] * len(wished)
    events = [event for event in events if not event[6] & Flag.COUNTED]
    looked = Flag.HEADERS | Flag.BARE_ACCEPT
    assert {event[6] for event in events} == {
        Flag.HEADERS,
        looked | Flag.NO_LANGUAGE,
        looked | Flag.NO_LANGUAGE | Flag.FETCH | Flag.DNT,
    }
