"""Judging beyond the labelled hits: every rule at its edges, and what must hold for any hits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import CHROME
from hypothesis import given
from hypothesis import strategies as st
from test_sixty_hits import AGENTS, HEADERS, SENT

from pixeltrack import rules as ruling
from pixeltrack.agents import reduce
from pixeltrack.errors import InputError
from pixeltrack.judging import Context, Fact, Verdict, judge
from pixeltrack.judging.stretches import crowded
from pixeltrack.model import EventKind, Flag
from pixeltrack.rules import rules

OPEN, CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
LINKS = frozenset(range(1, 6))
HIDDEN = 9
MAIL = Context(SENT, LINKS, frozenset({HIDDEN}))
NAVIGATE = HEADERS["navigate"]
PHONE = reduce(AGENTS["safari-iphone"])
BROWSER = reduce(CHROME)


def hit(kind: int, seconds: float, link: int = 0, **known: object) -> Fact:
    """A hit of a person's browser, unless something else is said."""
    at = SENT + round(seconds * 1000)
    usual = Fact(0, 1, at, kind, link, BROWSER, NAVIGATE if kind == CLICK else HEADERS["image"], "", 0)
    return usual._replace(**known)  # type: ignore[arg-type]


def verdicts(*hits: Fact, mail: Context = MAIL) -> list[Verdict]:
    return judge([each._replace(event_id=number) for number, each in enumerate(hits)], mail, rules())


def labels(*hits: Fact, mail: Context = MAIL) -> list[str]:
    return [verdict.label for verdict in verdicts(*hits, mail=mail)]


def test_a_sweep_is_convicted_and_a_later_click_of_the_person_stands() -> None:
    sweep = [hit(CLICK, 43 + link / 10, link) for link in LINKS]
    assert labels(*sweep, hit(CLICK, 3_600, 2)) == ["scanner"] * 5 + ["human"]
    late = [hit(CLICK, 90_000 + link / 10, link) for link in LINKS]
    assert labels(*late) == ["scanner"] * 5


def test_two_links_in_four_seconds_are_a_person_and_in_one_are_suspicious() -> None:
    assert labels(hit(CLICK, 900, 1), hit(CLICK, 904, 2)) == ["human", "human"]
    pair = verdicts(hit(CLICK, 900, 1, flags=0), hit(CLICK, 901, 2, flags=0), hit(OPEN, 800))
    assert [(each.label, each.reason) for each in pair[:2]] == [("unknown", "pair")] * 2


def test_a_machine_by_itself_makes_no_pair_with_a_person() -> None:
    head = hit(CLICK, 900, 1, flags=Flag.HEAD)
    person = hit(CLICK, 900.5, 2, flags=0)
    assert labels(head, person, hit(OPEN, 800)) == ["scanner", "human", "human"]


def test_one_link_again_and_again_is_a_person() -> None:
    assert labels(*(hit(CLICK, 900 + n / 5, 1) for n in range(10))) == ["human"] * 10


def test_the_pixel_beside_a_sweep_is_the_sweepers_by_its_agent_and_time() -> None:
    sweep = [hit(CLICK, 43 + link / 10, link) for link in LINKS]
    loads = [hit(OPEN, 34), hit(OPEN, 45), hit(OPEN, 34, agent=PHONE), hit(OPEN, 3_600)]
    assert labels(*loads, *sweep)[:4] == ["scanner", "scanner", "human", "human"]


def test_a_hidden_link_convicts_the_same_client_around_it() -> None:
    trap = hit(CLICK, 1_000, HIDDEN, address=5)
    around = [
        hit(CLICK, 990, 1),  # it followed links in their order
        hit(CLICK, 1_000 + 900, 2),  # a quarter of an hour later
        hit(CLICK, 1_000 + 901, 3),
        hit(CLICK, 1_000 - 61, 4),
        hit(OPEN, 1_200, agent=PHONE, address=5),  # its address, with another agent
        hit(OPEN, 1_200, agent=PHONE),
    ]
    assert labels(trap, *around) == ["scanner", "scanner", "scanner", "human", "human", "scanner", "human"]


def test_many_addresses_without_a_number_are_not_one() -> None:
    crowd = [hit(OPEN, 100, message=number, address=0) for number in range(5)]
    assert labels(*crowd) == ["human"] * 5
    assert labels(*(each._replace(address=3) for each in crowd)) == ["scanner"] * 5
    assert labels(*(each._replace(address=3) for each in crowd[:2])) == ["human"] * 2


