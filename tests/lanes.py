"""The lanes side by side: the same bytes into each, and what came out. Requests made at random."""

from __future__ import annotations

import re
import shutil
import socket
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from waitress.task import WSGITask

from pixeltrack.channel import Channel
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.dayhash import DayHash
from pixeltrack.minting import CampaignKeys, number
from pixeltrack.pages import Pages
from pixeltrack.parser import Parser
from pixeltrack.serve import Server, listen
from pixeltrack.store import open_store
from pixeltrack.tokens import Keyring

_DATE = re.compile(rb"\r\nDate: [^\r]+")
CLOCK = 1_790_000_000_000
PEERS = ("93.184.216.34", "198.51.100.7", "66.249.84.1", "127.0.0.1")  # the second is a trusted proxy


@dataclass(frozen=True)
class Outcome:
    """What a connection got for what it sent, and what was recorded of it."""

    answered: bytes
    closed: bool
    events: Sequence[tuple[object, ...]]
    opted_out: int


class Unhurried(Channel):
    """Waitress' own parser and tasks, without our ways to be quick."""

    parser_class = Parser
    task_class = WSGITask


class Lane:
    """A collector of its own over a copy of a database, fed through a connection without a network."""

    def __init__(self, path: Path, keyring: Keyring, settings: Settings, name: str) -> None:
        self._store = open_store(path, keyring, replay_limit=1_000_000_000)  # each event is looked at
        self._store._connection.execute("pragma synchronous = off")
        app = make_app(self._store, keyring, Pages(), settings, lambda: CLOCK, commit_each=False)
        self.server = Server(app, listen("127.0.0.1", 0), fast_lane=name == "fast")
        self.taken = 0  # requests that the fast lane has answered
        if name == "fast":
            self._count()
        if name == "waitress":
            self.server._listener.channel_class = Unhurried
        self._events = self._last_event()

    def _count(self) -> None:
        lane = self.server._listener.fast_lane
        assert lane
        hit = lane.hit

        def counted(*asked: Any) -> Any:
            where = hit(*asked)
            self.taken += where is not None
            return where

        lane.hit = counted

    def _rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self._store._connection.execute(query, values)]

    def _last_event(self) -> int:
        return int(self._rows("select coalesce(max(event_id), 0) from events")[0][0])  # type: ignore[call-overload]

    def feed(self, pieces: Sequence[bytes]) -> Outcome:
        """Send pieces, the first with the connection and one a turn of the loop; return what comes of them."""
        client, theirs = socket.socketpair()
        first, *others = pieces
        client.sendall(first)
        connection = socket.SocketType(theirs.family, theirs.type, theirs.proto, theirs.detach())
        self.server._listener.welcome(connection, (PEERS[len(first) % len(PEERS)], 1))
        answered, closed = b"", False
        client.setblocking(False)
        for piece in [b"", *others, b"", b""]:
            try:
                if piece:
                    client.sendall(piece)
            except OSError:
                pass  # it has hung up
            self.server._turn(0)
            while not closed:
                try:
                    data = client.recv(65_536)
                except BlockingIOError:
                    break
                except OSError:
                    data = b""
                answered += data
                closed = not data
        client.close()
        self.server._turn(0)
        query = (
            "select at, campaign_id, kind, link, message, agent, flags, network_id, address from events"
            " join agents using (agent_id) where event_id > ? order by event_id"
        )
        events = self._rows(query, self._events)
        self._events = self._last_event()
        (opted_out,) = self._rows("select count(*) from optouts")[0]
        return Outcome(_DATE.sub(b"\r\nDate: x", answered), closed, events, opted_out)  # type: ignore[arg-type]

    def close(self) -> None:
        self.server.stop()
        self.server.run()
        self._store.close()


