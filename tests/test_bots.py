"""The list of bots that others keep: asked last, about what our own rules leave."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pixeltrack.agents import LISTED, identify, reduce
from pixeltrack.bots import is_bot
from pixeltrack.rules import Client, Machine

WEBKIT = "AppleWebKit/537.36 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    "agent",
    [
        "Wappalyzer",
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {WEBKIT} Chrome/120.0.0.0 Safari/537.36 Siteimprove Scanner",
        "Rogue Search Agent (Linux)",
    ],
)
def test_only_the_list_knows_these(agent: str) -> None:
    assert is_bot(reduce(agent))
    row = identify(reduce(agent))
    assert row is LISTED
    assert isinstance(row, Machine)
    assert row.kind == "crawler"


@pytest.mark.parametrize(
    "agent",
    [
        f"Mozilla/5.0 (Linux; Android 15; RMX3853 Build/AP3A.240617.008; wv) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 9; CUBOT X18 Plus) {WEBKIT} Chrome/131.0.0.0 Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; U; Android 5.0) {WEBKIT} Version/4.0 Mobile Safari/534.30 SogouMSE,SogouMobileBrowser/5.1",
        "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; WOW64; Trident/5.0; chromeframe/19.0)",
        f"Mozilla/5.0 (Linux; Android 10; K) {WEBKIT} Chrome/150.0.0.0 Mobile Safari/537.36 (Ecosia android@150.0.0.0)",
        "okhttp/4.12.0",
        "NewMailApp/1.0",
        "(other)",
        "",
    ],
)
def test_people_whom_the_list_takes_for_bots_are_none(agent: str) -> None:
    for form in (agent, reduce(agent)):
        assert not isinstance(identify(form), Machine)


def test_a_mail_program_is_asked_for_before_the_list() -> None:
    assert isinstance(identify("MailBar/1.3 (Mac OS X Version 10.11)"), Client)


def test_the_list_is_not_imported_before_it_is_asked() -> None:
    code = "import sys, pixeltrack.agents, pixeltrack.collector; print('is_bot' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
