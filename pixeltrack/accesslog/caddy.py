"""Caddy 2's own JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pixeltrack.accesslog import hit, nginx, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative

_PURPOSE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")


def line(text: str) -> Hit | None:
    row = nginx.decoded(text)
    request = row.get("request")
    if not isinstance(request, dict) or not str(row.get("logger", "http.log.access")).startswith(
        "http.log.access"
    ):
        return None  # Caddy's other messages; its errors repeat requests that are logged besides
    headers = request.get("headers")
    if not isinstance(headers, dict):
        raise Damaged
    agent, speculative = _said(headers)
    try:
        method, target = nginx.texts(request["method"], request["uri"])
        return Hit(nginx.time(row["ts"]), method, hit.path(target), int(row["status"]), agent, speculative)
    except (LookupError, TypeError):
        raise Damaged from None


def _said(headers: Mapping[str, Any]) -> tuple[str, bool]:
    """Return the agent, and whether the load was speculative."""
    try:
        (agent,) = nginx.texts(headers.get("User-Agent", [""])[0])
        return agent, any(
            is_speculative(value) for name in _PURPOSE if name in headers for value in headers[name]
        )
    except (LookupError, TypeError, AttributeError):
        raise Damaged from None


def _plain_said(headers: bytes, response: bytes) -> tuple[str, bool]:
    """The headers as they were written. What is an object by itself is that in its line too."""
    nginx.decoded(response.decode("latin-1"))
    return _said(nginx.decoded(headers.decode("latin-1")))


_STRING = rb'"[^"\\\n]*+"'
_NUMBER = rb"(?:0|[1-9][0-9]{0,15})(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?"
_COUNT = rb"(?:0|[1-9][0-9]{0,15})"
_OBJECT = rb"(\{[^{}\n]*+\})"  # without another in it; whether it is one is asked once for each text
_TLS = (
    rb'"tls":\{"resumed":(?:true|false),"version":' + _COUNT + rb',"cipher_suite":' + _COUNT
    + rb',"proto":' + _STRING + rb',"server_name":' + _STRING + rb'(?:,"ech":(?:true|false))?\}'
)  # fmt: skip

PLAIN = plain.Plain(
    rb'\{"level":"info","ts":([1-9][0-9]{9}(?:\.[0-9]{1,9})?),"logger":"http\.log\.access[^"\\\n]*+"'
    rb',"msg":"handled request","request":\{"remote_ip":' + _STRING + rb',"remote_port":' + _STRING
    + rb'(?:,"client_ip":' + _STRING + rb')?,"proto":' + _STRING + rb',"method":"(GET|HEAD)"'
    + rb',"host":' + _STRING + rb',"uri":"' + plain.TARGET + rb'","headers":()' + _OBJECT
    + rb"(?:," + _TLS + rb')?\}(?:,"bytes_read":' + _COUNT + rb')?,"user_id":' + _STRING
    + rb',"duration":' + _NUMBER + rb',"size":' + _COUNT + rb',"status":([1-9][0-9]{2})'
    rb',"resp_headers":' + _OBJECT + rb"\}",
    lambda written: nginx.time(float(written)),
    _plain_said,
)  # fmt: skip
