"""Versions compared: real hits through the collector, counted by version, and what the figures say."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from command import run
from conftest import START, Client, Clock
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from test_main_job import CHROME, curl, serving
from test_show import HOSTILE

from pixeltrack import ab, config, report, setup, verdicts
from pixeltrack.abfigures import (
    LEAST_CLICKERS,
    AbReport,
    LinkShare,
    VersionFigures,
    differences,
    rate_interval,
)
from pixeltrack.chances import wilson
from pixeltrack.collector import make_app
from pixeltrack.differences import quantile
from pixeltrack.errors import InputError
from pixeltrack.figures import Bounds
from pixeltrack.judging import Context, Fact, judge
from pixeltrack.model import EventKind, Flag
from pixeltrack.pages import Pages
from pixeltrack.rules import rules
from pixeltrack.show import ab as show

BASE = "https://track.example.com"
BOT = "curl/8.11"
LINKS = ("same", "two", "three", "four")


def page(name: str) -> str:
    links = "".join(
        f'<a href="https://shop.example/{each}?utm_content={name}">{each}</a>\n' for each in LINKS
    )
    own = f'<a href="https://shop.example/only-{name}">Own</a>'
    return f"<html><title>{name}</title><body><p>Hello {name}</p>{links}{own} <a href='pixeltrack:preferences'>P</a></body></html>"


@dataclass
class Copy:
    version: str
    open: str
    clicks: list[str]


class Trial:
    """A folder in which versions are injected, and their recipients look at them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock(START)
        for name in "abc":
            (folder / f"{name}.html").write_text(page(name))
        self.workspace: setup.Workspace | None = None

    def inject(
        self, *argv: str, people: range = range(200), out: str = "o1", more: tuple[str, ...] = ()
    ) -> list[Copy]:
        rows = "".join(
            f"p{number}@gmail.com,{'denied' if number % 20 == 7 else 'granted'}\n" for number in people
        )
        (self.folder / "list.csv").write_text("email,consent\n" + rows)
        told = ("--recipients", "list.csv", "--campaign", "x", "--base-url", BASE, "--out", out, *more)
        ran = run(self.folder, "inject", *argv, *told)
        assert ran.code == 0, ran.err
        with (self.folder / out / "messages.csv").open() as file:
            rows_ = [row for row in csv.DictReader(file) if row["tracked"] == "yes"]
        found = []
        for row in rows_:
            mail = (self.folder / out / row["file"]).read_text()
            pixel = re.search(rf'{BASE}(/o/[^"]+)', mail)
            assert pixel
            found.append(Copy(row.get("version", ""), pixel[1], re.findall(rf'{BASE}(/c/[^"]+)', mail)))
        return found

    @property
    def client(self) -> Client:
        settings = config.load(
            options={"db": str(self.folder / "pixeltrack.db"), "base_url": BASE}, environment={}
        )
        if self.workspace is None:
            self.workspace = setup.open_workspace(settings, create=False)
        return Client(make_app(self.workspace.store, self.workspace.keyring, Pages(), settings, self.clock))

    def play(self, copies: list[Copy], clickers: dict[str, int], link: int = 0) -> None:
        """So many of each version click one link, after a look; machines follow everything in other copies."""
        client = self.client
        for version, number in clickers.items():
            mine = [copy for copy in copies if copy.version == version]
            for copy in mine[:number]:
                client.get(copy.open)
                self.clock.forward(5)
                client.get(copy.clicks[link])
            for copy in mine[number : number + 6]:
                for url in copy.clicks:
                    client.get(url)
        self.clock.forward(3 * 86_400)

    def report(self) -> AbReport:
        assert self.workspace is not None
        return ab.build(self.workspace.store, "x", clock=self.clock)


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    made = Trial(tmp_path)
    yield made
    if made.workspace:
        made.workspace.store.close()


TWO = ("--version", "A=a.html", "B=b.html")


