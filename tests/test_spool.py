"""The spool: hits that the store cannot take are on the disk, and stored exactly once later."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import CHROME, Inject
from test_recovery import Failing

from pixeltrack.errors import StoreError
from pixeltrack.model import Event, EventKind
from pixeltrack.recorder import Recorder
from pixeltrack.setup import Workspace
from pixeltrack.spool import Spool
from pixeltrack.store import Store, open_store


def events(*times: int) -> list[Event]:
    return [Event(at, 1, EventKind.CLICK, 2, -at, CHROME, 0) for at in times]


def stored(store: Store) -> list[int]:
    return sorted(at for _message, at, *_rest in store.events(1))


def files(store: Store) -> list[Path]:
    return sorted(store.path.parent.glob("*.spool-*"))


@pytest.fixture
def store(workspace: Workspace, inject: Inject) -> Store:
    inject("ann@x.example")
    return workspace.store


@pytest.fixture
def locked(store: Store) -> Iterator[sqlite3.Connection]:
    lock = sqlite3.connect(store.path, isolation_level=None)
    lock.execute("begin immediate")
    yield lock
    lock.close()


def test_spooled_hits_keep_their_network_and_address_hash(store: Store) -> None:
    spool = Spool(store.path)
    spool.append([event._replace(network="google/2026-11-01", address=7) for event in events(1)])
    assert spool.take_up(store) == 1
    facts = "select network, address from events join networks using (network_id)"
    assert sqlite3.connect(store.path).execute(facts).fetchall() == [("google/2026-11-01", 7)]


def test_spooled_hits_come_back_as_they_were(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1, 2))
    spool.append(events(3))
    assert (files(store)[0].stat().st_mode & 0o777) == 0o600
    assert spool.take_up(store) == 3
    assert list(store.events(1)) == [
        (-3, 3, 2, 2, CHROME, 0),
        (-2, 2, 2, 2, CHROME, 0),
        (-1, 1, 2, 2, CHROME, 0),
    ]


def test_a_file_that_is_taken_up_is_removed_and_a_new_one_begins(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1))
    first = files(store)
    assert spool.take_up(store) == 1
    assert files(store) == []
    assert store.spool_files() == []
    spool.append(events(2))
    assert files(store) != first
    while spool.take_up(store):
        pass
    assert stored(store) == [1, 2]


def test_files_of_the_dead_are_taken_up_and_those_of_the_living_left_alone(store: Store) -> None:
    living, dead = Spool(store.path), Spool(store.path)
    living.append(events(1))
    dead.append(events(2))
    dead.close()
    heir = Spool(store.path)
    while heir.take_up(store):
        pass
    assert stored(store) == [2]
    assert len(files(store)) == 1
    assert living.take_up(store) == 1


def test_a_crash_between_storing_and_removing_doubles_nothing(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1, 2))
    (path,) = files(store)
    store.put_events(events(1, 2), spool=(path.name, path.stat().st_size))
    spool.close()
    heir = Spool(store.path)
    heir.append(events(3))
    while heir.take_up(store):
        pass
    assert stored(store) == [1, 2, 3]
    assert files(store) == []


def test_a_commit_that_fails_after_it_was_made_doubles_nothing(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1, 2))
    sound = store._connection
    store._connection = Failing(sound, True)  # type: ignore[assignment]
    with pytest.raises(StoreError, match="disk I/O error"):
        spool.take_up(store)
    store._connection = sound
    while spool.take_up(store):
        pass
    assert stored(store) == [1, 2]
    assert files(store) == []


def test_a_file_that_another_finishes_while_we_open_it_is_not_taken_up_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Spool(store.path)
    first.append(events(1))
    lock = fcntl.flock

    def flock(descriptor: int, operation: int) -> None:
        first.take_up(store)  # the file is open in the heir already, and not locked yet
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    heir = Spool(store.path)
    assert heir.take_up(store) == 0
    assert stored(store) == [1]


def test_a_file_that_is_adopted_while_we_make_it_is_not_written_to(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, adopted = fcntl.flock, []

    def flock(descriptor: int, operation: int) -> None:
        if not adopted:  # a collector starts between our open and our lock, and clears away what is empty
            adopted.append(True)
            Spool(store.path)
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", flock)
    spool = Spool(store.path)
    spool.append(events(1))
    assert len(files(store)) == 1
    spool.close()
    heir = Spool(store.path)
    assert heir.take_up(store) == 1


def test_what_is_known_of_files_that_are_gone_is_forgotten(store: Store) -> None:
    store.put_events([], spool=("t.db.spool-gone", 100))  # a crash after its file was removed
    spool = Spool(store.path)
    spool.append(events(1))
    spool.take_up(store)
    assert store.spool_files() == []


def test_a_file_that_cannot_be_removed_is_tried_again_and_gets_no_more_hits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(folder: Path) -> None:
        raise OSError(5, os.strerror(5))

    spool = Spool(store.path)
    spool.append(events(1))
    monkeypatch.setattr("pixeltrack.spool._sync", sync)
    with pytest.raises(StoreError, match="cannot take up a spool file in .*: Input/output error"):
        spool.take_up(store)
    monkeypatch.undo()
    spool.append(events(2))
    assert len(files(store)) == 1  # where the name is still there, not in the one that was to go
    while spool.take_up(store):
        pass
    assert stored(store) == [1, 2]
    assert files(store) == []
    assert store.spool_files() == []


def test_an_empty_file_that_cannot_be_removed_stops_no_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.path.with_name("t.db.spool-empty").touch()

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(Path, "unlink", unlink)
    Spool(store.path)
    monkeypatch.undo()
    Spool(store.path)
    assert files(store) == []


def test_what_a_failing_disk_does_not_let_us_take_back_is_not_taken_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(descriptor: int, *_: object) -> None:
        raise OSError(5, os.strerror(5))

    recorder = Recorder(store, spool := Spool(store.path))
    spool.append(events(1))
    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr(os, "ftruncate", fail)
    with pytest.raises(StoreError, match="cannot write a spool file in .*: Input/output error"):
        spool.append(events(2))
    monkeypatch.undo()
    recorder.add(*events(2))  # it has stayed in memory
    recorder.flush()
    assert sorted(stored(store)) == [1, 2]


def test_half_a_line_of_a_killed_process_is_no_hit(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1))
    spool.close()
    with files(store)[0].open("ab") as file:
        file.write(b"[2, 1, 2, 2")
    heir = Spool(store.path)
    while heir.take_up(store):
        pass
    assert stored(store) == [1]
    assert files(store) == []


def test_a_damaged_line_does_not_hold_up_the_hits_behind_it(store: Store) -> None:
    spool = Spool(store.path)
    spool.append(events(1))
    spool.close()
    path = files(store)[0]
    path.write_bytes(b"\0\0\0\n" + path.read_bytes())
    heir = Spool(store.path)
    while heir.take_up(store):
        pass
    assert stored(store) == [1]


def test_a_store_that_fails_leaves_the_hits_in_the_spool(
    store: Store, locked: sqlite3.Connection, workspace: Workspace
) -> None:
    hasty = open_store_quickly(store, workspace)
    spool = Spool(store.path)
    spool.append(events(1))
    with pytest.raises(StoreError):
        spool.take_up(hasty)
    locked.close()
    assert spool.take_up(hasty) == 1
    assert stored(store) == [1]


def test_the_recorder_goes_from_store_to_spool_and_back(
    store: Store, locked: sqlite3.Connection, workspace: Workspace
) -> None:
    recorder = Recorder(open_store_quickly(store, workspace), Spool(store.path))
    for event in events(1, 2):
        recorder.add(event)
        recorder.commit()
    assert recorder.state()["status"] == "degraded"
    assert recorder.waiting == 0
    assert len(files(store)) == 1
    locked.close()
    recorder.add(*events(3))
    recorder.flush()
    assert stored(store) == [1, 2, 3]
    assert recorder.state() == {"status": "ok", "recorded": 3, "spool_bytes": 0, "waiting": 0, "lost": 0}


def test_what_cannot_even_be_spooled_is_kept_counted_and_stored_later(
    store: Store, locked: sqlite3.Connection, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pixeltrack.recorder._MAX_WAITING", 3)
    spool = Spool(store.path)
    spool._folder = Path(os.devnull) / "nowhere"
    recorder = Recorder(open_store_quickly(store, workspace), spool)
    for event in events(1, 2, 3, 4, 5):
        recorder.add(event)
        recorder.commit()
    assert (recorder.state()["waiting"], recorder.state()["lost"]) == (3, 2)
    locked.close()
    recorder.flush()
    assert stored(store) == [3, 4, 5]


def test_a_disk_that_fills_up_leaves_no_half_line(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    spool = Spool(store.path)
    spool.append(events(1))
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, offset: real(file, data[:10], offset))
    with pytest.raises(StoreError, match="No space left"):
        spool.append(events(2))
    monkeypatch.undo()
    spool.append(events(3))
    while spool.take_up(store):
        pass
    assert stored(store) == [1, 3]


def open_store_quickly(store: Store, workspace: Workspace) -> Store:
    """The same database with a busy time of 10 ms."""
    return open_store(store.path, workspace.keyring, busy_ms=10)


def test_the_spool_of_a_database_with_brackets_in_its_name_is_found(tmp_path: Path, store: Store) -> None:
    odd = tmp_path / "a[1].db"
    left = Spool(odd)
    left.append(events(1, 2))
    left.close()
    assert Spool(odd).take_up(store) == 2
