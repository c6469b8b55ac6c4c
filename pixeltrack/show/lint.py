"""What lint has found, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from pixeltrack.lint import Finding
from pixeltrack.show.text import clean

_STYLES = {"warning": "yellow", "note": "cyan"}


class Checked(NamedTuple):
    """One mail that was looked at. copy_bytes is about what the HTML of one recipient's copy has."""

    file: str
    links: int
    html_bytes: int
    copy_bytes: int
    findings: tuple[Finding, ...]


def findings_json(checked: Sequence[Checked]) -> str:
    """Return an array with an object for each mail."""
    values = [
        each._asdict() | {"findings": [asdict(finding) for finding in each.findings]} for each in checked
    ]
    return json.dumps(values, indent=2, ensure_ascii=False)


def said(finding: Finding) -> str:
    """Return a finding as one sentence, for a line among others."""
    where = "" if finding.line is None else f"line {finding.line}: "
    return f"{where}{clean(finding.message, 400)}; {finding.hint}"


def show_findings(console: Console, checked: Sequence[Checked]) -> None:
    """Print each mail with its findings, and how many there are in all."""
    for number, each in enumerate(checked):
        if number:
            console.print()
        console.print(Text.assemble((clean(each.file), "bold"), f"  {_size(each)}"), soft_wrap=True)
        if each.findings:
            console.print(_table(each.findings))
    severities = [finding.severity for each in checked for finding in each.findings]
    counts = [
        f"{number} {severity}{'' if number == 1 else 's'}"
        for severity in ("warning", "note")
        if (number := severities.count(severity))
    ]
    files = "" if len(checked) == 1 else f" in {len(checked)} mails"
    console.print()
    console.print(Text((" and ".join(counts) or "no findings") + files))


def _size(each: Checked) -> str:
    links = f"{each.links} link{'' if each.links == 1 else 's'}"
    if not each.html_bytes:
        return links
    return f"{links}, {each.html_bytes:,} bytes of HTML, about {each.copy_bytes:,} in a copy"


def _table(findings: Sequence[Finding]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold", ratio=1)
    for finding in findings:
        table.add_row(
            Text(f"  {finding.severity}", _STYLES[finding.severity]),
            "" if finding.line is None else f"line {finding.line}",
            Group(Text(clean(finding.message, 400)), Text(f"{finding.hint}  [{finding.rule}]", style="dim")),
        )
    return table
