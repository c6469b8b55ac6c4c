"""Reports by a property, of a stretch of time, and of who it was: they add up to the report."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from command import run
from conftest import BASE, CHROME, START, Inject, people
from test_report import GMAIL, IPHONE, Hits

from pixeltrack import breakdown, heard, report, who
from pixeltrack.breakdown import Breakdown, Row
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.figures import CampaignReport, Tally
from pixeltrack.heard import Span
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.properties import OF_MESSAGES, WAYS, By, company, of_messages
from pixeltrack.setup import Workspace
from pixeltrack.show import breakdown as shown
from pixeltrack.show import who as shown_who
from pixeltrack.show import wide
from pixeltrack.times import read_zone

LINKS = b"".join(
    b'<a data-pt-group="%s" href="https://shop.example/%d">link %d</a>' % (group, n, n)
    for n, group in enumerate((b"top", b"top", b"foot", b""), start=1)
)
LIST = (
    *people("ann@gmail.com", "bob@gmail.com"),
    *people("cid@firm.example", "dan@firm.example", company="Firm Ltd"),
    *people("eve@other.example", company=""),
    *people("fay@other.example", consent="denied"),
)
ADDRESSES = [each.identity for each in LIST]
DAY = 86_400


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    """A campaign with hits of two days, of people and machines."""
    inject(recipients=LIST, mail=b"<html><body>" + LINKS + b"</body></html>")
    made = Hits(workspace, "spring", ADDRESSES)
    made.open(0, 100, GMAIL)
    made.open(1, 200, GMAIL)
    made.open(0, DAY + 100, IPHONE)
    made.open(2, 300)
    made.click(2, 400, 1)
    made.click(2, DAY + 500, 3)
    made.click(3, 600, 1, IPHONE)
    made.click(3, 700, 2, IPHONE)
    made.open(4, 5, "Mozilla/5.0")  # ahead
    made.click(4, 900, 4, flags=Flag.HEAD)
    for second in range(25):  # more than are kept one by one
        made.open(1, 4_000 + second, GMAIL)
    return made


def by(workspace: Workspace, way: By, *, zone: str = "UTC", span: Span | None = None) -> Breakdown:
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")
    return breakdown.build(workspace.store, campaign, way, span or Span(), read_zone(zone))


def rows(found: Breakdown) -> dict[str, tuple[int, int, int, int]]:
    return {
        row.name: (row.opens.unique, row.opens.total, row.clicks.unique, row.clicks.total)
        for row in found.rows
    }


@pytest.mark.parametrize("way", [way for way in WAYS if way != "version"])
def test_totals_are_those_of_the_report(hits: Hits, workspace: Workspace, way: By) -> None:
    said, found = report.build(workspace.store, "spring"), by(workspace, way)
    if way != "client":
        assert sum(row.clicks.total for row in found.rows) == said.clicks.total
        assert sum(row.machine_clicks for row in found.rows) == said.machine_clicks.total
        assert sum(row.unknown_clicks for row in found.rows) == said.unknown_clicks.total
    if way not in ("link", "group"):
        assert sum(row.opens.total for row in found.rows) == said.opens.total
        assert sum(row.machine_opens for row in found.rows) == said.machine_opens.total
        assert sum(row.unknown_opens for row in found.rows) == said.unknown_opens.total
    if way in OF_MESSAGES:
        assert sum(row.opens.unique for row in found.rows) == said.opens.unique
        assert sum(row.clicks.unique for row in found.rows) == said.clicks.unique
        assert sum(row.tracked or 0 for row in found.rows) == said.tracked


def test_links_and_clients_are_those_of_the_report(hits: Hits, workspace: Workspace) -> None:
    said = report.build(workspace.store, "spring")
    found = {row.name: row for row in by(workspace, "link").rows}
    assert {name: (row.clicks, row.machine_clicks) for name, row in found.items()} == {
        str(link.number): (link.clicks, link.machine_clicks) for link in said.links
    }
    assert {row.name: row.opens.unique for row in by(workspace, "client").rows if row.opens.unique} == {
        share.name: share.people for share in said.clients
    }
    providers = {row.name: row for row in by(workspace, "provider").rows}
    for figures in said.providers:
        row = providers[figures.provider]
        assert (row.tracked, row.opens.unique, row.clicks.unique) == (
            figures.tracked,
            figures.openers,
            figures.clickers,
        )
        assert (row.open_rate, row.click_rate) == (figures.open_rate, figures.click_rate)


def test_groups_days_devices_and_companies(hits: Hits, workspace: Workspace) -> None:
    assert rows(by(workspace, "group")) == {
        "top": (0, 0, 2, 3),
        "foot": (0, 0, 1, 1),
        "no group": (0, 0, 0, 0),
    }
    assert [row.name for row in by(workspace, "day").rows] == ["2026-09-21", "2026-09-22"]
    assert rows(by(workspace, "device"))["mobile"] == (1, 1, 1, 2)
    assert rows(by(workspace, "company"))["other"][2:] == (2, 4)  # none of five people
    found = {row.name: row.tracked for row in by(workspace, "company").rows}
    assert found == {"other": 5}


def test_times_are_those_of_the_zone(hits: Hits, workspace: Workspace) -> None:
    # START is 2026-09-21 14:13:20 UTC
    assert next(iter(rows(by(workspace, "hour", zone="Asia/Kathmandu")))) == "2026-09-21T19:00+05:45"
    assert next(row.name for row in by(workspace, "day", zone="Pacific/Kiritimati").rows) == "2026-09-22"
    weekdays = by(workspace, "weekday", zone="Pacific/Kiritimati").rows
    assert [row.name for row in weekdays][:2] == ["Monday", "Tuesday"]
    assert len(weekdays) == 7
    assert weekdays[0].opens.total == 0 < weekdays[1].opens.total


def test_the_company_is_the_lists_or_the_domain() -> None:
    assert company({"Company": " ACME "}, "gmail.com") == "ACME"
    assert company({"company": ""}, "acme.example") == "acme.example"
    assert company({}, "gmail.com") == "free-mail addresses"


def test_a_stretch_of_time_counts_only_what_is_in_it(hits: Hits, workspace: Workspace) -> None:
    whole = report.build(workspace.store, "spring")
    second = START + DAY * 1_000
    first = report.build(workspace.store, "spring", span=Span(until=second))
    later = report.build(workspace.store, "spring", span=Span(since=second))
    assert (first.since, first.until, later.since, later.until) == (None, second, second, None)
    for name in ("opens", "clicks", "machine_opens", "machine_clicks"):
        assert getattr(first, name).total + getattr(later, name).total == getattr(whole, name).total
    assert (later.opens.unique, later.clicks.unique) == (1, 1)
    assert first.repeated_hits == whole.repeated_hits > 0
    assert later.repeated_hits == 0
    always = report.build(workspace.store, "spring", span=Span(START - DAY * 1_000, second * 2))
    assert asdict(always) | {"since": None, "until": None} == asdict(whole)
    assert sum(row.opens.total for row in by(workspace, "day", span=Span(since=second)).rows) == 1


def test_who_it_was(hits: Hits, workspace: Workspace) -> None:
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")

    def found(text: str, span: Span | None = None) -> dict[str, int]:
        wanted = who.read(workspace.store, campaign, text)
        listing = who.build(workspace.store, campaign, wanted, span or Span())
        return {person.address: person.hits for person in listing.people}

    assert found("opened") == {"ann@gmail.com": 2, "bob@gmail.com": 26, "cid@firm.example": 1}
    assert found("clicked") == {"cid@firm.example": 2, "dan@firm.example": 2}
    assert found("clicked:3") == {"cid@firm.example": 1}
    assert found("clicked:link 2") == {"dan@firm.example": 1}
    assert found("clicked:shop.example/1") == {"cid@firm.example": 1, "dan@firm.example": 1}
    assert found("not-opened") == {
        "eve@other.example": 0
    }  # who clicked has read it; who is untracked is not told
    assert found("opened", Span(since=START + DAY * 1_000)) == {"ann@gmail.com": 1}
    listing = who.build(workspace.store, campaign, who.Wanted("not-opened"), Span())
    assert [person.seen for person in listing.people] == ["only loaded ahead"]
    for text in ("clicked:9", "clicked:shop.example", "clicked:", "slept"):
        with pytest.raises(InputError):
            who.read(workspace.store, campaign, text)


def test_who_refused_is_not_named(hits: Hits, workspace: Workspace) -> None:
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")
    keys = workspace.keyring.campaign(campaign.code, campaign.key_id)
    message = int.from_bytes(keys.pseudonym("ann@gmail.com"), "big", signed=True)
    subject = workspace.keyring.subject("ann@gmail.com")
    workspace.store.opt_out(campaign.code, message, subject, "tracking", START)
    for what in ("opened", "not-opened"):
        listing = who.build(workspace.store, campaign, who.read(workspace.store, campaign, what), Span())
        assert "ann@gmail.com" not in [person.address for person in listing.people]
    assert who.build(workspace.store, campaign, who.Wanted("opened"), Span()).unnamed == 1


def test_who_unsubscribed_is_on_no_list(hits: Hits, inject: Inject, workspace: Workspace) -> None:
    """Whichever campaign's mail they did it through: a list is for the next mail."""
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")
    later = inject(recipients=LIST, campaign="summer")
    keys = workspace.keyring.campaign(later.code, workspace.store.campaign("summer").key_id)
    for name in ("cid@firm.example", "eve@other.example"):
        message = int.from_bytes(keys.pseudonym(name), "big", signed=True)
        workspace.store.opt_out(later.code, message, workspace.keyring.subject(name), "all", START)
    for what, left in (("clicked", ["dan@firm.example"]), ("not-opened", [])):
        listing = who.build(workspace.store, campaign, who.read(workspace.store, campaign, what), Span())
        assert [person.address for person in listing.people] == left
        assert listing.unsubscribed == 1