def test_people_are_counted_by_version_and_machines_left_out(trial: Trial) -> None:
    trial.play(trial.inject(*TWO), {"A": 10, "B": 25})
    found = trial.report()
    a, b = found.versions
    assert (a.name, a.messages, a.clickers, a.openers) == ("A", 100, 10, 10)
    assert (b.name, b.messages, b.clickers, b.openers) == ("B", 100, 25, 25)
    assert a.machine_clickers == b.machine_clickers == 6
    assert a.tracked + b.tracked == 190
    assert a.click_rate == 10 / a.tracked
    assert (a.click_rate_low, a.click_rate_high) == wilson(10, a.tracked)
    (only,) = found.differences
    assert only.enough and only.says == "Enough: B is clicked by more people than A."
    assert only.low is not None and only.low > 0
    assert found.runs == 1 and found.left_out == () and found.notes == ()


def test_versions_together_are_the_campaign(trial: Trial) -> None:
    copies = trial.inject("--version", "A=a.html", "B=b.html", "C=c.html")
    trial.play(copies, {"A": 4, "B": 9, "C": 12}, link=2)
    whole = report.build(trial.workspace.store, "x", clock=trial.clock)
    found = trial.report()
    assert sum(each.clickers for each in found.versions) == whole.clicks.unique == 25
    assert sum(each.openers for each in found.versions) == whole.opens.unique
    assert sum(each.tracked for each in found.versions) == whole.tracked
    assert sum(each.messages for each in found.versions) == whole.messages
    assert sum(each.machine_clickers for each in found.versions) == whole.machine_clicks.unique == 18
    by_version: dict[str, int] = {}
    for link in whole.links:
        by_version[link.version] = by_version.get(link.version, 0) + link.clicks.unique
    assert by_version == {"A": 4, "B": 9, "C": 12}


def test_the_same_page_in_both_versions_is_one_line(trial: Trial) -> None:
    """Its UTM tags may say the version; who clicks two links to it counts once."""
    copies = trial.inject(*TWO)
    trial.play(copies, {"A": 3, "B": 5})
    trial.play([copy for copy in copies if copy.version == "B"][20:], {"B": 2}, link=4)
    links = {link.url: link.clickers for link in trial.report().links}
    assert links["https://shop.example/same"] == (3, 5)
    assert links["https://shop.example/only-b"] == (None, 2)
    assert links["https://shop.example/only-a"] == (0, None)
    assert links["https://shop.example/two"] == (0, 0)


def test_untagged_addresses() -> None:
    for url, plain in (
        ("https://a.example/?utm_source=x", "https://a.example/"),
        ("https://a.example/?utm_source=x&utm_content=B#top", "https://a.example/#top"),
        ("https://a.example/?a=1&utm_content=B&b=2#utm_x=1", "https://a.example/?a=1&b=2#utm_x=1"),
        ("https://a.example/?a=1&UTM_Content=B", "https://a.example/?a=1"),
        ("https://a.example/?my_utm_id=1", "https://a.example/?my_utm_id=1"),
        ("https://a.example/utm_id=1", "https://a.example/utm_id=1"),
    ):
        assert ab.untagged(url) == plain


def test_hits_beyond_the_limit_of_an_hour_change_nothing(trial: Trial) -> None:
    """They are counted without being kept: the message is still one of its version, clicked by one person."""
    copies = trial.inject(*TWO)
    trial.play(copies, {"A": 2, "B": 3})
    before = trial.report()
    client, again = trial.client, next(copy for copy in copies if copy.version == "B")
    for _ in range(60):
        client.get(again.clicks[0])
        trial.clock.forward(40)
    fresh = next(copy for copy in reversed(copies) if copy.version == "A")
    for _ in range(30):
        client.get(fresh.clicks[1])
        trial.clock.forward(40)
    assert report.build(trial.workspace.store, "x").repeated_hits > 0
    after = trial.report()
    assert [each.clickers for each in after.versions] == [3, 3]
    assert after.versions[1] == before.versions[1]
    assert {link.url: link.clickers for link in after.links}["https://shop.example/two"] == (1, 0)


