"""Recipients counted together: what is published of them, and that it tells nothing of one."""

from __future__ import annotations

import csv
import io
import itertools
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, START, Client, Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console
from test_report import Hits
from test_report_page import check_figures

from pixeltrack import breakdown, compare, report, together
from pixeltrack.errors import InputError
from pixeltrack.figures import CampaignReport, Together, TogetherRow
from pixeltrack.heard import Span
from pixeltrack.model import MODES, Event, EventKind
from pixeltrack.properties import By
from pixeltrack.published import FEW, LEAST, K, is_large, kept_apart, last_hour, rounded, said
from pixeltrack.rates import Tracked
from pixeltrack.replay import HOUR
from pixeltrack.setup import Workspace
from pixeltrack.show import breakdown as shown_by
from pixeltrack.show import brief, terminal, wide
from pixeltrack.show.json import as_json
from pixeltrack.show.page import ReportPages
from pixeltrack.times import read_zone

FIRST = START // HOUR  # the hour of START
LATER = START + 30 * 24 * HOUR


@dataclass
class Counts:
    """Fills the tables that inject and the collector fill."""

    workspace: Workspace
    campaign: int

    def _run(self, statement: str, rows: Iterable[Sequence[object]]) -> None:
        with sqlite3.connect(self.workspace.store.path) as connection:
            connection.executemany(statement, rows)

    def at_most(self, opens: str, clicks: str) -> None:
        numbers = MODES.index(opens), MODES.index(clicks)  # type: ignore[arg-type]
        self._run(
            "update campaigns set opens = ?, clicks = ? where campaign_id = ?", [(*numbers, self.campaign)]
        )

    def crowd(
        self,
        crowd: int,
        recipients: int,
        company: str = "",
        mode: str = "company",
        industry: str = "",
        size: str = "",
        region: str = "",
        of_list: bytes = b"1",
    ) -> None:
        number = MODES.index(mode)  # type: ignore[arg-type]
        self._run(
            "insert into crowds values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [(self.campaign, of_list, crowd, number, number, company, industry, size, region, recipients)],
        )

    def hits(
        self, hits: int, kind: int = 1, crowd: int = 0, hour: int = 0, link: int = 0, of_class: int = 3
    ) -> None:
        at = (FIRST + hour) * HOUR
        self._run(
            "insert into counters values (?, ?, ?, ?, ?, ?, ?)",
            [(self.campaign, crowd, at, kind, link, of_class, hits)],
        )

    def clear(self) -> None:
        for table in ("crowds", "counters"):
            self._run(f"delete from {table} where ?", [(1,)])

    def report(self, now: int = LATER, span: Span | None = None) -> CampaignReport:
        store = self.workspace.store
        return report.build(store, "spring", clock=lambda: now, zone=read_zone("UTC"), span=span)

    def together(self, now: int = LATER, span: Span | None = None) -> Together:
        found = self.report(now, span).together
        assert found is not None
        return found


@pytest.fixture
def counts(inject: Inject, workspace: Workspace) -> Counts:
    """An empty campaign that counts its recipients together."""
    inject("nobody@x.example")
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("delete from messages")
        connection.execute("delete from recipients")
    made = Counts(workspace, workspace.store.campaign("spring").campaign_id)
    made.at_most("company", "company")
    return made


@pytest.fixture
def filled(counts: Counts) -> Counts:
    """Companies of 40, 12 and 3 recipients, and 20 others; two days of hits."""
    counts.crowd(7, 40, "Firm Ltd", industry="steel", size="large", region="north")
    counts.crowd(8, 12, "Works AG", industry="steel", size="small", region="south")
    counts.crowd(9, 3, "One & Sons", industry="law", size="small", region="north")
    counts.crowd(0, 20, mode="aggregate")
    for crowd, loads in ((7, 57), (8, 23), (9, 4), (0, 19)):
        counts.hits(loads, crowd=crowd, hour=1)
    counts.hits(28, 2, crowd=7, hour=26, link=1, of_class=1)
    counts.hits(9, 2, crowd=8, hour=26, link=2, of_class=1)
    counts.hits(33, 1, crowd=7, hour=2, of_class=4)
    return counts


def named(rows: Iterable[TogetherRow]) -> dict[str, tuple[int | None, int | None, int]]:
    return {row.name: (row.recipients, row.loads, row.clicks) for row in rows}


# -- what may be published ----------------------------------------------------------------------------


def test_nothing_and_a_few_look_alike() -> None:
    assert [said(rounded(hits)) for hits in (0, 1, 9, 10, 19, 1_234)] == [FEW, FEW, FEW, "10", "10", "1,230"]


