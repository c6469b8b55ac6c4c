"""What an export reads: hits in order of arrival with their verdicts, and whose messages are."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pixeltrack.judging import Fact
from pixeltrack.model import Scope
from pixeltrack.store.hits import Hits
from pixeltrack.store.schema import query

_WINDOW = 20_000  # hits that are read at a time
_PAGE = 5_000  # messages
_FIRST = -(1 << 63)  # the lowest number that a message can have


class Arrived(NamedTuple):
    """A hit, its campaign, and the number of its verdict, 0 where there is none."""

    campaign_id: int
    fact: Fact
    judgement: int


class Holder(NamedTuple):
    """Whom a message went to, and whether that copy was tracked and may be measured still."""

    identity: str
    tracked: bool
    silenced: bool
    opens: int = 5  # modes, as in ``model.MODES``
    clicks: int = 5


class Exports(Hits):
    """The part of the store that gives all of it away, a stretch at a time."""

    def in_order(
        self, campaign_id: int | None, since: int, until: int, upto: int, after: int = 0
    ) -> Iterator[tuple[int, list[Arrived]]]:
        """Yield the hits behind one number up to another, as they came in, and how far each stretch reaches.

        ``campaign_id`` None stands for all campaigns; ``since`` and ``until`` are ms UTC, the end left out.
        """
        asked = {"campaign_id": campaign_id, "since": since, "until": until}
        for behind in range(after, upto, _WINDOW):
            reached = min(behind + _WINDOW, upto)
            rows = self._plain(query("judged_between"), asked | {"after": behind, "upto": reached})
            found = self._facts(rows)
            judged = self._numbers([fact.event_id for _campaign, fact in found], {})
            yield (
                reached,
                [
                    Arrived(campaign, fact, number)
                    for (campaign, fact), number in zip(found, judged, strict=True)
                ],
            )

    def holders(self, campaign_id: int, messages: Iterable[int]) -> dict[int, Holder]:
        """Return whom some of a campaign's messages went to; those that nobody knows are left out."""
        asked = {"campaign_id": campaign_id, "messages": json.dumps([*messages])}
        return {
            message: Holder(identity, bool(tracked), bool(silenced), opens, clicks)
            for message, identity, tracked, silenced, opens, clicks in self._plain(query("holders_of"), asked)
        }

    def message_pages(self, campaign_id: int) -> Iterator[list[int]]:
        """Yield a campaign's messages in order of their numbers, some at a time."""
        after: int | None = _FIRST
        while after is not None:
            asked = {"campaign_id": campaign_id, "after": after, "most": _PAGE}
            page = [message for (message,) in self._plain(query("messages_behind"), asked)]
            yield page
            after = page[-1] if len(page) == _PAGE else None

    def unsubscribed(self, campaign_id: int) -> set[int]:
        """Return the messages of a campaign whose people have unsubscribed, by any campaign's mail."""
        return {message for (message,) in self._plain(query("unsubscribed"), {"campaign_id": campaign_id})}

    def refusals(self, campaign_id: int) -> dict[int, frozenset[Scope]]:
        """Return what people refused through a campaign's mail, by message."""
        found: defaultdict[int, set[Scope]] = defaultdict(set)
        for message, scope in self._plain(query("optouts_by_message"), {"campaign_id": campaign_id}):
            found[message].add(scope)
        return {message: frozenset(scopes) for message, scopes in found.items()}
