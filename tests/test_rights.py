"""Rights of one person: all that is held of them, erasing it, and that no backup brings it back."""

from __future__ import annotations

import json
import multiprocessing
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import run
from conftest import BASE, START, Client, Inject

from pixeltrack import config, held, keyfile, refusals, residues, restoring, rights
from pixeltrack.errors import StoreError
from pixeltrack.minting import number
from pixeltrack.model import TOGETHER, Event, EventKind, Mode
from pixeltrack.setup import Workspace, open_workspace
from pixeltrack.spool import Spool
from pixeltrack.store import Store, open_store
from pixeltrack.tokens import Keyring
from pixeltrack.trail import check

ADA, BO = "ada.lovelace@engines.example", "bo@engines.example"
NOON = 1_795_608_000_000
AGENT = "Mozilla/5.0 Firefox/140.0"
HITS = 30  # more than are kept one by one in an hour
PAGES = 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which Ada and others got two campaigns, opened, clicked, agreed and refused."""
    (tmp_path / "mail.html").write_text('<p>Hi <a href="https://shop.example/a">x</a></p>')
    (tmp_path / "words.txt").write_text("We measure what you open.")
    people = "".join(f"reader{number}@x.example,R{number}\n" for number in range(200))
    (tmp_path / "list.csv").write_text(f"email,name\n{ADA},Ada King\n{BO},Bo\n{people}")
    for name in ("spring", "summer"):
        made = ("inject", "mail.html", "--recipients", "list.csv", "--campaign", name, "--out", f"out-{name}")
        assert run(tmp_path, *made).code == 0
    for argv in (
        ("grant", ADA, "--method", "form", "--wording", "words.txt", "--at", "2026-03-01 10:00"),
        ("withdraw", ADA, "--purpose", "retargeting"),
    ):
        assert run(tmp_path, "consent", *argv).code == 0
    with closing(workspace(tmp_path).store) as store:
        keyring = keyfile.load(tmp_path / "pixeltrack.key")
        hits = [hit(store, keyring, BO, "spring", NOON + 5_000)]
        hits += [hit(store, keyring, ADA, "spring", NOON + place) for place in range(HITS)]
        hits += [hit(store, keyring, ADA, "summer", NOON + 90_000, EventKind.CLICK)]
        store.put_events(hits)
        (code,) = [each.code for each in store.campaigns() if each.name == "summer"]
        store.opt_out(code, message_of(store, keyring, ADA, "summer"), keyring.subject(ADA), "tracking", NOON)
    assert run(tmp_path, "report", "--campaign", "spring").code == 0
    with closing(sqlite3.connect(tmp_path / "pixeltrack.db")) as connection, connection:
        adas = "select campaign_id, message from messages join recipients using (recipient_id) where identity = ?"
        connection.execute(f"insert into kept_messages {adas} limit 1", [ADA])
        connection.execute(
            "insert into addresses (campaign_id, message, at, kind, link, address)"
            f" select campaign_id, message, 5, 1, 0, '203.0.113.7' from ({adas})",
            [ADA],
        )
    return tmp_path


def workspace(folder: Path) -> Workspace:
    return open_workspace(settings(folder), create=False)


def settings(folder: Path) -> config.Settings:
    return config.load(options={"db": str(folder / "pixeltrack.db")}, environment={})


def message_of(store: Store, keyring: Keyring, address: str, campaign: str) -> int:
    found = store.campaign(campaign)
    return number(keyring.campaign(found.code, found.key_id).pseudonym(address))


def hit(
    store: Store,
    keyring: Keyring,
    address: str,
    campaign: str,
    at: int = NOON,
    kind: EventKind = EventKind.OPEN,
) -> Event:
    message = message_of(store, keyring, address, campaign)
    link = 1 if kind == EventKind.CLICK else 0
    return Event(at, store.campaign(campaign).campaign_id, kind, link, message, AGENT, 0)


# -- all that is held ------------------------------------------------------------------------------------


def mentions(database: Path, keyring: Keyring, address: str) -> Counter[str]:
    """Return in how many rows of each table a person is named in any way, whatever the table is.

    This knows no table by name but the one that gives people their number: columns that are called
    recipient_id, and any value that is the address, the keyed hash or a pseudonym, is a mention.
    """
    found: Counter[str] = Counter()
    with closing(sqlite3.connect(database)) as connection:
        campaigns = connection.execute("select code, key_id from campaigns").fetchall()
        keys = [keyring.campaign(code, key) for code, key in campaigns]
        raw = [make(address) for each in keys for make in (each.pseudonym, each.unlinked_pseudonym)]
        numbers = {number(each) for each in raw}
        texts = [address.encode(), keyring.subject(address), keyring.subject(address).hex().encode(), *raw]
        texts += [str(each).encode() for each in numbers]
        ids = {
            each
            for (each,) in connection.execute(
                "select recipient_id from recipients where identity = ?", [address]
            )
        }
        tables = connection.execute("select name from sqlite_schema where type = 'table'").fetchall()
        for (table,) in tables:
            cursor = connection.execute(f'select * from "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor:
                found[table] += any(
                    (name == "recipient_id" and value in ids)
                    or (isinstance(value, int) and value in numbers)
                    or (isinstance(value, str) and any(each in value.encode() for each in texts))
                    or (isinstance(value, bytes) and any(each in value for each in texts))
                    for name, value in zip(names, row, strict=True)
                )
    return +found


TOLD_BY = {
    "recipients": lambda found: int(found["recipient"] is not None),
    "messages": lambda found: len(found["messages"]),
    "events": lambda found: len(found["events"]),
    "repeats": lambda found: len(found["repeated_events"]),
    "consents": lambda found: len(found["consents"]),
    "optouts": lambda found: len(found["opt_outs"]),
    "silenced": lambda found: len(found["silenced"]),
    "trail": lambda found: len(found["audit"]),
    "addresses": lambda found: len(found["addresses"]),
    "kept_messages": lambda found: len(found["partly_deleted"]),
    "last_opens": lambda found: int(found["last_open_day"] is not None),
    "links": lambda found: len(found["links"]),
}


def untold(database: Path, keyring: Keyring, found: dict[str, Any]) -> dict[str, tuple[int, int]]:
    """Return tables that name a person in other than as many rows as an export tells of."""
    there = mentions(database, keyring, ADA)
    told = {
        table: TOLD_BY[table](found) if table in TOLD_BY else 0 for table in there.keys() | TOLD_BY.keys()
    }
    return {table: (there[table], rows) for table, rows in told.items() if there[table] != rows}


def test_p8_subject_has_every_row_that_an_independent_scan_finds(folder: Path) -> None:
    place = workspace(folder)
    with closing(place.store) as store:
        with closing(sqlite3.connect(store.path)) as connection:
            connection.execute(
                "insert into last_opens select recipient_id, 20000 from recipients where identity = ?", [ADA]
            )
            connection.execute("update links set text = ? where number = 1", [f"account of {ADA}"])
            connection.commit()
        found = rights.export_of(store, place.keyring, ADA, settings(folder), NOON)
        assert untold(store.path, place.keyring, found) == {}
        assert len(mentions(store.path, place.keyring, ADA)) == len(TOLD_BY)
        with closing(sqlite3.connect(store.path)) as connection:  # a table that nobody has told it of
            connection.execute("create table diary (line text)")
            connection.execute("insert into diary values (?)", [f"wrote to {ADA}"])
            connection.commit()
        assert untold(store.path, place.keyring, found) == {"diary": (1, 0)}
        by_hash = rights.export_of(store, place.keyring, place.keyring.subject(ADA), settings(folder), NOON)
        assert by_hash == found


def test_p8_subject_is_of_the_schema_that_is_shipped(folder: Path) -> None:
    ran = run(folder, "subject", ADA, "--json")
    found = json.loads(ran.out)
    schema = json.loads(files("pixeltrack").joinpath("schemas", "subject.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found | {"shoe size": 40}, schema)
    from hashlib import sha256

    assert found["integrity"]["sha256"] == sha256(held.canonical(found)).hexdigest()
    assert found["consents"][0]["wording"] == "We measure what you open."
    assert found["recipient"]["columns"] == {"name": "Ada King"}
    assert sum(each["hits"] for each in found["repeated_events"]) + len(found["events"]) == HITS + 1
    assert {each["campaign"] for each in found["messages"]} == {"spring", "summer"}
    assert any(each["verdict"] for each in found["events"])
    said = run(folder, "subject", ADA).out
    assert "We measure what you open." in said and "Ada King" in said
    unknown = json.loads(run(folder, "subject", "nobody@x.example", "--json").out)
    jsonschema.validate(unknown, schema)
    assert (unknown["recipient"], unknown["events"], unknown["messages"]) == (None, [], [])


# -- erasing ---------------------------------------------------------------------------------------------


def traces(paths: Iterator[Path] | list[Path], address: str, more: list[bytes]) -> dict[str, int]:
    """Return how often files hold an address, by a search of our own that shares nothing with forget's."""
    import base64
    from hashlib import md5, sha1, sha256
    from urllib.parse import quote

    raw = address.encode()
    wanted = [raw, address.encode("utf-16-le"), address.encode("utf-16-be"), quote(address).encode()]
    wanted += [raw.hex().encode(), raw.hex().upper().encode(), *more]
    wanted += [
        digest
        for make in (md5, sha1, sha256)
        for digest in (make(raw).digest(), make(raw).hexdigest().encode())
    ]
    wanted += [base64.b64encode(bytes(at) + raw)[4:-4] for at in range(3)]
    found = {}
    for path in paths:
        content = path.read_bytes()
        finds = sum(content.lower().count(each.lower()) for each in wanted)
        if finds:
            found[path.name] = finds
    return found


