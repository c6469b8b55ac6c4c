"""What one reader does with a mail: looks at it, follows links, comes back, sends it on, opts out."""

from __future__ import annotations

import random
from typing import NamedTuple

from pixeltrack.simulate import programs as p
from pixeltrack.simulate.cast import Member, headers_of_click, headers_of_open
from pixeltrack.simulate.chances import lognormal
from pixeltrack.simulate.hits import HOUR, MINUTE, NAV, SECOND, Hit
from pixeltrack.simulate.mixes import Mix
from pixeltrack.simulate.places import home, machine

_APART = 11 * SECOND  # plain people leave at least so much between two links
_UNHURRIED = 10 * MINUTE  # and do not look earlier than that
_OPTS_OUT = 0.012  # of those who look: unsubscribe; and as many stop tracking


class Reading(NamedTuple):
    """What one reader did: the hits it made, and the truth whether any was seen or not."""

    hits: list[Hit]
    looked: int  # ms UTC when they first looked at it; 0: they did not
    clicked: bool
    sent_on: int  # ms UTC when they sent it to a colleague; 0: they did not
    pasted: int  # ms UTC when they pasted a link of it into a chat; 0: they did not


def reading(
    copy: int, member: Member, delivered: int, links: int, mix: Mix, chance: random.Random
) -> Reading:
    """Draw whether and how a person reads a mail that lies in their mailbox."""
    if chance.random() > mix.reads:
        return Reading([], 0, False, 0, 0)
    looked = delivered + lognormal(chance, mix.read_after, mix.spread)
    if mix.plain:
        looked += _UNHURRIED
    hits: list[Hit] = []
    at = last = looked
    if member.opens is not None:
        while True:
            hits.append(_open(at, copy, member, chance))
            last = at
            if chance.random() > mix.again * member.persona.seldom:
                break
            at += lognormal(chance, 3 * HOUR, 1.5) + SECOND
    clicked = chance.random() < mix.clicks
    if clicked:
        hits += _clicks(copy, member, looked, links, mix, chance)
        last = max(last, hits[-1].at)
    hits += _opt_out(copy, member, last + MINUTE, chance)
    done = max((hit.at for hit in hits), default=looked) if mix.plain else looked
    wait = lognormal(chance, 3 * MINUTE, 0.8)
    sent_on = done + wait if chance.random() < mix.forwards else 0
    pasted = done + MINUTE if chance.random() < mix.shares else 0
    return Reading(hits, looked, clicked, sent_on, pasted)


def _open(at: int, copy: int, member: Member, chance: random.Random) -> Hit:
    assert member.opens is not None
    through = member.persona.through
    return Hit(
        *(at, "open", copy, 0, member.opens, "human"),
        headers=headers_of_open(member.opens),
        place=machine(through, chance) if through else member.reads_at,
    )


def _clicks(copy: int, member: Member, looked: int, links: int, mix: Mix, chance: random.Random) -> list[Hit]:
    """The links that a reader follows: mostly one, sometimes more, sometimes one twice."""
    hits: list[Hit] = []
    actor = f"reader-{member.where}" if member.where else "reader"
    if actor == "reader" and member.opens is None and member.persona.provider != "apple":
        actor = "reader-blocked"
    at = looked + lognormal(chance, mix.click_after, mix.spread)
    while True:
        # readers follow what stands high in the mail more often
        link = min(int(chance.random() ** 1.7 * links), links - 1)
        hits += _click(at, copy, link, member, actor, mix, chance)
        if chance.random() < mix.doubled:
            hits.append(hits[-1]._replace(at=at + chance.randint(150, 1_500)))
        if chance.random() > mix.more_links:
            return hits
        if chance.random() < mix.hasty:
            at += chance.randint(300, 3_000)
            actor = "reader-tabs"
            hits[-1] = hits[-1]._replace(actor=actor)
        else:
            at += lognormal(chance, 25 * SECOND, 1.2) + SECOND + (_APART if mix.plain else 0)


def _click(
    at: int, copy: int, link: int, member: Member, actor: str, mix: Mix, chance: random.Random
) -> list[Hit]:
    program = member.clicks
    hit = Hit(
        *(at, "click", copy, link, program, "human"),
        actor=actor,
        headers=headers_of_click(program),
        place=member.clicks_at,
    )
    if program.browser not in ("Chrome", "Edge") or chance.random() > mix.loads_ahead:
        return [hit]
    ahead = hit._replace(
        at=at - chance.randint(100, 900),
        truth="prefetch",
        actor="browser-ahead",
        purpose="prefetch;prerender",
    )
    return [ahead, hit]


def _opt_out(copy: int, member: Member, at: int, chance: random.Random) -> list[Hit]:
    dice = chance.random()
    place, program = member.clicks_at, member.clicks
    if dice < _OPTS_OUT:
        return [Hit(at, "unsubscribe", copy, 0, program, "human", "POST", headers=NAV, place=place)]
    if dice > 2 * _OPTS_OUT:
        return []
    stop = Hit(at, "stop", copy, 0, program, "human", "POST", headers=NAV, place=place)
    later = at + 5 * MINUTE
    click = Hit(
        *(later + MINUTE, "click", copy, 0, program, "human"),
        counts=False,
        headers=headers_of_click(program),
        place=place,
    )
    opened = member.opens or program
    return [
        stop,
        click._replace(at=later, kind="open", program=opened, headers=headers_of_open(opened)),
        click,
    ]


_COLLEAGUES = (p.CHROME_BEFORE, p.EDGE, p.SAFARI_PHONE, p.FIREFOX_WINDOWS)


def colleague(copy: int, at: int, links: int, mix: Mix, chance: random.Random) -> list[Hit]:
    """What somebody else does with a mail that was sent on to them: a second reader of the same copy.

    Another device at another address; half of them follow a link, as somebody told them to look.
    """
    program = chance.choice(_COLLEAGUES)
    place = home(40_000 + copy % 20_000)
    hits: list[Hit] = []
    looked = at + lognormal(chance, 30 * MINUTE, 1.2)
    if chance.random() < 0.6:
        hits.append(
            Hit(
                *(looked, "open", copy, 0, program, "human"),
                actor="colleague",
                headers=headers_of_open(program),
                place=place,
            )
        )
    if chance.random() < 0.5:
        hits.append(
            Hit(
                *(looked + lognormal(chance, mix.click_after, 1.0), "click", copy),
                *(min(int(chance.random() ** 1.7 * links), links - 1), program, "human"),
                actor="colleague",
                headers=headers_of_click(program),
                place=place,
            )
        )
    return hits
