"""What the rules file says, as frozen values: rows about agents and networks, and the numbers of judging."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Device = Literal["desktop", "mobile", "tablet"]
MachineKind = Literal["gateway", "headless", "library", "preview", "crawler"]
Reach = Literal["all", "clicks"]  # what a row on a network speaks about
Certainty = Literal["certain", "probable", "weak"]


@dataclass(frozen=True, slots=True)
class Exact:
    """A fetch without the person, known by its whole ``agent``, written as the service sends it."""

    agent: str
    reason: str
    client: str
    provider: str


@dataclass(frozen=True, slots=True)
class Sign:
    """What shows a row in an agent: a lower-case piece of text, or a regular expression."""

    sought: str | re.Pattern[str]

    def is_in(self, agent: str, lowered: str) -> bool:
        """Whether it shows, in ``agent`` or in the same ``lowered``; both are given for speed."""
        if isinstance(self.sought, str):
            return self.sought in lowered
        return self.sought.search(agent) is not None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A mail provider that fetches pictures for its readers and hides them."""

    sign: Sign
    client: str
    provider: str


@dataclass(frozen=True, slots=True)
class Client:
    """A mail program; ``os`` and ``device`` where the program alone settles them."""

    sign: Sign
    name: str
    os: str | None
    device: Device | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that fetches without a reader."""

    sign: Sign
    kind: MachineKind


@dataclass(frozen=True, slots=True)
class Network:
    """What a hit from a network is worth.

    certain   a mail filter's machines and nobody else: decides alone
    probable  a mail filter's, but its customers' browsers may be there too: counts soon after sending
    weak      rented machines, where people's desktops run as well: counts a little
    """

    label: str
    scope: Reach
    certainty: Certainty


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many distinct links of one message, in how much time, no person clicks.

    ``pair_ms`` is in how much time two are suspicious; ``pixel_ms`` how far from a swept click the
    machine's own load of the pixel may be.
    """

    distinct_links: int
    within_ms: int
    pair_ms: int
    pixel_ms: int


@dataclass(frozen=True, slots=True)
class Honeypot:
    """How far around a hit on a hidden link the same client's other hits are the machine's."""

    before_ms: int
    after_ms: int


@dataclass(frozen=True, slots=True)
class Sending:
    """Times after the start of sending."""

    open_instant_ms: int
    click_instant_ms: int
    click_soon_ms: int
    proxy_instant_ms: int
    proxy_soon_ms: int
    probable_ms: int  # so long a probable network counts
    late_ms: int  # from then on a single click speaks for a person


@dataclass(frozen=True, slots=True)
class Spread:
    """How many messages one address touches, in how much time, no person does."""

    messages: int
    within_ms: int


@dataclass(frozen=True, slots=True)
class Headers:
    """Chromium says how a page was asked for (Sec-Fetch-Mode) since this version."""

    chromium_fetch: int


@dataclass(frozen=True, slots=True)
class Points:
    """What each sign is worth: above zero against a person, below zero for one."""

    burst: int
    all_links: int
    pair: int
    sweeper_pixel: int
    spread: int
    empty_agent: int
    bare_agent: int
    instant: int
    soon: int
    probable_network: int
    cloud_network: int
    no_language: int
    bare_accept: int
    no_fetch_mode: int
    no_pixel: int
    navigate: int
    single_late: int


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how many points a hit is a scanner's, and from how many nobody can say."""

    scanner: int
    unknown: int


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """The whole file. Rows stand in the order in which they are asked; only the same object is equal."""

    version: str
    exact: tuple[Exact, ...]
    proxies: tuple[Proxy, ...]
    clients: tuple[Client, ...]
    machines: tuple[Machine, ...]
    networks: Mapping[str, Network]
    sweep: Sweep
    honeypot: Honeypot
    sending: Sending
    spread: Spread
    headers: Headers
    points: Points
    thresholds: Thresholds
