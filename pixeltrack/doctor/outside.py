"""How the collector answers its readers: asked over the network, as a mail program would.

What is asked for are addresses that were never in any mail: nothing is recorded.
"""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from statistics import median

from pixeltrack import urls
from pixeltrack.doctor import gif
from pixeltrack.doctor.check import Check, failed, ok, warning
from pixeltrack.doctor.visit import Answer, Unreachable, Visit, reason

_OPEN, _CLICK = "/o/aaaaaaaa/doctor.gif", "/c/aaaaaaaa/1/doctor"
_FEW_DAYS = 14  # of a certificate: ACME clients renew at 30
_YEAR = 31_536_000  # seconds
_SLOW, _CLOCK_OFF, _CLOCK_WRONG = 1.0, 5.0, 300.0  # seconds
_METRIC = b"pixeltrack_hits_total"
_FOREIGN = "pixeltrack-doctor.invalid"
_SPOOFED = {
    "X-Forwarded-For": "127.0.0.1",
    "X-Forwarded-Host": _FOREIGN,
    "X-Forwarded-Proto": "http",
    "X-Real-IP": "127.0.0.1",
    "Forwarded": f"for=127.0.0.1;host={_FOREIGN};proto=http",
}

Clock = Callable[[], int]


def check_outside(base_url: str, seconds: float, clock: Clock, plain_port: int | None = None) -> list[Check]:
    """Ask the collector at a base URL, and no other host, for at most so many seconds.

    clock returns milliseconds UTC. Raises InputError for a base URL that is none.
    """
    checks: list[Check] = []
    places = urls.addresses(base_url)
    with Visit(places.base, seconds, plain_port) as visit:
        try:
            for part in (_tls(visit), *_answers(visit, places.is_loopback, clock)):
                checks += part
        except Unreachable as error:
            hint = "is the collector running, and does the name lead to it?"
            checks.append(failed("reach", f"{places.base}: {error}", hint))
    return checks


def _answers(visit: Visit, loopback: bool, clock: Clock) -> Iterator[Iterable[Check]]:
    yield _plain(visit)
    yield _robots(visit)
    yield _health(visit)
    yield _pixel(visit)
    yield _click(visit)
    yield _trust(visit)
    yield _metrics(visit, loopback)
    yield _speed(visit, clock)


# -- encryption -----------------------------------------------------------------------------------------


