"""Audiences: their conditions in words, how many people they have, and who is left out."""

from __future__ import annotations

from typing import Any

from pixeltrack.attribution import say_length
from pixeltrack.segments import Allowed, Condition, Found, Segment
from pixeltrack.show.text import clean

_DID = {
    "opened": ("opened a mail", "opened no mail"),
    "clicked": ("clicked", "did not click"),
    "viewed": ("saw", "did not see"),
    "converted": ("reached", "did not reach"),
}


def words(segment: Segment) -> str:
    """Return what an audience asks for, in words."""
    said = [_word(each) for each in segment.conditions]
    said += [f"in audience {name}" for name in segment.also]
    said += [f"not in audience {name}" for name in segment.without]
    text = " and ".join(said) or "got its mail"
    if segment.campaign:
        text += f", of the mail of {clean(segment.campaign)} alone"
    if segment.within is not None:
        text += f", in the last {say_length(segment.within)}"
    return text + (", unverified goals, too" if segment.unverified else "")


def _word(condition: Condition) -> str:
    did = _DID[condition.what][condition.negated]
    if condition.what == "opened":
        return did
    if condition.what == "clicked":
        of = condition.of or ("any link" if condition.negated else "a link")
        return f"{did} {'link ' if of.isdecimal() else ''}{clean(of)}"
    return f"{did} {'goal ' if condition.what == 'converted' else 'page '}{clean(condition.of)}"


def asked(name: str, segment: Segment) -> dict[str, Any]:
    """Return an audience's conditions for JSON."""
    return {
        "audience": name,
        "says": words(segment),
        "conditions": [
            {"what": each.what, "of": each.of, "not": each.negated} for each in segment.conditions
        ],
        "campaign": segment.campaign or None,
        "within_ms": segment.within,
        "and": list(segment.also),
        "not": list(segment.without),
        "unverified": segment.unverified,
    }


def counts(found: Found, may: Allowed) -> dict[str, Any]:
    """Return how many people there are, for JSON; ``exportable`` and ``left_out`` add up to ``people``."""
    return {
        "people": len(found.people),
        "exportable": len(may.people),
        "left_out": may.left_out,
        "unnamed": found.reasons,
        "counted_together": found.together,
    }


def lines(name: str, segment: Segment, found: Found, may: Allowed) -> list[str]:
    """Return an audience for a terminal."""
    rows = [("people", len(found.people)), ("of these agreed to retargeting", len(may.people))]
    rows += [(f"left out: {why}", count) for why, count in may.left_out.items()]
    told = [(why, count) for why, count in found.reasons.items()]
    width = max(len(what) for what, _count in rows + told)
    shown = [f"{name}: {words(segment)}", *_table(rows, width)]
    if told:
        shown += ["Not told of by name, so in no audience:", *_table(told, width)]
    return shown + together(found)


def left_out(found: Found, may: Allowed) -> list[str]:
    """Return who is not in a file, for talk beside it."""
    shown = [f"left out: {count:,} {why}" for why, count in may.left_out.items()]
    shown += [
        f"not told of by name, so in no audience: {count:,} {why}" for why, count in found.reasons.items()
    ]
    return shown + together(found)


def together(found: Found) -> list[str]:
    """Return what is said of mail of which nobody knows who got it."""
    if not found.together:
        return []
    return [f"{found.together:,} copies are of mail that is counted together: whose, nobody knows."]


def _table(rows: list[tuple[str, int]], width: int) -> list[str]:
    digits = max(len(f"{count:,}") for _what, count in rows)
    return [f"  {what:<{width}}  {count:>{digits},}" for what, count in rows]
