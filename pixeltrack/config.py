"""Settings: command line, then environment, then pixeltrack.toml, then defaults; one frozen value."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal, get_args

from pixeltrack import languages, replay, retention
from pixeltrack.consent import Policy
from pixeltrack.errors import InputError
from pixeltrack.model import MODES, Mode

DEFAULT_CONFIG = Path("pixeltrack.toml")
Metrics = Literal["local", "public", "off"]
LogFormat = Literal["text", "json"]
#: What is kept of a client's address: nothing, the first 24 bits (48 of IPv6), or all of it.
Ip = Literal["none", "truncated", "full"]
#: How exactly the moment of a hit is kept.
Moment = Literal["exact", "minute", "hour", "day"]
#: Whose rules hold: what ``init --preset`` writes. Of those of the European Economic Area "strict" and the
#: like ask for consent; California's ("us-ca") and the other states' for a way to object.
Preset = Literal["strict", "eu", "fr", "it", "uk", "us", "us-ca"]
#: Why people get the mail: they asked for it, it is part of a transaction, or neither.
MailBasis = Literal["requested", "transactional", "cold"]
OBJECTING: frozenset[str] = frozenset({"us", "us-ca"})
DEFAULT_BASE_URL = "http://127.0.0.1:8000"

# Every key of the file, and what it must be. An unknown one is refused with its path.
_KEYS: dict[str, type] = {
    "db": str,
    "key": str,
    "networks": str,
    "country_db": str,
    "base_url": str,
    "judging.rules": str,
    "consent.policy": str,
    "consent.preset": str,
    "consent.opens": str,
    "consent.clicks": str,
    "consent.without": str,
    "consent.mail_basis": str,
    "privacy.ip": str,
    "privacy.time": str,
    "retention.events_days": int,
    "retention.ip_days": int,
    "retention.consent_years": int,
    "sender.name": str,
    "sender.controller": str,
    "sender.contact": str,
    "notice.dpo": str,
    "notice.policy": str,
    "notice.recipients": list,
    "notice.transfers": str,
    "notice.authority": str,
    "pages.language": str,
    "pages.rights": str,
    "serve.host": str,
    "serve.port": int,
    "serve.spool_mb": int,
    "serve.replay_limit": int,
    "serve.metrics": str,
    "serve.log_format": str,
    "serve.trusted_proxy": list,
    "dashboard.listen": str,
    "dashboard.url": str,
    "dashboard.token_file": str,
}
_PATHS = ("db", "key", "networks", "country_db", "judging.rules", "dashboard.token_file")
_RANGES = {
    "retention.events_days": range(1, retention.MOST_EVENTS + 1),
    "retention.ip_days": range(1, retention.ADDRESSES + 1),
    "retention.consent_years": range(1, 31),
    "serve.port": range(65_536),
    "serve.spool_mb": range(1, 1_000_001),
    "serve.replay_limit": range(1, 1_000_001),
}
_KINDS: dict[type, str] = {
    str: "text in quotes",
    int: "a whole number",
    list: 'a list such as ["127.0.0.1"]',
}
_ENVIRONMENT = {
    "PIXELTRACK_DB": "db",
    "PIXELTRACK_KEY": "key",
    "PIXELTRACK_BASE_URL": "base_url",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command runs with. ``config`` is the file that was read, if there is one."""

    db: Path
    key: Path
    networks: Path  # the folder of the user's own network lists; it need not exist
    country_db: Path | None  # the user's file that tells an address' country
    base_url: str
    consent: Policy
    preset: Preset | None
    opens: Mode  # at most
    clicks: Mode
    without: Mode  # for people who have given no consent
    mail_basis: MailBasis | None
    events_days: int | None  # None: as long as purge keeps them by itself (``retention.EVENTS``)
    ip: Ip
    ip_days: int | None  # None: no address is kept
    moment: Moment
    consent_years: int  # that the proof of a consent is kept after it has ended
    sender: str | None
    controller: str | None
    contact: str | None
    dpo: str | None  # the data protection officer, and how to reach them
    privacy_policy: str | None  # where the sender's whole privacy policy is
    data_recipients: tuple[str, ...]  # who gets what is recorded, besides the sender
    transfers: str | None  # to which other countries it goes, and by what safeguards
    authority: str | None  # the data protection authority that takes complaints
    language: str  # of a recipient's pages, where neither the list nor the browser says one of ours
    own_rights: bool  # whether that page gives whoever has its link the data, and has them erased
    host: str
    port: int
    spool_mb: int  # how much may wait beside the database, for each worker
    replay_limit: int  # hits of one URL that are kept one by one, in an hour and by each worker
    metrics: Metrics  # who may read /metrics
    log_format: LogFormat
    trusted_proxies: frozenset[str]  # addresses of proxies whose X-Forwarded-For counts
    dashboard: str | None  # where the dashboard listens, as HOST:PORT; None: there is none
    dashboard_url: str | None  # what it is reached by, where that is another address
    dashboard_token: Path  # the file that holds its token; it need not exist
    rules: Path | None  # a file that adds to the rules of judging
    config: Path | None


