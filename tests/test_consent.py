"""Who is tracked: the whole truth table, written out by hand."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from pixeltrack.consent import Mode, Policy, decide
from pixeltrack.model import Consent, Scope

NOBODY: frozenset[Scope] = frozenset()
GRANTED = Mode("tracked", "consent granted")
NOT_REFUSED = Mode("tracked", "not refused")
DENIED = Mode("untracked", "consent denied")
NOT_ASKED = Mode("untracked", "no consent on record")
STOPPED = Mode("untracked", "stopped tracking")
GONE = Mode("suppressed", "unsubscribed")

TABLE: dict[tuple[Policy, Consent], dict[str, Mode]] = {
    ("assumed", "granted"): {"": GRANTED, "tracking": STOPPED, "all": GONE, "both": GONE},
    ("assumed", "unknown"): {"": NOT_REFUSED, "tracking": STOPPED, "all": GONE, "both": GONE},
    ("assumed", "denied"): {"": DENIED, "tracking": STOPPED, "all": GONE, "both": GONE},
    ("required", "granted"): {"": GRANTED, "tracking": STOPPED, "all": GONE, "both": GONE},
    ("required", "unknown"): {"": NOT_ASKED, "tracking": STOPPED, "all": GONE, "both": GONE},
    ("required", "denied"): {"": DENIED, "tracking": STOPPED, "all": GONE, "both": GONE},
}
OPT_OUTS: dict[str, frozenset[Scope]] = {
    "": NOBODY,
    "tracking": frozenset({"tracking"}),
    "all": frozenset({"all"}),
    "both": frozenset({"all", "tracking"}),
}
CASES = [(*key, opt_out, mode) for key, row in TABLE.items() for opt_out, mode in row.items()]


@pytest.mark.parametrize(("policy", "consent", "opt_out", "mode"), CASES)
def test_each_case(policy: Policy, consent: Consent, opt_out: str, mode: Mode) -> None:
    assert decide(policy, consent, OPT_OUTS[opt_out]) == mode


def test_the_table_is_whole() -> None:
    assert set(TABLE) == set(product(get_args(Policy), get_args(Consent)))
    assert all(set(row) == set(OPT_OUTS) for row in TABLE.values())
    assert set(get_args(Scope)) == {"all", "tracking"}


def test_a_refusal_never_widens_what_is_done() -> None:
    order = ["suppressed", "untracked", "tracked"]
    for policy, consent in TABLE:
        alone = order.index(decide(policy, consent, NOBODY).outcome)
        for opt_outs in OPT_OUTS.values():
            assert order.index(decide(policy, consent, opt_outs).outcome) <= alone
