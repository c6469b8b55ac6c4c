"""The third job: a campaign's hits in, one frozen value out. Every format prints this value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from pixeltrack import alarm, config, earnings, funnel, heard, outcomes, rollups, together, verdicts
from pixeltrack.clock import now_ms
from pixeltrack.composing import compose
from pixeltrack.counted import Counted
from pixeltrack.earnings import Wanted
from pixeltrack.estimates import by_provider
from pixeltrack.figures import (
    CampaignReport,
    ProviderFigures,
)
from pixeltrack.heard import Span
from pixeltrack.model import Campaign, Mail
from pixeltrack.providers import provider_of
from pixeltrack.rates import ratio, share
from pixeltrack.repeated import Repeats
from pixeltrack.replay import HOUR
from pixeltrack.rules import load as load_rules
from pixeltrack.rules import using
from pixeltrack.setup import open_workspace
from pixeltrack.store import Store
from pixeltrack.timeline import Hours
from pixeltrack.times import Zone, local_zone, read_zone
from pixeltrack.verdicts import Failed, Progress

Clock = Callable[[], int]  # milliseconds UTC

_DAY = 24 * HOUR


def build(
    store: Store,
    name: str,
    progress: Progress | None = None,
    failed: Failed | None = None,
    clock: Clock = now_ms,
    zone: Zone | None = None,
    span: Span | None = None,
    judge: bool = True,
    wanted: Wanted | None = None,
) -> CampaignReport:
    """Return the report of one campaign, or raise NoSuchCampaign. With ``judge`` what is new is judged first.

    ``zone`` is that of its days, weekdays and hours; without one it is the machine's. With ``span`` only
    hits in it are counted, one by one, and nothing is compared with earlier campaigns. ``wanted`` is how
    conversions are to be shared out; without it they are left out.

    Where that cannot be stored, because the database is locked or full, ``failed`` is told, and what was
    judged before is counted; without it StoreError is raised.
    """
    campaign = store.campaign(name)
    if judge:
        verdicts.bring_up_to_date(store, progress, failed)
    reports = _Reports(store, clock(), zone, span)
    found = reports.with_alarms(campaign, reports.build(campaign))
    return _with_conversions(store, [campaign], [found], clock(), span, wanted, campaign.campaign_id)[0]


def build_all(
    store: Store,
    progress: Progress | None = None,
    failed: Failed | None = None,
    clock: Clock = now_ms,
    zone: Zone | None = None,
    span: Span | None = None,
    judge: bool = True,
    wanted: Wanted | None = None,
) -> list[CampaignReport]:
    """Return the reports of all campaigns, newest first. What is new is judged first, as by ``build``."""
    if judge:
        verdicts.bring_up_to_date(store, progress, failed)
    reports = _Reports(store, clock(), zone, span)
    built = [(campaign, reports.build(campaign)) for campaign in store.campaigns()]
    found = [reports.with_alarms(campaign, report) for campaign, report in built]
    return _with_conversions(store, [each for each, _report in built], found, clock(), span, wanted)


def _with_conversions(
    store: Store,
    campaigns: Sequence[Campaign],
    found: list[CampaignReport],
    now: int,
    span: Span | None,
    wanted: Wanted | None,
    only: int | None = None,
) -> list[CampaignReport]:
    """Return reports with what conversions earned and how far people came, where that is wanted."""
    if wanted is None or not store.has_goals():
        return found
    book = earnings.Book(store, now, wanted.goal, wanted.rule, span, only)
    complete = []
    for campaign, its in zip(campaigns, found, strict=True):
        earned = book.earnings(campaign)
        far = funnel.build(store, campaign, its, earned, book.orders_of(campaign.campaign_id))
        complete.append(replace(its, conversions=earned, funnel=far))
    return complete


def read(
    name: str,
    db: str | Path = "pixeltrack.db",
    *,
    key: str | Path | None = None,
    zone: str | None = None,
    wanted: Wanted | None = None,
) -> CampaignReport:
    """Return the report of one campaign of a database, for notebooks and scripts.

    ``db`` is the database's file and ``key`` that of its key (beside it by itself); ``zone`` is a name such
    as "Europe/Berlin"; ``wanted`` as of ``build``. Other settings are those of pixeltrack.toml and the
    environment. Raises NoSuchCampaign, and PixeltrackError for what cannot be read.
    """
    with _opened(db, key) as store:
        return build(store, name, zone=None if zone is None else read_zone(zone), wanted=wanted)


def read_all(
    db: str | Path = "pixeltrack.db", *, key: str | Path | None = None, zone: str | None = None
) -> list[CampaignReport]:
    """Return the reports of all campaigns of a database, newest first; arguments as of ``read``."""
    with _opened(db, key) as store:
        return build_all(store, zone=None if zone is None else read_zone(zone))


@contextmanager
def _opened(db: str | Path, key: str | Path | None) -> Iterator[Store]:
    settings = config.load(options={"db": str(db), "key": None if key is None else str(key)})
    with (
        using(load_rules(settings.rules)),
        closing(open_workspace(settings, create=False).store) as store,
    ):
        yield store


def kept_mails(store: Store, name: str) -> list[Mail]:
    """Return a campaign's mail as it was injected, one of each version; none where none was kept."""
    return store.mails(store.campaign(name).campaign_id)


