"""Making the hits of a plan over real HTTP, with the headers that were drawn."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from urllib.parse import urlsplit

from pixeltrack.errors import PixeltrackError
from pixeltrack.simulate.hits import Hit
from pixeltrack.simulate.mailbox import Copy

_CONNECTIONS = 16
_IDLE_SECONDS = 5.0  # a connection that rested so long may have been closed by the server
_FORM = {"unsubscribe": "List-Unsubscribe=One-Click", "stop": "action=stop"}

Answer = tuple[int, str | None]  # status, Location


def play(
    hits: Iterable[Hit],
    copies: Sequence[Copy],
    before: Callable[[int], None],
    *,
    to: str | None = None,
    tick: int = 1_000,
    progress: Callable[[int], None] | None = None,
) -> list[Answer]:
    """Make every hit and return the answers in order.

    The hits of one tick (ms) go out together over several connections, as they would from the world;
    ``before`` is told the time of each tick's first hit before they do: to set a clock by it, or to wait.
    With ``to`` they go to that server instead of the one that the mail names. X-Forwarded-For tells
    from where and X-Forwarded-Proto that it was HTTPS, to a collector that trusts us as a proxy.
    Raises PixeltrackError when the server does not answer.
    """
    place = urlsplit(to or copies[0].pixel)
    kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
    connections = [kind(place.netloc, timeout=30) for _ in range(_CONNECTIONS)]
    answers: list[Answer] = []
    used = time.monotonic()
    try:
        for _tick, group in groupby(hits, key=lambda hit: hit.at // tick):
            waiting = list(group)
            before(waiting[0].at)
            if time.monotonic() - used > _IDLE_SECONDS:
                for connection in connections:
                    connection.close()  # it opens again by itself
            for start in range(0, len(waiting), _CONNECTIONS):
                batch = waiting[start : start + _CONNECTIONS]
                for hit, connection in zip(batch, connections, strict=False):
                    _send(hit, copies[hit.copy], connection)
                for connection in connections[: len(batch)]:
                    answer = connection.getresponse()
                    answer.read()
                    answers.append((answer.status, answer.getheader("Location")))
            used = time.monotonic()
            if progress:
                progress(len(answers))
    except (OSError, http.client.HTTPException) as error:
        raise PixeltrackError(
            f"{place.scheme}://{place.netloc} does not answer: {error}",
            hint="is pixeltrack serve running there?",
        ) from None
    finally:
        for connection in connections:
            connection.close()
    return answers


def _send(hit: Hit, copy: Copy, connection: http.client.HTTPConnection) -> None:
    url = {
        "open": copy.pixel,
        "click": copy.links[hit.link] if hit.kind == "click" else "",
        "unsubscribe": copy.unsubscribe,
        "stop": copy.preferences,
    }[hit.kind]
    body = _FORM.get(hit.kind, "").encode()
    connection.putrequest(hit.method, urlsplit(url).path, skip_accept_encoding=True)
    for name, value in headers(hit):
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Type", "application/x-www-form-urlencoded")
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)


def headers(hit: Hit) -> list[tuple[str, str]]:
    """Return the headers of a hit, but for those that any request has."""
    return [
        *((("User-Agent", hit.program.agent),) if hit.program.agent else ()),
        *hit.headers.fields,
        *((("Sec-Purpose", hit.purpose),) if hit.purpose else ()),
        *((("X-Forwarded-For", hit.place.address),) if hit.place.address else ()),
        ("X-Forwarded-Proto", "https"),
    ]


def pace(speed: float) -> Callable[[int], None]:
    """Return what waits until a hit's time has come, with the plan's time running so many times as fast."""
    first: list[tuple[int, float]] = []

    def wait(at: int) -> None:
        now = time.monotonic()
        if not first:
            first.append((at, now))
        began_at, began = first[0]
        time.sleep(max(0.0, (at - began_at) / 1_000 / speed - (now - began)))

    return wait
