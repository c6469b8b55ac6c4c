"""Taking an injection back: from a copy and the manifest beside it to the mail as it was given."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from pixeltrack.edits import Change, take_back
from pixeltrack.errors import InputError, PixeltrackError
from pixeltrack.message import decoded_parts

_KINDS = ("tracked", "untracked", "opens", "clicks", "apart")  # of copies, as the manifest calls them
_LEVELS = 3  # a copy lies in a folder, or in a maildir's, below its manifest


def find_manifest(copy: Path) -> Path:
    """Return the manifest that a copy lies below; raise InputError where there is none."""
    for folder in list(copy.absolute().parents)[:_LEVELS]:
        if (folder / "manifest.json").is_file():
            return folder / "manifest.json"
    raise InputError(f"no manifest.json above {copy}", hint="name it with --manifest")


def restore(copy: bytes, name: str, manifest: Path) -> bytes:
    """Return the mail that a copy was made of, byte for byte as its SHA-256 in the manifest says.

    Raises InputError when the manifest is none of ours, or not this copy's; PixeltrackError for a
    copy that was personalised: its text was written for one person, and is nowhere else.
    """
    for record in _records(manifest):
        if record["personal"]:
            raise PixeltrackError(
                f"{name} was personalised, which cannot be taken back",
                hint="its text was filled in for one person; the mail as given is not in it",
            )
        for written in (copy, copy.replace(b"\n", b"\r\n")):  # a maildir has line feeds
            for which in (name for name in _KINDS if name in record):
                original = _undone(written, record, which)
                if original is not None and sha256(original).hexdigest() == record["sha256"]:
                    return original
    raise InputError(
        f"{name} is not a copy that {manifest} tells of, or was changed since",
        hint="name the manifest of its own run with --manifest",
    )


def _records(manifest: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the undo records of a run: one, or one for each message that had its own text."""
    try:
        record = json.loads(manifest.read_bytes())
        if not isinstance(record, dict) or record.get("pixeltrack_manifest") != 1:
            raise InputError(f"{manifest} is no manifest of pixeltrack")
        if "undo" in record:
            yield record["undo"]
            return
        if "versions" in record:
            for version in record["versions"].values():
                yield version["undo"]
            return
        with manifest.with_name("undo.jsonl").open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
    except OSError as error:
        raise InputError(f"cannot read {error.filename}: {error.strerror}") from None
    except ValueError:
        raise InputError(f"{manifest} is no manifest of pixeltrack") from None


def _undone(copy: bytes, record: Mapping[str, Any], which: str) -> bytes | None:
    changes = [Change(*each) for each in record[which]]
    recoded = record.get("recoded", {}).get(which, ())  # manifests of earlier versions do not have it
    if record["kind"] == "message" and (record["parts"] or recoded):
        copy = decoded_parts(copy, recoded)
    try:
        view = take_back(copy.decode(record["codec"]), changes, record["known"])
        written = view.encode(record["codec"])
    except (PixeltrackError, UnicodeError):
        return None
    pieces: list[bytes] = []
    position = 0
    for part in record["parts"]:
        pieces += (written[position : part["start"]], part["written"].encode("latin-1"))
        position = part["end"]
    return b"".join((*pieces, written[position:]))
