"""Recipients, their messages, and what they refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from pixeltrack.flatjson import flat_sorted
from pixeltrack.model import RANK, Message, Owner, Scope
from pixeltrack.refusals import Refusal, remember
from pixeltrack.store.connect import explained
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_OPT_OUT_BUSY_MS = 2_000  # an opt-out is worth waiting for
_SILENCES: dict[Scope, int] = {"tracking": 3, "opens": 1, "clicks": 2}  # bits: 1 opens, 2 clicks
_BOTH = 3
_INDIVIDUAL = RANK["individual"]
_CHUNK = 5_000  # rows a transaction while injecting: the collector never waits long for its turn


def opens_of(message: Message) -> int:
    """Return how a copy's opens are measured, as it is stored."""
    return (_INDIVIDUAL if message.tracked else 0) if message.opens is None else message.opens


def clicks_of(message: Message) -> int:
    """Return how a copy's clicks are measured, as it is stored."""
    return (_INDIVIDUAL if message.tracked else 0) if message.clicks is None else message.clicks


class People(Trail):
    """The part of the store that knows whom mail went to, and who may be measured."""

    def save_messages(
        self,
        campaign_id: int,
        messages: Iterable[Message],
        denied: Iterable[str | tuple[str, int]] = (),
        batch: int = 0,
    ) -> None:
        """Store recipients and their messages; a message that is there already is updated, not moved.

        denied are the identities that the list denies tracking, with the kinds (bits: 1 opens, 2 clicks)
        where it is not both: what they were sent before is silenced too. Whose copy is tracked again is
        heard again in this campaign, unless they stopped it themselves.
        """
        denied_before = self._rows("was_silenced", campaign_id=campaign_id)
        remaining, are_new = iter(messages), True
        while chunk := list(islice(remaining, _CHUNK)):
            with self._transaction() as connection:
                are_new = self._put_messages(campaign_id, chunk, batch, may_be_new=are_new)
                if denied_before:
                    connection.executemany(
                        query("unsilence"),
                        [
                            {
                                **{"campaign_id": campaign_id, "message": each.pseudonym},
                                **{"identity": each.identity, "kinds": kinds},
                            }
                            for each in chunk
                            if (kinds := (opens_of(each) > 0) | (clicks_of(each) > 0) << 1)
                        ],
                    )
        with self._transaction() as connection:
            connection.execute("delete from silenced where kinds = 0")
            connection.execute(query("silence_new_messages"), {"campaign_id": campaign_id})
            refused = (each if isinstance(each, tuple) else (each, _BOTH) for each in denied)
            connection.executemany(
                query("silence_denied"),
                ({"identity": identity, "kinds": kinds} for identity, kinds in refused),
            )

    def _put_messages(
        self, campaign_id: int, chunk: Sequence[Message], batch: int, *, may_be_new: bool
    ) -> bool:
        """Store messages with their recipients, and return whether all of these were new.

        New ones have numbers in a row, so that nobody needs to be looked up for their message.
        """
        connection = self._connection
        people = [(each.identity, flat_sorted(each.fields)) for each in chunk]
        if may_be_new:
            added = connection.executemany(query("put_new_recipient"), people).rowcount
            if added == len(chunk):
                (last,) = connection.execute("select last_insert_rowid()").fetchone()
                connection.executemany(
                    query("put_new_message"),
                    [
                        (
                            *(campaign_id, message.pseudonym, number, message.tracked, message.version),
                            *(batch, opens_of(message), clicks_of(message)),
                        )
                        for number, message in enumerate(chunk, start=last - added + 1)
                    ],
                )
                return True
        connection.executemany(query("put_recipient"), people)
        connection.executemany(
            query("put_message"),
            [
                {
                    **{"campaign_id": campaign_id, "message": each.pseudonym, "tracked": each.tracked},
                    **{"version": each.version, "batch": batch, "identity": each.identity},
                    **{"opens": opens_of(each), "clicks": clicks_of(each)},
                }
                for each in chunk
            ],
        )
        return False

    def message_counts(self, campaign_id: int) -> tuple[int, int]:
        """Return (messages, tracked messages) of a campaign."""
        (row,) = self._rows("message_counts", campaign_id=campaign_id)
        return row["messages"], row["tracked"]

    def opt_outs(self) -> dict[bytes, frozenset[Scope]]:
        """Return the scopes that each person has refused, by keyed hash of the address."""
        self._stay()
        with explained(self.path):
            rows = self._connection.execute("select subject, scope from optouts").fetchall()
        scopes: dict[bytes, frozenset[Scope]] = {}
        for subject, scope in rows:
            scopes[subject] = scopes.get(subject, frozenset()) | {scope}
        return scopes

    def opt_outs_of(self, subject: bytes) -> frozenset[Scope]:
        self._stay()
        with explained(self.path):
            rows = self._connection.execute(
                "select scope from optouts where subject = ?", [subject]
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def owner(self, code: str, message: int) -> Owner | None:
        """Return whom a message went to, or None when it is not known."""
        for row in self._rows("message_owner", code=code, message=message):
            return Owner(row["identity"], bool(row["tracked"]))
        return None

    def fields_of(self, campaign_id: int, message: int) -> dict[str, str]:
        """Return the fields of whom a message went to; none when that is not known."""
        for row in self._rows("fields_of", campaign_id=campaign_id, message=message):
            fields: dict[str, str] = json.loads(row["fields"])
            return fields
        return {}

    def opt_out(self, code: str, message: int, subject: bytes, scope: Scope, at: int) -> None:
        """Store a refusal, durably, before this returns. Saying it twice changes nothing.

        Scopes "tracking", "opens" and "clicks" also silence every message that the person has already
        been sent, in these kinds alone.
        """
        with self._transaction(_OPT_OUT_BUSY_MS) as connection:
            ((campaign_id,),) = connection.execute(
                "select campaign_id from campaigns where code = ?", [code]
            ).fetchall()
            added = connection.execute(
                "insert or ignore into optouts (subject, scope, at, campaign_id, message)"
                " values (?, ?, ?, ?, ?)",
                [subject, scope, at, campaign_id, message],
            ).rowcount
            if kinds := _SILENCES.get(scope):
                told = {"subject": subject, "campaign_id": campaign_id, "message": message, "kinds": kinds}
                connection.execute(query("silence_subject"), told)
            if added:
                remember(self.path, [Refusal(at, "opted out", subject, scope)])
                self.note("opt-out", scope, subject=subject, actor="recipient", at=at)

    def is_silenced(self, campaign_id: int, message: int, kind: int) -> bool:
        """Return whether hits of a kind of a message are not to be measured any more."""
        return bool(self._rows("is_silenced", campaign_id=campaign_id, message=message, kind=kind))

    def opt_out_counts(self, campaign_id: int) -> dict[Scope, int]:
        """Return how many people unsubscribed ("all"), and how many stopped tracking, through a campaign.

        Who stopped it of opens alone, or of clicks, is among the latter ("tracking"), once.
        """
        rows = self._rows("optout_counts", campaign_id=campaign_id)
        return {row["refused"]: row["people"] for row in rows}
