"""Imports go one way, and each dependency has its door: read from the imports themselves."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "pixeltrack"

# From the ground up. A module may import from its own floor and those below.
FLOORS = [
    {
        "errors",
        "model",
        "rates",
        "chances",
        "differences",
        "clock",
        "flatjson",
        "memory",
        "retention",
        "steps",
    },
    {
        "minting",
        "tokens",
        "urls",
        "markup",
        "hrefs",
        "destinations",
        "utm",
        "links",
        "source",
        "template",
        "texts",
        "mime",
        "message",
        "headers",
        "edits",
        "copies",
        "copytokens",
        "measured",
        "rewrite",
        "lint",
        "audit",
        "longlines",
        "proofs",
        "rulebook",
        "rulefile",
        "rules",
        "bots",
        "agents",
        "classify",
        "manytokens",
        "judging",
        "headerflags",
        "accesslog",
        "nginxmap",
        "consent",
        "ledger",
        "standing",
        "trail",
        "residues",
        "packed",
        "figures",
        "replay",
        "remembered",
        "netlabel",
        "times",
        "count",
        "counted",
        "timeline",
        "formula",
        "split",
        "abfigures",
        "providers",
        "estimates",
        "cells",
        "alarm",
        "published",
        "moments",
        "objection",
        "money",
        "attribution",
        "orders",
        "earned",
        "shares",
        "signing",
        "uploads",
        "marks",
        "sitecalls",
        "feedback",
        "reached",
    },
    {
        "resources",
        "config",
        "keyfile",
        "recipients",
        "listing",
        "consentlist",
        "looks",
        "languages",
        "pages",
        "personalize",
        "folder",
        "networks",
        "signals",
        "output",
        "store",
        "refusals",
        "setup",
        "terms",
        "disclosure",
        "notice",
        "noticetext",
        "register",
        "screening",
        "logfile",
        "sockets",
        "feedfile",
    },
    {
        "compile",
        "formats",
        "sinks",
        "handout",
        "delivery",
        "single",
        "addressed",
        "undo",
        "manifest",
        "placing",
        "inject",
        "groups",
        "metrics",
        "peers",
        "dayhash",
        "headerfacts",
        "spool",
        "recorder",
        "recording",
        "linktable",
        "pixel",
        "visits",
        "siteasks",
        "snippets",
        "sitehits",
        "sitesaid",
        "orderfile",
        "ordering",
        "seen",
        "pool",
        "answers",
        "noticepage",
        "asker",
        "preferences",
        "ownrights",
        "eraser",
        "personal",
        "collector",
        "doctor",
        "logclients",
        "loghits",
        "ingest",
        "follow",
        "verdicts",
        "reclassify",
        "explain",
        "repeated",
        "rollups",
        "erasing",
        "purging",
        "heard",
        "breakdown",
        "together",
        "converted",
        "earnings",
        "funnel",
        "inactive",
        "properties",
        "who",
        "segments",
        "meantlinks",
        "composing",
        "report",
        "export",
        "ab",
        "compare",
        "person",
        "held",
        "rights",
        "leftovers",
        "restoring",
        "feedmatch",
        "outcomes",
        "feedimport",
        "webhooks",
    },
    {
        "serve",
        "fastlane",
        "channel",
        "task",
        "listener",
        "loop",
        "parser",
        "reload",
        "workers",
        "wsgi",
        "logs",
        "show",
        "dashboard",
        "simulate",
        "demo",
        "cli",
        "__main__",
    },
]
DOORS = {
    "bs4": {"audit"},
    "publicsuffixlist": {"destinations"},
    "sqlite3": {"store"},
    "sqlite_utils": {"store"},
    "jinja2": {"looks", "personalize"},
    "waitress": {"parser", "serve", "fastlane", "channel", "task", "listener", "loop", "dashboard"},
    "rich": {"show", "cli"},
    "click": {"cli"},
    "ua_parser": {"agents"},
    "is_bot": {"bots"},
    "pyarrow": {"export"},
    "maxminddb": {"networks"},
}


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path: Path) -> str:
    """The module or subpackage right below pixeltrack that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            if node.module == "pixeltrack":
                found |= {f"pixeltrack.{alias.name}" for alias in node.names}
    return found


def floor(name: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if name in rooms)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_down_and_through_the_doors(path: Path) -> None:
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top == "pixeltrack" and rest:
            assert floor(rest.split(".")[0]) <= floor(room(path)), f"{name} is above {room(path)}"
        if top in DOORS:
            assert room(path) in DOORS[top], f"{top} has no door in {room(path)}"


def test_no_module_has_become_two() -> None:
    assert not [str(path) for path in modules() if len(path.read_text("utf-8").splitlines()) > 360]
