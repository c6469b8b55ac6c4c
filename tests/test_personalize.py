"""Recipient fields in the mail: filled in and escaped, every other byte as it was."""

from __future__ import annotations

import pytest
from cutting import PAGES, PIXEL, PLACES, VALUES, edits_of, planned

from pixeltrack.copies import Copy
from pixeltrack.edits import cut
from pixeltrack.errors import InputError
from pixeltrack.model import Recipient
from pixeltrack.personalize import compile_personalized


def personalized(mail: bytes, encoding: str | None = None, **fields: str) -> bytes:
    made = planned(mail, encoding)
    render = compile_personalized(cut(made.source, edits_of(made)), made.source, PLACES)
    ann = Recipient("ann@x.example", "ann@x.example", "granted", "granted", fields, 7)
    return render(Copy(1, ann, True, "000001-aaaaaa", VALUES, "list.csv line 7"))


def test_fields_are_filled_in_and_escaped() -> None:
    assert b"<p>Hi &lt;b&gt;Ann&lt;/b&gt; &amp; co</p>" in personalized(
        b"<p>Hi {{ name }}</p>", name="<b>Ann</b> & co"
    )


def test_links_and_pixel_are_ours_whatever_the_fields_say() -> None:
    mail = b'<p>{{ name }}</p><a href="https://a.example/">x</a></body>'
    output = personalized(mail, name="{{ pixeltrack_slot.message }}")
    assert output.count(b"https://t.example/c/abcdefgh/1/T") == 1
    assert output.count(PIXEL.encode()) == 1
    assert b"<p>{{ pixeltrack_slot.message }}</p>" in output


def test_a_link_in_a_condition_is_there_when_the_condition_is() -> None:
    mail = b'{% if vip %}<a href="https://a.example/">x</a>{% endif %}<p></p>'
    assert b"/c/abcdefgh/1/T" in personalized(mail, vip="yes")
    assert b"/c/" not in personalized(mail, vip="")


def test_line_ends_stay_as_they_are() -> None:
    mail = b"<p>a\r\nb\rc\n{{ name }}\r\n</p>\r\n"
    assert personalized(mail, name="x").startswith(b"<p>a\r\nb\rc\nx\r\n</p>\r\n")


def test_a_private_use_character_in_a_field_is_no_line_end() -> None:
    assert personalized(b"<p>{{ name }}\r\n</p>", name="\ue000").startswith("<p>\ue000\r\n</p>".encode())


def test_a_style_sheet_with_an_id_is_no_comment() -> None:
    mail = b"<style>@media x{#a{b:c}}</style><p>{{ name }}</p>"
    assert personalized(mail, name="x").startswith(b"<style>@media x{#a{b:c}}</style><p>x</p>")


def test_our_own_pages_can_be_named() -> None:
    assert f'href="{PAGES["unsubscribe"]}"'.encode() in personalized(b'<a href="{{ unsubscribe_url }}">x</a>')


def test_a_field_that_is_not_there_is_named_with_the_recipient() -> None:
    with pytest.raises(InputError, match="list.csv line 7: .*'nick' is undefined"):
        personalized(b"<p>{{ nick }}</p>")


def test_a_template_that_is_none_is_named_with_its_line() -> None:
    with pytest.raises(InputError, match="mail.html line 2: not valid Jinja2"):
        personalized(b"<p>\n{{ name }</p>")


def test_a_mail_cannot_reach_into_the_program() -> None:
    with pytest.raises(InputError, match="cannot be personalised"):
        personalized(b"<p>{{ name.__class__.__mro__ }}</p>", name="x")


@pytest.mark.parametrize(
    "wrong",
    [
        "{{ 1 / 0 }}",
        "{{ name() }}",
        "{{ name | int + name }}",
        "{{ '%(gone)s' | format(x=1) }}",
        "{{ '{3}'.format(name) }}",
        "{{ name.index('z') }}",
        "{% include 'other' %}",
        "{% for i in range(10 ** 9) %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    ],
)
def test_what_goes_wrong_in_a_mail_is_told_with_the_recipient(wrong: str) -> None:
    with pytest.raises(InputError, match="list.csv line 7: the mail cannot be personalised"):
        personalized(f"<p>{wrong}</p>".encode(), name="x")


def test_a_letter_that_the_charset_lacks_becomes_a_reference() -> None:
    mail = '<meta charset="iso-8859-1"><p>é {{ name }}</p>'.encode("latin-1")
    assert "<p>é Zoë &#321;</p>".encode("latin-1") in personalized(mail, name="Zoë Ł")


def test_a_mail_that_is_not_in_its_charset_is_refused() -> None:
    with pytest.raises(InputError, match="not valid utf-8"):
        personalized(b"<p>\xff {{ name }}</p>", name="x")


@pytest.mark.parametrize(
    "mail",
    [
        b'<p>{% raw %}<a href="https://a.example/">x</a>{% endraw %}',
        b"""<p>{{ '<a href="https://a.example/">x</a>' }}""",
        b'<p>{% filter upper %}<a href="https://a.example/">x</a>{% endfilter %}',
        b'<p>{% filter urlencode %}<a href="https://a.example/">x</a>{% endfilter %}',
    ],
)
def test_a_link_that_jinja_takes_for_text_is_refused(mail: bytes) -> None:
    with pytest.raises(InputError, match="a link stands inside"):
        personalized(mail, name="x")
