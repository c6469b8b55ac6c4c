"""Logs into a real store: each line once, however the log is read again; and the collector's figures."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from command import Ran, clean_environment, run, run_process
from conftest import CHROME, START, Client, Clock, Inject, clients
from inbox import Copy, copies

from pixeltrack import simulate
from pixeltrack.config import Settings
from pixeltrack.errors import InputError, PixeltrackError, StoreError
from pixeltrack.follow import _QUIET, Follower
from pixeltrack.ingest import LogReading
from pixeltrack.logfile import open_log
from pixeltrack.loghits import Counts
from pixeltrack.setup import Workspace

PEOPLE = [f"p{number}@x.example" for number in range(40)]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Every hit is kept as it is: few people open many times here, and each time is looked at."""
    return replace(settings, replay_limit=1_000_000)


@pytest.fixture
def mail(inject: Inject) -> list[Copy]:
    return copies(inject(*PEOPLE))


def combined(path: str, at: int = START, status: int = 200, agent: str = CHROME, method: str = "GET") -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return (
        f"203.0.113.9 - - [{moment:%d/%b/%Y:%H:%M:%S} +0000]"
        f' "{method} {path} HTTP/1.1" {status} 43 "-" "{agent or "-"}"\n'
    )


def opens(mail: list[Copy], first: int = 0, count: int = 40) -> str:
    """One open for each second from START on."""
    return "".join(
        combined(mail[number % len(mail)].open, START + number * 1000)
        for number in range(first, first + count)
    )


def read(workspace: Workspace, path: Path, **options: object) -> Counts:
    log = open_log(path)
    reading = LogReading(log, workspace.store, workspace.keyring, clients(workspace), **options)  # type: ignore[arg-type]
    try:
        reading.advance()
    finally:
        log.close()
    return reading.counts


