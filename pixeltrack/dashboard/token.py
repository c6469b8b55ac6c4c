"""The token that lets somebody see the dashboard: in a file for its owner alone, in no log and no address."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

from pixeltrack.errors import KeyFileError

_TOKEN = re.compile(r"[!-~]{22,512}")  # as long as 128 bits in base64


def make(path: Path) -> bool:
    """Write a random token (256 bits) to a new file, mode 0600; return False if there is a file already.

    Raises KeyFileError when it cannot be written.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return False
    except OSError as error:
        raise KeyFileError(
            f"cannot write the dashboard's token to {path}: {error.strerror}",
            hint="name a file in a folder that you may write to, with --dashboard-token",
        ) from None
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
    return True


def read(path: Path) -> str:
    """Return the token in a file. Raises KeyFileError when it is missing, weak, or readable by others."""
    try:
        with path.open(encoding="ascii", errors="replace") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(1_024).strip()
    except OSError as error:
        raise KeyFileError(
            f"cannot read the dashboard's token in {path}: {error.strerror}",
            hint="remove it, and serve makes a new one",
        ) from None
    if mode & 0o077:
        raise KeyFileError(
            f"the dashboard's token in {path} can be read by others (mode {mode & 0o777:04o})",
            hint=f"chmod 600 {path}",
        )
    if not _TOKEN.fullmatch(text):
        raise KeyFileError(
            f"{path} holds no token of 22 or more characters without spaces",
            hint="remove it, and serve makes a new one; or: openssl rand -hex 32",
        )
    return text
