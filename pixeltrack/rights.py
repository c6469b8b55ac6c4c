"""Rights of one person: a copy of all that is held of them, and having it erased."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from pixeltrack import erasing, refusals, residues, verdicts
from pixeltrack.errors import StoreError
from pixeltrack.held import export_of
from pixeltrack.model import Scope
from pixeltrack.person import Person, patterns_of, person_of
from pixeltrack.spool import Spool, waiting_bytes
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

__all__ = [
    "Erased",
    "database_files",
    "erase",
    "erase_asked",
    "export_of",
    "look",
    "own_files",
    "patterns_of",
    "set_aside",
]

_WAIT = 10.0  # seconds for others to finish with the journal and the spool
_READ = "another program reads the database: its journal still holds deleted rows"


@dataclass(frozen=True, slots=True)
class Erased:
    """What an erasure did. ``residues`` are finds that nothing explains, by file and kind; none is right.

    ``kept`` says what stays on purpose. ``unfinished`` says what still has to happen, where anything has.
    """

    counts: Mapping[str, int]
    kept: Mapping[str, int]
    scanned: int  # bytes
    patterns: int
    residues: Mapping[str, Mapping[str, int]]
    vacuumed: bool
    unfinished: tuple[str, ...] = ()


def erase(
    store: Store,
    keyring: Keyring,
    identity: str,
    now: int,
    actor: str | None = None,
    *,
    everything: bool = False,
    wait: float = _WAIT,
) -> Erased:
    """Erase a person: every row, the spool, the journal; then look for them byte by byte.

    From the first transaction on no hit of theirs is stored, also of mail that they have. Whoever is
    interrupted runs it again. With ``everything`` they get no mail any more either. ``now`` is ms UTC.
    """
    person = person_of(store, keyring, identity)
    scopes: tuple[Scope, ...] = ("tracking", "all") if everything else ("tracking",)
    store.stop_measuring(person.subject, person.places, scopes, now)
    unfinished = []
    if not _spool_is_empty(store, wait):
        unfinished.append("hits wait in the spool beside the database: let serve take them up")
    verdicts.bring_up_to_date(store)  # what is not judged is in no total yet
    hits = erasing.delete_messages(store, person.everywhere, rows=True)
    counts = store.delete_person(identity, person.subject, hits, actor, now, person.written)
    found: dict[str, dict[str, int]] = {}
    scanned, vacuumed = 0, False
    if store.empty_journal(wait):
        found, scanned = _left(store, person)
        if found:
            store.vacuum()
            vacuumed = True
            if store.empty_journal(wait):
                found, scanned = _left(store, person)
            else:
                unfinished.append(_READ)
    else:
        unfinished.append(_READ)
    if not unfinished and store.erasure_done(person.subject):
        store.empty_journal(wait)
    hashes, silenced = store.kept_rows(person.subject, person.everywhere)
    kept = {"keyed hash of the address": hashes, "silenced messages": sum(silenced.values())}
    patterns = sum(map(len, person.spellings.values())) + 2 * (1 + len(person.pseudonyms))
    return Erased(counts, kept, scanned, patterns, found, vacuumed, tuple(unfinished))


def erase_asked(store: Store, keyring: Keyring, now: Callable[[], int]) -> Iterator[Erased]:
    """Erase all who have asked for it on their own pages, one after the other, as long as there are any.

    They get no mail any more, either. Of who was only counted with others no row leads to them: then there
    is nothing to delete. Whoever cannot be finished goes on waiting, and is not tried twice.
    """
    tried: set[bytes] = set()
    while waiting := [subject for subject, _at in store.erasures() if subject not in tried]:
        subject = waiting[0]
        tried.add(subject)
        identity = store.identity_of(subject)
        if identity is not None:
            yield erase(store, keyring, identity, now(), "recipient", everything=True)
        elif store.was_erased(subject):  # its journal may be there still
            empty = _spool_is_empty(store, _WAIT) and store.empty_journal(_WAIT)
            done = empty and store.erasure_done(subject)
            yield Erased({}, {}, 0, 0, {}, vacuumed=False, unfinished=() if done else (_READ,))
        else:
            store.note("forget", subject=subject, actor="recipient", at=now())
            store.erasure_done(subject)
            yield Erased({}, {}, 0, 0, {}, vacuumed=False)


def _spool_is_empty(store: Store, wait: float) -> bool:
    """Take up what dead collectors left, and wait for living ones to take up theirs."""
    deadline = time.monotonic() + wait
    while waiting_bytes(store.path):
        spool = Spool(store.path)
        try:
            while spool.take_up(store):
                pass
        except StoreError:
            pass
        finally:
            spool.close()
        if not waiting_bytes(store.path):
            break
        if time.monotonic() >= deadline:
            return False
        time.sleep(0.1)
    return True


def _left(store: Store, person: Person) -> tuple[dict[str, dict[str, int]], int]:
    """Return what of a person is in the files of the database beyond what stays, and their size."""
    hashes, silenced = store.kept_rows(person.subject, person.everywhere)
    found: dict[str, dict[str, int]] = {}
    size = 0
    for path in database_files(store.path):
        size += path.stat().st_size
        here = look(path, person.spellings)
        if path == store.path:
            whole = residues.scan(path, {"subject": [person.subject]})["subject"] - hashes
            here |= {"subject": whole} if whole > 0 else {}
            more = 0
            for place, raw in person.pseudonyms.items():
                seen = residues.scan(path, {"pseudonym": [raw]})["pseudonym"]
                more += max(0, seen - silenced.get(place, 0))
            here |= {"pseudonym": more} if more else {}
        if here:
            found[path.name] = here
    return found, size


def set_aside(path: Path) -> list[Path]:
    """Return whole databases beside one, with everybody: those that stood there before a backup was put
    back, and what a backup or a restore has left that was killed.
    """
    left = [each for each in path.parent.glob(".pixeltrack-*.partial*") if each.is_file()]
    return [*_beside(path, "before-restore"), *sorted(left)]


def own_files(path: Path) -> set[Path]:
    """Return the files of a database that an erasure sees to by itself, absolute."""
    return {each.absolute() for each in (*database_files(path), refusals.place(path))}


def look(path: Path, patterns: residues.Patterns) -> dict[str, int]:
    """Return what a file holds of patterns; an empty one and one that has just gone hold nothing."""
    try:
        return {name: times for name, times in residues.scan(path, patterns).items() if times}
    except FileNotFoundError:
        return {}


def database_files(path: Path) -> list[Path]:
    """Return the files of a database that can hold persons, those that are there."""
    named = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]
    return [each for each in named if each.is_file()] + _beside(path, "spool")


def _beside(path: Path, what: str) -> list[Path]:
    found = path.parent.glob(f"{escape(path.name)}.{what}-*")
    return sorted(each for each in found if each.is_file())
