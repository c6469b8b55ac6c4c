"""Options for links that few mails need: <base>, //host, both halves of a button, our own attributes."""

from __future__ import annotations

import csv
import json
import re
from base64 import encodebytes
from pathlib import Path
from quopri import encodestring

import pytest
from command import Ran, run
from conftest import BASE, CHROME, Client, Clock

BUTTON = (
    '<!--[if mso]><v:roundrect href="https://shop.example/six"><center>Buy</center></v:roundrect><![endif]-->'
    '<a href="https://shop.example/six">Buy it</a><a href="https://shop.example/seven">More</a>'
)


def inject(
    folder: Path, html: str | bytes, *options: str, name: str = "mail.html"
) -> tuple[Ran, list[bytes]]:
    """Inject a mail for Ada and for Bob, who is not tracked; return their copies."""
    (folder / name).write_bytes(html.encode() if isinstance(html, str) else html)
    (folder / "list.csv").write_text("email,consent\nada@x.example,granted\nbob@x.example,denied\n")
    arguments = ("inject", name, "--recipients", "list.csv", "--base-url", BASE, "--db", "t.db", *options)
    ran = run(folder, *arguments)
    assert ran.code == 0, ran.err
    with (folder / "out/mail/messages.csv").open() as table:
        return ran, [(folder / "out/mail" / row["file"]).read_bytes() for row in csv.DictReader(table)]


def clicks(copy: bytes) -> list[str]:
    return re.findall(rf'href="?({BASE}/c/[^">\s]+)', copy.decode())


def table(folder: Path, html: str, *options: str) -> list[tuple[str, str, str]]:
    """What would be done to each link: decision, destination, reason."""
    (folder / "mail.html").write_text(html)
    ran = run(folder, "inject", "mail.html", "--dry-run", "--json", "--base-url", BASE, *options)
    assert ran.code == 0, ran.err
    return [(link["decision"], link["destination"], link["reason"]) for link in json.loads(ran.out)["links"]]


# -- both halves of a button (cases 47 and 49) ------------------------------------------------------


def test_a_button_is_two_links_unless_its_halves_are_joined(tmp_path: Path, client: Client) -> None:
    _ran, (copy, _other) = inject(tmp_path, f"<p>{BUTTON}</p>")
    assert [url.split("/")[-2] for url in clicks(copy)] == ["1", "2", "3"]


@pytest.mark.parametrize("options", [(), ("--bind-links",), ("--readable", "--honeypot")], ids=str)
def test_joined_halves_have_one_number_and_add_up(
    tmp_path: Path, client: Client, clock: Clock, options: tuple[str, ...]
) -> None:
    _ran, (copy, _other) = inject(tmp_path, f"<p>{BUTTON}</p>", "--join-buttons", *options)
    first, second, third = clicks(copy)[:3]
    assert first == second != third
    for url in (first, second, third):
        assert client.get(url, CHROME).status.startswith("302")
        clock.now += 60_000  # a person, not a program that follows all of them
    report = json.loads(run(tmp_path, "report", "--campaign", "mail", "--json", "--db", "t.db").out)
    found = [
        (link["text"], link["clicks"]["total"]) for link in report["links"] if link["text"] != "honeypot"
    ]
    assert found == [("Buy it", 2), ("More", 1)]
    links = json.loads((tmp_path / "out/mail/manifest.json").read_text())["links"]
    assert [link["number"] for link in links] == [1, 1, 3]


def test_halves_with_tags_of_their_own_stay_apart(tmp_path: Path) -> None:
    html = BUTTON.replace("<v:roundrect", '<v:roundrect data-pt-utm="content=outlook"')
    _ran, (copy, _other) = inject(tmp_path, f"<p>{html}</p>", "--join-buttons")
    assert len(set(clicks(copy))) == 3


def test_outlooks_half_is_left_alone_where_the_other_is(tmp_path: Path) -> None:
    html = BUTTON.replace("<a ", "<a clicktracking=off ", 1)
    assert [decision for decision, *_rest in table(tmp_path, f"<p>{html}</p>")] == ["leave", "leave", "wrap"]


# -- <base> and //host (cases 29 and 31) ------------------------------------------------------------

RELATIVE = (
    '<base href="https://shop.example/a/b?c"><p><a href="x?y=1#z">1</a><a href="/x">2</a><a href="#x">3</a>'
    '<a href="?q">4</a><a href="www.x.example">5</a><a href="{{ url }}">6</a><a href="mailto:a@b">7</a></p>'
)


