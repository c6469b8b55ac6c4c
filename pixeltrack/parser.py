"""Waitress' parser: stricter where it takes one address for another, and quick with what it has read before."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError, crack_first_line

_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")
_PATH = re.compile(rb"/[A-Za-z0-9_~.-][A-Za-z0-9_~./-]*")  # nothing in it to be split off or decoded
_USUAL = Adjustments()
_COMMON = 1_024  # bytes: longer headers are not remembered


class Parser(HTTPRequestParser):
    """Refuses control characters in the request line (RFC 9112, 3.2: a target has none).

    Waitress reads the target with urlsplit, which leaves tabs away: what is no address of ours would
    become one.
    """

    def parse_header(self, header_plus: bytes) -> None:
        line, _, headers = header_plus.partition(b"\r\n")
        if _CONTROLS.search(line):
            raise ParsingError("Control character in the request line")
        if len(headers) <= _COMMON and line[-9:] in (b" HTTP/1.1", b" HTTP/1.0"):
            method, target, version = crack_first_line(line)
            found = _headers(version, headers) if _PATH.fullmatch(target) else None
            if found is not None:
                self.__dict__.update(found)
                self.headers = found["headers"].copy()
                self.first_line, self.command = line, method.decode()
                self.request_uri = self.path = target.decode()
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