def side_by_side(folder: Path, database: Path, keyring: Keyring, settings: Settings) -> list[Lane]:
    """Return the fast lane, the other one, and waitress by itself, each over its copy of a database."""
    settings = replace(settings, trusted_proxies=frozenset(PEERS[1:2]))
    store = open_store(database, keyring)
    DayHash(store, lambda: CLOCK)  # makes the day's salt, which all of them then have
    store.close()
    with sqlite3.connect(database) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
    lanes = []
    for name in ("fast", "other", "waitress"):
        path = folder / f"{name}.db"
        shutil.copy(database, path)
        lanes.append(Lane(path, keyring, settings, name))
    return lanes


AGENTS = (
    *(
        b"Mozilla/5.0 (Windows NT 10.0; Win64; x64)",
        b"",
        b" a ",
        b"\tb",
        b"a\tb",
        b"\xe9\xff",
        b"a,b",
        b"x" * 600,
    ),
    *(b"GoogleImageProxy", b"a\x00b", b"\x7f", b"a: b", b"HTTP/1.1"),
)
HEADERS = (
    *(
        b"Host: track.example.com",
        b"Accept: image/*;q=0.8",
        b"Accept-Encoding: gzip, br",
        b"Accept: */*",
        b"Accept-Language: fr",
        b"Sec-Fetch-Mode: navigate",
        b"Sec-Fetch-Mode: no-cors",
        b"Sec-GPC: 1",
        b"DNT: 1",
        b"X-Forwarded-For: 66.249.84.9",
        b"X-Forwarded-Proto: https",
        b"Cookie: a=b; c=d",
    ),
    *(b"X-Forwarded-For: 1.2.3.4", b"Forwarded: for=1.2.3.4", b"Referer: https://x/", b"X:", b"X: ", b"x:y"),
    *(b"Connection: close", b"Connection: keep-alive", b"connection: CLOSE", b"Connection: Keep-Alive "),
    *(
        b"Connection: upgrade",
        b"Connection: close, te",
        b"Connection:",
        b"CONNECTION:\tclose",
        b"Connection : close",
    ),
    *(
        b"Content-Length: 0",
        b"Content-Length: 5",
        b"Content-Length: 5, 5",
        b"Content-Length: -1",
        b"content-length: +1",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Transfer-Encoding: identity",
        b"Transfer_Encoding: chunked",
        b"TE: trailers",
    ),
    *(
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Sec-Purpose: prefetch",
        b"Purpose: preview",
        b"X-Moz: prefetch",
    ),
    *(
        b"X-Purpose: preview",
        b"X_Moz: prefetch",
        b"Purpose: nothing",
        b"Sec-Purpose:",
        b"X-Mozilla: prefetch",
    ),
    *(
        b"no colon",
        b": no name",
        b" folded",
        b"\tfolded",
        b"a b: c",
        b"na\xe9me: v",
        b"v: \xe9",
        b"v: \x01",
        b"v: a\rb",
    ),
    *(b"v: a\nb", b"User_Agent: other", b"Date: now", b"Content-Type: text/plain", b"Big: " + b"b" * 4_000),
)
BODIES = (b"", b"", b"", b"hello", b"5\r\nhello\r\n0\r\n\r\n", b"action=stop", b"\r\n", b"\r\n\r\n")
VERSIONS = (
    *(b" HTTP/1.1",) * 12,
    *(b" HTTP/1.0",) * 5,
    b"",
    b" HTTP/0.9",
    b" HTTP/2.0",
    b" HTTP/1.2",
    b" HTTP/1.1 ",
    b" http/1.1",
)
METHODS = (
    *(b"GET",) * 20,
    b"HEAD",
    b"HEAD",
    b"POST",
    b"OPTIONS",
    b"get",
    b"GET ",
    b" GET",
    b"\r\nGET",
    b"PUT",
)
ENDS = (*(b"",) * 12, b"?", b"?a=b", b"#x", b"/", b"%20", b".gif", b"~", b"?x y", b"\xe9", b"\\")
SLIPS = tuple(bytes((byte,)) for byte in b"\0\t\n\r !%&+,-./0:;=?@AZ[]_az~\x7f\x80\xff")


