"""How many people got copies that are counted together: written by inject. No row tells of one of them."""

from __future__ import annotations

from collections.abc import Iterable

from pixeltrack.model import RANK, Crowd
from pixeltrack.store.database import Database
from pixeltrack.store.schema import query

ONE_BY_ONE = b""  # the list of people whose messages came one by one


class Gathered(Database):
    """The part of the store that takes in whom no row is kept of."""

    def save_crowds(self, campaign_id: int, of_list: bytes, crowds: Iterable[Crowd]) -> None:
        """Store how many people of a list there are; of a list that was stored before, in place of that.

        of_list is the list's digest, or ``ONE_BY_ONE``: then they are added to those before them.
        """
        with self._transaction() as connection:
            if of_list:
                connection.execute(
                    "delete from crowds where campaign_id = ? and list = ?", [campaign_id, of_list]
                )
            connection.executemany(
                query("put_crowd"),
                [
                    {
                        **{"campaign_id": campaign_id, "list": of_list, "crowd": each.number},
                        **{"opens": RANK[each.opens], "clicks": RANK[each.clicks]},
                        **{"company": each.company, "industry": each.industry, "size": each.size},
                        **{"region": each.region, "recipients": each.recipients},
                    }
                    for each in crowds
                ],
            )

    def copies(self, campaign_id: int) -> int:
        """Return how many people got a campaign's mail, with a row of their own and without one."""
        ((people,),) = self._plain(
            "select (select count(*) from messages where campaign_id = ?1)"
            " + (select coalesce(sum(recipients), 0) from crowds where campaign_id = ?1)",
            [campaign_id],
        )
        return int(people)
