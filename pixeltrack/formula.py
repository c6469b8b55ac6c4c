"""Texts that a spreadsheet would take for a formula, made harmless (security rule S12).

Link texts, list columns and addresses come from others. A cell that begins with ``=`` can make a spreadsheet
run programs or send its content away, and quoting a cell does not help.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

GUARD = "'"  #: A spreadsheet takes what follows for text.

_TRIGGERS = frozenset("=+-@\u2212")  # as NFKC has them: full-width, small and raised forms are the same
_AT_ONCE = frozenset("\t\r\n")  # these alone at the beginning: what follows may become a cell of its own
_QUOTES = frozenset("\"'`´")
_SUSPECT = frozenset("=+-@\"'`") | {" "}

# What a terminal or a reader's eye acts on, and no spreadsheet shows: controls but for tab and line ends,
# and marks that turn the direction of a text.
_DROPPED = {
    **{code: None for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\r\n"},
    **dict.fromkeys((0x061C, 0x200E, 0x200F, 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))),
}


@lru_cache(maxsize=16_384)  # most cells of a table are few texts
def safe(text: str) -> str:
    """Return a text as a spreadsheet and a terminal may have it: without controls, and never a formula."""
    if not (text.isascii() and text.isprintable()):
        text = text.translate(_DROPPED)
    elif text and text[0] not in _SUSPECT:
        return text
    return GUARD + text if is_formula(text) else text


def is_formula(text: str) -> bool:
    """Return whether a text may be taken for a formula, also behind spaces, quotes and invisible marks."""
    if text[:1] in _AT_ONCE:
        return True
    for character in text:
        category = unicodedata.category(character)
        if character in _QUOTES or category[0] in "ZCM" or category in ("Pi", "Pf"):
            continue
        return unicodedata.normalize("NFKC", character)[0] in _TRIGGERS
    return False