def test_a_winner_that_is_sent_later_is_not_compared(trial: Trial) -> None:
    trial.play(trial.inject(*TWO, more=("--split", "20/20/rest")), {"A": 5, "B": 6})
    before = trial.report()
    late = trial.inject("--version", "B=b.html", out="o2", more=("--only-new",))
    trial.play(late, {"B": 100})
    after = trial.report()
    assert after.left_out == (("B", 120),)
    assert after.versions == before.versions
    assert after.differences == before.differences
    assert report.build(trial.workspace.store, "x").clicks.unique == 111


def test_runs_are_added_up_and_an_odd_one_is_noted(trial: Trial) -> None:
    trial.play(trial.inject(*TWO), {"A": 5, "B": 6})
    trial.play(trial.inject(*TWO, people=range(1000, 1100), out="o2"), {"A": 3, "B": 4})
    both = trial.report()
    assert [each.clickers for each in both.versions] == [8, 10]
    assert (both.runs, both.notes) == (2, ())
    trial.inject(*TWO, people=range(2000, 2100), out="o3", more=("--split", "90/10"))
    assert any("split the versions differently" in note for note in trial.report().notes)


def test_a_young_test_says_so(trial: Trial) -> None:
    copies = trial.inject(*TWO)
    trial.client.get(copies[0].open)
    trial.clock.forward(3600)
    assert "less than 24 hours old" in trial.report().notes[0]
    trial.clock.forward(86_400)
    assert trial.report().notes == ()


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        ((("a.html",),), "campaign 'x' has no versions"),
        ((("--version", "A=a.html"),), "campaign 'x' has one version, A"),
    ],
)
def test_nothing_to_compare(trial: Trial, argv: tuple[tuple[str, ...], ...], says: str) -> None:
    for given_ in argv:
        trial.inject(*given_)
    ran = run(trial.folder, "report", "--campaign", "x", "--ab")
    assert ran.code == 2
    assert says in ran.err and "inject --version" in ran.err


def test_versions_one_after_the_other_are_not_comparable(trial: Trial) -> None:
    trial.inject("--version", "A=a.html")
    trial.inject("--version", "B=b.html", people=range(500, 600), out="o2")
    _ = trial.client
    with pytest.raises(InputError, match="no run of inject drew who gets which version"):
        trial.report()


# -- what the figures say ---------------------------------------------------------------------------


def version(name: str, clickers: int, tracked: int) -> VersionFigures:
    low, high = rate_interval(clickers, tracked)
    rate = clickers / tracked if tracked else None
    bounds = Bounds(clickers, clickers)
    return VersionFigures(
        name, tracked, tracked, tracked, tracked, clickers, bounds, rate, clickers, bounds, rate, low, high, 0
    )


@pytest.mark.parametrize(
    ("a", "b", "enough", "says"),
    [
        ((50, 1000), (90, 1000), True, "Enough: B is clicked by more people than A."),
        ((90, 1000), (50, 1000), True, "Enough: A is clicked by more people than B."),
        (
            (50, 1000),
            (60, 1000),
            False,
            "Not enough yet: chance alone can make such a difference. About 14,000 more messages",
        ),
        (
            (0, 100),
            (8, 100),
            False,
            "Not enough yet: 8 people have clicked, and 20 are the least. About 300 more messages",
        ),
        ((30, 500), (30, 500), False, "Not enough yet: both rates are the same"),
        ((0, 500), (0, 500), False, "Not enough yet: nobody has clicked."),
        ((0, 0), (5, 50), False, "Not enough yet: nobody who got A is tracked by clicks."),
        ((5, 50), (0, 0), False, "Not enough yet: nobody who got B is tracked by clicks."),
    ],
)
def test_enough_or_not_yet(a: tuple[int, int], b: tuple[int, int], enough: bool, says: str) -> None:
    (found,) = differences([version("A", *a), version("B", *b)])
    assert found.enough == enough
    assert found.says.startswith(says)
    assert (found.more_messages is None) == (enough or "About" not in says)


figures = st.integers(1, 20_000).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole)))


