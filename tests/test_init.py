"""init: a settings file that can be read back, and nothing overwritten."""

from __future__ import annotations

import csv
import stat
from pathlib import Path

import pytest
from command import run, run_process, snapshot

from pixeltrack import config

PRESETS = {
    **dict.fromkeys(("strict", "eu", "fr", "it", "uk"), "required"),
    **dict.fromkeys(("us", "us-ca"), "assumed"),
}


@pytest.mark.parametrize(("preset", "policy"), PRESETS.items())
def test_a_preset_writes_settings_that_can_be_read(tmp_path: Path, preset: str, policy: str):
    ran = run_process(tmp_path, "init", "--preset", preset)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.splitlines() == [
        f"created pixeltrack.toml (settings, preset {preset}: consent {policy})",
        "created pixeltrack.key (key file; keep a copy of it)",
        "created pixeltrack.db (database)",
        "next: set base_url, controller and contact in pixeltrack.toml; put what  pixeltrack notice --footer"
        " --format html  prints at the end of your mail; then  pixeltrack inject campaign.html --recipients list.csv",
    ]
    assert sorted(snapshot(tmp_path)) == ["pixeltrack.db", "pixeltrack.key", "pixeltrack.toml"]
    settings = config.load(tmp_path / "pixeltrack.toml", environment={})
    assert (settings.preset, settings.consent, settings.events_days) == (preset, policy, 180)
    assert (settings.db, settings.key) == (tmp_path / "pixeltrack.db", tmp_path / "pixeltrack.key")
    assert (settings.base_url, settings.host, settings.port) == ("http://127.0.0.1:8000", "127.0.0.1", 8000)


def test_the_preset_is_eu_unless_said_otherwise(tmp_path: Path):
    assert "preset eu: consent required" in run(tmp_path, "init").err


def test_what_is_commented_out_is_valid_once_it_is_not(tmp_path: Path):
    run(tmp_path, "init")
    file = tmp_path / "pixeltrack.toml"
    lines = [line.removeprefix("# ") if " = " in line else line for line in file.read_text().splitlines()]
    file.write_text("\n".join(lines))
    settings = config.load(file, environment={})
    assert settings.base_url == "https://track.example.com"
    assert None not in (settings.sender, settings.controller, settings.contact)


@pytest.mark.parametrize("name", ["pixeltrack.key", "pixeltrack.db"])
def test_key_and_database_are_for_their_owner_alone(tmp_path: Path, name: str):
    run(tmp_path, "init")
    assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_settings_that_are_there_are_not_overwritten(tmp_path: Path):
    (tmp_path / "pixeltrack.toml").write_text("# mine\n")
    before = snapshot(tmp_path)
    ran = run(tmp_path, "init")
    assert (ran.code, ran.err) == (
        2,
        "Error: pixeltrack.toml exists already\nHint: edit it, or remove it and run pixeltrack init again\n",
    )
    assert snapshot(tmp_path) == before


def test_settings_are_not_written_through_a_link(tmp_path: Path):
    (tmp_path / "pixeltrack.toml").symlink_to("elsewhere.toml")
    assert run(tmp_path, "init").code == 2
    assert not (tmp_path / "elsewhere.toml").exists()


def test_key_and_database_that_are_there_are_kept(tmp_path: Path):
    (tmp_path / "campaign.html").write_text("<p>x</p>")
    run(tmp_path, "inject", "campaign.html")
    before = snapshot(tmp_path)
    ran = run(tmp_path, "init")
    after = snapshot(tmp_path)
    assert (ran.code, ran.err.count("created")) == (0, 1)
    del after["pixeltrack.toml"]
    assert after == before


def test_when_init_fails_it_can_be_run_again(tmp_path: Path):
    (tmp_path / "pixeltrack.db").touch()
    assert "no key file at pixeltrack.key" in run(tmp_path, "init").err
    assert sorted(snapshot(tmp_path)) == ["pixeltrack.db"]
    (tmp_path / "pixeltrack.db").unlink()
    assert run(tmp_path, "init").code == 0


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_named_settings_file_has_its_key_and_database_beside_it(tmp_path: Path, by: str):
    (tmp_path / "etc").mkdir()
    if by == "option":
        ran = run(tmp_path, "init", "--config", "etc/p.toml")
    else:
        ran = run(tmp_path, "init", PIXELTRACK_CONFIG="etc/p.toml")
    assert ran.code == 0, ran.err
    assert sorted(snapshot(tmp_path)) == ["etc", "etc/p.toml", "etc/pixeltrack.db", "etc/pixeltrack.key"]


@pytest.mark.parametrize("by", ["option", "environment"])
def test_the_settings_name_the_files_that_were_made(tmp_path: Path, by: str):
    (tmp_path / "data").mkdir()
    if by == "option":
        ran = run(tmp_path, "init", "--db", "data/x.db", "--key", 'data/"s".key')
    else:
        ran = run(tmp_path, "init", PIXELTRACK_DB="data/x.db", PIXELTRACK_KEY='data/"s".key')
    assert ran.code == 0, ran.err
    before = sorted(snapshot(tmp_path))
    (tmp_path / "m.html").write_text("<p>x</p>")
    assert run(tmp_path, "inject", "m.html").code == 0
    made = {name for name in snapshot(tmp_path) if name not in before and not name.startswith("out")}
    assert made == {"m.html"}


@pytest.mark.parametrize(("preset", "tracked"), [("eu", ["yes", "no", "no"]), ("us", ["yes", "no", "yes"])])
def test_inject_afterwards_tracks_whom_the_preset_allows(tmp_path: Path, preset: str, tracked: list[str]):
    (tmp_path / "campaign.html").write_text(
        '<p><a href="https://shop.example/">x</a><a href="pixeltrack:preferences">y</a>'
        '<a href="pixeltrack:unsubscribe">z</a></p>'
    )
    (tmp_path / "list.csv").write_text("email,consent\na@example.com,yes\nb@example.com,no\nc@example.com,\n")
    run(tmp_path, "init", "--preset", preset)
    file = tmp_path / "pixeltrack.toml"
    file.write_text(file.read_text().replace("# controller", "controller").replace("# contact", "contact"))
    ran = run(tmp_path, "inject", "campaign.html", "--recipients", "list.csv")
    assert ran.code == 0, ran.err
    out = tmp_path / "out" / "campaign"
    with (out / "messages.csv").open(newline="") as file:
        assert [row["tracked"] for row in csv.DictReader(file)] == tracked
    untouched = [b"/c/" not in (copy := path.read_bytes()) and b"<img" not in copy for path in _copies(out)]
    assert untouched == [answer == "no" for answer in tracked]


def _copies(out: Path) -> list[Path]:
    return sorted((out / "html").iterdir())
