"""The country of an address, from a file in MaxMind's format that the user has.

None is shipped. Of what the file says of an address, only the two letters of the country are taken. The
package that reads it is an extra: ``pip install "pixeltrack[country]"``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from itertools import islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from pixeltrack.errors import InputError

if TYPE_CHECKING:
    from maxminddb import Reader
    from maxminddb.types import Record

_LOOKED_AT = 1_000  # networks of a file, of which one at least must have a country
_CODE = re.compile("[A-Z]{2}")
_HINT = "name a country or city file (.mmdb) as country_db, or remove that line"


def open_countries(path: Path) -> Callable[[bytes], str]:
    """Return what tells an address' country, as "DE", of its 4 or 16 bytes; empty when it is not known.

    Raises InputError when the file cannot be used, or the package that reads it is not installed.
    """
    try:
        from maxminddb import InvalidDatabaseError
    except ImportError:
        raise InputError(
            f"country_db is {path}, and the package that reads it is not installed: maxminddb",
            hint='pip install "pixeltrack[country]"',
        ) from None
    try:
        reader = _opened(path)
        known = any(_code(record) for _network, record in islice(reader, _LOOKED_AT))
    except OSError as error:
        raise InputError(
            f"cannot read the country file {path}: {error.strerror or error}", hint=_HINT
        ) from None
    except (InvalidDatabaseError, ValueError):
        raise InputError(f"{path} is no file in MaxMind's format, or a damaged one", hint=_HINT) from None
    if not known:
        raise InputError(f"{path} tells no countries ({reader.metadata().database_type})", hint=_HINT)

    def country(raw: bytes) -> str:
        try:
            return _code(reader.get(IPv4Address(raw) if len(raw) == 4 else IPv6Address(raw)))
        except (InvalidDatabaseError, ValueError):  # ValueError: IPv6, and the file has IPv4 alone
            return ""

    return country


def _opened(path: Path) -> Reader:
    """Open a copy that nobody else knows: it is mapped into memory, and writing over it would end us."""
    from maxminddb import open_database

    with path.open("rb") as file, NamedTemporaryFile(prefix="pixeltrack-", suffix=".mmdb") as copy:
        shutil.copyfileobj(file, copy)
        copy.flush()
        return open_database(copy.name)


def _code(record: Record | None) -> str:
    """Return the country of a record: as MaxMind and DB-IP write it, or flat, as others do."""
    if not isinstance(record, dict):
        return ""
    found = record.get("country")
    if isinstance(found, dict):
        found = found.get("iso_code")
    if not _is_code(found):
        found = record.get("country_code")
    return str(found) if _is_code(found) else ""


def _is_code(found: object) -> bool:
    return isinstance(found, str) and _CODE.fullmatch(found) is not None
