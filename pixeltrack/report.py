"""The third job: a campaign's hits in, one frozen value out. Every format prints this value."""

from __future__ import annotations

from collections import Counter

from pixeltrack import verdicts
from pixeltrack.count import HOUR, Count
from pixeltrack.figures import Bucket, CampaignReport, LinkFigures, SetAside, Share, Tally, Week
from pixeltrack.model import Campaign, EventKind, LinkRow, Mail
from pixeltrack.rates import ratio
from pixeltrack.rules import rules
from pixeltrack.store import Store
from pixeltrack.times import Zone, local_zone
from pixeltrack.verdicts import Progress

_DAY = 24 * HOUR
_MOST_HOURS = 96  # a longer span is shown by the day


def build(
    store: Store, name: str, progress: Progress | None = None, zone: Zone | None = None
) -> CampaignReport:
    """Return the report of one campaign, or raise NoSuchCampaign. What is new is judged first.

    zone is that of its weekdays and hours; without one it is the machine's.
    """
    campaign = store.campaign(name)
    verdicts.update(store, rules(), progress=progress)
    return _build(store, campaign, zone)


def build_all(
    store: Store, progress: Progress | None = None, zone: Zone | None = None
) -> list[CampaignReport]:
    """Return the reports of all campaigns, newest first. What is new is judged first."""
    verdicts.update(store, rules(), progress=progress)
    return [_build(store, campaign, zone) for campaign in store.campaigns()]


def kept_mail(store: Store, name: str) -> Mail | None:
    """Return the mail of a campaign as it was injected; None where none was kept."""
    return store.mail(store.campaign(name).campaign_id)


def _build(store: Store, campaign: Campaign, zone: Zone | None) -> CampaignReport:
    links = store.links(campaign.campaign_id)
    count = Count(store.judgements())
    for hits in store.seen(campaign.campaign_id, store.all_judged()):
        count.add(hits)
    count.finish()
    messages, tracked = _message_counts(store, campaign)
    opt_outs = store.opt_out_counts(campaign.campaign_id)
    opens = count.tally(EventKind.OPEN, "human")
    clicks = count.tally(EventKind.CLICK, "human")
    step, timeline = _timeline(count.hours)
    return CampaignReport(
        campaign=campaign.name,
        code=campaign.code,
        kind=campaign.kind,
        created=campaign.created,
        messages=messages,
        tracked=tracked,
        opens=opens,
        clicks=clicks,
        open_rate=ratio(opens.unique, tracked),
        click_rate=ratio(clicks.unique, tracked),
        click_to_open_rate=ratio(clicks.unique, opens.unique),
        clicked_without_open=count.clicked_without_open,
        unsubscribed=opt_outs.get("all", 0),
        stopped_tracking=opt_outs.get("tracking", 0),
        machine_opens=count.tally(EventKind.OPEN, "prefetch", "scanner"),
        machine_clicks=count.tally(EventKind.CLICK, "prefetch", "scanner"),
        unknown_opens=count.tally(EventKind.OPEN, "unknown"),
        unknown_clicks=count.tally(EventKind.CLICK, "unknown"),
        links=tuple(_link(row, count, clicks.unique) for row in links if row.role == "link"),
        timeline=timeline,
        timeline_step=step,
        week=_week(count.hours, zone or local_zone()),
        devices=_shares(count.devices),
        systems=_shares(count.systems),
        browsers=_shares(count.browsers),
        clients=_shares(count.clients),
        set_aside=_set_aside(count),
        first=count.first,
        last=count.last,
        preview_hits=count.previews,
        rules_version=rules().version,
    )


def _message_counts(store: Store, campaign: Campaign) -> tuple[int | None, int | None]:
    if campaign.kind == "merge":
        return None, None
    return store.message_counts(campaign.campaign_id)


def _link(row: LinkRow, count: Count, clickers: int) -> LinkFigures:
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
    )


def _shares(counted: Counter[str]) -> tuple[Share, ...]:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, people) for name, people in ranked)


def _set_aside(count: Count) -> tuple[SetAside, ...]:
    rows = [
        SetAside(
            *ground, count.grounds[EventKind.OPEN, ground], count.grounds[EventKind.CLICK, ground], messages
        )
        for ground, messages in count.aside.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.opens - row.clicks, row.reason)))


def _timeline(hours: Counter[tuple[int, int]]) -> tuple[int, tuple[Bucket, ...]]:
    if not hours:
        return HOUR, ()
    starts = [hour * HOUR for hour, _kind in hours]
    step = HOUR if max(starts) - min(starts) < _MOST_HOURS * HOUR else _DAY
    first, last = min(starts) // step * step, max(starts)
    counted: Counter[tuple[int, int]] = Counter()
    for (hour, kind), hits in hours.items():
        counted[hour * HOUR // step * step, kind] += hits
    return step, tuple(
        Bucket(start, counted[start, EventKind.OPEN], counted[start, EventKind.CLICK])
        for start in range(first, last + 1, step)
    )


def _week(hours: Counter[tuple[int, int]], zone: Zone) -> Week:
    """Add hours up by weekday and hour. One of UTC counts where it begins, also in zones of half hours."""
    counted: Counter[tuple[int, int, int]] = Counter()
    for (hour, kind), hits in hours.items():
        moment = zone.at(hour * HOUR)
        counted[kind, moment.weekday(), moment.hour] += hits
    opens, clicks = (
        tuple(tuple(counted[kind, day, hour] for hour in range(24)) for day in range(7))
        for kind in (EventKind.OPEN, EventKind.CLICK)
    )
    return Week(zone.name, opens, clicks)