def test_a_log_that_holds_no_headers_speaks_neither_for_nor_against() -> None:
    bare = HEADERS["bare"]
    (seen,) = verdicts(hit(CLICK, 100, 1, flags=bare))
    assert {"no-language", "bare-accept", "no-fetch-mode"} <= set(seen.reasons)
    (log,) = verdicts(hit(CLICK, 100, 1, flags=bare & ~Flag.HEADERS))
    assert log.reasons == ("little-against", "no-pixel")


@pytest.mark.parametrize(
    ("agent", "flags", "missed"),
    [
        (BROWSER, HEADERS["bare"] & ~Flag.TLS, False),  # Sec-Fetch headers need TLS
        (BROWSER.replace("131", "79"), HEADERS["bare"], False),  # older than they are
        (BROWSER.replace("131", "80"), HEADERS["bare"], True),
        (PHONE, HEADERS["bare"], False),
        (PHONE.replace("Version/18.1", "CriOS/131.0"), HEADERS["bare"], False),  # Apple's engine inside
    ],
)
def test_chromium_says_how_it_asks_since_its_version_80(agent: str, flags: int, missed: bool) -> None:
    (verdict,) = verdicts(hit(CLICK, 100, 1, agent=agent, flags=flags))
    assert ("no-fetch-mode" in verdict.reasons) == missed


def test_a_test_message_counts_as_nothing_and_convicts_nobody() -> None:
    tests = [hit(CLICK, 100 + link, link, flags=Flag.PREVIEW | Flag.HEAD) for link in (2, 3, 4, HIDDEN)]
    found = verdicts(hit(CLICK, 100, 1), *tests)
    assert [each.label for each in found] == ["human", "test", "test", "test", "test"]
    crowd = [hit(OPEN, 100, message=number, address=3, flags=Flag.PREVIEW) for number in range(2, 6)]
    assert labels(hit(OPEN, 100, address=3), *crowd)[0] == "human"


def test_a_machines_hit_is_one_whatever_else_it_shows() -> None:
    head = hit(OPEN, 5, agent="Mozilla/5.0", flags=Flag.HEAD | Flag.SPECULATIVE)
    assert verdicts(head)[0] == Verdict("scanner", 0, ("head",))
    assert verdicts(head._replace(flags=Flag.SPECULATIVE))[0].reason == "speculative-load"


@pytest.mark.parametrize(
    ("agent", "verdict"),
    [
        (AGENTS["gmail-proxy"], "scanner proxy-on-link"),
        (AGENTS["gmail-ahead"], "scanner gmail-prefetch"),
        ("Mozilla/5.0 (compatible; Bananabot/1.0)", "scanner crawler"),
        ("Bananas (https://bananas.example/about)", "scanner crawler"),
        ("Bananas (ops@bananas.example)", "scanner crawler"),
        (AGENTS["chrome-android"].replace("K)", "Pixel 2; Bananabot/1.0)"), "scanner crawler"),
        (AGENTS["chrome-android"].replace("K)", "CUBOT X18 Plus)"), "human none-against"),
        (AGENTS["chrome-android"].replace("K)", "Discovery Spider)"), "human none-against"),
        (AGENTS["safari-iphone"] + " [FBAN/FBIOS;FBAV/450.0.0.38.108]", "human none-against"),
        ("okhttp/4.12.0", "unknown bare-agent"),
        ("(other)", "unknown bare-agent"),
        ("\x00\r\n ", "scanner empty-agent"),
    ],
)
def test_more_agents(agent: str, verdict: str) -> None:
    found = verdicts(hit(CLICK, 200, 1, agent=agent, flags=0), hit(OPEN, 100))[0]
    assert f"{found.label} {found.reason}" == verdict


@pytest.mark.parametrize(
    ("marks", "crowd"),
    [
        ([], []),
        ([(0, 1), (4000, 2)], []),
        ([(0, 1), (100, 1), (200, 1), (300, 2)], []),
        ([(0, 1), (10, 2), (20, 3)], [0, 1, 2]),
        ([(0, 1), (5000, 2), (10_000, 3)], [0, 1, 2]),
        ([(0, 1), (5000, 2), (10_001, 3)], []),
        ([(0, 1), (0, 2), (0, 2), (0, 3), (60_000, 2)], [0, 1, 2, 3]),
        ([(0, 4), (9_000, 1), (15_000, 2), (16_000, 3), (24_000, 4)], [1, 2, 3, 4]),
    ],
)
def test_crowds(marks: list[tuple[int, int]], crowd: list[int]) -> None:
    assert crowded(marks, 10_000, 3) == crowd


