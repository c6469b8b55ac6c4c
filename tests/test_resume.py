"""Long runs: interrupted anywhere, resumed to the same bytes, and nothing half-written in between."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import clean_environment, run, snapshot
from conftest import MAIL, Inject

from pixeltrack import inject as job
from pixeltrack.errors import InputError, Interrupted
from pixeltrack.output import Output, interrupted_at

LIST = [f"p{number}@example.com" for number in range(1, 51)]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(job, "_CHECKPOINT", 10)


def _stop_at(count: int, how: type[BaseException] = KeyboardInterrupt):
    def progress(done: int) -> None:
        if done == count:
            raise how

    return progress


def _content(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("format_", ["html", "jsonl", "recipe"])
@pytest.mark.parametrize("stopped", [10, 25, 50])
def test_a_resumed_run_gives_the_same_bytes(inject: Inject, format_: str, stopped: int):
    whole = _content(inject(*LIST, format=format_).out)
    with pytest.raises(Interrupted, match=f"interrupted after {stopped // 10 * 10} copies"):
        inject(*LIST, format=format_, campaign="again", progress=_stop_at(stopped))
    resumed = inject(*LIST, format=format_, campaign="again", resume=True)
    assert resumed.resumed == stopped // 10 * 10
    fresh = inject(*LIST, format=format_, campaign="again")
    assert _content(resumed.out) == _content(fresh.out)
    assert [*_content(resumed.out)] == [
        name for name in map(str, _content(resumed.out)) if "progress" not in name
    ]
    assert len(whole) == len(_content(resumed.out))


def test_nothing_is_published_or_stored_by_an_interrupted_run(inject: Inject, workspace, tmp_path: Path):
    with pytest.raises(Interrupted):
        inject(*LIST, progress=_stop_at(25))
    assert not (tmp_path / "out" / "spring").exists()
    assert workspace.store.campaigns() == []


def test_before_the_first_checkpoint_nothing_is_left(inject: Inject, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        inject(*LIST, progress=_stop_at(9))
    assert not (tmp_path / "out").exists()


def test_what_is_left_is_of_another_mail_list_or_setting(inject: Inject):
    with pytest.raises(Interrupted):
        inject(*LIST, progress=_stop_at(25))
    for changed in ({"mail": MAIL + b"x"}, {"policy": "required"}, {"format": "jsonl"}):
        with pytest.raises(InputError, match="of another mail, list or setting"):
            inject(*LIST, resume=True, **changed)
    with pytest.raises(InputError, match="of another mail, list or setting"):
        inject(*LIST[:-1], resume=True)
    assert inject(*LIST, resume=True).resumed == 20


def test_without_resume_it_starts_over_and_clears_away(inject: Inject, tmp_path: Path):
    with pytest.raises(Interrupted):
        inject(*LIST, progress=_stop_at(25))
    assert inject(*LIST).resumed == 0
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["spring"]


def test_resume_without_anything_to_resume_is_a_whole_run(inject: Inject):
    assert inject(*LIST, resume=True).messages == 50


@pytest.mark.parametrize(
    ("format_", "name"),
    [(("jsonl",), "messages.jsonl"), (("mbox", "--from", "a@b.example", "--subject", "x"), "messages.mbox")],
    ids=["jsonl", "mbox"],
)
def test_a_killed_command_is_resumed_by_the_same_command(tmp_path: Path, format_: tuple[str, ...], name: str):
    """The real program, its real steps of 10,000, and a signal that nothing can catch."""
    (tmp_path / "mail.html").write_bytes(MAIL)
    with (tmp_path / "list.csv").open("w") as file:
        file.write("email\n")
        file.writelines(f"p{number}@example.com\n" for number in range(45_000))
    argv = ("inject", "mail.html", "--recipients", "list.csv", "--format", *format_)
    started = subprocess.Popen(
        [sys.executable, "-m", "pixeltrack", *argv], cwd=tmp_path, env=clean_environment()
    )
    while not list(tmp_path.glob("out/.mail.partial-*/progress.json")):
        assert started.poll() is None, "the run was over before it could be killed"
        time.sleep(0.002)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not (tmp_path / "out" / "mail").exists()
    time.sleep(1)  # so that a date of now would be another one
    ran = run(tmp_path, *argv, "--resume")
    assert ran.code == 0, ran.err
    assert "resumed after " in ran.out
    resumed = (tmp_path / "out" / "mail" / name).read_bytes()
    assert resumed.count(b"p44999@example.com") == 1
    assert run(tmp_path, *argv, "--force").code == 0
    assert (tmp_path / "out" / "mail" / name).read_bytes() == resumed
    assert not [name for name in snapshot(tmp_path) if "partial" in name]


def test_an_interrupted_run_is_found_beside_a_folder_with_brackets_in_its_name(tmp_path: Path):
    folder = tmp_path / "a[1]"
    with pytest.raises(Interrupted), Output(folder, "same", started=7) as output:
        output.checkpoint(1)
        raise KeyboardInterrupt
    assert interrupted_at(folder) == 7
