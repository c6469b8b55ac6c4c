"""Drawing a plan: who gets the mail, when it arrives, and what people and machines do with it."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from pixeltrack.simulate import gateways, machines, people
from pixeltrack.simulate.cast import Member, cast
from pixeltrack.simulate.chances import lognormal
from pixeltrack.simulate.hits import HOUR, MINUTE, SECOND, Hit, Mailed, Person, Plan
from pixeltrack.simulate.mixes import NEWSLETTER, Mix


def draw(
    copies: int,
    links: int,
    start: int,
    seed: int,
    mix: Mix = NEWSLETTER,
    *,
    days: int = 3,
    honeypot: bool = False,
    progress: Callable[[int], None] | None = None,
) -> Plan:
    """Draw what happens to some copies of a mail with some links within some days.

    start is when sending begins (ms UTC). The same arguments give the same plan; people do the same
    whatever machines are in the mix, as each has a source of chance of their own.
    """
    members = cast(copies, mix, seed)
    mails = _send(copies, start, mix, seed)
    hits: list[Hit] = []
    persons: list[Person] = []
    for mail, member in zip(mails, members, strict=True):
        chance = random.Random(f"{seed} person {mail.copy}")  # noqa: S311 - a simulation
        done = people.reading(mail.copy, member, mail.delivered, links, mix, chance)
        mine = list(done.hits)
        if done.sent_on:
            mine += people.colleague(mail.copy, done.sent_on, links, mix, chance)
        if done.pasted:
            mine += machines.pasted(done.pasted, mail.copy, links, chance)
        chance = random.Random(f"{seed} machines {mail.copy}")  # noqa: S311
        mine += machines.ahead(mail, member, mix, chance)
        mine += machines.passing(mail, links, honeypot, mix, chance)
        if chance.random() < mix.early:
            mine += machines.early(mail, links, chance)
        if member.gateway:
            mine += gateways.sweep(mail, member.gateway, member.office, links, honeypot, mix, chance)
            clicks = [hit for hit in done.hits if hit.kind == "click" and hit.truth == "human"]
            mine += gateways.checks_after(clicks, member.gateway, mix, chance)
        if done.sent_on and not mix.plain and chance.random() < mix.gateways:
            mine += _second_sweep(mail, done.sent_on, member, links, honeypot, mix, chance)
        hits += mine
        persons.append(
            Person(
                *(member.persona.name, mail.handed, mail.delivered, member.company),
                bool(done.looked),
                done.clicked,
            )
        )
        if progress and not len(persons) % 100:
            progress(len(persons))
    hits += _crowds(mails, members, links, mix, seed)
    end = start + days * 24 * HOUR
    hits = sorted((hit for hit in hits if hit.at < end), key=lambda hit: (hit.at, hit.copy, hit.kind))
    sent = None if mix.one_by_one else start
    return Plan(tuple(_after_stops(hits)), tuple(persons), links, start, sent, seed, mix.name, honeypot)


def _second_sweep(
    mail: Mailed, at: int, member: Member, links: int, honeypot: bool, mix: Mix, chance: random.Random
) -> Iterator[Hit]:
    """What the gateway of a colleague does, to whom a mail was sent on (django-anymail, issue 200)."""
    again = Mailed(mail.copy, at, at)
    gateway = gateways.choose(chance, mix)
    return gateways.sweep(again, gateway, member.office, links, honeypot, mix, chance)


def _send(copies: int, start: int, mix: Mix, seed: int) -> list[Mailed]:
    """When each copy is handed over and delivered: a median 4 s later, one in fifty held back for minutes.

    A campaign is handed over in the order of its list; single messages come any time of their hours.
    """
    chance = random.Random(f"{seed} sending")  # noqa: S311
    mails = []
    for copy in range(copies):
        if mix.one_by_one:
            handed = start + round(chance.random() * mix.one_by_one * HOUR)
        else:
            handed = start + round(copy / mix.a_second * SECOND)
        wait = lognormal(chance, 4 * SECOND, 1.0, 10 * MINUTE)
        if chance.random() < 0.02:
            wait += chance.randint(5 * MINUTE, 30 * MINUTE)
        mails.append(Mailed(copy, handed, handed + wait))
    return mails


def _after_stops(hits: list[Hit]) -> Iterator[Hit]:
    """Mark what is not recorded: hits on a copy whose reader has stopped tracking, whoever makes them."""
    stopped: set[int] = set()
    for hit in hits:
        if hit.kind == "stop":
            stopped.add(hit.copy)
        yield hit._replace(counts=False) if hit.copy in stopped and hit.kind in ("open", "click") else hit


def _crowds(mails: Sequence[Mailed], members: Sequence[Member], links: int, mix: Mix, seed: int) -> list[Hit]:
    """The hits of filters that look at a whole office, of so many offices as the mix says."""
    chance = random.Random(f"{seed} crowds")  # noqa: S311
    offices: defaultdict[int, list[Mailed]] = defaultdict(list)
    for mail, member in zip(mails, members, strict=True):
        if member.company:
            offices[member.company].append(mail)
    large = [office for office in offices.values() if len(office) >= 3]
    chance.shuffle(large)
    hits: list[Hit] = []
    reached, wanted = 0, mix.crowds * len(mails)
    for office in large:
        if reached + len(office) / 2 >= wanted:
            break
        hits += machines.crowd(office, links, chance)
        reached += len(office)
    return hits
