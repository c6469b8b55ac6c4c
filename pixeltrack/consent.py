"""Whether one recipient's mail is tracked: one pure decision, with its reason."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from pixeltrack.ledger import NOTHING, Recorded
from pixeltrack.model import Consent, Scope

Policy = Literal["assumed", "required"]
Outcome = Literal["tracked", "untracked", "suppressed"]


NOT_ASKED = "no consent on record"


class Mode(NamedTuple):
    """``untracked`` is a copy with the original links and no pixel; ``suppressed`` gets no mail."""

    outcome: Outcome
    reason: str


@cache
def decide(policy: Policy, listed: Consent, opt_outs: frozenset[Scope], recorded: Recorded = NOTHING) -> Mode:
    """Return the mode of one recipient; the most restrictive of list, ledger and opt-outs wins.

    policy "required" tracks only a recorded grant (GDPR art. 7, ePrivacy art. 5(3)); "assumed"
    tracks everybody who has not refused. An opt-out, which is the person's own act, beats both list
    and ledger. What one of these does not say, the other may: a blank changes nothing. A copy has both
    the pixel and tracked links, or neither, so both purposes are needed.
    """
    if "all" in opt_outs:
        return Mode("suppressed", "unsubscribed")
    if "tracking" in opt_outs:
        return Mode("untracked", "stopped tracking")
    if own := opt_outs & {"opens", "clicks"}:
        return Mode("untracked", "stopped tracking" if len(own) == 2 else f"stopped tracking of {min(own)}")
    if recorded.refuses:
        opens, clicks = recorded.opens == "denied", recorded.clicks == "denied"
        which = "" if opens and clicks else "opens " if opens else "clicks "
        return Mode("untracked", f"{which}refused in the ledger")
    if listed == "denied":
        return Mode("untracked", "consent denied")
    if listed == "granted":
        return Mode("tracked", "consent granted")
    granted = [recorded.opens, recorded.clicks].count("granted")
    if granted == 2:
        return Mode("tracked", "consent granted in the ledger")
    if policy == "assumed":
        return Mode("tracked", "not refused")
    if granted:
        return Mode(
            "untracked", f"only {'opens' if recorded.opens == 'granted' else 'clicks'} granted in the ledger"
        )
    return Mode("untracked", NOT_ASKED)
