"""Whole messages: their HTML and text parts are planned together, and nothing else is touched."""

from __future__ import annotations

import re
from base64 import encodebytes
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from quopri import encodestring

import fast_mail_parser
import pytest
from cutting import PAGES, PIXEL, POLICY, TOKEN, VALUES, click, edits_of, growth, rewrite_message

from pixeltrack.edits import cut, cut_regions
from pixeltrack.errors import InputError
from pixeltrack.headers import personal_edits
from pixeltrack.message import compose, is_message, plan_message, refuse_signed
from pixeltrack.mime import split_headers
from pixeltrack.rewrite import Plan

A, B = "https://a.example/?x=1&y=2", "https://b.example/"
HTML = f'<html><body><p>Grüße</p><a href="{A.replace("&", "&amp;")}">One</a>\n<a href="{B}">Two</a></body></html>\n'
HTML_DONE = f'<html><body><p>Grüße</p><a href="{{}}">One</a>\n<a href="{{}}">Two</a>{PIXEL}</body></html>\n'
TEXT = f"Grüße,\n{A} and {B}.\n"
ENCODINGS = ["7bit", "8bit", "binary", "quoted-printable", "base64"]
EOLS = [b"\n", b"\r\n"]


def planned(mail: bytes, *, text: bool = True) -> Plan:
    return plan_message(mail, "mail.eml", POLICY, text=text)


def encoded(content: bytes, encoding: str, eol: bytes) -> bytes:
    content = content.replace(b"\n", eol)
    if encoding == "quoted-printable":
        return encodestring(content).replace(b"\r\n", b"\n").replace(b"\n", eol)
    return encodebytes(content).replace(b"\n", eol) if encoding == "base64" else content


def part(kind: str, content: str, encoding: str, eol: bytes, charset: str = "utf-8") -> bytes:
    head = f'Content-Type: {kind}; charset="{charset}"\nContent-Transfer-Encoding: {encoding}\nX-Odd:  a\n b \n\n'
    return head.encode().replace(b"\n", eol) + encoded(content.encode(charset), encoding, eol)


def contents(mail: bytes, kind: str, charset: str = "utf-8") -> list[str]:
    """What parts of a kind say, as Python's email package reads them; line ends as LF."""
    return [
        each.get_payload(decode=True).decode(charset).replace("\r\n", "\n")  # type: ignore[union-attr]
        for each in message_from_bytes(mail).walk()
        if each.get_content_type() == kind
    ]


ATTACHMENTS = [
    b'Content-Type: text/html; name="a.html"\nContent-Disposition: attachment; filename="a.html"\n\n'
    + HTML.encode(),
    b"Content-Type: image/gif\nContent-Transfer-Encoding: base64\nContent-ID: <x>\n\nR0lGODlh\n AQABAAA=\n\n",
    b"Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: text/html\n\n" + HTML.encode(),
    b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\nURL:https://a.example/\n",
    b"Content-Type: text/html\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n" + HTML.encode(),
]


@pytest.mark.parametrize("eol", EOLS)
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("text_encoding", ENCODINGS)
def test_only_the_bodies_of_html_and_text_change(encoding: str, text_encoding: str, eol: bytes) -> None:
    html, text = part("text/html", HTML, encoding, eol), part("text/plain", TEXT, text_encoding, eol)
    pieces = [
        b"From: =?utf-8?q?J=C3=BCrgen?= <a@a.example>\n\tX:y\nSubject:  caf\xe9 https://a.example/ \nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="m"\n\nhttps://a.example/\n--m\n'
        b"Content-Type: multipart/alternative;\n boundary=n\n\n--n\n",
        text,
        b"\n--n\n",
        html,
        b"\n--n--\n\n--m\n" + b"\n--m\n".join(ATTACHMENTS) + b"\n--m--\nepilogue https://a.example/\n",
    ]
    around = [piece.replace(b"\r\n", b"\n").replace(b"\n", eol) for piece in pieces[::2]]
    mail = around[0] + text + around[1] + html + around[2]
    output = rewrite_message(mail)
    assert output.startswith(around[0])
    assert output.endswith(around[2])
    new_text, new_html = output[len(around[0]) : -len(around[2])].split(around[1])
    blank = eol * 2
    assert (new_text.split(blank)[0], new_html.split(blank)[0]) == (
        text.split(blank)[0],
        html.split(blank)[0],
    )
    changed = rewrite_message(mail, text=False)
    assert around[0] + text + around[1] in changed
    assert HTML_DONE.format(click(1), click(2)) in contents(output, "text/html")
    assert contents(output, "text/plain") == [f"Grüße,\n{click(3)} and {click(4)}.\n"]
    if encoding != "base64":
        assert b"\n".join(ATTACHMENTS[0].splitlines()) in output.replace(b"\r\n", b"\n")
    assert planned(output).changes_nothing


