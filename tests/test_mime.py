"""Whole messages as bytes: which parts are found where, and what their bodies decode to."""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from contextlib import suppress
from email import message_from_bytes

import pytest
from cutting import growth
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack import mime
from pixeltrack.errors import InputError

EOLS = [b"\n", b"\r\n"]


def found(data: bytes) -> list[tuple[str, bytes]]:
    """Type and body of each leaf, as they stand in the message."""
    return [(part.type, data[part.start : part.end]) for part in mime.leaves(data)]


def multipart(*parts: str, kind: str = "mixed", boundary: str = "b", closed: bool = True) -> str:
    inner = "".join(f"--{boundary}\n{part}\n" for part in parts)
    end = f"--{boundary}--\n" if closed else ""
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{inner}{end}'


HTML = "Content-Type: text/html\n\n<p>x</p>"
TEXT = "Content-Type: text/plain\n\nx"


# -- where parts are --------------------------------------------------------------------------------

CASES = [
    ("From: a@b.example\n\nhello\n", [("text/plain", "hello\n")]),
    ("Content-Type: TEXT/HTML; charset=x\n\n<p>\n\n</p>", [("text/html", "<p>\n\n</p>")]),
    ("Subject: no blank line", [("text/plain", "")]),
    ("Subject: no blank line\n", [("text/plain", "")]),
    ("Subject: no body\n\n", [("text/plain", "")]),
    ("\nno headers", [("text/plain", "no headers")]),
    ("", [("text/plain", "")]),
    (multipart(TEXT, HTML), [("text/plain", "x"), ("text/html", "<p>x</p>")]),
    # RFC 2046, 5.1.1: preamble and epilogue are no parts
    (
        multipart(HTML).replace("\n\n--b", "\n\npreamble --b\n-- b\n\n--b", 1) + "epilogue\n--b\n" + TEXT,
        [("text/html", "<p>x</p>")],
    ),
    (multipart(TEXT, HTML, closed=False), [("text/plain", "x"), ("text/html", "<p>x</p>\n")]),
    (multipart(multipart(TEXT, HTML, boundary="c"), TEXT), [("text/plain", "x"), ("text/html", "<p>x</p>"), ("text/plain", "x")]),
    # the outer boundary ends what the inner one has not
    (
        multipart(multipart(TEXT, HTML, boundary="c", closed=False), TEXT),
        [("text/plain", "x"), ("text/html", "<p>x</p>\n"), ("text/plain", "x")],
    ),
    # a boundary that is the beginning of another, either way round
    (multipart(multipart(TEXT, HTML, boundary="bb"), TEXT), [("text/plain", "x"), ("text/html", "<p>x</p>"), ("text/plain", "x")]),
    (
        multipart(multipart(TEXT, HTML, boundary="b"), TEXT, boundary="bb"),
        [("text/plain", "x"), ("text/html", "<p>x</p>"), ("text/plain", "x")],
    ),
    (multipart(HTML, boundary="(.*)+?[a"), [("text/html", "<p>x</p>")]),
    (multipart(HTML).replace("--b\n", "--b \t\n"), [("text/html", "<p>x</p>")]),
    (multipart(HTML).removesuffix("\n"), [("text/html", "<p>x</p>")]),
    (multipart("", HTML), [("text/plain", ""), ("text/html", "<p>x</p>")]),
    (multipart("\n", HTML), [("text/plain", ""), ("text/html", "<p>x</p>")]),
    (multipart("\n--x\n"), [("text/plain", "--x\n")]),
    (multipart("Content-Type: text/html\n"), [("text/html", "")]),
    (multipart("Content-Type: text/html"), [("text/html", "")]),
    (multipart(), []),
    ("Content-Type: multipart/mixed\n\nwithout a boundary", [("multipart/mixed", "without a boundary")]),
    # an attached message is one part, whatever is in it
    (
        multipart(HTML, "Content-Type: message/rfc822\n\n" + multipart(HTML, boundary="c")),
        [("text/html", "<p>x</p>"), ("message/rfc822", multipart(HTML, boundary="c"))],
    ),
    # RFC 2046, 5.1.5: what is in a digest is a message unless it says otherwise
    (multipart("\nSubject: s\n\nhttps://a.example/", HTML, kind="digest"), [("message/rfc822", "Subject: s\n\nhttps://a.example/"), ("text/html", "<p>x</p>")]),
]  # fmt: skip


