"""The register's entry and the screening: from the settings, and what they do not say is asked."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from command import run
from conftest import Inject

from pixeltrack import register, screening
from pixeltrack.config import Settings
from pixeltrack.disclosure import disclose
from pixeltrack.model import MODES, Mode
from pixeltrack.noticetext import texts_of

TEXTS = texts_of()["en"]
TOML = """\
base_url = "https://track.example.com"
[consent]
preset = "eu"
[sender]
controller = "Blue Boat <Books> Ltd"
contact = "p@b.example"
[notice]
dpo = "Dr Ada"
recipients = ["Example Hosting Ltd"]
transfers = "none"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pixeltrack.toml").write_text(TOML)
    return tmp_path


def test_the_entry_has_what_article_30_asks_for(folder: Path) -> None:
    entry = json.loads(run(folder, "privacy", "record", "--format", "json").out)
    assert entry["controller"] == "Blue Boat <Books> Ltd"
    assert (entry["contact"], entry["data_protection_officer"]) == ("p@b.example", "Dr Ada")
    assert [each["mode"].split()[0] for each in entry["purposes"]] == list(reversed(MODES[1:]))
    assert (entry["recipients"], entry["transfers"]) == (["Example Hosting Ltd"], "none")
    assert "single opens and clicks: 180 days" in entry["time_limits"]
    assert "IP addresses are not stored" in entry["security_measures"]
    assert "encrypted connection" in entry["security_measures"][-1]
    assert len(entry["to_be_completed"]) == 1
    assert all(entry.values())


def test_text_and_markdown_say_the_same(folder: Path) -> None:
    text, marked = (run(folder, "privacy", "record", "--format", each).out for each in ("txt", "md"))
    assert "- Blue Boat <Books> Ltd\n" in text
    assert "- Blue Boat \\<Books\\> Ltd\n" in marked
    items = [line for line in text.splitlines() if line.startswith("- ")]
    assert items == [line.replace("\\", "") for line in marked.splitlines() if line.startswith("- ")]
    assert text.count("\n---") == marked.count("\n## ") > 10


@pytest.mark.parametrize("mode", MODES)
def test_data_are_those_of_the_modes(settings: Settings, mode: Mode) -> None:
    settings = replace(settings, opens=mode, clicks="off")
    facts, entry = disclose(settings), register.entry_of(settings)
    assert len(entry.purposes) == MODES.index(mode)
    for each, (_name, _purpose, data) in zip(facts.modes, entry.purposes, strict=True):
        assert data == tuple(TEXTS[key] for key in facts.fields(each))
    assert (TEXTS["f_address"] in entry.data) is (mode in ("hygiene", "pseudonymous", "individual"))


def test_what_is_not_said_is_asked_for(settings: Settings) -> None:
    plain = replace(settings, base_url="http://127.0.0.1:8000")
    lacks = "\n".join(register.entry_of(plain).lacks)
    for key in ("controller", "contact", "notice.dpo", "notice.recipients", "notice.transfers", "base_url"):
        assert key in lacks
    kept = register.entry_of(replace(settings, ip="truncated", ip_days=7))
    assert "IP addresses are stored shortened, in a table apart, for 7 days" in kept.measures


def test_a_register_that_is_there_is_not_written_over(folder: Path) -> None:
    assert run(folder, "privacy", "record", "-o", "r.txt").code == 0
    assert run(folder, "privacy", "record", "-o", "r.txt").code == 2


def answers(settings: Settings, **given: Any) -> dict[str, str]:
    return {each.name: each.answer for each in screening.screen(settings, given).criteria}


@pytest.mark.parametrize(
    ("mode", "scoring", "monitoring"),
    [
        ("individual", "yes", "yes"),
        ("pseudonymous", "open", "yes"),
        ("hygiene", "open", "no"),
        ("company", "no", "no"),
        ("aggregate", "no", "no"),
        ("off", "no", "no"),
    ],
)
def test_settings_answer_what_they_can(settings: Settings, mode: Mode, scoring: str, monitoring: str) -> None:
    found = answers(replace(settings, opens=mode, clicks="off"))
    assert (found["scoring"], found["monitoring"]) == (scoring, monitoring)
    assert {name for name, answer in found.items() if answer == "open"} >= {
        "sensitive",
        "scale",
        "vulnerable",
    }
    assert (found["innovative"], found["exclusion"]) == ("no", "no")


def test_two_that_are_met_call_for_an_assessment(settings: Settings) -> None:
    counted = replace(settings, opens="aggregate", clicks="aggregate")
    no = dict.fromkeys(("decisions", "sensitive", "scale", "matching", "vulnerable"), "no")
    assert screening.screen(settings, {}).verdict == "needed"
    assert screening.screen(counted, {}).verdict == "open"
    assert screening.screen(counted, no).verdict == "not needed"  # type: ignore[arg-type]
    assert screening.screen(counted, {**no, "scale": "yes"}).verdict == "not needed"  # type: ignore[dict-item]
    both = {**no, "scale": "yes", "vulnerable": "yes"}
    assert screening.screen(counted, both).verdict == "needed"  # type: ignore[arg-type]


def test_the_command_tells_how_many_there_are(settings: Settings, inject: Inject, tmp_path: Path) -> None:
    inject("ann@x.example", "bob@x.example")
    asked = ("privacy", "dpia-screen", "--db", str(settings.db))
    assert "the database has 2 recipients and 1 mailings" in run(tmp_path, *asked).out
    said = json.loads(run(tmp_path, *asked, "--json", "--answer", "scale=no").out)
    assert [each["number"] for each in said["criteria"]] == list(range(1, 10))
    assert (said["met"], said["open"], said["assessment"]) == (2, 4, "needed")
    scale = said["criteria"][4]
    assert (scale["name"], scale["answer"], scale["why"].startswith("your answer; ")) == ("scale", "no", True)


@pytest.mark.parametrize("answer", ["scale", "scale=perhaps", "size=no"])
def test_an_answer_that_is_none_is_refused(folder: Path, answer: str) -> None:
    ran = run(folder, "privacy", "dpia-screen", "--answer", answer)
    assert (ran.code, "Hint: " in ran.err) == (2, True)
