"""Saved audiences, and what working them out reads: people by their numbers, a byte each."""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Collection, Iterator
from typing import Any

from pixeltrack.errors import InputError
from pixeltrack.ledger import BY_SIGNAL
from pixeltrack.marks import Marks
from pixeltrack.model import ClientClass
from pixeltrack.store.connect import explained
from pixeltrack.store.hits import CHUNK, Place
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000  # as of ``Trail``
#: What ``retargeting`` tells of a person; 0: never asked.
GRANTED, SIGNAL, DENIED, WITHDRAWN = 1, 2, 3, 4
#: What ``opted_out`` tells of a person.
OPTED_OUT, UNSUBSCRIBED = 5, 6
_DECISIONS = {"granted": GRANTED, "denied": DENIED, "withdrawn": WITHDRAWN}
_RANK = {GRANTED: 0, SIGNAL: 1, DENIED: 1, WITHDRAWN: 2}  # as of ``ledger``, of decisions at one moment


class Segments(Trail):
    """The part of the store that keeps audiences. Times are ms UTC."""

    def segments(self) -> dict[str, tuple[str, int]]:
        """Return all audiences by name: their conditions as JSON, and when they were made."""
        rows = self._plain("select name, conditions, created from segments order by name")
        return {name: (conditions, created) for name, conditions, created in rows}

    def add_segment(self, name: str, conditions: str, now: int, needs: Collection[str] = ()) -> None:
        """Keep an audience; raise InputError where there is one of that name, or not one that it needs.

        As it is never changed, and no other is deleted that it needs, none can come to need itself.
        """
        with self._transaction(_BUSY_MS) as connection:
            there = {row[0] for row in connection.execute("select name from segments")}
            if name in there:
                raise InputError(
                    f"audience {name!r} is there already", hint=f"pixeltrack audience delete {name}"
                )
            for other in needs:
                if other not in there:
                    raise no_segment(other, there)
            insert = "insert into segments (name, conditions, created) values (?, ?, ?)"
            connection.execute(insert, [name, conditions, now])
            self.note("audience", f"{name} made", at=now)

    def delete_segment(self, name: str) -> None:
        """Forget an audience; raise InputError where there is none, or others need it."""
        with self._transaction(_BUSY_MS) as connection:
            rows = connection.execute("select name, conditions from segments order by name").fetchall()
            saved = {row[0]: json.loads(row[1]) for row in rows}
            if name not in saved:
                raise no_segment(name, saved)
            needing = [other for other, said in saved.items() if name in (*said["also"], *said["without"])]
            if needing:
                raise InputError(
                    f"audience {name!r} is needed by {', '.join(needing)}",
                    hint=f"pixeltrack audience delete {needing[0]} comes first",
                )
            connection.execute("delete from segments where name = ?", [name])
            self.note("audience", f"{name} deleted")

    def people_size(self) -> int:
        """Return how long marks have to be, so that everybody's number is in them."""
        return int(self._plain("select coalesce(max(recipient_id), 0) + 1 from recipients")[0][0])

    def told_of(self, size: int, campaign_id: int | None) -> tuple[bytearray, bytearray]:
        """Return how much may be told of people by name, of opens and of clicks, at best; 0: no copy."""
        opens, clicks = bytearray(size), bytearray(size)
        for person, opened, clicked in self._each("told_of", campaign_id=campaign_id):
            if opened > opens[person]:
                opens[person] = opened
            if clicked > clicks[person]:
                clicks[person] = clicked
        return opens, clicks

    def people_who_hit(
        self,
        size: int,
        kind: int,
        since: int,
        campaign_id: int | None,
        links: Collection[tuple[int, int]] | None,
        apart: Collection[Place],
    ) -> bytearray:
        """Mark whose hits of a kind people made, as far as they are judged and may be told by name.

        ``links`` are those that count, with their campaigns; None: all. Copies of ``apart`` are left out.
        """
        found = bytearray(size)
        labels = self._plain("select judgement_id, label from judgements")
        human = {number for number, label in labels if label == "human"}
        asked = {"kind": kind, "since": since, "campaign_id": campaign_id}
        for (chunk,) in self._plain("select chunk from verdicts where last_at >= ? order by chunk", [since]):
            judged = array("H", self._plain("select judged from verdicts where chunk = ?", [chunk])[0][0])
            if sys.byteorder == "big":
                judged.byteswap()
            first = chunk * CHUNK
            span = {"first": first, "last": first + len(judged) - 1}
            for event, campaign, message, link, person in self._plain(
                query("people_by_number"), asked | span
            ):
                if (
                    judged[event - first] in human
                    and (links is None or (campaign, link) in links)
                    and not (apart and (campaign, message) in apart)
                ):
                    found[person] = 1
        return found

    def viewers(self, size: int, host: str, path: str, since: int, campaign_id: int | None) -> bytearray:
        """Mark who saw a page; ``host`` is empty for any site, and ``*`` at a path's end any rest."""
        found = bytearray(size)
        asked = {"host": host, "path": path, "since": since, "campaign_id": campaign_id}
        for (person,) in self._each("viewers", machine=int(ClientClass.MACHINE), **asked):
            found[person] = 1
        return found

    def people_of_goal(self, goal: str, campaign_id: int | None) -> dict[Place, int]:
        """Return whose copies led to a goal, where they may be told of by name."""
        rows = self._each("people_who_converted", goal=goal, campaign_id=campaign_id)
        return {(campaign, message): person for campaign, message, person in rows}

    def pages_like(self, host: str, path: str, most: int) -> list[str]:
        """Return some paths that were seen and begin as one does; all are meant by an empty one."""
        rows = self._plain(
            "select distinct path from pages join sites using (site_id) where (?1 = '' or host = ?1)"
            " and substr(path, 1, length(?2)) = ?2 order by path limit ?3",
            [host, path, most],
        )
        return [path for (path,) in rows]

    def counted_together(self, campaign_id: int | None) -> int:
        """Return how many recipients of mail have no row, so that nobody can tell who they are."""
        ((people,),) = self._plain(
            "select coalesce(sum(recipients), 0) from crowds where ?1 is null or campaign_id = ?1",
            [campaign_id],
        )
        return int(people)

    def retargeting(self, size: int) -> bytearray:
        """Return what holds for people in the ledger about retargeting, as codes; see ``ledger.holding``."""
        codes, decided = bytearray(size), array("q", bytes(8 * size))
        for person, at, decision, method in self._each("retargeting"):
            code = SIGNAL if decision == "denied" and method == BY_SIGNAL else _DECISIONS[decision]
            known = codes[person]
            if not known or (at, _RANK[code]) > (decided[person], _RANK[known]):
                codes[person], decided[person] = code, at
        return codes

    def opted_out(self, size: int) -> bytearray:
        """Return who refused something on the collector's pages, and who wants no more mail, as codes."""
        codes = bytearray(size)
        for person, unsubscribed in self._each("opted_out"):
            codes[person] = max(codes[person], UNSUBSCRIBED if unsubscribed else OPTED_OUT)
        return codes

    def addresses(self, people: Marks) -> Iterator[str]:
        """Yield people's normalised addresses."""
        for person, identity in self._each_of("select recipient_id, identity from recipients"):
            if person in people:
                yield identity

    def listed_people(self, people: Marks) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield people's addresses, in order, and the other columns of the list that they were on last."""
        select = "select recipient_id, identity, fields from recipients order by identity"
        for person, identity, fields in self._each_of(select):
            if person in people:
                yield identity, json.loads(fields)

    def _each(self, name: str, **values: object) -> Iterator[tuple[Any, ...]]:
        return self._each_of(query(name), values)

    def _each_of(self, statement: str, values: Any = ()) -> Iterator[tuple[Any, ...]]:
        """Yield rows one by one, as there may be one for each person."""
        self._stay()
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None
            yield from cursor.execute(statement, values)


def no_segment(name: str, there: Collection[str]) -> InputError:
    """Return the error that an audience is not there, with the names of those that are."""
    hint = f"there are {', '.join(sorted(there))}" if there else "pixeltrack audience create makes one"
    return InputError(f"no audience {name!r}", hint=hint)
