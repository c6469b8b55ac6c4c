"""What the page of one person has to know of them, by the keyed hash of their address."""

from __future__ import annotations

import json

from pixeltrack.model import RANK
from pixeltrack.standing import Refused, Sent
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query


class Askers(Database):
    """The part of the store that answers who comes to their own page."""

    def sent_to(self, subject: bytes) -> list[Sent]:
        """Return the copies that somebody got and that a row is kept of."""
        rows = self._plain(query("sent_to"), {"subject": subject})
        return [Sent(*row) for row in rows]

    def counted_in(self, campaign_id: int) -> Sent:
        """Return what a copy of a campaign that keeps no rows tells at most of whoever got it."""
        ((opens, clicks),) = self._plain(
            "select max(opens), max(clicks) from crowds where campaign_id = ?", [campaign_id]
        )
        if opens is None:
            ((opens, clicks),) = self._plain(
                "select min(opens, ?1), min(clicks, ?1) from campaigns where campaign_id = ?2",
                [RANK["company"], campaign_id],
            )
        return Sent(campaign_id, 0, opens, clicks)

    def refused_by(self, subject: bytes) -> list[Refused]:
        """Return what somebody has refused on their own pages, and when."""
        rows = self._plain("select scope, at from optouts where subject = ? order by at", [subject])
        return [Refused(*row) for row in rows]

    def columns_of(self, subject: bytes) -> dict[str, str]:
        """Return what the list said of somebody, by its columns; nothing where no row is kept of them."""
        rows = self._plain("select fields from recipients where subject = ?", [subject])
        columns: dict[str, str] = json.loads(rows[0][0]) if rows else {}
        return columns

    def identity_of(self, subject: bytes) -> str | None:
        """Return the normalised address of somebody; None where no row is kept of them."""
        rows = self._plain(
            "select identity from recipients"
            " where subject = ?1 or (subject is null and subject_of(identity) = ?1)",
            [subject],
        )
        return str(rows[0][0]) if rows else None
