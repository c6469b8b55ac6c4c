"""The third job: a campaign's hits in, one frozen value out. Every format prints this value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace

from pixeltrack import alarm, verdicts
from pixeltrack.clock import now_ms
from pixeltrack.count import Count
from pixeltrack.errors import StoreError
from pixeltrack.estimates import add_up, adjusted, by_provider, observable
from pixeltrack.figures import Bucket, CampaignReport, LinkFigures, ProviderFigures, SetAside, Share, Tally
from pixeltrack.model import Campaign, EventKind, LinkRow
from pixeltrack.providers import provider_of
from pixeltrack.rates import audience, ratio
from pixeltrack.repeated import Repeats
from pixeltrack.replay import HOUR
from pixeltrack.rules import rules
from pixeltrack.store import Store
from pixeltrack.verdicts import Progress

Failed = Callable[[StoreError], None]
Clock = Callable[[], int]  # milliseconds UTC

_DAY = 24 * HOUR
_MOST_HOURS = 96  # a longer span is shown by the day


def build(
    store: Store,
    name: str,
    progress: Progress | None = None,
    failed: Failed | None = None,
    clock: Clock = now_ms,
) -> CampaignReport:
    """Return the report of one campaign, or raise NoSuchCampaign. What is new is judged first.

    Where that cannot be stored, because the database is locked or full, ``failed`` is told, and what was
    judged before is counted; without it StoreError is raised.
    """
    campaign = store.campaign(name)
    _judge(store, progress, failed)
    reports = _Reports(store, clock())
    return reports.with_alarms(campaign, reports.build(campaign))


def build_all(
    store: Store, progress: Progress | None = None, failed: Failed | None = None, clock: Clock = now_ms
) -> list[CampaignReport]:
    """Return the reports of all campaigns, newest first. What is new is judged first, as by ``build``."""
    _judge(store, progress, failed)
    reports = _Reports(store, clock())
    built = [(campaign, reports.build(campaign)) for campaign in store.campaigns()]
    return [reports.with_alarms(campaign, report) for campaign, report in built]


def _judge(store: Store, progress: Progress | None, failed: Failed | None) -> None:
    try:
        verdicts.update(store, rules(), progress=progress)
    except StoreError as error:
        if failed is None:
            raise
        failed(error)


class _Reports:
    """Building reports at one time (ms UTC): campaigns that others are compared with are counted once."""

    def __init__(self, store: Store, now: int) -> None:
        self._store = store
        self._now = now
        self._campaigns = store.campaigns()
        self._judgements = store.judgements()
        self._judged = store.all_judged()
        self._providers: dict[int, tuple[ProviderFigures, ...]] = {}

    def build(self, campaign: Campaign) -> CampaignReport:
        """Return a campaign's report without its alarms."""
        count, repeats, tracked_at = self._count(campaign)
        count.finish()
        providers = by_provider(count.messages, tracked_at)
        self._providers[campaign.campaign_id] = providers
        return _report(self._store, campaign, count, repeats, providers)

    def with_alarms(self, campaign: Campaign, report: CampaignReport) -> CampaignReport:
        """Return the report with its alarms, once all are built that are to be built anyway."""
        now = alarm.standings(report.providers)
        begun = report.begun if campaign.sent is None else campaign.sent
        if begun is None or self._now - begun < alarm.AGE_HOURS * HOUR or not alarm.is_suspect(now):
            return report
        earlier = [alarm.standings(self._at_providers(each)) for each in self._before(campaign)]
        return replace(report, alarms=alarm.alarms(now, earlier))

    def _before(self, campaign: Campaign) -> list[Campaign]:
        """Return the campaigns to compare with, the newest first."""
        then = _start(campaign)
        found = [
            each
            for each in self._campaigns
            if each.kind == "recipients"
            and each.campaign_id != campaign.campaign_id
            and then - alarm.DAYS * _DAY <= _start(each) < then
        ]
        return sorted(found, key=_start, reverse=True)[: alarm.LOOKED_AT]

    def _at_providers(self, campaign: Campaign) -> tuple[ProviderFigures, ...]:
        if campaign.campaign_id not in self._providers:
            count, _repeats, tracked_at = self._count(campaign)
            self._providers[campaign.campaign_id] = by_provider(count.messages, tracked_at)
        return self._providers[campaign.campaign_id]

    def _count(self, campaign: Campaign) -> tuple[Count, Repeats, Counter[str]]:
        """Count a campaign's hits, and its tracked messages at each provider."""
        at: dict[int, str] = {}
        tracked: Counter[str] = Counter()
        for domain, messages in self._store.domains(campaign.campaign_id):
            provider = provider_of(domain)
            tracked[provider] += len(messages)
            at.update(dict.fromkeys(messages, provider))
        count = Count(self._judgements, at)
        repeats = Repeats(self._store, campaign.campaign_id)
        for message, hits in self._store.seen(campaign.campaign_id, self._judged, without=repeats.messages):
            count.add(message, hits)
        repeats.add_to(count)
        return count, repeats, tracked


