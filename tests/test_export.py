"""What export writes: the report's figures, row by row, and nobody's name who is not to be measured."""

from __future__ import annotations

import json
import re
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from command import run
from conftest import CHROME, START, Client, Inject, people
from inbox import copies
from test_collector import STOP
from test_report import APPLE_AHEAD, GMAIL, IPHONE, READERS, Hits

from pixeltrack import verdicts
from pixeltrack.export import Scope, Steps, events
from pixeltrack.export.columns import TABLES
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.rules import rules
from pixeltrack.setup import Workspace
from pixeltrack.store import exports
from pixeltrack.times import read_zone

DAY = 86_400
DOCS = Path(__file__).parents[1] / "docs" / "export.md"
Row = dict[str, Any]
Export = Callable[..., list[Row]]


@pytest.fixture
def export(workspace: Workspace, tmp_path: Path) -> Export:
    """Run ``pixeltrack export`` for a table; returns its rows as JSON lines have them."""

    def rows(table: str, *options: str) -> list[Row]:
        ran = run(tmp_path, "export", f"--{table}", "--format", "jsonl", "--db", "t.db", *options)
        assert ran.code == 0, ran.err
        return [json.loads(line) for line in ran.out.splitlines()]

    return rows


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    inject(*READERS)
    return Hits(workspace, "spring")


def busy(hits: Hits) -> None:
    """Hits of every sort: people's, machines', unknown, tests', and some that are counted, not kept."""
    for reader in range(4):
        hits.open(reader, 5, APPLE_AHEAD)
        hits.open(reader, 600 + 400 * reader)
        hits.open(reader, 2 * DAY + reader, IPHONE)
    hits.open(4, 900, GMAIL)
    hits.open(5, 900, "curl/8.11")
    hits.open(6, 900, "Something/1.0")
    hits.click(7, 900, agent="Something/1.0")
    for link in (1, 2):
        hits.click(0, 4_000 + 60 * link, link)
    hits.click(1, 7_000, flags=Flag.HEAD)
    hits.click(1, 7_100)
    hits.open(2, 50, flags=Flag.PREVIEW)
    for second in range(70):  # more than an hour's share of one URL, by two programs
        hits.click(8, 10_000 + 12 * second, 2)
        hits.open(8, 10_001 + 12 * second, "curl/8.11" if second % 3 else CHROME)
        hits.open(9, 10_000 + second, flags=Flag.PREVIEW)


def counted(rows: list[Row], kind: str, *words: str) -> dict[str, int]:
    """A tally as the report has it."""
    chosen = [row for row in rows if row["kind"] == kind and row["counted"] in words]
    return {
        "unique": len({(row["campaign"], row["message"]) for row in chosen}),
        "total": sum(row["hits"] for row in chosen),
    }


def report_of(folder: Path, db: str, campaign: str) -> dict[str, Any]:
    ran = run(folder, "report", "--db", db, "--campaign", campaign, "--json")
    found: dict[str, Any] = json.loads(ran.out)
    return found


def check_figures(rows: dict[str, list[Row]], said: dict[str, Any]) -> None:
    """Compare what exports of one campaign add up to with its report."""
    events, links, readers, days = rows["events"], rows["links"], rows["people"], rows["daily"]
    for kind, name in (("open", "opens"), ("click", "clicks")):
        assert counted(events, kind, "people") == said[name]
        assert counted(events, kind, "machines") == said[f"machine_{name}"]
        assert counted(events, kind, "unknown") == said[f"unknown_{name}"]
        for table in (readers, days):
            assert sum(row[name] for row in table) == said[name]["total"]
            assert sum(row[f"machine_{name}"] for row in table) == said[f"machine_{name}"]["total"]
            assert sum(row[f"unknown_{name}"] for row in table) == said[f"unknown_{name}"]["total"]
    assert sum(row["hits"] for row in events if row["test"]) == said["preview_hits"]
    assert (
        sum(row["hits"] for row in events if row["hit"] is None and not row["test"]) == said["repeated_hits"]
    )
    assert sum(row["opened"] for row in readers) == said["opens"]["unique"]
    assert sum(row["clicked"] for row in readers) == said["clicks"]["unique"]
    assert len(readers) == said["messages"]
    assert sum(row["tracked"] for row in readers) == said["tracked"]
    assert sum(row["unsubscribed"] for row in readers) == said["unsubscribed"]
    assert sum(row["stopped_tracking"] for row in readers) == said["stopped_tracking"]
    moments = [
        row[name] for row in readers for name in ("first_open", "last_open", "first_click", "last_click")
    ]
    assert min(filter(None, moments)) == said["first"]
    assert max(filter(None, moments)) == said["last"]
    assert [
        (row["link"], row["link_url"], row["people"], row["clicks"], row["machine_clicks"]) for row in links
    ] == [
        (
            link["number"],
            link["url"],
            link["clicks"]["unique"],
            link["clicks"]["total"],
            link["machine_clicks"],
        )
        for link in said["links"]
    ]
    openers = {
        name: sum(row["opened"] for row in readers if row["provider"] == name)
        for name in {row["provider"] for row in readers} - {None}
    }
    assert openers == {each["provider"]: each["openers"] for each in said["providers"]}


