"""Rights of one person: a copy of all that is held of them, and having it erased."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pixeltrack import erasing, residues, verdicts
from pixeltrack.errors import StoreError
from pixeltrack.held import export_of
from pixeltrack.person import Person, patterns_of, person_of
from pixeltrack.spool import Spool, waiting_bytes
from pixeltrack.store import Store
from pixeltrack.tokens import Keyring

__all__ = ["Erased", "database_files", "erase", "export_of", "look", "patterns_of"]

_WAIT = 10.0  # seconds for others to finish with the journal and the spool
_SCOPE = "tracking"


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
    store.stop_measuring(person.subject, person.places, "all" if everything else _SCOPE, now)
    unfinished = []
    if not _spool_is_empty(store, wait):
        unfinished.append("hits wait in the spool beside the database: let serve take them up")
    verdicts.bring_up_to_date(store)  # what is not judged is in no total yet
    hits = erasing.delete_messages(store, person.everywhere, rows=True)
    counts = store.delete_person(identity, person.subject, person.everywhere, hits, actor, now)
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
                unfinished.append("another program reads the database: its journal still holds deleted rows")
    else:
        unfinished.append("another program reads the database: its journal still holds deleted rows")
    hashes, silenced = store.kept_rows(person.subject, person.everywhere)
    kept = {"keyed hash of the address": hashes, "silenced messages": sum(silenced.values())}
    patterns = sum(map(len, person.spellings.values())) + 2 * (1 + len(person.pseudonyms))
    return Erased(counts, kept, scanned, patterns, found, vacuumed, tuple(unfinished))


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


def look(path: Path, patterns: residues.Patterns) -> dict[str, int]:
    """Return what a file holds of patterns; an empty one and one that has just gone hold nothing."""
    try:
        return {name: times for name, times in residues.scan(path, patterns).items() if times}
    except FileNotFoundError:
        return {}


def database_files(path: Path) -> list[Path]:
    """Return the files of a database that can hold persons, those that are there."""
    named = [path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))]
    return [each for each in (*named, *sorted(path.parent.glob(f"{path.name}.spool-*"))) if each.is_file()]
