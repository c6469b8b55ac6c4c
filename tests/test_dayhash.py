"""The day's number of an address: shared by the day's processes, unrelated to any other day, and gone after it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from conftest import START, Clock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pixeltrack import config
from pixeltrack.dayhash import DAY, KEPT, DayHash, Transient, day_of, number
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.store import Store, open_store

ADDRESS = "198.51.100.7"
MIDNIGHT = START // DAY * DAY + DAY  # that follows
HOUR = 3_600_000


@pytest.fixture
def store(workspace: Workspace) -> Store:
    return workspace.store


def salts(store: Store) -> dict[str, bytes]:
    """What is kept, by day, as the database has it."""
    with closing(sqlite3.connect(store.path)) as other:
        rows = other.execute("select name, value from facts where name like 'salt %'").fetchall()
    return {name.removeprefix("salt "): bytes.fromhex(value) for name, value in rows}


def on_disk(store: Store, salt: bytes) -> list[str]:
    """Which files of the database hold a salt, or half of one."""
    found = []
    for path in sorted(store.path.parent.glob(f"{store.path.name}*")):
        content = path.read_bytes()
        for part in (salt.hex(), salt.hex()[:32], salt.hex()[32:]):
            if part.encode() in content:
                found.append(path.name)
    return found


# -- the number -----------------------------------------------------------------------------------------


def test_it_is_what_it_was() -> None:
    """Pinned: processes of two versions may share a day."""
    assert number("192.0.2.1", bytes(range(32))) == number("::ffff:192.0.2.1", bytes(range(32))) == 1199712693
    assert (
        number("2001:db8::1", bytes(range(32))) == number("2001:DB8:0:0::1", bytes(range(32))) == 1664396826
    )


@pytest.mark.parametrize("address", ["", "unknown", "192.0.2", "example.com", "192.0.2.1:80", "\x00", "é"])
def test_what_is_no_address_has_no_number(address: str, store: Store) -> None:
    assert number(address, bytes(32)) == 0
    assert DayHash(store, Clock()).key(address, START) == 0
    assert Transient().key(address, START) == 0


@given(value=st.integers(0, 2**32 - 1), salt=st.binary(min_size=32, max_size=32))
def test_an_address_has_a_number_of_32_bits(value: int, salt: bytes) -> None:
    address = ".".join(map(str, value.to_bytes(4, "big")))
    assert 0 < number(address, salt) < 2**32


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=50)
@given(days=st.sets(st.integers(1, 60), min_size=2, max_size=5))
def test_days_have_unrelated_numbers(days: set[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither equal, nor of the same differences: of 200 addresses about none is the same by chance."""
    folder = tmp_path_factory.mktemp("days")
    made = open_workspace(config.load(options={"db": str(folder / "t.db")}, environment={}), create=True)
    clock = Clock()
    hashed = DayHash(made.store, clock)
    addresses = [f"198.51.100.{each}" for each in range(200)]
    seen = []
    for day in sorted(days):
        clock.now = START + day * DAY
        numbers = [hashed.key(address, clock.now) for address in addresses]
        assert numbers == [hashed.key(address, clock.now + HOUR) for address in addresses]
        assert len(set(numbers)) >= 199
        seen.append(numbers)
    made.store.close()
    for one, other in pairwise(seen):
        assert sum(a == b for a, b in zip(one, other, strict=True)) <= 1
        assert len({a ^ b for a, b in zip(one, other, strict=True)}) >= 199


# -- the salt -------------------------------------------------------------------------------------------


def test_two_processes_of_a_database_share_the_salt(workspace: Workspace, settings: config.Settings) -> None:
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from pixeltrack import config, dayhash, setup\n"
        "made = setup.open_workspace(config.load(options={'db': sys.argv[1]}, environment={}), create=False)\n"
        "clock = lambda: int(sys.argv[2])\n"
        "print(dayhash.DayHash(made.store, clock).key(sys.argv[3], clock()))\n"
    )
    asked = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(settings.db), str(START), ADDRESS],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    mine = DayHash(workspace.store, Clock()).key(ADDRESS, START)
    assert [process.communicate()[0] for process in asked] == [f"{mine}\n"] * 3
    assert list(salts(workspace.store)) == [day_of(START)]


def test_yesterdays_is_kept_for_an_hour_and_then_gone_from_the_disk(store: Store, clock: Clock) -> None:
    hashed = DayHash(store, clock)
    then = hashed.key(ADDRESS, START)
    (salt,) = salts(store).values()
    assert on_disk(store, salt), "the scan finds what is there"
    clock.now = MIDNIGHT + KEPT - 1
    today = hashed.key(ADDRESS, clock.now)
    assert hashed.key(ADDRESS, MIDNIGHT - 1) == then != today
    assert set(salts(store)) == {day_of(START), day_of(MIDNIGHT)}
    clock.now = MIDNIGHT + KEPT
    assert hashed.key(ADDRESS, clock.now) == today
    assert set(salts(store)) == {day_of(MIDNIGHT)}
    assert on_disk(store, salt) == []
    assert hashed.key(ADDRESS, MIDNIGHT - 1) != then


def test_a_loop_without_hits_deletes_it_too(store: Store, clock: Clock) -> None:
    hashed = DayHash(store, clock)
    (salt,) = salts(store).values()
    clock.now = MIDNIGHT + KEPT
    hashed.tend()
    assert on_disk(store, salt) == []


