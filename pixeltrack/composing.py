"""One campaign's report, made of what was counted of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pixeltrack.counted import Counted
from pixeltrack.estimates import Rate, add_up, adjusted, observable
from pixeltrack.figures import (
    CampaignReport,
    CompanyFigures,
    DeliveryFigures,
    LinkFigures,
    ProviderFigures,
    SetAside,
    Share,
    Tally,
)
from pixeltrack.model import BY_HIT, Campaign, EventKind, LinkRow
from pixeltrack.rates import DEFINITIONS, definitions, ratio, share
from pixeltrack.reached import Reached
from pixeltrack.repeated import Repeats
from pixeltrack.rules import rules
from pixeltrack.store import Audience, Store
from pixeltrack.timeline import Hours, timeline, week


def compose(
    store: Store,
    campaign: Campaign,
    count: Counted,
    sent_to: Audience,
    repeats: Repeats,
    providers: tuple[ProviderFigures, ...],
    clocks: Hours,
    got: Reached | None,
) -> CampaignReport:
    links, versions = store.links(campaign.campaign_id), store.versions(campaign.campaign_id)
    known = campaign.kind != "merge"  # else nobody told pixeltrack how many recipients there are
    tracked = sent_to.tracked if known else None
    sums = add_up(count.messages)
    delivery = _delivery(store, campaign, sent_to, got)
    rate = share if delivery else ratio
    whole = delivery.opens_tracked if delivery else tracked.opens if tracked else None
    clickable = delivery.clicks_tracked if delivery else tracked.clicks if tracked else None
    seen = observable(sums, whole)
    state = store.judging_state()
    opt_outs = store.opt_out_counts(campaign.campaign_id)
    unsubscribed = opt_outs.get("all", 0)
    if delivery:
        unsubscribed += delivery.unsubscribed - store.unsubscribed_both_ways(campaign.campaign_id)
    opens = count.tally(EventKind.OPEN, "human")
    clicks = count.tally(EventKind.CLICK, "human")
    step, buckets = timeline(count.hours, clocks)
    return CampaignReport(
        campaign=campaign.name,
        code=campaign.code,
        kind=campaign.kind,
        created=campaign.created,
        messages=sent_to.messages if known else None,
        tracked=tracked.any if tracked else None,
        opens_tracked=tracked.opens if tracked else None,
        clicks_tracked=tracked.clicks if tracked else None,
        opens=opens,
        clicks=clicks,
        open_rate=rate(opens.unique, whole),
        click_rate=rate(clicks.unique, clickable),
        click_to_open_rate=ratio(clicks.unique, opens.unique),
        opens_bounds=sums.opens_bounds,
        clicks_bounds=sums.clicks_bounds,
        adjusted_open_rate=adjusted(sums, whole),
        prefetch_only=sums.prefetch_only,
        observable=seen,
        observable_share=None if seen is None else rate(seen, whole),
        clicked_without_open=sums.clicked_without_open,
        clicked_without_images=sums.clicked_without_images,
        unsubscribed=unsubscribed,
        stopped_tracking=opt_outs.get("tracking", 0),
        machine_opens=count.tally(EventKind.OPEN, "prefetch", "scanner"),
        machine_clicks=count.tally(EventKind.CLICK, "prefetch", "scanner"),
        unknown_opens=count.tally(EventKind.OPEN, "unknown"),
        unknown_clicks=count.tally(EventKind.CLICK, "unknown"),
        links=tuple(_link(row, count, clicks.unique, versions) for row in links if row.role == "link"),
        timeline=buckets,
        timeline_step=step,
        week=week(count.hours, clocks),
        devices=_shares(count.devices),
        systems=_shares(count.systems),
        browsers=_shares(count.browsers),
        clients=_shares(count.clients),
        providers=providers,
        companies=_companies(count, sent_to, rate),
        alarms=(),
        set_aside=_set_aside(count),
        begun=count.begun,
        first=count.first,
        last=count.last,
        preview_hits=count.previews,
        repeated_hits=repeats.hits,
        repeated_urls=repeats.urls,
        rules_version=state.rules if state else rules().version,
        delivery=delivery,
        definitions=definitions(told=delivery.deliveries_told) if delivery else DEFINITIONS,
    )


def _delivery(
    store: Store, campaign: Campaign, sent_to: Audience, got: Reached | None
) -> DeliveryFigures | None:
    if got is None:
        return None
    if campaign.kind == "merge":  # what nobody knows before is told by the deliveries
        opens, clicks = campaign.modes
        return got.figures(None, None, (opens in BY_HIT, clicks in BY_HIT))
    apart = sum(crowd.recipients for crowd in store.crowds(campaign.campaign_id))
    return got.figures(sent_to.messages + apart, sent_to.tracked)


def _link(row: LinkRow, count: Counted, clickers: int, versions: Mapping[int, str]) -> LinkFigures:
    return LinkFigures(
        row.number,
        row.position,
        row.line,
        row.text,
        row.url,
        row.group,
        Tally(count.link_people[row.number], count.link_clicks[row.number]),
        count.link_machines[row.number],
        ratio(count.link_people[row.number], clickers),
        versions.get(row.version, ""),
    )


def _shares(counted: Counter[str]) -> tuple[Share, ...]:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, people) for name, people in ranked)


def _companies(count: Counted, sent_to: Audience, rate: Rate) -> tuple[CompanyFigures, ...]:
    found = []
    for domain, tracked in sent_to.companies.items():
        opened, clicked, both = (count.companies[domain, kinds] for kinds in (1, 2, 3))
        openers, clickers = opened + both, clicked + both
        rates = rate(openers, tracked.opens), rate(clickers, tracked.clicks)
        found.append(CompanyFigures(domain, *tracked, openers, clickers, *rates))
    return tuple(found)


def _set_aside(count: Counted) -> tuple[SetAside, ...]:
    rows = [
        SetAside(*ground, count.hits[EventKind.OPEN, *ground], count.hits[EventKind.CLICK, *ground], messages)
        for ground, messages in count.aside.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.opens - row.clicks, row.reason, row.label)))
