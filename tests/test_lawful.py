"""With a consent preset, nobody is measured who is not told by whom, and who cannot stop it."""

from __future__ import annotations

import email.policy
import re
from pathlib import Path

import pytest
from command import run

LINK = '<p><a href="https://shop.example/a">A</a></p>'
UNSUBSCRIBE = '<a href="pixeltrack:unsubscribe">Unsubscribe</a>'
PREFERENCES = '<a href="pixeltrack:preferences">Preferences</a>'
STOPPABLE = f"{LINK}<p>{UNSUBSCRIBE} · {PREFERENCES}</p>"
BARE = LINK
SENDER = '[sender]\ncontroller = "Blue Boat Books Ltd, 3 Quay Road"\ncontact = "privacy@blueboat.example"\n'
PRESET = '[consent]\npreset = "eu"\n'
BY_LIST = ("mail.html", "--recipients", "list.csv")
LETTER = ("mail.eml", "--out", "sent")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "list.csv").write_text("email,consent\nann@x.example,granted\n")
    return tmp_path


def give(folder: Path, settings: str, html: str) -> list[Path]:
    """Write the settings and the mail, as HTML and as a message; return what is there."""
    head = "From: s@x.example\nTo: ann@x.example\nSubject: S\nContent-Type: text/html\n\n"
    (folder / "pixeltrack.toml").write_text(settings)
    (folder / "mail.html").write_text(f"<html><body>{html}</body></html>")
    (folder / "mail.eml").write_text(f"{head}<html><body>{html}</body></html>\n")
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("call", [BY_LIST, LETTER], ids=["list", "letter"])
@pytest.mark.parametrize(
    ("settings", "html", "lacks", "hints"),
    [
        (
            PRESET,
            STOPPABLE,
            "nobody is named as sender.controller, nobody is named as sender.contact",
            ['contact = "..."'],
        ),
        (
            PRESET + SENDER.replace("contact", "name"),
            STOPPABLE,
            "nobody is named as sender.contact",
            ['contact = "..."'],
        ),
        (
            PRESET + SENDER.replace("Blue Boat Books Ltd, 3 Quay Road", " "),
            STOPPABLE,
            "nobody is named as sender.controller",
            ['controller = "..."'],
        ),
        (
            PRESET + SENDER,
            LINK + UNSUBSCRIBE,
            "no link to the reader's preferences",
            [f"<p>{PREFERENCES}</p>"],
        ),
        (PRESET + SENDER, LINK + PREFERENCES, "no way to unsubscribe", [f"<p>{UNSUBSCRIBE}</p>"]),
        (
            PRESET + SENDER,
            LINK + '<a href="pixeltrack:privacy">P</a>',
            "no way to unsubscribe, no link to the reader's preferences",
            [f"<p>{UNSUBSCRIBE} · {PREFERENCES}</p>"],
        ),
        (
            PRESET,
            LINK,
            "nobody is named as sender.controller, nobody is named as sender.contact, no way to unsubscribe, no link to the reader's preferences",
            ['controller = "..." and contact = "..." below [sender] in pixeltrack.toml', PREFERENCES],
        ),
    ],
    ids=["nobody", "contact", "blank", "preferences", "unsubscribe", "links", "everything"],
)
def test_inject_names_all_that_lacks_and_writes_nothing(
    folder: Path, call: tuple[str, ...], settings: str, html: str, lacks: str, hints: list[str]
) -> None:
    before = give(folder, settings, html)
    ran = run(folder, "inject", *call)
    assert ran.code == 3
    (said,) = re.findall(r"must not be measured: (.*)", ran.err)
    assert said == lacks
    (hint,) = re.findall(r"Hint: (.*)", ran.err)
    assert all(each in hint for each in hints)
    assert sorted(folder.rglob("*")) == before


def test_the_hint_is_all_that_has_to_be_pasted(folder: Path) -> None:
    give(folder, PRESET + SENDER, LINK)
    (line,) = re.findall(r"put this into mail\.html: (.*)", run(folder, "inject", *BY_LIST).err)
    give(folder, PRESET + SENDER, LINK + line)
    assert run(folder, "inject", *BY_LIST).code == 0


@pytest.mark.parametrize("mode", ["aggregate", "company", "pseudonymous", "hygiene"])
@pytest.mark.parametrize("preset", ["uk", "us-ca"])
def test_it_holds_for_mail_that_is_only_counted_too(folder: Path, preset: str, mode: str) -> None:
    """Condition A5: still informed, still able to object."""
    give(folder, PRESET.replace("eu", preset) + SENDER, LINK)
    asked = (*BY_LIST, "--mode", mode)
    assert run(folder, "inject", *asked).code == 3
    give(folder, PRESET.replace("eu", preset) + SENDER, STOPPABLE)
    assert run(folder, "inject", *asked).code == 0


