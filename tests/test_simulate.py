"""The simulator: the same seed is the same story, its shares and delays are those it names, its truth is whole."""

from __future__ import annotations

import http.server
import json
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import quantiles

import pytest
from conftest import MAIL
from test_cli import pixeltrack
from test_layers import PACKAGE, imports

from pixeltrack import agents, simulate
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.judging import Context, Fact, judge
from pixeltrack.model import Flag
from pixeltrack.rules import rules
from pixeltrack.simulate import MIXES, Plan
from pixeltrack.simulate.chances import SWEEP_BANDS, sweep_delay
from pixeltrack.simulate.facts import address, events, flags
from pixeltrack.simulate.hits import BARE, HOUR, IMG, NAV, NAVS, NONE, Hit, Place, Program
from pixeltrack.simulate.mailbox import Copy, mailbox
from pixeltrack.simulate.mixes import CASTS, SHARES
from pixeltrack.simulate.play import headers, play
from pixeltrack.simulate.truth import by_actor

START = 1_774_340_400_000  # ms UTC


def drawn(mix: str = "mixed", people: int = 1_500, seed: int = 1, honeypot: bool = False) -> Plan:
    return simulate.draw(people, 8, START, seed, MIXES[mix], honeypot=honeypot)


# -- drawing --------------------------------------------------------------------------------------------


def test_the_simulator_knows_nothing_of_judging() -> None:
    for path in (PACKAGE / "simulate").glob("*.py"):
        known = {name.split(".")[1] for name in imports(path) if name.startswith("pixeltrack.")}
        assert known <= {"simulate", "model", "errors", "store", "minting", "tokens", "urls"}, path.name


def test_the_same_seed_is_the_same_plan() -> None:
    assert drawn(seed=9) == drawn(seed=9)
    assert drawn(seed=9).hits != drawn(seed=10).hits


def test_people_do_the_same_whatever_the_machines_do() -> None:
    def human(gateways: float) -> list[tuple[object, ...]]:
        mix = replace(MIXES["b2b"], gateways=gateways, single=gateways, libraries=gateways)
        hits = simulate.draw(600, 8, START, 3, mix).hits
        return [hit[:6] for hit in hits if hit.truth == "human"]

    assert human(0.0) == human(0.8)


@pytest.mark.parametrize("mix", MIXES)
def test_the_truth_is_whole(mix: str) -> None:
    plan = drawn(mix, honeypot=True)
    assert [hit.at for hit in plan.hits] == sorted(hit.at for hit in plan.hits)
    for hit in plan.hits:
        assert hit.truth in ("human", "prefetch", "scanner")
        assert hit.truth == "human" or hit.actor.partition("-")[0] not in ("reader", "colleague")
        assert 0 <= hit.copy < len(plan.people)
        assert hit.link in range(plan.links + 1)
        assert hit.link < plan.links or hit.truth == "scanner"  # nobody sees the honeypot
        assert hit.link == 0 or hit.kind == "click"
        assert hit.program.agent
        assert hit.place.address
        assert hit.at < START + 3 * 24 * HOUR
    did = {hit.copy for hit in plan.hits if hit.truth == "human"}
    assert did <= {copy for copy, person in enumerate(plan.people) if person.read}
    assert all(person.read or not person.clicked for person in plan.people)


def test_after_somebody_stops_tracking_nothing_of_theirs_is_recorded() -> None:
    plan = drawn("demo", 3_000)
    stopped: set[int] = set()
    for hit in plan.hits:
        if hit.kind in ("open", "click"):
            assert hit.counts == (hit.copy not in stopped)
        stopped |= {hit.copy} if hit.kind == "stop" else set()
    assert stopped


def test_sweeps_begin_as_published() -> None:
    chance = Random(5)
    delays = [sweep_delay(chance) / 1_000 for _ in range(50_000)]
    whole = sum(share for share, _first, _last in SWEEP_BANDS)
    for share, first, last in SWEEP_BANDS:
        found = sum(first / 1_000 <= delay < last / 1_000 for delay in delays) / len(delays)
        assert found == pytest.approx(share / whole, abs=0.007)
    assert quantiles(delays, n=2)[0] == pytest.approx(43, abs=2)
    assert sum(delay < 60 for delay in delays) / len(delays) == pytest.approx(0.69, abs=0.01)


