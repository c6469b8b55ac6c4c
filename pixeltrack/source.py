"""A mail's HTML as bytes, and the view of it in which offsets are counted.

Every charset that is a superset of ASCII and never hides a markup delimiter inside a character is
viewed one character per byte, so nothing is decoded and invalid bytes survive. The few others are
decoded, and refused when encoding does not give the same bytes back.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from pixeltrack.errors import InputError

MAX_BYTES = 5_000_000  # a mail is not larger; the cap keeps every check quick

_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)
_NOT_BYTEWISE = re.compile(r"utf[-_]?(?:7|16|32)|iso2022|hz|johab|ebcdic|cp(?:037|500|875|1026|1140)")
_RUNS = re.compile(r"[\x00-\x7f]+|[^\x00-\x7f]+")  # markup is ASCII: cuts are at the ends of these, or inside
# Without a byte order in their name these write a byte order mark before every piece.
_ENDIAN = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([^\s"'/>;]{1,60})""", re.I)
_MARKUP = re.compile(
    r"<(?:!doctype|html|head|body|table|tr|td|div|p|a|span|h[1-6]|img|br|ul|ol|center|font|style|mjml)"
    r"[\s/>]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Source:
    """One HTML document, ready to be cut.

    ``view`` is what is scanned; ``codec`` turns a piece of the view back into bytes; ``charset``
    is what its text means.
    """

    name: str
    data: bytes
    view: str
    codec: str
    charset: str

    def encode(self, piece: str) -> bytes:
        """Return a piece of the view as the bytes that it stands for."""
        return piece.encode(self.codec)

    def text(self, piece: str) -> str:
        """Return a piece of the view as readable text, whatever is wrong with its bytes."""
        if self.codec != "latin-1":
            return piece
        raw = piece.encode("latin-1")
        try:
            return raw.decode(self.charset)
        except UnicodeError:
            return raw.decode("windows-1252", errors="replace")

    def decode(self, piece: bytes) -> str:
        """Return a piece of the document's bytes as text; raise InputError when it is none."""
        try:
            return piece.decode(self.charset)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.name} is not valid {self.charset}: byte {error.object[error.start]:#04x} in it",
                hint="save it as UTF-8, or name its encoding with --encoding",
            ) from None


def read(data: bytes, name: str, encoding: str | None = None) -> Source:
    """Return the source, or raise InputError when it is empty or wrongly encoded.

    encoding overrides what the document says of itself.
    """
    if not data.strip():
        raise InputError(f"{name} is empty", hint="give the HTML of your mail")
    charset = _charset(data, name, encoding)
    if _NOT_BYTEWISE.search(charset.replace("-", "").replace("_", "")):
        view, codec = _decoded(data, name, charset), charset
    else:
        view, codec = data.decode("latin-1"), "latin-1"
    return Source(name, data, view, codec, charset)


def require_html(source: Source) -> None:
    """Raise InputError for what is no mail's HTML: a picture, a text, far too much."""
    require_size(source)
    if not _MARKUP.search(source.view):
        raise InputError(
            f"{source.name} does not look like HTML: it has no element of a mail in it",
            hint="give the HTML of your mail; its encoding can be named with --encoding",
        )


def require_size(source: Source) -> None:
    """Raise InputError for a mail that is larger than any is."""
    if len(source.data) > MAX_BYTES:
        raise InputError(
            f"{source.name} has {len(source.data):,} bytes; the limit is {MAX_BYTES:,}",
            hint="mail programs clip HTML above about 102 kB; move images out of the HTML",
        )


def has_markup(data: bytes) -> bool:
    """Return whether bytes have an element of a mail in them."""
    return _MARKUP.search(data.decode("latin-1")) is not None


def _charset(data: bytes, name: str, encoding: str | None) -> str:
    for bom, codec in _BOMS:
        if data.startswith(bom):
            return codec  # a byte order mark says more than any label
    if encoding is None and b"\0\0" in (data[0:4:2], data[1:4:2]):  # two ASCII letters of UTF-16
        return "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    declared = _DECLARED.search(data[:4096])
    label = encoding or (declared[1].decode("ascii", "replace") if declared else "")
    if not label or (encoding is None and label.lower().startswith("utf-16")):
        return "utf-8"  # a document that can say "utf-16" in ASCII is not UTF-16 (HTML standard, 13.2.3.3)
    if not is_known(label):
        raise InputError(
            f"{name}: unknown encoding {label!r}",
            hint="name the encoding yourself, for instance --encoding utf-8",
        )
    return _ENDIAN.get(codecs.lookup(label).name, codecs.lookup(label).name)


def is_known(encoding: str) -> bool:
    """Return whether a name is that of a text encoding."""
    try:
        "".encode(encoding)  # unlike codecs.lookup, this refuses what is no text encoding (base64, zlib)
    except (LookupError, ValueError):
        return False
    return True


def _decoded(data: bytes, name: str, charset: str) -> str:
    try:
        view = data.decode(charset)
        exact = view.encode(charset) == data
    except UnicodeError:
        exact = False
    if not exact:
        raise InputError(
            f"{name} is not valid {charset}: decoding and encoding it again changes it",
            hint="save the file as UTF-8",
        )
    # Some encodings write a text that follows another otherwise than one that stands alone.
    if b"".join(run.encode(charset) for run in _RUNS.findall(view)) != data:
        raise InputError(f"{name} cannot be cut in {charset}", hint="save the file as UTF-8")
    return view