def tokens_of(folder: Path, address: str) -> list[bytes]:
    place = workspace(folder)
    found = []
    with closing(place.store) as store:
        for campaign in store.campaigns():
            keys = place.keyring.campaign(campaign.code, campaign.key_id)
            pseudonym = keys.pseudonym(address)
            found.append(keys.message_token(pseudonym).encode())
            found += [
                keys.personal_token(each, pseudonym).encode() for each in ("unsubscribe", "preferences")
            ]
    return found


def of_database(folder: Path) -> list[Path]:
    return sorted(folder.glob("pixeltrack.db*"))


def test_p9_forget_leaves_no_byte_of_a_person(folder: Path) -> None:
    tokens = tokens_of(folder, ADA)
    assert traces(of_database(folder), ADA, tokens)["pixeltrack.db"] > 0
    ran = run(folder, "forget", ADA, "--yes", "--json")
    assert ran.code == 0, ran.err
    done = json.loads(ran.out)
    assert (done["residues"], done["unfinished"]) == ({}, [])
    assert done["deleted"]["messages"] == 2
    assert done["deleted"]["recipients"] == 1
    assert traces(of_database(folder), ADA, tokens) == {}
    keyring = keyfile.load(folder / "pixeltrack.key")
    left = mentions(folder / "pixeltrack.db", keyring, ADA)
    assert set(left) == {"optouts", "consents", "trail", "silenced"}
    place = workspace(folder)
    with closing(place.store) as store:  # of what stays, subject tells all
        assert (
            untold(store.path, keyring, rights.export_of(store, keyring, ADA, settings(folder), NOON)) == {}
        )
    subject = keyring.subject(ADA)
    assert (folder / "pixeltrack.db").read_bytes().count(subject) == done["kept"]["keyed hash of the address"]
    assert mentions(folder / "pixeltrack.db", keyring, BO).keys() >= {"recipients", "messages", "events"}


