"""Rewriting a mail by cutting its bytes: plan once, compile once, then one join per recipient.

Nothing is parsed into a tree and written again. The plan says which spans change; the template is
the source cut at those spans, with our URLs in between; a message is the recipient's token joined
between the pieces.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise
from typing import Literal

from pixeltrack.edits import Region
from pixeltrack.errors import InputError
from pixeltrack.hrefs import decode_attribute
from pixeltrack.links import Decision, Policy, Ruling, rule, usable_base
from pixeltrack.longlines import Plain
from pixeltrack.markup import Anchor, Page, scan
from pixeltrack.source import Source, read
from pixeltrack.texts import spans
from pixeltrack.utm import Utm, parse

NAMES = ("data-pt-label", "data-pt-group", "data-pt-utm")  # ours, that mean nothing in a copy
_WHITE = re.compile(r"\s+")
_GOES_ON = re.compile(r" +\r?\n(?=[^\s>])")
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
    named: str  # its data-pt-label, or that of its other half
    group: str  # its data-pt-group
    utm: Utm | None  # of its own (data-pt-utm), in the place of the run's
    start: int  # span of the href's value in the source's view, without its quotes
    end: int
    quote: str
    twin: bool = False  # the other half of the button that the link before is one half of (case 49)
    strips: tuple[tuple[int, int], ...] = ()  # spans of attributes to take out

    @property
    def label(self) -> str:
        """What reports call it."""
        return self.named or self.text


def _as_it_is(_at: int, before: str, after: str, _slotted: bool) -> tuple[str, str]:
    return before, after


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to one source: its links, and where the pixel goes (None: nowhere).

    A whole message is a source, too: ``documents`` are then its HTML parts, ``regions`` those of its
    parts that are encoded anew for every copy, ``plains`` those that have no encoding, and ``enclose``
    writes text as the part at an offset wants it. ``original`` is what was given; ``replan`` plans an
    outcome again, in the same way.
    """

    kind: Literal["html", "text", "message"]
    source: Source
    original: bytes
    policy: Policy
    links: tuple[Link, ...]
    pixel_at: int | None
    pixel_reason: str
    documents: tuple[Source, ...]
    replan: Callable[[bytes], Plan]
    regions: tuple[Region, ...] = ()
    plains: tuple[Plain, ...] = ()
    enclose: Callable[[int, str, str, bool], tuple[str, str]] = _as_it_is
    personal: bool = False  # its text is different for each recipient

    def personalized(self) -> Plan:
        """Return the same for copies whose text is filled in."""
        return replace(self, personal=True)

    @property
    def wrapped(self) -> tuple[Link, ...]:
        return tuple(link for link in self.links if link.decision == "wrap")

    @property
    def changes_nothing(self) -> bool:
        """True for a mail that is already injected: no link to wrap, no pixel to add."""
        return self.pixel_at is None and not self.wrapped


def plan(source: Source, policy: Policy) -> Plan:
    """Find every link and the pixel's place in a source, and decide what is done to each.

    By the policy's ``owns`` a mail that is already injected is recognised and left as it is.
    """
    page = scan(source.view)
    lines = _line_starts(source.view)
    base = usable_base(decode_attribute(source.text(page.base))) if policy.resolve_base and page.base else ""
    links = [
        _link(number, anchor, source, lines, policy, base)
        for number, anchor in enumerate(page.anchors, start=1)
    ]
    _match_twins(links)
    pixel_at, reason = _pixel_place(page, policy)

    def replan(output: bytes) -> Plan:
        return plan(read(output, source.name, source.charset), policy)

    return Plan("html", source, source.data, policy, tuple(links), pixel_at, reason, (source,), replan)


def plan_text(source: Source, policy: Policy) -> Plan:
    """Find every link of a mail that is plain text, and decide what is done to each."""

    def replan(output: bytes) -> Plan:
        return plan_text(read(output, source.name, source.charset), policy)

    links = text_links(source, policy)
    return Plan("text", source, source.data, policy, links, None, "a plain text has none", (), replan)


