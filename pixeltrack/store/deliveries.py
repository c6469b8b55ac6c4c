"""What mail systems reported of messages, and the refusals that follow from it."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from pixeltrack.errors import StoreError
from pixeltrack.reached import Sort
from pixeltrack.refusals import Refusal, remember
from pixeltrack.store.connect import explained
from pixeltrack.store.hits import Place
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000
_BRIEFLY_MS = 250  # that a report waits for another writer
_CHUNK = 5_000  # rows in one transaction
#: Milliseconds since 1970 below which a fact's time is no time any more, but its place in an order.
PLACES = 1_000_000


class Delivery(NamedTuple):
    """One reported fact. ``message`` 0 stands for one that nobody knows; ``at`` is ms UTC."""

    event_id: bytes
    campaign_id: int
    message: int
    kind: str
    bounce: str
    at: int
    source: str


class Refused(NamedTuple):
    """Somebody who wants no mail any more, by keyed hash; since when (ms UTC), and how that is known."""

    subject: bytes
    at: int
    why: str


class Put(NamedTuple):
    """What was new: facts by their event id, and people who refuse."""

    added: set[bytes]
    refused: set[bytes]


class Deliveries(Trail):
    """The part of the store that knows what became of messages."""

    def put_deliveries(self, facts: Sequence[Delivery], refused: Sequence[Refused]) -> Put:
        """Store what is new of some facts and refusals in one transaction, with its rows in the trail.

        A refusal is of all mail (scope "all"), is remembered in the file beside the database before it is in
        the database, and is never taken back.
        """
        with self._transaction(_BUSY_MS) as connection:
            found = self._new(facts, refused)
            connection.executemany(
                "insert or ignore into deliveries"
                " (event_id, campaign_id, message, kind, bounce, at, source) values (?, ?, ?, ?, ?, ?, ?)",
                sorted(each for each in facts if each.event_id in found.added),  # as the table has them
            )
            since: dict[bytes, Refused] = {}
            for each in sorted(refused, key=lambda each: -each.at):
                since[each.subject] = each
            new = [since[subject] for subject in since if subject in found.refused]
            remember(self.path, [Refusal(each.at, "opted out", each.subject, "all") for each in new])
            connection.executemany(
                "insert into optouts (subject, scope, at, campaign_id, message) values (?, 'all', ?, 0, 0)"
                # reports come in any order: the earliest that was told is when it was refused
                " on conflict (subject, scope) do update set at = min(at, excluded.at)"
                " where campaign_id = 0 and message = 0",
                [(each.subject, each.at) for each in since.values()],
            )
            for each in new:
                self.note("opt-out", "all", subject=each.subject, counts={each.why: 1})
            if found.added:
                kinds = Counter(each.kind for each in facts if each.event_id in found.added)
                sources = " ".join(sorted({each.source for each in facts if each.event_id in found.added}))
                self.note("events import", sources, counts={**kinds, "facts": len(found.added)})
        return found

    def new_deliveries(self, facts: Sequence[Delivery], refused: Sequence[Refused]) -> Put:
        """Return what would be new of some facts and refusals; nothing is stored."""
        self._stay()
        with explained(self.path):
            return self._new(facts, refused)

    def _new(self, facts: Sequence[Delivery], refused: Sequence[Refused]) -> Put:
        found = Put(set(), set())
        for event_id in {each.event_id for each in facts}:
            select = "select 1 from deliveries where event_id = ?"
            if self._connection.execute(select, [event_id]).fetchone() is None:
                found.added.add(event_id)
        for subject in {each.subject for each in refused}:
            select = "select 1 from optouts where subject = ? and scope = 'all'"
            if self._connection.execute(select, [subject]).fetchone() is None:
                found.refused.add(subject)
        return found

    def messages_to(self, campaign_id: int, identities: Collection[str]) -> dict[str, int]:
        """Return the messages that a campaign has for some addresses; those without one are left out."""
        asked = {"campaign_id": campaign_id, "identities": json.dumps([*identities])}
        return dict(self._plain(query("messages_to"), asked))

    def message_of_subject(self, campaign_id: int, subject: bytes) -> int | None:
        """Return the message that a campaign has for a person by keyed hash; None where it has none."""
        rows = self._plain(
            "select message from recipients join messages using (recipient_id)"
            " where subject = ? and campaign_id = ?",
            [subject, campaign_id],
        )
        return int(rows[0][0]) if rows else None

    def recipient_of(self, campaign_id: int, message: int) -> str | None:
        """Return whom a message went to, None where that is not known."""
        rows = self._plain(
            "select identity from messages join recipients using (recipient_id)"
            " where campaign_id = ? and message = ?",
            [campaign_id, message],
        )
        return str(rows[0][0]) if rows else None

    def is_erased(self, subject: bytes) -> bool:
        """Return whether a person was erased."""
        return bool(self._plain("select 1 from trail where subject = ? and action = 'forget'", [subject]))

    def has_deliveries(self, campaign_id: int) -> bool:
        """Return whether anything was reported of a campaign's messages."""
        return bool(
            self._plain(
                "select 1 where exists (select 1 from deliveries where campaign_id = ?1)"
                " or exists (select 1 from kept_deliveries where campaign_id = ?1)",
                [campaign_id],
            )
        )

    def outcomes(self, campaign_id: int) -> list[Sort]:
        """Return what became of a campaign's messages, those too of people who were erased.

        They are counted once, until something changes.
        """
        rows = self._plain("select outcomes from audiences where campaign_id = ?", [campaign_id])
        if rows and rows[0][0] and rows[0][0].startswith("["):
            return [Sort(*row) for row in json.loads(rows[0][0])]
        claim = secrets.token_hex()
        if rows:
            self._keep_outcomes(campaign_id, claim, "update audiences set outcomes = ? where campaign_id = ?")
        found = self._plain(query("outcomes"), {"campaign_id": campaign_id})
        if rows:  # unless something has changed meanwhile, or somebody else is counting
            update = "update audiences set outcomes = ? where campaign_id = ? and outcomes = ?"
            self._keep_outcomes(campaign_id, json.dumps(found), update, claim)
        return [Sort(*row) for row in found]

    def _keep_outcomes(self, campaign_id: int, value: str, update: str, *more: str) -> None:
        """Note it for the next report; where another program writes for longer, that counts again."""
        with suppress(StoreError), self._transaction(_BRIEFLY_MS) as connection:
            connection.execute(update, [value, campaign_id, *more])

    def messages_with(self, campaign_id: int, outcomes: Iterable[str]) -> set[int]:
        """Return the messages of a campaign that have one of some outcomes."""
        rows = self._plain(
            "select message from outcomes where campaign_id = ?"
            " and outcome in (select value from json_each(?))",
            [campaign_id, json.dumps([*outcomes])],
        )
        return {message for (message,) in rows}

    def unsubscribed_both_ways(self, campaign_id: int) -> int:
        """Return how many people's unsubscribing was reported who did it through our own link, too."""
        ((people,),) = self._plain(query("unsubscribed_both_ways"), {"campaign_id": campaign_id})
        return int(people)

    def deliveries_of(self, place: Place) -> list[tuple[str, str, int | None, str]]:
        """Return what was reported of a message in order: kind, bounce, ms UTC (None: forgotten), source."""
        rows = self._plain(
            "select kind, bounce, at, source from deliveries where campaign_id = ? and message = ?"
            " order by at, kind, bounce",
            place,
        )
        return [(kind, bounce, at if at >= PLACES else None, source) for kind, bounce, at, source in rows]

    def hard_bounced(self) -> set[str]:
        """Return the addresses of which a message bounced for good, and none was delivered later."""
        return {identity for (identity,) in self._plain(query("hard_bounced"))}

    def purge_deliveries(self, before: int, *, dry: bool = False) -> int:
        """Forget the times of facts from before a time (ms UTC): their order stays, so figures do.

        Returns how many there are.
        """
        old = self._plain(query("old_deliveries"), {"before": before, "places": PLACES})
        if not dry:
            for start in range(0, len(old), _CHUNK):
                with self._transaction(_BUSY_MS) as connection:
                    connection.executemany(
                        "update deliveries set at = ? where event_id = ?", old[start : start + _CHUNK]
                    )
        return len(old)
