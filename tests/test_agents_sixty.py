"""The sixty labelled hits of the research on judging: what their agents tell of the reader."""

from __future__ import annotations

import pytest

from pixeltrack.agents import describe, reduce

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
APPLE = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
CHROME = f"{WEBKIT} Chrome/131.0.0.0"
CHW = f"{WINDOWS} {CHROME} Safari/537.36"
CHROME_WINDOWS = (None, "desktop", "Windows", "Chrome")
NOTHING = (None, None, None, None)


def hidden(client: str) -> tuple[str | None, ...]:
    return (client, None, None, None)


# Agent, the rows that have it, and its (client, device, os, browser). A row that is a machine's by its
# network, time or neighbours has a plain browser's agent: nobody counts it, and it is described all the same.
TABLE = [
    (
        CHW,
        "1 24 25 26 27 32 33 34 35 36 41 44 45 47 48 49 50 51 52 53 54 55 59",
        CHROME_WINDOWS,
    ),
    (f"{MAC} {APPLE}", "2", ("Apple Mail", "desktop", "macOS", None)),
    (f"{IPHONE} {APPLE} Mobile/15E148", "3", ("Apple Mail", "mobile", "iOS", None)),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
        "4",
        ("Thunderbird", "desktop", "Windows", None),
    ),
    (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C; .NET4.0E; ms-office; MSOffice 16)",
        "5",
        ("Outlook", "desktop", "Windows", None),
    ),
    ("Outlook-iOS/729.2309.prod.iphone (4.2309.1)", "6", ("Outlook", "mobile", "iOS", None)),
    (
        "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
        "7",
        ("Outlook", "desktop", "macOS", None),
    ),
    ("SamsungEmail/6.1.94.1", "8", ("Samsung Email", "mobile", "Android", None)),
    (
        "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)",
        "9",
        ("Yahoo Mail", "mobile", "Android", None),
    ),
    (f"{MAC} {APPLE} Version/18.1 Safari/605.1.15", "10", (None, "desktop", "macOS", "Safari")),
    ("Mozilla/5.0", "11 12 13 58", hidden("Apple Mail")),
    (
        f"{WINDOWS} {WEBKIT} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
        "14 15",
        hidden("Gmail"),
    ),
    (
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "16 17 18 19",
        hidden("Gmail"),
    ),
    (
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
        "20 23",
        hidden("Yahoo Mail"),
    ),
    ("FastmailUA/1.0", "21", hidden("Fastmail")),
    ("HEY.com/ImageProxy", "22", hidden("HEY")),
    ("", "28", NOTHING),
    ("Barracuda Sentinel (EE)", "29", NOTHING),
    ("python-requests/2.32.3", "30", NOTHING),
    ("Slack-ImgProxy (+https://api.slack.com/robots)", "31", NOTHING),
    (
        f"{IPHONE} {APPLE} Version/18.1 Mobile/15E148 Safari/604.1",
        "37 43",
        (None, "mobile", "iOS", "Safari"),
    ),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
        "38",
        (None, "desktop", "Linux", "Firefox"),
    ),
    (
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
        "39",
        (None, "mobile", "Android", "Chrome"),
    ),
    (f"{CHW} Edg/131.0.0.0", "40", (None, "desktop", "Windows", "Edge")),
    (
        f"Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X) {APPLE} Version/17.6 Mobile/15E148 Safari/604.1",
        "42",
        (None, "tablet", "iOS", "Safari"),
    ),
    (f"{MAC} {CHROME} Safari/537.36", "46", (None, "desktop", "macOS", "Chrome")),
    (f"Mozilla/5.0 (X11; Linux x86_64) {WEBKIT} HeadlessChrome/120.0.0.0 Safari/537.36", "56", NOTHING),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "57", NOTHING),
    ("curl/8.9.1", "60", NOTHING),
]


def test_the_table_has_every_row_once() -> None:
    numbers = sorted(int(number) for _agent, rows, _facts in TABLE for number in rows.split())
    assert numbers == list(range(1, 61))


@pytest.mark.parametrize(("agent", "rows", "facts"), TABLE, ids=[rows for _agent, rows, _facts in TABLE])
def test_what_the_agent_tells(agent: str, rows: str, facts: tuple[str | None, ...]) -> None:
    for form in (agent, reduce(agent)):
        found = describe(form)
        assert (found.client, found.device, found.os, found.browser) == facts


def test_a_report_says_what_hides_the_reader() -> None:
    said = {rows: describe(agent).hidden for agent, rows, _facts in TABLE}
    assert said["11 12 13 58"] == "hidden by Apple Mail Privacy Protection"
    assert said["16 17 18 19"] == said["14 15"] == "hidden by Gmail's image proxy"
    assert said["20 23"] == "hidden by Yahoo Mail's image proxy"
    assert said["37 43"] is None
