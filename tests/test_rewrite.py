"""Rewriting: only link values and the pixel change, wherever a reader may follow a link."""

from __future__ import annotations

import pytest
from cutting import PAGES, PIXEL, VALUES, click, edits_of, planned, rewrite
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.edits import Edit, cut
from pixeltrack.proofs import undo

# (mail, what becomes of it): {n} is our URL of link n, {pixel} the pixel.
CASES = [
    ('<p><a href="https://a.example/">x</a>', '<p><a href="{1}">x</a>{pixel}'),
    ("<p><a href='https://a.example/'>x</a>", "<p><a href='{1}'>x</a>{pixel}"),
    ("<p><a href=https://a.example/>x</a>", "<p><a href={1}>x</a>{pixel}"),
    ("<p><A HREF = ' \n https://a.example/ '>x</A>", "<p><A HREF = '{1}'>x</A>{pixel}"),
    ('<p><a title="a > b" href="//a.example/x">x</a>', '<p><a title="a > b" href="{1}">x</a>{pixel}'),
    (
        '<p><a href="https://a.example/" href="https://b.example/">x</a>',
        '<p><a href="{1}" href="https://b.example/">x</a>{pixel}',
    ),
    (
        '<p><a data-href="https://a.example/" href="#top">x</a>',
        '<p><a data-href="https://a.example/" href="#top">x</a>{pixel}',
    ),
    (
        '<map><area href="https://a.example/" alt="x"></map><p>',
        '<map><area href="{1}" alt="x"></map><p>{pixel}',
    ),
    (
        '<p><!--[if mso]><v:roundrect href="https://a.example/" x><center>B</center></v:roundrect><![endif]-->'
        '<!--[if !mso]><!--><a href="https://a.example/">B</a><!--<![endif]-->',
        '<p><!--[if mso]><v:roundrect href="{1}" x><center>B</center></v:roundrect><![endif]-->'
        '<!--[if !mso]><!--><a href="{2}">B</a><!--<![endif]-->{pixel}',
    ),
    (
        '<p><!--[if (gte mso 9)|(IE)]><a href="https://a.example/">x</a><![endif]--><![if !mso]><a href="https://a.example/">y</a><![endif]>',
        '<p><!--[if (gte mso 9)|(IE)]><a href="{1}">x</a><![endif]--><![if !mso]><a href="{2}">y</a><![endif]>{pixel}',
    ),
    (
        '<p><!-- <a href="https://a.example/">x</a> -->',
        '<p><!-- <a href="https://a.example/">x</a> -->{pixel}',
    ),
    (
        '<p><script>"<a href=https://a.example/>"</script>',
        '<p><script>"<a href=https://a.example/>"</script>{pixel}',
    ),
    (
        '<link href="https://a.example/"><base href="https://a.example/"><form action="https://a.example/"><p>',
        '<link href="https://a.example/"><base href="https://a.example/"><form action="https://a.example/"><p>{pixel}',
    ),
    (
        '<p><a href="mailto:a@a.example?body=https://a.example/">x</a>',
        '<p><a href="mailto:a@a.example?body=https://a.example/">x</a>{pixel}',
    ),
    (
        '<p><a href="{{ url }}">x</a><a href="*|UNSUB|*">y</a>',
        '<p><a href="{{ url }}">x</a><a href="*|UNSUB|*">y</a>{pixel}',
    ),
    (
        '<p>{% if a < b %}<a href="https://a.example/">x</a>{% endif %}',
        '<p>{% if a < b %}<a href="{1}">x</a>{% endif %}{pixel}',
    ),
    (
        '<p><a clicktracking="off" href="https://a.example/">x</a>',
        '<p><a clicktracking="off" href="https://a.example/">x</a>{pixel}',
    ),
    ('<p><a id="i"="j" href="https://a.example/">x</a>', '<p><a id="i"="j" href="{1}">x</a>{pixel}'),
    ("<p><a href=https://a.example/x/>x</a>", "<p><a href={1}>x</a>{pixel}"),
    (
        '<p><a href="https://a.example/">x<p><a href="https://a.example/">y</a></a>',
        '<p><a href="{1}">x<p><a href="{2}">y</a></a>{pixel}',
    ),
    (
        '<p><a href="https://a.example/"><a href="https://a.example/x">see https://a.example/</a>',
        '<p><a href="{1}"><a href="{2}">see https://a.example/</a>{pixel}',
    ),
    (
        '<p><svg><a xlink:href="https://a.example/">x</a></svg><a href="/x">y</a><a href>z</a>',
        '<p><svg><a xlink:href="https://a.example/">x</a></svg><a href="/x">y</a><a href>z</a>{pixel}',
    ),
    ("<p>&#123456789012345678901234567890;</p>", "<p>&#123456789012345678901234567890;</p>{pixel}"),
    ("<p>x</p><style>a{}</body></style ", "<p>x</p>{pixel}<style>a{}</body></style "),
    ("<p>x</p><plaintext></body>", "<p>x</p>{pixel}<plaintext></body>"),
    ("<title></body></title><p>x</p>", "<title></body></title><p>x</p>{pixel}"),
    ("<html><body><p>x</p></BODY ></html>", "<html><body><p>x</p>{pixel}</BODY ></html>"),
    ("<html><p>x</p></html>after", "<html><p>x</p>{pixel}</html>after"),
    ("<p>x</p></body></body>tail", "<p>x</p></body>{pixel}</body>tail"),
    ("<p>x</p><!-- </body> ", "<p>x</p>{pixel}<!-- </body> "),
    ("<p>x</p><a href=", "<p>x</p>{pixel}<a href="),
    ("<p>x</p><style>a{}", "<p>x</p>{pixel}<style>a{}"),
    ("<html amp4email><body><p></p></body></html>", "<html amp4email><body><p></p></body></html>"),
    ("<frameset><frame src=x></frameset><p>", "<frameset><frame src=x></frameset><p>"),
    ("\ufeff<p>\r\nx\ry\n\0\t </p>\r\n", "\ufeff<p>\r\nx\ry\n\0\t </p>\r\n{pixel}"),
]


