"""The report's figures, from hits in a real store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from command import run_process
from conftest import CHROME, START, Client, Inject, people

from pixeltrack import report
from pixeltrack.errors import NoSuchCampaign
from pixeltrack.figures import CampaignReport, Share, Tally
from pixeltrack.model import Event, EventKind, Flag
from pixeltrack.rules import rules
from pixeltrack.setup import Workspace
from pixeltrack.times import read_zone

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
    " AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
GMAIL = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
APPLE_AHEAD = "Mozilla/5.0"
READERS = tuple(f"reader{number}@example.com" for number in range(10))


class Hits:
    """Stores hits of one campaign's readers, by their place on the list."""

    def __init__(self, workspace: Workspace, campaign: str, readers: Sequence[str] = READERS) -> None:
        self._store = workspace.store
        self._campaign = workspace.store.campaign(campaign)
        keys = workspace.keyring.campaign(self._campaign.code, self._campaign.key_id)
        self._messages = [int.from_bytes(keys.pseudonym(reader), "big", signed=True) for reader in readers]

    def message(self, reader: int) -> int:
        return self._messages[reader]

    def open(self, reader: int, seconds: float, agent: str = CHROME, flags: int = 0) -> None:
        self._put(EventKind.OPEN, 0, reader, seconds, agent, flags)

    def click(self, reader: int, seconds: float, link: int = 1, agent: str = CHROME, flags: int = 0) -> None:
        self._put(EventKind.CLICK, link, reader, seconds, agent, flags)

    def _put(self, kind: EventKind, link: int, reader: int, seconds: float, agent: str, flags: int) -> None:
        at = START + round(seconds * 1000)
        event = Event(at, self._campaign.campaign_id, kind, link, self._messages[reader], agent, flags)
        self._store.put_events([event])


@pytest.fixture
def hits(inject: Inject, workspace: Workspace) -> Hits:
    inject(*READERS)
    return Hits(workspace, "spring")


def build(workspace: Workspace) -> CampaignReport:
    return report.build(workspace.store, "spring")


def test_unique_counts_messages_and_total_counts_hits(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 100)
    hits.open(0, 200)
    hits.open(1, 300)
    hits.click(0, 400)
    said = build(workspace)
    assert said.opens == Tally(2, 3)
    assert said.clicks == Tally(1, 1)
    assert (said.open_rate, said.click_rate, said.click_to_open_rate) == (0.2, 0.1, 0.5)


def test_rates_without_a_denominator_are_undefined(hits: Hits, workspace: Workspace) -> None:
    said = build(workspace)
    assert said.click_to_open_rate is None
    assert said.open_rate == 0.0
    assert (said.first, said.last, said.timeline) == (None, None, ())


def test_rates_are_over_tracked_messages(inject: Inject, workspace: Workspace) -> None:
    inject(recipients=[*people(*READERS[:4]), *people(*READERS[4:], consent="denied")])
    Hits(workspace, "spring").open(0, 60)
    said = build(workspace)
    assert (said.messages, said.tracked, said.open_rate) == (10, 4, 0.25)


def test_what_apple_fetches_ahead_is_set_aside_with_its_reason(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 5, APPLE_AHEAD)
    hits.open(0, 9, APPLE_AHEAD)
    hits.open(1, 60)
    said = build(workspace)
    assert said.opens == Tally(1, 1)
    assert said.machine_opens == Tally(1, 2)
    (aside,) = said.set_aside
    assert (aside.label, aside.reason, aside.opens, aside.messages) == ("prefetch", "apple-privacy", 2, 1)


def test_a_head_request_is_a_machine(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 60, flags=Flag.HEAD)
    said = build(workspace)
    assert said.clicks == Tally(0, 0)
    assert said.machine_clicks == Tally(1, 1)