def text_links(
    source: Source,
    policy: Policy,
    left: frozenset[str] = frozenset(),
    *,
    wrap: bool = True,
    joins: bool = False,
) -> tuple[Link, ...]:
    """Find the links of a plain text; without wrap only the placeholders for our own pages.

    left are the destinations that the mail's HTML leaves alone. joins tells that an address before a
    space at a line's end goes on in the next line.
    """
    lines = _line_starts(source.view)
    links = []
    charset = source.charset if source.codec == "latin-1" else None
    for number, (start, end) in enumerate(spans(source.view, charset), start=1):
        written = source.text(source.view[start:end])
        line = bisect_right(lines, start)
        ruling = _ruling(written, "", {}, policy, f"{source.name} line {line}")
        if ruling.decision != "fill" and not wrap:
            continue
        if ruling.decision == "wrap" and ruling.destination in left:
            ruling = replace(ruling, decision="leave", reason="left alone in the HTML part, too")
        if joins and ruling.decision == "wrap" and _GOES_ON.match(source.view, end):
            ruling = replace(ruling, decision="leave", reason="goes on in the next line")
        links.append(
            Link(
                number=number,
                line=line,
                column=start - lines[line - 1] + 1,
                tag="text",
                text=_label(written),
                destination=ruling.destination,
                decision=ruling.decision,
                reason=ruling.reason,
                named="",
                group="",
                utm=None,
                start=start,
                end=end,
                quote="",
            )
        )
    return tuple(links)


def _link(number: int, anchor: Anchor, source: Source, lines: list[int], policy: Policy, base: str) -> Link:
    text = _label(source.text(anchor.text))
    attributes = {name: decode_attribute(attribute.value) for name, attribute in anchor.attributes.items()}
    href = decode_attribute(source.text(anchor.href.value))
    line = bisect_right(lines, anchor.at)
    ruling = _ruling(href, text, attributes, policy, f"{source.name} line {line}", base)
    strips = [anchor.attributes[name].whole for name in NAMES if name in anchor.attributes]
    own_utm = attributes.get("data-pt-utm")
    return Link(
        number=number,
        line=line,
        column=anchor.at - lines[line - 1] + 1,
        tag=anchor.tag,
        text=text,
        destination=ruling.destination,
        decision=ruling.decision,
        reason=ruling.reason,
        named=_label(source.text(attributes.get("data-pt-label", ""))),
        group=_label(source.text(attributes.get("data-pt-group", ""))),
        utm=None if own_utm is None else _own_utm(own_utm, f"{source.name} line {line}: data-pt-utm"),
        start=anchor.href.start,
        end=anchor.href.end,
        quote=anchor.href.quote,
        strips=tuple(strips) if policy.strip_labels else (),
    )


def _ruling(
    href: str, text: str, attributes: dict[str, str], policy: Policy, where: str, base: str = ""
) -> Ruling:
    try:
        return rule(href, text=text, attributes=attributes, policy=policy, base=base)
    except InputError as error:
        raise InputError(f"{where}: {error.message}", hint=error.hint) from None


def _own_utm(written: str, where: str) -> Utm:
    """Read a link's data-pt-utm; "off" means none at all."""
    return Utm((), off=True) if written.strip().lower() == "off" else parse(written, where)


def _match_twins(links: list[Link]) -> None:
    """Give the VML and the ``<a>`` of one button the same label (case 49).

    Where the ``<a>`` is left alone, its VML is, too (case 47).
    """
    for place, (one, other) in enumerate(pairwise(links)):
        if one.destination == other.destination and one.tag.startswith("v:") != other.tag.startswith("v:"):
            html = other if one.tag.startswith("v:") else one
            named = one.named or other.named or html.text
            group = one.group or other.group
            links[place] = one = replace(one, named=named, group=group)
            links[place + 1] = other = replace(other, named=named, group=group)
            if html.decision == "leave":
                at = place if one.tag.startswith("v:") else place + 1
                links[at] = replace(links[at], decision="leave", reason=html.reason)
            elif one.decision == other.decision and one.utm == other.utm:
                links[place + 1] = replace(other, twin=True)


def _label(raw: str) -> str:
    if not raw:
        return ""
    with suppress(ValueError):  # a character reference of thousands of digits, which int() refuses
        raw = unescape(raw)
    text = _WHITE.sub(" ", raw).strip()
    return text if len(text) <= _LABEL_LENGTH else text[: _LABEL_LENGTH - 1] + "…"


def _line_starts(view: str) -> list[int]:
    return [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", view))]


def _pixel_place(page: Page, policy: Policy) -> tuple[int | None, str]:
    """Where the pixel goes (rewriting cases 60 to 68)."""
    if any(policy.owns(decode_attribute(src).strip()) == "open" for src in page.images):
        return None, "the mail already has our pixel"
    if policy.pixel == "none":
        return None, "none was asked for"
    if page.amp:
        return None, "an AMP part allows no plain image"
    if "frameset" in page.names:
        return None, "a frameset shows no body"
    if policy.pixel == "top" and page.body_start is not None:
        return page.body_start, "after <body>"
    if page.body_end is not None:
        return page.body_end, "before </body>"
    if page.html_end is not None:
        return page.html_end, "before </html>"
    if page.unclosed:
        return page.content_end, f"before the {page.unclosed} that never closes"
    return page.content_end, "at the end"
