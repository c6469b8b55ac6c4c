"""A mail cut where copies differ: the pieces between are the same bytes in each, and joined once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal, NamedTuple

# What differs from copy to copy: tokens, and what a container says of a recipient. A number is the
# token of that link alone, 0 the pixel's, where links are bound. "pixel" is the pixel's token in copies of
# which opens are measured in another mode than clicks.
Slot = Literal["message", "pixel", "unsubscribe", "preferences", "address", "to", "id", "fields"] | int
Tokens = Mapping[Slot, str]


def ascii_bytes(piece: str) -> bytes:
    return piece.encode("ascii")


@dataclass(frozen=True, slots=True)
class Template:
    """Bytes cut at slots: ``chunks`` with one slot between each two; ``encode`` writes a slot's value."""

    chunks: tuple[bytes, ...]
    slots: tuple[Slot, ...] = ()
    encode: Callable[[str], bytes] = ascii_bytes

    def renderer(self) -> Callable[[Tokens], bytes]:
        """Return the function (values by slot) -> bytes of one copy: always a single join."""
        encode, chunks, slots = self.encode, self.chunks, self.slots
        distinct = tuple(dict.fromkeys(slots))
        if not slots:
            return lambda _values: chunks[0]
        if len(distinct) == 1:
            (only,) = distinct
            return lambda values: encode(values[only]).join(chunks)
        layout = [b""] * (len(chunks) + len(slots))
        layout[::2] = chunks
        take = itemgetter(*slots)

        def render(values: Tokens) -> bytes:
            pieces = layout.copy()
            pieces[1::2] = take({slot: encode(values[slot]) for slot in distinct})
            return b"".join(pieces)

        return render

    def mapped(self, change: Callable[[bytes], bytes], encode: Callable[[str], bytes]) -> Template:
        """Return a template with every chunk changed, as for a container that escapes."""
        return Template(tuple(map(change, self.chunks)), self.slots, encode)


class Piece(NamedTuple):
    """A part of a mixture. ``encode`` is for one that is encoded anew for each copy (base64)."""

    template: Template
    encode: Callable[[bytes], bytes] | None = None
    charset: str = ""
    html: bool = True


@dataclass(frozen=True, slots=True)
class Mixture:
    """Templates one after another: those of a message, parts of which are encoded for each copy."""

    pieces: tuple[Piece, ...]

    @property
    def chunks(self) -> tuple[bytes, ...]:
        return tuple(chunk for piece in self.pieces for chunk in piece.template.chunks)

    def renderer(self) -> Callable[[Tokens], bytes]:
        """Return the function (values by slot) -> bytes of one copy."""
        renders = [(piece.template.renderer(), piece.encode) for piece in self.pieces]

        def render(values: Tokens) -> bytes:
            return b"".join(encode(piece(values)) if encode else piece(values) for piece, encode in renders)

        return render


def at(slot: Slot) -> Template:
    """Return a template that is one slot."""
    return Template((b"", b""), (slot,))


def joined(*parts: str | Template) -> Template:
    """Return one template of several, and of text between them; slots are written as UTF-8."""
    chunks, slots = [b""], list[Slot]()
    for part in parts:
        if isinstance(part, Template):
            chunks[-1] += part.chunks[0]
            chunks += part.chunks[1:]
            slots += part.slots
        else:
            chunks[-1] += part.encode()
    return Template(tuple(chunks), tuple(slots), str.encode)
