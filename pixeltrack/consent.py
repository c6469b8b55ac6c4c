"""How much may be measured of one recipient's mail: one pure decision, with its reason.

Opens and clicks are two axes, each decided by ``narrowed``. ``inject`` decides for a copy, the collector
for a hit of it, and the preferences page says what is collected now: all by the same function. Everything
that is said can only narrow what the campaign may have at most.
"""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

from pixeltrack.ledger import NOTHING, Recorded
from pixeltrack.model import RANK, Axis, Consent, Mode, Scope

Policy = Literal["assumed", "required"]
Outcome = Literal["tracked", "untracked", "suppressed"]

NOT_ASKED = "no consent on record"
FREE = "needs no consent"
NO_SCOPES: frozenset[Scope] = frozenset()


class Rules(NamedTuple):
    """What a campaign may have at most, and what holds for who has not said anything.

    ``free`` are the modes that need no consent; ``without`` is what people get who have given none.
    """

    policy: Policy
    opens: Mode = "individual"
    clicks: Mode = "individual"
    without: Mode = "off"
    free: frozenset[Mode] = frozenset()


class Said(NamedTuple):
    """What is known of one person's will: from the list, the ledger, and their own opt-outs."""

    opens: Consent = "unknown"  # on the list
    clicks: Consent = "unknown"
    recorded: Recorded = NOTHING
    opt_outs: frozenset[Scope] = NO_SCOPES


class Decision(NamedTuple):
    """What one recipient gets.

    ``untracked`` is a copy with the original links and no pixel; ``suppressed`` gets no mail.
    """

    outcome: Outcome
    opens: Mode
    clicks: Mode
    reason: str


def least(*modes: Mode) -> Mode:
    """Return the most restrictive of some modes."""
    return min(modes, key=RANK.__getitem__)


def narrowed(ceiling: Mode, *, refused: bool, allowed: Mode = "individual", signal: bool = False) -> Mode:
    """Return what may be measured on one axis; never more than the ceiling.

    allowed is what there is consent for, or needs none. signal says that the browser asked not to be
    followed (Global Privacy Control, Do Not Track): then it is counted at most together with all others.
    """
    if refused:
        return "off"
    return least(ceiling, allowed, "aggregate") if signal else least(ceiling, allowed)


@cache
def decide(rules: Rules, said: Said) -> Decision:
    """Return how much is measured of one recipient's copy; whoever says least has the last word.

    Policy "required" measures by person only with a grant (GDPR art. 7, ePrivacy art. 5(3)); "assumed"
    everybody who has not refused. An opt-out, which is the person's own act, beats both list and
    ledger. What one of these does not say, the other may: a blank changes nothing.
    """
    if "all" in said.opt_outs:
        return Decision("suppressed", "off", "off", "unsubscribed")
    opens, why_opens = _on_axis(rules, said, "opens")
    clicks, why_clicks = _on_axis(rules, said, "clicks")
    if clicks == "hygiene":  # only the day of the last open
        clicks = "off"
    if rules.clicks == "off" or why_opens == why_clicks:
        reason = why_opens
    elif rules.opens == "off":
        reason = why_clicks
    else:
        reason = f"opens: {why_opens}; clicks: {why_clicks}"
    return Decision("untracked" if opens == clicks == "off" else "tracked", opens, clicks, reason)


def _on_axis(rules: Rules, said: Said, axis: Axis) -> tuple[Mode, str]:
    """Return the mode of one axis, and why."""
    ceiling: Mode = getattr(rules, axis)
    listed: Consent = getattr(said, axis)
    recorded: Consent = getattr(said.recorded, axis)
    refusal = (
        "stopped tracking"
        if "tracking" in said.opt_outs or axis in said.opt_outs
        else "refused in the ledger"
        if recorded == "denied"
        else "consent denied"
        if listed == "denied"
        else ""
    )
    if refusal:
        return narrowed(ceiling, refused=True), refusal
    if listed == "granted":
        return narrowed(ceiling, refused=False), "consent granted"
    if recorded == "granted":
        return narrowed(ceiling, refused=False), "consent granted in the ledger"
    if rules.policy == "assumed":
        return narrowed(ceiling, refused=False), "not refused"
    if ceiling in rules.free:
        return narrowed(ceiling, refused=False), FREE
    return narrowed(ceiling, refused=False, allowed=rules.without), NOT_ASKED
