"""``doctor --rebuild``: the figures of reports beside a full count."""

from __future__ import annotations

import json
from contextlib import closing

import click

from pixeltrack.cli.common import Call


def rebuild_all(call: Call, *, as_json: bool) -> int:
    """Count every campaign anew and say what differed; return 1 if anything did."""
    from pixeltrack import rollups, verdicts
    from pixeltrack.cli.progress import progress
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.text import clean

    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        with progress(store.unjudged(), call, "judging") as tell:
            verdicts.bring_up_to_date(store, tell)
        hits, done = store.hit_counts(), 0
        found = []
        with progress(sum(hits.values()), call, "counting") as tell:
            for campaign in store.campaigns():
                found.append(rollups.rebuild(store, campaign))
                done += hits.get(campaign.campaign_id, 0)
                if tell:
                    tell(done)
    if as_json:
        click.echo(json.dumps([each._asdict() for each in found], indent=2, ensure_ascii=False))
    else:
        for each in found:
            same = f"{each.different:,} differed, and were replaced" if each.different else "all equal"
            click.echo(f"{clean(each.campaign)}: {each.figures:,} figures counted anew, {same}")
        if not found:
            call.say("no campaign yet; pixeltrack inject makes one")
    return int(any(each.different for each in found))
