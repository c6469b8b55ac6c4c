"""A whole message as something to inject: its HTML and text parts, planned together."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from functools import partial

from pixeltrack import headers, mime, rewrite
from pixeltrack.edits import Region
from pixeltrack.errors import InputError
from pixeltrack.links import Policy
from pixeltrack.longlines import Plain, plain
from pixeltrack.rewrite import Link, Plan
from pixeltrack.source import Source, is_known, read

_HTML = ("text/html", "text/x-amp-html")
_TAGS = re.compile(r"\{\{|\{%")  # of Jinja2
_WIDE = re.compile(r"utf[-_]?(?:16|32)", re.IGNORECASE)
_FOR_EACH = ("to", "message-id", "list-unsubscribe", "list-unsubscribe-post", "date")


@dataclass(frozen=True, slots=True)
class _Piece:
    """One part that is planned: its own source, and where it is in the (partly decoded) message."""

    type: str
    source: Source
    body: mime.Body
    place: Callable[[int], int]
    start: int
    end: int
    joins: bool  # a line that ends with a space goes on in the next (RFC 3676, 4: format=flowed, delsp)

    @property
    def is_html(self) -> bool:
        return self.type in _HTML


class _Opened:
    """A message with some of its spans decoded in place: what ``regions`` says how to write again."""

    def __init__(self, data: bytes, *, anew: bool) -> None:
        self._data = data
        self._anew = anew
        self._written = bytearray()
        self._done = 0
        self._moves = [(0, 0)]  # how much further on what follows is
        self.regions: list[Region] = []
        self.plains: list[Plain] = []

    def keep(self, start: int, end: int) -> int:
        """Leave a span as it is written; return where it begins now."""
        self._written += self._data[self._done : start]
        begins = len(self._written)
        self._written += self._data[start:end]
        self._done = end
        return begins

    def open(
        self,
        start: int,
        end: int,
        content: bytes,
        encode: Callable[[bytes], bytes],
        charset: str,
        *,
        html: bool,
    ) -> int:
        """Put a span's content in its place; return where it begins."""
        self._written += self._data[self._done : start]
        begins = len(self._written)
        self._written += content
        self._done = end
        written = self._data[start:end]
        self.regions.append(Region(begins, len(self._written), encode, charset, html, written, self._anew))
        self._moves.append((end, len(self._written) - end))
        return begins

    def place(self, offset: int) -> int:
        """Return where a byte is now that is not in a span."""
        return offset + next(by for since, by in reversed(self._moves) if since <= offset)

    def close(self) -> bytes:
        return bytes(self._written + self._data[self._done :])


def plan_message(data: bytes, name: str, policy: Policy, *, text: bool, anew: bool = False) -> Plan:
    """Find the links and the pixel's place in a message.

    text tells to wrap the links of plain-text parts, too; anew to encode every part anew for each
    copy, as when it is personalised. Raises InputError for a part whose charset cannot be cut.
    """
    opened = _Opened(data, anew=anew)
    fields = _fields(data)
    if anew:
        _open_headers(fields, opened)
    policy = replace(policy, listed=_listed(fields))
    pieces = _pieces(data, name, opened, anew=anew)
    virtual = opened.close()
    source = Source(name, virtual, virtual.decode("latin-1"), "latin-1", "latin-1")
    links, documents = list[Link](), list[Source]()
    pixel_at, reason = None, "no HTML part"
    for piece in pieces:
        if not piece.is_html:
            continue
        amp = piece.type != "text/html"
        made = rewrite.plan(piece.source, replace(policy, pixel="none") if amp else policy)
        documents.append(piece.source)
        links += _placed(made.links, piece)
        if pixel_at is None and not amp and reason != "the mail already has our pixel":
            pixel_at, reason = None, made.pixel_reason
            if made.pixel_at is not None:
                at = _bytes(piece.source, [made.pixel_at]).get(made.pixel_at)
                pixel_at = None if at is None else piece.place(at)
    if pixel_at == len(source.view):  # a message ends with a line end (RFC 5321, 2.3.8): stay before it
        pixel_at -= len(source.view) - len(source.view.removesuffix("\n").removesuffix("\r"))
    left = frozenset(link.destination for link in links if link.decision == "leave")
    for piece in pieces:
        if not piece.is_html:
            found = rewrite.text_links(piece.source, policy, left, wrap=text, joins=piece.joins)
            links += _placed(found, piece)
    # the HTML's links first: so each has the number that it has when the HTML is injected alone
    numbered = tuple(replace(link, number=number) for number, link in enumerate(links, start=1))
    starts = [piece.start for piece in pieces]

    def enclose(offset: int, before: str, after: str, slotted: bool) -> tuple[str, str]:
        index = bisect_right(starts, offset) - 1
        if index < 0 or offset > pieces[index].end or anew:
            return before, after
        return pieces[index].body.enclose(before, after, slotted=slotted)

    def replan(output: bytes) -> Plan:
        return plan_message(output, name, policy, text=text)

    return Plan(
        *("message", source, data, policy, numbered, pixel_at, reason, tuple(documents), replan),
        *(tuple(opened.regions), tuple(opened.plains), enclose, anew),
    )


