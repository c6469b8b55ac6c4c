"""Sending: what is new goes out, and what fails is tried again until it is taken, or for three days.

How far each webhook is stands in the database, and is noted after its receiver has taken a batch. So what is
ended in between sends a batch twice, with the same ids, and loses none.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pixeltrack import signing, verdicts
from pixeltrack.clock import now_ms
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.store import Hook, Store, Tries
from pixeltrack.tokens import Keyring
from pixeltrack.webhooks import target, wire
from pixeltrack.webhooks.batches import Batch, Batches, body, encoded
from pixeltrack.webhooks.order import Point, new
from pixeltrack.webhooks.payload import Teller, examples
from pixeltrack.webhooks.wire import Answer

LONGEST_WAIT = 3_600_000  # ms between two tries
GIVE_UP = 3 * 86_400_000  # ms after the first try of a batch
_SHORTEST = 1_000  # ms after it
_GONE = 410  # RFC 9110, 15.5.11
_LATER = (429, 503)  # whose Retry-After counts

Clock = Callable[[], int]


class Happened(NamedTuple):
    """What became of one batch: "sent", "failed", "paused" or "given up"."""

    hook: Hook
    outcome: str
    events: int
    answer: Answer
    again: int = 0  # ms UTC, where it failed


Tell = Callable[[Happened], None]


def once(store: Store, keyring: Keyring, tell: Tell, clock: Clock = now_ms) -> int | None:
    """Send all that is new and due, each webhook a batch in turn; new hits are judged first.

    Returns when the next try of what has failed is due (ms UTC), None where nothing has.
    """
    verdicts.bring_up_to_date(store)
    tries = store.hook_tries()
    works = [
        _Work(store, keyring, hook, tries.get(hook.hook_id), tell, clock)
        for hook in store.hooks()
        if hook.paused is None and (hook.hook_id not in tries or tries[hook.hook_id].again <= clock())
    ]
    while works:
        works = [work for work in works if work.step()]
    store.trim_feed()
    return min((each.again for each in store.hook_tries().values()), default=None)


def example(keyring: Keyring, hook: Hook, now: int) -> Answer:
    """Send an event of each kind, marked as a test, and return the answer."""
    return _post(keyring, hook, body(hook, [*map(encoded, examples(hook))], now, test=True), now)


class _Work:
    """One webhook's turns of a run."""

    def __init__(
        self, store: Store, keyring: Keyring, hook: Hook, tries: Tries | None, tell: Tell, clock: Clock
    ) -> None:
        self._store, self._keyring, self._hook = store, keyring, hook
        self._tries, self._tell, self._clock = tries, tell, clock
        self._teller = Teller(store, keyring, hook)
        self._batches = self._upto(Point(tries.hit, tries.told) if tries else None)

    def _upto(self, end: Point | None) -> Batches:
        return Batches(new(self._store, self._hook, end), self._teller)

    def step(self) -> bool:
        """Send the next batch; return whether there may be another."""
        if not self._look_again():
            return False
        batch = self._batches.next()
        if batch is None:
            if self._tries is None:
                return False
            self._go_on()  # all that had failed is sent, or there is nothing left of it
            return True
        now = self._clock()
        answer = Answer(204)
        if batch.events:
            answer = _post(self._keyring, self._hook, body(self._hook, batch.events, now), now)
        return self._taken(batch, answer, self._clock())

    def _taken(self, batch: Batch, answer: Answer, now: int) -> bool:
        number, point, events = self._hook.hook_id, batch.point, len(batch.events)
        if 200 <= answer.status < 300:
            self._store.hook_done(number, *point, events, now)
            if events:
                self._tell(Happened(self._hook, "sent", events, answer))
            return True
        if answer.status == _GONE:
            self._store.pause_hook(number, "its receiver answered 410 (Gone)", now)
            self._tell(Happened(self._hook, "paused", events, answer))
            return False
        tries = self._failed(batch, answer, now)
        if now - tries.since < GIVE_UP:
            self._store.hook_failed(tries)
            self._tell(Happened(self._hook, "failed", events, answer, tries.again))
            return False
        self._store.hook_gave_up(tries, now)
        self._tell(Happened(self._hook, "given up", events, answer))
        self._go_on()
        return True

    def _failed(self, batch: Batch, answer: Answer, now: int) -> Tries:
        before = self._tries
        count = before.tries + 1 if before else 1
        wait = max(pause(count), answer.later * 1000 if answer.status in _LATER else 0)
        return Tries(
            *(self._hook.hook_id, *batch.point, len(batch.events), count, before.since if before else now),
            *(now + min(wait, LONGEST_WAIT), answer.status, said(answer)),
        )

    def _look_again(self) -> bool:
        """Return whether it is there still and not paused; somebody may have given it another key, too."""
        found = [each for each in self._store.hooks() if each.hook_id == self._hook.hook_id]
        if not found or found[0].paused is not None:
            return False
        self._hook = found[0]
        return True

    def _go_on(self) -> None:
        self._tries = None
        if self._look_again():
            self._batches = self._upto(None)


def pause(tries: int) -> int:
    """Return for how many ms to wait after so many tries: twice as long each time, a fifth more or less."""
    wait = min(_SHORTEST << min(tries - 1, 20), LONGEST_WAIT)
    return wait - wait // 5 + secrets.randbelow(wait // 5 * 2 + 1)


def said(answer: Answer) -> str:
    """Return what went wrong, in words."""
    if answer.error:
        return answer.error
    if 300 <= answer.status < 400:
        return f"it answered {answer.status}: redirects are not followed"
    return f"it answered {answer.status}"


def _post(keyring: Keyring, hook: Hook, content: bytes, now: int) -> Answer:
    key = keyring.hook_key(hook.nonce, hook.generation)
    headers = {
        **{"Content-Type": "application/json", "User-Agent": f"pixeltrack/{version('pixeltrack')}"},
        signing.HEADER: signing.sign(content, key, now),
    }
    try:
        place = target.read(hook.url)
    except InputError as error:  # it was right when it was added, by the rules of then
        return Answer(0, error.message)
    return wire.post(place, content, headers, allow_private=bool(hook.allow_private))


@contextmanager
def alone(database: Path) -> Iterator[None]:
    """Hold the lock of those who send, while the process lives; raise PixeltrackError if another has it."""
    path = database.with_name(f"{database.name}.webhooks")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise PixeltrackError(f"cannot open {path}: {error.strerror}") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise PixeltrackError(
                f"another pixeltrack webhook send is at work on {database}",
                hint="it sends all of it; webhook list shows how far it is",
            ) from None
        yield
    finally:
        os.close(descriptor)
