"""Versions of one campaign's mail: hits counted by version, of those messages that can be compared."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pixeltrack import heard, outcomes, verdicts
from pixeltrack.abfigures import AbReport, LinkShare, VersionFigures, differences, rate_interval
from pixeltrack.chances import CONFIDENCE
from pixeltrack.clock import now_ms
from pixeltrack.count import Count
from pixeltrack.counted import Counted
from pixeltrack.errors import InputError
from pixeltrack.estimates import add_up
from pixeltrack.model import Campaign, EventKind, LinkRow
from pixeltrack.rates import Tracked, ratio, share
from pixeltrack.reached import Reached
from pixeltrack.replay import HOUR
from pixeltrack.rules import rules
from pixeltrack.store import BatchSize, Store
from pixeltrack.verdicts import Failed, Progress

Clock = Callable[[], int]  # milliseconds UTC

YOUNG_HOURS = 24  # until then many have not looked at their mail
_ODD = 0.05  # by how much a version's share may differ between runs before that is said
_CLICK = int(EventKind.CLICK)
_UTM = re.compile(r"(?<=[?&])utm_[a-z]+=[^&#]*&?", re.IGNORECASE)


def build(
    store: Store,
    name: str,
    progress: Progress | None = None,
    failed: Failed | None = None,
    clock: Clock = now_ms,
) -> AbReport:
    """Return the versions of a campaign beside each other; arguments and errors as of ``report.build``.

    Raises InputError for a campaign without two versions that were drawn in one run.
    """
    campaign = store.campaign(name)
    verdicts.bring_up_to_date(store, progress, failed)
    names = store.versions(campaign.campaign_id)
    if len(names) < 2:
        has = f"has one version, {names[1]}" if names else "has no versions"
        raise InputError(
            f"campaign {name!r} {has}: there is nothing to compare",
            hint="pixeltrack inject --version A=a.html B=b.html --recipients list.csv makes two;"
            " report --compare puts campaigns beside each other",
        )
    sizes = store.batch_sizes(campaign.campaign_id)
    runs = _drawn_runs(sizes)
    drawn = sorted({version for versions in runs.values() for version in versions})
    if len(drawn) < 2:
        raise InputError(
            f"no run of inject drew who gets which version of campaign {name!r}",
            hint="versions that were sent one after the other are not comparable; give both to one inject",
        )
    links = [row for row in store.links(campaign.campaign_id) if row.role == "link"]
    placings = store.placings(campaign.campaign_id)
    version_of = {each.message: each.version for each in placings if each.batch in runs and each.version}
    count = _count(store, campaign, version_of, links)
    got = outcomes.of_campaign(store, campaign.campaign_id)
    versions = tuple(_figures(names[number], number, sizes, runs, count, got) for number in drawn)
    left_out: Counter[int] = Counter()
    for size in sizes:
        if size.batch not in runs or not size.version:
            left_out[size.version] += size.messages
    begun = min((each.begun for each in count.counts.values() if each.begun is not None), default=None)
    state = store.judging_state()
    return AbReport(
        campaign=campaign.name,
        code=campaign.code,
        created=campaign.created,
        versions=versions,
        differences=differences(versions),
        links=_links(links, drawn, count),
        runs=len(runs),
        left_out=tuple((names.get(number, ""), left_out[number]) for number in sorted(left_out)),
        begun=begun,
        notes=(*_delivered(versions), *_deleted(store, campaign), *_notes(runs, drawn, begun, clock())),
        confidence=CONFIDENCE,
        rules_version=state.rules if state else rules().version,
    )


def _drawn_runs(sizes: Iterable[BatchSize]) -> dict[int, Counter[int]]:
    """Return the messages of each version in each run that had several."""
    found: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for each in sizes:
        if each.batch and each.version:
            found[each.batch][each.version] += each.messages
    return {batch: versions for batch, versions in found.items() if len(versions) > 1}


@dataclass(slots=True)
class _ByVersion:
    """What was counted of each version, and people by version and destination."""

    counts: dict[int, Counted]
    clickers: Counter[tuple[int, str]]


def _count(
    store: Store, campaign: Campaign, version_of: Mapping[int, int], links: Sequence[LinkRow]
) -> _ByVersion:
    url_of = {row.number: untagged(row.url) for row in links}
    judgements = store.judgements()
    counts = {version: Count(judgements) for version in set(version_of.values())}
    clickers: Counter[tuple[int, str]] = Counter()
    for message, hits in heard.messages(store, campaign.campaign_id):
        version = version_of.get(message)
        if version is None:
            continue
        count = counts[version]
        count.add(
            [(hit.at, hit.kind, hit.link, hit.agent, 0, hit.network) for hit in hits],
            [count.number(hit.verdict) for hit in hits],
        )
        clicked = [hit.link for hit in hits if hit.kind == _CLICK and hit.verdict.label == "human"]
        for url in {url_of.get(link, "") for link in clicked}:
            clickers[version, url] += 1
    return _ByVersion({version: Counted(count.rollup()) for version, count in counts.items()}, clickers)


def untagged(url: str) -> str:
    """Return an address without UTM tags: they may say the version, and lead to the same page."""
    return re.sub(r"[?&](?=#|$)", "", _UTM.sub("", url), count=1)


def _figures(
    name: str,
    number: int,
    sizes: Iterable[BatchSize],
    runs: Collection[int],
    by_version: _ByVersion,
    got: Reached | None,
) -> VersionFigures:
    count = by_version.counts[number]
    mine = [each for each in sizes if each.version == number and each.batch in runs]
    tracked = sum(each.tracked for each in mine)
    opened, clicked = sum(each.opens for each in mine), sum(each.clicks for each in mine)
    whole = Tracked(tracked, opened, clicked)
    delivered = got.of(whole, lambda sort: sort.version == number and sort.batch in runs, 5) if got else None
    _any, opened, clicked = delivered or whole
    sums = add_up(count.messages)
    clickers = min(sums.clickers, clicked)  # a share is never above 1
    low, high = rate_interval(clickers, clicked)
    return VersionFigures(
        name=name,
        messages=sum(each.messages for each in mine),
        tracked=tracked,
        opens_tracked=opened,
        clicks_tracked=clicked,
        openers=sums.openers,
        opens_bounds=sums.opens_bounds,
        open_rate=(share if delivered else ratio)(sums.openers, opened),
        clickers=clickers,
        clicks_bounds=sums.clicks_bounds,
        click_rate=ratio(clickers, clicked),
        click_rate_low=low,
        click_rate_high=high,
        machine_clickers=count.tally(EventKind.CLICK, "prefetch", "scanner").unique,
        delivered=delivered.any if delivered else None,
    )


def _links(links: Sequence[LinkRow], drawn: Sequence[int], count: _ByVersion) -> tuple[LinkShare, ...]:
    """Return each destination with its clickers; those with most people first."""
    texts: dict[str, str] = {}
    linked: set[tuple[int, str]] = set()
    for row in links:
        url = untagged(row.url)
        texts[url] = texts.get(url) or row.text
        linked.add((row.version, url))
    rows = [
        LinkShare(
            url,
            text,
            tuple(count.clickers[number, url] if (number, url) in linked else None for number in drawn),
        )
        for url, text in texts.items()
        if any((number, url) in linked for number in drawn)
    ]
    return tuple(sorted(rows, key=lambda row: -sum(people or 0 for people in row.clickers)))


def _delivered(versions: Sequence[VersionFigures]) -> Iterable[str]:
    if any(each.delivered is not None for each in versions):
        told = ", ".join(f"{each.name} {each.delivered:,}" for each in versions)
        yield f"Rates are over tracked messages that were delivered, as reported: {told}."
        if any(each.openers > each.opens_tracked for each in versions):
            yield "More people were seen than were delivered to: some of the deliveries are missing."


def _deleted(store: Store, campaign: Campaign) -> Iterable[str]:
    gone = store.gone_before(campaign.campaign_id)
    if gone is not None:
        yield (
            f"Hits from before {datetime.fromtimestamp(gone / 1000, UTC):%Y-%m-%d %H:%M} UTC are deleted:"
            " only those that came later are compared here, which says nothing of the test itself."
        )


def _notes(
    runs: Mapping[int, Counter[int]], drawn: Sequence[int], begun: int | None, now: int
) -> Iterable[str]:
    if begun is not None and now - begun < YOUNG_HOURS * HOUR:
        yield (
            f"The first hit is less than {YOUNG_HOURS} hours old: most clicks come within a day or two, so"
            " look again when that is over."
        )
    for number in drawn:
        shares = [versions[number] / versions.total() for versions in runs.values()]
        if max(shares) - min(shares) > _ODD:
            yield (
                "The runs of inject split the versions differently: what differs between these runs, such as"
                " the day, mixes with what differs between versions."
            )
            return
