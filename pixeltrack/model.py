"""The words that the three jobs share. Values only: no file, no database, no HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal, NamedTuple, get_args

Consent = Literal["granted", "denied", "unknown"]
#: What a copy's pixel, or its links, may tell; the most restrictive first. Their order is stored: only add.
Mode = Literal["off", "aggregate", "company", "hygiene", "pseudonymous", "individual"]
MODES: tuple[Mode, ...] = get_args(Mode)
RANK: dict[Mode, int] = {mode: rank for rank, mode in enumerate(MODES)}
#: What only counts people together, so that no row is kept of any of them.
TOGETHER: frozenset[Mode] = frozenset({"off", "aggregate", "company"})
#: Whose hits are kept one by one.
BY_HIT: frozenset[Mode] = frozenset({"pseudonymous", "individual"})
Axis = Literal["opens", "clicks"]
# Of an opt-out: from the mail, or from being measured, be it at all, in opens or in clicks.
Scope = Literal["all", "tracking", "opens", "clicks"]
CampaignKind = Literal["recipients", "merge", "preview"]
StoredEvent = tuple[int, int, int, int, str, int]  # message, at (ms UTC), kind, link, agent, flags
WeightedHit = tuple[int, int, int, int, str, int, int]  # the same, and how many hits it stands for

# Where a commit of unknown outcome may have left its hits: in the rows of events behind the first number
# and up to the second; or, the first being a mark, as the commit of that mark and number.
Rows = tuple[int, int]

#: How a version of a mail may be called: it becomes a part of file names.
VERSION_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", re.ASCII)


class EventKind(IntEnum):
    """What was asked for. The numbers are stored: never change one."""

    OPEN = 1
    CLICK = 2


class Flag:
    """Bits of an event's ``flags``. The numbers are stored: never change one."""

    HEAD = 1  # the method was HEAD: a machine looked, nobody read
    SPECULATIVE = 2  # a header said that the load was speculative (Sec-Purpose, Purpose, X-Moz)
    PREVIEW = 4  # a preview message: recorded, never counted
    REPEAT = 8  # never stored: the store gives hits back with it that it has not kept one by one
    HEADERS = 16  # the headers below were looked for; the log of a web server does not hold them
    NO_LANGUAGE = 32  # no Accept-Language
    BARE_ACCEPT = 64  # no Accept, or */* alone
    NAVIGATE = 128  # Sec-Fetch-Mode: navigate
    FETCH = 256  # any Sec-Fetch-Mode
    TLS = 512  # it came over HTTPS, as far as we or a trusted proxy know
    GPC = 1024  # Sec-GPC: 1 (Global Privacy Control)
    DNT = 2048  # DNT: 1
    ROUNDED = 4096  # its moment is rounded (privacy.time): what needs seconds says nothing of it
    COUNTED = 8192  # never stored: a hit of many together, of which an hour's counter is all that is kept
    LAST_OPEN = 16_384  # never stored: an open of which the day of the last one is all that is kept
    CALL = 32_768  # never stored: no hit, but what a site tells (``sitecalls``), on the way of hits
    CLASS = 65_536  # times the class of a counted hit's client, the highest bits


SIGNAL = Flag.GPC | Flag.DNT  # the browser says that its user does not want to be followed


class ClientClass(IntEnum):
    """What a counted hit keeps of its client. The numbers are stored: never change one."""

    NOT_TOLD = 0
    PHONE = 1
    TABLET = 2
    COMPUTER = 3
    MACHINE = 4


class Event(NamedTuple):
    """One hit, as narrow as it is stored. ``at`` is milliseconds UTC, ``agent`` a reduced agent.

    ``network`` is the label of the client's network and the date of the list that has it, as
    "google/2026-11-01", behind the country if that is looked up (``netlabel``); empty when nothing is known.
    Where the settings keep something of the client's address, that stands behind it, after a NUL: the store
    takes it off again.
    ``address`` tells apart the clients of one day: a hash keyed with that day's salt, 0 when there is none.
    """

    at: int
    campaign_id: int
    kind: EventKind
    link: int  # 0 for an open
    message: int  # the recipient's pseudonym in this campaign
    agent: str
    flags: int
    network: str = ""
    address: int = 0


