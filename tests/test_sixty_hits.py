"""Sixty labelled hits, one a line: what was seen of each, and what it is to be taken for.

They were labelled before the rules here were written, from what providers, gateways and other trackers
have published. The columns: number; what was asked for; agent; headers; network; seconds after sending;
what else is known; verdict and deciding reason; mail program; device, system and browser. A dash is
"nothing is known of the reader", a dot "not counted anywhere, so not looked at".
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

from pixeltrack.agents import describe, reduce
from pixeltrack.judging import Context, Fact, Verdict, judge
from pixeltrack.model import EventKind, Flag
from pixeltrack.rules import rules

CHW = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
AGENTS = {
    "chrome-windows": CHW,
    "chrome-mac": CHW.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7"),
    "edge": CHW + " Edg/131.0.0.0",
    "chrome-android": CHW.replace("Windows NT 10.0; Win64; x64", "Linux; Android 10; K").replace(
        "Safari", "Mobile Safari"
    ),
    "safari-iphone": IPHONE + " Version/18.1 Mobile/15E148 Safari/604.1",
    "safari-mac": MAC + " Version/18.1 Safari/605.1.15",
    "safari-ipad": "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.6 Mobile/15E148 Safari/604.1",
    "firefox-linux": "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    "mail-mac": MAC,
    "mail-iphone": IPHONE + " Mobile/15E148",
    "thunderbird": "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    "outlook-windows": "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C;"
    " .NET4.0E; ms-office; MSOffice 16)",
    "outlook-ios": "Outlook-iOS/729.2309.prod.iphone (4.2309.1)",
    "outlook-mac": "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
    "samsung": "SamsungEmail/6.1.94.1",
    "yahoo-app": "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)",
    "apple-privacy": "Mozilla/5.0",
    "gmail-proxy": "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "gmail-ahead": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
    "yahoo-proxy": "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "fastmail": "FastmailUA/1.0",
    "hey": "HEY.com/ImageProxy",
    "none": "",
    "barracuda": "Barracuda Sentinel (EE)",
    "requests": "python-requests/2.32.3",
    "slack": "Slack-ImgProxy (+https://api.slack.com/robots)",
    "headless": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " HeadlessChrome/120.0.0.0 Safari/537.36",
    "facebook": "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "curl": "curl/8.9.1",
}
SEEN = Flag.HEADERS | Flag.TLS
HEADERS = {
    "navigate": SEEN | Flag.NAVIGATE | Flag.FETCH,
    "navigate-old": SEEN,  # Safari told nothing of how it asked until lately
    "image": SEEN,
    "bare": SEEN | Flag.NO_LANGUAGE | Flag.BARE_ACCEPT,
    "image-ahead": SEEN | Flag.SPECULATIVE,
    "head": SEEN | Flag.NO_LANGUAGE | Flag.BARE_ACCEPT | Flag.HEAD,
}
TABLE = """
 1  open   chrome-windows   image         home            5400                    human none-against         -              desktop Windows Chrome
 2  open   mail-mac         image         home             900                    human none-against         Apple Mail     desktop macOS -
 3  open   mail-iphone      image         home            7200                    human none-against         Apple Mail     mobile iOS -
 4  open   thunderbird      image         home             400                    human none-against         Thunderbird    desktop Windows -
 5  open   outlook-windows  bare          home            3600                    human none-against         Outlook        desktop Windows -
 6  open   outlook-ios      bare          home             120                    human none-against         Outlook        mobile iOS -
 7  open   outlook-mac      bare          home           86400                    human none-against         Outlook        desktop macOS -
 8  open   samsung          bare          home             600                    human none-against         Samsung Email  mobile Android -
 9  open   yahoo-app        bare          home            1500                    human none-against         Yahoo Mail     mobile Android -
