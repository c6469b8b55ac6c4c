"""A folder of many small files, one for each message."""

from __future__ import annotations

import os
from pathlib import Path

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_AGAIN = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class Folder:
    """A folder of many small files, each written by a single call."""

    def __init__(self, path: Path, *, resumed: bool) -> None:
        path.mkdir(exist_ok=resumed)
        self._path = path
        self._folders: list[Folder] = []
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        self._flags = _AGAIN if resumed else CREATE

    def make_folder(self, name: str) -> Folder:
        """Make a folder in it."""
        made = Folder(self._path / name, resumed=self._flags == _AGAIN)
        self._folders.append(made)
        return made

    def write(self, name: str, content: bytes) -> None:
        """Write one message's file, readable by its owner alone."""
        descriptor = os.open(name, self._flags, 0o600, dir_fd=self._descriptor)
        try:
            written = os.write(descriptor, content)
            while written < len(content):
                written += os.write(descriptor, memoryview(content)[written:])
        finally:
            os.close(descriptor)

    def close(self) -> None:
        for folder in self._folders:
            folder.close()
        os.close(self._descriptor)