@pytest.mark.parametrize("eol", EOLS)
@pytest.mark.parametrize(("written", "expected"), CASES)
def test_parts_are_found_where_they_are(written: str, expected: list[tuple[str, str]], eol: bytes) -> None:
    data = written.encode().replace(b"\n", eol)
    wanted = [(kind, body.encode().replace(b"\n", eol)) for kind, body in expected]
    assert found(data) == wanted
    for part in mime.leaves(data):
        assert part.start <= part.end


@pytest.mark.parametrize("eol", EOLS)
@pytest.mark.parametrize(
    "written", [case for case, _expected in CASES if "digest" not in case and "[a" not in case]
)
def test_pythons_parser_finds_the_same(written: str, eol: bytes) -> None:
    data = written.encode().replace(b"\n", eol)
    theirs = [
        (part.get_content_type(), (part.as_bytes() if part.get_content_type() == "message/rfc822" else part.get_payload(decode=True)))
        for part in _leaves_of(message_from_bytes(data))
    ]  # fmt: skip
    ours = [(kind, body) for kind, body in found(data)]
    assert [kind for kind, _ in ours] == [kind for kind, _ in theirs]
    for (kind, mine), (_, other) in zip(ours, theirs, strict=True):
        if kind != "message/rfc822":  # which Python writes anew
            assert mine.rstrip(b"\r\n") == other.rstrip(b"\r\n")  # type: ignore[union-attr]


def _leaves_of(message):  # type: ignore[no-untyped-def]
    if message.get_content_maintype() == "multipart" and message.is_multipart():
        return [leaf for part in message.get_payload() for leaf in _leaves_of(part)]
    preamble_only = message.get_content_maintype() == "multipart" and message.get_boundary()
    return [] if preamble_only else [message]


def test_nesting_without_end_ends() -> None:
    data = "".join(f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(500))
    assert len(mime.leaves(data.encode())) == 1


@pytest.mark.parametrize(
    "piece", ["--b\n\n", "--b\n", "--b\na:b\n\n", "--b--\n", "--", "a:b\n", "\n", "--b\n\nx"]
)
def test_parts_are_found_in_linear_time(piece: str) -> None:
    head = "Content-Type: multipart/mixed; boundary=b\n\n"

    def leaves(text: str) -> None:
        with suppress(InputError):  # far too many parts
            mime.leaves((head + text).encode())

    assert growth(leaves, piece, 60_000) < 4


def test_a_message_of_thousands_of_parts_is_refused() -> None:
    data = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 1_001
    with pytest.raises(InputError, match="more than 1,000 parts"):
        mime.leaves(data)


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("", "text/html"),
        ("7BIT", "text/html"),
        ("8-bit", "text/html"),
        (" Quoted-Printable ; ", "text/html"),
        ("x-uuencode", "application/octet-stream"),  # RFC 2045, 6.4
        ("zlib", "application/octet-stream"),
    ],
)
def test_what_nobody_can_decode_is_no_text(header: str, kind: str) -> None:
    (part,) = mime.leaves(f"Content-Type: text/html\nContent-Transfer-Encoding: {header}\n\nx".encode())
    assert part.type == kind


@pytest.mark.parametrize(
    ("value", "charset"),
    [
        ("text/html", None),
        ('text/html; charset=""', None),
        ('text/html; CHARSET="UTF-8"', "UTF-8"),
        ("text/html;\n charset=iso-8859-1", "iso-8859-1"),
        ("text/html; charset*=utf-8''x%ff", None),
    ],
)
def test_the_charset_that_a_part_names(value: str, charset: str | None) -> None:
    (part,) = mime.leaves(f"Content-Type: {value}\n\nx".encode())
    assert part.charset == charset


