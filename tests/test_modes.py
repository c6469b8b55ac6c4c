"""Modes from the list to the counters: what each copy holds, what a hit of it leaves, and what it does not."""

from __future__ import annotations

import json
import quopri
import re
import sqlite3
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from command import Ran, run
from conftest import BASE, CHROME, MAIL, START, Client, Clock, Inject, clients, people

from pixeltrack.accesslog import reader
from pixeltrack.copies import variant_of
from pixeltrack.errors import InputError, StoreError
from pixeltrack.headerfacts import Said
from pixeltrack.inject import Summary
from pixeltrack.links import Policy
from pixeltrack.loghits import LogHits
from pixeltrack.model import MODES, ClientClass, Event, EventKind, Flag, Mode
from pixeltrack.recorder import Recorder
from pixeltrack.setup import Workspace
from pixeltrack.spool import Spool
from pixeltrack.urls import addresses
from pixeltrack.utm import parse as tags

FREE: frozenset[Mode] = frozenset({"aggregate", "company", "hygiene"})
HOUR = 3_600_000
BOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
PAIRS = [pair for pair in product(MODES, MODES) if pair[1] != "hygiene"]
OURS = re.compile(rf"{BASE}/([oc])/[a-z2-7]{{8}}/(?:\d+/)?([\w-]{{28}})".encode())


def rows(workspace: Workspace, statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(workspace.store.path)) as database:
        return database.execute(statement).fetchall()


def mails(summary: Summary) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (summary.out / "messages.jsonl").read_text().splitlines()]


def paths(summary: Summary) -> list[tuple[list[str], list[str]]]:
    """The paths of each copy's pixel, and of its links, in the order of the list."""
    found = []
    for mail in mails(summary):
        urls = re.findall(rf"{BASE}(/[oc]/[\w/.-]+)", mail["html"])
        found.append(([url for url in urls if url[1] == "o"], [url for url in urls if url[1] == "c"]))
    return found


def events(workspace: Workspace) -> int:
    return int(rows(workspace, "select count(*) from events")[0][0])


# -- copies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("opens", "clicks"), PAIRS)
def test_a_copy_has_what_its_modes_say_and_nothing_else(
    inject: Inject, workspace: Workspace, opens: Mode, clicks: Mode
) -> None:
    made = inject("ann@x.example", opens=opens, clicks=clicks, free=FREE, format="jsonl")
    ((pixels, links),) = paths(made)
    assert bool(pixels) == (opens != "off")
    assert bool(links) == (clicks != "off")
    kinds = {"individual": "message"}
    # one person is no company: five are
    expected = {mode: kinds.get(mode, mode) for mode in MODES} | {"company": "aggregate"}
    keyring = workspace.keyring
    for path in pixels:
        tracked = keyring.verify_tracking(made.code, path.split("/")[-1][:-4])
        assert tracked is not None
        assert tracked.kind == expected[opens]
    for path in links:
        tracked = keyring.verify_tracking(made.code, path.split("/")[-1], int(path.split("/")[3]))
        assert tracked is not None
        assert tracked.kind == expected[clicks]


def test_no_row_of_a_person_where_all_are_counted_together(inject: Inject, workspace: Workspace) -> None:
    for opens, clicks in PAIRS:
        rowless = {opens, clicks} <= {"off", "aggregate", "company"}
        name = f"{opens}-{clicks}"
        inject("ann@x.example", campaign=name, opens=opens, clicks=clicks, free=FREE)
        number = workspace.store.campaign(name).campaign_id
        assert workspace.store.message_counts(number)[0] == (0 if rowless else 1), name
        assert len(list(workspace.store.crowds(number))) == (1 if rowless else 0), name
        assert workspace.store.copies(number) == 1, name


def test_in_aggregate_mode_all_copies_are_the_same_but_for_the_recipients_own_pages(
    inject: Inject,
) -> None:
    """Condition A1: one URL for everybody."""
    mail = MAIL.replace(b"</body>", b'<a href="pixeltrack:preferences">p</a></body>')
    made = inject(
        *(f"p{n}@x{n % 7}.example" for n in range(1_000)),
        mail=mail, opens="aggregate", clicks="aggregate", free=FREE, format="jsonl",
    )  # fmt: skip
    found = paths(made)
    assert len({pixels[0] for pixels, _links in found}) == 1
    assert len({tuple(links) for _pixels, links in found}) == 1
    own = re.compile(rf"{BASE}/[pu]/[\w-]{{48}}")
    assert len({own.sub("", each["html"]) for each in mails(made)}) == 1
    assert len({each["preferences_url"] for each in mails(made)}) == 1_000


