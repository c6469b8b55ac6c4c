"""From signs to a verdict: the first rule that decides alone, else the points."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from operator import attrgetter

from pixeltrack.judging import signs
from pixeltrack.judging.clicks import beside
from pixeltrack.judging.hit import Alone, look
from pixeltrack.judging.stretches import spread
from pixeltrack.judging.values import Context, Fact, Label, Verdict
from pixeltrack.model import EventKind, Flag
from pixeltrack.rulebook import Rules

_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_MOST_SORTS = 100_000  # of hits that are remembered

_by_time = attrgetter("at", "event_id")


class Judge:
    """Judges by one rules file, and remembers what does not change from hit to hit."""

    def __init__(self, book: Rules) -> None:
        self.book = book
        times = book.sending
        self._last_moment = max(
            times.open_instant_ms,
            times.click_instant_ms,
            times.click_soon_ms,
            times.proxy_instant_ms,
            times.proxy_soon_ms,
            times.probable_ms,
        )
        self._sorts: dict[tuple[int, str, int, str], Alone] = {}
        self._verdicts: dict[Verdict, Verdict] = {}  # equal ones are the same object
        self.points = {
            sign.bit: int(getattr(book.points, sign.code.replace("-", "_"))) for sign in signs.WEIGHED
        }

    def message(
        self, hits: Sequence[Fact], context: Context, spread_events: Collection[int] = ()
    ) -> list[Verdict]:
        """Return the verdicts on all hits of one message, which stand in order of time.

        ``spread_events`` are the events of addresses that touched many messages at once.
        """
        found, shown = self.weigh(hits, context, spread_events)
        verdicts = []
        for alone, bits in zip(found, shown, strict=True):
            verdict = alone.verdicts.get(bits)
            if verdict is None:
                verdict = self.decide(alone, bits)
                verdict = alone.verdicts[bits] = self._verdicts.setdefault(verdict, verdict)
            verdicts.append(verdict)
        return verdicts

    def weigh(
        self, hits: Sequence[Fact], context: Context, spread_events: Collection[int] = ()
    ) -> tuple[list[Alone], list[int]]:
        """Return, for each hit of one message, what it shows by itself, and the bits of all its signs."""
        sorts, sent, last_moment = self._sorts, context.sent, self._last_moment
        found: list[Alone] = []
        shown: list[int] = []
        kinds = every = 0
        for event, _message, at, kind, _link, agent, flags, network, _address in hits:
            sort = (kind, agent, flags, network)
            alone = sorts.get(sort)
            if alone is None:
                alone = self._remember(sort)
            if sent is None:
                bits = alone.late | signs.NO_SEND_TIME
            elif at - sent > last_moment:
                bits = alone.late
            else:
                bits = self._soon(alone, kind, at - sent)
            if event in spread_events:
                bits |= signs.SPREAD
            kinds |= kind
            every |= bits
            found.append(alone)
            shown.append(bits)
        if every & signs.TEST:
            self._beside_tests(hits, shown, context)
        elif kinds != _OPEN:
            if every & signs.NO_SEND_TIME and any(hit.flags & Flag.ROUNDED for hit in hits):
                self._beside_exact(hits, shown, context)
            else:
                beside(hits, shown, context, self.book)
        return found, shown

    def _remember(self, sort: tuple[int, str, int, str]) -> Alone:
        if len(self._sorts) >= _MOST_SORTS:
            self._sorts.clear()
        alone = self._sorts[sort] = look(*sort, self.book)
        return alone

    def _soon(self, alone: Alone, kind: int, delay: int) -> int:
        """All signs of a hit by itself and in its time after sending (ms), which is soon or before."""
        times = self.book.sending
        if alone.late & signs.NO_SEND_TIME:
            return alone.late
        if delay < 0:
            return alone.late | signs.BEFORE_SEND
        bits = alone.bits
        if alone.probable and delay <= times.probable_ms:
            bits |= signs.PROBABLE_NETWORK
        if kind == _CLICK:
            if delay <= times.click_instant_ms:
                return bits | signs.INSTANT
            return bits | (signs.SOON if delay <= times.click_soon_ms else 0)
        if alone.proxied:
            if delay <= times.proxy_instant_ms:
                return bits | signs.PROXY_INSTANT
            return bits | (signs.PROXY_SOON if delay <= times.proxy_soon_ms else signs.PROXY_OPEN)
        return bits | (signs.INSTANT if delay <= times.open_instant_ms else 0)

    def _beside_tests(self, hits: Sequence[Fact], shown: list[int], context: Context) -> None:
        """The same where some hits are tests, which bear on nothing."""
        real = [place for place, bits in enumerate(shown) if not bits & signs.TEST]
        some = [shown[place] for place in real]
        self._beside_exact([hits[place] for place in real], some, context)
        for place, bits in zip(real, some, strict=True):
            shown[place] = bits

    def _beside_exact(self, hits: Sequence[Fact], shown: list[int], context: Context) -> None:
        """The same where some moments are rounded: these hits stand beside none in time."""
        exact = [place for place, hit in enumerate(hits) if not hit.flags & Flag.ROUNDED]
        some = [shown[place] for place in exact]
        beside([hits[place] for place in exact], some, context, self.book)
        for place, bits in zip(exact, some, strict=True):
            shown[place] = bits
        opened = any(hit.kind == _OPEN for hit in hits)
        for place, hit in enumerate(hits):
            if hit.flags & Flag.ROUNDED and hit.kind == _CLICK:
                shown[place] |= 0 if opened else signs.NO_PIXEL
                shown[place] |= signs.HONEYPOT if hit.link in context.honeypots else 0

    def decide(self, alone: Alone, bits: int) -> Verdict:
        """Return the verdict that follows from a hit's signs."""
        for sign in signs.DECISIVE:
            if bits & sign.bit and sign.label is not None:
                reasons = [self.code(sign, alone)]
                if bits & signs.SPREAD and sign.bit != signs.TEST:
                    reasons.append(signs.SPREAD_CODE)
                if bits & signs.NO_SEND_TIME and sign.bit == signs.PROXY_OPEN:
                    reasons.append(signs.NO_TIME)
                return Verdict(sign.label, 0, tuple(reasons))
        shown = [
            (self.points[sign.bit], sign.code)
            for sign in signs.WEIGHED
            if bits & sign.bit and self.points[sign.bit]
        ]
        shown.sort(key=lambda each: -each[0])
        score = sum(points for points, _code in shown)
        limits = self.book.thresholds
        label: Label = (
            "scanner" if score >= limits.scanner else "unknown" if score >= limits.unknown else "human"
        )
        first: list[str] = []
        if label == "human":
            against = any(points > 0 for points, _code in shown)
            first = [signs.LITTLE_AGAINST if against else signs.NONE_AGAINST]
        last = [signs.NO_TIME] if bits & signs.NO_SEND_TIME else []
        return Verdict(label, score, (*first, *(code for _points, code in shown), *last))

    @staticmethod
    def code(sign: signs.Sign, alone: Alone) -> str:
        """The code of a rule; of rules on agents, what the rules file calls the agent."""
        return alone.code if sign.bit & (signs.EXACT_PIXEL | signs.EXACT_LINK | signs.MACHINE) else sign.code


