"""What may be published of people who are counted together, so that no figure is about one of them.

Hits are published as multiples of ten, rounded down, and only of hours that are over. So every figure is a
multiple of ten, and so is every sum and every difference of figures, also of two days or two reports: none of
them is 1 to 9. Nothing below ten is told from nothing at all: had 0 a sign of its own, a row that changes
from 0 to "<10" would say that there is a first hit, and whose turn it was may be known.

Groups of people have five members or more. Those that are smaller are joined, and where what is joined is
still too small, the smallest other group joins it: else it would be what the shown ones leave of the total.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

K = 10  # hits: what is below is not told
LEAST = 5  # recipients: of a smaller group, figures would be of persons
FEW = f"<{K}"  # how a figure of 0 is said
OTHER = "other"  # what small groups are joined to
_HOUR = 3_600_000  # ms

Name = TypeVar("Name", str, int)


#: What is printed wherever such figures are.
NOTES = (
    "Loads of the pixel and clicks of links are counted here, not people: one person may make many, and"
    " none of them can be told from another's.",
    "Figures are rounded down to tens, and small groups joined, so that no figure and no difference of two is"
    f" about a few people. {FEW} is fewer than ten, or none. Hours count once they are over.",
    "The URLs are the same for everybody, so nothing proves who requests them: whoever has one can do so"
    " again and again.",
)


def rounded(hits: int) -> int:
    """Return a number of hits as it may be published; 0 stands for fewer than ten."""
    return hits // K * K


def said(figure: int | None) -> str:
    """Return a published figure as text."""
    return "–" if figure is None else f"{figure:,}" if figure else FEW


def last_hour(now: int, until: int) -> int:
    """Return the moment before which hours are over, and within what is asked for. All are ms UTC."""
    return min(now, until) // _HOUR * _HOUR


def kept_apart(
    sizes: Mapping[Name, Sequence[int]], most: int | None = None, others: Sequence[int] | None = None
) -> list[Name]:
    """Return the groups that may be shown by themselves, the largest first, at most so many.

    A size is a number of recipients, or several, such as those of whom opens and those of whom clicks are
    counted: a figure is over each of them, so each is none or ``LEAST`` at least. So is what the groups that
    are not shown have together, with ``others``, who are in no group.

    So everything that is shown is made of parts that are nobody or large enough, and whatever is added to it
    or taken from it, by these rows and the total, is made of such parts, too.
    """
    ranked = sorted(sizes, key=lambda name: (-max(sizes[name]), str(name)))
    shown = [name for name in ranked if any(sizes[name]) and is_large(sizes[name])][:most]
    kept = set(shown)
    left = [sizes[name] for name in ranked if name not in kept] + ([others] if others else [])
    rest = [sum(numbers) for numbers in zip(*left, strict=True)]
    while shown and not is_large(rest):
        rest = [one + more for one, more in zip(rest, sizes[shown.pop()], strict=True)]
    return shown


def is_large(size: Sequence[int]) -> bool:
    """Return whether a group is nobody, or large enough, in each of its numbers."""
    return all(number == 0 or number >= LEAST for number in size)
