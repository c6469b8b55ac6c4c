"""Reducing, recognising and describing user agents."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pixeltrack.agents import AgentFacts, describe, identify, reduce
from pixeltrack.errors import InputError
from pixeltrack.judging import Context, Fact, Verdict, judge
from pixeltrack.model import EventKind
from pixeltrack.rulebook import Points, Sending
from pixeltrack.rules import parse, rules


def judge_agent(kind: EventKind, agent: str) -> Verdict:
    """The verdict on a hit of which the agent alone is known."""
    return judge([Fact(1, 1, 0, kind, int(kind == EventKind.CLICK), agent, 0, "", 0)], Context(), rules())[0]


REDUCED = [
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/131.0.6778.86 Safari/537.36",
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/131.0 Safari/537.36",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; en-us) AppleWebKit/605.1.15 (KHTML)",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) AppleWebKit/605.1 (KHTML)",
    ),
    (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1_1 like Mac OS X) Mobile/22B91 Safari/604.1",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile Safari/604.1",
    ),
    (
        "Dalvik/2.1.0 (Linux; Android 14; SM-S918B Build/UP1A.231005.007)",
        "Dalvik/2.1 (Linux; Android 14)",
    ),
    (
        "Mozilla/5.0 (Linux; U; Android 8.1.0; de-de; moto g(6) play Build/OPP; wv) Mobile Safari",
        "Mozilla/5.0 (Linux; U; Android 8.1; wv) Mobile Safari",
    ),
    ("(Android 14; Tablet; rv:132.0) Firefox/132.0", "(Android 14; Tablet; rv:132.0) Firefox/132.0"),
    (
        "(Linux; Android 8.0; Pixel 2; Storebot-Google/1.0) Mobile",
        "(Linux; Android 8.0; Storebot-Google/1.0) Mobile",
    ),
    (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; SLCC2; .NET CLR 2.0.50727; .NET4.0C;"
        " Media Center PC 6.0; Tablet PC 2.0; ms-office; MSOffice 16)",
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.1; ms-office; MSOffice 16)",
    ),
    (
        "Outlook-iOS/729.2309.prod.iphone (4.2309.1)",
        "Outlook-iOS/729.2309.prod.iphone (4.2309)",
    ),
    (
        "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
        "MacOutlook/16.89 (Intelx64 Mac OS X Version 14.6)",
    ),
    (
        "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)",
        "YahooMobileMail/1.0 (Android Mail; 6.1)",
    ),
    (
        "Mobile/15E148 Instagram 312.0.1.19.124 (iPhone14,5; iOS 17_1; de_DE; 1170x2532; 548339486)",
        "Mobile/15E148 Instagram 312.0",
    ),
    (
        "[FBAN/FBIOS;FBAV/450.0.0.38.108;FBBV/564431005;FBDV/iPhone14,2;FBSV/17.4;FBLC/de_DE]",
        "[FBAN/FBIOS;FBAV/450.0;FBSV/17.4]",
    ),
    ("app/1.0 id 1234567890123 at 10.11.12.13", "app/1.0 id 12345678 at 10.11"),
    ("App/1.0 (id 3F2504E0-4F89-11D3-9A0C-0305E82C3301) x", "App/1.0 (id ) x"),
    ("App/1.0 device=0123456789abcdef0 for ann.lee+x@mail.example;", "App/1.0 device= for a@b;"),
    ("a\x00b\x1b[31m\u202e \r\n c\xe9", "ab[31m c"),
    ("", ""),
]


@pytest.mark.parametrize(("raw", "reduced"), REDUCED)
def test_reduce_keeps_the_program_and_drops_the_device(raw: str, reduced: str) -> None:
    assert reduce(raw) == reduced


def test_services_known_by_their_whole_agent_stay_known() -> None:
    assert reduce("Mozilla/5.0") == "Mozilla/5.0"
    for row in rules().exact:
        assert identify(reduce(row.agent)) == row


# Pieces that the cuts look for, so that random text is likely to meet them.
PIECES = st.sampled_from(
    [
        "Android 14",
        "; SM-S918B",
        " Build/UP1A",
        "; wv",
        ";rv:1.2.3",
        "Storebot/1.0.0",
        "(",
        ")",
        " (Build ",
        "; .NET CLR",
        "; en-us",
        "[FB;FBDV/",
        "Mobile/",
        "15E148",
        "iPhone14,5;",
        "hw/",
        "(33/13;",
        "sam;Samsung;",
        "1.2.3",
        "4_5_6",
        "123456789",
        "7",
        *" .,_;\té",
    ]
)
AGENTS = st.text(max_size=300) | st.lists(PIECES, max_size=80).map("".join)


@given(AGENTS)
@example("1 (Build x).2.3")
@example("; en; .NET x-us;")
@example("Android 4,5; x")
@example("(1,2/3; x)")
@example("x" * 199 + " Build/y")
@example("(Linux; Android 14; SM-S918B" * 20)
@example("Android 14; x; wv(Android 14; x(y)z)")
def test_reduced_agents_are_short_printable_and_stay_as_they_are(agent: str) -> None:
    reduced = reduce(agent)
    assert reduce(reduced) == reduced
    assert len(reduced) <= 200
    assert reduced.isascii()
    assert reduced.isprintable()


@settings(deadline=None)  # the first agent loads ua-parser and the list of bots
@given(AGENTS)
def test_raw_and_reduced_agents_are_judged_and_described_alike(agent: str) -> None:
    reduced = reduce(agent)
    assert describe(agent) == describe(reduced)
    assert judge_agent(EventKind.CLICK, agent) == judge_agent(EventKind.CLICK, reduced)


WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"
SAFARI = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
IPAD = "Mozilla/5.0 (iPad; CPU OS 17_6 like Mac OS X)"
MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
PHONE = "Mozilla/5.0 (Linux; Android 10; K)"
CHROME = f"{WEBKIT} Chrome/131.0.0.0"

BROWSERS = [
    (f"{WINDOWS} {CHROME} Safari/537.36", "desktop", "Windows", "Chrome"),
    (f"{WINDOWS} {CHROME} Safari/537.36 Edg/131.0.0.0", "desktop", "Windows", "Edge"),
    (f"{WINDOWS} {CHROME} Safari/537.36 OPR/115.0.0.0", "desktop", "Windows", "Opera"),
    (f"{MAC} {SAFARI} Version/18.1 Safari/605.1.15", "desktop", "macOS", "Safari"),
    (
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
        "desktop",
        "Linux",
        "Firefox",
    ),
    (
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
        "desktop",
        "ChromeOS",
        "Chrome",
    ),
    (
        "Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko",
        "desktop",
        "Windows",
        "Internet Explorer",
    ),
    (f"{IPHONE} {SAFARI} Version/18.1 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Safari"),
    (f"{IPHONE} {SAFARI} CriOS/131.0 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Chrome"),
    (f"{IPHONE} {SAFARI} FxiOS/132.0 Mobile/15E148 Safari/605.1.15", "mobile", "iOS", "Firefox"),
    (f"{IPHONE} {SAFARI} EdgiOS/131.0 Mobile/15E148 Safari/605.1.15", "mobile", "iOS", "Edge"),
    (f"{IPAD} {SAFARI} Version/17.6 Mobile/15E148 Safari/604.1", "tablet", "iOS", "Safari"),
    (f"{PHONE} {CHROME} Mobile Safari/537.36", "mobile", "Android", "Chrome"),
    (f"{PHONE} {CHROME} Safari/537.36", "tablet", "Android", "Chrome"),
    (f"{PHONE} {CHROME} Mobile Safari/537.36 EdgA/131.0.0.0", "mobile", "Android", "Edge"),
    (
        f"{PHONE} {WEBKIT} SamsungBrowser/26.0 Chrome/122.0.0.0 Mobile Safari/537.36",
        "mobile",
        "Android",
        "Samsung Internet",
    ),
    ("Mozilla/5.0 (Android 14; Mobile; rv:132.0) Gecko/132.0 Firefox/132.0", "mobile", "Android", "Firefox"),
    ("Mozilla/5.0 (Android 14; Tablet; rv:132.0) Gecko/132.0 Firefox/132.0", "tablet", "Android", "Firefox"),
    (
        f"Mozilla/5.0 (Linux; Android 12; BRAVIA 4K TV) {CHROME} Safari/537.36",
        "tablet",
        "Android",
        "Chrome",
    ),  # the model is dropped, and nothing else says television
    ("Mozilla/5.0 (Web0S; Linux/SmartTV) " + CHROME + " Safari/537.36", None, None, None),
    ("", None, None, None),
    ("nothing known", None, None, None),
]


@pytest.mark.parametrize(("agent", "device", "os", "browser"), BROWSERS)
def test_browsers(agent: str, device: str | None, os: str | None, browser: str | None) -> None:
    facts = describe(agent)
    assert facts == describe(reduce(agent))
    assert (facts.device, facts.client, facts.proxy) == (device, None, None)
    if device is not None:
        assert (facts.os, facts.browser) == (os, browser)


# At least one agent for each row of the rules, with what it must be taken for.
CLIENTS = [
    ("Outlook-iOS/729.2309.prod.iphone (4.2309.1)", "Outlook", "mobile", "iOS"),
    ("Outlook-iOS/729.2309.prod.ipad; iPad (4.2309.1)", "Outlook", "tablet", "iOS"),
    ("Outlook-Android/4.2441.1 (Android 14; SM-S918B)", "Outlook", "mobile", "Android"),
    (
        "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
        "Outlook",
        "desktop",
        "macOS",
    ),
    (
        f"{WINDOWS} {CHROME} Safari/537.36 Edg/131.0.0.0 OneOutlook/1.2024.1009.100",
        "Outlook",
        "desktop",
        "Windows",
    ),
    (
        "Outlook-Express/7.0 (MSIE 7.0; Windows NT 6.1; Trident/5.0)",
        "Windows Live Mail",
        "desktop",
        "Windows",
    ),
    ("Outlook-Express/6.0 (MSIE 6.0; Windows NT 5.1)", "Outlook Express", "desktop", "Windows"),
    ("Windows Live Mail 2012", "Windows Live Mail", "desktop", "Windows"),
    (
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook Mail 16.0.6416; Pro)",
        "Windows Mail",
        "desktop",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Microsoft Outlook/16.40",
        "Outlook",
        "desktop",
        "macOS",
    ),
    (
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17928; Pro)",
        "Outlook",
        "desktop",
        "Windows",
    ),
    (
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; .NET4.0C;"
        " .NET4.0E; ms-office; MSOffice 16)",
        "Outlook",
        "desktop",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Thunderbird/128.4.0 Betterbird/128",
        "Betterbird",
        "desktop",
        "Windows",
    ),
    (
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/20100101 Postbox/7.0.60",
        "Postbox",
        "desktop",
        "macOS",
    ),
    (
        "Mozilla/5.0 (X11; Linux x86_64; rv:38.0) Gecko/20100101 Icedove/38.8.0",
        "Thunderbird",
        "desktop",
        "Linux",
    ),
    (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
        "Thunderbird",
        "desktop",
        "Windows",
    ),
    ("SamsungEmail/6.1.94.1", "Samsung Email", "mobile", "Android"),
    ("Samsung Email 6.1", "Samsung Email", "mobile", "Android"),
    (
        "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)",
        "Yahoo Mail",
        "mobile",
        "Android",
    ),
    ("YahooMobileMail/1.0 (iPhone; iOS 17.5)", "Yahoo Mail", "mobile", "iOS"),
    ("YahooMail/7.2", "Yahoo Mail", None, None),
    ("AOLMail/5.1 (iPhone; iOS 17.5)", "AOL Mail", "mobile", None),
    ("K-9 Mail for Android", "K-9 Mail", "mobile", "Android"),
    ("FairEmail/1.2240", "FairEmail", "mobile", "Android"),
    ("AquaMail/1.54.0", "Aqua Mail", "mobile", "Android"),
    (f"{PHONE} {CHROME} Mobile Safari/537.36 BlueMail/1.9.8", "BlueMail", "mobile", "Android"),
    ("TypeApp/1.9.5", "TypeApp", None, None),
    (f"{IPHONE} {SAFARI} Mobile/15E148 Edison Mail/1.60", "Edison Mail", "mobile", "iOS"),
    (f"{IPHONE} {SAFARI} Mobile/15E148 myMail/14.1", "myMail", "mobile", "iOS"),
    (f"{MAC} {SAFARI} Canary Mail/4.2", "Canary Mail", "desktop", "macOS"),
    (f"{WINDOWS} {WEBKIT} eM Client/10.1.4417.0", "eM Client", "desktop", "Windows"),
    ("Mailbird/3.0.17.0", "Mailbird", "desktop", "Windows"),
    (
        f"{MAC} {WEBKIT} Mailspring/1.14.0 Chrome/120.0.6099.291 Electron/28.2.2 Safari/537.36",
        "Mailspring",
        "desktop",
        "macOS",
    ),
    (
        f"{MAC} {WEBKIT} Superhuman/1010.0.17 Chrome/128.0.6613.84 Electron/32.0.1 Safari/537.36",
        "Superhuman",
        "desktop",
        "macOS",
    ),
    (
        f"{MAC} {WEBKIT} Spark/3.19.2 Chrome/126.0.6478.36 Electron/31.0.0 Safari/537.36",
        "Spark",
        "desktop",
        "macOS",
    ),
    (f"{MAC} {SAFARI} Airmail 5.7", "Airmail", "desktop", "macOS"),
    ("Mimestream/1.4.3", "Mimestream", "desktop", "macOS"),
    ("MailMate/1.14", "MailMate", "desktop", "macOS"),
    (f"{MAC} {WEBKIT} Polymail/2.3.12 Safari/537.36", "Polymail", "desktop", "macOS"),
    (
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " tutanota-desktop/240.1 Chrome/126.0 Safari/537.36",
        "Tuta",
        "desktop",
        "Linux",
    ),
    (f"{WINDOWS} {WEBKIT} ZohoMail-Desktop/1.6.6 Safari/537.36", "Zoho Mail", "desktop", "Windows"),
    (f"{WINDOWS} {WEBKIT} Foxmail/7.2.25", "Foxmail", "desktop", "Windows"),
    (f"{WINDOWS} {WEBKIT} MailMaster/4.17", "NetEase Mail Master", "desktop", "Windows"),
    ("The Bat! 10.5", "The Bat!", "desktop", "Windows"),
    ("PocoMail 4.8", "PocoMail", "desktop", "Windows"),
    (
        "Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 6.1; IncrediMail 2.0)",
        "IncrediMail",
        "desktop",
        "Windows",
    ),
    ("Mozilla/5.0 (Windows NT 6.1; rv:1.8) Gecko/20100101 Eudora/8.0", "Eudora", "desktop", "Windows"),
    ("Mozilla/4.0 (compatible; Lotus-Notes/6.0; Windows-NT)", "Notes", "desktop", "Windows"),
    (
        "Mozilla/5.0 (Windows NT 6.1) Gecko/20100101 Prism/1.0 Zdesktop/7.2.8",
        "Zimbra Desktop",
        "desktop",
        "Windows",
    ),
    ("WindowsMail/17.5.9600.22013", "Windows Mail", "desktop", "Windows"),
    ("Microsoft Office Outlook/16.100.824 (Mac OS/15.6.1; Desktop)", "Outlook", "desktop", "macOS"),
    ("Outlook/16.16 CFNetwork/902.1 Darwin/17.7.0 (x86_64)", "Outlook", None, None),
    ("Mozilla/5.0 (X11; U; Linux i686; rv:1.9) Gecko/2009 Spicebird/0.7.1", "Spicebird", "desktop", "Linux"),
    ("Yahoo%20Mail/49268 CFNetwork/1121.2.2 Darwin/19.3.0", "Yahoo Mail", None, None),
    ("YahooMobile/1.0 (mail; 3.0.5); (Linux; U; Android 4.0.3)", "Yahoo Mail", "mobile", "Android"),
    (
        f"{IPHONE} {SAFARI} Mobile/15E148 YJApp-IOS jp.co.yahoo.ymail/7.4.1",
        "Yahoo! Japan Mail",
        "mobile",
        "iOS",
    ),
    ("com.google.Gmail.AppExtensions/2024 iSL/3.4 iPhone/18.4 (gzip)", "Gmail", "mobile", None),
    ("NaverMailApp/2.2.2 (Android 10; SM-G986N)", "NAVER Mail", "mobile", "Android"),
    (f"{MAC} {SAFARI} Sparrow/1043.1", "Sparrow", "desktop", "macOS"),
    ("MailBar/1.3.2 (Mac OS X Version 10.11.1 (Build 15B42))", "MailBar", "desktop", "macOS"),
    ("BarcaPro/1.4", "Barca", "desktop", "Windows"),
    ("Evolution/3.52.4", "Evolution", "desktop", "Linux"),
    ("Geary/46.0", "Geary", "desktop", "Linux"),
    ("Mozilla/5.0 (X11; Linux x86_64) KMail/5.24", "KMail", "desktop", "Linux"),
    ("Mozilla/5.0 (X11; Linux x86_64) Kontact/5.24", "KMail", "desktop", "Linux"),
    ("Claws Mail/4.3.0 (X11; Linux x86_64)", "Claws Mail", "desktop", "Linux"),
    ("Sylpheed 3.7.0 (Windows NT 10.0)", "Sylpheed", "desktop", "Windows"),
    (f"{MAC} {SAFARI}", "Apple Mail", "desktop", "macOS"),
    (f"{IPHONE} {SAFARI} Mobile/15E148", "Apple Mail", "mobile", "iOS"),
    (f"{IPHONE} {SAFARI} Mobile/21B74", "Apple Mail", "mobile", "iOS"),
    (f"{IPAD} {SAFARI} Mobile/15E148", "Apple Mail", "tablet", "iOS"),
    (f"{WINDOWS} {WEBKIT}", "Outlook", "desktop", "Windows"),
    ("Mail/3774.100.2 CFNetwork/1494.0.7 Darwin/23.4.0 (x86_64)", "Apple Mail", None, None),
]


@pytest.mark.parametrize(("agent", "client", "device", "os"), CLIENTS)
def test_mail_programs_are_known_and_human_on_a_pixel(
    agent: str, client: str, device: str | None, os: str | None
) -> None:
    for form in (agent, reduce(agent)):
        facts = describe(form)
        assert (facts.client, facts.browser, facts.proxy) == (client, None, None)
        if device is not None:
            assert facts.device == device
        if os is not None:
            assert facts.os == os
        verdict = judge_agent(EventKind.OPEN, form)
        assert (verdict.label, verdict.reason) == ("human", "none-against")


def test_every_mail_program_of_the_rules_has_an_agent_above() -> None:
    met = {identify(reduce(agent)) for agent, *_ in CLIENTS}
    assert [row for row in rules().clients if row not in met] == []


@pytest.mark.parametrize(
    ("agent", "client", "provider"),
    [
        ("Mozilla/5.0", "Apple Mail", "Apple"),
        (f"{WINDOWS} {WEBKIT} Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0", "Gmail", "Google"),
        (
            "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
            "Gmail",
            "Google",
        ),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "Yahoo Mail", "Yahoo"),
        ("FastmailUA/1.0", "Fastmail", "Fastmail"),
        ("HEY.com/ImageProxy", "HEY", "HEY"),
        ("Mozilla/5.0 (compatible; SeznamEmailProxy/2.0)", "Seznam Email", "Seznam"),
        ("Shortwave Image Fetcher", "Shortwave", "Shortwave"),
    ],
)
def test_a_proxy_hides_system_browser_and_device(agent: str, client: str, provider: str) -> None:
    assert describe(agent) == AgentFacts(None, None, None, client, provider)
    assert describe(reduce(agent)) == describe(agent)


def test_what_the_rules_look_for_survives_reduction() -> None:
    book = rules()
    signs = [row.sign for row in book.proxies] + [row.sign for row in book.clients]
    for sign in signs + [row.sign for row in book.machines]:
        if isinstance(sign.sought, str):
            assert reduce(sign.sought) == sign.sought.strip()


GOOD = """
version = "1"
exact = []
proxy = []
client = [{ token = "Mail/", name = "Mail" }]
machine = [{ kind = "library", tokens = ["curl/"] }]
network = []
sweep = { distinct_links = 3, within_ms = 10, pair_ms = 1, pixel_ms = 60 }
honeypot = { before_ms = 1, after_ms = 1 }
spread = { messages = 3, within_ms = 1 }
headers = { chromium_fetch = 80 }
thresholds = { scanner = 3, unknown = 2 }
"""
GOOD += "sending = { " + ", ".join(f"{field.name} = 1" for field in fields(Sending)) + " }\n"
GOOD += "points = { " + ", ".join(f"{field.name} = 1" for field in fields(Points)) + " }\n"


@pytest.mark.parametrize(
    ("good", "bad", "message"),
    [
        ("version", "vresion", "r.toml: unknown key 'vresion'"),
        ('version = "1"', "", "r.toml: 'version' must be a str, and is missing"),
        ('"1"', "1", "r.toml: 'version' must be a str, not 1"),
        ("exact = []", "exact =", "r.toml: not valid TOML"),
        ("exact = []", "exact = [1]", "r.toml: exact[1] must be a table, not 1"),
        ("name = ", "nmae = ", "r.toml: client[1]: unknown key 'nmae'"),
        ('name = "Mail"', 'name = "M", device = "watch"', "client[1]: 'device' must be one of"),
        ('token = "Mail/"', 'regex = "("', "client[1]: not a regular expression: '('"),
        ('token = "Mail/", ', "", "client[1]: must have a 'token' or a 'regex'"),
        ("within_ms", "within", "r.toml: sweep: unknown key 'within'"),
        ("library", "libary", "machine[1]: 'kind' must be one of"),
        ('"curl/"', '""', "machine[1]: 'tokens' must hold strings that are not empty"),
        ("scanner = 3", "scanner = 1", "thresholds: 'unknown' must not be above 'scanner'"),
        ("scanner = 3", "scanner = true", "thresholds: 'scanner' must be a int, not True"),
        ("chromium_fetch = 80", "chromium_fetch = -1", "headers: 'chromium_fetch' is out of range: -1"),
        ("soon = 1", "sooon = 1", "points: unknown key 'sooon'"),
        (
            "network = []",
            'network = [{ label = "x", scope = "all", certainty = "sure" }]',
            "network[1]: 'certainty' must be one of",
        ),
    ],
)
def test_a_mistake_in_the_rules_is_named_with_its_path(good: str, bad: str, message: str) -> None:
    assert parse(GOOD, "r.toml").version == "1"
    with pytest.raises(InputError) as caught:
        parse(GOOD.replace(good, bad), "r.toml")
    assert message in str(caught.value)
