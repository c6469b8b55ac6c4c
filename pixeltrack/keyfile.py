"""The key file: made once, kept beside the database, readable by its owner alone."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from pathlib import Path
from tempfile import NamedTemporaryFile

from pixeltrack.errors import KeyFileError
from pixeltrack.tokens import KEY_BYTES, Keyring

_PREAMBLE = """\
# pixeltrack keys: one line a key, "number base64"; the highest number signs, all of them verify.
# Keep this file secret, and keep a copy: without it no link in mail already sent can be verified.
"""


def create(path: Path) -> Keyring:
    """Write a new key file with one key (mode 0600) and return its keyring; never overwrites.

    The file appears whole: nobody reads half a key.
    """
    key = secrets.token_bytes(KEY_BYTES)
    try:
        with NamedTemporaryFile("w", prefix=f".{path.name}-", dir=path.parent, encoding="ascii") as file:
            file.write(f"{_PREAMBLE}1 {base64.b64encode(key).decode()}\n")
            file.flush()
            os.fsync(file.fileno())
            os.link(file.name, path)
    except FileExistsError:
        raise KeyFileError(f"key file {path} exists already", hint="it is kept as it is") from None
    except OSError as error:
        raise KeyFileError(
            f"cannot write the key file {path}: {error.strerror}",
            hint="choose a folder that you may write to, with --key or --db",
        ) from None
    return Keyring({1: key})


def load(path: Path) -> Keyring:
    """Return the keyring of a key file.

    Raises KeyFileError when it is missing, malformed, or readable by anybody but its owner.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        raise KeyFileError(
            f"no key file at {path}",
            hint="name it with --key; a copy from a backup works, a new key would not",
        ) from None
    except OSError as error:
        raise KeyFileError(f"cannot read the key file {path}: {error.strerror}") from None
    if mode & 0o077:
        raise KeyFileError(
            f"the key file {path} can be read by others (mode {mode & 0o777:04o})",
            hint=f"chmod 600 {path}",
        )
    keys: dict[int, bytes] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        key_id, key = _parse(line, path, number)
        if key_id in keys:
            raise KeyFileError(
                f"{path} line {number} repeats key {key_id}",
                hint="each key has its own number; restore the file from a backup",
            )
        keys[key_id] = key
    if not keys:
        raise KeyFileError(f"the key file {path} holds no key", hint="restore it from a backup")
    return Keyring(keys)


def _parse(line: str, path: Path, number: int) -> tuple[int, bytes]:
    key_id, _, written = line.strip().partition(" ")
    try:
        key = base64.b64decode(written, validate=True)
        if len(key) == KEY_BYTES and 0 < int(key_id) < 256:
            return int(key_id), key
    except (binascii.Error, ValueError):
        pass
    raise KeyFileError(
        f"{path} line {number} is not a key",
        hint='expected "number base64", 32 bytes a key; restore the file from a backup',
    )
