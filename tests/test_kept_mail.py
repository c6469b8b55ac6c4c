"""What injecting keeps of a mail, so that a report can draw each link's share on it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import run
from conftest import BASE, MAIL, Inject

from pixeltrack import report
from pixeltrack.model import Mail
from pixeltrack.setup import Workspace

OPTIONS = ("--base-url", BASE, "--db", "t.db", "--campaign", "spring")
HTML = (
    b'<p>Hi <a href="https://shop.example/a">A</a> <a href="mailto:x@y.example">Mail</a>'
    b' <a href="https://shop.example/b">B</a></p>'
)
AMP = b'<!doctype html><html amp4email><body><a href="https://shop.example/amp">A</a></body></html>'
MESSAGE = (
    b"From: shop@shop.example\nTo: ada@example.com\nSubject: Sale\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/alternative; boundary="cut"\n\n'
    b"--cut\nContent-Type: text/plain\n\nSee https://shop.example/a now\n"
    b"--cut\nContent-Type: text/x-amp-html\n\n" + AMP + b"\n"
    b"--cut\nContent-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    b'<p>Gr=C3=BC=C3=9Fe <a href=3D"https://shop.example/a">A</a></p>\n--cut--\n'
)


@pytest.fixture
def folder(workspace: Workspace, tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    return tmp_path


def kept(workspace: Workspace) -> Mail:
    (found,) = report.kept_mails(workspace.store, "spring")
    return found


def given(folder: Path, name: str, content: bytes, *options: str) -> None:
    (folder / name).write_bytes(content)
    ran = run(folder, "inject", name, *OPTIONS, *options)
    assert ran.code == 0, ran.err


def urls(workspace: Workspace) -> dict[int, str]:
    """Where the mail's links go, by their places in it."""
    table = {row.number: row.url for row in workspace.store.links(1)}
    return {place: table[number] for place, number in kept(workspace).numbers.items()}


def test_html_is_kept_byte_for_byte_with_the_numbers_of_its_links(
    inject: Inject, workspace: Workspace
) -> None:
    inject("ada@example.com")
    mail = kept(workspace)
    assert (mail.kind, mail.content, mail.charset, mail.preview) == ("html", MAIL, "utf-8", False)
    assert urls(workspace) == {1: "https://shop.example/a?x=1&y=2", 2: "https://shop.example/b#part"}


def test_places_count_links_that_are_left_alone_too(folder: Path, workspace: Workspace) -> None:
    given(folder, "mail.html", HTML, "--recipients", "list.csv")
    assert urls(workspace) == {1: "https://shop.example/a", 3: "https://shop.example/b"}


def test_of_a_message_its_html_is_kept_and_not_its_amp(folder: Path, workspace: Workspace) -> None:
    given(folder, "mail.eml", MESSAGE, "--recipients", "list.csv")
    mail = kept(workspace)
    assert mail.content.decode().strip() == '<p>Grüße <a href="https://shop.example/a">A</a></p>'
    assert urls(workspace) == {1: "https://shop.example/a"}


def test_a_plain_text_is_kept_as_such(folder: Path, workspace: Workspace) -> None:
    given(folder, "mail.txt", b"Look: https://shop.example/a.\n", "--recipients", "list.csv", "--text")
    assert (kept(workspace).kind, urls(workspace)) == ("text", {1: "https://shop.example/a"})


def test_both_halves_of_a_button_are_the_same_link(folder: Path, workspace: Workspace) -> None:
    button = (
        b'<!--[if mso]><v:roundrect href="https://shop.example/a">Go</v:roundrect><![endif]-->'
        b'<a href="https://shop.example/a">Go</a>'
    )
    given(folder, "mail.html", button, "--recipients", "list.csv", "--join-buttons")
    assert set(kept(workspace).numbers) == {1, 2}
    assert len(set(kept(workspace).numbers.values())) == 1


@pytest.mark.parametrize("options", [(), ("--recipients", "list.csv", "--test")])
def test_a_draft_to_look_at_gives_way_to_the_mail_that_goes_out(
    folder: Path, workspace: Workspace, options: tuple[str, ...]
) -> None:
    given(folder, "draft.html", HTML.replace(b"Hi", b"Draft"), *options, "--out", "one")
    assert kept(workspace).preview
    given(folder, "mail.html", HTML, "--recipients", "list.csv", "--out", "two")
    given(folder, "draft.html", HTML.replace(b"Hi", b"Afterthought"), *options, "--out", "three")
    assert kept(workspace).content == HTML


def test_looking_at_an_earlier_mail_again_leaves_the_newest(folder: Path, workspace: Workspace) -> None:
    given(folder, "first.html", HTML, "--recipients", "list.csv", "--out", "one")
    newest = HTML.replace(b"Hi", b"Hello")
    given(folder, "second.html", newest, "--recipients", "list.csv", "--out", "two")
    given(folder, "first.html", HTML, "--recipients", "list.csv", "--test", "--out", "three")
    assert kept(workspace).content == newest


def test_what_is_written_for_one_person_is_not_kept(folder: Path, workspace: Workspace) -> None:
    ran = run(folder, "inject", "-", *OPTIONS, stdin=MESSAGE)
    assert ran.code == 0, ran.err
    assert report.kept_mails(workspace.store, "spring") == []


def test_a_mail_that_no_report_could_draw_is_not_kept(folder: Path, workspace: Workspace) -> None:
    noise = "".join(f"{number * 2_654_435_761 % 4_294_967_296:08x}" for number in range(500_000)).encode()
    given(folder, "mail.html", HTML + noise, "--recipients", "list.csv")
    assert report.kept_mails(workspace.store, "spring") == []


def test_each_version_of_a_mail_is_kept(folder: Path, workspace: Workspace) -> None:
    (folder / "list.csv").write_text("email\n" + "".join(f"p{n}@x.example\n" for n in range(4)))
    (folder / "b.html").write_bytes(HTML.replace(b"Hi", b"Hello"))
    (folder / "a.html").write_bytes(HTML)
    ran = run(folder, "inject", *OPTIONS, "--version", "A=a.html", "B=b.html", "--recipients", "list.csv")
    assert ran.code == 0, ran.err
    first, second = report.kept_mails(workspace.store, "spring")
    assert (first.content, first.version) == (HTML, 1)
    assert (second.content, second.version) == (HTML.replace(b"Hi", b"Hello"), 2)
    assert not {*first.numbers.values()} & {*second.numbers.values()}
