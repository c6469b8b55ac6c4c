"""What ``inject`` was asked for, but for what its links and messages are to be like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pixeltrack.cli.versions import Drawn
from pixeltrack.sinks import Format


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for."""

    source: Path
    list_file: str | None
    campaign: str | None
    out: Path | None
    format: Format | None
    esp: str | None
    merge_tag: str | None
    merge_twins: bool
    resume: bool
    force: bool
    test: bool
    as_json: bool
    manifest: Path | None
    drawn: Drawn | None = None
    only_new: bool = False
