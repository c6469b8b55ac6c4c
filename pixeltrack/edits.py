"""Edits of a mail: cutting it at them, and taking them back.

A mail is cut at the edited spans, with what is written there in between; what lies outside the spans
cannot change, because it is never touched. The same edits, as a manifest keeps them, give the mail
back byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from pixeltrack.errors import PixeltrackError
from pixeltrack.source import Source
from pixeltrack.template import Mixture, Piece, Slot, Template

# What a slot holds in a copy, where nothing more is known of it.
_SLOTS = {
    "unsubscribe": re.compile("[A-Za-z0-9_-]{48}|[A-Za-z0-9_-]{40}"),
    "preferences": re.compile("[A-Za-z0-9_-]{48}|[A-Za-z0-9_-]{40}"),
    "id": re.compile("[0-9a-f]{16}"),
    "to": re.compile(r"[^\r\n]*"),
}
_TOKEN = re.compile("[A-Za-z0-9_-]{28}")


@dataclass(frozen=True, slots=True)
class Edit:
    """Replace ``start:end`` of the view with ``before``, the slot's value (None: nothing), and ``after``."""

    start: int
    end: int
    before: str
    slot: Slot | None = None
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """An edit with what it replaced: enough to take it back."""

    start: int
    was: str
    before: str
    slot: Slot | None
    after: str


@dataclass(frozen=True, slots=True)
class Region:
    """A span of a source that stands decoded in it; ``encode`` writes it as the mail has it.

    ``written`` is how the mail as given has it: so it stays where no edit is in it, unless ``anew``.
    """

    start: int
    end: int
    encode: Callable[[bytes], bytes]
    charset: str
    html: bool
    written: bytes
    anew: bool  # it is different for each recipient


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


def cut_regions(source: Source, regions: Sequence[Region], edits: Sequence[Edit]) -> Template | Mixture:
    """Return the template of a source that has parts which are encoded anew for each copy."""
    if not regions:
        return cut(source, edits)
    pieces: list[Piece] = []
    position, outside = 0, list(edits)
    for region in regions:
        # what is put in at either end of a part belongs to it: its neighbours are delimiters
        inside, before, later = list[Edit](), list[Edit](), list[Edit]()
        for edit in outside:
            if region.start <= edit.start and edit.end <= region.end:
                inside.append(edit)
            elif edit.end <= region.start:
                before.append(edit)
            else:
                later.append(edit)
        outside = later
        pieces.append(Piece(cut_span(source, before, position, region.start)))
        if region.anew or inside:
            inner = cut_span(source, inside, region.start, region.end)
            pieces.append(Piece(inner, region.encode, region.charset, region.html))
        else:
            pieces.append(Piece(Template((region.written,))))
        position = region.end
    pieces.append(Piece(cut_span(source, outside, position, len(source.view))))
    return Mixture(tuple(pieces))


def cut_span(source: Source, edits: Iterable[Edit], start: int, end: int) -> Template:
    """Return the template of a span of a source; the edits are those in it."""
    moved = [replace(edit, start=edit.start - start, end=edit.end - start) for edit in edits]
    return cut(replace(source, view=source.view[start:end]), moved)


def changes(source: Source, edits: Iterable[Edit]) -> tuple[Change, ...]:
    """Return edits with what they replace, in the order of the mail."""
    return tuple(
        Change(edit.start, source.view[edit.start : edit.end], edit.before, edit.slot, edit.after)
        for edit in sorted(edits, key=lambda edit: edit.start)
    )


def take_back(written: str, changed: Iterable[Change], known: Mapping[str, str]) -> str:
    """Return a copy's text with every change taken back.

    known are the values of slots that are known, by ``str(slot)``; of others their shape is. Raises
    PixeltrackError where a change is not in place.
    """
    restored: list[str] = []
    position = done = 0  # in the copy, in the mail
    for change in changed:
        start = position + change.start - done
        end = start
        for part, slot in ((change.before, None), (None, change.slot), (change.after, None)):
            end = _behind(written, end, part, slot, known)
        restored += (written[position:start], change.was)
        position, done = end, change.start + len(change.was)
    return "".join(restored) + written[position:]


def _behind(written: str, at: int, part: str | None, slot: Slot | None, known: Mapping[str, str]) -> int:
    """Return where a part of a change, or the value of a slot, ends in a copy."""
    text = known.get(str(slot)) if part is None and slot is not None else part or ""
    if text is not None:
        if written.startswith(text, at):
            return at + len(text)
    elif found := _SLOTS.get(str(slot), _TOKEN).match(written, at):
        return found.end()
    raise PixeltrackError(f"an edit is not where it belongs, at character {at:,}")
