"""Lines of web servers' and CDNs' access logs: one line in, what was asked for out.

    combined    Apache and nginx, "combined", also with a virtual host before it or fields after it
    json        nginx with ``escape=json``, one object a line, as ``JSON_FORMAT`` writes it
    caddy       Caddy 2, its own JSON
    cloudfront  Amazon CloudFront, standard logs: tabs, with a ``#Fields`` header

A line is text decoded as Latin-1, as a WSGI server hands over headers: every byte is a character, and
a user agent is the same text here and in the collector. Lines that are plain hits can be read a piece
of a log at a time, as bytes: see ``plain``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Protocol

from pixeltrack.accesslog import caddy, combined, nginx
from pixeltrack.accesslog.cloudfront import CloudFront
from pixeltrack.accesslog.hit import Damaged, Hit
from pixeltrack.accesslog.nginx import JSON_FORMAT
from pixeltrack.accesslog.plain import Plain
from pixeltrack.urls import RouteKind

__all__ = [
    "JSON_FORMAT",
    "Damaged",
    "Format",
    "Hit",
    "Plain",
    "Reader",
    "detect",
    "fits",
    "is_answered",
    "reader",
]

Format = Literal["combined", "json", "caddy", "cloudfront"]


class Reader(Protocol):
    """Reads one log's lines, in order: some formats have a header that says the fields."""

    @property
    def plain(self) -> Plain | None:
        """How plain lines are read up to the next header; None when each has to be read by itself."""

    def line(self, text: str, /) -> Hit | None:
        """Return what a line says, None when it is no request. Raises ValueError when it is damaged."""


@dataclass(frozen=True)
class _Stateless:
    line: Callable[[str], Hit | None]
    plain: Plain


def reader(format_: Format) -> Reader:
    """Return what reads one log."""
    if format_ == "cloudfront":
        return CloudFront()
    module = {"combined": combined, "json": nginx, "caddy": caddy}[format_]
    return _Stateless(module.line, module.PLAIN)


def detect(lines: Sequence[str]) -> Format | None:
    """Return the format that most of a log's first lines are of; None when none is."""
    if lines and all(line.startswith("#") for line in lines):
        return "cloudfront"  # a header, and nothing happened
    formats: tuple[Format, ...] = ("combined", "json", "caddy", "cloudfront")
    read = {each: sum(1 for hit in _hits(lines, each) if hit) for each in formats}
    best = max(formats, key=lambda each: read[each])
    return best if read[best] else None


def fits(lines: Sequence[str], format_: Format) -> bool:
    """Return whether any of a log's first lines is of a format."""
    return any(True for _ in _hits(lines, format_))


def _hits(lines: Sequence[str], format_: Format) -> Iterator[Hit | None]:
    """Yield what each line says; nothing for a damaged one."""
    read = reader(format_).line
    for line in lines:
        with suppress(ValueError):
            yield read(line)


# 206 for a range, 304 for a picture that the reader had already; 204 is a pixel without a picture
SHOWN = frozenset({200, 204, 206, 304})
REDIRECTED = frozenset({301, 302, 303, 307, 308})


def is_answered(kind: RouteKind, method: str, status: int) -> bool:
    """Whether the picture or the redirect was given. It was not with 499 (nginx) and 000 (CloudFront).

    Those are clients that hung up before the answer: nobody saw a picture or went anywhere.
    """
    return status in (SHOWN if kind == "open" else REDIRECTED) and method in ("GET", "HEAD")
