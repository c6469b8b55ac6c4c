"""User agents: reduced to what is worth keeping, recognised by the rules, and described.

Pixeltrack stores a user agent in its reduced form alone, which names a program and a system but
hardly tells one reader from another who has the same; one that says no more, it leaves as it is.
Everything here works on that form, and gives the same answer for the raw one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from pixeltrack.bots import is_bot
from pixeltrack.rules import Client, Device, Exact, Machine, Proxy, Sign, rules

_LONGEST = 200
_READ = 1024  # no more of a raw agent is looked at

_NOT_TEXT = re.compile(r"[^ -~]+")
# A number with more than two parts, or with more than eight digits in one. The comma is in Apple's
# model names: iPhone14,5. Bounded and possessive, so that no start costs more than a few steps.
_LONG_NUMBER = re.compile(r"([0-9][0-9]{0,7}+(?:[._][0-9]{1,8}+)?+)(?:[0-9]++|[._,][0-9]++)++")
# Everything in the brackets after the Android version; models may have brackets of their own. Kept
# are the words on the form factor, and the name of a robot that poses as a phone.
_ANDROID = re.compile(r"(Android \d[\d.]*+);([^()]*+(?:\([^()]*+\)[^()]*+)*+)")
_NO_MODEL = re.compile(r"Mobile|Tablet|wv|rv:[\d.]+|[A-Za-z-]*[Bb]ot[A-Za-z-]*(?:/[\d.]+)?")
# Serial numbers and addresses, which some apps and enterprise browsers add: sixteen hexadecimal digits
# and more, UUIDs with their hyphens included.
_NAMED = re.compile(
    r"(?<![0-9A-Za-z])[0-9A-Fa-f][0-9A-Fa-f-]{15,}+(?![0-9A-Za-z])|(?<![\w.+-])[\w.+-]{1,64}+@[\w.-]+"
)
# What tells one device or person from the next: build numbers, installed .NET versions, languages,
# carriers, screens. Each alternative starts with a plain character, and re skips to those.
_TELLTALE = re.compile(
    r" \(Build [^()]*\)"
    r"| Build/[^ ;)]+"
    r"| hw/[^ ;)]+"
    r"|; (?:\.NET|SLCC|InfoPath|Media Center|Tablet PC|Zune)[^;)]*"
    r"|; [a-z][a-z][-_][A-Za-z][A-Za-z](?=[;)])"
    r"|;FB(?:BV|CR|DM|DV|LC|MD|OP|RV|SS)/[^;\]]*"
    r"|\((?:i[A-Z][A-Za-z]+\d+|\d+/\d+|[a-z]+;[A-Z][A-Za-z]+);[^()]*\)"  # Instagram, Yahoo Mail
    r"|/(?<=Mobile/)(?!15E148)\w+"  # since iOS 11.3 it is 15E148 for all
)


def reduce(agent: str) -> str:
    """Return all that pixeltrack stores of a user agent: at most 200 printable ASCII characters.

    Versions keep two numbers, and models, builds and whatever else sets single devices apart are
    dropped; what the rules and ua-parser look at stays. Reducing twice is reducing once.
    """
    text = agent[:_READ]
    if not (text.isascii() and text.isprintable()):
        text = _NOT_TEXT.sub("", text)
    while (shorter := _shorten(text)) != text:
        text = shorter  # again, as a cut can bring two loose ends together
    return text


def _shorten(text: str) -> str:
    text = _LONG_NUMBER.sub(_two_parts, _NAMED.sub(_anonymous, " ".join(text.split())))
    if "Android " in text:
        text = _ANDROID.sub(_without_model, text)
    return _TELLTALE.sub("", text)[:_LONGEST]


def _anonymous(match: re.Match[str]) -> str:
    """A serial number goes; that there was an address stays, for a crawler gives its maker's."""
    return "a@b" if "@" in match[0] else ""


def _two_parts(match: re.Match[str]) -> str:
    return match[1]


def _without_model(match: re.Match[str]) -> str:
    """``Android 14; SM-S918B; wv`` without the model."""
    words = (word.strip() for word in match[2].split(";"))
    return "; ".join((match[1], *filter(_NO_MODEL.fullmatch, words)))


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """What an agent tells of its reader, as far as it can be believed; None is unknown or hidden.

    ``client`` is the mail program, and then there is no browser. Without one the reader used
    webmail or a browser. ``proxy`` is the provider whose machines fetched the picture.
    """

    device: Device | None
    os: str | None
    browser: str | None
    client: str | None
    proxy: str | None

    @property
    def hidden(self) -> str | None:
        """What hides the reader's device, for a report's row; None where nothing does."""
        if self.proxy is None:
            return None
        if self.proxy == "Apple":
            return "hidden by Apple Mail Privacy Protection"
        return f"hidden by {self.client}'s image proxy"


@dataclass(frozen=True, slots=True)
class Listed(Machine):
    """A machine that none of our own rules knows, only the list of ``bots``."""


LISTED = Listed(Sign("the list of bots"), "crawler")
NOT_KEPT = "(other)"  # what the store keeps once it holds too many agents