@pytest.mark.parametrize("mode", ["pseudonymous", "hygiene", "company", "aggregate"])
def test_p9_a_person_goes_in_whatever_way_they_were_measured(
    client: Client, workspace: Workspace, settings: config.Settings, inject: Inject, mode: Mode
) -> None:
    clicks: Mode = "off" if mode == "hygiene" else mode
    summary = inject(ADA, BO, opens=mode, clicks=clicks, free=frozenset({mode}), format="jsonl")
    mails = [json.loads(line) for line in (summary.out / "messages.jsonl").read_text().splitlines()]
    for mail in mails:
        for path in re.findall(rf"{BASE}(/[oc]/[\w/.-]+)", mail["html"]):
            assert client.get(path).status in ("200 OK", "302 Found")
    store, keyring = workspace.store, workspace.keyring
    assert untold(store.path, keyring, rights.export_of(store, keyring, ADA, settings, START)) == {}
    assert ("events" in mentions(store.path, keyring, ADA)) == (mode == "pseudonymous")
    told = rights.export_of(store, keyring, ADA, settings, START)["cannot_be_linked"]
    assert [each["campaign"] for each in told] == (["spring"] if mode in TOGETHER else [])
    done = rights.erase(store, keyring, ADA, START)
    assert (dict(done.residues), done.unfinished) == ({}, ())
    tokens = [each.encode() for each in re.findall(r"/([\w-]{28,48})[\".]", mails[0]["html"])]
    assert len(tokens) >= 3
    own = [each for each in tokens if each.decode() not in mails[1]["html"]]
    assert traces([store.path], ADA, own) == {}
    left = mentions(store.path, keyring, ADA)
    assert set(left) == {"optouts", "trail"} | (set() if mode in TOGETHER else {"silenced"})
    for path in re.findall(rf"{BASE}(/[oc]/[\w/.-]+)", mails[0]["html"]):
        client.get(path)
    assert set(mentions(store.path, keyring, ADA)) == set(left)


