"""Link tables in memory: every link as the store has it, in few bytes, read piece by piece."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack import linktable
from pixeltrack.errors import StoreError
from pixeltrack.linktable import LinkTable, is_plain, place_of, template_of


class Rows:
    """A link table that can be added to, or be out of reach, and counts how often it is read."""

    def __init__(self, links: dict[int, str]) -> None:
        self.links = links
        self.reads = 0
        self.gone = False

    def __call__(self, first: int, behind: int) -> Iterable[tuple[int, str]]:
        self.reads += 1
        if self.gone:
            raise StoreError("gone")
        return sorted((number, url) for number, url in self.links.items() if first <= number < behind)

    def table(self) -> LinkTable:
        return LinkTable(7, max(self.links, default=0), self)


@given(st.dictionaries(st.integers(1, 3_000), st.text("ab/é", max_size=9), max_size=30))
def test_every_link_is_found_and_no_other(paths: dict[int, str]) -> None:
    table = Rows({number: f"https://shop.example/{path}" for number, path in paths.items()}).table()
    for number in {*paths, *range(0, 3_100, 97), *(each + 1 for each in paths)}:
        entry = table.get(number)
        if number not in paths:
            assert entry is None
        else:
            assert entry is not None
            assert is_plain(entry)
            expected = f"https://shop.example/{paths[number]}".replace("é", "%C3%A9")
            assert (place_of(entry), template_of(entry)) == (expected, None)
            assert table.known(number) == entry


def test_what_goes_nowhere_or_is_personal_is_no_plain_address() -> None:
    table = Rows({1: "https://a b/", 2: "https://shop.example/{{name}}?ü"}).table()
    nowhere, personal = table.get(1), table.get(2)
    assert nowhere is not None
    assert personal is not None
    assert (place_of(nowhere), is_plain(nowhere)) == (None, False)
    assert (template_of(personal), is_plain(personal)) == ("https://shop.example/{{name}}?ü", False)


def test_only_the_piece_of_a_link_is_read_and_the_others_ahead() -> None:
    rows = Rows({number: f"https://shop.example/{number}" for number in range(1, 2_001)})
    table = rows.table()
    assert table.known(1_500) is None
    for _ in range(9):
        assert table.get(1_500) == b"https://shop.example/1500"
        assert table.get(9_999_999) is None  # no piece is made for it
    assert rows.reads == 1
    while table.load_next():
        pass
    assert rows.reads == 2_000 // linktable._PIECE + 1
    rows.gone = True
    assert all(table.get(number) for number in rows.links)


def test_a_link_that_was_added_is_found_when_its_piece_is_read_again() -> None:
    rows = Rows({1: "https://shop.example/1"})
    table = rows.table()
    assert table.get(1)
    rows.links |= {2: "https://shop.example/2", 5_000: "https://shop.example/5000"}
    assert table.get(2) is None
    assert table.read_again(2) == b"https://shop.example/2"
    assert table.read_again(5_000) == table.get(5_000) == b"https://shop.example/5000"


def test_an_outdated_table_is_read_again_and_stays_as_it_was_where_that_fails() -> None:
    rows = Rows({1: "https://shop.example/1", 400: "https://shop.example/400"})
    table = rows.table()
    assert table.get(1)
    table.outdate()
    rows.links[1] = "https://shop.example/new"
    assert table.get(1) == b"https://shop.example/new"
    table.outdate()
    rows.gone = True
    before = rows.reads
    for _ in range(5):
        assert table.get(1) == b"https://shop.example/new"
    assert rows.reads == before + 1  # it is not asked at every click
    with pytest.raises(StoreError):
        table.get(400)  # never read before


def test_a_link_costs_few_bytes_beside_its_address() -> None:
    links = {number: f"https://shop.example/{number:06}" for number in range(1, 10_001)}
    table = Rows(links).table()
    while table.load_next():
        pass
    size = sum(
        piece._ends.buffer_info()[1] * piece._ends.itemsize + len(piece._text) + 200
        for piece in table._pieces.values()
    )
    assert len(table._pieces) == 10_000 // linktable._PIECE + 1
    assert size / len(links) - len("https://shop.example/000000") < 8
