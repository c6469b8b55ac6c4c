"""The people of an audience as a recipient list, and a list without all others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager

from pixeltrack.cli.common import Call
from pixeltrack.errors import InputError, StoreError
from pixeltrack.marks import Marks
from pixeltrack.model import Recipient
from pixeltrack.segments import Found, Segment
from pixeltrack.store import Store


@contextmanager
def found(call: Call, store: Store, segment: Segment) -> Iterator[Found]:
    """Yield who is in an audience now, once all hits are judged; warn of hits that cannot count.

    The database is meanwhile read as it is then: numbers of people who are erased are given to others.
    """
    from pixeltrack import segments, verdicts
    from pixeltrack.clock import now_ms

    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} new hits could not be judged ({error.message}), so they do not count yet")

    verdicts.bring_up_to_date(store, failed=failed)
    now = now_ms()
    whole = segment.within is None or segment.also or segment.without  # these have a time of their own
    with store.snapshot():
        _warn_of_gone(call, store, segment, None if whole or segment.within is None else now - segment.within)
        yield segments.build(store, segment, now)


def _warn_of_gone(call: Call, store: Store, segment: Segment, since: int | None) -> None:
    """Warn where what people did since a time (ms UTC) is deleted: they seem not to have done it."""
    from pixeltrack import meantlinks
    from pixeltrack.show.text import moment

    campaigns = [store.campaign(segment.campaign)] if segment.campaign else meantlinks.people_of(store)
    found = [at for each in campaigns if (at := store.gone_from(each.campaign_id, since)) is not None]
    if found:
        call.warn(
            f"what people did before {moment(max(found))} UTC is deleted: who clicked, saw or reached"
            " something only then is among those who did not"
        )


class Members:
    """The people of an audience. It holds the database open."""

    def __init__(self, store: Store, audience: str, people: Marks) -> None:
        self._store, self._audience, self._people = store, audience, people

    def rows(self) -> Iterator[Recipient]:
        """Yield them as rows of a list, with the columns of the list that they were on last.

        They say nothing of consent: ledger and opt-outs do.
        """
        for line, (identity, fields) in enumerate(self._store.listed_people(self._people), start=1):
            yield Recipient(identity, identity, "unknown", "unknown", fields, line)

    def only(self, listed: Iterable[Recipient], name: str) -> Iterator[Recipient]:
        """Yield the rows of a list that are of those who are in the audience; InputError where none is."""
        there = frozenset(self._store.addresses(self._people))
        rows = kept = 0
        for rows, each in enumerate(listed, start=1):  # noqa: B007 - rows is asked below
            if each.identity in there:
                kept += 1
                yield each
        if rows and not kept:
            raise InputError(f"nobody of the {rows:,} on {name} is in audience {self._audience!r}")


@contextmanager
def members(call: Call, name: str) -> Iterator[Members]:
    """Yield who is in an audience. Raises InputError where nobody is."""
    from pixeltrack import segments
    from pixeltrack.setup import open_workspace

    call.use_rules()
    with (
        closing(open_workspace(call.settings, create=False).store) as store,
        found(call, store, segments.load(store, name)) as those,
    ):
        if not those.people:
            raise InputError(f"nobody is in audience {name!r}", hint=f"pixeltrack audience show {name}")
        yield Members(store, name, those.people)
