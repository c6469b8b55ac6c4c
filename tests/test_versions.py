"""A mail in several versions: who gets which, in every format, and what the store keeps of it."""

from __future__ import annotations

import csv
import json
import mailbox
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from command import Ran, run, snapshot
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack import config, setup
from pixeltrack import inject as job
from pixeltrack.errors import InputError
from pixeltrack.simulate.mailbox import mailbox as mailbox_of
from pixeltrack.split import KEPT_BACK, Split, VersionFile, draw, parse_split, parse_versions

PAGE = (
    '<!DOCTYPE html>\r\n<html><head><title>{0}</title></head><body><p>{0}</p>\r\n<a href="https://shop.example/same">Same</a>'
    ' <a href="https://shop.example/{0}">Own</a> <a href="pixeltrack:preferences">Preferences</a></body></html>\r\n'
)
BASE = "https://track.example.com"
TWO = ("--version", "A=a.html", "B=b.html")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.html").write_bytes(PAGE.format(name).encode())
    write_list(tmp_path, 40)
    return tmp_path


def write_list(folder: Path, people: int, name: str = "list.csv", first: int = 1) -> None:
    rows = (f"p{number}@example.com,Ann{number}\n" for number in range(first, first + people))
    (folder / name).write_text("email,name\n" + "".join(rows))


def inject(folder: Path, *more: str, versions: tuple[str, ...] = TWO, code: int = 0) -> Ran:
    told = () if "--recipients" in more else ("--recipients", "list.csv")
    named = () if "--campaign" in more else ("--campaign", "x")
    ran = run(folder, "inject", *versions, *told, *named, "--base-url", BASE, *more)
    assert ran.code == code, ran.err
    return ran


def table(folder: Path, out: str = "out/x") -> list[dict[str, str]]:
    with (folder / out / "messages.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def store_of(folder: Path):
    return setup.open_workspace(
        config.load(options={"db": str(folder / "pixeltrack.db")}, environment={}), create=False
    ).store


# -- what is given ----------------------------------------------------------------------------------


def test_versions_may_follow_each_other_or_each_have_its_option(folder: Path) -> None:
    inject(folder, "--out", "one")
    inject(folder, "--out", "two", versions=("--version", "A=a.html", "--version", "B=b.html"))
    first, second = (snapshot(folder / out) for out in ("one", "two"))
    assert first == second
    assert Counter(row["version"] for row in table(folder, "one")) == {"A": 20, "B": 20}


def test_the_name_of_the_campaign_is_that_of_the_files(folder: Path) -> None:
    ran = run(folder, "inject", *TWO, "--recipients", "list.csv", "--base-url", BASE)
    assert ran.out.startswith("a-b: 40 messages in out/a-b/html\n")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (
            ("--version", "A=a.html", "B=b.html", "--split", "50/40"),
            "--split '50/40' adds up to 90, not to 100",
        ),
        (("--version", "A=a.html", "B=b.html", "--split", "50/60"), "adds up to 110, not to 100"),
        (("--version", "A=a.html", "B=b.html", "--split", "33.3/66.6"), "adds up to 99.9, not to 100"),
        (("--version", "A=a.html", "B=b.html", "--split", "100"), "has 1 share for 2 versions (A, B)"),
        (("--version", "A=a.html", "B=b.html", "--split", "20/20/60"), "has 3 shares for 2 versions (A, B)"),
        (("--version", "A=a.html", "B=b.html", "--split", "100/0"), "'0' is no share"),
        (("--version", "A=a.html", "B=b.html", "--split", "-50/150"), "'-50' is no share"),
        (("--version", "A=a.html", "B=b.html", "--split", "half/half"), "'half' is no share"),
        (("--version", "A=a.html", "B=b.html", "--split", "60/40/rest"), "leaves nothing for the rest"),
        (("--version", "A=a.html", "A=b.html"), "version A is there twice: a.html and b.html"),
        (("--version", "A=a.html", "a=b.html"), "version a is there twice"),
        (("--version", "A=a.html", "b.html"), "'b.html' is no version of the mail"),
        (("--version", "A="), "'A=' is no version of the mail"),
        (("--version", "../x=a.html"), "version name '../x' is not usable"),
        (("--version", "A=a.html", "B=none.html"), "version B: no such file: none.html"),
        (("--version", "A=a.html", "B=."), "version B: . is no single mail"),
        (("--version", "A=a.html", "B=-"), "version B is a file, not standard input"),
        (("--version", "A=a.html", "B=b.txt"), "version B is plain text, version A is HTML"),
        (("a.html", "--split", "50/50"), "--split needs --version"),
        (("--version", "A=a.html", "--undo"), "--undo takes one copy"),
    ],
)
def test_what_is_wrong_is_one_clear_error(folder: Path, argv: tuple[str, ...], says: str) -> None:
    (folder / "b.txt").write_text("plain https://shop.example/\n")
    before = snapshot(folder)
    ran = run(folder, "inject", *argv, "--recipients", "list.csv", "--base-url", BASE)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("Error: ") == 1
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ((), "--version needs --recipients"),
        (("--merge-tag", "*|X|*"), "--version and --merge-tag exclude each other"),
    ],
)
def test_without_a_list_nobody_could_be_given_a_version(
    folder: Path, more: tuple[str, ...], says: str
) -> None:
    ran = run(folder, "inject", *TWO, *more)
    assert ran.code == 2
    assert says in ran.err
    assert not (folder / "pixeltrack.db").exists()


