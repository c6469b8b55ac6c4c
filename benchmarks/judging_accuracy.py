"""How well people and machines are told apart: precision and recall against a simulator's truth.

    python benchmarks/judging_accuracy.py [--people 3000] [--seeds 8] [--mix b2b] [--brief | --json]

The simulator draws from published distributions and knows nothing of the rules; so the table shows whether
the rules are consistent with those, and which actors they cannot tell apart. It is no measure of real
traffic, of which nobody has published labels. Ranges are over seeds. Every mix is judged with all the facts
that a collector has, and again with what a web server's log holds: method, agent and time.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pixeltrack import agents
from pixeltrack.judging import Context, Fact, judge
from pixeltrack.model import Flag
from pixeltrack.rules import rules
from pixeltrack.simulate import MIXES, Hit, Plan, draw
from pixeltrack.simulate.facts import events

START = 1_774_340_400_000
LABELS = ("human", "unknown", "prefetch", "scanner")
KINDS = {"open": "opens", "click": "clicks"}

Cell = tuple[str, str, str, str]  # kind, truth, actor, verdict


@dataclass(frozen=True, slots=True)
class Case:
    """One mix under one state of knowledge."""

    name: str
    mix: str
    honeypot: bool = False
    log: bool = False  # only what a web server's log holds
    own_times: bool = False  # each message judged by the time at which it was sent itself


@dataclass(slots=True)
class Run:
    """What one seed gave: hits by what they are and what they were taken for, and the headline figures."""

    cells: Counter[Cell] = field(default_factory=Counter)
    truth: dict[str, int] = field(default_factory=dict)
    said: dict[str, int] = field(default_factory=dict)
    gateways: Counter[tuple[str, str]] = field(default_factory=Counter)  # clicks by network and verdict


CASES = (
    *(Case(mix, mix) for mix in ("newsletter", "b2b", "mixed", "transactional")),
    Case("transactional, each with its own send time", "transactional", own_times=True),
    Case("b2b, with a honeypot", "b2b", honeypot=True),
    *(Case(f"{mix}, from a log", mix, log=True) for mix in ("newsletter", "b2b", "mixed", "transactional")),
)


def run(case: Case, seed: int, people: int) -> Run:
    """Draw one plan, judge it, and set verdicts beside truths."""
    mix = MIXES[case.mix]
    plan = draw(people, mix.links, START, seed, mix, honeypot=case.honeypot)
    hits = [hit for hit in plan.hits if hit.counts and hit.kind in ("open", "click")]
    facts = list(facts_of(plan, case.log))
    hidden = frozenset((plan.links + 1,)) if case.honeypot else frozenset[int]()
    context = Context(None if case.log else plan.sent, frozenset(range(1, plan.links + 1)), hidden)
    if case.own_times:
        verdicts = by_message(plan, facts, context)
    else:
        verdicts = [verdict.label for verdict in judge(facts, context, rules())]
    found = Run()
    for hit, verdict in zip(hits, verdicts, strict=True):
        found.cells[hit.kind, hit.truth, hit.actor, verdict] += 1
        if hit.kind == "click" and hit.actor.startswith("gateway-"):
            found.gateways[hit.place.network or "in no list", verdict] += 1
    found.truth = truth_of(plan, hits)
    found.said = headlines(hits, verdicts)
    return found


def facts_of(plan: Plan, log: bool) -> Iterator[Fact]:
    """The facts of a plan's hits, as the store has them; a log knows no headers, network or address."""
    links = range(1, plan.links + 2)
    for number, event in enumerate(events(plan, 1, range(len(plan.people)), links, agents.reduce)):
        flags, network, address = event.flags, event.network, event.address
        if log:
            flags, network, address = flags & Flag.HEAD, "", 0
        yield Fact(
            *(number, event.message, event.at, int(event.kind), event.link, event.agent),
            *(flags, network, address),
        )