def test_an_hour_counts_once_it_is_over() -> None:
    assert last_hour(2 * HOUR - 1, 1 << 62) == HOUR
    assert last_hour(2 * HOUR, 1 << 62) == 2 * HOUR
    assert last_hour(9 * HOUR, 2 * HOUR + 5) == 2 * HOUR


sizes = st.dictionaries(
    st.integers(1, 40), st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=12
)


@given(sizes, st.tuples(st.integers(0, 7), st.integers(0, 7)), st.integers(0, 12) | st.none())
def test_what_the_shown_groups_leave_of_the_total_is_nobody_or_large(
    groups: dict[int, tuple[int, int]], others: tuple[int, int], most: int | None
) -> None:
    shown = kept_apart(groups, most, others)
    assert all(is_large(groups[name]) and any(groups[name]) for name in shown)
    for axis in range(2):
        total = sum(size[axis] for size in groups.values()) + others[axis]
        left = total - sum(groups[name][axis] for name in shown)
        assert not shown or left == 0 or left >= LEAST


def test_the_smallest_group_joins_a_single_small_one() -> None:
    assert kept_apart({"a": (40,), "b": (12,), "c": (3,)}) == ["a"]
    assert kept_apart({"a": (40,), "b": (12,), "c": (3,), "d": (2,)}) == ["a", "b"]
    assert kept_apart({"a": (40,), "b": (12,)}) == ["a", "b"]
    assert kept_apart({"a": (4,), "b": (4,)}) == []


# -- the figures --------------------------------------------------------------------------------------


def test_the_figures_of_a_campaign(filled: Counts) -> None:
    found = filled.together()
    assert (found.recipients, found.loads_recipients, found.clicks_recipients) == (75, 75, 75)
    assert (found.loads, found.clicks, found.machine_loads, found.machine_clicks) == (100, 30, 30, 0)
    assert [(row.name, row.clicks) for row in found.links] == [("1", 20), ("2", 0)]
    assert named(found.classes)["phone"] == (None, 0, 30)
    assert named(found.classes)["machine"] == (None, 30, 0)
    assert (found.times[0].name, found.times[0].loads) == ("2026-09-21T15:00+00:00", 100)
    assert (found.times[-1].name, found.times[-1].clicks, len(found.times)) == (
        "2026-09-22T16:00+00:00",
        30,
        26,
    )


def test_small_companies_are_with_the_others_by_whatever_they_are_told(filled: Counts) -> None:
    found = filled.together()
    assert named(found.companies) == {
        "Firm Ltd": (40, 50, 20),
        "Works AG": (12, 20, 0),
        "other": (23, 20, 0),
    }
    assert named(found.industries) == {"steel": (52, 80, 30), "other": (23, 20, 0)}
    assert named(found.regions) == {"north": (40, 50, 20), "south": (12, 20, 0), "other": (23, 20, 0)}


