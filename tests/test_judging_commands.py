"""explain, reclassify, rules and campaigns, as they are typed."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from command import Ran, run
from conftest import CHROME, START

from pixeltrack import config, rulefile, rules, setup
from pixeltrack.judging import signs
from pixeltrack.minting import number
from pixeltrack.model import Event, EventKind
from pixeltrack.show.reasons import reason

MAIL = (
    b'<html><body><a href="https://shop.example/a">A</a> <a href="https://shop.example/b">B</a></body></html>'
)
OWN = '[[machine]]\nkind = "gateway"\ntokens = ["Chrome/131"]\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A campaign with an open and a click of Ann's, and an open of Bob's by another program."""
    (tmp_path / "mail.html").write_bytes(MAIL)
    (tmp_path / "list.csv").write_text("email\nann@x.example\nbob@x.example\n")
    (tmp_path / "own.toml").write_text(OWN)
    ran = run(tmp_path, "inject", "mail.html", "--recipients", "list.csv", "--campaign", "spring")
    assert ran.code == 0, ran.err
    workspace = setup.open_workspace(
        config.load(options={"db": str(tmp_path / "pixeltrack.db")}), create=False
    )
    campaign = workspace.store.campaign("spring")
    keys = workspace.keyring.campaign(campaign.code, campaign.key_id)
    ann, bob = (number(keys.pseudonym(f"{name}@x.example")) for name in ("ann", "bob"))
    here = campaign.campaign_id
    workspace.store.put_events(
        [
            Event(START + 2_000, here, EventKind.OPEN, 0, ann, CHROME, 0),
            Event(START + 900_000, here, EventKind.CLICK, 2, ann, CHROME, 0),
            Event(START + 3_600_000, here, EventKind.OPEN, 0, bob, "Outlook-iOS/7.0 (4.2)", 0),
        ]
    )
    workspace.store.close()
    return tmp_path


def answer(ran: Ran) -> dict:  # type: ignore[type-arg]
    assert ran.code == 0, ran.err
    return json.loads(ran.out)  # type: ignore[no-any-return]


def test_campaigns_are_listed_and_told_when_they_were_sent(folder: Path) -> None:
    (line,) = answer(run(folder, "campaigns", "--json"))
    assert (line["campaign"], line["messages"], line["hits"], line["sent"]) == ("spring", 2, 3, None)
    assert "stay silent" in run(folder, "campaigns").out
    told = run(folder, "campaigns", "set", "spring", "--sent-at", "2026-09-21T15:33:20+01:20")
    assert "sending began 2026-09-21 14:13:20 UTC" in told.err
    assert answer(run(folder, "campaigns", "--json"))[0]["sent"] == "2026-09-21T14:13:20.000+00:00"
    assert answer(run(folder, "report", "--campaign", "spring", "--json"))["unknown_opens"]["total"] == 1
    run(folder, "campaigns", "set", "spring", "--sent-at", "none")
    assert answer(run(folder, "report", "--campaign", "spring", "--json"))["unknown_opens"]["total"] == 0


def test_a_time_without_an_offset_is_local(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        told = run(folder, "campaigns", "set", "spring", "--sent-at", "2026-11-25 09:00", TZ="Asia/Tokyo")
    finally:
        monkeypatch.delenv("TZ")
        time.tzset()
    assert "2026-11-25 00:00:00 UTC (2026-11-25 09:00 JST, the local time here)" in told.err


def test_global_options_may_stand_before_the_command_of_a_group(folder: Path) -> None:
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    said = run(elsewhere, "campaigns", "--db", "../pixeltrack.db", "set", "spring", "--sent-at", "none")
    assert said.code == 0, said.err


@pytest.mark.parametrize("given", ["yesterday", "2026-13-01", "", "25/11/2026"])
def test_what_is_no_time_is_refused(folder: Path, given: str) -> None:
    ran = run(folder, "campaigns", "set", "spring", "--sent-at", given)
    assert ran.code == 2
    assert f"Error: --sent-at is {given!r}, which is no time" in ran.err
    assert run(folder, "campaigns", "set", "sprng", "--sent-at", "none").code == 1


def test_a_persons_hits_are_found_by_address_and_by_link(folder: Path) -> None:
    listed = answer(run(folder, "explain", "--campaign", "spring", "--recipient", "Ann@X.example", "--json"))
    assert [(hit["hit"], hit["kind"], hit["link"]) for hit in listed["hits"]] == [
        (1, "open", None),
        (2, "click", 2),
    ]
    with (folder / "out" / "spring" / "messages.csv").open(newline="") as stream:
        file = next(row["file"] for row in csv.DictReader(stream) if row["email"] == "ann@x.example")
    copy = folder / "out" / "spring" / file
    for url in (part.split('"')[0] for part in copy.read_text().split('="')[1:] if part.startswith("http")):
        assert answer(run(folder, "explain", "--message", url, "--json")) == listed
        token = url.rpartition("/")[2].removesuffix(".gif")
        assert answer(run(folder, "explain", "--message", token, "--json")) == listed
    shown = run(folder, "explain", "--campaign", "spring", "--recipient", "bob@x.example").out
    assert "Outlook" in shown
    nobody = run(folder, "explain", "--campaign", "spring", "--recipient", "cy@x.example")
    assert (nobody.code, "campaign 'spring' has no message for cy@x.example" in nobody.err) == (1, True)


def test_a_hit_is_explained(folder: Path) -> None:
    run(folder, "campaigns", "set", "spring", "--sent-at", "2026-09-21T14:13:20+00:00")
    said = answer(run(folder, "explain", "1", "--json"))
    assert (said["verdict"], said["score"], said["reasons"]) == ("unknown", 2, ["instant"])
    assert (said["seconds_after_sending"], said["device"]) == (2.0, "desktop")
    fired = [rule for rule in said["rules"] if rule["answer"] == "yes"]
    assert [(rule["rule"], rule["points"]) for rule in fired] == [("instant", 2)]
    assert {rule["rule"] for rule in said["rules"] if rule["answer"] == "silent"} == {"spread"}
    shown = run(folder, "explain", "1").out
    assert "unknown, 2 points: no time after sending" in shown
    assert "an unknown open: apart from people's and machines'" in shown
    click = answer(run(folder, "explain", "2", "--json"))
    assert (click["destination"], click["headers"]) == ("https://shop.example/b", None)
    assert len(run(folder, "explain", "2", "-v").out) > len(run(folder, "explain", "2").out)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["explain"], 2, "name one hit by its number, or one person's mail"),
        (["explain", "1", "--campaign", "spring"], 2, "name one hit by its number"),
        (["explain", "--campaign", "spring"], 2, "--campaign and --recipient go together"),
        (["explain", "4711"], 1, "there is no hit number 4711"),
        (["explain", "--message", "https://shop.example/a"], 2, "is no address or token of a mail made here"),
        (["explain", "--campaign", "spring", "--recipient", "ann"], 2, "'ann' is not an email address"),
        (["rules", "diff", "shipped", "gone.toml"], 2, "cannot read the rules gone.toml"),
        (["reclassify", "--since", "soon"], 2, "--since is 'soon', which is no time"),
    ],
)
def test_wrong_calls_are_told(folder: Path, arguments: list[str], code: int, message: str) -> None:
    ran = run(folder, *arguments)
    assert (ran.code, message in ran.err) == (code, True), ran.err


