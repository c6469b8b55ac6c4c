"""A whole message as something to inject: its HTML and text parts, planned together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace

from pixeltrack import mime, rewrite
from pixeltrack.errors import InputError
from pixeltrack.links import Policy
from pixeltrack.rewrite import Edit, Link, Plan, Region
from pixeltrack.source import Source, read
from pixeltrack.template import Slot

ONE_CLICK = "List-Unsubscribe=One-Click"  # the List-Unsubscribe-Post value of RFC 8058, section 3.1

_HTML = ("text/html", "text/x-amp-html")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One part that is planned: its own source, and where it is in the (partly decoded) message."""

    source: Source
    body: mime.Body
    place: Callable[[int], int]
    start: int
    end: int


def plan_message(data: bytes, name: str, policy: Policy, *, text: bool, anew: bool = False) -> Plan:
    """Find the links and the pixel's place in a message.

    text tells to wrap the links of plain-text parts, too; anew to encode every part anew for each
    copy, as when it is personalised. Raises InputError for a part whose charset cannot be cut.
    """
    parts = [
        part
        for part in mime.leaves(data)
        if not part.attached and (part.type in _HTML or part.type == "text/plain")
    ]
    virtual, pieces = bytearray(), list[tuple[mime.Part, _Piece]]()
    done = 0
    for part in parts:
        body = mime.Body(data, part)
        virtual += data[done : part.start]
        planned = bool(body.data.strip())
        start, whole = len(virtual), planned and (anew or body.encoding == "base64")
        virtual += body.data if whole else data[part.start : part.end]
        done = part.end
        if planned:
            place = _moved(start) if whole else _shifted(body.place, start - part.start)
            pieces.append((part, _Piece(_source(body, part, name), body, place, start, len(virtual))))
    virtual += data[done:]
    whole_source = Source(name, bytes(virtual), virtual.decode("latin-1"), "latin-1", "latin-1")
    regions = tuple(
        Region(piece.start, piece.end, piece.body.encode, piece.source.charset, part.type in _HTML)
        for part, piece in pieces
        if anew or piece.body.encoding == "base64"
    )
    links, documents = list[Link](), list[Source]()
    pixel_at, reason = None, "no HTML part"
    left = set[str]()
    for part, piece in pieces:
        if part.type not in _HTML:
            continue
        amp = part.type != "text/html"
        made = rewrite.plan(piece.source, replace(policy, pixel="none") if amp else policy)
        documents.append(piece.source)
        links += _placed(made.links, piece)
        left |= {link.destination for link in made.links if link.decision == "leave"}
        if pixel_at is None and not amp and reason != "the mail already has our pixel":
            pixel_at, reason = None, made.pixel_reason
            if made.pixel_at is not None:
                at = _bytes(piece.source, [made.pixel_at]).get(made.pixel_at)
                pixel_at = None if at is None else piece.place(at)
    if text:
        for part, piece in pieces:
            if part.type == "text/plain":
                links += _placed(rewrite.plan_text(piece.source, policy, frozenset(left)), piece)
    links.sort(key=lambda link: link.start)
    spans = [piece.start for _part, piece in pieces]

    def enclose(offset: int, before: str, after: str, slotted: bool) -> tuple[str, str]:
        index = bisect_right(spans, offset) - 1
        if index < 0 or offset > pieces[index][1].end or anew:
            return before, after
        return pieces[index][1].body.enclose(before, after, slotted=slotted)

    def replan(output: bytes) -> Plan:
        return plan_message(output, name, policy, text=text)

    numbered = tuple(replace(link, number=number) for number, link in enumerate(links, start=1))
    return Plan(
        *(whole_source, policy, numbered, pixel_at, reason, tuple(documents), replan, regions, enclose),
        is_message=True,
    )


def refuse_signed(data: bytes, name: str) -> None:
    """Raise InputError for a message whose signature would no longer hold."""
    signature = mime.signed_by(data)
    if signature:
        raise InputError(
            f"{name} is signed or sealed ({signature}); tracking it would break that",
            hint="inject before signing, or give --resign-later if it will be signed again",
        )


def is_message(data: bytes) -> bool:
    """Return whether bytes are a whole mail message and no HTML document."""
    return _MESSAGE.match(data) is not None


_MESSAGE = re.compile(rb"\A(?:From \S+ .*\r?\n)?(?:[A-Za-z][A-Za-z0-9-]*:[ \t].*\r?\n(?:[ \t].*\r?\n)*){2,}")


def _source(body: mime.Body, part: mime.Part, name: str) -> Source:
    charset = part.charset or "utf-8"
    try:
        "".encode(charset)
    except (LookupError, ValueError):
        charset = "latin-1"  # a charset that nobody knows: bytes are bytes
    source = read(body.data, name, charset)
    if re.match(r"utf[-_]?(?:16|32)", source.codec):
        raise InputError(f"{name}: its {part.type} part is in {source.codec}", hint="save it as UTF-8")
    return source


