"""Webhooks, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pixeltrack.show.text import clean, count, iso, moment
from pixeltrack.store import Hook, Tries
from pixeltrack.webhooks import events


def hooks_json(hooks: Sequence[Hook], tries: Mapping[int, Tries], names: Mapping[int, str]) -> str:
    """Return webhooks as a JSON array; ``names`` are those of campaigns."""
    return json.dumps([_value(hook, tries.get(hook.hook_id), names) for hook in hooks], indent=2)


def show_hooks(
    console: Console, hooks: Sequence[Hook], tries: Mapping[int, Tries], names: Mapping[int, str]
) -> None:
    """Print webhooks, and below the table what is wrong with any."""
    table = Table("", box=None, pad_edge=False)
    table.add_column("URL", overflow="fold")
    for name in ("events", "campaign"):
        table.add_column(name, overflow="fold")
    table.add_column("sent", justify="right")
    table.add_column("given up", justify="right")
    for name in ("last sent", "state"):
        table.add_column(name)
    for hook in hooks:
        state = "paused" if hook.paused is not None else "failing" if hook.hook_id in tries else "fine"
        table.add_row(
            *(str(hook.hook_id), Text(clean(hook.url)), hook.kinds.replace(" ", ", ")),
            Text(clean(names.get(hook.campaign_id, "all"))),
            *(count(hook.sent), count(hook.given_up), moment(hook.sent_at), state),
        )
    console.print(table)
    for hook in hooks:
        for said in troubles(hook, tries.get(hook.hook_id)):
            console.print(Text(said, "yellow"))


def troubles(hook: Hook, tries: Tries | None) -> list[str]:
    """Return what is wrong with a webhook, a sentence each."""
    found = []
    if hook.paused is not None:
        found.append(
            f"{hook.hook_id} is paused since {moment(hook.paused)} UTC: {hook.reason};"
            f" pixeltrack webhook resume {hook.hook_id} goes on"
        )
    if tries:
        found.append(
            f"{hook.hook_id} fails since {moment(tries.since)} UTC, try {count(tries.tries)}:"
            f" {clean(tries.error)}; the next one is at {moment(tries.again)}"
        )
    if hook.given_up:
        found.append(
            f"{hook.hook_id} was not told of {events(hook.given_up)} after three days of tries,"
            f" the last time {moment(hook.given_up_at)} UTC"
        )
    return found


def _value(hook: Hook, tries: Tries | None, names: Mapping[int, str]) -> dict[str, object]:
    failing = None
    if tries:
        failing = {
            **{"since": iso(tries.since), "tries": tries.tries, "again": iso(tries.again)},
            **{"events": tries.events, "status": tries.status or None, "error": tries.error},
        }
    return {
        **{"webhook": hook.hook_id, "url": hook.url, "events": hook.kinds.split()},
        **{"campaign": names.get(hook.campaign_id), "people_only": bool(hook.people_only)},
        **{"with_address": bool(hook.with_address), "allow_private": bool(hook.allow_private)},
        **{"key": hook.generation, "created": iso(hook.created), "sent": hook.sent},
        **{"last_sent": iso(hook.sent_at), "given_up": hook.given_up, "given_up_at": iso(hook.given_up_at)},
        **{"paused": iso(hook.paused), "reason": hook.reason or None, "failing": failing},
    }