def test_a_gateway_that_follows_many_links_at_once_is_no_person(inject: Inject, workspace: Workspace) -> None:
    links = b"".join(b'<a href="https://shop.example/%d">link %d</a>' % (n, n) for n in range(1, 5))
    inject(*READERS, mail=b"<html><body>" + links + b"</body></html>")
    hits = Hits(workspace, "spring")
    for link in range(1, 5):
        hits.click(0, 43 + link / 10, link)
    hits.click(0, 3_600, 2)  # later the person reads it
    said = build(workspace)
    assert said.clicks == Tally(1, 1)
    assert said.machine_clicks == Tally(1, 4)
    assert [(link.clicks.unique, link.machine_clicks) for link in said.links] == [
        (0, 1),
        (1, 1),
        (0, 1),
        (0, 1),
    ]


def test_a_gateway_that_loads_the_pixel_beside_its_sweep_did_not_open_it(
    inject: Inject, workspace: Workspace
) -> None:
    links = b"".join(b'<a href="https://shop.example/%d">link %d</a>' % (n, n) for n in range(1, 5))
    inject(*READERS, mail=b"<html><body>" + links + b"</body></html>")
    hits = Hits(workspace, "spring")
    for reader in (0, 1, 2):
        for link in range(1, 5):
            hits.click(reader, 43 + link / 10, link)
    hits.open(0, 34)  # before its clicks, as most do
    hits.open(0, 45)  # or after them
    hits.open(1, 34, IPHONE)  # another program: the reader
    hits.open(2, 3_600)  # the same browser, but long after: the reader
    hits.open(3, 34)  # no sweep here
    said = build(workspace)
    assert said.opens == Tally(3, 3)
    assert said.machine_opens == Tally(1, 2)
    assert [(row.reason, row.opens, row.clicks, row.messages) for row in said.set_aside] == [
        ("burst", 0, 12, 3),
        ("sweeper-pixel", 2, 0, 1),
    ]


def test_two_links_in_a_row_are_a_person(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 100, 1)
    hits.click(0, 104, 2)
    assert build(workspace).clicks == Tally(1, 2)


def test_people_who_click_without_loading_images_are_told(hits: Hits, workspace: Workspace) -> None:
    hits.click(0, 100)
    hits.open(1, 100)
    hits.click(1, 160)
    assert build(workspace).clicked_without_open == 1


def test_a_person_with_two_devices_counts_in_both(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 100, IPHONE)
    hits.open(0, 900, CHROME)
    said = build(workspace)
    assert said.devices == (Share("desktop", 1), Share("mobile", 1))
    assert said.clients == (Share("Apple Mail", 1), Share("webmail or browser", 1))


def test_a_proxied_reader_is_hidden_until_a_click_shows_the_device(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 100, GMAIL)
    hits.open(1, 100, GMAIL)
    hits.click(1, 160, agent=CHROME)
    said = build(workspace)
    assert said.devices == (Share("desktop", 1), Share("hidden by Gmail's image proxy", 1))
    assert said.systems == (Share("Windows", 1), Share("hidden by Gmail's image proxy", 1))
    assert said.clients == (Share("Gmail", 2),)


def test_preview_hits_are_told_and_never_counted(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 100, flags=Flag.PREVIEW)
    hits.click(0, 100, flags=Flag.PREVIEW)
    said = build(workspace)
    assert (said.opens, said.clicks, said.preview_hits) == (Tally(0, 0), Tally(0, 0), 2)


def test_the_timeline_has_every_hour_between_first_and_last(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 0)
    hits.open(1, 2 * 3_600)
    hits.click(1, 2 * 3_600)
    said = build(workspace)
    assert [(bucket.opens, bucket.clicks) for bucket in said.timeline] == [(1, 0), (0, 0), (1, 1)]
    assert said.timeline[0].start % 3_600_000 == 0
    assert (said.first, said.last) == (START, START + 7_200_000)


def test_a_long_campaign_is_shown_by_the_day(hits: Hits, workspace: Workspace) -> None:
    hits.open(0, 0)
    hits.open(1, 20 * 86_400)
    said = build(workspace)
    assert said.timeline_step == 86_400_000
    assert len(said.timeline) == 21
    assert sum(bucket.opens for bucket in said.timeline) == 2


