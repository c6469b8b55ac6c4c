"""What an auditor of data protection with a shell has tried: refusals hold through backups, races and torn files."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import re
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from command import run
from conftest import BASE, CHROME, MAIL, Client, Clock, Inject

from pixeltrack import config, refusals
from pixeltrack.collector import make_app
from pixeltrack.pages import Pages
from pixeltrack.setup import Workspace, open_workspace

ADA, BO = "ada.lovelace@engines.example", "bo@engines.example"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text(f"email,name\n{ADA},Ada\n{BO},Bo\n")
    return tmp_path


def inject(folder: Path, *options: str) -> None:
    made = run(folder, "inject", *options, "--base-url", BASE)
    assert made.code == 0, made.err


def to_list(folder: Path, campaign: str, *options: str) -> None:
    inject(
        *(folder, "mail.html", "--recipients", "list.csv", "--campaign", campaign),
        *("--out", f"out-{campaign}", *options),
    )


def urls_of(folder: Path, out: str, place: int) -> list[str]:
    """Return the pixel and the links of the copy at a place of the list, and the preferences page."""
    (file,) = (folder / out / "html").glob(f"{place:06d}-*")
    return re.findall(r"""https://track\.example\.com(/[ocp]/[^"']+)""", file.read_text())


@contextmanager
def served(folder: Path) -> Iterator[Client]:
    """The collector over a folder's database, as ``serve`` would make it."""
    settings = config.load(options={"db": str(folder / "pixeltrack.db")}, environment={})
    place = open_workspace(settings, create=False)
    with closing(place.store):
        yield Client(make_app(place.store, place.keyring, Pages(), settings, Clock()))


def replay(folder: Path, out: str, place: int = 1) -> None:
    with served(folder) as client:
        for path in urls_of(folder, out, place):
            if not path.startswith("/p/"):
                assert client.get(path).status == ("302 Found" if path.startswith("/c") else "200 OK")


def count(folder: Path, table: str) -> int:
    with closing(sqlite3.connect(folder / "pixeltrack.db")) as connection:
        return int(connection.execute(f"select count(*) from {table}").fetchone()[0])


# -- backups ---------------------------------------------------------------------------------------------


def stop_on_the_page(folder: Path, out: str) -> None:
    with served(folder) as client:
        (page,) = [path for path in urls_of(folder, out, 1) if path.startswith("/p/")]
        assert client.post(page, b"action=stop").status == "200 OK"


@pytest.mark.parametrize("lost", ["nothing", "the database"])
@pytest.mark.parametrize("mode", ["individual", "pseudonymous"])
def test_p5_who_stopped_tracking_stays_silent_after_a_backup_from_before(
    folder: Path, mode: str, lost: str
) -> None:
    to_list(folder, "spring", "--mode", mode)
    assert run(folder, "backup", "old.bak").code == 0
    stop_on_the_page(folder, "out-spring")
    if lost == "the database":
        for path in folder.glob("pixeltrack.db*"):
            if not path.name.endswith(".refusals"):
                path.unlink()
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    replay(folder, "out-spring")
    assert count(folder, "events") == 0
    replay(folder, "out-spring", 2)
    assert count(folder, "events") == 3


def test_p5_what_a_later_list_denied_stays_silent_after_a_backup_from_before(folder: Path) -> None:
    to_list(folder, "spring")
    assert run(folder, "backup", "old.bak").code == 0
    (folder / "list.csv").write_text(f"email,consent\n{ADA},denied\n{BO},granted\n")
    to_list(folder, "summer")
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    replay(folder, "out-spring")
    assert count(folder, "events") == 0


def test_p9_mail_made_after_the_backup_stays_silent_for_who_was_erased_since(folder: Path) -> None:
    (folder / "list.csv").write_text(f"email\n{BO}\n")
    to_list(folder, "spring")
    assert run(folder, "backup", "old.bak").code == 0
    (folder / "list.csv").write_text(f"email\n{ADA}\n")
    inject(
        *(folder, "mail.html", "--recipients", "list.csv", "--campaign", "spring", "--out", "out-later"),
    )
    assert run(folder, "forget", ADA, "--yes").code == 0
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    replay(folder, "out-later")
    assert count(folder, "events") == 0


