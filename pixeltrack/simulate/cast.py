"""Who gets the mail: personas with their programs, and offices with one address and perhaps a gateway."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from pixeltrack.simulate import programs as p
from pixeltrack.simulate.chances import lognormal, pick
from pixeltrack.simulate.gateways import ISOLATING, Gateway, choose
from pixeltrack.simulate.hits import BARE, IMG, NAV, NAVS, Headers, Place, Program
from pixeltrack.simulate.mixes import Mix
from pixeltrack.simulate.places import carrier, home, machine

Provider = Literal["", "apple", "gmail", "yahoo"]
_Choice = tuple[tuple[float, Program], ...]


@dataclass(frozen=True, slots=True)
class Persona:
    """One kind of reader: what loads the picture for them, and what follows links.

    ``opens`` None is a program that never shows the picture. ``through`` is the network of a provider
    that loads it for them; ``provider`` says who fetches ahead of them.
    """

    name: str
    opens: _Choice | None
    clicks: _Choice
    provider: Provider = ""
    through: str = ""
    seldom: float = 1.0  # how much less often than others a picture is loaded again: proxies keep it


_PHONES: _Choice = ((3, p.SAFARI_PHONE), (1, p.SAFARI_PHONE_BEFORE))
_DESKTOPS: _Choice = ((5, p.CHROME), (2, p.CHROME_BEFORE), (3, p.EDGE), (1, p.FIREFOX_WINDOWS))
_OFFICE: _Choice = ((5, p.EDGE), (2, p.EDGE_BEFORE), (5, p.CHROME))
_BROWSERS: _Choice = ((4, p.CHROME), (2, p.CHROME_MAC), (2, p.FIREFOX), (2, p.SAFARI_MAC))

PERSONAS = {
    persona.name: persona
    for persona in (
        Persona(
            "gmail-phone", ((1, p.GMAIL),), ((3, p.ANDROID), (1, p.SAFARI_PHONE)), "gmail", "google", 0.4
        ),
        Persona("gmail-desktop", ((1, p.GMAIL),), _DESKTOPS, "gmail", "google", 0.4),
        # what Apple fetches ahead is all that is ever seen of their opens
        Persona("apple-privacy", None, (*_PHONES, (1, p.SAFARI_PAD), (1, p.SAFARI_MAC)), "apple"),
        Persona("apple-phone", ((1, p.APPLE_PHONE),), _PHONES),
        Persona("apple-mac", ((1, p.APPLE_MAC),), ((3, p.SAFARI_MAC), (1, p.CHROME_MAC))),
        Persona("outlook", ((1, p.OUTLOOK),), _OFFICE),
        Persona("outlook-blocked", None, _OFFICE),  # clicks without an open
        Persona("outlook-com", ((2, p.EDGE), (1, p.CHROME)), ((2, p.EDGE), (1, p.CHROME))),
        Persona("outlook-phone", ((1, p.OUTLOOK_PHONE),), _PHONES),
        Persona("outlook-mac", ((1, p.OUTLOOK_MAC),), ((2, p.SAFARI_MAC), (1, p.CHROME_MAC))),
        Persona("yahoo", ((1, p.YAHOO),), ((1, p.ANDROID), (1, p.CHROME)), "yahoo", "yahoo", 0.4),
        Persona("yahoo-app", ((1, p.YAHOO_PHONE),), ((1, p.ANDROID),)),
        Persona("samsung", ((1, p.SAMSUNG),), ((1, p.ANDROID),)),
        Persona("webmail", _BROWSERS, _BROWSERS),
        Persona("thunderbird", ((1, p.THUNDERBIRD),), ((2, p.CHROME), (2, p.FIREFOX_WINDOWS))),
        Persona("fastmail", ((1, p.FASTMAIL),), _BROWSERS, seldom=0.4),
        Persona("proton", None, ((2, p.FIREFOX), (2, p.CHROME), (1, p.ANDROID))),  # trackers are taken out
    )
}


@dataclass(frozen=True, slots=True)
class Member:
    """One recipient: a persona with its own programs, at its own places."""

    persona: Persona
    opens: Program | None
    clicks: Program
    reads_at: Place
    clicks_at: Place
    office: Place  # their household's or company's address
    company: int  # 0: none
    gateway: Gateway | None
    where: str  # how they browse, where that is not plain: isolated, rented, relay


def headers_of_open(program: Program) -> Headers:
    """What loads a picture sends: a browser and Apple Mail say more than other mail programs."""
    return IMG if program.browser or program.client == "Apple Mail" else BARE


def headers_of_click(program: Program) -> Headers:
    return NAVS if program.browser == "Safari" else NAV


def cast(copies: int, mix: Mix, seed: int) -> list[Member]:
    """Draw who the recipients are. The same seed gives the same people whatever the machines are."""
    offices = _offices(copies, mix, seed)
    weights = [(weight, PERSONAS[name]) for name, weight in mix.casts.items()]
    return [_member(copy, weights, offices[copy], mix, seed) for copy in range(copies)]


def _member(
    copy: int,
    weights: list[tuple[float, Persona]],
    at_work: tuple[int, Gateway | None],
    mix: Mix,
    seed: int,
) -> Member:
    chance = random.Random(f"{seed} cast {copy}")  # noqa: S311 - a simulation
    persona = pick(chance, weights)
    clicks = pick(chance, persona.clicks)
    opens = None
    if persona.opens is not None:
        opens = clicks if clicks in [each for _weight, each in persona.opens] else pick(chance, persona.opens)
    company, gateway = at_work
    office = place = home(_household(company, copy))
    if clicks.device == "mobile" and chance.random() < 0.3:
        place = carrier(chance)
    where, clicks_at = "", place
    dice = chance.random()
    if gateway and gateway.name in ISOLATING and dice < mix.isolation:
        where, clicks_at = "isolated", machine(gateway.networks[0], chance)
    elif company and clicks.os == "Windows" and dice < mix.remote:
        where, clicks_at = "rented", machine(pick(chance, ((3, "azure"), (1, "aws"), (1, "ovh"))), chance)
    elif clicks.browser == "Safari" and dice < mix.relay:
        where, clicks_at = "relay", machine("apple-relay", chance)
    reads_at = place
    if persona.name == "outlook-com" and chance.random() < 0.4:
        reads_at = machine("microsoft", chance)  # Microsoft's own proxy, with the reader's agent
    elif where == "rented":
        reads_at = clicks_at
    return Member(persona, opens, clicks, reads_at, clicks_at, office, company, gateway, where)


def _household(company: int, copy: int) -> int:
    """The number of a household, or of a company's one address."""
    return company if company else 60_000 + copy


def _offices(copies: int, mix: Mix, seed: int) -> list[tuple[int, Gateway | None]]:
    """The company (0: none) and the gateway of every copy.

    Companies have 2 to 60 people on the list (median 6). So many of them have a gateway that the
    share of people behind one is as the mix says.
    """
    chance = random.Random(f"{seed} offices")  # noqa: S311
    at_work = [copy for copy in range(copies) if chance.random() < mix.offices]
    chance.shuffle(at_work)
    gates = random.Random(f"{seed} gateways")  # noqa: S311
    found: list[tuple[int, Gateway | None]] = [(0, None)] * copies
    wanted = mix.gateways * copies
    company = done = guarded = 0
    while done < len(at_work):
        company += 1
        people = at_work[done : done + 1 + lognormal(chance, 5, 0.9, 59)]
        done += len(people)
        # as many of those so far as of all, so that they are not all at the beginning
        gateway = choose(gates, mix) if guarded + len(people) / 2 < wanted * done / len(at_work) else None
        guarded += len(people) if gateway else 0
        for copy in people:
            found[copy] = company, gateway
    return found
