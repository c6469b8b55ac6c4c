"""When the store fails, whatever way: all is answered, and every hit is stored once when it works again."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Client, Clock, Inject
from inbox import Copy, copies
from test_serve import Program, get, status

from pixeltrack import keyfile
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.errors import StoreError
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

FIRST = "https://shop.example/a?x=1&y=2"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pixeltrack.recorder._PAUSE_SECONDS", 0.0)
    monkeypatch.setattr("pixeltrack.store.database._PAUSE_SECONDS", 0.0)


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject("ann@x.example", "bob@x.example"))


@pytest.fixture
def collector(workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy]) -> Iterator[Client]:
    """As ``serve`` has it: a store that waits for nobody, and follows its path."""
    store = open_store(workspace.store.path, workspace.keyring, busy_ms=10, follow=True)
    client = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    assert client.get(mail[0].click(1)).headers["Location"] == FIRST  # the link table is in memory now
    workspace.store.close()
    yield client
    store.close()


def ask(collector: Client, mail: list[Copy], times: int = 3) -> int:
    """Ask for pixels and links, all of which must be answered; return how many hits that were."""
    collector.app._clock.forward(0.25)  # that much lies between a store that fails and its next trial
    for _ in range(times):
        for copy in mail:
            assert collector.get(copy.open).body == PIXEL
            assert collector.get(copy.click(1)).headers["Location"] == FIRST
    return times * len(mail) * 2


def state(collector: Client) -> dict[str, object]:
    return collector.app.recorder.state()


def stored(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        (count,) = connection.execute("select count(*) from events").fetchone()
        (folded,) = connection.execute("select coalesce(sum(hits), 0) from repeats").fetchone()
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
    finally:
        connection.close()
    return int(count + folded)


def spools(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.spool-*"))


def beside(path: Path) -> list[Path]:
    return [Path(f"{path}{end}") for end in ("-wal", "-shm") if Path(f"{path}{end}").exists()]


def recovered(collector: Client, path: Path, expected: int) -> None:
    collector.get("/healthz")
    collector.app.recorder.flush()
    assert state(collector)["status"] == "ok"
    assert state(collector)["lost"] == 0
    assert spools(path) == []
    assert stored(path) == expected


# -- locked, full, failing ------------------------------------------------------------------------------


def test_locked_by_another_program(collector: Client, workspace: Workspace, mail: list[Copy]) -> None:
    path = workspace.store.path
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("begin immediate")
    hits = 1 + ask(collector, mail)
    assert state(collector)["status"] == "degraded"
    assert len(spools(path)) == 1
    lock.close()
    recovered(collector, path, hits + ask(collector, mail))


def test_every_write_beyond_a_size_fails(collector: Client, workspace: Workspace, mail: list[Copy]) -> None:
    path = workspace.store.path
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))  # the -wal has more already, the spool not
    try:
        hits = 1 + ask(collector, mail)
        assert state(collector)["status"] == "degraded"
        assert len(spools(path)) == 1
        answer = collector.post(mail[0].unsubscribe)
        assert answer.status == "503 Service Unavailable"  # and not "done"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    recovered(collector, path, hits + ask(collector, mail))
    assert collector.post(mail[0].unsubscribe).status == "200 OK"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mounting, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_a_full_disk(
    small_disk: Path, workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy]
) -> None:
    workspace.store.close()
    path = small_disk / "t.db"
    shutil.copy(workspace.store.path, path)
    store = open_store(path, workspace.keyring, busy_ms=10, follow=True)
    collector = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    hits = ask(collector, mail)
    full = small_disk / "full"
    with full.open("wb", buffering=0) as file:
        while True:
            try:
                file.write(bytes(4_096))
            except OSError:
                break
    hits += ask(collector, mail, times=50)
    assert state(collector)["status"] == "unsafe"  # not even the spool could be written
    assert collector.get("/healthz").status == "503 Service Unavailable"
    assert state(collector)["waiting"]
    full.unlink()
    recovered(collector, path, hits + ask(collector, mail))
    assert collector.get("/healthz").status == "200 OK"
    store.close()


# -- gone, replaced, damaged ----------------------------------------------------------------------------


def backup(path: Path) -> Path:
    copy = path.with_name("backup.db")
    connection = sqlite3.connect(path)
    connection.execute("vacuum into ?", [str(copy)])
    connection.close()
    return copy


def test_deleted_and_a_backup_put_back(
    collector: Client, workspace: Workspace, mail: list[Copy], inject: Inject
) -> None:
    path = workspace.store.path
    copy = backup(path)
    for file in (path, *beside(path)):
        file.unlink()
    hits = 1 + ask(collector, mail)
    assert not path.exists()  # it is not made anew behind the operator's back
    assert state(collector)["status"] == "degraded"
    assert collector.post(mail[0].unsubscribe).status == "503 Service Unavailable"
    copy.rename(path)
    recovered(collector, path, hits + ask(collector, mail))
    assert collector.post(mail[0].unsubscribe).status == "200 OK"


def test_a_campaign_that_is_not_in_memory_while_the_store_is_gone(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy]
) -> None:
    store = open_store(workspace.store.path, workspace.keyring, follow=True)
    collector = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    away = workspace.store.path.with_name("away.db")
    workspace.store.path.rename(away)
    page = collector.get(mail[0].click(1))
    assert (page.status, "Location" in page.headers) == ("503 Service Unavailable", False)
    assert b"try again" in page.body
    opened = collector.get(mail[0].open)
    assert opened.body == PIXEL
    assert opened.headers["X-Pixeltrack"] == "not counted: the store cannot be read"
    away.rename(workspace.store.path)
    assert collector.get(mail[0].click(1)).headers["Location"] == FIRST
    store.close()


def test_what_cannot_be_read_is_not_said_for_everybody_who_asks(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy], caplog: pytest.LogCaptureFixture
) -> None:
    store = open_store(workspace.store.path, workspace.keyring, follow=True)
    collector = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    workspace.store.path.rename(workspace.store.path.with_name("away.db"))
    for _ in range(50):
        collector.get(mail[0].open)
        collector.get(mail[0].click(1))
    assert len(caplog.records) == 1
    store.close()


def test_a_damaged_database_is_not_opened_again_for_everybody_who_asks(
    workspace: Workspace, settings: Settings, clock: Clock, mail: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixeltrack.store.database._PAUSE_SECONDS", 60.0)
    path = workspace.store.path
    store = open_store(path, workspace.keyring, follow=True)
    collector = Client(make_app(store, workspace.keyring, Pages(), settings, clock))
    workspace.store.close()
    away = path.with_name("away")
    away.mkdir()
    for file in (path, *beside(path)):
        file.rename(away / file.name)
    path.write_bytes(b"no database" * 1_000)
    assert collector.get(mail[0].click(1)).status == "503 Service Unavailable"
    path.unlink()
    for file in away.iterdir():
        file.rename(path.parent / file.name)
    for _ in range(3):  # not yet
        assert collector.get(mail[0].click(1)).status == "503 Service Unavailable"
    store._again = 0.0
    assert collector.get(mail[0].click(1)).headers["Location"] == FIRST
    store.close()


def test_moved_away_and_back(collector: Client, workspace: Workspace, mail: list[Copy]) -> None:
    path = workspace.store.path
    path.rename(path.with_name("away.db"))
    hits = 1 + ask(collector, mail)
    assert state(collector)["status"] == "degraded"
    path.with_name("away.db").rename(path)
    recovered(collector, path, hits + ask(collector, mail))


def test_the_journal_of_the_old_database_is_not_played_into_the_new_one(
    collector: Client, workspace: Workspace, mail: list[Copy], caplog: pytest.LogCaptureFixture
) -> None:
    path = workspace.store.path
    copy = backup(path)  # with the one hit that there is
    ask(collector, mail)
    saved = copy.read_bytes()
    copy.replace(path)  # but t.db-wal and t.db-shm still stand beside it
    hits = 1 + ask(collector, mail)
    assert state(collector)["status"] == "degraded"
    assert f"{path}-wal belongs to another database than the one now at {path}" in caplog.text
    assert path.read_bytes() == saved
    for file in beside(path):
        file.unlink()
    recovered(collector, path, hits + ask(collector, mail))


def test_replaced_by_a_database_of_another_key(
    collector: Client,
    workspace: Workspace,
    mail: list[Copy],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = workspace.store.path
    kept = tmp_path / "kept"
    kept.mkdir()
    other = tmp_path / "other.db"
    open_store(other, keyfile.create(tmp_path / "other.key"), create=True).close()
    for file in (path, *beside(path)):
        file.rename(kept / file.name)
    other.rename(path)
    hits = 1 + ask(collector, mail)
    assert "the key is not the one that made the database" in caplog.text
    assert stored(path) == 0
    for file in (path, *beside(path)):
        file.unlink()
    for file in kept.iterdir():
        file.rename(path.parent / file.name)
    recovered(collector, path, hits + ask(collector, mail))


def test_replaced_by_a_database_without_the_campaigns_of_its_hits(
    collector: Client,
    workspace: Workspace,
    mail: list[Copy],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = workspace.store.path
    copy = backup(path)
    for file in (path, *beside(path)):
        file.unlink()
    open_store(path, workspace.keyring, create=True).close()
    hits = 1 + ask(collector, mail)
    assert "lacks campaigns that hits have come in for" in caplog.text
    for file in (path, *beside(path)):
        file.unlink()
    copy.rename(path)
    recovered(collector, path, hits)


def _zeros(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4_096)
        file.write(bytes(path.stat().st_size - 4_096))


def _noise(path: Path) -> None:
    path.write_bytes(b"\xa5" * path.stat().st_size)


def _cut(path: Path) -> None:
    os.truncate(path, 4_096)


@pytest.mark.parametrize("damage", [_zeros, _noise, _cut])
def test_damaged_and_a_backup_put_in_its_place(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    mail: list[Copy],
    damage: Callable[[Path], None],
) -> None:
    path = workspace.store.path
    copy = backup(path)
    first = open_store(path, workspace.keyring, busy_ms=10, follow=True)
    collector = Client(make_app(first, workspace.keyring, Pages(), settings, clock))
    hits = ask(collector, mail)
    workspace.store.close()
    first._connection.execute("pragma wal_checkpoint(truncate)")
    before = stored(path)
    damage(path)
    first._connection.execute("pragma shrink_memory")  # no good page is left in memory
    hits_after = ask(collector, mail)
    assert state(collector)["status"] == "degraded"
    assert before == hits
    for file in (path, *beside(path)):
        file.unlink()
    copy.rename(path)
    recovered(collector, path, hits_after)
    first.close()


# -- a commit that fails, and is found in the journal all the same ------------------------------------------


class Failing:
    """A connection whose next commits fail: before they are made, or when all is in the journal."""

    def __init__(self, connection: sqlite3.Connection, *made: bool) -> None:
        self._connection = connection
        self._made = list(made)

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        if statement == "commit" and self._made:
            if self._made.pop(0):
                self._connection.execute("commit")
            raise sqlite3.OperationalError("disk I/O error")
        return self._connection.execute(statement, *values)

    def __getattr__(self, name: str) -> object:
        return getattr(self._connection, name)


@pytest.mark.parametrize("spool", ["works", "fails too", "fails and then works"])
@pytest.mark.parametrize("made", [[True], [False], [False, True], [True, True], [True, False, True]])
@pytest.mark.parametrize("limit", [1, 5, 20])  # with 1 all are folded, with 20 none, with 5 some of them
def test_a_commit_of_unknown_outcome_doubles_nothing(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    mail: list[Copy],
    limit: int,
    made: list[bool],
    spool: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = workspace.store.path
    store = open_store(path, workspace.keyring, busy_ms=10, follow=True, replay_limit=limit)
    app = make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    collector = Client(app)
    hits = ask(collector, mail, times=1)
    app.recorder.commit()
    folder = app.recorder._spool._folder
    if spool != "works":
        app.recorder._spool._folder = Path(os.devnull) / "nowhere"
    for number in range(len(made)):
        store._connection = Failing(store._connection, made[number])  # type: ignore[assignment]
        hits += ask(collector, mail, times=2)  # some alike to the millisecond
        clock.forward(0.001)
        hits += ask(collector, mail, times=1)
        clock.forward(1)
        app.recorder.commit()
        if spool == "fails and then works" and number == 0:
            app.recorder._spool._folder = folder
    if spool == "works":
        app.recorder.close()  # as if killed: the next one takes up what is there
        store.close()
        store = open_store(path, workspace.keyring, busy_ms=10, follow=True, replay_limit=limit)
        app = make_app(store, workspace.keyring, Pages(), settings, clock)
    app.recorder.flush()
    assert stored(path) == hits
    assert spools(path) == []
    store.close()


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <unistd.h>
int fdatasync(int file) {  // what SQLite calls; the spool calls fsync
    int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
    if (access("FAIL", F_OK) == 0) { errno = EIO; return -1; }
    return real(file);
}
"""