def test_exports_add_up_to_the_report(hits: Hits, export: Export, tmp_path: Path) -> None:
    busy(hits)
    said = report_of(tmp_path, "t.db", "spring")
    assert said["repeated_hits"] == 100  # the case is there at all
    assert said["unknown_opens"]["total"] > 0
    assert said["preview_hits"] == 71
    check_figures({table: export(table) for table in TABLES}, said)


@pytest.mark.parametrize("mix", ["b2b", "newsletter"])
def test_exports_of_drawn_campaigns_add_up_to_their_reports(mix: str, tmp_path: Path) -> None:
    ran = run(tmp_path, "simulate", "--into", "s.db", "--mix", mix, "--people", "400")
    assert ran.code == 0, ran.err
    rows = {
        table: [
            json.loads(line)
            for line in run(
                tmp_path,
                "export",
                f"--{table}",
                "--campaign",
                f"simulated-{mix}",
                "--format",
                "jsonl",
                "--db",
                "s.db",
            ).out.splitlines()
        ]
        for table in TABLES
    }
    said = report_of(tmp_path, "s.db", f"simulated-{mix}")
    assert said["clicks"]["total"] > 20
    check_figures(rows, said)


def test_events_have_what_was_recorded_and_what_it_was_taken_for(hits: Hits, export: Export) -> None:
    hits.click(3, 100, agent=IPHONE, flags=Flag.HEADERS | Flag.TLS | Flag.NO_LANGUAGE)
    hits.open(4, 200, flags=Flag.PREVIEW)
    click, test = export("events")
    message = click.pop("message")
    assert re.fullmatch("[0-9a-f]{16}", message)
    assert click == {
        "hit": 1,
        "at": "2026-09-21T14:15:00.000+00:00",
        "campaign": "spring",
        "kind": "click",
        "link": 1,
        "link_text": "First",
        "link_url": "https://shop.example/a?x=1&y=2",
        "recipient": READERS[3],
        "provider": "other domains",
        "hits": 1,
        "counted": "people",
        "verdict": "human",
        "score": click["score"],
        "reason": click["reason"],
        "reasons": click["reasons"],
        "test": False,
        "device": "mobile",
        "system": "iOS",
        "browser": None,
        "client": "Apple Mail",
        "hidden_by": None,
        "agent": IPHONE,
        "headers": "no language, TLS",
        "network": None,
    }
    assert (test["counted"], test["verdict"], test["test"], test["link"]) == ("test", "test", True, None)


def test_hits_that_nobody_has_judged_are_judged_first(hits: Hits, export: Export) -> None:
    hits.open(0, 60)
    assert len(export("events")) == 1
    hits.open(1, 60)
    assert [row["counted"] for row in export("events")] == ["people", "people"]


def test_all_campaigns_or_one(inject: Inject, workspace: Workspace, export: Export) -> None:
    for name in ("spring", "autumn"):
        inject(*READERS[:3], campaign=name)
        Hits(workspace, name, READERS[:3]).click(0, 60)
    for table in TABLES.keys() - {"together", "conversions"}:
        assert {row["campaign"] for row in export(table)} == {"spring", "autumn"}
        assert {row["campaign"] for row in export(table, "--campaign", "autumn")} == {"autumn"}


def test_an_unknown_campaign_is_an_error(hits: Hits, tmp_path: Path) -> None:
    ran = run(tmp_path, "export", "--events", "--db", "t.db", "--campaign", "sprng")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error: no such campaign: 'sprng'")


def test_a_database_without_campaigns_gives_tables_without_rows(workspace: Workspace, tmp_path: Path) -> None:
    for table, columns in TABLES.items():
        ran = run(tmp_path, "export", f"--{table}", "--db", "t.db")
        assert (ran.code, ran.out) == (0, ",".join(column.name for column in columns) + "\r\n")


