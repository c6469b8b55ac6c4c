"""Where the files that come with pixeltrack are: its templates and its examples."""

from __future__ import annotations

from pathlib import Path

from pixeltrack.errors import PixeltrackError

_PACKAGE = Path(__file__).parent


def templates_dir() -> Path:
    """Return the folder that holds ``pages/``."""
    return _folder("templates")


def examples_dir() -> Path:
    """Return the folder that holds one folder for each example."""
    return _folder("examples")


def _folder(name: str) -> Path:
    # A wheel carries the folder inside the package; in a checkout or an editable install it stands
    # beside it. Inside first: what stands beside an installed package belongs to other packages.
    places = (_PACKAGE / name, _PACKAGE.parent / name)
    for place in places:
        if place.is_dir():
            return place
    raise PixeltrackError(
        f"pixeltrack's own {name} are missing: no folder {' or '.join(map(str, places))}",
        hint="install pixeltrack again",
    )
