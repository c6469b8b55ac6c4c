"""A mail cut where copies differ: the pieces between are the same bytes in each, and joined once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

# What differs from copy to copy: tokens, and what a container says of a recipient.
Slot = Literal["message", "unsubscribe", "preferences", "address", "to", "id", "fields", "number"]
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
        """Return the function (values by slot) -> bytes of one copy.

        Between two slots of other kinds a copy is a single join, for most mails there are none.
        """
        first: list[bytes] = [self.chunks[0]]
        others: list[tuple[Slot, list[bytes]]] = []
        for slot, chunk in zip(self.slots, self.chunks[1:], strict=True):
            if slot != "message":
                others.append((slot, [chunk]))
            elif others:
                others[-1][1].append(chunk)
            else:
                first.append(chunk)
        encode = self.encode

        def render(values: Tokens) -> bytes:
            token = encode(values["message"])
            pieces = [token.join(first)]
            for slot, group in others:
                pieces += (encode(values[slot]), token.join(group))
            return b"".join(pieces) if others else pieces[0]

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
