"""Orders from what was said of them, and what they fall into: sums are right whatever came when."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from test_attribution import AT, rules, some_touches

from pixeltrack.attribution import ONE, Order, Rule, Touch
from pixeltrack.orders import Said, gather
from pixeltrack.shares import add_up, by, pieces

amounts = st.integers(-(10**9), 10**9)
said = st.lists(
    st.builds(
        Said,
        goal=st.sampled_from(["order", "signup"]),
        order=st.sampled_from(["", "A1", "A2"]),
        entry=st.sampled_from(["", "c1", "c2", "whole"]),
        at=st.integers(AT - 1_000, AT),
        value=amounts,
        currency=st.sampled_from(["EUR", "JPY"]),
        whole=st.booleans(),
        campaign_id=st.integers(0, 3),
        message=st.integers(-2, 2),
        verified=st.booleans(),
        repeats=st.integers(0, 2),
        contradicted=st.integers(0, 1),
    ),
    max_size=10,
    unique_by=lambda each: (each.goal, each.order, each.entry),
)


def a(entry: str = "", value: int = 0, *, order: str = "A1", currency: str = "EUR", **more: bool) -> Said:
    return Said(
        "order", order, entry, AT, value, currency, more.get("whole", False), 1, 7, more.get("verified", True)
    )


@given(said.flatmap(lambda its: st.tuples(st.just(its), st.permutations(its))))
def test_it_does_not_matter_when_what_was_said(both: tuple[list[Said], list[Said]]) -> None:
    assert gather(both[0]) == gather(both[1])


@given(said)
def test_nothing_is_lost(its: list[Said]) -> None:
    found = gather(its)
    used = sum(len(order.corrections) for order in found.orders)
    whole = sum(order.cancelled for order in found.orders)
    entries = sum(bool(each.order and each.entry) for each in its)
    assert len(found.orders) == len(its) - entries
    assert used + whole + found.stray + found.unproved <= entries
    assert found.repeats == sum(each.repeats for each in its)


def test_corrections_and_refunds_of_an_order() -> None:
    (order,) = gather([a("c1", -200), a("", 1_000), a("c2", 50)]).orders
    assert (order.net, order.is_refunded) == (850, False)
    (order,) = gather([a("c1", -200), a("", 1_000), a("whole", 0, whole=True, currency="")]).orders
    assert (order.net, order.is_refunded) == (0, True)


def test_what_cannot_belong_to_an_order_is_counted_apart() -> None:
    found = gather(
        [a("", 1_000), a("c1", -5, currency="USD"), a("c2", -5, order="B"), a("c3", -5, verified=False)]
    )
    assert [order.net for order in found.orders] == [1_000]
    assert (found.stray, found.unproved) == (2, 1)


def test_an_unsigned_refund_takes_from_an_unsigned_order() -> None:
    (order,) = gather([a("", 1_000, verified=False), a("c1", -400, verified=False)]).orders
    assert order.net == 600


def test_goals_without_orders_stand_for_themselves() -> None:
    found = gather([a("1-ab", order=""), a("1-cd", order="")])
    assert [(order.order, order.corrections) for order in found.orders] == [("", ()), ("", ())]


orders = st.builds(
    Order,
    goal=st.just("order"),
    order=st.just("A1"),
    at=st.just(AT),
    value=amounts,
    currency=st.sampled_from(["EUR", "JPY", ""]),
    corrections=st.lists(amounts, max_size=3).map(tuple),
    verified=st.booleans(),
    cancelled=st.booleans(),
    campaign_id=st.integers(0, 3),
)


@given(orders, some_touches, rules)
def test_pieces_add_up_to_the_conversion_its_value_and_what_was_taken(
    order: Order, before: list[Touch], rule: Rule
) -> None:
    its = list(pieces(order, sorted(before), rule))
    assert sum(piece.credit for piece in its) == ONE
    assert sum(piece.value for piece in its) == order.net
    assert sum(piece.taken for piece in its) == order.value - order.net
    assert len({piece.way for piece in its}) == 1


@given(st.lists(st.tuples(orders, some_touches), max_size=6), rules)
def test_campaigns_and_goals_add_up_to_the_totals(many: list[tuple[Order, list[Touch]]], rule: Rule) -> None:
    touches = {place: sorted(its) for place, (_order, its) in enumerate(many)}
    numbered = [order._replace(order=str(place)) for place, (order, _its) in enumerate(many)]
    sums = add_up(numbered, lambda order: touches[int(order.order)], rule)
    for key in (lambda cell: (cell.goal,), lambda cell: (cell.campaign_id,)):
        parts: Counter[tuple[str, bool, str]] = Counter()
        whole: Counter[tuple[str, bool, str]] = Counter()
        for counter, rows in ((parts, by(sums, key)), (whole, by(sums, lambda _cell: ()))):
            for _key, currency, verified, unverified in rows:
                for is_signed, its in ((True, verified), (False, unverified)):
                    for name in its.__slots__:
                        counter[currency, is_signed, name] += getattr(its, name)
        assert {cell: number for cell, number in parts.items() if number} == {
            cell: number for cell, number in whole.items() if number
        }
        assert sum(
            number for (_c, _s, name), number in whole.items() if name in ("orders", "refunded")
        ) == ONE * len(many)
