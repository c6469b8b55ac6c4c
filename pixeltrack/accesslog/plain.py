"""The plain lines of a log: nearly all hits look the same, and are taken apart a piece of the log at a time.

A format's pattern takes whole lines only, and only those that the format's reader of single lines would
read the same way; of every other line it says nothing, and that reader gets it. ``tests/test_plain.py``
holds the two against each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pixeltrack import urls

#: What stands between quotes: all but quotes, backslashes and control characters; and that without spaces.
#: Said by what it is, as re looks that up faster than what it is not.
TEXT = rb"[ !#-\[\]-\xff]*+"
WORD = rb"[!#-\[\]-\xff]*+"
#: A path of ours and the query behind it, which says nothing; what ends it must follow.
TARGET = urls.PLAIN_PATH + rb"(?:\?" + WORD + rb")?"
STATUS = rb"([0-9]{3})"

#: What a pattern captures of a line, in the line's order. All are empty when the line is not plain, and
#: a status stands before or behind the agent: time, method; code and token of an open; code, link and
#: token of a click; status; agent; status; what else tells how the page was loaded.
Found = tuple[bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes, bytes]


@dataclass(frozen=True)
class Plain:
    """How the plain lines of one format are read.

    ``time`` returns milliseconds UTC; ``said``, from the agent and from what tells how the page was loaded,
    the agent's text and whether the load was speculative. When one raises ValueError or OverflowError, the
    line is not plain after all. Both are asked for the same texts again and again: who calls, remembers.
    """

    pattern: bytes
    time: Callable[[bytes], int]
    said: Callable[[bytes, bytes], tuple[str, bool]]
    findall: Callable[[bytes], list[Found]] = field(init=False)

    def __post_init__(self) -> None:
        # A match for each line, from its beginning: what is not plain matches as it is.
        whole = re.compile(rb"(?:" + self.pattern + rb"|[^\n]*+)\n")
        object.__setattr__(self, "findall", whole.findall)
