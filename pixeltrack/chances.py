"""The two pieces of statistics that reports need: an interval for a share, and how odd few of many are."""

from __future__ import annotations

from math import exp, lgamma, log, log1p, sqrt

CONFIDENCE = 0.95
_Z = 1.959963984540054  # the standard normal distribution's 97.5 % quantile


def wilson(part: int, whole: int, z: float = _Z) -> tuple[float, float]:
    """Return the bounds of the Wilson score interval of part ÷ whole: for 95 %, unless z says otherwise.

    Edwin B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of
    the American Statistical Association 22 (1927), 209 to 212: all shares p that lie within z standard
    errors, √(p(1 − p) ÷ whole), of what was found. Unlike the usual ± it never leaves 0 to 1, and it is
    right for small numbers (Brown, Cai and DasGupta, Statistical Science 16 (2001), 101 to 133).
    Raises ValueError unless 0 ≤ part ≤ whole and whole > 0.
    """
    if not 0 <= part <= whole or not whole:
        raise ValueError(f"{part} of {whole} is no share")
    rate, square = part / whole, z * z
    center = rate + square / (2 * whole)
    reach = z * sqrt(rate * (1 - rate) / whole + square / (4 * whole * whole))
    scale = 1 + square / whole
    low = 0.0 if part == 0 else (center - reach) / scale
    high = 1.0 if part == whole else (center + reach) / scale
    return min(low, rate), max(high, rate)


def at_most(part: int, whole: int, rate: float) -> float:
    """Return how likely at most ``part`` of ``whole`` are, each with a chance of ``rate`` (binomial)."""
    if part >= whole or rate <= 0:
        return 1.0
    if part < 0 or rate >= 1:
        return 0.0
    if part > whole * rate:  # far from what is asked for; and below it the terms only fall
        return 1 - at_most(whole - part - 1, whole, 1 - rate)
    ways = lgamma(whole + 1) - lgamma(part + 1) - lgamma(whole - part + 1)
    first = exp(ways + part * log(rate) + (whole - part) * log1p(-rate))
    total = term = 1.0
    for count in range(part, 0, -1):
        term *= count / (whole - count + 1) * (1 - rate) / rate
        total += term
        if term < 1e-17 * total:
            break
    return min(1.0, first * total)
