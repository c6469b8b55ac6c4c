"""With a consent preset, nobody is measured who is not told by whom, and who cannot stop it."""

from __future__ import annotations

from pathlib import Path

import pytest
from command import run

STOPPABLE = '<p><a href="https://shop.example/a">A</a> <a href="pixeltrack:preferences">Preferences</a></p>'
BARE = '<p><a href="https://shop.example/a">A</a></p>'
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
    ("settings", "html", "said"),
    [
        (PRESET, STOPPABLE, "nobody is named as sender.controller"),
        (PRESET + SENDER.replace("contact", "name"), STOPPABLE, "nobody is named as sender.contact"),
        (PRESET + SENDER.replace("Blue Boat Books Ltd, 3 Quay Road", " "), STOPPABLE, "sender.controller"),
        (PRESET + SENDER, BARE, "gives its readers no way to stop tracking"),
    ],
    ids=["controller", "contact", "blank", "no link"],
)
def test_inject_refuses_and_writes_nothing(
    folder: Path, call: tuple[str, ...], settings: str, html: str, said: str
) -> None:
    before = give(folder, settings, html)
    ran = run(folder, "inject", *call)
    assert ran.code == 1
    assert said in ran.err
    assert "Hint: " in ran.err
    assert sorted(folder.rglob("*")) == before


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
