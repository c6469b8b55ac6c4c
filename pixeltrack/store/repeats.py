"""Hits beyond their URL's share of an hour, added to counts; and the mark of the commit that did so."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable

from pixeltrack.model import EventRow, Flag, Rows
from pixeltrack.replay import HOUR
from pixeltrack.store.schema import query

#: What an agent is stored as that is one too many.
OTHER_AGENT = "(other)"
_MOST = 8  # kinds of hits of a URL in an hour; what is beyond shares few rows, so it stays bounded
_JUDGED = Flag.HEAD | Flag.SPECULATIVE | Flag.PREVIEW  # what they keep of their flags
_MARKS = -(1 << 62)  # and below: the rows of events that a commit may have left are far above
_OLD_MARKS = 90 * 24 * HOUR  # ms: until then whoever made them has long asked, or is gone

_Url = tuple[int, int, int, int, int]  # campaign, message, hour, kind, link
_Sort = tuple[str, int, str]  # agent, flags, network


def _other(sort: _Sort) -> _Sort:
    """Return what is kept of a hit that is one too many."""
    return OTHER_AGENT, sort[1] & _JUDGED, ""


class Fold:
    """Hits of one batch that are to be counted only, by URL and hour and then by what they look like."""

    def __init__(self) -> None:
        self._counts: dict[_Url, dict[_Sort, tuple[int, int, int]]] = {}

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, event: EventRow) -> None:
        at, campaign_id, kind, link, message, agent, flags, network, _address = event
        network = network.partition("\0")[0]  # of so many hits no address is kept
        url = campaign_id, message, at // HOUR * HOUR, int(kind), link
        counts = self._counts.setdefault(url, {})
        hits, first, last = counts.get((agent, flags, network), (0, at, at))
        counts[agent, flags, network] = hits + 1, min(first, at), max(last, at)

    def put(self, connection: sqlite3.Connection, ids: Callable[[str, str], tuple[int, int]]) -> int:
        """Add to the counts of the store; return how many hits that were, without silenced people's.

        ids gives the numbers of an agent and a network. Those of a hit that is one too many of its URL
        are not even stored by name.
        """
        stored = 0
        for url, counts in self._counts.items():
            values: dict[str, object] = dict(
                zip(("campaign_id", "message", "hour", "kind", "link"), url, strict=True)
            )
            known: dict[_Sort, tuple[int, int]] = {
                (agent, flags, network): (agent_id, network_id)
                for agent, flags, network, agent_id, network_id in connection.execute(
                    query("repeats_of_hour"), values
                )
            }
            for sort, (hits, first_at, last_at) in counts.items():
                if sort not in known and sum(_other(each) != each for each in known) >= _MOST:
                    sort = _other(sort)
                if sort not in known:
                    known[sort] = ids(sort[0], sort[2])
                values["agent_id"], values["network_id"] = known[sort]
                values |= {"flags": sort[1], "hits": hits, "first_at": first_at, "last_at": last_at}
                stored += hits * max(0, connection.execute(query("put_repeats"), values).rowcount)
        return stored


def is_mark(number: int) -> bool:
    """Return whether a number of ``Rows`` is a mark, and not a row."""
    return number <= _MARKS


class Mark:
    """Says of each commit that folds hits whether it was made, for when it has failed.

    That a count was added to cannot be seen from the count, as other processes add to it too. So the
    transaction also notes a number under this process' mark.
    """

    def __init__(self) -> None:
        self._mark = self._number = 0

    def put(self, connection: sqlite3.Connection, at: int) -> Rows:
        """Note the next commit, made at a time (ms UTC); return where ``has_commit`` finds it."""
        if not self._mark:
            self._mark = _MARKS - secrets.randbits(62)
            connection.execute("delete from commits where at < ?", [at - _OLD_MARKS])
        self._number += 1
        connection.execute(query("put_commit"), {"mark": self._mark, "number": self._number, "at": at})
        return self._mark, self._number

    def renew(self) -> None:
        """Use the mark no more: what is found under it later is the last commit, or the one before."""
        self._mark = self._number = 0
