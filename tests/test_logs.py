"""The log has one line an event whatever is in it (security rule S11), and nobody's token."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import pytest
from command import clean_environment

from pixeltrack.logs import JsonFormatter, TextFormatter

FORMATTERS = {"text": TextFormatter(), "json": JsonFormatter()}
HOSTILE = ["\r\n", '\n{"level": "error"}', "\x1b[31m", "\x00", "\x85", "\u2028", "\u202e", "\udcff", 'é"\\']


def record(message: str, *values: object, error: BaseException | None = None) -> logging.LogRecord:
    caught = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("pixeltrack.x", logging.ERROR, "x.py", 1, message, values, caught)


def raised(text: str) -> BaseException:
    try:
        raise ValueError(text)
    except ValueError as error:
        return error


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_s11_an_event_is_one_line_whatever_is_in_it(form: str, hostile: str) -> None:
    event = record(f"a{hostile}b %s", f"c{hostile}d", error=raised(f"e{hostile}f"))
    event.name = f"pixeltrack.{hostile}" if form == "json" else event.name
    line = FORMATTERS[form].format(event)
    assert len(line.splitlines()) == 1
    assert line.isprintable()
    line.encode("utf-8")  # and can be written
    if form == "json":
        value = json.loads(line)
        assert value["message"] == f"a{hostile}b c{hostile}d"
        assert value["traceback"].endswith(f"ValueError: e{hostile}f")
        assert set(value) == {"time", "level", "logger", "process", "message", "traceback"}
        assert value["level"] == "error"


@pytest.mark.parametrize("form", FORMATTERS)
@pytest.mark.parametrize(
    "path",
    ["/o/abcdefgh/SECRET.gif", "/c/abcdefgh/1/SECRET", "/c/abcdefgh/1/h.example~SECRET/x", "/u/SECRET"],
)
def test_s11_no_token_is_in_the_log(form: str, path: str) -> None:
    line = FORMATTERS[form].format(
        record("Client disconnected while serving %s", path, error=raised(f"GET {path!r} failed"))
    )
    assert "SECRET" not in line
    assert "Client disconnected while serving /" in line


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_command_logs_in_the_form_that_was_asked_for(form: str, tmp_path: Path) -> None:
    code = (
        "import logging, sys; from pixeltrack import logs\n"
        f"logs.start({form!r}, verbose=False)\n"
        "logging.getLogger('waitress').warning('one\\ntwo')\n"
        "logging.getLogger('pixeltrack').info('not asked for')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert ("one\\ntwo" in line) and (json.loads(line)["message"] == "one\ntwo" if form == "json" else True)


def test_an_unknown_form_is_wrong_use(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pixeltrack", "serve", "--log-format", "xml"],
        cwd=tmp_path,
        env=clean_environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