def test_an_hour_that_is_not_over_is_not_there(filled: Counts) -> None:
    assert filled.together(now=(FIRST + 2) * HOUR - 1).loads == 0
    assert filled.together(now=(FIRST + 2) * HOUR).loads == 100
    half = Span(until=(FIRST + 26) * HOUR + HOUR // 2)
    assert filled.together(span=half).clicks == 0


def test_a_campaign_of_persons_has_no_such_part(inject: Inject, workspace: Workspace) -> None:
    inject("a@x.example")
    assert report.build(workspace.store, "spring").together is None


def test_few_clicks_of_browsers_that_object_leave_no_trace_in_a_campaign_of_persons(
    inject: Inject, workspace: Workspace
) -> None:
    inject("a@x.example")
    made = Counts(workspace, workspace.store.campaign("spring").campaign_id)
    made.hits(9, 2, link=1)
    assert made.report().together is None
    made.hits(11, 2, link=1, hour=1)
    said = made.report()
    assert said.together is not None
    assert (said.together.clicks, said.clicks.total, said.messages) == (20, 0, 1)


counters = st.lists(
    st.tuples(
        st.integers(1, 25),  # hits
        st.integers(1, 2),  # kind
        st.sampled_from((0, 7, 8, 9, 10)),  # crowd
        st.integers(0, 60),  # hour
        st.integers(1, 2),  # link
        st.integers(0, 4),  # class
    ),
    max_size=25,
    unique_by=lambda row: (row[1], row[2], row[3], row[4], row[5]),
)
crowd_sizes = st.lists(st.integers(1, 9), min_size=4, max_size=4)


def figures(found: Together) -> list[int]:
    rows = (
        *(*found.links, *found.times, *found.classes),
        *(*found.companies, *found.industries, *found.sizes, *found.regions),
    )
    every = [found.loads, found.clicks, found.machine_loads, found.machine_clicks]
    for row in rows:
        every += [
            each
            for each in (row.loads, row.clicks, row.machine_loads, row.machine_clicks)
            if each is not None
        ]
    return every


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(counters, crowd_sizes, st.integers(0, 62))
def test_no_sum_or_difference_of_two_figures_is_one_to_nine(
    counts: Counts, hits: list[tuple[int, int, int, int, int, int]], members: list[int], hour: int
) -> None:
    """Condition A4: no published figure, and no sum or difference of two, tells of one to nine hits."""
    counts.clear()
    for crowd, recipients in zip((7, 8, 9, 10), members, strict=True):
        counts.crowd(crowd, recipients, f"c{crowd}", industry="ab"[crowd % 2], size=f"s{crowd // 9}")
    for some, kind, crowd, at, link, of_class in hits:
        counts.hits(
            some, kind, crowd, at, link if kind == 2 else 0, of_class
        ) if kind == 2 or link == 1 else None
    whole = counts.together()
    earlier = counts.together(now=(FIRST + hour) * HOUR + HOUR // 3)
    seen = {*figures(whole), *figures(earlier)}
    for one, other in itertools.product(seen, repeat=2):
        assert one + other not in range(1, K)
        assert abs(one - other) not in range(1, K)
    total = sum(members)
    for rows in (whole.companies, whole.industries, whole.sizes, whole.regions):
        shown = [row.recipients or 0 for row in rows]
        assert sum(shown) == total == whole.recipients
        assert (
            all(each == 0 or each >= LEAST for each in shown)
            or total < LEAST
            or len([*filter(None, shown)]) == 1
        )


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 12), st.sampled_from("ab"), st.sampled_from("xy")), max_size=9))
def test_rows_of_one_property_and_of_another_never_leave_a_few(groups: list[tuple[int, str, str]]) -> None:
    from pixeltrack.model import Crowd

    crowds = [
        Crowd(number, "company", "company", recipients, f"c{number}", industry, size)
        for number, (recipients, industry, size) in enumerate(groups, start=1)
    ]
    made = together._Groups(crowds, Tracked(), [])
    every = [
        row.recipients or 0 for what in ("company", "industry", "size", "region") for row in made.by(what)
    ]
    members: list[frozenset[int]] = []
    for what in ("company", "industry", "size", "region"):
        parts: dict[str, frozenset[int]] = {}
        for part in made._parts:
            name = part.names[what] or together.NOT_TOLD
            parts[name] = parts.get(name, frozenset()) | part.crowds
        members += parts.values()
    whole = {crowd.number: crowd.recipients for crowd in crowds}
    everybody = frozenset(whole)
    assert sum(every) == 4 * sum(whole.values()) or not crowds
    for one, other in itertools.product([*members, everybody], repeat=2):
        left = sum(whole[crowd] for crowd in one - other)
        assert left == 0 or left >= LEAST or not members


def test_of_fewer_than_five_recipients_nothing_is_told(counts: Counts) -> None:
    counts.crowd(0, 4, mode="aggregate")
    counts.hits(500)
    counts.hits(500, 2, link=1)
    assert set(figures(counts.together())) == {0}
    assert by(counts, "day").together == ()
    counts.crowd(0, 1, mode="aggregate", of_list=b"2")
    assert counts.together().loads == 500


# -- every form says the same -------------------------------------------------------------------------


def printed(found: CampaignReport, *, full: bool = True, width: int = 120) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False)
    (terminal.show_report if full else brief.show_brief)(console, found)
    return stream.getvalue()


def test_page_json_and_csv_have_the_same_figures(filled: Counts) -> None:
    found = filled.report()
    value = json.loads(as_json(found))
    assert value["together"]["counted_until"] == "2026-10-21T14:00:00.000+00:00"
    shown = check_figures(ReportPages().campaign(found, []), value)
    assert {"together.loads", "together.links.1.clicks", "together.companies.2.recipients"} <= shown.keys()
    (row,) = csv.DictReader(io.StringIO(wide.as_csv([found])))
    assert (row["together.loads"], row["together.clicks"]) == ("100", "30")
    overview = check_figures(ReportPages().overview([found]), [value])
    assert overview["0.together.loads"] == 100


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_the_terminal_says_what_is_counted(filled: Counts, width: int) -> None:
    found = filled.report()
    for full in (True, False):
        text = " ".join(printed(found, full=full, width=width).split())
        assert "75 recipients counted together" in text
        assert "Loads of the pixel and clicks of links are counted here, not people" in text
        assert "nothing proves who requests them" in text
        assert "rounded down to tens" in text
        assert "Firm Ltd" in text and FEW in text
        assert "One & Sons" not in text
        assert "Click-to-open" not in text