def test_reclassify_judges_by_the_rules_of_the_settings(folder: Path) -> None:
    run(folder, "report")
    (folder / "pixeltrack.toml").write_text('[judging]\nrules = "own.toml"\n')
    moved = answer(run(folder, "reclassify", "--json"))
    assert (moved["hits"], moved["moved"]) == (3, 2)
    assert moved["moves"] == [{"from": "human", "to": "scanner", "hits": 2}]
    assert moved["rules_after"].startswith(f"{rules.shipped().version}+own.toml@")
    said = answer(run(folder, "report", "--campaign", "spring", "--json"))
    assert (said["opens"]["total"], said["rules_version"]) == (1, moved["rules_after"])
    assert "3 hits, 0 moved" in run(folder, "reclassify").out


def test_rules_are_compared_and_shown(folder: Path) -> None:
    moved = answer(run(folder, "rules", "diff", "shipped", "own.toml", "--json"))
    assert moved["campaigns"] == [
        {
            "campaign": "spring",
            "totals": [
                {"kind": "open", "verdict": "human", "before": 2, "after": 1},
                {"kind": "open", "verdict": "scanner", "before": 0, "after": 1},
                {"kind": "click", "verdict": "human", "before": 1, "after": 0},
                {"kind": "click", "verdict": "scanner", "before": 0, "after": 1},
            ],
        }
    ]
    shown = run(folder, "rules", "show")
    assert shown.out == rules.shipped_text()
    (folder / "whole.toml").write_text(shown.out)
    assert "3 hits, 0 moved" in run(folder, "rules", "diff", "shipped", "whole.toml").out
    assert "2 from scanner to human" in run(folder, "rules", "diff", "own.toml", "whole.toml").out


def test_a_mistake_in_the_rules_stops_a_report_with_one_line(folder: Path) -> None:
    (folder / "own.toml").write_text("[points]\nsoo = 1\n")
    (folder / "pixeltrack.toml").write_text('[judging]\nrules = "own.toml"\n')
    ran = run(folder, "report")
    assert ran.code == 2
    assert ran.err.splitlines()[0] == "Error: own.toml: points: unknown key 'soo'"


def test_the_rules_that_the_docs_show_are_right() -> None:
    page = (Path(__file__).parents[1] / "docs" / "judging.md").read_text("utf-8")
    (example,) = re.findall(r"```toml\n(# my-rules.*?)```", page, re.DOTALL)
    book = rulefile.add(example, "my-rules.toml", rules.shipped())
    assert (book.points.no_pixel, book.networks["aws"].scope) == (0, "clicks")
    for sign in signs.WEIGHED:
        assert f"`{sign.code}`" in page


def test_every_reason_has_words() -> None:
    book = rules.shipped()
    codes = {sign.code for sign in (*signs.DECISIVE, *signs.WEIGHED)} - {
        "exact",
        "machine",
        "navigate",
        "single-late",
    }
    codes |= {row.reason for row in book.exact} | {row.kind for row in book.machines}
    assert [code for code in sorted(codes) if reason(code) == code] == []