def _pieces(
    data: bytes, name: str, opened: _Opened, *, anew: bool = False, recoded: Collection[int] = ()
) -> list[_Piece]:
    found = []
    for leaf, part in enumerate(mime.leaves(data)):
        if part.attached or part.type not in (*_HTML, "text/plain"):
            continue
        body = mime.Body(data, part)
        if not body.data.strip():
            continue
        if part.type == "text/plain" and _WIDE.match(part.charset or ""):
            continue  # a text that cannot be cut is sent as it is
        source = _source(body, part, name)
        html = part.type in _HTML
        if anew or body.encoding == "base64" or leaf in recoded:
            start = opened.open(part.start, part.end, body.data, body.encode, source.charset, html=html)
            end, place = start + len(body.data), _moved(start)
        else:
            start = opened.keep(part.start, part.end)
            end, place = start + part.end - part.start, _shifted(body.place, start - part.start)
        if body.encoding == "8bit" and part.encoding != "binary":
            region = Region(start, end, body.encode, source.charset, html, body.data, anew)
            opened.plains.append(plain(region, data, part, leaf, opened.place, body.eol))
        found.append(_Piece(part.type, source, body, place, start, end, part.joins))
    return found


def decoded_parts(data: bytes, recoded: Collection[int] = ()) -> bytes:
    """Return a message with its base64 texts decoded in place: as ``plan_message`` counts its spans.

    recoded are parts (by their place) that are quoted-printable here, and were not when given.
    """
    opened = _Opened(data, anew=False)
    _pieces(data, "message", opened, recoded=recoded)
    return opened.close()


def _fields(data: bytes) -> list[headers.Field]:
    end = mime.split_headers(data)[1]
    return list(headers.fields(data[:end].decode("latin-1"), end))


def _listed(fields: list[headers.Field]) -> frozenset[str]:
    """Return the addresses of List-Unsubscribe (RFC 2369): a link to one unsubscribes, too."""
    values = [field.text for field in fields if field.name.lower() == "list-unsubscribe"]
    return frozenset(url for value in values for url in re.findall(r"<(https?:[^>]+)>", value))


def _open_headers(fields: list[headers.Field], opened: _Opened) -> None:
    """Decode the headers that have Jinja2 in them: a subject may greet its reader, too."""
    for field in fields:
        if _TAGS.search(field.text) and field.name.lower() not in _FOR_EACH:
            encode = partial(_encoded, field.name)
            opened.open(field.start, field.end, field.text.encode(), encode, "utf-8", html=False)


def _encoded(name: str, content: bytes) -> bytes:
    return headers.encoded(name, content.decode()).encode("ascii", "replace")


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


# Two header fields (RFC 5322, 2.2 and 3.6.8: no space is needed behind the colon). No two web addresses.
_MESSAGE = re.compile(
    rb"\A(?:From \S+ .*\r?\n)?(?:[A-Za-z][!-9;-~]*:(?!//).*\r?\n(?:[ \t].*\r?\n)*){2,}", re.ASCII
)


def _source(body: mime.Body, part: mime.Part, name: str) -> Source:
    charset = part.charset or "utf-8"
    source = read(body.data, name, charset if is_known(charset) else "latin-1")  # bytes are bytes
    if _WIDE.match(source.codec):
        raise InputError(f"{name}: its {part.type} part is in {source.codec}", hint="save it as UTF-8")
    return source


def _placed(links: tuple[Link, ...], piece: _Piece) -> list[Link]:
    """Return links with their places in the message. One that has none is left alone."""
    spans = [span for link in links for span in ((link.start, link.end), *link.strips)]
    places = _bytes(piece.source, [offset for span in spans for offset in span])
    placed = []
    for link in links:
        start, end = places.get(link.start), places.get(link.end)
        if start is None or end is None:
            link = replace(link, decision="leave", reason=f"{piece.source.charset} cannot be cut there")
        strips = tuple(
            (piece.place(places[since]), piece.place(places[till]))
            for since, till in link.strips
            if since in places and till in places
        )
        start, end = piece.place(start or 0), piece.place(end or start or 0)
        placed.append(replace(link, start=start, end=end, strips=strips))
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


def compose(
    html: tuple[bytes, str] | None, text: tuple[bytes, str] | None, fields: list[tuple[str, str]]
) -> bytes:
    """Return a message with an HTML part, a plain-text part, or both as alternatives.

    html and text are bytes and their charset. Quoted-printable throughout, with CRLF: what any mail
    server takes (RFC 5321, 2.3.8). fields are its own headers, in order; values outside ASCII are
    encoded (RFC 2047).
    """
    lines = [f"{name}: {headers.encoded(name, value)}" for name, value in fields]
    lines.append("MIME-Version: 1.0")
    head = "\r\n".join(lines)
    parts = [
        "\r\n".join(
            (
                f'Content-Type: text/{kind}; charset="{_label(given[1])}"',
                "Content-Transfer-Encoding: quoted-printable",
                "",
                mime.encode_quoted_printable(given[0]).decode("ascii"),
            )
        )
        for kind, given in (("plain", text), ("html", html))
        if given is not None
    ]
    if len(parts) == 1:
        end = "" if parts[0].endswith("\r\n") else "\r\n"
        return f"{head}\r\n{parts[0]}{end}".encode("ascii")
    # "=_" cannot stand in quoted-printable, so no part has the boundary in it (RFC 2045, 6.7)
    bound = "pixeltrack=_alternative"
    body = "".join(f"--{bound}\r\n{part}\r\n" for part in parts)
    head += f'\r\nContent-Type: multipart/alternative; boundary="{bound}"'
    return f"{head}\r\n\r\n{body}--{bound}--\r\n".encode("ascii")


def _label(charset: str) -> str:
    """Return a charset by the name that is registered for mail (IANA), of the one that Python has for it."""
    if charset in _IANA:
        return _IANA[charset]
    named = re.sub(r"^iso(\d{4}-)", r"iso-\1", charset)
    return re.sub(r"^cp(125\d)$", r"windows-\1", named)


_IANA = {"iso2022_jp": "iso-2022-jp", "euc_jp": "euc-jp", "euc_kr": "euc-kr", "cp949": "ks_c_5601-1987",
         "cp932": "windows-31j", "mac-roman": "macintosh"}  # fmt: skip
