"""The dashboard's answers, as a WSGI application: pages to look at, and a way in and out.

Nothing that is asked for here changes anything but whether the visitor is logged in.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from pixeltrack.dashboard.access import SESSION_SECONDS, Access, Throttle
from pixeltrack.dashboard.figures import Keeper
from pixeltrack.dashboard.look import HOLE, DashboardPages
from pixeltrack.dashboard.place import Place
from pixeltrack.peers import client_of, is_spoken_for

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

log = logging.getLogger("pixeltrack.dashboard")

Headers = list[tuple[str, str]]
Answer = tuple[str, Headers, bytes]

_OK, _SEE_OTHER, _NOT_MODIFIED = "200 OK", "303 See Other", "304 Not Modified"
_MOST_BODY = 4_096  # bytes of a form
_FORM_COOKIE = 43  # characters of 256 bits


class Dashboard:
    """Answers whoever has a session or the token, and asks everybody else for it."""

    def __init__(
        self,
        place: Place,
        access: Access,
        keeper: Keeper,
        pages: DashboardPages,
        throttle: Throttle,
        trusted: Collection[str] = (),
    ) -> None:
        """trusted are the addresses of proxies that are believed about whom they ask for."""
        self._place, self._access, self._keeper, self._pages = place, access, keeper, pages
        self._throttle, self._trusted = throttle, trusted
        self._always: Headers = [
            ("Cache-Control", "no-store"),
            ("Content-Security-Policy", pages.content_security_policy),
            ("X-Frame-Options", "DENY"),
            ("X-Content-Type-Options", "nosniff"),
            # Not "no-referrer": with it browsers send "Origin: null" along with our own forms.
            ("Referrer-Policy", "same-origin"),
            ("Cross-Origin-Opener-Policy", "same-origin"),
            ("Cross-Origin-Resource-Policy", "same-origin"),
            ("X-Robots-Tag", "noindex, nofollow"),
        ]
        if place.secure:
            self._always.append(("Strict-Transport-Security", "max-age=31536000"))
        self._routes: dict[str, dict[str, Callable[[WSGIEnvironment], Answer]]] = {
            "/": {"GET": self._overview},
            "/campaign": {"GET": self._campaign},
            "/login": {"GET": self._ask, "POST": self._login},
            "/logout": {"POST": self._logout},
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, body = self._answer(environ)
        kinds = {name for name, _value in headers}
        if body and "Content-Type" not in kinds:
            headers = [("Content-Type", "text/html; charset=utf-8"), *headers]
        if status != _NOT_MODIFIED:
            headers = [*headers, ("Content-Length", str(len(body)))]
        start_response(status, [*headers, *self._always])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: WSGIEnvironment) -> Answer:
        if environ.get("HTTP_HOST", "").lower() not in self._place.hosts:
            return _plain("421 Misdirected Request", "The dashboard is not reached by this name.")
        if not _is_own_or_navigation(environ):
            return _plain("403 Forbidden", "Other sites cannot ask for this.")
        methods = self._routes.get(environ.get("PATH_INFO", ""))
        if methods is None:
            return "404 Not Found", [], self._pages.saying("Not found", "There is no such page.")
        method = environ["REQUEST_METHOD"]
        handle = methods.get("GET" if method == "HEAD" else method)
        if handle is None:
            allowed = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
            return "405 Method Not Allowed", [("Allow", allowed)], b""
        return handle(environ)

    # -- looking ------------------------------------------------------------------------------------------

    def _overview(self, environ: WSGIEnvironment) -> Answer:
        return self._figures(environ, None)

    def _campaign(self, environ: WSGIEnvironment) -> Answer:
        asked = parse_qs(environ.get("QUERY_STRING", ""), max_num_fields=4).get("name", [""])[0]
        return self._figures(environ, asked)

    def _figures(self, environ: WSGIEnvironment, campaign: str | None) -> Answer:
        refused = self._refusal(environ)
        if refused:
            return refused
        found = self._keeper.body(campaign)
        if found is None:
            said = "The figures are being counted. This page looks again by itself."
            return self._later("One moment", said)
        body, figures = found
        if figures.missing:
            return "404 Not Found", [], self._pages.saying("Not found", "There is no such campaign.")
        if not body:
            return self._later("Not now", figures.note or "This page cannot be shown; the log says why.")
        session = _cookies(environ).get(self._place.session_cookie, "")
        tag = f'"{hashlib.blake2b(body, digest_size=16, key=session.encode()[:64]).hexdigest()}"'
        if tag in environ.get("HTTP_IF_NONE_MATCH", ""):
            return _NOT_MODIFIED, [("ETag", tag)], b""
        return _OK, [("ETag", tag)], body.replace(HOLE, self._access.mark(session).encode())

    def _later(self, title: str, said: str) -> Answer:
        body = self._pages.saying(title, said, again=2)
        return "503 Service Unavailable", [("Retry-After", "2")], body

    def _refusal(self, environ: WSGIEnvironment) -> Answer | None:
        """Return the answer for a visitor who may not look, None for one who may."""
        given = environ.get("HTTP_AUTHORIZATION", "")
        if given:
            client = self._client(environ)
            scheme, _, token = given.partition(" ")
            wait = self._throttle.wait(client)
            if wait:
                return _plain("429 Too Many Requests", "Too many wrong tokens.", ("Retry-After", str(wait)))
            if scheme.lower() == "bearer" and self._access.is_token(token.strip()):
                return None
            self._failed(client)
            return _plain("401 Unauthorized", "This is not the token.", ("WWW-Authenticate", "Bearer"))
        if self._access.holds(_cookies(environ).get(self._place.session_cookie, "")):
            return None
        return _SEE_OTHER, [("Location", "/login")], b""

    # -- in and out ---------------------------------------------------------------------------------------

    def _ask(self, environ: WSGIEnvironment, said: str = "", status: str = _OK) -> Answer:
        """Return the form, with a cookie that its mark belongs to."""
        cookies = _cookies(environ)
        if self._access.holds(cookies.get(self._place.session_cookie, "")):
            return _SEE_OTHER, [("Location", "/")], b""
        value = cookies.get(self._place.form_cookie, "")
        headers: Headers = []
        if len(value) != _FORM_COOKIE:
            value = secrets.token_urlsafe(32)
            headers = [self._cookie(self._place.form_cookie, value)]
        return status, headers, self._pages.login(self._access.mark(value), said)

    def _login(self, environ: WSGIEnvironment) -> Answer:
        form = self._form(environ)
        cookie = _cookies(environ).get(self._place.form_cookie, "")
        if form is None or not cookie or not self._access.is_mark(form.get("mark", ""), cookie):
            said = "This form was too old, or your browser takes no cookies. Please try again."
            return self._ask(environ, said, "403 Forbidden")
        client = self._client(environ)
        wait = self._throttle.wait(client)
        if wait:
            _status, headers, body = self._ask(
                environ, f"Too many wrong tokens. Try again in {wait} seconds."
            )
            return "429 Too Many Requests", [*headers, ("Retry-After", str(wait))], body
        if not self._access.is_token(form.get("token", "").strip()):
            self._failed(client)
            return self._ask(environ, "This is not the token.", "403 Forbidden")
        session = self._access.open()
        return (
            _SEE_OTHER,
            [
                ("Location", "/"),
                self._cookie(self._place.session_cookie, session, int(SESSION_SECONDS)),
                self._cookie(self._place.form_cookie, "", 0),
            ],
            b"",
        )

    def _logout(self, environ: WSGIEnvironment) -> Answer:
        form = self._form(environ)
        session = _cookies(environ).get(self._place.session_cookie, "")
        if form is None or not session or not self._access.is_mark(form.get("mark", ""), session):
            return _plain("403 Forbidden", "This form was too old. Please go back and try again.")
        self._access.close(session)
        return (
            _SEE_OTHER,
            [
                ("Location", "/login"),
                self._cookie(self._place.session_cookie, "", 0),
            ],
            b"",
        )

    def _form(self, environ: WSGIEnvironment) -> dict[str, str] | None:
        """Return the fields of a form that this browser got from us; None for anything else."""
        origin = environ.get("HTTP_ORIGIN")
        fetched = environ.get("HTTP_SEC_FETCH_SITE")
        if origin is None and fetched is None:
            return None  # every browser of today sends one of them
        if origin is not None and origin not in self._place.origins:
            return None
        if fetched is not None and fetched != "same-origin":
            return None
        kind = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
        length = environ.get("CONTENT_LENGTH") or "0"
        if kind != "application/x-www-form-urlencoded" or not length.isdecimal() or int(length) > _MOST_BODY:
            return None
        sent = environ["wsgi.input"].read(int(length)).decode("utf-8", "replace")
        try:
            return {name: values[0] for name, values in parse_qs(sent, max_num_fields=8).items()}
        except ValueError:
            return None

    def _client(self, environ: WSGIEnvironment) -> str:
        hops = environ.get("HTTP_X_FORWARDED_FOR", "")
        spoken_for = is_spoken_for(environ)
        return client_of(environ.get("REMOTE_ADDR", ""), hops, spoken_for, self._trusted)

    def _failed(self, client: str) -> None:
        self._throttle.failed(client)
        log.warning("somebody gave the dashboard a wrong token")

    def _cookie(self, name: str, value: str, seconds: int | None = None) -> tuple[str, str]:
        parts = [f"{name}={value}", "Path=/", "HttpOnly", "SameSite=Strict"]
        if self._place.secure:
            parts.append("Secure")
        if seconds is not None:
            parts.append(f"Max-Age={seconds}")
        return "Set-Cookie", "; ".join(parts)


def _is_own_or_navigation(environ: WSGIEnvironment) -> bool:
    """Return False for what another site's page asks for, other than by leading its visitor here."""
    site = environ.get("HTTP_SEC_FETCH_SITE", "none")
    if site in ("none", "same-origin"):
        return True
    navigates = environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
    return navigates and environ["REQUEST_METHOD"] in ("GET", "HEAD", "POST")


def _cookies(environ: WSGIEnvironment) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = part.strip().partition("=")
        found.setdefault(name, value)
    return found


def _plain(status: str, said: str, *headers: tuple[str, str]) -> Answer:
    return status, [("Content-Type", "text/plain; charset=utf-8"), *headers], f"{said}\n".encode()
