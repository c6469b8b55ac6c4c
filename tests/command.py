"""Run pixeltrack as a person would: argv in; exit code, standard output and standard error out."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pixeltrack.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command left behind for who called it."""

    code: int
    out: str
    err: str
    raw: bytes = b""  # standard output as it was


def clean_environment(**more: str) -> dict[str, str]:
    """The environment without what would configure pixeltrack."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PIXELTRACK_")}
    return kept | more


def run(folder: Path, *argv: str, stdin: bytes = b"", **environment: str) -> Ran:
    """Run a command in this process, through the same ``main`` as the installed program.

    An exception that ``main`` does not turn into an exit code fails the test: users would see a
    traceback.
    """
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True), io.StringIO()
    code = 0
    with (
        chdir(folder),
        mock.patch.object(sys, "argv", ["pixeltrack", *argv]),
        mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))),
        mock.patch.dict(os.environ, clean_environment(**environment), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
    raw = out.buffer.getvalue()  # type: ignore[attr-defined]
    return Ran(code, raw.decode("utf-8", "replace"), err.getvalue(), raw)


def run_process(folder: Path, *argv: str, stdin: bytes = b"", **environment: str) -> Ran:
    """Run a command as a program of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "pixeltrack", *argv],
        cwd=folder,
        env=clean_environment(**environment),
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode(), done.stdout)


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every path below a folder with its mode and content, to see whether anything was written."""
    return {
        str(path.relative_to(folder)): (
            stat.S_IMODE(path.lstat().st_mode),
            path.read_bytes() if path.is_file() else b"",
        )
        for path in sorted(folder.rglob("*"))
    }
