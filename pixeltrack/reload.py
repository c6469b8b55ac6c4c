"""Reading again, while the collector runs, what it was started with: keys, pages and link tables."""

from __future__ import annotations

import logging
from pathlib import Path

from pixeltrack import keyfile
from pixeltrack.collector import Collector
from pixeltrack.config import Settings
from pixeltrack.errors import KeyFileError, PixeltrackError
from pixeltrack.pages import Pages

log = logging.getLogger("pixeltrack.reload")


def reload(app: Collector, settings: Settings, templates: Path | None) -> None:
    """Give a collector the keys and pages as they are on the disk now; what is broken stays as it was."""
    keyring, pages = app.keyring, app.pages
    try:
        found = keyfile.load(settings.key)
        if found.check_value() != keyring.check_value():
            raise KeyFileError(f"{settings.key} is not the key file that made the database")
        if not found.holds(keyring):
            raise KeyFileError(f"{settings.key} lacks a key that is in use")
        keyring = found
    except KeyFileError as error:
        log.error("%s; the keys stay as they were", error)
    try:
        pages = Pages(templates)
    except PixeltrackError as error:
        log.error("%s; the pages stay as they were", error)
    app.reload(keyring, pages)
    log.warning("keys, pages and link tables are read again")
