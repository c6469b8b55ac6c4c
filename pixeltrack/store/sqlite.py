"""The embedded store, on SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pixeltrack.errors import KeyFileError, NoSuchCampaign, StoreError
from pixeltrack.model import Campaign, CampaignKind, Event, LinkRow, Message, Owner, Scope, StoredEvent
from pixeltrack.store.connect import connect, create_private, explained
from pixeltrack.store.schema import migrate, query
from pixeltrack.tokens import Keyring

_MAX_AGENTS = 50_000  # distinct agents kept; whoever invents more shares one row, so it stays bounded
_OTHER_AGENT = "(other)"
_OPT_OUT_BUSY_MS = 2_000  # an opt-out is worth waiting for
_CHUNK = 5_000  # rows a transaction while injecting: the collector never waits long for its turn


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as it will be stored: nothing is written until ``Store.save_campaign``."""

    campaign: Campaign  # campaign_id 0 when it is new
    links: tuple[LinkRow, ...]  # of this run's mail, in the order that was asked for
    known: frozenset[int]  # numbers that the link table holds already


def open_store(path: Path, keyring: Keyring, *, create: bool = False, busy_ms: int = 5_000) -> Store:
    """Open a database with the key that made it.

    Raises StoreError when there is none (unless create is set), when it cannot be used or is newer
    than this program; KeyFileError when the key is another one.
    """
    if create and not path.exists():
        create_private(path)
    if not path.is_file():
        raise StoreError(
            f"no database at {path}",
            hint="pixeltrack inject makes one; name another with --db",
        )
    connection = connect(path, busy_ms=busy_ms)
    with explained(path):
        migrate(connection, path)
        select = "select value from facts where name = 'key'"
        stored = connection.execute(select).fetchone()
        if stored is None:  # two programs may find that at the same time
            insert = "insert or ignore into facts (name, value) values ('key', ?)"
            connection.execute(insert, [keyring.check_value()])
            stored = connection.execute(select).fetchone()
    if stored[0] != keyring.check_value():
        connection.close()
        raise KeyFileError(
            f"the key is not the one that made the database {path}",
            hint="give the right key file with --key, or another database with --db",
        )
    return Store(path, connection, busy_ms)