@lru_cache(maxsize=8)
def judge_of(book: Rules) -> Judge:
    """Return the one judge by these rules, who remembers."""
    return Judge(book)


def judge(facts: Sequence[Fact], context: Context, rules: Rules) -> list[Verdict]:
    """Judge hits of one campaign, in any order; verdict i is on fact i.

    ``facts`` should hold every hit that can bear on another: all of a message, and those of the same
    address within seconds. Hits of test messages bear on nothing and count as nothing.
    """
    by = judge_of(rules)
    spread_events = spread_among(facts, rules)
    messages: defaultdict[int, list[int]] = defaultdict(list)
    for place in sorted(range(len(facts)), key=lambda place: _by_time(facts[place])):
        messages[facts[place].message].append(place)
    found: dict[int, Verdict] = {}
    for places in messages.values():
        hits = [facts[place] for place in places]
        found.update(zip(places, by.message(hits, context, spread_events), strict=True))
    return [found[place] for place in range(len(facts))]


def spread_among(facts: Iterable[Fact], rules: Rules) -> set[int]:
    """Return the events whose address touched many messages at once, as far as these hits show it."""
    touches: defaultdict[int, list[tuple[int, int, int]]] = defaultdict(list)
    for fact in facts:
        if fact.address and not fact.flags & Flag.PREVIEW:
            touches[fact.address].append((fact.at, fact.message, fact.event_id))
    return spread(touches, rules.spread.within_ms, rules.spread.messages)
