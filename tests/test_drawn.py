"""The mail on a report: each link's share where the link is, and nothing that could load or run."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from cutting import growth

from pixeltrack.figures import LinkFigures, Tally
from pixeltrack.markup import elements, scan
from pixeltrack.model import Mail
from pixeltrack.show.drawn import MOST_BYTES, Drawn, badge, draw
from pixeltrack.show.placeholder import placeholder

STYLE = "x-share { color: red }"
ENDING = f"\n<style>{STYLE}</style>"
LINKS = (
    LinkFigures(1, 1, 1, "One", "https://shop.example/1", "", Tally(30, 44), 0, 0.75),
    LinkFigures(2, 2, 1, "Two", "https://shop.example/2", "", Tally(4, 4), 0, 0.1),
    LinkFigures(7, 3, 1, "Three", "https://shop.example/3", "", Tally(0, 0), 9, 0.0),
)
ONE, TWO, SEVEN = (badge(link) for link in LINKS)


def drawn(html: str | bytes, numbers: dict[int, int] | None = None, charset: str = "utf-8") -> Drawn:
    content = html.encode(charset) if isinstance(html, str) else html
    return draw(
        Mail("html", content, charset, {1: 1, 2: 2, 3: 7} if numbers is None else numbers, 0), LINKS, STYLE
    )


def shown(html: str | bytes, numbers: dict[int, int] | None = None, charset: str = "utf-8") -> str:
    frame = drawn(html, numbers, charset).frame
    assert frame.endswith(ENDING)
    return frame.removesuffix(ENDING)


def test_a_badge_says_number_and_share_and_how_much_that_is() -> None:
    assert ONE == '<x-share s="4"><i>1</i>75.0 %</x-share>'
    assert [re.findall(r's="(\d)"', each) for each in (ONE, TWO, SEVEN)] == [["4"], ["2"], ["0"]]


def test_a_badge_stands_at_its_link_and_the_rest_is_as_it_was() -> None:
    assert shown(
        '<p>Ä <a class=x href="https://shop.example/1">One</a> &amp; <A HREF=https://shop.example/2>Two</a>'
    ) == (f'<p>Ä <a class=x href="#">{ONE}One</a> &amp; <A HREF=#>{TWO}Two</a>')


def test_links_that_are_not_tracked_have_none_and_lead_nowhere() -> None:
    html = '<a href="https://a.example/">A</a><a href="mailto:x@a.example">B</a><a href="javascript:x()">C</a><a>D</a>'
    assert shown(html, {2: 1}) == f'<a href="#">A</a><a href="#">{ONE}B</a><a href="#">C</a><a>D</a>'


def test_what_only_outlook_shows_is_no_place_for_a_badge() -> None:
    html = '<!--[if mso]><v:rect href="https://shop.example/1">One</v:rect><![endif]--><a href="https://shop.example/2">Two</a>'
    said = drawn(html)
    assert said.frame == f'<a href="#">{TWO}Two</a>{ENDING}'
    assert said.numbers == {2}


def test_parts_of_an_image_map_have_their_badges_in_the_text() -> None:
    assert shown('<map><area href="https://shop.example/1"></map>') == (
        f'<map><area href="#">{badge(LINKS[0], hangs=False)}</map>'
    )


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "windows-1252", "utf-16-le", "koi8-r", "shift_jis"]
)
def test_every_charset_is_drawn_as_text(charset: str) -> None:
    word = "привет" if charset == "koi8-r" else "ケーキ" if charset == "shift_jis" else "Grüße"
    assert shown(f'<p>{word}</p><a href="x">{word}</a>', charset=charset) == (
        f'<p>{word}</p><a href="#">{ONE}{word}</a>'
    )


def test_bytes_that_are_no_text_become_marks() -> None:
    assert shown(b'<p>\xff\xfe\x00</p><a href="x">A</a>').startswith("<p>��</p>")


@pytest.mark.parametrize(
    ("harm", "left"),
    [
        ("<script>alert('</p>')</script>", ""),
        ("<script src=https://evil.example/a.js></script >", ""),
        ("<link rel=stylesheet href=https://evil.example/a.css>", ""),
        ('<meta http-equiv="refresh" content="0;url=https://evil.example/">', ""),
        ('<base href="https://evil.example/">', ""),
        ("<iframe srcdoc='<script>x</script>'>y</iframe>", ""),
        ("<object data=https://evil.example/o>instead</object>", "instead</object>"),
        ("<embed src=https://evil.example/o>", ""),
        ("<video poster=https://evil.example/p><source src=https://evil.example/v></video>", "</video>"),
        ("<form action=https://evil.example/><input></form>", "<input></form>"),
        ("<svg><image href=https://evil.example/i /></svg>", "<svg></svg>"),
        ("<!-- <a href=https://shop.example/9>gone</a> -->", ""),
        ("<style>p{background:url( 'https://evil.example/b')}</style>", "<style>p{background:url( 'data:,evil.example/b')}</style>"),
        ("<style>@import 'https://evil.example/b'</style>", "<style>@x-import 'https://evil.example/b'</style>"),
    ],
)  # fmt: skip
def test_what_would_load_or_run_is_taken_out(harm: str, left: str) -> None:
    assert shown(f'<p>a</p>{harm}<a href="x">A</a>') == f'<p>a</p>{left}<a href="#">{ONE}A</a>'


@pytest.mark.parametrize(
    "open_end",
    ["<!-- never", "<style>p {", "<textarea>", '<p title="never', "<script>", "<title>x", "<a href='"],
)
def test_what_never_closes_does_not_swallow_the_badges_style(open_end: str) -> None:
    assert shown(f'<p>a</p><a href="x">A</a>{open_end}') == f'<p>a</p><a href="#">{ONE}A</a>'


def test_pictures_of_elsewhere_are_drawn_as_what_they_say() -> None:
    html = '<img src="https://shop.example/a.png" srcset="b.png 2x" alt="A &quot;boat&quot;" width="300" height="90">'
    picture = shown(html)
    (src,) = re.findall(
        r'^<img src="(data:image/svg\+xml,[^"]+)" alt="A &quot;boat&quot;" width="300" height="90">$',
        picture,
    )
    svg = ElementTree.fromstring(unquote(src.partition(",")[2]))
    assert (svg.get("width"), svg.get("height"), "".join(svg.itertext())) == ("300", "90", 'A "boat"')


def test_a_picture_that_is_in_the_mail_is_shown() -> None:
    html = '<img src="data:image/png;base64,AAAA"><img src=data:image/gif;base64,BBBB><img src="data:text/html,x">'
    kept = shown(html)
    assert kept.startswith('<img src="data:image/png;base64,AAAA"><img src=data:image/gif;base64,BBBB>')
    assert "text/html" not in kept


def test_an_unquoted_address_of_a_picture_stays_one_value() -> None:
    assert re.fullmatch(
        r'<img src="data:[^"]+" width=50>', shown("<img src=https://shop.example/a.png width=50>")
    )


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="600" height="200"', (600, 200)),
        ('style="width:120px;height:40px"', (120, 40)),
        ('width="600"', (600, 240)),
        ('width="20"', (20, 20)),
        ('width="100%" alt="Summer"', (58, 32)),
        ('width="99999" height="99999"', (2000, 2000)),
        ('alt="A"', (24, 24)),
    ],
)
def test_a_placeholder_is_as_large_as_the_picture(attributes: str, size: tuple[int, int]) -> None:
    (image,) = elements(f"<img src=x {attributes}>")
    made = placeholder(image.attributes, {name: each.value for name, each in image.attributes.items()})
    said = re.findall(r"(?:width|height)='(\d+)'", made)[:2]
    assert tuple(map(int, said)) == size


@pytest.mark.parametrize("attributes", ['width="1" height="1" alt="x"', "", 'alt=""', "width=600 height=1"])
def test_pixels_and_spacers_stay_unseen(attributes: str) -> None:
    (image,) = elements(f"<img src=x {attributes}>")
    made = placeholder(image.attributes, {name: each.value for name, each in image.attributes.items()})
    assert made.startswith("data:image/gif;base64,")


@pytest.mark.parametrize(
    ("before", "piece", "after"),
    [
        ("<style>url(", "     ", "</style>"),
        ("<style>", "url( ", "</style>"),
        ("<img src=x width='1", "     ", "'>"),
        ("<img src=x style='", " width", "'>"),
        ("<img src=x alt='&#", "99999", ";'>"),
        ("", "<a href=x ", ""),
        ("", "<!--", ""),
        ("", "<script><!--<script", ""),
        ("", "<img src=x alt=y>", ""),
    ],
)
def test_the_time_that_drawing_takes_grows_as_the_mail(before: str, piece: str, after: str) -> None:
    def work(text: str) -> object:
        return shown(f"{before}{text}{after}")

    assert growth(work, piece) < 3 or growth(work, piece, 140_000) < 3


def test_a_plain_text_has_its_badges_too() -> None:
    text = b"Look <here>: https://shop.example/1 & https://shop.example/2\n"
    said = draw(Mail("text", text, "utf-8", {2: 2}, 0), LINKS, STYLE)
    assert (
        f"Look &lt;here&gt;: https://shop.example/1 &amp; {TWO}https://shop.example/2\n</pre>" in said.frame
    )
    assert said.numbers == {2}


@pytest.mark.parametrize(
    ("mail", "why"),
    [
        (None, "not kept"),
        (Mail("html", b"<p>" + b"x" * MOST_BYTES, "utf-8", {}, 0), "300,003 bytes"),
        (Mail("html", b"<p>x", "no-charset", {}, 0), "cannot be read"),
    ],
)
def test_a_mail_that_cannot_be_drawn_says_why(mail: Mail | None, why: str) -> None:
    said = draw(mail, LINKS, STYLE)
    assert (said.frame, said.numbers) == ("", frozenset())
    assert why in said.why_not


def test_real_mail_keeps_its_words_and_loads_nothing(corpus: list[Path]) -> None:
    for path in corpus[:: len(corpus) // 150]:
        content = path.read_bytes()
        if len(content) > MOST_BYTES:
            continue
        page = scan(content.decode("latin-1"))
        numbers = dict.fromkeys(range(1, len(page.anchors) + 1), 1)
        said = draw(Mail("html", content, "latin-1", numbers, 0), LINKS, STYLE)
        frame = said.frame.removesuffix(ENDING)
        assert frame.count('<x-share s="4"') == sum(not each.conditional for each in page.anchors), path
        names = {each.name for each in elements(frame)}
        assert not names & {"script", "link", "meta", "base", "iframe", "object", "embed", "form"}, path
        assert all(src.startswith("data:") or not src for src in scan(frame).images), path
        assert all(each.href.value in ("#", "") for each in scan(frame).anchors), path