def _tls(visit: Visit) -> Iterator[Check]:
    if not visit.secure:
        hint = "put a proxy with a certificate in front: mail programs warn of links without"
        yield warning("certificate", "none: the connection is not encrypted", hint)
        return
    try:
        with visit.dial(visit.trusted, visit.port) as connection:
            assert isinstance(connection, ssl.SSLSocket)
            certificate = connection.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        hint = "renew it; it must be of this name, not expired, and of an authority that everybody trusts"
        yield failed("certificate", reason(error), hint)
        visit.distrust()
        return
    except OSError as error:
        raise Unreachable(reason(error)) from None
    ends = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    days = int((ends - datetime.now(UTC).timestamp()) // 86_400)
    until = f"until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}, {days} days left"
    if days < _FEW_DAYS:
        yield warning("certificate", until, "renew it, and find out why that did not happen by itself")
    else:
        yield ok("certificate", until)


def _plain(visit: Visit) -> Iterator[Check]:
    """Whether http leads to https: people type, and some programs strip, the scheme."""
    if not visit.secure or visit.plain_port is None:
        return
    try:
        answer = visit.get("/robots.txt", port=visit.plain_port)
    except Unreachable as error:
        yield ok("plain http", f"port {visit.plain_port} does not answer ({error})")
        return
    target = answer.headers.get("location", "")
    host = re.escape(f"[{visit.host}]" if ":" in visit.host else visit.host)
    if answer.status in (301, 302, 307, 308) and re.match(
        rf"https://{host}(:{visit.port})?/", target, re.IGNORECASE
    ):
        yield ok("plain http", f"redirects to https ({answer.status})")
    elif 300 <= answer.status < 400:
        hint = "redirect to https on the same host"
        yield failed("plain http", f"redirects to {target or 'nowhere'}", hint)
    else:
        hint = "redirect http to https, or close the port"
        yield warning("plain http", f"answers without encryption ({answer.status})", hint)


# -- the answers ----------------------------------------------------------------------------------------


def _robots(visit: Visit) -> Iterator[Check]:
    answer = visit.get("/robots.txt")
    if 300 <= answer.status < 400:
        target = answer.headers.get("location", "nowhere")
        hint = "let this host answer itself, or set base_url to the one that does"
        yield failed("redirect", f"every request is sent on to {target}", hint)
    if answer.status == 200 and b"Disallow: /" in answer.body:
        yield ok("robots.txt", "asks crawlers to stay away")
    else:
        hint = "pass /robots.txt on to the collector, so that crawlers do not follow personal links"
        yield warning("robots.txt", f"does not ask crawlers to stay away ({answer.status})", hint)
    if visit.secure:
        given = re.search(r"max-age=\"?(\d+)", answer.headers.get("strict-transport-security", ""))
        if given and int(given[1]) >= _YEAR:
            yield ok("hsts", f"{int(given[1]) // 86_400} days")
        else:
            hint = "let the proxy add Strict-Transport-Security: max-age=31536000"
            said = f"{given[1]} seconds is short" if given else "no Strict-Transport-Security header"
            yield warning("hsts", said, hint)


def _health(visit: Visit) -> Iterator[Check]:
    answer = visit.get("/healthz")
    try:
        state = json.loads(answer.body)
        status, lost, waiting = state["status"], int(state["lost"]), int(state["spool_bytes"])
    except (ValueError, KeyError, TypeError):
        hint = "pass /healthz on to the collector"
        yield warning("health", f"/healthz is not the collector's ({answer.status})", hint)
        return
    hint = "its log says why"
    if status == "unsafe" or answer.status != 200:
        yield failed("health", f"hits are in memory only, or being lost ({lost} so far)", hint)
    elif status != "ok" or lost:
        yield warning("health", f"{status}; {waiting:,} bytes wait in the spool, {lost} hits lost", hint)
    else:
        yield ok("health", "every hit goes into the database")


def _pixel(visit: Visit) -> Iterator[Check]:
    answer = visit.get(_OPEN)
    hint = "let the proxy pass /o/ on to the collector, and change nothing in what it answers"
    try:
        image = gif.decode(answer.body)
        wrong = "" if image[:2] == (1, 1) else f"it is {image.width} by {image.height} pixels"
    except ValueError as error:
        wrong = str(error)
    if answer.status != 200:
        wrong = f"the status is {answer.status}"
    elif answer.headers.get("content-type") != "image/gif":
        wrong = wrong or f"its type is {answer.headers.get('content-type', 'not given')}"
    elif answer.headers.get("content-length") != str(len(answer.body)):
        wrong = wrong or "it has no right Content-Length"
    yield failed("pixel", wrong, hint) if wrong else ok("pixel", f"a GIF of 1 by 1, {len(answer.body)} bytes")
    stored = answer.headers.get("cache-control", "")
    if "no-store" in stored:
        yield ok("pixel cache", "no-store")
    else:
        said = f"Cache-Control is {stored!r}: repeated opens are not seen"
        yield failed("pixel cache", said, "let the proxy leave Cache-Control alone, and not cache /o/")
    if not wrong and "x-pixeltrack" not in answer.headers:
        said = "it does not come from a collector: no X-Pixeltrack header"
        yield warning("pixel source", said, "fine when opens are counted from the web server's log")


def _click(visit: Visit) -> Iterator[Check]:
    answer = visit.get(_CLICK)
    if "location" in answer.headers:
        said = f"a link that is in no mail leads to {answer.headers['location']}"
        yield failed("unknown link", said, "answer such links with 404: an open redirect is abused")
    elif answer.status != 404:
        hint = "pass /c/ on to the collector"
        yield failed("unknown link", f"the status is {answer.status} instead of 404", hint)
    else:
        yield ok("unknown link", "404, and leads nowhere")


def _trust(visit: Visit) -> Iterator[Check]:
    """Nobody may change an answer by what they say of themselves (security rules S17 and S18)."""
    hint = "let the proxy set X-Forwarded-For itself, and name it with serve --trusted-proxy"
    for path in (_OPEN, _CLICK, "/privacy", "/metrics"):
        plain, spoofed = visit.get(path), visit.get(path, _SPOOFED)
        if path == "/metrics":  # whose numbers grow, and which this machine may lose by such headers
            believed = _METRIC in spoofed.body and _METRIC not in plain.body
        else:
            believed = _same(plain) != _same(spoofed)
        if believed:
            yield failed("proxy headers", f"{path} answers otherwise when X-Forwarded-* are made up", hint)
            return
    yield ok("proxy headers", "made-up X-Forwarded-* change nothing")
    with suppress(Unreachable):  # a proxy may hang up on a name that it does not serve
        for path in (_CLICK, "/privacy", "/robots.txt"):
            answer = visit.get(path, {"Host": _FOREIGN})
            if _FOREIGN.encode() in answer.body or _FOREIGN in answer.headers.get("location", ""):
                said = f"{path} shows the Host header that a request makes up"
                yield failed("host header", said, "let the proxy answer for its own name only")
                return
    yield ok("host header", "a made-up Host shows nowhere")


def _same(answer: Answer) -> tuple[object, ...]:
    """What must be alike in two answers: not the time, or the number of the request."""
    kept = ("content-type", "location", "cache-control", "x-pixeltrack")
    return answer.status, [answer.headers.get(name) for name in kept], answer.body


def _metrics(visit: Visit, loopback: bool) -> Iterator[Check]:
    seen = _METRIC in visit.get("/metrics").body
    if seen and not loopback:
        hint = 'set serve.metrics to "local", or let the proxy refuse /metrics'
        yield warning("metrics", "everybody can read /metrics", hint)
    else:
        yield ok("metrics", "to be read on this machine" if seen else "not public")


def _speed(visit: Visit, clock: Clock) -> Iterator[Check]:
    answers = [visit.get("/robots.txt") for _ in range(5)]
    seconds = median(answer.seconds for answer in answers)
    said = f"{seconds * 1000:,.0f} ms for a new connection and its answer"
    hint = "readers wait that long at every link; look for a slow proxy, DNS or distance"
    yield warning("latency", said, hint) if seconds > _SLOW else ok("latency", said)
    try:
        theirs = parsedate_to_datetime(answers[-1].headers["date"]).timestamp()
    except (KeyError, ValueError, TypeError):
        yield warning("clock difference", "no Date header to compare", "let the proxy send one")
        return
    off = abs(clock() / 1000 - theirs)
    said = f"{off:,.0f} seconds"
    hint = "set both clocks by NTP: hits carry the collector's time"
    if off > _CLOCK_WRONG:
        yield failed("clock difference", said, hint)
    elif off > _CLOCK_OFF:
        yield warning("clock difference", said, hint)
    else:
        yield ok("clock difference", "less than 5 seconds")
