"""Reports as CSV: one row for each campaign, with its single figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pixeltrack import money
from pixeltrack.earned import Earnings
from pixeltrack.figures import CampaignReport
from pixeltrack.show.earnedplain import number
from pixeltrack.show.table import Cell, csv_text
from pixeltrack.show.text import iso

#: The columns, named as in the report's JSON. Lists of figures are what ``--by`` and ``export`` have.
COLUMNS = (
    *("campaign", "code", "kind", "created", "since", "until", "messages", "tracked"),
    *("opens_tracked", "clicks_tracked"),
    *("opens.unique", "opens.total", "clicks.unique", "clicks.total"),
    *("open_rate", "click_rate", "click_to_open_rate"),
    *("opens_bounds.at_least", "opens_bounds.at_most", "clicks_bounds.at_least", "clicks_bounds.at_most"),
    *("adjusted_open_rate.rate", "adjusted_open_rate.low", "adjusted_open_rate.high"),
    *("prefetch_only", "observable", "observable_share", "clicked_without_open", "clicked_without_images"),
    *("unsubscribed", "stopped_tracking"),
    *("machine_opens.unique", "machine_opens.total", "machine_clicks.unique", "machine_clicks.total"),
    *("unknown_opens.unique", "unknown_opens.total", "unknown_clicks.unique", "unknown_clicks.total"),
    *("begun", "first", "last", "preview_hits", "repeated_hits", "repeated_urls", "rules_version"),
    *("together.recipients", "together.loads_recipients", "together.clicks_recipients"),
    *("together.loads", "together.clicks", "together.machine_loads", "together.machine_clicks"),
    *("together.counted_until", "together.rounded_to", "gone_before"),
    *("delivery.sent", "delivery.delivered", "delivery.bounced", "delivery.hard_bounced"),
    *("delivery.soft_bounced", "delivery.unknown_bounced", "delivery.rejected", "delivery.deferred"),
    *("delivery.complained", "delivery.unsubscribed", "delivery.not_told", "delivery.deliveries_told"),
    *("delivery.opens_tracked", "delivery.clicks_tracked"),
    *("delivery.delivery_rate", "delivery.bounce_rate", "delivery.complaint_rate"),
    *("conversions.orders", "conversions.by_click", "conversions.by_view", "conversions.no_touch"),
    *("conversions.refunded", "conversions.revenue", "conversions.unverified"),
    *("conversions.unverified_revenue", "conversions.cost", "conversions.return_rate"),
    *("funnel.delivered", "funnel.viewed", "funnel.converted"),
)
_TIMES = frozenset(
    {*("created", "since", "until", "begun", "first", "last"), "together.counted_until", "gone_before"}
)


def as_csv(reports: Sequence[CampaignReport]) -> str:
    """Return a row for each campaign. Rates are shares of 1, times ISO 8601, undefined figures empty."""
    return csv_text([COLUMNS, *([_value(report, column) for column in COLUMNS] for report in reports)])


def _value(report: CampaignReport, column: str) -> Cell:
    if column.startswith("conversions."):
        its = report.conversions
        return None if its is None else _earned(its, column.removeprefix("conversions."))
    if column.startswith("funnel."):
        steps = report.funnel.steps if report.funnel else ()
        return next((step.people for step in steps if step.name == column.removeprefix("funnel.")), None)
    value: Any = report
    for name in column.split("."):
        value = None if value is None else getattr(value, name)
    found: Cell = iso(value) if column in _TIMES else int(value) if isinstance(value, bool) else value
    return found


def _earned(found: Earnings, column: str) -> Cell:
    """Return a figure of all goals; amounts with their currencies, of which there may be several."""
    if column in ("cost", "return_rate"):
        its = next(iter(found.costs), None)
        if its is None or its.cost is None:
            return None
        return its.return_rate if column == "return_rate" else _money([(its.cost, its.currency)])
    if column == "unverified":
        return number(sum(row.unverified.orders for row in found.totals))
    if column.endswith("revenue"):
        side = "unverified" if column == "unverified_revenue" else "verified"
        return _money((getattr(row, side).revenue, row.currency) for row in found.totals if row.currency)
    return number(sum(getattr(row.verified, column) for row in found.totals))


def _money(amounts: Iterable[tuple[int, str]]) -> str:
    return ", ".join(f"{money.plain(amount, currency)} {currency}" for amount, currency in amounts)
