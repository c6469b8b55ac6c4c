"""The three proofs: each passes on an honest rewrite and fails on a wrong one."""

from __future__ import annotations

from functools import cache

import pytest
from cutting import PIXEL, VALUES, click, edits_of, growth, planned, render, rewrite
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.edits import Edit
from pixeltrack.errors import SelfCheckError
from pixeltrack.longlines import Fitted
from pixeltrack.proofs import prove, undo
from pixeltrack.source import Source

MAIL = (
    b'<html><body><p>Hello &amp; welcome</p><a href="https://a.example/?x=1&amp;y=2">One</a>'
    b'<!--[if mso]><v:rect href="https://a.example/two">Two</v:rect><![endif]-->'
    b"<a href='mailto:a@a.example'>Mail</a></body></html>"
)


def proved(output: bytes, mail: bytes = MAIL) -> str:
    made = planned(mail)
    return prove(made, Fitted(edits_of(made), ()), VALUES, output).audit


def test_an_honest_rewrite_passes() -> None:
    assert proved(rewrite(MAIL)) == "12 nodes and 3 links read alike by BeautifulSoup"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"mailto:a@", b"mailto:b@"),
        (click(1).encode(), click(2).encode()),
        (PIXEL.encode(), b""),
        (b"</body>", b""),
        (b"<![endif]-->", b"<![endif]--> "),
    ],
)
def test_undo_sees_every_byte_that_is_not_ours(old: bytes, new: bytes) -> None:
    output = rewrite(MAIL)
    assert old in output
    with pytest.raises(SelfCheckError):
        proved(output.replace(old, new, 1))


def test_a_second_run_that_finds_something_is_a_fault() -> None:
    made = planned(MAIL)
    edits = edits_of(made)[1:]  # the first link was forgotten
    with pytest.raises(SelfCheckError, match="a second run would change"):
        prove(made, Fitted(edits, ()), VALUES, render(made.source, edits))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (
            '<a href="https://t.example/',
            '<a class="x" href="https://t.example/',
            "a difference outside the links",
        ),
        (
            '<a href="https://t.example/',
            '<b></b><a href="https://t.example/',
            "a difference outside the links",
        ),
    ],
)
def test_the_auditor_sees_what_an_edit_should_not_bring(before: str, after: str, said: str) -> None:
    """Edits that undo exactly and still do harm: only an independent reader notices."""
    from dataclasses import replace

    made = planned(MAIL)
    first, *rest = edits_of(made)
    start = made.source.view.rindex("<a", 0, first.start)
    opening = made.source.view[start : first.start]
    harmful = replace(
        first, start=start, before=opening.replace("<a", after.split(" href")[0], 1) + first.before
    )
    edits = [harmful, *rest]
    with pytest.raises(SelfCheckError, match=said):
        prove(made, Fitted(edits, ()), VALUES, render(made.source, edits))


def test_the_audit_reads_what_outlook_reads() -> None:
    mail = b'<p>x</p><!--[if mso]><a href="https://a.example/">A</a><![endif]--><!-- <a href="https://b.example/"> -->'
    assert "1 links read alike" in proved(rewrite(mail), mail)


def test_a_mail_of_any_length_is_audited() -> None:
    mail = b"<p>" + b"x" * 4_000_000 + b'</p><a href="https://a.example/">A</a>'
    assert proved(rewrite(mail), mail).endswith("1 links read alike by BeautifulSoup")


def test_a_link_that_leads_elsewhere_is_seen_by_the_auditor() -> None:
    """Undo cannot know where a link should lead: this one goes where no URL of ours is."""
    from dataclasses import replace

    made = planned(MAIL)
    first, *rest = edits_of(made)
    edits = [replace(first, before="mailto:", after="@evil.example"), *rest]
    with pytest.raises(SelfCheckError, match="a link go astray"):
        prove(made, Fitted(edits, ()), VALUES, render(made.source, edits))


def test_undo_is_linear_in_the_number_of_links() -> None:
    @cache
    def ready(text: str) -> tuple[Source, list[Edit], bytes]:
        made = planned(text.encode())
        edits = edits_of(made)
        return made.source, edits, render(made.source, edits)

    def work(text: str) -> None:
        source, edits, output = ready(text)
        undo(source, edits, VALUES, output)

    assert growth(work, "<a href=//a.example>", 200_000) < 3


@pytest.mark.parametrize(
    "text", [f"&#{'9' * 5_000};", f"<p title='&#{'9' * 5_000};'>", "<![x y]>", "<p><![if mso]><![endif>"]
)
def test_what_the_auditor_cannot_read_does_not_stop_the_proof(text: str) -> None:
    mail = f'<p>x</p>{text}<a href="https://a.example/">x</a>'.encode()
    assert proved(rewrite(mail), mail)


@pytest.mark.parametrize("piece", ["<a ", "<!--", "<!--[if mso]>", '<a href="', "</", "<title>", "<![x"])
def test_hostile_mail_is_proved_in_linear_time(piece: str) -> None:
    def work(text: str) -> None:
        mail = b"<p>" + text.encode()
        proved(rewrite(mail), mail)

    assert growth(work, piece) < 4


@given(
    st.lists(
        st.sampled_from(
            [
                '<a href="https://a.example/">',
                "<p>",
                "</p>",
                "&",
                "é",
                "<!--",
                "-->",
                "<b x='",
                "\r\n",
                "</body>",
                "<a href=//b.example>",
                "<![if mso]>",
                "x",
            ]
        ),
        max_size=25,
    )
)
def test_undo_gives_back_any_mail(pieces: list[str]) -> None:
    mail = b"<p>" + "".join(pieces).encode()
    made = planned(mail)
    edits = edits_of(made)
    output = render(made.source, edits)
    assert undo(made.source, edits, VALUES, output) == mail
    assert planned(output).changes_nothing


@pytest.mark.parametrize(
    "mail",
    [
        '<p><!--><a href="https://a.example/">A</a>-->',
        '<p><!---><a href="https://a.example/">A</a>-->',
        '<p><!-- x --!><a href="https://a.example/">A</a>-->',
        '<p><!-- -- > <a href="https://b.example/">B</a>--><a href="https://a.example/">A</a>',
        '<!--[if mso]><a href="https://a.example/">A</a><![endif]--!><p title="<!-->">x</p>',
    ],
)
def test_comments_end_for_the_auditor_where_a_browser_ends_them(mail: str) -> None:
    done = rewrite(mail.encode())
    assert done.count(b"https://t.example/c/") == 1
    assert "1 links read alike" in proved(done, mail.encode())
    with pytest.raises(SelfCheckError):
        proved(done.replace(b"/c/", b"/x/"), mail.encode())
