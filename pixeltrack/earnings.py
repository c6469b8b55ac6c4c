"""What conversions have earned: read from the store, shared out among people's touches, and added up."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pixeltrack import rollups, together
from pixeltrack.attribution import Order, Rule
from pixeltrack.converted import Converted
from pixeltrack.counted import Counted
from pixeltrack.earned import Costs, Earned, EarnedRow, EarnedTogether, Earnings
from pixeltrack.heard import Span
from pixeltrack.model import Campaign, EventKind
from pixeltrack.money import UNIT, divided
from pixeltrack.orders import gather
from pixeltrack.published import is_large, last_hour, rounded
from pixeltrack.repeated import Repeats
from pixeltrack.shares import Key, Sums, add_up, by
from pixeltrack.store import Store

SEEN = "seen, not clicked"  # what earns by view has no link


class Wanted(NamedTuple):
    """How conversions are to be shared out, and of which goal they are (None: of any)."""

    rule: Rule = Rule()
    goal: str | None = None


def build(
    store: Store,
    now: int,
    campaign: Campaign | None = None,
    goal: str | None = None,
    rule: Rule | None = None,
    span: Span | None = None,
) -> Earnings:
    """Return what conversions have earned, of one campaign and goal or of all; only what is judged counts.

    ``now`` is ms UTC. A span is one of conversions: their touches may lie before it, their refunds behind
    it. Raises InputError for a goal that is not there.
    """
    number = None if campaign is None else campaign.campaign_id
    return Book(store, now, goal, rule, span, number).earnings(campaign)


class Book:
    """All orders with what they earned, from which the figures of any campaign are taken.

    ``only`` is the number of the campaign that is asked for, where it is one alone; else as ``build``.
    """

    def __init__(
        self,
        store: Store,
        now: int,
        goal: str | None = None,
        rule: Rule | None = None,
        span: Span | None = None,
        only: int | None = None,
    ) -> None:
        if goal is not None:
            store.goal(goal)
        self._store, self._now, self._goal = store, now, goal
        self._rule, self._span = rule or Rule(), span or Span()
        self._gathered = gather(store.said(goal))
        since, until = self._span
        orders = [order for order in self._gathered.orders if since <= order.at < until]
        people = Converted(store, only)
        meant = [order for order in orders if people.is_meant(order)]
        touches = people.touches(meant, self._rule)
        self._sums = add_up(meant, lambda order: touches.get(people.owner(order), ()), self._rule)
        self._joint = [order for order in orders if order.campaign_id and not order.message]
        self._led: defaultdict[int, list[Order]] = defaultdict(list)
        for order in orders:
            self._led[order.campaign_id].append(order)
        self._campaigns = store.campaigns()
        self._names = {each.campaign_id: each.name for each in self._campaigns}

    def orders_of(self, campaign_id: int) -> Sequence[Order]:
        """Return the conversions of visits that a campaign's mail led to, whoever earned them."""
        return self._led.get(campaign_id, ())

    def earnings(self, campaign: Campaign | None = None) -> Earnings:
        """Return what a campaign earned, or all together.

        A campaign has what its touches earned, and orders without a touch in the window that it led to.
        """
        number = None if campaign is None else campaign.campaign_id
        sums = {cell: its for cell, its in self._sums.items() if number is None or cell.campaign_id == number}
        rule, gathered, names = self._rule, self._gathered, self._names
        since, until = self._span.limits()
        campaigns = _rows(
            by(sums, lambda cell: (cell.campaign_id,)), lambda key: (names.get(int(key[0]), ""), "", "")
        )
        return Earnings(
            campaign=None if campaign is None else campaign.name,
            goal=self._goal,
            model=rule.model,
            window=rule.window,
            half_life=rule.half_life if rule.model == "time-decay" else None,
            since=since,
            until=until,
            totals=_rows(by(sums, lambda _cell: ()), lambda _key: ("", "", "")),
            goals=_rows(by(sums, lambda cell: (cell.goal,)), lambda key: (str(key[0]), "", "")),
            campaigns=campaigns,
            links=_links(self._store, sums, names),
            costs=tuple(
                _costs(self._store, each, campaigns, whole=self._span == Span())
                for each in ([campaign] if campaign else self._campaigns)
                if each.cost is not None
            ),
            together=tuple(_together(self._store, self._joint, names, number, self._now)),
            together_until=last_hour(self._now, self._span.until),
            repeats=gathered.repeats,
            contradicted=gathered.contradicted,
            stray=gathered.stray,
            unproved=gathered.unproved,
            gone_before=max(
                (
                    gone
                    for each in ([number] if number is not None else names)
                    if (gone := self._store.gone_from(each, None)) is not None
                ),
                default=None,
            ),
        )


