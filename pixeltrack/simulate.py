"""A campaign's day, played: people on many mail clients, and the machines that come with mail.

A seeded plan of hits is drawn with the truth beside it; a player makes the hits over real HTTP; and
``expect`` adds the truth up by itself, so that a report can be compared with what really happened.
"""

from __future__ import annotations

import http.client
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from urllib.parse import urlsplit

HitKind = Literal["open", "click", "unsubscribe", "stop"]
Truth = Literal["human", "prefetch", "scanner"]

_MINUTE = 60_000  # ms; hits of one minute are made together, so one person acts once a minute
_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Program:
    """A user agent and what it truly is. ``hidden_by`` names the proxy that hides the rest."""

    agent: str
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    client: str | None = None
    hidden_by: str | None = None


@dataclass(frozen=True, slots=True)
class Persona:
    """How one kind of reader opens and clicks; prefetch is what their mail provider does ahead."""

    weight: int
    opens: Program | None
    clicks: Program
    prefetch: str | None = None


_BLINK = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0"
_WINDOWS = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_BLINK} Safari/537.36"
_ANDROID = f"Mozilla/5.0 (Linux; Android 10; K) {_BLINK} Mobile Safari/537.36"
_IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
_FIREFOX = "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
_THUNDERBIRD = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Thunderbird/128.4.0"
_OUTLOOK = "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; WOW64; Trident/7.0; ms-office; MSOffice 16)"
_GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
_YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
_APPLE_AHEAD = "Mozilla/5.0"
_GMAIL_AHEAD = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
)
_CHECKER = "python-requests/2.32.3"