class _Reports:
    """Building reports at one time (ms UTC): campaigns that others are compared with are counted once."""

    def __init__(self, store: Store, now: int, zone: Zone | None, span: Span | None) -> None:
        self._store = store
        self._now = now
        self._clocks = Hours(zone or local_zone())
        self._span = span if span != Span() else None
        self._campaigns = store.campaigns()
        self._providers: dict[int, tuple[ProviderFigures, ...]] = {}

    def build(self, campaign: Campaign) -> CampaignReport:
        """Return a campaign's report without its alarms."""
        sent_to = rollups.audience(self._store, campaign.campaign_id)
        repeats = Repeats(self._store, campaign.campaign_id, *(self._span or ()))
        if self._span:
            counted = Counted(heard.rollup(self._store, campaign.campaign_id, self._span))
        else:
            counted = Counted(
                repeats.applied(rollups.read(self._store, campaign.campaign_id, sent_to.companies))
            )
        number = campaign.campaign_id
        got = outcomes.of_campaign(self._store, number)
        if got:
            sent_to = sent_to._replace(
                providers=got.by_domain(sent_to.providers, provider_of),
                companies=got.by_domain(sent_to.companies, str),
            )
        providers = by_provider(counted.messages, sent_to.providers, share if got else ratio)
        self._providers[number] = providers
        report = compose(self._store, campaign, counted, sent_to, repeats, providers, self._clocks, got)
        since, until = self._span.limits() if self._span else (None, None)
        return replace(
            report,
            together=together.build(
                self._store,
                campaign,
                self._store.links(number),
                sent_to.together,
                self._clocks,
                self._now,
                self._span,
            ),
            since=since,
            until=until,
            gone_before=self._store.gone_from(number, since),
        )

    def with_alarms(self, campaign: Campaign, report: CampaignReport) -> CampaignReport:
        """Return the report with its alarms, once all are built that are to be built anyway."""
        if self._span:
            return report
        now = alarm.standings(report.providers)
        begun = report.begun if campaign.sent is None else campaign.sent
        if begun is None or self._now - begun < alarm.AGE_HOURS * HOUR or not alarm.is_suspect(now):
            return report
        earlier = [alarm.standings(self._of_providers(each)) for each in self._before(campaign)]
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

    def _of_providers(self, campaign: Campaign) -> tuple[ProviderFigures, ...]:
        if campaign.campaign_id not in self._providers:
            self.build(campaign)
        return self._providers[campaign.campaign_id]


def _start(campaign: Campaign) -> int:
    return campaign.created if campaign.sent is None else campaign.sent
