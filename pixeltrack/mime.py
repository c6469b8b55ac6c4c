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
from itertools import islice

from pixeltrack.errors import InputError

_END_OF_HEADERS = re.compile(rb"(?:\A|\r?\n)\r?\n")
_MAX_DEPTH = 30  # no mail nests deeper; a hostile one might
_MAX_PARTS = 1_000  # nor has more
_QP = re.compile(rb"=([0-9A-Fa-f]{2})|=[ \t]*(\r?\n|\Z)")
_SOFT_END = re.compile(rb"=[ \t]*(?:\r?\n)?\Z")
_QP_WIDTH = 73  # characters of our own on one line: with "=" at its end no line is over 76
LINE = 998  # bytes of a line, without its end: RFC 5322, 2.1.1, and RFC 5321, 4.5.3.1.6
_WIDTH, _QUAD = 76, 4  # of a line of base64: at most, and of what three bytes make
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_COMMENT = re.compile(r"\([^()]*\)")  # in a header (RFC 5322, 3.2.2)
_SIGNED = ("dkim-signature", "domainkey-signature")
_SEALED = re.compile(r"multipart/(?:signed|encrypted)|application/(?:x-)?pkcs7-mime")
# RFC 2045, section 6.1, and what is sent in their place and means the same
_ENCODINGS = ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "quoted-printable", "base64")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a message: its headers, which begin at ``begins``, and the span of its body."""

    headers: Message
    begins: int
    start: int
    end: int
    has_parts: bool = False

    @property
    def type(self) -> str:
        """What it is; no text when its transfer encoding is one that nobody reads (RFC 2045, 6.4)."""
        return self.headers.get_content_type() if self.encoding in _ENCODINGS else "application/octet-stream"

    @property
    def charset(self) -> str | None:
        """The charset that it names, or None."""
        named = self.headers.get_param("charset")
        return named if isinstance(named, str) and named else None

    @property
    def encoding(self) -> str:
        written = _COMMENT.sub("", str(self.headers.get("Content-Transfer-Encoding", "7bit")))
        return written.strip("; \t\r\n").lower()

    @property
    def joins(self) -> bool:
        """Whether a line that ends with a space goes on in the next one without it (RFC 3676, 4)."""
        return str(self.headers.get_param("delsp", "")).lower() == "yes"

    @property
    def attached(self) -> bool:
        return self.headers.get_content_disposition() == "attachment"


def split_headers(data: bytes, start: int = 0, end: int | None = None) -> tuple[Message, int]:
    """Return the headers that begin at start, and where the body after them begins."""
    end = len(data) if end is None else end
    for blank in (b"\n", b"\r\n"):
        if data.startswith(blank, start, end):
            return Message(), start + len(blank)  # a part without headers
    found = _END_OF_HEADERS.search(data, start, end)
    body = found.end() if found else end
    return BytesHeaderParser().parsebytes(data[start:body]), body


def leaves(data: bytes) -> list[Part]:
    """Return the parts of a message that have no parts, in order; attached messages are one each."""
    return [part for part in _all_parts(data) if not part.has_parts]


def _all_parts(data: bytes) -> list[Part]:
    """Return every part of a message; raise InputError for one that has far too many."""
    parts = list(islice(_parts(data, 0, len(data)), _MAX_PARTS + 1))
    if len(parts) > _MAX_PARTS:
        raise InputError(f"the message has more than {_MAX_PARTS:,} parts", hint="no mail program makes such")
    return parts


def _parts(data: bytes, start: int, end: int, depth: int = 0, default: str = "text/plain") -> Iterator[Part]:
    """Yield the parts between two offsets, each before its own; default is what one is that does not say."""
    headers, body = split_headers(data, start, end)
    headers.set_default_type(default)
    boundary = headers.get_boundary() if headers.get_content_maintype() == "multipart" else None
    if not boundary or depth >= _MAX_DEPTH:
        yield Part(headers, start, body, end)
        return
    yield Part(headers, start, body, end, has_parts=True)
    within = "message/rfc822" if headers.get_content_subtype() == "digest" else "text/plain"
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
            yield from _parts(data, begins, max(begins, ends), depth + 1, within)
        begins = found.end()
        if found[1]:
            return
    if begins is not None:  # the closing delimiter is missing
        yield from _parts(data, begins, end, depth + 1, within)


def signed_by(data: bytes) -> str | None:
    """Return what signs or seals a message, so that changing it would break that; else None.

    What is attached may be signed or sealed for itself.
    """
    parts = _all_parts(data)
    for name in _SIGNED:
        if name in parts[0].headers:
            return "DKIM" if name == "dkim-signature" else "DomainKeys"
    for part in parts:
        sealed = _SEALED.fullmatch(part.headers.get_content_type())
        if sealed and (part is parts[0] or not part.attached):
            return "encryption" if "encrypted" in sealed[0] else "S/MIME or PGP"
    return None


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
            self._tail = raw[len(raw.rstrip()) :]
            lines = raw.split(None, 2)
            # as wide as it was, where that is what RFC 2045 allows and not a short text's only line
            self._width = len(lines[0]) if len(lines) > 1 and _QUAD <= len(lines[0]) <= _WIDTH else _WIDTH
        else:
            self.data = raw
        first = message.find(b"\n")
        self.eol = b"\r\n" if message[max(first - 1, 0) : first] == b"\r" else b"\n"

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
        soft = f"={self.eol.decode()}"
        ahead = soft + "".join(f"{line}{soft}" for line in _folded(before))
        if not slotted:
            return ahead, ""
        return ahead, soft + "".join(f"{line}{soft}" for line in _folded(after))

    def encode(self, content: bytes) -> bytes:
        """Return a whole new body as this part would have it written.

        What stood behind the end of base64 is not in it: nobody reads that, and behind data that
        need no "=" it would be read.
        """
        if self.encoding == "quoted-printable":
            return encode_quoted_printable(content, self.eol)
        if self.encoding == "base64":
            return encode_base64(content, self._width, self.eol) + self._tail
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
    ending = _SOFT_END.search(raw, max(len(raw) - 100, 0))
    if ending:  # nothing can stand behind a soft line break that ends the text
        places[-1] = ending.start()
    return b"".join(pieces), places


def _decode_base64(raw: bytes) -> bytes:
    """Decode as mail programs do: what is no base64 is skipped, and "=" is the end (RFC 2045, 6.8)."""
    kept = _NO_BASE64.sub(b"", raw.partition(b"=")[0])
    if len(kept) % 4 == 1:
        kept = kept[:-1]
    return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def encode_quoted_printable(content: bytes, eol: bytes = b"\r\n") -> bytes:
    """Return text in quoted-printable: line ends as eol, no line over 76, none that mbox would mistake."""
    lines = content.replace(b"\r\n", b"\n").split(b"\n")
    written = b"\n".join(binascii.b2a_qp(line, istext=False) for line in lines)
    return re.sub(rb"(?m)^From ", b"=46rom=\n ", written).replace(b"\n", eol)


def encode_base64(content: bytes, width: int = _WIDTH, eol: bytes = b"\r\n") -> bytes:
    """Return base64 in lines of width characters, without a line end after the last."""
    step = max(width // 4, 1) * 3
    lines = [
        binascii.b2a_base64(content[at : at + step], newline=False) for at in range(0, len(content), step)
    ]
    return eol.join(lines)
