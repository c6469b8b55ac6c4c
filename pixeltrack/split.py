"""Which recipient gets which version of a mail: at random, in exact shares, and the same in every run.

The draw is the recipient's pseudonym, a keyed hash of campaign and address: nobody can steer it, it is
another one in each campaign, and it needs no record. Those drawn are put in its order and cut at the
shares, so that each version has its share to within one message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import NamedTuple

from pixeltrack.errors import InputError
from pixeltrack.model import VERSION_NAME

MOST = 26  # versions of a mail
KEPT_BACK = 255  # a place that stands for "later": no version

_SHARE = re.compile(r"\d{1,3}(?:\.\d{1,6})?|\.\d{1,6}", re.ASCII)


class VersionFile(NamedTuple):
    """A version as it is given: ``A=a.html``."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Split:
    """How many of a hundred recipients get each version; what is left to 100 is kept for later."""

    shares: tuple[Fraction, ...]

    @property
    def rest(self) -> Fraction:
        return 100 - sum(self.shares, Fraction(0))


def parse_versions(given: Sequence[str]) -> tuple[VersionFile, ...]:
    """Read ``A=a.html`` and so on; raise InputError for what is none, and for names that are there twice."""
    found: list[VersionFile] = []
    for each in given:
        name, equals, path = each.partition("=")
        if not equals or not path:
            raise InputError(
                f"{each!r} is no version of the mail", hint="give its name and its file: --version A=a.html"
            )
        if not VERSION_NAME.fullmatch(name):
            raise InputError(
                f"version name {name!r} is not usable",
                hint="1 to 32 letters, digits, - and _ of ASCII, such as A or short-subject",
            )
        if path == "-":
            raise InputError(f"version {name} is a file, not standard input")
        for earlier in found:
            if earlier.name.lower() == name.lower():
                raise InputError(
                    f"version {name} is there twice: {earlier.path} and {path}",
                    hint="give each version a name of its own",
                )
        found.append(VersionFile(name, path))
    if len(found) > MOST:
        raise InputError(f"{len(found)} versions are too many", hint=f"give at most {MOST}")
    return tuple(found)


def parse_split(given: str | None, versions: Sequence[VersionFile]) -> Split:
    """Read ``50/50`` or ``10/10/rest``; without it, all versions have the same share.

    Raises InputError for another number of shares than of versions, and for a sum that is not 100.
    """
    if given is None:
        return Split((Fraction(100, len(versions)),) * len(versions))
    parts = [part.strip().removesuffix("%").strip() for part in given.split("/")]
    keeps_back = len(parts) > 1 and parts[-1].lower() == "rest"
    if keeps_back:
        parts.pop()
    if len(parts) != len(versions):
        names = ", ".join(version.name for version in versions)
        raise InputError(
            f"--split {given!r} has {len(parts)} {_plural('share', len(parts))} for {len(versions)}"
            f" {_plural('version', len(versions))} ({names})",
            hint=f"for instance --split {_even(len(versions))}",
        )
    shares = []
    for part in parts:
        if not _SHARE.fullmatch(part) or not Fraction(part):
            raise InputError(
                f"--split {given!r}: {part!r} is no share",
                hint="give whole or decimal numbers above 0, such as 20/20/60",
            )
        shares.append(Fraction(part))
    total = sum(shares)
    if keeps_back and total >= 100:
        raise InputError(
            f"--split {given!r} leaves nothing for the rest: its shares add up to {_number(total)}",
            hint="leave /rest out, or give smaller shares",
        )
    if not keeps_back and total != 100:
        more = "; or 10/10/rest keeps the others for later" if total < 100 else ""
        raise InputError(
            f"--split {given!r} adds up to {_number(total)}, not to 100",
            hint=f"give shares of a hundred, for instance {_even(len(versions))}{more}",
        )
    return Split(tuple(shares))


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def _number(value: Fraction | int) -> str:
    return f"{float(value):.6f}".rstrip("0").rstrip(".")


def _even(versions: int) -> str:
    each, more = divmod(100, versions)
    return "/".join(str(each + (place < more)) for place in range(versions))


def draw(pseudonyms: Sequence[int], split: Split) -> bytes:
    """Return each person's place among the versions, a byte each; beyond the shares it is KEPT_BACK."""
    order = sorted(range(len(pseudonyms)), key=pseudonyms.__getitem__)
    places = bytearray([KEPT_BACK]) * len(pseudonyms)
    begin = 0
    for place, share in enumerate(accumulate(split.shares)):
        end = int(share * len(pseudonyms) / 100 + Fraction(1, 2))
        for person in order[begin:end]:
            places[person] = place
        begin = end
    return bytes(places)
