"""One JSON object a line, as nginx writes it with ``escape=json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pixeltrack.accesslog import combined, hit, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative

#: The log format for nginx that ``json`` reads: milliseconds, no address and no referrer.
JSON_FORMAT = """\
log_format pixeltrack escape=json
    '{"time":$msec,"method":"$request_method","uri":"$request_uri","status":"$status",'
    '"agent":"$http_user_agent",'
    '"purpose":"$http_sec_purpose $http_purpose $http_x_purpose $http_x_moz"}';
"""

_decode = json.JSONDecoder(strict=False).decode
_TIME = ("time", "msec", "time_iso8601", "timestamp", "@timestamp", "time_local")
_METHOD = ("method", "request_method")
_TARGET = ("uri", "request_uri")
_AGENT = ("agent", "http_user_agent", "user_agent")
_PURPOSE = ("purpose", "http_sec_purpose", "http_purpose", "http_x_purpose", "http_x_moz")


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
    method, target, agent = texts(method, target, _first(row, _AGENT))
    return Hit(
        time(_first(row, _TIME)),
        method,
        hit.path(target),
        int(str(row.get("status"))),
        agent,
        any(is_speculative(str(row[name])) for name in _PURPOSE if name in row),
    )


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


# As JSON_FORMAT writes it, with nothing escaped.
PLAIN = plain.Plain(
    rb'\{"time":([1-9][0-9]{9}\.[0-9]{3}),"method":"(GET|HEAD)","uri":"'
    + plain.TARGET
    + rb'","status":"'
    + plain.STATUS
    + rb'","agent":"('
    + plain.TEXT
    + rb')"(),"purpose":"('
    + plain.TEXT
    + rb')"\}',
    lambda written: int(written.replace(b".", b"")),  # three decimals: what rounding gives too
    lambda agent, purpose: (agent.decode("latin-1"), is_speculative(purpose.decode("latin-1"))),
)