def load(
    config: Path | None = None,
    options: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """Return the settings of a command.

    config is the file named on the command line (or by PIXELTRACK_CONFIG); without one,
    pixeltrack.toml in the current folder counts if it is there. options are the command's own, by
    the file's key names; None means not given. Paths in the file are relative to the file.
    """
    named = config or (
        Path(environment["PIXELTRACK_CONFIG"]) if environment.get("PIXELTRACK_CONFIG") else None
    )
    path = named or DEFAULT_CONFIG
    values: dict[str, Any] = {}
    if named or path.is_file():
        values = _read(path)
        for key in _PATHS:
            if key in values:
                values[key] = str(path.parent / values[key])
    values |= {key: environment[name] for name, key in _ENVIRONMENT.items() if environment.get(name)}
    values |= {key: value for key, value in (options or {}).items() if value is not None}
    for key, choices in (
        ("consent.policy", get_args(Policy)),
        ("consent.preset", get_args(Preset)),
        ("consent.opens", MODES),
        ("consent.clicks", tuple(mode for mode in MODES if mode != "hygiene")),  # that is of opens alone
        ("consent.without", MODES),
        ("consent.mail_basis", get_args(MailBasis)),
        ("pages.language", tuple(languages.LANGUAGES)),
        ("pages.rights", ("on", "off")),
        ("privacy.ip", get_args(Ip)),
        ("privacy.time", get_args(Moment)),
        ("serve.metrics", get_args(Metrics)),
        ("serve.log_format", get_args(LogFormat)),
    ):
        if values.get(key, choices[0]) not in choices:
            raise InputError(f"{path}: {key} is {values[key]!r}", hint=f"use one of: {', '.join(choices)}")
    db = Path(values.get("db", "pixeltrack.db"))
    if db.is_dir():
        raise InputError(f"database {str(db)!r} is a folder", hint="name a file with --db")
    return Settings(
        db=db,
        key=Path(values["key"]) if "key" in values else db.with_name("pixeltrack.key"),
        networks=Path(values["networks"]) if "networks" in values else db.with_name("pixeltrack.networks"),
        country_db=Path(values["country_db"]) if "country_db" in values else None,
        base_url=values.get("base_url", DEFAULT_BASE_URL),
        consent=_policy(values, path),
        preset=values.get("consent.preset"),
        opens=values.get("consent.opens", "individual"),
        clicks=values.get("consent.clicks", "individual"),
        without=values.get("consent.without", "off"),
        mail_basis=values.get("consent.mail_basis"),
        events_days=values.get("retention.events_days"),
        ip=values.get("privacy.ip", "none"),
        ip_days=_ip_days(values, path),
        moment=values.get("privacy.time", "exact"),
        consent_years=values.get("retention.consent_years", retention.CONSENT_YEARS),
        sender=values.get("sender.name"),
        controller=values.get("sender.controller"),
        contact=values.get("sender.contact"),
        dpo=values.get("notice.dpo"),
        privacy_policy=values.get("notice.policy"),
        data_recipients=_named(values.get("notice.recipients", ()), path),
        transfers=values.get("notice.transfers"),
        authority=values.get("notice.authority"),
        language=values.get("pages.language", languages.DEFAULT),
        own_rights=values.get("pages.rights", "on") == "on",
        host=values.get("serve.host", "127.0.0.1"),
        port=values.get("serve.port", 8000),
        spool_mb=values.get("serve.spool_mb", 256),
        replay_limit=values.get("serve.replay_limit", replay.LIMIT),
        metrics=values.get("serve.metrics", "local"),
        log_format=values.get("serve.log_format", "text"),
        trusted_proxies=frozenset(map(_proxy, values.get("serve.trusted_proxy", ()))),
        dashboard=values.get("dashboard.listen"),
        dashboard_url=values.get("dashboard.url"),
        dashboard_token=Path(values.get("dashboard.token_file", db.with_name("pixeltrack.token"))),
        rules=Path(values["judging.rules"]) if "judging.rules" in values else None,
        config=path if named or path.is_file() else None,
    )


def _policy(values: Mapping[str, Any], path: Path) -> Policy:
    """Return the policy; what a preset asks for is never less than asked for."""
    preset, policy = values.get("consent.preset"), values.get("consent.policy")
    required = preset is not None and preset not in OBJECTING
    if required and policy == "assumed":
        raise InputError(
            f"{path}: consent.policy is 'assumed', which consent.preset {preset!r} does not allow",
            hint='write policy = "required", or remove the line',
        )
    return policy or ("required" if required else "assumed")


def _named(given: Sequence[object], path: Path) -> tuple[str, ...]:
    """Return who gets what is recorded; each has to be text."""
    for each in given:
        if not isinstance(each, str) or not each.strip():
            raise InputError(
                f"{path}: notice.recipients has {each!r} in it, expected text in quotes",
                hint='for instance recipients = ["Example Hosting Ltd (runs our server)"]',
            )
    return tuple(map(str, given))


def _ip_days(values: Mapping[str, Any], path: Path) -> int | None:
    """Return for how long addresses are kept: whoever keeps any has to say so."""
    kept = values.get("privacy.ip", "none")
    if kept == "none":
        return None
    days: int | None = values.get("retention.ip_days")
    if days is None:
        raise InputError(
            f"{path}: privacy.ip is {kept!r}, and nothing says for how long",
            hint=f"add retention.ip_days, 1 to {retention.ADDRESSES}, and run pixeltrack purge every day",
        )
    return days


def _proxy(address: object) -> str:
    """Return a proxy's address as connections from it show it."""
    try:
        if isinstance(address, str):
            return str(ip_address(address))
    except ValueError:
        pass
    raise InputError(
        f"trusted proxy {address!r} is no IP address",
        hint="name each proxy by its address, as --trusted-proxy 127.0.0.1 does",
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"no configuration file {path}", hint="pixeltrack init writes one") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 (byte {error.start})", hint="save it as UTF-8") from None
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path} is not valid TOML: {error}") from None
    values = dict(_flatten(document))
    for key, value in values.items():
        expected = _KEYS.get(key)
        if expected is None:
            raise InputError(f"{path}: unknown key {key!r}", hint=f"known keys: {', '.join(sorted(_KEYS))}")
        if not isinstance(value, expected) or isinstance(value, bool):
            raise InputError(f"{path}: {key} is {value!r}, expected {_KINDS[expected]}")
        if value == "" and key in _PATHS:
            raise InputError(f"{path}: {key} is empty", hint="name a file, or remove the line")
        if isinstance(value, int) and value not in _RANGES[key]:
            least, most = _RANGES[key][0], _RANGES[key][-1]
            raise InputError(f"{path}: {key} is {value}, expected {least} to {most}")
    return values


def _flatten(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        found += _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return found
