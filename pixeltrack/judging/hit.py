"""What one hit shows by itself: in its method, headers, agent and network. Nothing here needs a time.

It is the same for every hit of the same kind, agent, flags and network, so it is found out once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from pixeltrack import agents
from pixeltrack.judging import signs
from pixeltrack.judging.values import Verdict
from pixeltrack.model import EventKind, Flag
from pixeltrack.netlabel import network_of
from pixeltrack.rulebook import Client, Exact, Machine, Proxy, Rules
from pixeltrack.rules import rules as in_force
from pixeltrack.rules import using

OTHER_AGENT = "(other)"  # what the store keeps once it holds too many agents: nothing is known of it

_CHROMIUM = re.compile(r"\bChrom(?:e|ium)/(\d{1,4})")


@dataclass(slots=True)
class Alone:
    """The signs of one sort of hit, and what is still open about it.

    ``late`` are its signs where the time after sending says nothing more. ``code`` names what the rules
    file calls the agent. ``verdicts`` are those already made, by all signs together.
    """

    bits: int
    late: int
    code: str
    proxied: bool  # an image proxy loaded the pixel: the time decides
    probable: bool  # from a network that counts soon after sending
    verdicts: dict[int, Verdict] = field(default_factory=dict)


def look(kind: int, agent: str, flags: int, network: str, book: Rules) -> Alone:
    """Return what a hit of this sort shows by itself. The agent may be raw or reduced."""
    if flags & Flag.PREVIEW:
        return Alone(signs.TEST, signs.TEST, "", False, False)
    agent = agents.reduce(agent)
    row = _identify(agent, book)
    click = kind == EventKind.CLICK
    bits, code, proxied = 0, "", False
    if flags & Flag.HEAD:
        bits |= signs.HEAD
    if flags & Flag.SPECULATIVE:
        bits |= signs.SPECULATIVE
    if isinstance(row, Exact):
        bits |= signs.EXACT_LINK if click else signs.EXACT_PIXEL
        code = row.reason
    elif isinstance(row, Proxy):
        bits |= signs.PROXY_LINK if click else 0
        proxied = not click
    elif isinstance(row, Machine):
        bits |= signs.MACHINE
        code = row.kind
    elif not agent:
        bits |= signs.EMPTY_AGENT
    elif agent == OTHER_AGENT or (row is None and "(" not in agent):
        bits |= signs.BARE_AGENT  # a browser or an app tells its system in brackets
    if click and flags & Flag.HEADERS:
        bits |= _headers(agent, flags, book, browser=row is None and agent.startswith("Mozilla/5.0 ("))
    of_network, probable = _network(network, book, click)
    bits |= of_network
    late = bits | (signs.PROXY_OPEN if proxied else 0)
    if flags & Flag.ROUNDED:  # when it was is not known well enough
        late |= signs.NO_SEND_TIME
    return Alone(bits, late, code, proxied, probable)


def _identify(agent: str, book: Rules) -> Exact | Proxy | Client | Machine | None:
    """Return the first row of these rules that knows an agent, also while others are in force."""
    if book is in_force():
        return agents.identify(agent)
    _forget_agents()
    with using(book):
        found = agents.identify(agent)
    _forget_agents()
    return found


def _forget_agents() -> None:
    """Let ``agents`` forget what it has found out with the rules in force."""
    for value in list(vars(agents).values()):
        forget = getattr(value, "cache_clear", None)
        if forget is not None and getattr(value, "__module__", "") == agents.__name__:
            forget()


def _headers(agent: str, flags: int, book: Rules, *, browser: bool) -> int:
    """The signs in the headers of a click. What browsers always send is missed in a browser alone."""
    bits = signs.NAVIGATE if flags & Flag.NAVIGATE else 0
    if not browser:
        return bits
    if flags & Flag.NO_LANGUAGE:
        bits |= signs.NO_LANGUAGE
    if flags & Flag.BARE_ACCEPT:
        bits |= signs.BARE_ACCEPT
    chromium = _CHROMIUM.search(agent)
    recent = chromium is not None and int(chromium[1]) >= book.headers.chromium_fetch
    if recent and flags & Flag.TLS and not flags & Flag.FETCH:
        bits |= signs.NO_FETCH_MODE
    return bits


def _network(network: str, book: Rules, click: bool) -> tuple[int, bool]:
    row = book.networks.get(network_of(network).partition("/")[0])
    if row is None or (row.scope == "clicks" and not click):
        return 0, False
    if row.certainty == "certain":
        return signs.FILTER_NETWORK, False
    return (signs.CLOUD_NETWORK, False) if row.certainty == "weak" else (0, True)
