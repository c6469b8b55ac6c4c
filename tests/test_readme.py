"""What the README says is what happens: its blocks are run, and its outputs compared."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from test_cli import pixeltrack

from pixeltrack.cli import _COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def blocks(marker: str) -> list[str]:
    return re.findall(rf"<!-- {marker} -->\n```\w+\n(.*?)```", README, re.DOTALL)


def squeezed(text: str) -> list[str]:
    """Lines without their padding, which depends on the terminal."""
    return [re.sub(r"[─\s]+", " ", line).strip() for line in text.splitlines() if line.strip(" ─")]


def test_the_walk_prints_what_the_readme_shows(tmp_path: Path) -> None:
    (block,) = blocks("walk")
    command, *shown = block.split("$ ", 2)[2].splitlines()
    for file in (ROOT / "examples" / "spring-sale").iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run = pixeltrack(*shlex.split(command)[1:], cwd=tmp_path)
    assert run.stdout.splitlines() == shown


def test_the_demo_prints_the_report_that_the_readme_shows(tmp_path: Path) -> None:
    (block,) = blocks("report")
    run = pixeltrack("demo", cwd=tmp_path, COLUMNS="100")
    assert run.returncode == 0, run.stderr
    shown = squeezed(block)
    assert squeezed(run.stdout)[: len(shown)] == shown


@pytest.mark.parametrize("command", re.findall(r"^pixeltrack (?:inject|lint) [^#\n]*", README, re.MULTILINE))
def test_the_ways_to_inject_work(command: str, tmp_path: Path) -> None:
    if "--version" in command:
        for name in ("a.html", "b.html"):
            (tmp_path / name).write_bytes((ROOT / "examples/spring-sale/campaign.html").read_bytes())
    for file in (ROOT / "examples" / "spring-sale").iterdir():
        content = file.read_bytes()
        if "--merge-tag" in command:  # there the mail system's own tags stand for these
            content = re.sub(rb"pixeltrack:(unsubscribe|preferences)", b"*|UNSUB|*", content)
        (tmp_path / file.name.replace("recipients", "list")).write_bytes(content)
    run = pixeltrack(*shlex.split(command)[1:], cwd=tmp_path)
    assert run.returncode == 0, run.stderr


def test_the_readme_names_only_commands_that_exist() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for name in re.findall(
            r"`?pixeltrack ([a-z]+)(?= --|`| [a-z]+\.html|$)", page.read_text("utf-8"), re.MULTILINE
        ):
            assert name in _COMMANDS, f"{page.name}: pixeltrack {name}"


def test_links_between_pages_lead_somewhere() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_top_level_has_what_it_should() -> None:
    allowed = {"pixeltrack", "templates", "tests", "examples", "docs", "benchmarks"}
    files = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"}
    assert allowed | files <= {path.name for path in ROOT.iterdir()}
