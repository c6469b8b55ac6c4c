"""Addresses in plain text: where they begin and end."""

from __future__ import annotations

import pytest
from cutting import growth
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.texts import spans

A = "https://a.example/x"

# (text, the addresses in it)
CASES = [
    (A, [A]),
    (f"See {A}. Then {A}, {A}; and {A}!", [A] * 4),
    (f"Is it {A}?!... Or '{A}' or \"{A}\"", [A] * 3),
    (f"{A}?a=1&b=2#c.", [f"{A}?a=1&b=2#c"]),
    ("HTTPS://A.Example", ["HTTPS://A.Example"]),
    ("http://a.example:8080/~x/y;z=1", ["http://a.example:8080/~x/y;z=1"]),
    # RFC 3986, appendix C
    (f"<{A}> <URL:{A}>", [A] * 2),
    (f"one\n{A}\r\ntwo\t{A}", [A] * 2),
    # brackets: of the address when it has opened them, else of the sentence
    (f"({A}) [{A}] {{{A}}}", [A] * 3),
    (f"{A}_(y) ({A}_(y)).", [f"{A}_(y)"] * 2),
    (f"({A}_(y)_(z))))", [f"{A}_(y)_(z)"]),
    (f"{A}/[1]?q={{2}}", [f"{A}/[1]?q={{2}}"]),
    (f"*{A}* _{A}_ `{A}` ~{A}~ |{A}|", [A] * 5),
    (f"[Shop]({A})", [A]),
    # an address in an address is a part of it
    (f"https://b.example/?to={A}", [f"https://b.example/?to={A}"]),
    (f"https://web.example/2020/{A}", [f"https://web.example/2020/{A}"]),
    # no addresses
    ("http:// https://. https://) http", []),
    ("www.a.example a@a.example mailto:a@a.example ftp://a.example xhttps://a.example", []),
    # words in other languages
    (f"Voir {A}/é\u00a0! Ou «\u00a0{A}\u202f» ou «{A}»", [f"{A}/é", A, A]),
    (f"こちら{A}。または「{A}/日本」、（{A}）", [A, f"{A}/日本", A]),
    (f"„{A}“ “{A}” ‘{A}’ {A}…", [A] * 4),
    (f"{A}\u200b {A}\ufeff", [A] * 2),
    (f"ê{A} ª{A}", [A] * 2),
    ("https://bücher.example/ü", ["https://bücher.example/ü"]),
    # our own pages
    ("Leave: pixeltrack:unsubscribe.", ["pixeltrack:unsubscribe"]),
    ("<pixeltrack:preferences> (pixeltrack:privacy)", ["pixeltrack:preferences", "pixeltrack:privacy"]),
    (
        "pixeltrack: a tool, pixeltrack:unsubscribe-me pixeltrack:other pixeltrack:privacy(x pixeltrack:x://y Pixeltrack:Privacy xpixeltrack:privacy",
        [],
    ),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_addresses_are_found_and_nothing_else(text: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text)] == expected


@pytest.mark.parametrize(
    "charset", ["utf-8", "windows-1252", "iso-8859-15", "shift_jis", "gb18030", "euc-jp"]
)
@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_same_are_found_in_bytes(text: str, expected: list[str], charset: str) -> None:
    try:
        raw = text.encode(charset)
    except UnicodeEncodeError:
        return  # not a text of this charset
    view = raw.decode("latin-1")
    found = [view[start:end].encode("latin-1").decode(charset) for start, end in spans(view, charset)]
    assert found == expected


@pytest.mark.parametrize("raw", [b"https://a.example/\xff", b"https://a.example/\xc3.", b"https://\xa0"])
def test_an_address_that_is_no_text_is_passed_over(raw: bytes) -> None:
    text = f"{raw.decode('latin-1')} {A}"
    assert [text[start:end] for start, end in spans(text, "utf-8")] == [A]


@pytest.mark.parametrize(
    "piece", [")", "(", "()", ".", "»", "https://", "https://a.example/ ", "http", "pixeltrack:", "é", "a"]
)
@pytest.mark.parametrize("charset", [None, "utf-8"])
def test_addresses_are_found_in_linear_time(piece: str, charset: str | None) -> None:
    assert growth(lambda text: spans(f"{A}{text.encode().decode('latin-1')}", charset), piece, 200_000) < 4


@given(
    st.text(st.sampled_from('https://a.é)]»([«. \n<>"\xa0。pixeltrack:')), st.sampled_from(["", A, f"({A}"])
)
def test_spans_are_in_order_apart_and_of_whole_characters(text: str, before: str) -> None:
    raw = (before + text).encode()
    found = spans(raw.decode("latin-1"), "utf-8")
    assert [place for span in found for place in span] == sorted({place for span in found for place in span})
    for start, end in found:
        address = raw[start:end].decode()
        assert "://" in address
        assert spans(address) == [(0, len(address))], "what is cut out is an address of its own"
