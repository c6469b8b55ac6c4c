"""The audit trail: what breaks its chain, what writes to it, and that two writers never fork it."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from collections.abc import Callable
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from command import run

from pixeltrack import keyfile
from pixeltrack.store import Store, open_store
from pixeltrack.trail import ZEROS, Head, Link, check, linked, read_head, written

ADA = bytes(range(16))


def chain(rows: int = 6) -> list[Link]:
    links: list[Link] = []
    head = Head()
    for number in range(rows):
        links.append(linked(head, number, "root", "forget", "é", ADA, written({"events": number})))
        head = Head(links[-1].seq, links[-1].hash)
    return links


def test_a_chain_holds_and_its_hash_is_what_the_documentation_says() -> None:
    links = chain()
    assert (check(links).broken, check(links).head) == (None, Head(6, links[-1].hash))
    row = '[1,0,"root","forget","\\u00e9","000102030405060708090a0b0c0d0e0f",{"events":0},"%s"]' % ("0" * 64)
    assert links[0].hash == sha256(row.encode()).digest()


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        pytest.param(lambda x: [*x[:2], x[2]._replace(counts='{"events":9}'), *x[3:]], 3, id="changed count"),
        pytest.param(lambda x: [*x[:2], x[2]._replace(actor="eve"), *x[3:]], 3, id="changed actor"),
        pytest.param(lambda x: [*x[:2], x[2]._replace(subject=None), *x[3:]], 3, id="changed subject"),
        pytest.param(lambda x: [*x[:2], x[2]._replace(counts='{"events": 2}'), *x[3:]], 3, id="spelling"),
        pytest.param(lambda x: x[:2] + x[3:], 4, id="removed"),
        pytest.param(lambda x: x[1:], 2, id="first removed"),
        pytest.param(
            lambda x: x[:2] + [each._replace(seq=each.seq - 1) for each in x[3:]], 3, id="removed, renumbered"
        ),
        pytest.param(lambda x: [*x[:2], x[3]._replace(seq=3), x[2]._replace(seq=4), *x[4:]], 3, id="moved"),
        pytest.param(
            lambda x: [*x[:2], x[1]._replace(seq=3), *(each._replace(seq=each.seq + 1) for each in x[2:])],
            3,
            id="inserted",
        ),
    ],
)
def test_what_was_changed_breaks_the_chain_there(
    change: Callable[[list[Link]], list[Link]], broken: int
) -> None:
    assert check(change(chain())).broken == broken


def test_an_end_that_was_cut_off_is_told_by_a_head_that_was_noted() -> None:
    links = chain()
    noted = read_head(str(Head(6, links[-1].hash)))
    assert noted is not None
    assert check(links, noted).broken is None
    assert check(links[:4]).broken is None  # by itself it cannot be seen
    assert check(links[:4], noted).broken == 5
    forged = linked(Head(5, links[4].hash), 5, "root", "forget", "", None, "{}")
    assert check([*links[:5], forged], noted).broken == 6
    assert read_head("6:zz") is read_head("x") is None
    assert check([], Head(0, ZEROS)).broken is None


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "t.db", keyfile.create(tmp_path / "t.key"), create=True)


def test_rows_are_only_added(store: Store) -> None:
    store.note("forget", subject=ADA)
    with closing(sqlite3.connect(store.path)) as connection:
        for statement in ("update trail set actor = 'eve'", "delete from trail"):
            with pytest.raises(sqlite3.IntegrityError, match="only added to"):
                connection.execute(statement)


def test_a_row_goes_with_the_act_when_that_fails(store: Store) -> None:
    with pytest.raises(KeyError), store._transaction():
        store.note("forget", subject=ADA)
        raise KeyError
    assert list(store.trail()) == []


def _notes(path: Path, key: Path, together: object, many: int) -> None:
    store = open_store(path, keyfile.load(key))
    together.wait(30)  # type: ignore[attr-defined]
    for number in range(many):
        store.note("purge", counts={"number": number})
    store.close()


def test_two_programs_that_add_at_once_make_one_chain(store: Store, tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(2)
    programs = [
        spawn.Process(target=_notes, args=(store.path, tmp_path / "t.key", together, 40)) for _ in range(2)
    ]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    assert [program.exitcode for program in programs] == [0, 0]
    checked = check(store.trail())
    assert (checked.rows, checked.broken) == (80, None)


def test_commands_leave_their_row_and_never_an_address(tmp_path: Path) -> None:
    """P11: who did what to whose data, by keyed hash."""
    (tmp_path / "mail.html").write_text('<p><a href="https://x.example/">x</a></p>')
    (tmp_path / "list.csv").write_text("email\nada@x.example\nbo@x.example\n")
    (tmp_path / "words.txt").write_text("We measure.")
    given = ("--method", "form", "--wording", "words.txt")
    for argv in (
        ("inject", "mail.html", "--recipients", "list.csv", "--campaign", "spring"),
        ("consent", "grant", "ada@x.example", *given),
        ("consent", "withdraw", "ada@x.example"),
        ("export", "--people", "-o", "people.csv"),
        ("report", "--campaign", "spring", "--who", "opened"),
    ):
        ran = run(tmp_path, *argv)
        assert ran.code == 0, ran.err
    ran = run(tmp_path, "audit", "export", "--jsonl")
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [(each["action"], each["object"]) for each in rows] == [
        ("inject", "spring"),
        ("consent", ""),
        ("consent", ""),
        ("export", "all campaigns"),
        ("names", "spring"),
    ]
    assert sum(rows[0]["counts"].values()) == 2
    assert rows[1]["subject"] == rows[2]["subject"] is not None
    assert "x.example" not in ran.out
    assert run(tmp_path, "audit", "export", "-o", "trail.jsonl").code == 0
    assert (tmp_path / "trail.jsonl").read_text() == ran.out


def test_verify_names_the_first_broken_row(tmp_path: Path) -> None:
    key = keyfile.create(tmp_path / "pixeltrack.key")
    with closing(open_store(tmp_path / "pixeltrack.db", key, create=True)) as store:
        for number in range(5):
            store.note("purge", counts={"events": number})
    head = run(tmp_path, "audit", "head").out.strip()
    ran = run(tmp_path, "audit", "verify", "--head", head)
    assert (ran.code, "5 rows" in ran.err) == (0, True)
    with closing(sqlite3.connect(tmp_path / "pixeltrack.db")) as connection:
        connection.executescript("drop trigger trail_stays; update trail set counts = '{}' where seq = 4;")
    ran = run(tmp_path, "audit", "verify")
    assert (ran.code, "broken at row 4" in ran.err) == (1, True)
    with closing(sqlite3.connect(tmp_path / "pixeltrack.db")) as connection:
        connection.executescript("drop trigger trail_is_kept; delete from trail where seq >= 4;")
    assert run(tmp_path, "audit", "verify").code == 0
    ran = run(tmp_path, "audit", "verify", "--head", head)
    assert (ran.code, "row 4" in ran.err) == (1, True)
    assert run(tmp_path, "audit", "verify", "--head", "nonsense").code == 2
