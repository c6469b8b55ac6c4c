"""The plain lines of a log: nearly all hits look the same, and are taken apart a piece of the log at a time.

A format takes whole lines only, and only those that its reader of single lines would read the same way; of
every other line it says nothing, and that reader gets it. ``tests/test_loghits.py`` holds the two against
each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from pixeltrack import urls

#: What stands between quotes: all but quotes, backslashes and control characters; and that without spaces.
#: Said by what it is, as re looks that up faster than what it is not.
TEXT = rb"[ !#-\[\]-\xff]*+"
WORD = rb"[!#-\[\]-\xff]*+"
#: A path of ours and the query behind it, which says nothing; what ends it must follow.
TARGET = urls.PLAIN_PATH + rb"(?:\?" + WORD + rb"|)"
STATUS = rb"([0-9]{3})"

#: What is found in a line; all empty when it is not plain: time; client; method; code and token of an open;
#: code, link and token of a click; status; agent; what else tells how the page was loaded. The last two
#: are as the format's ``said`` takes them.
Found = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, Hashable, bytes]
NOTHING: Found = (b"",) * 11


@dataclass(frozen=True)
class Plain:
    """How the plain lines of one format are read.

    ``findall`` returns what is found in each of many whole lines. ``time`` returns milliseconds UTC;
    ``said``, from the last two of what was found, the agent's text and the flags. When one raises
    ValueError or OverflowError, the line is not plain after all. ``said`` is asked for the same again and
    again: who calls, remembers. So does ``time`` where that is worth it.
    """

    findall: Callable[[bytes], list[Found]]
    time: Callable[[bytes], int]
    said: Callable[[Any, bytes], tuple[str, int]]


def lines(pattern: bytes) -> Callable[[bytes], list[Found]]:
    """Return the ``findall`` of a pattern for one line, which captures in the line's order."""
    # A match for each line, from its beginning: what is not plain matches as it is.
    return re.compile(rb"(?:" + pattern + rb"|[^\n]*+)\n").findall
