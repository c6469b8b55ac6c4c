"""What is kept of a hit, by the mode that its copy was made in: a row, a place in an hour's count, or a day.

Hits in the collector and in the logs of web servers go the same way through here.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from pixeltrack.agents import reduce
from pixeltrack.consent import narrowed
from pixeltrack.model import BY_HIT, SIGNAL, ClientClass, Event, EventKind, Flag, Mode
from pixeltrack.netlabel import network_of
from pixeltrack.replay import HOUR
from pixeltrack.rules import rules

_DAY = 24 * HOUR
_ROBOT = re.compile(r"bot\b|crawl|spider|curl/|wget|python|go-http|libwww|headless", re.IGNORECASE)
_TABLET = re.compile(r"iPad|Tablet|Silk/|Kindle|PlayBook", re.IGNORECASE)
_PHONE = re.compile(r"iPhone|iPod|Mobile|Windows Phone|BlackBerry|Opera Mini", re.IGNORECASE)
_COMPUTER = re.compile(r"Windows NT|Macintosh|X11|CrOS|Linux x86|Linux i", re.IGNORECASE)


def mode_of_hit(frozen: Mode, kind: EventKind, flags: int, *, refused: bool = False) -> Mode:
    """Return how a hit is measured: at most as its copy was made to be.

    A browser's signal narrows clicks alone: mail programs fetch pictures through others, who pass no
    such wish on.
    """
    return _narrowed(frozen, kind == EventKind.CLICK and flags & SIGNAL != 0, refused)


@cache
def _narrowed(frozen: Mode, signal: bool, refused: bool) -> Mode:
    return narrowed(frozen, refused=refused, signal=signal)


def kept(event: Event, mode: Mode) -> Event | None:
    """Return what goes to the store of a hit that is measured in a mode; None for nothing.

    event is as it came, ``message`` its crowd where it is counted with others. What is only counted keeps
    no address, network or agent, and no time finer than the hour; in hygiene only the day is kept, and
    machines do not make it a later one.
    """
    if mode in BY_HIT or event.flags & Flag.PREVIEW:
        return event
    if mode == "off":
        return None
    client = class_of(event)
    if mode == "hygiene":
        if client == ClientClass.MACHINE or event.kind != EventKind.OPEN:
            return None
        day = event.at // _DAY * _DAY
        return Event(day, event.campaign_id, event.kind, 0, event.message, "", Flag.LAST_OPEN)
    crowd = event.message if mode == "company" else 0
    hour = event.at // HOUR * HOUR
    flags = Flag.COUNTED | client * Flag.CLASS
    return Event(hour, event.campaign_id, event.kind, event.link, crowd, "", flags)


def class_of(event: Event) -> ClientClass:
    """Return the class of a hit's client by its reduced agent, its flags and the label of its network."""
    if event.flags & (Flag.HEAD | Flag.SPECULATIVE):
        return ClientClass.MACHINE
    return _class_of(event.agent, network_of(event.network).partition("/")[0], event.kind)


@lru_cache(maxsize=8_192)
def _class_of(agent: str, network: str, kind: EventKind) -> ClientClass:
    """Our own rules alone are asked here, and not the long list of bots: a hit waits for it."""
    book, lowered = rules(), agent.lower()
    of_network = book.networks.get(network)
    if of_network is not None and (of_network.scope == "all" or kind == EventKind.CLICK):
        return ClientClass.MACHINE
    if not agent or agent in _ahead() or _ROBOT.search(agent):
        return ClientClass.MACHINE
    if any(row.sign.is_in(agent, lowered) for row in book.proxies):
        return ClientClass.NOT_TOLD if kind == EventKind.OPEN else ClientClass.MACHINE
    if any(row.sign.is_in(agent, lowered) for row in book.machines):
        return ClientClass.MACHINE
    if _TABLET.search(agent) or ("Android" in agent and "Mobile" not in agent):
        return ClientClass.TABLET
    if _PHONE.search(agent):
        return ClientClass.PHONE
    return ClientClass.COMPUTER if _COMPUTER.search(agent) else ClientClass.NOT_TOLD


@lru_cache(maxsize=1)
def _ahead() -> frozenset[str]:
    """The agents that load pixels ahead of a reader, or without one."""
    return frozenset(reduce(row.agent) for row in rules().exact)
