"""What goes into a judgement and what comes out. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Label = Literal["human", "prefetch", "scanner", "unknown", "test"]
LABELS: tuple[Label, ...] = ("human", "unknown", "prefetch", "scanner", "test")


class Fact(NamedTuple):
    """One hit, with all that judging looks at. ``at`` is milliseconds UTC, ``agent`` a reduced agent.

    ``network`` is a label of the network lists, with or without the list's date behind a slash, and the
    country before a colon, which says nothing here;
    ``address`` tells apart the clients of one day, 0 when it is not known. ``kind`` and ``flags`` are
    those of ``model.EventKind`` and ``model.Flag``.
    """

    event_id: int
    message: int
    at: int
    kind: int
    link: int
    agent: str
    flags: int
    network: str
    address: int


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of the mail: when its sending began (ms UTC), and its links.

    Without ``sent`` every rule on times after sending stays silent, and the verdicts say so.
    ``links`` are those that people can follow, ``honeypots`` those that they cannot see. Where the mail
    has versions, ``mails`` are the links of each: nobody gets more than one.
    """

    sent: int | None = None
    links: frozenset[int] = field(default_factory=frozenset)
    honeypots: frozenset[int] = field(default_factory=frozenset)
    mails: tuple[frozenset[int], ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a hit is taken for, and why.

    human      a person, as far as can be seen
    prefetch   fetched ahead for a person who may never look
    scanner    a program without a reader
    unknown    signs of a program, not enough to say so
    test       a message made for looking at: never counted

    ``score`` are the points; 0 where one rule decided alone. ``reasons`` are short codes, the deciding
    one first.
    """

    label: Label
    score: int
    reasons: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The code of the rule that decided."""
        return self.reasons[0]
