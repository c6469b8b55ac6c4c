"""What a rule says, and what rules must know beside the mail's plan."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from pixeltrack.urls import Addresses

Severity = Literal["warning", "note"]

_LINES = 5  # named in one finding
_LONG = 100  # characters of an address that tell which one it is


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to look at. ``line`` is the first one, or None where the mail as a whole is meant.

    In a message, a link's line is counted in the part that it is in.
    """

    rule: str
    severity: Severity
    line: int | None
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Context:
    """What the plan does not know. A rule that needs what is not known is silent.

    sender is the domain that the mail comes from, for mail whose From header does not say it.
    list_headers tells that whoever writes the copies writes the headers of RFC 8058, too. copy_bytes
    is how much HTML one copy has, where that is known better than by reckoning.
    """

    addresses: Addresses
    sender: str = ""
    list_headers: bool = False
    copy_bytes: int | None = None


class Place(NamedTuple):
    """Where a rule applies, and to what."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule about places of a mail; ``one`` and ``many`` say it of one of them and of several."""

    name: str
    severity: Severity
    one: str
    many: str
    hint: str

    def at(self, places: Sequence[Place]) -> Iterator[Finding]:
        """Yield one finding for all places, or none."""
        if not places:
            return
        first = places[0]
        what = first.what if len(first.what) <= _LONG else f"{first.what[: _LONG - 1]}…"
        if len(places) == 1:
            yield Finding(self.name, self.severity, first.line, f"{self.one}: {what}", self.hint)
            return
        lines = sorted({place.line for place in places})
        shown = ", ".join(map(str, lines[:_LINES])) + (" and more" if len(lines) > _LINES else "")
        yield Finding(
            self.name,
            self.severity,
            lines[0],
            f"{len(places):,} {self.many} ({'line' if len(lines) == 1 else 'lines'} {shown}), such as {what}",
            self.hint,
        )
