"""Which links are tracked, and what their addresses mean: decoding, rulings, redirect targets."""

from __future__ import annotations

import pytest
from cutting import PAGES, POLICY, click, growth
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.hrefs import clean, decode_attribute, location
from pixeltrack.links import PLACEHOLDERS, rule


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&b=2", "?a=1&b=2"),
        ("?a=1&ampb=2", "?a=1&ampb=2"),
        ("?a=1&amp=2", "?a=1&amp=2"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        ("?a=1&section=2", "?a=1&section=2"),
        ("?a&copy", "?a©"),
        ("?a&copy-1", "?a©-1"),
        ("?a&copy;=2", "?a©=2"),
        ("?a&notit;", "?a&notit;"),
        ("&amp;amp;", "&amp;"),
        ("&quot;&apos;&lt;&gt;", "\"'<>"),
        ("&AMP;&Amp;", "&&Amp;"),
        ("https&#58;//", "https://"),
        ("https&colon;&sol;/", "https://"),
        ("&#x3A;&#X3a;&#0058", ":::"),
        ("&#;&#x;&#xg;&;&", "&#;&#x;&#xg;&;&"),
        ("&#20;&#1;", "\x14\x01"),
        ("&#128;&#x92;", "€’"),
        ("&#0;\0", "\ufffd\ufffd"),
        ("&#xD800;&#x110000;", "\ufffd\ufffd"),
        (f"&#{'0' * 5000}65;", "A"),
        (f"&#{'9' * 5000};", "\ufffd"),
        (f"&#x{'f' * 5000};", "\ufffd"),
        ("&fjlig;", "fj"),
    ],
)
def test_character_references_are_decoded_once_and_as_in_attributes(raw, decoded):
    assert decode_attribute(raw) == decoded


@given(st.text(st.sampled_from("&#xX;=amplt0123456789f\0 é"), max_size=30))
def test_decoding_never_fails_and_is_the_identity_without_ampersands(raw):
    decode_attribute(raw)
    assert decode_attribute(raw.replace("&", "")) == raw.replace("&", "").replace("\0", "\ufffd")


def test_an_address_is_trimmed_and_freed_of_line_ends_as_browsers_do():
    assert clean(" \x00\x1fhttps://a.example/x\r\n\ty z \n") == "https://a.example/xy z"
    assert clean("\xa0https://a.example/") == "\xa0https://a.example/"


