"""Intervals and tails against exact fractions, worked out another way."""

from __future__ import annotations

from fractions import Fraction
from math import comb, isqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.chances import at_most, wilson

Z = Fraction("1.959963984540054")
DIGITS = 10**30


def roots(part: int, whole: int) -> tuple[float, float]:
    """Solve (p̂ − p)² = z² p (1 − p) ÷ n for p, exactly but for the root, which has thirty digits."""
    found = Fraction(part, whole)
    a, b, c = 1 + Z**2 / whole, -(2 * found + Z**2 / whole), found**2
    inside = b**2 - 4 * a * c
    root = Fraction(isqrt(inside.numerator * inside.denominator * DIGITS**2), inside.denominator * DIGITS)
    return float((-b - root) / (2 * a)), float((-b + root) / (2 * a))


@pytest.mark.parametrize(
    ("part", "whole"), [(0, 1), (1, 1), (0, 10), (1, 10), (5, 10), (10, 10), (30, 400), (81, 263), (7, 10**6)]
)
def test_wilson_solves_its_equation(part: int, whole: int) -> None:
    assert wilson(part, whole) == pytest.approx(roots(part, whole), rel=1e-9, abs=1e-12)


def test_wilson_as_published() -> None:
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3: 81 of 263, 15 of 148, 0 of 20, 1 of 29."""
    for part, whole, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson(part, whole) == pytest.approx((low, high), abs=0.00006)


@given(st.integers(1, 10**7).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))))
def test_the_interval_holds_the_estimate(share: tuple[int, int]) -> None:
    part, whole = share
    low, high = wilson(part, whole)
    assert 0 <= low <= part / whole <= high <= 1
    assert low < high


@pytest.mark.parametrize(("part", "whole"), [(0, 0), (2, 1), (-1, 5)])
def test_what_is_no_share_has_no_interval(part: int, whole: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(part, whole)


@given(st.integers(1, 120), st.integers(-1, 121), st.integers(1, 99))
def test_the_tail_is_the_exact_sum(whole: int, part: int, percent: int) -> None:
    rate = Fraction(percent, 100)
    exact = sum(
        comb(whole, count) * rate**count * (1 - rate) ** (whole - count)
        for count in range(min(part, whole) + 1)
    )
    assert at_most(part, whole, percent / 100) == pytest.approx(float(exact), rel=1e-9, abs=1e-12)


def test_the_tail_of_many_is_quick_and_at_its_ends_certain() -> None:
    assert at_most(0, 1_000_000, 0.3) == 0.0  # less than a float holds
    assert at_most(300_000, 1_000_000, 0.3) == pytest.approx(0.5, abs=0.001)
    assert (at_most(5, 5, 0.5), at_most(0, 9, 0.0), at_most(8, 9, 1.0)) == (1.0, 1.0, 0.0)
