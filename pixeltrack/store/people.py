"""Recipients, their messages, and what they refused."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import islice

from pixeltrack.flatjson import flat_sorted
from pixeltrack.model import Message, Owner, Scope
from pixeltrack.refusals import Refusal, remember
from pixeltrack.store.connect import explained
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_OPT_OUT_BUSY_MS = 2_000  # an opt-out is worth waiting for
_CHUNK = 5_000  # rows a transaction while injecting: the collector never waits long for its turn


class People(Trail):
    """The part of the store that knows whom mail went to, and who may be measured."""

    def save_messages(
        self, campaign_id: int, messages: Iterable[Message], denied: Iterable[str] = (), batch: int = 0
    ) -> None:
        """Store recipients and their messages; a message that is there already is updated, not moved.

        denied are the identities that the list denies tracking: what they were sent before is
        silenced too. Whose copy is tracked again is heard again in this campaign, unless they
        stopped it themselves.
        """
        denied_before = self._rows("was_silenced", campaign_id=campaign_id)
        remaining, are_new = iter(messages), True
        while chunk := list(islice(remaining, _CHUNK)):
            with self._transaction() as connection:
                are_new = self._put_messages(campaign_id, chunk, batch, may_be_new=are_new)
                if denied_before:
                    connection.executemany(
                        query("unsilence"), [(campaign_id, each.pseudonym) for each in chunk if each.tracked]
                    )
        with self._transaction() as connection:
            connection.execute(query("silence_new_messages"), {"campaign_id": campaign_id})
            connection.executemany(query("silence_denied"), ({"identity": each} for each in denied))

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
                        (campaign_id, message.pseudonym, number, message.tracked, message.version, batch)
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

        Scope "tracking" also silences every message that the person has already been sent.
        """
        with self._transaction(_OPT_OUT_BUSY_MS) as connection:
            (owner,) = self._rows("message_owner", code=code, message=message)
            added = connection.execute(
                "insert or ignore into optouts (subject, scope, at, campaign_id, message)"
                " values (?, ?, ?, ?, ?)",
                [subject, scope, at, owner["campaign_id"], message],
            ).rowcount
            if scope == "tracking":
                connection.execute(query("silence_recipient"), {"recipient_id": owner["recipient_id"]})
            if added:
                remember(self.path, [Refusal(at, "opted out", subject, scope)])
                self.note("opt-out", scope, subject=subject, actor="recipient", at=at)

    def opt_out_counts(self, campaign_id: int) -> dict[Scope, int]:
        """Return how many people opted out through a campaign, by scope."""
        rows = self._rows("optout_counts", campaign_id=campaign_id)
        return {row["scope"]: row["people"] for row in rows}