# -- who is named ---------------------------------------------------------------------------------------


def named(rows: list[Row]) -> set[str | None]:
    return {row["recipient"] for row in rows}


def test_untracked_people_are_not_named(inject: Inject, workspace: Workspace, export: Export) -> None:
    inject(recipients=[*people(*READERS[:4]), *people(*READERS[4:], consent="denied")])
    Hits(workspace, "spring").open(0, 60)
    rows = export("people")
    assert named(rows) == {*READERS[:4], None}
    assert [row["tracked"] for row in rows].count(False) == 6
    assert all(row["recipient"] is None and row["provider"] is None for row in rows if not row["tracked"])


def test_who_stopped_tracking_is_named_no_more_and_still_counted(
    inject: Inject, client: Client, export: Export, clock: Any
) -> None:
    first, second = copies(inject(*READERS[:2]))
    for copy in (first, second):
        clock.now = START + 3_600_000
        client.get(copy.click(1))
    before = export("events")
    assert named(before) == set(READERS[:2])
    assert client.post(first.preferences, STOP).status == "200 OK"
    assert named(export("events")) == {READERS[1], None}
    rows = export("people")
    assert named(rows) == {READERS[1], None}
    assert [
        (row["recipient"], row["clicked"], row["stopped_tracking"]) for row in rows if row["stopped_tracking"]
    ] == [(None, True, True)]
    assert sum(row["clicked"] for row in rows) == 2


def test_a_list_that_denies_later_takes_the_name_away(
    inject: Inject, workspace: Workspace, export: Export
) -> None:
    inject(*READERS[:3])
    Hits(workspace, "spring").open(1, 60)
    inject(campaign="autumn", recipients=[*people(READERS[1], consent="denied")])
    assert named(export("events")) == {None}
    assert named(export("people", "--campaign", "spring")) == {READERS[0], READERS[2], None}


def test_recipients_of_another_mail_system_have_no_name(
    workspace: Workspace, client: Client, clock: Any, export: Export, tmp_path: Path
) -> None:
    (tmp_path / "mail.html").write_text('<p><a href="https://shop.example/a">go</a></p>')
    made = run(
        tmp_path, "inject", "mail.html", "--merge-tag", "ID", "--campaign", "merged", "--db", "t.db", "-q"
    )
    assert made.code == 0, made.err
    template = (tmp_path / "out" / "merged" / "html" / "template.html").read_text()
    path = re.search(r'href="http://[^/]+(/c/[^"]+)"', template)
    assert path
    clock.now = START + 3_600_000
    assert client.get(path[1].replace("ID", "4711")).status.startswith("302")
    (event,) = export("events")
    (person,) = export("people")
    assert (event["recipient"], event["provider"], event["counted"]) == (None, None, "people")
    assert (person["recipient"], person["tracked"], person["clicked"]) == (None, None, True)
    assert person["message"] == event["message"]


# -- which time -----------------------------------------------------------------------------------------


