"""A whole mail message as bytes: where its parts are, and how a part's text maps onto them.

Nothing is written again that need not be: parts are found by their spans (RFC 2045, RFC 2046), and an
edit of a part's text becomes an edit of the message's bytes, in the part's own transfer encoding.
"""

from __future__ import annotations

import binascii
import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesHeaderParser

_END_OF_HEADERS = re.compile(rb"(?:\A|\r?\n)\r?\n")
_MAX_DEPTH = 30  # no mail nests deeper; a hostile one might
_QP = re.compile(rb"=([0-9A-Fa-f]{2})|=[ \t]*(\r?\n|\Z)")
_QP_WIDTH = 73  # characters of our own on one line: with "=" at its end no line is over 76
_SIGNED = ("dkim-signature", "domainkey-signature")
_SEALED = re.compile(r"multipart/(?:signed|encrypted)|application/(?:x-)?pkcs7-(?:mime|signature)")


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has no parts: its headers, and the span of its body in the message's bytes."""

    headers: Message
    start: int
    end: int

    @property
    def type(self) -> str:
        return self.headers.get_content_type()

    @property
    def charset(self) -> str | None:
        """The charset that it names, or None."""
        named = self.headers.get_param("charset")
        return named if isinstance(named, str) and named else None

    @property
    def encoding(self) -> str:
        return str(self.headers.get("Content-Transfer-Encoding", "7bit")).strip().lower()

    @property
    def attached(self) -> bool:
        return self.headers.get_content_disposition() == "attachment"


def split_headers(data: bytes, start: int = 0, end: int | None = None) -> tuple[Message, int]:
    """Return the headers that begin at start, and where the body after them begins."""
    end = len(data) if end is None else end
    if data[start : start + 1] == b"\n" or data[start : start + 2] == b"\r\n":
        return Message(), data.index(b"\n", start) + 1  # a part without headers
    found = _END_OF_HEADERS.search(data, start, end)
    body = found.end() if found else end
    return BytesHeaderParser().parsebytes(data[start:body]), body


def leaves(data: bytes) -> list[Part]:
    """Return the parts of a message that have no parts, in order; attached messages are one each."""
    return list(_leaves(data, 0, len(data), 0))


def _leaves(data: bytes, start: int, end: int, depth: int) -> Iterator[Part]:
    headers, body = split_headers(data, start, end)
    boundary = headers.get_boundary() if headers.get_content_maintype() == "multipart" else None
    if not boundary or depth >= _MAX_DEPTH:
        yield Part(headers, body, end)
        return
    # RFC 2046, 5.1.1: the line end before a delimiter belongs to the delimiter.
    delimiter = re.compile(
        rb"(?:(?<=\n)|\A)--"
        + re.escape(boundary.encode("utf-8", "surrogateescape"))
        + rb"(--)?[ \t]*(?:\r?\n|\Z)"
    )
    begins: int | None = None
    for found in delimiter.finditer(data, body, end):
        if begins is not None:
            ends = found.start() - (2 if data[found.start() - 2 : found.start()] == b"\r\n" else 1)
            yield from _leaves(data, begins, max(begins, ends), depth + 1)
        begins = found.end()
        if found[1]:
            return
    if begins is not None:  # the closing delimiter is missing
        yield from _leaves(data, begins, end, depth + 1)


def signed_by(data: bytes) -> str | None:
    """Return what signs or seals a message, so that changing it would break that; else None."""
    headers, _body = split_headers(data)
    for name in _SIGNED:
        if name in headers:
            return "DKIM" if name == "dkim-signature" else "DomainKeys"
    sealed = _SEALED.fullmatch(headers.get_content_type())
    if sealed is None:
        sealed = next((found for part in leaves(data) if (found := _SEALED.fullmatch(part.type))), None)
    return None if sealed is None else "encryption" if "encrypted" in sealed[0] else "S/MIME or PGP"


# -- transfer encodings -----------------------------------------------------------------------------


