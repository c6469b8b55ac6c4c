"""Backups, and putting one back so that it follows every erasure and refusal since it was made."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from pixeltrack import refusals, rights
from pixeltrack.errors import InputError, PixeltrackError, StoreError
from pixeltrack.ledger import Entry
from pixeltrack.refusals import Refusal
from pixeltrack.store import Store, open_store
from pixeltrack.store.salts import drop_salts
from pixeltrack.tokens import Keyring


class Restored(NamedTuple):
    """What putting back a backup did: people erased again, refusals recorded again, the old database."""

    erased: int
    refused: int
    trail: int  # rows that the replaced database had beyond the backup's
    aside: Path | None


def back_up(store: Store, path: Path) -> int:
    """Write a copy of the database that holds nothing deleted, and return its size in bytes.

    It appears whole or not at all, readable by its owner. The key is not in it.
    """
    if path.exists():
        raise InputError(f"{path} exists already", hint="name another file")
    store.note("backup")
    made = path.with_name(f".pixeltrack-{secrets.token_hex(6)}.partial")
    try:
        store.copy_to(made)
        _sync(made)
        os.link(made, path)  # fails where somebody was quicker
        size = path.stat().st_size
    except FileExistsError:
        raise InputError(f"{path} exists already", hint="name another file") from None
    except OSError as error:
        raise PixeltrackError(f"cannot write {path}: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)
    _sync(path.parent)
    return size


def restore(backup: Path, database: Path, keyring: Keyring, now: int) -> Restored:
    """Put a backup in the place of the database, which is kept aside.

    Every erasure and refusal that the file beside the database or the database itself knows of is done to
    the backup first. Raises StoreError, with everything as it was, where a program has the database open,
    or the backup cannot be used; ``now`` is ms UTC.
    """
    made = database.with_name(f".pixeltrack-{secrets.token_hex(6)}.partial")
    try:
        _copy(backup, made)
        with closing(open_store(made, keyring)) as store:
            known = refusals.read(database)
            rows = 0
            if database.exists():
                with closing(open_store(database, keyring)) as old:
                    known += old.known_refusals()
                    rows = store.go_on_with_trail(old.trail())
                    store.silence_as_there(old.silenced_everywhere())
                    store.take_over_hooks(
                        old.hooks(), {each.campaign_id: each.code for each in old.campaigns()}
                    )
                    if not old.leave_wal():
                        raise StoreError(
                            f"another program has the database {database} open",
                            hint="stop pixeltrack serve, then restore again",
                        )
            erased, refused = replay(store, keyring, known, now)
            store.note("restore", counts={"erased": erased, "refused": refused}, at=now)
            store.vacuum()
            if not store.leave_wal():
                raise StoreError(f"cannot finish {made}")
        refusals.place(made).unlink(missing_ok=True)
        _sync(made)
        aside = _set_aside(database, now)
        made.replace(database)
        _sync(database.parent)
        if aside:
            drop_salts(aside)
    except OSError as error:
        raise StoreError(f"cannot restore {database}: {error.strerror}") from None
    finally:
        for end in ("", "-wal", "-shm", "-journal", ".refusals"):
            made.with_name(f"{made.name}{end}").unlink(missing_ok=True)
    return Restored(erased, refused, rows, aside)


def check_followed(store: Store) -> None:
    """Raise StoreError for a database that is older than an erasure which the file beside it tells of."""
    begun = {subject for subject, _at in store.erasures()}  # these go on by themselves
    erased = [each for each in refusals.read(store.path) if each.act == "erased"]
    if not all(each.subject in begun or _is_done(store, each) for each in erased):
        raise StoreError(
            f"the database {store.path} is older than an erasure in {refusals.place(store.path)}",
            hint="a backup is put back with pixeltrack restore; after an interrupted forget run that again",
        )


def follow(store: Store, keyring: Keyring, now: int) -> int:
    """Do to a database what people refused since it was copied; return how many refusals were new to it.

    For what measures or prepares mail: somebody may have put a copy in its place by hand. Raises StoreError
    where an erasure is missing. ``now`` is ms UTC.
    """
    check_followed(store)
    told = [each for each in refusals.read(store.path) if each.act != "erased"]
    missing = [each for each in told if not store.knows(each)] if told else []
    return replay(store, keyring, missing, now)[1] if missing else 0


def _is_done(store: Store, erasure: Refusal) -> bool:
    return any(row.action == "forget" and row.at >= erasure.at for row in store.trail(erasure.subject))


def replay(store: Store, keyring: Keyring, known: Collection[Refusal], now: int) -> tuple[int, int]:
    """Do to a database what people refused; return how many were erased and how many refusals were new."""
    gone = {each.subject for each in known if each.act == "erased"}
    everybody = {keyring.subject(identity): identity for identity in store.identities()}
    refused = 0
    for each in dict.fromkeys(known):
        if each.act == "withdrew" and each.what in ("opens", "clicks", "retargeting"):
            entry = Entry(
                *(each.subject, each.what, "withdrawn", each.at, now),  # type: ignore[arg-type]
                *("restored", "refusals beside the database", None, "pixeltrack restore"),
            )
            identity = everybody.get(each.subject)
            refusing = {each.subject: identity} if identity and each.subject not in gone else {}
            if not _has(store, entry):
                refused += store.record_consents([entry], refusing)
        elif each.act in ("opted out", "erased"):
            refused += store.refuse(each.subject, each.what, each.at, everybody.get(each.subject))
    for subject in gone:
        if subject in everybody:
            rights.erase(store, keyring, everybody[subject], now, wait=1.0)
        else:
            store.note("forget", subject=subject, at=now)
    return len(gone & everybody.keys()), refused


def _has(store: Store, entry: Entry) -> bool:
    return any(
        (each.purpose, each.at) == (entry.purpose, entry.at) and each.decision != "granted"
        for each in store.consents_of(entry.subject)
    )


def _copy(backup: Path, made: Path) -> None:
    descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        source = backup.open("rb")
    except OSError as error:
        os.close(descriptor)
        raise InputError(f"cannot read {backup}: {error.strerror}") from None
    with source, os.fdopen(descriptor, "wb") as file:
        if source.read(16) != b"SQLite format 3\0":
            raise InputError(f"{backup} is no backup", hint="give a file that pixeltrack backup made")
        source.seek(0)
        shutil.copyfileobj(source, file, 1 << 20)


def _set_aside(database: Path, now: int) -> Path | None:
    if not database.exists():
        return None
    aside = database.with_name(f"{database.name}.before-restore-{now}")
    os.link(database, aside)
    for end in ("-wal", "-shm"):
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)
    return aside


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
