"""Whether an impact assessment (GDPR article 35) is called for: nine criteria, answered from the settings.

The criteria are those of the Article 29 Working Party's guidelines WP248 rev.01 (4 October 2017), part
III.B.a, which the EDPB has endorsed. Two that are met mean, as a rule, that it is; the words are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pixeltrack.config import Settings
from pixeltrack.disclosure import Disclosure, disclose

Answer = Literal["yes", "no", "open"]
NAMES = (
    *("scoring", "decisions", "monitoring", "sensitive", "scale"),
    *("matching", "vulnerable", "innovative", "exclusion"),
)
ENOUGH = 2  # criteria that are met


class Criterion(NamedTuple):
    """One criterion; ``why`` has the facts, and for an open one what has to be asked."""

    number: int  # as WP248 counts them
    name: str
    says: str
    answer: Answer
    why: str


class Screening(NamedTuple):
    """All criteria, and what follows."""

    criteria: tuple[Criterion, ...]

    @property
    def met(self) -> int:
        return sum(each.answer == "yes" for each in self.criteria)

    @property
    def open(self) -> int:
        return sum(each.answer == "open" for each in self.criteria)

    @property
    def verdict(self) -> Literal["needed", "open", "not needed"]:
        """Whether an assessment is needed as a rule; open while answers that are missing decide."""
        if self.met >= ENOUGH:
            return "needed"
        return "open" if self.met + self.open >= ENOUGH else "not needed"


def screen(
    settings: Settings, given: Mapping[str, Answer], people: int | None = None, mailings: int | None = None
) -> Screening:
    """Return the screening. given are answers by the criteria's names, which win over what settings say.

    people and mailings are how many the database has, None where there is none.
    """
    facts = disclose(settings)
    found = zip(NAMES, _criteria(settings, facts, people, mailings), strict=True)
    return Screening(
        tuple(
            Criterion(number, name, says, given[name], f"your answer; {why}")
            if name in given
            else Criterion(number, name, says, answer, why)
            for number, (name, (says, answer, why)) in enumerate(found, start=1)
        )
    )


def _criteria(
    settings: Settings, facts: Disclosure, people: int | None, mailings: int | None
) -> Iterator[tuple[str, Answer, str]]:
    single = "individual" in facts.modes
    behaviour = "what single people open and click may be recorded and listed (consent.opens, consent.clicks)"
    together = "people are only counted together, or not at all"
    yield (
        "people are evaluated or scored",
        "yes" if single else "open" if facts.by_row else "no",
        behaviour
        if single
        else "do you use the day of the last open, or opens and clicks under a number, to rate people?"
        if facts.by_row
        else together,
    )
    yield (
        "decisions with legal or similar effect are made automatically",
        "open",
        "pixeltrack makes none. Do you make any by what people open or click, such as prices or credit?",
    )
    yield (
        "people are observed systematically",
        "yes" if facts.by_hit else "no",
        "each open and click may be recorded, over many mailings; an open without the reader's doing"
        if facts.by_hit
        else "of people at most the day of the last open is kept"
        if facts.by_row
        else together,
    )
    yield (
        "data are sensitive or very personal",
        "open",
        "does a mailing, a link or a column of your list tell of health, beliefs, politics or money?",
    )
    known = (
        "" if people is None else f"the database has {people:,} recipients and {mailings or 0:,} mailings; "
    )
    yield (
        "data are processed on a large scale",
        "open",
        f"{known}is that many, for long, or over a wide area?",
    )
    more = f"a country is looked up for each hit ({settings.country_db}); " if facts.country else ""
    yield (
        "data sets are matched or combined",
        "open",
        f"{more}do you join opens and clicks, or what export writes, with purchases, visits or bought data?",
    )
    yield (
        "people are vulnerable",
        "open",
        "are there children, patients, employees or others on your lists who can hardly say no?",
    )
    yield "technology is used in a new way", "no", "pictures and redirecting links are as old as HTML mail"
    yield (
        "people are kept from a right, a service or a contract",
        "no",
        "whoever refuses gets the same mail, and nothing else depends on it",
    )
