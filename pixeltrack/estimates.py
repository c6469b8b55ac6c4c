"""What hits say about people beyond what they prove: bounds, the adjusted rate, providers.

All of it comes from how many messages there are of each ``Seen``, so it adds up: over messages, over
providers, over stretches of a campaign.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from pixeltrack.chances import CONFIDENCE, wilson
from pixeltrack.figures import Bounds, Estimate, ProviderFigures
from pixeltrack.judging import LABELS
from pixeltrack.providers import OTHER
from pixeltrack.rates import Tracked, ratio

BITS = {label: 1 << place for place, label in enumerate(LABELS)}  # the lower, the better
_HUMAN, _UNKNOWN, _PREFETCH = BITS["human"], BITS["unknown"], BITS["prefetch"]


BOTH = 3
Rate = Callable[[int, int | None], float | None]


class Seen(NamedTuple):
    """What was seen of one message: the labels of its opens and its clicks (``BITS``), its provider.

    ``axes`` are what is measured of it: 1 opens, 2 clicks, 3 both. Where opens are not, they are not missing.
    """

    opens: int
    clicks: int
    provider: str
    axes: int = BOTH


@dataclass(frozen=True, slots=True)
class Sums:
    """Numbers of recipients; each counts as the best of its hits: human, unknown, prefetch, scanner."""

    openers: int = 0
    clickers: int = 0
    confirmed: int = 0  # with an open or a click of a person
    perhaps_opened: int = 0  # and those with an open that is unknown or prefetch, or an unknown click
    perhaps_clicked: int = 0  # clickers, and those with an unknown click
    prefetch_only: int = 0  # the best open is prefetch: whether the person looked cannot be seen
    clicked_without_open: int = 0
    clicked_without_images: int = 0  # of these, the pixel was loaded by scanners or by nobody

    @property
    def opens_bounds(self) -> Bounds:
        """The recipients that opened, as few and as many as they may be."""
        return Bounds(self.confirmed, self.perhaps_opened)

    @property
    def clicks_bounds(self) -> Bounds:
        """The recipients that clicked, as few and as many as they may be."""
        return Bounds(self.clickers, self.perhaps_clicked)


def counters(seen: Seen) -> Sums:
    """Return what one message adds to each of the sums."""
    opens, clicks, _provider, axes = seen
    opener, clicker = bool(opens & _HUMAN), bool(clicks & _HUMAN)
    wanted, measured = _HUMAN | _UNKNOWN | _PREFETCH, bool(axes & 1)
    return Sums(
        openers=int(opener),
        clickers=int(clicker),
        confirmed=int(opener or (clicker and measured)),
        perhaps_opened=int(bool(opens & wanted or (clicks & (_HUMAN | _UNKNOWN) and measured))),
        perhaps_clicked=int(bool(clicks & (_HUMAN | _UNKNOWN))),
        prefetch_only=int(opens & -opens == _PREFETCH),
        clicked_without_open=int(clicker and measured and not opener),
        clicked_without_images=int(clicker and measured and not opens & wanted),
    )


def add_up(messages: Mapping[Seen, int], provider: str | None = None) -> Sums:
    """Return the sums over messages, given how many there are of each; of one provider if it is named."""
    totals = dict.fromkeys(Sums.__slots__, 0)
    for seen, number in messages.items():
        if provider is None or seen.provider == provider:
            each = counters(seen)
            for name in totals:
                totals[name] += number * getattr(each, name)
    return Sums(**totals)


def observable(sums: Sums, audience: int | None) -> int | None:
    """Return the recipients whose opens can be seen: all but those whose pixel was only loaded ahead."""
    return None if audience is None else max(0, audience - sums.prefetch_only)


def adjusted(sums: Sums, audience: int | None) -> Estimate | None:
    """Return the share of openers among those whose opens can be seen, None where that has no meaning."""
    whole = observable(sums, audience)
    if not whole or sums.openers > whole:
        return None
    low, high = wilson(sums.openers, whole)
    formula = f"{sums.openers:,} ÷ ({audience:,} − {sums.prefetch_only:,})"
    return Estimate(sums.openers / whole, low, high, CONFIDENCE, sums.openers, whole, formula)


def by_provider(
    messages: Mapping[Seen, int], audience: Mapping[str, Tracked], rate: Rate = ratio
) -> tuple[ProviderFigures, ...]:
    """Return each provider's figures, the one with most recipients first, other domains last.

    ``audience`` has the recipients at each provider that rates are over.
    """
    rows = []
    for provider, tracked in audience.items():
        sums = add_up(messages, provider)
        estimate = adjusted(sums, tracked.opens)
        rows.append(
            ProviderFigures(
                provider,
                tracked.any,
                tracked.opens,
                tracked.clicks,
                sums.openers,
                sums.clickers,
                sums.prefetch_only,
                rate(sums.openers, tracked.opens),
                rate(sums.clickers, tracked.clicks),
                estimate.rate if estimate else None,
            )
        )
    return tuple(sorted(rows, key=lambda row: (row.provider == OTHER, -row.tracked, row.provider)))
