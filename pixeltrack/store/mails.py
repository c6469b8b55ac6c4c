"""The mails of campaigns, kept as they were given."""

from __future__ import annotations

import sqlite3
import zlib
from hashlib import blake2b

from pixeltrack.model import Mail
from pixeltrack.store.database import Database

_KEPT = 3  # of one mail as it was changed, the newest
_MOST_BYTES = 1_000_000  # compressed; larger ones are not kept: no report could draw them


class Mails(Database):
    """The part of the store that has the mails themselves."""

    def mails(self, campaign_id: int) -> list[Mail]:
        """Return a campaign's mail, one of each version where it has several; none where none was kept."""
        found = []
        for kind, charset, links, preview, added, content, version in self._rows(
            "mails", campaign_id=campaign_id
        ):
            pairs = (pair.split(":") for pair in links.split())
            numbers = {int(place): int(number) for place, number in pairs}
            text = zlib.decompress(content)
            found.append(Mail(kind, text, charset, numbers, added, bool(preview), version))
        return found


def keep(connection: sqlite3.Connection, campaign_id: int, mail: Mail) -> None:
    """Store a mail, within a transaction of the caller's; the oldest of many versions are dropped."""
    content = zlib.compress(mail.content)
    if len(content) > _MOST_BYTES:
        return
    digest = blake2b(mail.content, digest_size=16).digest()
    key = campaign_id, mail.version
    links = " ".join(f"{place}:{number}" for place, number in mail.numbers.items())
    if not mail.preview:
        connection.execute("delete from mails where campaign_id = ? and version = ? and preview", key)
    connection.execute(
        "insert into mails (campaign_id, version, digest, kind, charset, links, preview, added, content)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (campaign_id, version, digest) do update"
        " set kind = excluded.kind, charset = excluded.charset, links = excluded.links,"
        " preview = excluded.preview, added = excluded.added where excluded.preview <= preview",
        [*key, digest, mail.kind, mail.charset, links, mail.preview, mail.added, content],
    )
    connection.execute(
        "delete from mails where campaign_id = ? and version = ? and digest not in (select digest from mails"
        " where campaign_id = ? and version = ? order by preview, added desc limit ?)",
        [*key, *key, _KEPT],
    )
