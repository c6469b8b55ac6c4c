"""The scanner: the links that a browser finds, at their exact place, in time linear in the input."""

from __future__ import annotations

import oracle
import pytest
from cutting import growth
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.hrefs import decode_attribute
from pixeltrack.markup import elements, scan

LINK = '<a href="L">'  # found where it is markup, not found where it is text


def hrefs(text: str) -> list[str]:
    return [anchor.href.value for anchor in scan(text).anchors]


@pytest.mark.parametrize(
    ("tag", "value", "quote"),
    [
        ('<a href="x">', "x", '"'),
        ("<a href='x'>", "x", "'"),
        ("<a href=x>", "x", ""),
        ("<A HREF=x>", "x", ""),
        ("<a href=x/>", "x/", ""),
        ("<a href=x/ >", "x/", ""),
        ('<a href="x"/>', "x", '"'),
        ('<a/href="x">', "x", '"'),
        ('<a id="i"href="x">', "x", '"'),
        ('<a href\n=\t"x">', "x", '"'),
        ('<a\r\nhref="x"\f>', "x", '"'),
        ("<a href= x >", "x", ""),
        ("<a href=x\"'=<`>", "x\"'=<`", ""),
        ('<a href="it\'s">', "it's", '"'),
        ("<a href='say \"x\"'>", 'say "x"', "'"),
        ('<a title="a > b" href="x">', "x", '"'),
        ("<a title='</a>' href='x'>", "x", "'"),
        ('<a href="x" href="y">', "x", '"'),
        ('<a href="x" HREF=y>', "x", '"'),
        ('<a data-href="y" xlink:href="z" href="x">', "x", '"'),
        ('<a href="a\nb">', "a\nb", '"'),
        ("<a href>", "", ""),
        ("<a href=>", "", ""),
        ('<a href="">', "", '"'),
        ("<a href id=i>", "", ""),
        ('<a ="y" href="x">', "x", '"'),
        ('<a id="i"="y" href="x">', "x", '"'),
        ('<a <b href="x">', "x", '"'),
    ],
)
def test_attribute_value_is_found_with_its_exact_span_and_quote(tag, value, quote):
    text = f"é {tag}text</a>"
    (anchor,) = scan(text).anchors
    assert (anchor.href.value, anchor.href.quote) == (value, quote)
    assert text[anchor.href.start : anchor.href.end] == value
    assert text[anchor.at :].startswith(tag[:2])


@pytest.mark.parametrize(
    "tag",
    [
        "<a name=x>",
        '<a data-href="x">',
        '<a xlink:href="x">',
        '<link href="x">',
        '<base href="x">',
        '<img href="x">',
        '<abbr href="x">',
        '<form action="x">',
        '< a href="x">',
        '</a href="x">',
        '<!a href="x">',
        '<?a href="x">',
        '<1a href="x">',
        '<ａ href="x">',
    ],
)
def test_what_only_resembles_a_link_is_none(tag):
    assert hrefs(f"{tag}text</a>") == []


@pytest.mark.parametrize(
    "tag", ['<area href="L">', '<v:rect href="L">', '<v:roundrect href="L">', '<V:Shape href="L"/>']
)
def test_areas_and_vml_shapes_are_links(tag):
    assert hrefs(tag) == ["L"]


@pytest.mark.parametrize(
    "name", ["style", "title", "textarea", "xmp", "iframe", "noembed", "noframes", "script"]
)
def test_content_of_raw_text_elements_is_no_markup(name):
    assert hrefs(f"<{name}>{LINK}</{name}x>{LINK}</{name}>") == []
    assert hrefs(f"<{name.upper()} id='>'>{LINK}</{name} x='>'>{LINK}") == ["L"]
    assert hrefs(f"<{name}>{LINK}</{name.title()}\n>{LINK}") == ["L"]


def test_letters_that_only_fold_to_ascii_do_not_end_an_element():
    assert hrefs(f"<style></ſtyle>{LINK}</style>") == []
    assert hrefs(f"<script></ſcript>{LINK}</script>") == []
    assert hrefs(f"<!--[ıf mso]>{LINK}-->") == []


