"""The words of the simulator: programs, header sets, places, and a hit with the truth about it.

Nothing here or beside it knows how pixeltrack judges: the truth is what was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

HitKind = Literal["open", "click", "unsubscribe", "stop"]
Truth = Literal["human", "prefetch", "scanner"]

SECOND = 1_000  # ms
MINUTE = 60_000
HOUR = 3_600_000


class Program(NamedTuple):
    """A user agent and what it truly is. ``hidden_by`` names the proxy that hides the rest."""

    agent: str
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    client: str | None = None
    hidden_by: str | None = None


class Headers(NamedTuple):
    """A set of request headers beside the agent, as a kind of program sends them."""

    name: str
    fields: tuple[tuple[str, str], ...]


_LANGUAGE = ("Accept-Language", "en-GB,en;q=0.9")
_HTML = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8")
_PICTURE = ("Accept", "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8")

# A browser that follows a link; Safari's older versions do so without Sec-Fetch; a browser that loads a
# picture; what most other programs send; and nothing at all.
NAV = Headers("NAV", (_HTML, _LANGUAGE, ("Sec-Fetch-Mode", "navigate"), ("Sec-Fetch-User", "?1")))
NAVS = Headers("NAVS", (_HTML, _LANGUAGE))
IMG = Headers("IMG", (_PICTURE, _LANGUAGE))
BARE = Headers("BARE", (("Accept", "*/*"),))
NONE = Headers("NONE", ())


class Place(NamedTuple):
    """Where a request comes from: the list that has its network ("" for none), and the address."""

    network: str
    address: str


class Hit(NamedTuple):
    """One request of the plan, with the truth about it. ``at`` is milliseconds UTC.

    ``actor`` is the kind of actor that made it, finer than ``truth``. ``purpose`` is the value of a
    Sec-Purpose header, empty for none.
    """

    at: int
    kind: HitKind
    copy: int  # index of the recipient's copy
    link: int  # index into its links; 0 for anything but a click, one behind the last for the honeypot
    program: Program
    truth: Truth
    method: str = "GET"
    counts: bool = True  # False: the person has stopped tracking before
    actor: str = "reader"
    headers: Headers = NAV
    place: Place = Place("", "")
    purpose: str = ""


class Mailed(NamedTuple):
    """One copy on its way: when it was handed over and when it arrived (ms UTC)."""

    copy: int
    handed: int
    delivered: int


class Person(NamedTuple):
    """One recipient of the plan, and what they truly did, seen or not."""

    cast: str  # name of their persona
    handed: int  # ms UTC: when their copy was handed to the mail servers
    delivered: int  # ms UTC: when it lay in the mailbox
    company: int  # 0: none
    read: bool
    clicked: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """All that was drawn. Hits are in order of time."""

    hits: tuple[Hit, ...]
    people: tuple[Person, ...]
    links: int
    start: int  # ms UTC: when sending began
    sent: int | None  # the same, where all copies were sent in one go
    seed: int
    mix: str
    honeypot: bool
