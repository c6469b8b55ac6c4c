"""Who is tracked: the whole truth table, written out by hand."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from pixeltrack.consent import Mode, Policy, decide
from pixeltrack.ledger import Recorded
from pixeltrack.model import Consent, Scope

NOBODY: frozenset[Scope] = frozenset()
GRANTED = Mode("tracked", "consent granted")
LEDGER = Mode("tracked", "consent granted in the ledger")
NOT_REFUSED = Mode("tracked", "not refused")
DENIED = Mode("untracked", "consent denied")
REFUSED = Mode("untracked", "refused in the ledger")
NO_OPENS = Mode("untracked", "opens refused in the ledger")
NO_CLICKS = Mode("untracked", "clicks refused in the ledger")
ONLY_OPENS = Mode("untracked", "only opens granted in the ledger")
ONLY_CLICKS = Mode("untracked", "only clicks granted in the ledger")
NOT_ASKED = Mode("untracked", "no consent on record")
STOPPED = Mode("untracked", "stopped tracking")
GONE = Mode("suppressed", "unsubscribed")

# Without opt-outs: what the ledger says of opens and clicks, against the policy and the list.
COLUMNS: list[tuple[Policy, Consent]] = [
    *(("assumed", "granted"), ("assumed", "denied"), ("assumed", "unknown")),
    *(("required", "granted"), ("required", "denied"), ("required", "unknown")),
]
TABLE: dict[tuple[Consent, Consent], tuple[Mode, ...]] = {
    # opens, clicks         assumed: granted, denied, unknown       required: granted, denied, unknown
    ("unknown", "unknown"): (GRANTED, DENIED, NOT_REFUSED, GRANTED, DENIED, NOT_ASKED),
    ("unknown", "granted"): (GRANTED, DENIED, NOT_REFUSED, GRANTED, DENIED, ONLY_CLICKS),
    ("granted", "unknown"): (GRANTED, DENIED, NOT_REFUSED, GRANTED, DENIED, ONLY_OPENS),
    ("granted", "granted"): (GRANTED, DENIED, LEDGER, GRANTED, DENIED, LEDGER),
    ("denied", "unknown"): (NO_OPENS,) * 6,
    ("denied", "granted"): (NO_OPENS,) * 6,
    ("unknown", "denied"): (NO_CLICKS,) * 6,
    ("granted", "denied"): (NO_CLICKS,) * 6,
    ("denied", "denied"): (REFUSED,) * 6,
}
OPT_OUTS: dict[frozenset[Scope], Mode | None] = {
    NOBODY: None,  # the table above
    frozenset({"tracking"}): STOPPED,
    frozenset({"all"}): GONE,
    frozenset({"all", "tracking"}): GONE,
}
CASES = [
    (policy, listed, Recorded(*ledger), opt_outs, instead or row[place])
    for ledger, row in TABLE.items()
    for place, (policy, listed) in enumerate(COLUMNS)
    for opt_outs, instead in OPT_OUTS.items()
]


@pytest.mark.parametrize(("policy", "listed", "ledger", "opt_outs", "mode"), CASES)
def test_each_case(
    policy: Policy, listed: Consent, ledger: Recorded, opt_outs: frozenset[Scope], mode: Mode
) -> None:
    assert decide(policy, listed, opt_outs, ledger) == mode


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(product(get_args(Consent), repeat=2))
    assert set(COLUMNS) == set(product(get_args(Policy), get_args(Consent)))
    assert all(len(row) == len(COLUMNS) for row in TABLE.values())
    assert len(CASES) == 9 * 6 * 4


def test_a_refusal_never_widens_what_is_done() -> None:
    order = ["suppressed", "untracked", "tracked"]
    for policy, listed, ledger, opt_outs, mode in CASES:
        alone = order.index(decide(policy, listed, NOBODY, ledger).outcome)
        assert order.index(mode.outcome) <= alone
        for refused in (ledger._replace(opens="denied"), ledger._replace(clicks="denied")):
            assert order.index(decide(policy, listed, opt_outs, refused).outcome) <= order.index(mode.outcome)
        assert order.index(decide(policy, "denied", opt_outs, ledger).outcome) <= order.index(mode.outcome)


def test_retargeting_is_a_purpose_of_its_own() -> None:
    for policy, listed, ledger, opt_outs, mode in CASES:
        for said in get_args(Consent):
            assert decide(policy, listed, opt_outs, ledger._replace(retargeting=said)) == mode