@pytest.mark.parametrize("eol", EOLS)
@pytest.mark.parametrize("encoding", ENCODINGS[1:])
@pytest.mark.parametrize(
    ("charset", "said"),
    [
        ("utf-8", "Grüße 日本"),
        ("iso-8859-1", "Grüße"),
        ("windows-1252", "Gr€ße"),
        ("koi8-r", "Привет"),
        ("shift_jis", "日本ソ表"),  # characters whose second byte is a backslash
        ("gb18030", "日本"),
        ("big5", "功許蓋"),
        ("iso-2022-jp", "日本"),
    ],
)
def test_any_charset_stays_what_it_is(charset: str, said: str, encoding: str, eol: bytes) -> None:
    html = f'<p title="{said}">{said}</p><a href="{A}" title={said}>{said}</a>{said}</body>{said}'
    output = rewrite_message(part("text/html", html, encoding, eol, charset), text=False)
    expected = html.replace(A, click(1)).replace("</body>", f"{PIXEL}</body>")
    assert contents(output, "text/html", charset) == [expected]
    theirs = fast_mail_parser.parse_email(output).text_html[0].replace("\r\n", "\n")
    assert theirs == expected or charset == "iso-2022-jp"


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("last", [False, True])
def test_a_pixel_at_the_end_of_a_part_is_in_it(encoding: str, last: bool, anew: bool) -> None:
    html = part("text/html", f'<a href="{B}">x</a>\n', encoding, b"\n")
    mail = _alternative(html) if last else _alternative(html, part("text/plain", "x", encoding, b"\n"))
    output = rewrite_message(mail, anew=anew)
    assert contents(output, "text/html") == [f'<a href="{click(1)}">x</a>\n{PIXEL}']
    assert output.count(PIXEL[:20].encode()) == (encoding in ("7bit", "8bit", "binary"))
    assert planned(output).changes_nothing


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
def test_words_around_an_address_stay_whole_in_any_charset(charset: str) -> None:
    text = f"Voir {B}\u00a0! «{B}» Åsa: {B}à.\n"
    output = rewrite_message(part("text/plain", text, "quoted-printable", b"\n", charset))
    assert contents(output, "text/plain", charset) == [
        f"Voir {click(1)}\u00a0! «{click(2)}» Åsa: {click(3)}.\n"
    ]


def test_an_address_that_ends_amid_shifted_characters_is_left_alone() -> None:
    mail = part("text/plain", f"{B} {B}日本。\n", "8bit", b"\n", "iso-2022-jp")
    made = planned(mail)
    assert [(link.decision, link.reason) for link in made.links] == [
        ("wrap", "web link"),
        ("leave", "iso2022_jp cannot be cut there"),
    ]
    assert contents(rewrite_message(mail), "text/plain", "iso-2022-jp") == [f"{click(1)} {B}日本。\n"]


def test_shifted_characters_that_are_not_valid_are_refused() -> None:
    """One byte each, they would look like markup; once a bad one is gone, they would be read otherwise."""
    with pytest.raises(InputError, match=r"mail\.eml is not valid iso2022_jp"):
        planned(part("text/html", f'<p>日本</p><a href="{B}">x</a>', "8bit", b"\n", "iso-2022-jp") + b"\xae")


def test_links_of_a_shifted_charset_are_placed_in_linear_time() -> None:
    def work(text: str) -> None:
        planned(part("text/html", text, "8bit", b"\n", "iso-2022-jp"))

    assert growth(work, '日<a href="//a.example/">', 60_000) < 4


@pytest.mark.parametrize("blank", [b"\n", b" \n \n", b"ICAK\n", b"!\n"])
def test_base64_without_content_stays_as_it_is(blank: bytes) -> None:
    empty = b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + blank
    mail = _alternative(empty, part("text/html", HTML, "8bit", b"\n"))
    for anew in (False, True):
        assert empty in rewrite_message(mail, anew=anew)


