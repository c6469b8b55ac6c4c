"""The versions of a mail that ``inject`` is given, with how they are split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from pixeltrack.lint import Finding
    from pixeltrack.split import Split, VersionFile


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was given."""

    files: tuple[VersionFile, ...]
    split: Split

    @property
    def first(self) -> Path:
        return Path(self.files[0].path)

    def grouped(self, findings: Sequence[tuple[Finding, ...]]) -> Iterator[tuple[str, tuple[Finding, ...]]]:
        """Yield what was found in each version, with what to say before it; in all of them, once."""
        everywhere = [each for each in findings[0] if all(each in others for others in findings)]
        yield "", tuple(everywhere)
        for file, found in zip(self.files, findings, strict=True):
            own = tuple(each for each in found if each not in everywhere)
            yield f"version {file.name}: ", own

    @property
    def campaign(self) -> str:
        """Return what the campaign is called where nobody says it: the files' names."""
        return "-".join(dict.fromkeys(Path(file.path).absolute().stem for file in self.files))[:100]


def read(given: Sequence[str], split: str | None, list_file: str | None, merge_tag: str | None) -> Drawn:
    """Read ``A=a.html B=b.html`` and ``50/50``; raise InputError for what is none, or cannot work."""
    from pixeltrack.split import parse_split, parse_versions

    files = parse_versions(given)
    if not list_file:
        if merge_tag is not None:
            raise InputError(
                "--version and --merge-tag exclude each other: who gets which version is decided for each"
                " recipient",
                hint="give --recipients and --format esp, or make each version a campaign of its own",
            )
        raise InputError(
            "--version needs --recipients", hint="each person on the list gets one of the versions"
        )
    return Drawn(files, parse_split(split, files))
