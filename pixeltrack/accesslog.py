"""Lines of web servers' and CDNs' access logs: one line in, what was asked for out.

    combined    Apache and nginx, "combined", also with a virtual host before it or fields after it
    json        nginx with ``escape=json``, one object a line, as ``JSON_FORMAT`` writes it
    caddy       Caddy 2, its own JSON
    cloudfront  Amazon CloudFront, standard logs: tabs, with a ``#Fields`` header

A line is text decoded as Latin-1, as a WSGI server hands over headers: every byte is a character, and
a user agent is the same text here and in the collector.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from urllib.parse import unquote

from pixeltrack.classify import is_speculative
from pixeltrack.urls import RouteKind

Format = Literal["combined", "json", "caddy", "cloudfront"]

#: The log format for nginx that ``json`` reads: milliseconds, no address and no referrer.
JSON_FORMAT = """\
log_format pixeltrack escape=json
    '{"time":$msec,"method":"$request_method","uri":"$request_uri","status":"$status",'
    '"agent":"$http_user_agent",'
    '"purpose":"$http_sec_purpose $http_purpose $http_x_purpose $http_x_moz"}';
"""


class Hit(NamedTuple):
    """One request of a log. ``at`` is milliseconds UTC, ``path`` is percent-decoded, without a query."""

    at: int
    method: str
    path: str
    status: int
    agent: str
    speculative: bool = False


Parser = Callable[[str], Hit | None]  # None for a line that is no request; ValueError for a damaged one


class Damaged(ValueError):
    """A line that is not of its format."""


def parser(format_: Format) -> Parser:
    """Return what reads one log's lines, in order: some formats have a header that says the fields."""
    if format_ == "cloudfront":
        return _CloudFront().line
    return {"combined": _combined, "json": _json, "caddy": _caddy}[format_]


def detect(lines: Sequence[str]) -> Format | None:
    """Return the format that most of a log's first lines are of; None when none is."""
    if lines and all(line.startswith("#") for line in lines):
        return "cloudfront"  # a header, and nothing happened
    formats: tuple[Format, ...] = ("combined", "json", "caddy", "cloudfront")
    read = {each: sum(1 for hit in _hits(lines, parser(each)) if hit) for each in formats}
    best = max(formats, key=lambda each: read[each])
    return best if read[best] else None


def fits(lines: Sequence[str], format_: Format) -> bool:
    """Return whether any of a log's first lines is of a format."""
    return any(True for _ in _hits(lines, parser(format_)))


def _hits(lines: Sequence[str], parse: Parser) -> Iterator[Hit | None]:
    """Yield what each line says; nothing for a damaged one."""
    for line in lines:
        with suppress(ValueError):
            yield parse(line)


# 206 for a range, 304 for a picture that the reader had already; 204 is a pixel without a picture
_SHOWN = frozenset({200, 204, 206, 304})
_REDIRECTED = frozenset({301, 302, 303, 307, 308})


def is_answered(kind: RouteKind, method: str, status: int) -> bool:
    """Whether the picture or the redirect was given. It was not with 499 (nginx) and 000 (CloudFront).

    Those are clients that hung up before the answer: nobody saw a picture or went anywhere.
    """
    return status in (_SHOWN if kind == "open" else _REDIRECTED) and method in ("GET", "HEAD")


# -- combined -------------------------------------------------------------------------------------------

_QUOTED = r'[^"\\]*+(?:\\.[^"\\]*+)*+'  # quotes inside are \" (Apache) or \x22 (nginx)
_COMBINED = re.compile(
    r"[^\[]*+\[([^\]]{26})\] "
    rf'"(?:([A-Z]+) ([^ "\\]+){_QUOTED}|{_QUOTED})" (\d{{3}}) \S+ "{_QUOTED}" "({_QUOTED})"'
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_CONTROLS = {"b": "\b", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}  # Apache's ap_escape_logitem


def _combined(line: str) -> Hit | None:
    found = _COMBINED.match(line)
    if found is None:
        raise Damaged
    written, method, target, status, agent = found.groups()
    at = _combined_time(written)
    if target is None:
        return Hit(at, "", "", int(status), "")  # no HTTP at all, such as TLS on a plain port
    if "\\" in agent:
        agent = _ESCAPE.sub(_unescaped, agent)
    return Hit(at, method, _path(target), int(status), "" if agent == "-" else agent)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _CONTROLS.get(found[2], found[2])


_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}


@lru_cache(maxsize=4_096)
def _combined_time(written: str) -> int:
    """``24/Nov/2026:22:07:08 +0100``; neighbours in a log share it. strptime would ask the locale."""
    offset = timedelta(hours=int(written[22:24]), minutes=int(written[24:26]))
    moment = datetime(
        int(written[7:11]),
        _MONTHS.get(written[3:6], 0),
        int(written[0:2]),
        *(int(written[12:14]), int(written[15:17]), min(int(written[18:20]), 59)),  # 60 is a leap second
        tzinfo=timezone(-offset if written[21] == "-" else offset),
    )
    return _milliseconds(moment)


# -- JSON -----------------------------------------------------------------------------------------------