def test_groups_of_five_are_counted_by_company_and_smaller_ones_with_everybody(
    inject: Inject, workspace: Workspace
) -> None:
    big = people(*(f"p{n}@big.example" for n in range(5)), industry="steel", size="50", region="north")
    named = people(*(f"p{n}@gmail.com" for n in range(5)), company="Named Ltd")
    small = people(*(f"p{n}@small.example" for n in range(4)))
    free = people(*(f"q{n}@gmail.com" for n in range(6)))
    made = inject(
        recipients=[*big, *named, *small, *free], opens="company", clicks="company", free=FREE, format="jsonl"
    )
    stored = rows(
        workspace, "select company, industry, size, region, recipients from crowds order by company"
    )
    assert stored == [
        ("", "", "", "", 10),
        ("Named Ltd", "", "", "", 5),
        ("big.example", "steel", "50", "north", 5),
    ]
    assert len({pixels[0] for pixels, _links in paths(made)}) == 3
    reasons = {decision.reason: people for decision, people in made.modes.items()}
    assert sorted(reasons.values()) == [4, 6, 10]
    assert rows(workspace, "select count(*) from recipients") == [(0,)]


def test_the_same_list_again_does_not_double_its_crowd(inject: Inject, workspace: Workspace) -> None:
    names = [f"p{n}@x.example" for n in range(7)]
    given = {"opens": "aggregate", "clicks": "aggregate", "free": FREE, "campaign": "spring"}
    inject(*names, **given)  # type: ignore[arg-type]
    inject(*reversed(names), **given, format="jsonl")  # type: ignore[arg-type]
    assert rows(workspace, "select recipients from crowds") == [(7,)]


def test_a_campaigns_modes_stay(inject: Inject) -> None:
    """Condition A3: nothing is joined later; what a campaign measures is decided with its first mail."""
    inject("ann@x.example", opens="aggregate", clicks="off", free=FREE)
    with pytest.raises(InputError, match="opens aggregate, clicks off, which cannot be changed"):
        inject("ann@x.example", opens="individual", free=FREE)
    again = inject("ann@x.example", format="jsonl")  # nothing was asked for: as the campaign is
    ((pixels, links),) = paths(again)
    assert (len(pixels), len(links)) == (1, 0)


def test_links_that_lead_each_reader_elsewhere_need_somebody_who_is_known(inject: Inject) -> None:
    mail = b'<html><body><a href="https://shop.example/{{ name }}">x</a></body></html>'
    links = Policy(addresses(BASE).owns, fields=frozenset({"name"}))
    with pytest.raises(InputError, match="filled in for each recipient"):
        inject(
            recipients=people("ann@x.example", name="Ann"), mail=mail, links=links, personalize=True,
            opens="aggregate", clicks="aggregate", free=FREE,
        )  # fmt: skip


# -- P2 and P13: what is left of a copy without its axis --------------------------------------------------


@pytest.mark.parametrize("listed", ["both", "opens", "clicks", "neither"])
def test_every_mail_of_the_corpus_in_every_kind_of_copy(
    listed: str, inject: Inject, corpus: list[Path], workspace: Workspace
) -> None:
    """P2 and P13: an axis that is refused leaves the source's own bytes; what a reader sees is always the same."""
    opens = "granted" if listed in ("both", "opens") else "denied"
    clicks = "granted" if listed in ("both", "clicks") else "denied"
    checked = 0
    for place, file in enumerate(corpus):
        source = file.read_bytes()
        given = [each._replace(opens=opens, clicks=clicks) for each in people("ann@x.example")]  # type: ignore[arg-type]
        try:
            made = inject(recipients=given, mail=source, campaign=f"{listed}{place}")
        except InputError:
            continue
        (copy,) = (made.out / "html").iterdir()
        written = copy.read_bytes()
        kinds = {kind for kind, _token in OURS.findall(written)}
        assert b"o" not in kinds or opens == "granted"
        assert b"c" not in kinds or clicks == "granted"
        if listed == "neither":
            assert written == source
        taken = re.sub(rb'<img src="' + BASE.encode() + rb"/o/[^>]*>", b"", written)
        assert listed != "opens" or taken == source
        if place % 5 == 0:
            assert seen(written) == seen(source)
        checked += 1
    assert checked > 20


