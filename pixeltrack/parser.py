"""Waitress' parser: stricter where it takes one address for another, quick with what it has read before."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError

_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
# A target in which there is nothing to be split off or decoded.
_LINE = re.compile(rb"(GET|HEAD|POST) (/[A-Za-z0-9_~.-][A-Za-z0-9_~./-]*) HTTP/(1\.[01])")
_USUAL = Adjustments()
_COMMON = 1_024  # bytes: longer headers are not remembered


class Parser(HTTPRequestParser):
    """Refuses control characters in the request line (RFC 9112, 3.2: a target has none).

    Waitress reads the target with urlsplit, which leaves tabs away: what is no address of ours would
    become one.
    """

    def parse_header(self, header_plus: bytes) -> None:
        if _CONTROLS.search(header_plus.partition(b"\r\n")[0]):
            raise ParsingError("Control character in the request line")
        super().parse_header(header_plus)


class QuickParser(Parser):
    """Does the same, and remembers what waitress' parser has made of headers."""

    def parse_header(self, header_plus: bytes) -> None:
        line, _, headers = header_plus.partition(b"\r\n")
        fresh = not self.headers_finished  # else what comes after a 100 (Continue) is added to what was there
        if fresh and len(headers) <= _COMMON and (first := _LINE.fullmatch(line)):
            found = _headers(first[3], headers)
            if found is not None:
                self.__dict__.update(found)
                self.headers = found["headers"].copy()
                self.first_line, self.command = line, first[1].decode()
                self.request_uri = self.path = first[2].decode()
                return
        super().parse_header(header_plus)


@lru_cache(maxsize=1_024)
def _headers(version: bytes, headers: bytes) -> dict[str, Any] | None:
    """Return what waitress' parser notes of headers; None when they are malformed or announce a body.

    Image proxies and programs send the same headers every time.
    """
    once = HTTPRequestParser(_USUAL)
    try:
        once.parse_header(b"GET / HTTP/%b\r\n%b" % (version, headers))
    except Exception:  # the parser says it again, of this request
        return None
    if once.body_rcv is not None or once.expect_continue:
        return None
    return {name: value for name, value in once.__dict__.items() if name != "adj"}
