"""What kinds of people and machines a mail meets: the shares that the actors are drawn by.

Where a share is published the source stands beside it; all others are judgement, and every one can be
set by hand. docs/simulation.md has the same as a table (a test compares them).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from pixeltrack.errors import InputError
from pixeltrack.simulate.hits import HOUR, MINUTE, SECOND


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares are of recipients unless said otherwise, from 0 to 1. Times are milliseconds."""

    name: str
    about: str
    casts: Mapping[str, float]  # weight of each persona by its name (cast.py)
    links: int  # that such a mail has, where nobody says otherwise
    # people
    reads: float  # who look at the mail at all
    clicks: float  # of those: who follow a link
    read_after: int  # median, from delivery to looking at it
    click_after: int  # median, from looking at it to the first click
    spread: float = 1.2  # sigma of both, log-normal
    more_links: float = 0.3  # of those who clicked: follow another link, and so on
    hasty: float = 0.05  # of further links: within 3 seconds of the one before (opened in tabs)
    doubled: float = 0.03  # of clicks: the same link twice, within a second and a half
    again: float = 0.25  # of those who looked: load the picture again, and so on
    forwards: float = 0.01  # of those who looked: send it on to a colleague, who may look too
    shares: float = 0.004  # of those who looked: paste it into a chat, which looks at it by itself
    loads_ahead: float = 0.01  # of clicks in a browser: it had loaded the link just before
    # offices and their gateways
    offices: float = 0.15  # who read behind one address with their colleagues
    gateways: float = 0.03  # whose mail goes through a gateway that follows links (at most ``offices``)
    checks_after: float = 0.1  # of clicks there: the gateway looks at the same link right after
    isolation: float = 0.1  # of people behind a gateway of that kind: browse from its own network
    remote: float = 0.03  # of people in offices: on a rented machine, as cloud desktops and VPNs are
    relay: float = 0.1  # of people with Safari: browse through Apple's relay
    single: float = 0.01  # a checker that looks at one link, with a browser's agent
    heads: float = 0.005  # a checker that asks by HEAD
    libraries: float = 0.006  # a program library, by its name
    named: float = 0.004  # a gateway that names itself
    headless: float = 0.003
    crowds: float = 0.003  # whose company's filter looks at many colleagues' mail in one go
    early: float = 0.001  # links followed by the sending platform, before the mail leaves
    # providers that fetch ahead
    gmail_prefetch: float = 0.04  # of Gmail's: 1 to 6 % (SparkPost, December 2021)
    gmail_delivery: float = 0.02  # of Gmail's: the proxy, without anybody
    yahoo_delivery: float = 0.03  # of Yahoo's: likewise
    # sending
    a_second: float = 20.0  # copies handed over
    plain: bool = False  # every actor only in the form that shows what it is
    one_by_one: float = 0.0  # hours over which copies are handed over, each for itself; 0: all in one go

    def set(self, name: str, share: float) -> Mix:
        """Return this mix with one share set by hand: of an actor, or of a persona among the people.

        Raises InputError for a name that is neither, and for what is no share.
        """
        if name not in SHARES and name not in CASTS:
            known = ", ".join((*SHARES, *CASTS))
            raise InputError(f"no share is called {name!r}", hint=f"known shares: {known}")
        if not 0 <= share <= 1:
            raise InputError(
                f"the share {name} is {share:g}", hint="a share is a number from 0 to 1, such as 0.3"
            )
        if name in SHARES:
            changed: dict[str, Any] = {name: share}
            mixed = replace(self, **changed)
            return replace(mixed, offices=max(mixed.offices, mixed.gateways))
        others = sum(weight for cast, weight in self.casts.items() if cast != name)
        casts = {cast: weight * (1 - share) / others for cast, weight in self.casts.items()}
        return replace(self, casts=casts | {name: share})


#: The shares that ``set`` knows, by name.
SHARES = tuple(
    each.name
    for each in fields(Mix)
    if each.type == "float" and each.name not in ("spread", "a_second", "one_by_one")
)
_CONSUMERS = {
    "gmail-phone": 24,
    "gmail-desktop": 8,
    "apple-privacy": 30,
    "apple-phone": 6,
    "apple-mac": 3,
    "outlook-com": 6,
    "outlook-blocked": 2,
    "outlook-phone": 3,
    "yahoo": 6,
    "yahoo-app": 2,
    "samsung": 3,
    "webmail": 4,
    "thunderbird": 1,
    "fastmail": 1,
    "proton": 1,
}
_WORKERS = {
    "outlook": 26,
    "outlook-blocked": 22,
    "outlook-com": 14,
    "outlook-phone": 9,
    "outlook-mac": 4,
    "apple-privacy": 8,
    "apple-mac": 3,
    "gmail-desktop": 8,
    "gmail-phone": 4,
    "webmail": 1,
    "thunderbird": 1,
}
_BOTH = {
    name: _CONSUMERS.get(name, 0) + _WORKERS.get(name, 0) for name in dict.fromkeys([*_CONSUMERS, *_WORKERS])
}

CASTS = tuple(_BOTH)

NEWSLETTER = Mix(
    "newsletter",
    "a newsletter to private people",
    _CONSUMERS,
    links=12,
    reads=0.4,
    clicks=0.08,
    read_after=2 * HOUR,
    click_after=25 * SECOND,
)
B2B = Mix(
    "b2b",
    "mail to people at work, nearly half of them behind a gateway",
    _WORKERS,
    links=8,
    reads=0.35,
    clicks=0.1,
    read_after=70 * MINUTE,
    click_after=30 * SECOND,
    forwards=0.04,
    offices=0.9,
    gateways=0.45,
    single=0.04,
    heads=0.02,
    libraries=0.01,
    named=0.01,
    headless=0.008,
    crowds=0.02,
)
MIXED = Mix(
    "mixed",
    "an agency's list of private people and people at work",
    _BOTH,
    links=10,
    reads=0.38,
    clicks=0.11,
    read_after=100 * MINUTE,
    click_after=25 * SECOND,
    forwards=0.02,
    offices=0.45,
    gateways=0.2,
    single=0.02,
    heads=0.01,
    crowds=0.01,
    early=0.002,
)
TRANSACTIONAL = Mix(
    "transactional",
    "receipts and links to sign in, each mail sent for itself and clicked at once",
    _CONSUMERS | {"outlook": 6, "outlook-blocked": 6},
    links=2,
    reads=0.85,
    clicks=0.6,
    read_after=9 * SECOND,
    click_after=5 * SECOND,
    spread=0.9,
    more_links=0.05,
    forwards=0.002,
    shares=0.001,
    offices=0.3,
    gateways=0.1,
    single=0.02,
    crowds=0.0,
    one_by_one=8.0,
)
# Only actors that can be told apart by what they send and when: a report of it must equal the truth.
DEMO = replace(
    NEWSLETTER,
    name="demo",
    about="only people and machines that can be told apart by what they send and when",
    reads=0.52,
    clicks=0.2,
    offices=0.15,
    gateways=0.06,
    single=0.0,
    hasty=0.0,
    crowds=0.0,
    early=0.0,
    gmail_delivery=0.0,
    yahoo_delivery=0.0,
    isolation=0.0,
    checks_after=0.0,
    plain=True,
)
MIXES: dict[str, Mix] = {mix.name: mix for mix in (NEWSLETTER, B2B, MIXED, TRANSACTIONAL, DEMO)}