# Rows are S6 (controls), S7 (schemes and hosts) and S8 (other characters) of the security rules.
SAME = [
    "http://a.example",
    "https://a.example/",
    "HTTPS://A.Example/Path",
    "https://a.example:443/x",
    "https://a.example:/x",
    "https://a.example:65535/",
    "https://a.example./",
    "https://user:pass@a.example/",  # kept as written: case 21
    "https://user%40corp@a.example/",
    "https://a@b@c.example/",
    "https://127.0.0.1:8000/",
    "https://[2001:db8::1]/",
    "https://[::ffff:1.2.3.4]:8443/x",
    "https://xn--bcher-kva.example/",
    "https://a_b.example/",
    "https://a.example?q",
    "https://a.example#f",
    "https://a.example/?a=1&b=2#c?d",
    "https://a.example/%7Euser/%zz/100%/%E2%82%ac",
    "https://a.example/(x),'y';z=1!$&*+:@",
    "https://a.example/[x]{y}|^~_",
    "https://a.example/?u=https://b.example/\\x",
    "https://a.example/?x=a\\b",
    "https://a.example/#\\",
    "https://a.example//b//../c",
]
ENCODED = [
    ("https://a.example/a b", "https://a.example/a%20b"),
    ("https://a.example/?q=a b#c d", "https://a.example/?q=a%20b#c%20d"),
    ('https://a.example/"<>`', "https://a.example/%22%3C%3E%60"),
    ("https://a.example/é", "https://a.example/%C3%A9"),
    ("https://a.example/€?ü=ü#ü", "https://a.example/%E2%82%AC?%C3%BC=%C3%BC#%C3%BC"),
    ("https://a.example/\U0001f600", "https://a.example/%F0%9F%98%80"),
    ("https://a.example/é%20x", "https://a.example/%C3%A9%20x"),
    ("https://a.example/\r\nSet-Cookie: a=b", "https://a.example/%0D%0ASet-Cookie:%20a=b"),
    ("https://a.example/\x00\x1f\x7f\x85", "https://a.example/%00%1F%7F%C2%85"),
    ("https://a.example/\u202e", "https://a.example/%E2%80%AE"),
    ("https://a.example/\ud800", "https://a.example/%ED%A0%80"),
    ("https://é@a.example/", "https://%C3%A9@a.example/"),
    ("https://bücher.example/", "https://xn--bcher-kva.example/"),
    ("https://BÜCHER.Example/", "https://xn--bcher-kva.Example/"),
    ("https://bücher.example:8443/ü", "https://xn--bcher-kva.example:8443/%C3%BC"),
    ("https://例え.テスト/", "https://xn--r8jz45g.xn--zckzah/"),
    ("https://a。example/", "https://a.example/"),
    ("https://straße.example/", "https://xn--strae-oqa.example/"),  # not strasse.example
    ("https://STRAẞE.example/", "https://xn--strae-oqa.example/"),
    ("https://βόλος.example/", "https://xn--nxasmm1c.example/"),
    ("https://ΣΑΣ.example/", "https://xn--mxa9ab.example/"),
]
REFUSED = [
    *("", "a.example", "www.a.example/x", "/x", "#x", "?x"),
    *("javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd", "ftp://a.example/"),
    *("mailto:a@b.example", "tel:+1", "cid:x", "blob:https://a.example/x", "view-source:https://a.example/"),
    *("//a.example/", "https:a.example", "https:/a.example", "https:///a.example", "https//a.example"),
    *("https://", "https:///", "https://?q", "https://#f", "https://:443/", "https://@/", "https://user@/"),
    *(
        "https:\\\\a.example",
        "https://good.example\\@evil.example/",
        "https://a.example\\x",
        "https://a.example/\\x",
    ),
    *("https://\\a.example/", "https://a\\b@c.example/", "https://a.example/x\\?q"),
    *(
        "https://a.example:65536/",
        "https://a.example:99999/",
        "https://a.example:-1/",
        "https://a.example:8x/",
    ),
    *(
        "https://a.example:80:80/",
        "https://a.example:８０/",
        "https://a.example:0x50/",
        "https://a.example: 80/",
    ),
    *("https://a b.example/", "https://a\tb.example/", "https://a\r\nb.example/", "https://a\x00.example/"),
    *(
        "https://a\x7f.example/",
        "https://a\x85.example/",
        "https://a%00.example/",
    ),
    *(
        "https://a<b.example/",
        'https://a"b.example/',
        "https://a^b/",
        "https://a|b/",
        "https://a`b/",
        "https://{a}/",
    ),
    *(
        "https://[::1/",
        "https://::1/",
        "https://[::1]x/",
        "https://[g::1]/",
        "https://a[::1]/",
        "https://[]/",
    ),
    *(
        "https://a℀b.example/",
        "https://a／b.example/",
        "https://a＠b.example/",
        "https://a？b/",
        "https://a＃b/",
    ),
    *(
        "https://a：80/",
        "https://a％00/",
        "https://a＼b/",
        "https://a\u200db.example/",
        "https://a\u200cb.example/",
    ),
    *(f"https://{'é' * 70}.example/", "https://ß℀.example/"),
    *(" https://a.example/", "\nhttps://a.example/", "xhttps://a.example/", "https ://a.example/"),
]


@pytest.mark.parametrize("address", SAME)
def test_redirect_target_is_the_address_byte_for_byte(address):
    assert location(address) == address


@pytest.mark.parametrize(("address", "target"), ENCODED)
def test_redirect_target_encodes_what_a_header_cannot_carry(address, target):
    assert location(address) == target


@pytest.mark.parametrize("address", REFUSED, ids=ascii)
def test_addresses_that_must_not_become_a_redirect_are_refused(address):
    assert location(address) is None


