"""What is shipped: the wheel is built, installed alone in a fresh environment, and run."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value for name, value in os.environ.items() if not name.startswith(("PIXELTRACK_", "PYTHON"))
    }
    return subprocess.run(
        [*map(str, command)], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = run(sys.executable, "-m", "build", "--wheel", "--outdir", folder, ROOT, cwd=folder)
    if built.returncode:
        _absent(f"the wheel cannot be built here: {built.stderr[-300:]}")
    (path,) = folder.glob("*.whl")
    return path


def _absent(reason: str) -> None:
    """Without a package index there is nothing to install from; with one, a failure is a failure."""
    if "Could not find a version" in reason or "onnection" in reason:
        pytest.skip(reason)
    pytest.fail(reason)


def test_the_wheel_holds_pages_rules_queries_and_the_example(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "pixeltrack/templates/pages/unsubscribe.html" in names
    assert "pixeltrack/templates/report/report.html" in names
    assert "pixeltrack/examples/spring-sale/campaign.html" in names
    assert "pixeltrack/store/schema/0001_foundation.sql" in names
    assert "pixeltrack/store/queries/put_event.sql" in names
    assert "pixeltrack/rules.toml" in names
    assert "pixeltrack/networks/data/ms-eop.txt" in names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]


def test_the_wheel_runs_the_main_job_in_a_fresh_environment(wheel: Path, tmp_path: Path) -> None:
    assert run(sys.executable, "-m", "venv", tmp_path / "env", cwd=tmp_path).returncode == 0
    pip = run(tmp_path / "env/bin/pip", "install", "-q", wheel, cwd=tmp_path)
    if pip.returncode:
        _absent(f"pip cannot install: {pip.stderr[-300:]}")
    demo = run(tmp_path / "env/bin/pixeltrack", "demo", "--recipients", "60", cwd=tmp_path)
    assert demo.returncode == 0, demo.stderr
    assert "the report equals them" in demo.stderr


def test_an_editable_install_finds_the_templates_of_the_checkout() -> None:
    from pixeltrack import resources

    assert resources.templates_dir() == ROOT / "templates"
    assert resources.examples_dir() == ROOT / "examples"