def test_what_was_left_while_nothing_ran_is_deleted_at_the_next_start(store: Store, clock: Clock) -> None:
    DayHash(store, clock)
    (salt,) = salts(store).values()
    clock.now = START + 5 * DAY
    DayHash(store, clock)
    assert list(salts(store)) == [day_of(clock.now)]
    assert on_disk(store, salt) == []


def test_salts_of_a_clock_that_was_wrong_are_deleted_but_not_tomorrows(store: Store, clock: Clock) -> None:
    for days in (400, 1, 0):
        clock.now = START + days * DAY
        DayHash(store, clock)
    assert set(salts(store)) == {day_of(START), day_of(START + DAY)}


def test_nothing_is_left_where_the_table_has_grown_and_shrunk_around_it(store: Store, clock: Clock) -> None:
    """Pages were split and joined while the salt was in one: no stale copy of it may stay."""

    def files(first: int, behind: int) -> list[tuple[str, str]]:
        return [(f"spool {'x' * 60}-{each:04}", "1" * 40) for each in range(first, behind)]

    def put(rows: list[tuple[str, str]]) -> None:
        with store._transaction() as connection:
            connection.executemany("insert into facts (name, value) values (?, ?)", rows)

    put(files(0, 25))
    DayHash(store, clock)
    (salt,) = salts(store).values()
    put([(f"salt 0{each:03}", "1" * 64) for each in range(60)])  # beside it, before and behind
    put([(f"salt 9{each:03}", "1" * 64) for each in range(60)])
    put(files(25, 200))
    with store._transaction() as connection:
        connection.execute("delete from facts where name like 'salt 0___' or name like 'salt 9___'")
    put(files(200, 300))
    store.forget_spool_files([name.removeprefix("spool ") for name, _ in files(0, 300)])
    clock.now = START + 2 * DAY
    DayHash(store, clock)
    assert on_disk(store, salt) == []


def test_a_reader_that_holds_the_journal_delays_it_by_a_minute(store: Store, clock: Clock) -> None:
    hashed = DayHash(store, clock)
    (salt,) = salts(store).values()
    with closing(sqlite3.connect(store.path, isolation_level=None)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from facts").fetchone()
        clock.now = MIDNIGHT + KEPT
        number_then = hashed.key(ADDRESS, clock.now)
        assert day_of(START) not in salts(store)
        assert on_disk(store, salt)
        reader.execute("commit")
    clock.now += 59_000
    hashed.tend()
    assert on_disk(store, salt)
    clock.now += 1_000
    assert hashed.key(ADDRESS, clock.now) == number_then
    assert on_disk(store, salt) == []


@pytest.mark.parametrize("how", ["locked", "gone"])
def test_without_the_store_a_process_goes_on_alone_and_comes_back(
    how: str, workspace: Workspace, settings: config.Settings, clock: Clock, tmp_path: Path
) -> None:
    store = open_store(settings.db, workspace.keyring, busy_ms=20, follow=True)
    hashed = DayHash(store, clock)
    clock.now = MIDNIGHT
    with closing(sqlite3.connect(settings.db, isolation_level=None)) as locker:
        if how == "locked":
            locker.execute("begin immediate")
        else:
            settings.db.rename(tmp_path / "away.db")
        began = time.perf_counter()
        alone = hashed.key(ADDRESS, clock.now)
        assert time.perf_counter() - began < 0.5
        assert alone != 0
        assert hashed.key(ADDRESS, clock.now + 59_999) == alone
        if how == "locked":
            locker.execute("rollback")
        else:
            (tmp_path / "away.db").rename(settings.db)
    shared = DayHash(workspace.store, clock).key(ADDRESS, clock.now)
    assert hashed.key(ADDRESS, clock.now) == alone != shared
    clock.now += 60_000
    assert hashed.key(ADDRESS, clock.now) == shared
    assert hashed.key(ADDRESS, clock.now + HOUR) == shared
    store.close()


def test_a_salt_that_is_there_is_taken_up_while_somebody_writes(
    workspace: Workspace, settings: config.Settings, clock: Clock
) -> None:
    shared = DayHash(workspace.store, clock).key(ADDRESS, START)
    store = open_store(settings.db, workspace.keyring, busy_ms=20)
    with closing(sqlite3.connect(settings.db, isolation_level=None)) as writer:
        writer.execute("begin immediate")
        assert DayHash(store, clock).key(ADDRESS, START) == shared
        writer.execute("rollback")
    store.close()


# -- old logs -------------------------------------------------------------------------------------------


def test_days_of_old_logs_have_salts_that_are_never_stored(store: Store, clock: Clock) -> None:
    hashed, again = DayHash(store, clock), DayHash(store, clock)
    old = START - 30 * DAY
    first = hashed.key(ADDRESS, old)
    assert first == hashed.key(ADDRESS, old + 60_000)
    assert first not in (hashed.key(ADDRESS, old - DAY), again.key(ADDRESS, old), hashed.key(ADDRESS, START))
    assert (
        hashed.key(ADDRESS, START + 2 * DAY) == hashed.key(ADDRESS, START + 2 * DAY + 1) != 0
    )  # a wrong clock
    assert list(salts(store)) == [day_of(START)]
    assert hashed.key(ADDRESS, START - HOUR) == again.key(ADDRESS, START - HOUR)  # today's is shared


def test_old_days_take_bounded_memory() -> None:
    transient = Transient()
    keys = {transient.key(ADDRESS, day * DAY) for day in range(1_000)}
    assert len(keys) >= 999
    assert len(transient._days) <= 400