def test_days_are_those_of_the_zone(hits: Hits, export: Export) -> None:
    midnight = -(START // 1000) % DAY
    hits.open(0, midnight + 1_800)  # half past midnight UTC
    hits.open(1, midnight - 900)
    utc = {row["day"]: row["openers"] for row in export("daily", "--tz", "UTC")}
    (before, after) = sorted(utc)
    assert utc == {before: 1, after: 1}
    assert {row["day"]: row["openers"] for row in export("daily", "--tz", "America/New_York")} == {before: 2}
    (kathmandu,) = export("daily", "--tz", "Asia/Kathmandu")  # UTC+05:45
    assert (kathmandu["day"], kathmandu["zone"], kathmandu["openers"]) == (after, "Asia/Kathmandu", 2)


def test_a_person_who_comes_back_counts_on_each_day_once(hits: Hits, export: Export) -> None:
    for seconds in (60, 120, DAY + 60):
        hits.open(0, seconds)
    hits.click(0, 180)
    first, second = export("daily", "--tz", "UTC")
    assert (first["people"], first["openers"], first["clickers"], first["opens"], first["clicks"]) == (
        1,
        1,
        1,
        2,
        1,
    )
    assert (second["people"], second["openers"], second["clickers"], second["opens"]) == (1, 1, 0, 1)


def test_since_and_until_choose_hits_in_every_table(hits: Hits, export: Export) -> None:
    from datetime import UTC, datetime

    hits.click(0, 60)
    hits.click(1, 3_600)
    hits.click(2, 7_200)
    for second in range(30):  # some of them counted, not kept
        hits.click(3, 7_200 + second)
    at = [datetime.fromtimestamp(START / 1000 + seconds, UTC) for seconds in (3_600, 7_200)]
    span = ("--since", at[0].isoformat(), "--until", at[1].isoformat())
    assert [row["recipient"] for row in export("events", *span)] == [READERS[1]]
    assert [(row["people"], row["clicks"]) for row in export("links", *span)] == [(1, 1), (0, 0)]
    assert [row["recipient"] for row in export("people", *span) if row["clicked"]] == [READERS[1]]
    assert len(export("people", *span)) == len(READERS)
    assert [(row["people"], row["clicks"]) for row in export("daily", *span)] == [(1, 1)]
    assert sum(row["hits"] for row in export("events", "--since", at[1].isoformat())) == 31
    naive = ("--since", f"{at[0]:%Y-%m-%d %H:%M:%S.%f}", "--until", f"{at[1]:%Y-%m-%d %H:%M:%S.%f}")
    assert len(export("events", *naive, "--tz", "UTC")) == 1
    assert len(export("events", *naive, "--tz", "Asia/Tokyo")) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--tz", "Mars/Olympus"), "unknown time zone: 'Mars/Olympus'"),
        (("--since", "2026-11-25", "--until", "2026-11-25"), "--until is not after --since"),
        (("--since", "yesterday"), "--since is 'yesterday', which is no time"),
        (("--events",), "a CSV file has one table, and 2 were named"),
        (("--format", "parquet"), "a Parquet file cannot go to standard output"),
        (("--format", "sqlite"), "a SQLite file cannot go to standard output"),
        (("--format", "jsonl", "--raw-csv"), "--raw-csv is for CSV, not for a file of JSON lines"),
        (("-o", "none/out.csv"), "none is no folder"),
        (("-o", "."), ". is a folder"),
        (("-o", "t.db"), "t.db is what pixeltrack works with"),
        (("-o", "t.db", "--force"), "t.db is what pixeltrack works with"),
        (("-o", "./pixeltrack.key", "--force"), "pixeltrack.key is what pixeltrack works with"),
        (("-o", "/dev/null", "--force"), "/dev/null is no plain file"),
    ],
)
def test_wrong_use_is_one_clear_error(
    options: tuple[str, ...], said: str, workspace: Workspace, tmp_path: Path
) -> None:
    ran = run(tmp_path, "export", "--links", "--db", "t.db", *options)
    assert (ran.code, ran.out) == (2, "")
    error, hint = ran.err.splitlines()
    assert error == f"Error: {said}"
    assert hint.startswith("Hint: ")


def test_the_page_on_export_has_the_columns_that_there_are() -> None:
    said = {}
    for name, table in re.findall(
        r"^### (\w+)\n.*?\n\| column .*?\n\|[-| ]+\n((?:\|[^\n]*\n)+)", DOCS.read_text(), re.M | re.S
    ):
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        said[name] = [(cell[0].strip("`"), cell[1]) for cell in cells]
    made = {
        name: [(each.name, each.kind + (" or empty" if each.optional else "")) for each in columns]
        for name, columns in TABLES.items()
    }
    assert said == made


def test_memory_does_not_grow_with_the_hits(
    hits: Hits, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Measured with stretches of 500 hits, so that a test is long enough."""
    monkeypatch.setattr(exports, "_WINDOW", 500)
    store = workspace.store
    campaign = store.campaign("spring")
    scope, peaks = Scope((campaign,), read_zone("UTC")), []
    (message, *_rest) = next(iter(store.message_pages(campaign.campaign_id)))
    for many in (2_000, 14_000):
        store.put_events(
            [
                Event(START + each * 600_000, campaign.campaign_id, EventKind.OPEN, 0, message, CHROME, 0)
                for each in range(many)
            ]
        )
        verdicts.update(store, rules())
        tracemalloc.start()
        written = sum(1 for _row in events.rows(store, scope, Steps(None)))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert written == 16_000
    assert peaks[1] < 1.5 * peaks[0]


def test_reading_while_another_program_writes_needs_no_lock(
    hits: Hits, export: Export, tmp_path: Path
) -> None:
    hits.open(0, 60)
    export("events")  # judged
    with closing(sqlite3.connect(tmp_path / "t.db", isolation_level=None)) as other:
        other.execute("begin immediate")
        assert len(export("people")) == len(READERS)
        other.execute("rollback")
