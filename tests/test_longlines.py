"""A message line that our own address would make too long: its part becomes quoted-printable."""

from __future__ import annotations

import email
import json
import re
import time
from pathlib import Path

import pytest
from command import run
from conftest import BASE

from pixeltrack.edits import Edit, Region, cut_regions
from pixeltrack.longlines import exact_quoted_printable
from pixeltrack.mime import Body, leaves
from pixeltrack.source import Source

LIST = b"email,consent,name\nada@example.com,granted,Ada\nbob@example.com,denied,Bob\n"
LINK = "https://a.example/"
OURS = re.compile(rb"https?://(?:127|track)[^\"' \r\n>]*|<img src=[^>]*>")


def html(length: int) -> str:
    """A line of HTML with a link, of so many characters."""
    line = f'<p>=E4 --b <a href="{LINK}">A</a></p>'
    return line.replace("<p>", f"<p>{'--b ' * 240}"[: length - len(line) + 3])


def message(body: bytes, encoding: str = "8bit", *, eol: bytes = b"\r\n", kind: str = "html") -> bytes:
    declared = f"Content-Transfer-Encoding: {encoding}\n" if encoding else ""
    head = (
        "From: Shop <shop@example.com>\nTo: ada@example.com\nSubject: Sale\nMIME-Version: 1.0\n"
        'Content-Type: multipart/alternative; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGk=\n"
        f"--b\nContent-Type: text/{kind}; charset=utf-8\n{declared}\n"
    )
    return head.encode().replace(b"\n", eol) + body + eol + b"--b--" + eol


def inject(folder: Path, mail: bytes, *options: str) -> tuple[Path, Path]:
    """The copies of a mail for Ada, who is tracked, and for Bob, who is not."""
    (folder / "mail.eml").write_bytes(mail)
    (folder / "list.csv").write_bytes(LIST)
    ran = run(folder, "inject", "mail.eml", "--recipients", "list.csv", "--base-url", BASE, *options)
    assert ran.code == 0, ran.err
    one, other = sorted((folder / "out" / "mail").glob("eml/*.eml"))
    return one, other


def last_part(mail: bytes) -> tuple[str, bytes]:
    """The transfer encoding and the decoded bytes of a message's last part."""
    part = leaves(mail)[-1]
    return part.encoding, Body(mail, part).data


def longest(mail: bytes) -> int:
    return max(len(line.rstrip(b"\r")) for line in mail.split(b"\n"))


@pytest.mark.parametrize("eol", [b"\r\n", b"\n"], ids=["crlf", "lf"])
@pytest.mark.parametrize("encoding", ["7bit", "8bit", ""])
@pytest.mark.parametrize(
    "ends", [b"", b"\r", b"\n", b" \t", b"\r\nFrom me\r\n-- \r\n.\r\n", b"\n\n"], ids=str
)
def test_the_part_is_quoted_printable_and_says_the_same(
    tmp_path: Path, encoding: str, eol: bytes, ends: bytes
) -> None:
    body = html(990).encode() + ends
    given = message(body, encoding, eol=eol)
    tracked, untracked = inject(tmp_path, given)
    assert longest(given) <= 998 and longest(tracked.read_bytes()) <= 76 + len("Content-Type: multipart/")
    assert last_part(tracked.read_bytes())[0] == "quoted-printable"
    written = last_part(tracked.read_bytes())[1]
    assert OURS.sub(b"", written) == last_part(given)[1].replace(LINK.encode(), b"")
    assert last_part(untracked.read_bytes()) == (encoding or "7bit", last_part(given)[1])
    for copy in (tracked, untracked):
        assert run(tmp_path, "inject", str(copy), "--undo").raw == given
    again = run(tmp_path, "inject", "-", "--base-url", BASE, stdin=tracked.read_bytes())
    assert again.raw == tracked.read_bytes(), "a second run changes nothing"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(html(700), "8bit"), (html(990), "binary"), (b"x" * 999 + b"\r\n" + html(990).encode(), "8bit")],
    ids=["short enough", "binary", "too long before"],
)
def test_otherwise_the_encoding_stays(tmp_path: Path, body: str | bytes, encoding: str) -> None:
    body = body.encode() if isinstance(body, str) else body
    tracked, _untracked = inject(tmp_path, message(body, encoding))
    assert last_part(tracked.read_bytes())[0] == encoding
    assert run(tmp_path, "inject", str(tracked), "--undo").raw == message(body, encoding)


