"""Requests that are nearly right: mutated tokens, paths, queries, methods and headers."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from ground import PERSON, Ground

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "GETT", "")
_EVIL = (
    "https://evil.example/",
    "//evil.example/%2e%2e",
    "javascript:alert(1)",
    "\r\nLocation: https://evil.example/",
    "%0d%0aSet-Cookie: a=b",
    "../../etc/passwd",
    "' or 1=1 --",
    "\x00",
    "\u202e\xe9\u4f60",
    "\x1b[31m",
    "A" * 300,
    "{{7*7}}",
    "*|UNIQID|*",
)
_HEADERS = (
    *("HOST", "USER_AGENT", "REFERER", "COOKIE", "RANGE", "ACCEPT", "ORIGIN", "CONTENT_TYPE", "FORWARDED"),
    *("X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PROTO", "X_HTTP_METHOD_OVERRIDE", "X_ORIGINAL_URL"),
    *("PURPOSE", "SEC_PURPOSE", "X_MOZ", "X_PURPOSE", "IF_NONE_MATCH", "AUTHORIZATION"),
)
_QUERIES = ("url", "u", "to", "redirect", "next", "r", "link", "goal", "token", "action", "callback")
_ALPHABET = string.ascii_letters + string.digits + "-_"


@dataclass
class Case:
    """A request, and whether it may be answered as one of ours: its path is one that we made."""

    path: str
    method: str = "GET"
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    genuine: bool = False


class Mutations:
    """An endless supply of cases, the same for the same seed."""

    def __init__(self, ground: Ground, seed: int) -> None:
        self.chance = random.Random(seed)
        keys = ground.keys
        ours: set[str] = set()
        for pseudonym in (keys.pseudonym(PERSON), *(number.to_bytes(8, "big") for number in range(50))):
            token = keys.message_token(pseudonym)
            bound = keys.bound_tokens(pseudonym, [0, 1, 2])
            ours |= {f"/o/{ground.code}/{each}.gif" for each in (token, bound[0])}
            for link in (1, 2):
                seal = keys.host_seal(link, "shop.example")
                before = f"/c/{ground.code}/{link}/"
                ours |= {before + token, before + bound[link], f"{before}shop.example~{seal}/{token}"}
            ours.add("/u/" + keys.personal_token("unsubscribe", pseudonym))
            ours.add("/p/" + keys.personal_token("preferences", pseudonym))
        self._ours = frozenset(ours)
        self._paths = sorted(ours)
        self._hits = [path for path in self._paths if path[1] in "oc"]
        self._kinds: list[Callable[[], Case]] = [
            self._token,
            self._token,
            self._token,
            self._path,
            self._path,
            self._around,
            self._method,
        ]

    def next(self) -> Case:
        case = self.chance.choice(self._kinds)()
        case.genuine = case.path in self._ours
        if case.genuine and case.method == "POST" and case.path[1] in "up":
            case.method = "GET"  # else the person really opts out
        return case

    def is_inside(self, raw: bytes) -> bool:
        """Return whether one of our paths stands in a request: a parser may leave away what is around it."""
        said = unquote_to_bytes(raw)
        return any(path.encode() in said for path in self._paths)

    def _token(self) -> Case:
        """Change one or a few characters of the token, or put another's part there."""
        path = self.chance.choice(self._paths)
        end = len(path) - (4 if path.endswith(".gif") else 0)
        start = path.rindex("/") + 1
        token = self._edit(path[start:end], _ALPHABET if self.chance.random() < 0.8 else None)
        return Case(path[:start] + token + path[end:], self.chance.choice(("GET", "GET", "HEAD", "POST")))

    def _path(self) -> Case:
        """Change anything of the path: codes, link numbers, slashes, ends."""
        path = self.chance.choice(self._paths)
        roll = self.chance.random()
        if roll < 0.5:
            path = self._edit(path, None)
        elif roll < 0.7:
            parts = path.split("/")
            parts[self.chance.randrange(len(parts))] = self._word()
            path = "/".join(parts)
        elif roll < 0.85:
            path += self._word()
        else:
            path = "/" + "/".join(self._word() for _ in range(self.chance.randint(0, 5)))
        return Case(path, self.chance.choice(("GET", "GET", "HEAD", "POST")))

    def _around(self) -> Case:
        """Leave the path as it was, and change what a request may say beside it."""
        case = Case(self.chance.choice(self._paths), self.chance.choice(("GET", "HEAD")))
        case.query = "&".join(
            f"{self.chance.choice(_QUERIES)}={self._word()}" for _ in range(self.chance.randint(0, 3))
        )
        for name in self.chance.sample(_HEADERS, self.chance.randint(0, 4)):
            case.headers[name] = self._word()
        return case

    def _method(self) -> Case:
        """Another method, with or without a body."""
        path, method = self.chance.choice(self._hits), self.chance.choice(METHODS[2:])
        return Case(path, method, body=self._word().encode("utf-8", "replace") * self.chance.randint(0, 2))

    def _edit(self, text: str, alphabet: str | None) -> str:
        for _ in range(self.chance.choice((1, 1, 1, 2, 5))):
            at = self.chance.randrange(len(text) + 1)
            new = self.chance.choice(alphabet) if alphabet else chr(self.chance.choice(_CODES))
            text = text[:at] + self.chance.choice(("", new, new)) + text[at + self.chance.randint(0, 1) :]
        if self.chance.random() < 0.1:
            text = text.swapcase()
        return text

    def _word(self) -> str:
        roll = self.chance.random()
        if roll < 0.4:
            return self.chance.choice(_EVIL)
        if roll < 0.6:
            return str(self.chance.choice((0, 1, 2, 3, -1, 9_999_999, 10**20)))
        if roll < 0.8:
            return self.chance.choice(self._paths)
        return "".join(chr(self.chance.choice(_CODES)) for _ in range(self.chance.randint(0, 12)))


_CODES = [*range(0x20, 0x7F)] * 4 + [*range(0x20), *range(0x7F, 0x100)]  # WSGI paths are latin-1