class Body:
    """A part's body, decoded; ``place`` says where a byte of it is in the message."""

    def __init__(self, message: bytes, part: Part) -> None:
        self.encoding = part.encoding if part.encoding in ("quoted-printable", "base64") else "8bit"
        self._start = part.start
        raw = message[part.start : part.end]
        self._map: array[int] | None = None
        if self.encoding == "quoted-printable":
            self.data, self._map = _decode_quoted_printable(raw)
        elif self.encoding == "base64":
            self.data = _decode_base64(raw)
            first = raw.strip().split(b"\n", 1)[0]
            self._width = len(first.rstrip(b"\r")) or 76
        else:
            self.data = raw
        self._eol = b"\r\n" if b"\r\n" in message else b"\n"
        self._tail = raw[len(raw.rstrip(b"\r\n")) :]

    def place(self, offset: int) -> int:
        """Return the offset in the message of a byte of the decoded body. Not for base64."""
        return self._start + (offset if self._map is None else self._map[offset])

    def enclose(self, before: str, after: str, *, slotted: bool) -> tuple[str, str]:
        """Return what is written before and after a token, in the part's transfer encoding.

        In quoted-printable each stands on lines of its own between soft line breaks (RFC 2045, 6.7,
        rule 5), so that no line is too long wherever it is put and whatever the token is.
        """
        if self.encoding != "quoted-printable":
            return before, after
        soft = f"={self._eol.decode()}"
        ahead = soft + "".join(f"{line}{soft}" for line in _folded(before))
        if not slotted:
            return ahead, ""
        return ahead, soft + "".join(f"{line}{soft}" for line in _folded(after))

    def encode(self, content: bytes) -> bytes:
        """Return a whole new body as this part would have it written."""
        if self.encoding == "quoted-printable":
            return encode_quoted_printable(content, self._eol)
        if self.encoding == "base64":
            return encode_base64(content, self._width, self._eol) + self._tail
        return content


def _folded(text: str) -> Iterator[str]:
    """Yield ASCII text as pieces of quoted-printable lines."""
    line = ""
    for character in text:
        written = f"={ord(character):02X}" if character == "=" or not " " <= character <= "~" else character
        if len(line) + len(written) > _QP_WIDTH:
            yield line
            line = ""
        line += written
    if line:
        yield line


def _decode_quoted_printable(raw: bytes) -> tuple[bytes, array[int]]:
    """Return the decoded bytes, and for each (and for the end) where it begins in raw."""
    pieces: list[bytes] = []
    places = array("l")
    position = 0
    for found in _QP.finditer(raw):
        start = found.start()
        pieces.append(raw[position:start])
        places.extend(range(position, start))
        position = found.end()
        if found[1]:
            pieces.append(bytes.fromhex(found[1].decode()))
            places.append(start)
    pieces.append(raw[position:])
    places.extend(range(position, len(raw) + 1))
    return b"".join(pieces), places


def _decode_base64(raw: bytes) -> bytes:
    """Decode as mail programs do: what is no base64 is skipped (RFC 2045, 6.8)."""
    kept = re.sub(rb"[^A-Za-z0-9+/]", b"", raw.split(b"=", 1)[0])
    kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def encode_quoted_printable(content: bytes, eol: bytes = b"\r\n") -> bytes:
    """Return text in quoted-printable: line ends as eol, no line over 76, none that mbox would mistake."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    written = b"\n".join(binascii.b2a_qp(line, istext=False) for line in lines)
    return re.sub(rb"(?m)^From ", b"=46rom ", written).replace(b"\n", eol)


def encode_base64(content: bytes, width: int = 76, eol: bytes = b"\r\n") -> bytes:
    """Return base64 in lines of width characters, without a line end after the last."""
    step = max(width // 4, 1) * 3
    lines = [
        binascii.b2a_base64(content[at : at + step], newline=False) for at in range(0, len(content), step)
    ]
    return eol.join(lines)
