"""Shares of an order: they add up, and depend on what happened alone."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.attribution import (
    DAY,
    HOUR,
    MODELS,
    ONE,
    Attribution,
    Model,
    Order,
    Rule,
    Touch,
    attribute,
    read_length,
    read_model,
    say_length,
    split,
    touches,
)
from pixeltrack.errors import InputError
from pixeltrack.money import step

AT = 1_780_000_000_000
OPEN, CLICK = 1, 2


def order(value: int = 900_000, *corrections: int, currency: str = "EUR", at: int = AT) -> Order:
    return Order("order", "A1", at, value, currency, corrections)


def click(days: float, campaign: int = 1, link: int = 1) -> Touch:
    return Touch(AT - round(days * DAY), campaign, 77, link, CLICK)


def view(days: float, campaign: int = 1) -> Touch:
    return Touch(AT - round(days * DAY), campaign, 77, 0, OPEN)


def values(found: Attribution) -> list[int]:
    return [share.value for share in found.shares]


moments = st.one_of(
    st.integers(AT - 30 * DAY, AT + DAY),
    st.sampled_from([AT, AT - 1, AT + 1, AT - 7 * DAY, AT - 7 * DAY - 1]),
)
some_touches = st.lists(
    st.builds(
        Touch,
        moments,
        st.integers(1, 4),
        st.integers(-3, 3),
        st.integers(0, 5),
        st.sampled_from([OPEN, CLICK]),
    ),
    max_size=12,
)
amounts = st.integers(-(10**12), 10**12)
orders = st.builds(
    Order,
    goal=st.just("order"),
    order=st.just("A1"),
    at=st.just(AT),
    value=amounts,
    currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF", ""]),
    corrections=st.lists(amounts, max_size=4).map(tuple),
)
rules = st.builds(
    Rule,
    st.sampled_from(MODELS),
    st.integers(1, 40 * DAY),
    st.one_of(st.just(7 * DAY), st.integers(1, 9 * DAY)),
)


@given(orders, some_touches, rules)
def test_shares_add_up_to_the_order(its: Order, before: list[Touch], rule: Rule) -> None:
    found = attribute(its, before, rule)
    if found.way == "none":
        assert not found.shares
    else:
        assert sum(share.credit for share in found.shares) == ONE
        assert sum(share.value for share in found.shares) == its.net
        assert all(share.credit >= 0 for share in found.shares)
        assert all(share.value * its.net >= 0 for share in found.shares)  # of one sign


@given(orders, some_touches.flatmap(lambda its: st.tuples(st.just(its), st.permutations(its))), rules)
def test_the_order_of_events_changes_nothing(
    its: Order, both: tuple[list[Touch], list[Touch]], rule: Rule
) -> None:
    assert attribute(its, both[0], rule) == attribute(its, both[1], rule)


@given(orders, some_touches, rules)
def test_the_order_of_corrections_and_what_came_twice_change_nothing(
    its: Order, before: list[Touch], rule: Rule
) -> None:
    other = its._replace(corrections=its.corrections[::-1])
    assert attribute(its, before, rule) == attribute(other, before + before, rule)


labels = st.sampled_from(["human", "prefetch", "scanner", "unknown", "test"])
hits = st.lists(st.tuples(moments, st.sampled_from([OPEN, CLICK]), st.integers(0, 5), labels), max_size=12)


@given(orders, hits, hits, rules)
def test_machines_change_nothing(
    its: Order, people: list[tuple[int, int, int, str]], more: list[tuple[int, int, int, str]], rule: Rule
) -> None:
    machines = [hit for hit in more if hit[3] != "human"]
    assert attribute(its, touches(1, 77, people + machines), rule) == attribute(
        its, touches(1, 77, [hit for hit in people if hit[3] == "human"]), rule
    )


@given(orders, some_touches, rules)
def test_a_refund_of_everything_earns_nothing(its: Order, before: list[Touch], rule: Rule) -> None:
    for refunded in (its._replace(cancelled=True), its._replace(corrections=(*its.corrections, -its.net))):
        found = attribute(refunded, before, rule)
        assert set(values(found)) <= {0}
        whole = attribute(its._replace(corrections=()), before, rule)
        assert {share[:2] for share in found.shares if share.credit} == {
            share[:2] for share in whole.shares if share.credit
        }


@given(st.integers(1, 10**12), st.integers(-(10**12), 0), some_touches, rules)
def test_corrections_are_shared_as_the_value_is(
    value: int, correction: int, before: list[Touch], rule: Rule
) -> None:
    whole, left = attribute(order(value), before, rule), attribute(order(value, correction), before, rule)
    assert [share.touch for share in whole.shares] == [share.touch for share in left.shares]
    for one, other in zip(whole.shares, left.shares, strict=True):
        if one.credit == ONE:
            assert (one.value, other.value) == (value, value + correction)
        assert abs(other.value * value - one.value * (value + correction)) <= 2 * 100 * (value - correction)


@given(orders, some_touches, rules, st.integers(0, 40 * DAY))
def test_a_longer_window_never_takes_an_order_away(
    its: Order, before: list[Touch], rule: Rule, more: int
) -> None:
    ranks = {"none": 0, "view": 1, "click": 2}
    short, long = (
        attribute(its, before, rule),
        attribute(its, before, replace(rule, window=rule.window + more)),
    )
    assert ranks[long.way] >= ranks[short.way]
    if short.way == long.way == "click" and rule.model == "last-click":
        assert short == long


@given(orders, some_touches, rules)
def test_only_what_lies_in_the_window_earns(its: Order, before: list[Touch], rule: Rule) -> None:
    found = attribute(its, before, rule)
    assert all(AT - rule.window <= share.touch.at <= AT for share in found.shares)
    assert {share.touch.kind for share in found.shares} <= {CLICK if found.way == "click" else OPEN}


@given(
    amounts,
    st.lists(st.integers(0, 1 << 40), min_size=1, max_size=9).filter(any),
    st.sampled_from([1, 10, 100, 10_000]),
)
def test_parts_add_up_and_are_within_a_step_of_the_weights(amount: int, weights: list[int], of: int) -> None:
    parts = split(amount, weights, of)
    assert sum(parts) == amount
    used = 1 if amount % of else of
    for part, weight in zip(parts, weights, strict=True):
        assert part % used == 0 or len(weights) == 1
        assert abs(part * sum(weights) - amount * weight) < used * sum(weights)


@pytest.mark.parametrize(
    ("model", "shares"),
    [
        ("last-click", [900_000]),
        ("first-click", [900_000]),
        ("linear", [225_000, 225_000, 225_000, 225_000]),
        ("position", [360_000, 90_000, 90_000, 360_000]),
    ],
)
def test_four_clicks_by_each_model(model: Model, shares: list[int]) -> None:
    before = [click(6, 1), click(5, 2), click(4, 3), click(1, 4)]
    found = attribute(order(), before, Rule(model))
    assert values(found) == shares
    if len(found.shares) == 1:
        assert found.shares[0].touch.campaign_id == (4 if model == "last-click" else 1)


def test_decay_halves_with_each_half_life() -> None:
    found = attribute(order(700_000), [click(6), click(4), click(2)], Rule("time-decay", half_life=2 * DAY))
    assert values(found) == [100_000, 200_000, 400_000]


def test_decay_of_touches_that_are_older_than_any_number() -> None:
    found = attribute(order(), [click(6), click(5)], Rule("time-decay", half_life=1))
    assert values(found) == [900_000]


def test_two_share_position_by_half_and_one_has_it_all() -> None:
    assert values(attribute(order(), [click(3), click(1)], Rule("position"))) == [450_000, 450_000]
    assert values(attribute(order(), [click(3)], Rule("position"))) == [900_000]


def test_shares_are_whole_cents_where_the_order_is() -> None:
    before = [click(3), click(2), click(1)]
    assert values(attribute(order(499_000), before, Rule("linear"))) == [166_400, 166_300, 166_300]
    assert step("EUR") == 100


def test_shares_are_whole_yen() -> None:
    before = [click(3), click(2), click(1)]
    assert values(attribute(order(1_000 * 10_000, currency="JPY"), before, Rule("linear"))) == [
        3_340_000,
        3_330_000,
        3_330_000,
    ]


def test_both_ends_of_the_window_count_and_what_follows_the_order_does_not() -> None:
    rule = Rule(window=7 * DAY)
    assert attribute(order(), [click(7)], rule).way == "click"
    assert attribute(order(), [Touch(AT - 7 * DAY - 1, 1, 77, 1, CLICK)], rule).way == "none"
    assert attribute(order(), [click(0)], rule).way == "click"
    assert attribute(order(), [Touch(AT + 1, 1, 77, 1, CLICK)], rule).way == "none"


def test_opens_earn_only_without_a_click_in_the_window() -> None:
    assert attribute(order(), [view(1), click(2)], Rule()).way == "click"
    found = attribute(order(), [view(1, 2), view(3, 1), click(8)], Rule())
    assert (found.way, [share.touch.campaign_id for share in found.shares]) == ("view", [2])


def test_of_two_clicks_at_one_moment_the_same_wins_every_time() -> None:
    both = [click(1, 2, 5), click(1, 2, 3), click(1, 1, 9)]
    for model, link in (("last-click", 5), ("first-click", 9)):
        found = attribute(order(), both, Rule(read_model(model)))
        assert [share.touch.link for share in found.shares] == [link]


def test_refunded_is_who_has_nothing_left() -> None:
    assert order(500, -500).is_refunded
    assert order(500, -200, -400).is_refunded
    assert order(500, -200, -300, 100).is_refunded is False
    assert order(0).is_refunded is False  # a goal without a value
    assert order(500, -499).is_refunded is False


@pytest.mark.parametrize(
    ("text", "length"), [("7d", 7 * DAY), ("36h", 36 * HOUR), ("90m", 90 * 60_000), ("2w", 14 * DAY)]
)
def test_lengths_of_time(text: str, length: int) -> None:
    assert read_length(text, "--window") == length
    assert read_length(say_length(length), "--window") == length


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7 days", "-1d", "0d", "99999d", "1.5d", "7s", "٧d", "9" * 50 + "d"]
)
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read_length(text, "--window")
    assert "--window" in caught.value.message
    assert repr(text[:40]) in caught.value.message


def test_no_model() -> None:
    with pytest.raises(InputError, match="--model 'last' is no model"):
        read_model("last")
