"""The log: one line an event whatever is in it, and nothing in it that names a person.

A token is as good as the mail that it came in, so no path of ours is written out (security rule S11).
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Literal

_PERSONAL = re.compile(r"/([ocup])/[^\s\"']+")  # as in waitress' own messages


def start(form: Literal["text", "json"], *, verbose: bool) -> None:
    """Log to standard error, warnings or with verbose more."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO if verbose else logging.WARNING)


class TextFormatter(logging.Formatter):
    """Time, level and message on one line; what would break or colour the line is escaped."""

    def format(self, record: logging.LogRecord) -> str:
        parts = [_time(record), record.levelname, *_said(self, record)]
        return _one_line(" ".join(parts))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, in ASCII."""

    def format(self, record: logging.LogRecord) -> str:
        message, *traceback = _said(self, record)
        value = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": message,
        }
        if traceback:
            value["traceback"] = traceback[0]
        return json.dumps(value)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


def _said(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    """Return the message, and the traceback if there is one, without tokens."""
    said = [record.getMessage()]
    if record.exc_info:
        said.append(formatter.formatException(record.exc_info))
    return [_PERSONAL.sub(r"/\1/...", text) for text in said]


def _one_line(text: str) -> str:
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
