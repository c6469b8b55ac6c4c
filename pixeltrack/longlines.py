"""Lines that our own text makes too long for a message: their part is written in quoted-printable.

RFC 5322, 2.1.1 and RFC 5321, 4.5.3.1.6 allow 998 bytes a line. A part that is not encoded (7bit, 8bit)
and has no longer line as given must not have one in a copy; in quoted-printable it decodes to the same
bytes, whatever they are. A part that was too long before stays as it is: lint says so.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from pixeltrack.edits import Edit, Region, cut_span
from pixeltrack.mime import LINE, Part
from pixeltrack.source import Source
from pixeltrack.template import Slot

_ENCODING = re.compile(
    rb"^content-transfer-encoding:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", re.IGNORECASE | re.MULTILINE
)
_MIME_VERSION = re.compile(rb"^mime-version:", re.IGNORECASE | re.MULTILINE)
# What would be read as a delimiter of parts, or in an mbox as the beginning of a message, were it at the
# beginning of a line that a soft line break has made (RFC 2046, 5.1.1; RFC 4155).
_BEGINS = re.compile(rb"(?m)^(?:-(?=-)|F(?=rom ))")


@dataclass(frozen=True, slots=True)
class Plain:
    """A part that stands in a message without an encoding: as quoted-printable, with the headers for that.

    ``leaf`` is its place among the message's parts that have no parts.
    """

    region: Region
    headers: tuple[Edit, ...]
    leaf: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """Edits with what keeps every line short enough; ``leaves`` are the parts that are written anew."""

    edits: Sequence[Edit]
    regions: tuple[Region, ...]
    leaves: tuple[int, ...] = ()


def plain(
    region: Region, data: bytes, part: Part, leaf: int, place: Callable[[int], int], eol: bytes
) -> Plain:
    """Return what writes a part in quoted-printable; place tells where in the view a byte of its head is."""
    head = data[part.begins : part.start]
    field = _ENCODING.search(head)
    if field is not None:
        start, end = (place(part.begins + offset) for offset in field.span(1))
        headers = [Edit(start, end, "quoted-printable")]
    else:
        blank = place(part.start - (2 if head.endswith(b"\r\n") else 1))
        headers = [Edit(blank, blank, f"Content-Transfer-Encoding: quoted-printable{eol.decode()}")]
        if part.begins == 0 and _MIME_VERSION.search(head) is None:
            headers.append(Edit(blank, blank, f"MIME-Version: 1.0{eol.decode()}"))
    encode = partial(exact_quoted_printable, eol=eol)
    return Plain(replace(region, encode=encode), tuple(headers), leaf)


def fitted(
    source: Source,
    regions: Sequence[Region],
    plains: Iterable[Plain],
    edits: Iterable[Edit],
    values: Mapping[Slot, str],
) -> Fitted:
    """Return edits so that none makes a line of a message too long; values are a copy's, by slot."""
    edits = list(edits)
    chosen = [each for each in plains if _grows_too_long(source, each.region, edits, values)]
    if not chosen:
        return Fitted(tuple(edits), tuple(regions))
    starts = {each.region.start for each in chosen}
    kept = [region for region in regions if region.start not in starts]
    return Fitted(
        tuple(edits + [header for each in chosen for header in each.headers]),
        tuple(sorted([*kept, *(each.region for each in chosen)], key=lambda region: region.start)),
        tuple(each.leaf for each in chosen),
    )


def _grows_too_long(
    source: Source, region: Region, edits: Iterable[Edit], values: Mapping[Slot, str]
) -> bool:
    inside = [edit for edit in edits if region.start <= edit.start and edit.end <= region.end]
    if not inside or too_long(region.written):
        return False
    return too_long(cut_span(source, inside, region.start, region.end).renderer()(values))


def too_long(content: bytes) -> bool:
    """Return whether a line has more bytes than mail allows."""
    return any(len(line.removesuffix(b"\r")) > LINE for line in content.split(b"\n"))


def exact_quoted_printable(content: bytes, eol: bytes) -> bytes:
    """Return quoted-printable that decodes to the very same bytes, other line ends than eol encoded."""
    lines = (binascii.b2a_qp(line, istext=False) for line in content.split(eol))
    written = _BEGINS.sub(lambda found: b"=%02X=\n" % found[0][0], b"\n".join(lines))
    return written.replace(b"\n", eol)
