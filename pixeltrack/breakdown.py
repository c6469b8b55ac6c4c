"""One campaign's hits by one of their properties: links, hours, devices, domains and so on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from pixeltrack import heard, outcomes, properties, together
from pixeltrack.clock import now_ms
from pixeltrack.errors import InputError
from pixeltrack.estimates import Rate
from pixeltrack.figures import Tally, TogetherRow
from pixeltrack.heard import Heard, Span, Told
from pixeltrack.model import Campaign, EventKind, LinkRow
from pixeltrack.properties import OF_LIST, OF_MESSAGES, UNKNOWN, WEEKDAYS, By
from pixeltrack.published import OTHER, kept_apart
from pixeltrack.rates import NONE_TRACKED, Tracked, ratio, share
from pixeltrack.store import Store
from pixeltrack.timeline import Hours
from pixeltrack.times import Zone

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
Clock = Callable[[], int]  # milliseconds UTC

_AT_ONCE = 5_000  # messages of which the property is asked for


@dataclass(frozen=True, slots=True)
class Row:
    """One value of the property: opens and clicks of people (messages, and hits), and other hits.

    ``tracked`` messages and rates over them are None where a message can stand in several rows.
    ``says`` tells more: a link's text and address.
    """

    name: str
    says: str
    tracked: int | None
    opens: Tally
    clicks: Tally
    open_rate: float | None
    click_rate: float | None
    machine_opens: int
    machine_clicks: int
    unknown_opens: int
    unknown_clicks: int


@dataclass(frozen=True, slots=True)
class Breakdown:
    """A campaign's hits by one property, in a stretch of time (ms UTC; None is always)."""

    campaign: str
    by: By
    since: int | None
    until: int | None
    zone: str  # of hours, days and weekdays
    rows: tuple[Row, ...]
    together: tuple[TogetherRow, ...] = ()  # of who is counted together; never added to the rows
    gone_before: int | None = None  # hits before it are deleted, and not counted here
    over_delivered: bool = False  # tracked messages are those that were delivered, as reported


@dataclass(slots=True)
class _Sums:
    people: list[int] = field(default_factory=lambda: [0, 0, 0])  # messages, at their kind
    hits: Counter[tuple[int, str]] = field(default_factory=Counter)  # by kind and label

    def machines(self, kind: int) -> int:
        return self.hits[kind, "prefetch"] + self.hits[kind, "scanner"]


def build(
    store: Store,
    campaign: Campaign,
    by: By,
    span: Span,
    zone: Zone,
    told: Told | None = None,
    clock: Clock = now_ms,
) -> Breakdown:
    """Return a campaign's judged hits by a property.

    Raises InputError where the campaign has no such property: no versions, or recipients that the
    sender's own mail system fills in, or are only counted together.
    """
    _check(store, campaign, by)
    number = campaign.campaign_id
    links = {row.number: row for row in store.links(number) if row.role == "link"}
    jointly = _jointly(store, campaign, by, links, span, zone, clock())
    if campaign.is_rowless:
        return Breakdown(campaign.name, by, *span.limits(), zone.name, (), jointly)
    got = outcomes.of_campaign(store, number) if by in OF_MESSAGES else None
    whole = properties.tracked(store, number, by, got) if by in OF_MESSAGES else dict[str, Tracked]()
    shown_as = _joined(whole) if by in OF_LIST else {}
    whole = _add_up(whole, shown_as)
    sums: defaultdict[str, _Sums] = defaultdict(_Sums)
    for name in (*whole, *(map(str, links) if by == "link" else WEEKDAYS if by == "weekday" else ())):
        sums[name] = _Sums()
    hits = heard.messages(store, number, span, told)
    if by in OF_MESSAGES:
        while page := list(islice(hits, _AT_ONCE)):
            names = properties.of_messages(store, number, by, (message for message, _hits in page))
            for message, its in page:
                name = names.get(message, UNKNOWN)
                _add(sums, [(shown_as.get(name, name), hit) for hit in its])
    else:
        of_hit = properties.of_hits(by, links, zone)
        for _message, its in hits:
            _add(sums, [(name, hit) for hit in its if (name := of_hit(hit)) is not None])
    said = (
        {str(row.number): f"{row.text}  {row.url}".strip() for row in links.values()} if by == "link" else {}
    )
    rate = share if got else ratio
    rows = [
        _row(
            *(name, said.get(name, ""), each),
            whole.get(name, NONE_TRACKED) if by in OF_MESSAGES else None,
            rate,
        )
        for name, each in sums.items()
    ]
    return Breakdown(
        campaign.name,
        by,
        *span.limits(),
        zone.name,
        tuple(sorted(rows, key=_ORDERS.get(by, _most_first))),
        jointly,
        store.gone_from(number, span.limits()[0]),
        got is not None,
    )


