"""What holds for any mail: no byte changes outside the spans, undo is exact, a second run does nothing.

The mails are made to look like mail that somebody has broken. PIXELTRACK_EXAMPLES says how many are
tried for each property; with a few thousand this is a fuzzer.
"""

from __future__ import annotations

import os
import re
from base64 import encodebytes
from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_bytes
from quopri import encodestring

from cutting import CODE, PIXEL, POLICY, TOKEN, VALUES, edits_of, planned, render, rewrite_message
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pixeltrack.edits import cut, cut_regions
from pixeltrack.errors import InputError
from pixeltrack.message import plan_message
from pixeltrack.proofs import undo
from pixeltrack.rewrite import Link, Plan
from pixeltrack.texts import spans

many = settings(
    max_examples=int(os.environ.get("PIXELTRACK_EXAMPLES", "300")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)

OURS = re.compile(
    rf"https://t\.example/(?:c/{CODE}/\d+/{TOKEN}|u/U{{40}}|p/P{{40}}|privacy)"  # as cutting.py fills them in
)

# -- mails ------------------------------------------------------------------------------------------

ADDRESSES = [
    *("https://a.example/", "HTTP://b.example/?x=1&amp;y=2#z", "//c.example/é", "https://a.example/a'b(c)"),
    *("mailto:a@a.example", "#top", "", "pixeltrack:unsubscribe", "pixeltrack:privacy", "{{ url }}"),
    *("https://d.example/unsubscribe", "&#104;ttps://e.example", " \n https://f.example/ ", "javascript:x"),
    *("https://g.example/日本ソ", "https://h.example/\x00", "https://" + "i" * 60 + ".example/" + "j" * 900),
]
addresses = st.sampled_from(ADDRESSES)
quotes = st.sampled_from(['"{}"', "'{}'", "{}", "{} ", ' = "{}"', "\n=\n'{}'", '"{}', "'{}", '"{}"x=y'])
elements = st.sampled_from(["a", "A", "area", "v:rect", "v:roundrect", "V:SHAPE", "link", "base", "abbr"])
extra = st.sampled_from(
    [
        *("", ' title="a > b"', " data-pt-skip", " clicktracking=off", ' href="https://second.example/"'),
        *(" =", " /", " <", " title='", ' data-pt-label="Größe"', "\t\r\n\f", ' x:href="https://x.example"'),
    ]
)


@st.composite
def links(draw: st.DrawFn) -> str:
    """A link that somebody has written in a hurry."""
    value = draw(quotes).format(draw(addresses))
    attributes = [draw(extra), f" href{'' if value.strip().startswith('=') else '='}{value}", draw(extra)]
    end = draw(
        st.sampled_from([">", "/>", " >", "", ">One</a>", "><b>Two</b></A>", ">https://a.example/</a>"])
    )
    return f"<{draw(elements)}{''.join(attributes)}{end}"


PIECES = [
    *("<html>", "<body>", "</body>", "</BODY >", "</html>", "<p>", "</p>", "<br/>", "<!DOCTYPE html>"),
    *("<!--", "-->", "--!>", "<!-->", "<!--[if mso]>", "<![endif]-->", "<!--[if !mso]><!-->", "<![if mso]>"),
    *("<![endif]>", "<!--<![endif]-->", "<?xml version='1.0'?>", "<![CDATA[", "]]>", "</", "<", ">", "</>"),
    *("<script>", "</script>", "<style>", "</style >", "<title>", "</title>", "<textarea>", "<xmp>"),
    *("<noscript>", "<template>", "<iframe>", "<plaintext>", "<svg>", "<math>", "<select>", "<frameset>"),
    *("<img src=x>", '<img src="https://t.example/o/', "<html ⚡4email>", "&amp;", "&", "&#", "&copy", "'"),
    *(
        '"',
        "=",
        "=3D",
        "=\n",
        "\n",
        "\r\n",
        "\r",
        " ",
        "\t",
        "\x00",
        "\ufeff",
        "é",
        "ß€",
        "日本ソ表",
        "\u2028",
    ),
    *(
        "From me\n",
        ".\n",
        "--b\n",
        "--b--\n",
        "https://a.example/x.",
        "x" * 80,
        "{{ name }}",
        "*|X|*",
        "%%x%%",
    ),
]
soup = st.lists(st.sampled_from(PIECES) | links() | st.text(max_size=8), max_size=20).map("".join)
BYTEWISE = ["utf-8", "iso-8859-1", "windows-1252", "koi8-r", "shift_jis", "gb18030", "big5", "euc-kr"]
charsets = st.sampled_from([*BYTEWISE, "iso-2022-jp"])


def written(text: str, charset: str) -> bytes:
    """Text in a charset; what the charset has not is left out."""
    return text.encode(charset, "ignore")


@st.composite
def texts(draw: st.DrawFn) -> str:
    """Plain text with addresses among words and punctuation."""
    around = st.sampled_from(
        ["", " ", "<", ">", "(", ")", "[", "]", ".", ",", "»", "\u00a0", "。", "\n", "é", "*"]
    )
    words = st.sampled_from(["See ", "pixeltrack:preferences", "pixeltrack:", "\n> ", "x" * 70]) | st.text(
        max_size=5
    )
    parts = st.tuples(around, addresses | words, around).map("".join)
    return "".join(draw(st.lists(parts, max_size=8)))


def plan_of(mail: bytes) -> Plan:
    """Return the plan of a message; one that is refused is no example."""
    try:
        return plan_message(mail, "mail.eml", POLICY, text=True)
    except InputError:
        assume(False)
        raise


def put_back(text: str, found: tuple[Link, ...], original: Callable[[Link], str]) -> str:
    """Return a rewritten text with its pixel taken out, and what stood in the place of our addresses.

    Nothing of the rewriter has a say in where our addresses are.
    """
    values = iter([original(link) for link in found if link.decision != "leave"])
    return OURS.sub(lambda _ours: next(values), text.replace(PIXEL, "", 1))


# -- HTML -------------------------------------------------------------------------------------------


def check_html(mail: bytes, charset: str) -> None:
    try:
        made = planned(mail, charset)
    except InputError:
        assume(False)
    assume(not OURS.search(made.source.view))
    edits = edits_of(made)
    output = render(made.source, edits)
    view = made.source.view
    seen = output.decode(made.source.codec)
    assert put_back(seen, made.links, lambda link: view[link.start : link.end]) == view
    assert undo(made.source, edits, VALUES, output) == mail
    assert planned(output, charset).changes_nothing


@many
@given(soup, charsets)
def test_html_that_looks_like_mail(text: str, charset: str) -> None:
    check_html(written(text, charset), charset)


@many
@given(st.binary(max_size=200), st.binary(max_size=60), st.sampled_from([*BYTEWISE, "utf-16-le", "utf-7"]))
def test_html_that_is_any_bytes(before: bytes, after: bytes, charset: str) -> None:
    check_html(before + b'<a href="https://a.example/">x</a>' + after, charset)


@many
@given(soup)
def test_html_with_two_bytes_a_character(text: str) -> None:
    check_html(b"\xff\xfe" + written(text, "utf-16-le"), "utf-16")


# -- whole messages ---------------------------------------------------------------------------------

ENCODINGS = ["7bit", "8bit", "quoted-printable", "base64"]
ENDING = "</body>"


@dataclass(frozen=True)
class Made:
    """A message in pieces: what is around its parts, which stays as it is, and the parts."""

    around: tuple[bytes, ...]
    parts: tuple[bytes, ...]

    @property
    def data(self) -> bytes:
        pieces = [self.around[0]]
        for part, behind in zip(self.parts, self.around[1:], strict=True):
            pieces += [part, behind]
        return b"".join(pieces)


@st.composite
def parts(draw: st.DrawFn, kind: str, eol: bytes) -> bytes:
    charset, encoding = draw(charsets), draw(st.sampled_from(ENCODINGS))
    text = draw(texts()) if kind == "text/plain" else draw(soup) + ENDING
    content = written(text, charset).replace(b"\r\n", b"\n").replace(b"\n", eol)
    if encoding == "quoted-printable":
        content = encodestring(content).replace(b"\r\n", b"\n").replace(b"\n", eol)
    elif encoding == "base64":
        content = encodebytes(content).replace(b"\n", eol)
    head = f"Content-Type: {kind}; charset={charset}\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode().replace(b"\n", eol) + content


@st.composite
def messages(draw: st.DrawFn) -> Made:
    """Messages of every shape; no part has a line that is a delimiter."""
    eol = draw(st.sampled_from([b"\n", b"\r\n"]))
    kinds = draw(
        st.lists(st.sampled_from(["text/html", "text/plain", "text/x-amp-html"]), min_size=1, max_size=3)
    )
    made = [draw(parts(kind, eol)) for kind in kinds]
    head = b"From: a@a.example\nSubject: https://a.example/ \n =?utf-8?q?x?=\nX: caf\xe9\n"
    if len(made) == 1 and draw(st.booleans()):
        return Made((head.replace(b"\n", eol), b""), tuple(made))
    bound = draw(st.sampled_from([b"b0", b"=_b.0", b"b (x) 0"]))
    head += b'Content-Type: multipart/mixed; boundary="%s"\n\nhttps://a.example/\n' % bound
    attached = draw(soup).encode("utf-8", "ignore")
    delimiter = b"\n--%s\n" % bound
    last = (
        delimiter
        + b"Content-Disposition: attachment\nContent-Type: text/html\n\n%s\n--%s--\nepilogue\n"
        % (attached, bound)
        if draw(st.booleans())
        else b"\n--%s--" % bound
    )
    around = [head + delimiter, *[delimiter] * (len(made) - 1), last]
    return Made(tuple(piece.replace(b"\n", eol) for piece in around), tuple(made))


@many
@given(messages())
def test_a_message_changes_in_its_parts_alone(made: Made) -> None:
    mail, plan = made.data, plan_of(made.data)
    edits = edits_of(plan)
    whole = cut(plan.source, edits).renderer()(VALUES)
    assert undo(plan.source, edits, VALUES, whole) == plan.source.data
    assert plan.regions or plan.source.data == mail
    output = cut_regions(plan.source, plan.regions, edits).renderer()(VALUES)

    rest = output
    for around in made.around[:-1]:
        assert around in rest
        rest = rest.partition(around)[2]
    assert rest.endswith(made.around[-1])

    before = [part for part in message_from_bytes(mail).walk() if not part.is_multipart()]
    after = [part for part in message_from_bytes(output).walk() if not part.is_multipart()]
    pixels = ours = 0
    for old, new in zip(before, after, strict=True):
        assert old.items() == new.items()
        was, now = (part.get_payload(decode=True).decode("latin-1") for part in (old, new))  # type: ignore[union-attr]
        pixels += now.count(PIXEL)
        pieces = OURS.split(now.replace(PIXEL, "", 1))
        ours += len(pieces) - 1
        assert re.fullmatch(r"[\s\S]*?".join(map(re.escape, pieces)), was), (pieces, was)
    assert ours == sum(link.decision != "leave" for link in plan.links)
    assert pixels == (plan.pixel_at is not None)
    assert plan_message(output, "mail.eml", POLICY, text=True).changes_nothing


@many
@given(messages())
def test_a_message_that_is_encoded_anew_says_the_same(made: Made) -> None:
    plan_of(made.data)
    as_it_is, anew = rewrite_message(made.data), rewrite_message(made.data, anew=True)
    for old, new in zip(message_from_bytes(as_it_is).walk(), message_from_bytes(anew).walk(), strict=True):
        if not old.is_multipart():
            was, now = old.get_payload(decode=True), new.get_payload(decode=True)
            assert was.splitlines() == now.splitlines()  # type: ignore[union-attr]


HEADERS = [
    *(b"Content-Type: text/html\n", b"Content-Type: text/plain; charset=utf-8\n", b"\n", b"\r\n", b"a: b\n c\n"),
    *(b'Content-Type: multipart/mixed; boundary="b"\n', b"Content-Type: multipart/mixed; boundary=bb\n"),
    *(b"Content-Transfer-Encoding: base64\n", b"Content-Transfer-Encoding: quoted-printable\n", b"--b\n", b"--bb\n"),
    *(b"Content-Type: message/rfc822\n", b"Content-Type: multipart/digest; boundary=b\n", b"--b--\n", b"--bb--\r\n"),
    *(b"PGEgaHJlZj0iaHR0cHM6Ly9hLmV4YW1wbGUvIj54PC9hPg==\n", b'<a href=3D"https://a=\n.example/">x</a>', b"--b"),
    *(b"Content-Type: text/html; charset=iso-2022-jp\n", b"Content-Type: text/html; charset=\xff\n", b"=", b"=4"),
    *(b'<a href="https://a.example/">x</a></body>', b"https://a.example/ ", b"From x\n", b": \n", b"\x00", b"\x80"),
    *(b"Content-Type: TEXT/HTML;charset*0=u;charset*1=tf-8\n", b"Content-Type: text/html; boundary=b; =; ;\n"),
]  # fmt: skip


@many
@given(st.lists(st.sampled_from(HEADERS) | st.binary(max_size=6), max_size=25).map(b"".join))
def test_a_message_that_is_any_bytes(mail: bytes) -> None:
    plan = plan_of(mail)
    edits = edits_of(plan)
    whole = cut(plan.source, edits).renderer()(VALUES)
    assert undo(plan.source, edits, VALUES, whole) == plan.source.data
    output = cut_regions(plan.source, plan.regions, edits).renderer()(VALUES)
    assert plan.regions or (plan.source.data, output) == (mail, whole)
    assert plan_message(output, "mail.eml", POLICY, text=True).changes_nothing


# -- plain text -------------------------------------------------------------------------------------


@many
@given(texts(), charsets)
def test_a_text_changes_in_its_addresses_alone(text: str, charset: str) -> None:
    mail = f"Content-Type: text/plain; charset={charset}\n\n".encode() + written(text, charset)
    plan = plan_of(mail)
    view = plan.source.view
    output = rewrite_message(mail)
    seen = output.decode("latin-1")
    assert put_back(seen, plan.links, lambda link: view[link.start : link.end]) == view
    assert plan_message(output, "mail.eml", POLICY, text=True).changes_nothing


@many
@given(texts() | st.text(max_size=80), st.sampled_from(BYTEWISE))
def test_addresses_are_the_same_in_characters_and_in_bytes(text: str, charset: str) -> None:
    raw = written(text, charset)
    text = raw.decode(charset)
    assume(text.encode(charset) == raw)
    view = raw.decode("latin-1")
    found = [view[start:end].encode("latin-1").decode(charset) for start, end in spans(view, charset)]
    assert found == [text[start:end] for start, end in spans(text)]
