"""Webhooks: who is told of what happens, how far, and what failed and is tried again."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pixeltrack.errors import InputError
from pixeltrack.store.deliveries import PLACES
from pixeltrack.store.schema import query
from pixeltrack.store.trail import Trail

_BUSY_MS = 5_000  # as of ``Trail``
_PAGE = 1_000  # rows of the feed
_NONCE = 8  # bytes
CONVERSION, OPT_OUT, DELIVERY = 1, 2, 3  # streams, as in hook_feed


class Hook(NamedTuple):
    """A webhook. Times are ms UTC; ``kinds`` are separated by spaces, ``campaign_id`` 0 is all of them.

    ``hit`` and ``told`` say how far it is done: by the number of a hit, and of a row of the feed.
    """

    hook_id: int
    url: str
    kinds: str
    campaign_id: int
    people_only: int
    with_address: int
    allow_private: int
    nonce: bytes
    generation: int
    created: int
    paused: int | None
    reason: str
    hit: int
    told: int
    sent: int
    sent_at: int | None
    given_up: int
    given_up_at: int | None

    @property
    def host(self) -> str:
        """The host that it is sent to."""
        return urlsplit(self.url).hostname or ""

    def is_of(self, kind: str) -> bool:
        """Return whether it is told of events of a kind."""
        return kind in self.kinds.split()


class Tries(NamedTuple):
    """A batch that failed: where it ends, how many events, and when it is tried again (ms UTC).

    ``status`` is that of the last answer, 0 where there was none.
    """

    hook_id: int
    hit: int
    told: int
    events: int
    tries: int
    since: int
    again: int
    status: int
    error: str


class Fed(NamedTuple):
    """A row of the feed; ``hit`` is the last hit that was stored before it."""

    number: int
    stream: int
    hit: int


class FedConversion(NamedTuple):
    """A conversion, refund or correction, as ``sitecalls.Conversion`` has it; ``at`` is ms UTC."""

    feed: int
    conversion_id: int
    goal: str
    host: str
    order: str
    entry: str
    at: int
    value: int
    currency: str
    whole: int
    campaign_id: int
    message: int
    source: int
    verified: int


class FedOptOut(NamedTuple):
    """A refusal; ``at`` is ms UTC."""

    feed: int
    subject: bytes
    scope: str
    at: int
    campaign_id: int
    message: int


class FedDelivery(NamedTuple):
    """What a mail system reported; ``at`` is ms UTC, or None where that is forgotten."""

    feed: int
    event_id: bytes
    campaign_id: int
    message: int
    kind: str
    bounce: str
    at: int | None
    source: str


class Hooks(Trail):
    """The part of the store that knows them."""

    def hooks(self) -> list[Hook]:
        """Return all webhooks in order of their numbers."""
        return [Hook(*row) for row in self._plain("select * from hooks order by hook_id")]

    def hook(self, number: int) -> Hook:
        """Return a webhook by its number; raise InputError, with the numbers there are."""
        hooks = {hook.hook_id: hook for hook in self.hooks()}
        if number not in hooks:
            there = f"there are {', '.join(map(str, hooks))}" if hooks else "pixeltrack webhook add makes one"
            raise InputError(f"no webhook {number}", hint=there)
        return hooks[number]

    def add_hook(
        self,
        url: str,
        kinds: Iterable[str],
        now: int,
        *,
        campaign_id: int = 0,
        people_only: bool = False,
        with_address: bool = False,
        allow_private: bool = False,
    ) -> Hook:
        """Make a webhook that is told of what is stored from now (ms UTC) on."""
        with self._transaction(_BUSY_MS) as connection:
            (number,) = connection.execute(
                "insert into hooks (url, kinds, campaign_id, people_only, with_address, allow_private, nonce,"
                " created, hit, told) values (?, ?, ?, ?, ?, ?, ?, ?,"
                " (select coalesce(max(event_id), 0) from events),"
                " coalesce((select seq from sqlite_sequence where name = 'hook_feed'), 0))"
                " returning hook_id",
                [
                    *(url, " ".join(kinds), campaign_id, people_only, with_address, allow_private),
                    *(secrets.token_bytes(_NONCE), now),
                ],
            ).fetchone()
            self.note("webhook add", f"{number} {urlsplit(url).hostname}: {' '.join(kinds)}", at=now)
        return self.hook(number)

    def remove_hook(self, number: int) -> Hook:
        """Remove a webhook and what was to be tried again; return what it was."""
        hook = self.hook(number)
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("delete from hook_tries where hook_id = ?", [number])
            connection.execute("delete from hooks where hook_id = ?", [number])
            connection.execute("delete from hook_feed where not exists (select 1 from hooks)")
            self.note("webhook remove", f"{number} {hook.host}")
        return hook

    def renew_hook_key(self, number: int) -> Hook:
        """Give a webhook another signing key, which holds at once."""
        hook = self.hook(number)
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("update hooks set generation = generation + 1 where hook_id = ?", [number])
            self.note("webhook key", f"{number} {hook.host}, number {hook.generation + 1}")
        return self.hook(number)

    def resume_hook(self, number: int) -> Hook:
        """Go on with a webhook that is paused, or try one at once that has failed."""
        hook = self.hook(number)
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("update hooks set paused = null, reason = '' where hook_id = ?", [number])
            connection.execute("update hook_tries set again = 0 where hook_id = ?", [number])
            if hook.paused is not None:
                self.note("webhook resume", f"{number} {hook.host}")
        return self.hook(number)

    def pause_hook(self, number: int, reason: str, now: int) -> None:
        """Send nothing to a webhook any more until somebody resumes it; now is ms UTC."""
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("delete from hook_tries where hook_id = ?", [number])
            connection.execute(
                "update hooks set paused = ?, reason = ? where hook_id = ?", [now, reason, number]
            )

    def hook_tries(self) -> dict[int, Tries]:
        """Return what failed and is tried again, by the numbers of webhooks."""
        return {row[0]: Tries(*row) for row in self._plain("select * from hook_tries")}

    def hook_done(self, number: int, hit: int, told: int, events: int, now: int) -> None:
        """Note how far a webhook is, and how many events it has taken just now (ms UTC)."""
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("delete from hook_tries where hook_id = ?", [number])
            connection.execute(
                "update hooks set hit = ?, told = ?, sent = sent + ?4, sent_at = iif(?4, ?5, sent_at)"
                " where hook_id = ?3",
                [hit, told, number, events, now],
            )

    def hook_failed(self, tries: Tries) -> None:
        """Note what failed, and when it is tried again; nothing where the webhook is gone."""
        with self._transaction(_BUSY_MS) as connection:
            connection.execute(
                "insert or replace into hook_tries select ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9"
                " where exists (select 1 from hooks where hook_id = ?1)",
                tries,
            )

    def hook_gave_up(self, tries: Tries, now: int) -> None:
        """Leave out a batch that failed for too long, and count its events as given up (now is ms UTC)."""
        with self._transaction(_BUSY_MS) as connection:
            connection.execute("delete from hook_tries where hook_id = ?", [tries.hook_id])
            connection.execute(
                "update hooks set hit = ?, told = ?, given_up = given_up + ?, given_up_at = ?"
                " where hook_id = ?",
                [tries.hit, tries.told, tries.events, now, tries.hook_id],
            )

    def feed(self, after: int, upto: int | None = None) -> Iterator[Fed]:
        """Yield rows of the feed behind a number, those too that come meanwhile."""
        select = (
            "select number, stream, hit from hook_feed where number > ? and number <= ? order by 1 limit ?"
        )
        while rows := self._plain(select, [after, 1 << 62 if upto is None else upto, _PAGE]):
            for row in rows:
                yield Fed(*row)
            after = rows[-1][0]

    def trim_feed(self) -> None:
        """Forget what every webhook is done with."""
        (done,) = self._plain("select coalesce(min(told), 1 << 62) from hooks")[0]
        while rows := self._plain(
            "select number from hook_feed where number <= ? order by 1 limit ?", [done, _PAGE]
        ):
            with self._transaction(_BUSY_MS) as connection:
                connection.execute("delete from hook_feed where number <= ?", rows[-1])

    def take_over_hooks(self, old: Sequence[Hook], codes: Mapping[int, str]) -> None:
        """Have the webhooks that another database has, as far as they are; ``codes`` are its campaigns'.

        For a backup that is put in that one's place: what was removed stays removed, and what it has sent
        is not sent again. One of a campaign that is not here is left out.
        """
        with self._transaction(_BUSY_MS) as connection:
            here = dict(connection.execute("select campaign_id, code from campaigns").fetchall())
            (last,) = connection.execute("select coalesce(max(event_id), 0) from events").fetchone()
            found = connection.execute("select seq from sqlite_sequence where name = 'hook_feed'").fetchone()
            connection.execute("delete from hook_tries")
            connection.execute("delete from hooks")
            for hook in old:
                if hook.campaign_id and here.get(hook.campaign_id) != codes.get(hook.campaign_id):
                    continue
                told = min(hook.told, found[0] if found else 0)
                values = hook._replace(hit=min(hook.hit, last), told=told)
                connection.execute(
                    "insert into hooks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values
                )

    def fed_conversions(self, numbers: Sequence[int]) -> list[FedConversion]:
        """Return conversions by their places in the feed; those that are gone are left out."""
        rows = self._plain(query("fed_conversions"), {"numbers": json.dumps(numbers)})
        return [FedConversion(*row) for row in rows]

    def fed_optouts(self, numbers: Sequence[int]) -> list[FedOptOut]:
        """Return opt-outs by their places in the feed, and any between."""
        rows = self._plain(query("fed_optouts"), {"first": min(numbers), "last": max(numbers)})
        return [FedOptOut(*row) for row in rows]

    def fed_deliveries(self, numbers: Sequence[int]) -> list[FedDelivery]:
        """Return what was reported by its places in the feed; what is gone is left out."""
        rows = self._plain(query("fed_deliveries"), {"numbers": json.dumps(numbers), "places": PLACES})
        return [FedDelivery(*row) for row in rows]