def test_a_disk_that_fails_in_a_commit_and_then_a_kill(
    workspace: Workspace, mail: list[Copy], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler to make a disk fail with")
    path = workspace.store.path
    workspace.store.close()
    shim = path.with_name("shim.so")
    source = shim.with_suffix(".c")
    source.write_text(SHIM)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", shim, source, "-ldl"], check=True)
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    fail = path.with_name("FAIL")
    for number in range(1, 4):
        program = Program(path.parent)
        assert status(program.port, get(mail[0].open)) == 200
        fail.touch()
        for copy in mail:
            assert status(program.port, get(copy.open)) == 200
            assert status(program.port, get(copy.click(1))) == 302
        _, said = program.end(signal.SIGKILL)
        assert "disk I/O error; hits go to the spool" in said
        fail.unlink()
        assert spools(path)
        assert stored(path) == number * 5 - 3  # one of the failed commit is in the journal, as feared
        Program(path.parent).end(signal.SIGTERM)
        assert stored(path) == number * 5
        assert spools(path) == []


def test_the_running_program_goes_on_when_its_database_is_back(
    workspace: Workspace, mail: list[Copy]
) -> None:
    path = workspace.store.path
    program = Program(path.parent)
    workspace.store.close()
    assert status(program.port, get(mail[0].click(1))) == 302
    away = path.with_name("away")
    away.mkdir()
    for file in (path, *beside(path)):
        file.rename(away / file.name)
    for copy in mail:
        assert status(program.port, get(copy.click(1))) == 302
        assert status(program.port, get(copy.open)) == 200
    assert status(program.port, get("/healthz")) == 200
    for file in away.iterdir():
        file.rename(path.parent / file.name)
    deadline = time.monotonic() + 10
    while stored(path) < 5 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert stored(path) == 5
    code, said = program.end(signal.SIGTERM)
    assert code == 0
    assert "is gone; hits go to the spool until it works again" in said
    assert "the store works again" in said


# -- bounds ---------------------------------------------------------------------------------------------


def test_the_spool_has_a_limit_and_what_is_beyond_waits_and_then_is_lost_and_said(
    workspace: Workspace,
    settings: Settings,
    clock: Clock,
    mail: list[Copy],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("pixeltrack.recorder._MAX_WAITING", 1_000)
    path = workspace.store.path
    store = open_store(path, workspace.keyring, busy_ms=1, follow=True)
    app = make_app(store, workspace.keyring, Pages(), replace(settings, spool_mb=1), clock, commit_each=False)
    collector = Client(app)
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("begin immediate")
    asked = 0
    while state(collector)["lost"] == 0:
        asked += ask(collector, mail, times=100)
        app.recorder.commit()
    (spool,) = spools(path)
    assert spool.stat().st_size <= 1 << 20
    assert (state(collector)["status"], state(collector)["waiting"]) == ("unsafe", 1_000)
    assert "has reached its limit of 1,048,576 bytes" in caplog.text
    lost = state(collector)["lost"]
    assert isinstance(lost, int)
    metrics = app.counters.exposition().decode()
    assert f"pixeltrack_lost_hits_total {lost}\n" in metrics
    assert "pixeltrack_waiting_hits 1000\n" in metrics
    assert f"pixeltrack_spool_bytes {spool.stat().st_size}\n" in metrics
    lock.close()
    app.recorder.flush()
    assert stored(path) == asked - lost
    assert f"the store works again; {lost} hits were lost" in caplog.text
    store.close()


def test_a_spool_file_that_is_deleted_is_taken_up_all_the_same(
    collector: Client, workspace: Workspace, mail: list[Copy]
) -> None:
    path = workspace.store.path
    lock = sqlite3.connect(path, isolation_level=None)
    lock.execute("begin immediate")
    hits = 1 + ask(collector, mail)
    (spool,) = spools(path)
    spool.unlink()
    hits += ask(collector, mail)
    assert len(spools(path)) == 1  # what came since is on the disk
    lock.close()
    recovered(collector, path, hits)


def test_a_command_that_runs_once_does_not_change_over_to_another_file(workspace: Workspace) -> None:
    path = workspace.store.path
    path.rename(path.with_name("away.db"))
    with pytest.raises(StoreError, match="was deleted or replaced while it was in use"):
        workspace.store.campaigns()