def _start(campaign: Campaign) -> int:
    return campaign.created if campaign.sent is None else campaign.sent


def _report(
    store: Store, campaign: Campaign, count: Count, repeats: Repeats, providers: tuple[ProviderFigures, ...]
) -> CampaignReport:
    links, versions = store.links(campaign.campaign_id), store.versions(campaign.campaign_id)
    messages, tracked = _message_counts(store, campaign)
    whole = audience(tracked)
    sums = add_up(count.messages)
    seen = observable(sums, whole)
    state = store.judging_state()
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
        open_rate=ratio(opens.unique, whole),
        click_rate=ratio(clicks.unique, whole),
        click_to_open_rate=ratio(clicks.unique, opens.unique),
        opens_bounds=sums.opens_bounds,
        clicks_bounds=sums.clicks_bounds,
        adjusted_open_rate=adjusted(sums, whole),
        prefetch_only=sums.prefetch_only,
        observable=seen,
        observable_share=None if seen is None else ratio(seen, whole),
        clicked_without_open=sums.clicked_without_open,
        clicked_without_images=sums.clicked_without_images,
        unsubscribed=opt_outs.get("all", 0),
        stopped_tracking=opt_outs.get("tracking", 0),
        machine_opens=count.tally(EventKind.OPEN, "prefetch", "scanner"),
        machine_clicks=count.tally(EventKind.CLICK, "prefetch", "scanner"),
        unknown_opens=count.tally(EventKind.OPEN, "unknown"),
        unknown_clicks=count.tally(EventKind.CLICK, "unknown"),
        links=tuple(_link(row, count, versions) for row in links if row.role == "link"),
        timeline=timeline,
        timeline_step=step,
        devices=_shares(count.devices),
        systems=_shares(count.systems),
        browsers=_shares(count.browsers),
        clients=_shares(count.clients),
        providers=providers,
        alarms=(),
        set_aside=_set_aside(count),
        begun=count.begun,
        first=count.first,
        last=count.last,
        preview_hits=count.previews,
        repeated_hits=repeats.hits,
        repeated_urls=repeats.urls,
        rules_version=state.rules if state else rules().version,
    )


def _message_counts(store: Store, campaign: Campaign) -> tuple[int | None, int | None]:
    if campaign.kind == "merge":
        return None, None
    return store.message_counts(campaign.campaign_id)


def _link(row: LinkRow, count: Count, versions: Mapping[int, str]) -> LinkFigures:
    return LinkFigures(
        row.number,
        row.position,
        row.line,
        row.text,
        row.url,
        row.group,
        Tally(count.link_people[row.number], count.link_clicks[row.number]),
        count.link_machines[row.number],
        versions.get(row.version, ""),
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
    return tuple(sorted(rows, key=lambda row: (-row.opens - row.clicks, row.reason, row.label)))


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
