"""Webhooks: whether they are sent, and taken."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from pixeltrack.doctor.check import Check, failed, ok, warning
from pixeltrack.store.health import HookHealth
from pixeltrack.webhooks import events

_DAY = 86_400_000  # ms


def check_hooks(hooks: tuple[HookHealth, ...], now: int) -> Iterator[Check]:
    """Look at each webhook; nothing where there is none. now is ms UTC."""
    for hook in hooks:
        yield _check(hook, f"{hook.hook_id} to {urlsplit(hook.url).hostname}", now)


def _check(hook: HookHealth, which: str, now: int) -> Check:
    resume = f"pixeltrack webhook resume {hook.hook_id} goes on once its receiver is well"
    if hook.failing is not None and now - hook.failing > _DAY:
        hint = (
            f"pixeltrack webhook test {hook.hook_id} shows what it answers; what fails for 3 days is given up"
        )
        return failed("webhook", f"{which} has failed for {_days(now - hook.failing)}: {hook.error}", hint)
    if hook.paused is not None:
        return warning("webhook", f"{which} is paused: {hook.reason}", resume)
    if hook.failing is None and hook.waiting is not None and now - hook.waiting > _DAY:
        hint = "run pixeltrack webhook send from cron, or with --follow as a service"
        said = f"{which} was told of nothing for {_days(now - hook.waiting)}: nobody sends it"
        return failed("webhook", said, hint)
    if hook.given_up:
        said = f"{which} was not told of {events(hook.given_up)} after three days of tries"
        return warning("webhook", said, "export has them; pixeltrack webhook list says when that was")
    if hook.failing is not None:
        return warning("webhook", f"{which} has failed, and is tried again: {hook.error}", resume)
    return ok("webhook", f"{which} has what there is, or gets it with the next webhook send")


def _days(span: int) -> str:
    days = span // _DAY
    return "a day" if days == 1 else f"{days} days"