def test_a_charset_that_nobody_knows_stays_bytes() -> None:
    html = f'<p>\xe9</p><a href="{A}">x</a>'
    mail = part("text/html", html, "8bit", b"\n", "latin-1").replace(b"latin-1", b"default_charset")
    assert contents(rewrite_message(mail), "text/html", "latin-1") == [html.replace(A, click(1)) + PIXEL]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_text_part_that_is_utf16_cannot_be_cut(encoding: str) -> None:
    head = f"Content-Type: text/html; charset=utf-16\nContent-Transfer-Encoding: {encoding}\n\n"
    mail = head.encode() + encoded(f'<a href="{A}">x</a>'.encode("utf-16"), encoding, b"\n")
    with pytest.raises(InputError, match=r"mail\.eml"):
        planned(mail)


def test_opt_outs_of_the_html_hold_for_the_text() -> None:
    html = (
        f'<a data-pt-skip href="{A.replace("&", "&amp;")}">One</a><a href="{B}">Two</a>'
        '<a href="https://c.example/unsubscribe">bye</a>'
    )
    text = f"{A} {B} https://c.example/unsubscribe https://d.example/\n"
    mail = _alternative(
        part("text/plain", text, "8bit", b"\n"), part("text/html", html, "quoted-printable", b"\n")
    )
    made = planned(mail)
    assert [(link.tag, link.decision) for link in made.links] == [
        *(("a", "leave"), ("a", "wrap"), ("a", "leave")),
        *(("text", "leave"), ("text", "wrap"), ("text", "leave"), ("text", "wrap")),
    ]
    assert made.links[3].reason == "left alone in the HTML part, too"
    assert [link.number for link in made.links] == list(range(1, 8))


def test_an_amp_part_gets_links_and_no_pixel() -> None:
    amp = f'<!doctype html><html ⚡4email><body><a href="{B}">x</a></body></html>'
    mail = _alternative(
        part("text/x-amp-html", amp, "8bit", b"\n"), part("text/html", HTML, "quoted-printable", b"\n")
    )
    output = rewrite_message(mail)
    assert contents(output, "text/x-amp-html") == [amp.replace(B, click(1))]
    assert contents(output, "text/html") == [HTML_DONE.format(click(2), click(3))]


def test_placeholders_are_filled_in_both_parts() -> None:
    names = ("unsubscribe", "preferences", "privacy")
    html = "".join(f'<a href="pixeltrack:{name}">x</a>' for name in names) + "</body>"
    text = "".join(f"{name}: <pixeltrack:{name}>\n" for name in names)
    for encoding in ENCODINGS:
        mail = _alternative(
            part("text/plain", text, encoding, b"\n"), part("text/html", html, encoding, b"\n")
        )
        output = rewrite_message(mail)
        assert contents(output, "text/plain") == ["".join(f"{name}: <{PAGES[name]}>\n" for name in names)]
        assert contents(output, "text/html") == [
            "".join(f'<a href="{PAGES[name]}">x</a>' for name in names) + PIXEL + "</body>"
        ]


def test_a_text_alone_has_links_and_no_pixel() -> None:
    made = planned(f"From: a@a.example\n\n{A}\n".encode())
    assert (made.pixel_at, made.pixel_reason) == (None, "no HTML part")
    assert (
        rewrite_message(f"From: a@a.example\n\n{A}\n".encode())
        == f"From: a@a.example\n\n{click(1)}\n".encode()
    )


@pytest.mark.parametrize(
    "empty", ["", "\n", "Content-Type: text/html\n", "Content-Type: text/html\n\n", "\n \n"]
)
def test_parts_without_content_are_left(empty: str) -> None:
    for eol in EOLS:
        mail = _alternative(empty.encode(), part("text/html", HTML, "8bit", b"\n")).replace(b"\n", eol)
        head, _html, end = mail.partition(HTML.encode().replace(b"\n", eol))
        output = rewrite_message(mail)
        assert output.startswith(head)
        assert output.endswith(end)


def _alternative(*parts: bytes) -> bytes:
    inner = b"".join(b"--b\n" + each + b"\n" for each in parts)
    return b"From: a@a.example\nContent-Type: multipart/alternative; boundary=b\n\n" + inner + b"--b--\n"


@pytest.mark.parametrize("anew", [False, True])
def test_what_is_encoded_anew_says_the_same(anew: bool) -> None:
    for encoding in ENCODINGS:
        mail = _alternative(
            part("text/plain", TEXT, encoding, b"\n"), part("text/html", HTML, encoding, b"\n")
        )
        output = rewrite_message(mail, anew=anew)
        assert contents(output, "text/plain") == [f"Grüße,\n{click(3)} and {click(4)}.\n"]
        assert contents(output, "text/html") == [HTML_DONE.format(click(1), click(2))]