def test_too_many_versions() -> None:
    with pytest.raises(InputError, match="27 versions are too many"):
        parse_versions([f"v{number}=a.html" for number in range(27)])


# -- the draw ---------------------------------------------------------------------------------------

splits = st.lists(st.integers(1, 100), min_size=1, max_size=6).map(
    lambda parts: Split(tuple(Fraction(100 * part, sum(parts)) for part in parts))
)
pseudonyms = st.lists(st.integers(-(2**63), 2**63 - 1), max_size=300, unique=True)


@given(pseudonyms, splits)
def test_each_version_has_its_share_to_within_one_message(people: list[int], split: Split) -> None:
    found = Counter(draw(people, split))
    for place, share in enumerate(split.shares):
        assert abs(found[place] - share * len(people) / 100) < 1
    assert sum(found.values()) == len(people)
    assert KEPT_BACK not in found


@given(pseudonyms, splits, st.randoms())
def test_the_order_of_the_list_does_not_matter(people: list[int], split: Split, chance) -> None:
    versions = dict(zip(people, draw(people, split), strict=True))
    shuffled = chance.sample(people, len(people))
    assert dict(zip(shuffled, draw(shuffled, split), strict=True)) == versions


@given(pseudonyms)
def test_what_is_beyond_the_shares_is_kept_for_later(people: list[int]) -> None:
    split = parse_split("10/15/rest", [VersionFile("A", "a"), VersionFile("B", "b")])
    assert split.rest == 75
    found = Counter(draw(people, split))
    assert abs(found[KEPT_BACK] - Fraction(75, 100) * len(people)) < 1


@pytest.mark.parametrize(
    ("given_", "sizes"),
    [
        ("20/20/60", (8, 8, 24)),
        ("33.3/33.3/33.4", (13, 14, 13)),
        (None, (13, 14, 13)),
        ("1/1/98", (0, 1, 39)),
    ],
)
def test_three_versions_and_uneven_shares(folder: Path, given_: str | None, sizes: tuple[int, ...]) -> None:
    more = ("--split", given_) if given_ else ()
    inject(folder, *more, versions=("--version", "A=a.html", "B=b.html", "C=c.html"))
    found = Counter(row["version"] for row in table(folder))
    assert sum(found.values()) == 40
    assert all(abs(found[name] - size) <= 1 for name, size in zip("ABC", sizes, strict=True)), found


def test_another_campaign_draws_anew(folder: Path) -> None:
    for name in ("x", "y"):
        inject(folder, "--campaign", name)
    x, y = ([row["version"] for row in table(folder, f"out/{name}")] for name in ("x", "y"))
    assert x != y
    assert 5 < sum(a == b for a, b in zip(x, y, strict=True)) < 35  # neither the same nor the reverse


# -- what is written --------------------------------------------------------------------------------


