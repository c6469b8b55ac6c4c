"""Times and zones as people write them."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from conftest import START

from pixeltrack.errors import InputError
from pixeltrack.times import Zone, local_zone, read_time, read_zone

WINTER = START + 90 * 86_400_000


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


def said(zone: Zone, at: int) -> str:
    return f"{zone.at(at):%a %H:%M}"


def test_a_zone_has_its_summer_time() -> None:
    berlin = read_zone("Europe/Berlin")
    assert (said(berlin, START), said(berlin, WINTER)) == ("Mon 16:13", "Sun 15:13")


def test_a_day_whose_midnight_comes_twice_begins_at_the_first() -> None:
    havana = read_zone("America/Havana")
    first = read_time("2026-11-01T04:00+00:00", "--since")  # 00:00; an hour later it is 00:00 again
    assert {havana.midnight(first + hour * 3_600_000) for hour in range(25)} == {first}


@pytest.mark.parametrize(
    "name", ["Mars/Olympus", "", "../../etc/passwd", "/etc/localtime", "a\0b", "x" * 300]
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        read_zone(name)
    assert "unknown time zone" in caught.value.message
    assert "Europe/Berlin" in caught.value.hint


@pytest.mark.parametrize(
    ("tz", "name", "shown"),
    [
        ("Asia/Tokyo", "Asia/Tokyo", "Mon 23:13"),
        (":Asia/Tokyo", "Asia/Tokyo", "Mon 23:13"),
        ("XST-3", "XST", "Mon 17:13"),  # rules of its own, which no database names
    ],
)
def test_the_machines_zone_is_called_by_its_name(
    machine: pytest.MonkeyPatch, tz: str, name: str, shown: str
) -> None:
    machine.setenv("TZ", tz)
    time.tzset()
    assert local_zone().name == name
    assert said(local_zone(), START) == shown
