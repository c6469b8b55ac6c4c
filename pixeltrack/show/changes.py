"""Every span that an injection changes, as it was and as it becomes."""

from __future__ import annotations

import re
from bisect import bisect_right

from rich.console import Console
from rich.text import Text

from pixeltrack.edits import Change
from pixeltrack.rewrite import Plan
from pixeltrack.show.text import clean

_LIMIT = 2_000
_LINE_END = re.compile(r"\r\n|\r|\n")
_SOFT_BREAK = re.compile(r"=\r?\n")  # of quoted-printable, which our own text stands between


def show_changes(console: Console, plan: Plan, changed: tuple[Change, ...]) -> None:
    """Print a mail's changes; what is different in each copy stands as ``<token>``."""
    starts = [0, *(found.end() for found in _LINE_END.finditer(plan.source.view))]
    name = clean(plan.source.name)
    console.print(Text(f"--- {name}\n+++ {name}, injected", "bold"))
    for change in changed:
        line = bisect_right(starts, change.start)
        column = change.start - starts[line - 1] + 1
        console.print(Text(f"@@ line {line}, column {column} @@", "cyan"))
        if change.was:
            console.print(Text(f"- {clean(plan.source.text(change.was), _LIMIT)}", "red"), soft_wrap=True)
        slot = "" if change.slot is None else "<token>" if change.slot != "to" else "<address>"
        becomes = "".join(_SOFT_BREAK.sub("", part) for part in (change.before, slot, change.after))
        if becomes:
            console.print(Text(f"+ {clean(becomes, _LIMIT)}", "green"), soft_wrap=True)
    count = len(changed)
    console.print(Text(f"{count} change{'' if count == 1 else 's'}; every other byte stays", "dim"))
