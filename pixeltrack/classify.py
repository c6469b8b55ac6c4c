"""The verdict on one hit from the hit itself, and on the clicks of one message from their timing.

The numbers of rules (D2, D3, D5, D8, D9) are those of the research on judging. Rules that need more
than the hit (the send time, the network, other recipients) are the caller's. A machine's hit is
kept and labelled, never dropped.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from pixeltrack.agents import identify, reduce
from pixeltrack.rules import Exact, Machine, Proxy, rules

Kind = Literal["open", "click"]
Label = Literal["human", "prefetch", "scanner", "unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a hit is taken for, and the short code of the rule that said so.

    human      a person, as far as can be seen
    prefetch   fetched ahead for a person who may never look
    scanner    a program without a reader
    unknown    signs of a program, not enough to say so
    """

    label: Label
    reason: str


def judge(kind: Kind, agent: str, *, head: bool, speculative: bool) -> Verdict:
    """Judge a hit by its method, its speculative-load header and its agent, raw or reduced."""
    if head:  # D2
        return Verdict("scanner", "head")
    if speculative:  # D3
        return Verdict("prefetch", "speculative-load")
    return _judge_agent(kind, agent)


def is_speculative(header: str) -> bool:
    """Whether a Sec-Purpose, Purpose, X-Purpose or X-Moz header says that a page was loaded ahead (D3)."""
    lowered = header.lower()
    return "prefetch" in lowered or "prerender" in lowered or "preview" in lowered


@lru_cache(maxsize=16_384)
def _judge_agent(kind: Kind, agent: str) -> Verdict:
    agent = reduce(agent)
    row = identify(agent)
    if isinstance(row, Exact):  # D5: these services fetch images and never follow links
        return Verdict("prefetch" if kind == "open" else "scanner", row.reason)
    if isinstance(row, Proxy):  # D8, as far as it goes without a send time
        if kind == "open":
            return Verdict("human", "proxied-open")
        return Verdict("scanner", "proxy-on-link")
    if isinstance(row, Machine):  # D9
        return Verdict("scanner", row.kind)
    if not agent:
        return Verdict("scanner", "empty-agent")
    if agent == "(other)":  # what the store keeps once it holds too many agents: nothing is known of it
        return Verdict("unknown", "bare-agent")
    if row is None and "(" not in agent:  # a browser or an app tells its system in brackets
        return Verdict("unknown", "bare-agent")
    return Verdict("human", "none-against")


def sweep(clicks: Sequence[tuple[int, int]]) -> set[int]:
    """Return the positions of the clicks that a machine made by following many links at once.

    ``clicks`` are those of one message, each as (time in ms, link number), in order of time. Every
    stretch of 10 s with at least 3 distinct links convicts all its clicks (figures of the rules
    file), however long after sending: of 836 bursts on record 30 % began later than a minute.
    """
    limits = rules().sweep
    convicted: set[int] = set()
    within: Counter[int] = Counter()
    first = judged = 0
    for last, (time, link) in enumerate(clicks):
        within[link] += 1
        while time - clicks[first][0] > limits.within_ms:
            gone = clicks[first][1]
            within[gone] -= 1
            if not within[gone]:
                del within[gone]
            first += 1
        if len(within) >= limits.distinct_links:
            judged = max(first, judged)
            convicted.update(range(judged, last + 1))
            judged = last + 1
    return convicted


def loaded_by_sweeper(at: int, sweeps: Sequence[int]) -> bool:
    """Return whether a load of the pixel belongs to a sweep, which loads pictures as a browser does.

    ``sweeps`` are the times of one message's swept clicks by the agent that loaded it, in order. Some
    gateways load the pixel before their clicks and some after them, so both sides count.
    """
    limit = rules().sweep.pixel_ms
    following = bisect_left(sweeps, at - limit)
    return following < len(sweeps) and sweeps[following] <= at + limit