def test_signed_messages_are_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match=r"mail\.eml is signed or sealed \(DKIM\)") as refused:
        refuse_signed(b"DKIM-Signature: v=1\n\nx", "mail.eml")
    assert "--resign-later" in str(refused.value.hint)
    refuse_signed(b"From: a@a.example\n\nx", "mail.eml")


@pytest.mark.parametrize(
    ("data", "yes"),
    [
        (b"From: a@a.example\nTo: b@b.example\n\nx", True),
        (b"From a@a.example Mon Jan  1\nX-A: b\r\n c\r\nTo: d\r\n\r\n", True),
        (b"<html>Subject: x\nTo: y\n", False),
        (b"Subject: only one\n\nTo: x\n", False),
        (b"", False),
    ],
)
def test_a_message_is_told_from_html(data: bytes, yes: bool) -> None:
    assert is_message(data) is yes


# -- headers ----------------------------------------------------------------------------------------

_VALUES = VALUES | {"to": "ada@example.com", "id": "0011"}


def enveloped(mail: bytes) -> bytes:
    made = planned(mail)
    body, date = split_headers(mail)[1], "Mon, 01 Jan 2035 00:00:00 +0000"
    edits = personal_edits(made.source.view, body, "t.example", "https://t.example/u/", date)
    return cut_regions(made.source, made.regions, [*edits, *edits_of(made)]).renderer()(_VALUES)


_NEW = {
    "To": "ada@example.com",
    "Message-ID": "<0011@t.example>",
    "List-Unsubscribe": f"<{PAGES['unsubscribe']}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
}


@pytest.mark.parametrize("eol", EOLS)
def test_headers_of_the_recipient_are_added(eol: bytes) -> None:
    head = b"From: a@a.example\nSubject: caf\xe9\n folded\nContent-Type: text/html".replace(b"\n", eol)
    output = enveloped(head + eol * 2 + HTML.encode())
    assert output.startswith(head + eol)
    top, _, body = output.partition(eol * 2)
    assert top.count(eol) == 3 + 5
    parsed = message_from_bytes(output)
    assert {name: parsed[name] for name in _NEW} == _NEW
    assert parsed["Date"] == "Mon, 01 Jan 2035 00:00:00 +0000"
    assert body.decode() == HTML_DONE.format(click(1), click(2))


@pytest.mark.parametrize("eol", EOLS)
def test_headers_that_are_there_are_replaced_and_the_date_stays(eol: bytes) -> None:
    head = (
        b"TO: x@x.example,\n\ty@y.example\nFrom: a@a.example\nmessage-id: <old@a.example>\nX-To: stays\n"
        b"List-Unsubscribe: <https://old.example/>,\n <mailto:old@a.example>\nDate: Tue, 02 Jan 2001 00:00:00 +0000\n"
        b"List-Unsubscribe-Post:\nContent-Type: text/html\n\n"
    ).replace(b"\n", eol)
    output = enveloped(head + b"<p>To: body</p>")
    parsed = message_from_bytes(output)
    assert {name: parsed.get_all(name) for name in _NEW} == {name: [value] for name, value in _NEW.items()}
    assert (parsed["Date"], parsed["X-To"]) == ("Tue, 02 Jan 2001 00:00:00 +0000", "stays")
    assert b"old" not in output
    assert output.endswith(f"<p>To: body</p>{PIXEL}".encode())


# -- a message of our own ---------------------------------------------------------------------------

SUBJECT = " ".join(["Grüße 日本"] * 20)
SENDER = [("From", "Jürgen's Garden <a@a.example>"), ("Subject", SUBJECT)]


def lines(text: str) -> list[str]:
    """A text's lines; a message ends in a line end whether its text does or not (RFC 5321, 2.3.8)."""
    return text.rstrip("\r\n").replace("\r\n", "\n").split("\n")


def read_by_python(mail: bytes) -> EmailMessage:
    made = message_from_bytes(mail, policy=policy.default)
    assert isinstance(made, EmailMessage)
    return made


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252", "koi8-r", "big5"])
@pytest.mark.parametrize("text", [None, TEXT.encode()])
def test_a_composed_message_says_what_was_given(charset: str, text: bytes | None) -> None:
    html = HTML.encode(charset, "xmlcharrefreplace")
    mail = compose((html, charset), text and (text, "utf-8"), SENDER)
    made = read_by_python(mail)
    assert (made["From"], made["Subject"]) == ("Jürgen's Garden <a@a.example>", SUBJECT)
    body = made.get_body(("html",))
    assert body is not None
    assert lines(body.get_content()) == lines(html.decode(charset))
    plain = made.get_body(("plain",))
    assert (lines(plain.get_content()) if plain else None) == (lines(TEXT) if text else None)
    theirs = fast_mail_parser.parse_email(mail)
    assert [lines(each) for each in theirs.text_html] == [lines(html.decode(charset))]
    assert [lines(each) for each in theirs.text_plain] == ([lines(TEXT)] if text else [])
    assert theirs.subject == SUBJECT
    fit_to_send(mail)