def times(workspace: Workspace) -> list[int]:
    """The seconds since START of every stored hit."""
    campaign = workspace.store.campaign("spring")
    return sorted((hit[1] - START) // 1000 for hit in workspace.store.events(campaign.campaign_id))


# -- what is counted ------------------------------------------------------------------------------------


def test_every_kind_of_line_is_told(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    ann = mail[0]
    (tmp_path / "a.log").write_text(
        combined(ann.open)
        + combined(ann.click(1), status=302)
        + combined(ann.click(1), status=302, method="HEAD")
        + combined(ann.click(1), status=499)
        + combined(ann.open.replace(ann.token, "A" * 28))
        + combined(f"/c/{ann.code}/77/{ann.token}", status=302)
        + combined(f"/c/{ann.code}/1/shop.example~AAAAAAAA/{ann.token}", status=302)
        + combined("/favicon.ico", status=404)
        + combined("/o/shop/basket")
        + "nonsense\n\n"
        + "unfinished"
    )
    assert read(workspace, tmp_path / "a.log") == Counts(
        lines=11, opens=1, clicks=2, unknown_tokens=3, unanswered=1, not_ours=3, damaged=1, unfinished=1
    )
    assert len(times(workspace)) == 3


def test_people_who_stopped_tracking_are_left_out(
    workspace: Workspace, client: Client, mail: list[Copy], tmp_path: Path
) -> None:
    client.post(mail[0].preferences, b"action=stop")
    (tmp_path / "a.log").write_text(combined(mail[0].open) + combined(mail[1].open))
    assert read(workspace, tmp_path / "a.log") == Counts(lines=2, opens=2, silenced=1)
    assert len(times(workspace)) == 1


def test_people_who_stopped_tracking_are_left_out_of_many(
    workspace: Workspace, client: Client, mail: list[Copy], tmp_path: Path
) -> None:
    """Rows are stored by fifties and the rest one by one: either statement looks."""
    client.post(mail[7].preferences, b"action=stop")
    (tmp_path / "a.log").write_text(opens(mail, 0, 170))
    assert read(workspace, tmp_path / "a.log") == Counts(lines=170, opens=170, silenced=5)
    assert times(workspace) == [second for second in range(170) if second % 40 != 7]


def test_a_click_with_a_signal_denies_retargeting_and_an_open_does_not(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    """As the collector has it; a proxy passes other people's headers on with a picture."""

    def line(path: str, status: int, *, signal: str) -> str:
        told = {"time": f"{START / 1000:.3f}", "addr": "203.0.113.9", "method": "GET", "uri": path}
        told |= {"status": str(status), "agent": CHROME, "purpose": "   ", "scheme": "https", "accept": "*/*"}
        return (
            json.dumps(told | {"accept_language": "de", "sec_fetch_mode": "", "sec_gpc": signal, "dnt": ""})
            + "\n"
        )

    click = mail[0].click(1)
    (tmp_path / "a.log").write_text(
        line(click, 302, signal="1") * 2
        + line(mail[1].click(1), 302, signal="")
        + line(mail[2].open, 200, signal="1")
    )
    assert read(workspace, tmp_path / "a.log") == Counts(lines=4, opens=1, clicks=3)
    denied = {
        address: [(entry.purpose, entry.decision, entry.method, entry.at) for entry in entries]
        for address in PEOPLE[:3]
        if (entries := workspace.store.consents_of(workspace.keyring.subject(address)))
    }
    assert denied == {PEOPLE[0]: [("retargeting", "denied", "browser signal", START)]}
    assert len(times(workspace)) == 2


def test_a_campaign_that_is_injected_later_is_found(
    workspace: Workspace, inject: Inject, mail: list[Copy], tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text(opens(mail, 0, 1))
    reading = LogReading(open_log(tmp_path / "a.log"), workspace.store, workspace.keyring, clients(workspace))
    reading.advance()
    later = copies(inject(*PEOPLE, campaign="summer"))
    with (tmp_path / "a.log").open("a") as file:
        file.write(combined(later[0].open))
    reading.advance()
    assert reading.counts == Counts(lines=2, opens=2)


# -- once, however it is read again ---------------------------------------------------------------------

Again = Callable[[Path], Path]


def _same(path: Path) -> Path:
    return path


def _renamed(path: Path) -> Path:
    return path.rename(path.with_suffix(".1"))


def _copied(path: Path) -> Path:
    target = path.with_suffix(".copy")
    target.write_bytes(path.read_bytes())
    return target


def _packed(path: Path) -> Path:
    target = path.with_suffix(".gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return target


@pytest.mark.parametrize("lines", [1, 2, 30, 3_000], ids=lambda lines: f"{lines} lines")
@pytest.mark.parametrize("again", [_same, _renamed, _copied, _packed])
def test_what_was_read_counts_once_and_what_is_new_counts(
    workspace: Workspace, mail: list[Copy], tmp_path: Path, again: Again, lines: int
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, lines))
    assert read(workspace, path).opens == lines
    with path.open("a") as file:
        file.write(opens(mail, lines, 5))
    path = again(path)
    assert read(workspace, path) == Counts(lines=5, opens=5, already_read=lines)
    assert read(workspace, path) == Counts(already_read=lines + 5)
    assert times(workspace) == list(range(lines + 5))


def test_standard_input_is_the_same_log(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    text = opens(mail, 0, 100)
    (tmp_path / "a.log").write_text(text)
    options = ("--db", str(workspace.store.path), "--json")
    assert figures(run(tmp_path, "ingest", "a.log", *options))["opens"] == 100
    for packed in (text.encode(), gzip.compress(text.encode())):
        said = figures(run_process(tmp_path, "ingest", "-", *options, stdin=packed))
        assert (said["opens"], said["already_read"]) == (0, 100)
    assert times(workspace) == list(range(100))


def figures(ran: Ran) -> dict[str, int]:
    assert ran.code == 0, ran.err
    found: dict[str, int] = json.loads(ran.out)
    return found


@pytest.mark.parametrize("before", [3, 100])
def test_a_log_that_was_cut_off_and_filled_again_is_a_new_one(
    workspace: Workspace, mail: list[Copy], tmp_path: Path, before: int
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, before))
    read(workspace, path)
    path.write_text(opens(mail, before, 200))  # longer than what was there
    assert read(workspace, path) == Counts(lines=200, opens=200)
    assert times(workspace) == list(range(before + 200))


def test_an_older_copy_has_nothing_new(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(opens(mail, 0, 1_000))
    (tmp_path / "copy.log").write_text(opens(mail, 0, 600))
    read(workspace, tmp_path / "a.log")
    assert read(workspace, tmp_path / "copy.log") == Counts(already_read=600)
    assert read(workspace, tmp_path / "a.log") == Counts(already_read=1_000)


def test_a_log_that_was_edited_is_refused(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 500))
    read(workspace, path)
    lines = path.read_text().splitlines(keepends=True)
    del lines[300]
    path.write_text("".join(lines) + opens(mail, 500, 10))
    with pytest.raises(StoreError, match="begins like a log that was read before"):
        read(workspace, path)
    assert times(workspace) == list(range(500))


def test_logs_with_the_same_header_are_different_ones(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    header = "#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status cs(User-Agent)\n"
    (tmp_path / "empty").write_text(header)
    assert read(workspace, tmp_path / "empty") == Counts(lines=2, not_ours=2)
    for number in range(3):
        path = tmp_path / f"{number}"
        path.write_text(f"{header}2026-11-24\t22:07:0{number}\tGET\t{mail[0].open}\t200\tcurl\n")
        assert read(workspace, path).opens == 1
    for path in tmp_path.glob("[0-9]"):
        assert read(workspace, path).opens == 0
        with path.open("a") as file:  # the header is known when reading goes on behind it
            file.write(f"2026-11-24\t23:07:00\tGET\t{mail[0].open}\t200\tcurl\n")
        assert read(workspace, path).opens == 1


def test_lines_that_are_written_in_pieces_count_once(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    text, path = opens(mail, 0, 60), tmp_path / "a.log"
    chance = random.Random(5)
    written = total = 0
    with path.open("w") as file:
        while written < len(text):
            size = chance.randrange(1, 700)
            file.write(text[written : written + size])
            file.flush()
            written += size
            total += read(workspace, path).opens
    assert total == 60
    assert times(workspace) == list(range(60))


def test_a_log_is_read_in_several_transactions_and_stops_between_two(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 9_000))
    log = open_log(path)
    reading = LogReading(log, workspace.store, workspace.keyring, clients(workspace))

    def stop(_bytes: int) -> None:
        if reading.counts.opens:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        reading.advance(stop)
    log.close()
    stored = len(times(workspace))
    assert 0 < stored < 9_000
    assert read(workspace, path) == Counts(lines=9_000 - stored, opens=9_000 - stored, already_read=stored)
    assert times(workspace) == list(range(9_000))


@pytest.mark.parametrize("known", [False, True], ids=["new log", "known log"])
def test_two_at_once_do_not_count_twice(
    workspace: Workspace, mail: list[Copy], tmp_path: Path, known: bool
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 2))
    if known:
        read(workspace, path)
        with path.open("a") as file:
            file.write(opens(mail, 2, 2))
    count = 4 if known else 2
    slow, quick = (
        LogReading(open_log(path), workspace.store, workspace.keyring, clients(workspace)) for _ in range(2)
    )
    slow._position = slow._find()
    quick.advance()
    with pytest.raises(StoreError, match="another pixeltrack ingest"):
        slow.advance()
    assert times(workspace) == list(range(count))


@pytest.mark.parametrize("limit", [20, 1_000_000], ids=["replays are folded", "each is kept"])
def test_killing_it_anywhere_loses_and_doubles_nothing(
    workspace: Workspace, mail: list[Copy], tmp_path: Path, limit: int
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 60_000))
    (tmp_path / "settings.toml").write_text(f"[serve]\nreplay_limit = {limit}\n")
    environment = clean_environment(PIXELTRACK_CONFIG=str(tmp_path / "settings.toml"))
    command = [sys.executable, "-m", "pixeltrack", "ingest", str(path), "--db", str(workspace.store.path)]
    chance, kills = random.Random(3), 0
    for _ in range(6):
        program = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=environment)
        try:
            program.wait(0.3 + chance.random())
        except subprocess.TimeoutExpired:
            program.send_signal(signal.SIGKILL)
            program.wait()
            kills += 1
    assert subprocess.run(command, check=False, capture_output=True, env=environment).returncode == 0
    campaign = workspace.store.campaign("spring")
    assert sum(hit[-1] for hit in workspace.store.hits(campaign.campaign_id)) == 60_000
    if limit == 20:
        assert len(times(workspace)) < 60_000
    else:
        assert times(workspace) == list(range(60_000))
    assert kills


def test_a_line_without_end_takes_no_memory_and_no_position(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 1) + "x" * 5_000_000 + opens(mail, 1, 1) + opens(mail, 2, 1))
    assert read(workspace, path) == Counts(lines=3, opens=2, damaged=1)
    with path.open("a") as file:
        file.write(opens(mail, 3, 1) + "y" * 3_000_000)
    assert read(workspace, path) == Counts(lines=1, opens=1, already_read=3, unfinished=1)
    assert times(workspace) == [0, 2, 3]


# -- what is wrong with it ------------------------------------------------------------------------------


def test_another_format_is_one_error_with_what_it_looks_like(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    (tmp_path / "a.log").write_text(opens(mail))
    with pytest.raises(InputError, match="reads as caddy") as caught:
        read(workspace, tmp_path / "a.log", format_="caddy")
    assert caught.value.hint == "it looks like combined: --format combined"
    (tmp_path / "b.log").write_text("Nov 24 22:07:08 host sshd[1]: bye\n")
    with pytest.raises(InputError, match="no log in a format"):
        read(workspace, tmp_path / "b.log")
    assert times(workspace) == []


def test_a_packed_log_that_is_cut_off_is_read_to_there(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    whole = gzip.compress(opens(mail, 0, 20_000).encode())
    (tmp_path / "a.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PixeltrackError, match="damaged or cut off"):
        read(workspace, tmp_path / "a.gz")
    (tmp_path / "a.gz").write_bytes(whole)
    read(workspace, tmp_path / "a.gz")
    assert times(workspace) == list(range(20_000))


def test_a_missing_log_is_an_error(workspace: Workspace, tmp_path: Path) -> None:
    for name in ("nothing.log", "."):
        ran = run(tmp_path, "ingest", name, "--db", str(workspace.store.path))
        assert (ran.code, ran.err.splitlines()[0].startswith(f"Error: cannot read {name}: ")) == (2, True)
    assert run(tmp_path, "ingest", "-", "--follow").code == 2


def test_the_command_says_what_was_read(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(opens(mail) + combined("/robots.txt"))
    ran = run(tmp_path, "ingest", "a.log", "--db", str(workspace.store.path))
    assert ran.err.splitlines() == [
        "a.log: 41 lines read, 40 opens and 0 clicks",
        "          1  other requests",
    ]


def test_no_address_is_stored(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(opens(mail))
    read(workspace, tmp_path / "a.log")
    for file in workspace.store.path.parent.glob("t.db*"):
        assert b"203.0.113.9" not in file.read_bytes()


# -- followed -------------------------------------------------------------------------------------------


def follow(workspace: Workspace, path: Path) -> Follower:
    return Follower(
        path,
        lambda path, known: LogReading(
            open_log(path),
            workspace.store,
            workspace.keyring,
            clients(workspace),
            known,
            trusted=known is not None,
        ),
    )


def test_a_followed_log_goes_on_through_renaming(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text("")
    follower = follow(workspace, path)
    with path.open("a") as old:
        for number in range(10):
            old.write(opens(mail, number, 1))
            old.flush()
            follower.step()
        path.rename(tmp_path / "a.log.1")
        old.write(opens(mail, 10, 1))
        old.flush()
        follower.step()  # the name is gone for a moment
        path.write_text(opens(mail, 11, 1))
        follower.step()
        old.write(opens(mail, 12, 1))  # nginx writes there until it opens the new one
        old.flush()
        follower.step()
    with path.open("a") as new:
        new.write(opens(mail, 13, 1))
    for _ in range(_QUIET + 2):
        follower.step()
    assert times(workspace) == list(range(14))
    assert follower.counts == Counts(lines=14, opens=14)
    assert read(workspace, tmp_path / "a.log.1").opens == 0


@pytest.mark.parametrize("refill", [1, 50], ids=["shorter", "longer"])
def test_a_followed_log_goes_on_through_being_cut_off(
    workspace: Workspace, mail: list[Copy], tmp_path: Path, refill: int
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 10))
    follower = follow(workspace, path)
    follower.step()
    with path.open("a") as file:
        file.write(opens(mail, 10, 3))  # not seen before it is cut off
    (tmp_path / "a.log.1").write_bytes(path.read_bytes())
    os.truncate(path, 0)
    with path.open("a") as file:
        file.write(opens(mail, 13, refill))
    follower.step()
    assert read(workspace, tmp_path / "a.log.1") == Counts(lines=3, opens=3, already_read=10)
    assert times(workspace) == list(range(13 + refill))


def test_a_followed_log_may_begin_with_a_hole(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    with path.open("w") as file:  # does not append: after cutting it writes where it was
        file.write(opens(mail, 0, 10))
        file.flush()
        follower = follow(workspace, path)
        follower.step()
        os.truncate(path, 0)
        file.write(opens(mail, 10, 2))
        file.flush()
        follower.step()
    assert times(workspace) == list(range(12))


def test_the_command_follows_until_it_is_stopped(
    workspace: Workspace, mail: list[Copy], tmp_path: Path
) -> None:
    path = tmp_path / "a.log"
    path.write_text(opens(mail, 0, 5))
    program = subprocess.Popen(
        [
            *(sys.executable, "-m", "pixeltrack", "ingest", "--follow", str(path), "--json"),
            *("--db", str(workspace.store.path)),
        ],
        stdout=subprocess.PIPE,
        env=clean_environment(),
    )
    for expected in (5, 6):
        deadline = time.monotonic() + 30
        while len(times(workspace)) < expected and time.monotonic() < deadline:
            time.sleep(0.1)
        if expected == 5:
            with path.open("a") as file:
                file.write(opens(mail, 5, 1))
    program.terminate()
    out, _ = program.communicate(timeout=30)
    assert program.returncode == 0
    assert json.loads(out)["opens"] == 6
    assert times(workspace) == list(range(6))


# -- the same figures as the collector ------------------------------------------------------------------


def as_json(at: int, method: str, path: str, status: int, agent: str) -> str:
    row = {"time": at / 1000, "method": method, "uri": path, "status": str(status), "agent": agent}
    return json.dumps({**row, "purpose": ""}) + "\n"


def as_caddy(at: int, method: str, path: str, status: int, agent: str) -> str:
    headers = {"User-Agent": [agent]} if agent else {}
    request = {"method": method, "uri": path, "headers": headers}
    return (
        json.dumps({"ts": at / 1000, "logger": "http.log.access", "request": request, "status": status})
        + "\n"
    )


def as_cloudfront(at: int, method: str, path: str, status: int, agent: str) -> str:
    moment = datetime.fromtimestamp(at / 1000, UTC)
    written = agent.replace(" ", "%20") or "-"
    fields = (f"{moment:%Y-%m-%d}", f"{moment:%H:%M:%S}", "FRA", "1", "203.0.113.9", method, "d1.example")
    return "\t".join((*fields, path, str(status), "-", written)) + "\n"


def as_combined(at: int, method: str, path: str, status: int, agent: str) -> str:
    return combined(path, at, status, agent, method)


@pytest.mark.parametrize("write", [as_combined, as_json, as_caddy, as_cloudfront])
def test_a_log_and_the_collector_give_the_same_report(
    inject: Inject,
    workspace: Workspace,
    client: Client,
    clock: Clock,
    tmp_path: Path,
    write: Callable[[int, str, str, int, str], str],
) -> None:
    """A drawn day of people and machines, to the second, and some requests that nobody should count."""
    mail = copies(inject(*[f"p{number}@x.example" for number in range(200)]))
    lines = []
    requests = [
        (hit.at // 1000 * 1000, hit.method, mail[hit.copy], hit.link, hit.kind, hit.program.agent)
        for hit in simulate.draw(len(mail), 2, START, 7).hits
        if hit.kind in ("open", "click") and not hit.purpose  # a header, which no log holds
    ]
    workspace.store._connection.execute("vacuum into ?", [str(tmp_path / "twin.db")])
    (tmp_path / "twin.db").chmod(0o600)
    for at, method, copy, link, kind, agent in requests:
        path = copy.open if kind == "open" else copy.click(link + 1)
        for asked in (path, path + "?utm_source=x", path.replace(copy.token, copy.token[::-1])):
            clock.now = at
            # Headers that speak neither for a person nor against one, for not every log holds them.
            answer = client.request(method, asked.partition("?")[0], agent=agent, sec_fetch_mode="")
            lines.append(write(at, method, asked, int(answer.status[:3]), agent))
    (tmp_path / "a.log").write_text("".join(lines))
    options = ("--key", str(tmp_path / "pixeltrack.key"))
    said = run(tmp_path, "ingest", "a.log", "--db", "twin.db", *options)
    assert said.code == 0, said.err
    reports = [
        run(tmp_path, "report", "--campaign", "spring", "--json", "--db", name, *options).out
        for name in ("t.db", "twin.db")
    ]
    assert json.loads(reports[0])["opens"]["unique"] > 20
    assert json.loads(reports[0])["machine_clicks"]["total"] > 5
    assert reports[0] == reports[1]


def test_many_small_logs_are_each_their_own(workspace: Workspace, mail: list[Copy], tmp_path: Path) -> None:
    """As a CDN delivers them: short files, many with the same beginning, given again and again."""
    total = 0
    for number in range(60):
        path = tmp_path / f"{number}.log"
        path.write_text(
            opens(mail, 0, 1) + "".join(opens(mail, 100 * number + each, 1) for each in range(1, 4))
        )
        total += read(workspace, path).opens
    assert total == 60 * 4
    assert sum(read(workspace, path).opens for path in tmp_path.glob("*.log")) == 0


def test_no_standard_input_is_an_error(workspace: Workspace, tmp_path: Path) -> None:
    done = subprocess.run(
        f"{sys.executable} -m pixeltrack ingest - --db {workspace.store.path} <&-",
        shell=True,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "Error: there is no standard input")
