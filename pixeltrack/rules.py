"""The rules file ``rules.toml``: read once, checked key by key, and frozen."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeVar, cast, get_args

from pixeltrack.errors import InputError

Device = Literal["desktop", "mobile", "tablet"]
MachineKind = Literal["gateway", "headless", "library", "preview", "crawler"]


@dataclass(frozen=True, slots=True)
class Exact:
    """A fetch without the person, known by its whole ``agent``, written as the service sends it."""

    agent: str
    reason: str
    client: str
    provider: str


@dataclass(frozen=True, slots=True)
class Sign:
    """What shows a row in an agent: a lower-case piece of text, or a regular expression."""

    sought: str | re.Pattern[str]

    def is_in(self, agent: str, lowered: str) -> bool:
        """Whether it shows, in ``agent`` or in the same ``lowered``; both are given for speed."""
        if isinstance(self.sought, str):
            return self.sought in lowered
        return self.sought.search(agent) is not None


@dataclass(frozen=True, slots=True)
class Proxy:
    """A mail provider that fetches pictures for its readers and hides them."""

    sign: Sign
    client: str
    provider: str


@dataclass(frozen=True, slots=True)
class Client:
    """A mail program; ``os`` and ``device`` where the program alone settles them."""

    sign: Sign
    name: str
    os: str | None
    device: Device | None


@dataclass(frozen=True, slots=True)
class Machine:
    """A program that fetches without a reader."""

    sign: Sign
    kind: MachineKind


@dataclass(frozen=True, slots=True)
class Sweep:
    """How many distinct links of one message, in how much time, no person clicks.

    ``pixel_ms`` is how far from such a click the machine's own load of the pixel may be.
    """

    distinct_links: int
    within_ms: int
    pixel_ms: int


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole file. Rows stand in the order in which they are asked."""

    version: str
    exact: tuple[Exact, ...]
    proxies: tuple[Proxy, ...]
    clients: tuple[Client, ...]
    machines: tuple[Machine, ...]
    sweep: Sweep


@lru_cache(maxsize=1)
def rules() -> Rules:
    """The rules that pixeltrack brings, read at the first call."""
    path = Path(__file__).with_name("rules.toml")
    return parse(path.read_text(encoding="utf-8"), path.name)


def parse(text: str, name: str) -> Rules:
    """Return the rules in ``text``. What is wrong raises InputError with its path in ``name``."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not valid TOML: {error}") from error
    top = _Table(data, name)
    top.allow("version", "exact", "proxy", "client", "sweep", "machine")
    sweep = _Table(top.value("sweep", dict), f"{name}: sweep")
    sweep.allow("distinct_links", "within_ms", "pixel_ms")
    return Rules(
        version=top.value("version", str),
        exact=tuple(_exact(row) for row in top.rows("exact")),
        proxies=tuple(_proxy(row) for row in top.rows("proxy")),
        clients=tuple(_client(row) for row in top.rows("client")),
        machines=tuple(machine for row in top.rows("machine") for machine in _machines(row)),
        sweep=Sweep(*(sweep.value(key, int) for key in ("distinct_links", "within_ms", "pixel_ms"))),
    )


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Table:
    """One TOML table, with the path that an error names."""

    values: Mapping[str, object]
    path: str

    def allow(self, *keys: str) -> None:
        for key in self.values:
            if key not in keys:
                raise InputError(f"{self.path}: unknown key {key!r}", hint=f"known keys: {', '.join(keys)}")

    def value(self, key: str, kind: type[T], default: T | None = None) -> T:
        """The value of ``key``; the default if it is absent, or an error if there is none."""
        value = self.values.get(key, default)
        if type(value) is not kind:
            found = f"not {value!r}" if key in self.values else "and is missing"
            raise InputError(f"{self.path}: {key!r} must be a {kind.__name__}, {found}")
        return value

    def texts(self, key: str) -> list[str]:
        """The strings of an optional array."""
        texts = self.value(key, list, [])
        if not all(isinstance(text, str) and text for text in texts):
            raise InputError(f"{self.path}: {key!r} must hold strings that are not empty")
        return texts

    def rows(self, key: str) -> Iterator[_Table]:
        """The tables of an array; rows are counted from 1 in a path."""
        for number, row in enumerate(self.value(key, list), start=1):
            path = f"{self.path}: {key}[{number}]"
            if not isinstance(row, dict):
                raise InputError(f"{path} must be a table, not {row!r}")
            yield _Table(row, path)

    def sign(self) -> Sign:
        """What the row looks for: its ``token`` or its ``regex``."""
        if ("token" in self.values) == ("regex" in self.values):
            raise InputError(f"{self.path}: must have a 'token' or a 'regex', and not both")
        if "token" in self.values:
            return Sign(self.value("token", str).lower())
        return _regex(self.value("regex", str), self.path)


def _regex(pattern: str, path: str) -> Sign:
    try:
        return Sign(re.compile(pattern, re.IGNORECASE))
    except re.error as error:
        raise InputError(f"{path}: not a regular expression: {pattern!r}: {error}") from error


def _exact(row: _Table) -> Exact:
    row.allow("agent", "reason", "client", "provider")
    agent, reason = row.value("agent", str), row.value("reason", str)
    return Exact(agent, reason, row.value("client", str), row.value("provider", str))


def _proxy(row: _Table) -> Proxy:
    row.allow("token", "regex", "client", "provider")
    return Proxy(row.sign(), row.value("client", str), row.value("provider", str))


def _client(row: _Table) -> Client:
    row.allow("token", "regex", "name", "os", "device")
    os, device = row.value("os", str, ""), row.value("device", str, "")
    if device and device not in get_args(Device):
        raise InputError(f"{row.path}: 'device' must be one of {', '.join(get_args(Device))}")
    return Client(row.sign(), row.value("name", str), os or None, cast("Device", device) or None)


def _machines(row: _Table) -> Iterator[Machine]:
    row.allow("kind", "tokens", "regexes")
    kind = row.value("kind", str)
    if kind not in get_args(MachineKind):
        raise InputError(f"{row.path}: 'kind' must be one of {', '.join(get_args(MachineKind))}")
    signs = [Sign(token.lower()) for token in row.texts("tokens")]
    signs += [_regex(pattern, row.path) for pattern in row.texts("regexes")]
    yield from (Machine(sign, cast("MachineKind", kind)) for sign in signs)
