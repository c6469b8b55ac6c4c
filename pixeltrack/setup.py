"""Making what pixeltrack runs on: the configuration file, the key and the database."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from pixeltrack import keyfile
from pixeltrack.config import Preset, Settings
from pixeltrack.consent import Policy
from pixeltrack.errors import InputError, KeyFileError, PixeltrackError
from pixeltrack.store import Store, open_store
from pixeltrack.tokens import Keyring


@dataclass(frozen=True, slots=True)
class _Terms:
    policy: Policy
    why: str


_EVENTS_DAYS = 180
_ASKED_FIRST = "only people who have granted it are measured by person"
_TERMS: dict[Preset, _Terms] = {
    "strict": _Terms(
        "required",
        "# The strictest reading of all: only who has granted it is measured, in whatever way; the others\n"
        "# get the same mail with its original links and no pixel.",
    ),
    "eu": _Terms(
        "required",
        f"# GDPR and ePrivacy art. 5(3): {_ASKED_FIRST}. Copies that are\n"
        "# counted together (aggregate or company) are made without asking.",
    ),
    "fr": _Terms(
        "required",
        f"# CNIL 2026-042: {_ASKED_FIRST}. Of mail that was asked for\n"
        '# (mail_basis "requested" or "transactional") hygiene, aggregate and company need no consent.\n'
        "# Whether counts without consent are free in France is not settled: ask your lawyer.",
    ),
    "it": _Terms(
        "required",
        f"# Garante 284/2026: {_ASKED_FIRST}. Only copies that are\n"
        "# the same for all (aggregate) need no consent.",
    ),
    "uk": _Terms(
        "required",
        f"# PECR reg. 6 and UK GDPR: {_ASKED_FIRST}. Statistics\n"
        "# (aggregate, company) need none, but a notice and a free objection.",
    ),
    "us": _Terms(
        "assumed",
        "# Notice and opt-out. People are tracked unless the list says denied or they stop it.",
    ),
    "us-ca": _Terms(
        "assumed",
        "# CCPA: notice and opt-out, by Global Privacy Control too. People are tracked unless the list says\n"
        "# denied or they stop it.",
    ),
}

_FILE = """\
# pixeltrack settings. A command-line option wins over the environment, which wins over this file.

# Where events are kept, and the key that signs every link. Keep a copy of the key: without it no
# link in mail already sent can be verified. Paths are relative to this file.
db = {db}
key = {key}

# The folder of your own network lists, which pixeltrack networks update writes.
# networks = "pixeltrack.networks"

# A file in MaxMind's format (.mmdb) that tells an address' country. With one, the two letters of the
# country are kept of each hit, beside its network. It needs: pip install "pixeltrack[country]"
# country_db = "country.mmdb"

# The public address of your collector (pixeltrack serve, behind HTTPS). It is written into every
# mail, so choose it for good: a subdomain of the domain that your mail comes from.
# base_url = "https://track.example.com"

[judging]
# A file that adds to the rules which tell machines from people.
# rules = "my-rules.toml"

[consent]
{why}
preset = "{preset}"
# "required": only a recorded grant is tracked.  "assumed": everybody who has not refused is.
policy = "{policy}"
# What may be measured at most, of opens and of clicks: off, aggregate (all together), company, hygiene (of
# opens alone: the day of the last one), pseudonymous or individual.
# opens = "individual"
# clicks = "individual"
# What of people whose consent is asked for and not given; the preset says what is allowed.
# without = "off"
# Why people get your mail: requested, transactional or cold.
# mail_basis = "requested"

[retention]
# How long you keep single events, in days (at most 760): the privacy page tells your readers, and
# pixeltrack purge --yes, which should run every day, deletes what is older. Totals stay.
events_days = {events_days}
# How long addresses of clients are kept, if [privacy] keeps any: at most 30 days.
# ip_days = 7
# How long the proof of a consent is kept after it has ended, in years.
# consent_years = 3

[privacy]
# What is kept of a client's address: "none", "truncated" (24 bits, of IPv6 48) or "full".
# ip = "none"
# How exactly the moment of a hit is kept: "exact", "minute", "hour" or "day". Telling machines from
# people by bursts needs seconds: anything else turns those rules off.
# time = "exact"

