"""The example ask-the-database: its commands are run, and a real Datasette answers its questions."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
from command import clean_environment, run
from test_export_formats import ADDRESS, HOSTILE, export, hostile

from pixeltrack.setup import Workspace

__all__ = ["hostile"]  # a fixture

EXAMPLE = Path(__file__).parents[1] / "examples" / "ask-the-database"
README = (EXAMPLE / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^\$ (.*)\n((?:[^`$].*\n)*)", README, re.MULTILINE)
CAMPAIGN = "simulated-newsletter"

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("datasette") is None, reason="datasette is not installed"
)
Rows = list[dict[str, Any]]


def commands(program: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line, _shown in COMMANDS if line.startswith(f"{program} ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example's commands of ours were run as the page has them."""
    made = tmp_path_factory.mktemp("ask")
    (made / "metadata.json").write_bytes((EXAMPLE / "metadata.json").read_bytes())
    for arguments in commands("pixeltrack"):
        ran = run(made, *arguments)
        assert ran.code == 0, ran.err
    return made


@contextmanager
def datasette(folder: Path, *arguments: str) -> Iterator[Callable[..., bytes]]:
    """Run Datasette on a free port; gives what fetches a page of it."""
    program = subprocess.Popen(
        [sys.executable, "-m", "datasette", *arguments, "--port", "0"],
        cwd=folder,
        env=clean_environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert program.stdout
        found = None
        for line in program.stdout:
            found = re.search(r"running on (http://127\.0\.0\.1:\d+)", line)
            if found:
                break
        assert found, "Datasette did not start"
        base = found[1]

        def fetch(path: str, **query: str) -> bytes:
            with urlopen(f"{base}{path}?{urlencode(query)}", timeout=30) as answer:
                body: bytes = answer.read()
                return body

        yield fetch
    finally:
        program.terminate()
        program.communicate(timeout=30)


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Callable[..., Rows]]:
    """Put a question to a Datasette that was started as the page says."""
    (started,) = [each for each in commands("datasette") if "--get" not in each]
    with datasette(folder, *started) as fetch:

        def rows(question: str, **values: str) -> Rows:
            found: Rows = json.loads(fetch(f"/mail/{question}.json", _shape="array", **values))
            return found

        yield rows


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        run(folder, "report", "--db", "trial.db", "--campaign", CAMPAIGN, "--json").out
    )
    return found


def test_datasettes_figures_are_the_reports(ask: Callable[..., Rows], said: dict[str, Any]) -> None:
    figures = {
        (row["kind"], row["counted"]): {"unique": row["messages"], "total": row["total"]}
        for row in ask("figures")
    }
    assert figures == {
        ("open", "people"): said["opens"],
        ("open", "machines"): said["machine_opens"],
        ("open", "unknown"): said["unknown_opens"],
        ("click", "people"): said["clicks"],
        ("click", "machines"): said["machine_clicks"],
        ("click", "unknown"): said["unknown_clicks"],
    }


def test_what_was_set_aside_is_what_the_report_says(ask: Callable[..., Rows], said: dict[str, Any]) -> None:
    assert {
        (row["verdict"], row["reason"], row["opens"], row["clicks"], row["messages"])
        for row in ask("why_set_aside")
    } == {
        (each["label"], each["reason"], each["opens"], each["clicks"], each["messages"])
        for each in said["set_aside"]
    }


def test_programs_are_the_reports_mail_clients(ask: Callable[..., Rows], said: dict[str, Any]) -> None:
    of_one_device = [row for row in ask("programs") if row["program"] == "Gmail"]
    assert [(row["program"], row["people"]) for row in of_one_device] == [
        (each["name"], each["people"]) for each in said["clients"] if each["name"] == "Gmail"
    ]


def test_who_clicked_a_link(ask: Callable[..., Rows], said: dict[str, Any], folder: Path) -> None:
    (link,) = [each for each in said["links"] if each["text"] == "Link 2"]
    rows = ask("who_clicked", link="Link 2")
    silent = [row for row in people(folder) if row["recipient"] is None]
    assert 0 < len(rows) <= link["clicks"]["unique"] <= len(rows) + len(silent)
    assert all(re.fullmatch(r"reader\d+@example\.com", row["recipient"]) for row in rows)


def people(folder: Path) -> Rows:
    ran = run(folder, "export", "--people", "--db", "trial.db", "--format", "jsonl")
    return [json.loads(line) for line in ran.out.splitlines()]


def test_the_other_questions_say_of_people_what_the_export_does(
    ask: Callable[..., Rows], folder: Path, said: dict[str, Any]
) -> None:
    named = [row for row in people(folder) if row["recipient"] is not None]
    assert len(ask("opened_not_clicked")) == sum(row["opened"] and not row["clicked"] for row in named)
    assert {row["recipient"] for row in ask("faithful")} == {
        row["recipient"] for row in named if row["opened"] or row["clicked"]
    }
    assert sum(row["opens"] for row in ask("hours")) == said["opens"]["total"]
    both = [
        row for row in people(folder) if row["first_open"] and (row["first_click"] or "") >= row["first_open"]
    ]
    assert sum(row["people"] for row in ask("how_fast")) == len(both) > 0


def test_every_question_is_on_the_page_and_answers(ask: Callable[..., Rows]) -> None:
    questions = json.loads((EXAMPLE / "metadata.json").read_text())["databases"]["mail"]["queries"]
    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE) == [*questions]
    for question in questions:
        assert ask(question, link="") != []


def test_the_page_shows_what_is_printed(folder: Path) -> None:
    ((arguments, shown),) = [(line, shown) for line, shown in COMMANDS if "--get" in line]
    ran = subprocess.run(
        [sys.executable, "-m", *shlex.split(arguments)],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == shown.split()


def test_what_strangers_wrote_is_text_in_datasette(workspace: Workspace, hostile: Path) -> None:
    export(hostile, "-o", "mail.db")
    with datasette(hostile, "-i", "mail.db") as fetch:
        links = json.loads(fetch("/mail/links.json", _shape="array", _sort="link"))
        assert [row["link_text"] for row in links] == list(HOSTILE)
        (person,) = json.loads(fetch("/mail/people.json", _shape="array"))
        assert person["recipient"] == ADDRESS
        page = fetch("/mail/links").decode()
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<img src=x" not in page