@pytest.mark.parametrize("name", ["noscript", "template", "svg", "div", "marquee", "stylesheet"])
def test_content_of_other_elements_is_markup(name):
    assert hrefs(f"<{name}>{LINK}</{name}>") == ["L"]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ("<script><!-- <script> </script> LINK --></script>", 0),
        ("<script><!-- <script> --> </script>LINK", 1),
        ("<script><!-- </script>LINK", 1),
        ("<script><!-- <script> </script> </script>LINK", 1),
        ("<script><!-- <scripts> </script>LINK", 1),
        ("<script><script></script>LINK", 1),
        ("<script><!--><script></script>LINK", 1),
        ("<script><!---><script></script>LINK", 1),
        ("<script><!--x--><script></script>LINK", 1),
        ("<script><!-- --!> <script> </script>LINK</script>", 0),
    ],
)
def test_script_escapes_decide_where_a_script_ends(script, found):
    text = script.replace("LINK", LINK)
    assert len(hrefs(text)) == found == len(oracle.find_links(text))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<!-- LINK -->", 0),
        ("<!-- LINK --><p>LINK", 1),
        ("<!-->LINK-->", 1),
        ("<!--->LINK-->", 1),
        ("<!---->LINK", 1),
        ("<!--x--!>LINK-->", 1),
        ("<!---!>LINK-->", 0),
        ("<!--x-- >LINK-->", 0),
        ("<!--x->LINK-->", 0),
        ("<!-- <!-- -->LINK-->", 1),
        ("<!-x>LINK", 1),
        ("<!doctype html PUBLIC '>'>LINK", 1),
        ("<?xml version='1.0'?>LINK", 1),
        ("</ x>LINK", 1),
        ("</>LINK", 1),
        ("<>LINK", 1),
        ("<![CDATA[ LINK ]]>", 0),
    ],
)
def test_comments_end_where_a_browser_ends_them(text, found):
    text = text.replace("LINK", LINK)
    assert len(hrefs(text)) == found == len(oracle.find_links(text))


@pytest.mark.parametrize(
    "text",
    [
        "<!--[if mso]>LINK<![endif]-->",
        "<!--[if (gte mso 9)|(IE)]>LINK<![endif]-->",
        "<!--[IF MSO]>LINK<![ENDIF]-->",
        "<!--[if mso]>LINK<!\n[endif]-->",
        "<!--[if mso]><v:rect href='L'/><![endif]-->",
    ],
)
def test_links_in_conditional_comments_are_found_and_marked(text):
    (anchor,) = scan(text.replace("LINK", LINK)).anchors
    assert anchor.conditional


def test_what_the_two_kinds_of_downlevel_revealed_comments_hold_is_ordinary():
    for text in ("<!--[if !mso]><!-->LINK<!--<![endif]-->", "<![if !mso]>LINK<![endif]>"):
        (anchor,) = scan(text.replace("LINK", LINK)).anchors
        assert not anchor.conditional


@pytest.mark.parametrize(
    "text",
    [
        "<!--[if mso]><!--[if gte mso 9]>LINK<![endif]--><![endif]-->",  # depth 1 and no further
        "<!-- [if mso]>LINK<![endif]-->",
        "<!--[iffy]>LINK-->",
        "<!--[if mso>LINK-->",
        "<!--[if mso]><style>LINK<![endif]-->",
        "<!--[if mso]>LINK",  # never closes
    ],
)
def test_other_comments_hold_no_links(text):
    assert hrefs(text.replace("LINK", LINK)) == []


def test_what_stays_open_in_a_conditional_comment_ends_with_it():
    page = scan(f'<!--[if mso]><p class="{LINK}<![endif]-->{LINK}</body>')
    assert [anchor.href.value for anchor in page.anchors] == ["L"]
    assert page.unclosed is None
    assert page.body_end is not None


@pytest.mark.parametrize(
    ("tail", "what"),
    [
        ("<!-- </body>", "comment"),
        ("<!doctype", "comment"),
        ("<style> </body>", "style"),
        ("<style> </body></style ", "style"),
        ("<title>x</title x='", "title"),
        ("<script><!-- <script></script>", "script"),
        ("<plaintext></body>", "plaintext"),
        ('<a href="x>', "tag"),
        ("<a href='x\">", "tag"),
        ("<p ", "tag"),
        ("<p", "tag"),
        ("</p", "tag"),
        ("</", "tag"),
    ],
)
def test_what_never_closes_is_named_and_not_entered(tail, what):
    page = scan(f"{LINK}text</a>{tail}")
    assert (page.unclosed, page.content_end) == (what, len(f"{LINK}text</a>"))
    assert len(page.anchors) == 1
    assert page.body_end is None


def test_the_last_end_tags_that_are_markup_count():
    text = (
        "<body></body><!-- </body> --></BODY\n><!--[if mso]></body><![endif]--></html ><title></html></title>"
    )
    page = scan(text)
    assert page.body_end == text.index("</BODY")
    assert page.html_end == text.index("</html >")


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("<a href=x>one <b>two</b></a> three", "one two"),
        ("<a href=x>one<!-- no --> two</a>", "one two"),
        ("<a href=x><img src=i alt='Shop'></a>", " Shop "),
        ("<a href=x>one<a href=y>", "one"),
        ("<a href=x>1 < 2</a>", "1 < 2"),
        ("<a href=x>one</v:rect>two</a>", "onetwo"),
        ("<a href=x>one<style>no</style>two</a>", "onetwo"),
        ("<a href=x>never closed", "never closed"),
        ("<area href=x alt='Map'>after", "Map"),
        ("<area href=x>after", ""),
    ],
)
def test_the_text_of_a_link_is_what_a_reader_sees(text, label):
    assert scan(text).anchors[0].text == label


