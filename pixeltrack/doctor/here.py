"""What can be seen on this machine: files, their modes, the database, the settings."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from glob import escape
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from pixeltrack import keyfile, retention, urls
from pixeltrack.config import DEFAULT_BASE_URL, Settings
from pixeltrack.dayhash import KEPT, day_of
from pixeltrack.doctor.check import Check, failed, ok, warning
from pixeltrack.doctor.hooks import check_hooks
from pixeltrack.errors import PixeltrackError
from pixeltrack.networks import read_lists
from pixeltrack.networks.countries import open_countries
from pixeltrack.spool import waiting_bytes
from pixeltrack.store import Health, examine

_DAY = 86_400_000  # milliseconds
_AHEAD = 300_000  # milliseconds that an event may be ahead of this clock
_WAL_LARGE = 256 << 20  # bytes; SQLite keeps it near 4 MB unless a reader holds it for long
_LISTS_OLD = 180  # days
_PURGE_LATE = 2 * _DAY  # since the last purge (requirement P7)
_SEVERAL = 20  # hits of which none need have a known client, in a small trial
_DISK_LOW, _DISK_OUT = 1 << 30, 100 << 20  # bytes
FILES = 2_040  # that a collector wants to have open at the same time: its connections, and some


def check_here(settings: Settings, now: int) -> list[Check]:
    """Look at the settings and at the files that they name. now is milliseconds UTC."""
    checks = [*_settings(settings), _base_url(settings.base_url), _files(), _lists(settings.networks, now)]
    if settings.country_db:
        checks.append(_countries(settings.country_db))
    if settings.db.exists() or settings.key.exists():
        checks += [_key(settings.key), *_database(settings, now), _disk(settings.db.absolute().parent)]
    else:
        hint = "pixeltrack inject makes one; or name one with --db"
        checks.append(warning("database", f"there is none at {settings.db}", hint))
    return checks


def _settings(settings: Settings) -> Iterator[Check]:
    where = str(settings.config) if settings.config else "no settings file; the defaults hold"
    yield ok("settings", where)
    who = "only a recorded grant is tracked"
    if settings.consent == "assumed":
        who = "whoever has not refused is tracked; init --preset eu asks for a grant"
    yield ok("consent", f"{settings.consent}: {who}")


def _base_url(base_url: str) -> Check:
    hint = "set base_url in pixeltrack.toml to the public https address of your collector"
    try:
        places = urls.addresses(base_url)
    except PixeltrackError as error:
        return failed("base url", error.message, error.hint or hint)
    if places.is_loopback:
        what = "not set" if base_url == DEFAULT_BASE_URL else places.base
        return warning("base url", f"{what}: links in mail lead to this machine only", hint)
    if not places.base.startswith("https:"):
        return warning("base url", f"{places.base} is not encrypted: mail programs warn of such links", hint)
    if _is_address(urlsplit(places.base).hostname or ""):
        return warning("base url", f"{places.base} is an address without a name, as spam has", hint)
    return ok("base url", places.base)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _files() -> Check:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < FILES:
        hint = f"raise it to {FILES:,} or more (LimitNOFILE= in a systemd unit, ulimit -Hn in a shell)"
        return warning("open files", f"a process here may open {most:,}: so few readers at a time", hint)
    return ok("open files", "enough for 2,000 connections of each worker")


def _lists(folder: Path, now: int) -> Check:
    try:
        lists = read_lists(folder)
    except PixeltrackError as error:
        return failed("networks", error.message, error.hint or "delete it, or update it")
    limit = f"{datetime.fromtimestamp(now / 1000, UTC) - timedelta(_LISTS_OLD):%Y-%m-%d}"
    old = [each.name for each in lists if each.date < limit]
    if old:
        hint = "pixeltrack networks update takes newer ones, from the publishers' files"
        return warning("networks", f"lists older than {_LISTS_OLD} days: {', '.join(old)}", hint)
    return ok("networks", f"{len(lists)} lists, none older than {_LISTS_OLD} days")


def _countries(path: Path) -> Check:
    try:
        open_countries(path)
    except PixeltrackError as error:
        return failed("countries", error.message, error.hint or "name another file")
    return ok("countries", str(path))


def _key(path: Path) -> Check:
    try:
        keyfile.load(path)
    except PixeltrackError as error:
        return failed("key", error.message, error.hint or "restore it from a backup")
    return ok("key", f"{path}, for its owner alone")


def _database(settings: Settings, now: int) -> Iterator[Check]:
    path = settings.db
    if not path.is_file():
        hint = "restore it from a backup, or name another with --db"
        yield failed("database", f"there is none at {path}, only its key", hint)
        return
    yield _modes(path)
    try:
        health = examine(path)
    except PixeltrackError as error:
        yield failed("database", error.message, error.hint or "restore it from a backup")
        return
    if health.damage:
        yield failed("database", f"{path} is damaged: {health.damage}", "restore it from a backup")
        return
    yield _made_by(path, health, settings.key)
    yield _journal(path, health)
    yield _clock(health, now)
    yield _age(settings.events_days, health, now)
    yield _erasures(health, now)
    yield from check_hooks(health.hooks, now)
    yield _salts(health, now)
    yield _clients(health, settings.base_url)
    waiting = waiting_bytes(path)
    if waiting:
        hint = "start pixeltrack serve; if it is running, its log says why the database does not take them"
        yield warning("spool", f"{waiting:,} bytes of hits wait beside the database", hint)
    else:
        yield ok("spool", "no hit waits beside the database")


def _erasures(health: Health, now: int) -> Check:
    """Who has asked on their own page to be erased: a collector does that within minutes."""
    if not health.asked:
        return ok("erasures", "nobody waits to be erased")
    said = f"{len(health.asked)} people have asked to be erased and wait"
    hint = "pixeltrack forget --asked erases them, or says what is in the way"
    if now - health.asked[0] > _DAY:
        return failed("erasures", f"{said}, the first for {(now - health.asked[0]) // _DAY} days", hint)
    return warning("erasures", said, hint)


def _made_by(path: Path, health: Health, key: Path) -> Check:
    if health.schema == 0:
        return failed("database", f"{path} belongs to another program", "name another with --db")
    if health.schema > health.known_schema:
        made = f"{path} was made by a newer pixeltrack (schema {health.schema})"
        return failed("database", f"{made}, this one knows {health.known_schema}", "upgrade pixeltrack")
    try:
        if health.key not in (None, keyfile.load(key).check_value()):
            hint = "give the right one with --key, or another database with --db"
            return failed("database", f"the key {key} is not the one that made {path}", hint)
    except PixeltrackError:
        pass  # said already, as the key's own check
    older = "" if health.schema == health.known_schema else ", which the next command brings up to date"
    return ok("database", f"{path}: whole, schema {health.schema}{older}")


def _modes(path: Path) -> Check:
    private = [path, *(Path(f"{path}{end}") for end in ("-wal", "-shm"))]
    private += path.absolute().parent.glob(f"{escape(path.name)}.spool-*")
    for file in private:
        if file.exists() and file.stat().st_mode & 0o077:
            mode = f"{file.stat().st_mode & 0o777:04o}"
            return failed("file modes", f"{file} can be read by others (mode {mode})", f"chmod 600 {file}")
    return ok("file modes", "the database and what belongs to it are for their owner alone")


def _journal(path: Path, health: Health) -> Check:
    if health.wal_bytes > _WAL_LARGE:
        hint = "stop programs that read it for hours; it shrinks when pixeltrack serve stops"
        return warning("journal", f"{path}-wal has grown to {health.wal_bytes:,} bytes", hint)
    return ok("journal", f"{health.wal_bytes:,} bytes")


def _clock(health: Health, now: int) -> Check:
    if health.newest is not None and health.newest > now + _AHEAD:
        ahead = f"{datetime.fromtimestamp(health.newest / 1000, UTC):%Y-%m-%d %H:%M}"
        hint = "set this machine's clock by NTP, and that of the machine that collects"
        return failed("clock", f"the newest event is of {ahead} UTC, which is still to come", hint)
    return ok("clock", "no event is ahead of it")


def _age(days: int | None, health: Health, now: int) -> Check:
    """Old events are a fault only where nobody takes them away: they age by day, purge runs by night."""
    limit = days or retention.EVENTS
    age = 0 if health.oldest is None else (now - health.oldest) // _DAY
    hint = "run pixeltrack purge --yes every day, by cron or a timer; docs/retention.md has the line"
    said = f"the oldest event is {age} days old, and {limit} is the limit"
    ran = "purge has never run"
    if health.last_purge is not None:
        ran = f"purge ran {max(0, now - health.last_purge) // _DAY} days ago"
    late = health.last_purge is None or now - health.last_purge > _PURGE_LATE
    if late and health.oldest is not None and now - health.oldest > limit * _DAY + retention.HOUR:
        return failed("retention", f"{said}; {ran}", hint)
    if days is None:
        return warning(
            "retention",
            f"no limit is set, so purge takes {limit} days; {ran}",
            "set retention.events_days, which the privacy page tells your readers",
        )
    if health.last_purge is None and health.oldest is not None:
        return warning("retention", f"{said}; {ran}", hint)
    return ok("retention", f"{said}; {ran}")


def _salts(health: Health, now: int) -> Check:
    """Yesterday's salt is kept for an hour; a minute more is given to whoever deletes it."""
    first, last = day_of(now - KEPT - 60_000), day_of(now + _DAY)
    old = [day for day in health.salts if not first <= day <= last]
    if old:
        hint = "start pixeltrack serve, or run pixeltrack ingest: both delete them"
        return warning("salts", f"those of {', '.join(old)} could still lead from a hit to an address", hint)
    return ok("salts", "none but the day's")


def _clients(health: Health, base_url: str) -> Check:
    """Behind a proxy that is not trusted, or by a log without addresses, nobody's network is known."""
    if health.known:
        return ok("clients", "their addresses are known when they ask, and looked up in the network lists")
    if health.lately < _SEVERAL or not base_url.startswith("https:"):
        return ok("clients", "too few hits of readers elsewhere to say whether their addresses are known")
    hint = "let the proxy set X-Forwarded-For, and name it: serve --trusted-proxy 127.0.0.1"
    said = f"the address of none of the last {health.lately} hits was known: rules about networks are silent"
    return warning("clients", said, hint)


def _disk(folder: Path) -> Check:
    free = shutil.disk_usage(folder).free
    size = f"{free / (1 << 20):,.0f} MB are free in {folder}"
    hint = "make room: when it is full, hits wait in memory and are lost when that ends"
    if free < _DISK_OUT:
        return failed("disk", size, hint)
    return warning("disk", size, hint) if free < _DISK_LOW else ok("disk", size)