def test_relative_links_are_resolved_only_when_that_is_asked_for(tmp_path: Path) -> None:
    assert {decision for decision, *_rest in table(tmp_path, RELATIVE)} == {"leave"}
    assert [found[:2] for found in table(tmp_path, RELATIVE, "--resolve-base")] == [
        ("wrap", "https://shop.example/a/x?y=1#z"),
        ("wrap", "https://shop.example/x"),
        ("leave", "#x"),
        ("wrap", "https://shop.example/a/b?q"),
        ("leave", "www.x.example"),
        ("leave", "{{ url }}"),
        ("leave", "mailto:a@b"),
    ]


@pytest.mark.parametrize("base", ["/a", "", "{{ base }}", "mailto:a@b", "https://", "http://a b/"])
def test_a_base_without_a_host_resolves_nothing(tmp_path: Path, base: str) -> None:
    html = f'<base href="{base}"><p><a href="x">1</a></p>'
    assert table(tmp_path, html, "--resolve-base") == [("leave", "x", "relative address")]


def test_a_resolved_link_leads_there_in_a_message_too(tmp_path: Path, client: Client) -> None:
    mail = b"From: a@b.example\nTo: c@d.example\nContent-Type: text/html\n\n" + RELATIVE.encode() + b"\n"
    _ran, (copy, other) = inject(tmp_path, mail, "--resolve-base", name="mail.eml")
    assert b'href="x?y=1#z"' in other
    assert client.get(clicks(copy)[0], CHROME).headers["Location"] == "https://shop.example/a/x?y=1#z"


def test_links_without_a_scheme_are_left_alone_when_that_is_asked_for(tmp_path: Path) -> None:
    html = '<p><a href="//shop.example/x">1</a><a href="https://shop.example/">2</a></p>'
    assert table(tmp_path, html)[0] == ("wrap", "https://shop.example/x", "web link")
    assert table(tmp_path, html, "--skip-schemeless") == [
        ("leave", "https://shop.example/x", "--skip-schemeless"),
        ("wrap", "https://shop.example/", "web link"),
    ]


# -- our own attributes (case 57) -------------------------------------------------------------------

LABELS = (
    '<p><a data-pt-label href="https://a.example/">1</a>'
    "<a\n  data-pt-group = 'G' DATA-PT-LABEL=L href=https://b.example/ data-pt-utm=off>2</a>"
    '<a title="x"data-pt-label="y"class="z" href="https://c.example/"data-no-track>3</a>'
    '<a href="mailto:a@b" data-pt-label="m" data-x="data-pt-label">4</a> data-pt-label="text"</p>'
)
STRIPPED = (
    '<p><a href="https://a.example/">1</a>'
    "<a href=https://b.example/>2</a>"
    '<a title="x"class="z" href="https://c.example/"data-no-track>3</a>'
    '<a href="mailto:a@b" data-x="data-pt-label">4</a> data-pt-label="text"</p>'
)


def message(encoding: str, content: bytes) -> bytes:
    head = f"From: a@b.example\nTo: c@d.example\nContent-Type: text/html\nContent-Transfer-Encoding: {encoding}\n\n"
    return head.encode() + content + b"\n"


@pytest.mark.parametrize(
    ("name", "mail"),
    [
        ("mail.html", LABELS.encode()),
        ("mail.eml", message("8bit", LABELS.encode())),
        ("mail.eml", message("base64", encodebytes(LABELS.encode()))),
        ("mail.eml", message("quoted-printable", encodestring(LABELS.encode()))),
    ],
    ids=["html", "8bit", "base64", "quoted-printable"],
)
def test_our_attributes_stay_unless_they_are_to_be_stripped(tmp_path: Path, name: str, mail: bytes) -> None:
    _ran, kept = inject(tmp_path, mail, name=name)
    _ran, copies = inject(tmp_path, mail, "--strip-labels", "--force", name=name)
    if name == "mail.html":
        assert b"DATA-PT-LABEL=L" in kept[0] and copies[1] == STRIPPED.encode()
        expected = STRIPPED.replace("https://a.example/", clicks(copies[0])[0])
        expected = expected.replace("https://b.example/", clicks(copies[0])[1])
        assert copies[0].startswith(expected.encode())
    for copy in (tmp_path / "out/mail").rglob("0000*"):
        assert run(tmp_path, "inject", str(copy), "--undo").raw == mail
    links = json.loads((tmp_path / "out/mail/manifest.json").read_text())["links"]
    assert [link["text"] for link in links] == ["1", "2", "3", "4"]
    said = json.loads(run(tmp_path, "report", "--campaign", "mail", "--json", "--db", "t.db").out)["links"]
    assert ("L", "G") in [(link["text"], link["group"]) for link in said], "they still name the link"
