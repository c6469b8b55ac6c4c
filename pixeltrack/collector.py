"""The second job: answer pixels, redirects and opt-outs, and record each hit. A WSGI application.

It answers always: the pixel is an image whatever the token says, and a known click redirects even
when recording fails. It redirects only to what the campaign's link table holds. GET changes nothing;
only POST acts. It knows no server: ``make_app`` runs under any WSGI server, and ``serve`` brings one.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from pixeltrack import agents, urls
from pixeltrack.answers import NO_STORE, Answer, Answers, Headers
from pixeltrack.classify import is_speculative
from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.hrefs import location
from pixeltrack.links import fill_in, has_field
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.pages import Pages
from pixeltrack.personal import PersonalPages
from pixeltrack.recorder import Recorder
from pixeltrack.spool import Spool
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Tracked

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger("pixeltrack.collector")

#: A transparent picture of one pixel (GIF89a).
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_SPECULATIVE = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")

_PIXEL_HEADERS: Headers = [
    ("Content-Type", "image/gif"),
    NO_STORE,
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Content-Type-Options", "nosniff"),
]
_REDIRECT_HEADERS: Headers = [
    NO_STORE,
    ("Referrer-Policy", "no-referrer"),  # else the token leaks to the destination
    ("X-Robots-Tag", "noindex, nofollow"),
]

_reduce = lru_cache(maxsize=8_192)(agents.reduce)


class _CampaignTable:
    """One campaign's id and where its links go, as the collector keeps them in memory."""

    __slots__ = ("campaign_id", "locations", "personal")

    def __init__(self, campaign_id: int, locations: dict[int, str | None], personal: dict[int, str]) -> None:
        self.campaign_id = campaign_id
        self.locations = locations  # every link of the table; None where its address cannot be redirected to
        self.personal = personal  # destinations with fields of the recipient in them