def _placed(links: tuple[Link, ...], piece: _Piece) -> list[Link]:
    """Return links with their places in the message. One that has none is left alone."""
    places = _bytes(piece.source, [offset for link in links for offset in (link.start, link.end)])
    placed = []
    for link in links:
        start, end = places.get(link.start), places.get(link.end)
        if start is None or end is None:
            link = replace(link, decision="leave", reason=f"{piece.source.charset} cannot be cut there")
        placed.append(replace(link, start=piece.place(start or 0), end=piece.place(end or start or 0)))
    return placed


def _bytes(source: Source, offsets: list[int]) -> dict[int, int]:
    """Return places in a source's view as offsets of bytes.

    Left out is what has none: an encoding that changes its state (iso-2022-jp) can only be cut where
    it is back in ASCII.
    """
    if source.codec == "latin-1":
        return {offset: offset for offset in offsets}
    places: dict[int, int] = {}
    done = at = 0
    for offset in sorted(set(offsets)):
        piece = source.encode(source.view[done:offset])
        if source.data.startswith(piece, at):
            done, at = offset, at + len(piece)
            places[offset] = at
    return places


def _moved(start: int) -> Callable[[int], int]:
    return lambda offset: start + offset


def _shifted(place: Callable[[int], int], by: int) -> Callable[[int], int]:
    return lambda offset: place(offset) + by


# -- headers ----------------------------------------------------------------------------------------


def header_edits(source: Source, host: str, unsubscribe_before: str, created: str) -> list[Edit]:
    """Return the edits that make a message one recipient's own: To, Message-ID, List-Unsubscribe.

    The unsubscribe headers are those of RFC 8058. A header that is there is replaced, but its Date
    stays; created is the Date of a message that has none.
    """
    end = mime.split_headers(source.data)[1]
    view = source.view
    eol = "\r\n" if view[:end].endswith("\r\n") else "\n"
    blank = end - len(eol) if view[:end].endswith(eol * 2) else end
    wanted: tuple[tuple[str, str, Slot | None, str], ...] = (
        ("To", "", "to", ""),
        ("Message-ID", "<", "id", f"@{host}>"),
        ("List-Unsubscribe", f"<{unsubscribe_before}", "unsubscribe", ">"),
        ("List-Unsubscribe-Post", ONE_CLICK, None, ""),
        ("Date", created, None, ""),
    )
    edits = []
    for name, before, slot, after in wanted:
        found = re.search(rf"(?im)^{name}:[ \t]*([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)", view[:blank])
        if found is None:
            edits.append(Edit(blank, blank, f"{name}: {before}", slot, f"{after}{eol}"))
        elif name != "Date":
            edits.append(Edit(found.start(1), found.end(1), before, slot, after))
    return edits


def compose(html: bytes, charset: str, text: bytes | None, headers: list[tuple[str, str]]) -> bytes:
    """Return a message with an HTML part, and a plain-text part before it where there is one.

    Quoted-printable throughout, with CRLF: what any mail server takes (RFC 5321, 2.3.8). headers are
    its own, in order; values outside ASCII are encoded (RFC 2047).
    """
    lines = [f"{name}: {_encoded(name, value)}" for name, value in headers]
    lines.append("MIME-Version: 1.0")
    parts = [("html", charset, html)]
    if text is not None:
        parts.insert(0, ("plain", "utf-8", text))
    written = [
        "\r\n".join(
            (
                f'Content-Type: text/{kind}; charset="{named}"',
                "Content-Transfer-Encoding: quoted-printable",
                "",
                mime.encode_quoted_printable(content).decode("ascii"),
            )
        )
        for kind, named, content in parts
    ]
    head = "\r\n".join(lines)
    if len(written) == 1:
        end = "" if written[0].endswith("\r\n") else "\r\n"
        return f"{head}\r\n{written[0]}{end}".encode("ascii")
    # "=_" cannot stand in quoted-printable, so no part has the boundary in it (RFC 2045, 6.7)
    bound = "pixeltrack=_alternative"
    body = "".join(f"--{bound}\r\n{part}\r\n" for part in written)
    head += f'\r\nContent-Type: multipart/alternative; boundary="{bound}"'
    return f"{head}\r\n\r\n{body}--{bound}--\r\n".encode("ascii")


def _encoded(name: str, value: str) -> str:
    from email.header import Header
    from email.utils import formataddr, parseaddr

    if name == "From":
        shown, address = parseaddr(value)
        return formataddr((shown, address), "utf-8")
    if value.isascii() and len(value) < 900:
        return value
    return Header(value, "utf-8", header_name=name).encode(linesep="\r\n")
