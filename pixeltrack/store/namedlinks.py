"""Links that name a person: of mail that is written for one person the links are stored as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from pixeltrack.store.database import Database


class NamedLink(NamedTuple):
    """A link whose text or address names somebody."""

    campaign_id: int
    number: int
    text: str
    url: str
    plain: str  # the address without the tags that we add, where it has any


class NamedLinks(Database):
    """The part of the store that finds such links, and takes the name out of them."""

    def links_naming(self, spellings: Sequence[str]) -> list[NamedLink]:
        """Return the links that have one of some spellings in them; those in lower case match any case."""
        select = "select campaign_id, number, text, url, plain from links order by campaign_id, number"
        return [
            NamedLink(*row) for row in self._plain(select) if _has(f"{row[2]}\n{row[3]}\n{row[4]}", spellings)
        ]

    def _blank(self, links: Sequence[NamedLink], spellings: Sequence[str]) -> int:
        """Take a name out of links, in the transaction that is open: the text goes, and what is behind the
        host in an address that has it. Such a link leads to the host's first page from then on.
        """

        def without(url: str) -> str:
            return _host(url) if _has(url, spellings) else url

        values = [
            (
                "" if _has(each.text, spellings) else each.text,
                *(without(each.url), without(each.plain), each.campaign_id, each.number),
            )
            for each in links
        ]
        statement = "update links set text = ?, url = ?, plain = ? where campaign_id = ? and number = ?"
        return self._connection.executemany(statement, values).rowcount if links else 0


def _has(text: str, spellings: Sequence[str]) -> bool:
    lower = text.lower()
    return any(each in lower or each in text for each in spellings)


def _host(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"