def test_people_and_those_counted_together_stand_apart(
    inject: Inject, workspace: Workspace, client: Client
) -> None:
    inject("a@x.example")
    made = Counts(workspace, workspace.store.campaign("spring").campaign_id)
    made.crowd(0, 30, mode="aggregate")
    made.hits(70)
    found = made.report()
    assert (found.messages, found.opens.total) == (1, 0)
    text = printed(found)
    assert "1 messages, 30 recipients counted together" in text
    assert "Click-to-open" in text and "Counted together" in text


# -- what is asked for by one thing, or of a person ---------------------------------------------------


def by(counts: Counts, way: By) -> breakdown.Breakdown:
    campaign = counts.workspace.store.campaign("spring")
    zone = read_zone("UTC")
    return breakdown.build(counts.workspace.store, campaign, way, Span(), zone, clock=lambda: LATER)


def test_a_breakdown_has_the_figures_of_the_report(filled: Counts) -> None:
    found = filled.together()
    assert by(filled, "company").together == found.companies
    assert by(filled, "industry").together == found.industries
    assert by(filled, "link").together == found.links
    assert by(filled, "device").together == found.classes
    assert named(by(filled, "day").together) == {
        "2026-09-21": (None, 100, 0),
        "2026-09-22": (None, 0, 30),
    }
    shown = by(filled, "company")
    lines = list(csv.DictReader(io.StringIO(shown_by.as_csv(shown))))
    assert [(row["company"], row["counted"], row["recipients"], row["opens"]) for row in lines] == [
        ("Firm Ltd", "together", "40", "50"),
        ("Works AG", "together", "12", "20"),
        ("other", "together", "23", "20"),
    ]
    stream = io.StringIO()
    shown_by.show(Console(file=stream, width=80), shown)
    assert "Firm Ltd" in stream.getvalue() and "not people" in stream.getvalue()


@pytest.mark.parametrize("way", ["provider", "domain", "client", "country", "os", "browser", "weekday"])
def test_what_would_be_of_persons_is_refused(filled: Counts, way: By) -> None:
    with pytest.raises(InputError, match="counts its recipients together"):
        by(filled, way)


def test_people_are_refused_by_every_command(filled: Counts, tmp_path: Path) -> None:
    for argv in (
        ("report", "--campaign", "spring", "--who", "opened"),
        ("report", "--campaign", "spring", "--who", "not-opened", "--csv"),
        ("report", "--campaign", "spring", "--by", "domain"),
        ("export", "--people", "--campaign", "spring"),
    ):
        ran = run(tmp_path, *argv, "--db", "t.db")
        assert (ran.code, ran.out) == (2, ""), argv
        assert "counts its recipients together (company)" in ran.err, argv
        assert "Hint: report --campaign spring has its totals" in ran.err


def test_the_export_has_the_same_figures(filled: Counts, tmp_path: Path) -> None:
    ran = run(tmp_path, "export", "--together", "--db", "t.db")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    (whole,) = [row for row in rows if row["by"] == "all"]
    assert (whole["recipients"], whole["loads"], whole["clicks"]) == ("75", "100", "30")
    assert {row["name"] for row in rows if row["by"] == "company"} == {"Firm Ltd", "Works AG", "other"}
    assert {int(row[name] or 0) % K for row in rows for name in ("loads", "clicks", "machine_loads")} == {0}


def test_campaigns_side_by_side_show_it(filled: Counts, inject: Inject) -> None:
    inject("a@x.example", campaign="autumn")
    found = compare.build(filled.workspace.store, ["spring", "autumn"], clock=lambda: LATER)
    values = {row.figure: row.values for row in found.rows}
    assert values["together_loads"] == (100, None)
    assert values["together_recipients"] == (75, None)


def test_a_pseudonymous_person_is_named_nowhere(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    readers = ["ada@firm.example", "bob@firm.example"]
    inject(*readers)
    hits = Hits(workspace, "spring", readers)
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("update messages set opens = 4, clicks = 4 where message = ?", [hits.message(0)])
    event = Event(START + 100_000, 1, EventKind.OPEN, 0, 12_345, CHROME, 0)  # under her pseudonym
    workspace.store.put_events([event])
    hits.open(1, 200)
    found = report.build(workspace.store, "spring")
    assert (found.opens.unique, found.opens_tracked, found.open_rate) == (2, 2, 1.0)
    assert found.providers[0].tracked == 1  # her hits have no provider, so she is in no rate of one
    for argv in (
        ("report", "--campaign", "spring", "--who", "opened"),
        ("report", "--campaign", "spring", "--who", "not-opened", "--csv"),
        ("report", "--campaign", "spring", "--by", "domain", "--json"),
        ("report", "--inactive-since", "2030-01-01", "--csv"),
        ("export", "--people"),
        ("export", "--events"),
    ):
        ran = run(tmp_path, *argv, "--db", "t.db")
        assert ran.code == 0, ran.err
        assert "ada@" not in ran.out, argv