def identify(agent: str) -> Exact | Proxy | Client | Machine | None:
    """Return the first row of the rules that knows this reduced agent, LISTED, or None.

    The list of bots is asked last: it would take some mail programs for robots.
    """
    known = _exact_agents().get(agent)
    if known is not None:
        return known
    book, lowered = rules(), agent.lower()
    rows: Iterator[Proxy | Client | Machine] = chain(book.proxies, book.clients, book.machines)
    ours = next((row for row in rows if row.sign.is_in(agent, lowered)), None)
    if ours is None and agent and agent != NOT_KEPT and is_bot(agent):
        return LISTED
    return ours


@lru_cache(maxsize=1)
def _exact_agents() -> dict[str, Exact]:
    return {reduce(row.agent): row for row in rules().exact}


@lru_cache(maxsize=16_384)
def describe(agent: str) -> AgentFacts:
    """Return what is known about the reader who sent this agent, raw or reduced.

    A Mac's agent may be an iPad's, and a phone that asks for the desktop page says Linux: both are
    taken at their word.
    """
    agent = reduce(agent)
    row = identify(agent)
    if isinstance(row, Exact | Proxy):
        return AgentFacts(None, None, None, row.client, row.provider)
    if isinstance(row, Machine):  # nobody reads there
        return AgentFacts(None, None, None, None, None)
    if isinstance(row, Client):
        os = row.os or _os(agent)
        return AgentFacts(row.device or _device(agent, os), os, None, row.name, None)
    os = _os(agent)
    return AgentFacts(_device(agent, os), os, _browser(agent), None, None)


_OS_NAMES = {
    "Mac OS X": "macOS",
    "Mac OS": "macOS",
    "iPadOS": "iOS",
    "Chrome OS": "ChromeOS",
    **dict.fromkeys(("Arch Linux", "CentOS", "Debian", "Fedora", "Gentoo", "Kubuntu"), "Linux"),
    **dict.fromkeys(("Linux Mint", "Mandriva", "Red Hat", "Slackware", "SUSE", "Ubuntu"), "Linux"),
}
_BROWSER_NAMES = {
    "Android": "Android Browser",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chrome Mobile WebView": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "IE": "Internet Explorer",
    "IE Large Screen": "Internet Explorer",
    "IE Mobile": "Internet Explorer",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Opera Mobile": "Opera",
}


def _os(agent: str) -> str | None:
    from ua_parser import parse_os  # the only door to ua-parser, here and below; slow to import

    if "(Mac OS/" in agent:  # Microsoft's Office programs
        return "macOS"
    found = parse_os(agent)
    return _OS_NAMES.get(found.family, found.family) if found else None


# Many rules of ua-parser want a third and fourth number in a version. Not in that of the engine:
# a bare engine with four is taken for Apple Mail, whatever the system.
_SHORT_VERSION = re.compile(r"((?:(?<!AppleWebKit)/|Instagram )[0-9]+\.[0-9]+)(?![0-9.])")

# Names that say more than the engine's, which ua-parser misses where the reader has an app or a
# television, where the brackets are gone, or where a browser poses as many.
_OWN_NAMES = (
    (re.compile(r"\b(?:YaBrowser|YaSearchBrowser|YandexSearch)/"), "Yandex Browser"),
    (re.compile(r"\bUCBrowser/"), "UC Browser"),
    (re.compile(r"\bIEMobile/"), "Internet Explorer"),
    (re.compile(r"Android.* OPR/"), "Opera"),
)


def _browser(agent: str) -> str | None:
    from ua_parser import parse_user_agent

    for sign, name in _OWN_NAMES:
        if sign.search(agent):
            return name

    found = parse_user_agent(_SHORT_VERSION.sub(r"\1.0.0", agent))
    if found and found.family == "Android" and " Chrome/" in agent:
        return "Chrome"
    return _BROWSER_NAMES.get(found.family, found.family) if found else None


_TABLET = re.compile(r"iPad|Tablet|/apad\b|PlayBook|Silk/(?!.*Mobile)")
_PHONE = re.compile(r"Mobi|iPhone|iPod|Windows Phone|BlackBerry|Symbian|Opera Mini|MIDP|WPDesktop|Lumia")
_TELEVISION = re.compile(r"TV|BRAVIA|CrKey|Web0S")
_PHONE_SYSTEMS = {"iOS", "Android", "KaiOS", "Firefox OS", "Windows Phone", "Windows Mobile"}
_DESKTOP_SYSTEMS = {"Windows", "macOS", "Linux", "ChromeOS", "FreeBSD", "OpenBSD", "Solaris"}


def _device(agent: str, os: str | None) -> Device | None:
    """The kind of device, from the words in the agent, else from its system.

    A browser on an Android phone says Mobile and one on a tablet does not; apps say nothing, and
    most are on phones.
    """
    if _TELEVISION.search(agent):
        return None
    if _TABLET.search(agent):
        return "tablet"
    if _PHONE.search(agent):
        return "mobile"
    if os == "Android" and agent.startswith("Mozilla/") and "AppleWebKit" in agent:
        return "tablet"
    if os in _PHONE_SYSTEMS:
        return "mobile"
    return "desktop" if os in _DESKTOP_SYSTEMS else None
