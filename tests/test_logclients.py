"""The clients of a log: the same labels and numbers as the collector's, and forgotten when those are."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from conftest import START, Clock

from pixeltrack.config import Settings
from pixeltrack.dayhash import DAY, KEPT, DayHash
from pixeltrack.logclients import LogClients
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

WORDS, ADDRESS = b"66.249.84.1 - - ", "66.249.84.1"
TODAY = START // DAY


def test_a_client_has_the_number_that_the_collector_gives_it(workspace: Workspace, clock: Clock) -> None:
    clients = LogClients(workspace.store, clock, lists=None)
    label, number = clients.on(TODAY)[WORDS]
    assert label.startswith("google/")
    assert number == DayHash(workspace.store, clock).key(ADDRESS, START)
    assert clients.on(TODAY)[b"x.example ::ffff:66.249.84.1"] == (label, number)
    assert clients.on(TODAY)[b"unix: 10.0.0.1"] == ("", 0)


def test_another_day_has_another_number_and_few_days_are_remembered(
    workspace: Workspace, clock: Clock
) -> None:
    clients = LogClients(workspace.store, clock, lists=None)
    numbers = [clients.on(day)[WORDS][1] for day in range(TODAY - 30, TODAY + 1)]
    assert len(set(numbers)) == 31
    assert [clients.on(day)[WORDS][1] for day in range(TODAY - 30, TODAY + 1)] == numbers
    assert len(clients._days) == 2


def test_who_is_known_is_forgotten_with_the_salt_of_the_day(workspace: Workspace, clock: Clock) -> None:
    clients = LogClients(workspace.store, clock, lists=None)
    number = clients.on(TODAY)[WORDS][1]
    clock.now = (TODAY + 1) * DAY + KEPT - 1
    clients.tend()
    assert clients.on(TODAY)[WORDS][1] == number
    clock.now += 1
    clients.tend()
    assert not clients._days
    assert clients.on(TODAY)[WORDS][1] not in (0, number)


def test_a_salt_that_could_not_be_shared_is_taken_up_when_it_can(
    workspace: Workspace, settings: Settings, clock: Clock
) -> None:
    store = open_store(settings.db, workspace.keyring, busy_ms=20)
    with closing(sqlite3.connect(settings.db, isolation_level=None)) as locker:
        locker.execute("begin immediate")
        clients = LogClients(store, clock, lists=None)
        alone = clients.on(TODAY)[WORDS][1]
        locker.execute("rollback")
    shared = DayHash(workspace.store, clock).key(ADDRESS, START)
    assert clients.on(TODAY)[WORDS][1] == alone != shared
    clock.forward(60)
    assert clients.on(TODAY)[WORDS][1] == shared
    store.close()
