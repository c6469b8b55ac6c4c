"""How a verdict came about: every rule that was asked, what it found, and what that was worth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from pixeltrack.judging import signs
from pixeltrack.judging.decision import Judge
from pixeltrack.judging.values import Context, Fact, Label, Verdict
from pixeltrack.model import EventKind, Flag

Answer = Literal["yes", "no", "silent"]
_SILENT = {
    "sent": "the time of sending is not known",
    "headers": "the headers were not looked at",
    "address": "the address is not known",
}


class Step(NamedTuple):
    """One rule. ``decides`` is set for one that decides alone, ``points`` for the others.

    ``answer`` is silent where what it needs is not known; ``why`` says what that is.
    """

    code: str
    asks: str
    answer: Answer
    decides: Label | None
    points: int | None
    why: str


def trail(
    judge: Judge, hits: Sequence[Fact], place: int, context: Context, spread_events: Collection[int]
) -> tuple[Verdict, list[Step]]:
    """Return the verdict on one hit of a message, and the rules in the order in which they were asked.

    ``hits`` are all of the message, in order of time. Behind a rule that decides nothing more is asked.
    """
    found, shown = judge.weigh(hits, context, spread_events)
    alone, bits, hit = found[place], shown[place], hits[place]
    kind = "click" if hit.kind == EventKind.CLICK else "open"
    known = {
        "": True,
        "sent": context.sent is not None,
        "headers": bool(hit.flags & Flag.HEADERS),
        "address": bool(hit.address),
    }
    steps = []
    for sign in (*signs.DECISIVE, *signs.WEIGHED):
        fired = bool(bits & sign.bit)
        if sign.on not in ("", kind):
            continue
        silent = not fired and not known[sign.needs]
        steps.append(
            Step(
                judge.code(sign, alone) if fired else sign.code,
                sign.asks,
                "yes" if fired else "silent" if silent else "no",
                sign.label,
                judge.points.get(sign.bit),
                _SILENT[sign.needs] if silent else "",
            )
        )
        if fired and sign.label:
            break
    return judge.decide(alone, bits), steps
