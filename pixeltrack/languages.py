"""The words of the pages in each language, and which language a reader gets."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter

from pixeltrack.errors import InputError

LANGUAGES = {"en": "English", "fr": "Français", "de": "Deutsch", "it": "Italiano", "es": "Español"}
DEFAULT = "en"
COLUMNS = ("lang", "language")  # of a list, that say which language somebody reads
# How lists name languages beside their codes and their own names.
_CALLED = {"english": "en", "french": "fr", "german": "de", "italian": "it", "spanish": "es"}

Texts = Mapping[str, str]


def read(ours: Path, theirs: Path | None) -> dict[str, Texts]:
    """Return the texts of every language by their keys: a user's own file first, ours for what it lacks.

    Raises InputError for a file that is no TOML, a key that is not known, and a text whose placeholders
    are not those of the English one.
    """
    plain = _file(ours / f"{DEFAULT}.toml")
    found: dict[str, Texts] = {}
    for language in LANGUAGES:
        texts = _checked(ours / f"{language}.toml", plain)
        own = theirs / f"{language}.toml" if theirs else None
        found[language] = texts | (_checked(own, plain) if own and own.is_file() else {})
    return found


def choose(accepted: str, asked: str = "", own: str = "", fallback: str = DEFAULT) -> str:
    """Return the language asked for by name, else one's own, else the best of Accept-Language.

    That is read as RFC 9110 (12.5.4) has it. fallback is for a reader of whom nothing of all that is known.
    """
    if asked in LANGUAGES:
        return asked
    if own in LANGUAGES:
        return own
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accepted[:1_000].split(",")):
        name, _, weight = part.partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        language = name.strip().lower().partition("-")[0]
        if language in LANGUAGES and 0 < quality <= 1:
            ranked.append((-quality, place, language))
    return min(ranked)[2] if ranked else fallback


def of_person(columns: Mapping[str, str]) -> str:
    """Return which of our languages a list says that somebody reads; empty where it says none of them.

    It may be written as a tag ("fr", "fr-CH", "fr_CH") or as a name, in English or in the language itself.
    """
    for column in COLUMNS:
        said = columns.get(column, "").strip().lower()
        code = said.replace("_", "-").partition("-")[0]
        if code in LANGUAGES:
            return code
        named = _CALLED | {name.lower(): code for code, name in LANGUAGES.items()}
        if said in named:
            return named[said]
    return ""


def day(at: int, texts: Texts) -> str:
    """Return the day (UTC) of a time in ms UTC, as it is written in the language of some texts."""
    when = datetime.fromtimestamp(at / 1_000, UTC)
    month = texts["months"].split(",")[when.month - 1].strip()
    return texts["date"].format(day=when.day, month=month, year=when.year)


def iso_day(at: int) -> str:
    """Return the same day for machines."""
    return datetime.fromtimestamp(at / 1_000, UTC).date().isoformat()


def placeholders(text: str) -> set[str]:
    """Return the names in braces; ValueError for braces that do not pair."""
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def _file(path: Path) -> dict[str, str]:
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None
    for key, value in values.items():
        if not isinstance(value, str):
            raise InputError(f"{path}: {key} is {value!r}, expected text in quotes")
    return values


def _checked(path: Path, plain: Texts) -> dict[str, str]:
    texts = _file(path)
    for key, text in texts.items():
        if key not in plain:
            raise InputError(f"{path}: unknown key {key!r}", hint=f"known keys: {', '.join(sorted(plain))}")
        try:
            same = placeholders(text) == placeholders(plain[key])
        except ValueError:
            same = False
        if not same:
            raise InputError(f"{path}: the placeholders of {key} differ", hint=f"in English: {plain[key]}")
    return texts