def filled(expected: str) -> str:
    for number in (1, 2):
        expected = expected.replace(f"{{{number}}}", click(number))
    return expected.replace("{pixel}", PIXEL)


@pytest.mark.parametrize(("mail", "expected"), CASES)
def test_only_links_and_pixel_change(mail: str, expected: str) -> None:
    assert rewrite(mail.encode()).decode() == filled(expected)


@pytest.mark.parametrize(
    "codec", ["utf-16", "utf-16-be", "utf-32", "iso2022_jp", "shift_jis", "gb18030", "cp1252"]
)
def test_every_charset_is_cut_at_its_own_bytes(codec: str) -> None:
    text = {"cp1252": "é"}.get(codec, "日本")
    mail = f'<p>{text} <a href="https://a.example/">{text}</a></p></body>'.encode(codec)
    expected = f'<p>{text} <a href="{click(1)}">{text}</a></p>{PIXEL}</body>'
    assert rewrite(mail, codec) == expected.encode(codec)


def test_bytes_that_are_no_text_stay() -> None:
    assert rewrite(b"<p>\xff\xfe\x80</p>") == b"<p>\xff\xfe\x80</p>" + PIXEL.encode()


def test_a_link_knows_its_place_and_text() -> None:
    made = planned(
        b'<p>\r\n  <a href="https://a.example/?a=1&amp;b=2"><b>Buy</b>\n <img alt="now"> &amp; save</a>'
    )
    (link,) = made.links
    assert (link.number, link.line, link.column) == (1, 2, 3)
    assert (link.text, link.destination) == ("Buy now & save", "https://a.example/?a=1&b=2")


def test_placeholders_are_filled() -> None:
    mail = b'<p><a href="pixeltrack:unsubscribe">U</a><a href="pixeltrack:preferences">P</a><a href="pixeltrack:privacy">N</a>'
    for slot in ("unsubscribe", "preferences", "privacy"):
        assert f'"{PAGES[slot]}"'.encode() in rewrite(mail)


def test_a_mail_that_is_ours_already_stays_as_it_is() -> None:
    once = rewrite(b'<body><p><a href="https://a.example/">x</a><a href="pixeltrack:privacy">y</a></body>')
    assert rewrite(once) == once


def test_a_shop_at_our_address_keeps_its_links_and_pictures() -> None:
    mail = (
        b'<body><img src="https://t.example/p/logo.gif"><a href="https://t.example/c/category/1/shoes">a</a>'
        b'<a href="https://t.example/p/red-shoes">b</a><a href="https://t.example/privacy-policy">c</a></body>'
    )
    made = planned(mail)
    assert [link.decision for link in made.links] == ["wrap"] * 3
    assert made.pixel_at is not None


def test_a_mail_with_many_links_numbers_them_all() -> None:
    output = rewrite(b'<a href="https://a.example/">x</a>' * 1_000)
    assert (
        output
        == b"".join(b'<a href="%s">x</a>' % click(n).encode() for n in range(1, 1_001)) + PIXEL.encode()
    )


def test_a_number_of_thousands_of_digits_breaks_nothing() -> None:
    long = f"&#{'9' * 5_000};"
    (link,) = planned(f'<a href="https://a.example/{long}" title="{long}">{long}</a>'.encode()).links
    assert link.destination == "https://a.example/\ufffd"
    assert link.text.startswith("&#999")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_come_out_as_they_went_in(middle: bytes) -> None:
    mail = b'<p><a href="https://a.example/">x</a>' + middle
    made = planned(mail, "utf-8")
    edits = sorted(edits_of(made), key=lambda edit: edit.start)
    expected, position = b"", 0
    for edit in edits:
        expected += mail[position : edit.start] + f"{edit.before}{VALUES[edit.slot]}{edit.after}".encode()
        position = edit.end
    output = rewrite(mail, "utf-8")
    assert output == expected + mail[position:]
    assert undo(made.source, edits, VALUES, output) == mail
    assert planned(output, "utf-8").changes_nothing


def test_edits_that_overlap_are_a_bug() -> None:
    made = planned(b"<p>text</p>")
    with pytest.raises(ValueError, match="overlap"):
        cut(made.source, [Edit(0, 5, "", "message", ""), Edit(3, 6, "", "message", "")])