def seen(mail: bytes) -> str:
    return BeautifulSoup(mail, "html.parser").get_text()


# -- hits ------------------------------------------------------------------------------------------------


def test_ten_thousand_hits_in_aggregate_mode_leave_numbers_alone(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock
) -> None:
    """Condition A2: no row but counters, and none of what was sent is anywhere in the database's bytes."""
    made = inject(
        *(f"p{n}@x.example" for n in range(50)),
        opens="aggregate",
        clicks="aggregate",
        free=FREE,
        format="jsonl",
    )
    (pixel, *_), (link, *_) = paths(made)[0]
    tables = [name for (name,) in rows(workspace, "select name from sqlite_master where type = 'table'")]
    before = {name: rows(workspace, f"select count(*) from {name}") for name in tables}
    agents = [f"{CHROME} Telltale/{n}.77" for n in range(100)]
    for n in range(10_000):
        client.environ = {"REMOTE_ADDR": f"198.51.100.{n % 250}", "HTTP_USER_AGENT": agents[n % 100]}
        clock.now = START + n * 1_000
        client.get(pixel if n % 4 else link)
    after = {name: rows(workspace, f"select count(*) from {name}") for name in tables}
    assert {name for name in tables if before[name] != after[name]} <= {"counters", "commits"}
    assert after["commits"] == [(1,)]  # the last number of a commit, by process
    hours = rows(workspace, "select hour, kind, class, sum(hits) from counters group by 1, 2, 3")
    assert sum(hits for *_place, hits in hours) == 10_000
    assert all(hour % HOUR == 0 for hour, *_rest in hours)
    assert {kind: sum(h for _hour, k, _c, h in hours if k == kind) for kind in (1, 2)} == {1: 7_500, 2: 2_500}
    path = workspace.store.path
    files = [path, *path.parent.glob(f"{path.name}-*")]
    content = b"".join(file.read_bytes() for file in files if file.is_file())
    token = pixel.split("/")[-1][:-4].encode()
    for sent in (b"198.51.100.", b"Telltale", b"Chrome/", token, link.encode()):
        assert sent not in content


def test_company_hits_are_counted_by_group_and_class(
    inject: Inject, workspace: Workspace, client: Client
) -> None:
    made = inject(
        *(f"p{n}@big.example" for n in range(5)), opens="company", clicks="company", free=FREE, format="jsonl"
    )
    (pixel, *_), (link, *_) = paths(made)[0]
    for agent, address in ((CHROME, "80.1.2.3"), (PHONE, "80.1.2.3"), (BOT, "80.1.2.3")):
        client.environ = {"HTTP_USER_AGENT": agent, "REMOTE_ADDR": address}
        client.get(pixel)
    client.environ["HTTP_SEC_GPC"] = "1"
    client.get(link)
    ((group,),) = rows(workspace, "select crowd from crowds")
    assert group != 0
    found = set(rows(workspace, "select crowd, kind, class from counters"))
    classes = (ClientClass.COMPUTER, ClientClass.PHONE, ClientClass.MACHINE)
    assert found == {*((group, 1, each) for each in classes), (0, 2, ClientClass.MACHINE)}
    assert events(workspace) == 0


@pytest.mark.parametrize(("mode", "table"), [("aggregate", "counters"), ("company", "counters")])
def test_the_fast_lane_counts_what_the_other_counts(
    mode: Mode, table: str, inject: Inject, workspace: Workspace, client: Client
) -> None:
    made = inject(
        *(f"p{n}@big.example" for n in range(5)), opens=mode, clicks=mode, free=FREE, format="jsonl"
    )
    (pixel, *_), (link, *_) = paths(made)[0]
    client.environ = {"REMOTE_ADDR": "80.1.2.3"}
    client.get(pixel)
    client.get(link)
    one = rows(workspace, f"select crowd, hour, kind, link, class, hits from {table}")
    said, plain = Said({b"accept": b"*/*"}), Said({b"dnt": b"1"})
    assert client.app.hit(made.code, 0, pixel.split("/")[-1][:-4], CHROME, said, "80.1.2.3") == b""
    token = link.split("/")[-1]
    assert client.app.hit(made.code, 1, token, CHROME, said, "80.1.2.3")
    client.app.recorder.commit()
    two = rows(workspace, f"select crowd, hour, kind, link, class, hits from {table}")
    assert two == [(*row[:-1], 2) for row in one]
    assert client.app.hit(made.code, 1, token, CHROME, plain, "80.1.2.3") is None  # takes the other lane


