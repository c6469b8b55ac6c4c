"""Audiences through the command: what is saved, who is in one, and what is refused."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from command import Ran, run
from conftest import START, Inject
from test_report import Hits

from pixeltrack import heard, replay, segments, verdicts, who
from pixeltrack.errors import InputError
from pixeltrack.segments import Condition, Segment
from pixeltrack.setup import Workspace

READERS = ["ada@x.example", "bob@x.example", "cid@x.example", "dan@x.example"]
DAY = 86_400_000


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    inject(*READERS)
    return Hits(workspace, "spring", READERS)


def audience(workspace: Workspace, *argv: str) -> Ran:
    return run(workspace.store.path.parent, "audience", *argv, "--db", str(workspace.store.path))


def shown(workspace: Workspace, name: str) -> dict:
    ran = audience(workspace, "show", name, "--json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def with_site(workspace: Workspace, *goals: str, paths: tuple[str, ...] = ()) -> None:
    with sqlite3.connect(workspace.store.path) as connection:
        connection.execute("insert into sites values (1, 'shop.example', 1, 0)")
        connection.executemany(
            "insert into goals (name, site_id, created) values (?, 1, 0)", [(g,) for g in goals]
        )
        connection.executemany("insert into pages (site_id, path) values (1, ?)", [(p,) for p in paths])


def found(workspace: Workspace, segment: Segment, now: int = START + DAY) -> set[str]:
    store = workspace.store
    verdicts.bring_up_to_date(store)
    return {each[:3] for each in store.addresses(segments.build(store, segment, now).people)}


def test_within_counts_back_to_the_very_moment(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    at = START + 7_200_000
    assert found(workspace, Segment((Condition("clicked"),), within=DAY), at + DAY) == {"ada"}
    assert found(workspace, Segment((Condition("clicked"),), within=DAY), at + DAY + 1) == set()


def test_show_says_what_is_asked_and_how_many(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    with_site(workspace, "order")
    made = audience(
        workspace, "create", "warm", "--clicked", "First", "--not-converted", "order", "--within", "3650d"
    )
    says = "clicked First and did not reach goal order, in the last 3650d"
    assert made.err.endswith(f"audience warm is saved: {says}\n")
    assert audience(workspace, "list").out == f"warm: {says}\n"
    (listed,) = json.loads(audience(workspace, "list", "--json").out)
    assert listed["conditions"] == [
        {"what": "clicked", "of": "First", "not": False},
        {"what": "converted", "of": "order", "not": True},
    ]
    assert (listed["says"], listed["within_ms"]) == (says, 3650 * DAY)
    ran = audience(workspace, "show", "warm")
    assert ran.out.splitlines() == [
        f"warm: {says}",
        "  people                          1",
        "  of these agreed to retargeting  0",
        "  left out: never asked           1",
    ]
    assert shown(workspace, "warm")["people"] == 1


def test_create_and_delete_answer_in_json(hits: Hits, workspace: Workspace) -> None:
    made = audience(workspace, "create", "read", "--opened", "--json")
    assert json.loads(made.out)["says"] == "opened a mail"
    assert json.loads(audience(workspace, "delete", "read", "--json").out) == {
        "audience": "read",
        "deleted": True,
    }
    assert audience(workspace, "delete", "read").code == 2


def test_hits_are_judged_before_they_are_counted(hits: Hits, workspace: Workspace) -> None:
    assert audience(workspace, "create", "read", "--opened").code == 0
    hits.open(1, 7_200)
    assert workspace.store.unjudged() == 1
    assert shown(workspace, "read")["people"] == 1
    assert workspace.store.unjudged() == 0


def test_hits_that_cannot_be_judged_now_are_said(hits: Hits, workspace: Workspace) -> None:
    assert audience(workspace, "create", "read", "--opened").code == 0
    hits.open(1, 7_200)
    with sqlite3.connect(workspace.store.path, isolation_level=None) as connection:
        connection.execute("begin immediate")
        ran = audience(workspace, "show", "read", "--json")
        connection.execute("rollback")
    assert json.loads(ran.out)["people"] == 0
    assert "1 new hits could not be judged" in ran.err


@pytest.mark.parametrize(
    ("argv", "error", "hint"),
    [
        (["--clicked", "nothing"], "'nothing' is no link of your campaigns", "pixeltrack links --campaign NAME"),
        (["--clicked", "1"], "1 is the number of a link in one campaign", "--campaign"),
        (["--clicked", "9", "--campaign", "spring"], "'9' is no link of campaign 'spring'", "1 First"),
        (["--clicked", "shop.example"], "'shop.example' is several links", "https://shop.example/a"),
        (["--clicked", "any", "--campaign", "sprng"], "no such campaign: 'sprng'", "spring"),
        (["--converted", "oder"], "no goal 'oder'", "order"),
        (["--viewed", "pricing"], "'pricing' is no page", "your sites are shop.example"),
        (["--viewed", "other.example/a"], "'other.example/a' is no page", "your sites are shop.example"),
        (["--opened", "--and", "warm"], "no audience 'warm'", "read"),
        (["--opened", "--within", "soon"], "--within 'soon' is no length of time", "7d"),
        ([], "nothing is asked for", "--clicked any"),
        (["--clicked", ""], "--clicked is empty", "--clicked WHAT"),
        (["--not-viewed", " "], "--not-viewed is empty", "--not-viewed WHAT"),
    ],
)  # fmt: skip
def test_what_there_is_none_of_is_refused(
    hits: Hits, workspace: Workspace, argv: list[str], error: str, hint: str
) -> None:
    with_site(workspace, "order")
    assert audience(workspace, "create", "read", "--opened").code == 0
    ran = audience(workspace, "create", "x", *argv)
    assert ran.code != 0
    assert error in ran.err
    assert hint in ran.err
    assert json.loads(audience(workspace, "list", "--json").out)[0]["audience"] == "read"


def test_no_page_can_be_asked_for_without_a_site(hits: Hits, workspace: Workspace) -> None:
    ran = audience(workspace, "create", "x", "--viewed", "/a")
    assert (ran.code, "no site tells of pages yet" in ran.err) == (2, True)


@pytest.mark.parametrize(
    ("page", "warned"),
    [("/a", False), ("shop.example/a", False), ("/*", False), ("*", False), ("/x", True), ("/ab*", True)],
)
def test_a_page_that_nobody_has_seen_yet_is_said(
    hits: Hits, workspace: Workspace, page: str, warned: bool
) -> None:
    with_site(workspace, paths=("/a", "/b/c"))
    ran = audience(workspace, "create", "x", "--viewed", page)
    assert ran.code == 0, ran.err
    assert (f"nobody has seen {page} yet; pages that were seen: /a, /b/c" in ran.err) is warned


def test_of_people_counted_together_there_is_no_audience(inject: Inject, workspace: Workspace) -> None:
    inject(*READERS, opens="aggregate", clicks="aggregate", free=frozenset({"aggregate"}))
    ran = audience(workspace, "create", "x", "--clicked", "any", "--campaign", "spring")
    assert (ran.code, "counts its recipients together (aggregate)" in ran.err) == (2, True)
    assert audience(workspace, "create", "x", "--clicked", "any").code == 0
    said = shown(workspace, "x")
    assert (said["people"], said["unnamed"], said["counted_together"]) == (0, {}, 4)


def test_the_same_text_in_two_mails_is_both_links(inject: Inject, workspace: Workspace, hits: Hits) -> None:
    inject(*READERS, campaign="other", mail=b"<p><a href='https://shop.example/new'>First</a></p>")
    hits.click(0, 7_200)
    Hits(workspace, "other", READERS).click(1, 7_200)
    assert found(workspace, Segment((Condition("clicked", "First"),))) == {"ada", "bob"}
    assert found(workspace, Segment((Condition("clicked", "First"),), "other")) == {"bob"}
    assert found(workspace, Segment((Condition("clicked", "https://shop.example/new"),))) == {"bob"}
    assert found(workspace, Segment((Condition("clicked", "1"),), "spring")) == {"ada"}


def test_what_others_are_made_of_is_not_deleted(hits: Hits, workspace: Workspace) -> None:
    for name, *asked in (
        ("a", "--opened"), ("b", "--opened", "--not", "a"), ("c", "--clicked", "any", "--and", "a")
    ):  # fmt: skip
        assert audience(workspace, "create", name, *asked).code == 0
    ran = audience(workspace, "delete", "a")
    assert (ran.code, "audience 'a' is needed by b, c" in ran.err) == (2, True)
    for name in ("c", "b", "a"):
        assert audience(workspace, "delete", name).code == 0
    assert audience(workspace, "create", "a", "--and", "a").code == 2  # so none is ever made of itself


def test_a_circle_that_was_written_by_hand_ends(hits: Hits, workspace: Workspace) -> None:
    with sqlite3.connect(workspace.store.path) as connection:
        for name, other in (("a", "b"), ("b", "a")):
            connection.execute("insert into segments values (?, ?, 0)", [name, Segment(also=(other,)).json()])
    with pytest.raises(InputError, match="is made of itself"):
        segments.build(workspace.store, segments.load(workspace.store, "a"), START)


def test_hits_that_retention_deleted_are_said(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 7_200)
    assert audience(workspace, "create", "cold", "--not-clicked", "any").code == 0
    assert shown(workspace, "cold")["people"] == 3
    folder, files = workspace.store.path.parent, ("--db", str(workspace.store.path))
    (folder / "short.toml").write_text("[retention]\nevents_days = 1\n")
    purged = run(folder, "purge", "--yes", "--clock-is-right", "--config", "short.toml", *files)
    assert purged.code == 0, purged.err
    ran = audience(workspace, "show", "cold")
    assert "is deleted: who clicked, saw or reached something only then is among those who did not" in ran.err
    assert audience(workspace, "create", "late", "--not-clicked", "any", "--within", "12h").code == 0
    assert "deleted" not in audience(workspace, "show", "late").err


def test_goals_without_a_signature_count_only_where_asked(hits: Hits, workspace: Workspace) -> None:
    with_site(workspace, "order")
    with sqlite3.connect(workspace.store.path) as connection:
        for reader, verified in ((0, 1), (1, 0)):
            connection.execute(
                "insert into conversions (goal_id, order_id, entry, at, value, currency, whole, campaign_id,"
                " message, source, verified, told, class, signal)"
                " values (1, ?, '', ?, 0, '', 0, 1, ?, 1, ?, 1, 1, 0)",
                [str(reader), START, hits.message(reader), verified],
            )
    made = audience(workspace, "create", "bought", "--converted", "order")
    assert "1 of 2 of goal order are unverified and do not count; --unverified counts them" in made.err
    assert audience(workspace, "create", "all", "--converted", "order", "--unverified").code == 0
    assert (shown(workspace, "bought")["people"], shown(workspace, "all")["people"]) == (1, 2)


def test_a_file_is_asked_for_by_its_name(workspace: Workspace, hits: Hits, tmp_path: Path) -> None:
    assert audience(workspace, "create", "read", "--opened").code == 0
    ran = audience(workspace, "export", "read", "--for", "csv", "-o", "-")
    assert (ran.code, "-o - is no file" in ran.err) == (2, True)
    assert not (tmp_path / "-").exists()


def test_every_help_has_an_example(tmp_path: Path) -> None:
    for name in ("create", "list", "show", "delete", "export"):
        assert f"pixeltrack audience {name}" in run(tmp_path, "audience", name, "--help").out
    assert "csv has plain addresses" in run(tmp_path, "audience", "export", "--help").out


def test_hits_beyond_their_share_of_an_hour_count_as_reports_count_them(
    hits: Hits, workspace: Workspace
) -> None:
    for minute in range(replay.LIMIT + 5):
        hits.click(0, 7_200 + 20 * minute)
    hits.click(1, 7_200)
    store = workspace.store
    assert store.repeating()
    verdicts.bring_up_to_date(store)
    campaign = store.campaign("spring")
    listed = who.build(store, campaign, who.read(store, campaign, "clicked"), heard.Span())
    assert {each.address[:3] for each in listed.people} == {"ada", "bob"}
    for of in ("", "https://shop.example/a?x=1&y=2"):
        assert found(workspace, Segment((Condition("clicked", of),))) == {"ada", "bob"}
    assert found(workspace, Segment((Condition("opened"),))) == set()
    store.silence([("ada@x.example", 2)])
    assert found(workspace, Segment((Condition("clicked"),))) == {"bob"}


@pytest.mark.parametrize(
    ("axis", "bit", "asked"), [("opens", 1, "--not-opened"), ("clicks", 2, "--not-clicked=any")]
)
def test_why_nothing_is_told_of_people_is_said_apart(
    inject: Inject, workspace: Workspace, axis: str, bit: int, asked: str
) -> None:
    readers = [f"p{number}@x.example" for number in range(8)]
    inject(*readers)
    inject(readers[1], campaign="again")  # who may be told of in one mail is told of
    hits = Hits(workspace, "spring", readers)
    with sqlite3.connect(workspace.store.path) as connection:
        for reader, mode in enumerate((5, 4, 4, 3, 2, 1, 0, 5)):
            place = [mode, hits.message(reader)]
            connection.execute(f"update messages set {axis} = ? where campaign_id = 1 and message = ?", place)
        connection.execute("insert into silenced values (1, ?, 'person', ?)", [hits.message(7), bit])
    assert audience(workspace, "create", "x", asked).code == 0
    said = shown(workspace, "x")
    assert said["people"] == 2
    assert said["unnamed"] == {
        "not measured": 1,
        "counted together": 2,
        "last open's day alone": 1,
        "pseudonymous": 1,
        "refused since": 1,
    }
    lines = audience(workspace, "show", "x").out.splitlines()
    assert (
        lines[lines.index("Not told of by name, so in no audience:") + 5]
        == "  refused since                   1"
    )


def test_who_takes_an_erased_persons_number_meanwhile_takes_no_place(
    hits: Hits, workspace: Workspace
) -> None:
    store = workspace.store
    with store.snapshot():
        people = segments.build(store, Segment((Condition("clicked", "", negated=True),)), START).people
        with sqlite3.connect(store.path) as another:
            another.execute("delete from messages where recipient_id = 4")
            another.execute("delete from recipients where recipient_id = 4")
            another.execute("insert into recipients (identity, fields) values ('eve@x.example', '{}')")
            assert another.execute("select max(recipient_id) from recipients").fetchone() == (4,)
        assert sum(segments.allowed(store, people).left_out.values()) == 4
        assert set(store.addresses(people)) == set(READERS)
    assert "eve@x.example" in set(store.addresses(people))  # and so it is all done within one
