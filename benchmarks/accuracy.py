"""How often agents are described rightly, on agents with known answers that nobody here wrote.

python -m benchmarks.accuracy [FOLDER]     FOLDER keeps what is downloaded (needs pip, npm and pyyaml)

† the rules of a tool that pixeltrack uses were written with these agents at hand, so the figure says little.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.fixtures import Case, fetch, load
from pixeltrack.agents import LISTED, describe, identify, reduce
from pixeltrack.bots import is_bot
from pixeltrack.rules import Machine

# is-bot's list descends from isbot's, which tests itself on these.
IN_FAMILY = {("matomo", "bots"), ("crawler-user-agents", "bots"), ("uap", "client")}


def main(folder: Path) -> None:
    fetch(folder)
    sets = load(folder)
    print(f"{'set':<22}{'what':<26}{'n':>7}{'%':>9}")
    for name, cases in sets.items():
        for what in ("device", "os", "browser", "client"):
            _described(name, what, cases)
        _flagged(name, "bots", "bots found", [case.agent for case in cases if case.bot])
        _flagged(name, "people", "people called machines", [case.agent for case in cases if case.person])
        clients = [case.agent for case in cases if case.client]
        _flagged(name, "mail", "mail programs called so", clients)
    _speed(list({reduce(case.agent) for cases in sets.values() for case in cases}))


def _described(name: str, what: str, cases: Sequence[Case]) -> None:
    if name == "fake-useragent":
        return
    known = [case for case in cases if getattr(case, what) and not case.bot]
    if known:
        right = sum(_plain(getattr(describe(c.agent), what)) == _plain(getattr(c, what)) for c in known)
        _row(name, what, what, right, len(known))


def _plain(label: str | None) -> str:
    return (label or "").casefold()


def _flagged(name: str, key: str, what: str, agents: Sequence[str]) -> None:
    if agents:
        _row(name, key, what, sum(isinstance(identify(reduce(a)), Machine) for a in agents), len(agents))
    if agents and key == "bots":
        by_list = sum(identify(reduce(agent)) is LISTED for agent in agents)
        _row(name, key, "  of these by the list only", by_list, len(agents))


def _row(name: str, key: str, what: str, hits: int, n: int) -> None:
    mark = "†" if (name, key) in IN_FAMILY else ""
    print(f"{name:<22}{what:<26}{n:>7}{100 * hits / n:>8.2f} {mark}")


def _speed(agents: Sequence[str]) -> None:
    """Cold look-ups of distinct agents, and of one that is known already."""
    some = agents[:: max(1, len(agents) // 2000)]
    describe.cache_clear()
    is_bot.cache_clear()
    start = time.process_time()
    for agent in some:
        describe(agent)
    cold = (time.process_time() - start) / len(some)
    known = some[-1]
    start = time.process_time()
    for _ in range(1_000_000):
        describe(known)
    warm = time.process_time() - start
    print(f"describe: {cold * 1e6:.0f} µs for a new agent, {1 / warm:.2f} million/s for known ones")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(Path(sys.argv[1]).resolve())
    else:
        with tempfile.TemporaryDirectory() as temporary:
            main(Path(temporary))
