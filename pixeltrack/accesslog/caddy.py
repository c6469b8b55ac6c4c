"""Caddy 2's own JSON."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from pixeltrack.accesslog import hit, nginx, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative
from pixeltrack.headerflags import header_flags
from pixeltrack.model import Flag

_PURPOSE = ("Sec-Purpose", "Purpose", "X-Purpose", "X-Moz")
_FLAGGED = ("Accept", "Accept-Language", "Sec-Fetch-Mode", "Sec-Gpc", "Dnt")
# Nearly every client sends one of these: without any, the log has been told to leave headers out.
_USUAL = ("Accept", "Accept-Encoding", "Accept-Language")
_LOOKED_AT = frozenset(("User-Agent", *_PURPOSE, *_FLAGGED, *_USUAL))


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
    try:
        agent, flags = _said(headers)
        if "tls" in request:
            flags |= Flag.TLS
        method, target = nginx.texts(request["method"], request["uri"])
        at = nginx.time(row["ts"])
        client = request.get("client_ip", request.get("remote_ip", ""))
        client = client if isinstance(client, str) else ""
        return Hit(at, method, hit.path(target), int(row["status"]), agent, flags, client)
    except (LookupError, TypeError, AttributeError):
        raise Damaged from None


def _said(headers: Mapping[str, Any]) -> tuple[str, int]:
    """Return the agent's text, and the flags that headers tell.

    Raises LookupError or TypeError when they do not read so.
    """
    (agent,) = nginx.texts(headers.get("User-Agent", [""])[0])
    flags = 0
    if any(is_speculative(value) for name in _PURPOSE if name in headers for value in headers[name]):
        flags |= Flag.SPECULATIVE
    if any(name in headers for name in _USUAL):
        flags |= header_flags(*(", ".join(headers.get(name, ())) for name in _FLAGGED))
    return agent, flags


# JSON as Caddy writes it, without spaces and with its keys in this order; so no key comes twice. What is
# long, the headers, is only found here: that it is sound is told from its parts, which are remembered.
_COUNT = rb"(?:0|[1-9][0-9]{0,15})"
_SECONDS = _COUNT + rb"(?:\.[0-9]{1,20})?(?:e[+-]?[0-9]{1,3})?"
_NAME = rb'"' + plain.TEXT + rb'"'
_INSIDE = rb"([^}]*+)"  # of an object; re looks for one byte far faster than for some

_match = re.compile(
    rb'\{"level":"info","ts":([1-9][0-9]{9}(?:\.[0-9]{1,9})?),"logger":"http\.log\.access' + plain.TEXT
    + rb'","msg":"handled request","request":\{'
    + rb'(?:"remote_ip":' + _NAME + rb',"remote_port":' + _NAME + rb',"client_ip":"|"remote_ip":")'
    + rb"(" + plain.TEXT + rb')"(?:,"remote_port":' + _NAME + rb')?,"proto":' + _NAME
    + rb',"method":"(GET|HEAD)","host":' + _NAME + rb',"uri":"' + plain.TARGET
    + rb'","headers":\{"([^}]*)\]\}(?:,"tls":\{' + _INSIDE + rb'(\}))?\}(?:,"bytes_read":' + _COUNT
    + rb')?,"user_id":' + _NAME + rb',"duration":' + _SECONDS + rb',"size":' + _COUNT
    + rb',"status":([1-9][0-9]{2}),"resp_headers":\{' + _INSIDE + rb"\}\}"
).fullmatch  # fmt: skip


def _findall(piece: bytes) -> list[plain.Found]:
    """Find in lines, each by itself: what is long may hold anything but a brace, also an end of line."""
    found: list[plain.Found] = []
    add = found.append
    for written in piece.split(b"\n")[:-1]:
        match = _match(written)
        if match is None:
            add(plain.NOTHING)
            continue
        at, client, method, o, token, c, link, click, headers, tls, is_tls, status, more = match.groups(b"")
        try:
            told = frozenset(map(_header, headers.split(b'],"')))
            _sound(tls)
            _sound(more)
        except ValueError:
            add(plain.NOTHING)
        else:
            add((at, client, method, o, token, c, link, click, status, told, is_tls))
    return found


@lru_cache(maxsize=8_192)
def _header(written: bytes) -> str:
    """Return a header that is looked at, ``Name":["value"``, as JSON; nothing for another.

    Go shuffles headers, so lines are never the same twice, and their headers nearly always. Raises
    ValueError when it is not a name and texts: then the whole is no sound object.
    """
    text = '"' + written.decode("latin-1") + "]"
    ((name, values),) = _object(text).items()
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Damaged
    if name not in _LOOKED_AT:
        return ""
    if not values:
        raise Damaged
    if name == "Accept-Encoding":
        return '"Accept-Encoding":[]'  # that it is there is enough
    return text


@lru_cache(maxsize=1_024)
def _sound(inside: bytes) -> bool:
    """Return True for what may stand in an object. Raises ValueError for anything else."""
    _object(inside.decode("latin-1"))
    return True


def _object(inside: str) -> dict[str, Any]:
    return nginx.decoded("{" + inside + "}")


def _plain_said(told: frozenset[str], is_tls: bytes) -> tuple[str, int]:
    written = [each for each in told if each]
    headers = _object(",".join(written))
    if len(headers) != len(written):
        raise Damaged  # a name came twice, and of a set nobody knows which was the last
    agent, flags = _said(headers)
    return agent, flags | Flag.TLS if is_tls else flags


# Of ten digits before the point: what ``nginx.time`` makes of it.
PLAIN = plain.Plain(_findall, lambda written: round(float(written) * 1000), _plain_said)