def paths(keys: CampaignKeys, people: int = 4) -> list[bytes]:
    """Return addresses of every kind of token; those that hold in mail sent to people come first."""
    pseudonyms = [keys.pseudonym(f"p{each}@x.example") for each in range(people)]
    tokens = [keys.message_token(each) for each in pseudonyms]
    tokens += [
        keys.preview_token(),
        keys.merge_token("4711"),
        keys.merge_token("{{id}}"),
        keys.merge_token(""),
    ]
    tokens += ["A" * 28, tokens[0][:-1] + "B"]
    bound = keys.bound_tokens(pseudonyms[0], [0, 1, 2])
    made = [f"/{kind}/{token}{end}" for token in tokens[:people] for kind, end in _sound(keys.code)]
    made += [f"/o/{keys.code}/{token}.gif" for token in [*tokens, bound[0], bound[1]]]
    made += [f"/c/{keys.code}/{link}/{token}" for link in (1, 2, 3, 9_999) for token in [*tokens, bound[1]]]
    host = "shop.example"
    made += [f"/c/{keys.code}/1/{host}~{keys.host_seal(1, host)}/{tokens[0]}", f"/o/aaaaaaaa/{tokens[0]}.gif"]
    made += [
        f"/{letter}/{keys.personal_token(purpose, pseudonyms[0])}"
        for letter, purpose in (("u", "unsubscribe"), ("p", "preferences"))
    ]  # type: ignore[arg-type]
    made += ["/", "/healthz", "/robots.txt", "http://x/o/", "//o/", "/o/x.gif"]
    return [path.encode() for path in made]


def _sound(code: str) -> list[tuple[str, str]]:
    return [(f"o/{code}", ".gif"), (f"c/{code}/1", ""), (f"c/{code}/2", "")]


def known(keys: CampaignKeys) -> int:
    """Return the number by which the first of the people in ``paths`` is recorded."""
    return number(keys.pseudonym("p0@x.example"))


def request(chance: Random, paths: Sequence[bytes]) -> bytes:
    """Return one request: most are plain, some are nearly so, and a few are anything."""
    path = chance.choice(paths[:12] if chance.random() < 0.6 else paths)
    if chance.random() < 0.7:  # what mail clients send
        agent = chance.choice(AGENTS[:5])
        extra = b"".join(each + b"\r\n" for each in chance.sample(HEADERS[:14], chance.randrange(4)))
        return b"GET %b%b\r\nUser-Agent: %b\r\n%b\r\n" % (path, chance.choice(VERSIONS[:17]), agent, extra)
    lines = [chance.choice(METHODS) + b" " + path + chance.choice(ENDS) + chance.choice(VERSIONS)]
    lines += [chance.choice(HEADERS) for _ in range(chance.randrange(6))]
    if chance.random() < 0.7:
        lines.append(
            chance.choice((b"User-Agent: ", b"user-agent:", b"USER-AGENT:  ")) + chance.choice(AGENTS)
        )
    chance.shuffle(rest := lines[1:])
    end = b"\r\n" if chance.random() < 0.95 else chance.choice((b"\n", b"\r", b"\r\r\n", b"\r\n\r\n"))
    return end.join([lines[0], *rest, b"", b""]) + chance.choice(BODIES)


def conversation(chance: Random, paths: Sequence[bytes]) -> list[bytes]:
    """Return what one connection sends, in the pieces in which it arrives."""
    sent = b"".join(request(chance, paths) for _ in range(chance.choice((1, 1, 2, 3, 5))))
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 2))):
        at = chance.randrange(len(sent))
        sent = chance.choice(
            (
                sent[:at] + chance.choice(SLIPS) + sent[at + 1 :],
                sent[:at] + sent[at + 1 :],
                sent[:at] + chance.choice(SLIPS) + sent[at:],
            )
        )
    cuts = sorted(chance.randrange(len(sent) + 1) for _ in range(chance.choice((0, 0, 0, 0, 1, 2, 4))))
    return [sent[start:end] for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]
