"""What every rewrite must prove before anything is written: undo, second run, independent audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pixeltrack.audit import audit
from pixeltrack.edits import Edit, changes, cut, take_back
from pixeltrack.errors import PixeltrackError, SelfCheckError
from pixeltrack.longlines import Fitted
from pixeltrack.message import decoded_parts
from pixeltrack.rewrite import NAMES, Plan
from pixeltrack.rewrite import plan as html_plan
from pixeltrack.source import Source
from pixeltrack.template import Slot

_HINT = "this is a bug in pixeltrack; nothing was written. Please report the mail that shows it"


@dataclass(frozen=True, slots=True)
class Proof:
    """The checks that a rewrite passed. ``audit`` says in words what the auditor read."""

    undo: bool
    second_run: bool
    audit: str


def prove(
    plan: Plan,
    done: Fitted,
    values: Mapping[Slot, str],
    output: bytes,
    *,
    pixel: bool = True,
    links: bool = True,
) -> Proof:
    """Check one rendered copy against its source; raise SelfCheckError when a proof fails.

    values are the tokens by slot that output was rendered with. pixel and links say what it was to get:
    a second run must find nothing of that to do.
    """
    source, written = plan.source, output
    if done.regions:  # parts that are encoded anew are undone as they are before that
        written = cut(source, done.edits).renderer()(values)
    if not plan.personal and done.regions and decoded_parts(output, done.leaves) != written:
        raise SelfCheckError(f"{source.name}: a part that is encoded anew says something else", hint=_HINT)
    if undo(source, done.edits, values, written) != source.data:
        raise SelfCheckError(f"{source.name}: undoing the edits does not give the mail back", hint=_HINT)
    again = plan.replan(output)
    if (pixel and again.pixel_at is not None) or (links and again.wrapped):
        raise SelfCheckError(f"{source.name}: a second run would change the mail again", hint=_HINT)
    gone = NAMES if plan.policy.strip_labels else ()
    audits = [
        audit(before, after, (_spans(plan, before), _spans(again, after)), plan.policy.owns, gone)
        for before, after in zip(plan.documents, again.documents, strict=True)
    ]
    return Proof(undo=True, second_run=True, audit="; ".join(audits) or "no HTML to read")


def undo(source: Source, edits: Sequence[Edit], values: Mapping[Slot, str], output: bytes) -> bytes:
    """Return output with every edit taken back; raise SelfCheckError where an edit is not in place."""
    known = {str(slot): value for slot, value in values.items()}
    try:
        return take_back(output.decode(source.codec), changes(source, edits), known).encode(source.codec)
    except (PixeltrackError, UnicodeError) as error:
        raise SelfCheckError(f"{source.name}: {error}", hint=_HINT) from None


def _spans(plan: Plan, document: Source) -> list[tuple[int, int]]:
    """Return where the links of one of a mail's documents are."""
    links = plan.links if plan.kind == "html" else html_plan(document, plan.policy).links
    return [(link.start, link.end) for link in links]
