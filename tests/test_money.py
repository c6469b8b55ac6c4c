"""Amounts of money: exact both ways, and errors that name what was given."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack import money
from pixeltrack.errors import InputError

amounts = st.integers(-money.MOST, money.MOST)
currencies = st.sampled_from(sorted(money.DECIMALS))


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("49.90", 499_000),
        ("49.9", 499_000),
        (" 0 ", 0),
        ("-12.5", -125_000),
        ("+1", 10_000),
        ("0.0001", 1),
        ("1.50000000", 15_000),
        ("100000000000", money.MOST),
        ("0.1", 1_000),  # 0.1 is no binary fraction
    ],
)
def test_decimal_text_is_read_exactly(text: str, amount: int) -> None:
    assert money.read_amount(text) == amount


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", "49,90", "1,249.90", "1 249", "1e3", ".5", "5.", "0x10", "NaN", "inf", "1_000", "--1"),
        *("٤٩", "49.90 EUR", "0.00001", "100000000000.0001", "9" * 400, "1\n2", "½"),
    ],
)
def test_what_is_no_amount_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError) as caught:
        money.read_amount(text, "--value")
    assert "--value" in caught.value.message
    assert repr(text[:40]) in caught.value.message


@given(amounts, currencies)
def test_what_is_printed_is_read_again(amount: int, currency: str) -> None:
    assert money.read_amount(money.plain(amount, currency)) == amount
    said = money.say(amount, currency)
    assert money.read_money(said.replace(",", ""), "it") == (amount, currency)


@given(amounts)
def test_text_means_what_decimal_arithmetic_says(amount: int) -> None:
    assert Decimal(money.plain(amount)) * money.UNIT == amount


@given(st.text(max_size=30))
def test_any_text_is_an_amount_or_an_error(text: str) -> None:
    try:
        amount = money.read_amount(text)
    except InputError as error:
        assert repr(text[:40]) in error.message
    else:
        assert Decimal(text.strip()) * money.UNIT == amount


@pytest.mark.parametrize(
    ("amount", "currency", "said"),
    [
        (499_000, "EUR", "49.90 EUR"),
        (12_499_000, "EUR", "1,249.90 EUR"),
        (-5_000, "EUR", "-0.50 EUR"),
        (166_333, "EUR", "16.6333 EUR"),  # a part of a cent is not hidden
        (5_000_000, "JPY", "500 JPY"),
        (12_340, "KWD", "1.234 KWD"),
        (12_000, "", "1.20"),
        (None, "EUR", "–"),
    ],
)
def test_amounts_are_said_as_their_currency_is_written(amount: int | None, currency: str, said: str) -> None:
    assert money.say(amount, currency) == said


@pytest.mark.parametrize("text", ["400 EUR", "EUR 400", "400EUR", "eur 400.00", " 400  eur "])
def test_money_has_its_currency_on_either_side(text: str) -> None:
    assert money.read_money(text, "--cost") == (4_000_000, "EUR")


@pytest.mark.parametrize("text", ["400", "EUR", "EUR 400 EUR", "400 EURO", "400 XYZ", "4 EUR 5", "€400", ""])
def test_money_without_one_currency_is_refused_by_name(text: str) -> None:
    with pytest.raises(InputError, match="--cost|no currency"):
        money.read_money(text, "--cost")


@given(amounts, st.integers(-10_000, 10_000), st.integers(0, 10_000))
def test_a_quotient_is_the_nearest_whole_one(amount: int, by: int, of: int) -> None:
    found = money.divided(amount, by, of)
    if by == 0:
        assert found is None
    else:
        assert found is not None
        assert abs(Fraction(amount * of, by) - found) <= Fraction(1, 2)


@given(currencies)
def test_a_step_is_the_last_decimal_of_its_currency(currency: str) -> None:
    said = money.plain(money.step(currency), currency)
    assert said == (f"0.{'1':0>{money.DECIMALS[currency]}}" if money.DECIMALS[currency] else "1")