[sender]
# Shown to your readers on the unsubscribe, preferences and privacy pages.
# name = "Example Garden Shop"
# controller = "Example Garden Shop Ltd, 1 Long Lane, Exampletown"
# contact = "privacy@example.com"

[notice]
# What else the privacy notice says (pixeltrack notice prints it, the collector shows it at /privacy).
# dpo = "Dr Jane Doe, dpo@example.com"
# policy = "https://example.com/privacy"
# recipients = ["Example Hosting Ltd (runs our server)"]
# transfers = "none"
# authority = "Example Authority, www.authority.example"

[pages]
# The language of these pages for a reader whose list row (lang or language) and browser say none of ours:
# en, fr, de, it or es.
# language = "en"
# Whether people get a copy of their data, and have it erased, by buttons on their preferences page: "on" or
# "off". Whoever has the link from the mail is taken for the person.
# rights = "on"

[serve]
host = "127.0.0.1"
port = 8000
# How much may wait in the spool beside the database while it takes no hits, for each worker.
# spool_mb = 256
# How many hits of one URL are kept one by one in an hour; further ones are only counted.
# replay_limit = 20
# Who may read /metrics: "local" (this machine), "public" or "off".
# metrics = "local"
# Proxies whose X-Forwarded-For counts, by their address.
# trusted_proxy = ["127.0.0.1"]
# log_format = "text"
"""


@dataclass(frozen=True, slots=True)
class Workspace:
    """An open store with its keys, and the files that had to be made for it."""

    store: Store
    keyring: Keyring
    created: tuple[Path, ...]

    def discard(self) -> None:
        """Close, and remove the files that had to be made, if nobody has any use for them yet."""
        unused = bool(self.created) and self.store.is_unused()
        self.store.close()
        for path in self.created if unused else ():
            path.unlink(missing_ok=True)


def open_workspace(
    settings: Settings, *, create: bool, busy_ms: int = 5_000, follow: bool = False
) -> Workspace:
    """Open the key and the database; with create, make what is missing, never over what is there.

    With follow the store goes on with a database that comes back after it was deleted or replaced.

    A database without its key is an error, not a reason for a new key: its links would be dead.
    """
    created: list[Path] = []
    if create and not settings.key.exists() and not settings.db.exists():
        try:
            keyring = keyfile.create(settings.key)
            created.append(settings.key)
        except KeyFileError:
            if not settings.key.exists():
                raise
            keyring = keyfile.load(settings.key)  # another command has just made it
    elif not create and not settings.key.exists() and not settings.db.exists():
        raise InputError(
            f"nothing here yet: no database at {settings.db}",
            hint="pixeltrack inject campaign.html makes one; or name one with --db",
        )
    else:
        keyring = keyfile.load(settings.key)
    if create and not settings.db.exists():
        created.append(settings.db)
    try:
        store = open_store(
            *(settings.db, keyring),
            create=create,
            busy_ms=busy_ms,
            follow=follow,
            replay_limit=settings.replay_limit,
        )
    except PixeltrackError:
        if settings.key in created and not settings.db.exists():
            settings.key.unlink()
        raise
    return Workspace(store, keyring, tuple(created))


def write_config(path: Path, preset: Preset, db: Path | None = None, key: Path | None = None) -> None:
    """Write a commented configuration file; raise InputError when one is there already.

    db and key are written as the file will read them: relative to it, where they are below it.
    """
    terms = _TERMS[preset]
    text = _FILE.format(
        why=terms.why,
        preset=preset,
        policy=terms.policy,
        events_days=_EVENTS_DAYS,
        db=_written(db or path.parent / "pixeltrack.db", path.parent),
        key=_written(key or path.parent / "pixeltrack.key", path.parent),
    )
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        raise InputError(
            f"{path} exists already", hint="edit it, or remove it and run pixeltrack init again"
        ) from None
    except OSError as error:
        raise InputError(
            f"cannot write {path}: {error.strerror}", hint="choose a folder that you may write to"
        ) from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _written(path: Path, folder: Path) -> str:
    """Return a path as a TOML string that means the same file when read from a folder."""
    whole, home = path.absolute(), folder.absolute()
    return json.dumps(
        str(whole.relative_to(home) if whole.is_relative_to(home) else whole), ensure_ascii=False
    )