def test_links_that_are_alike_stand_by_their_number(inject: Inject, workspace: Workspace) -> None:
    mail = b"".join(b'<a href="https://shop.example/%d">link %d</a>' % (n, n) for n in range(1, 13))
    inject(recipients=LIST, mail=b"<html><body>" + mail + b"</body></html>")
    assert [row.name for row in by(workspace, "link").rows] == [str(n) for n in range(1, 13)]
    with pytest.raises(InputError) as raised:
        who.read(workspace.store, workspace.store.campaign("spring"), "clicked:link")
    assert "8 link 8, and 4 more (pixeltrack links shows them)" in str(raised.value.hint)


def test_countries_are_those_of_the_label(hits: Hits, workspace: Workspace) -> None:
    campaign = workspace.store.campaign("spring")
    workspace.store.put_events(
        [
            Event(START + at, campaign.campaign_id, EventKind.OPEN, 0, at, CHROME, 0, label)
            for at, label in ((60_000, "DE:"), (70_000, "DE:"), (80_000, "FR:google/2026-11-01"))
        ]
    )
    found = {row.name: row for row in by(workspace, "country").rows}
    assert found["DE"].opens == Tally(2, 2)
    assert found["FR"].opens.total + found["FR"].machine_opens + found["FR"].unknown_opens == 1
    assert found["unknown"].clicks == report.build(workspace.store, "spring").clicks


