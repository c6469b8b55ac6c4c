"""Rewriting: what the table of cases does not say of plans and cuts."""

from __future__ import annotations

import pytest
from cutting import VALUES, edits_of, planned, rewrite
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.edits import Edit, cut
from pixeltrack.proofs import undo


def test_a_link_knows_its_place_and_text() -> None:
    made = planned(
        b'<p>\r\n  <a href="https://a.example/?a=1&amp;b=2"><b>Buy</b>\n <img alt="now"> &amp; save</a>'
    )
    (link,) = made.links
    assert (link.number, link.line, link.column) == (1, 2, 3)
    assert (link.text, link.destination) == ("Buy now & save", "https://a.example/?a=1&b=2")


def test_a_shop_at_our_address_keeps_its_links_and_pictures() -> None:
    mail = (
        b'<body><img src="https://t.example/p/logo.gif"><a href="https://t.example/c/category/1/shoes">a</a>'
        b'<a href="https://t.example/p/red-shoes">b</a><a href="https://t.example/privacy-policy">c</a></body>'
    )
    made = planned(mail)
    assert [link.decision for link in made.links] == ["wrap"] * 3
    assert made.pixel_at is not None


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
