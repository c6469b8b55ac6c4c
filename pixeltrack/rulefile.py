"""Reading a rules file: every key checked, every error with the file and the path in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from typing import Any, TypeVar, cast, get_args

from pixeltrack.errors import InputError
from pixeltrack.rulebook import (
    Certainty,
    Client,
    Device,
    Exact,
    Headers,
    Honeypot,
    Machine,
    MachineKind,
    Network,
    Points,
    Proxy,
    Reach,
    Rules,
    Sending,
    Sign,
    Spread,
    Sweep,
    Thresholds,
)

_ROWS = ("exact", "proxy", "client", "machine", "network")
_NUMBERS = ("sweep", "honeypot", "sending", "spread", "headers", "points", "thresholds")


def parse(text: str, name: str) -> Rules:
    """Return the rules in ``text``, which must have all of them.

    What is wrong raises InputError with its path in ``name``.
    """
    top = _top(text, name)
    top.allow("version", *_ROWS, *_NUMBERS)
    return _rules(top, top.value("version", str), None)


def add(text: str, name: str, base: Rules) -> Rules:
    """Return ``base`` with what a user's own file says: its rows are asked first, its numbers replace.

    The version names both, the file by its name and the first 8 hexadecimal digits of its SHA-256.
    """
    top = _top(text, name)
    if "version" in top.values:
        raise InputError(
            f"{name}: unknown key 'version'", hint="a file of your own adds to the rules of pixeltrack"
        )
    top.allow(*_ROWS, *_NUMBERS)
    mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return _rules(top, f"{base.version}+{name.rpartition('/')[2]}@{mark}", base)


def stands_alone(text: str, name: str) -> bool:
    """Return whether a rules file has a version of its own: then it is complete, else it adds to ours."""
    return "version" in _top(text, name).values


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

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self.value(key, str)
        if value not in choices:
            raise InputError(f"{self.path}: {key!r} must be one of {', '.join(choices)}, not {value!r}")
        return value

    def texts(self, key: str) -> list[str]:
        """The strings of an optional array."""
        texts = self.value(key, list, [])
        if not all(isinstance(text, str) and text for text in texts):
            raise InputError(f"{self.path}: {key!r} must hold strings that are not empty")
        return texts

    def rows(self, key: str, *, optional: bool = False) -> Iterator[_Table]:
        """The tables of an array; rows are counted from 1 in a path."""
        for number, row in enumerate(self.value(key, list, [] if optional else None), start=1):
            path = f"{self.path}: {key}[{number}]"
            if not isinstance(row, dict):
                raise InputError(f"{path} must be a table, not {row!r}")
            yield _Table(row, path)

    def sign(self) -> Sign:
        """What the row looks for: its ``token`` or its ``regex``."""
        if ("token" in self.values) == ("regex" in self.values):
            raise InputError(f"{self.path}: must have a 'token' or a 'regex', and not both")
        if "token" in self.values:
            token = self.value("token", str)
            if not token:
                raise InputError(f"{self.path}: 'token' is empty, which would be found in every agent")
            return Sign(token.lower())
        return _regex(self.value("regex", str), self.path)


def _top(text: str, name: str) -> _Table:
    try:
        return _Table(tomllib.loads(text), name)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{name}: not valid TOML: {error}") from error


def _rules(top: _Table, version: str, base: Rules | None) -> Rules:
    more = base is not None
    networks = {network.label: network for network in map(_network, top.rows("network", optional=more))}
    exact = tuple(_exact(row) for row in top.rows("exact", optional=more))
    proxies = tuple(_proxy(row) for row in top.rows("proxy", optional=more))
    clients = tuple(_client(row) for row in top.rows("client", optional=more))
    machines = tuple(machine for row in top.rows("machine", optional=more) for machine in _machines(row))
    if base is not None:
        networks = {**base.networks, **networks}
        exact, proxies = exact + base.exact, proxies + base.proxies
        clients, machines = clients + base.clients, machines + base.machines
    return Rules(
        version=version,
        exact=exact,
        proxies=proxies,
        clients=clients,
        machines=machines,
        networks=networks,
        sweep=_numbers(top, "sweep", Sweep, base.sweep if base else None),
        honeypot=_numbers(top, "honeypot", Honeypot, base.honeypot if base else None),
        sending=_numbers(top, "sending", Sending, base.sending if base else None),
        spread=_numbers(top, "spread", Spread, base.spread if base else None),
        headers=_numbers(top, "headers", Headers, base.headers if base else None),
        points=_numbers(top, "points", Points, base.points if base else None),
        thresholds=_thresholds(top, base),
    )


def _numbers(top: _Table, key: str, kind: type[T], base: T | None) -> T:
    """The numbers of one table, by the names of its value's fields. Only points may be below zero."""
    table = _Table(top.value(key, dict, {} if base is not None else None), f"{top.path}: {key}")
    names = [field.name for field in fields(cast("Any", kind))]
    table.allow(*names)
    numbers = {name: table.value(name, int, getattr(base, name, None)) for name in names}
    for name, number in numbers.items():
        if not -1_000 <= number <= 1_000_000_000 or (number < 0 and key != "points"):
            raise InputError(f"{table.path}: {name!r} is out of range: {number}")
    return kind(**numbers)


def _thresholds(top: _Table, base: Rules | None) -> Thresholds:
    limits = _numbers(top, "thresholds", Thresholds, base.thresholds if base else None)
    if limits.unknown > limits.scanner:
        raise InputError(f"{top.path}: thresholds: 'unknown' must not be above 'scanner'")
    return limits


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
    kind = cast("MachineKind", row.choice("kind", get_args(MachineKind)))
    signs = [Sign(token.lower()) for token in row.texts("tokens")]
    signs += [_regex(pattern, row.path) for pattern in row.texts("regexes")]
    yield from (Machine(sign, kind) for sign in signs)


def _network(row: _Table) -> Network:
    row.allow("label", "scope", "certainty")
    return Network(
        row.value("label", str),
        cast("Reach", row.choice("scope", get_args(Reach))),
        cast("Certainty", row.choice("certainty", get_args(Certainty))),
    )
