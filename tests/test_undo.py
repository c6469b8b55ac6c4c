"""Taking an injection back: any copy, with the manifest beside it, gives the mail byte for byte."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command import run
from conftest import BASE, MAIL

LIST = b"email,consent,name\nada@example.com,granted,Ada\nbob@example.com,denied,Bob\n"
TEXT = b"Hi,\r\nlook: https://shop.example/a?x=1. Stop: pixeltrack:unsubscribe\r\n"
EML = (
    b"From: Shop <shop@example.com>\r\nTo: ada@example.com\r\nSubject: Sale\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nSee https://shop.example/a\r\n"
    b"--b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: ENCODING\r\n\r\n"
    b"BODY\r\n--b--\r\n"
)
BODIES = {
    "8bit": '<p>Grüße <a href="https://shop.example/a">x</a></p>'.encode(),
    "quoted-printable": b'<p>Gr=C3=BC=C3=9Fe <a href=3D"https://shop.example/=\r\na">x</a></p>',
    "base64": b"PHA+R3LDvMOfZSA8YSBocmVmPSJodHRwczovL3Nob3Au\r\nZXhhbXBsZS9hIj54PC9hPjwvcD4=",
}
MAILS = {
    "mail.html": MAIL,
    "utf16.html": '<p>ü <a href="https://shop.example/ü">x</a></p>'.encode("utf-16"),
    "latin.html": b'<meta charset="iso-8859-1"><p>\xe9\xff <a href="https://shop.example/\xe9">x</a></p>',
    "mail.txt": TEXT,
    **{
        f"{encoding}.eml": EML.replace(b"ENCODING", encoding.encode()).replace(b"BODY", body)
        for encoding, body in BODIES.items()
    },
    "unix.eml": EML.replace(b"ENCODING", b"8bit").replace(b"BODY", BODIES["8bit"]).replace(b"\r\n", b"\n"),
}


def _files(out: Path) -> list[Path]:
    """The copies of a run: everything below the folder that has its manifest."""
    files = [path for path in out.rglob("*") if path.is_file()]
    return sorted(path for path in files if not (path.parent / "manifest.json").exists())


@pytest.mark.parametrize("options", [(), ("--bind-links",), ("--readable", "--honeypot")], ids=str)
@pytest.mark.parametrize("name", MAILS)
def test_every_copy_gives_its_mail_back(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    (tmp_path / name).write_bytes(MAILS[name])
    (tmp_path / "list.csv").write_bytes(LIST)
    ran = run(*(tmp_path, "inject", name, "--recipients", "list.csv", "--base-url", BASE, "--text"), *options)
    assert ran.code == 0, ran.err
    copies = _files(tmp_path / "out")
    assert len(copies) == 2, "a tracked and an untracked one"
    assert copies[0].read_bytes() != MAILS[name]
    for copy in copies:
        back = run(tmp_path, "inject", str(copy), "--undo")
        assert (back.code, back.raw) == (0, MAILS[name]), back.err


def test_a_maildirs_copies_get_their_line_ends_back(tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(MAILS["8bit.eml"])
    (tmp_path / "list.csv").write_bytes(LIST)
    run(tmp_path, "inject", "mail.eml", "--recipients", "list.csv", "--format", "maildir")
    copies = _files(tmp_path / "out" / "mail")
    assert all(b"\r\n" not in copy.read_bytes() for copy in copies)
    assert {run(tmp_path, "inject", str(copy), "--undo").raw for copy in copies} == {MAILS["8bit.eml"]}


def test_messages_that_were_addressed_already_have_a_record_each(tmp_path: Path) -> None:
    folder = tmp_path / "mails"
    folder.mkdir()
    for name in ("8bit", "base64", "quoted-printable"):
        (folder / f"{name}.eml").write_bytes(MAILS[f"{name}.eml"])
    assert run(tmp_path, "inject", "mails", "--text").code == 0
    copies = _files(tmp_path / "out" / "mails")
    back = [run(tmp_path, "inject", str(copy), "--undo").raw for copy in copies]
    assert back == [MAILS["8bit.eml"], MAILS["base64.eml"], MAILS["quoted-printable.eml"]]


@pytest.mark.parametrize("argv", [("--merge-tag", "*|UNIQID|*"), ()], ids=["template", "preview"])
def test_templates_and_previews_are_undone_too(tmp_path: Path, argv: tuple[str, ...]) -> None:
    mail = b'<p><a href="https://shop.example/a">x</a></p>'
    (tmp_path / "mail.html").write_bytes(mail)
    run(tmp_path, "inject", "mail.html", *argv)
    (copy,) = _files(tmp_path / "out")
    assert run(tmp_path, "inject", str(copy), "--undo").raw == mail


def test_an_upload_template_is_undone_though_its_tokens_are_tags(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_bytes(LIST)
    argv = ("--recipients", "list.csv", "--format", "esp", "--merge-tag", "%%pt_token%%", "--base-url", BASE)
    assert run(tmp_path, "inject", "mail.html", *argv).code == 0
    out = tmp_path / "out" / "mail"
    template = (out / "template.html").read_text()
    assert template.count("/%%pt_token%%") == 3
    assert "/u/%%pt_unsubscribe%%" in template
    assert "pt_token" in next(csv.DictReader((out / "upload.csv").open()))
    for name in ("template.html", "untracked.html"):
        assert run(tmp_path, "inject", str(out / name), "--undo").raw == MAIL
    again = run(tmp_path, "inject", str(out / "template.html"), "--dry-run", "--json", "--base-url", BASE)
    assert "wrap" not in {link["decision"] for link in json.loads(again.out)["links"]}


def test_undo_writes_a_new_file_when_asked(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL)
    run(tmp_path, "inject", "mail.html", "--base-url", BASE)
    copy = str(_files(tmp_path / "out")[0])
    assert run(tmp_path, "inject", copy, "--undo", "--out", "back.html").code == 0
    assert (tmp_path / "back.html").read_bytes() == MAIL
    refused = run(tmp_path, "inject", copy, "--undo", "--out", "back.html")
    assert (refused.code, "back.html exists already" in refused.err) == (2, True)
    piped = run(
        *(tmp_path, "inject", "-", "--undo", "--manifest", "out/mail/manifest.json"),
        stdin=Path(copy).read_bytes(),
    )
    assert piped.raw == MAIL


def test_a_copy_that_was_changed_or_is_of_another_run_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "other.html").write_bytes(MAIL)
    run(tmp_path, "inject", "mail.html", "--base-url", BASE)
    run(tmp_path, "inject", "other.html", "--base-url", BASE)
    copy = _files(tmp_path / "out" / "mail")[0]
    other = ("--manifest", "out/other/manifest.json")
    assert "is not a copy that" in run(tmp_path, "inject", str(copy), "--undo", *other).err
    copy.write_bytes(copy.read_bytes().replace(b"Hello", b"Howdy"))
    ran = run(tmp_path, "inject", str(copy), "--undo")
    assert (ran.code, ran.out) == (2, "")
    assert "or was changed since" in ran.err


def test_a_personalised_copy_cannot_be_undone_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL.replace(b"Hello", b"Hello {{ name }}"))
    (tmp_path / "list.csv").write_bytes(LIST)
    run(tmp_path, "inject", "mail.html", "--recipients", "list.csv", "--personalize", "--base-url", BASE)
    ran = run(tmp_path, "inject", str(_files(tmp_path / "out" / "mail")[0]), "--undo")
    assert ran.code == 1
    assert "was personalised, which cannot be taken back" in ran.err


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("mail.html --undo", "no manifest.json above mail.html"),
        ("- --undo", "a copy on standard input needs --manifest"),
        ("mail.html --undo --manifest list.csv", "list.csv is no manifest of pixeltrack"),
        ("mail.html --undo --manifest gone.json", "cannot read gone.json"),
        ("mail.html --manifest list.csv", "--manifest is for --undo, and for a filter"),
    ],
)
def test_undo_without_its_manifest(tmp_path: Path, argv: str, said: str) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_bytes(LIST)
    ran = run(tmp_path, "inject", *argv.split())
    assert ran.code == 2
    assert said in ran.err


# -- a filter's manifest ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["8bit.eml", "base64.eml", "quoted-printable.eml", "mail.html"])
def test_what_went_through_a_filter_is_undone_by_the_manifest_it_wrote(tmp_path: Path, name: str) -> None:
    through = run(tmp_path, "inject", "-", "--manifest", "m.json", "--base-url", BASE, stdin=MAILS[name])
    assert through.code == 0 and through.raw != MAILS[name], through.err
    again = run(tmp_path, "inject", "-", "--base-url", BASE, stdin=MAILS[name])
    assert again.raw == through.raw, "the manifest changes nothing"
    back = run(tmp_path, "inject", "-", "--undo", "--manifest", "m.json", stdin=through.raw)
    assert (back.code, back.raw) == (0, MAILS[name])


def test_a_filters_template_is_undone_too(tmp_path: Path) -> None:
    through = run(tmp_path, "inject", "-", "--merge-tag", "*|ID|*", "--manifest", "m.json", stdin=MAIL)
    assert through.code == 2, "the mail asks for personal pages"
    assert not (tmp_path / "m.json").exists()
    mail = MAILS["latin.html"]
    through = run(tmp_path, "inject", "-", "--merge-tag", "*|ID|*", "--manifest", "m.json", stdin=mail)
    back = run(tmp_path, "inject", "-", "--undo", "--manifest", "m.json", stdin=through.raw)
    assert (back.code, back.raw) == (0, mail)


def test_a_filter_replaces_no_file_and_writes_nothing_then(tmp_path: Path) -> None:
    (tmp_path / "m.json").write_text("mine")
    ran = run(tmp_path, "inject", "-", "--manifest", "m.json", stdin=MAILS["8bit.eml"])
    assert (ran.code, ran.out) == (2, "")
    assert "m.json exists already" in ran.err and "another with --manifest" in ran.err
    assert (tmp_path / "m.json").read_text() == "mine"


def test_a_folder_is_no_copy(tmp_path: Path) -> None:
    ran = run(tmp_path, "inject", str(tmp_path), "--undo", "--manifest", "m.json")
    assert ran.code == 2 and "is a folder" in ran.err and "Hint: give one of the files in it" in ran.err
