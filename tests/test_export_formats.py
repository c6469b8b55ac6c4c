"""The files that export writes: the same rows in each format, safe to open, whole or not there."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import time
import unicodedata
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from command import Ran, clean_environment, run, run_process, snapshot
from conftest import CHROME, START
from hypothesis import example, given
from hypothesis import strategies as st

from pixeltrack.export.columns import TABLES, Column, Table
from pixeltrack.export.texts import iso, write_csv, write_jsonl
from pixeltrack.formula import GUARD, safe
from pixeltrack.minting import number
from pixeltrack.model import Event, EventKind, LinkRow, Message
from pixeltrack.setup import Workspace
from pixeltrack.store import CampaignDraft

HOSTILE = (
    '=HYPERLINK("https://evil.example","press")',
    "=cmd|' /C calc'!A0",
    "  +1+1",
    '"=1+1',
    "\u201c@SUM(A1)",
    "＝1＋1",
    "\t=1+1",
    "\r\n-2",
    "\x1b]0;title\x07\x1b[31m=red",
    "\u200b\u202e=txt.exe\u202c",
    "[/][bold red]markup[/]",
    "<img src=x onerror=alert(1)>",
    'a "quoted", text;\nin two lines',
    "null\x00byte \x85 \x7f",
    "日本語 👩‍🌾 \U000e0041",
    "-5",
)
CAMPAIGN = "=2+3\x1b[2J [/] \u202egpj"
ADDRESS = "=cmd@shop.example"


@pytest.fixture
def hostile(workspace: Workspace, tmp_path: Path) -> Path:
    """A database in which names, addresses, link texts and destinations are whatever a stranger wrote."""
    store, keyring = workspace.store, workspace.keyring
    draft = store.draft_campaign(CAMPAIGN, "recipients", keyring, START)
    links = tuple(
        LinkRow(each, each, each, text, f"https://shop.example/?q={text}", text)
        for each, text in enumerate(HOSTILE, start=1)
    )
    campaign = store.save_campaign(CampaignDraft(draft.campaign, links, frozenset()))
    keys = keyring.campaign(campaign.code, campaign.key_id)
    message = number(keys.pseudonym(ADDRESS))
    store.save_messages(campaign.campaign_id, [Message(message, ADDRESS, {}, True)])
    agents = (CHROME, "=1+1 (@me) -x", "[/] <b>")
    store.put_events(
        [
            Event(
                START + each.number * 600_000,
                campaign.campaign_id,
                EventKind.CLICK,
                each.number,
                message,
                agents[each.number % 3],
                0,
            )
            for each in links
        ]
    )
    return tmp_path


def export(folder: Path, *options: str) -> Ran:
    ran = run(folder, "export", "--db", "t.db", "--tz", "UTC", *options)
    assert ran.code == 0, ran.err
    return ran


def lines(folder: Path, table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in export(folder, f"--{table}", "--format", "jsonl").raw.splitlines()]


def plain(column: Column, value: Any) -> Any:
    """A value of any format as JSON lines have it."""
    if value is None or (value == "" and column.optional):
        return None
    if column.kind == "integer":
        return int(value)
    if column.kind == "boolean":
        return value in (True, 1, "true")
    return value


# -- the same in every format ---------------------------------------------------------------------------


@pytest.mark.parametrize("table", [each for each in TABLES if each not in ("together", "conversions")])
def test_every_format_has_the_same_rows(table: Table, hostile: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    columns, expected = TABLES[table], lines(hostile, table)
    assert expected
    assert [list(row) for row in expected] == [[column.name for column in columns]] * len(expected)

    raw = export(hostile, f"--{table}", "--raw-csv").raw.decode()
    header, *cells = csv.reader(io.StringIO(raw, newline=""))
    assert header == [column.name for column in columns]
    of_csv = [
        {each.name: plain(each, cell) for each, cell in zip(columns, row, strict=True)} for row in cells
    ]
    assert of_csv == expected

    export(hostile, f"--{table}", "-o", "made.sqlite")
    with closing(sqlite3.connect(hostile / "made.sqlite")) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f"select * from {table}").fetchall()
        assert connection.execute("pragma integrity_check").fetchone()[0] == "ok"
    assert [{each.name: plain(each, row[each.name]) for each in columns} for row in rows] == expected

    export(hostile, f"--{table}", "-o", "made.parquet")
    read = pyarrow.read_table(hostile / "made.parquet").to_pylist()
    for row in read:
        for column in columns:
            if isinstance(row[column.name], datetime):
                assert column.kind == "time"
                row[column.name] = row[column.name].isoformat(timespec="milliseconds")
            elif isinstance(row[column.name], date):
                assert column.kind == "date"
                row[column.name] = row[column.name].isoformat()
    assert read == expected


def test_texts_are_exact_where_a_format_can_have_them(hostile: Path) -> None:
    assert [row["link_text"] for row in lines(hostile, "links")] == list(HOSTILE)
    assert {row["campaign"] for row in lines(hostile, "people")} == {CAMPAIGN}
    assert {row["recipient"] for row in lines(hostile, "events")} == {ADDRESS}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("format_name", ["csv", "jsonl"])
def test_nothing_on_standard_output_speaks_to_a_terminal(
    table: Table, format_name: str, hostile: Path
) -> None:
    text = export(hostile, f"--{table}", "--format", format_name).raw.decode("utf-8")
    kept = set("\r\n\t") if format_name == "csv" else {"\n"}
    acted_on = {"Cc", "Zl", "Zp", "Cs"}
    turning = {chr(code) for code in (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    assert not {each for each in set(text) - kept if unicodedata.category(each) in acted_on} | (
        turning & set(text)
    )


def test_a_sqlite_file_has_the_tables_that_are_asked_for(hostile: Path) -> None:
    ran = export(hostile, "-o", "all.db")
    assert ran.err == f"all.db: {len(HOSTILE)} events, {len(HOSTILE)} links, 1 people, 1 days\n"
    export(hostile, "--links", "--daily", "-o", "two.db")
    for name, tables in (("all.db", ["events", "links", "people", "daily"]), ("two.db", ["links", "daily"])):
        with closing(sqlite3.connect(hostile / name)) as connection:
            found = connection.execute("select name from sqlite_master where type = 'table'").fetchall()
        assert [table for (table,) in found] == tables


def test_parquet_has_types(hostile: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed")
    export(hostile, "--people", "-o", "people.parquet")
    schema = pyarrow.read_schema(hostile / "people.parquet")
    assert [str(schema.field(name).type) for name in ("recipient", "opens", "opened", "first_open")] == [
        *("string", "int64", "bool", "timestamp[ms, tz=UTC]"),
    ]
    assert not schema.field("opens").nullable
    assert schema.field("recipient").nullable


def test_without_pyarrow_parquet_is_one_clear_error_before_any_work(hostile: Path) -> None:
    before = snapshot(hostile)
    with mock.patch.dict(sys.modules, {"pyarrow": None, "pyarrow.parquet": None}):
        ran = run(hostile, "export", "--events", "--db", "t.db", "-o", "events.parquet")
    assert ran.code == 1
    assert ran.err == (
        "Error: Parquet files are written by the package pyarrow, which is not installed\n"
        "Hint: pip install 'pixeltrack[parquet]', or choose --format csv, jsonl or sqlite\n"
    )
    assert snapshot(hostile) == before


# -- S12: no cell is a formula --------------------------------------------------------------------------

TRIGGERS = "=+-@\t\r\n＝＋－＠﹢﹣﹫⁺⁻⁼"
NOTHING = st.sampled_from(
    [" ", "\u00a0", "\u3000", '"', "'", "\u201c", "\u2019", "\u200b", "\ufeff", "\x1b", "\u0300"]
)
TEXTS = st.one_of(
    st.text(),
    st.tuples(st.lists(NOTHING, max_size=4).map("".join), st.sampled_from(TRIGGERS), st.text(max_size=5)).map(
        "".join
    ),
)


def begins_a_formula(cell: str) -> bool:
    """The rule in other words, for what ``TEXTS`` are made of."""
    passed = r"[\s\"'`´\u2018-\u201f\u200b-\u200f\ufeff\u0300-\u036f\x00-\x1f]*"
    found = re.match(passed + r"[=+\-@]", unicodedata.normalize("NFKC", cell))
    return bool(found) or cell[:1] in {"\t", "\r", "\n"}


@given(TEXTS)
@example("=1+1")
@example("\x00\x1b \"'=1")
def test_s12_no_cell_begins_like_a_formula_and_little_else_is_changed(text: str) -> None:
    out = io.BytesIO()
    write_csv([Column("a", "text"), Column("b", "text")], [(text, "x")], out, raw=False)
    _header, (cell, other) = csv.reader(io.StringIO(out.getvalue().decode("utf-8"), newline=""))
    assert other == "x"
    assert cell.startswith(GUARD) or not begins_a_formula(cell)
    kept = "".join(each for each in text if safe(f"x{each}") != "x").encode("utf-8", "replace").decode()
    assert cell in (kept, GUARD + kept)


@pytest.mark.parametrize(
    "text", ["Shop now", "https://shop.example/?a=-1", "a=b", "5 - 3", "№ 1", "é", "", "🎉 New"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


@pytest.mark.parametrize("text", [each for each in HOSTILE if each[0] not in "[<an日\x1b"])
def test_what_a_spreadsheet_would_run_is_text(text: str) -> None:
    assert safe(text).startswith("'")


@given(st.integers(-(1 << 63), (1 << 63) - 1), st.booleans())
def test_numbers_stay_numbers(value: int, raw: bool) -> None:
    out = io.BytesIO()
    write_csv([Column("a", "integer"), Column("b", "integer", True)], [(value, None)], out, raw=raw)
    assert out.getvalue() == f"a,b\r\n{value},\r\n".encode()


def test_raw_csv_leaves_texts_alone(hostile: Path) -> None:
    def texts(*options: str) -> list[str]:
        raw = export(hostile, "--links", *options).raw.decode()
        return [row["link_text"] for row in csv.DictReader(io.StringIO(raw, newline=""))]

    assert texts("--raw-csv") == list(HOSTILE)
    assert texts() == [safe(text) for text in HOSTILE] != list(HOSTILE)


@given(st.text())
def test_a_line_of_json_is_exact_and_one_line(text: str) -> None:
    out = io.BytesIO()
    write_jsonl([Column("a", "text")], [(text,)], out)
    encoded = text.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
    assert json.loads(out.getvalue()) == {"a": encoded}
    assert len(out.getvalue().decode().splitlines()) == 1


@given(st.integers(0, 253_402_300_799_999))
def test_times_are_exact_to_the_millisecond(at: int) -> None:
    assert datetime.fromisoformat(iso(at)) == datetime.fromtimestamp(at // 1000, UTC).replace(
        microsecond=at % 1000 * 1000
    )


# -- whole or not at all --------------------------------------------------------------------------------


def test_files_are_for_their_owner_alone(hostile: Path) -> None:
    for name in ("a.csv", "a.jsonl", "a.parquet", "a.db"):
        export(hostile, "--people", "-o", name)
        assert stat.S_IMODE((hostile / name).stat().st_mode) == 0o600


def test_a_file_is_the_same_as_standard_output(hostile: Path) -> None:
    for name in ("csv", "jsonl"):
        export(hostile, "--events", "-o", f"made.{name}")
        assert (hostile / f"made.{name}").read_bytes() == export(hostile, "--events", "--format", name).raw
        assert (
            export(hostile, "--events", "--format", name, "-o", "-").raw
            == (hostile / f"made.{name}").read_bytes()
        )


def test_a_file_that_is_there_is_replaced_only_by_force(hostile: Path) -> None:
    (hostile / "old.csv").write_text("mine")
    ran = run(hostile, "export", "--links", "--db", "t.db", "-o", "old.csv")
    assert (ran.code, ran.err) == (
        2,
        "Error: old.csv exists already\nHint: --force replaces it; or name another with -o\n",
    )
    assert (hostile / "old.csv").read_text() == "mine"
    export(hostile, "--links", "-o", "old.csv", "--force")
    assert (hostile / "old.csv").read_bytes() == export(hostile, "--links").raw


def test_no_database_is_put_beside_the_journal_of_another(hostile: Path) -> None:
    with closing(sqlite3.connect(hostile / "old.db", isolation_level=None)) as other:
        other.execute("pragma journal_mode = wal")
        other.execute("create table t (a)")
        ran = run(hostile, "export", "--db", "t.db", "-o", "old.db", "--force")
        assert ran.code == 2
        assert ran.err.startswith("Error: old.db-wal belongs to another database at old.db\n")
        assert other.execute("select count(*) from t").fetchone() == (0,)
    export(hostile, "-o", "old.db", "--force")


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet", "out.db"])
def test_a_file_that_does_not_fit_leaves_nothing(name: str, hostile: Path, workspace: Workspace) -> None:
    """The system refuses to write more than 50 kB into one file."""
    workspace.store.close()
    fill(hostile, CAMPAIGN, 5_000)
    export(hostile, "--links")  # all is judged
    (hostile / name).write_text("mine")
    before = files(hostile)
    ran = subprocess.run(
        [sys.executable, "-m", "pixeltrack", "export", "--events", "--db", "t.db", "-o", name, "--force"],
        cwd=hostile,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"Error: cannot write {name}: ")
    assert "Traceback" not in ran.stderr
    assert files(hostile) == before


def files(folder: Path) -> dict[str, tuple[int, bytes]]:
    """What is there but for the database's journal, which comes and goes."""
    return {path: what for path, what in snapshot(folder).items() if not path.startswith("t.db-")}