@pytest.mark.parametrize("control", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))], ids=ascii)
def test_no_control_character_survives_anywhere_in_an_address(control):
    address = "https://u@a.example:80/p?q#f"
    for at in range(len(address) + 1):
        target = location(address[:at] + control + address[at:])
        assert target is None or (control not in target and target.isprintable())


_PIECES = [
    "http",
    "https",
    "://",
    ":",
    "/",
    "\\",
    "@",
    "?",
    "#",
    "%",
    "[",
    "]",
    ".",
    "a",
    "8",
    " ",
    "\r\n",
    "é",
    "ß",
]


@given(
    st.text()
    | st.lists(
        st.sampled_from([*_PIECES, "℀", "＠", "８", "\x7f", "\x85", "\ud800", "\u200d", "//a.example"])
    ).map("".join)
    | st.text().map("https://{}/".format)
    | st.text().map("https://a.example/{}".format)
    | st.text().map("https://a.example:{}".format)
    | st.characters().map("https://a{}b.example/".format)
)
def test_redirect_target_is_always_a_web_address_that_a_header_can_carry(address):
    target = location(address)
    if target is not None:
        assert target.lower().startswith(("http://", "https://"))
        assert all("!" <= character <= "~" for character in target)
        assert location(target) == target


@given(st.characters(min_codepoint=0x80))
def test_no_character_in_a_host_changes_where_the_host_ends(character):
    target = location(f"https://a{character}b.example/path")
    if target is not None:
        assert target.removeprefix("https://").partition("/")[2] == "path"
        assert not set("@:?#%\\") & set(target.removeprefix("https://"))


# -- rulings ----------------------------------------------------------------------------------------


def ruling(href, text="Shop", **attributes):
    made = rule(href, text=text, attributes=attributes, policy=POLICY)
    return made.decision, made.reason


def test_web_links_are_wrapped_with_the_address_as_written():
    for href in (
        "https://a.example/%7e?a=1#x",
        "HTTP://A.example",
        "https://a.example/a b",
        "https://é.example/ü",
    ):
        made = rule(f" {href}\n", text="Shop", attributes={}, policy=POLICY)
        assert (made.decision, made.destination) == ("wrap", href)


@pytest.mark.parametrize(
    ("href", "reason"),
    [
        ("", "no address"),
        (" \n", "no address"),
        ("#top", "a place in this mail"),
        ("/x", "relative address"),
        ("x.html", "relative address"),
        ("www.a.example", "relative address"),
        ("http//a.example", "relative address"),
        ("\ufffdhttps://a.example", "relative address"),
        ("https:/a.example", "not a valid web address"),
        ("https://", "not a valid web address"),
        ("//", "not a valid web address"),
        ("https://a.example:99999/", "not a valid web address"),
        ("https://good.example\\@evil.example/", "not a valid web address"),
        *(
            (f"{scheme}:x", f"{scheme}: link")
            for scheme in (
                "mailto",
                "tel",
                "sms",
                "cid",
                "data",
                "javascript",
                "webcal",
                "about",
                "ftp",
                "file",
                "x-app",
            )
        ),
        ("MAILTO:x", "mailto: link"),
        ("mailto:a@b.example?body=https://a.example", "mailto: link"),
        ("java\nscript:x", "javascript: link"),
    ],
)
def test_what_is_no_web_link_is_left_with_the_reason(href, reason):
    assert ruling(href) == ("leave", reason)


@pytest.mark.parametrize(
    "tag",
    [
        "{{ url }}",
        "{% url %}",
        "*|URL|*",
        "%%url%%",
        "<%= url %>",
        "[[url]]",
        "${url}",
        "#{url}",
        "{url}",
        "%recipient.id%",
    ],
)
def test_merge_tags_are_left_wherever_they_stand(tag):
    for href in (tag, f"https://{tag}/", f"https://a.example/{tag}", f"https://a.example/?id={tag}"):
        assert ruling(href) == ("leave", "merge tag in the address")


@pytest.mark.parametrize(
    "path", ["%20%20", "%C3%A9%", "100%/a%", "{}", "{1}", "%41bc%20", "[x]", "$5", "*|"[:1]]
)
def test_percent_signs_and_brackets_alone_are_no_merge_tags(path):
    assert ruling(f"https://a.example/{path}")[0] == "wrap"


