"""How far each web server's log has been read, stored together with the hits that were read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pixeltrack.errors import StoreError
from pixeltrack.model import EventRow, LogPosition
from pixeltrack.store.events import Events
from pixeltrack.store.schema import query

Heads = Mapping[int, bytes]  # a hash of so many first bytes, for each place where reading may have stopped


class Logs(Events):
    """The part of the store that knows logs by how they begin."""

    def log_position(self, heads: Heads) -> LogPosition | None:
        """Return how far the log that begins so has been read; None when nothing of it has.

        The longest beginning counts: a shorter one may be another log's too.
        """
        for length in sorted(heads, reverse=True):
            for row in self._rows("log_position", head_length=length, head=heads[length]):
                return LogPosition(*row)
        return None

    def put_log_events(
        self, events: Sequence[EventRow], before: LogPosition, after: LogPosition, heads: Heads
    ) -> tuple[LogPosition, int]:
        """Store the hits of a piece of a log and, in the same transaction, that it has been read.

        Return the position with its id, and how many hits were stored: those of people who stopped
        tracking are left out. Raises StoreError when somebody else has read that piece meanwhile.
        """
        agents: dict[str, int] = {}
        values = {**after._asdict(), "head": heads[after.head_length]}
        with self._transaction() as connection:
            if before.log_id:
                moved = connection.execute(
                    query("move_log_position"), {**values, "log_id": before.log_id, "before": before.reached}
                )
                lost = moved.rowcount != 1
            else:
                lost = self.log_position(heads) is not None
            if lost:
                raise StoreError(
                    "another pixeltrack ingest has read the same log meanwhile", hint="run one at a time"
                )
            log_id = before.log_id or connection.execute(query("put_log_position"), values).lastrowid
            stored = self._insert(events, agents)
        self._keep(agents)
        return after._replace(log_id=log_id or 0), stored