_decode = json.JSONDecoder(strict=False).decode
_TIME = ("time", "msec", "time_iso8601", "timestamp", "@timestamp", "time_local")
_METHOD = ("method", "request_method")
_TARGET = ("uri", "request_uri")
_AGENT = ("agent", "http_user_agent", "user_agent")
_PURPOSE = ("purpose", "http_sec_purpose", "http_purpose", "http_x_purpose", "http_x_moz")


def _object(line: str) -> dict[str, Any]:
    try:
        row = _decode(line)
    except RecursionError:
        raise Damaged from None
    if not isinstance(row, dict):
        raise Damaged
    return row


def _first(row: Mapping[str, Any], names: Sequence[str]) -> Any:
    for name in names:
        if name in row:
            return row[name]
    return None


# A line as JSON_FORMAT writes it, with nothing escaped, and what it would take thrice as long to decode.
_OWN = re.compile(
    r'\{"time":(\d+\.\d+),"method":"([A-Z]+)","uri":"([^"\\]*)","status":"(\d+)",'
    r'"agent":"([^"\\]*)","purpose":"([^"\\]*)"\}\s*'
)


def _json(line: str) -> Hit | None:
    if own := _OWN.fullmatch(line):
        time, method, target, status, agent, purpose = own.groups()
        ahead = not purpose.isspace() and is_speculative(purpose)
        return Hit(round(float(time) * 1000), method, _path(target), int(status), agent, ahead)
    row = _object(line)
    method, target = _first(row, _METHOD), _first(row, _TARGET)
    if method is None or target is None:
        method, _, rest = str(row.get("request", "")).partition(" ")
        target = rest.partition(" ")[0]
    method, target, agent = _texts(method, target, _first(row, _AGENT))
    return Hit(
        _json_time(_first(row, _TIME)),
        method,
        _path(target),
        int(str(row.get("status"))),
        agent,
        any(is_speculative(str(row[name])) for name in _PURPOSE if name in row),
    )


def _texts(*values: Any) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise Damaged
    return values


def _json_time(written: Any) -> int:
    """Seconds or milliseconds since 1970, ISO 8601 with its zone, or as combined logs have it."""
    if isinstance(written, str):
        if written[2:3] == "/":
            return _combined_time(written)
        if "T" in written:
            moment = datetime.fromisoformat(written)
            if moment.tzinfo is None:
                raise Damaged
            return _milliseconds(moment)
        written = float(written)
    if not isinstance(written, int | float) or not 0 < written < 1e14:
        raise Damaged
    return round(written if written > 1e11 else written * 1000)


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


# -- Caddy ----------------------------------------------------------------------------------------------

_CADDY_PURPOSE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def _caddy(line: str) -> Hit | None:
    row = _object(line)
    request = row.get("request")
    if not isinstance(request, dict) or not str(row.get("logger", "http.log.access")).startswith(
        "http.log.access"
    ):
        return None  # Caddy's other messages; its errors repeat requests that are logged besides
    headers = request.get("headers")
    if not isinstance(headers, dict):
        raise Damaged
    try:
        agent = headers.get("User-Agent", [""])[0]
        method, target, agent = _texts(request["method"], request["uri"], agent)
        speculative = any(
            is_speculative(value) for name in _CADDY_PURPOSE if name in headers for value in headers[name]
        )
        return Hit(_json_time(row["ts"]), method, _path(target), int(row["status"]), agent, speculative)
    except (LookupError, TypeError, AttributeError):
        raise Damaged from None


# -- CloudFront -----------------------------------------------------------------------------------------

# The first fields of a standard log in their documented order, for a piece without its header.
_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
    " cs(User-Agent)"
)


class _CloudFront:
    def __init__(self) -> None:
        self._use(_FIELDS.split())

    def _use(self, fields: Sequence[str]) -> None:
        names = ("date", "time", "cs-method", "cs-uri-stem", "sc-status", "cs(User-Agent)")
        self._places = tuple(fields.index(name) for name in names) if set(names) <= set(fields) else ()

    def line(self, line: str) -> Hit | None:
        if line.startswith("#"):
            if line.startswith("#Fields:"):
                self._use(line[8:].split())
            return None
        row = line.split("\t")
        try:
            day, time, method, target, status, agent = (row[place] for place in self._places)
        except (LookupError, ValueError):
            raise Damaged from None
        return Hit(_cloudfront_time(day, time), method, _path(target), int(status), _cloudfront_agent(agent))


@lru_cache(maxsize=4_096)
def _cloudfront_time(day: str, time: str) -> int:
    return _milliseconds(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC))


@lru_cache(maxsize=4_096)
def _cloudfront_agent(written: str) -> str:
    """Percent-encoded, and twice in older logs: a space is ``%20`` or ``%2520``."""
    agent = unquote(written, "latin-1")
    if "%20" in agent and " " not in agent:
        agent = unquote(agent, "latin-1")
    return "" if agent == "-" else agent


# -- what they share ------------------------------------------------------------------------------------

_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def _path(target: str) -> str:
    """Return the path of a request target as a WSGI server would: decoded, without the query."""
    if target[:1] != "/":
        target = _ORIGIN.sub("", target, count=1)  # absolute form (RFC 9112, section 3.2.2)
    if "?" in target or "#" in target:
        target = re.split("[?#]", target, maxsplit=1)[0]
    return unquote(target, "latin-1") if "%" in target else target