_CHROME = Program(_WINDOWS, "desktop", "Windows", "Chrome")
_EDGE = Program(f"{_WINDOWS} Edg/131.0.0.0", "desktop", "Windows", "Edge")
_PHONE = Program(_ANDROID, "mobile", "Android", "Chrome")
_SAFARI = Program(f"{_IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "mobile", "iOS", "Safari")
_MAC_SAFARI = Program(f"{_MAC} Version/18.1 Safari/605.1.15", "desktop", "macOS", "Safari")

PERSONAS = (
    Persona(24, Program(_GMAIL, client="Gmail", hidden_by="Gmail"), _PHONE),
    Persona(4, Program(_GMAIL, client="Gmail", hidden_by="Gmail"), _CHROME, _GMAIL_AHEAD),
    Persona(26, None, _SAFARI, _APPLE_AHEAD),  # what Apple fetched ahead is all that is ever seen
    Persona(8, Program(f"{_IPHONE} Mobile/15E148", "mobile", "iOS", None, "Apple Mail"), _SAFARI),
    Persona(6, Program(_MAC, "desktop", "macOS", None, "Apple Mail"), _MAC_SAFARI),
    Persona(12, Program(_OUTLOOK, "desktop", "Windows", None, "Outlook"), _EDGE),
    Persona(6, None, _EDGE),  # Outlook with images blocked: clicks without an open
    Persona(
        4, Program("Outlook-iOS/729.2309.prod.iphone (4.2309.1)", "mobile", "iOS", None, "Outlook"), _SAFARI
    ),
    Persona(4, Program(_THUNDERBIRD, "desktop", "Windows", None, "Thunderbird"), _CHROME),
    Persona(
        3, Program(_FIREFOX, "desktop", "Linux", "Firefox"), Program(_FIREFOX, "desktop", "Linux", "Firefox")
    ),
    Persona(3, Program(_YAHOO, client="Yahoo Mail", hidden_by="Yahoo Mail"), _PHONE),
)


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's message as it lies in the mailbox: the URLs that a program would call."""

    pixel: str
    links: tuple[str, ...]  # wrapped links, in the order of the campaign's link table
    unsubscribe: str
    preferences: str


@dataclass(frozen=True, slots=True)
class Hit:
    """One request of the plan, with the truth about it. ``at`` is milliseconds UTC."""

    at: int
    kind: HitKind
    copy: int  # index of the recipient's copy
    link: int  # index into its links; 0 for anything but a click
    program: Program
    truth: Truth
    method: str = "GET"
    counts: bool = True  # False: the person has stopped tracking before


def draw(copies: int, links: int, start: int, seed: int) -> list[Hit]:
    """Draw a day of hits for some copies, in order of time.

    About half of the people open, one in five of those clicks; one in twenty copies lies behind a
    gateway that loads the pixel and follows every link with an ordinary browser's agent; a few people
    unsubscribe or stop tracking, and are seen to be left alone after that. (Delays: log-normal,
    median 2 h.)
    """
    chance = random.Random(seed)  # noqa: S311 - a simulation
    hits: list[Hit] = []
    for copy in range(copies):
        persona = chance.choices(PERSONAS, [each.weight for each in PERSONAS])[0]
        delivered = start + chance.randrange(10) * _MINUTE
        if persona.prefetch:
            ahead = Program(persona.prefetch)
            hits.append(Hit(delivered + chance.randint(1, 30) * _MINUTE, "open", copy, 0, ahead, "prefetch"))
        if chance.random() < 0.05:
            sweep = delivered + chance.randint(0, 5) * _MINUTE
            hits.append(Hit(sweep, "open", copy, 0, _CHROME, "scanner"))
            hits += [Hit(sweep, "click", copy, link, _CHROME, "scanner") for link in range(links)]
        if chance.random() < 0.02:
            checker = Program(_CHECKER)
            at = delivered + chance.randint(1, 3) * _MINUTE
            hits.append(Hit(at, "click", copy, chance.randrange(links), checker, "scanner", "HEAD"))
        hits += _person(copy, links, persona, delivered, chance)
    return sorted(hits, key=lambda hit: hit.at)


def _person(copy: int, links: int, persona: Persona, delivered: int, chance: random.Random) -> list[Hit]:
    if chance.random() > 0.52:
        return []
    hits: list[Hit] = []
    # never within the minutes of a gateway's sweep: those are delivered + 0 to 5
    at = delivered + (10 + min(round(chance.lognormvariate(4.8, 1.1)), 1_300)) * _MINUTE
    if persona.opens:
        for _again in range(1 + (chance.random() < 0.25)):
            hits.append(Hit(at, "open", copy, 0, persona.opens, "human"))
            at += chance.randint(1, 40) * _MINUTE
    if chance.random() < 0.2:
        for _again in range(1 + (chance.random() < 0.35)):
            hits.append(Hit(at, "click", copy, chance.randrange(links), persona.clicks, "human"))
            at += chance.randint(1, 4) * _MINUTE
    if chance.random() < 0.012:
        hits.append(Hit(at, "unsubscribe", copy, 0, persona.clicks, "human", "POST"))
    elif chance.random() < 0.012:
        hits.append(Hit(at, "stop", copy, 0, persona.clicks, "human", "POST"))
        later = at + 5 * _MINUTE
        hits.append(Hit(later, "open", copy, 0, persona.opens or persona.clicks, "human", counts=False))
        hits.append(Hit(later + _MINUTE, "click", copy, 0, persona.clicks, "human", counts=False))
    return hits


def play(
    hits: Iterable[Hit],
    copies: Sequence[Copy],
    set_clock: Callable[[int], None],
    progress: Callable[[int], None] | None = None,
) -> list[tuple[int, str | None]]:
    """Make every hit over HTTP and return (status, Location) of each, in order.

    The hits of a minute go out together over several connections, as they would from the world;
    set_clock is told each minute before they do.
    """
    answers: list[tuple[int, str | None]] = []
    connections: list[http.client.HTTPConnection] = []
    for minute, group in groupby(hits, key=lambda hit: hit.at):
        set_clock(minute)
        waiting = list(group)
        for start in range(0, len(waiting), _CONNECTIONS):
            batch = waiting[start : start + _CONNECTIONS]
            while len(connections) < len(batch):
                place = urlsplit(copies[0].pixel)
                connections.append(http.client.HTTPConnection(place.netloc, timeout=30))
            for hit, connection in zip(batch, connections, strict=False):
                _send(hit, copies[hit.copy], connection)
            for connection in connections[: len(batch)]:
                answer = connection.getresponse()
                answer.read()
                answers.append((answer.status, answer.getheader("Location")))
        if progress:
            progress(len(answers))
    for connection in connections:
        connection.close()
    return answers


def _send(hit: Hit, copy: Copy, connection: http.client.HTTPConnection) -> None:
    urls = {
        "open": copy.pixel,
        "click": copy.links[hit.link],
        "unsubscribe": copy.unsubscribe,
        "stop": copy.preferences,
    }
    bodies = {"unsubscribe": "List-Unsubscribe=One-Click", "stop": "action=stop"}
    headers = {"User-Agent": hit.program.agent}
    if hit.kind in bodies:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(hit.method, urlsplit(urls[hit.kind]).path, bodies.get(hit.kind), headers)


@dataclass(frozen=True, slots=True)
class Expected:
    """What a truthful report must say of a played plan, by the definitions of its figures."""

    opens: tuple[int, int]  # unique, total
    clicks: tuple[int, int]
    clicked_without_open: int
    machine_opens: tuple[int, int]
    machine_clicks: tuple[int, int]
    unsubscribed: int
    stopped_tracking: int
    links: tuple[tuple[int, int, int], ...]  # people, clicks, machine clicks of each link
    devices: dict[str, int]
    systems: dict[str, int]
    browsers: dict[str, int]
    clients: dict[str, int]
    first: int | None
    last: int | None


def expect(hits: Sequence[Hit], links: int) -> Expected:
    """Add up the truth of a plan."""
    seen = [hit for hit in hits if hit.counts and hit.kind in ("open", "click")]
    people = [hit for hit in seen if hit.truth == "human"]
    opened = {hit.copy for hit in people if hit.kind == "open"}
    clicked = {hit.copy for hit in people if hit.kind == "click"}
    return Expected(
        opens=_tally(people, "open"),
        clicks=_tally(people, "click"),
        clicked_without_open=len(clicked - opened),
        machine_opens=_tally([hit for hit in seen if hit.truth != "human"], "open"),
        machine_clicks=_tally([hit for hit in seen if hit.truth != "human"], "click"),
        unsubscribed=len({hit.copy for hit in hits if hit.kind == "unsubscribe"}),
        stopped_tracking=len({hit.copy for hit in hits if hit.kind == "stop"}),
        links=tuple(_link(seen, link) for link in range(links)),
        devices=_used(people, lambda program: program.device, hidden=True),
        systems=_used(people, lambda program: program.os, hidden=True),
        browsers=_used(people, lambda program: program.browser, hidden=False),
        clients=_used(
            [hit for hit in people if hit.kind == "open"],
            lambda program: program.client or "webmail or browser",
            hidden=False,
        ),
        first=min((hit.at for hit in people), default=None),
        last=max((hit.at for hit in people), default=None),
    )


def _tally(hits: Iterable[Hit], kind: HitKind) -> tuple[int, int]:
    copies = [hit.copy for hit in hits if hit.kind == kind]
    return len(set(copies)), len(copies)


def _link(hits: Sequence[Hit], link: int) -> tuple[int, int, int]:
    of_link = [hit for hit in hits if hit.kind == "click" and hit.link == link]
    people = [hit.copy for hit in of_link if hit.truth == "human"]
    return len(set(people)), len(people), len(of_link) - len(people)


def _used(people: Iterable[Hit], what: Callable[[Program], str | None], *, hidden: bool) -> dict[str, int]:
    """Count people by what they used; where nothing is known, by who hides it."""
    counted: Counter[str] = Counter()
    for _copy, hits in groupby(sorted(people, key=lambda hit: hit.copy), key=lambda hit: hit.copy):
        programs = [hit.program for hit in hits]
        known = {name for program in programs if (name := what(program))}
        veiled = {f"hidden by {program.hidden_by}'s image proxy" for program in programs if program.hidden_by}
        counted.update(known or (veiled if hidden else set()))
    return dict(counted)
