"""Messages that are written already, and all the kinds of source that a mail can come from."""

from __future__ import annotations

import csv
import email
import email.policy
import json
import mailbox
from email.message import EmailMessage
from pathlib import Path

import pytest
from command import run
from conftest import BASE, Client

from pixeltrack.config import Settings

OPTIONS = ("--base-url", BASE, "--db", "t.db")


def message(to: str, *, link: str = "https://shop.example/a", subject: str = "Sale") -> bytes:
    return (
        f"From: Shop <shop@example.com>\nTo: {to}\nSubject: {subject}\nContent-Type: text/html\n\n"
        f'<p>Hi</p>\nFrom the shop: <a href="{link}">x</a>\n'
    ).encode()


def parsed(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=email.policy.default)  # type: ignore[return-value]


def _rows(out: Path) -> list[dict[str, str]]:
    with (out / "messages.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _report(folder: Path, campaign: str) -> dict[str, object]:
    report: dict[str, object] = json.loads(
        run(folder, "report", "--campaign", campaign, "--json", *OPTIONS[2:]).out
    )
    return report


# -- a filter ---------------------------------------------------------------------------------------


def test_a_message_goes_through_a_pipe_and_its_hits_are_its_recipients(
    tmp_path: Path, client: Client, settings: Settings
) -> None:
    given = message("Ada <ada@example.com>")
    ran = run(tmp_path, "inject", "-", "--campaign", "hello", *OPTIONS, stdin=given)
    assert ran.code == 0, ran.err
    assert "hello: 1 links, tracked: not refused" in ran.err
    html = parsed(ran.raw).get_content()
    assert ran.raw.startswith(given[: given.index(b"<p>")]), "its headers are as they were"
    link = html.split('href="')[1].split('"')[0]
    assert client.get(link).headers["Location"] == "https://shop.example/a"
    assert client.get(html.split('src="')[1].split('"')[0]).status == "200 OK"
    report = _report(tmp_path, "hello")
    assert (report["messages"], report["opens"], report["clicks"]) == (
        1,
        {"unique": 1, "total": 1},
        {"unique": 1, "total": 1},
    )
    assert not (tmp_path / "out").exists()


def test_a_message_to_several_people_passes_untracked_and_byte_identical(tmp_path: Path) -> None:
    given = message("ada@example.com, bob@example.com")
    ran = run(tmp_path, "inject", "-", *OPTIONS, stdin=given)
    assert (ran.code, ran.raw) == (0, given)
    assert "untracked: it goes to several people" in ran.err


def test_a_message_for_who_unsubscribed_passes_untracked_with_a_warning(
    tmp_path: Path, client: Client
) -> None:
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    (tmp_path / "first.eml").write_bytes(message("x@example.com"))
    run(tmp_path, "inject", "first.eml", "--recipients", "list.csv", *OPTIONS)
    client.post(_rows(tmp_path / "out" / "first")[0]["list_unsubscribe"].strip("<>"))
    given = message("ada@example.com")
    ran = run(tmp_path, "inject", "-", *OPTIONS, stdin=given)
    assert ran.raw == given
    assert "Warning: ada@example.com has unsubscribed: do not send it" in ran.err


def test_html_through_a_pipe_is_a_preview_and_with_a_tag_a_template(tmp_path: Path) -> None:
    html = b'<p><a href="https://shop.example/a">x</a></p>'
    preview = run(tmp_path, "inject", "-", *OPTIONS, stdin=html)
    assert preview.code == 0
    assert "a preview, never counted" in preview.err
    template = run(
        *(tmp_path, "inject", "-", "--campaign", "t", "--merge-tag", "*|UNIQID|*"), *OPTIONS, stdin=html
    )
    assert template.raw.count(b".*|UNIQID|*") == 2
    assert run(tmp_path, "inject", "-", *OPTIONS, stdin=preview.raw).raw == preview.raw, "a second run"


def test_text_through_a_pipe_needs_to_be_called_text(tmp_path: Path) -> None:
    text = b"Look: https://shop.example/a.\n"
    assert "does not look like HTML" in run(tmp_path, "inject", "-", *OPTIONS, stdin=text).err
    wrapped = run(tmp_path, "inject", "-", "--text", *OPTIONS, stdin=text).raw
    assert wrapped.startswith(f"Look: {BASE}/c/".encode())
    assert wrapped.endswith(b".\n")


@pytest.mark.parametrize("to", ["", "undisclosed-recipients:;"])
def test_a_message_to_nobody_is_refused(tmp_path: Path, to: str) -> None:
    ran = run(tmp_path, "inject", "-", *OPTIONS, stdin=message(to))
    assert (ran.code, ran.raw) == (2, b"")
    assert "standard input has no To address" in ran.err
    assert not (tmp_path / "t.db").exists()


# -- boxes and folders ------------------------------------------------------------------------------


def _box(path: Path, *given: bytes) -> None:
    box = mailbox.mbox(path)
    for each in given:
        box.add(each)
    box.close()


def test_each_message_of_an_mbox_is_for_whom_it_is_addressed_to(tmp_path: Path, client: Client) -> None:
    given = [
        message("ada@example.com"),
        message("bob@example.com", link="https://shop.example/bob"),
        message("cy@example.com"),
    ]
    _box(tmp_path / "spring.mbox", *given)
    ran = run(tmp_path, "inject", "spring.mbox", *OPTIONS)
    assert ran.code == 0, ran.err
    assert "spring: 3 messages in out/spring/messages.mbox" in ran.out
    out = tmp_path / "out" / "spring"
    copies = [parsed(each.as_bytes()) for each in mailbox.mbox(out / "messages.mbox")]
    assert [copy["To"] for copy in copies] == ["ada@example.com", "bob@example.com", "cy@example.com"]
    targets = [copy.get_content().split('href="')[1].split('"')[0] for copy in copies]
    assert [client.get(target).headers["Location"] for target in targets] == [
        "https://shop.example/a",
        "https://shop.example/bob",
        "https://shop.example/a",
    ]
    numbers = [target.split("/")[5] for target in targets]
    assert numbers[0] == numbers[2] != numbers[1], "the same link of the same campaign has one number"
    assert [row["email"] for row in _rows(out)] == ["ada@example.com", "bob@example.com", "cy@example.com"]
    report = _report(tmp_path, "spring")
    assert (report["messages"], report["clicks"]) == (3, {"unique": 3, "total": 3})


def test_an_mbox_as_single_files_has_its_lines_unquoted(tmp_path: Path) -> None:
    given = message("ada@example.com").replace(b"<p>Hi</p>\n", b"<p>Hi</p>\n>From quoted\n")
    _box(tmp_path / "a.mbox", message("ada@example.com"))
    assert b"\n>From the shop" in (tmp_path / "a.mbox").read_bytes()
    run(tmp_path, "inject", "a.mbox", "--format", "eml", *OPTIONS)
    (copy,) = (tmp_path / "out" / "a" / "eml").iterdir()
    assert b"\nFrom the shop" in copy.read_bytes()
    assert run(tmp_path, "inject", str(copy), "--undo").raw == message("ada@example.com")
    assert b"\n>From quoted" in given


def test_a_folder_of_messages_is_one_campaign_and_of_html_previews(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    (folder / "1.eml").write_bytes(message("ada@example.com"))
    (folder / "2.eml").write_bytes(message("bob@example.com").replace(b"\n", b"\r\n"))
    (folder / "page.html").write_bytes(b'<p><a href="https://shop.example/">x</a></p>')
    (folder / "notes.pdf").write_bytes(b"%PDF")
    ran = run(tmp_path, "inject", "mails", *OPTIONS)
    assert ran.code == 0, ran.err
    assert "mails: 2 messages in out/mails/eml" in ran.out
    assert "page: 1 message in out/page/html" in ran.out
    assert [row["file"][:11] for row in _rows(tmp_path / "out" / "mails")] == ["eml/000001-", "eml/000002-"]


def test_a_maildir_is_a_folder_of_messages(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(message("ada@example.com"))
    ran = run(tmp_path, "inject", "box", "--format", "maildir", *OPTIONS)
    assert ran.code == 0, ran.err
    (copy,) = mailbox.Maildir(tmp_path / "out" / "box" / "maildir", create=False)
    assert f"{BASE}/c/" in copy.as_string()


def test_a_folder_with_a_list_makes_a_campaign_of_each_mail(tmp_path: Path) -> None:
    folder = tmp_path / "drip"
    folder.mkdir()
    (folder / "one.html").write_bytes(b'<p><a href="https://shop.example/1">x</a></p>')
    (folder / "two.txt").write_bytes(b"Read https://shop.example/2\n")
    (tmp_path / "list.csv").write_text("email\nada@example.com\nbob@example.com\n")
    ran = run(tmp_path, "inject", "drip", "--recipients", "list.csv", "--out", "sent", *OPTIONS)
    assert ran.code == 0, ran.err
    assert len(list((tmp_path / "sent" / "one" / "html").iterdir())) == 2
    assert len(list((tmp_path / "sent" / "two" / "text").iterdir())) == 2
    assert "one: 2 messages" in ran.out
    assert "two: 2 messages" in ran.out


def test_one_bad_mail_of_a_folder_stops_all_before_anything_is_written(tmp_path: Path) -> None:
    folder = tmp_path / "drip"
    folder.mkdir()
    (folder / "one.html").write_bytes(b'<p><a href="https://shop.example/1">x</a></p>')
    (folder / "two.html").write_bytes(b"no HTML")
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    ran = run(tmp_path, "inject", "drip", "--recipients", "list.csv", *OPTIONS)
    assert ran.code == 2
    assert "two.html does not look like HTML" in ran.err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "t.db").exists()


def test_one_bad_message_of_a_box_leaves_nothing(tmp_path: Path) -> None:
    _box(tmp_path / "a.mbox", message("ada@example.com"), message("nobody"))
    ran = run(tmp_path, "inject", "a.mbox", *OPTIONS)
    assert ran.code == 2
    assert "a.mbox message 2: To: 'nobody' is not an email address" in ran.err
    assert not (tmp_path / "out").exists()
    assert not (tmp_path / "t.db").exists()


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("a.mbox --recipients list.csv", "holds messages that are addressed already"),
        ("a.mbox --format jsonl", "--format jsonl needs --recipients"),
        ("a.mbox --format html", "holds whole messages, which --format html does not hold"),
        ("no.mbox", "no such file: no.mbox"),
        ("bad.mbox", "bad.mbox is no mbox"),
        ("drip --recipients list.csv --campaign x", "each mail of a folder is a campaign of its own"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, argv: str, said: str) -> None:
    _box(tmp_path / "a.mbox", message("ada@example.com"))
    (tmp_path / "bad.mbox").write_bytes(b"Subject: x\n\nFrom here\n")
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    (tmp_path / "drip").mkdir()
    for name in ("one", "two"):
        (tmp_path / "drip" / f"{name}.html").write_bytes(b"<p>x</p>")
    ran = run(tmp_path, "inject", *argv.split(), *OPTIONS)
    assert ran.code == 2
    assert said in ran.err
    assert not (tmp_path / "out").exists()


# -- plain text and headers -------------------------------------------------------------------------


def test_a_plain_text_is_a_mail_too(tmp_path: Path, client: Client) -> None:
    text = "Grüße!\r\nSee (https://shop.example/a_(b)), now.\r\nStop: pixeltrack:unsubscribe.\r\n"
    (tmp_path / "mail.txt").write_bytes(text.encode())
    (tmp_path / "list.csv").write_text("email,consent\nada@example.com,\nbob@example.com,no\n")
    ran = run(tmp_path, "inject", "mail.txt", "--recipients", "list.csv", *OPTIONS)
    assert ran.code == 0, ran.err
    ada, bob = (
        (tmp_path / "out" / "mail" / row["file"]).read_bytes().decode()
        for row in _rows(tmp_path / "out" / "mail")
    )
    link = ada.split("(")[1].split(")")[0]
    assert client.get(link).headers["Location"] == "https://shop.example/a_(b)"
    assert ada.startswith("Grüße!\r\nSee (")
    assert bob.split("Stop: ")[0] == text.split("Stop: ")[0]
    assert "a plain text has none" in ran.out
    as_lines = run(tmp_path, "inject", "mail.txt", "--recipients", "list.csv", "--format", "jsonl",
                   "--out", "lines", *OPTIONS)  # fmt: skip
    assert as_lines.code == 0, as_lines.err
    first = json.loads((tmp_path / "lines" / "messages.jsonl").read_text().splitlines()[0])
    assert first["text"] == ada


def test_a_messages_headers_come_from_a_file_and_greet_their_reader(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text(
        '<title>Old</title><p>Hi {{ name }} <a href="https://a.example/">x</a></p>'
    )
    (tmp_path / "mail.txt").write_text("Hi {{ name }}, & https://a.example/ pixeltrack:unsubscribe\n")
    (tmp_path / "head.txt").write_text(
        "From: Bücher & Söhne <shop@example.com>\nSubject: {{ name }},\n  see this\nReply-To: help@example.com\n"
        "List-Id: <news.example.com>\n"
    )
    (tmp_path / "list.jsonl").write_text(
        json.dumps({"email": "ada@example.com", "name": "Ada & Zoë\r\nBcc: all@example.com"})
    )
    ran = run(
        *(tmp_path, "inject", "mail.html", "--recipients", "list.jsonl", "--format", "eml"),
        *("--headers", "head.txt", "--personalize", "--text"),
        *OPTIONS,
    )
    assert ran.code == 0, ran.err
    (copy,) = (tmp_path / "out" / "mail" / "eml").iterdir()
    made = parsed(copy.read_bytes())
    assert made["Subject"] == "Ada & Zoë Bcc: all@example.com, see this"
    assert made["Bcc"] is None, "a field cannot begin a header of its own"
    assert made["From"] == "Bücher & Söhne <shop@example.com>"
    assert (made["To"], made["Reply-To"]) == ("ada@example.com", "help@example.com")
    text = made.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert text.startswith("Hi Ada & Zoë"), "no HTML escaping in a text"
    assert f"{BASE}/c/" in text
    assert f"{BASE}/u/" in text
    assert "Ada &amp; Zoë" in made.get_body(("html",)).get_content()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ("From: nobody\nSubject: x\n", "From 'nobody' has no address that mail can carry"),
        ("Subject: x\nFrom: Shop, Inc <a@b.example>\n", "From 'Shop, Inc <a@b.example>' has no address that"),
        ("From: a@b.example\nTo: x@y.example\n", "head.txt line 2: To is written by pixeltrack"),
        ("nonsense\n", "head.txt line 1: 'nonsense' is no header"),
        ("From: a@b.example\nFrom: c@d.example\n", "head.txt line 2: From is there twice"),
        ("Subject: x\n", "a message needs a sender"),
        ("From: a@b.example\n", "a message needs a subject"),
    ],
)
def test_headers_that_cannot_be_are_refused(tmp_path: Path, headers: str, said: str) -> None:
    (tmp_path / "mail.html").write_text("<p>x</p>")
    (tmp_path / "head.txt").write_text(headers)
    ran = run(tmp_path, "inject", "mail.html", "--format", "eml", "--headers", "head.txt", *OPTIONS)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("mail.html --subject x", "--subject is for messages that are made of HTML or text"),
        ("mail.html --headers head.txt", "--headers is for messages that are made of HTML or text"),
        ("mail.eml --subject x --recipients list.csv", "--subject is for messages"),
        ("mail.html --diff --json", "--diff and --json exclude each other"),
    ],
)
def test_options_that_would_do_nothing_are_refused(tmp_path: Path, argv: str, said: str) -> None:
    (tmp_path / "mail.html").write_text("<p>x</p>")
    (tmp_path / "mail.eml").write_bytes(message("ada@example.com"))
    (tmp_path / "list.csv").write_text("email\nada@example.com\n")
    (tmp_path / "head.txt").write_text("Subject: x\n")
    ran = run(tmp_path, "inject", *argv.split(), *OPTIONS)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_signed_messages_are_refused_unless_they_are_signed_again(tmp_path: Path) -> None:
    signed = b"DKIM-Signature: v=1; a=rsa-sha256\n" + message("ada@example.com")
    refused = run(tmp_path, "inject", "-", *OPTIONS, stdin=signed)
    assert refused.code == 2
    assert "is signed or sealed (DKIM)" in refused.err
    assert run(tmp_path, "inject", "-", "--resign-later", *OPTIONS, stdin=signed).code == 0


# -- what is shown ----------------------------------------------------------------------------------


def test_a_diff_shows_every_change_and_makes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text('<p>Hi\n  <a href="https://a.example/?x=1&amp;y=2">x</a></p>')
    ran = run(tmp_path, "inject", "mail.html", "--diff", "--base-url", BASE)
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[:4] == [
        "--- mail.html",
        "+++ mail.html, injected",
        "@@ line 2, column 12 @@",
        "- https://a.example/?x=1&amp;y=2",
    ]
    assert lines[4].startswith(f"+ {BASE}/c/")
    assert lines[4].endswith("/1/<token>")
    assert lines[-1] == "2 changes; every other byte stays"
    assert [path.name for path in tmp_path.iterdir()] == ["mail.html"]
