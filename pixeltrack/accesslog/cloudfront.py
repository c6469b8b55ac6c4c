"""Amazon CloudFront's standard logs: tabs between fields, which a ``#Fields`` header names."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import unquote

from pixeltrack import urls
from pixeltrack.accesslog import hit, plain
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.model import Flag
from pixeltrack.remembered import Remembered

# The first fields of a standard log in their documented order, for a piece without its header.
_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer)"
    " cs(User-Agent)"
)
_NEEDED = ("date", "time", "cs-method", "cs-uri-stem", "sc-status", "cs(User-Agent)")
_OPTIONAL = ("c-ip", "cs-protocol")
# All that is read, in the documented order.
_READ = ("date", "time", "c-ip", "cs-method", "cs-uri-stem", "sc-status", "cs(User-Agent)", "cs-protocol")
_PATTERNS = {
    "date": rb"((?!#)[^\t\n]*+",  # up to the end of the time, with which it is captured
    "time": rb"[^\t\n]*+)",
    "c-ip": rb"([^\t\n]*+)",
    "cs-method": rb"(GET|HEAD)",
    "cs-uri-stem": urls.PLAIN_PATH,
    "sc-status": plain.STATUS,
    "cs(User-Agent)": rb"([^\t\n]*+)",
}
_ANY = rb"[^\t\n]*+"


class CloudFront:
    """Reads the lines of one log, in order: a header says what stands in those behind it."""

    def __init__(self) -> None:
        self._use(_FIELDS.split())

    def _use(self, fields: Sequence[str]) -> None:
        self._places = tuple(map(fields.index, _NEEDED)) if set(_NEEDED) <= set(fields) else ()
        self._more = [fields.index(name) if name in fields else None for name in _OPTIONAL]
        self.plain = _plain(tuple(fields)) if self._places else None

    def line(self, text: str) -> Hit | None:
        if text.startswith("#"):
            if text.startswith("#Fields:"):
                self._use(text[8:].split())
            return None
        row = text.split("\t")
        try:
            day, time, method, target, status, agent = (row[place] for place in self._places)
        except (LookupError, ValueError):
            raise Damaged from None
        client, protocol = ("" if place is None else "".join(row[place : place + 1]) for place in self._more)
        return Hit(
            *(_time(day, time), method, hit.path(target), int(status), _agent(agent)),
            flags=_flags(protocol),
            client=client,
        )


@lru_cache(maxsize=16)
def _plain(fields: tuple[str, ...]) -> plain.Plain | None:
    """Return how the plain lines with these fields are read; None when they stand in an unusual order."""
    if [name for name in fields if name in _READ] != [name for name in _READ if name in fields]:
        return None
    if fields.index("time") != fields.index("date") + 1:
        return None
    agent = fields.index("cs(User-Agent)")
    patterns = [_PATTERNS.get(name, _ANY) for name in fields[: agent + 1]]
    if "c-ip" not in fields:
        patterns[fields.index("time")] += rb"()"
    protocol = rb"()"
    if "cs-protocol" in fields:  # lines may end before it
        between = fields.index("cs-protocol") - agent - 1
        protocol = rb"(?:(?:\t%b){%d}\t(%b)|)" % (_ANY, between, _ANY)
    pattern = rb"\t".join(patterns) + protocol + rb"(?:\t[^\n]*+|)"
    return plain.Plain(plain.lines(pattern), _plain_time, _plain_said)


@lru_cache(maxsize=4_096)
def _time(day: str, time: str) -> int:
    return hit.milliseconds(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC))


def _parted_time(written: bytes) -> int:
    day, _, time = written.decode("latin-1").partition("\t")
    return _time(day, time)


_plain_time = Remembered(_parted_time, 1_024).__getitem__


@lru_cache(maxsize=4_096)
def _agent(written: str) -> str:
    """Percent-encoded, and twice in older logs: a space is ``%20`` or ``%2520``."""
    agent = unquote(written, "latin-1")
    if "%20" in agent and " " not in agent:
        agent = unquote(agent, "latin-1")
    return "" if agent == "-" else agent


def _flags(protocol: str) -> int:
    return Flag.TLS if protocol == "https" else 0


def _plain_said(agent: bytes, protocol: bytes) -> tuple[str, int]:
    return _agent(agent.decode("latin-1")), _flags(protocol.decode("latin-1"))