def fill(folder: Path, campaign: str, many: int) -> None:
    """Add so many hits with agents of their own, which no compression makes small."""
    from pixeltrack import config, setup

    workspace = setup.open_workspace(
        config.load(options={"db": str(folder / "t.db")}, environment={}), create=False
    )
    its = workspace.store.campaign(campaign)
    (message, *_rest) = next(iter(workspace.store.hits(its.campaign_id)))
    for start in range(0, many, 1_000):
        workspace.store.put_events(
            [
                Event(
                    START + each * 3_600_000,
                    its.campaign_id,
                    EventKind.OPEN,
                    0,
                    message,
                    f"Reader{each * 7919 % 104_729}/{each}.{each * each % 9973} (X11)",
                    0,
                )
                for each in range(start, start + 1_000)
            ]
        )
    workspace.store.close()


def test_an_export_that_is_stopped_leaves_nothing(hostile: Path, workspace: Workspace) -> None:
    workspace.store.close()
    fill(hostile, CAMPAIGN, 20_000)
    export(hostile, "--links")
    before = files(hostile)
    program = subprocess.Popen(
        [sys.executable, "-m", "pixeltrack", "export", "--db", "t.db", "-o", "all.db"],
        cwd=hostile,
        env=clean_environment(),
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 30
    while not list(hostile.glob(".pixeltrack-*")) and program.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    assert list(hostile.glob(".pixeltrack-*"))  # it is at work
    program.send_signal(signal.SIGTERM)
    _out, err = program.communicate(timeout=30)
    assert program.returncode == 128 + signal.SIGTERM
    assert err == b""
    assert files(hostile) == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_behind_standard_output_is_one_error(hostile: Path) -> None:
    ran = subprocess.run(
        f"{sys.executable} -m pixeltrack export --events --db t.db > /dev/full",
        shell=True,
        cwd=hostile,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (1, "Error: No space left on device\n")


def test_a_reader_that_goes_away_is_no_traceback(hostile: Path, workspace: Workspace) -> None:
    workspace.store.close()
    fill(hostile, CAMPAIGN, 3_000)
    ran = subprocess.run(
        f"{sys.executable} -m pixeltrack export --events --db t.db 2>err | head -1",
        shell=True,
        cwd=hostile,
        env=clean_environment(),
        capture_output=True,
        check=False,
    )
    assert ran.stdout.startswith(b"hit,at,campaign")
    assert (hostile / "err").read_text() == ""


def test_another_locale_writes_the_same_bytes(hostile: Path) -> None:
    here = run_process(hostile, "export", "--links", "--db", "t.db", LC_ALL="C", PYTHONIOENCODING="ascii")
    assert here.raw == export(hostile, "--links").raw
    assert os.linesep == "\n"  # so that CRLF is ours
    assert here.raw.count(b"\r\n") >= len(HOSTILE) + 1