def test_p9_what_forget_looks_for_is_found_in_every_spelling(tmp_path: Path) -> None:
    import base64

    patterns = residues.of_address(ADA)
    raw = ADA.encode()
    for name, content in {
        "utf-8": ADA.upper().encode(),
        "utf-16": b"x" + ADA.encode("utf-16-be"),
        "hex": raw.hex().upper().encode(),
        "percent": b"q=ada.lovelace%40engines.example&",
        **{f"base64 {at}": base64.b64encode(b"<" * at + raw + b"> x") for at in range(3)},
    }.items():
        (tmp_path / "f").write_bytes(b"\0" * ((1 << 22) - 20) + content)  # across the edge of a block
        assert residues.scan(tmp_path / "f", patterns)[name.split()[0]] >= 1, name


def test_p9_after_forget_a_hit_of_old_mail_adds_nothing(folder: Path) -> None:
    place = workspace(folder)
    with closing(place.store) as store:
        before = [hit(store, place.keyring, ADA, name, NOON + 9_000) for name in ("spring", "summer")]
        assert run(folder, "forget", ADA, "--yes").code == 0
        events = store.last_event()
        store.put_events(before * PAGES)
        assert (store.last_event(), mentions(store.path, place.keyring, ADA)["events"]) == (events, 0)
        assert mentions(store.path, place.keyring, ADA)["repeats"] == 0


def _keep_opening(path: Path, key: Path, events: list[Event], ready: Any, stop: Any) -> None:
    with closing(open_store(path, keyfile.load(key))) as store:
        while not stop.is_set():
            store.put_events(events)
            ready.set()


def test_p9_hits_that_come_in_while_a_person_is_erased_are_not_left(folder: Path) -> None:
    place = workspace(folder)
    spawn = multiprocessing.get_context("spawn")
    ready, stop = spawn.Event(), spawn.Event()
    with closing(place.store) as store:
        hits = [hit(store, place.keyring, ADA, name, NOON + 70_000) for name in ("spring", "summer")]
        hits.append(hit(store, place.keyring, BO, "spring", NOON + 70_000))
        given = (store.path, folder / "pixeltrack.key", hits, ready, stop)
        collector = spawn.Process(target=_keep_opening, args=given)
        collector.start()
        try:
            assert ready.wait(30)
            done = rights.erase(store, place.keyring, ADA, NOON)
        finally:
            stop.set()
            collector.join(30)
        assert (done.unfinished, done.residues, collector.exitcode) == ((), {}, 0)
        assert set(mentions(store.path, place.keyring, ADA)) == {"optouts", "consents", "trail", "silenced"}


def test_p9_what_waits_in_the_spool_is_erased_too(folder: Path) -> None:
    place = workspace(folder)
    with closing(place.store) as store:
        spool = Spool(store.path)
        spool.append([hit(store, place.keyring, ADA, "spring", NOON + 70_000)])
        spool.close()
        assert list(folder.glob("*.spool-*"))
        done = rights.erase(store, place.keyring, ADA, NOON)
        assert (done.unfinished, list(folder.glob("*.spool-*"))) == ((), [])
        assert mentions(store.path, place.keyring, ADA)["events"] == 0


def test_p9_a_reader_in_the_way_makes_it_not_finished(folder: Path) -> None:
    place = workspace(folder)
    with closing(place.store) as store, closing(sqlite3.connect(store.path)) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from events").fetchone()
        done = rights.erase(store, place.keyring, ADA, NOON, wait=0.3)
        assert len(done.unfinished) == 1 and "journal" in done.unfinished[0]
        reader.rollback()
        again = rights.erase(store, place.keyring, ADA, NOON)
        assert (again.unfinished, again.residues) == ((), {})
    assert traces(of_database(folder), ADA, []) == {}


def test_an_erased_person_on_a_later_list_is_not_measured(folder: Path) -> None:
    assert run(folder, "forget", ADA, "--yes").code == 0
    made = ("inject", "mail.html", "--recipients", "list.csv", "--campaign", "autumn", "--out", "out-autumn")
    assert run(folder, *made).code == 0
    tables = (folder / "out-autumn" / "messages.csv").read_text().splitlines()
    (mine,) = [line for line in tables if line.startswith(ADA)]
    assert ",no," in mine


def test_forget_asks_and_a_dry_run_changes_nothing(folder: Path) -> None:
    run(folder, "campaigns")
    before = (folder / "pixeltrack.db").read_bytes()
    ran = run(folder, "forget", ADA, "--dry-run", "--outputs", "out-spring")
    assert (ran.code, "messages: 2" in ran.out, "messages.csv" in ran.out) == (0, True, True)
    assert run(folder, "forget", ADA, stdin=b"n\n").code == 130
    assert (folder / "pixeltrack.db").read_bytes() == before


