"""What sites ask the collector for: pixels of pages and of goals, the script, and signed calls of servers.

A pixel proves nothing: what it says of an order is kept as unverified, and a page of another site is not
heard. A server's call is signed with the site's key (``signing``); only such a one may take something back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pixeltrack import agents, signing, siteasks, sitesaid
from pixeltrack.answers import Answer
from pixeltrack.classify import is_speculative
from pixeltrack.errors import InputError, StoreError
from pixeltrack.headerfacts import HeaderFacts, signalled
from pixeltrack.linktable import LinkTable
from pixeltrack.measured import class_of
from pixeltrack.model import SIGNAL, Event, EventKind, Flag
from pixeltrack.pixel import pixel
from pixeltrack.recorder import Recorder
from pixeltrack.siteasks import Asked
from pixeltrack.sitecalls import (
    NOBODY,
    Call,
    Conversion,
    Signal,
    Source,
    View,
    Visitor,
    drawn,
    is_by_person,
    travelling,
)
from pixeltrack.snippets import script_text
from pixeltrack.store import Goal, Site, Store
from pixeltrack.tokens import Keyring, Tracked
from pixeltrack.urls import Route
from pixeltrack.visits import Visits

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

log = logging.getLogger("pixeltrack.collector")

#: The kinds of routes that are answered here.
OF_SITES = frozenset({"page", "script", "goal", "call"})
_SCRIPT_HEADERS = [
    ("Content-Type", "text/javascript; charset=utf-8"),
    ("Cache-Control", "public, max-age=3600"),
]
_SPECULATIVE = ("HTTP_SEC_PURPOSE", "HTTP_PURPOSE", "HTTP_X_PURPOSE", "HTTP_X_MOZ")
_RENEWED = 30_000  # ms that what campaigns ask for is not read again


class SiteHits:
    """Answers sites, for one collector. clock returns milliseconds UTC; step rounds moments (ms)."""

    def __init__(
        self,
        store: Store,
        keyring: Keyring,
        recorder: Recorder,
        facts: HeaderFacts,
        clock: Callable[[], int],
        step: int,
    ) -> None:
        self._store = store
        self._keyring = keyring
        self._recorder = recorder
        self._facts = facts
        self._clock = clock
        self._step = step or 1
        self._visits = Visits(store, keyring, clock)
        self._renewed: int | None = None

    def answer(self, route: Route, environ: WSGIEnvironment) -> Answer | None:
        """Answer a request of one of ``OF_SITES``; None for a script of a site that nobody has told of."""
        try:
            if route.kind == "script":
                site = self._visits.site(route.host)
                return None if site is None else ("200 OK", _SCRIPT_HEADERS, script_text())
            if route.kind == "call":
                return self._server(route.token, environ)
            if route.kind == "page":
                return pixel(self._page(route.host, environ))
            return pixel(self._goal(route.token, environ))
        except StoreError as error:
            log.error("a site's call could not be looked up: %s", error)
            if route.kind in ("call", "script"):
                return _says("503 Service Unavailable", error="try again in a minute")
            return pixel("the store cannot be read")

    def renew(self, tables: Mapping[str, LinkTable]) -> None:
        """Let campaigns' tables have the parameters that are asked for now, every half a minute."""
        now = self._clock()
        if self._renewed is not None and 0 <= now - self._renewed < _RENEWED:
            return
        self._renewed = now
        try:
            attributes = self._store.attributes()
        except StoreError as error:
            log.error("the parameters of campaigns stay as they were: %s", error)
            return
        for table in tables.values():
            table.attribute = attributes.get(table.campaign_id, "")

    def led_on(
        self, where: str, code: str, table: LinkTable, tracked: Tracked, environ: WSGIEnvironment
    ) -> str:
        """Return a destination with the parameter that says who it is, where it gets one."""
        if signalled(environ):
            return where
        try:
            return self._visits.led_on(where, code, table.campaign_id, table.attribute, tracked)
        except StoreError as error:
            log.error("a click goes on without its parameter: %s", error)
            return where

    # -- helpers ------------------------------------------------------------------------------------

    def _page(self, host: str, environ: WSGIEnvironment) -> str | None:
        """Record that a page was seen; return why that was not counted, None where it was."""
        site = self._visits.site(host)
        if site is None:
            return "unknown site"
        try:
            asked = siteasks.query(environ)
        except InputError:
            return "unreadable"
        refused, visitor = self._heard(site, asked, environ)
        if visitor is None:
            return refused
        client, signal, agent = self._client(environ)
        path = siteasks.path(asked.get("p") or siteasks.page_of(environ)[1])
        self._add(View(drawn(), site.site_id, path, visitor, client, agent, signal))
        return None

    def _goal(self, name: str, environ: WSGIEnvironment) -> str | None:
        """Record what a goal's pixel says; return why that was not counted, None where it was."""
        goal = self._visits.goal(name)
        if goal is None:
            return "unknown goal"
        try:
            asked = siteasks.query(environ)
            value, currency = siteasks.worth(asked)
            order = siteasks.name(asked.get("order", ""))
        except InputError:
            return "unreadable"
        if value < 0 or "refund" in asked:
            return "not signed"
        refused, visitor = self._heard(goal, asked, environ)
        if visitor is None:
            return refused
        client, signal, _agent = self._client(environ)
        number = drawn()
        source: Source = "script" if asked.get("by") == "script" else "pixel"
        call = Conversion(
            number,
            goal.goal_id,
            order,
            "" if order else _once(visitor, number),
            value,
            currency,
            whole=False,
            visitor=visitor,
            source=source,
            verified=False,
            told=bool(siteasks.is_of_site(environ, goal.host)),
            client=client,
            signal=signal,
        )
        self._add(call)
        return None

    def _server(self, name: str, environ: WSGIEnvironment) -> Answer:
        """Record what a server's signed call says."""
        goal = self._visits.goal(name)
        site = self._visits.site(goal.host, most=0) if goal else None  # its key may just have been renewed
        if goal is None or site is None:
            return _says("404 Not Found", error="there is no such goal")
        body = siteasks.body(environ)
        if body is None:
            return _says("413 Content Too Large", error=f"a call has {siteasks.MAX_BODY:,} bytes at most")
        keys = [self._keyring.site_key(site.host, each) for each in site.generations]
        fault = signing.fault(environ.get(signing.ENVIRON, ""), body, keys, self._clock())
        if fault:
            return _says("401 Unauthorized", error=fault)
        try:
            said = siteasks.said(body, environ.get("CONTENT_TYPE", ""))
            at = sitesaid.moment_of(said, self._clock())
            calls = sitesaid.calls_of(goal, said, self._visits, self._store, self._keyring)
        except InputError as error:
            return _says("400 Bad Request", error=error.message)
        for call in calls:
            self._add(call, at)
        return _says("200 OK", accepted=bool(calls))

    def _heard(self, site: Site | Goal, asked: Asked, environ: WSGIEnvironment) -> tuple[str, Visitor | None]:
        """Return who asks from a site's page; None, and why, where it is not counted."""
        if siteasks.is_of_site(environ, site.host) is False:
            return "another site", None
        if environ["REQUEST_METHOD"] == "HEAD":
            return "HEAD", None
        visitor = self._visits.visitor(asked.get("pt", ""))
        if visitor is not None and signalled(environ):
            if visitor.mode == "individual":
                self._add(Signal(drawn(), visitor))
            visitor = NOBODY
        return "a preview", visitor

    def _client(self, environ: WSGIEnvironment) -> tuple[int, bool, str]:
        """Return the class of the client, whether it asks not to be followed, and its reduced agent."""
        flags, network, _address = self._facts.of(environ, self._clock(), numbered=False)
        if any(name in environ and is_speculative(environ[name]) for name in _SPECULATIVE):
            flags |= Flag.SPECULATIVE
        agent = agents.reduce(environ.get("HTTP_USER_AGENT", "")[:512])
        hit = Event(0, 0, EventKind.CLICK, 0, 0, agent, flags, network)
        return int(class_of(hit)), bool(flags & SIGNAL), agent

    def _add(self, call: Call, at: int | None = None) -> None:
        moment = self._clock() if at is None else at
        self._recorder.add(travelling(call, moment // self._step * self._step))


def _once(visitor: Visitor, number: int) -> str:
    """Return what makes a goal without orders count once for each person."""
    return f"{visitor.campaign_id}-{visitor.message:x}" if is_by_person(visitor) else f"{number:x}"


def _says(status: str, **values: object) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(values).encode()