@pytest.mark.parametrize(
    ("zone", "first", "second"),
    [("UTC", (0, 14), (1, 0)), ("Europe/Berlin", (0, 16), (1, 2)), ("America/New_York", (0, 10), (0, 20))],
)
def test_hits_are_counted_by_weekday_and_hour_of_a_zone(
    hits: Hits, workspace: Workspace, zone: str, first: tuple[int, int], second: tuple[int, int]
) -> None:
    hits.open(0, 0)  # a Monday, 14:13 UTC
    hits.open(1, 60)
    hits.open(2, 10 * 3_600)
    hits.click(2, 10 * 3_600)
    hits.open(3, 3_600, flags=Flag.HEAD)  # a machine
    week = report.build(workspace.store, "spring", zone=read_zone(zone)).week
    assert week.zone == zone
    assert _cells(week.opens) == {first: 2, second: 1}
    assert _cells(week.clicks) == {second: 1}


def _cells(rows: tuple[tuple[int, ...], ...]) -> dict[tuple[int, int], int]:
    assert [len(row) for row in rows] == [24] * 7
    return {(day, hour): hits for day, row in enumerate(rows) for hour, hits in enumerate(row) if hits}


def test_a_week_has_each_hit_of_the_timeline_once(hits: Hits, workspace: Workspace) -> None:
    for reader in range(10):
        hits.open(reader, reader * 30 * 3_600)
        hits.click(reader, reader * 30 * 3_600 + 60)
    said = build(workspace)
    assert sum(map(sum, said.week.opens)) == sum(each.opens for each in said.timeline) == 10
    assert sum(map(sum, said.week.clicks)) == sum(each.clicks for each in said.timeline) == 10


def test_a_links_share_is_over_the_people_who_clicked_any(hits: Hits, workspace: Workspace) -> None:
    assert [link.share for link in build(workspace).links] == [None, None]
    for reader in range(4):
        hits.click(reader, 100 * reader)
        hits.click(reader, 100 * reader + 1)
    hits.click(0, 2_000, link=2)
    assert [link.share for link in build(workspace).links] == [1.0, 0.25]


def test_links_nobody_clicked_are_there(hits: Hits, workspace: Workspace) -> None:
    assert [(link.number, link.url, link.clicks) for link in build(workspace).links] == [
        (1, "https://shop.example/a?x=1&y=2", Tally(0, 0)),
        (2, "https://shop.example/b#part", Tally(0, 0)),
    ]


def test_a_report_says_which_rules_it_was_made_with(hits: Hits, workspace: Workspace) -> None:
    assert build(workspace).rules_version == rules().version


def test_an_unknown_campaign_names_the_known_ones(hits: Hits, workspace: Workspace) -> None:
    with pytest.raises(NoSuchCampaign) as caught:
        report.build(workspace.store, "sprng")
    assert caught.value.hint == "known campaigns: spring"


def test_all_campaigns_come_newest_first(inject: Inject, workspace: Workspace) -> None:
    inject(*READERS, campaign="one")
    inject(*READERS, campaign="two")
    assert {each.campaign for each in report.build_all(workspace.store)} == {"one", "two"}


def test_a_copy_once_tracked_stays_in_the_denominator(inject: Inject, workspace: Workspace) -> None:
    inject(*READERS)
    inject(recipients=people(*READERS, consent="denied"))
    assert build(workspace).tracked == 10


def test_a_terminal_that_cannot_show_blocks_gets_a_report_all_the_same(
    inject: Inject, client: Client, tmp_path: Path
):
    summary = inject("ann@x.example")
    (copy,) = (summary.out / "html").iterdir()
    client.get(copy.read_text().split('src="')[1].split('"')[0])
    said = run_process(
        tmp_path, "report", "--campaign", "spring", "--db", "t.db", PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert said.code == 0, said.err
    assert "Opens" in said.out