def fit_to_send(mail: bytes) -> None:
    """RFC 5321, 4.5.3.1.6, and RFC 5322, 2.1.1: 7 bits, CRLF alone, no line over 998 octets."""
    assert mail.isascii()
    assert b"\0" not in mail
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "html",
    [
        b"",
        b"x" * 5_000,
        b"From me\r\nFrom you\n.\n..\n \n\t\n",
        b"\r",
        b"a\r\r\nb",
        b"\xff\xfe\x80",
        b"--pixeltrack=_alternative--\n",
        b"=\n=3D",
    ],
)
def test_any_html_can_be_sent(html: bytes) -> None:
    mail = compose((html, "utf-8"), (b"text", "utf-8"), SENDER)
    fit_to_send(mail)
    (body,) = [each for each in message_from_bytes(mail).walk() if each.get_content_type() == "text/html"]
    assert isinstance(body, Message)
    sent = html.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    assert body.get_payload(decode=True) == sent


def test_what_is_cut_out_of_a_message_can_be_put_back() -> None:
    mail = _alternative(
        part("text/plain", TEXT, "8bit", b"\n"), part("text/html", HTML, "quoted-printable", b"\n")
    )
    made = planned(mail)
    edits = edits_of(made)
    output = cut(made.source, edits).renderer()(VALUES).decode("latin-1")
    for edit in edits:
        token = TOKEN if edit.slot else ""
        output = output.replace(edit.before + token + edit.after, made.source.view[edit.start : edit.end], 1)
    assert output.encode("latin-1") == mail


# -- what is a message, and what an unusual one says -------------------------------------------------


@pytest.mark.parametrize(
    "head", [b"To:a@b.example\nSubject:\n", b"X_Y.z:1\r\nFrom: a\r\n", b"From x y\nA: 1\n\tx\nB:2\n"]
)
def test_a_message_needs_no_space_behind_its_colons(head: bytes) -> None:
    assert is_message(head + b"\n<p>x</p>")


@pytest.mark.parametrize(
    "text", [b"https://a.example/\nhttps://b.example/\n", b"<p>a:\nb: c</p>", b"Hi: you\n"]
)
def test_a_text_or_html_is_no_message(text: bytes) -> None:
    assert not is_message(text)


def simple(headers: str, body: str, eol: str = "\n") -> bytes:
    return f"From: a@b.example\nTo: c@d.example\n{headers}\n\n{body}".replace("\n", eol).encode()


@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_quoted_printable_that_ends_with_a_soft_line_break_gets_its_pixel(eol: str) -> None:
    head = "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable"
    mail = simple(head, f'<p><a href=3D"{B}">x</a> =\n', eol)
    assert contents(rewrite_message(mail), "text/html") == [f'<p><a href="{click(1)}">x</a> {PIXEL}']
    part = f'--b\n{head}\n\n<p><a href=3D"{B}">x</a> =\n--b--\n'
    mail = simple('Content-Type: multipart/mixed; boundary="b"', part, eol)
    assert contents(rewrite_message(mail), "text/html") == [f'<p><a href="{click(1)}">x</a> {PIXEL}']


def test_a_transfer_encoding_may_have_a_comment() -> None:
    mail = simple(
        "Content-Type: text/html\nContent-Transfer-Encoding: 8BIT (as it is)", f'<a href="{B}">x</a>\n'
    )
    assert click(1).encode() in rewrite_message(mail)


def test_an_address_that_goes_on_in_the_next_line_is_left_alone() -> None:
    """RFC 3676, 4: with DelSp the reader joins the lines, and what follows would stand behind our token."""
    body = f"{B}long- \nname and {B}two \n\n{B}three\nnext {B}four \n> quoted\n"
    for head, expected in (("format=flowed; delsp=yes", "leave"), ("format=flowed", "wrap")):
        made = planned(simple(f"Content-Type: text/plain; {head}", body))
        assert [link.decision for link in made.links] == [expected, "wrap", "wrap", "wrap"]
