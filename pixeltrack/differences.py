"""Two shares beside each other: how far apart they may be, which is likely the larger, what would tell."""

from __future__ import annotations

from math import ceil, exp, lgamma, log, sqrt
from statistics import NormalDist
from typing import NamedTuple

from pixeltrack.chances import wilson

POWER = 0.8  # how likely a test that has the messages ``needed`` shows a difference that is there

_STANDARD = NormalDist()


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    @property
    def rate(self) -> float:
        return self.part / self.whole


def quantile(confidence: float, comparisons: int = 1) -> float:
    """Return z for a two-sided interval; of several comparisons, all hold with the confidence together.

    That is Bonferroni's correction: the error that is allowed is divided among them.
    """
    return _STANDARD.inv_cdf(1 - (1 - confidence) / comparisons / 2)


def difference(first: Share, second: Share, z: float) -> tuple[float, float]:
    """Return the bounds of second − first, as a hybrid of both Wilson score intervals.

    Robert G. Newcombe, "Interval estimation for the difference between independent proportions:
    comparison of eleven methods", Statistics in Medicine 17 (1998), 873 to 890, method 10 (without
    continuity correction). It is right for small numbers and for shares near 0, where the usual ± is
    not. Raises ValueError for what is no share.
    """
    low1, high1 = wilson(*first, z)
    low2, high2 = wilson(*second, z)
    apart = second.rate - first.rate
    low = apart - sqrt((second.rate - low2) ** 2 + (high1 - first.rate) ** 2)
    high = apart + sqrt((high2 - second.rate) ** 2 + (first.rate - low1) ** 2)
    return max(low, -1.0), min(high, 1.0)


def chance_of_more(first: Share, second: Share) -> float:
    """Return how likely second's true rate is above first's, if before any rate was as likely as any other.

    With that uniform prior the rates are Beta(1 + part, 1 + whole − part), and the chance that one is
    above the other is a finite sum (John D. Cook, "Exact calculation of beta inequalities", 2005; Evan
    Miller, "Formulas for Bayesian A/B testing", 2013). It runs over the part of the rarer one.
    """
    if first.part < second.part:
        return 1 - chance_of_more(second, first)
    a1, b1 = first.part + 1, first.whole - first.part + 1
    a2, b2 = second.part + 1, second.whole - second.part + 1
    # term i: B(a1 + i, b1 + b2) ÷ ((b2 + i) B(1 + i, b2) B(a1, b1)), in logarithms: it may be tiny
    term = _log_beta(a1, b1 + b2) - _log_beta(a1, b1)  # (b2 + 0) B(1, b2) is 1
    total = 0.0
    for i in range(a2):
        total += exp(term)
        term += log((a1 + i) * (b2 + i) / ((a1 + b1 + b2 + i) * (1 + i)))
    return min(1.0, max(0.0, total))


def _log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def needed(first: Share, second: Share, z: float) -> int | None:
    """Return how many there must be of both together, in the same proportion, to show what is seen.

    If the true rates are the seen ones, the interval then leaves out zero with a chance of ``POWER``:
    the usual size of a test of two shares (Joseph L. Fleiss, "Statistical methods for rates and
    proportions", chapter on sample sizes). None where both rates are the same.
    """
    p, q = first.rate, second.rate
    if p == q:
        return None
    ratio = second.whole / first.whole
    together = (first.part + second.part) / (first.whole + second.whole)
    by_chance = z * sqrt(together * (1 - together) * (1 + 1 / ratio))
    there = _STANDARD.inv_cdf(POWER) * sqrt(p * (1 - p) + q * (1 - q) / ratio)
    return ceil(((by_chance + there) / (q - p)) ** 2 * (1 + ratio))
