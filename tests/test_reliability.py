"""Small versions of what benchmarks/reliability shows, so that none of it is broken unnoticed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RELIABILITY = Path(__file__).parents[1] / "benchmarks" / "reliability"


def show(folder: Path, *arguments: str) -> str:
    """Run subjects as a program; skip where a tool is missing, fail where a promise was broken."""
    done = subprocess.run(
        [sys.executable, RELIABILITY, "--folder", folder, *arguments], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if "skipped: " in done.stdout:
        pytest.skip(done.stdout.partition("skipped: ")[2].strip())
    return done.stdout


def test_kills_under_load_lose_and_double_nothing(tmp_path: Path) -> None:
    assert " 4 kills, " in show(tmp_path, "kill", "--kills=4", "--kill-within=0.4")


def test_a_power_loss_takes_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    assert "4 power losses; " in show(tmp_path, "power", "--cuts=2", "--power-seconds=1")


def test_the_power_losses_show_a_sync_that_is_missing(tmp_path: Path) -> None:
    show(tmp_path, "power", "--cuts=1", "--power-seconds=1", "--weaken=spool")


def test_a_locked_store_delays_no_answer_and_loses_nothing(tmp_path: Path) -> None:
    assert "100 % answered as always" in show(tmp_path, "locked", "--locked-seconds=1")


def test_a_full_disk_delays_no_answer_and_loses_nothing(tmp_path: Path) -> None:
    assert "100 % answered as always" in show(tmp_path, "full", "--full-seconds=1")


def test_a_disk_call_that_fails_breaks_no_promise(tmp_path: Path) -> None:
    show(tmp_path, "ioerror", "--io-parts", "running", "--every-n=32", "--most-n=33")


def test_nearly_right_requests_are_neither_recorded_nor_redirected(tmp_path: Path) -> None:
    show(tmp_path, "fuzz", "--fuzz=4000", "--fuzz-socket=300")


def test_an_unknown_subject_is_said() -> None:
    done = subprocess.run([sys.executable, RELIABILITY, "nothing"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "no such subject: nothing (there are kill, power, " in done.stderr
