"""The figures of versions beside each other, and what they say: values in, values out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from pixeltrack.chances import CONFIDENCE, wilson
from pixeltrack.differences import Share, chance_of_more, difference, needed, quantile
from pixeltrack.figures import Bounds

LEAST_CLICKERS = 20  # of two versions together: below that a difference is never called enough

DEFINITIONS: tuple[tuple[str, str], ...] = (
    (
        "click rate",
        "recipients with a person's click ÷ messages of which clicks are tracked; machines' clicks are left"
        " out",
    ),
    (
        "compared",
        "messages of runs of inject that drew at random who gets which version, and of no other: people to"
        " whom one version alone was sent later had another time, or were chosen",
    ),
    (
        "difference",
        "click rate of the version − click rate of the first, in percentage points, with Newcombe's hybrid"
        " score interval; of several differences all intervals hold with 95 % together (Bonferroni)",
    ),
    (
        "how sure",
        "how likely the version's true click rate is above that of the first, if before the test every rate"
        " was as likely as any other (beta distributions with a uniform prior). Not by how much",
    ),
    (
        "enough",
        f"the interval leaves out zero, and both versions have {LEAST_CLICKERS} clickers or more together",
    ),
    (
        "messages needed",
        "of both versions together, in the same proportion: if the true rates are those seen, so many show"
        " the difference in 4 of 5 tests",
    ),
    (
        "looking again",
        "who looks every hour until something is enough finds differences that are not there: decide before"
        " when to look, and look once",
    ),
)


@dataclass(frozen=True, slots=True)
class VersionFigures:
    """One version's messages, and the recipients with opens and clicks of people among them."""

    name: str
    messages: int
    tracked: int
    opens_tracked: int  # of these, or of those that were delivered: what rates are over
    clicks_tracked: int
    openers: int
    opens_bounds: Bounds
    open_rate: float | None
    clickers: int
    clicks_bounds: Bounds
    click_rate: float | None
    click_rate_low: float | None  # the Wilson score interval's, for 95 %
    click_rate_high: float | None
    machine_clickers: int  # recipients with a click of a scanner or the like
    delivered: int | None = None  # of the tracked ones, where anything was reported: rates are over these


@dataclass(frozen=True, slots=True)
class Difference:
    """A version's click rate beside that of the first. Rates are shares of 1, None where undefined.

    ``low`` and ``high`` hold the true difference with the confidence of the test. ``chance_higher`` is
    how likely the version's true rate is above the first's. ``more_messages`` is how many more there must
    be of both to be likely enough, None where that cannot be said.
    """

    version: str
    first: str
    difference: float | None
    low: float | None
    high: float | None
    chance_higher: float | None
    enough: bool
    more_messages: int | None
    says: str


@dataclass(frozen=True, slots=True)
class LinkShare:
    """People who clicked a destination, by version in order; None where a version does not link to it."""

    url: str
    text: str
    clickers: tuple[int | None, ...]


@dataclass(frozen=True, slots=True)
class AbReport:
    """The versions of one campaign beside each other. Times are milliseconds UTC."""

    campaign: str
    code: str
    created: int
    versions: tuple[VersionFigures, ...]
    differences: tuple[Difference, ...]
    links: tuple[LinkShare, ...]
    runs: int  # of inject that are compared
    left_out: tuple[tuple[str, int], ...]  # messages of each version that are not, by its name
    begun: int | None  # the first hit of what is compared, a machine's too
    notes: tuple[str, ...]
    confidence: float
    rules_version: str
    definitions: tuple[tuple[str, str], ...] = DEFINITIONS


def differences(versions: Sequence[VersionFigures]) -> tuple[Difference, ...]:
    """Return each further version beside the first."""
    first, *others = versions
    return tuple(_difference(first, other, len(others)) for other in others)


def _difference(first: VersionFigures, second: VersionFigures, comparisons: int) -> Difference:
    if not first.clicks_tracked or not second.clicks_tracked:
        nobody = first if not first.clicks_tracked else second
        says = f"Not enough yet: nobody who got {nobody.name} is tracked by clicks."
        return Difference(second.name, first.name, None, None, None, None, False, None, says)
    a, b = Share(first.clickers, first.clicks_tracked), Share(second.clickers, second.clicks_tracked)
    z = quantile(CONFIDENCE, comparisons)
    low, high = difference(a, b, z)
    enough = (low > 0 or high < 0) and a.part + b.part >= LEAST_CLICKERS
    more = None if enough else _more(a, b, z, apart=low > 0 or high < 0)
    says = _says(first.name, second.name, a, b, enough=enough, more=more)
    chance = chance_of_more(a, b) if a.part + b.part else None
    return Difference(second.name, first.name, b.rate - a.rate, low, high, chance, enough, more, says)


def _more(a: Share, b: Share, z: float, *, apart: bool) -> int | None:
    """Return how many more messages there must be; apart says that only clickers are missing."""
    clickers, now = a.part + b.part, a.whole + b.whole
    if not clickers:
        return None
    for_clickers = ceil(LEAST_CLICKERS * now / clickers)
    wanted = for_clickers if apart else needed(a, b, z)
    return None if wanted is None else max(1, max(wanted, for_clickers) - now)


def _says(first: str, second: str, a: Share, b: Share, *, enough: bool, more: int | None) -> str:
    if enough:
        higher, lower = (second, first) if b.rate > a.rate else (first, second)
        return f"Enough: {higher} is clicked by more people than {lower}."
    if not a.part + b.part:
        return "Not enough yet: nobody has clicked."
    if a.rate == b.rate:
        return "Not enough yet: both rates are the same, so there is no difference to be sure of."
    if a.part + b.part < LEAST_CLICKERS:
        why = f"{a.part + b.part} people have clicked, and {LEAST_CLICKERS} are the least"
    else:
        why = "chance alone can make such a difference"
    about = "" if more is None else f"About {_rounded(more):,} more messages are needed"
    return f"Not enough yet: {why}. {about} if the true difference is the one seen."


def _rounded(number: int) -> int:
    """Return a number with two figures that say something: it is worked out from an uncertain rate."""
    return round(number, 2 - len(str(number))) if number > 99 else number


def rate_interval(clickers: int, tracked: int) -> tuple[float, float] | tuple[None, None]:
    """Return the bounds of a version's own click rate."""
    return wilson(clickers, tracked) if tracked else (None, None)
