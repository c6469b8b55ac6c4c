"""The store on a real file: who may open it, what survives, and what never changes its meaning."""

from __future__ import annotations

import json
import multiprocessing
import os
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pixeltrack.errors import KeyFileError, NoSuchCampaign, StoreError
from pixeltrack.model import Campaign, CampaignKind, Event, EventKind, Flag, LinkRow, Mail, Message, Owner
from pixeltrack.store import CampaignDraft, Store, events, open_store, people
from pixeltrack.store.schema import VERSION
from pixeltrack.tokens import Keyring

KEYRING = Keyring({1: bytes(range(32))})
NOW = 1_790_000_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "t.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    made = open_store(path, KEYRING, create=True)
    yield made
    made.close()


def rows(path: Path, sql: str) -> list[tuple[Any, ...]]:
    """What is on the disk, read by another connection."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def links(*urls: str) -> list[LinkRow]:
    return [LinkRow(number, number, number, "text", url) for number, url in enumerate(urls, start=1)]


def draft(store: Store, *urls: str, name: str = "spring", kind: CampaignKind = "recipients") -> CampaignDraft:
    return store.draft_campaign(name, kind, KEYRING, NOW).number(links(*urls))


def saved(store: Store, *urls: str, name: str = "spring") -> Campaign:
    return store.save_campaign(draft(store, *urls, name=name))


def sent(store: Store, campaign: Campaign, *identities: str) -> None:
    """Give each identity a message, numbered from 1."""
    store.save_messages(
        campaign.campaign_id,
        [Message(number, identity, {}, True) for number, identity in enumerate(identities, start=1)],
    )


def hit(
    campaign: Campaign, message: int = 1, at: int = NOW, agent: str = "Agent/1.0", link: int = 0
) -> Event:
    kind = EventKind.CLICK if link else EventKind.OPEN
    return Event(at, campaign.campaign_id, kind, link, message, agent, 0)


# -- opening --------------------------------------------------------------------------------------------


def test_opening_twice_makes_the_schema_once(path: Path) -> None:
    open_store(path, KEYRING, create=True).close()
    schema = rows(path, "select type, name, sql from sqlite_schema order by name")
    open_store(path, KEYRING, create=True).close()
    open_store(path, KEYRING).close()
    assert rows(path, "select type, name, sql from sqlite_schema order by name") == schema
    assert rows(path, "pragma user_version") == [(VERSION,)]
    assert rows(path, "pragma integrity_check") == [("ok",)]


def _open_each(paths: list[Path], together: Any, errors: Any) -> None:
    for path in paths:
        together.wait()
        try:
            store = open_store(path, KEYRING, create=True)
            store.save_campaign(store.draft_campaign(f"by {os.getpid()}", "recipients", KEYRING, NOW).draft())
            store.close()
        except Exception as error:
            errors.put(repr(error))


def test_several_programs_may_make_the_database_at_the_same_moment(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    paths = [tmp_path / f"{number}.db" for number in range(20)]
    together, errors = spawn.Barrier(4), spawn.SimpleQueue()
    programs = [spawn.Process(target=_open_each, args=(paths, together, errors)) for _ in range(4)]
    for program in programs:
        program.start()
    for program in programs:
        program.join(60)
    found = [] if errors.empty() else [errors.get()]
    assert found == []
    assert [program.exitcode for program in programs] == [0] * 4
    for path in paths:
        assert rows(path, "select count(*) from campaigns") == [(4,)]
        assert rows(path, "select name from _sqlite_migrations") == [
            ("0001_foundation",),
            ("0002_link_groups",),
            ("0003_logs",),
            ("0004_facts",),
            ("0005_repeats",),
            ("0006_verdicts",),
            ("0007_mails",),
            ("0008_rollups",),
            ("0009_versions",),
            ("0010_consent",),
            ("0011_modes",),
            ("0012_audiences",),
            ("0013_trail",),
            ("0014_kept",),
            ("0015_notices",),
            ("0016_erasures",),
            ("0017_sites",),
            ("0018_deliveries",),
            ("0019_segments",),
            ("0020_hooks",),
        ]
        assert rows(path, "select value from facts") == [(KEYRING.check_value(),)]


def test_the_database_is_private_with_all_that_belongs_to_it(path: Path) -> None:
    before = os.umask(0o000)
    try:
        store = open_store(path, KEYRING, create=True)
        saved(store, "https://a.example")
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes == {"t.db": 0o600, "t.db-wal": 0o600, "t.db-shm": 0o600}


def test_a_commit_is_made_to_survive_a_power_cut(store: Store) -> None:
    pragmas = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1}
    for name, value in pragmas.items():
        assert store._connection.execute(f"pragma {name}").fetchone()[0] == value


def test_a_missing_database_is_said_and_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        open_store(path, KEYRING)
    assert not path.exists()


def test_a_database_of_a_newer_pixeltrack_is_refused_untouched(path: Path) -> None:
    open_store(path, KEYRING, create=True).close()
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=f"newer pixeltrack \\(schema 99, this one knows {VERSION}\\)"):
        open_store(path, KEYRING, create=True)
    assert rows(path, "pragma user_version") == [(99,)]


def test_another_key_is_refused(path: Path) -> None:
    open_store(path, KEYRING, create=True).close()
    with pytest.raises(KeyFileError, match="the key is not the one that made the database"):
        open_store(path, Keyring({1: bytes(32)}), create=True)
    open_store(path, Keyring({1: bytes(range(32)), 2: bytes(32)})).close()  # a rotated one is the same


@pytest.mark.parametrize("content", [b"just some text\n" * 100, b"SQLite format 3\0" + b"\xff" * 4096])
def test_another_file_is_refused_untouched(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(StoreError, match="not a database"):
        open_store(path, KEYRING, create=True)
    assert path.read_bytes() == content


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no database at"):
        open_store(tmp_path, KEYRING, create=True)


# -- campaigns and links --------------------------------------------------------------------------------


def test_a_campaign_is_read_back_as_it_was_saved(store: Store) -> None:
    campaign = saved(store, "https://a.example/?x=1&y=ü", "https://b.example")
    assert campaign == Campaign(1, "spring", KEYRING.campaign_code("spring"), 1, "recipients", NOW)
    assert store.campaign("spring") == store.campaign_by_code(campaign.code) == campaign
    assert store.links(campaign.campaign_id) == links("https://a.example/?x=1&y=ü", "https://b.example")


def test_drafting_writes_nothing(store: Store) -> None:
    draft(store, "https://a.example")
    assert store.campaigns() == []


def test_an_unknown_campaign_names_those_there_are(store: Store) -> None:
    saved(store)
    with pytest.raises(NoSuchCampaign, match="no such campaign: 'sprng'") as missing:
        store.campaign("sprng")
    assert missing.value.hint == "known campaigns: spring"


def test_two_campaigns_never_share_a_code(store: Store) -> None:
    store.save_campaign(draft(store))
    store._connection.execute("update campaigns set name = 'winter'")  # one whose name hashes alike
    assert saved(store).code == KEYRING.campaign_code("spring", attempt=1)


def test_the_same_mail_again_keeps_every_number(store: Store) -> None:
    first = saved(store, "https://a.example", "https://b.example")
    again = draft(store, "https://a.example", "https://b.example")
    assert [link.number for link in again.links] == [1, 2]
    assert store.save_campaign(again) == first
    assert len(store.links(first.campaign_id)) == 2


def test_a_changed_link_gets_a_new_number_and_the_old_one_keeps_its_meaning(store: Store) -> None:
    campaign = saved(store, "https://a.example", "https://b.example", "https://c.example")
    changed = draft(store, "https://a.example", "https://new.example", "https://c.example")
    assert [link.number for link in changed.links] == [1, 4, 3]
    store.save_campaign(changed)
    table = {link.number: link.url for link in store.links(campaign.campaign_id)}
    assert table == {
        1: "https://a.example",
        2: "https://b.example",
        3: "https://c.example",
        4: "https://new.example",
    }
    back = draft(store, "https://a.example", "https://b.example", "https://c.example")
    assert [link.number for link in back.links] == [1, 2, 3]


def test_no_sequence_of_edits_changes_what_a_number_means(store: Store) -> None:
    a, b, c, d = (f"https://{letter}.example" for letter in "abcd")
    promised: dict[int, str] = {}
    for mail in ([a], [b, a], [a, b, c], [d], [c, c, c], [], [d, b, a, c], [a, b, c, d], [b, a]):
        campaign = saved(store, *mail)
        table = {link.number: link.url for link in store.links(campaign.campaign_id)}
        assert table.items() >= promised.items()
        numbers = [link.number for link in draft(store, *mail).links]
        assert [table[number] for number in numbers] == mail
        assert len(set(numbers)) == len(numbers)
        promised = table


def test_of_two_runs_at_once_the_second_is_told_to_run_again(store: Store) -> None:
    saved(store, "https://a.example")
    one = draft(store, "https://one.example")
    other = draft(store, "https://other.example")
    campaign = store.save_campaign(one)
    with pytest.raises(StoreError, match="changed by another run at the same time"):
        store.save_campaign(other)
    assert "https://other.example" not in {link.url for link in store.links(campaign.campaign_id)}


def test_a_preview_becomes_the_campaign_and_never_the_other_way(store: Store) -> None:
    store.save_campaign(draft(store, kind="preview"))
    assert saved(store).kind == "recipients"
    assert store.save_campaign(draft(store, kind="preview")).kind == "recipients"
    with pytest.raises(StoreError, match="of another kind \\(recipients, not merge\\)"):
        draft(store, kind="merge")


# -- recipients and messages ----------------------------------------------------------------------------


def test_messages_are_counted_once_however_often_they_are_saved(store: Store) -> None:
    campaign = saved(store)
    sent_to = [
        Message(number, f"{number}@x.example", {"name": "A"}, number % 2 == 0) for number in range(12_000)
    ]
    store.save_messages(campaign.campaign_id, sent_to)
    store.save_messages(campaign.campaign_id, sent_to)
    assert store.message_counts(campaign.campaign_id) == (12_000, 6_000)
    assert store.owner(campaign.code, 7) == Owner("7@x.example", False)


def test_new_people_and_known_ones_get_their_own_messages(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "_CHUNK", 10)
    spring, summer = saved(store), saved(store, name="summer")
    everybody = [f"{number}@x.example" for number in range(45)]

    def messages(of: Sequence[str]) -> list[Message]:
        return [Message(int(each.split("@")[0]), each, {"of": each, "x%": '"\\'}, True) for each in of]

    store.save_messages(spring.campaign_id, messages(everybody[5:35]))  # all new
    store.save_messages(summer.campaign_id, messages(everybody[::-1]))  # new ones, a mixture, known ones
    for campaign, sent_to in ((spring, everybody[5:35]), (summer, everybody)):
        for each in sent_to:
            number = int(each.split("@")[0])
            assert store.owner(campaign.code, number) == Owner(each, True)
            assert store.fields_of(campaign.campaign_id, number) == {"of": each, "x%": '"\\'}


def test_fields_are_stored_as_sorted_json(store: Store, path: Path) -> None:
    fields = {"z": 'é "x" \\ \n\x00\u2028', "a%s": "100 %", "": ""}
    store.save_messages(saved(store).campaign_id, [Message(1, "ann@x.example", fields, True)])
    assert rows(path, "select fields from recipients") == [
        (json.dumps(fields, ensure_ascii=False, sort_keys=True),)
    ]


def test_the_owner_of_a_message_is_looked_up_within_its_campaign(store: Store) -> None:
    spring, summer = saved(store), saved(store, name="summer")
    sent(store, spring, "ann@x.example")
    assert store.owner(spring.code, 1) == Owner("ann@x.example", True)
    assert store.owner(summer.code, 1) is None
    assert store.owner(spring.code, 2) is None


# -- events ---------------------------------------------------------------------------------------------


def test_events_come_back_as_they_went_in_by_message_and_time(store: Store) -> None:
    campaign, other = saved(store), saved(store, name="summer")
    lowest, highest = -(2**63), 2**63 - 1
    store.put_events(
        [
            hit(campaign, highest, NOW + 2, "Late/1"),
            hit(campaign, lowest, NOW + 1, "", link=9_999_999),
            hit(other, 5),
            Event(NOW, campaign.campaign_id, EventKind.CLICK, 1, lowest, "Late/1", Flag.HEAD | Flag.PREVIEW),
        ]
    )
    assert list(store.events(campaign.campaign_id)) == [
        (lowest, NOW, 2, 1, "Late/1", 5),
        (lowest, NOW + 1, 2, 9_999_999, "", 0),
        (highest, NOW + 2, 1, 0, "Late/1", 0),
    ]
    assert list(store.events(other.campaign_id)) == [(5, NOW, 1, 0, "Agent/1.0", 0)]


def test_events_are_on_the_disk_when_put_returns(store: Store, path: Path) -> None:
    campaign = saved(store)
    store.put_events([hit(campaign, message) for message in range(1_000)])
    assert rows(path, "select count(*) from events") == [(1_000,)]


def test_an_agent_is_stored_once(store: Store, path: Path) -> None:
    campaign = saved(store)
    for _ in range(3):
        store.put_events([hit(campaign, agent="A"), hit(campaign, agent="B"), hit(campaign, agent="A")])
    second = open_store(path, KEYRING)
    second.put_events([hit(campaign, agent="B")])
    second.close()
    assert rows(path, "select agent from agents order by agent") == [("A",), ("B",)]


def test_invented_agents_cannot_fill_the_database(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_MAX_AGENTS", 10)
    campaign = saved(store)
    store.put_events([hit(campaign, message, agent=f"Agent/{message}") for message in range(100)])
    store.put_events([hit(campaign, 5, agent="Agent/5"), hit(campaign, 200, agent="One/more")])
    assert rows(path, "select count(*) from agents") == [(11,)]
    agents = {message: agent for message, _, _, _, agent, _ in store.events(campaign.campaign_id)}
    assert agents[5] == "Agent/5"  # known ones keep their name
    assert agents[99] == agents[200] == "(other)"
    assert len(store._agents) <= 10


FACTS = "select message, network, address from events left join networks using (network_id) order by message"


def test_network_and_address_hash_are_kept_with_a_hit(store: Store, path: Path) -> None:
    campaign = saved(store)
    for message, network in enumerate(("google/2026-11-01", "", "google/2026-11-01"), start=1):
        store.put_events([hit(campaign, message)._replace(network=network, address=message << 20)])
    assert rows(path, FACTS) == [
        (1, "google/2026-11-01", 1 << 20),
        (2, None, 2 << 20),
        (3, "google/2026-11-01", 3 << 20),
    ]


def test_a_rolled_back_batch_leaves_no_network_behind(store: Store, path: Path) -> None:
    campaign = saved(store)
    fresh = hit(campaign, 1)._replace(network="fresh/1")
    with pytest.raises(StoreError, match="NOT NULL"):
        store.put_events([fresh, fresh._replace(message=None)])
    store.put_events([hit(campaign, 2)._replace(network="other/2")])
    store.put_events([fresh])
    assert rows(path, FACTS) == [(1, "fresh/1", 0), (2, "other/2", 0)]


def test_a_rolled_back_batch_leaves_no_agent_behind(store: Store, path: Path) -> None:
    campaign = saved(store)
    bad = Event(NOW, campaign.campaign_id, EventKind.OPEN, 0, None, "Fresh/1", 0)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="NOT NULL"):
        store.put_events([hit(campaign, 1, agent="Fresh/1"), bad])
    assert rows(path, "select count(*) from events") == [(0,)]
    store.put_events([hit(campaign, 2, agent="Other/2")])  # may take the id that the first one had
    store.put_events([hit(campaign, 1, agent="Fresh/1")])
    assert [(row[0], row[4]) for row in store.events(campaign.campaign_id)] == [
        (1, "Fresh/1"),
        (2, "Other/2"),
    ]


def test_a_locked_database_is_said_and_nothing_is_half_written(store: Store, path: Path) -> None:
    campaign = saved(store)
    hasty = open_store(path, KEYRING, busy_ms=10)
    store._connection.execute("begin immediate")
    with pytest.raises(StoreError, match="locked") as refused:
        hasty.put_events([hit(campaign)])
    assert "another program holds it" in (refused.value.hint or "")
    store._connection.execute("rollback")
    hasty.put_events([hit(campaign)])
    assert len(list(hasty.events(campaign.campaign_id))) == 1
    hasty.close()


# -- opt-outs -------------------------------------------------------------------------------------------


def test_saying_it_twice_changes_nothing(store: Store, path: Path) -> None:
    campaign = saved(store)
    sent(store, campaign, "ann@x.example")
    for later in range(3):
        store.opt_out(campaign.code, 1, b"ann", "all", NOW + later)
        store.opt_out(campaign.code, 1, b"ann", "tracking", NOW + later)
    assert store.opt_outs() == {b"ann": frozenset({"all", "tracking"})}
    assert store.opt_outs_of(b"ann") == frozenset({"all", "tracking"})
    assert store.opt_outs_of(b"bob") == frozenset()
    assert store.opt_out_counts(campaign.campaign_id) == {"all": 1, "tracking": 1}
    assert rows(path, "select distinct at from optouts") == [(NOW,)]  # when it was first said


def test_stopping_silences_every_message_of_the_person_and_of_nobody_else(store: Store) -> None:
    spring, summer = saved(store), saved(store, name="summer")
    for campaign in (spring, summer):
        sent(store, campaign, "ann@x.example", "bob@x.example")
    store.put_events([hit(spring, 1)])
    store.opt_out(spring.code, 1, b"ann", "tracking", NOW)
    store.put_events([hit(campaign, message) for campaign in (spring, summer) for message in (1, 2)])
    assert [row[0] for row in store.events(spring.campaign_id)] == [1, 2]  # what was before stays
    assert [row[0] for row in store.events(summer.campaign_id)] == [2]


def test_unsubscribing_alone_silences_nothing(store: Store) -> None:
    campaign = saved(store)
    sent(store, campaign, "ann@x.example")
    store.opt_out(campaign.code, 1, b"ann", "all", NOW)
    store.put_events([hit(campaign, 1)])
    assert len(list(store.events(campaign.campaign_id))) == 1


def test_a_person_who_stops_while_mail_is_being_injected_is_silenced_there_too(store: Store) -> None:
    # inject has read the opt-outs already and saves its messages after the person's act.
    spring, summer = saved(store), saved(store, name="summer")
    sent(store, spring, "ann@x.example", "bob@x.example")
    store.opt_out(spring.code, 1, b"ann", "tracking", NOW)
    sent(store, summer, "ann@x.example", "bob@x.example")
    store.put_events([hit(summer, 1), hit(summer, 2)])
    assert [row[0] for row in store.events(summer.campaign_id)] == [2]


def test_a_list_that_denies_silences_what_was_sent_before(store: Store) -> None:
    spring, summer = saved(store), saved(store, name="summer")
    sent(store, spring, "ann@x.example", "bob@x.example")
    store.save_messages(summer.campaign_id, [Message(1, "ann@x.example", {}, False)], ["ann@x.example"])
    store.put_events([hit(spring, 1), hit(spring, 2)])
    assert [row[0] for row in store.events(spring.campaign_id)] == [2]


def test_a_list_that_grants_again_is_heard_in_its_own_campaign(store: Store) -> None:
    spring, summer = saved(store), saved(store, name="summer")
    for campaign in (spring, summer):
        sent(store, campaign, "ann@x.example")
        store.save_messages(campaign.campaign_id, [], ["ann@x.example"])
    sent(store, summer, "ann@x.example")
    store.put_events([hit(spring, 1), hit(summer, 1)])
    assert not list(store.events(spring.campaign_id))
    assert len(list(store.events(summer.campaign_id))) == 1


def test_no_list_undoes_what_the_person_said(store: Store) -> None:
    campaign = saved(store)
    sent(store, campaign, "ann@x.example")
    store.save_messages(campaign.campaign_id, [], ["ann@x.example"])
    store.opt_out(campaign.code, 1, b"ann", "tracking", NOW)
    sent(store, campaign, "ann@x.example")
    store.put_events([hit(campaign, 1)])
    assert not list(store.events(campaign.campaign_id))


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    theirs = sqlite3.connect(path)
    theirs.execute("create table notes (text)")
    theirs.close()
    with pytest.raises(StoreError, match="belongs to another program"):
        open_store(path, Keyring({1: bytes(32)}))
    tables = sqlite3.connect(path).execute("select name from sqlite_master").fetchall()
    assert tables == [("notes",)]


def mail(text: str, added: int, *, preview: bool = False) -> Mail:
    return Mail("html", text.encode(), "utf-8", {1: 1, 3: 2}, added, preview)


def test_a_campaigns_mail_is_kept_and_comes_back(store: Store) -> None:
    campaign = store.save_campaign(replace(draft(store), mails=(mail("<p>é", NOW),)))
    assert store.mails(campaign.campaign_id) == [mail("<p>é", NOW)]


def test_a_campaign_without_a_mail_has_none(store: Store) -> None:
    assert store.mails(store.save_campaign(draft(store)).campaign_id) == []


def test_the_newest_mail_is_shown_and_few_are_kept(store: Store, path: Path) -> None:
    for version in range(6):
        campaign = store.save_campaign(replace(draft(store), mails=(mail(f"<p>{version}", NOW + version),)))
    (shown,) = store.mails(campaign.campaign_id)
    assert shown == mail("<p>5", NOW + 5)
    assert rows(path, "select count(*) from mails") == [(3,)]


def test_a_preview_never_takes_the_place_of_the_mail_that_went_out(store: Store, path: Path) -> None:
    for text, preview in (("<p>draft", True), ("<p>sent", False), ("<p>afterthought", True)):
        campaign = store.save_campaign(replace(draft(store), mails=(mail(text, NOW, preview=preview),)))
    assert store.mails(campaign.campaign_id) == [mail("<p>sent", NOW)]
    assert rows(path, "select count(*) from mails") == [(2,)]  # the first draft went


# -- versions ---------------------------------------------------------------------------------------


def versioned(store: Store, *names: str) -> CampaignDraft:
    drafting = store.draft_campaign("spring", "recipients", KEYRING, NOW)
    for name in names:
        rows = [replace(row, version=drafting.version(name)) for row in links("https://a.example")]
        drafting.number(rows)
    return drafting.draft()


def test_versions_and_links_keep_their_numbers(store: Store) -> None:
    campaign = store.save_campaign(versioned(store, "A", "B"))
    again = store.save_campaign(versioned(store, "B", "C", "A"))
    assert again == campaign
    assert store.versions(campaign.campaign_id) == {1: "A", 2: "B", 3: "C"}
    assert [(row.number, row.version) for row in store.links(campaign.campaign_id)] == [
        (1, 1),
        (2, 2),
        (3, 3),
    ]


def test_versions_that_another_run_has_added_meanwhile_are_noticed(store: Store) -> None:
    late = versioned(store, "A", "C")
    campaign = store.save_campaign(versioned(store, "A", "B"))
    with pytest.raises(StoreError, match="changed by another run at the same time"):
        store.save_campaign(late)
    assert store.versions(campaign.campaign_id) == {1: "A", 2: "B"}


def test_a_message_stays_in_its_batch_unless_that_failed(store: Store) -> None:
    campaign = store.save_campaign(versioned(store, "A", "B")).campaign_id

    def run_of(version: int, *numbers: int, fails: bool = False) -> None:
        batch = store.begin_batch(campaign, NOW)
        messages = [Message(number, f"{number}@x.example", {}, number != 3, version) for number in numbers]
        store.save_messages(campaign, messages, (), batch)
        if not fails:
            store.end_batch(campaign, batch)

    def found() -> dict[int, tuple[int, int, bool, bool]]:
        return {each.message: each[1:] for each in store.placings(campaign)}

    run_of(1, 1, 2, fails=True)
    assert found() == {1: (1, 1, True, False), 2: (1, 1, True, False)}
    run_of(1, 1)
    assert found() == {1: (1, 2, True, True), 2: (1, 1, True, False)}
    run_of(1, 1, 2, 3)
    assert found() == {1: (1, 2, True, True), 2: (1, 3, True, True), 3: (1, 3, False, True)}
    run_of(2, 1)
    assert found()[1] == (2, 4, True, True)
    assert [tuple(each) for each in store.batch_sizes(campaign)] == [(3, 1, 2, 1, 1, 1), (4, 2, 1, 1, 1, 1)]


def test_messages_of_a_database_without_versions_have_none(path: Path) -> None:
    """What was stored before there were versions is there, of no version and no batch, and counts as sent."""
    from importlib.resources import files

    connection = sqlite3.connect(path)
    scripts = sorted(files("pixeltrack.store").joinpath("schema").iterdir(), key=lambda file: file.name)
    earlier = [script for script in scripts if script.name < "0007"]
    connection.execute(
        "create table _sqlite_migrations (migration_set text, name text, applied_at text, primary key (migration_set, name))"
    )
    for script in earlier:
        connection.executescript(script.read_text("utf-8"))
        connection.execute(
            "insert into _sqlite_migrations values ('pixeltrack', ?, '2026')",
            [script.name.removesuffix(".sql")],
        )
    connection.execute(f"pragma user_version = {len(earlier)}")
    connection.execute("insert into campaigns values (1, 'spring', 'aaaaaaaa', 1, 'recipients', 1, null)")
    connection.execute("insert into recipients values (1, 'ann@x.example', '{}')")
    connection.execute("insert into messages values (1, 5, 1, 1)")
    connection.execute("insert into links values (1, 1, 1, 1, 'x', 'https://a.example', '', 'link')")
    connection.commit()
    connection.close()
    store = open_store(path, KEYRING)
    assert [tuple(each) for each in store.placings(1)] == [(5, 0, 0, True, True)]
    assert store.links(1)[0].version == 0
    assert store.versions(1) == {}
    store.close()