def _joined(whole: Mapping[str, Tracked]) -> dict[str, str]:
    """Return as what groups are shown that are too small, or needed to hide one that is."""
    shown = kept_apart({name: tracked[1:] for name, tracked in whole.items()})
    return dict.fromkeys(whole.keys() - set(shown), OTHER)


def _add_up(whole: Mapping[str, Tracked], shown_as: Mapping[str, str]) -> dict[str, Tracked]:
    found: dict[str, Tracked] = {}
    for name, tracked in whole.items():
        name = shown_as.get(name, name)
        found[name] = found.get(name, NONE_TRACKED).plus(tracked)
    return found


def _jointly(
    store: Store, campaign: Campaign, by: By, links: Mapping[int, LinkRow], span: Span, zone: Zone, now: int
) -> tuple[TogetherRow, ...]:
    for way in together.WAYS:
        if way == by:
            messages = store.measured(campaign.campaign_id)[2]
            return together.rows(store, campaign, way, [*links.values()], messages, Hours(zone), now, span)
    return ()


def _check(store: Store, campaign: Campaign, by: By) -> None:
    if by not in together.WAYS:
        together.check_people(campaign, f"--by {by}")
    if by in OF_MESSAGES and campaign.kind == "merge":
        raise InputError(
            f"campaign {campaign.name!r} has no {by}: your mail system filled in its recipients",
            hint="inject with --recipients, and pixeltrack knows whom a message goes to",
        )
    if by == "version" and not store.versions(campaign.campaign_id):
        raise InputError(
            f"campaign {campaign.name!r} has no versions",
            hint="pixeltrack inject --version A=a.html B=b.html makes some",
        )


def _add(sums: defaultdict[str, _Sums], hits: Iterable[tuple[str, Heard]]) -> None:
    """Count the hits of one message."""
    people: set[tuple[str, int]] = set()
    for name, hit in hits:
        label = hit.verdict.label
        sums[name].hits[hit.kind, label] += hit.weight
        if label == "human":
            people.add((name, hit.kind))
    for name, kind in people:
        sums[name].people[kind] += 1


def _row(name: str, says: str, sums: _Sums, tracked: Tracked | None, rate: Rate) -> Row:
    openers, clickers = sums.people[_OPEN], sums.people[_CLICK]
    return Row(
        name,
        says,
        tracked.any if tracked else None,
        Tally(openers, sums.hits[_OPEN, "human"]),
        Tally(clickers, sums.hits[_CLICK, "human"]),
        rate(openers, tracked.opens if tracked else None),
        rate(clickers, tracked.clicks if tracked else None),
        sums.machines(_OPEN),
        sums.machines(_CLICK),
        sums.hits[_OPEN, "unknown"],
        sums.hits[_CLICK, "unknown"],
    )


def _most_first(row: Row) -> tuple[object, ...]:
    return (
        -row.clicks.unique - row.opens.unique,
        -row.clicks.total - row.opens.total,
        -(row.tracked or 0),
        int(row.name) if row.name.isdecimal() else 0,  # a link's number
        row.name,
    )


_ORDERS: dict[By, Callable[[Row], tuple[object, ...]]] = {
    "hour": lambda row: (datetime.fromisoformat(row.name),),  # the same hour comes twice when clocks go back
    "day": lambda row: (row.name,),
    "weekday": lambda row: (WEEKDAYS.index(row.name),),
}
