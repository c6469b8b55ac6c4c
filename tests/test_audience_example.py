"""The example of docs/audiences.md, run as it stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from command import clean_environment

from pixeltrack import config, demo

PAGE = (Path(__file__).parents[1] / "docs" / "audiences.md").read_text("utf-8")


def test_the_example_prints_what_the_page_shows(tmp_path: Path) -> None:
    (shown,) = re.findall(r"<!-- example -->\n```console\n(.*?)```", PAGE, re.DOTALL)
    demo.run(
        tmp_path,
        config.load(options={"db": str(tmp_path / "pixeltrack.db")}, environment={}),
        people=1000,
        seed=1,
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    printed = ""
    for command in re.findall(r"^\$ (.*)$", shown, re.MULTILINE):
        ran = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            env=clean_environment(PATH=path),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=True,
        )
        printed += f"$ {command}\n{ran.stdout}"
    assert printed == shown