def test_files_that_inject_wrote_are_named_and_cleaned_only_when_asked(folder: Path) -> None:
    ran = run(folder, "forget", ADA, "--yes", "--outputs", "out-spring", "--json")
    named = {Path(each["path"]).name for each in json.loads(ran.out)["files"]}
    assert "messages.csv" in named and len(named) == 2  # the table, and her copy
    assert run(folder, "forget", ADA, "--yes", "--outputs", "out-spring", "--clean").code == 0
    inside = [path for path in (folder / "out-spring").rglob("*") if path.is_file()]
    assert traces(inside, ADA, tokens_of(folder, ADA)) == {}
    assert len((folder / "out-spring" / "messages.csv").read_text().splitlines()) == 202  # all others


# -- backups ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["nothing", "the database", "the file of refusals"])
def test_a_backup_from_before_an_erasure_brings_nobody_back(folder: Path, lost: str) -> None:
    tokens = tokens_of(folder, ADA)
    assert run(folder, "backup", "old.bak").code == 0
    assert (folder / "old.bak").stat().st_mode & 0o777 == 0o600
    assert run(folder, "forget", ADA, "--yes").code == 0
    assert run(folder, "consent", "withdraw", BO).code == 0
    if lost == "the database":
        for path in of_database(folder):
            if not path.name.endswith(".refusals"):
                path.unlink()
    if lost == "the file of refusals":
        refusals.place(folder / "pixeltrack.db").unlink()
    ran = run(folder, "restore", "old.bak", "--yes")
    assert ran.code == 0, ran.err
    assert traces(of_database(folder), ADA, tokens) == {}
    with closing(workspace(folder).store) as store:
        restoring.check_followed(store)
    states = json.loads(run(folder, "consent", "show", BO, "--json").out)["purposes"]
    assert states["opens"]["state"] == "withdrawn"
    place = workspace(folder)
    with closing(place.store) as store:
        events = store.last_event()
        store.put_events([hit(store, place.keyring, who, "spring", NOON + 90_000) for who in (ADA, BO)])
        assert store.last_event() == events
        assert check(store.trail()).broken is None
    assert run(folder, "forget", ADA, "--yes", "--backups", "old.bak").out.count("old.bak") == 1


def test_a_backup_from_before_somebody_asked_to_be_erased_brings_them_not_back(folder: Path) -> None:
    tokens = tokens_of(folder, ADA)
    assert run(folder, "backup", "old.bak").code == 0
    place = workspace(folder)
    with closing(place.store) as store:
        store.ask_erasure(place.keyring.subject(ADA), NOON)
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    there = [path for path in of_database(folder) if "before-restore" not in path.name]
    assert traces(there, ADA, tokens) == {}


def test_serve_starts_where_an_erasure_that_was_asked_for_is_under_way(folder: Path) -> None:
    place = workspace(folder)
    subject = place.keyring.subject(ADA)
    refusals.remember(folder / "pixeltrack.db", [refusals.Refusal(NOON, "erased", subject, "all")])
    with closing(place.store) as store:
        with pytest.raises(StoreError, match="older than an erasure"):
            restoring.check_followed(store)
        store.ask_erasure(subject, NOON)
        restoring.check_followed(store)


def test_serve_does_not_start_on_a_backup_that_was_put_back_by_hand(folder: Path) -> None:
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "forget", ADA, "--yes").code == 0
    for path in of_database(folder):
        if not path.name.endswith(".refusals"):
            path.unlink()
    (folder / "old.bak").rename(folder / "pixeltrack.db")
    ran = run(folder, "serve", "--port", "0")
    assert (ran.code, "older than an erasure" in ran.err) == (1, True)


def test_restore_asks_keeps_the_old_one_and_takes_no_other_file(folder: Path) -> None:
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "backup", "old.bak").code == 2
    assert run(folder, "restore", "old.bak").code == 2
    (folder / "no.bak").write_text("not a database, but longer than sixteen bytes")
    before = sorted(path.name for path in folder.iterdir())
    assert run(folder, "restore", "no.bak", "--yes").code == 2
    assert sorted(path.name for path in folder.iterdir()) == before
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    assert len(list(folder.glob("pixeltrack.db.before-restore-*"))) == 1


def test_restore_refuses_while_a_program_has_the_database_open(folder: Path) -> None:
    assert run(folder, "backup", "old.bak").code == 0
    place = workspace(folder)
    with closing(place.store) as store:
        store.last_event()
        with pytest.raises(Exception, match="open"):
            restoring.restore(folder / "old.bak", store.path, place.keyring, NOON)
    assert not list(folder.glob(".pixeltrack-*"))