@pytest.mark.parametrize(
    "options", [("--bind-links",), ("--honeypot", "--readable"), ("--format", "maildir")]
)
def test_it_goes_with_every_option(tmp_path: Path, options: tuple[str, ...]) -> None:
    mail = message(html(980).encode())
    (tmp_path / "mail.eml").write_bytes(mail)
    (tmp_path / "list.csv").write_bytes(LIST)
    assert run(tmp_path, "inject", "mail.eml", "--recipients", "list.csv", *options).code == 0
    copies = [path for path in (tmp_path / "out").rglob("0000*") if path.is_file()]
    assert len(copies) == 2 and all(longest(copy.read_bytes()) <= 998 for copy in copies)
    assert {run(tmp_path, "inject", str(copy), "--undo").raw for copy in copies} == {mail}


def test_a_personalised_part_is_written_so_for_each_copy(tmp_path: Path) -> None:
    mail = message(html(980).replace("=E4", "{{ name }}").encode()).replace(b"Sale", b"Dear {{ name }}")
    tracked, _untracked = inject(tmp_path, mail, "--personalize")
    encoding, content = last_part(tracked.read_bytes())
    assert encoding == "quoted-printable" and b"Ada --b" in content
    assert longest(tracked.read_bytes()) <= 998
    assert email.message_from_bytes(tracked.read_bytes())["Subject"] == "Dear Ada"


def test_a_page_of_ours_that_is_filled_in_counts_too(tmp_path: Path) -> None:
    body = html(990).replace(LINK, "pixeltrack:preferences").encode()
    mail = message(body[:990])
    copies = inject(tmp_path, mail)
    assert all(longest(copy.read_bytes()) <= 998 for copy in copies)
    assert {run(tmp_path, "inject", str(copy), "--undo").raw for copy in copies} == {mail}


def test_a_text_of_one_part_gets_the_headers_that_say_so(tmp_path: Path) -> None:
    text = b"To: ada@example.com\nFrom: shop@example.com\n\n" + b"x" * 960 + b" https://a.example/ y\n"
    ran = run(tmp_path, "inject", "-", "--text", "--base-url", BASE, stdin=text)
    read = email.message_from_bytes(ran.raw)
    assert read["MIME-Version"] == "1.0" and read["Content-Transfer-Encoding"] == "quoted-printable"
    content = read.get_payload(decode=True)
    assert isinstance(content, bytes)
    assert OURS.sub(b"", content) == b"x" * 960 + b"  y\n"


def test_messages_that_were_addressed_already_are_undone_too(tmp_path: Path) -> None:
    (tmp_path / "mails").mkdir()
    given = [message(html(length).encode()) for length in (300, 990)]
    for name, mail in zip("ab", given, strict=True):
        (tmp_path / "mails" / f"{name}.eml").write_bytes(mail)
    assert run(tmp_path, "inject", "mails").code == 0
    copies = sorted((tmp_path / "out" / "mails" / "eml").iterdir())
    assert [run(tmp_path, "inject", str(copy), "--undo").raw for copy in copies] == given
    assert json.loads((tmp_path / "out/mails/undo.jsonl").read_text().splitlines()[1])["recoded"][
        "tracked"
    ] == [1]


def test_no_line_of_it_can_be_taken_for_a_delimiter_or_a_beginning() -> None:
    content = b"x" * 75 + b"--b" + b"y" * 72 + b"From me\n--b--\nFrom x\n"
    written = exact_quoted_printable(content, b"\n")
    assert not re.search(rb"(?m)^(?:--|From )", written)
    assert (
        email.message_from_bytes(b"Content-Transfer-Encoding: quoted-printable\n\n" + written).get_payload(
            decode=True
        )
        == content
    )


def test_many_links_take_no_more_than_time_in_proportion() -> None:
    """Each edit was compared with every other: 20,000 links took minutes."""
    links = "".join(f'<a href="https://a.example/{number}">x</a>\n' for number in range(4_000))
    region = Region(0, len(links), bytes, "utf-8", html=True, written=b"", anew=False)
    source = Source("mail", links.encode(), links, "latin-1", "latin-1")
    edits = [Edit(at.start(), at.start(), "y") for at in re.finditer("https", links)]
    began = time.process_time()
    cut_regions(source, [region], edits)
    assert time.process_time() - began < 0.5
