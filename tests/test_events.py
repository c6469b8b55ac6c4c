"""Importing delivery facts: matched to messages, each once, refusals with them, and nothing half-done."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from command import clean_environment, run
from conftest import BASE, START, Inject
from feedcases import AT, arf, dsn, sendgrid, ses
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pixeltrack import config, feedimport, purging, refusals, rights, setup
from pixeltrack.feedimport import Imported
from pixeltrack.feedmatch import tokens
from pixeltrack.setup import Workspace
from pixeltrack.steps import Reading
from pixeltrack.tokens import Keyring

NOW = AT * 1000 + 3_600_000
DAY = 86_400_000
PEOPLE = [f"r{number}@example.com" for number in range(6)]


def take(workspace: Workspace, *records: dict[str, Any] | bytes, **options: Any) -> Imported:
    """Import records as files of their own, JSON or mail."""
    folder = workspace.store.path.parent
    paths = []
    for number, record in enumerate(records):
        path = folder / f"report-{number}"
        path.write_bytes(record if isinstance(record, bytes) else json.dumps(record).encode())
        paths.append(path)
    return feedimport.run(workspace.store, workspace.keyring, paths, NOW, **options)


FACTS = "select event_id, campaign_id, message, kind, bounce, at, source from deliveries order by event_id"


def rows(workspace: Workspace, select: str = FACTS) -> list[Any]:
    with closing(sqlite3.connect(workspace.store.path)) as connection:
        return connection.execute(select).fetchall()


def facts(workspace: Workspace) -> list[tuple[str, str, str]]:
    return rows(
        workspace,
        "select identity, kind, bounce from deliveries join messages using (campaign_id, message)"
        " join recipients using (recipient_id) order by identity, kind",
    )


def event(name: str, who: int | str = 0, **more: Any) -> dict[str, Any]:
    return sendgrid(name, email=PEOPLE[who] if isinstance(who, int) else who, **more)


def copies(workspace: Workspace, folder: Path, campaign: str = "spring") -> dict[str, bytes]:
    """Each recipient's mail, as it was made."""
    found = {}
    for line in (folder / "out" / campaign / "messages.csv").read_text().splitlines()[1:]:
        address, file = line.split(",")[:2]
        found[address] = (folder / "out" / campaign / file).read_bytes()
    return found


# -- matching --------------------------------------------------------------------------------------------


def test_the_address_is_looked_up_as_inject_reads_it(inject: Inject, workspace: Workspace) -> None:
    inject("Ada@Example.com", "bo@bücher.example")
    done = take(
        workspace,
        event("delivered", "ADA@example.COM"),
        event("bounce", "Bo <bo@xn--bcher-kva.example>", type="bounce"),
    )
    assert done.imported == {"delivered": 1, "bounced": 1}
    assert facts(workspace) == [
        ("ada@example.com", "delivered", ""),
        ("bo@xn--bcher-kva.example", "bounced", "hard"),
    ]


def test_a_campaign_is_named_by_metadata_by_its_code_or_by_the_call(
    inject: Inject, workspace: Workspace
) -> None:
    inject(*PEOPLE)
    code = workspace.store.campaign("spring").code
    by_code = event("delivered", 1, pixeltrack_campaign=code)
    unnamed = event("delivered", 2, pixeltrack_campaign="")
    done = take(workspace, event("delivered"), by_code, unnamed)
    assert (done.imported, done.unmatched) == ({"delivered": 2}, {"no_campaign": 1})
    again = take(workspace, unnamed, campaign="spring")
    assert (again.imported, again.unmatched) == ({"delivered": 1}, {})
    elsewhere = event("delivered", 3, pixeltrack_campaign="of somebody else")
    assert take(workspace, elsewhere, campaign="spring").unmatched == {"unknown_campaign": 1}


