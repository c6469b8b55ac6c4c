"""How far a campaign's recipients came: sent, delivered, opened, clicked, viewed, converted. People only."""

from __future__ import annotations

from collections.abc import Iterable

from pixeltrack.attribution import Order
from pixeltrack.converted import clickers
from pixeltrack.earned import Earnings, Funnel, FunnelStep, FunnelTogether
from pixeltrack.figures import CampaignReport
from pixeltrack.model import Campaign
from pixeltrack.published import is_large, rounded
from pixeltrack.rates import ratio
from pixeltrack.store import Store


def build(
    store: Store,
    campaign: Campaign,
    report: CampaignReport,
    earnings: Earnings,
    orders: Iterable[Order],
) -> Funnel:
    """Return a campaign's funnel. ``report`` and ``earnings`` are its own, ``earnings`` by any model.

    ``orders`` are those of visits that its mail led to. How many messages were delivered is known where that
    was imported. A span is that of the report.
    """
    delivered = report.delivery.delivered if report.delivery else None
    number = campaign.campaign_id
    since = -(1 << 62) if report.since is None else report.since
    until = 1 << 62 if report.until is None else report.until
    left = [order for order in orders if order.message and not order.is_refunded]
    signed = {order.message for order in left if order.verified}
    unsigned = {order.message for order in left} - signed
    seen = store.people_who_viewed(number, since, until)
    people = clickers(store, number, seen | signed | unsigned)
    steps = (
        ("sent", report.messages),
        ("delivered", delivered),
        ("opened", report.opens.unique),
        ("clicked", report.clicks.unique),
        ("viewed", len(people & seen)),
        ("converted", len(people & signed)),
    )
    whole = report.messages if delivered is None else delivered
    if delivered is not None and max(report.opens.unique, report.clicks.unique) > delivered:
        whole = None  # some reports of deliveries are missing: nobody knows what these are a share of
    found = []
    before: int | None = None
    for name, reached in steps:
        of_all = None if reached is None or name == "sent" else ratio(reached, whole)
        of_before = None if reached is None or before is None else ratio(reached, before)
        found.append(FunnelStep(name, reached, of_all, of_before))
        if name == "delivered" and whole is None:
            before = None
        elif reached is not None:
            before = reached
    return Funnel(
        campaign.name, tuple(found), len(people & unsigned), _together(store, number, report, earnings, since)
    )


def _together(
    store: Store, campaign_id: int, report: CampaignReport, earnings: Earnings, since: int
) -> FunnelTogether | None:
    joint = report.together
    if joint is None:
        return None
    told = is_large((joint.clicks_recipients,)) and joint.clicks_recipients
    views = store.views_together(campaign_id, since, joint.counted_until) if told else 0
    return FunnelTogether(
        joint.recipients,
        joint.loads,
        joint.clicks,
        rounded(views),
        sum(each.orders for each in earnings.together),
    )
