"""What goes wrong is said in words, with what to do next, and nothing is written."""

from __future__ import annotations

import shlex
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from command import run, run_process, snapshot

from pixeltrack import keyfile

MAIL = b'<p>Hi {{ first_name }} <a href="https://shop.example/">x</a></p>'
HTML_MESSAGE = (
    b"From: Shop <shop@example.com>\r\nTo: ada@example.com\r\nSubject: Sale\r\n"
    b"Content-Type: text/html\r\n\r\n<html><body><a href=3D'https://shop.example/'>x</a></body></html>\r\n"
)
ASK_HTML = "give the HTML of your mail"
NOT_HTML = f"{ASK_HTML}; its encoding can be named with --encoding"
BARE = "write it bare, for instance ada@example.com"
LIST = "inject mail.html --recipients list.csv"


def _other_key(folder: Path) -> None:
    (folder / "pixeltrack.key").unlink()
    keyfile.create(folder / "pixeltrack.key")


def _no_key(folder: Path) -> None:
    (folder / "pixeltrack.key").unlink()


def _open_key(folder: Path) -> None:
    (folder / "pixeltrack.key").chmod(0o640)


def _newer_database(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "pixeltrack.db")) as connection:
        connection.execute("pragma user_version = 99")


def _no_database(folder: Path) -> None:
    (folder / "pixeltrack.db").write_bytes(b"email,first_name\n" * 100)


@dataclass(frozen=True)
class Case:
    """A call that must fail. ``used`` folders have been worked in before: they have key and database."""

    name: str
    argv: str
    error: str
    hint: str | None = None
    code: int = 2
    files: Mapping[str, bytes] = field(default_factory=dict)
    used: bool = False
    prepare: Callable[[Path], None] | None = None