def copies(folder: Path, format_: str) -> list[tuple[str, bytes]]:
    """The version of each copy as its text tells, and the copy."""
    out = folder / "out" / "x"
    if format_ == "jsonl":
        lines = [json.loads(line) for line in (out / "messages.jsonl").read_text().splitlines()]
        return [(line["version"], line["html"].encode()) for line in lines]
    if format_ == "mbox":
        return [("", bytes(message)) for message in mailbox.mbox(out / "messages.mbox")]
    return [(row["version"], (out / row["file"]).read_bytes()) for row in table(folder)]


@pytest.mark.parametrize("format_", ["html", "eml", "mbox", "maildir", "jsonl"])
@pytest.mark.parametrize("personal", [False, True])
def test_each_format_that_holds_copies_holds_both_versions(
    folder: Path, format_: str, personal: bool
) -> None:
    if personal:
        for name in ("a", "b"):
            (folder / f"{name}.html").write_bytes(PAGE.format(name).replace("<p>", "<p>{{ name }} ").encode())
    more = (
        *(("--personalize",) if personal else ()),
        *(("--from", "Shop <n@shop.example>") if format_ not in ("html", "jsonl") else ()),
    )
    inject(folder, "--format", format_, *more)
    found = copies(folder, format_)
    assert len(found) == 40
    rows = table(folder)
    for row, (version, content) in zip(rows, found, strict=True):
        mine, other = (b"<title>a</title>", b"<title>b</title>")[:: 1 if row["version"] == "A" else -1]
        assert mine in content and other not in content
        assert version in ("", row["version"])
        assert (b"<p>Ann" in content) == personal
        if format_ in ("eml", "maildir", "mbox"):  # the subject is the version's own <title>
            assert f"Subject: {row['version'].lower()}".encode() in content
    assert Counter(row["version"] for row in rows) == {"A": 20, "B": 20}