def test_nested_links_are_each_found_once():
    assert hrefs('<a href="1"><table><tr><a href="2"><p><a href="3"></a></a></a>') == ["1", "2", "3"]


@pytest.mark.parametrize("attribute", ["amp4email", "⚡4email", "â\x9a¡4email", "AMP4EMAIL"])
def test_amp_parts_are_recognised(attribute):
    assert scan(f"<!doctype html><html {attribute}>").amp
    assert not scan("<html lang=en>").amp


HOSTILE = [
    *("<", "<a ", "<a", "</", "</a", "<a href=", '<a href="', "<a href='x", "<a href=x ", "<p a='", '<p ="'),
    *("<!--", "<!-- ", "<!--[if mso]>", "<!--[if", "<![", "<?", "--!", "<!--[if x]><a href=x>-->", "-->"),
    *(
        "<script>",
        "<script><!--<script>",
        "<style></style",
        "<title>",
        "<a href=x>t",
        "<v:a href=x>",
        "/ ",
        "=a",
    ),
    *("<a href=x><img alt=y>", "<p a=b ", "<html ", "<plaintext>", "<b>", '"', "<a <a "),
]


@pytest.mark.parametrize("tail", ["", ">"], ids=["open", "closed"])
def test_time_is_linear_on_hostile_input(tail):
    slow = {piece: growth(lambda text: scan(text + tail), piece) for piece in HOSTILE}
    slow = {piece: ratio for piece, ratio in slow.items() if ratio > 3}
    again = {piece: growth(lambda text: scan(text + tail), piece, 240_000) for piece in slow}
    assert {piece: ratio for piece, ratio in again.items() if ratio > 3} == {}


SOUP = st.lists(
    st.sampled_from(
        [
            *(
                '<a href="https://x.example/">',
                "<a href=",
                "<A data-href=1 href",
                "HREF=q/",
                "</a>",
                "<area alt=t href='u'>",
            ),
            *(
                '<v:rect href="v">',
                "<p>",
                "<p ",
                "<img src=",
                "<template>",
                "<noscript>",
                "</body>",
                "</",
                "</>",
                "<",
                ">",
            ),
            *(
                '"',
                "'",
                "=",
                "/",
                " ",
                "\n",
                "\r",
                "\t",
                "\f",
                "\0",
                "x",
                "é",
                "ſ",
                "!",
                "-",
                "--",
                "&",
                "&amp",
                "&#106;",
            ),
            *(
                "<!--",
                "-->",
                "--!>",
                "<!-->",
                "<!--->",
                "[if mso]>",
                "<!--[if mso]>",
                "<![endif]",
                "<![if !mso]>",
            ),
            *(
                "<script>",
                "<script",
                "</script>",
                "</script",
                "<style>",
                "</style ",
                "</ſtyle>",
                "<title>",
                "</title>",
            ),
            *(
                "<textarea>",
                "</textarea>",
                "<iframe>",
                "</iframe>",
                "<noframes>",
                "<xmp>",
                "</xmp>",
                "<plaintext>",
            ),
            *("<?php ?>", "<!doctype html>", "&copy", "&copy;"),
        ]
    ),
    max_size=25,
).map(lambda pieces: f"{''.join(pieces)}-->")  # an open conditional comment is Outlook's alone


@given(SOUP)
def test_scan_finds_the_links_that_an_independent_tokenizer_finds(text):
    found = [(anchor.tag, _href(anchor.href.value), anchor.conditional) for anchor in scan(text).anchors]
    assert found == [(link.tag, link.href, link.conditional) for link in oracle.find_links(text)]


def _href(raw: str) -> str:
    return decode_attribute(raw.replace("\r\n", "\n").replace("\r", "\n"))


def test_a_picture_without_words_parts_none() -> None:
    """Our own pixel may come to stand in a link that nobody has closed."""
    (anchor,) = scan('<a href="x">one<img alt="">two<img alt="three">four').anchors
    assert anchor.text == "onetwo three four"


def test_every_start_tag_that_a_browser_sees_is_listed():
    text = '<p>a</p><!-- <b> --><!--[if mso]><i><![endif]--><IMG src="x" src=y alt=z><style>q <u> </style ><br/><script>never'
    found = [(each.name, text[each.at : each.end]) for each in elements(text)]
    assert found == [
        ("p", "<p>"),
        ("img", '<IMG src="x" src=y alt=z>'),
        ("style", "<style>q <u> </style >"),
        ("br", "<br/>"),
        ("script", "<script>never"),
    ]
    assert {name: each.value for name, each in elements(text)[1].attributes.items()} == {
        "src": "x",
        "alt": "z",
    }