def test_a_plans_sweeps_begin_as_published_after_their_copy_was_sent() -> None:
    plan = drawn("b2b", 4_000)
    began: dict[int, float] = {}
    for hit in plan.hits:
        if hit.actor == "gateway-all":
            began.setdefault(hit.copy, (hit.at - plan.people[hit.copy].handed) / 1_000)
    assert len(began) > 800
    assert quantiles(began.values(), n=2)[0] == pytest.approx(43, abs=3)
    assert sum(delay < 10 for delay in began.values()) / len(began) < 0.015
    assert sum(delay > 300 for delay in began.values()) / len(began) == pytest.approx(0.026, abs=0.015)


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
def test_shares_are_those_that_are_asked_for(share: float) -> None:
    mix = MIXES["b2b"].set("gateways", share).set("reads", share).set("apple-privacy", share)
    plan = simulate.draw(4_000, 8, START, 2, mix)
    swept = {hit.copy for hit in plan.hits if hit.actor.startswith("gateway-") and "named" not in hit.actor}
    assert len(swept) / 4_000 == pytest.approx(0.9 * share, abs=0.03)  # one in ten is not looked at
    assert sum(person.read for person in plan.people) / 4_000 == pytest.approx(share, abs=0.03)
    apple = sum(person.cast == "apple-privacy" for person in plan.people) / 4_000
    assert apple == pytest.approx(share, abs=0.03)


def test_offices_share_an_address_and_households_do_not() -> None:
    plan = drawn("b2b", 2_000)
    of: dict[str, set[int]] = {}
    for hit in plan.hits:
        if hit.actor == "reader" and hit.kind == "click" and hit.program.device == "desktop":
            of.setdefault(hit.place.address, set()).add(plan.people[hit.copy].company or -hit.copy)
    assert all(len(companies) == 1 for companies in of.values())


@pytest.mark.parametrize(
    ("name", "share", "said"),
    [("reads", 1.5, "share reads is 1.5"), ("yahoo", -1, "share yahoo is -1"), ("links", 0.5, "'links'")],
)
def test_a_share_that_is_none_is_refused(name: str, share: float, said: str) -> None:
    with pytest.raises(InputError, match=said):
        MIXES["b2b"].set(name, share)


def test_what_the_demo_plays_can_be_told_apart() -> None:
    """With all facts and with none but agent and time, over many seeds: else its check would be chance."""
    for seed in range(1, 9):
        plan = simulate.draw(700, 17, START, seed, MIXES["demo"], days=1)
        hits = [hit for hit in plan.hits if hit.counts and hit.kind in ("open", "click")]
        stored = list(events(plan, 1, range(700), range(1, 19), agents.reduce))
        for sent, known in ((START, -1), (None, Flag.HEAD | Flag.SPECULATIVE)):
            facts = [
                Fact(
                    *(place, event.message, event.at, int(event.kind), event.link, event.agent),
                    *(event.flags & known, event.network if sent else "", event.address if sent else 0),
                )
                for place, event in enumerate(stored)
            ]
            verdicts = judge(facts, Context(sent, frozenset(range(1, 18))), rules())
            wrong = [
                (seed, hit, verdict)
                for hit, verdict in zip(hits, verdicts, strict=True)
                if hit.truth != verdict.label
            ]
            assert not wrong


# -- facts ----------------------------------------------------------------------------------------------

HEADERS = Flag.HEADERS | Flag.TLS
BROWSER = Program("Mozilla/5.0 (X11)", "desktop", "Linux", "Firefox")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"headers": NAV}, HEADERS | Flag.FETCH | Flag.NAVIGATE),
        ({"headers": NAVS}, HEADERS),
        ({"headers": IMG}, HEADERS),
        ({"headers": BARE}, HEADERS | Flag.NO_LANGUAGE | Flag.BARE_ACCEPT),
        ({"headers": NONE, "method": "HEAD"}, HEADERS | Flag.NO_LANGUAGE | Flag.BARE_ACCEPT | Flag.HEAD),
        ({"headers": NAVS, "purpose": "prefetch;prerender"}, HEADERS | Flag.SPECULATIVE),
    ],
)
def test_flags_say_what_the_headers_say(change: dict[str, object], expected: int) -> None:
    hit = Hit(1, "click", 0, 0, BROWSER, "human")._replace(**change)  # type: ignore[arg-type]
    assert flags(hit) == expected


