"""Waitress' parser, and stricter where it takes one address for another."""

from __future__ import annotations

import re

from waitress.parser import HTTPRequestParser, ParsingError

_CONTROLS = re.compile(rb"[\x00-\x1f\x7f]")


class Parser(HTTPRequestParser):
    """Refuses control characters in the request line (RFC 9112, 3.2: a target has none).

    Waitress reads the target with urlsplit, which leaves tabs away: what is no address of ours would
    become one.
    """

    def parse_header(self, header_plus: bytes) -> None:
        if _CONTROLS.search(header_plus.partition(b"\r\n")[0]):
            raise ParsingError("Control character in the request line")
        super().parse_header(header_plus)
