"""pixeltrack webhook send: what is new goes out once, or on and on, and what happens is said."""

from __future__ import annotations

import signal
import time
from collections import Counter

from pixeltrack.cli.common import Call
from pixeltrack.clock import now_ms
from pixeltrack.errors import PixeltrackError
from pixeltrack.restoring import follow as follow_refusals
from pixeltrack.setup import Workspace
from pixeltrack.show.text import clean, moment
from pixeltrack.webhooks import events, sending
from pixeltrack.webhooks.sending import Happened

_LOOK = 1.0  # seconds between two looks at what is new


def send(call: Call, workspace: Workspace) -> int | None:
    """Send what is new and due; return when the next try is due (ms UTC), None where none is."""
    follow_refusals(workspace.store, workspace.keyring, now_ms())  # somebody may have put back a copy by hand
    taken: Counter[int] = Counter()

    def tell(happened: Happened) -> None:
        number = happened.hook.hook_id
        if happened.outcome == "sent":
            taken[number] += happened.events
            return
        said = f"webhook {number}: {events(happened.events)} {happened.outcome}:"
        again = f"; again at {moment(happened.again)} UTC" if happened.outcome == "failed" else ""
        call.warn(f"{said} {clean(sending.said(happened.answer), 300)}{again}")

    try:
        return sending.once(workspace.store, workspace.keyring, tell)
    finally:
        for number, many in sorted(taken.items()):
            call.say(f"webhook {number}: {events(many)} sent")


def send_on(call: Call, workspace: Workspace) -> None:
    """Send what is new as it comes, until Ctrl-C or SIGTERM. A database that is away is waited for."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a service manager's way to say Ctrl-C
    said = ""
    try:
        while True:
            version: tuple[int, ...] = ()
            due: int | None = None
            try:
                version = workspace.store.version()  # before: what comes meanwhile is seen at the next look
                due = send(call, workspace)
                said = ""
            except PixeltrackError as error:
                version = ()
                if error.message != said:
                    said = error.message
                    call.warn(f"nothing is sent: {said}")
            _wait(workspace, version, due)
    except KeyboardInterrupt:
        pass  # what was taken is noted, and the rest goes out the next time


def _wait(workspace: Workspace, version: tuple[int, ...], due: int | None) -> None:
    """Wait until something was stored, or until it is time (ms UTC)."""
    while True:
        time.sleep(_LOOK)
        try:
            if workspace.store.version() != version or (due is not None and now_ms() >= due):
                return
        except PixeltrackError:
            return
