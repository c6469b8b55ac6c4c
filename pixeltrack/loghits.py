"""What a web server's log lines are worth: judged as the collector would have judged the requests.

Most hits are plain lines with a message's own token: those are read and verified many at a time. Every
other line is read by itself. Both ways give the same events, in the order of the lines.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, fields
from functools import lru_cache

from pixeltrack import agents, urls
from pixeltrack.accesslog import REDIRECTED, SHOWN, Hit, Plain, Reader, is_answered
from pixeltrack.dayhash import DAY
from pixeltrack.logclients import Client, LogClients
from pixeltrack.manytokens import MessageTokens
from pixeltrack.measured import kept, mode_of_hit
from pixeltrack.model import BY_HIT, SIGNAL, Event, EventKind, EventRow, Flag
from pixeltrack.remembered import Remembered
from pixeltrack.sitecalls import Signal, Visitor, drawn, travelling
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

_LONGEST = 512  # characters of an agent that are looked at, as the collector does
_MESSAGE = 28  # characters of a token without a recipient's number behind it
_OPEN, _CLICK = int(EventKind.OPEN), int(EventKind.CLICK)
_SHOWN, _REDIRECTED = (frozenset(b"%03d" % status for status in each) for each in (SHOWN, REDIRECTED))

_reduce = lru_cache(maxsize=8_192)(agents.reduce)


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


class LogHits:
    """Takes whole lines of one log, and keeps what they are until it is taken."""

    def __init__(self, reader: Reader, store: Store, keyring: Keyring, clients: LogClients) -> None:
        self._reader = reader
        self._keyring = keyring
        self._store = store
        self._campaigns = _Campaigns(store)
        self._tokens = MessageTokens(keyring)
        self._clients = clients
        # Hits whose tokens are still to be verified: time, campaign, link, agent, flags and client of each;
        # its campaign's code; its token.
        self._pending: list[tuple[int, int, int, str, int, Client]] = []
        self._codes: list[bytes] = []
        self._written: list[bytes] = []
        self.events: list[EventRow] = []
        self.signals: dict[Visitor, EventRow] = {}  # whose browsers ask not to be followed; the last of each
        self.counts = Counts()

    def forget(self) -> None:
        """Begin anew: what there was is stored."""
        self.events, self.signals, self.counts = [], {}, Counts()

    def read(self, block: bytes) -> None:
        if b"\0" in block:  # a hole: the file was cut off under a writer that does not append
            block = block.replace(b"\0", b"")
        start = 0
        while start < len(block):
            # A header may change how the lines behind it are read.
            is_header = block.startswith(b"#", start)
            if is_header:
                end = block.find(b"\n", start) + 1
            elif block.find(b"#", start) < 0:  # a byte is found far quicker than two
                end = len(block)
            else:
                end = block.find(b"\n#", start) + 1 or len(block)
            self._read_piece(block[start:end], None if is_header else self._reader.plain)
            start = end

    def _read_piece(self, piece: bytes, plain: Plain | None) -> None:
        if plain is None:
            lines = piece.split(b"\n")[:-1]
            self.counts.lines += len(lines)
            for line in lines:
                self._read_line(line)
        else:
            self._read_plain(piece, plain)
            self._verify()

    def _read_line(self, line: bytes) -> None:
        try:
            hit = self._reader.line(line.decode("latin-1"))
        except (ValueError, OverflowError):
            if line:
                self.counts.damaged += 1
            else:
                self.counts.not_ours += 1
            return
        if hit is None:
            self.counts.not_ours += 1
        else:
            self._judge_request(hit)

    def _read_plain(self, piece: bytes, plain: Plain) -> None:
        lines: list[bytes] = []
        time, said = plain.time, _remembering(plain)
        ready, counts = self._campaigns.ready, self.counts
        add, add_code, add_token = self._pending.append, self._codes.append, self._written.append
        midnight = day_end = 0
        all_found = plain.findall(piece)
        counts.lines += len(all_found)
        for place, found in enumerate(all_found):
            when, written, method, open_code, open_token, code, link, token, status, told, more = found
            try:
                if not when:
                    raise ValueError
                at, (agent, flags) = time(when), said[told, more]
            except (ValueError, OverflowError):
                lines = lines or piece.split(b"\n")
                self._read_line(lines[place])
                continue
            if status not in (_REDIRECTED if link else _SHOWN):
                counts.unanswered += 1
                continue
            if method == b"HEAD":
                flags |= Flag.HEAD
            if not midnight <= at < day_end:
                midnight = at // DAY * DAY
                day_end = midnight + DAY
                known = self._clients.on(at // DAY)
            code, token = open_code or code, open_token or token
            campaign = ready.get(code)
            number = campaign[1].get(link) if campaign else None
            signal = number and flags & SIGNAL
            if campaign is None or number is None or len(token) != _MESSAGE or signal:
                who = known[written]
                self._judge_token(at, code.decode(), int(link or 0), token.decode(), agent, flags, who)
            else:
                add((at, campaign[0], number, agent, flags, known[written]))
                add_code(code)
                add_token(token)

    def _verify(self) -> None:
        """Verify the tokens that wait for it, and keep their hits."""
        if not self._pending:
            return
        found = self._tokens.pseudonyms(self._codes, self._written)
        messages = [message for message in found if message is not None]
        if len(messages) < len(found):
            self._judge_each(found)
            return
        clicks = sum([1 for hit in self._pending if hit[2]])
        self.counts.clicks += clicks
        self.counts.opens += len(messages) - clicks
        self.events += [
            (at, campaign_id, _CLICK if link else _OPEN, link, message, agent, flags, network, address)
            for (at, campaign_id, link, agent, flags, (network, address)), message in zip(
                self._pending, messages, strict=True
            )
        ]
        self._forget_pending()

    def _judge_each(self, found: list[int | None]) -> None:
        """Keep the hits of those tokens that are verified, and judge the others by themselves."""
        batch = list(zip(self._pending, found, self._codes, self._written, strict=True))
        self._forget_pending()
        for (at, campaign_id, link, agent, flags, who), message, code, token in batch:
            if message is None:
                self._judge_token(at, code.decode(), link, token.decode(), agent, flags, who)
            elif link:
                self.counts.clicks += 1
                self.events.append((at, campaign_id, _CLICK, link, message, agent, flags, *who))
            else:
                self.counts.opens += 1
                self.events.append((at, campaign_id, _OPEN, 0, message, agent, flags, *who))

    def _forget_pending(self) -> None:
        for each in (self._pending, self._codes, self._written):  # the same lists are filled again
            each.clear()

    def _judge_request(self, hit: Hit) -> None:
        """Judge what a line says that was read by itself."""
        route = urls.parse(hit.path)
        if route is None or not route.code:  # only pixels and clicks name a campaign
            self.counts.not_ours += 1
        elif not is_answered(route.kind, hit.method, hit.status):
            self.counts.unanswered += 1
        else:
            flags = hit.flags | Flag.HEAD if hit.method == "HEAD" else hit.flags
            agent = _reduce(hit.agent[:_LONGEST])
            who = self._clients.on(hit.at // DAY)[hit.client.encode("latin-1", "replace")]
            self._judge_token(
                hit.at, route.code, route.link, route.token, agent, flags, who, route.host, route.seal
            )

    def _judge_token(
        self,
        at: int,
        code: str,
        link: int,
        token: str,
        agent: str,
        flags: int,
        who: Client,
        host: str = "",
        seal: str = "",
    ) -> None:
        """Judge a hit whose request was answered, and keep it if the token is ours, of whatever kind."""
        tracked = self._keyring.verify_tracking(code, token, link)
        campaign_id = self._campaigns.find(code, link) if tracked is not None and tracked.counts else None
        if (
            tracked is None
            or campaign_id is None
            or (host and not self._keyring.verify_host(code, link, host, seal, tracked.key_id))
        ):
            self.counts.unknown_tokens += 1
            return
        if tracked.kind == "preview":
            flags |= Flag.PREVIEW
        self._verify()  # what stands before it in the log
        if link:
            self.counts.clicks += 1
        else:
            self.counts.opens += 1
        kind = EventKind.CLICK if link else EventKind.OPEN
        event = Event(at, campaign_id, kind, link, tracked.pseudonym, agent, flags, *who)
        mode = mode_of_hit(tracked.mode, kind, flags)
        if mode not in BY_HIT and tracked.mode in BY_HIT and not flags & Flag.PREVIEW:
            refused = self._store.is_silenced(campaign_id, tracked.pseudonym, kind)
            mode = mode_of_hit(tracked.mode, kind, flags, refused=refused)
            if tracked.mode == "individual":  # as ``recording`` does: retargeting is denied
                visitor = Visitor(campaign_id, tracked.pseudonym, tracked.mode)
                self.signals[visitor] = travelling(Signal(drawn(), visitor), at)
        reduced = kept(event, mode)
        if reduced is not None:
            self.events.append(reduced)


@lru_cache(maxsize=16)
def _remembering(plain: Plain) -> Remembered[tuple[Hashable, bytes], tuple[str, int]]:
    """Return what plain lines say of agents, reduced, and the flags."""

    def said(told: tuple[Hashable, bytes]) -> tuple[str, int]:
        agent, flags = plain.said(*told)
        return _reduce(agent[:_LONGEST]), flags

    return Remembered(said, 4_096)


class _Campaigns:
    """The campaigns of a store and the numbers of their links, as far as they were asked for.

    ``ready`` has them by code, all as they are written in a log: the id, and each number by how it is
    written, which for the pixel's 0 is not at all.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self.ready: dict[bytes, tuple[int, dict[bytes, int]]] = {}

    def find(self, code: str, link: int) -> int | None:
        """Return a campaign's id if it is there and has the link.

        What is not known is asked for each time, as it may be injected any moment. Only for tokens
        that verified.
        """
        known = self.ready.get(code.encode())
        if known is None:
            campaign = self._store.campaign_by_code(code)
            if campaign is None:
                return None
            numbers = (row.number for row in self._store.links(campaign.campaign_id))
            known = campaign.campaign_id, {b"": 0, **{b"%d" % number: number for number in numbers}}
            self.ready[code.encode()] = known
        campaign_id, links = known
        written = b"%d" % link if link else b""
        if written not in links:
            if not self._store.has_link(campaign_id, link):
                return None
            links[written] = link
        return campaign_id