def test_p9_forget_names_the_database_that_a_restore_has_set_aside(folder: Path) -> None:
    to_list(folder, "spring")
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    (aside,) = folder.glob("pixeltrack.db.before-restore-*")
    said = json.loads(run(folder, "forget", ADA, "--yes", "--json").out)
    assert [(Path(each["path"]).name, each["way"]) for each in said["files"]] == [(aside.name, "by hand")]


def test_p10_no_copy_of_a_database_keeps_the_salt_of_its_day(folder: Path) -> None:
    to_list(folder, "spring")
    replay(folder, "out-spring")
    with closing(sqlite3.connect(folder / "pixeltrack.db")) as connection:
        ((salt,),) = connection.execute("select value from facts where name like 'salt %'").fetchall()
    assert len(salt) == 64
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "restore", "old.bak", "--yes").code == 0
    for path in folder.glob("*"):
        assert path.is_dir() or salt.encode() not in path.read_bytes(), path.name


def put_back_by_hand(folder: Path, backup: str) -> None:
    for path in folder.glob("pixeltrack.db*"):
        if not path.name.endswith(".refusals"):
            path.unlink()
    (folder / backup).rename(folder / "pixeltrack.db")


def log_of(folder: Path, out: str) -> None:
    """Write what a web server logs of the first copy's pixel and links."""
    lines = [
        f'203.0.113.9 - - [21/Sep/2026:14:13:20 +0000] "GET {path} HTTP/1.1"'
        f' {302 if path.startswith("/c") else 200} 0 "-" "{CHROME}"\n'
        for path in urls_of(folder, out, 1)
        if not path.startswith("/p/")
    ]
    (folder / "access.log").write_text("".join(lines))


@pytest.mark.parametrize("mode", ["individual", "pseudonymous"])
def test_p5_a_copy_put_back_by_hand_learns_of_refusals_before_a_hit_is_stored(
    folder: Path, mode: str
) -> None:
    to_list(folder, "spring", "--mode", mode)
    assert run(folder, "backup", "old.bak").code == 0
    stop_on_the_page(folder, "out-spring")
    assert run(folder, "consent", "withdraw", BO, "--purpose", "opens").code == 0
    put_back_by_hand(folder, "old.bak")
    log_of(folder, "out-spring")
    ran = run(folder, "ingest", "access.log", "--json")
    assert (ran.code, json.loads(ran.out)["opens"]) == (0, 1), ran.err
    assert count(folder, "events") == 0
    assert (
        json.loads(run(folder, "consent", "show", BO, "--json").out)["purposes"]["opens"]["state"]
        == "withdrawn"
    )


def test_p9_nothing_measures_or_writes_mail_with_a_copy_from_before_an_erasure(folder: Path) -> None:
    to_list(folder, "spring")
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "forget", ADA, "--yes").code == 0
    put_back_by_hand(folder, "old.bak")
    log_of(folder, "out-spring")
    for argv in (
        ("ingest", "access.log"),
        ("serve", "--port", "0"),
        ("inject", "mail.html", "--recipients", "list.csv", "--campaign", "summer", "--base-url", BASE),
    ):
        ran = run(folder, *argv)
        assert (ran.code, "older than an erasure" in ran.err) == (1, True), argv
    assert count(folder, "events") == 0


# -- races -----------------------------------------------------------------------------------------------


def erase_ada(folder: Path) -> None:
    assert run(folder, "forget", ADA, "--yes", "--db", "t.db").code == 0


def test_p9_who_is_erased_while_copies_are_made_is_silent_in_these(
    folder: Path, inject: Inject, workspace: Workspace, client: Client
) -> None:
    def at_the_second(done: int) -> None:
        if done == 2:
            erase_ada(folder)

    made = inject(ADA, BO, progress=at_the_second)
    for place in (1, 2):
        (file,) = made.out.glob(f"html/{place:06d}-*")
        for path in re.findall(r"""https://track\.example\.com(/[oc]/[^"']+)""", file.read_text()):
            client.get(path)
    assert len(list(workspace.store.events(1))) == 3  # of Bo alone


