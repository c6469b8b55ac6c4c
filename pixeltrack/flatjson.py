"""JSON of flat objects of texts, quickly: the rows of a list share their keys, which are written once."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from json.encoder import encode_basestring

quoted = encode_basestring  #: Writes one JSON string, with all but ASCII as it is.


@lru_cache(maxsize=64)
def _pattern(keys: tuple[str, ...]) -> str:
    places = [quoted(key).replace("%", "%%") + ": %s" for key in keys]
    return "{" + ", ".join(places) + "}"


def flat(fields: Mapping[str, str], keys: tuple[str, ...] | None = None) -> str:
    """Return what ``json.dumps(fields, ensure_ascii=False)`` does; keys are all of them, in another order."""
    chosen = tuple(fields) if keys is None else keys
    return _pattern(chosen) % tuple([quoted(fields[key]) for key in chosen])


@lru_cache(maxsize=64)
def _ordered(keys: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(keys))


def flat_sorted(fields: Mapping[str, str]) -> str:
    """Return the same with the keys sorted: equal fields are then equal texts."""
    return flat(fields, _ordered(tuple(fields)))