def by_message(plan: Plan, facts: Sequence[Fact], context: Context) -> list[str]:
    """Judge each message by itself, with the time at which it was sent."""
    messages: defaultdict[int, list[int]] = defaultdict(list)
    for place, fact in enumerate(facts):
        messages[fact.message].append(place)
    labels = [""] * len(facts)
    for message, places in messages.items():
        own = replace(context, sent=plan.people[message].handed)
        for place, verdict in zip(places, judge([facts[each] for each in places], own, rules()), strict=True):
            labels[place] = verdict.label
    return labels


def truth_of(plan: Plan, hits: Sequence[Hit]) -> dict[str, int]:
    """What really happened, by recipients: what left a trace, and what people did, seen or not."""
    people = [hit for hit in hits if hit.truth == "human"]
    return {
        "opens seen": len({hit.copy for hit in people}),
        "opens": sum(person.read for person in plan.people),
        "clicks": len({hit.copy for hit in people if hit.kind == "click"}),
    }


def headlines(hits: Sequence[Hit], verdicts: Sequence[str]) -> dict[str, int]:
    """The figures of a report, by recipients, from the verdicts on single hits."""
    labels: defaultdict[tuple[str, int], set[str]] = defaultdict(set)
    for hit, verdict in zip(hits, verdicts, strict=True):
        labels[hit.kind, hit.copy].add(verdict)
    copies = {hit.copy for hit in hits}

    def number(test: Callable[[set[str], set[str]], bool]) -> int:
        return sum(test(labels["open", copy], labels["click", copy]) for copy in copies)

    return {
        "opens at least": number(lambda opened, clicked: "human" in opened | clicked),
        "opens at most": number(
            lambda opened, clicked: bool({"human", "unknown", "prefetch"} & opened or "human" in clicked)
        ),
        "clicks at least": number(lambda _opened, clicked: "human" in clicked),
        "clicks at most": number(lambda _opened, clicked: bool({"human", "unknown"} & clicked)),
    }


# -- the tables -----------------------------------------------------------------------------------------