@given(st.lists(figures, min_size=2, max_size=5))
def test_enough_means_that_the_interval_leaves_out_zero(given_: list[tuple[int, int]]) -> None:
    versions = [version(f"v{place}", *each) for place, each in enumerate(given_)]
    for found, (part, _whole) in zip(differences(versions), given_[1:], strict=True):
        apart = found.low > 0 or found.high < 0
        assert found.enough == (apart and part + given_[0][0] >= LEAST_CLICKERS)
        assert found.more_messages is None or found.more_messages > 0
        if found.enough and found.difference > 0:
            assert found.chance_higher > 0.95


def test_of_several_differences_each_needs_more_to_be_enough() -> None:
    """Bonferroni: 2.1 standard errors are enough for one difference, and not for one of three."""
    a, b = version("A", 100, 1000), version("B", 130, 1000)
    assert differences([a, b])[0].enough
    together = differences([a, b, version("C", 100, 1000), version("D", 101, 1000)])
    assert not together[0].enough
    assert [each.version for each in together] == ["B", "C", "D"]
    assert {each.first for each in together} == {"A"}
    assert together[0].high - together[0].low == pytest.approx(
        (differences([a, b])[0].high - differences([a, b])[0].low) * quantile(0.95, 3) / quantile(0.95),
        rel=0.01,
    )


@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ((40, 500), (50, 500), "86 in 100 that more people click B than A."),
        ((50, 500), (40, 500), "86 in 100 that more people click A than B."),
        ((10, 500), (90, 500), "more than 99 in 100 that more people click B than A."),
        ((50, 500), (50, 500), "50 in 100 that more people click B than A."),
    ],
)
def test_how_sure_in_words(a: tuple[int, int], b: tuple[int, int], words: str) -> None:
    (found,) = differences([version("A", *a), version("B", *b)])
    assert show.sureness(found) == words


# -- how it looks -----------------------------------------------------------------------------------


def printed(found: AbReport, width: int) -> str:
    stream = io.StringIO()
    show.show(Console(file=stream, width=width, highlight=False), found)
    return stream.getvalue()


def three() -> AbReport:
    versions = (
        version("A", 40, 500),
        version("B", 50, 500),
        version("a-very-long-name-of-a-version", 90, 500),
    )
    links = (LinkShare("https://shop.example/" + "x" * 90, "Shop", (30, 40, None)),)
    return AbReport(
        "spring",
        "abcdefgh",
        START,
        versions,
        differences(versions),
        links,
        1,
        (("B", 1200),),
        START,
        (),
        0.95,
        "1",
    )


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_every_width_has_the_versions_and_what_they_say(width: int) -> None:
    lines = printed(three(), width).splitlines()
    assert max(map(len, lines)) <= width
    whole = " ".join(" ".join(lines).split())
    for words in (
        "B − A: +2.0 points of click rate, 95 % between −2.1 and +6.1",
        "How sure: 86 in 100 that more people click B than A.",
        "Not enough yet: chance alone can make such a difference. About",
        "Both intervals hold with 95 % together",
        "Not compared: 1,200 messages of version B",
        "click rate: recipients with a person's click ÷ messages of which clicks are",
    ):
        assert words in whole
    row = next(line for line in lines if line.strip().startswith("B "))
    assert "50" in row and "10.0 %" in row
    assert ("7.7 % and 12.9 %" in row) == (width >= 140)


def test_json_and_csv_have_the_same_figures() -> None:
    found = three()
    said = json.loads(show.as_json(found))
    assert [each["name"] for each in said["versions"]] == ["A", "B", "a-very-long-name-of-a-version"]
    assert said["links"][0]["clickers"] == {"A": 30, "B": 40, "a-very-long-name-of-a-version": None}
    assert said["left_out"] == {"B": 1200}
    assert said["begun"].startswith("2026-09-21T")
    rows = list(csv.DictReader(io.StringIO(show.as_csv(found))))
    for row, each in zip(rows, said["versions"], strict=True):
        assert (row["version"], int(row["clickers"]), float(row["click_rate"])) == (
            *(each["name"], each["clickers"], each["click_rate"]),
        )
    assert [row["enough"] for row in rows] == ["", "no", "yes"]
    for row, each in zip(rows[1:], said["differences"], strict=True):
        assert float(row["difference_low"]) == each["low"]
        assert row["more_messages"] == ("" if each["more_messages"] is None else str(each["more_messages"]))


