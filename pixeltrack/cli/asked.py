"""What ``inject`` was asked for, but for what its links and messages are to be like."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pixeltrack.cli.versions import Drawn
from pixeltrack.errors import InputError
from pixeltrack.sinks import Format
from pixeltrack.terms import Asked as Modes


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
    modes: Modes
    drawn: Drawn | None = None
    only_new: bool = False
    skip_bounced: bool = False
    audience: str | None = None

    def name(self, path: Path) -> str:
        """Return what the campaign of a mail is called; raise InputError for a name that cannot be one."""
        given = self.campaign
        name = given if given is not None else "stdin" if str(path) == "-" else path.absolute().stem
        name = name.strip()
        if not name or len(name) > 100 or not name.isprintable():
            raise InputError(
                f"campaign name {name!r} is not usable",
                hint="give 1 to 100 printable characters with --campaign",
            )
        return name

    def folder(self, path: Path, *, several: bool) -> Path:
        """Return the folder that a mail's copies go to, which may be one of several."""
        name = self.name(path)
        folder = folder_name(f"{name}-test" if self.test else name)
        if self.out is None:
            return Path("out") / folder
        return self.out / folder if several else self.out


def folder_name(campaign: str) -> str:
    """Return what the folder of a campaign is called where no other name was given."""
    name = re.sub(r"[^\w.-]+", "-", campaign).strip(".-") or "campaign"
    return name.encode()[:200].decode(errors="ignore")  # what a file system takes, with room for ".partial"
