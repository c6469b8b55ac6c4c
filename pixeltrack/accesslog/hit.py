"""One request as every format tells it, and what all of them need for that."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple
from urllib.parse import unquote


class Hit(NamedTuple):
    """One request of a log. ``at`` is milliseconds UTC, ``path`` is percent-decoded, without a query.

    ``flags`` are those of ``model.Flag`` that the log tells, without the method's. ``client`` is the words
    in which the client's address stands, if it is there.
    """

    at: int
    method: str
    path: str
    status: int
    agent: str
    flags: int = 0
    client: str = ""


class Damaged(ValueError):
    """A line that is not of its format."""


_ORIGIN = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def path(target: str) -> str:
    """Return the path of a request target as a WSGI server would: decoded, without the query."""
    if target[:1] != "/":
        target = _ORIGIN.sub("", target, count=1)  # absolute form (RFC 9112, section 3.2.2)
    if "?" in target or "#" in target:
        target = re.split("[?#]", target, maxsplit=1)[0]
    return unquote(target, "latin-1") if "%" in target else target


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
