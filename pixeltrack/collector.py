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
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from pixeltrack import agents, urls
from pixeltrack.config import Settings
from pixeltrack.errors import PixeltrackError
from pixeltrack.links import location
from pixeltrack.model import Event, EventKind, Flag, Scope
from pixeltrack.pages import Pages
from pixeltrack.recorder import Recorder
from pixeltrack.spool import Spool
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring, Person, Personal, Tracked

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger("pixeltrack.collector")

#: A transparent picture of one pixel (GIF89a).
PIXEL = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
_MAX_BODY = 8_192
_SPECULATIVE = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")

Headers = list[tuple[str, str]]
Answer = tuple[str, Headers, bytes]

_NO_STORE = ("Cache-Control", "no-store, no-cache, must-revalidate, max-age=0, private")
_PIXEL_HEADERS: Headers = [
    ("Content-Type", "image/gif"),
    _NO_STORE,
    ("Pragma", "no-cache"),
    ("Expires", "0"),
    ("X-Content-Type-Options", "nosniff"),
]
_REDIRECT_HEADERS: Headers = [
    _NO_STORE,
    ("Referrer-Policy", "no-referrer"),  # else the token leaks to the destination
    ("X-Robots-Tag", "noindex, nofollow"),
]

_reduce = lru_cache(maxsize=8_192)(agents.reduce)


