"""The alarm: a provider's people have all but stopped opening, so mail may go to spam there.

Compared is the share of openers among recipients whose opens can be seen, with that of earlier campaigns
together. Where the rest of the campaign did worse than usual, that much less is expected of the provider,
too: a dull mail or a holiday is no alarm. Where everybody stopped, there is one alarm that says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pixeltrack.chances import at_most, wilson
from pixeltrack.figures import Alarm, ProviderFigures
from pixeltrack.providers import OTHER

# All thresholds. They are judgement: the first five keep chance and slow readers from making an alarm.
RECIPIENTS = 30  # whose opens can be seen, at the provider, in a campaign that is looked at at all
CAMPAIGNS = 3  # earlier ones, at least
LOOKED_AT = 6  # earlier ones, the newest, at most: each has to be counted
DAYS = 180  # how far back they may lie
AGE_HOURS = 24  # of the campaign, from sending or, where that is not known, from its first hit
CHANCE = 0.001  # so few openers are less likely than this at the lower bound of the earlier rate
PART = 0.2  # the rate is below this part of the earlier one
EXPECTED = 5  # openers that the rest must have let expect, to say how the campaign as a whole does


class Standing(NamedTuple):
    """People who opened, and recipients whose opens can be seen, at one provider in one campaign."""

    openers: int
    recipients: int


class _Judged(NamedTuple):
    openers: int
    recipients: int
    before: float
    low: float  # the lower bound of the rate before
    campaigns: int


def standings(providers: Sequence[ProviderFigures]) -> dict[str, Standing]:
    """Return how each provider stands, of a campaign's figures."""
    return {
        row.provider: Standing(row.openers, row.opens_tracked - row.prefetch_only)
        for row in providers
        if row.opens_tracked - row.prefetch_only >= RECIPIENTS
    }


def is_suspect(now: Mapping[str, Standing]) -> bool:
    """Return whether an alarm is possible at all: earlier campaigns need not be counted if not."""
    return any(each.openers < PART * each.recipients for each in now.values())


def alarms(now: Mapping[str, Standing], earlier: Sequence[Mapping[str, Standing]]) -> tuple[Alarm, ...]:
    """Return the alarms of a campaign that is old enough, given earlier ones that are not too old."""
    judged = {name: each for name in now if (each := _judged(name, now[name], earlier))}
    found: list[Alarm] = []
    for name, each in judged.items():
        rest = [other for of, other in judged.items() if of != name]
        expected = sum(other.recipients * other.before for other in rest)
        openers = sum(other.openers for other in rest)
        scale = min(1.0, openers / expected) if expected >= EXPECTED else 1.0
        if name != OTHER and (chance := _chance(each, scale)) is not None:
            found.append(_alarm(name, each, chance))
    if not found and len(judged) > 1:
        pooled = _pooled(list(judged.values()))
        if (chance := _chance(pooled, 1.0)) is not None:
            found.append(_alarm(None, pooled, chance))
    return tuple(found)


def _judged(name: str, now: Standing, earlier: Sequence[Mapping[str, Standing]]) -> _Judged | None:
    past = [each[name] for each in earlier if name in each]
    if len(past) < CAMPAIGNS:
        return None
    openers, recipients = sum(each.openers for each in past), sum(each.recipients for each in past)
    low, _high = wilson(openers, recipients)
    return _Judged(now.openers, now.recipients, openers / recipients, low, len(past))


def _pooled(judged: Sequence[_Judged]) -> _Judged:
    """Return providers as one; the rate before is what this campaign's mix of them let expect."""
    recipients = sum(each.recipients for each in judged)
    return _Judged(
        sum(each.openers for each in judged),
        recipients,
        sum(each.before * each.recipients for each in judged) / recipients,
        sum(each.low * each.recipients for each in judged) / recipients,
        max(each.campaigns for each in judged),
    )


def _chance(each: _Judged, scale: float) -> float | None:
    """Return the chance of so few openers if that is an alarm, else None."""
    if each.openers >= PART * scale * each.before * each.recipients:
        return None
    chance = at_most(each.openers, each.recipients, scale * each.low)
    return chance if chance < CHANCE else None


def _alarm(provider: str | None, each: _Judged, chance: float) -> Alarm:
    why = (
        "mail may go to spam or images may be blocked"
        if provider
        else "at all providers alike; the mail may not have gone out, or its pixel may not be reached"
    )
    before = f"{each.before * 100:.{0 if each.before >= 0.1 else 1}f} %"
    opened = f"{each.openers:,} of {each.recipients:,} opened, against {before} before"
    says = f"{provider or 'Everywhere'}: {opened}: {why}"
    return Alarm(provider, each.openers, each.recipients, each.before, each.campaigns, chance, says)
