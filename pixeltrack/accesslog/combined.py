"""Apache's and nginx' "combined" format, also with a virtual host before it or fields after it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache

from pixeltrack.accesslog import hit, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.remembered import Remembered

_QUOTED = r'[^"\\]*+(?:\\.[^"\\]*+)*+'  # quotes inside are \" (Apache) or \x22 (nginx)
_LINE = re.compile(
    r"([^\[]*+)\[([^\]]{26})\] "
    rf'"(?:([A-Z]+) ([^ "\\]+){_QUOTED}|{_QUOTED})" (\d{{3}}) \S+ "{_QUOTED}" "({_QUOTED})"'
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|(.))")
_CONTROLS = {"b": "\b", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}  # Apache's ap_escape_logitem


def line(text: str) -> Hit | None:
    found = _LINE.match(text)
    if found is None:
        raise Damaged
    client, written, method, target, status, agent = found.groups()
    at = time(written)
    if target is None:
        return Hit(at, "", "", int(status), "")  # no HTTP at all, such as TLS on a plain port
    if "\\" in agent:
        agent = _ESCAPE.sub(_unescaped, agent)
    return Hit(at, method, hit.path(target), int(status), "" if agent == "-" else agent, client=client)


def _unescaped(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else _CONTROLS.get(found[2], found[2])


_MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}


@lru_cache(maxsize=1_024)
def time(written: str) -> int:
    """``24/Nov/2026:22:07:08 +0100``; neighbours in a log share it. strptime would ask the locale."""
    offset = timedelta(hours=int(written[22:24]), minutes=int(written[24:26]))
    moment = datetime(
        int(written[7:11]),
        _MONTHS.get(written[3:6], 0),
        int(written[0:2]),
        *(int(written[12:14]), int(written[15:17]), min(int(written[18:20]), 59)),  # 60 is a leap second
        tzinfo=timezone(-offset if written[21] == "-" else offset),
    )
    return hit.milliseconds(moment)


def _decoded_time(written: bytes) -> int:
    return time(written.decode("latin-1"))


PLAIN = plain.Plain(
    plain.lines(
        # the time, and what stands before it
        rb'(?=[^\[\n]*+\[([^\]\n]{26})\] )([^\[\n]*+)\[[^\]\n]{26}\] '
        + rb'"(GET|HEAD) ' + plain.TARGET + rb' HTTP/[0-9.]++" ' + plain.STATUS
        # size, referrer, agent, and what follows them
        + rb' [0-9-]++ "' + plain.TEXT + rb'" "(' + plain.TEXT + rb')"()[^\n]*+'
    ),
    Remembered(_decoded_time, 1_024).__getitem__,
    lambda agent, _: ("" if agent == b"-" else agent.decode("latin-1"), 0),
)  # fmt: skip
