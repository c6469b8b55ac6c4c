"""Machines other than gateways: providers that fetch ahead, checkers, libraries, chats, office filters."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from pixeltrack.simulate import programs as p
from pixeltrack.simulate.cast import Member
from pixeltrack.simulate.chances import lognormal, pick
from pixeltrack.simulate.hits import BARE, HOUR, IMG, MINUTE, NAV, NAVS, SECOND, Hit, HitKind, Mailed, Program
from pixeltrack.simulate.mixes import Mix
from pixeltrack.simulate.places import machine


def ahead(mail: Mailed, member: Member, mix: Mix, chance: random.Random) -> Iterator[Hit]:
    """Yield what mail providers fetch without the reader.

    Apple does so for nearly every copy, half of them soon after delivery, half whenever the device
    lies on its charger, and again for one in seven (a second device). Gmail's prefetch comes while its
    reader is signed in. Proxies at delivery: six lags on record are 9 to 26 s.
    """
    copy, handed, delivered = mail
    provider = member.persona.provider
    if provider == "apple" and chance.random() < 0.95:
        for _device in range(1 + (chance.random() < 0.15)):
            soon = chance.random() < 0.5
            wait = lognormal(chance, 90 * SECOND, 1.0) if soon else chance.randint(10 * MINUTE, 20 * HOUR)
            yield _fetch(delivered + wait, copy, p.APPLE_AHEAD, "apple-relay", "apple-ahead", chance)
    elif provider == "gmail":
        if chance.random() < mix.gmail_prefetch:
            wait = lognormal(chance, 5 * MINUTE, 2.0)
            yield _fetch(delivered + wait, copy, p.GMAIL_AHEAD, "google", "gmail-ahead", chance)
        if chance.random() < mix.gmail_delivery:
            wait = lognormal(chance, 12 * SECOND, 0.7)
            yield _fetch(handed + wait, copy, p.GMAIL, "google", "gmail-delivery", chance)
    elif provider == "yahoo" and chance.random() < mix.yahoo_delivery:
        wait = lognormal(chance, 5 * SECOND, 0.7)
        yield _fetch(handed + wait, copy, p.YAHOO, "yahoo", "yahoo-delivery", chance)


def _fetch(at: int, copy: int, program: Program, network: str, actor: str, chance: random.Random) -> Hit:
    place = machine(network, chance)
    return Hit(at, "open", copy, 0, program, "prefetch", actor=actor, headers=BARE, place=place)


_BROWSERS = (p.CHROME, p.CHROME_BEFORE, p.EDGE, p.CHROME_MAC)


def passing(mail: Mailed, links: int, honeypot: bool, mix: Mix, chance: random.Random) -> Iterator[Hit]:
    """Yield what checkers and programs do, each with a few copies and by itself.

    A checker of one link sends a browser's agent from anywhere: with full headers and from an unlisted
    network, nothing tells it from a person in a hurry.
    """
    copy, handed, _delivered = mail

    def hit(
        at: int,
        kind: HitKind,
        program: Program,
        actor: str,
        network: str,
        method: str = "GET",
        full: bool = False,
        link: int | None = None,
    ) -> Hit:
        if link is None:
            link = chance.randrange(links) if kind == "click" else 0
        headers = (NAV if kind == "click" else IMG) if full else BARE
        place = machine(network, chance)
        return Hit(at, kind, copy, link, program, "scanner", method, True, actor, headers, place)

    if chance.random() < mix.single:
        full = chance.random() < 0.5
        network = pick(chance, ((4, ""), (2, "azure"), (2, "aws"), (1, "gcp")))
        link = links if honeypot and chance.random() < 1 / (links + 1) else None
        actor = f"checker-{'full' if full else 'bare'}"
        at = handed + lognormal(chance, 40 * SECOND, 1.2)
        yield hit(at, "click", chance.choice(_BROWSERS), actor, network, full=full, link=link)
    if chance.random() < mix.heads:
        at = handed + lognormal(chance, 60 * SECOND, 1.0)
        yield hit(at, "click", chance.choice(_BROWSERS), "checker-head", "aws", "HEAD")
    if chance.random() < mix.libraries:
        at = handed + lognormal(chance, 3 * MINUTE, 1.5)
        program = chance.choice(p.LIBRARIES)
        yield hit(at, "click", program, "library", pick(chance, ((3, "aws"), (1, ""))))
        if chance.random() < 0.5:
            yield hit(at - SECOND, "open", program, "library", "aws")
    if chance.random() < mix.named:
        at = handed + lognormal(chance, 30 * SECOND, 1.0)
        program = chance.choice(p.NAMED_GATEWAYS)
        yield hit(at, "open", program, "gateway-named", "")
        yield hit(at + 2 * SECOND, "click", program, "gateway-named", "")
    if chance.random() < mix.headless:
        at = handed + lognormal(chance, 5 * MINUTE, 1.5)
        yield hit(at, "click", p.HEADLESS, "headless", "gcp", full=True)


def pasted(at: int, copy: int, links: int, chance: random.Random) -> Iterator[Hit]:
    """Yield what a chat loads when a reader pastes a link of the mail into it."""
    program = chance.choice(p.PREVIEWERS)
    link, place = chance.randrange(links), machine("aws", chance)
    for wait in range(chance.randint(1, 2)):
        yield Hit(
            *(at + wait * 2 * SECOND, "click", copy, link, program, "scanner"),
            actor="preview",
            headers=BARE,
            place=place,
        )


def early(mail: Mailed, links: int, chance: random.Random) -> Iterator[Hit]:
    """Yield what the sending platform follows before the mail leaves, as one of them documents."""
    at = mail.handed - chance.randint(2 * SECOND, 60 * SECOND)
    place = machine("aws", chance)
    for _ in range(chance.randint(1, 2)):
        link = chance.randrange(links)
        yield Hit(
            *(at, "click", mail.copy, link, p.CHROME, "scanner"), actor="platform", headers=NAV, place=place
        )
        at += chance.randint(200, 2_000)


def crowd(mails: Sequence[Mailed], links: int, chance: random.Random) -> Iterator[Hit]:
    """Yield what a filter does that looks at the mail of a whole office in one go: one link of each."""
    began = max(mail.delivered for mail in mails) + lognormal(chance, 3 * MINUTE, 1.0)
    program, headers = chance.choice(_BROWSERS), pick(chance, ((3, NAV), (1, NAVS), (1, BARE)))
    place = machine(pick(chance, ((2, ""), (1, "azure"), (1, "aws"))), chance)
    for mail in mails:
        at = began + chance.randrange(1_800)
        link = chance.randrange(links)
        yield Hit(
            *(at, "click", mail.copy, link, program, "scanner"), actor="crowd", headers=headers, place=place
        )
