"""Delays as they are drawn: log-normal for people and queues, in published bands for gateways."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import TypeVar

from pixeltrack.simulate.hits import HOUR, MINUTE, SECOND

T = TypeVar("T")

# 836 sweeps on record (craft-campaign, issue 546): how many began so long after their mail was sent. The
# shares add up to 99.3; within a band the logarithm is even, which puts the median at 44 s (published: 43).
SWEEP_BANDS: tuple[tuple[float, int, int], ...] = (
    (0.5, 1 * SECOND, 10 * SECOND),
    (2.2, 10 * SECOND, 20 * SECOND),
    (66.0, 20 * SECOND, 60 * SECOND),
    (28.0, 60 * SECOND, 5 * MINUTE),
    (1.9, 5 * MINUTE, 30 * MINUTE),
    (0.7, 30 * MINUTE, 24 * HOUR),
)
_SWEEP_SHARES = [share for share, _first, _last in SWEEP_BANDS]


def sweep_delay(chance: random.Random) -> int:
    """How long after a mail was sent a gateway begins to follow its links, in ms."""
    _share, first, last = chance.choices(SWEEP_BANDS, _SWEEP_SHARES)[0]
    return round(first * math.exp(math.log(last / first) * chance.random()))


def lognormal(chance: random.Random, median: float, sigma: float, most: float = math.inf) -> int:
    """A delay around a median (ms), never above ``most``."""
    return round(min(chance.lognormvariate(math.log(median), sigma), most))


def pick(chance: random.Random, weighed: Sequence[tuple[float, T]]) -> T:
    """One of several, by weight."""
    return chance.choices([each for _weight, each in weighed], [weight for weight, _each in weighed])[0]