class Store:
    """One open database. Not for several threads at the same time."""

    def __init__(self, path: Path, connection: sqlite3.Connection, busy_ms: int) -> None:
        self.path = path
        self._busy_ms = busy_ms
        self._connection = connection
        self._agents: dict[str, int] = {}

    def close(self) -> None:
        self._connection.close()

    # -- campaigns and link tables ------------------------------------------------------------------

    def campaigns(self) -> list[Campaign]:
        """Return every campaign, newest first."""
        return [Campaign(*row) for row in self._rows("campaigns")]

    def campaign(self, name: str) -> Campaign:
        """Return a campaign by name, or raise NoSuchCampaign with the names there are."""
        for row in self._rows("campaign_by_name", name=name):
            return Campaign(*row)
        raise NoSuchCampaign(name, [campaign.name for campaign in self.campaigns()])

    def campaign_by_code(self, code: str) -> Campaign | None:
        return next((Campaign(*row) for row in self._rows("campaign_by_code", code=code)), None)

    def links(self, campaign_id: int) -> list[LinkRow]:
        """Return a campaign's link table, by number."""
        return [LinkRow(*row) for row in self._rows("link_table", campaign_id=campaign_id)]

    def draft_campaign(
        self, name: str, kind: CampaignKind, links: Sequence[LinkRow], keyring: Keyring, now: int
    ) -> CampaignDraft:
        """Return how a campaign would be stored, without storing it.

        A campaign of that name keeps its code and key, so the same list gets the same tokens. A link
        keeps its number where position and address are the same as before; a changed one gets a new
        number, because mail already sent points at the old one.
        """
        campaign = next((Campaign(*row) for row in self._rows("campaign_by_name", name=name)), None)
        if campaign is None:
            code = self._free_code(name, keyring)
            campaign = Campaign(0, name, code, keyring.active, kind, now)
        elif campaign.kind == "preview":
            campaign = replace(campaign, kind=kind)
        elif kind not in (campaign.kind, "preview"):
            raise StoreError(
                f"campaign {name!r} exists as one of another kind ({campaign.kind}, not {kind})",
                hint="name this one differently with --campaign",
            )
        stored = self.links(campaign.campaign_id)
        numbers = {(link.position, link.url): link.number for link in stored}
        taken = {link.number for link in stored}
        following = max(taken, default=0)
        drafted = []
        for link in links:
            number = numbers.get((link.position, link.url))
            if number is None:
                number = link.position if link.position not in taken else following + 1
                taken.add(number)
                following = max(following, number)
            drafted.append(replace(link, number=number))
        return CampaignDraft(campaign, tuple(drafted), frozenset(link.number for link in stored))

    def _free_code(self, name: str, keyring: Keyring) -> str:
        attempt = 0
        while self.campaign_by_code(code := keyring.campaign_code(name, attempt)):
            attempt += 1
        return code

    def save_campaign(self, draft: CampaignDraft) -> Campaign:
        """Store a campaign and its new links; return it with its id."""
        campaign = draft.campaign
        with self._transaction() as connection:
            connection.execute(
                "insert or ignore into campaigns (name, code, key_id, kind, created) values (?, ?, ?, ?, ?)",
                [campaign.name, campaign.code, campaign.key_id, campaign.kind, campaign.created],
            )
            connection.execute(
                "update campaigns set kind = ? where name = ? and kind = 'preview'",
                [campaign.kind, campaign.name],
            )
            (row,) = self._rows("campaign_by_name", name=campaign.name)
            saved = Campaign(*row)
            stored = {link.number for link in self.links(saved.campaign_id)}
            if saved.code != campaign.code or stored != draft.known:
                raise StoreError(
                    f"campaign {campaign.name!r} was changed by another run at the same time",
                    hint="run the command again",
                )
            connection.executemany(
                "insert into links (campaign_id, number, position, line, text, url)"
                " values (?, ?, ?, ?, ?, ?)",
                [
                    (saved.campaign_id, link.number, link.position, link.line, link.text, link.url)
                    for link in draft.links
                    if link.number not in stored
                ],
            )
        return saved

    # -- recipients and messages --------------------------------------------------------------------

    def save_messages(self, campaign_id: int, messages: Sequence[Message]) -> None:
        """Store recipients and their messages; a message that is there already is updated."""
        recipient, message = query("put_recipient"), query("put_message")
        for start in range(0, len(messages), _CHUNK):
            rows = [
                {
                    "campaign_id": campaign_id,
                    "message": each.pseudonym,
                    "identity": each.identity,
                    "fields": json.dumps(dict(each.fields), ensure_ascii=False, sort_keys=True),
                    "tracked": int(each.tracked),
                }
                for each in messages[start : start + _CHUNK]
            ]
            with self._transaction() as connection:
                connection.executemany(recipient, rows)
                connection.executemany(message, rows)
        with self._transaction() as connection:
            connection.execute(query("silence_new_messages"), {"campaign_id": campaign_id})

    def message_counts(self, campaign_id: int) -> tuple[int, int]:
        """Return (messages, tracked messages) of a campaign."""
        (row,) = self._rows("message_counts", campaign_id=campaign_id)
        return row["messages"], row["tracked"]

    # -- opt-outs -----------------------------------------------------------------------------------

    def opt_outs(self) -> dict[bytes, frozenset[Scope]]:
        """Return the scopes that each person has refused, by keyed hash of the address."""
        with explained(self.path):
            rows = self._connection.execute("select subject, scope from optouts").fetchall()
        scopes: dict[bytes, frozenset[Scope]] = {}
        for subject, scope in rows:
            scopes[subject] = scopes.get(subject, frozenset()) | {scope}
        return scopes

    def opt_outs_of(self, subject: bytes) -> frozenset[Scope]:
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

    def opt_out(self, code: str, message: int, subject: bytes, scope: Scope, at: int) -> None:
        """Store a refusal, durably, before this returns. Saying it twice changes nothing.

        Scope "tracking" also silences every message that the person has already been sent.
        """
        with self._transaction(_OPT_OUT_BUSY_MS) as connection:
            (owner,) = self._rows("message_owner", code=code, message=message)
            connection.execute(
                "insert or ignore into optouts (subject, scope, at, campaign_id, message)"
                " values (?, ?, ?, ?, ?)",
                [subject, scope, at, owner["campaign_id"], message],
            )
            if scope == "tracking":
                connection.execute(query("silence_recipient"), {"recipient_id": owner["recipient_id"]})

    def opt_out_counts(self, campaign_id: int) -> dict[Scope, int]:
        """Return how many people opted out through a campaign, by scope."""
        rows = self._rows("optout_counts", campaign_id=campaign_id)
        return {row["scope"]: row["people"] for row in rows}

    # -- events -------------------------------------------------------------------------------------

    def put_events(self, events: Sequence[Event], spool: tuple[str, int] | None = None) -> None:
        """Store hits in one transaction; when this returns they are on the disk.

        Hits of people who stopped tracking are left out. With spool (a file's name and the offset
        behind these hits in it) the same transaction notes how far that file is taken up.
        """
        agents: dict[str, int] = {}
        with self._transaction() as connection:
            rows = [
                {
                    "at": event.at,
                    "campaign_id": event.campaign_id,
                    "kind": int(event.kind),
                    "link": event.link,
                    "message": event.message,
                    "agent_id": self._agents.get(event.agent)
                    or agents.get(event.agent)
                    or self._intern(event.agent, agents),
                    "flags": event.flags,
                }
                for event in events
            ]
            connection.executemany(query("put_event"), rows)
            if spool:
                connection.execute(
                    query("put_spool_offset"), {"name": f"spool {spool[0]}", "value": str(spool[1])}
                )
        self._agents.update(agents)  # only now: a rolled back row has no id

    def _intern(self, agent: str, into: dict[str, int]) -> int:
        select = "select agent_id from agents where agent = ?"
        known = self._connection.execute(select, [agent]).fetchone()
        if known is None:
            (count,) = self._connection.execute("select count(*) from agents").fetchone()
            kept = agent if count < _MAX_AGENTS else _OTHER_AGENT
            self._connection.execute("insert or ignore into agents (agent) values (?)", [kept])
            known = self._connection.execute(select, [kept]).fetchone()
        if len(self._agents) + len(into) < _MAX_AGENTS:
            into[agent] = known[0]
        return int(known[0])

    def spool_offset(self, name: str) -> int:
        """Return how far a spool file is taken up, in bytes."""
        with explained(self.path):
            row = self._connection.execute(
                "select value from facts where name = ?", [f"spool {name}"]
            ).fetchone()
        return int(row[0]) if row else 0

    def forget_spool(self, name: str) -> None:
        """Forget a spool file that has been taken up and removed."""
        with self._transaction() as connection:
            connection.execute("delete from facts where name = ?", [f"spool {name}"])

    def events(self, campaign_id: int) -> Iterator[StoredEvent]:
        """Yield a campaign's hits: one message after the other, each in order of time."""
        with explained(self.path):
            cursor = self._connection.cursor()
            cursor.row_factory = None  # plain tuples: there may be millions
            yield from cursor.execute(query("events_of_campaign"), {"campaign_id": campaign_id})

    # -- plumbing -----------------------------------------------------------------------------------

    def _rows(self, name_of_query: str, /, **values: object) -> Iterable[sqlite3.Row]:
        with explained(self.path):
            return self._connection.execute(query(name_of_query), values).fetchall()

    @contextmanager
    def _transaction(self, busy_ms: int | None = None) -> Iterator[sqlite3.Connection]:
        """Begin, and commit or roll back. busy_ms is how long to wait for another writer, this once."""
        with explained(self.path):
            self._connection.execute(f"pragma busy_timeout = {int(busy_ms or self._busy_ms)}")
            self._connection.execute("begin immediate")
            try:
                yield self._connection
                self._connection.execute("commit")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("rollback")
                raise