def test_a1_in_company_mode_no_url_is_fewer_than_five_peoples(inject: Inject, workspace: Workspace) -> None:
    sizes = {"a": 5, "b": 6, "c": 30, "solo": 1}
    names = [f"p{n}@{name}.example" for name, people in sizes.items() for n in range(people)]
    made = inject(
        *names, opens="company", clicks="company", free=frozenset({"company", "aggregate"}), format="jsonl"
    )
    pixels: dict[str, int] = {}
    for line in (made.out / "messages.jsonl").read_text().splitlines():
        (pixel,) = re.findall(r"/o/[^\"]+", json.loads(line)["html"])
        pixels[pixel] = pixels.get(pixel, 0) + 1
    assert sorted(pixels.values()) == [6, 6, 30]  # the one of a company alone is with the five of another
    reasons = sorted(decision.reason.partition("; ")[2] for decision in made.modes)
    assert reasons == ["", "fewer than 5 of their company", "with fewer than 5 others"]


# -- mail without a list ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("consent", "options", "code", "said"),
    [
        ('policy = "required"', ("--merge-tag", "*|ID|*"), 2, "opens as individual"),
        ('preset = "strict"', ("--mode", "aggregate"), 3, "give --recipients"),
        ('policy = "required"', ("--mode", "aggregate"), 0, ""),
        ('policy = "assumed"', ("--merge-tag", "*|ID|*"), 0, ""),
    ],
)
def test_p3_what_takes_consent_takes_a_list(
    folder: Path, consent: str, options: tuple[str, ...], code: int, said: str
) -> None:
    (folder / "mail.html").write_text(
        '<p><a href="https://shop.example/a">x</a> <a href="https://x.example/u">Unsubscribe</a>'
    )
    (folder / "pixeltrack.toml").write_text(
        f'[consent]\n{consent}\n[sender]\ncontroller = "Shop"\ncontact = "x@shop.example"\n'
    )
    ran = run(folder, "inject", "mail.html", "--campaign", "spring", "--base-url", BASE, *options)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert code == 0 or not (folder / "spring").exists()


# -- links that name their reader ------------------------------------------------------------------------


def test_p9_mail_for_one_person_whose_links_name_them_is_erased_too(folder: Path) -> None:
    (folder / "in").mkdir()
    for who in (ADA, BO):
        link = f'<a href="https://shop.example/me?user={who.replace("@", "%40")}">account of {who}</a>'
        (folder / "in" / f"{who}.eml").write_text(
            f"From: news@shop.example\nTo: {who}\nContent-Type: text/html\n\n<p>{link}</p>\n"
        )
    inject(folder, "in", "--campaign", "spring", "--out", "out")
    (told,) = json.loads(run(folder, "subject", ADA, "--json").out)["links"]
    assert (told["text"], told["link"]) == (f"account of {ADA}", 1)
    ran = run(folder, "forget", ADA, "--yes", "--json")
    assert (ran.code, json.loads(ran.out)["residues"]) == (0, {})
    with closing(sqlite3.connect(folder / "pixeltrack.db")) as connection:
        assert connection.execute("select text, url from links order by number").fetchall() == [
            ("", "https://shop.example/"),
            (f"account of {BO}", f"https://shop.example/me?user={BO.replace('@', '%40')}"),
        ]


# -- a file of refusals that was cut off -----------------------------------------------------------------


def test_a_refusal_after_one_that_was_cut_off_is_read(folder: Path) -> None:
    to_list(folder, "spring")
    assert run(folder, "backup", "old.bak").code == 0
    assert run(folder, "consent", "withdraw", BO).code == 0
    place = refusals.place(folder / "pixeltrack.db")
    place.write_bytes(place.read_bytes()[:-20])  # the machine went down while this was written
    stop_on_the_page(folder, "out-spring")
    acts = [each.act for each in refusals.read(folder / "pixeltrack.db")]
    assert acts == ["withdrew", "withdrew", "opted out"]
    assert run(folder, "restore", "old.bak", "--yes").code == 0


