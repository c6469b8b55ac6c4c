"""Whether one recipient's mail is tracked: one pure decision, with its reason."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from pixeltrack.model import Consent, Scope

Policy = Literal["assumed", "required"]
Outcome = Literal["tracked", "untracked", "suppressed"]


NOT_ASKED = "no consent on record"


class Mode(NamedTuple):
    """``untracked`` is a copy with the original links and no pixel; ``suppressed`` gets no mail."""

    outcome: Outcome
    reason: str


@cache
def decide(policy: Policy, consent: Consent, opt_outs: frozenset[Scope]) -> Mode:
    """Return the mode of one recipient; the most restrictive setting wins.

    policy "required" tracks only a recorded grant (GDPR art. 7, ePrivacy art. 5(3)); "assumed"
    tracks everybody who has not refused. An opt-out, which is the person's own act, beats the list.
    """
    if "all" in opt_outs:
        return Mode("suppressed", "unsubscribed")
    if "tracking" in opt_outs:
        return Mode("untracked", "stopped tracking")
    if consent == "denied":
        return Mode("untracked", "consent denied")
    if consent == "unknown" and policy == "required":
        return Mode("untracked", NOT_ASKED)
    return Mode("tracked", "consent granted" if consent == "granted" else "not refused")
