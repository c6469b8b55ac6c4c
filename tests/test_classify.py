"""The verdict on a hit, and the sweeps among the clicks of one message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.agents import describe, reduce
from pixeltrack.classify import Kind, judge, loaded_by_sweeper, sweep

CHW = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Safari/537.36"
)
CHM = CHW.replace("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7")
EDG = CHW + " Edg/131.0.0.0"
CHA = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/131.0.0.0 Mobile Safari/537.36"
)
SAFI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)
AMAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
SAFM = AMAC + " Version/18.1 Safari/605.1.15"
IPAD = (
    "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/17.6 Mobile/15E148 Safari/604.1"
)
FFL = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
AIOS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Mobile/15E148"
)
TB = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
OLW = (
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E;"
    " ms-office; MSOffice 16)"
)
OLI = "Outlook-iOS/729.2309.prod.iphone (4.2309.1)"
OLM = "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))"
SAMS = "SamsungEmail/6.1.94.1"
YAPP = "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)"
MPP = "Mozilla/5.0"
GIP = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GPF = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
YMP = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
HEADLESS = "Mozilla/5.0 (X11; Linux x86_64) HeadlessChrome/120.0.0.0 Safari/537.36"
FACEBOOK = "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)"
SLACK = "Slack-ImgProxy (+https://api.slack.com/robots)"
HIDDEN = (None, None, None)

# The labelled hits that can be judged without send time, network and neighbours, by their number:
# kind, agent, label, reason, mail program, (device, system, browser). "!" is HEAD, "~" speculative.
HITS = [
    (1, "open", CHW, "human none-against", None, ("desktop", "Windows", "Chrome")),
    (2, "open", AMAC, "human none-against", "Apple Mail", ("desktop", "macOS", None)),
    (3, "open", AIOS, "human none-against", "Apple Mail", ("mobile", "iOS", None)),
    (4, "open", TB, "human none-against", "Thunderbird", ("desktop", "Windows", None)),
    (5, "open", OLW, "human none-against", "Outlook", ("desktop", "Windows", None)),
    (6, "open", OLI, "human none-against", "Outlook", ("mobile", "iOS", None)),
    (7, "open", OLM, "human none-against", "Outlook", ("desktop", "macOS", None)),
    (8, "open", SAMS, "human none-against", "Samsung Email", ("mobile", "Android", None)),
    (9, "open", YAPP, "human none-against", "Yahoo Mail", ("mobile", "Android", None)),
    (10, "open", SAFM, "human none-against", None, ("desktop", "macOS", "Safari")),
    (12, "open", MPP, "prefetch apple-privacy", "Apple Mail", HIDDEN),
    (15, "open", GPF, "prefetch gmail-prefetch", "Gmail", HIDDEN),
    (18, "open", GIP, "human proxied-open", "Gmail", HIDDEN),
    (20, "open", YMP, "human proxied-open", "Yahoo Mail", HIDDEN),
    (21, "open", "FastmailUA/1.0", "human proxied-open", "Fastmail", HIDDEN),
    (22, "open", "HEY.com/ImageProxy", "human proxied-open", "HEY", HIDDEN),
    (24, "open~", CHW, "prefetch speculative-load", None, ("desktop", "Windows", "Chrome")),
    (28, "open", "", "scanner empty-agent", None, HIDDEN),
    (29, "open", "Barracuda Sentinel (EE)", "scanner gateway", None, None),
    (30, "open", "python-requests/2.32.3", "scanner library", None, None),
    (31, "open", SLACK, "scanner preview", None, None),
    (32, "open!", CHW, "scanner head", None, None),
    (36, "click", CHW, "human none-against", None, ("desktop", "Windows", "Chrome")),
    (37, "click", SAFI, "human none-against", None, ("mobile", "iOS", "Safari")),
    (38, "click", FFL, "human none-against", None, ("desktop", "Linux", "Firefox")),
    (39, "click", CHA, "human none-against", None, ("mobile", "Android", "Chrome")),
    (40, "click", EDG, "human none-against", None, ("desktop", "Windows", "Edge")),
    (42, "click", IPAD, "human none-against", None, ("tablet", "iOS", "Safari")),
    (46, "click", CHM, "human none-against", None, ("desktop", "macOS", "Chrome")),
    (56, "click", HEADLESS, "scanner headless", None, None),
    (57, "click", FACEBOOK, "scanner preview", None, None),
    (58, "click", MPP, "scanner apple-privacy", "Apple Mail", HIDDEN),
    (60, "click", "curl/8.9.1", "scanner library", None, None),
]


@pytest.mark.parametrize(
    ("number", "hit", "agent", "verdict", "client", "reader"), HITS, ids=lambda value: str(value)[:9]
)
def test_labelled_hits(
    number: int,
    hit: str,
    agent: str,
    verdict: str,
    client: str | None,
    reader: tuple[str | None, ...] | None,
) -> None:
    kind: Kind = "click" if hit.startswith("click") else "open"
    for form in (agent, reduce(agent)):
        found = judge(kind, form, head="!" in hit, speculative="~" in hit)
        assert f"{found.label} {found.reason}" == verdict
        facts = describe(form)
        assert facts.client == client
        if reader is not None:
            assert (facts.device, facts.os, facts.browser) == reader


@pytest.mark.parametrize(
    ("kind", "agent", "verdict"),
    [
        ("click", GIP, "scanner proxy-on-link"),
        ("click", GPF, "scanner gmail-prefetch"),
        ("click", "Mozilla/5.0 (compatible; Bananabot/1.0)", "scanner crawler"),
        ("click", "Bananas (https://bananas.example/about)", "scanner crawler"),
        ("click", "Bananas (ops@bananas.example)", "scanner crawler"),
        ("click", CHA.replace("K)", "Pixel 2; Bananabot/1.0)"), "scanner crawler"),
        ("click", CHA.replace("K)", "CUBOT X18 Plus)"), "human none-against"),
        ("click", CHA.replace("K)", "Discovery Spider)"), "human none-against"),
        ("click", SAFI + " [FBAN/FBIOS;FBAV/450.0.0.38.108]", "human none-against"),
        ("click", SAFI + " Instagram 312.0.1.19.124 (iPhone14,5; iOS 17_1)", "human none-against"),
        ("open", "Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.1)", "human none-against"),
        ("open", "okhttp/4.12.0", "unknown bare-agent"),
        ("open", "\x00\r\n ", "scanner empty-agent"),
    ],
)
def test_more_agents(kind: Kind, agent: str, verdict: str) -> None:
    found = judge(kind, agent, head=False, speculative=False)
    assert f"{found.label} {found.reason}" == verdict


def test_head_comes_before_everything_else() -> None:
    assert judge("open", MPP, head=True, speculative=True).reason == "head"
    assert judge("open", MPP, head=False, speculative=True).reason == "speculative-load"


@pytest.mark.parametrize(
    ("clicks", "convicted"),
    [
        ([], set()),
        ([(0, 1)], set()),
        ([(0, 1), (4000, 2)], set()),  # two links are human
        ([(0, 1), (100, 1), (200, 1), (300, 2)], set()),  # one link again and again, too
        ([(0, 1), (10, 2), (20, 3)], {0, 1, 2}),
        ([(0, 1), (5000, 2), (10_000, 3)], {0, 1, 2}),
        ([(0, 1), (5000, 2), (10_001, 3)], set()),
        ([(0, 1), (0, 2), (0, 2), (0, 3), (60_000, 2)], {0, 1, 2, 3}),  # a later click stands
        ([(0, 4), (9_000, 1), (15_000, 2), (16_000, 3), (24_000, 4)], {1, 2, 3, 4}),
        ([(0, 1), (1, 2), (2, 3), (30_000, 1), (30_001, 2), (30_002, 3)], set(range(6))),
    ],
)
def test_sweeps(clicks: list[tuple[int, int]], convicted: set[int]) -> None:
    assert sweep(clicks) == convicted


@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 5)), max_size=30).map(sorted))
def test_a_click_is_swept_when_some_ten_seconds_around_it_hold_three_links(
    clicks: list[tuple[int, int]],
) -> None:
    expected: set[int] = set()
    for start, _ in clicks:
        window = [n for n, (time, _) in enumerate(clicks) if start <= time <= start + 10_000]
        if len({clicks[n][1] for n in window}) >= 3:
            expected.update(window)
    assert sweep(clicks) == expected


@given(st.integers(0, 400_000), st.lists(st.integers(0, 400_000), max_size=9).map(sorted))
def test_a_load_of_the_pixel_is_the_sweepers_within_a_minute_of_its_clicks(
    at: int, clicks: list[int]
) -> None:
    assert loaded_by_sweeper(at, clicks) == any(abs(at - click) <= 60_000 for click in clicks)


def test_an_agent_that_the_store_did_not_keep_is_unknown() -> None:
    assert judge("click", "(other)", head=False, speculative=False).label == "unknown"
