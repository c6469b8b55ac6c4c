"""Adding the truth of a plan up, by the definitions of a report's figures and by nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pixeltrack.simulate.hits import Hit, HitKind, Plan, Program


@dataclass(frozen=True, slots=True)
class Expected:
    """What a truthful report must say of a played plan, by the definitions of its figures."""

    opens: tuple[int, int]  # unique, total
    clicks: tuple[int, int]
    clicked_without_open: int
    machine_opens: tuple[int, int]
    machine_clicks: tuple[int, int]
    unsubscribed: int
    stopped_tracking: int
    links: tuple[tuple[int, int, int], ...]  # people, clicks, machine clicks of each link
    devices: dict[str, int]
    systems: dict[str, int]
    browsers: dict[str, int]
    clients: dict[str, int]
    first: int | None
    last: int | None


def expect(hits: Sequence[Hit], links: int) -> Expected:
    """Add up the truth of a plan."""
    seen = [hit for hit in hits if hit.counts and hit.kind in ("open", "click")]
    people = [hit for hit in seen if hit.truth == "human"]
    opened = {hit.copy for hit in people if hit.kind == "open"}
    clicked = {hit.copy for hit in people if hit.kind == "click"}
    return Expected(
        opens=_tally(people, "open"),
        clicks=_tally(people, "click"),
        clicked_without_open=len(clicked - opened),
        machine_opens=_tally([hit for hit in seen if hit.truth != "human"], "open"),
        machine_clicks=_tally([hit for hit in seen if hit.truth != "human"], "click"),
        unsubscribed=len({hit.copy for hit in hits if hit.kind == "unsubscribe"}),
        stopped_tracking=len({hit.copy for hit in hits if hit.kind == "stop"}),
        links=tuple(_link(seen, link) for link in range(links)),
        devices=_used(people, lambda program: program.device, hidden=True),
        systems=_used(people, lambda program: program.os, hidden=True),
        browsers=_used(people, lambda program: program.browser, hidden=False),
        clients=_used(
            [hit for hit in people if hit.kind == "open"],
            lambda program: program.client or "webmail or browser",
            hidden=False,
        ),
        first=min((hit.at for hit in people), default=None),
        last=max((hit.at for hit in people), default=None),
    )


def _tally(hits: Iterable[Hit], kind: HitKind) -> tuple[int, int]:
    copies = [hit.copy for hit in hits if hit.kind == kind]
    return len(set(copies)), len(copies)


def _link(hits: Sequence[Hit], link: int) -> tuple[int, int, int]:
    of_link = [hit for hit in hits if hit.kind == "click" and hit.link == link]
    people = [hit.copy for hit in of_link if hit.truth == "human"]
    return len(set(people)), len(people), len(of_link) - len(people)


def _used(people: Iterable[Hit], what: Callable[[Program], str | None], *, hidden: bool) -> dict[str, int]:
    """Count people by what they used; where nothing is known, by who hides it."""
    counted: Counter[str] = Counter()
    for _copy, hits in groupby(sorted(people, key=lambda hit: hit.copy), key=lambda hit: hit.copy):
        programs = [hit.program for hit in hits]
        known = {name for program in programs if (name := what(program))}
        veiled = {f"hidden by {program.hidden_by}" for program in programs if program.hidden_by}
        counted.update(known or (veiled if hidden else set()))
    return dict(counted)


def by_actor(plan: Plan) -> list[tuple[str, str, int, int]]:
    """Return (truth, actor, opens, clicks) of a plan's recorded hits, people first, then by number."""
    counted: Counter[tuple[str, str, HitKind]] = Counter()
    for hit in plan.hits:
        if hit.counts and hit.kind in ("open", "click"):
            counted[hit.truth, hit.actor, hit.kind] += 1
    rows = {(truth, actor) for truth, actor, _kind in counted}
    return sorted(
        ((*row, counted[(*row, "open")], counted[(*row, "click")]) for row in rows),
        key=lambda row: (("human", "prefetch", "scanner").index(row[0]), -row[2] - row[3], row[1]),
    )