CASES = [
    # -- the mail
    Case("missing mail", "inject gone.html", "no such file: gone.html", "give the HTML file of your mail"),
    Case(
        "a folder without mail",
        "inject empty",
        "no mail in the folder empty",
        "files end in .html, .htm, .eml, .txt, .text, .mbox, .mbx",
        prepare=lambda folder: (folder / "empty").mkdir(),
    ),
    Case("empty mail", "inject mail.html", "mail.html is empty", ASK_HTML, files={"mail.html": b" \n"}),
    Case(
        "a picture",
        "inject mail.html",
        "mail.html does not look like HTML: it has no element of a mail in it",
        NOT_HTML,
        files={"mail.html": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1"},
    ),
    Case(
        "plain text",
        "inject mail.html",
        "mail.html does not look like HTML: it has no element of a mail in it",
        NOT_HTML,
        files={"mail.html": b"Hello,\nsee https://shop.example/ <ada@example.com>\n"},
    ),
    Case(
        "a whole message as HTML files",
        "inject mail.eml --format html --recipients list.csv",
        "mail.eml is a whole message, which --format html does not hold",
        "use one of eml, mbox, maildir, or give the mail's HTML",
        files={"mail.eml": HTML_MESSAGE, "list.csv": b"email\nada@example.com\n"},
    ),
    Case(
        "unknown encoding by option",
        "inject mail.html --encoding klingon",
        "mail.html: unknown encoding 'klingon'",
        "name the encoding yourself, for instance --encoding utf-8",
    ),
    Case(
        "unknown encoding declared",
        "inject mail.html",
        "mail.html: unknown encoding 'klingon'",
        "name the encoding yourself, for instance --encoding utf-8",
        files={"mail.html": b'<meta charset="klingon"><p>x</p>'},
    ),
    Case(
        "no encoding at all declared",
        "inject mail.html",
        "mail.html: unknown encoding 'a\\x00b'",
        "name the encoding yourself, for instance --encoding utf-8",
        files={"mail.html": b'<meta charset="a\0b"><p>x</p>'},
    ),
    Case(
        "bytes that are not of their encoding",
        "inject mail.html --encoding utf-16-le",
        "mail.html is not valid utf-16-le: decoding and encoding it again changes it",
        "save the file as UTF-8",
        files={"mail.html": b"<p>x</p>\n"},
    ),
    # -- the list
    Case(
        "missing list",
        LIST,
        "no such file: list.csv",
        "give the recipient list as CSV or JSON lines",
    ),
    Case(
        "empty list",
        LIST,
        "list.csv is empty",
        "a list is CSV with an email column, or JSON lines",
        files={"list.csv": b""},
    ),
    Case(
        "list with a header only",
        LIST,
        "list.csv has a header but no recipients",
        "add one line a person",
        files={"list.csv": b"email,first_name\n"},
    ),
    Case(
        "list without email",
        LIST,
        "list.csv has no email column; its first line says: name, mail",
        "the first line names the columns, for instance: email,first_name,company",
        files={"list.csv": b"name,mail\nAda,ada@example.com\n"},
    ),
    Case(
        "malformed address",
        LIST,
        "list.csv line 3: 'ada@example' is not an email address",
        BARE,
        files={"list.csv": b"email\nbob@example.com\nada@example\n"},
    ),
    Case(
        "address with a name",
        LIST,
        "list.csv line 2: 'Ada <ada@example.com>' is not an email address",
        BARE,
        files={"list.csv": b"email\nAda <ada@example.com>\n"},
    ),
    Case(
        "a person twice",
        LIST,
        "list.csv line 3: ADA@example.com is already on line 2",
        "--duplicates merge keeps one message for both, with the stricter consent",
        files={"list.csv": b"email\nada@example.com\nADA@example.com\n"},
    ),
    Case(
        "consent in other words",
        LIST,
        "list.csv line 2: consent 'perhaps' is not understood",
        "write granted, denied, or leave it blank",
        files={"list.csv": b"email,consent\nada@example.com,perhaps\n"},
    ),
    Case(
        "list that is not UTF-8",
        LIST,
        "list.csv line 2 is not UTF-8",
        "save the list as UTF-8",
        files={"list.csv": b"email,first_name\na\xe9@example.com,x\n"},
    ),
    Case(
        "unknown field in the mail",
        f"{LIST} --personalize",
        "list.csv line 2: the mail uses a field that the list does not have: 'first_name' is undefined",
        "add the column, or write {{ name | default('') }} in the mail",
        files={"list.csv": b"email\nada@example.com\n"},
        used=True,
    ),
    Case(
        "mail that is no template",
        f"{LIST} --personalize",
        "mail.html line 2: not valid Jinja2: unexpected '}'",
        "without --personalize the mail's own tags are left as they are",
        files={"list.csv": b"email\nada@example.com\n", "mail.html": b"<p>\n{{ } }}</p>"},
        used=True,
    ),
    # -- options
    Case(
        "personalize without a list",
        "inject mail.html --personalize",
        "--personalize needs --recipients",
        "the fields come from the list",
    ),
    Case(
        "merge tag that breaks the link",
        "inject mail.html --merge-tag 'a\"b'",
        "merge tag 'a\"b' cannot stand in a link",
        "give it as your mail system writes it, for instance --merge-tag '*|UNIQID|*'",
    ),
    Case(
        "list without its option",
        "inject mail.html list.csv",
        "list.csv is one file too many",
        "is it the list? --recipients list.csv",
    ),
    Case(
        "demo with a database of the user's",
        "demo --db pixeltrack.db",
        "demo works in a folder of its own, and takes no --db, --key or --config",
        "pixeltrack inject works with yours",
    ),
    Case(
        "merge tag outside ASCII",
        "inject mail.html --merge-tag '*|É|*'",
        "merge tag '*|É|*' cannot stand in a link",
        "give it as your mail system writes it, for instance --merge-tag '*|UNIQID|*'",
    ),
    Case(
        "empty merge tag",
        "inject mail.html --merge-tag ''",
        "merge tag '' cannot stand in a link",
        "give it as your mail system writes it, for instance --merge-tag '*|UNIQID|*'",
    ),
    Case(
        "merge tag and list",
        f"{LIST} --merge-tag X",
        "--merge-tag and --recipients exclude each other",
        "with a list every copy is written here; --format esp makes a template and a table",
    ),
    Case(
        "merge tag and personal pages",
        "inject mail.html --merge-tag X",
        "mail.html line 1: pixeltrack:unsubscribe needs a recipient list",
        "use your mail system's own unsubscribe tag there, or give --recipients",
        files={"mail.html": b'<p><a href="pixeltrack:unsubscribe">x</a></p>'},
        used=True,
    ),
    Case(
        "base URL with a path",
        "inject mail.html --base-url https://shop.example/track",
        "base URL 'https://shop.example/track' is not of the form https://host or https://host:port",
        "for instance --base-url https://track.example.com",
    ),
    Case(
        "base URL without a scheme",
        "inject mail.html --base-url track.example.com",
        "base URL 'track.example.com' is not of the form https://host or https://host:port",
        "for instance --base-url https://track.example.com",
    ),
    Case(
        "campaign without a name",
        "inject mail.html --campaign ' '",
        "campaign name '' is not usable",
        "give 1 to 100 printable characters with --campaign",
    ),
    Case("unknown option", "inject mail.html --recipent list.csv", "No such option"),
    Case("unknown command", "injekt mail.html", "No such command 'injekt'"),
    Case("no mail given", "inject", "Missing argument 'SOURCE'"),
    # -- where to write
    Case(
        "output folder not empty",
        "inject mail.html --out full",
        "the output folder full is not empty",
        "--force replaces what pixeltrack wrote there; --out names another folder",
        files={"full/mine.txt": b"mine"},
    ),
    Case(
        "output folder is a file",
        "inject mail.html --out mail.html",
        "mail.html is a file, not a folder",
        "name another with --out",
    ),
    Case(
        "output below a file",
        "inject mail.html --out mail.html/below",
        "cannot write to mail.html/below: Not a directory",
        "choose another folder with --out",
        code=1,
    ),
    Case(
        "output where nothing can be made",
        "inject mail.html --out /proc/none/out",
        "cannot write to /proc/none/out: No such file or directory",
        "choose another folder with --out",
        code=1,
        used=True,
    ),
    Case(
        "database where nothing can be made",
        "inject mail.html --db /proc/none/t.db",
        "cannot write the key file /proc/none/pixeltrack.key: No such file or directory",
        "choose a folder that you may write to, with --key or --db",
        code=1,
    ),
    Case(
        "database is a folder", "inject mail.html --db .", "database '.' is a folder", "name a file with --db"
    ),
    # -- key and database
    Case(
        "another key",
        "inject mail.html --out new",
        "the key is not the one that made the database pixeltrack.db",
        "give the right key file with --key, or another database with --db",
        code=1,
        used=True,
        prepare=_other_key,
    ),
    Case(
        "no key beside the database",
        "inject mail.html --out new",
        "no key file at pixeltrack.key",
        "name it with --key; a copy from a backup works, a new key would not",
        code=1,
        used=True,
        prepare=_no_key,
    ),
    Case(
        "key that others can read",
        "inject mail.html --out new",
        "the key file pixeltrack.key can be read by others (mode 0640)",
        "chmod 600 pixeltrack.key",
        code=1,
        used=True,
        prepare=_open_key,
    ),
    Case(
        "database of a newer version",
        "inject mail.html --out new",
        "database pixeltrack.db was made by a newer pixeltrack (schema 99, this one knows",
        "upgrade pixeltrack, or name another database with --db",
        code=1,
        used=True,
        prepare=_newer_database,
    ),
    Case(
        "database that is none",
        "inject mail.html --out new",
        "database pixeltrack.db: file is not a database",
        "the file is something else, or damaged; name another with --db",
        code=1,
        used=True,
        prepare=_no_database,
    ),
    # -- settings
    Case(
        "unknown key in the settings",
        "inject mail.html",
        "pixeltrack.toml: unknown key 'consent.polcy'",
        "known keys: base_url, consent.policy, consent.preset, country_db, dashboard.listen,",
        files={"pixeltrack.toml": b'[consent]\npolcy = "required"\n'},
    ),
    Case(
        "settings that are no TOML",
        "report",
        "pixeltrack.toml is not valid TOML: ",
        files={"pixeltrack.toml": b"db: x\n"},
    ),
    Case(
        "missing settings",
        "report --config gone.toml",
        "no configuration file gone.toml",
        "pixeltrack init writes one",
    ),
    # -- report and serve
    Case(
        "unknown campaign",
        "report --campaign sprng",
        "no such campaign: 'sprng'",
        "known campaigns: mail",
        code=1,
        used=True,
    ),
    Case(
        "report before anything",
        "report",
        "nothing here yet: no database at pixeltrack.db",
        "pixeltrack inject campaign.html makes one; or name one with --db",
    ),
    Case(
        "port in use",
        "serve --port {port}",
        "port {port} on 127.0.0.1 is in use",
        "another collector may be running; --port 0 takes a free port",
        code=1,
        used=True,
    ),
    Case("port out of range", "serve --port 65536", "Invalid value for '--port': 65536 is not in the range"),
    Case(
        "templates that are not there",
        "serve --port 0 --templates gone",
        "no such templates folder: 'gone'",
    ),
]


@pytest.fixture
def port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_what_goes_wrong_is_said_and_nothing_is_written(case: Case, tmp_path: Path, port: int):
    (tmp_path / "mail.html").write_bytes(MAIL)
    if case.used:
        assert run(tmp_path, "inject", "mail.html").code == 0
    for name, content in case.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    if case.prepare:
        case.prepare(tmp_path)
    before = snapshot(tmp_path)
    # a program of its own closes the database at its end, and can be ended when serve wrongly starts
    call = run_process if case.used or case.argv.startswith("serve") else run
    ran = call(tmp_path, *shlex.split(case.argv.format(port=port) if "{port}" in case.argv else case.argv))
    said = [line for line in ran.err.splitlines() if line.startswith(("Error: ", "Hint: "))]
    assert ran.code == case.code, ran.err
    assert said[0].startswith(f"Error: {case.error.replace('{port}', str(port))}")
    if case.hint:
        assert said[1].startswith(f"Hint: {case.hint}")
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert snapshot(tmp_path) == before


def test_an_error_is_an_exit_code_and_two_lines_of_the_installed_program(tmp_path: Path):
    ran = run_process(tmp_path, "inject", "gone.html")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "Error: no such file: gone.html\nHint: give the HTML file of your mail\n"


@pytest.mark.parametrize(
    "argv",
    [
        ("inject", "mail.html", "--recipients", "list.csv", "--personalize"),
        ("inject", "mail.html", "--merge-tag", "TAG"),
        ("serve", "--host", "no such host"),
        ("report",),
    ],
    ids=lambda argv: " ".join(argv),
)
def test_a_first_command_that_fails_makes_nothing(tmp_path: Path, argv: tuple[str, ...]):
    (tmp_path / "mail.html").write_text('<p>{{ nick }} <a href="pixeltrack:unsubscribe">Leave</a></p>')
    (tmp_path / "list.csv").write_text("email\nann@x.example\n")
    before = snapshot(tmp_path)
    ran = run(tmp_path, *argv)
    assert ran.code in (1, 2)
    assert "Traceback" not in ran.err
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("argv", [("",), ("mail.html", "--out", "")])
def test_an_empty_path_is_not_taken_for_the_current_folder(tmp_path: Path, argv: tuple[str, ...]) -> None:
    (tmp_path / "mail.html").write_text("<p>x</p>")
    ran = run(tmp_path, "inject", *argv)
    assert ran.code == 2 and "it is empty" in ran.err
    assert [path.name for path in tmp_path.iterdir()] == ["mail.html"]


@pytest.mark.parametrize("command", ["inject", "lint"])
def test_a_mail_without_an_end_is_refused(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixeltrack.cli.inputs._MOST", 1_000)
    ran = run(tmp_path, command, "/dev/zero")
    assert ran.code == 2 and "/dev/zero has more than 1,000 bytes" in ran.err and "Hint:" in ran.err


def test_a_list_that_is_a_folder_has_a_hint(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<p>x</p>")
    ran = run(tmp_path, "inject", "mail.html", "--recipients", str(tmp_path))
    assert ran.code == 2 and "is a folder" in ran.err and "Hint: give one list" in ran.err


def test_an_eml_that_is_no_message_is_not_taken_for_html(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_text("\nTo: ada@example.com\nSubject: x\n\n<p>x</p>")
    ran = run(tmp_path, "inject", "mail.eml")
    assert ran.code == 2 and "mail.eml is no message" in ran.err and "Hint:" in ran.err


def test_messages_with_nothing_to_inject_are_told(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_text("To: ada@example.com\nSubject: x\n\nHi\n")
    ran = run(tmp_path, "inject", "mail.eml")
    assert ran.code == 0 and "1 of the messages have nothing to inject" in ran.err


@pytest.mark.parametrize("argv", [("-",), ("out/mail/html/preview.html", "--undo")])
def test_closed_standard_output_is_said_and_stores_nothing(tmp_path: Path, argv: tuple[str, ...]) -> None:
    (tmp_path / "mail.html").write_text('<p><a href="https://a.example/">x</a></p>')
    assert run(tmp_path, "inject", "mail.html", "--db", "other.db").code == 0
    mail = b"To: a@b.example\nSubject: x\nContent-Type: text/html\n\n<p>x</p>\n"
    arguments = [sys.executable, "-m", "pixeltrack", "inject", *argv]
    done = subprocess.run(
        ["/bin/sh", "-c", '"$@" >&-', "sh", *arguments],
        cwd=tmp_path,
        input=mail,
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 2 and b"Error: there is no standard output\nHint:" in done.stderr
    assert not (tmp_path / "pixeltrack.db").exists()
