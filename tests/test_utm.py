"""UTM tags: where they go, and what they never touch."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.utm import Utm, parse

PLACES = {"campaign": "Spring & Co", "label": "Shop now", "group": "", "number": "3"}


def _add(address: str, written: str = "source=news,medium=email") -> str:
    return parse(written, "--utm").add(address, PLACES)


@pytest.mark.parametrize(
    ("address", "tagged"),
    [
        ("https://a.example", "https://a.example?utm_source=news&utm_medium=email"),
        ("https://a.example/x#part", "https://a.example/x?utm_source=news&utm_medium=email#part"),
        ("https://a.example/x?y=1#p?q", "https://a.example/x?y=1&utm_source=news&utm_medium=email#p?q"),
        ("https://a.example/x?", "https://a.example/x?utm_source=news&utm_medium=email"),
        ("https://a.example/x?y&", "https://a.example/x?y&utm_source=news&utm_medium=email"),
        ("https://a.example/?utm_source=own", "https://a.example/?utm_source=own&utm_medium=email"),
        (
            "https://a.example/?UTM%5FSource=own&utm_medium=",
            "https://a.example/?UTM%5FSource=own&utm_medium=",
        ),
        ("https://a.example/%7E?a=%zz", "https://a.example/%7E?a=%zz&utm_source=news&utm_medium=email"),
    ],
)
def test_tags_stand_before_the_fragment_and_keep_what_is_there(address: str, tagged: str):
    assert _add(address) == tagged


def test_places_are_filled_in_and_encoded_and_an_empty_tag_is_left_out():
    assert _add("https://a.example/", "campaign={campaign},content={label}-{number},term={group}") == (
        "https://a.example/?utm_campaign=Spring%20%26%20Co&utm_content=Shop%20now-3"
    )


def test_a_links_own_tags_win_and_off_means_none():
    run = parse("source=news,content=x", "--utm")
    own = parse("content=hero", "line 1")
    assert run.overridden(own).add("https://a.example/", PLACES) == (
        "https://a.example/?utm_source=news&utm_content=hero"
    )
    assert run.overridden(Utm((), off=True)).add("https://a.example/", PLACES) == "https://a.example/"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("news", "'news' is no UTM tag"),
        ("colour=red", "is no UTM tag"),
        ("source={who}", "nothing fills {who}"),
    ],
)
def test_what_means_nothing_is_refused(written: str, said: str):
    with pytest.raises(InputError, match=said):
        parse(written, "--utm")


@given(
    query=st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=4),
    label=st.text(max_size=20),
)
def test_the_query_stays_and_the_tags_are_read_back(query: list[tuple[str, str]], label: str):
    from urllib.parse import urlencode

    address = f"https://a.example/x?{urlencode(query)}#f"
    tagged = parse("content={label}", "--utm").add(address, {**PLACES, "label": label})
    before, after = urlsplit(address), urlsplit(tagged)
    assert after._replace(query="") == before._replace(query="")
    read = parse_qsl(after.query, keep_blank_values=True)
    assert read[: len(query)] == query
    expected = [("utm_content", label.strip())] if label.strip() else []
    assert "utm_content" in dict(query) or read[len(query) :] == expected
