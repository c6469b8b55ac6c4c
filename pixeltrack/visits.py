"""From a click to a site of the sender's: the parameter that says who it was, and who it is on the site.

The parameter is a visit token (``tokens``). It is added to destinations on such sites alone, when the
campaign asks for it; never for somebody who has refused, nor for a browser that asks not to be followed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from urllib.parse import unquote_plus

from pixeltrack.hrefs import host as host_of
from pixeltrack.minting import PSEUDONYM
from pixeltrack.model import BY_HIT, EventKind
from pixeltrack.sitecalls import NOBODY, Visitor
from pixeltrack.store import Site, Store
from pixeltrack.tokens import Keyring, Tracked

_FRESH = 30_000  # ms that what sites there are is not read again


class Visits:
    """What one collector knows of sites and visits. clock returns milliseconds UTC.

    Everything here raises StoreError when the store cannot be read.
    """

    def __init__(self, store: Store, keyring: Keyring, clock: Callable[[], int]) -> None:
        self._store = store
        self._keyring = keyring
        self._clock = clock
        self._sites: dict[str, Site] = {}
        self._read = -_FRESH

    def site(self, host: str) -> Site | None:
        """Return the site of a host."""
        return self._known().get(host)

    def led_on(self, where: str, code: str, campaign_id: int, attribute: str, tracked: Tracked) -> str:
        """Return a destination with the parameter, where it gets one."""
        if not is_on(host_of(where), self._known()) or has_parameter(where, attribute):
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

    def _known(self) -> dict[str, Site]:
        now = self._clock()
        if not 0 <= now - self._read < _FRESH:
            self._sites = {site.host: site for site in self._store.sites()}
            self._read = now
        return self._sites


def is_on(host: str, sites: Collection[str]) -> bool:
    """Return whether a host is one of the sites', or below one."""
    labels = host.split(".")
    return any(".".join(labels[start:]) in sites for start in range(len(labels)))


def with_parameter(address: str, name: str, value: str) -> str:
    """Return an address with one more parameter, at the end of its query and before the fragment."""
    before, hash_, fragment = address.partition("#")
    _path, mark, query = before.partition("?")
    joint = "" if mark and (not query or query.endswith("&")) else "&" if mark else "?"
    return f"{before}{joint}{name}={value}{hash_}{fragment}"


def has_parameter(address: str, name: str) -> bool:
    query = address.partition("#")[0].partition("?")[2]
    return any(unquote_plus(pair.partition("=")[0]) == name for pair in query.split("&"))
