"""A listening socket that systemd opened for us (socket activation, sd_listen_fds(3)).

Connections wait in it while the collector starts anew, and a port under 1024 needs no rights of ours.
"""

from __future__ import annotations

import os
import socket
from collections.abc import MutableMapping

from pixeltrack.errors import PixeltrackError

_FIRST = 3  # SD_LISTEN_FDS_START


def inherited(environment: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """Return the socket that was passed to this process; None when none was.

    The variables are taken out of the environment: children shall not think that it is theirs. Raises
    PixeltrackError when what was passed is not one listening TCP socket.
    """
    pid, count = environment.get("LISTEN_PID"), environment.get("LISTEN_FDS")
    if count is None or pid != str(os.getpid()):
        return None
    for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"):
        environment.pop(name, None)
    if count != "1":
        raise _unfit(f"{count} sockets were passed", "one ListenStream= in the .socket unit is what it takes")
    try:
        passed = socket.socket(fileno=_FIRST)
        listens = passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError as error:
        raise _unfit(f"descriptor {_FIRST} is no socket ({error.strerror})", "see sd_listen_fds(3)") from None
    if passed.family not in (socket.AF_INET, socket.AF_INET6) or not listens:
        raise _unfit("the socket that was passed is no listening TCP socket", "ListenStream=127.0.0.1:8000")
    passed.set_inheritable(False)
    return passed


def _unfit(what: str, hint: str) -> PixeltrackError:
    return PixeltrackError(f"socket activation: {what}", hint=hint)
