"""Amounts of money: whole numbers of ten-thousandths of a currency's unit, read from decimal text, exactly.

49.90 EUR is 499,000. Nothing is ever a float, and amounts of two currencies are never added. Codes and the
decimals that each currency is written with are those of ISO 4217 (list one, of January 2026, without funds,
metals and test codes).
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pixeltrack.errors import InputError

UNIT = 10_000  # of an amount: one unit of its currency
_PLACES = 4
#: The largest amount that one order or cost may have, either way: below it every program reads it exactly
#: (2 to the power of 53), and a million million of them fit into a database's number.
MOST = 100_000_000_000 * UNIT

_TWO = """
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE
CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD
HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK
MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD
RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH
USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG BGN ANG CUC HRK
"""
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_FOUR = "CLF UYW"
#: How many decimals a currency is written with, by its code. Some that have just gone are still in orders.
DECIMALS = {
    code: places
    for places, codes in ((2, _TWO), (0, _NONE), (3, _THREE), (4, _FOUR))
    for code in codes.split()
}

_AMOUNT = re.compile(r"(?P<sign>[+-]?)(?P<whole>[0-9]{1,15})(?:\.(?P<part>[0-9]{1,12}))?", re.ASCII)
_CODE = re.compile(r"[A-Za-z]{3}", re.ASCII)
_WITH_CODE = re.compile(r"(?P<before>[A-Za-z]*)\s*(?P<amount>[^A-Za-z]*?)\s*(?P<behind>[A-Za-z]*)", re.ASCII)


class Money(NamedTuple):
    """An amount (ten-thousandths of a unit) and the code of its currency."""

    amount: int
    currency: str


def read_amount(text: str, what: str = "the value") -> int:
    """Return decimal text such as "49.90" or "-5" as ten-thousandths; ``what`` names it in an error.

    Raises InputError, with the text, for what is no such number, has more than four decimals that count, or
    is larger than ``MOST``. A comma is refused, as it means thousands to some and a decimal point to others.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        hint = "write it with a point, and without thousands: 1249.90"
        raise InputError(f"{what} {text[:40]!r} is no amount", hint=hint)
    part = (found["part"] or "").rstrip("0")
    if len(part) > _PLACES:
        raise InputError(f"{what} {text[:40]!r} has more than {_PLACES} decimals")
    amount = int(found["whole"]) * UNIT + int(part.ljust(_PLACES, "0"))
    if amount > MOST:
        raise InputError(f"{what} {text[:40]!r} is too large", hint=f"at most {MOST // UNIT:,}")
    return -amount if found["sign"] == "-" else amount


def read_currency(text: str, what: str = "the currency") -> str:
    """Return a currency's code in capital letters; raise InputError, with the text, for one nobody has."""
    code = text.strip().upper()
    if not _CODE.fullmatch(code) or code not in DECIMALS:
        raise InputError(
            f"{what} {text[:40]!r} is no currency", hint="give its three letters in ISO 4217, such as EUR"
        )
    return code


def read_money(text: str, what: str) -> Money:
    """Return "400 EUR", "EUR 400" or "400EUR" as money; raise InputError, with the text, for others."""
    found = _WITH_CODE.fullmatch(text.strip())
    if found is None or bool(found["before"]) == bool(found["behind"]):
        raise InputError(
            f"{what} {text[:40]!r} is no amount of money", hint='write it with its currency: "400 EUR"'
        )
    return Money(read_amount(found["amount"], what), read_currency(found["before"] or found["behind"], what))


def step(currency: str) -> int:
    """Return the smallest amount that a currency is written with: 100 for a cent, 10,000 for a yen."""
    return int(10 ** (_PLACES - DECIMALS.get(currency, 2)))


def plain(amount: int, currency: str = "") -> str:
    """Return an amount as decimal text for programs: "1249.90". It is exact, and ``read_amount`` reads it."""
    return _text(amount, currency, "")


def say(amount: int | None, currency: str) -> str:
    """Return an amount as people read it: "1,249.90 EUR"; None, which is undefined, is a dash."""
    return "–" if amount is None else f"{_text(amount, currency, ',')} {currency}".rstrip()


def _text(amount: int, currency: str, thousands: str) -> str:
    """Return all decimals that count, and at least as many as the currency is written with."""
    whole, part = divmod(abs(amount), UNIT)
    least = DECIMALS.get(currency, 2)
    decimals = f"{part:0{_PLACES}}".rstrip("0").ljust(least, "0")
    said = f"{whole:{thousands}}" + (f".{decimals}" if decimals else "")
    return f"-{said}" if amount < 0 else said


def divided(amount: int, by: int, of: int = 1) -> int | None:
    """Return amount × of ÷ by, to the nearest ten-thousandth (halves to even); None where by is 0."""
    if by == 0:
        return None
    top, bottom = amount * of, by
    if bottom < 0:
        top, bottom = -top, -bottom
    whole, rest = divmod(top, bottom)
    return whole + (2 * rest > bottom or (2 * rest == bottom and whole % 2 == 1))
