"""The command's surface: help, exit codes, and what starting it costs."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from pixeltrack.cli import _COMMANDS

HEAVY = (
    "bs4",
    "jinja2",
    "rich",
    "sqlite3",
    "sqlite_utils",
    "ua_parser",
    "waitress",
    "importlib.metadata",
    "http",
)


def pixeltrack(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PIXELTRACK_")}
    return subprocess.run(
        [sys.executable, "-m", "pixeltrack", *arguments],
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_imports_nothing_that_a_command_needs(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['pixeltrack', '--help']\n"
        "from pixeltrack.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "Start with:  pixeltrack demo" in run.stdout
    assert set(run.stderr.split()).isdisjoint(HEAVY)


def test_help_lists_each_command_in_its_own_words() -> None:
    for name, text in _COMMANDS.items():
        command = import_module(f"pixeltrack.cli.{name}").command
        assert command.name == name
        assert command.help.splitlines()[0] == text


@pytest.mark.parametrize("name", _COMMANDS)
def test_every_command_has_help_with_an_example(name: str, tmp_path: Path) -> None:
    run = pixeltrack(name, "--help", cwd=tmp_path)
    assert run.returncode == 0
    assert "Example" in run.stdout
    assert f"pixeltrack {name}" in run.stdout


def test_version(tmp_path: Path) -> None:
    assert pixeltrack("--version", cwd=tmp_path).stdout.startswith("pixeltrack 0.")


@pytest.mark.parametrize("arguments", [("nonsense",), ("report", "--nonsense"), ("serve", "--port", "many")])
def test_wrong_use_is_exit_code_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    run = pixeltrack(*arguments, cwd=tmp_path)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_global_options_stand_before_or_after_the_command(tmp_path: Path) -> None:
    before = pixeltrack("--db", "other.db", "report", cwd=tmp_path)
    after = pixeltrack("report", "--db", "other.db", cwd=tmp_path)
    assert before.stderr == after.stderr
    assert "other.db" in before.stderr


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    pixeltrack("demo", "--recipients", "60", cwd=tmp_path)
    run = subprocess.run(
        f"{sys.executable} -m pixeltrack demo --recipients 60 2>err | head -1",
        shell=True,
        cwd=tmp_path,
        check=False,
    )
    assert run.returncode == 0
    assert "Traceback" not in (tmp_path / "err").read_text()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        pytest.param(
            "report --json > /dev/full",
            "Error: No space left on device\n",
            marks=pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system"),
        ),
        ("inject mail.html -q --recipients - <&-", "Error: there is no standard input\n"),
        (f"report --db {'x' * 300}", f"Error: {'x' * 300}: File name too long\n"),
        (f"inject mail.html -q --out {'x' * 300}", f"Error: {'x' * 300}: File name too long\n"),
    ],
    ids=["full disk", "no standard input", "long database", "long folder"],
)
def test_what_the_system_refuses_is_one_error(command: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<p>Hi</p>")
    assert pixeltrack("inject", "mail.html", cwd=tmp_path).returncode == 0
    run = subprocess.run(
        f"{sys.executable} -m pixeltrack {command}",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode in (1, 2)
    assert run.stderr.startswith(said)
    assert "Traceback" not in run.stderr


def test_a_demo_without_standard_output_plays_and_says_what_it_found(tmp_path: Path) -> None:
    run = subprocess.run(
        f"{sys.executable} -m pixeltrack demo --recipients 50 >&-",
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0
    assert run.stderr.splitlines()[-1].startswith("checked: ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_demo_that_cannot_print_its_report_leaves_no_folder(tmp_path: Path) -> None:
    run = subprocess.run(
        f"{sys.executable} -m pixeltrack demo --recipients 50 -q > /dev/full",
        shell=True,
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stderr) == (1, "Error: No space left on device\n")
    assert list(tmp_path.iterdir()) == []


def test_a_file_name_cannot_speak_to_the_terminal(tmp_path: Path) -> None:
    hostile = "\x1b]0;title\x07\u202e"
    made = pixeltrack("init", "--config", f"c{hostile}", "--db", f"d{hostile}", cwd=tmp_path)
    refused = pixeltrack("report", "--db", f"{hostile}{'x' * 300}", cwd=tmp_path)
    assert (made.returncode, refused.returncode) == (0, 1)
    for said in (made.stderr, refused.stderr):
        assert "]0;title" in said
        assert not {"\x1b", "\x07", "\u202e"} & set(said)


def test_a_long_campaign_name_fits_its_folder(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<p>Hi</p>")
    assert pixeltrack("inject", "mail.html", "--campaign", "日" * 100, cwd=tmp_path).returncode == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["日" * 66]  # 200 bytes