def test_versions_have_their_own_rates(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.html").write_text(f'<p>{name} <a href="https://shop.example/">Shop</a></p>')
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"p{n}@x.example\n" for n in range(10)))
    made = ("inject", "--version", "A=a.html", "B=b.html", "--split", "40/60", "--recipients", "list.csv")
    assert run(tmp_path, *made, "--campaign", "test", "--base-url", BASE).code == 0
    ran = run(tmp_path, "report", "--campaign", "test", "--by", "version", "--json")
    assert [(row["name"], row["tracked"], row["click_rate"]) for row in json.loads(ran.out)["rows"]] == [
        ("B", 6, 0.0),
        ("A", 4, 0.0),
    ]


def test_what_a_campaign_cannot_have_is_said(hits: Hits, workspace: Workspace) -> None:
    with pytest.raises(InputError, match="has no versions"):
        by(workspace, "version")


# -- every format says the same ---------------------------------------------------------------------


def scalars(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every single figure of a report's JSON, by its path; what is in lists is left out."""
    for name, each in value.items():
        if isinstance(each, dict) and name != "definitions":
            yield from scalars(each, f"{path}{name}.")
        elif not isinstance(each, list | dict):
            yield path + name, each


def test_csv_has_every_single_figure_of_the_json(hits: Hits, workspace: Workspace) -> None:
    said = report.build(workspace.store, "spring")
    (row,) = csv.DictReader(io.StringIO(wide.as_csv([said])))
    from pixeltrack.show.json import as_json

    left_out = {"timeline_step_seconds", "week.zone", "together", "delivery", "conversions", "funnel"} | {
        f"adjusted_open_rate.{name}" for name in ("confidence", "part", "whole", "formula")
    }
    figures = {path: value for path, value in scalars(json.loads(as_json(said))) if path not in left_out}
    beside = ("together.", "delivery.", "conversions.", "funnel.")
    apart = {name: row.pop(name) for name in list(row) if name.startswith(beside)}
    assert set(apart.values()) == {""}  # nobody is counted together, and no site tells of anything
    assert set(row) == set(figures)
    assert row == {path: "" if value is None else str(value) for path, value in figures.items()}


def test_a_breakdown_is_the_same_in_json_and_csv(hits: Hits, workspace: Workspace) -> None:
    found = by(workspace, "provider")
    value = json.loads(shown.as_json(found))
    for row, each in zip(csv.DictReader(io.StringIO(shown.as_csv(found))), value["rows"], strict=True):
        assert row["provider"] == each["name"]
        assert (row["openers"], row["opens"]) == (str(each["opens"]["unique"]), str(each["opens"]["total"]))
        assert (row["clickers"], row["tracked"]) == (str(each["clicks"]["unique"]), str(each["tracked"]))
        assert float(row["open_rate"] or 0) == (each["open_rate"] or 0)


def test_a_hostile_name_is_harmless_in_every_format(hits: Hits) -> None:
    found = Breakdown(
        "<script>[/]\x1b[31m", "company", None, None, "UTC", (_row('=cmd|"x"!A1\x1b[2J\u202e'),)
    )
    assert "'=cmd" in shown.as_csv(found)
    assert "\x1b" not in shown.as_csv(found) + shown.as_json(found)
    from rich.console import Console

    out = io.StringIO()
    shown.show(Console(file=out, width=80, force_terminal=False), found)
    assert "\x1b" not in out.getvalue()
    assert "\u202e" not in out.getvalue()
    assert "<script>[/]" in out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 90])
