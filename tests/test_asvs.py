"""What the ASVS asks for and no other file tests; and that each test that ``docs/asvs.md`` names is there."""

from __future__ import annotations

import ast
import http.client
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from inbox import Copy
from test_security import Served, ask, get, mail, served

__all__ = ["mail", "served"]  # fixtures

ROOT = Path(__file__).parents[1]


def _calls() -> Iterator[tuple[Path, ast.Call, str]]:
    """Yield every call of the package with the dotted name of what is called."""
    for path in (ROOT / "pixeltrack").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                yield path, node, ast.unparse(node.func)


def test_no_shell_and_no_evaluated_text() -> None:
    """1.2.5, 1.3.2, 1.5.2: marshal reads back a nameless file of this very process alone.

    One program is started, this one itself, by a list of arguments that the settings alone fill.
    """
    allowed = {"re.compile", "marshal.loads"}
    wrong = re.compile(r"(^|\.)(eval|exec|compile|system|popen|Popen)$|^(pickle|shelve|yaml|subprocess)\.")
    found = [
        (path.name, name) for path, _call, name in _calls() if wrong.search(name) and name not in allowed
    ]
    assert found == [("eraser.py", "subprocess.Popen")]
    (started,) = [call for _path, call, name in _calls() if name == "subprocess.Popen"]
    assert ast.unparse(started.args[0]) == "self._command"
    assert not {"shell", "executable", "preexec_fn"} & {each.arg for each in started.keywords}
    assert [path.name for path, _call, name in _calls() if name.startswith("marshal.")] == ["listing.py"] * 2


def test_no_weak_hash() -> None:
    """11.4.1."""
    names = {name for _path, _call, name in _calls()}
    assert not [name for name in names if re.search(r"\b(md5|sha1)\b|hashlib\.new", name)]
    assert any(name.endswith("blake2b") for name in names)


def test_secrets_come_from_the_systems_random_source() -> None:
    """11.5.1: what ``random`` makes is simulated or drawn for a sample, never a secret."""
    users = {
        path.relative_to(ROOT / "pixeltrack").as_posix()
        for path in (ROOT / "pixeltrack").rglob("*.py")
        if re.search(r"^\s*(import random|from random)\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert not [name for name in users if not name.startswith("simulate/") and name != "demo.py"]


@pytest.fixture
def paths(mail: list[Copy]) -> list[str]:
    copy = mail[0]
    own = [copy.open, copy.click(1), copy.unsubscribe, copy.preferences]
    known = [re.sub(r"^https?://[^/]+", "", path) for path in own]
    unknown = ["/", "/nothing", "/o/x.gif", "/c/x/1/y", "/u/x", "/p/x"]
    return [*known, *unknown, "/privacy", "/robots.txt", "/healthz", "/metrics"]


def test_every_answer_of_the_collector_has_the_headers_that_browsers_need(
    served: Served, paths: list[str]
) -> None:
    """3.2.1, 3.4.3 to 3.4.6, 4.1.1, 14.3.2: in both lanes, whatever is asked for."""
    slow = {"X-Forwarded-For": "192.0.2.1", "Cookie": "a=b"}  # not for the fast lane
    for path, method, more in product(paths, ("GET", "HEAD", "POST", "OPTIONS"), ({}, slow)):
        connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
        connection.request(method, path, headers=more)
        answer = connection.getresponse()
        headers, body = answer.headers, answer.read()
        connection.close()
        policy = headers["Content-Security-Policy"]
        assert {"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in headers["Cache-Control"]
        if body:
            kind = headers["Content-Type"]
            assert kind == "image/gif" or kind.startswith(("text/", "application/json"))
            assert not kind.startswith("text/") or "charset=utf-8" in kind, (path, kind)


def test_trace_is_refused(served: Served, paths: list[str]) -> None:
    """13.4.4."""
    for path in paths:
        answer = ask(served.port, get(path).replace(b"GET", b"TRACE", 1))
        assert answer
        assert answer[0] in (404, 405) or path.startswith("/o/")
        assert b"TRACE" not in answer[2]


def test_no_answer_names_a_version(served: Served, paths: list[str]) -> None:
    """13.4.6."""
    for path in paths:
        answer = ask(served.port, get(path))
        assert answer
        assert not re.search(r"\d", answer[1].get("Server", ""))
        assert "X-Powered-By" not in answer[1]


def test_every_item_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "asvs.md").read_text("utf-8")
    rows = re.findall(r"^\| (\d+\.[^|]+) \|[^|]+\|(.*)\|$", page, re.MULTILINE)
    assert len(rows) > 40
    for item, row in rows:
        named = re.findall(r"`(test_\w+)::(\w+)`", row)
        assert named, item
        for file, test in named:
            assert f"def {test}(" in (ROOT / "tests" / f"{file}.py").read_text("utf-8"), (
                f"{item}: {file}::{test}"
            )