def test_only_what_says_so_is_attached() -> None:
    for value, attached in (
        ("attachment; filename=x.html", True),
        ("inline; filename=x", False),
        ("", False),
    ):
        (part,) = mime.leaves(f"Content-Disposition: {value}\n\nx".encode())
        assert part.attached is attached


# -- signatures -------------------------------------------------------------------------------------

_SIGNED = multipart(HTML, "Content-Type: application/pgp-signature\n\nx", kind="signed", boundary="s")


@pytest.mark.parametrize(
    ("message", "by"),
    [
        (f"From: a@b.example\n{HTML}", None),
        (f"DKIM-Signature: v=1\n{HTML}", "DKIM"),
        (f"dkim-signature: v=1;\n a=rsa\n{HTML}", "DKIM"),
        (f"DomainKey-Signature: a=rsa\n{HTML}", "DomainKeys"),
        (_SIGNED, "S/MIME or PGP"),
        (multipart(_SIGNED, TEXT), "S/MIME or PGP"),  # as a mailing list sends it on
        (multipart(TEXT, TEXT, kind="encrypted"), "encryption"),
        ("Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nx", "S/MIME or PGP"),
        ("Content-Type: application/x-pkcs7-mime\nContent-Disposition: attachment\n\nx", "S/MIME or PGP"),
        (multipart(HTML, "Content-Type: application/pkcs7-mime\n\nx"), "S/MIME or PGP"),
        # what is attached is signed for itself
        (multipart(HTML, "Content-Type: application/pkcs7-signature\nContent-Disposition: attachment\n\nx"), None),
        (multipart(HTML, f"Content-Type: message/rfc822\n\nDKIM-Signature: v=1\n{_SIGNED}"), None),
        (multipart(f"DKIM-Signature: v=1\n{HTML}"), None),
    ],
)  # fmt: skip
def test_what_would_be_broken_is_named(message: str, by: str | None) -> None:
    assert mime.signed_by(message.encode()) == by


# -- transfer encodings -----------------------------------------------------------------------------


def body(raw: bytes, encoding: str, head: bytes = b"") -> mime.Body:
    data = head + b"Content-Type: text/html\nContent-Transfer-Encoding: " + encoding.encode() + b"\n\n" + raw
    (part,) = mime.leaves(data)
    return mime.Body(data, part)


QUOTED = [
    (b'a=3D"b"', b'a="b"'),
    (b"a=3d=c3=BC", b"a=\xc3\xbc"),
    (b"one=\ntwo=\r\nthree", b"onetwothree"),
    (b"one= \t\r\ntwo", b"onetwo"),  # padding that a gateway has added
    (b"a=XYb", b"a=XYb"),  # RFC 2045, 6.7: illegal, and left as it is
    (b"a=4", b"a=4"),
    (b"a=", b"a"),
    (b"==3D", b"=="),
    (b"a=\n=\n=3D\nb", b"a=\nb"),
    (b"caf\xe9", b"caf\xe9"),
    (b"", b""),
]