def test_hygiene_keeps_one_day_and_machines_do_not_make_it_later(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock
) -> None:
    made = inject("ann@x.example", "bob@x.example", opens="hygiene", clicks="off", free=FREE, format="jsonl")
    (pixel,), links = paths(made)[0]
    assert links == []
    client.environ = {"HTTP_USER_AGENT": CHROME, "REMOTE_ADDR": "80.1.2.3"}
    day = 24 * HOUR
    for later, agent in ((0, CHROME), (2, CHROME), (9, BOT)):
        clock.now = START + later * day
        client.environ["HTTP_USER_AGENT"] = agent
        client.get(pixel)
    found = rows(workspace, "select identity, day from last_opens join recipients using (recipient_id)")
    assert found == [("ann@x.example", (START + 2 * day) // day)]
    assert events(workspace) == 0
    assert rows(workspace, "select count(*) from counters") == [(0,)]


def test_a_pseudonymous_hit_is_a_row_that_leads_to_nobody_and_falls_silent_with_the_person(
    inject: Inject, workspace: Workspace, client: Client
) -> None:
    made = inject("ann@x.example", opens="pseudonymous", clicks="pseudonymous", free=FREE, format="jsonl")
    ((pixels, links),) = paths(made)
    client.get(pixels[0])
    client.get(links[0])
    assert events(workspace) == 2
    unknown = "select count(*) from events where message in (select message from messages)"
    assert rows(workspace, unknown) == [(0,)]
    assert rows(workspace, "select opens, clicks, tracked from messages") == [(4, 4, 1)]
    (mail,) = mails(made)
    client.post(mail["preferences_url"].removeprefix(BASE), b"action=stop-opens")
    client.get(pixels[0])
    client.get(links[0])
    assert rows(workspace, "select kind, count(*) from events group by kind") == [(1, 1), (2, 2)]


def test_a_browser_that_asks_not_to_be_followed_is_counted_and_gets_no_tags(
    inject: Inject, workspace: Workspace, client: Client
) -> None:
    links = Policy(addresses(BASE).owns, utm=tags("source=news", "--utm"))
    made = inject("ann@x.example", links=links, format="jsonl")
    (_pixel, (link, *_)) = paths(made)[0]
    assert "utm_source=news" in client.get(link).headers["Location"]
    for header in ("HTTP_SEC_GPC", "HTTP_DNT"):
        client.environ = {header: "1", "HTTP_USER_AGENT": CHROME}
        assert "utm_" not in client.get(link).headers["Location"]
    assert events(workspace) == 1
    assert rows(workspace, "select crowd, kind, link, sum(hits) from counters") == [(0, 2, 1, 2)]
    (mail,) = mails(made)
    client.post(mail["preferences_url"].removeprefix(BASE), b"action=stop")
    client.get(link)
    assert rows(workspace, "select sum(hits) from counters") == [(2,)]


def test_who_has_no_row_unsubscribes_and_stops_tracking_of_earlier_mail(
    inject: Inject, workspace: Workspace, client: Client
) -> None:
    earlier = inject("ann@x.example", campaign="earlier", format="jsonl")
    ((pixels, _links),) = paths(earlier)
    made = inject(
        "ann@x.example", campaign="later", opens="aggregate", clicks="aggregate", free=FREE, format="jsonl"
    )
    (mail,) = mails(made)
    page = mail["preferences_url"].removeprefix(BASE)
    assert len(page) == len("/p/") + 48
    assert client.get(page).status == "200 OK"
    client.post(page, b"action=stop")
    client.get(pixels[0])
    assert events(workspace) == 0
    client.post(mail["list_unsubscribe"].strip("<>").removeprefix(BASE), b"List-Unsubscribe=One-Click")
    both = inject("ann@x.example", "bob@x.example", campaign="third")
    assert {each.reason for each in both.modes} == {"unsubscribed", "consent granted"}


# -- how it gets there -----------------------------------------------------------------------------------


def test_a_counted_hit_of_a_commit_that_failed_and_was_made_is_counted_once(
    workspace: Workspace, inject: Inject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A count does not tell whether it was added to: the mark of its commit does."""
    inject("ann@x.example", opens="aggregate", clicks="aggregate", free=FREE)
    store = workspace.store
    event = Event(START, 1, EventKind.OPEN, 0, 0, "", Flag.COUNTED | ClientClass.PHONE * Flag.CLASS)
    recorder = Recorder(store, Spool(store.path))
    real = store.put_events

    def stored_and_failed(*given: Any, **more: Any) -> None:
        real(*given, **more)
        store.doubt = store._marked
        store._mark.renew()
        raise StoreError("the disk said no, and had done it")

    monkeypatch.setattr(store, "put_events", stored_and_failed)
    recorder.add(event)
    recorder.commit()
    monkeypatch.setattr(store, "put_events", real)
    recorder.add(event)
    while recorder.unstored:
        recorder.flush()
    recorder.close()
    assert rows(workspace, "select crowd, kind, link, class, hits from counters") == [
        (0, 1, 0, ClientClass.PHONE, 2)
    ]


def test_counted_hits_wait_in_the_spool_with_nothing_of_anybody(
    workspace: Workspace, inject: Inject, client: Client
) -> None:
    made = inject("ann@x.example", opens="aggregate", clicks="aggregate", free=FREE, format="jsonl")
    ((pixels, _links),) = paths(made)
    with closing(sqlite3.connect(workspace.store.path, isolation_level=None)) as other:
        other.execute("begin immediate")
        client.environ = {"REMOTE_ADDR": "198.51.100.7"}
        client.get(pixels[0])
        (waiting,) = workspace.store.path.parent.glob("*.spool-*")
        text = waiting.read_text()
        assert not re.search(r"198\.51|Mozilla|Chrome", text)
        assert json.loads(text)[0] % HOUR == 0
        other.execute("rollback")
    client.app.recorder._ask_again = 0.0  # as if a while had passed
    client.app.recorder.flush()
    assert rows(workspace, "select sum(hits) from counters") == [(1,)]


@pytest.mark.parametrize("mode", ["aggregate", "hygiene", "pseudonymous"])
def test_a_log_is_measured_as_the_requests_would_have_been(
    mode: Mode, inject: Inject, workspace: Workspace
) -> None:
    clicks: Mode = "off" if mode == "hygiene" else mode
    made = inject("ann@x.example", opens=mode, clicks=clicks, free=FREE, format="jsonl")
    ((pixels, links),) = paths(made)
    lines = "".join(
        f'80.1.2.3 - - [25/Nov/2026:10:00:0{at} +0000] "GET {path} HTTP/1.1" {status} 43 "-" "{CHROME}"\n'
        for at, (path, status) in enumerate([(pixels[0], 200), *((link, 302) for link in links)])
    )
    found = LogHits(reader("combined"), workspace.store, workspace.keyring, clients(workspace))
    found.read(lines.encode())
    workspace.store.put_events([Event._make(each) for each in found.events])
    counted = rows(workspace, "select count(*) from counters")[0][0]
    days = rows(workspace, "select count(*) from last_opens")[0][0]
    assert (events(workspace), counted, days) == {
        "aggregate": (0, 1 + len(links), 0),
        "hygiene": (0, 0, 1),
        "pseudonymous": (1 + len(links), 0, 0),
    }[mode]


# -- by the command ---------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "m.html").write_bytes(MAIL)
    listed = "email,consent_opens,consent_clicks\n" + "".join(
        f"{name}@x.example,{opens},{clicks}\n"
        for name, opens, clicks in (
            ("both", "yes", "yes"),
            ("o", "yes", "no"),
            ("c", "no", "yes"),
            ("n", "no", "no"),
        )
    )
    (tmp_path / "list.csv").write_text(listed)
    return tmp_path


def made_by(folder: Path, *options: str) -> Ran:
    return run(folder, "inject", "m.html", "--base-url", BASE, *options)


@pytest.mark.parametrize(
    ("settings_text", "options", "said"),
    [
        ("", ["--clicks", "hygiene"], "clicks cannot be measured in hygiene mode"),
        ('opens = "aggregate"', ["--mode", "individual"], "more than the settings allow"),
        ('clicks = "off"', ["--clicks", "aggregate"], "more than the settings allow"),
        ("", ["--without-consent", "individual"], "does not allow individual without consent"),
        ("", ["--mode", "aggregate", "--without-consent", "company"], "more than the campaign may have"),
        ('preset = "strict"', ["--without-consent", "aggregate"], "preset 'strict' does not allow aggregate"),
        ('preset = "it"', ["--without-consent", "company"], "preset 'it' does not allow company"),
        ('preset = "eu"', ["--without-consent", "hygiene"], "preset 'eu' does not allow hygiene"),
        ('preset = "fr"', ["--mode", "aggregate"], "only for mail that was asked for"),
        ('preset = "fr"', ["--mode", "hygiene", "--mail-basis", "cold"], "only for mail that was asked for"),
    ],
)
def test_what_the_settings_do_not_allow_is_an_error_with_a_hint(
    folder: Path, settings_text: str, options: list[str], said: str
) -> None:
    """Condition A7 among others: in France nothing is counted in mail that nobody asked for."""
    (folder / "pixeltrack.toml").write_text(f"[consent]\n{settings_text}\n")
    done = made_by(folder, "--recipients", "list.csv", *options)
    assert done.code == 2
    assert said in done.err
    assert "Hint: " in done.err
    assert not (folder / "out").exists()


def test_how_many_fell_into_each_pair_of_modes_is_printed(folder: Path) -> None:
    done = made_by(folder, "--recipients", "list.csv")
    assert done.code == 0, done.err
    for line in (
        "people  1 tracked: consent granted",
        "people  1 opens individual, clicks off: opens: consent granted; clicks: consent denied",
        "people  1 opens off, clicks individual: opens: consent denied; clicks: consent granted",
        "people  1 untracked: consent denied",
    ):
        assert line in done.out


def test_each_kind_of_copy_has_an_upload_of_its_own_and_is_undone(folder: Path) -> None:
    done = made_by(folder, "--recipients", "list.csv", "--format", "recipe")
    assert done.code == 0, done.err
    out = folder / "out" / "m"
    made = {path.name for path in out.iterdir()}
    kinds = ("template", "opens", "clicks", "untracked")
    assert {f"{kind}.html" for kind in kinds} <= made
    assert {"upload.csv", "upload-opens.csv", "upload-clicks.csv", "upload-untracked.csv"} <= made
    for kind in kinds:
        undone = run(folder, "inject", str(out / f"{kind}.html"), "--undo")
        assert undone.raw == MAIL, kind
    assert "of them only opens may be tracked" in done.out


@pytest.mark.parametrize(
    "how", [[], ["--bind-links"], ["--honeypot"], ["--opens", "aggregate"]], ids=" ".join
)
@pytest.mark.parametrize("format_name", ["html", "eml", "mbox", "maildir", "jsonl"])
def test_every_format_holds_every_kind_of_copy_and_gives_the_mail_back(
    folder: Path, format_name: str, how: list[str]
) -> None:
    sender = (
        ["--from", "news@example.com", "--subject", "x"] if format_name in ("eml", "mbox", "maildir") else []
    )
    done = made_by(folder, "--recipients", "list.csv", "--format", format_name, *sender, *how)
    assert done.code == 0, done.err
    out = folder / "out" / "m"
    if format_name in ("html", "eml", "maildir"):
        place = out / "maildir" / "new" if format_name == "maildir" else out / format_name
        files = sorted(place.iterdir())
        written = [file.read_bytes() for file in files]
    else:
        (file,) = (
            path for path in out.iterdir() if path.name.startswith("messages.") and path.suffix != ".csv"
        )
        text = file.read_bytes()
        written = text.splitlines() if format_name == "jsonl" else re.split(rb"(?m)^From ", text)[1:]
    kinds = [{kind for kind, _token in OURS.findall(decoded(mail))} for mail in written]
    assert kinds == [{b"o", b"c"}, {b"o"}, {b"c"}, set()]
    traps = [b"display:none" in decoded(mail) for mail in written]
    assert traps == [clicked and "--honeypot" in how for clicked in (True, False, True, False)]
    if format_name == "html":
        for file in files:
            assert run(folder, "inject", str(file), "--undo").raw == MAIL


def decoded(mail: bytes) -> bytes:
    return quopri.decodestring(mail) if b"quoted-printable" in mail else mail


def test_versions_and_a_filter_hold_every_kind_of_copy(folder: Path) -> None:
    (folder / "b.html").write_bytes(MAIL.replace(b"Hello", b"Hi"))
    done = run(
        folder,
        *("inject", "--version", "A=m.html", "B=b.html", "--recipients", "list.csv", "--campaign", "v"),
        *("--base-url", BASE),
    )
    assert done.code == 0, done.err
    written = [path.read_bytes() for path in sorted((folder / "out" / "v" / "html").iterdir())]
    kinds = [{kind for kind, _token in OURS.findall(mail)} for mail in written]
    assert kinds == [{b"o", b"c"}, {b"o"}, {b"c"}, set()]
    message = b"To: new@x.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/html\n\n" + MAIL
    (folder / "one.eml").write_bytes(message)
    done = run(folder, "inject", "one.eml", "--base-url", BASE, "--clicks", "aggregate", "--opens", "off")
    assert done.code == 0, done.err
    (file,) = (folder / "out" / "one" / "eml").iterdir()
    assert {kind for kind, _token in OURS.findall(file.read_bytes())} == {b"c"}
    assert "opens off, clicks aggregate: not refused" in done.out


def test_pixel_and_links_of_different_modes_have_two_columns(folder: Path) -> None:
    done = made_by(
        folder, "--recipients", "list.csv", "--format", "esp", "--esp", "mailchimp", "--opens", "aggregate"
    )
    assert done.code == 0, done.err
    out = folder / "out" / "m"
    assert "*|PTPIXEL|*" in (out / "apart.html").read_text()
    assert "PTTOKEN,PTPIXEL,PTUNSUB" in (out / "upload-apart.csv").read_text()


def test_aggregate_without_a_list_is_one_mail_for_everybody(folder: Path, workspace: Workspace) -> None:
    mail = re.sub(b"pixeltrack:(unsubscribe|preferences)", b"https://esp.example/unsubscribe", MAIL)
    (folder / "m.html").write_bytes(mail)
    db = ("--db", str(workspace.store.path))
    done = made_by(folder, "--mode", "aggregate", *db)
    assert done.code == 0, done.err
    (file,) = (folder / "out" / "m" / "html").iterdir()
    kinds = [
        workspace.keyring.verify_tracking(workspace.store.campaign("m").code, token.decode(), 0)
        for _kind, token in OURS.findall(file.read_bytes())
    ]
    assert {each.kind for each in kinds if each} == {"aggregate"}
    assert "the same for everybody" in done.out
    assert rows(workspace, "select opens, clicks, kind from campaigns") == [(1, 1, "merge")]
    again = made_by(folder, "--mode", "individual", *db, "--force", "--merge-tag", "*|ID|*")
    assert again.code == 2


def test_explaining_a_mail_that_is_counted_together_is_refused(folder: Path, workspace: Workspace) -> None:
    """Condition A6: such a campaign has no command about one person."""
    db = ("--db", str(workspace.store.path))
    assert (
        made_by(folder, "--recipients", "list.csv", "--mode", "aggregate", "--format", "jsonl", *db).code == 0
    )
    text = (folder / "out" / "m" / "messages.jsonl").read_text()
    for url in (re.findall(rf"{BASE}/o/[\w/.-]+", text)[0], re.findall(rf"{BASE}/p/[\w-]+", text)[0]):
        done = run(folder, "explain", "--message", url, *db)
        assert done.code == 2
        assert "is counted together" in done.err


# -- kinds of copies -----------------------------------------------------------------------------------------------


def test_variants_are_as_few_as_can_be() -> None:
    assert variant_of("individual", "individual") == "both"
    assert variant_of("aggregate", "individual") == "apart"
    assert variant_of("aggregate", "individual", bound=True) == "both"
    assert variant_of("aggregate", "off") == "opens"
