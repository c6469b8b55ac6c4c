"""One row for each hit, with what it was taken for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pixeltrack.agents import describe
from pixeltrack.export.columns import Row
from pixeltrack.export.scope import Scope, Steps, message_name, provider, recipient
from pixeltrack.headerflags import in_words
from pixeltrack.heard import Verdicts
from pixeltrack.judging import Fact, Label, Verdict
from pixeltrack.model import EventKind, LinkRow
from pixeltrack.repeated import Repeats
from pixeltrack.store import Holder, Store

_COUNTED: dict[Label, str] = {
    "human": "people",
    "unknown": "unknown",
    "prefetch": "machines",
    "scanner": "machines",
    "test": "test",
}
_KINDS = {int(kind): kind.name.lower() for kind in EventKind}
_AT_ONCE = 5_000  # hits of which the holders are asked for


class _Hit(NamedTuple):
    """A hit of a campaign, and how many it stands for."""

    campaign_id: int
    fact: Fact
    verdict: Verdict
    weight: int


def rows(store: Store, scope: Scope, steps: Steps) -> Iterator[Row]:
    """Yield the hits as they came in, then those that were counted, not kept one by one.

    One that nobody has judged yet is left out, as it is from reports.
    """
    names = {each.campaign_id: each.name for each in scope.campaigns}
    tables = {number: {row.number: row for row in store.links(number)} for number in names}
    for hits in _batches(store, scope, steps):
        wanted: defaultdict[int, set[int]] = defaultdict(set)
        for hit in hits:
            wanted[hit.campaign_id].add(hit.fact.message)
        holders = {number: store.holders(number, messages) for number, messages in wanted.items()}
        for hit in hits:
            number, fact = hit.campaign_id, hit.fact
            yield _row(names[number], hit, tables[number].get(fact.link), holders[number].get(fact.message))


def _batches(store: Store, scope: Scope, steps: Steps) -> Iterator[list[_Hit]]:
    verdicts, upto = Verdicts(store), store.last_event()
    repeats = {each.campaign_id: Repeats(store, each.campaign_id) for each in scope.campaigns}
    again = _judged_again(repeats.values())
    one = scope.campaigns[0].campaign_id if len(scope.campaigns) == 1 else None
    before = 0
    for reached, arrived in store.in_order(one, scope.since, scope.until, upto):
        found = []
        for campaign_id, fact, judgement in arrived:
            verdict = again.get(fact.event_id) or (verdicts[judgement] if judgement else None)
            if verdict is not None and campaign_id in repeats:
                found.append(_Hit(campaign_id, fact, verdict, 1))
        for start in range(0, len(found), _AT_ONCE):
            yield found[start : start + _AT_ONCE]
        steps.add(reached - before)
        before = reached
    for campaign_id, its in repeats.items():
        for _message, judged in its.judged():
            yield [
                _Hit(campaign_id, fact, verdict, 1 + more)
                for fact, more, verdict in judged
                if not fact.event_id and scope.since <= fact.at < scope.until
            ]


def _judged_again(repeats: Iterable[Repeats]) -> dict[int, Verdict]:
    """Return the verdicts on hits that are judged together with counts, by the hits' numbers."""
    return {
        each.fact.event_id: each.verdict
        for its in repeats
        for _message, judged in its.judged()
        for each in judged
        if each.fact.event_id
    }


def _row(campaign: str, hit: _Hit, link: LinkRow | None, holder: Holder | None) -> Row:
    _campaign, fact, verdict, weight = hit
    about = describe(fact.agent)
    return (
        fact.event_id or None,
        fact.at,
        campaign,
        _KINDS[fact.kind],
        fact.link or None,
        link.text if link else None,
        link.url if link else None,
        message_name(fact.message),
        recipient(holder),
        provider(holder),
        weight,
        _COUNTED[verdict.label],
        verdict.label,
        verdict.score,
        verdict.reason,
        " ".join(verdict.reasons),
        verdict.label == "test",
        about.device,
        about.os,
        about.browser,
        about.client,
        about.proxy,
        fact.agent,
        ", ".join(in_words(fact.flags)) or None,
        fact.network or None,
    )