@pytest.mark.parametrize(("raw", "decoded"), QUOTED)
def test_quoted_printable_is_read_as_it_is_written(raw: bytes, decoded: bytes) -> None:
    made = body(raw, "quoted-printable")
    assert made.data == decoded
    start = len(b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n")
    behind = re.sub(rb"=[ \t]*(?:\r?\n)?\Z", b"", raw)  # nothing can stand behind a soft line break
    assert made.place(len(decoded)) == start + len(behind)
    for offset, byte in enumerate(decoded):
        there = raw[made.place(offset) - start :]
        assert there[0] == byte or there[:3].upper() == b"=%02X" % byte


@given(st.binary(max_size=300), st.sampled_from(EOLS))
def test_what_is_quoted_reads_the_same_and_is_fit_to_send(content: bytes, eol: bytes) -> None:
    written = mime.encode_quoted_printable(content, eol)
    lines = written.split(eol)
    assert all(len(line) <= 76 and not line.startswith(b"From ") and line != b"." for line in lines)
    assert written.isascii() and (b"\r" not in written.replace(b"\r\n", b"") and b"\0" not in written)
    expected = content.replace(b"\r\n", b"\n").replace(b"\n", eol)
    assert body(written, "quoted-printable").data == expected == quopri.decodestring(written)


@pytest.mark.parametrize(
    "text", [b"From x", b"From " * 40, b"x" * 75 + b"From x", b"From " + b"x" * 71, b"From \n.\n. \n"]
)
def test_no_line_looks_like_the_start_of_a_message(text: bytes) -> None:
    lines = mime.encode_quoted_printable(text).split(b"\r\n")
    assert not [line for line in lines if line.startswith(b"From ") or line == b"." or len(line) > 76]
    assert quopri.decodestring(b"\r\n".join(lines)) == text.replace(b"\n", b"\r\n")


BASE64 = [
    (b"PHA+eDwvcD4=", b"<p>x</p>", b""),
    (b"PHA+\r\neDwv\r\ncD4=\r\n", b"<p>x</p>", b"\r\n"),
    (b"  PHA+\n\n eDwv cD4\n", b"<p>x</p>", b"\n"),  # no padding
    (b"PHA+!eD*wvcD4=", b"<p>x</p>", b""),  # RFC 2045, 6.8: what is no base64 is skipped
    (b"PHA+eDwvcD4=\n\nA footer of a list.\n", b"<p>x</p>", b"\n"),
    (b"PHA+eA=\n=\n", b"<p>x", b"\n"),  # nobody reads what is behind the end
    (b"PHA+e", b"<p>", b""),  # cut off
    (b"", b"", b""),
    (b"\n", b"", b"\n"),
    (b"====", b"", b""),
]


@pytest.mark.parametrize(("raw", "decoded", "tail"), BASE64)
def test_base64_is_read_as_mail_programs_do(raw: bytes, decoded: bytes, tail: bytes) -> None:
    made = body(raw, "BASE64")
    assert made.data == decoded
    written = made.encode(b"<b>new</b>")
    assert written.endswith(tail)
    assert b64decode(written.removesuffix(tail)) == b"<b>new</b>"


@pytest.mark.parametrize(
    ("width", "kept"), [(76, 76), (60, 60), (72, 72), (4, 4), (3, 76), (80, 76), (5_000, 76)]
)
def test_lines_of_base64_stay_as_wide_as_is_allowed(width: int, kept: int) -> None:
    raw = b"\r\n".join([b"A" * width] * 3)
    written = body(raw, "base64", b"X: y\r\n").encode(b"\0" * 300)
    assert max(map(len, written.split(b"\r\n"))) == kept


def test_a_short_text_on_one_line_says_nothing_of_the_width() -> None:
    assert b"\n" not in body(b"PHA+", "base64").encode(b"x" * 57)


@given(st.binary(max_size=200))
def test_any_bytes_decode_as_something_and_places_are_in_the_part(raw: bytes) -> None:
    for encoding in ("quoted-printable", "base64", "8bit", "binary"):
        made = body(raw, encoding)
        if encoding != "base64":
            places = [made.place(offset) for offset in range(len(made.data) + 1)]
            assert places == sorted(places)


@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
@pytest.mark.parametrize("piece", ["=", "= ", "=\n", " ", "\n", "A", "=41", "A\n", "\t"])
def test_decoding_is_linear(encoding: str, piece: str) -> None:
    assert growth(lambda text: body(text.encode(), encoding), piece, 100_000) < 4


# -- our own text in a part -------------------------------------------------------------------------


def test_in_quoted_printable_our_text_stands_on_lines_of_its_own() -> None:
    made = body(b'<a href=3D"x">', "quoted-printable")
    before, after = made.enclose("https://t.example/?a=b&c/" * 9, '"é>', slotted=True)
    whole = "y" * 75 + before + "T" * 28 + after + "z" * 75
    assert all(len(line) <= 76 for line in whole.split("\n"))
    assert quopri.decodestring(whole.encode()).decode("latin-1") == (
        "y" * 75 + "https://t.example/?a=b&c/" * 9 + "T" * 28 + '"é>' + "z" * 75
    )


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "base64"])
def test_elsewhere_our_text_stands_as_it_is(encoding: str) -> None:
    assert body(b"PHA+", encoding).enclose("a=b", "c", slotted=True) == ("a=b", "c")
