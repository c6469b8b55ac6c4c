"""What time it is, as everything of ours counts it."""

from __future__ import annotations

import time


def now_ms() -> int:
    """Return the time in milliseconds UTC."""
    return time.time_ns() // 1_000_000