def test_plain_text_has_versions(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text(f"{name}: https://shop.example/{name}\n")
    inject(folder, versions=("--version", "A=a.txt", "B=b.txt"))
    for row in table(folder):
        assert (folder / "out/x" / row["file"]).read_text().startswith(row["version"].lower())


def test_messages_have_versions(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / f"{name}.eml").write_bytes(
            f"From: n@shop.example\r\nSubject: {name}\r\nContent-Type: text/html\r\n\r\n".encode()
            + PAGE.format(name).encode()
        )
    inject(folder, versions=("--version", "A=a.eml", "B=b.eml"))
    for row in table(folder):
        content = (folder / "out/x" / row["file"]).read_text()
        assert f"Subject: {row['version'].lower()}\n" in content
        assert f"To: {row['email']}" in content


@pytest.mark.parametrize("format_", [("recipe",), ("esp", "--esp", "mailchimp")])
def test_templates_and_tables_are_each_versions_own(folder: Path, format_: tuple[str, ...]) -> None:
    (folder / "list.csv").write_text(
        "email,consent\n"
        + "".join(f"p{n}@example.com,{'denied' if n % 2 else 'granted'}\n" for n in range(40))
    )
    inject(folder, "--format", *format_)
    out = folder / "out" / "x"
    people: list[str] = []
    for version in ("A", "B"):
        assert f"<title>{version.lower()}</title>" in (out / f"template.{version}.html").read_text()
        assert BASE + "/c/" not in (out / f"untracked.{version}.html").read_text()
        for name in ("upload", "upload-untracked"):
            with (out / f"{name}.{version}.csv").open() as file:
                rows = list(csv.reader(file))[1:]
            people += [row[0] for row in rows]
    assert sorted(people) == sorted(f"p{n}@example.com" for n in range(40))
    inject(folder, "--format", "html", "--force")  # nothing of the former run is left
    assert sorted(path.name for path in out.iterdir()) == ["html", "manifest.json", "messages.csv"]


def test_a_folder_with_a_file_of_the_users_own_is_left_alone(folder: Path) -> None:
    write_list(folder, 1, "one.csv")
    inject(folder, "--recipients", "one.csv", versions=("a.html",))
    (folder / "out/x/upload.A.csv").write_text("mine")
    ran = inject(folder, "--format", "recipe", "--only-new", "--force", code=2)
    assert "has a upload.A.csv that pixeltrack did not write" in ran.err
    assert (folder / "out/x/upload.A.csv").read_text() == "mine"


@pytest.mark.parametrize("format_", ["html", "eml", "maildir"])
def test_every_copy_can_be_undone(folder: Path, format_: str) -> None:
    more = () if format_ == "html" else ("--from", "Shop <n@shop.example>")
    inject(folder, "--format", format_, *more)
    for row in table(folder)[:8]:
        ran = run(folder, "inject", f"out/x/{row['file']}", "--undo")
        assert ran.code == 0, ran.err
        mine = (folder / f"{row['version'].lower()}.html").read_bytes()
        assert (
            ran.raw == mine if format_ == "html" else f"Subject: {row['version'].lower()}".encode() in ran.raw
        )


def test_options_for_links_work_in_versions(folder: Path) -> None:
    inject(
        *(folder, "--bind-links", "--readable", "--honeypot"),
        *("--utm", "source=news,content={version}"),
    )
    store = store_of(folder)
    campaign = store.campaign("x")
    urls = {(row.version, row.role, row.url) for row in store.links(campaign.campaign_id)}
    store.close()
    assert urls == {
        *(
            (at, "link", f"https://shop.example/same?utm_source=news&utm_content={name}")
            for at, name in ((1, "A"), (2, "B"))
        ),
        *(
            (at, "link", f"https://shop.example/{name.lower()}?utm_source=news&utm_content={name}")
            for at, name in ((1, "A"), (2, "B"))
        ),
        *((at, "honeypot", f"{BASE}/privacy") for at in (1, 2)),
    }


def test_a_look_ahead_shows_both_versions(folder: Path) -> None:
    before = snapshot(folder)
    shown = inject(folder, "--dry-run")
    assert shown.out.count("https://shop.example/same") == 2
    assert "a.html" in shown.out and "b.html" in shown.out
    assert inject(folder, "--diff").out.count("shop.example/same") >= 2
    assert snapshot(folder) == before


def test_the_summary_says_what_each_version_is(folder: Path) -> None:
    said = json.loads(inject(folder, "--json", "--split", "25/75").out)
    assert said["messages"] == 40
    assert [(each["name"], each["messages"], each["wrapped"]) for each in said["versions"]] == [
        ("A", 10, 2),
        ("B", 30, 2),
    ]
    lines = inject(folder, "--out", "again").out.splitlines()
    assert "  people  40 keep the version that they were given before" in lines
    assert lines[-1] == "pixeltrack report --campaign x --ab  compares the versions."


def test_what_may_be_wrong_is_said_once_or_with_the_version(folder: Path) -> None:
    (folder / "b.html").write_bytes(
        PAGE.format("b").replace("https://shop.example/b", "http://shop.example/b").encode()
    )
    warnings = [line for line in inject(folder).err.splitlines() if line.startswith("Warning: ")]
    assert sum("only image in a short mail" in line for line in warnings) == 1
    (plain,) = (line for line in warnings if "http://shop.example/b" in line or "unencrypted" in line)
    assert plain.startswith("Warning: version B: ")


def test_link_tables_say_the_version(folder: Path) -> None:
    inject(folder)
    said = json.loads(run(folder, "links", "--campaign", "x", "--json").out)
    assert {(link["version"], link["destination"]) for link in said["links"]} == {
        *((name, "https://shop.example/same") for name in "AB"),
        *(("A", "https://shop.example/a"), ("B", "https://shop.example/b")),
    }
    shown = run(folder, "links", "--campaign", "x", COLUMNS="100").out
    assert "version" in shown
    inject(folder, "--campaign", "y", versions=("a.html",))
    assert "version" not in run(folder, "links", "--campaign", "y", COLUMNS="100").out
    assert "version" not in json.loads(run(folder, "links", "--campaign", "y", "--json").out)["links"][0]


def test_copies_of_versions_can_be_played_on(folder: Path) -> None:
    """A simulation follows the links that each copy has, as far as all versions have them."""
    (folder / "b.html").write_bytes(
        PAGE.format("b").replace("</body>", '<a href="https://shop.example/more">More</a></body>').encode()
    )
    inject(folder, "--honeypot")
    box = mailbox_of(folder / "out" / "x")
    assert (box.links, box.honeypot, len(box.copies)) == (2, True, 40)
    for copy, row in zip(box.copies, table(folder), strict=True):
        mail = (folder / "out/x" / row["file"]).read_text()
        assert len(copy.links) == 3
        assert all(url in mail for url in copy.links)
        assert f'<a href="{copy.links[2]}" tabindex="-1"' in mail  # the hidden one


# -- what is stored ---------------------------------------------------------------------------------


def placings(folder: Path) -> dict[str, tuple[int, int]]:
    """Version and batch of each address."""
    store = store_of(folder)
    campaign = store.campaign("x")
    found = {
        store.owner(campaign.code, each.message).identity: (each.version, each.batch)
        for each in store.placings(campaign.campaign_id)
    }
    store.close()
    return found


def test_messages_and_links_carry_their_version(folder: Path) -> None:
    inject(folder)
    store = store_of(folder)
    campaign = store.campaign("x")
    links = store.links(campaign.campaign_id)
    assert store.versions(campaign.campaign_id) == {1: "A", 2: "B"}
    assert len({row.number for row in links}) == len(links) == 4
    assert {(row.version, row.url) for row in links} == {
        *((at, "https://shop.example/same") for at in (1, 2)),
        *((1, "https://shop.example/a"), (2, "https://shop.example/b")),
    }
    store.close()
    told = {row["email"]: ({"A": 1, "B": 2}[row["version"]], 1) for row in table(folder)}
    assert placings(folder) == told
    numbers = {row.number: row.version for row in links}
    for row in table(folder):  # each copy has its own version's numbers
        copy = (folder / "out/x" / row["file"]).read_text()
        used = {numbers[int(part.split("/")[0])] for part in copy.split(f"/c/{campaign.code}/")[1:]}
        assert used == {{"A": 1, "B": 2}[row["version"]]}


def test_the_same_run_again_changes_nothing(folder: Path) -> None:
    inject(folder)
    first = placings(folder), table(folder)
    inject(folder, "--force")
    assert (placings(folder), table(folder)) == first


def test_who_had_a_version_keeps_it_when_the_list_has_grown(folder: Path) -> None:
    inject(folder, "--split", "30/70")
    before = placings(folder)
    write_list(folder, 100)
    inject(folder, "--force", "--split", "80/20")
    after = placings(folder)
    assert {address: after[address] for address in before} == before
    assert Counter(batch for _version, batch in after.values()) == {1: 40, 2: 60}


def test_a_test_and_then_the_winner_for_everybody_else(folder: Path) -> None:
    told = inject(folder, "--split", "10/10/rest").out
    assert "people  32 left out: kept for later (--split)" in told
    tested = {row["email"]: row["version"] for row in table(folder)}
    assert Counter(tested.values()) == {"A": 4, "B": 4}
    told = inject(folder, "--only-new", "--out", "out/winner", versions=("--version", "B=b.html")).out
    assert "people  8 left out: has a message of this campaign already" in told
    rest = {row["email"] for row in table(folder, "out/winner")}
    assert len(rest) == 32 and not rest & tested.keys()
    found = placings(folder)
    assert Counter(found.values()) == {(1, 1): 4, (2, 1): 4, (2, 2): 32}
    store = store_of(folder)
    assert len(store.links(store.campaign("x").campaign_id)) == 4  # the winner's links keep their numbers
    store.close()
    none = inject(folder, "--only-new", "--out", "out/none", versions=("--version", "B=b.html"), code=1)
    assert "everybody in list.csv has a message of this campaign already" in none.err


def test_nobody_gets_another_version_than_before(folder: Path) -> None:
    inject(folder)
    before = placings(folder)
    ran = inject(folder, "--out", "o2", versions=("--version", "B=b.html"), code=2)
    first_a = next(line for line, row in enumerate(table(folder), start=2) if row["version"] == "A")
    assert f"list.csv line {first_a}: " in ran.err and "was given version A before" in ran.err
    ran = inject(folder, "--out", "o3", versions=("a.html",), code=2)
    assert "was given version" in ran.err
    (folder / "to.eml").write_bytes(
        b"From: a@b.example\r\nTo: p1@example.com\r\nContent-Type: text/html\r\n\r\n<p>x</p>\r\n"
    )
    ran = run(folder, "inject", "to.eml", "--campaign", "x", "--out", "o4")
    assert ran.code == 2
    assert "campaign 'x' has versions (A, B)" in ran.err
    assert placings(folder) == before


def test_a_campaign_without_versions_does_not_get_them_for_the_same_people(folder: Path) -> None:
    inject(folder, versions=("a.html",))
    assert "was given this campaign's mail without versions before" in inject(folder, "--force", code=2).err
    write_list(folder, 10, "new.csv", first=100)
    inject(folder, "--recipients", "new.csv", "--out", "o2")
    assert Counter(placings(folder).values()) == {(0, 1): 40, (1, 2): 5, (2, 2): 5}


def test_only_new_works_without_versions(folder: Path) -> None:
    inject(folder, versions=("a.html",))
    write_list(folder, 50)
    inject(folder, "--only-new", "--out", "o2", versions=("a.html",))
    assert [row["email"] for row in table(folder, "o2")] == [f"p{n}@example.com" for n in range(41, 51)]
    assert "version" not in table(folder, "o2")[0]


def test_copies_for_trying_out_are_not_stored(folder: Path) -> None:
    inject(folder, "--test")
    assert Counter(row["version"] for row in table(folder, "out/x-test")) == {"A": 20, "B": 20}
    assert placings(folder) == {}


def test_a_run_that_failed_while_storing_does_not_count_as_sent(folder: Path, monkeypatch) -> None:
    from pixeltrack.store.people import People

    put, calls = People._put_messages, []

    def failing(self, *given, **named):
        calls.append(1)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return put(self, *given, **named)

    monkeypatch.setattr("pixeltrack.store.people._CHUNK", 10)
    with monkeypatch.context() as patch:
        patch.setattr(People, "_put_messages", failing)
        inject(folder, code=1)
    assert len(placings(folder)) == 10
    assert not (folder / "out").exists()
    inject(folder, "--only-new")  # to those ten, too: they never had a file
    assert len(table(folder)) == 40
    assert Counter(placings(folder).values()) == {(1, 2): 20, (2, 2): 20}


@pytest.mark.parametrize("format_", ["html", "recipe", "jsonl"])
def test_a_resumed_run_gives_the_same_bytes(folder: Path, format_: str, monkeypatch) -> None:
    monkeypatch.setattr(job, "_CHECKPOINT", 10)
    more = ("--format", format_, "--split", "30/50/rest")
    inject(folder, *more, "--out", "whole")
    whole = snapshot(folder / "whole")
    (folder / "pixeltrack.db").unlink()

    def stop(step):
        def at(done: int) -> None:
            if done == 25:
                raise KeyboardInterrupt
            step(done)

        return at

    import pixeltrack.cli.running as running

    real = running.inject_list
    with monkeypatch.context() as patch:
        patch.setattr(
            running, "inject_list", lambda *a, **k: real(*a[:6], stop(a[6] or (lambda _: None)), *a[7:], **k)
        )
        stopped = inject(folder, *more, "--out", "resumed", code=130)
    assert "goes on after 20 copies" in stopped.err
    other = inject(folder, *more[:3], "50/30/rest", "--out", "resumed", "--resume", code=2)
    assert "of another mail, list or setting" in other.err
    assert "resumed after 20" in inject(folder, *more, "--out", "resumed", "--resume").out
    assert snapshot(folder / "resumed") == whole


def test_a_manifest_names_no_files_elsewhere(folder: Path) -> None:
    """Names of versions in a manifest become names of files that --force removes."""
    inject(folder)
    manifest = folder / "out/x/manifest.json"
    record = json.loads(manifest.read_text())
    record["versions"]["/../../../precious"] = {}
    manifest.write_text(json.dumps(record))
    (folder / "out/x/upload.").mkdir()
    (folder / "precious.csv").write_text("mine")
    inject(folder, "--force")
    assert (folder / "precious.csv").read_text() == "mine"