def test_one_mail_for_everybody_cannot_have_its_readers_links_and_is_refused(folder: Path) -> None:
    give(folder, PRESET + SENDER, LINK)
    ran = run(folder, "inject", "mail.html", "--mode", "aggregate")
    assert (ran.code, "give --recipients" in ran.err) == (3, True)
    ran = run(folder, "inject", "mail.html", "--merge-tag", "*|ID|*")
    assert (ran.code, "--format esp" in ran.err) == (3, True)


def test_nothing_is_asked_of_mail_that_is_not_measured(folder: Path) -> None:
    give(folder, PRESET, LINK)
    assert run(folder, "inject", *BY_LIST, "--mode", "off").code == 0
    assert run(folder, "inject", *BY_LIST, "--test", "--out", "t").code == 0


@pytest.mark.parametrize(
    "way",
    ['<a href="https://shop.example/unsubscribe?u=1">Stop</a>', '<a href="*|UNSUB|*">Unsubscribe</a>'],
)
def test_a_senders_own_way_to_unsubscribe_is_as_good(folder: Path, way: str) -> None:
    give(folder, PRESET + SENDER, LINK + PREFERENCES + way)
    assert run(folder, "inject", *BY_LIST).code == 0


def test_messages_for_a_list_have_the_header_pair_instead_of_a_link(folder: Path) -> None:
    give(folder, PRESET + SENDER, LINK + PREFERENCES)
    assert run(folder, "inject", *BY_LIST).code == 3
    asked = (*BY_LIST, "--format", "eml", "--from", "s@x.example", "--subject", "S")
    assert run(folder, "inject", *asked).code == 0
    (written,) = (folder / "out").rglob("*.eml")
    message = email.message_from_bytes(written.read_bytes(), policy=email.policy.default)
    assert re.fullmatch(r"<http://127\.0\.0\.1:8000/u/[\w-]+>", message["List-Unsubscribe"])
    assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize("header", ["<mailto:out@x.example>", "<https://x.example/out?u=1>"])
def test_a_messages_own_header_is_as_good(folder: Path, header: str) -> None:
    give(folder, PRESET + SENDER, LINK + PREFERENCES)
    letter = folder / "mail.eml"
    assert run(folder, "inject", *LETTER).code == 3
    letter.write_text(f"List-Unsubscribe: {header}\n{letter.read_text()}")
    assert run(folder, "inject", *LETTER).code == 0


def test_every_version_has_to_have_them(folder: Path) -> None:
    give(folder, PRESET + SENDER, STOPPABLE)
    (folder / "b.html").write_text(f"<html><body>{LINK}</body></html>")
    asked = (
        "--version",
        "A=mail.html",
        "--version",
        "B=b.html",
        "--recipients",
        "list.csv",
        "--campaign",
        "c",
    )
    ran = run(folder, "inject", *asked)
    assert (ran.code, "b.html must not be measured" in ran.err) == (3, True)


def test_plain_text_is_told_in_its_own_way(folder: Path) -> None:
    give(folder, PRESET + SENDER, LINK)
    (folder / "mail.txt").write_text("Read https://shop.example/a\n")
    ran = run(folder, "inject", "mail.txt", "--text", "--recipients", "list.csv")
    assert (
        ran.code,
        "Unsubscribe: pixeltrack:unsubscribe · Preferences: pixeltrack:preferences" in ran.err,
    ) == (3, True)


def test_the_notices_own_footer_is_enough(folder: Path) -> None:
    give(folder, PRESET + SENDER, LINK)
    footer = run(folder, "notice", "--footer", "--format", "html").out
    give(folder, PRESET + SENDER, LINK + footer)
    assert run(folder, "inject", *BY_LIST).code == 0


@pytest.mark.parametrize("call", [BY_LIST, LETTER], ids=["list", "letter"])
@pytest.mark.parametrize(("settings", "html"), [(PRESET + SENDER, STOPPABLE), ("", BARE)])
def test_inject_goes_on_with_all_of_it_and_without_a_preset(
    folder: Path, call: tuple[str, ...], settings: str, html: str
) -> None:
    give(folder, settings, html)
    assert run(folder, "inject", *call).code == 0


def test_a_preview_is_for_nobody_and_asks_for_nothing(folder: Path) -> None:
    give(folder, PRESET, BARE)
    assert run(folder, "inject", "mail.html").code == 0