def test_what_others_wrote_reaches_no_terminal() -> None:
    found = replace(three(), campaign=HOSTILE, links=(LinkShare(HOSTILE, HOSTILE, (1, 2, 3)),))
    shown = printed(found, 100)
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)
    assert "[red]x[/red]" in shown


# -- a sweep of all links is one of all links of the version ----------------------------------------


def test_all_links_of_a_version_are_all_links_of_the_mail() -> None:
    first, second = frozenset({1, 2, 3, 4}), frozenset({5, 6, 7, 8, 9})
    both = Context(START, first | second, frozenset(), (first, second))
    alone = Context(START, first)

    def swept(links: frozenset[int], mail: Context) -> list[str]:
        hits = [
            Fact(
                link,
                1,
                START + 3_600_000 + link,
                int(EventKind.CLICK),
                link,
                CHROME,
                Flag.HEADERS | Flag.NAVIGATE,
                "",
                0,
            )
            for link in sorted(links)
        ]
        return [reason for verdict in judge(hits, mail, rules()) for reason in verdict.reasons]

    assert swept(first, both) == swept(first, alone)
    assert "all-links" in swept(second, both)
    assert "all-links" not in swept(second - {9}, both)


def test_judging_is_told_the_links_of_each_version(trial: Trial) -> None:
    trial.inject(*TWO)
    _ = trial.client
    store = trial.workspace.store
    campaign = store.campaign("x").campaign_id
    links = store.links(campaign)
    assert verdicts.contexts(store)[campaign].mails == tuple(
        frozenset(row.number for row in links if row.version == number) for number in (1, 2)
    )


# -- from end to end --------------------------------------------------------------------------------


def test_from_two_files_to_the_verdict_over_http(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.html").write_text(page(name))
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"p{n}@example.com\n" for n in range(600)))
    with serving(tmp_path) as base:
        ran = run(
            *(tmp_path, "inject", "--version", "A=a.html", "B=b.html", "--split", "50/50"),
            *("--recipients", "list.csv", "--campaign", "test", "--base-url", base),
        )
        assert ran.code == 0, ran.err
        out = tmp_path / "out" / "test"
        with (out / "messages.csv").open() as file:
            rows = list(csv.DictReader(file))
        mails: dict[str, list[list[str]]] = {"A": [], "B": []}
        for row in rows:
            mails[row["version"]].append(re.findall(rf'{base}/c/[^"]+', (out / row["file"]).read_text()))
        people = [each[0] for each in mails["A"][:12]] + [each[0] for each in mails["B"][:60]]
        answers = curl(tmp_path, people, CHROME)
        assert answers == [
            *["302 https://shop.example/same?utm_content=a"] * 12,
            *["302 https://shop.example/same?utm_content=b"] * 60,
        ]
        curl(tmp_path, [url for each in mails["A"][100:] for url in each[:1]], BOT)
    ran = run(tmp_path, "report", "--campaign", "test", "--ab", "--json")
    assert ran.code == 0, ran.err
    said = json.loads(ran.out)
    assert [(each["messages"], each["clickers"], each["machine_clickers"]) for each in said["versions"]] == [
        *((300, 12, 200), (300, 60, 0)),
    ]
    assert said["differences"][0]["enough"] is True
    assert said["differences"][0]["difference"] == pytest.approx(0.16)
    shown = run(tmp_path, "report", "--campaign", "test", "--ab", COLUMNS="80")
    assert "B − A: +16.0 points of click rate, 95 % between +11.0 and +21.2" in shown.out
    assert "more than 99 in 100 that more people click B than A." in shown.out
    assert "\x1b" not in shown.out