@pytest.mark.parametrize("where", ["body", "quoted-printable body", "List-Unsubscribe"])
def test_a_returned_mail_says_itself_whose_it_is(
    where: str, inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    import quopri

    inject(*PEOPLE)
    html = copies(workspace, tmp_path)[PEOPLE[2]]
    link = re.search(rb"/u/[A-Za-z0-9_-]+", html)
    assert link
    head = "From: news@sender.example\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n"
    if where == "List-Unsubscribe":
        returned = f"{head}List-Unsubscribe: <mailto:u@x.example>,\r\n <{BASE}{link[0].decode()}>\r\n\r\n."
    elif where == "body":
        returned = f"{head}\r\n{html.decode()}"
    else:
        coded = quopri.encodestring(html).decode()
        assert link[0].decode() not in coded  # a soft line break is in every long link
        returned = f"{head}Content-Transfer-Encoding: quoted-printable\r\n\r\n{coded}"
    done = take(workspace, dsn(to="old-address@elsewhere.example", returned=returned))
    assert done.imported == {"bounced": 1}
    assert facts(workspace) == [(PEOPLE[2], "bounced", "hard")]


def test_headers_in_an_event_of_ses_say_it_too(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    inject(*PEOPLE)
    link = re.search(rb"/u/[A-Za-z0-9_-]+", copies(workspace, tmp_path)[PEOPLE[4]])
    assert link
    record = ses("Complaint", "complaint", old=True, feedbackId="f")
    record["mail"]["headers"] = [{"name": "List-Unsubscribe", "value": f"<{BASE}{link[0].decode()}>"}]
    record["mail"]["destination"] = ["somebody@elsewhere.example"]
    assert take(workspace, record).imported == {"complained": 1}
    assert facts(workspace) == [(PEOPLE[4], "complained", "")]


def test_a_token_that_is_not_ours_says_nothing(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    inject(*PEOPLE)
    html = copies(workspace, tmp_path)[PEOPLE[0]].decode()
    assert next(tokens(workspace.keyring, [html])).code == workspace.store.campaign("spring").code
    assert list(tokens(Keyring({1: bytes(32)}), [html])) == []
    turned = re.sub(r"(/[up]/|\.gif|/c/\w+/\d/)(\S)", lambda m: m[1] + ("B" if m[2] != "B" else "C"), html)
    turned = turned.replace("/o/", "/x/")
    assert list(tokens(workspace.keyring, [turned])) == []
    done = take(workspace, dsn(to=PEOPLE[0], returned=f"Content-Type: text/html\r\n\r\n{turned}"))
    assert done.unmatched == {"no_campaign": 1}


def test_nothing_is_dropped_silently(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    records = [
        *(event("delivered"), event("delivered"), event("open"), event("click"), event("processed")),
        *(event("delivered", "nobody@example.com"), event("delivered", 1, pixeltrack_campaign="other")),
        *(event("delivered", 2, timestamp=AT + 10 * 86_400), event("delivered", "no address")),
    ]
    done = take(workspace, *records, b"Subject: hello\r\nFrom: a@x.example\r\n\r\nHi")
    assert done.events == len(records) + 1
    sums = (done.imported.total(), done.duplicates, done.unmatched.total(), done.skipped.total())
    assert sums == (1, 1, 3, 5)
    assert sum(sums) == done.events
    assert done.unmatched == {"unknown_recipient": 2, "unknown_campaign": 1}
    assert done.skipped == {"opened": 1, "clicked": 1, "queued": 1, "no_time": 1, "not_a_report": 1}
    assert done.first["opened"].endswith("report-2 line 1")


def test_of_who_is_counted_together_no_row_is_kept(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE, opens="aggregate", clicks="aggregate")
    assert workspace.store.campaign("spring").is_rowless
    done = take(workspace, *(event("delivered", number, timestamp=AT + 61) for number in range(5)))
    assert done.imported == {"delivered": 5}
    assert {(message, at % 3_600_000) for _id, _campaign, message, *_, at, _source in rows(workspace)} == {
        (0, 0)
    }
    report = json.loads(report_of(workspace))
    assert (report["delivery"]["delivered"], report["delivery"]["not_told"]) == (5, 1)


def test_a_pseudonymous_copy_is_found_by_the_address_and_not_linked_to_its_hits(
    inject: Inject, workspace: Workspace
) -> None:
    inject(*PEOPLE, opens="pseudonymous", clicks="pseudonymous")
    assert take(workspace, event("delivered", 1)).imported == {"delivered": 1}
    assert facts(workspace) == [(PEOPLE[1], "delivered", "")]
    code = workspace.store.campaign("spring").code
    apart = int.from_bytes(workspace.keyring.campaign(code).unlinked_pseudonym(PEOPLE[1]), "big", signed=True)
    assert apart not in {row[2] for row in rows(workspace)}


# -- once ------------------------------------------------------------------------------------------------

NAMES = ("delivered", "bounce", "deferred", "spamreport", "unsubscribe", "dropped", "open")
some_events = st.lists(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 5), st.integers(0, 3)).map(
        lambda told: event(
            told[0],
            told[1],
            timestamp=AT + told[2],
            sg_event_id=f"{told}",
            type=("bounce", "blocked")[told[2] % 2],
        )
    ),
    max_size=12,
)


def state(workspace: Workspace) -> tuple[Any, ...]:
    return (
        rows(workspace),
        rows(workspace, "select subject, scope, at from optouts order by subject"),
        rows(workspace, "select * from outcomes order by campaign_id, message"),
    )


@hypothesis_settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(told=some_events, data=st.data())
def test_files_that_overlap_in_any_order_end_in_the_same_table(
    told: list[dict[str, Any]], data: st.DataObject, inject: Inject, workspace: Workspace
) -> None:
    if not workspace.store.campaigns():
        inject(*PEOPLE)

    def afresh(files: list[list[dict[str, Any]]]) -> tuple[Any, ...]:
        with closing(sqlite3.connect(workspace.store.path)) as connection, connection:
            connection.execute("delete from deliveries")
            connection.execute("delete from optouts")
        for number, file in enumerate(files):
            path = workspace.store.path.parent / f"file-{number}.json"
            path.write_text("\n".join(map(json.dumps, file)))
            feedimport.run(workspace.store, workspace.keyring, [path], NOW)
        return state(workspace)

    whole = afresh([told])
    cut = data.draw(st.integers(0, len(told)))
    again = data.draw(st.integers(0, cut))
    parts = [told[:cut], told[again:], told[:cut]]
    shuffled = [data.draw(st.permutations(part)) for part in data.draw(st.permutations(parts))]
    assert afresh(shuffled) == whole
    assert afresh([told, told]) == whole


def test_the_table_may_be_imported_in_chunks_of_any_size(
    inject: Inject, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    inject(*PEOPLE)
    monkeypatch.setattr(feedimport, "_CHUNK", 2)
    told = [event(name, who) for name in ("delivered", "spamreport", "deferred") for who in range(6)]
    done = take(workspace, *told, *told)
    assert (done.imported.total(), done.duplicates, done.refused) == (18, 18, {"complained": 6})
    assert len(rows(workspace)) == 18


def test_what_an_error_interrupts_is_stored_up_to_there_and_gone_on_with(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    good = [json.dumps(event("delivered", number)) for number in range(4)]
    file = tmp_path / "events.jsonl"
    file.write_text("\n".join([*good[:2], "{broken", *good[2:]]))
    ran = run(tmp_path, "events", "import", "--db", "t.db", "events.jsonl")
    assert ran.code == 2
    assert "events.jsonl line 3: not JSON" in ran.err
    assert "nothing counts twice" in ran.err
    file.write_text("\n".join(good))
    ran = run(tmp_path, "events", "import", "--db", "t.db", "events.jsonl", "--json")
    found = json.loads(ran.out)
    assert found["imported"] + found["duplicates"] == 4
    assert len(rows(workspace)) == 4


def test_who_kills_an_import_runs_it_again(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    inject(*PEOPLE)
    told = [
        event("spamreport" if place % 4_000 == 0 else "deferred", place % 6, sg_event_id=f"e{place}")
        for place in range(30_000)
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(map(json.dumps, told)))
    argv = [sys.executable, "-m", "pixeltrack", "events", "import", "events.jsonl", "--db", "t.db"]
    running = subprocess.Popen(argv, cwd=tmp_path, env=clean_environment(), stderr=subprocess.PIPE)
    while running.poll() is None and not (stored := rows(workspace, "select count(*) from deliveries")[0][0]):
        time.sleep(0.02)
    running.kill()
    running.communicate()
    assert stored  # it was at work, and not done
    cut = rows(workspace, "select count(*) from deliveries")[0][0]
    assert cut < len(told)
    said = [
        json.loads(link.counts)["facts"] for link in workspace.store.trail() if link.action == "events import"
    ]
    assert sum(said) == cut  # each part with its row in the trail, or neither
    ran = run(tmp_path, "events", "import", "events.jsonl", "--db", "t.db", "--json")
    assert (json.loads(ran.out)["imported"], json.loads(ran.out)["duplicates"]) == (len(told) - cut, cut)
    assert len(workspace.store.opt_outs()) == len({each["email"] for each in told[::4_000]})
    assert run(tmp_path, "audit", "verify", "--db", "t.db").code == 0


def test_a_dry_run_says_the_same_and_stores_nothing(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    told = [event("delivered"), event("delivered"), event("spamreport", 1), event("unsubscribe", 1)]
    before = rows(workspace, "select count(*) from trail")
    dry = take(workspace, *told, dry=True)
    assert (rows(workspace), workspace.store.opt_outs()) == ([], {})
    assert rows(workspace, "select count(*) from trail") == before
    assert not refusals.read(workspace.store.path)
    done = take(workspace, *told)
    assert dry == done
    assert take(workspace, *told, dry=True).duplicates == 4


# -- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["spamreport", "unsubscribe", "group_unsubscribe"])
def test_who_complains_or_unsubscribes_gets_no_more_mail(
    name: str, inject: Inject, workspace: Workspace
) -> None:
    inject(*PEOPLE)
    done = take(workspace, event(name, 3))
    subject = workspace.keyring.subject(PEOPLE[3])
    assert done.refused.total() == 1
    assert workspace.store.opt_outs() == {subject: frozenset({"all"})}
    (remembered,) = refusals.read(workspace.store.path)
    assert remembered == refusals.Refusal(AT * 1000, "opted out", subject, "all")
    acts = [(link.action, link.object, link.subject) for link in workspace.store.trail()][-2:]
    assert acts == [("opt-out", "all", subject), ("events import", "sendgrid", None)]
    assert inject(*PEOPLE, campaign="summer").messages == len(PEOPLE) - 1
    assert take(workspace, event(name, 3), event("group_resubscribe", 3)).refused == {}
    assert workspace.store.opt_outs() == {subject: frozenset({"all"})}
    assert len(refusals.read(workspace.store.path)) == 1


def test_a_refusal_counts_even_where_the_campaign_is_not_known(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    done = take(workspace, event("spamreport", "stranger@example.com", pixeltrack_campaign="elsewhere"))
    assert (done.unmatched, done.refused) == ({"unknown_campaign": 1}, {"complained": 1})
    assert workspace.keyring.subject("stranger@example.com") in workspace.store.opt_outs()


def test_a_complaint_with_a_blank_address_refuses_for_whose_mail_it_is(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    html = copies(workspace, tmp_path)[PEOPLE[5]].decode()
    done = take(workspace, arf(to="", returned=f"Content-Type: text/html\r\n\r\n{html}"))
    assert (done.imported, done.refused) == ({"complained": 1}, {"complained": 1})
    assert [*workspace.store.opt_outs()] == [workspace.keyring.subject(PEOPLE[5])]


def test_an_own_opt_out_stays_as_it_was(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    campaign = workspace.store.campaign("spring")
    subject, message = (
        workspace.keyring.subject(PEOPLE[0]),
        workspace.store.messages_to(1, [PEOPLE[0]])[PEOPLE[0]],
    )
    workspace.store.opt_out(campaign.code, message, subject, "all", START)
    before = rows(workspace, "select * from optouts")
    done = take(workspace, event("unsubscribe"), event("unsubscribe", 1))
    assert (done.imported, done.refused) == ({"unsubscribed": 2}, {"unsubscribed": 1})
    assert [row for row in rows(workspace, "select * from optouts") if row[0] == subject] == before
    assert json.loads(report_of(workspace))["unsubscribed"] == 2


def test_inject_leaves_out_who_bounced_for_good_if_it_is_told_to(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    take(
        workspace,
        *(event("bounce", number, type="bounce") for number in (0, 1)),
        event("delivered", 1, timestamp=AT + 9),  # came through later
        event("bounce", 2, type="blocked"),
    )
    assert workspace.store.hard_bounced() == {PEOPLE[0]}
    (tmp_path / "mail.html").write_text("<p>Hello</p>")
    (tmp_path / "list.csv").write_text("email\n" + "\n".join(PEOPLE))
    argv = ("inject", "mail.html", "--db", "t.db", "--recipients", "list.csv", "--skip-bounced")
    ran = run(tmp_path, *argv, "--campaign", "next", "--json")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["messages"] == 5
    ran = run(tmp_path, *argv, "--campaign", "third", "--out", "third")
    assert "bounced for good before" in ran.out
    (tmp_path / "list.csv").write_text(f"email\n{PEOPLE[0]}\n")
    ran = run(tmp_path, *argv, "--campaign", "fourth", "--out", "fourth")
    assert "everybody in list.csv bounced for good before" in ran.err


def test_who_refused_by_a_report_is_on_no_list_of_people_to_write_to(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    take(workspace, event("spamreport", 0), event("unsubscribe", 1))
    ran = run(tmp_path, "report", "--db", "t.db", "--campaign", "spring", "--who", "not-opened", "--json")
    found = json.loads(ran.out)
    assert (len(found["people"]), found["unsubscribed"]) == (4, 2)
    number = workspace.store.messages_to(1, [PEOPLE[1]])[PEOPLE[1]]
    assert workspace.store.refusals(1) == {number: frozenset({"all"})}
    said = run(tmp_path, "consent", "history", PEOPLE[0], "--db", "t.db").out
    assert "2026-11-25 10:00 UTC  unsubscribed as was reported or asked for" in said


# -- rights and retention --------------------------------------------------------------------------------


def report_of(workspace: Workspace, campaign: str = "spring") -> str:
    folder = workspace.store.path.parent
    ran = run(folder, "report", "--db", "t.db", "--campaign", campaign, "--json")
    assert ran.code == 0, ran.err
    return ran.out


def delivery_of(workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(report_of(workspace))
    names = ("messages", "tracked", "open_rate", "click_rate", "unsubscribed", "delivery")
    return {name: found[name] for name in names}


TOLD = (
    *(event("delivered", number) for number in range(3)),
    *(event("bounce", 3, type="bounce"), event("deferred", 4), event("deferred", 0)),
    *(event("spamreport", 0), event("unsubscribe", 1)),
)


def test_what_is_held_of_a_person_is_told_and_erased_and_figures_stay(
    inject: Inject, workspace: Workspace, settings: config.Settings
) -> None:
    inject(*PEOPLE)
    take(workspace, *TOLD)
    before = delivery_of(workspace)
    found = rights.export_of(workspace.store, workspace.keyring, PEOPLE[0], settings, NOW)
    assert [each["kind"] for each in found["deliveries"]] == ["complained", "deferred", "delivered"]
    from importlib.resources import files

    schema = json.loads(files("pixeltrack").joinpath("schemas", "subject.json").read_text("utf-8"))
    jsonschema.validate(found, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({name: value for name, value in found.items() if name != "deliveries"}, schema)
    for number in (0, 3):
        erased = rights.erase(workspace.store, workspace.keyring, PEOPLE[number], NOW)
        assert erased.counts["deliveries"] == {0: 3, 3: 1}[number]
        assert not erased.residues
    assert delivery_of(workspace) == before
    assert take(workspace, *TOLD).imported == {}  # an erased person does not come back
    assert delivery_of(workspace) == before


def test_an_old_fact_loses_its_time_and_not_its_meaning(
    inject: Inject, workspace: Workspace, settings: config.Settings
) -> None:
    inject(*PEOPLE)
    told = [
        *TOLD,
        event("bounce", 5, type="blocked", timestamp=AT + 10),
        event("delivered", 5, timestamp=AT + 20),
        event("bounce", 2, type="bounce", sg_event_id="late", timestamp=AT + 30),
    ]
    take(workspace, *told)
    before, outcomes = delivery_of(workspace), rows(workspace, "select * from outcomes order by message")
    now = Reading(NOW + 400 * DAY, "", 0)
    assert purging.look(workspace.store, settings, now).deliveries == len(told)
    assert purging.purge(workspace.store, settings, now).deliveries == len(told)
    assert max(row[5] for row in rows(workspace)) < 10
    assert rows(workspace, "select * from outcomes order by message") == outcomes
    assert delivery_of(workspace) == before
    assert purging.purge(workspace.store, settings, now).deliveries == 0
    assert take(workspace, *told).imported == {}  # known still
    subject = rights.export_of(workspace.store, workspace.keyring, PEOPLE[5], settings, NOW)
    assert {each["at"] for each in subject["deliveries"]} == {None}


def test_no_text_of_a_report_is_kept(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    take(workspace, event("bounce", 0, type="bounce", reason="550 r0@example.com zebrafish unknown"))
    assert b"zebrafish" not in b"".join(
        path.read_bytes() for path in workspace.store.path.parent.glob("t.db*")
    )


def test_the_trail_says_what_was_imported(inject: Inject, workspace: Workspace) -> None:
    inject(*PEOPLE)
    take(workspace, *TOLD)
    counts = Counter(link.action for link in workspace.store.trail())
    assert (counts["opt-out"], counts["events import"]) == (2, 1)
    (link,) = [link for link in workspace.store.trail() if link.action == "events import"]
    assert json.loads(link.counts) == {
        **{"facts": 8, "delivered": 3, "bounced": 1, "deferred": 2, "complained": 1, "unsubscribed": 1}
    }
    assert run(workspace.store.path.parent, "audit", "verify", "--db", "t.db").code == 0


# -- the command -----------------------------------------------------------------------------------------


def test_the_command_says_what_became_of_every_event(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    told = [*TOLD, event("open"), event("delivered", "nobody@example.com")]
    (tmp_path / "events.json").write_text(json.dumps(told))
    ran = run(tmp_path, "events", "import", "events.json", "--db", "t.db", "--dry-run")
    assert ran.code == 0
    assert ran.err.splitlines()[0] == (
        "would import 8 of 10 events: 3 delivered, 1 bounced (1 hard), 2 deferred, 1 complained, 1 unsubscribed"
    )
    ran = run(tmp_path, "events", "import", "events.json", "--db", "t.db")
    assert "imported 8 of 10 events" in ran.err
    assert (
        "not matched: to somebody whom the campaign did not go to (first: events.json line 1, record 10)"
        in ran.err
    )
    assert (
        "left out: opens, of which pixeltrack counts its own (first: events.json line 1, record 9)" in ran.err
    )
    assert "people get no more mail: 1 complained, 1 unsubscribed" in ran.err
    ran = run(tmp_path, "events", "import", "events.json", "--db", "t.db", "--json")
    found = json.loads(ran.out)
    assert (found["events"], found["imported"], found["duplicates"]) == (10, 0, 8)
    assert found["unmatched"] + found["skipped"] == 2
    assert run(tmp_path, "events", "import", "events.json", "--db", "t.db", "-q").err == ""


def test_a_campaign_that_is_not_there_is_an_error(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    inject(*PEOPLE)
    (tmp_path / "events.json").write_text("[]")
    ran = run(tmp_path, "events", "import", "events.json", "--db", "t.db", "--campaign", "sprng")
    assert ran.code == 1
    assert "no such campaign: 'sprng'" in ran.err


def test_standard_input_is_read(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    inject(*PEOPLE)
    sent = json.dumps([event("delivered")]).encode()
    ran = run(tmp_path, "events", "import", "-", "--db", "t.db", "--json", stdin=sent)
    assert json.loads(ran.out)["imported"] == 1


def test_a_database_of_before_is_brought_up(inject: Inject, workspace: Workspace, tmp_path: Path) -> None:
    inject(*PEOPLE)
    workspace.store.close()
    with closing(sqlite3.connect(workspace.store.path)) as connection:
        connection.executescript(
            "drop trigger optout_fed; drop trigger conversion_fed; drop trigger conversion_proved;"
            "drop index conversions_by_feed; alter table conversions drop column feed;"
            "alter table optouts drop column feed; drop table hook_tries; drop table hook_feed;"
            "drop view outcomes; drop table deliveries; drop table kept_deliveries; drop table hooks; drop table segments;"
            "alter table audiences drop column outcomes;"
            "delete from _sqlite_migrations where name >= '0018'; pragma user_version = 17;"
        )
    settings = config.load(options={"db": str(tmp_path / "t.db")}, environment={})
    again = setup.open_workspace(settings, create=False)
    assert take(again, event("delivered")).imported == {"delivered": 1}
    again.store.close()