def spread(values: Iterable[float | None]) -> str:
    """A mean with its range."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean, least, most = statistics.mean(known), min(known), max(known)
    return f"{mean:.1f}" if least == most else f"{mean:.1f} ({least:.1f}–{most:.1f})"


def precision_and_recall(runs: Sequence[Run]) -> Iterator[list[str]]:
    """One row for each kind of hit and verdict."""
    for kind, name in KINDS.items():
        for label in ("human", "prefetch", "scanner"):
            given, truly = ([_of(each, kind, place, label) for each in runs] for place in (3, 1))
            if any(truly):
                yield [
                    f"{name} {label}",
                    *(spread(map(_share(1, label), given)), spread(map(_share(3, label), truly))),
                    spread(map(_share(3, "unknown"), truly)),
                ]


def _of(each: Run, kind: str, place: int, value: str) -> list[tuple[Cell, int]]:
    """The hits of a kind with a value at a place of their cell."""
    return [item for item in each.cells.items() if item[0][0] == kind and item[0][place] == value]


def _share(place: int, value: str) -> Callable[[Iterable[tuple[tuple[str, ...], int]]], float | None]:
    """What tells which share of hits has a value at a place, in per cent; None of none."""

    def of(hits: Iterable[tuple[tuple[str, ...], int]]) -> float | None:
        given = list(hits)
        number = sum(number for _cell, number in given)
        return 100 * sum(n for cell, n in given if cell[place] == value) / number if number else None

    return of


def actors(runs: Sequence[Run]) -> Iterator[list[str]]:
    """One row for each kind of actor: what its hits were taken for."""
    seen = Counter[tuple[str, str, str]]()
    for each in runs:
        for (kind, truth, actor, _verdict), number in each.cells.items():
            seen[truth, actor, kind] += number
    order = ("human", "prefetch", "scanner")
    for truth, actor, kind in sorted(seen, key=lambda row: (order.index(row[0]), row[2], row[1])):
        row = [f"{actor}, {KINDS[kind]}", truth, f"{seen[truth, actor, kind] / len(runs):,.0f}"]
        hits = [[item for item in each.cells.items() if item[0][:3] == (kind, truth, actor)] for each in runs]
        yield row + [spread(map(_share(3, label), hits)) for label in LABELS]


def networks(runs: Sequence[Run]) -> Iterator[list[str]]:
    """One row for each network that gateways follow links from."""
    seen = Counter[str]()
    for each in runs:
        for (network, _verdict), number in each.gateways.items():
            seen[network] += number
    for network, number in seen.most_common():
        hits = [[item for item in each.gateways.items() if item[0][0] == network] for each in runs]
        row = [network, f"{number / len(runs):,.0f}"]
        yield row + [spread(map(_share(1, label), hits)) for label in LABELS if label != "prefetch"]


def brackets(runs: Sequence[Run]) -> Iterator[list[str]]:
    """One row for each headline: its error against the truth in per cent, and how often it brackets it."""
    for name, of in (("opens", "opens seen"), ("opens", "opens"), ("clicks", "clicks")):
        least, most, held = [], [], 0
        for each in runs:
            true = each.truth[of]
            low, high = each.said[f"{name} at least"], each.said[f"{name} at most"]
            least.append(100 * (low - true) / true if true else None)
            most.append(100 * (high - true) / true if true else None)
            held += low <= true <= high
        what = {"opens seen": "opens that left a trace", "opens": "people who read it"}.get(of, of)
        true = statistics.mean(each.truth[of] for each in runs)
        yield [what, f"{true:,.0f}", spread(least), spread(most), f"{held} of {len(runs)}"]


def summary(found: Mapping[str, Sequence[Run]]) -> Iterator[list[str]]:
    """One row for each case: how many of people's hits are kept, and how many of those kept are people's."""
    for name, runs in found.items():
        row = [name]
        for kind in ("click", "open"):
            for place, other, label in ((1, 3, "human"), (3, 1, "human"), (1, 3, "scanner")):
                row.append(spread(_share(other, label)(_of(each, kind, place, label)) for each in runs))
        yield row


SUMMARY = (
    *("", "people's clicks kept", "clicks kept, people's", "machines' clicks convicted"),
    *("people's opens kept", "opens kept, people's", "machines' opens convicted"),
)


def show(title: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = [list(head), *map(list, rows)]
    widths = [max(len(row[place]) for row in table) for place in range(len(head))]
    print(f"  {title}")
    for row in table:
        cells = [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        print("    " + "  ".join(cells))
    print()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=int, default=3_000)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--mix", help="only cases of this mix")
    parser.add_argument("--brief", action="store_true", help="one table, a row for each case")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = {
        case.name: [run(case, seed, given.people) for seed in range(1, given.seeds + 1)]
        for case in CASES
        if given.mix in (None, case.mix)
    }
    if given.json:
        print(json.dumps({name: [_plain(each) for each in runs] for name, runs in found.items()}, indent=1))
        return
    print(f"rules {rules().version}; {given.people:,} people, seeds 1 to {given.seeds}")
    print("per cent: mean (range)\n")
    if given.brief:
        print(f"| {' | '.join(SUMMARY)} |\n{'|---' * len(SUMMARY)}|")
        for row in summary(found):
            print(f"| {' | '.join(row)} |")
        return
    for name, runs in found.items():
        hits = statistics.mean(sum(each.cells.values()) for each in runs)
        print(f"{name}: {hits:,.0f} hits")
        show("verdicts", ("hits", "precision", "recall", "of it unknown"), precision_and_recall(runs))
        show(
            "headlines",
            ("recipients", "truth", "at least, error", "at most, error", "bracketed"),
            brackets(runs),
        )
        if "log" not in name:
            show("actors: taken for", ("hits", "truth", "a run", *LABELS), actors(runs))
            head = ("network", "a run", "human", "unknown", "scanner")
            show("gateways' clicks: taken for", head, networks(runs))


def _plain(each: Run) -> dict[str, object]:
    cells = [[*cell, number] for cell, number in sorted(each.cells.items())]
    return {"cells": cells, "truth": each.truth, "said": each.said}


if __name__ == "__main__":
    main()
