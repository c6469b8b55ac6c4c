"""The fast lane: the same answer and the same event as the other lane, whatever is sent in whatever pieces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from conftest import CHROME, Inject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inbox import copies
from lanes import Lane, conversation, known, paths, side_by_side

from pixeltrack import fastlane
from pixeltrack.config import Settings
from pixeltrack.minting import CampaignKeys
from pixeltrack.setup import Workspace


@pytest.fixture
def keys(workspace: Workspace, inject: Inject) -> CampaignKeys:
    code = copies(inject(*(f"p{each}@x.example" for each in range(4))))[0].code
    return workspace.keyring.campaign(code)


@pytest.fixture
def lanes(
    workspace: Workspace, settings: Settings, keys: CampaignKeys, tmp_path: Path
) -> Iterator[list[Lane]]:
    made = side_by_side(tmp_path, workspace.store.path, workspace.keyring, settings)
    yield made
    for lane in made:
        lane.close()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(chance=st.randoms(use_true_random=False))
def test_all_lanes_answer_and_record_alike(lanes: list[Lane], keys: CampaignKeys, chance: Random) -> None:
    pieces = conversation(chance, paths(keys))
    fast, other, waitress = (lane.feed(pieces) for lane in lanes)
    assert fast == other == waitress


def test_the_fast_lane_takes_what_mail_clients_send(lanes: list[Lane], keys: CampaignKeys) -> None:
    fast, other, waitress = lanes
    token = keys.message_token(keys.pseudonym("p0@x.example"))
    paths = (f"/o/{keys.code}/{token}.gif", f"/c/{keys.code}/1/{token}", f"/c/{keys.code}/2/{token}")
    for version, wish in (
        ("1.1", ""),
        ("1.1", "Connection: keep-alive\r\n"),
        ("1.0", "Connection: close\r\n"),
        ("1.0", ""),
    ):
        for path in paths:
            sent = f"GET {path} HTTP/{version}\r\nHost: x\r\nUser-Agent: {CHROME}\r\n{wish}Accept: */*\r\n\r\n".encode()
            before = fast.taken
            outcome = fast.feed([sent])
            assert outcome == other.feed([sent]) == waitress.feed([sent])
            assert outcome.events[0][4] == known(keys)
            assert fast.taken - before == (
                0 if path == paths[0] and before == 0 else 1
            )  # the first reads the table


def test_a_request_behind_that_expects_a_signal_is_answered_in_the_same_way(
    lanes: list[Lane], keys: CampaignKeys
) -> None:
    token = keys.message_token(keys.pseudonym("p0@x.example")).encode()
    plain = b"GET /o/%b/%b.gif HTTP/1.1\r\n\r\n" % (keys.code.encode(), token)
    expecting = plain[:-2] + b"Expect: 100-continue\r\n\r\n"
    for pieces in ([plain, plain + expecting + plain], [plain + expecting[:-9], expecting[-9:] + plain]):
        fast, other, waitress = (lane.feed(pieces) for lane in lanes)
        assert fast == other == waitress


PLAIN = b"GET /o/aaaaaaaa/" + b"A" * 28 + b".gif HTTP/1.1\r\nHost: x\r\n"


@pytest.mark.parametrize(
    "block",
    [
        PLAIN.replace(b"GET", b"HEAD"),
        PLAIN.replace(b".gif", b".gif?a"),
        PLAIN.replace(b"A" * 28, b"A" * 27),
        PLAIN.replace(b"1.1", b"1.2"),
        PLAIN.replace(b"\r\n", b"\n"),
        *(
            PLAIN + line
            for line in (
                *(
                    b"host: y\r\n",
                    b"X: \xe9\r\n",
                    b"X: a\tb\r\n",
                    b"X : y\r\n",
                    b" y\r\n",
                    b"X_Y: z\r\n",
                    b"X\r\n",
                ),
                *(b"Content-Length: 0\r\n", b"Expect: 100-continue\r\n", b"upgrade: h2c\r\n", b"X: a\rb\r\n"),
                *(b"Transfer-Encoding: chunked\r\n", b"Connection: upgrade\r\n", b"Purpose: preview\r\n"),
            )
        ),
    ],
)
def test_what_is_not_plain_is_left_to_the_other_lane(block: bytes) -> None:
    assert fastlane.parse(PLAIN + b"\r\n")
    assert fastlane.parse(block + b"\r\n") is None


def test_forwarded_headers_are_left_to_the_other_lane_where_a_proxy_is_trusted() -> None:
    block = PLAIN + b"X-Forwarded-For: 1.2.3.4\r\n\r\n"
    assert fastlane.parse(block, fastlane.other_lane(trusted_proxy=False))
    assert fastlane.parse(block, fastlane.other_lane(trusted_proxy=True)) is None
