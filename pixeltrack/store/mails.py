"""The mails of campaigns, kept as they were given."""

from __future__ import annotations

import sqlite3
import zlib
from hashlib import blake2b

from pixeltrack.model import Mail
from pixeltrack.store.database import Database

_KEPT = 3  # versions of one campaign's mail, the newest
_MOST_BYTES = 1_000_000  # compressed; larger ones are not kept: no report could draw them


class Mails(Database):
    """The part of the store that has the mails themselves."""

    def mail(self, campaign_id: int) -> Mail | None:
        """Return a campaign's mail, or None where none was kept."""
        for kind, charset, links, preview, added, content in self._rows("mail", campaign_id=campaign_id):
            pairs = (pair.split(":") for pair in links.split())
            numbers = {int(place): int(number) for place, number in pairs}
            return Mail(kind, zlib.decompress(content), charset, numbers, added, preview=bool(preview))
        return None


def keep(connection: sqlite3.Connection, campaign_id: int, mail: Mail) -> None:
    """Store a mail, within a transaction of the caller's; the oldest of many versions are dropped."""
    content = zlib.compress(mail.content)
    if len(content) > _MOST_BYTES:
        return
    digest = blake2b(mail.content, digest_size=16).digest()
    links = " ".join(f"{place}:{number}" for place, number in mail.numbers.items())
    if not mail.preview:
        connection.execute("delete from mails where campaign_id = ? and preview", [campaign_id])
    connection.execute(
        "insert into mails (campaign_id, digest, kind, charset, links, preview, added, content)"
        " values (?, ?, ?, ?, ?, ?, ?, ?) on conflict (campaign_id, digest) do update"
        " set links = excluded.links, preview = min(preview, excluded.preview), added = excluded.added",
        [campaign_id, digest, mail.kind, mail.charset, links, mail.preview, mail.added, content],
    )
    connection.execute(
        "delete from mails where campaign_id = ? and digest not in"
        " (select digest from mails where campaign_id = ? order by preview, added desc limit ?)",
        [campaign_id, campaign_id, _KEPT],
    )
