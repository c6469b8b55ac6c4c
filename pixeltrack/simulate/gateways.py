"""Security gateways: they look at a mail as a browser does, before or after it is delivered."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from pixeltrack.simulate import programs as p
from pixeltrack.simulate.chances import lognormal, pick, sweep_delay
from pixeltrack.simulate.hits import (
    BARE,
    HOUR,
    IMG,
    MINUTE,
    NAV,
    NAVS,
    SECOND,
    Headers,
    Hit,
    Mailed,
    Place,
    Program,
)
from pixeltrack.simulate.mixes import Mix
from pixeltrack.simulate.places import machine


@dataclass(frozen=True, slots=True)
class Gateway:
    """One company's filter. ``networks`` are where it asks from, "" for machines that no list knows."""

    name: str
    networks: tuple[str, ...]
    programs: tuple[Program, ...]
    headers: tuple[tuple[float, Headers], ...]


_OFFICE = "office"  # it goes out by the same address as the people there
_FULL = ((8, NAV), (1, NAVS), (1, BARE))  # most drive a whole browser
_KINDS: tuple[tuple[float, Gateway], ...] = (
    (34, Gateway("microsoft", ("ms-eop", "ms-eop", "azure"), (p.CHROME, p.EDGE), _FULL)),
    (18, Gateway("cloud", ("aws", "azure", "gcp"), (p.CHROME, p.CHROME_MAC), ((4, NAV), (6, BARE)))),
    (14, Gateway("proofpoint", ("proofpoint",), (p.CHROME, p.CHROME_BEFORE), _FULL)),
    (12, Gateway("mimecast", ("mimecast",), (p.CHROME,), _FULL)),
    (8, Gateway("barracuda", ("barracuda-egd",), (p.CHROME, p.CHROME_BEFORE), _FULL)),
    (4, Gateway("cisco", ("cisco-email",), (p.CHROME, p.FIREFOX_WINDOWS), _FULL)),
    (6, Gateway("unlisted", ("",), (p.CHROME, p.EDGE, p.CHROME_MAC), _FULL)),
    (4, Gateway("appliance", (_OFFICE,), (p.CHROME, p.EDGE), _FULL)),  # in the house
)
ISOLATING = ("proofpoint", "mimecast")  # their makers also sell browsers that run on their side


def choose(chance: random.Random, mix: Mix) -> Gateway:
    """Draw a company's gateway."""
    kind = pick(chance, _KINDS)
    if not mix.plain:
        return kind
    return Gateway(kind.name, kind.networks, kind.programs[:1], kind.headers)


def sweep(
    mail: Mailed,
    gateway: Gateway,
    office: Place,
    links: int,
    honeypot: bool,
    mix: Mix,
    chance: random.Random,
) -> Iterator[Hit]:
    """Yield what a gateway does with one copy, if it looks at it.

    It follows all links (70 %), some (20 %) or one (10 %); within a second (85 %), within ten (10 %) or
    slowly, one link after the other (5 %). In seven of ten cases it has loaded the pixel before, a median
    9 s (published), in one of ten after. Of the pixel's loads one in ten is by another agent.
    """
    if chance.random() > 0.9:
        return
    copy, handed, _delivered = mail
    delay = sweep_delay(chance)
    if mix.plain:
        delay = min(delay, 5 * MINUTE)  # no person looks so early there
    began = handed + delay
    program, headers = chance.choice(gateway.programs), pick(chance, gateway.headers)
    network = chance.choice(gateway.networks)
    place = office if network == _OFFICE else machine(network, chance)
    followed, how = _followed(links, mix, chance)
    hidden = honeypot and how != "one" and chance.random() < 0.6
    pace = 1.0 if mix.plain else pick(chance, ((85, 1.0), (10, 10.0), (5, 0.0)))
    if not pace and len(followed) > 1:
        how = "slow"
    at = began
    for link in [*followed, links] if hidden else followed:
        actor = "gateway-hidden" if link == links else f"gateway-{how}"
        yield Hit(at, "click", copy, link, program, "scanner", actor=actor, headers=headers, place=place)
        if pace:
            at = began + chance.randrange(round(pace * SECOND))
        else:
            at += lognormal(chance, 12 * SECOND, 0.6)
    dice = chance.random()
    if dice < 0.8:
        if dice < 0.7:
            loaded = began - lognormal(chance, 9 * SECOND, 0.8, 25 * SECOND if mix.plain else HOUR)
            loaded = max(loaded, handed + SECOND // 2)
        else:
            loaded = began + lognormal(chance, 4 * SECOND, 0.6, 25 * SECOND)
        other = not mix.plain and chance.random() < 0.1
        yield Hit(
            *(loaded, "open", copy, 0, p.EDGE_BEFORE if other else program, "scanner"),
            actor="gateway-pixel-other" if other else "gateway-pixel",
            headers=IMG if headers is not BARE else BARE,
            place=place,
        )


def checks_after(clicks: Iterable[Hit], gateway: Gateway, mix: Mix, chance: random.Random) -> Iterator[Hit]:
    """Yield what a gateway looks at because a person has just followed it (seen at 12 s: resend-node 901)."""
    for click in clicks:
        if chance.random() < mix.checks_after:
            network = chance.choice(gateway.networks)
            yield click._replace(
                at=click.at + lognormal(chance, 12 * SECOND, 0.6),
                program=p.CHROME_LINUX,
                truth="scanner",
                actor="gateway-after",
                headers=pick(chance, gateway.headers),
                place=machine("aws" if network == _OFFICE else network, chance),
                purpose="",
            )


def _followed(links: int, mix: Mix, chance: random.Random) -> tuple[list[int], str]:
    order = list(range(links))
    how = "all" if mix.plain else pick(chance, ((70, "all"), (20, "some"), (10, "one")))
    if how == "all":
        return order, "all" if links > 1 else "one"
    number = 1 if how == "one" else chance.randint(1, max(1, links - 1))
    return sorted(chance.sample(order, number)), "some" if number > 1 else "one"
