"""Reading a mail's HTML: its charset, and what is refused."""

from __future__ import annotations

import pytest

from pixeltrack.errors import InputError
from pixeltrack.source import MAX_BYTES, read, require_html


@pytest.mark.parametrize(
    ("data", "charset"),
    [
        (b"<p>x", "utf-8"),
        (b"\xef\xbb\xbf<p>x", "utf-8"),
        ("<p>x".encode("utf-16"), "utf-16-le"),
        (b"\xfe\xff" + "<p>x".encode("utf-16-be"), "utf-16-be"),
        ("<p>x".encode("utf-16-le"), "utf-16-le"),
        ("<p>x".encode("utf-16-be"), "utf-16-be"),
        (b"<p>\0x", "utf-8"),
        (b'<meta charset="windows-1251"><p>x', "cp1251"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>x', "iso8859-1"),
        (b'<meta charset="utf-16"><p>x', "utf-8"),
    ],
)
def test_a_mail_says_what_it_is_written_in(data: bytes, charset: str) -> None:
    assert read(data, "mail.html").charset == charset


@pytest.mark.parametrize(
    ("data", "encoding", "said"),
    [
        (b"", None, "mail.html is empty"),
        (b" \r\n", None, "mail.html is empty"),
        (b'<meta charset="nonsense-8"><p>', None, "unknown encoding 'nonsense-8'"),
        (b"<p>", "base64", "unknown encoding 'base64'"),
        (b"<p>", "undefined", "unknown encoding 'undefined'"),
        (b"<meta charset=a\0b><p>", None, "unknown encoding 'a.x00b'"),
        (b"\xff\xfe<\x00p\x00>", None, "is not valid utf-16-le"),
        (b"<p>\x1b$B\xff", "iso2022_jp", "is not valid iso2022_jp"),
    ],
)
def test_what_cannot_be_read_is_said(data: bytes, encoding: str | None, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read(data, "mail.html", encoding)


@pytest.mark.parametrize("label", ["utf-8", "punycode", "idna", "unicode_escape", "shift_jis"])
def test_text_can_be_shown_whatever_is_wrong_with_its_bytes(label: str) -> None:
    source = read(b"<p>\xe9-\xff\\x", "mail.html", label)
    assert source.text("\xe9-\xff\\x").endswith("\\x")
    assert source.text("http://a.b") == "http://a.b"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<p>" + b"x" * MAX_BYTES, "the limit is 5,000,000"),
        (b"just a text", "does not look like HTML"),
        (b"\x89PNG\r\n\x1a\n<x>", "does not look like HTML"),
    ],
)
def test_what_is_no_html_is_refused(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said):
        require_html(read(data, "mail.html"))
