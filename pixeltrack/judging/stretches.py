"""Many different things within a short time: the one shape of sweeps, pairs and spread addresses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


def crowded(marks: Sequence[tuple[int, int]], within: int, distinct: int) -> list[int]:
    """Return the positions of the marks that stand in a crowd, in order.

    ``marks`` are (time, what) in order of time. A crowd is every stretch of time no longer than
    ``within`` with at least ``distinct`` different whats, and all its marks stand in it. Steps
    linear in the number of marks, however many there are.
    """
    if len(marks) < distinct:
        return []
    if marks[-1][0] - marks[0][0] <= within:  # as most sweeps are
        return list(range(len(marks))) if len({what for _time, what in marks}) >= distinct else []
    found: list[int] = []
    inside: Counter[int] = Counter()
    first = told = 0
    for last, (time, what) in enumerate(marks):
        inside[what] += 1
        while time - marks[first][0] > within:
            gone = marks[first][1]
            inside[gone] -= 1
            if not inside[gone]:
                del inside[gone]
            first += 1
        if len(inside) >= distinct:
            told = max(first, told)
            found.extend(range(told, last + 1))
            told = last + 1
    return found


def spread(touches: dict[int, list[tuple[int, int, int]]], within: int, messages: int) -> set[int]:
    """Return the events of addresses that touched many messages at once.

    ``touches`` are (time, message, event) by address. One address on at least ``messages`` messages
    within ``within`` ms is a filter's: nobody reads several people's mail in two seconds.
    """
    found: set[int] = set()
    for seen in touches.values():
        if len(seen) >= messages:
            seen.sort()
            marks = [(time, message) for time, message, _event in seen]
            found.update(seen[place][2] for place in crowded(marks, within, messages))
    return found