class Collector:
    """The WSGI application.

    clock returns milliseconds UTC. With ``commit_each`` (any server with threads) a hit is on the
    disk before its answer is given. Without it the server calls the recorder's ``commit`` before it
    sends the answers of a turn, so that many hits share one commit.
    """

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        pages: Pages,
        settings: Settings,
        clock: Callable[[], int],
        *,
        commit_each: bool = True,
    ) -> None:
        self._store = store
        self.recorder = Recorder(store, Spool(store.path))
        self._keyring = keyring
        self._answers = Answers(pages)
        self._personal = PersonalPages(store, keyring, self._answers, settings, clock)
        self._clock = clock
        self._commit_each = commit_each
        self._lock = threading.RLock()
        self._tables: dict[str, _CampaignTable] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            try:
                status, headers, body = self._answer(environ)
            except Exception:  # a fault of ours is no reason to break a mail
                log.exception("a request could not be answered")
                status, headers, body = self._fallback(environ)
            if self._commit_each:
                self.recorder.commit()
        headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    # -- routes -------------------------------------------------------------------------------------

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method: str = environ["REQUEST_METHOD"]
        route = urls.parse(environ.get("PATH_INFO", ""))
        if route is None:
            return _pixel("unknown token") if _wants_pixel(environ) else self._answers.missing()
        acts = route.kind in ("unsubscribe", "preferences")
        if method not in (("GET", "HEAD", "POST") if acts else ("GET", "HEAD")):
            allow = "GET, HEAD, POST" if acts else "GET, HEAD"
            return "405 Method Not Allowed", [("Allow", allow), ("Content-Type", "text/plain")], b""
        if route.kind == "open":
            return self._open(route, environ)
        if route.kind == "click":
            return self._click(route, environ)
        if route.kind == "unsubscribe":
            return self._personal.unsubscribe(route.token, method)
        if route.kind == "preferences":
            return self._personal.preferences(route.token, method, environ)
        if route.kind == "privacy":
            return self._personal.privacy()
        if route.kind == "robots":
            return "200 OK", [("Content-Type", "text/plain")], b"User-agent: *\nDisallow: /\n"
        return self._health()

    def _open(self, route: urls.Route, environ: WSGIEnvironment) -> Answer:
        reason = None
        tracked = self._keyring.verify_tracking(route.code, route.token)
        if tracked is None:
            reason = "unknown token"
        elif not tracked.counts:
            reason = "merge tag not filled in"
        else:
            reason = self._record_open(route.code, tracked, environ)
        return _pixel(reason)

    def _record_open(self, code: str, tracked: Tracked, environ: WSGIEnvironment) -> str | None:
        try:
            table = self._table(code)
        except PixeltrackError as error:
            log.error("cannot read a campaign: %s", error)
            return "the store cannot be read"
        if table is None:
            return "unknown campaign"
        self._record(table, EventKind.OPEN, 0, tracked, environ)
        return None

    def _click(self, route: urls.Route, environ: WSGIEnvironment) -> Answer:
        tracked = self._keyring.verify_tracking(route.code, route.token, route.link)
        try:
            table = self._table(route.code, route.link) if tracked else None
        except PixeltrackError as error:
            log.error("cannot read a link table: %s", error)
            return self._answers.try_again("We could not look up this link just now.")
        if tracked is None or table is None or route.link not in table.locations:
            return self._answers.missing()
        if route.host and not self._keyring.verify_host(
            route.code, route.link, route.host, route.seal, tracked.key_id
        ):
            return self._answers.missing()
        where = table.locations[route.link]
        if route.link in table.personal:
            try:
                fields = self._store.fields_of(table.campaign_id, tracked.pseudonym)
            except PixeltrackError as error:
                log.error("cannot read a recipient: %s", error)
                return self._answers.try_again("We could not look up this link just now.")
            where = location(fill_in(table.personal[route.link], fields))  # case 37
        if tracked.counts:
            self._record(table, EventKind.CLICK, route.link, tracked, environ)
        if where is None:
            return self._answers.missing()
        return "302 Found", [("Location", where), *_REDIRECT_HEADERS], b""

    def _fallback(self, environ: WSGIEnvironment) -> Answer:
        if _wants_pixel(environ):
            return _pixel("an error")
        return self._answers.try_again("Something went wrong here.")

    def _health(self) -> Answer:
        headers = [("Content-Type", "application/json"), NO_STORE]
        return "200 OK", headers, json.dumps(self.recorder.state()).encode()

    # -- helpers ------------------------------------------------------------------------------------

    def _record(
        self,
        table: _CampaignTable,
        kind: EventKind,
        link: int,
        tracked: Tracked,
        environ: WSGIEnvironment,
    ) -> None:
        flags = 0
        if environ["REQUEST_METHOD"] == "HEAD":
            flags |= Flag.HEAD
        if tracked.kind == "preview":
            flags |= Flag.PREVIEW
        for name in _SPECULATIVE:
            if name in environ and is_speculative(environ[name]):
                flags |= Flag.SPECULATIVE
        agent = _reduce(environ.get("HTTP_USER_AGENT", "")[:512])
        self.recorder.add(
            Event(self._clock(), table.campaign_id, kind, link, tracked.pseudonym, agent, flags)
        )

    def _table(self, code: str, link: int = 0) -> _CampaignTable | None:
        """Return a campaign's table, read from the store when it, or the link, is not known yet.

        Only called for tokens that verified, so nobody can make us look up what does not exist.
        Raises PixeltrackError when the store cannot be read.
        """
        table = self._tables.get(code)
        if table is not None and (
            not link or link in table.locations or not self._store.has_link(table.campaign_id, link)
        ):
            return table
        campaign = self._store.campaign_by_code(code)
        if campaign is None:
            return None
        stored = {row.number: row.url for row in self._store.links(campaign.campaign_id)}
        personal = {number: url for number, url in stored.items() if has_field(url)}
        locations = {number: location(url) for number, url in stored.items()}
        self._tables[code] = _CampaignTable(campaign.campaign_id, locations, personal)
        return self._tables[code]


def _wants_pixel(environ: WSGIEnvironment) -> bool:
    """Whether an image is expected: a mail shows a broken one for anything else, whatever the token."""
    path: str = environ.get("PATH_INFO", "")
    return path.startswith("/o/")


def _pixel(reason: str | None) -> Answer:
    """Return the image; reason is why the hit was not counted, None when it was."""
    extra = [("X-Pixeltrack", f"not counted: {reason}")] if reason else []
    return "200 OK", _PIXEL_HEADERS + extra, PIXEL


make_app = Collector
