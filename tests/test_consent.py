"""How much is measured of a recipient: every combination of what can be said, held against another reckoning.

The oracle is written as a heap of restrictions of which the strictest counts; ``consent.decide`` is written as
a chain of cases. Neither knows of the other.
"""

from __future__ import annotations

from itertools import product
from typing import get_args

from pixeltrack.consent import Decision, Policy, Rules, Said, decide, narrowed
from pixeltrack.ledger import Recorded
from pixeltrack.model import MODES, Consent, Mode, Scope

CONSENTS: tuple[Consent, ...] = get_args(Consent)
SCOPES: tuple[Scope, ...] = get_args(Scope)
FREE: list[frozenset[Mode]] = [
    frozenset(),
    frozenset({"aggregate"}),
    frozenset({"aggregate", "company"}),
    frozenset({"aggregate", "company", "hygiene"}),
]
POLICIES: tuple[Policy, ...] = get_args(Policy)
OPT_OUTS = [
    frozenset(scope for scope, is_in in zip(SCOPES, chosen, strict=True) if is_in)
    for chosen in product((False, True), repeat=len(SCOPES))
]
#: Per axis: a policy, a ceiling, what is free, what there is without consent (of that), list, ledger, opt-outs.
ALLOWED = [(free, without) for free in FREE for without in MODES if without == "off" or without in free]
PER_AXIS = list(product(POLICIES, MODES, ALLOWED, CONSENTS, CONSENTS, OPT_OUTS))


def restrictions(
    policy: Policy,
    ceiling: Mode,
    allowed: tuple[frozenset[Mode], Mode],
    listed: Consent,
    recorded: Consent,
    refused: bool,
) -> list[Mode]:
    free, without = allowed
    found: list[Mode] = [ceiling]
    found += ["off"] * (refused or listed == "denied" or recorded == "denied")
    agreed = policy == "assumed" or listed == "granted" or recorded == "granted"
    found += [without] * (not agreed and ceiling not in free)
    return found


def strictest(modes: list[Mode]) -> Mode:
    return next(mode for mode in MODES if mode in modes)


def test_every_combination_on_each_axis() -> None:
    """P2: each purpose is decided by itself, the most restrictive word first."""
    assert len(PER_AXIS) == 2 * 6 * (1 + 2 + 3 + 4) * 3 * 3 * 16 == 17_280
    for policy, ceiling, allowed, listed, recorded, opt_outs in PER_AXIS:
        free, without = allowed
        for axis in ("opens", "clicks"):
            rules = Rules(policy, without=without, free=free)._replace(**{axis: ceiling})  # type: ignore[arg-type]
            said = Said(recorded=Recorded(**{axis: recorded}), opt_outs=opt_outs)
            decision = decide(rules, said._replace(**{axis: listed}))  # type: ignore[arg-type]
            own = bool({"tracking", axis} & opt_outs)
            expected = strictest(restrictions(policy, ceiling, allowed, listed, recorded, own))
            if "all" in opt_outs or (axis == "clicks" and expected == "hygiene"):
                expected = "off"
            assert getattr(decision, axis) == expected, (rules, said)


def test_the_axes_do_not_touch_each_other() -> None:
    """Opens and clicks together come out as each alone, over the product of what both can say."""
    pairs = list(product(POLICIES, MODES, MODES, *(CONSENTS,) * 4, OPT_OUTS))
    assert len(pairs) == 2 * 6 * 6 * 3**4 * 16 == 93_312
    free: frozenset[Mode] = FREE[-1]
    for policy, opens, clicks, listed, by_click, recorded, of_clicks, opt_outs in pairs:
        rules = Rules(policy, opens, clicks, "aggregate", free)
        decision = decide(rules, Said(listed, by_click, Recorded(recorded, of_clicks), opt_outs))
        alone = decide(rules._replace(clicks="off"), Said(listed, "unknown", Recorded(recorded), opt_outs))
        other = decide(
            rules._replace(opens="off"),
            Said("unknown", by_click, Recorded("unknown", of_clicks), opt_outs),
        )
        assert (decision.opens, decision.clicks) == (alone.opens, other.clicks)
        outcome = "suppressed" if "all" in opt_outs else "tracked"
        if outcome == "tracked" and decision.opens == decision.clicks == "off":
            outcome = "untracked"
        assert decision.outcome == outcome


def test_a_refusal_never_widens_what_is_done() -> None:
    rank = MODES.index
    for policy, ceiling, (free, without), listed, recorded, opt_outs in PER_AXIS:
        rules = Rules(policy, ceiling, ceiling, without, free)
        said = Said(listed, listed, Recorded(recorded, recorded), opt_outs)
        before = decide(rules, said)
        narrower = [
            said._replace(opens="denied"),
            said._replace(clicks="denied"),
            said._replace(recorded=said.recorded._replace(opens="denied")),
            said._replace(recorded=said.recorded._replace(clicks="denied")),
            *(said._replace(opt_outs=opt_outs | {scope}) for scope in SCOPES),
        ]
        for each in narrower:
            after = decide(rules, each)
            assert rank(after.opens) <= rank(before.opens)
            assert rank(after.clicks) <= rank(before.clicks)
            assert before.outcome != "suppressed" or after.outcome == "suppressed"


def test_nothing_goes_above_the_ceiling_and_a_signal_leaves_at_most_a_count() -> None:
    for ceiling, allowed, refused, signal in product(MODES, MODES, (False, True), (False, True)):
        mode = narrowed(ceiling, refused=refused, allowed=allowed, signal=signal)
        found = [ceiling, allowed, *(["off"] if refused else []), *(["aggregate"] if signal else [])]
        assert mode == strictest(found)  # type: ignore[arg-type]


def test_why_is_said() -> None:
    both = Rules("required")
    granted = Decision("tracked", "individual", "individual", "consent granted")
    assert decide(both, Said("granted", "granted")) == granted
    assert decide(both, Said()) == Decision("untracked", "off", "off", "no consent on record")
    assert decide(both, Said("granted")).reason == "opens: consent granted; clicks: no consent on record"
    assert decide(Rules("assumed"), Said()).reason == "not refused"
    assert decide(Rules("assumed"), Said("denied", "denied")).reason == "consent denied"
    in_ledger = Said(recorded=Recorded("granted", "granted"))
    assert decide(both, in_ledger).reason == "consent granted in the ledger"
    counted = Rules("required", "aggregate", "off", free=FREE[1])
    assert decide(counted, Said()) == Decision("tracked", "aggregate", "off", "needs no consent")
    assert decide(both, Said(opt_outs=frozenset({"all"}))).reason == "unsubscribed"
    assert decide(Rules("assumed"), Said(opt_outs=frozenset({"tracking"}))).reason == "stopped tracking"


def test_retargeting_is_a_purpose_of_its_own() -> None:
    for policy, listed, recorded in product(POLICIES, CONSENTS, CONSENTS):
        said = Said(listed, listed, Recorded(recorded, recorded))
        for retargeting in CONSENTS:
            other = said._replace(recorded=said.recorded._replace(retargeting=retargeting))
            assert decide(Rules(policy), other) == decide(Rules(policy), said)
