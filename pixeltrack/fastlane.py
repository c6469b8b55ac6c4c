"""The fast lane: a plain GET of a pixel or a click is answered straight from its bytes.

Only what is complete and beyond doubt is taken here; everything else goes, untouched, to waitress'
parser and through the whole application. Both lanes give the same answer and the same event:
``tests/test_fastlane.py`` and ``benchmarks/fuzz_lanes.py`` hold them against each other.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import lru_cache
from time import time

from waitress.utilities import build_http_date

from pixeltrack import urls
from pixeltrack.answers import Headers
from pixeltrack.collector import REDIRECT_HEADERS
from pixeltrack.headerfacts import Said
from pixeltrack.pixel import PIXEL, PIXEL_HEADERS

#: Records a hit of (campaign, link, token, agent, other headers, peer) and returns where it leads, empty
#: for the pixel; or None, with nothing done, when it takes more than that.
Hit = Callable[[str, int, str, str, Said, str], bytes | None]

log = logging.getLogger("pixeltrack.fastlane")

_REQUEST = re.compile(rb"GET " + urls.PLAIN_PATH + rb" HTTP/1\.([01])(?=\r\n)")
# A name as RFC 9110 (5.6.2) has it, but for "_", which waitress leaves out; a value of plain ASCII.
_HEADER = re.compile(rb"\r\n([!#$%&'*+.^`|~0-9A-Za-z-]+):([ -~]*)")
# What says that there is a body, or more to the request than its first line and its agent.
_OTHER_LANE = frozenset(
    (
        *(b"content-length", b"transfer-encoding", b"expect", b"upgrade"),
        *(b"sec-purpose", b"purpose", b"x-purpose", b"x-moz"),
    )
)
_COMMON = 1_024  # bytes: longer headers are not remembered
# Malformed ones are refused where a proxy is trusted.
_FORWARDED = frozenset(
    (
        *(b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"),
        *(b"x-forwarded-port", b"x-forwarded-by"),
    )
)


#: A plain request: campaign, link (0 for the pixel), token, agent, version of HTTP ("0" or "1"), the wish
#: for the connection (close, keep-alive or nothing), and what the headers say beside these.
Plain = tuple[str, int, str, str, bytes, bytes, Said]


def parse(block: bytes, other_lane: frozenset[bytes] = _OTHER_LANE) -> Plain | None:
    """Take a request apart, from its first byte to the empty line at its end.

    None when anything about it is not plain.
    """
    first = _REQUEST.match(block)
    if first is None:
        return None
    lines = block[first.end() : -2]
    said = (_said if len(lines) <= _COMMON else _said.__wrapped__)(lines, other_lane)
    if said is None:
        return None
    open_code, open_token, code, link, token, version = first.groups()
    agent, wish, rest = said
    if link is None:
        return open_code.decode(), 0, open_token.decode(), agent, version, wish, rest
    return code.decode(), int(link), token.decode(), agent, version, wish, rest


@lru_cache(maxsize=1_024)
def _said(lines: bytes, other_lane: frozenset[bytes]) -> tuple[str, bytes, Said] | None:
    """Return agent, connection and the rest of headers, from the line end before the first one.

    None as ``parse``.

    Image proxies and programs send the same headers every time, so they are remembered.
    """
    headers = {name.lower(): value for name, value in _HEADER.findall(lines)}
    # Each line is one header and no name comes twice: else they would not fill the lines, with the
    # colon and the line end of each, and the last line end.
    if len(lines) != sum(map(len, headers)) + sum(map(len, headers.values())) + 3 * len(headers) + 2:
        return None
    connection = headers.get(b"connection", b"").strip(b" ").lower()
    if connection not in (b"", b"close", b"keep-alive") or not other_lane.isdisjoint(headers):
        return None
    return headers.get(b"user-agent", b"").strip(b" ").decode(), connection, Said(headers)


def _answer(status: str, headers: Headers, body: bytes, version: str, connection: str) -> bytes:
    """Return an answer as waitress writes it: sorted by name, with places for the date and the address."""
    lines = [*headers, ("Content-Length", str(len(body))), ("Date", "%b")]
    if connection:
        lines.append(("Connection", connection))
    head = [f"HTTP/1.{version} {status}", *(f"{name}: {value}" for name, value in sorted(lines))]
    return "\r\n".join([*head, "", ""]).encode() + body.replace(b"%", b"%%")


def _answers(status: str, headers: Headers, body: bytes) -> dict[tuple[bytes, bytes], bytes]:
    """Return the answers to each version of HTTP and each wish for the connection."""
    said = {(b"1", b""): "", (b"1", b"keep-alive"): "", (b"1", b"close"): "close"}
    said |= {(b"0", b""): "close", (b"0", b"close"): "close", (b"0", b"keep-alive"): "Keep-Alive"}
    return {
        (version, wish): _answer(status, headers, body, version.decode(), connection)
        for (version, wish), connection in said.items()
    }


_PIXELS = _answers("200 OK", PIXEL_HEADERS, PIXEL)
_ENDING = {(b"1", b"close"), (b"0", b""), (b"0", b"close")}
_REDIRECTS = _answers("302 Found", [("Location", "%b"), *REDIRECT_HEADERS], b"")


class FastLane:
    """Answers plain requests. Nothing is said of one that it leaves to the other lane, nor done about it."""

    def __init__(self, hit: Hit, *, trusted_proxy: bool = False) -> None:
        self.hit = hit
        self._other_lane = other_lane(trusted_proxy)
        self._second = 0  # for which the answers are written
        self._date = b""
        self._pixels: dict[tuple[bytes, bytes], bytes] = {}

    def answer(self, request: bytes, peer: str) -> tuple[bytes, bool] | None:
        """Answer one request, up to the empty line at its end, once it is committed.

        peer is the address that has connected.

        Returns the answer and whether the connection ends with it; None when the request is not plain
        or takes more than a look into memory.
        """
        asked = parse(request, self._other_lane)
        if asked is None:
            return None
        code, link, token, agent, version, wish, said = asked
        try:
            where = self.hit(code, link, token, agent, said, peer)
        except Exception:  # the other lane knows how to answer even then
            log.exception("a request could not be answered at once")
            return None
        if where is None:
            return None
        if int(time()) != self._second:
            self._write_answers()
        how = version, wish
        ends = how in _ENDING
        return (_REDIRECTS[how] % (self._date, where) if link else self._pixels[how]), ends

    def _write_answers(self) -> None:
        """Write the answers with the date, once a second."""
        self._second = int(time())
        self._date = build_http_date(self._second).encode()
        self._pixels = {how: answer % self._date for how, answer in _PIXELS.items()}


def other_lane(trusted_proxy: bool) -> frozenset[bytes]:
    """Return the headers whose requests the fast lane does not take."""
    return _OTHER_LANE | _FORWARDED if trusted_proxy else _OTHER_LANE