def _rows(
    sums: Iterable[tuple[Key, str, Earned, Earned]], named: Callable[[Key], tuple[str, str, str]]
) -> tuple[EarnedRow, ...]:
    """Return rows, those that earned most first; ``named`` returns (name, says, campaign) of a key."""
    rows = [EarnedRow(*named(key), currency, one, other) for key, currency, one, other in sums]
    rows.sort(
        key=lambda row: (
            row.currency,
            -row.verified.revenue,
            -row.unverified.revenue,
            -row.verified.orders,
            row.campaign,
            row.name,
        )
    )
    return tuple(rows)


def _links(store: Store, sums: Sums, names: Mapping[int, str]) -> tuple[EarnedRow, ...]:
    labels = {
        (campaign, link.number): link.text or link.url
        for campaign in {cell.campaign_id for cell in sums if cell.link}
        for link in store.links(campaign)
    }

    def named(key: Key) -> tuple[str, str, str]:
        campaign, link = int(key[0]), int(key[1])
        says = labels.get((campaign, link), "") if link else SEEN
        return str(link) if link else "", says, names.get(campaign, "")

    its = by(sums, lambda cell: None if cell.link is None else (cell.campaign_id, cell.link))
    return _rows(its, named)


def _costs(store: Store, campaign: Campaign, rows: Iterable[EarnedRow], *, whole: bool) -> Costs:
    """Return what a campaign cost, and for what; of a stretch of time its cost has no meaning."""
    its = [row for row in rows if row.name == campaign.name]
    cost, currency = campaign.cost or 0, campaign.cost_currency
    same = [row for row in its if row.currency == currency]
    others = sorted({row.currency for row in its if row.currency not in ("", currency)})
    orders = sum(row.verified.orders for row in its)
    revenue = sum(row.verified.revenue for row in same)
    unverified = sum(row.unverified.revenue for row in same)
    number = campaign.campaign_id
    rollup = Repeats(store, number).applied(rollups.read(store, number, ()))
    people = Counted(rollup).tally(EventKind.CLICK, "human").unique
    why = []
    if not whole:
        why.append("The cost is that of the whole campaign, so a stretch of time has no figures of it.")
    elif others and not revenue:
        why.append(f"Revenue is in {', '.join(others)}, the cost in {currency}: there is no return.")
    elif others:
        why.append(f"Revenue in {', '.join(others)} is not in the return, as the cost is in {currency}.")
    if not people:
        why.append("Nobody clicked, so a click has no cost.")
    if not orders:
        why.append("There is no verified conversion, so one has no cost.")
    if not cost:
        why.append("It cost nothing, so there is no return on it.")
    has_return = whole and bool(cost) and not (others and not revenue)
    return Costs(
        campaign=campaign.name,
        cost=cost,
        currency=currency,
        people=people,
        orders=orders,
        revenue=revenue,
        all_revenue=revenue + unverified,
        cost_per_click=divided(cost, people) if whole else None,
        cost_per_order=divided(cost, orders, UNIT) if whole else None,
        return_rate=(revenue - cost) / cost if has_return else None,
        return_of_all=(revenue + unverified - cost) / cost if has_return else None,
        why_not=tuple(why),
    )


def _together(
    store: Store, orders: Iterable[Order], names: Mapping[int, str], campaign_id: int | None, now: int
) -> Iterator[EarnedTogether]:
    """Yield the published figures of conversions of people who are counted together."""
    groups: defaultdict[tuple[int, str, str, bool], list[Order]] = defaultdict(list)
    for order in orders:
        if campaign_id in (None, order.campaign_id) and order.at < last_hour(now, now):
            groups[order.campaign_id, order.goal, order.currency, order.verified].append(order)
    for (campaign, goal, currency, verified), its in sorted(groups.items()):
        if not is_large((together.clickers(store, campaign),)) or campaign not in names:
            continue
        taken = [order.value - order.net for order in its if order.net != order.value]
        told, back = rounded(len(its)), rounded(len(taken))
        if told:
            yield EarnedTogether(
                *(names[campaign], goal, currency, verified, told),
                *(sum(order.value for order in its[:told]), back, sum(taken[:back])),
            )