@pytest.mark.parametrize("way", ["company", "device", "link"])
def test_a_table_is_cut_nowhere_but_in_names(hits: Hits, workspace: Workspace, way: By, width: int) -> None:
    from rich.console import Console

    out = io.StringIO()
    shown.show(Console(file=out, width=width, force_terminal=False), by(workspace, way))
    assert "clicked" in out.getvalue()
    for line in out.getvalue().splitlines()[2:]:
        assert len(line) <= width
        assert not re.search(r"\d…", line)


def _row(name: str) -> Row:
    return Row(name, "", 1, Tally(1, 1), Tally(0, 0), 1.0, 0.0, 0, 0, 0, 0)


# -- from the command line and from notebooks -------------------------------------------------------


def test_the_commands(hits: Hits, workspace: Workspace) -> None:
    folder = workspace.store.path.parent
    options = ("report", "--db", "t.db", "--campaign", "spring", "--tz", "UTC")
    for way in WAYS:
        for form in ((), ("--csv",), ("--json",)):
            ran = run(folder, *options, "--by", way, *form)
            assert ran.code == (2 if way == "version" else 0), ran.err
            assert "Traceback" not in ran.err
    again = run(folder, *options, "--who", "not-opened", "--csv").out
    assert again.splitlines()[0] == "email,company,pt_hits,pt_first,pt_last,pt_seen"
    assert [line.split(",")[0] for line in again.splitlines()[1:]] == ["eve@other.example"]
    people_of = json.loads(run(folder, *options, "--who", "clicked:1", "--json").out)["people"]
    assert [each["address"] for each in people_of] == ["cid@firm.example", "dan@firm.example"]
    assert "cid@firm.example" in run(folder, *options, "--who", "clicked", COLUMNS="60").out
    since = run(folder, *options, "--since", "2026-09-22", "--json").out
    assert json.loads(since)["since"] == "2026-09-22T00:00:00.000+00:00"
    assert run(folder, "report", "--db", "t.db", "--csv").out.count("\n") == 2