@given(
    st.lists(st.tuples(st.integers(0, 60_000), st.integers(1, 5)), max_size=30).map(sorted), st.integers(2, 4)
)
def test_a_mark_stands_in_a_crowd_when_some_stretch_around_it_is_one(
    marks: list[tuple[int, int]], distinct: int
) -> None:
    expected: set[int] = set()
    for start, _ in marks:
        window = [n for n, (time, _) in enumerate(marks) if start <= time <= start + 10_000]
        if len({marks[n][1] for n in window}) >= distinct:
            expected.update(window)
    assert crowded(marks, 10_000, distinct) == sorted(expected)


HITS = st.builds(
    hit,
    st.sampled_from([OPEN, CLICK]),
    st.one_of(st.integers(-5, 90), st.integers(0, 2_000)),
    st.sampled_from([*LINKS, HIDDEN]),
    message=st.integers(1, 4),
    agent=st.sampled_from([BROWSER, PHONE, *map(reduce, AGENTS.values())]),
    flags=st.sampled_from([*HEADERS.values(), 0, Flag.PREVIEW]),
    network=st.sampled_from(["", "aws/2026-11-01", "ms-eop/2026-11-01", "mimecast/2026-11-01"]),
    address=st.integers(0, 3),
).map(lambda each: each._replace(link=0) if each.kind == OPEN else each)


@given(st.lists(HITS, max_size=25), st.randoms(use_true_random=False), st.booleans())
def test_the_order_in_which_hits_are_given_does_not_matter(hits, chance, timed) -> None:
    mail = MAIL if timed else replace(MAIL, sent=None)
    numbered = [each._replace(event_id=number) for number, each in enumerate(hits)]
    found = dict(zip((each.event_id for each in numbered), judge(numbered, mail, rules()), strict=True))
    chance.shuffle(numbered)
    again = judge(numbered, mail, rules())
    assert again == [found[each.event_id] for each in numbered]


@given(st.lists(HITS, max_size=15), st.lists(HITS, max_size=15))
def test_a_message_that_shares_nothing_changes_nothing(hits, others) -> None:
    unrelated = [
        each._replace(message=each.message + 100, address=each.address and each.address + 100)
        for each in others
    ]
    assert verdicts(*hits, *unrelated)[: len(hits)] == verdicts(*hits)


@given(st.lists(HITS, max_size=15), st.lists(HITS, max_size=15))
def test_tests_never_count_nor_bear_on_others(hits, others) -> None:
    tests = [each._replace(flags=each.flags | Flag.PREVIEW) for each in others]
    found = verdicts(*hits, *tests)
    assert found[: len(hits)] == verdicts(*hits)
    assert {each.label for each in found[len(hits) :]} <= {"test"}


OWN = """
network = [{ label = "ms-eop", scope = "clicks", certainty = "weak" }, { label = "office", scope = "all", certainty = "certain" }]
machine = [{ kind = "gateway", tokens = ["Chrome/131"] }]
[sweep]
distinct_links = 2
"""


def test_a_file_of_ones_own_adds_rows_and_replaces_numbers(tmp_path: Path) -> None:
    path = tmp_path / "my-rules.toml"
    path.write_text(OWN)
    book = ruling.load(path)
    assert book.version.startswith(f"{ruling.shipped().version}+my-rules.toml@")
    assert len(book.version.rpartition("@")[2]) == 8
    assert (book.sweep.distinct_links, book.sweep.within_ms) == (2, 10_000)
    assert (book.networks["ms-eop"].certainty, book.networks["aws"].certainty) == ("weak", "weak")
    found = judge([hit(OPEN, 100), hit(OPEN, 100, agent=PHONE, network="office/2026")], MAIL, book)
    assert judge([hit(OPEN, 100)], MAIL, rules())[0].label == "human"
    assert [each.reason for each in found] == ["gateway", "filter-network"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sweep]\nwithin = 3", "my.toml: sweep: unknown key 'within'"),
        ("[sweeps]\nwithin_ms = 3", "my.toml: unknown key 'sweeps'"),
        ('version = "2"', "my.toml: unknown key 'version'"),
        ("points = 3", "my.toml: 'points' must be a dict, not 3"),
        ("[points]\nsoon = 1.5", "my.toml: points: 'soon' must be a int, not 1.5"),
        ('[[machine]]\nkind = "robot"', "my.toml: machine[1]: 'kind' must be one of"),
        ('client = [{ token = "", name = "All" }]', "my.toml: client[1]: 'token' is empty"),
        ("[thresholds]\nunknown = 9", "my.toml: thresholds: 'unknown' must not be above 'scanner'"),
    ],
)
def test_a_mistake_in_ones_own_file_is_one_line_with_its_path(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        ruling.load(path)
    assert f"{tmp_path.as_posix()}/{message}" in caught.value.message
    assert "\n" not in caught.value.message
