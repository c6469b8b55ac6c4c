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
from functools import partial
from typing import TYPE_CHECKING

from pixeltrack import urls
from pixeltrack.answers import Answer, Answers, Headers, guarded, language_of
from pixeltrack.config import Settings
from pixeltrack.eraser import Eraser
from pixeltrack.errors import PixeltrackError
from pixeltrack.headerfacts import HeaderFacts, Said
from pixeltrack.hrefs import location
from pixeltrack.links import fill_in
from pixeltrack.linktable import LinkTable, is_plain, place_of, template_of
from pixeltrack.metrics import CONTENT_TYPE, Counters
from pixeltrack.model import EventKind
from pixeltrack.moments import STEPS
from pixeltrack.noticepage import NoticePage, register
from pixeltrack.pages import Pages
from pixeltrack.peers import is_local
from pixeltrack.personal import PersonalPages
from pixeltrack.pixel import pixel
from pixeltrack.recorder import Recorder
from pixeltrack.recording import Recording
from pixeltrack.sitehits import OF_SITES, SiteHits
from pixeltrack.spool import Spool
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Tracked

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger("pixeltrack.collector")

REDIRECT_HEADERS: Headers = guarded([("X-Robots-Tag", "noindex, nofollow")])

_ALLOWED = {
    "unsubscribe": ("GET", "HEAD", "POST"),
    "preferences": ("GET", "HEAD", "POST"),
    "call": ("POST",),
}


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
        counters: Counters | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._store = store
        self.counters = counters or Counters()
        self.recorder = recorder or Recorder(store, Spool(store.path, settings.spool_mb << 20), self.counters)
        self._metrics = settings.metrics
        self._proxies = settings.trusted_proxies
        self.keyring = keyring
        self.pages = pages
        self._facts = HeaderFacts.of_settings(settings, store, clock)
        self._step = STEPS[settings.moment]
        self._recording = Recording(store, self.recorder, self.counters, self._facts, clock, self._step)
        self._site = SiteHits(store, keyring, self.recorder, self._facts, clock, self._step)
        self._answers = Answers(pages)
        self._eraser = Eraser(store, settings)
        self._personal = PersonalPages(store, keyring, self._answers, settings, clock, self._eraser)
        self._notice = NoticePage(store, pages, self._answers, settings)
        self._settings = settings
        self._clock = clock
        self._commit_each = commit_each
        self._lock = threading.RLock()
        self._tables: dict[str, LinkTable] = {}
        self._to_load: list[LinkTable] = []

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            try:
                status, headers, body = self._answer(environ)
            except Exception:  # a fault of ours is no reason to break a mail
                log.exception("a request could not be answered")
                status, headers, body = self._fallback(environ)
            self.counters.answered(environ.get("PATH_INFO", ""), status)
            if self._commit_each:
                self.recorder.commit()
        headers = [*guarded(headers), ("Content-Length", str(len(body)))]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def hit(self, code: str, link: int, token: str, agent: str, said: Said, peer: str) -> bytes | None:
        """Record a plain GET that peer has sent; return where it leads, empty for the pixel (link 0).

        None, with nothing done, when it takes more than that: calling the application then answers it.
        """
        table = self._tables.get(code)
        tracked = self.keyring.verify_tracking(code, token, link)
        if table is None or tracked is None or not tracked.counts:
            return None
        where = (None if table.attribute else table.known(link)) if link else b""
        if where is None or not is_plain(where):
            return None
        if not self._recording.plain(table, link, tracked, agent, said, peer):
            return None
        self.counters.answered("/c/" if link else "/o/", "302" if link else "200")
        return where

    def reload(self, keyring: Keyring, pages: Pages) -> None:
        """Go on with these keys and pages, and read link tables and network lists again.

        For ``serve``'s own thread.
        """
        try:
            self._facts.reload()
        except PixeltrackError as error:
            log.error("the network lists stay as they were: %s", error)
        try:
            register(self._store, self._settings, pages, self._clock())
        except PixeltrackError as error:
            log.error("which privacy notice is shown from now on is not recorded: %s", error)
        self.keyring = keyring
        self.pages = pages
        self._answers = Answers(pages)
        self._personal = PersonalPages(
            self._store, keyring, self._answers, self._settings, self._clock, self._eraser
        )
        self._notice = NoticePage(self._store, pages, self._answers, self._settings)
        self._site = SiteHits(self._store, keyring, self.recorder, self._facts, self._clock, self._step)
        for table in self._tables.values():
            table.outdate()
        self._to_load = list(self._tables.values())

    def tend(self) -> None:
        """Do what is due by the clock: the salt of a day that is over is deleted, who asked is erased."""
        self._facts.tend()
        self._eraser.tend()

    def load_ahead(self) -> bool:
        """Read some links ahead of being asked for; return False when there are none to read."""
        while self._to_load:
            try:
                if self._to_load[-1].load_next():
                    return True
            except PixeltrackError as error:
                log.error("cannot read a link table ahead: %s", error)
            self._to_load.pop()
        return False

    # -- routes -------------------------------------------------------------------------------------

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        method: str = environ["REQUEST_METHOD"]
        route = urls.parse(environ.get("PATH_INFO", ""))
        if route is None:
            path: str = environ.get("PATH_INFO", "")
            if path.startswith("/o/"):  # a mail shows a broken image for anything else
                return self._uncounted_pixel("unknown token")
            return (
                self._missing_click("unknown token", environ) if path[:3] == "/c/" else self._missing(environ)
            )
        allowed = _ALLOWED.get(route.kind, ("GET", "HEAD"))
        if method not in allowed:
            allow = ", ".join(allowed)
            return (
                "405 Method Not Allowed",
                [("Allow", allow), ("Content-Type", "text/plain; charset=utf-8")],
                b"",
            )
        if route.kind == "open":
            return self._open(route, environ)
        if route.kind == "click":
            return self._click(route, environ)
        if route.kind == "unsubscribe":
            return self._personal.unsubscribe(route.token, method, environ)
        if route.kind == "preferences":
            return self._personal.preferences(route.token, method, environ)
        if route.kind == "privacy":
            return self._notice.show(environ)
        if route.kind in OF_SITES:
            return self._site.answer(route, environ) or self._missing(environ)
        if route.kind == "robots":
            return "200 OK", [("Content-Type", "text/plain; charset=utf-8")], b"User-agent: *\nDisallow: /\n"
        if route.kind == "metrics":
            return self._show_metrics(environ)
        return self._health()

    def _open(self, route: urls.Route, environ: WSGIEnvironment) -> Answer:
        reason = None
        tracked = self.keyring.verify_tracking(route.code, route.token)
        if tracked is None:
            reason = "unknown token"
        elif not tracked.counts:
            reason = "merge tag not filled in"
        else:
            reason = self._record_open(route.code, tracked, environ)
        return self._uncounted_pixel(reason) if reason else pixel()

    def _uncounted_pixel(self, reason: str) -> Answer:
        self.counters.not_counted(EventKind.OPEN, reason)
        return pixel(reason)

    def _record_open(self, code: str, tracked: Tracked, environ: WSGIEnvironment) -> str | None:
        try:
            table = self._table(code)
        except PixeltrackError as error:
            self._recording.say("a campaign", error)
            return "the store cannot be read"
        if table is None:
            return "unknown campaign"
        self._recording.request(table, EventKind.OPEN, 0, tracked, environ)
        return None

    def _click(self, route: urls.Route, environ: WSGIEnvironment) -> Answer:
        tracked = self.keyring.verify_tracking(route.code, route.token, route.link)
        if tracked is None:
            return self._missing_click("unknown token", environ)
        try:
            table = self._table(route.code)
            entry = self._entry(table, route.link) if table else None
        except PixeltrackError as error:
            return self._unread_click("a link table", error, environ)
        if table is None or entry is None:
            return self._missing_click("unknown link" if table else "unknown campaign", environ)
        if route.host and not self.keyring.verify_host(
            route.code, route.link, route.host, route.seal, tracked.key_id
        ):
            return self._missing_click("unknown token", environ)
        entry = self._recording.without_tags(table, route.link, environ) or entry
        template = template_of(entry)
        if template is None:
            where = place_of(entry)
        else:
            try:
                fields = self._store.fields_of(table.campaign_id, tracked.pseudonym)
            except PixeltrackError as error:
                return self._unread_click("a recipient", error, environ)
            where = location(fill_in(template, fields))  # case 37
        if where and table.attribute and tracked.counts:
            where = self._site.led_on(where, route.code, table, tracked, environ)
        if tracked.counts:
            self._recording.request(table, EventKind.CLICK, route.link, tracked, environ)
        else:
            self.counters.not_counted(EventKind.CLICK, "merge tag not filled in")
        if where is None:
            return self._missing(environ)
        return "302 Found", [("Location", where), *REDIRECT_HEADERS], b""

    def _missing(self, environ: WSGIEnvironment) -> Answer:
        return self._answers.missing(language_of(environ, self._settings.language))

    def _missing_click(self, reason: str, environ: WSGIEnvironment) -> Answer:
        self.counters.not_counted(EventKind.CLICK, reason)
        return self._missing(environ)

    def _unread_click(self, what: str, error: PixeltrackError, environ: WSGIEnvironment) -> Answer:
        self._recording.say(what, error)
        self.counters.not_counted(EventKind.CLICK, "the store cannot be read")
        return self._answers.try_again("failed_link", language_of(environ, self._settings.language))

    def _fallback(self, environ: WSGIEnvironment) -> Answer:
        if environ.get("PATH_INFO", "").startswith("/o/"):
            return self._uncounted_pixel("an error")
        return self._answers.try_again("failed_here", language_of(environ, self._settings.language))

    def _health(self) -> Answer:
        state = self.recorder.state()
        status = "503 Service Unavailable" if state["status"] == "unsafe" else "200 OK"
        return status, [("Content-Type", "application/json")], json.dumps(state).encode()

    def _show_metrics(self, environ: WSGIEnvironment) -> Answer:
        if self._metrics == "off" or (self._metrics == "local" and not is_local(environ, self._proxies)):
            return self._missing(environ)
        return "200 OK", [("Content-Type", CONTENT_TYPE)], self.counters.exposition()

    # -- helpers ------------------------------------------------------------------------------------

    def _table(self, code: str) -> LinkTable | None:
        """Return a campaign's table, looked up in the store when it is not known yet.

        Only called for tokens that verified, so nobody can make us look up what does not exist.
        Raises PixeltrackError when the store cannot be read.
        """
        table = self._tables.get(code)
        if table is not None:
            return table
        campaign = self._store.campaign_by_code(code)
        if campaign is None:
            return None
        number, store = campaign.campaign_id, self._store
        destinations = partial(store.destinations, number)
        table = LinkTable(number, store.last_link(number), destinations, campaign.attribute)
        table.load_next()
        self._tables[code] = table
        self._to_load.append(table)
        return table

    def _entry(self, table: LinkTable, link: int) -> bytes | None:
        """Return an entry of a table, also of a link that was injected after its piece was read.

        A number that is no link costs a look-up by key, and nothing is read again.
        """
        entry = table.get(link)
        if entry is None and self._store.has_link(table.campaign_id, link):
            return table.read_again(link)
        return entry


make_app = Collector
