"""A campaign's figures as flat counters, which add up: over messages, over batches, over stretches of time.

A cell is a tuple: its sort, and then what tells it from others of the sort.

    hit, kind, label, reason    hits, tests left out
    hour, kind, hour            people's hits; hours since 1970 UTC
    aside, label, reason        messages with such a hit that is not a person's
    seen, opens, clicks, provider[, axes]    messages, by the labels of their hits (``estimates.Seen``)
    device|system|browser|client, name    people
    company, domain, kinds      messages to a domain that is no provider's, with people's hits of these kinds:
                                1 opens, 2 clicks, 3 both
    reader|click|machine, link  people that clicked a link; their clicks; machines' clicks
    preview                     hits of tests
    repeated, hits|urls         hits that were only counted, and of how many URLs; in what is kept alone
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

Cell = tuple[str | int, ...]
Cells = Counter[Cell]


class Rollup(NamedTuple):
    """A campaign's cells, and moments (ms UTC) that do not add up: the first hit, people's first and last."""

    cells: Cells
    begun: int | None
    first: int | None
    last: int | None


class Delta(NamedTuple):
    """What a roll-up changes by; cells may be negative.

    ``first`` and ``last`` are of people's hits that are counted now, those "gone" of hits that were and
    are to be no more.
    """

    cells: Cells
    begun: int | None
    first: int | None
    last: int | None
    gone_first: int | None
    gone_last: int | None


def by_sort(cells: Mapping[Cell, int]) -> dict[str, Counter[Any]]:
    """Return the counters of each sort, by what follows it: a tuple, or the one thing that does."""
    found: defaultdict[Any, Counter[Any]] = defaultdict(Counter)
    for cell, number in cells.items():
        found[cell[0]][cell[1] if len(cell) == 2 else cell[1:]] = number
    return found


def joined(one: Rollup, other: Rollup) -> Rollup:
    """Return the sum of two roll-ups, without zeros."""
    cells = Counter(one.cells)
    cells.update(other.cells)
    return Rollup(
        Counter({cell: number for cell, number in cells.items() if number}),
        least(one.begun, other.begun),
        least(one.first, other.first),
        most(one.last, other.last),
    )


def least(*moments: int | None) -> int | None:
    """Return the first of moments, of which None stands for none."""
    return min((moment for moment in moments if moment is not None), default=None)


def most(*moments: int | None) -> int | None:
    """Return the last of moments, of which None stands for none."""
    return max((moment for moment in moments if moment is not None), default=None)
