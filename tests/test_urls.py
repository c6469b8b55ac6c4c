"""The shapes of our URLs, pinned, and what may be a base URL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.urls import Addresses, Route, addresses, parse

BASE = "https://track.example.com"
TOKEN = "EQEVNwIbNWpw_XlxsGU1Vc9n7wRt"
PERSONAL = "EQH30QW_XhU3Ahs1anD9D2oNomD3ZzHx3PqC93-o"

# A promise for ever: these are in people's inboxes.
PINNED = {
    f"/o/67iqlp26/{TOKEN}.gif": Route("open", TOKEN, "67iqlp26"),
    f"/c/67iqlp26/3/{TOKEN}": Route("click", TOKEN, "67iqlp26", 3),
    f"/c/67iqlp26/1234567/{TOKEN}.4711": Route("click", f"{TOKEN}.4711", "67iqlp26", 1234567),
    f"/u/{PERSONAL}": Route("unsubscribe", PERSONAL),
    f"/p/{PERSONAL}": Route("preferences", PERSONAL),
    "/privacy": Route("privacy"),
    "/healthz": Route("health"),
    "/metrics": Route("metrics"),
    "/robots.txt": Route("robots"),
}


@pytest.mark.parametrize(("path", "route"), PINNED.items(), ids=PINNED)
def test_every_shape_is_understood_for_ever(path: str, route: Route) -> None:
    assert parse(path) == route


def test_every_shape_is_built_as_pinned() -> None:
    places = addresses(BASE)
    assert f"{places.open_before('67iqlp26')}{TOKEN}.gif" == f"{BASE}/o/67iqlp26/{TOKEN}.gif"
    assert f"{places.click_before('67iqlp26', 3)}{TOKEN}" == f"{BASE}/c/67iqlp26/3/{TOKEN}"
    assert places.unsubscribe(PERSONAL) == f"{BASE}/u/{PERSONAL}"
    assert places.preferences(PERSONAL) == f"{BASE}/p/{PERSONAL}"
    assert places.privacy == f"{BASE}/privacy"


@given(
    st.from_regex(r"[a-z2-7]{8}", fullmatch=True),
    st.integers(1, 9_999_999),
    st.from_regex(r"[A-Za-z0-9_-]{28}(\.[A-Za-z0-9_~.-]{1,64})?", fullmatch=True),
)
def test_what_is_built_is_parsed_back(code: str, link: int, token: str) -> None:
    places = Addresses("")
    assert parse(f"{places.open_before(code)}{token}.gif") == Route("open", token, code)
    assert parse(f"{places.click_before(code, link)}{token}") == Route("click", token, code, link)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/", "o", "/o", "/o/", "/favicon.ico", "/privacy/", "/PRIVACY", "/healthz\n", "//privacy"),
        *(
            f"/o/67iqlp26/{TOKEN}",
            f"/o/67iqlp26/{TOKEN}.png",
            f"/o/67iqlp26/{TOKEN}.gif\n",
            "/o/67iqlp26/.gif",
        ),
        *(
            f"/o/67IQLP26/{TOKEN}.gif",
            f"/o/67iqlp2/{TOKEN}.gif",
            f"/o/67iqlp218/{TOKEN}.gif",
            "/o/67iqlp26.gif",
        ),
        *(f"/c/67iqlp26/0/{TOKEN}", f"/c/67iqlp26/03/{TOKEN}", f"/c/67iqlp26/-1/{TOKEN}", "/c/67iqlp26/3/"),
        *(
            f"/c/67iqlp26/12345678/{TOKEN}",
            f"/c/67iqlp26/٣/{TOKEN}",
            f"/c/67iqlp26/3/{TOKEN}é",
            f"/c/{TOKEN}",
        ),
        *(
            f"/u/{PERSONAL}/",
            f"/u/{PERSONAL}.gif",
            "/u/",
            f"/U/{PERSONAL}",
            f"/u/{PERSONAL}\n",
            f"/x/{PERSONAL}",
        ),
        *(
            "/u/" + "a" * 201,
            "/c/67iqlp26/3/" + "a" * 201,
            f"/c/67iqlp26/3/{TOKEN}\x7f",
        ),
    ],
)
def test_anything_else_is_not_ours(path: str) -> None:
    assert parse(path) is None


@given(st.text())
def test_no_path_breaks_the_parser(path: str) -> None:
    parse(path)
    parse(f"/c/67iqlp26/{path}/{TOKEN}")


@pytest.mark.parametrize(
    ("given_url", "base"),
    [
        ("https://track.example.com", "https://track.example.com"),
        ("https://track.example.com/", "https://track.example.com"),
        ("HTTPS://Track.Example.COM", "https://track.example.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://[::1]:8000/", "http://[::1]:8000"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://collector:65535", "http://collector:65535"),
        ("http://my_host", "http://my_host"),
    ],
)
def test_a_base_url_is_an_origin(given_url: str, base: str) -> None:
    assert addresses(given_url).base == base


@pytest.mark.parametrize(
    "given_url",
    [
        *(
            "",
            "track.example.com",
            "//track.example.com",
            "ftp://track.example.com",
            "https:track.example.com",
        ),
        *("https://", "https:///", "https://a/b", "https://a//", "https://a?x", "https://a#x", "https://a/?"),
        *("https://user@a", "https://user:secret@a", "https://a:", "https://a:b", "https://a:123456"),
        *("https://a:65536", "https://a:0", "https://a b", " https://a", "https://a\n", "https://a\\b"),
        *("https://bücher.example", "https://[::1", "https://[:::]", "https://[1.2.3]", "https://[]"),
        *('https://a"onload=', "https://a<b>", "https://a%2eb", "javascript://a", "https://a,b"),
    ],
)
def test_any_other_base_url_is_refused_with_its_value(given_url: str) -> None:
    with pytest.raises(InputError, match="is not of the form https://host") as refused:
        addresses(given_url)
    assert repr(given_url) in refused.value.message
    assert refused.value.hint == "for instance --base-url https://track.example.com"


@pytest.mark.parametrize(
    ("base", "loopback"),
    [
        ("http://localhost", True),
        ("http://localhost:8000", True),
        ("http://127.0.0.1:8000", True),
        ("http://127.9.9.9", True),
        ("http://[::1]:8000", True),
        ("https://track.example.com", False),
        ("http://192.168.1.2", False),
        ("http://0.0.0.0", False),
        ("http://[2001:db8::1]", False),
        ("http://localhost.example.com", False),
        ("http://127.example.com", False),
    ],
)
def test_only_this_machine_is_loopback(base: str, loopback: bool) -> None:
    assert addresses(base).is_loopback is loopback


def test_our_own_urls_are_known_by_their_whole_shape() -> None:
    places = addresses(BASE)
    ours = [path for path in PINNED if path not in ("/healthz", "/metrics", "/robots.txt")]  # never in a mail
    assert [places.owns(f"{BASE}{path}") for path in ours] == [PINNED[path].kind for path in ours]
    assert places.owns(f"{BASE}/c/67iqlp26/1/{TOKEN}.*|UNIQID|*") == "click"


@pytest.mark.parametrize(
    "url",
    [
        f"{BASE}/",
        f"{BASE}/p/red-shoes",
        f"{BASE}/c/category/1/shoes",
        f"{BASE}/o/67iqlp26/logo.gif",
        f"{BASE}/privacy-policy",
        f"{BASE}/healthz",
        f"{BASE}.evil.example/u/{PERSONAL}",
        f"/u/{PERSONAL}",
    ],
)
def test_other_pages_at_the_same_address_are_not_ours(url: str) -> None:
    assert addresses(BASE).owns(url) is None
