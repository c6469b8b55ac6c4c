"""Conversions, each as the touches that earned it."""

from __future__ import annotations

from collections.abc import Iterator

from pixeltrack.converted import Converted
from pixeltrack.export.columns import Row
from pixeltrack.export.scope import Scope, Steps, message_name
from pixeltrack.orders import gather
from pixeltrack.shares import pieces
from pixeltrack.store import Store


def rows(store: Store, scope: Scope, _steps: Steps) -> Iterator[Row]:
    """Yield every share of each conversion, in order of time; those of people counted together are left out.

    What led to no campaign is there where all campaigns are asked for.
    """
    names: dict[int, str | None] = {each.campaign_id: each.name for each in scope.campaigns}
    if len(names) == len(store.campaigns()):
        names[0] = None
    people = Converted(store)
    orders = [
        order
        for order in gather(store.said()).orders
        if scope.since <= order.at < scope.until and people.is_meant(order)
    ]
    touches = people.touches(orders, scope.rule)
    for order in orders:
        for piece in pieces(order, touches.get(people.owner(order), ()), scope.rule):
            if piece.campaign_id not in names:
                continue
            message = piece.touch.message if piece.touch else order.message
            yield (
                *(order.goal, order.order or None, order.at, order.verified, order.is_refunded, piece.way),
                *(names[piece.campaign_id], piece.link or None, message_name(message) if message else None),
                *(piece.touch.at if piece.touch else None, piece.credit, piece.value, piece.taken),
                order.currency or None,
            )