def test_an_address_is_known_again_on_the_same_day_only() -> None:
    hit = Hit(START, "open", 0, 0, BROWSER, "human", place=Place("", "198.18.0.7"))
    assert address(hit, 1) == address(hit._replace(at=START + HOUR, copy=9), 1) != 0
    assert address(hit, 1) != address(hit._replace(at=START + 24 * HOUR), 1)
    assert address(hit, 1) != address(hit._replace(place=Place("", "198.18.0.8")), 1)
    assert address(hit._replace(place=Place("", "")), 1) == 0


def test_places_are_in_the_lists_that_they_name() -> None:
    networks = pytest.importorskip("pixeltrack.networks", reason="this version has no network lists")
    label = networks.Networks.of(None).label
    places = {hit.place for mix in MIXES for hit in drawn(mix).hits}
    assert {place for place in places if label(place.address).partition("/")[0] != place.network} == set()
    assert len({place.network for place in places}) > 8


# -- over HTTP ------------------------------------------------------------------------------------------

Request = tuple[str, str, tuple[tuple[str, str], ...], bytes]


@pytest.fixture
def seen() -> Iterator[tuple[str, list[Request]]]:
    """A real server that answers 204 and remembers what it was asked: (its URL, the requests)."""
    requests: list[Request] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            requests.append((self.command, self.path, tuple(sorted(self.headers.items())), body))
            self.send_response(204)
            self.end_headers()

        do_GET = do_HEAD = do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", requests
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_is_played_arrives_as_drawn(seen: tuple[str, list[Request]]) -> None:
    url, requests = seen
    plan = drawn("mixed", 150, honeypot=True)
    base = "https://track.example.com"
    copies = [
        Copy(
            f"{base}/o/{copy}.gif",
            tuple(f"{base}/c/{link}/{copy}" for link in range(9)),
            f"{base}/u/{copy}",
            f"{base}/p/{copy}",
        )
        for copy in range(150)
    ]
    times: list[int] = []
    answers = play(plan.hits, copies, times.append, to=url)
    assert answers == [(204, None)] * len(plan.hits)
    assert times == sorted(times)

    def asked(hit: Hit) -> Request:
        whose = copies[hit.copy]
        paths = {"open": whose.pixel, "click": whose.links[hit.link], "unsubscribe": whose.unsubscribe}
        path = paths.get(hit.kind, whose.preferences).removeprefix(base)
        said = dict(headers(hit)) | {"Host": url.removeprefix("http://")}
        if hit.method != "POST":
            return hit.method, path, tuple(sorted(said.items())), b""
        body = b"List-Unsubscribe=One-Click" if hit.kind == "unsubscribe" else b"action=stop"
        form = {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": str(len(body))}
        return hit.method, path, tuple(sorted((said | form).items())), body

    assert Counter(requests) == Counter(map(asked, plan.hits))
    names = {name for _method, _path, given, _body in requests for name, _value in given}
    assert {"User-Agent", "Accept", "Accept-Language", "Sec-Fetch-Mode", "X-Forwarded-For"} <= names


def test_nobody_listening_is_one_error() -> None:
    copy = Copy("http://127.0.0.1:1/o/x.gif", (), "", "")
    with pytest.raises(PixeltrackError, match=r"http://127\.0\.0\.1:1 does not answer"):
        play([Hit(1, "open", 0, 0, BROWSER, "human")], [copy], lambda _at: None)


def test_a_mailbox_is_read_with_its_honeypot(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text("email,consent\na@x.example,\nb@x.example,\nc@x.example,denied\n")
    for more, links, honeypot in ((), 2, False), (("--honeypot",), 3, True):
        given = ("mail.html", "--recipients", "list.csv", "--campaign", f"links-{links}", *more)
        run = pixeltrack("inject", *given, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        found = mailbox(tmp_path / "out" / f"links-{links}")
        assert (len(found.copies), found.links, found.honeypot) == (2, 2, honeypot)
        assert all(len(set(copy.links)) == links for copy in found.copies)


def test_a_folder_without_messages_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no folder of messages"):
        mailbox(tmp_path)


# -- the command ----------------------------------------------------------------------------------------


def test_the_command_writes_each_hit_with_its_truth(tmp_path: Path) -> None:
    given = ("simulate", "--people", "200", "--mix", "b2b", "--links", "3", "--honeypot", "--seed", "4")
    run = pixeltrack(*given, "--hits", "-", cwd=tmp_path)
    plan = simulate.draw(200, 3, START, 4, MIXES["b2b"], honeypot=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(lines) == len(plan.hits)
    assert [(line["at"], line["message"], line["truth"], line["actor"]) for line in lines] == [
        (hit.at, hit.copy + 1, hit.truth, hit.actor) for hit in plan.hits
    ]
    assert any(line["kind"] == "honeypot" and line["link"] == 4 for line in lines)
    told = json.loads(pixeltrack(*given, "--json", cwd=tmp_path).stdout)
    assert told["hits"] == len(lines)
    assert [tuple(row.values()) for row in told["actors"]] == by_actor(plan)


def test_a_campaign_is_tried_in_a_database_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "mail.html").write_text("<p><a href='https://shop.example/'>Our shop</a></p>")
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"p{each}@x.example\n" for each in range(80)))
    assert pixeltrack("inject", "mail.html", "--recipients", "list.csv", cwd=tmp_path).returncode == 0
    run = pixeltrack("simulate", "--into", "trial.db", "--campaign", "mail", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    trial, real = (
        json.loads(pixeltrack("report", "--campaign", "mail", "--json", "--db", name, cwd=tmp_path).stdout)
        for name in ("trial.db", "pixeltrack.db")
    )
    assert (trial["messages"], real["messages"]) == (80, 80)
    assert [link["url"] for link in trial["links"]] == ["https://shop.example/"]
    assert trial["opens"]["unique"] > 5
    assert real["opens"]["total"] == 0
    again = pixeltrack("simulate", "--into", "trial.db", "--campaign", "mail", cwd=tmp_path)
    assert again.stderr.startswith("Error: trial.db exists already\n")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("--campaign x", "--campaign needs --into"),
        ("--play out", "--play and --to go together"),
        ("--speed 2", "--speed is for --play"),
        ("--play out --to http://x --into a.db", "--play and --into are two ways"),
        ("--play out --to http://x --people 5", "--people is settled by the copies in the folder"),
        ("--into a.db --campaign x --links 5", "--links and --honeypot are settled by the mail"),
        ("--set yahoo", "--set 'yahoo'"),
        ("--set robots=0.5", "no share is called 'robots'"),
        ("--db a.db", "--db, --key and --config have no use without --into"),
        ("--play out --to http://x", "out is no folder of messages"),
        ("--hits no/where", "cannot write no/where: No such file or directory"),
    ],
)
def test_options_that_do_not_go_together_are_refused(given: str, said: str, tmp_path: Path) -> None:
    run = pixeltrack("simulate", *given.split(), cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith(f"Error: {said}")
    assert list(tmp_path.iterdir()) == []


def test_the_documentation_has_the_shares_that_are_drawn() -> None:
    page = (PACKAGE.parent / "docs" / "simulation.md").read_text("utf-8")
    rows = {cells[1].strip(" `"): cells for line in page.splitlines() if len(cells := line.split("|")) > 6}
    names = [cell.strip() for cell in rows["share"][3:-1]]
    assert names == list(MIXES)
    for share in SHARES:
        assert [float(cell) for cell in rows[share][3:-1]] == [getattr(MIXES[mix], share) for mix in names]
    for cast in CASTS:
        written = [float(cell) for cell in rows[cast][2:-1]]
        drawn_by = [MIXES[mix].casts for mix in names]
        assert written == [round(100 * casts.get(cast, 0) / sum(casts.values()), 1) for casts in drawn_by]
