"""From a click to a site of the sender's: the parameter that says who it was, and who it is on the site.

The parameter is a visit token (``tokens``). It is added to destinations on such sites alone, when the
campaign asks for it; never for somebody who has refused, nor for a browser that asks not to be followed;
and never to an address that is read on the way there: https, or this very machine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import unquote_plus

from pixeltrack.hrefs import host as host_of
from pixeltrack.minting import PSEUDONYM
from pixeltrack.model import BY_HIT, EventKind, Mode
from pixeltrack.sitecalls import NOBODY, Visitor
from pixeltrack.store import Goal, Site, Store
from pixeltrack.tokens import Keyring, Tracked

_FRESH = 30_000  # ms that what sites there are is not read again
_AT_ONCE = 1_000  # where something is asked for that was not there
_MODES: frozenset[Mode] = BY_HIT | {"company", "aggregate"}  # in which a click can lead to an order


class Visits:
    """What one collector knows of sites and visits. clock returns milliseconds UTC.

    Everything here raises StoreError when the store cannot be read.
    """

    def __init__(self, store: Store, keyring: Keyring, clock: Callable[[], int]) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._sites: dict[str, Site] = {}
        self._goals: dict[str, Goal] = {}
        self._read: int | None = None

    def site(self, host: str, most: int = _FRESH) -> Site | None:
        """Return the site of a host, as it was at most so many ms ago."""
        self._renew(most)
        if host not in self._sites:
            self._renew(_AT_ONCE)
        return self._sites.get(host)

    def goal(self, name: str) -> Goal | None:
        """Return a goal by its name."""
        self._renew(_FRESH)
        if name not in self._goals:
            self._renew(_AT_ONCE)
        return self._goals.get(name)

    def led_on(self, where: str, code: str, campaign_id: int, attribute: str, tracked: Tracked) -> str:
        """Return a destination with the parameter, where it gets one."""
        host = host_of(where)
        self._renew(_FRESH)
        if tracked.mode not in _MODES and tracked.kind != "preview":
            return where
        if not is_on(host, self._sites) or not is_private(where, host) or has_parameter(where, attribute):
            return where
        if tracked.mode in BY_HIT and self._store.is_silenced(
            campaign_id, tracked.pseudonym, EventKind.CLICK
        ):
            return where
        keys = self._keyring.campaign(code, tracked.key_id)
        kind = "message" if tracked.kind == "merge" else tracked.kind
        pseudonym = tracked.pseudonym.to_bytes(PSEUDONYM, "big", signed=True)
        return with_parameter(where, attribute, keys.visit_token(kind, pseudonym))

    def visitor(self, token: str) -> Visitor | None:
        """Return whom a visit token names: nobody where it is none; None where a hit is not to be counted."""
        visit = self._keyring.verify_visit(token) if token else None
        if visit is None:
            return NOBODY
        if visit.tracked.kind == "preview":
            return None
        campaign = self._store.campaign_by_code(visit.code)
        if campaign is None:
            return NOBODY
        return Visitor(campaign.campaign_id, visit.tracked.pseudonym, visit.tracked.mode)

    def _renew(self, most: int) -> None:
        """Read again what is older than so many ms."""
        now = self._clock()
        if self._read is None or not 0 <= now - self._read < most:
            self._sites = {site.host: site for site in self._store.sites()}
            self._goals = {goal.name: goal for goal in self._store.goals()}
            self._read = now


def is_on(host: str, sites: Collection[str]) -> bool:
    """Return whether a host is one of the sites', or below one."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in sites for start in range(len(labels)))


def is_private(address: str, host: str) -> bool:
    """Return whether nobody on the way reads an address: it is https, or of this machine."""
    return address[:6].lower() == "https:" or host in ("localhost", "127.0.0.1", "[::1]")


def with_parameter(address: str, name: str, value: str) -> str:
    """Return an address with one more parameter, at the end of its query and before the fragment."""
    before, hash_, fragment = address.partition("#")
    _path, mark, query = before.partition("?")
    joint = "" if mark and (not query or query.endswith("&")) else "&" if mark else "?"
    return f"{before}{joint}{name}={value}{hash_}{fragment}"


def has_parameter(address: str, name: str) -> bool:
    query = address.partition("#")[0].partition("?")[2]
    return any(unquote_plus(pair.partition("=")[0]) == name for pair in query.split("&"))