def test_doctor_proves_the_figures_and_mends_them(hits: Hits, workspace: Workspace) -> None:
    folder = workspace.store.path.parent
    assert run(folder, "report", "--db", "t.db").code == 0
    proved = run(folder, "doctor", "--rebuild", "--db", "t.db")
    assert (proved.code, "all equal" in proved.out) == (0, True)
    right = run(folder, "report", "--db", "t.db", "--campaign", "spring", "--json").out
    workspace.store._plain("update rollup_cells set number = number + 1 where cell like '[\"hour\"%'")
    assert run(folder, "report", "--db", "t.db", "--campaign", "spring", "--json").out != right
    mended = json.loads(run(folder, "doctor", "--rebuild", "--db", "t.db", "--json").out)
    assert mended[0]["different"] > 0
    assert run(folder, "report", "--db", "t.db", "--campaign", "spring", "--json").out == right
    assert run(folder, "doctor", "--rebuild", "--db", "t.db").code == 0


def test_a_notebook_reads_the_same_value(hits: Hits, workspace: Workspace) -> None:
    path = workspace.store.path
    read = report.read("spring", path, zone="UTC")
    assert isinstance(read, CampaignReport)
    assert read == report.build(workspace.store, "spring", zone=read_zone("UTC"))
    assert report.read_all(path, zone="UTC") == [read]
    with pytest.raises(PixeltrackError, match="no database at"):
        report.read("spring", path.with_name("none.db"))


def test_hours_stand_in_order_of_time_when_clocks_go_back(inject: Inject, workspace: Workspace) -> None:
    inject(recipients=people("ann@gmail.com"))
    made = Hits(workspace, "spring", ["ann@gmail.com"])
    second = int(datetime(2026, 10, 24, 23, 30, tzinfo=UTC).timestamp()) - START // 1000
    for hour in range(4):
        made.open(0, second + hour * 3_600, GMAIL)
    named = [row.name for row in by(workspace, "hour", zone="Europe/Berlin").rows]
    assert named == [
        *("2026-10-25T01:00+02:00", "2026-10-25T02:00+02:00"),
        *("2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"),
    ]


def test_a_list_has_addresses_as_they_are_and_other_texts_safe(inject: Inject, workspace: Workspace) -> None:
    inject(recipients=people("+ann@gmail.com", name="=1+1"))
    Hits(workspace, "spring", ["+ann@gmail.com"]).open(0, 100, GMAIL)
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")
    found = who.build(workspace.store, campaign, who.Wanted("opened"), Span())
    (row,) = csv.DictReader(io.StringIO(shown_who.as_csv(found)))
    assert (row["email"], row["name"]) == ("+ann@gmail.com", "'=1+1")


def test_a_message_is_asked_for_its_version_alone(inject: Inject, workspace: Workspace) -> None:
    inject("ann@gmail.com", "bob@gmail.com")
    campaign = workspace.store.campaign("spring")
    ((one, other),) = workspace.store.message_pages(campaign.campaign_id)
    assert of_messages(workspace.store, campaign.campaign_id, "version", [one]) == {one: "no version"}
    assert set(of_messages(workspace.store, campaign.campaign_id, "version", [other, 5])) == {other}


def test_long_counting_tells_how_far_it_is(hits: Hits, workspace: Workspace) -> None:
    report.build(workspace.store, "spring")
    campaign = workspace.store.campaign("spring")
    done: list[int] = []
    told = heard.adding(done.append, 100)  # behind those that were judged before
    breakdown.build(workspace.store, campaign, "day", Span(), read_zone("UTC"), told)
    assert done == sorted(done)
    assert done[-1] >= 100 + workspace.store.hit_counts()[campaign.campaign_id]