EventRow = tuple[int, int, int, int, int, str, int, str, int]  # an Event; a name costs as much as the rest


class Repeat(NamedTuple):
    """Hits of one URL in one hour that look alike and were not kept one by one. Times are ms UTC."""

    message: int
    kind: int
    link: int
    agent: str
    flags: int
    network: str
    hits: int
    first_at: int
    last_at: int


class Recipient(NamedTuple):
    """One person of a list. ``address`` is as given; ``identity`` is what makes it the same person.

    ``opens`` and ``clicks`` are what the list says of their consent to each.
    """

    address: str
    identity: str
    opens: Consent
    clicks: Consent
    fields: Mapping[str, str]
    line: int


class Message(NamedTuple):
    """One recipient's copy as the store knows it.

    ``tracked`` says that hits of it are kept one by one. ``opens`` and ``clicks`` are places in ``MODES``;
    None is individual where it is tracked, and else off.
    """

    pseudonym: int
    identity: str
    fields: Mapping[str, str]
    tracked: bool
    version: int = 0  # of the mail; 0 where it has none
    opens: int | None = None
    clicks: int | None = None


class Crowd(NamedTuple):
    """How many people get copies that are counted together, and what is kept of them all.

    ``number`` is the keyed pseudonym of a company's group, 0 for everybody else.
    """

    number: int
    opens: Mode
    clicks: Mode
    recipients: int
    company: str = ""
    industry: str = ""
    size: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign as stored. Times are milliseconds UTC; ``sent`` is None while nobody has told it."""

    campaign_id: int
    name: str
    code: str
    key_id: int
    kind: CampaignKind
    created: int
    sent: int | None = None
    opens: int = len(MODES) - 1  # at most, as a place in MODES; it never changes
    clicks: int = len(MODES) - 1
    attribute: str = ""  # the parameter that leads from a click to what a site tells; empty: none
    cost: int | None = None  # in ten-thousandths of the currency's unit
    cost_currency: str = ""  # ISO 4217

    @property
    def modes(self) -> tuple[Mode, Mode]:
        """Return what it may measure at most of opens and of clicks."""
        return MODES[self.opens], MODES[self.clicks]

    @property
    def is_rowless(self) -> bool:
        """Whether people are only counted together: then no row is kept of who got its mail."""
        return TOGETHER.issuperset(self.modes)


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One row of a campaign's link table: for ever, because mail in inboxes points at it."""

    number: int
    position: int  # in document order, from 1
    line: int
    text: str  # its label
    url: str
    group: str = ""
    role: Literal["link", "honeypot"] = "link"
    version: int = 0  # of the mail that it stands in; 0 where that has none
    plain: str = ""  # its URL without the tags that we add, where that is another


@dataclass(frozen=True, slots=True)
class Mail:
    """A campaign's mail as it was given, before anything was written into it.

    ``numbers`` says which link of the campaign's table the n-th link of the content is, from 1.
    """

    kind: Literal["html", "text"]
    content: bytes
    charset: str
    numbers: Mapping[int, int]
    added: int  # ms UTC
    preview: bool = False  # of a copy to look at
    version: int = 0  # which of the campaign's versions it is; 0 where that has none


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom a message went to, and whether that copy was tracked."""

    identity: str
    tracked: bool


class LogPosition(NamedTuple):
    """How far a web server's log has been read. A log is known by its first bytes, not by its name."""

    log_id: int  # 0 when nothing of it has been stored
    head_length: int
    reached: int  # bytes read, which end with a line
    tail: bytes  # a keyed hash of the last of them
    lines: int