10  open   safari-mac       image         home              45                    human none-against         -              desktop macOS Safari
11  open   apple-privacy    bare          apple-relay       25                    prefetch apple-privacy     Apple Mail     - - -
12  open   apple-privacy    bare          apple-relay    40000                    prefetch apple-privacy     Apple Mail     - - -
13  open   apple-privacy    bare          home             300                    prefetch apple-privacy     Apple Mail     - - -
14  open   gmail-ahead      bare          google             4                    prefetch gmail-prefetch    Gmail          - - -
15  open   gmail-ahead      bare          google          7300                    prefetch gmail-prefetch    Gmail          - - -
16  open   gmail-proxy      bare          google             6                    prefetch proxy-at-delivery Gmail          - - -
17  open   gmail-proxy      bare          google            26                    unknown proxy-soon         Gmail          - - -
18  open   gmail-proxy      bare          google           203                    human proxied-open         Gmail          - - -
19  open   gmail-proxy      bare          google         90000                    human proxied-open         Gmail          - - -
20  open   yahoo-proxy      bare          yahoo           1800                    human proxied-open         Yahoo Mail     - - -
21  open   fastmail         bare          home            2400                    human proxied-open         Fastmail       - - -
22  open   hey              bare          aws             2400                    human proxied-open         HEY            - - -
23  open   yahoo-proxy      bare          yahoo              3                    prefetch proxy-at-delivery Yahoo Mail     - - -
24  open   chrome-windows   image-ahead   home             900                    prefetch speculative-load  .              .
25  open   chrome-windows   image         ms-eop             8                    scanner filter-network     .              .
26  open   chrome-windows   image         proofpoint        90                    unknown probable-network   .              .
27  open   chrome-windows   image         proofpoint     86400                    human none-against         -              desktop Windows Chrome
28  open   none             bare          home             700                    scanner empty-agent        .              .
29  open   barracuda        bare          home              12                    scanner gateway            .              .
30  open   requests         bare          aws              600                    scanner library            .              .
31  open   slack            bare          aws             4000                    scanner preview            .              .
32  open   chrome-windows   head          home              30                    scanner head               .              .
33  open   chrome-windows   image         home               2                    unknown instant            .              .
34  open   chrome-windows   image         home              20  spread 14         scanner spread             .              .
35  open   chrome-windows   image         aws               -3                    scanner before-send        .              .
36  click  chrome-windows   navigate      home            5400  links 1/8         human none-against         -              desktop Windows Chrome
37  click  safari-iphone    navigate-old  home             600  links 1/8         human none-against         -              mobile iOS Safari
38  click  firefox-linux    navigate      home             120  links 1/1         human none-against         -              desktop Linux Firefox
39  click  chrome-android   navigate      home              35  links 1/5         human little-against       -              mobile Android Chrome
40  click  edge             navigate      azure           3000  links 1/6         human little-against       -              desktop Windows Edge
41  click  chrome-windows   navigate      home            7200  no pixel, 1/6     human little-against       -              desktop Windows Chrome
42  click  safari-ipad      navigate-old  home           86400  links 1/3         human none-against         -              tablet iOS Safari
43  click  safari-iphone    navigate-old  home               8  links 1/1         unknown instant            -              mobile iOS Safari
44  click  chrome-windows   navigate      azure             43  links 9/9         scanner burst              .              .
45  click  chrome-windows   navigate      home            3600  links 9/9         scanner burst              .              .
46  click  chrome-mac       navigate      home            1800  4 s apart, 2/9    human none-against         -              desktop macOS Chrome
47  click  chrome-windows   bare          aws                5  links 1/4         scanner instant            .              .
48  click  chrome-windows   bare          azure             15  links 1/1         scanner soon               .              .
49  click  chrome-windows   navigate      home               9  links 2/2         scanner pair               .              .
50  click  chrome-windows   navigate      ms-eop            30  links 1/4         scanner filter-network     .              .
51  click  chrome-windows   navigate      barracuda-egd    120  links 1/4         scanner filter-network     .              .
52  click  chrome-windows   navigate      mimecast          60  links 1/4         unknown probable-network   .              .
53  click  chrome-windows   navigate      mimecast        7200  links 1/4         human none-against         -              desktop Windows Chrome
54  click  chrome-windows   navigate      home              50  hidden link       scanner honeypot           .              .
55  click  chrome-windows   navigate      home             200  150 s after it    scanner near-honeypot      .              .
56  click  headless         navigate      home             900  links 1/4         scanner headless           .              .
57  click  facebook         bare          home            8000  links 1/4         scanner preview            .              .
58  click  apple-privacy    bare          home              30  links 1/4         scanner apple-privacy      .              .
59  click  chrome-windows   navigate      home              25  spread 40, 1/1    scanner spread             .              .
60  click  curl             bare          home             500  links 1/4         scanner library            .              .
"""
SENT = 1_790_000_000_000
HIDDEN_LINK = 99
MESSAGE, ADDRESS = 7, 4_000_000_000


class Row(NamedTuple):
    number: int
    kind: str
    agent: str
    headers: str
    network: str
    delay: int
    known: str
    verdict: str
    client: str
    reader: str


def rows() -> list[Row]:
    starts = (0, 4, 11, 28, 42, 56, 64, 82, 109, 124)
    found = []
    for line in TABLE.strip("\n").splitlines():
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        found.append(Row(int(cells[0]), *cells[1:5], int(cells[5]), *cells[6:]))  # type: ignore[arg-type]
    return found


def facts(row: Row, agent: str) -> tuple[list[Fact], Context]:
    """The hit itself, first, and what else is known around it."""
    at, flags = SENT + row.delay * 1000, HEADERS[row.headers]
    network = "" if row.network == "home" else f"{row.network}/2026-11-01"
    kind = EventKind.CLICK if row.kind == "click" else EventKind.OPEN
    hidden = row.known == "hidden link"
    link = (HIDDEN_LINK if hidden else 1) if kind == EventKind.CLICK else 0
    hit = Fact(1, MESSAGE, at, kind, link, agent, flags, network, ADDRESS)
    around = [hit]

    def also(**changes: object) -> None:
        around.append(hit._replace(event_id=len(around) + 1, **changes))

    followed, _, there = row.known.rpartition(" ")[2].partition("/") if "/" in row.known else ("1", "", "4")
    step = 4_000 if "apart" in row.known else 1_000 // int(followed)
    for number in range(2, int(followed) + 1):
        also(link=number, at=at + step * (number - 1))
    if kind == EventKind.CLICK and "no pixel" not in row.known:
        also(kind=EventKind.OPEN, link=0, at=at - 1_000, agent=AGENTS["outlook-ios"], network="", address=0)
    if "spread" in row.known:
        for other in range(1, int(row.known.split()[1].rstrip(","))):
            also(message=MESSAGE + other, at=at + other * 40)
    if "after it" in row.known:
        also(link=HIDDEN_LINK, at=at - 150_000, address=0)
    return around, Context(SENT, frozenset(range(1, int(there) + 1)), frozenset({HIDDEN_LINK}))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.number}-{row.kind}-{row.agent}")
def test_a_labelled_hit_is_taken_for_what_it_is(row: Row) -> None:
    for agent in (AGENTS[row.agent], reduce(AGENTS[row.agent])):
        around, context = facts(row, agent)
        verdict = judge(around, context, rules())[0]
        assert f"{verdict.label} {verdict.reason}" == row.verdict, verdict
        if row.client != ".":
            known = describe(agent)
            assert (known.client or "-") == row.client
            assert " ".join(each or "-" for each in (known.device, known.os, known.browser)) == row.reader


def test_there_are_sixty_in_order() -> None:
    assert [row.number for row in rows()] == list(range(1, 61))


def test_without_a_time_of_sending_no_rule_on_time_speaks() -> None:
    for row in rows():
        around, context = facts(row, AGENTS[row.agent])
        silent = judge(around, Context(None, context.links, context.honeypots), rules())[0]
        timed = {"instant", "soon", "probable-network", "single-late", "before-send", "proxy-soon"}
        assert not timed.intersection(silent.reasons)
        if silent.score or silent.label == "human":
            assert silent.reasons[-1] == "no_send_time"


def test_points_are_those_of_the_reasons() -> None:
    points = rules().points
    for row in rows():
        around, context = facts(row, AGENTS[row.agent])
        verdict: Verdict = judge(around, context, rules())[0]
        named = [getattr(points, reason.replace("-", "_"), 0) for reason in verdict.reasons]
        decided = verdict.label in ("human", "unknown", "scanner") and verdict.score
        assert not decided or sum(named) == verdict.score
