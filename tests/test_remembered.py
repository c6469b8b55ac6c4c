"""Answers that are remembered: each key is asked for once while it is fresh, and the memory has a bound."""

from __future__ import annotations

import pytest

from pixeltrack.remembered import Remembered


def test_a_key_is_asked_for_once() -> None:
    asked: list[int] = []
    remembered = Remembered(lambda key: asked.append(key) or key * 2, 10)  # type: ignore[func-returns-value]
    assert [remembered[key] for key in (1, 2, 1, 2)] == [2, 4, 2, 4]
    assert asked == [1, 2]


def test_what_comes_again_and_again_stays_and_the_rest_is_forgotten() -> None:
    asked: list[int] = []
    remembered = Remembered(lambda key: asked.append(key) or key, 8)  # type: ignore[func-returns-value]
    for key in range(100):
        assert remembered[-1] == -1
        assert remembered[key] == key
        assert len(remembered) <= 8
    assert asked.count(-1) == 1
    assert remembered[0] == 0
    assert asked.count(0) == 2


def test_what_it_raises_is_asked_for_again() -> None:
    remembered = Remembered(int, 8)
    for _ in range(2):
        with pytest.raises(ValueError, match="invalid literal"):
            remembered["x"]
    assert remembered["7"] == 7
