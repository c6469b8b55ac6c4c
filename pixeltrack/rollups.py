"""Keeping campaigns' figures up as their hits are judged, and counting them anew.

A message's figures are taken away as its hits were judged before and added as they are judged now, in the
transaction that stores the verdicts; so a roll-up is right whatever is interrupted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, lru_cache, partial
from itertools import islice
from typing import NamedTuple

from pixeltrack.cells import Delta, Rollup, joined
from pixeltrack.count import NO_HOME, Count, Hit, Home
from pixeltrack.errors import StoreError
from pixeltrack.judging import Fact
from pixeltrack.model import Campaign
from pixeltrack.providers import OTHER, provider_of
from pixeltrack.published import kept_apart
from pixeltrack.rates import NONE_TRACKED, Tracked
from pixeltrack.rules import rules
from pixeltrack.store import Audience, Moved, State, Store

_OURS = 2  # to be raised when counting changes, or the names of providers do
_COMPANIES = 50  # the largest ones that are shown
_AT_ONCE = 20_000  # messages of which the providers are asked for
_BRIEFLY = 250  # ms that a report waits for another writer, to keep what it has counted

Place = tuple[int, int]  # campaign and message


class Rebuilt(NamedTuple):
    """A campaign's figures, counted anew: how many there are, and how many were not stored as they are."""

    campaign: str
    figures: int
    different: int


def keep(store: Store, state: State, campaigns: Iterable[int]) -> None:
    """Make the roll-ups that are missing, or of another version, of what is judged so far.

    Raises Moved where somebody else has gone on with the judging meanwhile.
    """
    known, now = store.rollup_versions(), version()
    for campaign_id in campaigns:
        if known.get(campaign_id) != now:
            store.keep_rollup(state, campaign_id, now, counted(store, campaign_id))


def read(store: Store, campaign_id: int, companies: Iterable[str]) -> Rollup:
    """Return a campaign's figures, as far as its hits are judged; they are counted where none are kept.

    Of its companies there may be only those that are named.
    """
    if store.rollup_versions().get(campaign_id, "").startswith(_ours()):
        found = store.rollup(campaign_id, companies)
        if found:
            return found
    state = store.judging_state()
    fresh = counted(store, campaign_id)
    if state:
        with suppress(Moved, StoreError):
            store.keep_rollup(state, campaign_id, version(), fresh, _BRIEFLY)
    return fresh


def rebuild(store: Store, campaign: Campaign) -> Rebuilt:
    """Count a campaign's judged hits, and replace its roll-up if that is not the same.

    Where there is none, or one that no report reads, nothing differs: reports count, too.
    """
    number, ours = campaign.campaign_id, str(_OURS)
    with store.snapshot():
        state = store.judging_state()
        is_read = store.rollup_versions().get(number, "").startswith(_ours())
        stored, fresh = store.rollup(number) if is_read else None, counted(store, number)
        kept, people = store.audience(number, ours), _audience(store, number)
    different = 0
    if stored:
        cells = stored.cells.keys() | fresh.cells.keys()
        different = sum(stored.cells[cell] != fresh.cells[cell] for cell in cells)
        different += sum(was != now for was, now in zip(stored[1:], fresh[1:], strict=True))
    if state and (different or not stored):
        try:
            store.keep_rollup(state, number, version(), fresh)
        except Moved:  # hits were judged meanwhile, and added to what is wrong
            store.drop_rollup(number)
    if kept and kept != people:
        different += 1
        store.keep_audience(number, ours, partial(_audience, store, number))
    return Rebuilt(campaign.name, len(fresh.cells), different)


def version() -> str:
    """Return of which version the roll-ups are that this program makes: its counting, and names in it."""
    return f"{_ours()}{_names()}"


@cache
def _names() -> str:
    from importlib.metadata import version  # slow to import

    return version("ua-parser-builtins")


def _ours() -> str:
    """Return what roll-ups' versions begin with that we can read."""
    return f"{_OURS} {rules().version} "


def deltas(
    store: Store, messages: Mapping[Place, Sequence[Fact]], before: Sequence[int], after: Sequence[int]
) -> dict[int, Delta]:
    """Return what verdicts change by campaign.

    ``before`` and ``after`` are their numbers, of all hits in the order of the messages.
    """
    moved: defaultdict[int, dict[int, tuple[list[Hit], Sequence[int], Sequence[int]]]] = defaultdict(dict)
    start = 0
    for (campaign_id, message), facts in messages.items():
        end = start + len(facts)
        was, now = before[start:end], after[start:end]
        if was != now:
            moved[campaign_id][message] = [fact[2:8] for fact in facts], was, now
        start = end
    judgements = store.judgements()
    found: dict[int, Delta] = {}
    for campaign_id, its in moved.items():
        count, known = Count(judgements), homes(store, campaign_id, its)
        later = store.later(
            campaign_id, {each: min(fact[0] for fact in messages[campaign_id, each]) for each in its}
        )
        for message, (hits, was, now) in its.items():
            if message in later:
                count.add_hits(hits, was, -1)
                count.add_hits(hits, now)
                continue
            home = known.get(message, NO_HOME)
            if any(was):
                count.add(hits, was, home, -1)
            count.add(hits, now, home)
        found[campaign_id] = count.delta()
    return found


def counted(store: Store, campaign_id: int) -> Rollup:
    """Count all judged hits of a campaign, from what is kept of those that were deleted."""
    count, kept, firsts = Count({}), store.kept(campaign_id), dict[int, int]()
    seen = store.seen(campaign_id, firsts=firsts) if kept else store.seen(campaign_id)
    while page := list(islice(seen, _AT_ONCE)):
        count.know(store.judgements())  # no sooner: hits may have been judged since
        known = homes(store, campaign_id, (message for message, _hits, _judged in page))
        later = store.later(campaign_id, {each[0]: firsts[each[0]] for each in page} if kept else {})
        for message, hits, judged in page:
            if message in later:
                count.add_hits(hits, judged)
            else:
                count.add(hits, judged, known.get(message, NO_HOME))
    return joined(count.rollup(), kept.rollup) if kept else count.rollup()


def homes(store: Store, campaign_id: int, messages: Iterable[int]) -> dict[int, Home]:
    """Return where messages' recipients have their mailboxes; those that are not known are left out."""
    found = store.domains_of(campaign_id, messages)
    return {message: _home(domain, axes) for domain, message, axes in found}


@lru_cache(maxsize=65_536)
def _home(domain: str, axes: int) -> Home:
    provider = provider_of(domain)
    return Home(provider, domain if provider == OTHER else "", axes)


def audience(store: Store, campaign_id: int) -> Audience:
    """Return how many messages a campaign has, which is counted once, until they change."""
    found = store.audience(campaign_id, str(_OURS))
    if found is not None:
        return found
    count = partial(_audience, store, campaign_id)
    try:
        return store.keep_audience(campaign_id, str(_OURS), count, _BRIEFLY)
    except StoreError:
        return count()


def _audience(store: Store, campaign_id: int) -> Audience:
    tracked: dict[str, Tracked] = {}
    companies: dict[str, Tracked] = {}
    for domain, its in store.tracked_domains(campaign_id):
        provider = provider_of(domain)
        tracked[provider] = tracked.get(provider, NONE_TRACKED).plus(its)
        if provider == OTHER:
            companies[domain] = its
    shown = kept_apart({domain: its[1:] for domain, its in companies.items()}, _COMPANIES)
    messages, measured, together = store.measured(campaign_id)
    return Audience(messages, measured, tracked, {domain: companies[domain] for domain in shown}, together)