def test_a_refusal_that_was_changed_is_an_error(folder: Path) -> None:
    to_list(folder, "spring")
    assert run(folder, "consent", "withdraw", BO).code == 0
    place = refusals.place(folder / "pixeltrack.db")
    place.write_text(place.read_text().replace('"act"', '"fact"', 1))
    with pytest.raises(Exception, match="line 1 cannot be read"):
        refusals.read(folder / "pixeltrack.db")


# -- files elsewhere -------------------------------------------------------------------------------------


def left_by(folder: Path, *options: str) -> dict[str, str]:
    said = json.loads(run(folder, "forget", ADA, "--yes", "--json", *options).out)
    return {str((folder / each["path"]).relative_to(folder)): each["way"] for each in said["files"]}


def test_p9_packed_files_are_looked_into_or_said(folder: Path) -> None:
    to_list(folder, "spring")
    (folder / "kept").mkdir()
    packed: dict[str, Callable[[bytes], bytes]] = {
        "gz": gzip.compress,
        "bz2": bz2.compress,
        "xz": lzma.compress,
    }
    for ending, pack in packed.items():
        for who in ("ada", "bo"):
            (folder / "kept" / f"{who}.{ending}").write_bytes(
                pack(f"{who}.lovelace@engines.example".encode())
            )
    for who in ("ada", "bo"):
        with zipfile.ZipFile(folder / "kept" / f"{who}.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.txt", f"{who}.lovelace@engines.example" * 9)
    (folder / "kept" / "people.parquet").write_bytes(b"PAR1 and columns that are packed PAR1")
    (folder / "kept" / "broken.gz").write_bytes(gzip.compress(bytes(range(256)) * 99)[:90])
    found = left_by(folder, "--outputs", str(folder / "kept"))
    assert found == {
        **{f"kept/ada.{ending}": "by hand" for ending in (*packed, "zip")},
        **{"kept/people.parquet": "not looked into", "kept/broken.gz": "not looked into"},
    }


def test_p9_what_is_cleaned_goes_with_all_of_its_record_and_the_database_is_no_output(folder: Path) -> None:
    to_list(folder, "spring", "--format", "maildir", "--from", "news@shop.example", "--subject", "Hi")
    table = folder / "out-spring" / "own.csv"
    table.write_text(
        f'email,name\n{BO},"Bo\nof Engines"\n{ADA},"Ada\nCountess ""of"" Lovelace"\nc@x.example,C\n'
    )
    assert left_by(folder, "--outputs", str(folder), "--clean") == {}
    assert table.read_text() == f'email,name\n{BO},"Bo\nof Engines"\nc@x.example,C\n'
    assert len(list((folder / "out-spring" / "maildir" / "new").iterdir())) == 1


# -- what is said of refusals ----------------------------------------------------------------------------


def test_report_and_export_count_who_stopped_opens_or_clicks_alone_once(folder: Path) -> None:
    to_list(folder, "spring")
    with served(folder) as client:
        for place, actions in ((1, (b"stop-opens", b"stop-clicks", b"stop")), (2, (b"stop-clicks",))):
            (page,) = [path for path in urls_of(folder, "out-spring", place) if path.startswith("/p/")]
            for action in actions:
                assert client.post(page, b"action=" + action).status == "200 OK"
    said = json.loads(run(folder, "report", "--campaign", "spring", "--json").out)
    assert (said["stopped_tracking"], said["unsubscribed"]) == (2, 0)
    rows = run(folder, "export", "--people", "--campaign", "spring", "--format", "jsonl").out.splitlines()
    assert [json.loads(row)["stopped_tracking"] for row in rows] == [True, True]


