"""Roll-ups as they are kept: the cells of each campaign's figures, and the moments beside them."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

from pixeltrack.cells import Delta, Rollup, least, most
from pixeltrack.rates import NONE_TRACKED, Tracked
from pixeltrack.replay import HOUR
from pixeltrack.store.hits import CHUNK
from pixeltrack.store.kept import KeptTotals, text_of
from pixeltrack.store.schema import query


class Audience(NamedTuple):
    """A campaign's messages, tracked ones among them, these by mailbox provider, and at its companies."""

    messages: int
    tracked: Tracked
    providers: dict[str, Tracked]
    companies: dict[str, Tracked]  # by domain, the largest first
    together: Tracked = NONE_TRACKED  # that are counted together with others


class Rollups(KeptTotals):
    """The part of the store that keeps campaigns' figures."""

    def rollup_versions(self) -> dict[int, str]:
        """Return of which version each campaign's roll-up is; campaigns without one are left out."""
        return dict(self._plain("select campaign_id, version from rollups"))

    def rollup(self, campaign_id: int, companies: Iterable[str] | None = None) -> Rollup | None:
        """Return a campaign's roll-up, None when there is none.

        Of companies there may be thousands: those that are named are in it, without names all.
        """
        moments = self._plain("select begun, first, last from rollups where campaign_id = ?", [campaign_id])
        if not moments:
            return None
        if companies is None:
            rows = self._plain("select cell, number from rollup_cells where campaign_id = ?", [campaign_id])
        else:
            named = [text_of(("company", name, kinds)) for name in companies for kinds in (1, 2, 3)]
            asked = {"campaign_id": campaign_id, "companies": json.dumps(named)}
            rows = self._plain(query("cells_of_companies"), asked)
        cells = json.loads(f"[{','.join([cell for cell, _number in rows])}]")
        numbers = [number for _cell, number in rows]
        return Rollup(Counter(dict(zip(map(tuple, cells), numbers, strict=True))), *moments[0])

    def audience(self, campaign_id: int, version: str) -> Audience | None:
        """Return how many messages a campaign has, if that is known and of this version."""
        rows = self._plain(
            "select messages, tracked, opens, clicks, providers, companies, together from audiences"
            " where campaign_id = ? and version = ?",
            [campaign_id, version],
        )
        if not rows:
            return None
        messages, *tracked, providers, companies, together = rows[0]
        joint = Tracked(*json.loads(together))
        return Audience(messages, Tracked(*tracked), _read(providers), _read(companies), joint)

    def measured(self, campaign_id: int) -> tuple[int, Tracked, Tracked]:
        """Return how many messages a campaign has, of how many what is measured, and counted together."""
        ((messages, *numbers),) = self._plain(query("message_counts"), {"campaign_id": campaign_id})
        return messages, Tracked(*numbers[:3]), Tracked(*numbers[3:])

    def keep_audience(
        self, campaign_id: int, version: str, count: Callable[[], Audience], busy_ms: int | None = None
    ) -> Audience:
        """Count a campaign's messages, and note how many there are unless they change meanwhile.

        ``busy_ms`` is how long to wait for another writer, this once.
        """
        claim = secrets.token_hex()
        with self._transaction(busy_ms) as connection:
            connection.execute(
                "insert or replace into audiences"
                " (campaign_id, version, messages, tracked, providers, companies)"
                " values (?, ?, 0, 0, '{}', '{}')",
                [campaign_id, claim],
            )
        found = count()
        with self._transaction(busy_ms) as connection:
            connection.execute(
                "update audiences set version = ?, messages = ?, tracked = ?, opens = ?, clicks = ?,"
                " providers = ?, companies = ?, together = ? where version = ?",
                [
                    *(version, found.messages, *found.tracked),
                    *map(json.dumps, (found.providers, found.companies, found.together)),
                    claim,
                ],
            )
        return found

    def drop_rollup(self, campaign_id: int) -> None:
        """Drop a campaign's roll-up: whoever judges its hits or reports it next counts it anew."""
        with self._transaction() as connection:
            self._drop_rollup(connection, campaign_id)

    def people_moments(
        self, campaign_id: int, hours: Collection[int], without: Collection[int] = ()
    ) -> tuple[int | None, int | None]:
        """Return people's first and last hits (ms UTC) in a campaign, of which the hours are known.

        ``without`` are messages to leave out.
        """
        if not hours:
            return None, None
        kept = self._plain("select first, last from kept where campaign_id = ?", [campaign_id])
        gone_first, gone_last = kept[0] if kept else (None, None)
        first = self._edge(campaign_id, min(hours), without, latest=False)
        last = self._edge(campaign_id, max(hours), without, latest=True)
        return least(first, gone_first), most(last, gone_last)

    def _edge(self, campaign_id: int, hour: int, without: Collection[int], *, latest: bool) -> int | None:
        """Return the first or the latest moment of a person's hit in an hour."""
        human = {
            number for (number,) in self._plain("select judgement_id from judgements where label = 'human'")
        }
        span = {"since": hour * HOUR, "until": (hour + 1) * HOUR}
        chunks = self._plain(query("chunks_within"), span)
        chunks.sort(key=lambda row: -row[2] if latest else row[1])
        found: int | None = None
        for chunk, first_at, last_at, judged in chunks:
            if found is not None and (last_at <= found if latest else first_at >= found):
                break
            begin = chunk * CHUNK
            asked = {"begin": begin, "behind": begin + CHUNK, "campaign_id": campaign_id, **span}
            moments = [
                at
                for event, at, message in self._plain(query("moments_in_chunk"), asked)
                if int.from_bytes(judged[(event - begin) * 2 :][:2], "little") in human
                and message not in without
            ]
            found = most(found, *moments) if latest else least(found, *moments)
        return found

    def _replace_rollup(
        self, connection: sqlite3.Connection, campaign_id: int, version: str, rollup: Rollup
    ) -> None:
        connection.execute("delete from rollup_cells where campaign_id = ?", [campaign_id])
        connection.executemany(
            "insert into rollup_cells values (?, ?, ?)",
            [(campaign_id, text_of(cell), number) for cell, number in rollup.cells.items()],
        )
        connection.execute(
            "insert or replace into rollups values (?, ?, ?, ?, ?)",
            [campaign_id, version, rollup.begun, rollup.first, rollup.last],
        )

    def _add_delta(
        self, connection: sqlite3.Connection, campaign_id: int, version: str, delta: Delta
    ) -> bool:
        """Add to a campaign's roll-up what the verdicts change that were just written.

        Returns False, and does nothing, where there is none. One of another version, which a program
        with other names has made meanwhile, is dropped: what has two names would not add up.
        """
        select = "select version, begun, first, last from rollups where campaign_id = ?"
        stored = connection.execute(select, [campaign_id]).fetchone()
        if stored is None:
            return False
        is_version, begun, first, last = stored
        if is_version != version:
            self._drop_rollup(connection, campaign_id)
            return True
        rows = [(campaign_id, text_of(cell), number) for cell, number in delta.cells.items()]
        connection.executemany(query("add_cell"), rows)
        connection.executemany(
            "delete from rollup_cells where campaign_id = ? and cell = ? and number = 0",
            [row[:2] for row in rows if row[2] < 0],
        )
        kept_first = delta.first is not None and first is not None and delta.first <= first
        kept_last = delta.last is not None and last is not None and delta.last >= last
        lost_first = first is not None and delta.gone_first == first and not kept_first
        lost_last = last is not None and delta.gone_last == last and not kept_last
        if lost_first or lost_last:
            hours = connection.execute(query("people_hours"), [campaign_id]).fetchone()
            found = self.people_moments(campaign_id, [] if hours[0] is None else [*hours])
        connection.execute(
            "update rollups set begun = ?, first = ?, last = ? where campaign_id = ?",
            [
                least(begun, delta.begun),
                found[0] if lost_first else least(first, delta.first),
                found[1] if lost_last else most(last, delta.last),
                campaign_id,
            ],
        )
        return True

    def _drop_rollup(self, connection: sqlite3.Connection, campaign_id: int) -> None:
        connection.execute("delete from rollups where campaign_id = ?", [campaign_id])
        connection.execute("delete from rollup_cells where campaign_id = ?", [campaign_id])

    def _forget_rollups(self, connection: sqlite3.Connection) -> None:
        connection.execute("delete from rollups")
        connection.execute("delete from rollup_cells")


def _read(text: str) -> dict[str, Tracked]:
    return {name: Tracked(*numbers) for name, numbers in json.loads(text).items()}
