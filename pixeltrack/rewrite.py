"""Rewriting a mail by cutting its bytes: plan once, compile once, then one join per recipient.

Nothing is parsed into a tree and written again. The plan says which spans change; the template is
the source cut at those spans, with our URLs in between; a message is the recipient's token joined
between the pieces. What lies outside the spans cannot change, because it is never touched.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from html import unescape

from pixeltrack.links import Decision, decode_attribute, rule
from pixeltrack.markup import Anchor, Page, scan
from pixeltrack.source import Source
from pixeltrack.template import Slot, Template
from pixeltrack.urls import Owns

_WHITE = re.compile(r"\s+")
_LABEL_LENGTH = 120


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a mail, numbered in document order from 1; the line and column count from 1."""

    number: int
    line: int
    column: int
    tag: str
    text: str
    destination: str
    decision: Decision
    reason: str
    start: int  # span of the href's value in the source's view, without its quotes
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to one source: its links, and where the pixel goes (None: nowhere)."""

    source: Source
    links: tuple[Link, ...]
    pixel_at: int | None
    pixel_reason: str

    @property
    def wrapped(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.decision == "wrap")

    @property
    def changes_nothing(self) -> bool:
        """True for a mail that is already injected: no link to wrap, no pixel to add."""
        return self.pixel_at is None and not self.wrapped


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``start:end`` of the view with ``before``, the slot's value (None: nothing), and ``after``."""

    start: int
    end: int
    before: str
    slot: Slot | None = None
    after: str = ""


def plan(source: Source, owns: Owns) -> Plan:
    """Find every link and the pixel's place in a source.

    owns tells our own URLs from others: by them a mail that is already injected is recognised and
    left as it is.
    """
    page = scan(source.view)
    lines = _line_starts(source.view)
    links = tuple(
        _link(number, anchor, source, lines, owns) for number, anchor in enumerate(page.anchors, start=1)
    )
    pixel_at, reason = _pixel_place(page, owns)
    return Plan(source, links, pixel_at, reason)


def _link(number: int, anchor: Anchor, source: Source, lines: list[int], owns: Owns) -> Link:
    text = _label(source.text(anchor.text))
    attributes = {name: decode_attribute(attribute.value) for name, attribute in anchor.attributes.items()}
    href = decode_attribute(source.text(anchor.href.value))
    ruling = rule(href, text=text, attributes=attributes, owns=owns)
    line = bisect_right(lines, anchor.at)
    return Link(
        number=number,
        line=line,
        column=anchor.at - lines[line - 1] + 1,
        tag=anchor.tag,
        text=text,
        destination=ruling.destination,
        decision=ruling.decision,
        reason=ruling.reason,
        start=anchor.href.start,
        end=anchor.href.end,
        quote=anchor.href.quote,
    )


def _label(raw: str) -> str:
    with suppress(ValueError):  # a character reference of thousands of digits, which int() refuses
        raw = unescape(raw)
    text = _WHITE.sub(" ", raw).strip()
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"


def _line_starts(view: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", view))]


def _pixel_place(page: Page, owns: Owns) -> tuple[int | None, str]:
    """Where the pixel goes (rewriting cases 60 to 68)."""
    if any(owns(decode_attribute(src).strip()) == "open" for src in page.images):
        return None, "the mail already has our pixel"
    if page.amp:
        return None, "an AMP part allows no plain image"
    if "frameset" in page.names:
        return None, "a frameset shows no body"
    if page.body_end is not None:
        return page.body_end, "before </body>"
    if page.html_end is not None:
        return page.html_end, "before </html>"
    if page.unclosed:
        return page.content_end, f"before the {page.unclosed} that never closes"
    return page.content_end, "at the end"


# -- from plan to bytes -----------------------------------------------------------------------------


def cut(source: Source, edits: Iterable[Edit]) -> Template:
    """Return the template of a source. Overlapping edits are a bug of the caller: ValueError."""
    chunks: list[bytes] = []
    slots: list[Slot] = []
    position, carried = 0, ""
    for edit in sorted(edits, key=lambda edit: edit.start):
        if edit.start < position:
            raise ValueError(f"edits overlap at offset {edit.start}")
        carried += source.view[position : edit.start] + edit.before
        if edit.slot is not None:
            chunks.append(source.encode(carried))
            slots.append(edit.slot)
            carried = ""
        position, carried = edit.end, carried + edit.after
    chunks.append(source.encode(carried + source.view[position:]))
    return Template(tuple(chunks), tuple(slots), source.encode)
