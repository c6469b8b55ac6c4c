"""Who is in an audience, against a plain loop over a made-up history that knows nothing of ours but its tables."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from conftest import BASE, CHROME, START, Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_report import Hits

from pixeltrack import config, segments, setup, verdicts
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.segments import Condition, Segment
from pixeltrack.setup import Workspace

READERS = ["ada@x.example", "bob@x.example", "cid@x.example"]
CAMPAIGNS = ["spring", "summer"]
LINKS = {1: "https://shop.example/a?x=1&y=2", 2: "https://shop.example/b#part"}
PAGES = ["/a", "/ab", "/b"]
HOUR, DAY = 3_600_000, 86_400_000
NOW = START + 30 * DAY
NAMED, PSEUDONYMOUS, TOGETHER, OFF = 5, 4, 1, 0


@dataclass
class Hit:
    campaign: int
    reader: int
    kind: int  # 1 open, 2 click
    link: int
    day: int
    machine: bool
    at: int = 0  # set by ``History``: hours apart, so that none looks like a burst


@dataclass
class View:
    campaign: int
    reader: int
    page: str
    day: int
    machine: bool


@dataclass
class Order:
    campaign: int
    reader: int
    day: int
    verified: bool
    machine: bool
    refund: str  # "", "part", "all", "whole", "unsigned"


@dataclass
class History:
    hits: list[Hit]
    views: list[View]
    orders: list[Order]
    modes: dict[tuple[int, int], tuple[int, int, int]]  # by campaign and reader: opens, clicks, silenced bits
    numbers: dict[tuple[int, int], int] = field(default_factory=dict)

    def told(self, campaign: int, reader: int, what: str) -> bool:
        opens, clicks, silenced = self.modes[campaign, reader]
        return (
            opens == NAMED and not silenced & 1 if what == "opened" else clicks == NAMED and not silenced & 2
        )

    def did(self, asked: Condition, campaign: int, reader: int, since: int, unverified: bool) -> bool:
        here = (campaign, reader)
        if asked.what in ("opened", "clicked"):
            kind = 1 if asked.what == "opened" else 2
            return any(
                (hit.campaign, hit.reader, hit.kind) == (*here, kind)
                and not hit.machine
                and hit.at >= since
                and (asked.of in ("", LINKS.get(hit.link)))
                for hit in self.hits
            )
        if asked.what == "viewed":
            path = asked.of.removeprefix("shop.example")
            return any(
                (view.campaign, view.reader) == here
                and not view.machine
                and START + view.day * DAY >= since
                and (view.page.startswith(path[:-1]) if path.endswith("*") else view.page == path)
                for view in self.views
            )
        return any(
            (order.campaign, order.reader) == here
            and (order.verified or (unverified and not order.machine))
            and START + order.day * DAY >= since
            and not (order.refund in ("all", "whole") or (order.refund == "unsigned" and not order.verified))
            for order in self.orders
        )


def members(history: History, asked: Segment, saved: dict[str, Segment]) -> tuple[set[int], set[int]]:
    """Return who is in an audience and of whom nothing may be told, one person after the other."""
    since = -(1 << 60) if asked.within is None else NOW - asked.within
    mails = [CAMPAIGNS.index(asked.campaign)] if asked.campaign else [0, 1]
    people, unnamed = set(), set()
    for reader in range(len(READERS)):
        holds, known = True, True
        for each in asked.conditions:
            told = [mail for mail in mails if history.told(mail, reader, each.what)]
            known = known and bool(told)
            did = any(history.did(each, mail, reader, since, asked.unverified) for mail in told)
            holds = holds and did is not each.negated
        for name in asked.also:
            inside, unknown = members(history, saved[name], saved)
            holds, known = holds and reader in inside, known and reader not in unknown
        for name in asked.without:
            inside, unknown = members(history, saved[name], saved)
            holds, known = holds and reader not in inside, known and reader not in unknown
        if not known:
            unnamed.add(reader)
        elif holds:
            people.add(reader)
    return people, unnamed


campaigns, readers, days = st.integers(0, 1), st.integers(0, 2), st.integers(0, 29)
modes = st.tuples(
    st.sampled_from([NAMED, NAMED, PSEUDONYMOUS, TOGETHER, OFF]),
    st.sampled_from([NAMED, NAMED, NAMED, PSEUDONYMOUS, TOGETHER, OFF]),
    st.sampled_from([0, 0, 0, 1, 2, 3]),
)
histories = st.builds(
    History,
    st.lists(
        st.builds(Hit, campaigns, readers, st.integers(1, 2), st.sampled_from([1, 2]), days, st.booleans()),
        min_size=4,
        max_size=16,
    ),
    st.lists(
        st.builds(View, campaigns, readers, st.sampled_from(PAGES), days, st.booleans()),
        min_size=3,
        max_size=10,
    ),
    st.lists(
        st.builds(
            Order,
            *(campaigns, readers, days, st.booleans(), st.booleans()),
            st.sampled_from(["", "", "part", "all", "whole", "unsigned"]),
        ),
        min_size=3,
        max_size=10,
    ),
    st.fixed_dictionaries({(mail, who): modes for mail in (0, 1) for who in (0, 1, 2)}),
)
ALONE = [
    Segment((Condition(what, of, negated),), unverified=unverified)  # type: ignore[arg-type]
    for what, of in (
        ("opened", ""),
        ("clicked", ""),
        ("clicked", LINKS[2]),
        ("viewed", "/a*"),
        ("converted", "order"),
    )
    for negated in (False, True)
    for unverified in (False, True)
]
conditions = st.one_of(
    st.builds(Condition, st.just("opened"), st.just(""), st.booleans()),
    st.builds(Condition, st.just("clicked"), st.sampled_from(["", *LINKS.values()]), st.booleans()),
    st.builds(
        Condition,
        st.just("viewed"),
        st.sampled_from(["/a", "/a*", "*", "/b", "shop.example/a", "shop.example/*"]),
        st.booleans(),
    ),
    st.builds(Condition, st.just("converted"), st.just("order"), st.booleans()),
)


def audiences(*names: str) -> st.SearchStrategy[Segment]:
    others = st.lists(st.sampled_from(names), max_size=2, unique=True).map(tuple) if names else st.just(())
    return st.builds(
        Segment,
        st.lists(conditions, min_size=0 if names else 1, max_size=3).map(tuple),
        st.sampled_from(["", "", *CAMPAIGNS]),
        st.one_of(st.none(), st.integers(1, 30).map(lambda days: days * DAY)),
        others,
        others,
        st.booleans(),
    )


@pytest.fixture
def made(inject: Inject, workspace: Workspace, tmp_path: Path) -> Path:
    """A folder with a database in which two mails were sent, and nobody has done anything."""
    for name in CAMPAIGNS:
        inject(*READERS, campaign=name)
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("insert into sites values (1, 'shop.example', 1, 0)")
        connection.execute("insert into goals values (1, 'order', 1, 0)")
        connection.executemany("insert into pages values (?, 1, ?)", enumerate(PAGES))
    workspace.store.close()
    return tmp_path


@contextmanager
def lived(made: Path, history: History) -> Iterator[Workspace]:
    """Yield a copy of the database in which a history has happened."""
    for name in ("db", "key"):
        shutil.copy(next(made.glob(f"*.{name}")), made / f"copy.{name}")
    options = {"db": str(made / "copy.db"), "base_url": BASE}
    workspace = setup.open_workspace(config.load(options=options, environment={}), create=False)
    hits = {number: Hits(workspace, name, READERS) for number, name in enumerate(CAMPAIGNS)}
    number = {(mail, who): hits[mail].message(who) for mail, who in history.modes}
    ids = [workspace.store.campaign(name).campaign_id for name in CAMPAIGNS]
    events = []
    for place, each in enumerate(history.hits):
        each.at = START + each.day * DAY + place * HOUR
        kind, link = (EventKind.OPEN, 0) if each.kind == 1 else (EventKind.CLICK, each.link)
        flags = int(Flag.HEAD) if each.machine else 0
        events.append(
            Event(each.at, ids[each.campaign], kind, link, number[each.campaign, each.reader], CHROME, flags)
        )
    workspace.store.put_events(events)
    with sqlite3.connect(workspace.store.path) as connection:
        for (mail, who), (opens, clicks, silenced) in history.modes.items():
            place = (ids[mail], number[mail, who])
            connection.execute(
                "update messages set opens = ?, clicks = ? where campaign_id = ? and message = ?",
                [opens, clicks, *place],
            )
            if silenced:
                connection.execute("insert into silenced values (?, ?, 'person', ?)", [*place, silenced])
        for view in history.views:
            connection.execute(
                "insert into views (campaign_id, message, page_id, at, agent_id, class) values (?, ?, ?, ?, 1, ?)",
                [
                    *(ids[view.campaign], number[view.campaign, view.reader], PAGES.index(view.page)),
                    *(START + view.day * DAY, 4 if view.machine else 1),
                ],
            )
        for place, order in enumerate(history.orders):
            _put(connection, order, str(place), ids[order.campaign], number[order.campaign, order.reader])
    verdicts.bring_up_to_date(workspace.store)
    try:
        yield workspace
    finally:
        workspace.store.close()
        for path in made.glob("copy.*"):
            path.unlink()


def _put(connection: sqlite3.Connection, order: Order, name: str, campaign: int, message: int) -> None:
    insert = (
        "insert into conversions (goal_id, order_id, entry, at, value, currency, whole, campaign_id, message,"
        " source, verified, told, class, signal) values (1, ?, ?, ?, ?, 'EUR', ?, ?, ?, 1, ?, 1, ?, 0)"
    )
    at, place = START + order.day * DAY, (campaign, message)
    client = 4 if order.machine else 1
    rows: list[tuple[Any, ...]] = [(name, "", at, 1000, 0, *place, order.verified, client)]
    if order.refund == "part":
        rows.append((name, "r", at, -400, 0, *place, True, 0))
    elif order.refund == "all":
        rows += [(name, "r", at, -400, 0, *place, True, 0), (name, "s", at, -600, 0, *place, True, 0)]
    elif order.refund == "whole":
        rows.append((name, "r", at, 0, 1, *place, True, 0))
    elif order.refund == "unsigned":
        rows.append((name, "r", at, 0, 1, *place, False, 1))
    connection.executemany(insert, rows)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])  # each has its copy
@given(history=histories, first=audiences(), second=audiences("first"), asked=audiences("first", "second"))
def test_who_is_in_it_is_who_a_plain_loop_finds(
    made: Path, history: History, first: Segment, second: Segment, asked: Segment
) -> None:
    saved = {"first": first, "second": second}
    with lived(made, history) as workspace:
        store = workspace.store
        for name, each in saved.items():
            store.add_segment(name, each.json(), START, (*each.also, *each.without))
        assert segments.load(store, "second") == second
        for each in (first, second, asked, *ALONE):
            found = segments.build(store, each, NOW)
            people, unnamed = members(history, each, saved)
            assert set(store.addresses(found.people)) == {READERS[who] for who in people}
            assert sum(found.reasons.values()) == len(unnamed)
