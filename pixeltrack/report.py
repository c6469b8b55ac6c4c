"""The third job: a campaign's hits in, one frozen value out. Every format prints this value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from pixeltrack.agents import describe
from pixeltrack.classify import Label, Verdict, judge, sweep
from pixeltrack.model import Campaign, EventKind, Flag, LinkRow
from pixeltrack.rates import DEFINITIONS, ratio
from pixeltrack.store import Store
from pixeltrack.store.sqlite import StoredEvent

_HOUR = 3_600_000  # ms
_DAY = 24 * _HOUR
_MOST_HOURS = 96  # a longer span is shown by the day


@dataclass(frozen=True, slots=True)
class Tally:
    """Messages with at least one (unique) and all of them (total)."""

    unique: int
    total: int


@dataclass(frozen=True, slots=True)
class LinkFigures:
    """One link of the mail, with the clicks of people and the hits of machines apart."""

    number: int
    position: int
    line: int
    text: str
    url: str
    clicks: Tally
    machine_clicks: int


@dataclass(frozen=True, slots=True)
class Share:
    """How many people used one device, system, browser or mail client."""

    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """People's opens and clicks (totals) in one hour or day from ``start`` (ms UTC)."""

    start: int
    opens: int
    clicks: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """Hits that are not counted as people's, with the reason."""

    label: Label
    reason: str
    opens: int
    clicks: int
    messages: int


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything a report says. Counts are of people unless the name says otherwise.

    messages and tracked are None where the sender's own mail system fills in the recipients, for
    then nobody told pixeltrack how many there are; rates are None where they have no meaning. Times
    are milliseconds UTC.
    """

    campaign: str
    code: str
    kind: str
    created: int
    messages: int | None
    tracked: int | None
    opens: Tally
    clicks: Tally
    open_rate: float | None
    click_rate: float | None
    click_to_open_rate: float | None
    clicked_without_open: int
    unsubscribed: int
    stopped_tracking: int
    machine_opens: Tally
    machine_clicks: Tally
    unknown_opens: Tally
    unknown_clicks: Tally
    links: tuple[LinkFigures, ...]
    timeline: tuple[Bucket, ...]
    timeline_step: int  # ms
    devices: tuple[Share, ...]
    systems: tuple[Share, ...]
    browsers: tuple[Share, ...]
    clients: tuple[Share, ...]
    set_aside: tuple[SetAside, ...]
    first: int | None
    last: int | None
    preview_hits: int
    definitions: tuple[tuple[str, str], ...] = DEFINITIONS


def build(store: Store, name: str) -> CampaignReport:
    """Return the report of one campaign, or raise NoSuchCampaign."""
    return _build(store, store.campaign(name))


def build_all(store: Store) -> list[CampaignReport]:
    """Return the reports of all campaigns, newest first."""
    return [_build(store, campaign) for campaign in store.campaigns()]


def _build(store: Store, campaign: Campaign) -> CampaignReport:
    count = _Count()
    for _message, hits in groupby(store.events(campaign.campaign_id), key=itemgetter(0)):
        count.add(hits)
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
        links=tuple(_link(row, count) for row in store.links(campaign.campaign_id)),
        timeline=timeline,
        timeline_step=step,
        devices=_shares(count.devices),
        systems=_shares(count.systems),
        browsers=_shares(count.browsers),
        clients=_shares(count.clients),
        set_aside=_set_aside(count),
        first=count.first,
        last=count.last,
        preview_hits=count.previews,
    )


def _message_counts(store: Store, campaign: Campaign) -> tuple[int | None, int | None]:
    if campaign.kind == "merge":
        return None, None
    return store.message_counts(campaign.campaign_id)


def _link(row: LinkRow, count: _Count) -> LinkFigures:
    return LinkFigures(
        row.number,
        row.position,
        row.line,
        row.text,
        row.url,
        Tally(count.link_people[row.number], count.link_clicks[row.number]),
        count.link_machines[row.number],
    )


def _shares(counted: Counter[str]) -> tuple[Share, ...]:
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Share(name, people) for name, people in ranked)


def _set_aside(count: _Count) -> tuple[SetAside, ...]:
    rows = [
        SetAside(
            verdict.label,
            verdict.reason,
            count.hits[EventKind.OPEN, verdict],
            count.hits[EventKind.CLICK, verdict],
            messages,
        )
        for verdict, messages in count.aside.items()
    ]
    return tuple(sorted(rows, key=lambda row: (-row.opens - row.clicks, row.reason)))


def _timeline(hours: Counter[tuple[int, EventKind]]) -> tuple[int, tuple[Bucket, ...]]:
    if not hours:
        return _HOUR, ()
    starts = [start for start, _kind in hours]
    step = _HOUR if max(starts) - min(starts) < _MOST_HOURS * _HOUR else _DAY
    first, last = min(starts) // step * step, max(starts)
    counted: Counter[tuple[int, EventKind]] = Counter()
    for (start, kind), hits in hours.items():
        counted[start // step * step, kind] += hits
    return step, tuple(
        Bucket(start, counted[start, EventKind.OPEN], counted[start, EventKind.CLICK])
        for start in range(first, last + 1, step)
    )


@dataclass(slots=True)
class _Count:
    """The counting itself, one message at a time: unique needs no set of all recipients."""

    hits: Counter[tuple[EventKind, Verdict]] = field(default_factory=Counter)
    aside: Counter[Verdict] = field(default_factory=Counter)  # messages by verdict, people's left out
    messages: Counter[tuple[EventKind, tuple[Label, ...]]] = field(default_factory=Counter)
    hours: Counter[tuple[int, EventKind]] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    systems: Counter[str] = field(default_factory=Counter)
    browsers: Counter[str] = field(default_factory=Counter)
    clients: Counter[str] = field(default_factory=Counter)
    link_people: Counter[int] = field(default_factory=Counter)
    link_clicks: Counter[int] = field(default_factory=Counter)
    link_machines: Counter[int] = field(default_factory=Counter)
    clicked_without_open: int = 0
    previews: int = 0
    first: int | None = None
    last: int | None = None

    def tally(self, kind: EventKind, *labels: Label) -> Tally:
        total = sum(
            hits for (of, verdict), hits in self.hits.items() if of == kind and verdict.label in labels
        )
        unique = sum(
            messages
            for (of, seen), messages in self.messages.items()
            if of == kind and not set(labels).isdisjoint(seen)
        )
        return Tally(unique, total)

    def add(self, hits: Iterable[StoredEvent]) -> None:
        """Count the hits of one message, which come in order of time."""
        judged = self._judge(hits)
        labels: defaultdict[EventKind, set[Label]] = defaultdict(set)
        people: list[tuple[EventKind, str]] = []
        links: set[int] = set()
        for (_message, at, stored_kind, link, agent, _flags), verdict in judged:
            kind = EventKind(stored_kind)
            self.hits[kind, verdict] += 1
            labels[kind].add(verdict.label)
            if verdict.label != "human":
                self.link_machines[link] += verdict.label != "unknown"
                continue
            people.append((kind, agent))
            self.hours[at // _HOUR * _HOUR, kind] += 1
            self.first = at if self.first is None else min(self.first, at)
            self.last = at if self.last is None else max(self.last, at)
            if kind == EventKind.CLICK:
                links.add(link)
                self.link_clicks[link] += 1
        self.aside.update({verdict for _hit, verdict in judged if verdict.label != "human"})
        self.link_people.update(links)
        for kind, seen in labels.items():
            self.messages[kind, tuple(sorted(seen))] += 1
        self.clicked_without_open += (
            "human" in labels[EventKind.CLICK] and "human" not in labels[EventKind.OPEN]
        )
        self._describe(people)

    def _judge(self, hits: Iterable[StoredEvent]) -> list[tuple[StoredEvent, Verdict]]:
        judged: list[tuple[StoredEvent, Verdict]] = []
        for hit in hits:
            flags = hit[5]
            if flags & Flag.PREVIEW:
                self.previews += 1
                continue
            verdict = judge(
                "open" if hit[2] == EventKind.OPEN else "click",
                hit[4],
                head=bool(flags & Flag.HEAD),
                speculative=bool(flags & Flag.SPECULATIVE),
            )
            judged.append((hit, verdict))
        clicks = [index for index, (hit, _verdict) in enumerate(judged) if hit[2] == EventKind.CLICK]
        for swept in sweep([(judged[index][0][1], judged[index][0][3]) for index in clicks]):
            index = clicks[swept]
            if judged[index][1].label in ("human", "unknown"):
                judged[index] = (judged[index][0], Verdict("scanner", "burst"))
        return judged

    def _describe(self, people: list[tuple[EventKind, str]]) -> None:
        """Count one person's devices and programs; "hidden" counts only where nothing is known."""
        if not people:
            return
        facts = [(kind, describe(agent)) for kind, agent in people]
        hidden = {f"hidden by {fact.client}" for _kind, fact in facts if fact.proxy}
        fallback = hidden or {"unknown"}
        self.devices.update({fact.device for _kind, fact in facts if fact.device} or fallback)
        self.systems.update({fact.os for _kind, fact in facts if fact.os} or fallback)
        self.browsers.update({fact.browser for _kind, fact in facts if fact.browser})
        opens = [fact for kind, fact in facts if kind == EventKind.OPEN]
        self.clients.update({fact.client or "webmail or browser" for fact in opens})