class _CampaignTable:
    """One campaign's id and where its links go, as the collector keeps them in memory."""

    __slots__ = ("campaign_id", "locations")

    def __init__(self, campaign_id: int, locations: dict[int, str]) -> None:
        self.campaign_id = campaign_id
        self.locations = locations


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
        self._pages = pages
        self._settings = settings
        self._clock = clock
        self._commit_each = commit_each
        self._lock = threading.RLock()
        self._tables: dict[str, _CampaignTable] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._lock:
            status, headers, body = self._answer(environ)
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
            return self._missing()
        acts = route.kind in ("unsubscribe", "preferences")
        if method not in (("GET", "HEAD", "POST") if acts else ("GET", "HEAD")):
            allow = "GET, HEAD, POST" if acts else "GET, HEAD"
            return "405 Method Not Allowed", [("Allow", allow), ("Content-Type", "text/plain")], b""
        if route.kind == "open":
            return self._open(route, environ)
        if route.kind == "click":
            return self._click(route, environ)
        if route.kind == "unsubscribe":
            return self._unsubscribe(route, method)
        if route.kind == "preferences":
            return self._preferences(route, method, environ)
        if route.kind == "privacy":
            return self._privacy()
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
            table = self._table(route.code)
            if table is None:
                reason = "unknown campaign"
            else:
                self._record(table, EventKind.OPEN, 0, tracked, environ)
        extra = [("X-Pixeltrack", f"not counted: {reason}")] if reason else []
        return "200 OK", _PIXEL_HEADERS + extra, PIXEL

    def _click(self, route: urls.Route, environ: WSGIEnvironment) -> Answer:
        tracked = self._keyring.verify_tracking(route.code, route.token)
        table = self._table(route.code, route.link) if tracked else None
        if tracked is None or table is None or route.link not in table.locations:
            return self._missing()
        if tracked.counts:
            self._record(table, EventKind.CLICK, route.link, tracked, environ)
        return "302 Found", [("Location", table.locations[route.link]), *_REDIRECT_HEADERS], b""

    def _unsubscribe(self, route: urls.Route, method: str) -> Answer:
        person = self._keyring.verify_personal("unsubscribe", route.token)
        if person is None:
            return self._missing()
        if method == "POST":
            return self._opt_out(
                person,
                "all",
                "You are unsubscribed",
                "You will not get these mails any more. This takes effect at once.",
            )
        return self._page(
            "unsubscribe.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/u/{route.token}",
            preferences_url=self._personal_path("preferences", person),
        )

    def _preferences(self, route: urls.Route, method: str, environ: WSGIEnvironment) -> Answer:
        person = self._keyring.verify_personal("preferences", route.token)
        if person is None:
            return self._missing()
        if method == "POST":
            if _form(environ).get("action") != ["stop"]:
                return self._done(
                    "Nothing was changed", "This form asks for something unknown.", "400 Bad Request"
                )
            return self._opt_out(
                person,
                "tracking",
                "Tracking is off",
                "You keep getting the mails. Nothing that you open or click in them is recorded any"
                " more, also in mails that you already have.",
            )
        try:
            owner = self._store.owner(person.code, person.pseudonym)
            scopes = self._store.opt_outs_of(self._keyring.subject(owner.identity)) if owner else frozenset()
        except PixeltrackError as error:
            log.error("preferences could not be read: %s", error)
            return self._did_not_work("We could not read your choices just now.")
        off = "tracking" in scopes or (owner is not None and not owner.tracked)
        return self._page(
            "preferences.html",
            sender=self._settings.sender,
            preview=person.kind == "preview",
            action=f"/p/{route.token}",
            tracking="off" if off else "on",
            unsubscribed="all" in scopes,
            unsubscribe_url=self._personal_path("unsubscribe", person),
            privacy_url="/privacy",
        )

    def _opt_out(self, person: Person, scope: Scope, title: str, message: str) -> Answer:
        """Store a refusal and say so only when it is on the disk."""
        if person.kind == "preview":
            return self._done("This was a preview", "Nothing was changed: this mail is a preview.")
        try:
            owner = self._store.owner(person.code, person.pseudonym)
            if owner is None:
                return self._missing()
            subject = self._keyring.subject(owner.identity)
            self._store.opt_out(person.code, person.pseudonym, subject, scope, self._clock())
        except PixeltrackError as error:
            log.error("an opt-out could not be stored: %s", error)
            return self._did_not_work("We could not store your choice just now.")
        return self._done(title, message)

    def _privacy(self) -> Answer:
        settings = self._settings
        return self._page(
            "privacy.html",
            sender=settings.sender,
            controller=settings.controller,
            contact=settings.contact,
            retention_days=settings.events_days,
            consent_required=settings.consent == "required",
        )

    def _health(self) -> Answer:
        headers = [("Content-Type", "application/json"), _NO_STORE]
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
            if name in environ and any(
                word in environ[name].lower() for word in ("prefetch", "prerender", "preview")
            ):
                flags |= Flag.SPECULATIVE
        agent = _reduce(environ.get("HTTP_USER_AGENT", "")[:512])
        self.recorder.add(
            Event(self._clock(), table.campaign_id, kind, link, tracked.pseudonym, agent, flags)
        )

    def _table(self, code: str, link: int = 0) -> _CampaignTable | None:
        """Return a campaign's table, read from the store when it, or the link, is not known yet.

        Only called for tokens that verified, so nobody can make us look up what does not exist.
        """
        table = self._tables.get(code)
        if table is not None and (not link or link in table.locations):
            return table
        try:
            campaign = self._store.campaign_by_code(code)
            if campaign is None:
                return None
            stored = {row.number: location(row.url) for row in self._store.links(campaign.campaign_id)}
        except PixeltrackError as error:
            log.error("cannot read a link table: %s", error)
            return table
        locations = {number: where for number, where in stored.items() if where is not None}
        self._tables[code] = _CampaignTable(campaign.campaign_id, locations)
        return self._tables[code]

    def _personal_path(self, purpose: Personal, person: Person) -> str:
        keys = self._keyring.campaign(person.code)
        pseudonym = person.pseudonym.to_bytes(8, "big", signed=True)
        letter = "u" if purpose == "unsubscribe" else "p"
        return f"/{letter}/{keys.personal_token(purpose, pseudonym, person.kind)}"

    def _page(self, name: str, status: str = "200 OK", **values: Any) -> Answer:
        headers = [
            ("Content-Type", "text/html; charset=utf-8"),
            _NO_STORE,
            ("Content-Security-Policy", self._pages.content_security_policy),
            ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Robots-Tag", "noindex, nofollow"),
        ]
        return status, headers, self._pages.render(name, **values)

    def _done(self, title: str, message: str, status: str = "200 OK") -> Answer:
        return self._page("done.html", status, title=title, message=message)

    def _did_not_work(self, what: str) -> Answer:
        message = f"{what} Please try again in a minute."
        return self._done("This did not work", message, "503 Service Unavailable")

    def _missing(self) -> Answer:
        return self._page("missing.html", "404 Not Found")


def _form(environ: WSGIEnvironment) -> dict[str, list[str]]:
    try:
        length = max(0, min(int(environ.get("CONTENT_LENGTH") or 0), _MAX_BODY))
    except ValueError:
        length = 0
    return parse_qs(environ["wsgi.input"].read(length).decode("latin-1"))


make_app = Collector
