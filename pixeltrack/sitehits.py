"""What sites ask the collector for: pixels of pages and of goals, the script, and signed calls of servers.

A pixel proves nothing: what it says of an order is kept as unverified, and a page of another site is not
heard. A server's call is signed with the site's key (``signing``); only such a one may take something back.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from hashlib import blake2b
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pixeltrack import agents, signing, siteasks
from pixeltrack.answers import Answer
from pixeltrack.classify import is_speculative
from pixeltrack.errors import InputError, StoreError
from pixeltrack.headerfacts import HeaderFacts, signalled
from pixeltrack.linktable import LinkTable
from pixeltrack.measured import class_of
from pixeltrack.model import SIGNAL, ClientClass, Event, EventKind, Flag
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
from pixeltrack.store import Goal, Store
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
        self._step = step
        self.visits = Visits(store, keyring, clock)

    def answer(self, route: Route, environ: WSGIEnvironment) -> Answer | None:
        """Answer a request of one of ``OF_SITES``; None for a script of a site that nobody has told of."""
        try:
            if route.kind == "script":
                return self._script(route.host)
            if route.kind == "call":
                return self.server(route.token, environ)
            told = self.page(route.host, environ) if route.kind == "page" else self.goal(route.token, environ)
            return pixel(told)
        except StoreError as error:
            log.error("a site's call could not be looked up: %s", error)
            if route.kind == "call":
                return _says("503 Service Unavailable", error="try again in a minute")
            return pixel("the store cannot be read")

    def page(self, host: str, environ: WSGIEnvironment) -> str | None:
        """Record that a page was seen; return why that was not counted, None where it was."""
        site = self.visits.site(host)
        if site is None:
            return "unknown site"
        asked = siteasks.query(environ)
        told = siteasks.is_of_site(environ, host)
        if told is False:
            return "another site"
        visitor = self._visitor(asked, environ)
        if visitor is None:
            return "a preview"
        if environ["REQUEST_METHOD"] == "HEAD":
            return "HEAD"
        client, signal = self._client(environ)
        path = siteasks.path(asked.get("p", "") or urlsplit(environ.get("HTTP_REFERER", "")).path)
        agent = agents.reduce(environ.get("HTTP_USER_AGENT", "")[:512])
        self._add(View(drawn(), site.site_id, path, visitor, client, agent, signal))
        return None

    def goal(self, name: str, environ: WSGIEnvironment) -> str | None:
        """Record what a goal's pixel says; return why that was not counted, None where it was."""
        goal = self._goal(name)
        if goal is None:
            return "unknown goal"
        told = siteasks.is_of_site(environ, goal.host)
        if told is False:
            return "another site"
        asked = siteasks.query(environ)
        try:
            value, currency = siteasks.worth(asked)
        except InputError:
            return "no amount"
        if value < 0 or "refund" in asked:
            return "not signed"
        visitor = self._visitor(asked, environ)
        if visitor is None:
            return "a preview"
        if environ["REQUEST_METHOD"] == "HEAD":
            return "HEAD"
        client, signal = self._client(environ)
        order = siteasks.name(asked.get("order", ""))
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
            told=told is True,
            client=client,
            signal=signal,
        )
        self._add(call)
        return None

    def server(self, name: str, environ: WSGIEnvironment) -> Answer:
        """Record what a server's signed call says."""
        goal = self._goal(name)
        if goal is None:
            return _says("404 Not Found", error="there is no such goal")
        site = self.visits.site(goal.host)
        body = siteasks.body(environ)
        keys = (
            [
                self._keyring.site_key(goal.host, each)
                for each in range(max(1, site.generation - 1), site.generation + 1)
            ]
            if site
            else []
        )
        fault = signing.fault(environ.get(signing.ENVIRON, ""), body, keys, self._clock())
        if fault:
            return _says("401 Unauthorized", error=fault)
        try:
            said = siteasks.said(body, environ.get("CONTENT_TYPE", ""))
            call = self._signed(goal, said, body, environ)
        except InputError as error:
            return _says("400 Bad Request", error=error.message)
        if call is not None:
            self._add(call, self._moment(said))
        return _says("200 OK", accepted=True)

    def led_on(
        self, where: str, code: str, table: LinkTable, tracked: Tracked, environ: WSGIEnvironment
    ) -> str:
        """Return a destination with the parameter that says who it is, where it gets one."""
        if signalled(environ):
            return where
        try:
            return self.visits.led_on(where, code, table.campaign_id, table.attribute, tracked)
        except StoreError as error:
            log.error("a click goes on without its parameter: %s", error)
            return where

    def _script(self, host: str) -> Answer | None:
        """Return the script that a site may load; None where there is no such site."""
        if self.visits.site(host) is None:
            return None
        return "200 OK", _SCRIPT_HEADERS, script_text()

    # -- helpers ------------------------------------------------------------------------------------

    def _signed(self, goal: Goal, said: Asked, body: bytes, environ: WSGIEnvironment) -> Conversion | None:
        order = siteasks.name(said.get("refund", "") or said.get("order", ""))
        if not order:
            raise InputError("order is missing: it is what makes a call count once")
        value, currency = siteasks.worth(said)
        refund = "refund" in said
        if refund and value > 0:
            value = -value
        whole = refund and "value" not in said
        entry = siteasks.name(said.get("id", ""))
        if not entry and (refund or value < 0):
            when = environ.get(signing.ENVIRON, "").partition(",")[0]
            entry = "whole" if whole else blake2b(body + when.encode(), digest_size=8).hexdigest()
        said_for = {"HTTP_SEC_GPC": said.get("gpc", "")}  # what the browser of the shop's visitor has said
        visitor = self._visitor(said, said_for) if said.get("pt") else self._by_address(said.get("email", ""))
        if visitor is None:
            return None
        return Conversion(
            drawn(),
            goal.goal_id,
            order,
            entry if refund or value < 0 else "",
            value,
            currency,
            whole=whole,
            visitor=visitor,
            source="server",
            verified=True,
            told=True,
            client=int(ClientClass.NOT_TOLD),
            signal=said.get("gpc") == "1",
        )

    def _by_address(self, address: str) -> Visitor:
        """Return the newest mail of somebody whom the site knows by address, if clicks of it are measured."""
        from pixeltrack.recipients import identity

        if not address:
            return NOBODY
        found = self._store.latest_copy(self._keyring.subject(identity(address, "email")))
        return Visitor(*found, "individual") if found else NOBODY

    def _moment(self, said: Asked) -> int:
        now = self._clock()
        written = said.get("at", "")
        return min(int(written), now) if written.isdigit() else now

    def _goal(self, name: str) -> Goal | None:
        return next((goal for goal in self._store.goals() if goal.name == name), None)

    def _visitor(self, asked: Asked, environ: WSGIEnvironment) -> Visitor | None:
        visitor = self.visits.visitor(asked.get("pt", ""))
        if visitor is None or not signalled(environ):
            return visitor
        if visitor.mode == "individual":
            self._add(Signal(drawn(), visitor))
        return NOBODY

    def _client(self, environ: WSGIEnvironment) -> tuple[int, bool]:
        """Return the class of the client, and whether it asks not to be followed."""
        flags, network, _address = self._facts.of(environ, self._clock(), numbered=False)
        if any(name in environ and is_speculative(environ[name]) for name in _SPECULATIVE):
            flags |= Flag.SPECULATIVE
        agent = agents.reduce(environ.get("HTTP_USER_AGENT", "")[:512])
        hit = Event(0, 0, EventKind.CLICK, 0, 0, agent, flags, network)
        return int(class_of(hit)), bool(flags & SIGNAL)

    def _add(self, call: Call, at: int | None = None) -> None:
        moment = self._clock() if at is None else at
        self._recorder.add(travelling(call, moment // (self._step or 1) * (self._step or 1)))


def _once(visitor: Visitor, number: int) -> str:
    """Return what makes a goal without orders count once for each person."""
    return f"{visitor.campaign_id}-{visitor.message:x}" if is_by_person(visitor) else f"{number:x}"


def _says(status: str, **values: object) -> Answer:
    return status, [("Content-Type", "application/json")], json.dumps(values).encode()