def test_p5_withdrawing_opens_alone_by_command_silences_the_pixels_of_old_mail(folder: Path) -> None:
    to_list(folder, "spring")
    to_list(folder, "summer", "--mode", "pseudonymous")
    assert run(folder, "consent", "withdraw", ADA, "--purpose", "opens").code == 0
    for out in ("out-spring", "out-summer"):
        replay(folder, out)
    with closing(sqlite3.connect(folder / "pixeltrack.db")) as connection:
        kinds = connection.execute("select campaign_id, kind, count(*) from events group by 1, 2").fetchall()
    assert kinds == [(1, 2, 2), (2, 2, 2)]  # two links of each mail, no pixel
    to_list(folder, "autumn")
    assert [path[:2] for path in urls_of(folder, "out-autumn", 1)] == ["/c", "/c", "/p"]


def test_p9_who_is_only_counted_with_others_is_forgotten_too(folder: Path) -> None:
    to_list(folder, "spring", "--mode", "aggregate")
    replay(folder, "out-spring")
    ran = run(folder, "forget", ADA, "--yes", "--json", "--outputs", str(folder / "out-spring"))
    done = json.loads(ran.out)
    assert (ran.code, done["residues"], done["deleted"]) == (0, {}, {})
    assert {Path(each["path"]).name for each in done["files"]} >= {"messages.csv"}
    (folder / "list.csv").write_text(f"email,consent\n{ADA},granted\n{BO},granted\n")
    to_list(folder, "summer")
    assert [path[:2] for path in urls_of(folder, "out-summer", 1)] == ["/p"]


def test_p8_subject_of_who_was_never_mailed_has_every_part_and_nothing_in_it(folder: Path) -> None:
    to_list(folder, "spring", "--mode", "aggregate")
    ran = run(folder, "subject", "nobody@x.example", "--json")
    found = json.loads(ran.out)
    assert ran.code == 0
    assert found["subject"]["address"] == "nobody@x.example"
    assert [found[name] for name in ("recipient", "last_open_day")] == [None, None]
    parts = (
        "consents",
        "opt_outs",
        "messages",
        "silenced",
        "events",
        "repeated_events",
        "addresses",
        "links",
    )
    assert [found[name] for name in parts] == [[]] * len(parts)
    assert [each["campaign"] for each in found["cannot_be_linked"]] == ["spring"]
    assert [each["action"] for each in found["audit"]] == []


def test_p9_an_address_that_is_not_ascii_is_found_as_it_is_written_elsewhere(folder: Path) -> None:
    (folder / "list.csv").write_text("email\nAda@Bücher.example\nJosé@x.example\n")
    to_list(folder, "spring")
    (folder / "kept").mkdir()
    (folder / "kept" / "ada.txt").write_text("Ada.Lovelace@x.example, Ada@Bücher.example")
    (folder / "kept" / "jose.txt").write_text("mailto:José@X.example")
    for address, file in (("ada@xn--bcher-kva.example", "ada.txt"), ("josé@x.example", "jose.txt")):
        said = run(folder, "forget", address, "--yes", "--json", "--outputs", str(folder / "kept"))
        assert [Path(each["path"]).name for each in json.loads(said.out)["files"]] == [file]


def test_p9_forget_names_what_an_interrupted_command_has_left(folder: Path) -> None:
    to_list(folder, "spring")
    (folder / "kept").mkdir()
    assert run(folder, "backup", "old.bak").code == 0
    (folder / "old.bak").rename(folder / ".pixeltrack-0123456789ab.partial")  # as a killed backup leaves it
    begun = folder / ".out-spring.partial-abc" / "html"
    begun.mkdir(parents=True)
    (begun / "000001-abc.html").write_text(ADA)
    copies = [
        "out-spring/messages.csv",
        *(f"out-spring/html/{each.name}" for each in (folder / "out-spring" / "html").glob("000001-*")),
    ]
    assert set(left_by(folder, "--outputs", str(folder / "out-spring"))) == {
        *(".pixeltrack-0123456789ab.partial", ".out-spring.partial-abc/html/000001-abc.html", *copies)
    }
