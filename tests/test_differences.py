"""Differences of two shares: published intervals, exact fractions worked out another way, properties."""

from __future__ import annotations

import random
from fractions import Fraction
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.chances import wilson
from pixeltrack.differences import POWER, Share, chance_of_more, difference, needed, quantile

Z = quantile(0.95)


def shares(most: int = 10**6) -> st.SearchStrategy[Share]:
    return st.integers(1, most).flatmap(lambda whole: st.builds(Share, st.integers(0, whole), st.just(whole)))


@pytest.mark.parametrize(
    ("second", "first", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_intervals_as_published(
    second: tuple[int, int], first: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table II, method 10."""
    assert difference(Share(*first), Share(*second), Z) == pytest.approx((low, high), abs=0.00006)


@given(shares(), shares())
def test_the_interval_holds_what_was_found_and_turns_with_its_sides(first: Share, second: Share) -> None:
    low, high = difference(first, second, Z)
    apart = second.rate - first.rate
    assert -1 <= low <= apart <= high <= 1
    assert low < high
    turned = difference(second, first, Z)
    assert turned == pytest.approx((-high, -low))


@given(shares(), shares(), st.integers(2, 25))
def test_more_comparisons_make_wider_intervals(first: Share, second: Share, comparisons: int) -> None:
    low, high = difference(first, second, Z)
    wide_low, wide_high = difference(first, second, quantile(0.95, comparisons))
    assert wide_low <= low < high <= wide_high


@given(shares(1000))
def test_beside_nothing_uncertain_it_is_wilsons(share: Share) -> None:
    """With 10¹⁴ messages on the other side only one share is uncertain."""
    other = Share(5 * 10**13, 10**14)
    low, high = difference(other, share, Z)
    own_low, own_high = wilson(*share)
    assert (low + 0.5, high + 0.5) == pytest.approx((own_low, own_high), abs=1e-5)


def test_quantiles_of_the_tables() -> None:
    assert quantile(0.95) == pytest.approx(1.959964, abs=1e-6)
    assert quantile(0.95, 2) == pytest.approx(2.241403, abs=1e-6)
    assert quantile(0.99) == pytest.approx(2.575829, abs=1e-6)


def exact(first: Share, second: Share) -> Fraction:
    """Integrate the density of second's rate times the distribution function of first's, as polynomials.

    A Beta(a, b) variable with whole a and b is below x as often as a or more of a + b − 1 coins that show
    heads with chance x do.
    """
    a1, b1 = first.part + 1, first.whole - first.part + 1
    a2, b2 = second.part + 1, second.whole - second.part + 1

    def beta(a: int, b: int) -> Fraction:
        return Fraction(1, (a + b - 1) * comb(a + b - 2, a - 1))

    coins = a1 + b1 - 1
    integral = sum(
        (comb(coins, heads) * beta(a2 + heads, b2 + coins - heads) for heads in range(a1, coins + 1)),
        Fraction(0),
    )
    return integral / beta(a2, b2)


@given(shares(60), shares(60))
def test_the_chance_is_the_exact_integral(first: Share, second: Share) -> None:
    assert chance_of_more(first, second) == pytest.approx(float(exact(first, second)), abs=1e-12)


@given(shares(5000), shares(5000))
def test_one_of_two_is_the_larger(first: Share, second: Share) -> None:
    chance = chance_of_more(first, second)
    assert 0 <= chance <= 1
    assert chance + chance_of_more(second, first) == pytest.approx(1)


@given(shares(5000))
def test_between_two_that_are_alike_the_chance_is_even(share: Share) -> None:
    assert chance_of_more(share, share) == pytest.approx(0.5, abs=1e-9)


def test_the_chance_for_millions_is_what_the_normal_distribution_says() -> None:
    from statistics import NormalDist

    first, second = Share(400_000, 10**7), Share(401_000, 10**7)
    spread = sum(each.rate * (1 - each.rate) / each.whole for each in (first, second)) ** 0.5
    assert chance_of_more(first, second) == pytest.approx(
        NormalDist().cdf((second.rate - first.rate) / spread), abs=1e-3
    )


def test_messages_needed_as_in_the_tables() -> None:
    """10 % against 12 %: 3,841 of each, as every table for 5 % and a power of 80 % has it."""
    assert needed(Share(10, 100), Share(12, 100), Z) == 2 * 3841
    assert needed(Share(10, 100), Share(10, 100), Z) is None


@given(shares(1000), shares(1000))
def test_what_is_further_apart_needs_less(first: Share, second: Share) -> None:
    wanted = needed(first, second, Z)
    assert (wanted is None) == (first.rate == second.rate)
    if wanted is not None:
        assert wanted > 0
        assert wanted == pytest.approx(needed(second, first, Z), rel=1e-6, abs=2)


@pytest.mark.parametrize("split", [0.5, 0.2])
def test_so_many_do_show_the_difference_in_four_of_five_tests(split: float) -> None:
    """Drawn 600 times: tests of the size that was asked for find it as often as POWER says."""
    rates, chance = (0.05, 0.10), random.Random(11)
    first, second = (
        Share(50, 1000),
        Share(round(100 * split / (1 - split)), round(1000 * split / (1 - split))),
    )
    whole = needed(first, second, Z)
    assert whole is not None
    sizes = round(whole * (1 - split)), round(whole * split)
    found = 0
    for _ in range(600):
        drawn = [
            Share(sum(chance.random() < rate for _ in range(size)), size)
            for rate, size in zip(rates, sizes, strict=True)
        ]
        found += difference(*drawn, Z)[0] > 0
    assert found / 600 == pytest.approx(POWER, abs=0.05)


def test_a_difference_that_is_not_there_is_found_in_one_of_twenty() -> None:
    chance = random.Random(5)

    def drawn() -> Share:
        return Share(sum(chance.random() < 0.1 for _ in range(300)), 300)

    intervals = [difference(drawn(), drawn(), Z) for _ in range(1500)]
    wrong = sum(low > 0 or high < 0 for low, high in intervals)
    assert 0.03 < wrong / 1500 < 0.07
