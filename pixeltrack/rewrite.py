"""Rewriting a mail by cutting its bytes: plan once, compile once, then one join per recipient.

Nothing is parsed into a tree and written again. The plan says which spans change; the template is
the source cut at those spans, with our URLs in between; a message is the recipient's token joined
between the pieces. What lies outside the spans cannot change, because it is never touched.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from html import unescape
from itertools import pairwise

from pixeltrack.errors import InputError
from pixeltrack.hrefs import decode_attribute
from pixeltrack.links import Decision, Policy, rule
from pixeltrack.markup import Anchor, Page, scan
from pixeltrack.source import Source, read
from pixeltrack.template import Mixture, Piece, Slot, Template
from pixeltrack.texts import spans
from pixeltrack.utm import Utm, parse

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
    label: str  # what reports call it: its data-pt-label, else its text
    group: str  # its data-pt-group
    utm: Utm | None  # of its own (data-pt-utm), in the place of the run's
    start: int  # span of the href's value in the source's view, without its quotes
    end: int
    quote: str


@dataclass(frozen=True, slots=True)
class Region:
    """A span of a source that stands decoded in it; ``encode`` writes it as the mail has it."""

    start: int
    end: int
    encode: Callable[[bytes], bytes]
    charset: str
    html: bool


def _as_it_is(_at: int, before: str, after: str, _slotted: bool) -> tuple[str, str]:
    return before, after


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be done to one source: its links, and where the pixel goes (None: nowhere).

    A whole message is a source, too: ``documents`` are then its HTML parts, ``regions`` those of its
    parts that are encoded anew for every copy, and ``enclose`` writes text as the part at an offset
    wants it. ``replan`` plans the outcome again, in the same way.
    """

    source: Source
    policy: Policy
    links: tuple[Link, ...]
    pixel_at: int | None
    pixel_reason: str
    documents: tuple[Source, ...]
    replan: Callable[[bytes], Plan]
    regions: tuple[Region, ...] = ()
    enclose: Callable[[int, str, str, bool], tuple[str, str]] = _as_it_is
    is_message: bool = False

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


def plan(source: Source, policy: Policy) -> Plan:
    """Find every link and the pixel's place in a source, and decide what is done to each.

    By the policy's ``owns`` a mail that is already injected is recognised and left as it is.
    """
    page = scan(source.view)
    lines = _line_starts(source.view)
    links = [
        _link(number, anchor, source, lines, policy) for number, anchor in enumerate(page.anchors, start=1)
    ]
    _name_twins(links)
    pixel_at, reason = _pixel_place(page, policy)

    def replan(output: bytes) -> Plan:
        return plan(read(output, source.name, source.charset), policy)

    return Plan(source, policy, tuple(links), pixel_at, reason, (source,), replan)


def plan_text(source: Source, policy: Policy, left: frozenset[str]) -> tuple[Link, ...]:
    """Find the links of a plain text. left are the destinations that the mail's HTML leaves alone."""
    lines = _line_starts(source.view)
    links = []
    charset = source.charset if source.codec == "latin-1" else None
    for number, (start, end) in enumerate(spans(source.view, charset), start=1):
        written = source.text(source.view[start:end])
        ruling = rule(written, text="", attributes={}, policy=policy)
        if ruling.decision == "wrap" and ruling.destination in left:
            ruling = replace(ruling, decision="leave", reason="left alone in the HTML part, too")
        line = bisect_right(lines, start)
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
                label=_label(written),
                group="",
                utm=None,
                start=start,
                end=end,
                quote="",
            )
        )
    return tuple(links)


def _link(number: int, anchor: Anchor, source: Source, lines: list[int], policy: Policy) -> Link:
    text = _label(source.text(anchor.text))
    attributes = {name: decode_attribute(attribute.value) for name, attribute in anchor.attributes.items()}
    href = decode_attribute(source.text(anchor.href.value))
    line = bisect_right(lines, anchor.at)
    try:
        ruling = rule(href, text=text, attributes=attributes, policy=policy)
    except InputError as error:
        raise InputError(f"{source.name} line {line}: {error.message}", hint=error.hint) from None
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
        label=_label(source.text(attributes.get("data-pt-label", ""))),
        group=_label(source.text(attributes.get("data-pt-group", ""))),
        utm=None if own_utm is None else _own_utm(own_utm, f"{source.name} line {line}: data-pt-utm"),
        start=anchor.href.start,
        end=anchor.href.end,
        quote=anchor.href.quote,
    )


def _own_utm(written: str, where: str) -> Utm:
    """Read a link's data-pt-utm; "off" means none at all."""
    return Utm((), off=True) if written.strip().lower() == "off" else parse(written, where)


def _name_twins(links: list[Link]) -> None:
    """Give every link its label; the VML and the ``<a>`` of one button share theirs (case 49)."""
    for place, (one, other) in enumerate(pairwise(links)):
        if one.destination == other.destination and one.tag.startswith("v:") != other.tag.startswith("v:"):
            html = other if one.tag.startswith("v:") else one
            label = one.label or other.label or html.text
            group = one.group or other.group
            links[place] = replace(one, label=label, group=group)
            links[place + 1] = replace(other, label=label, group=group)
    for place, link in enumerate(links):
        if not link.label:
            links[place] = replace(link, label=link.text)


def _label(raw: str) -> str:
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


def cut_plan(plan: Plan, edits: Sequence[Edit]) -> Template | Mixture:
    """Return the template of a plan's copies: of a message, with the parts that are encoded anew."""
    if not plan.regions:
        return cut(plan.source, edits)
    pieces: list[Piece] = []
    ordered = sorted(edits, key=lambda edit: edit.start)
    position = taken = 0
    for region in plan.regions:  # what is put at a region's end is in it
        first = bisect_left(ordered, region.start, taken, key=lambda edit: edit.start)
        behind = bisect_right(ordered, region.end, first, key=lambda edit: edit.start)
        pieces.append(Piece(_cut_span(plan.source, ordered[taken:first], position, region.start)))
        inner = _cut_span(plan.source, ordered[first:behind], region.start, region.end)
        pieces.append(Piece(inner, region.encode, region.charset, region.html))
        position, taken = region.end, behind
    pieces.append(Piece(_cut_span(plan.source, ordered[taken:], position, len(plan.source.view))))
    return Mixture(tuple(pieces))


def _cut_span(source: Source, edits: Sequence[Edit], start: int, end: int) -> Template:
    inside = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in edits]
    return cut(replace(source, view=source.view[start:end]), inside)