@pytest.mark.parametrize(
    "name",
    [
        *("data-pt-skip", "data-no-track", "data-pm-no-track", "mc:disable-tracking", "ses:no-track"),
        *("mautic:disable-tracking", "data-mautic-disable-tracking", "data-skip-click", "disable-tracking"),
    ],
)
def test_opt_out_attributes_of_the_field_are_honoured(name):
    for value in ("", "true", "anything"):
        decision, reason = ruling("https://a.example/", **{name: value})
        assert decision == "leave"
        assert reason.startswith(f"opted out by {name} (")


def test_opt_out_attributes_with_a_value_need_that_value():
    assert ruling("https://a.example/", clicktracking=" OFF ")[0] == "leave"
    assert ruling("https://a.example/", clicktracking="on")[0] == "wrap"
    assert ruling("https://a.example/", **{"data-msys-clicktrack": "0"})[0] == "leave"
    assert ruling("https://a.example/", **{"data-msys-clicktrack": "1"})[0] == "wrap"
    assert ruling("https://a.example/", **{"data-track": "no"})[0] == "wrap"


@pytest.mark.parametrize(
    ("href", "text"),
    [
        ("https://a.example/unsubscribe?u=1", ""),
        ("https://a.example/Opt-Out", ""),
        ("https://a.example/preferences", ""),
        ("https://a.example/view-in-browser/1", ""),
        ("https://a.example/1", "Unsubscribe"),
        ("https://a.example/1", "click here to opt out"),
        ("https://a.example/1", "Manage your email preferences"),
        ("https://a.example/1", "View this email in your browser"),
        ("https://a.example/1", "Newsletter abmelden"),
        ("https://a.example/1", "Se désabonner"),
        ("https://a.example/1", "Disiscriviti"),
        ("https://a.example/1", "Darse de baja"),
    ],
)
def test_unsubscribe_preferences_and_browser_links_are_left(href, text):
    assert ruling(href, text) == ("leave", "unsubscribe, preferences or view in browser")


@pytest.mark.parametrize(
    "text", ["Subscribe", "Browse the shop", "Our preferences in wine", "Options", "Online shop"]
)
def test_ordinary_words_are_no_service_links(text):
    assert ruling("https://a.example/browser", text)[0] == "wrap"


@pytest.mark.parametrize(("href", "slot"), PLACEHOLDERS.items())
def test_placeholders_are_filled_in_even_where_the_text_would_leave_them(href, slot):
    assert ruling(f" {href}\n", "Unsubscribe", **{"data-no-track": ""}) == ("fill", slot)
    assert ruling(href.replace("pixeltrack", "PixelTrack")) == ("fill", slot)


@pytest.mark.parametrize(
    "href", ["pixeltrack:Unsubscribe", "pixeltrack:privacy/x", "pixeltrack:", "PIXELTRACK:no"]
)
def test_a_page_that_we_do_not_have_is_a_mistake_and_no_dead_link(href):
    with pytest.raises(InputError, match="is no page of ours"):
        ruling(href)


def test_our_own_links_are_not_wrapped_twice():
    for url in (click(1), PAGES["unsubscribe"], PAGES["preferences"], PAGES["privacy"]):
        assert ruling(url) == ("leave", "already wrapped")
    assert ruling("https://t.example/other") == ("wrap", "web link")
    assert ruling("https://t.example/p/red-shoes") == ("wrap", "web link")
    assert ruling("https://t.example.org/c/x") == ("wrap", "web link")


@pytest.mark.parametrize(
    "piece", ["{a", "%abc", "%%", "&#1", "&a", "{a.", "https://", "\\", "in your ", "update ", "[["]
)
def test_ruling_time_is_linear_on_hostile_addresses(piece):
    def work(text):
        rule(f"https://a.example/{decode_attribute(text)}", text=text, attributes={}, policy=POLICY)

    assert growth(work, piece) < 3 or growth(work, piece, 200_000) < 3
