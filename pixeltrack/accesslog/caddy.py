"""Caddy 2's own JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from secrets import randbits
from typing import Any

from pixeltrack.accesslog import hit, nginx, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.classify import is_speculative
from pixeltrack.headerflags import header_flags
from pixeltrack.model import Flag
from pixeltrack.remembered import Remembered

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
_SECONDS = _COUNT + rb"(?:\.[0-9]{1,20}|)(?:e[+-]?[0-9]{1,3}|)"
_NAME = rb'"' + plain.TEXT + rb'"'
_OBJECT = rb"\{[^}]*+\}"  # without another in it; re looks for one byte far faster than for some

_LINE = (
    rb'\{"level":"info","ts":([1-9][0-9]{9}(?:\.[0-9]{1,9}|)),"logger":"http\.log\.access' + plain.TEXT
    + rb'","msg":"handled request","request":\{'
    + rb'(?:"remote_ip":' + _NAME + rb',"remote_port":' + _NAME + rb',"client_ip":"|"remote_ip":")'
    + rb"(" + plain.TEXT + rb')"(?:,"remote_port":' + _NAME + rb'|),"proto":' + _NAME
    + rb',"method":"(GET|HEAD)","host":' + _NAME + rb',"uri":"' + plain.TARGET
    + rb'","headers":(\{[^}]*)\]\}(,"tls":' + _OBJECT + rb'|)\}(?:,"bytes_read":' + _COUNT
    + rb'|),"user_id":' + _NAME + rb',"duration":' + _SECONDS + rb',"size":' + _COUNT
    + rb',"status":([1-9][0-9]{2}),"resp_headers":(' + _OBJECT + rb")\}"
)  # fmt: skip
_NO_MATCH = (b"",) * 12
_match_all: Callable[[bytes], list[Any]] = plain.lines(_LINE)


def _findall(piece: bytes) -> list[plain.Found]:
    """Find in lines. What is long may hold anything but a brace, so at first also an end of line."""
    try:
        return _sound(_match_all(piece))
    except _TwoLinesError:
        alone = map(re.compile(_LINE).fullmatch, piece.split(b"\n")[:-1])
        return _sound([found.groups(b"") if found else _NO_MATCH for found in alone])


class _TwoLinesError(Exception):
    """What was found began in one line and ended in another."""


def _sound(matches: list[Any]) -> list[plain.Found]:
    """Return what was found in each line where all of it is sound, else nothing."""
    sound: list[plain.Found] = []
    add, number_of, told_of, check = sound.append, _number_of, _told.get, _check
    for at, client, method, o, token, c, link, click, headers, tls, status, more in matches:
        if not at:
            add(plain.NOTHING)
            continue
        try:
            parts = headers.split(b"]")
            try:
                number = sum(map(number_of, parts), bool(tls))
            except Damaged:  # perhaps a bracket in a value, as in the agents of Facebook's apps
                first, *others = headers.split(b'],"')
                parts = [first, *(b',"' + other for other in others)]
                number = sum(map(number_of, parts), bool(tls))
            if headers.find(b"{", 1) >= 0 and any(part.startswith(b"{") for part in parts[1:]):
                raise Damaged
            told = told_of(number) or _tell(number, parts, bool(tls))
            check(tls)
            check(more)
        except ValueError:
            if b"\n" in headers or b"\n" in tls or b"\n" in more:
                raise _TwoLinesError from None
            add(plain.NOTHING)
        else:
            add((at, client, method, o, token, c, link, click, status, told, b""))
    return sound


def _header(part: bytes) -> str:
    """Return a header that is looked at, as JSON; nothing for another.

    part is ``{"Name":["value"`` or, behind the first, ``,"Name":["value"``. Raises ValueError when it is
    not a name and texts: then the whole is no sound object, or a value holds a bracket.
    """
    if part[:1] not in (b"{", b",") or b"\n" in part:
        raise Damaged
    text = part[1:].decode("latin-1") + "]"
    try:
        ((name, values),) = _object(text).items()
    except ValueError:
        raise Damaged from None
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Damaged
    if name not in _LOOKED_AT:
        return ""
    if not values:
        raise Damaged
    if name == "Accept-Encoding":
        return '"Accept-Encoding":[]'  # that it is there is enough
    return text


# Go shuffles headers, so lines are never the same twice, and their headers nearly always. Each header that
# is looked at has a number, by chance: the sum stands for all of them, in whatever order. Two sets would
# have one sum once in 10**18.
_number = Remembered[str, int](lambda header: randbits(62) if header else 0, 8_192)
_number_of = Remembered[bytes, int](lambda part: _number[_header(part)], 8_192).__getitem__
_told: dict[int, tuple[str, int]] = {}
_MOST_TOLD = 8_192


def _tell(number: int, parts: list[bytes], is_tls: bool) -> tuple[str, int]:
    """Return the agent's text and the flags of a line, and remember them."""
    written = [header for header in map(_header, parts) if header]
    headers = _object(",".join(written))
    if len(headers) != len(written):
        raise Damaged  # a name came twice
    agent, flags = _said(headers)
    if len(_told) >= _MOST_TOLD:
        _told.clear()
    _told[number] = agent, flags | Flag.TLS if is_tls else flags
    return _told[number]


def _is_sound(written: bytes) -> bool:
    """Return True for an object, with its name before it or without, and for nothing. Else ValueError."""
    if b"\n" in written:
        raise Damaged
    if written:
        nginx.decoded(written.removeprefix(b',"tls":').decode("latin-1"))
    return True


_check = Remembered(_is_sound, 1_024).__getitem__


def _object(inside: str) -> dict[str, Any]:
    return nginx.decoded("{" + inside + "}")


def _plain_said(told: tuple[str, int], _: bytes) -> tuple[str, int]:
    return told


# Of ten digits before the point: what ``nginx.time`` makes of it.
PLAIN = plain.Plain(_findall, lambda written: round(float(written) * 1000), _plain_said)
