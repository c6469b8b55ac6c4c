"""One JSON object a line, as nginx writes it with ``escape=json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pixeltrack.accesslog import combined, hit, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative
from pixeltrack.headerflags import header_flags
from pixeltrack.model import Flag

#: The log format for nginx that ``json`` reads: milliseconds, and all that the collector looks at.
JSON_FORMAT = """\
log_format pixeltrack escape=json
    '{"time":$msec,"addr":"$remote_addr","method":"$request_method","uri":"$request_uri",'
    '"status":"$status","agent":"$http_user_agent",'
    '"purpose":"$http_sec_purpose $http_purpose $http_x_purpose $http_x_moz",'
    '"scheme":"$scheme","accept":"$http_accept","accept_language":"$http_accept_language",'
    '"sec_fetch_mode":"$http_sec_fetch_mode","sec_gpc":"$http_sec_gpc","dnt":"$http_dnt"}';
"""

_decode = json.JSONDecoder(strict=False).decode
_TIME = ("time", "msec", "time_iso8601", "timestamp", "@timestamp", "time_local")
_METHOD = ("method", "request_method")
_TARGET = ("uri", "request_uri")
_AGENT = ("agent", "http_user_agent", "user_agent")
_PURPOSE = ("purpose", "http_sec_purpose", "http_purpose", "http_x_purpose", "http_x_moz")
_SCHEME = ("scheme",)
_CLIENT = ("addr", "remote_addr", "client_ip", "ip")
# Headers of which nothing is said while one of the first three is not in the log.
_HEADERS = tuple(
    (name, f"http_{name}") for name in ("accept", "accept_language", "sec_fetch_mode", "sec_gpc", "dnt")
)
_AHEAD = frozenset((*_TIME, *_METHOD, *_TARGET, *_CLIENT, "request", "status"))  # of the agent, and so on


def decoded(text: str) -> dict[str, Any]:
    """Return a JSON object; Damaged when it is none."""
    try:
        row = _decode(text)
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


def line(text: str) -> Hit | None:
    row = decoded(text)
    method, target = _first(row, _METHOD), _first(row, _TARGET)
    if method is None or target is None:
        method, _, rest = str(row.get("request", "")).partition(" ")
        target = rest.partition(" ")[0]
    method, target = texts(method, target)
    client = _first(row, _CLIENT)
    at = time(_first(row, _TIME))
    agent, flags = _said(row)
    client = client if isinstance(client, str) else ""
    return Hit(at, method, hit.path(target), int(str(row.get("status"))), agent, flags, client)


def _said(row: Mapping[str, Any]) -> tuple[str, int]:
    """Return the agent's text, and the flags that a line tells."""
    (agent,) = texts(_first(row, _AGENT))
    flags = 0
    if any(is_speculative(str(row[name])) for name in _PURPOSE if name in row):
        flags |= Flag.SPECULATIVE
    if _first(row, _SCHEME) == "https":
        flags |= Flag.TLS
    headers = [_first(row, names) for names in _HEADERS]
    if None not in headers[:3]:
        flags |= header_flags(*("" if each is None else str(each) for each in headers))
    return agent, flags


def texts(*values: Any) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise Damaged
    return values


def time(written: Any) -> int:
    """Seconds or milliseconds since 1970, ISO 8601 with its zone, or as combined logs have it."""
    if isinstance(written, str):
        if written[2:3] == "/":
            return combined.time(written)
        if "T" in written:
            moment = datetime.fromisoformat(written)
            if moment.tzinfo is None:
                raise Damaged
            return hit.milliseconds(moment)
        written = float(written)
    if not isinstance(written, int | float) or not 0 < written < 1e14:
        raise Damaged
    return round(written if written > 1e11 else written * 1000)


def _plain_said(rest: bytes, _: bytes) -> tuple[str, int]:
    """Read the rest of a line from the agent on; it is an object's, so the whole line is one."""
    row = decoded('{"' + rest.decode("latin-1"))
    if not row.keys().isdisjoint(_AHEAD):
        raise Damaged  # what stands before the agent stands here again, and would count
    return _said(row)


# As JSON_FORMAT writes it, with nothing escaped before the agent; the address may be left out.
PLAIN = plain.Plain(
    plain.lines(
        rb'\{"time":([1-9][0-9]{9}\.[0-9]{3})(?:,"addr":"(' + plain.TEXT + rb')"|)'
        + rb',"method":"(GET|HEAD)","uri":"' + plain.TARGET + rb'","status":"' + plain.STATUS
        + rb'","(agent":"[^\n]*+)()'
    ),
    lambda written: int(written.replace(b".", b"")),  # three decimals: what rounding gives too
    _plain_said,
)  # fmt: skip
