"""Messages that are sent: parsers read in them what the HTML files say, and any mail server takes them."""

from __future__ import annotations

import csv
import re
import shutil
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import fast_mail_parser
import pytest
from command import run
from conftest import BASE

EXAMPLE = Path(__file__).parents[1] / "examples" / "spring-sale"
SENDER = "Jürgen’s Garden <news@example.com>"
SUBJECT = "Frühling: 20 % off — «jetzt»"
ADA, BOB = "ada@example.com", "bob.with.a.rather.long.address@department.of.mathematics.example.com"
LIST = f"email,consent,name\n{ADA},yes,Ada\n{BOB},no,Böb\n"


@dataclass(frozen=True)
class Read:
    """What a parser reads in a message; line ends as LF, and none at the end."""

    sender: str
    subject: str
    to: str
    unsubscribe: str
    html: list[str]
    text: list[str]


def lines(text: str) -> str:
    """A text with its line ends as LF, none at its end, and none before a pixel that stands there."""
    text = text.replace("\r\n", "\n").rstrip("\n")
    return re.sub(rf'\n*(<img src="{BASE}/o/[^>]*>)\Z', r"\1", text)


def read_by_python(mail: bytes) -> Read:
    made = message_from_bytes(mail, policy=policy.default)
    assert isinstance(made, EmailMessage)
    assert not made.defects
    leaves = [part for part in made.walk() if not part.is_multipart()]
    assert not [part.defects for part in leaves if part.defects]
    said = {
        kind: [lines(part.get_content()) for part in leaves if part.get_content_type() == f"text/{kind}"]
        for kind in ("html", "plain")
    }
    headers = (str(made[name]) for name in ("From", "Subject", "To", "List-Unsubscribe"))
    return Read(*headers, said["html"], said["plain"])


def read_by_rust(mail: bytes) -> Read:
    """The same by mailparse, which shares nothing with Python's email package."""
    made = fast_mail_parser.parse_email(mail)
    headers = (made.headers[name][0] for name in ("From", "Subject", "To", "List-Unsubscribe"))
    return Read(*headers, [*map(lines, made.text_html)], [*map(lines, made.text_plain)])


def fit_to_send(mail: bytes) -> None:
    """7 bits, CRLF alone, no line over 998 octets (RFC 5321, 2.3.7, 4.5.3.1.6; RFC 5322, 2.1.1)."""
    assert mail.isascii()
    assert b"\0" not in mail
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", mail)
    assert max(map(len, mail.split(b"\r\n"))) <= 998
    assert mail.endswith(b"\r\n")


def inject(folder: Path, mail: str, format_: str, *more: str) -> dict[str, bytes]:
    """Run the command, and return each recipient's copy. All runs of a folder make the same tokens."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    (folder / "list.csv").write_text(LIST, "utf-8")
    ran = run(
        folder,
        *("inject", mail, "--recipients", "list.csv", "--format", format_, "--campaign", "c", "--quiet"),
        *("--base-url", BASE, "--db", "t.db", *more),
    )
    assert ran.code == 0, ran.err
    with (folder / "out" / "c" / "messages.csv").open(encoding="utf-8") as table:
        return {
            row["email"]: (folder / "out" / "c" / row["file"]).read_bytes() for row in csv.DictReader(table)
        }


def declared(mail: bytes) -> str:
    """The charset that a mail of the corpus says it is in, where a reader looks for that."""
    found = re.search(rb"""<meta[^>]+charset=["']?([\w-]+)""", mail[:4096], re.IGNORECASE)
    return found[1].decode() if found else "utf-8"


@pytest.fixture(scope="module")
def sample(corpus: list[Path]) -> list[Path]:
    """Every ninth mail of the corpus that is a text in the charset it names."""

    def is_text(path: Path) -> bool:
        data = path.read_bytes()
        try:
            return data.decode(declared(data)).encode(declared(data)) == data
        except (LookupError, UnicodeError):
            return False

    return [path for path in corpus[4::9] if is_text(path)]


def check(sent: bytes, html: bytes, charset: str, text: str | None, to: str) -> None:
    fit_to_send(sent)
    for read in (read_by_python, read_by_rust):
        found = read(sent)
        assert (found.sender, found.subject, found.to) == (SENDER, SUBJECT, to)
        assert found.unsubscribe.startswith(f"<{BASE}/u/")
        assert found.html == [lines(html.decode(charset))]
        assert found.text == ([] if text is None else [lines(text)])


SENT = ("--from", SENDER, "--subject", SUBJECT)


