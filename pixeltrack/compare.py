"""Campaigns side by side: the figures of their reports, and how far each is from the first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from pixeltrack import report
from pixeltrack.chances import wilson
from pixeltrack.clock import now_ms
from pixeltrack.errors import InputError
from pixeltrack.figures import CampaignReport
from pixeltrack.report import Clock
from pixeltrack.store import Store
from pixeltrack.verdicts import Failed, Progress

Unit = Literal["count", "published", "rate", "time"]
Value = int | float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """The 95 % Wilson score interval of a rate, as shares of 1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of all campaigns, in their order. A rate is a share of 1, a time milliseconds UTC.

    ``changes`` are the differences of rates from that of the first campaign; empty for other units.
    ``intervals`` are those of rates that are a share of the tracked messages, or the delivered ones.
    """

    figure: str  # as in the report's JSON
    name: str
    unit: Unit
    values: tuple[Value, ...]
    changes: tuple[float | None, ...] = ()
    intervals: tuple[Interval | None, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Campaigns side by side."""

    campaigns: tuple[str, ...]
    rows: tuple[Row, ...]
    alarms: tuple[tuple[str, str], ...]  # a campaign, and what it says
    rules_version: str


def build(
    store: Store,
    names: Sequence[str],
    progress: Progress | None = None,
    failed: Failed | None = None,
    clock: Clock = now_ms,
) -> Comparison:
    """Return campaigns side by side, in the order of names; errors as of ``report.build``.

    Raises InputError for fewer than two campaigns, and for one that is named twice.
    """
    if len(names) < 2:
        raise InputError(
            "--compare needs two campaigns or more", hint="for instance report --compare spring summer"
        )
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"campaign {twice!r} is named twice", hint="name each campaign once")
    for name in names:
        store.campaign(name)  # none is built when one is not there
    reports = [report.build(store, name, progress, failed, clock) for name in names]
    return side_by_side(reports)


def side_by_side(reports: Sequence[CampaignReport]) -> Comparison:
    """Return reports as rows of figures."""
    together = _TOGETHER if any(each.together for each in reports) else ()
    delivery = _DELIVERY if any(each.delivery for each in reports) else ()
    return Comparison(
        campaigns=tuple(each.campaign for each in reports),
        rows=tuple(_row(reports, *figure) for figure in (*_FIGURES, *delivery, *together)),
        alarms=tuple((each.campaign, alarm.says) for each in reports for alarm in each.alarms),
        rules_version=reports[0].rules_version,
    )


Part = tuple[int, int | None]
Figure = tuple[str, str, Unit, Callable[[CampaignReport], Value], Callable[[CampaignReport], Part] | None]


def _openers(report: CampaignReport) -> Part:
    return report.opens.unique, report.opens_over


def _clickers(report: CampaignReport) -> Part:
    return report.clicks.unique, report.clicks_over


#: The last one is the part that a rate is, and of what.
_FIGURES: tuple[Figure, ...] = (
    ("messages", "Messages", "count", lambda each: each.messages, None),
    ("tracked", "Tracked", "count", lambda each: each.tracked, None),
    ("opens_tracked", "Opens tracked", "count", lambda each: each.opens_tracked, None),
    ("clicks_tracked", "Clicks tracked", "count", lambda each: each.clicks_tracked, None),
    ("begun", "First hit", "time", lambda each: each.begun, None),
    ("opens", "Opened", "count", lambda each: each.opens.unique, None),
    ("open_rate", "Open rate", "rate", lambda each: each.open_rate, _openers),
    ("opens_at_least", "Opened, at least", "count", lambda each: each.opens_bounds.at_least, None),
    ("opens_at_most", "Opened, at most", "count", lambda each: each.opens_bounds.at_most, None),
    (
        "adjusted_open_rate",
        "Adjusted open rate",
        "rate",
        lambda each: each.adjusted_open_rate.rate if each.adjusted_open_rate else None,
        None,
    ),
    ("clicks", "Clicked", "count", lambda each: each.clicks.unique, None),
    ("click_rate", "Click rate", "rate", lambda each: each.click_rate, _clickers),
    ("click_to_open_rate", "Click-to-open rate", "rate", lambda each: each.click_to_open_rate, None),
    ("unsubscribed", "Unsubscribed", "count", lambda each: each.unsubscribed, None),
    ("stopped_tracking", "Stopped tracking", "count", lambda each: each.stopped_tracking, None),
    ("machine_opens", "Machines' opens", "count", lambda each: each.machine_opens.total, None),
    ("machine_clicks", "Machines' clicks", "count", lambda each: each.machine_clicks.total, None),
    ("unknown_opens", "Unknown opens", "count", lambda each: each.unknown_opens.total, None),
    ("unknown_clicks", "Unknown clicks", "count", lambda each: each.unknown_clicks.total, None),
)

#: Shown where there are any: published figures, which say nothing of a person.
_TOGETHER: tuple[Figure, ...] = (
    ("together_recipients", "Counted together", "count", lambda each: _of(each, "recipients"), None),
    ("together_loads", "Loads, together", "published", lambda each: _of(each, "loads"), None),
    ("together_clicks", "Clicks, together", "published", lambda each: _of(each, "clicks"), None),
)


#: Shown where anything was reported of the delivery of one of them. The last two say what its rates are over.
_DELIVERY: tuple[Figure, ...] = (
    ("delivered", "Delivered", "count", lambda each: _told(each, "delivered"), None),
    ("delivery_rate", "Delivery rate", "rate", lambda each: _told(each, "delivery_rate"), None),
    ("bounced", "Bounced", "count", lambda each: _told(each, "bounced"), None),
    ("hard_bounced", "Bounced, hard", "count", lambda each: _told(each, "hard_bounced"), None),
    ("bounce_rate", "Bounce rate", "rate", lambda each: _told(each, "bounce_rate"), None),
    ("complained", "Complained", "count", lambda each: _told(each, "complained"), None),
    ("complaint_rate", "Complaint rate", "rate", lambda each: _told(each, "complaint_rate"), None),
    ("opens_over", "Open rate is over", "count", lambda each: each.opens_over, None),
    ("clicks_over", "Click rate is over", "count", lambda each: each.clicks_over, None),
)


def _told(report: CampaignReport, name: str) -> int | float | None:
    return getattr(report.delivery, name) if report.delivery else None


def _of(report: CampaignReport, name: str) -> int | None:
    return getattr(report.together, name) if report.together else None


def _row(
    reports: Sequence[CampaignReport],
    figure: str,
    name: str,
    unit: Unit,
    value: Callable[[CampaignReport], Value],
    part: Callable[[CampaignReport], Part] | None,
) -> Row:
    values = tuple(value(each) for each in reports)
    if unit != "rate":
        return Row(figure, name, unit, values)
    first = values[0]
    changes = tuple(None if each is None or first is None else each - first for each in values)
    intervals = tuple(_interval(*part(each)) for each in reports) if part else ()
    return Row(figure, name, unit, values, changes, intervals)


def _interval(part: int, tracked: int | None) -> Interval | None:
    return Interval(*wilson(part, tracked)) if tracked and part <= tracked else None
