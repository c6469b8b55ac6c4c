"""What each format hands over: the same copies as files, with nothing lost or escaped twice."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command import run
from conftest import BASE, MAIL, Client, Inject, people

from pixeltrack import urls
from pixeltrack.errors import InputError
from pixeltrack.formats import RECIPE, SYSTEMS
from pixeltrack.inject import Summary
from pixeltrack.links import Policy
from pixeltrack.rewrite import plan
from pixeltrack.source import read

ADA, BOB, EVE = "ada@example.com", "bob@example.com", "eve@example.com"
ODD = MAIL.replace(b"Hello", 'He said "Grüße"\t\\ </script> \u2028'.encode())


def _list() -> list[object]:
    return [
        *people(ADA, name="Ada, Lady"),
        *people(BOB, consent="denied"),
        *people(EVE, name='"Eve"', town="Ü"),
    ]


def _files(inject: Inject, **options: object) -> dict[str, str]:
    """The HTML of each copy by address, as the html format writes it."""
    summary = inject(recipients=_list(), **options)
    with (summary.out / "messages.csv").open(encoding="utf-8") as table:
        return {
            row["email"]: (summary.out / row["file"]).read_bytes().decode() for row in csv.DictReader(table)
        }


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# -- JSON lines -------------------------------------------------------------------------------------


def _lines(summary: Summary) -> list[dict[str, object]]:
    text = (summary.out / "messages.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.split("\n")[:-1]]


@pytest.mark.parametrize("personalize", [False, True])
def test_a_line_has_the_same_html_as_the_file(inject: Inject, personalize: bool):
    mail = ODD.replace(b"First", b"{{ name | default('you') }}")
    files = _files(inject, mail=mail, personalize=personalize)
    lines = _lines(inject(recipients=_list(), mail=mail, personalize=personalize, format="jsonl"))
    assert {line["email"]: line["html"] for line in lines} == files
    assert len(files) == 3


def test_a_line_says_all_that_an_api_needs(inject: Inject):
    ada, bob, eve = _lines(inject(recipients=_list(), format="jsonl"))
    assert (ada["tracked"], bob["tracked"], eve["tracked"]) == (True, False, True)
    assert str(ada["token"]) in str(ada["html"])
    assert bob["token"] is None
    assert eve["fields"] == {"name": '"Eve"', "town": "Ü"}
    for line in (ada, bob, eve):
        assert str(line["list_unsubscribe"]).strip("<>") in str(line["html"])
        assert line["preferences_url"] in str(line["html"])
        assert line["list_unsubscribe_post"] == "List-Unsubscribe=One-Click"


def test_a_line_is_for_its_owner_alone_and_messages_csv_names_the_file(inject: Inject):
    summary = inject(ADA, format="jsonl")
    assert (summary.out / "messages.jsonl").stat().st_mode & 0o777 == 0o600
    assert [row["file"] for row in _table(summary.out / "messages.csv")] == ["messages.jsonl"]
    assert json.loads((summary.out / "manifest.json").read_text())["format"] == "jsonl"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
def test_json_is_utf8_whatever_the_mail_is(inject: Inject, encoding: str):
    mail = '<meta charset="windows-1252"><p>Grüße</p><a href="https://a.example/ü">x</a>'.encode(encoding)
    (line,) = _lines(inject(ADA, mail=mail, format="jsonl"))
    assert str(line["html"]).startswith('<meta charset="windows-1252"><p>Grüße</p><a href="https://track.')


def test_bytes_that_are_no_text_cannot_become_json(inject: Inject, tmp_path: Path):
    with pytest.raises(InputError, match=r"not valid utf-8: byte 0xff in it"):
        inject(ADA, mail=b"<p>\xff</p>", format="jsonl")
    assert not (tmp_path / "out").exists()


# -- one template and a table -----------------------------------------------------------------------


def _filled(template: str, row: dict[str, str]) -> str:
    for column, value in row.items():
        template = template.replace(f"{{{{{column}}}}}", value)
    return template


def test_a_recipe_filled_in_is_the_same_as_the_files(inject: Inject):
    files = _files(inject)
    out = inject(recipients=_list(), format="recipe", campaign="spring").out
    template = (out / "template.html").read_bytes().decode()
    untracked = (out / "untracked.html").read_bytes().decode()
    filled = {row["email"]: _filled(template, row) for row in _table(out / "upload.csv")}
    filled |= {row["email"]: _filled(untracked, row) for row in _table(out / "upload-untracked.csv")}
    assert filled == files


def test_a_recipe_table_keeps_the_lists_columns_and_has_the_headers_values(inject: Inject, client: Client):
    out = inject(recipients=_list(), format="recipe").out
    ada, eve = _table(out / "upload.csv")
    (bob,) = _table(out / "upload-untracked.csv")
    assert (ada["name"], ada["town"], eve["town"]) == ("Ada, Lady", "", "Ü")
    assert "pt_token" not in bob
    assert client.post(bob["list_unsubscribe"].strip("<>"), b"List-Unsubscribe=One-Click").status == "200 OK"
    assert not (out / "messages.csv").exists()
    assert (out / "upload.csv").stat().st_mode & 0o777 == 0o600


def test_nobody_untracked_means_no_second_template(inject: Inject):
    names = {path.name for path in inject(ADA, format="recipe").out.iterdir()}
    assert names == {"manifest.json", "template.html", "upload.csv"}


def test_a_column_of_the_list_cannot_take_our_columns_place(inject: Inject):
    with pytest.raises(InputError, match="the list has a column 'pt_token'"):
        inject(recipients=people(ADA, pt_token="x"), format="recipe")


@pytest.mark.parametrize("tags", [*SYSTEMS.values(), RECIPE], ids=lambda tags: tags.name)
def test_a_template_is_known_as_injected(inject: Inject, tags: object):
    out = inject(ADA, format="esp", tags=tags).out
    again = plan(
        read((out / "template.html").read_bytes(), "template.html"), Policy(urls.addresses(BASE).owns)
    )
    assert again.changes_nothing
    assert not any(link.decision != "leave" for link in again.links)


# Each system's documented tag for a custom field, written out, since it must never change by accident.
TAGS = {
    "mailchimp": ("*|PTTOKEN|*", "Email Address", "PTTOKEN"),
    "sendgrid": ("{{pt_token}}", "email", "pt_token"),
    "ses": ("{{pt_token}}", "email", "pt_token"),
    "postmark": ("{{pt_token}}", "email", "pt_token"),
    "mailgun": ("%recipient.pt_token%", "email", "pt_token"),
    "brevo": ("{{contact.PT_TOKEN}}", "EMAIL", "PT_TOKEN"),
    "customerio": ("{{customer.pt_token}}", "email", "pt_token"),
    "hubspot": ("{{contact.pt_token}}", "Email", "pt_token"),
}


@pytest.mark.parametrize("esp", SYSTEMS)
def test_by_command_each_system_gets_its_own_tag_and_columns(tmp_path: Path, esp: str, client: Client):
    tag, email, column = TAGS[esp]
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text(f"email,consent\n{ADA},yes\n{BOB},no\n")
    ran = run(
        tmp_path,
        *("inject", "mail.html", "--recipients", "list.csv", "--format", "esp", "--esp", esp),
        *("--base-url", BASE, "--db", "t.db"),
    )
    assert ran.code == 0, ran.err
    out = tmp_path / "out" / "mail"
    html = (out / "template.html").read_text()
    assert html.count(f"/{tag}") == 3, "two links and the pixel"
    assert "upload.csv" in ran.out and "untracked.html" in ran.out
    (row,) = _table(out / "upload.csv")
    assert row[email] == ADA
    opened = html.split('src="')[1].split('"')[0].replace(tag, row[column])
    assert client.get(opened).status == "200 OK"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ("--format esp --recipients list.csv", "--format esp needs --esp"),
        ("--format recipe", "--format recipe needs --recipients"),
        ("--esp ses --recipients list.csv", "--esp needs --format esp"),
        ("--format recipe --personalize --recipients list.csv", "--personalize and --format recipe exclude"),
    ],
)
def test_options_that_contradict_each_other_are_refused(tmp_path: Path, argv: str, said: str):
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text(f"email\n{ADA}\n")
    ran = run(tmp_path, "inject", "mail.html", *argv.split())
    assert ran.code == 2
    assert said in ran.err
