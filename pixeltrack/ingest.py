"""Hits from web servers' logs: the same events that the collector would have recorded, each once.

A log is known by how it begins, whatever its name, and how far it has been read is stored in the very
transaction that stores its hits. So a log may be read again, while it grows, renamed, copied, packed
or from standard input: only what is new in it counts. A log that is cut off and written anew begins
otherwise, and is another one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import lru_cache

from pixeltrack import accesslog, agents, urls
from pixeltrack.accesslog import Format, Hit, Parser, is_answered
from pixeltrack.errors import InputError, StoreError
from pixeltrack.logfile import HEAD, LogFile
from pixeltrack.model import Event, EventKind, Flag, LogPosition
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

_FIRST_LINES = 1_000  # of a log, by which its format is told
_BATCH = 4_000  # hits a transaction: a collector beside us waits no longer than it can
_BLOCKS = 64  # of lines without any hit, before the position is stored all the same

_reduce = lru_cache(maxsize=8_192)(agents.reduce)
_OPEN, _CLICK = EventKind.OPEN, EventKind.CLICK  # looking a member up costs as much as making a hit
_NEW = LogPosition(0, 0, 0, b"", 0)


@dataclass(slots=True)
class Counts:
    """What was in the lines of one log, or of several."""

    lines: int = 0  # read now
    opens: int = 0
    clicks: int = 0
    silenced: int = 0  # of these, hits of people who stopped tracking: they are not stored
    unknown_tokens: int = 0  # not signed by this key file, or for a campaign or link that is not here
    unanswered: int = 0  # our URLs, answered with an error or not at all
    not_ours: int = 0  # other requests, and lines that are none
    damaged: int = 0  # not of the format
    already_read: int = 0  # lines passed over
    unfinished: int = 0  # logs whose last line has no end yet: it waits for the next time

    def add(self, other: Counts) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


class LogReading:
    """One log on its way into the store."""

    def __init__(
        self,
        log: LogFile,
        store: Store,
        keyring: Keyring,
        format_: Format | None = None,
        *,
        trusted: bool = False,
    ) -> None:
        """Without a format it is told from the first lines; a trusted one is not held against them."""
        self.log = log
        self.counts = Counts()
        self.format = format_
        self._trusted = trusted
        self._campaigns = _Campaigns(store)
        self._store = store
        self._keyring = keyring
        self._position: LogPosition | None = None
        self._parse: Parser | None = None
        self._waiting: list[Event] = []  # read and not stored yet
        self._fresh = Counts()  # what else was in the lines since then

    def advance(self, progress: Callable[[int], None] | None = None) -> bool:
        """Read what there is and store it; return whether there was something.

        progress is told how many bytes of the file have been read. Raises InputError when no line is
        of the format, StoreError when the log cannot be the one that was read before.
        """
        if self._position is None and self.log.head:
            self._position = self._find()
        blocks = 0
        while lines := self.log.next_lines():
            blocks += 1
            self._read(lines.decode("latin-1"))
            if len(self._waiting) >= _BATCH or blocks % _BLOCKS == 0:
                self._commit()
            if progress:
                progress(self.log.disk_position)
        self._commit()
        self.counts.unfinished = int(self.log.unfinished)
        return blocks > 0

    # -- where it stands ----------------------------------------------------------------------------

    def _heads(self) -> dict[int, bytes]:
        """Return the keyed hash of each beginning by which this log may be known."""
        head = self.log.head
        return {length: self._keyring.log_fingerprint(head[:length]) for length in self.log.heads()}

    def _find(self) -> LogPosition:
        """Go to where this log was read to, and return that place."""
        position = self._store.log_position(self._heads())
        if position is None:
            return _NEW
        passed = self.log.skip_to(position.reached)
        if self.log.reached < position.reached:  # an older copy: all of it has been read
            self.counts.already_read = passed
            return position
        if self._keyring.log_fingerprint(self.log.tail()) != position.tail:
            raise StoreError(
                f"{self.log.name} begins like a log that was read before, and then differs from it",
                hint="it was edited, or put together anew; what is new in it cannot be told",
            )
        self.counts.already_read = position.lines
        return position

    def _commit(self) -> None:
        if not self._fresh.lines or self._position is None:
            return
        head_length = min(self.log.reached, HEAD)
        after = LogPosition(
            self._position.log_id,
            head_length,
            self.log.reached,
            self._keyring.log_fingerprint(self.log.tail()),
            self._position.lines + self._fresh.lines,
        )
        self._position, stored = self._store.put_log_events(
            self._waiting, self._position, after, self._heads()
        )
        self._fresh.silenced = len(self._waiting) - stored
        self.counts.add(self._fresh)
        self._waiting, self._fresh = [], Counts()

    # -- what it says -------------------------------------------------------------------------------

    def _read(self, text: str) -> None:
        if "\0" in text:  # a hole: the file was cut off under a writer that does not append
            text = text.replace("\0", "")
        lines = text.split("\n")
        lines.pop()  # behind the last line end
        counts = self._fresh
        counts.lines += len(lines)
        parse, take = self._parse or self._begin(lines), self._take
        for line in lines:
            try:
                hit = parse(line)
            except (ValueError, OverflowError):
                if line:
                    counts.damaged += 1
                else:
                    counts.not_ours += 1
                continue
            if hit is None:
                counts.not_ours += 1
            else:
                take(hit)

    def _begin(self, lines: list[str]) -> Parser:
        """Return the parser, with the header's fields known where the log has one."""
        whole = self.log.head.decode("latin-1").split("\n")[:-1]
        first = [line for line in (whole or lines[:1]) + lines[:_FIRST_LINES] if line]
        if self.format is None:
            self.format = accesslog.detect(first)
        elif not self._trusted and first and not accesslog.fits(first, self.format):
            looks = accesslog.detect(first)
            raise InputError(
                f"no line of {self.log.name} reads as {self.format}",
                hint=f"it looks like {looks}: --format {looks}" if looks else _FORMATS,
            )
        if self.format is None:
            raise InputError(f"{self.log.name} is no log in a format that pixeltrack knows", hint=_FORMATS)
        self._parse = accesslog.parser(self.format)
        for line in whole:
            if line.startswith("#"):
                self._parse(line)
        return self._parse

    def _take(self, hit: Hit) -> None:
        """Judge one request as the collector would, and keep what it would record."""
        counts, keyring = self._fresh, self._keyring
        at, method, path, status, agent, speculative = hit  # at once: a look-up by name costs more
        route = urls.parse(path)
        if route is None or not route.code:  # only pixels and clicks name a campaign
            counts.not_ours += 1
            return
        kind, token, code, link, host, seal = route
        if not is_answered(kind, method, status):
            counts.unanswered += 1
            return
        tracked = keyring.verify_tracking(code, token, link)
        known = self._campaigns.known.get(code)
        if tracked is None or not tracked.counts:
            campaign_id = None
        elif known is not None and link in known[1]:
            campaign_id = known[0]
        else:
            campaign_id = self._campaigns.find(code, link)
        if tracked is None or campaign_id is None:
            counts.unknown_tokens += 1
            return
        if host and not keyring.verify_host(code, link, host, seal, tracked.key_id):
            counts.unknown_tokens += 1
            return
        flags = Flag.SPECULATIVE if speculative else 0
        if method == "HEAD":
            flags |= Flag.HEAD
        if tracked.kind == "preview":
            flags |= Flag.PREVIEW
        if link:
            counts.clicks += 1
        else:
            counts.opens += 1
        reduced = _reduce(agent[:512])
        self._waiting.append(
            Event(at, campaign_id, _CLICK if link else _OPEN, link, tracked.pseudonym, reduced, flags)
        )


_FORMATS = "it reads combined, json, caddy and cloudfront; the common log format has no user agent"


class _Campaigns:
    """The campaigns of a store and the numbers of their links, as far as they were asked for.

    ``known`` has them by code: the id, and the numbers with 0 for the pixel.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.known: dict[str, tuple[int, set[int]]] = {}

    def find(self, code: str, link: int) -> int | None:
        """Return a campaign's id if it is there and has the link.

        What is not known is asked for each time, as it may be injected any moment. Only for tokens
        that verified.
        """
        known = self.known.get(code)
        if known is None:
            campaign = self._store.campaign_by_code(code)
            if campaign is None:
                return None
            numbers = {0, *(row.number for row in self._store.links(campaign.campaign_id))}
            known = self.known[code] = campaign.campaign_id, numbers
        campaign_id, numbers = known
        if link in numbers:
            return campaign_id
        if self._store.has_link(campaign_id, link):
            numbers.add(link)
            return campaign_id
        return None
