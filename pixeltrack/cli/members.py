"""The people of an audience as a recipient list, and a list without all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from pixeltrack.cli.common import Call
from pixeltrack.errors import InputError
from pixeltrack.model import Recipient


def members(call: Call, name: str) -> dict[str, dict[str, str]]:
    """Return who is in an audience, by address, with the columns of the list that they were on last.

    Raises InputError where nobody is.
    """
    from pixeltrack import segments, verdicts
    from pixeltrack.clock import now_ms
    from pixeltrack.setup import open_workspace

    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        verdicts.bring_up_to_date(store)
        found = segments.build(store, segments.load(store, name), now_ms())
        fields = store.fields_by_identity(found.people)
    if not fields:
        raise InputError(f"nobody is in audience {name!r}", hint=f"pixeltrack audience show {name}")
    return fields


def rows(people: dict[str, dict[str, str]]) -> Iterator[Recipient]:
    """Yield them as rows of a list, which say nothing of consent: ledger and opt-outs do."""
    for line, (identity, fields) in enumerate(sorted(people.items()), start=1):
        yield Recipient(identity, identity, "unknown", "unknown", fields, line)


def only(listed: Iterable[Recipient], people: dict[str, dict[str, str]]) -> Iterator[Recipient]:
    """Yield the rows of those who are in the audience."""
    return (each for each in listed if each.identity in people)