@pytest.mark.parametrize("personal", [(), ("--personalize",)], ids=["as it is", "personalised"])
def test_the_example_arrives_as_it_was_written(tmp_path: Path, personal: tuple[str, ...]) -> None:
    for name in ("campaign.html", "campaign.txt"):
        shutil.copy(EXAMPLE / name, tmp_path)
    html = (tmp_path / "campaign.html").read_bytes()
    if personal:
        (tmp_path / "campaign.html").write_bytes(html.replace(b"<body", b"<!-- {{ name }} -->\n<body", 1))
    files = inject(tmp_path, "campaign.html", "html", *personal)
    sent = inject(tmp_path, "campaign.html", "eml", *personal, *SENT)
    for address in (ADA, BOB):
        text = (EXAMPLE / "campaign.txt").read_text("utf-8")
        for page in ("unsubscribe", "preferences", "privacy"):  # filled in, as in the HTML
            there = re.search(
                rf'"({BASE}/{page[0] if page != "privacy" else page}\b[^"]*)"', files[address].decode()
            )
            text = text.replace(f"pixeltrack:{page}", there[1] if there else "")
        check(sent[address], files[address], "utf-8", text, address)
        assert ("Böb".encode() in files[BOB]) == bool(personal)


@pytest.mark.parametrize("personal", [(), ("--personalize",)], ids=["as it is", "personalised"])
def test_mail_of_the_corpus_arrives_as_it_was_written(
    tmp_path: Path, sample: list[Path], personal: tuple[str, ...]
) -> None:
    done = 0
    for path in sample:
        data = path.read_bytes()
        if personal and re.search(rb"\{\{|\{%|\{#", data):
            continue  # tags of another mail system
        folder = tmp_path / str(done)
        folder.mkdir()
        (folder / "mail.html").write_bytes(data + b"<p>{{ name | default('you') }}</p>\n" * bool(personal))
        files = inject(folder, "mail.html", "html", *personal)
        sent = inject(folder, "mail.html", "eml", *personal, *SENT)
        for address in (ADA, BOB):
            check(sent[address], files[address], declared(data), None, address)
        done += 1
    assert done > 20


@pytest.mark.parametrize("personal", [(), ("--personalize",)], ids=["as it is", "personalised"])
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64"])
def test_a_message_of_the_corpus_arrives_as_its_html_does(
    tmp_path: Path, sample: list[Path], encoding: str, personal: tuple[str, ...]
) -> None:
    text = "Hello.\n.\nFrom me: ü\n"
    done = 0
    for path in sample[1::3]:
        data = path.read_bytes()
        if personal and re.search(rb"\{\{|\{%|\{#", data):
            continue
        html = data.decode(declared(data)).replace("\r\n", "\n").replace("\r", "\n")
        given = EmailMessage(policy=policy.SMTP)
        given["From"], given["Subject"] = SENDER, SUBJECT
        given.set_content(text, cte=encoding)
        given.add_alternative(html, subtype="html", cte=encoding)
        given.add_attachment(b"\0\xff" * 999, maintype="image", subtype="png", filename="ü.png")
        folder = tmp_path / str(done)
        folder.mkdir()
        (folder / "mail.eml").write_bytes(given.as_bytes())
        (folder / "mail.html").write_bytes(html.encode())
        files = inject(folder, "mail.html", "html", *personal, "--encoding", "utf-8")
        sent = inject(folder, "mail.eml", "eml", *personal)
        for address in (ADA, BOB):
            check(sent[address], files[address], "utf-8", text, address)
            (attached,) = message_from_bytes(sent[address], policy=policy.SMTP).iter_attachments()  # type: ignore[attr-defined]
            assert attached.get_content() == b"\0\xff" * 999
        done += 1
    assert done > 6


@pytest.mark.parametrize("format_", ["mbox", "maildir"])
def test_mailboxes_hold_the_same_messages(tmp_path: Path, format_: str) -> None:
    for name in ("campaign.html", "campaign.txt"):
        shutil.copy(EXAMPLE / name, tmp_path)
    sent = inject(tmp_path, "campaign.html", "eml", *SENT)
    inject(tmp_path, "campaign.html", format_, *SENT)
    out = tmp_path / "out" / "c"
    if format_ == "mbox":  # mboxrd: a line that begins with From_ begins a message, but for the quoted
        _nothing, *held = re.split(rb"(?m)^From [^\n]*\n", (out / "messages.mbox").read_bytes())
        held = [re.sub(rb"(?m)^>(>*From )", rb"\1", message) for message in held]
    else:
        assert sorted(path.name for path in (out / "maildir").iterdir()) == ["cur", "new", "tmp"]
        held = [path.read_bytes() for path in sorted((out / "maildir" / "new").iterdir())]
    as_sent = [sent[address].replace(b"\r\n", b"\n").rstrip(b"\n") for address in (ADA, BOB)]
    assert [message.rstrip(b"\n") for message in held] == as_sent
