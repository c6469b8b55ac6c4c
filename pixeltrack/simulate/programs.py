"""User agents as programs really send them, each with what it truly is."""

from __future__ import annotations

from pixeltrack.simulate.hits import Program

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MACINTOSH = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome"
_WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"


def _chrome(system: str, version: int, more: str = "") -> str:
    return f"{system} {_BLINK}/{version}.0.0.0 Safari/537.36{more}"


CHROME = Program(_chrome(_WINDOWS, 131), "desktop", "Windows", "Chrome")
CHROME_BEFORE = Program(_chrome(_WINDOWS, 129), "desktop", "Windows", "Chrome")
CHROME_LINUX = Program(_chrome("Mozilla/5.0 (X11; Linux x86_64)", 130), "desktop", "Linux", "Chrome")
CHROME_MAC = Program(_chrome(_MACINTOSH, 131), "desktop", "macOS", "Chrome")
EDGE = Program(_chrome(_WINDOWS, 131, " Edg/131.0.0.0"), "desktop", "Windows", "Edge")
EDGE_BEFORE = Program(_chrome(_WINDOWS, 130, " Edg/130.0.0.0"), "desktop", "Windows", "Edge")
FIREFOX = Program(
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
    *("desktop", "Linux", "Firefox"),
)
FIREFOX_WINDOWS = Program(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0",
    *("desktop", "Windows", "Firefox"),
)
ANDROID = Program(
    f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK}/131.0.0.0 Mobile Safari/537.36",
    *("mobile", "Android", "Chrome"),
)
SAFARI_MAC = Program(f"{_MACINTOSH} {_WEBKIT} Version/18.1 Safari/605.1.15", "desktop", "macOS", "Safari")


def _apple(device: str, system: str, more: str) -> str:
    return f"Mozilla/5.0 ({device}; CPU {system} like Mac OS X) {_WEBKIT} {more}"


_SAFARI_END = "Mobile/15E148 Safari/604.1"
SAFARI_PHONE = Program(
    _apple("iPhone", "iPhone OS 18_1", f"Version/18.1 {_SAFARI_END}"), "mobile", "iOS", "Safari"
)
SAFARI_PHONE_BEFORE = Program(
    _apple("iPhone", "iPhone OS 17_6", f"Version/17.6 {_SAFARI_END}"), "mobile", "iOS", "Safari"
)
SAFARI_PAD = Program(_apple("iPad", "OS 17_6", f"Version/17.6 {_SAFARI_END}"), "tablet", "iOS", "Safari")

# Mail programs, which load the picture themselves.
APPLE_PHONE = Program(
    _apple("iPhone", "iPhone OS 18_1", "Mobile/15E148"), "mobile", "iOS", None, "Apple Mail"
)
APPLE_MAC = Program(f"{_MACINTOSH} {_WEBKIT}", "desktop", "macOS", None, "Apple Mail")
OUTLOOK = Program(
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; ms-office; MSOffice 16)",
    *("desktop", "Windows", None, "Outlook"),
)
OUTLOOK_PHONE = Program("Outlook-iOS/729.2309.prod.iphone (4.2309.1)", "mobile", "iOS", None, "Outlook")
OUTLOOK_MAC = Program(
    "MacOutlook/16.89.24090815 (Intelx64 Mac OS X Version 14.6.1 (Build 23G93))",
    *("desktop", "macOS", None, "Outlook"),
)
THUNDERBIRD = Program(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0",
    *("desktop", "Windows", None, "Thunderbird"),
)
SAMSUNG = Program("SamsungEmail/6.1.94.1", "mobile", "Android", None, "Samsung Email")
YAHOO_PHONE = Program(
    "YahooMobileMail/1.0 (Android Mail; 6.1) (sam;Samsung;SM-G991B;14/UP1A)",
    *("mobile", "Android", None, "Yahoo Mail"),
)

# Providers that fetch pictures for their readers, or ahead of them.
GMAIL = Program(
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    client="Gmail",
    hidden_by="Gmail",
)
YAHOO = Program(
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    client="Yahoo Mail",
    hidden_by="Yahoo Mail",
)
FASTMAIL = Program("FastmailUA/1.0", client="Fastmail", hidden_by="Fastmail")
APPLE_AHEAD = Program("Mozilla/5.0")
GMAIL_AHEAD = Program(_chrome(_WINDOWS, 42).replace("42.0.0.0", "42.0.2311.135") + " Edge/12.246 Mozilla/5.0")

# Programs without a reader that say so.
HEADLESS = Program(
    f"Mozilla/5.0 (X11; Linux x86_64) {_BLINK.replace('Chrome', 'HeadlessChrome')}/120.0.0.0 Safari/537.36"
)
LIBRARIES = tuple(
    map(
        Program, ("python-requests/2.32.3", "Go-http-client/2.0", "curl/8.9.1", "axios/1.7.7", "Java/17.0.12")
    )
)
NAMED_GATEWAYS = tuple(
    map(Program, ("Barracuda Sentinel (EE)", f"{_WINDOWS} Mimecast/1.0", "Cisco Secure Email", "SCMGUARD"))
)
PREVIEWERS = tuple(
    map(
        Program,
        (
            "Slack-ImgProxy (+https://api.slack.com/robots)",
            "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
            "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
            "WhatsApp/2.23.20.0",
            "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com",
        ),
    )
)
