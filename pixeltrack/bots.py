"""The list of other people's making: is-bot's patterns, asked after all our own rules, in batches only.

Nothing of the list is copied here. It is asked about reduced agents, once for each distinct one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

# What the list takes for a robot and is a person's. Cut out before the list is asked.
_HARMLESS = re.compile(
    r"cubot|AP3A\.240617\.008"  # a maker of phones; an Android build that millions of them have
    r"|okhttp|Dalvik|CFNetwork"  # what the mail apps of phones load pictures with
    r"|Sogou(?:MSE|MobileBrowser|Explorer|SearchApp)|AWP/\d[\d.]* Sogou\w*"  # a search engine's browsers
    r"|QQDownload|chromeframe|Google Earth|Google WAP Proxy"  # what old browsers add about their computer
    r"|\.Catcher|WebAppManager|;\s\w+;$"  # televisions
    r"|JavaPlatform|Java Platform|HTTPS?(?= PGDL)|(?<=HTC; )Radar"  # phones before Android
    r"|[\[ ]com\.[\w.]+",  # the name of an Android app
    re.IGNORECASE,
)


@lru_cache(maxsize=65_536)
def is_bot(agent: str) -> bool:
    """Whether the list knows this reduced agent for a program without a reader.

    The list also convicts whatever has no brackets and looks like no browser, by its shape. Small mail
    programs look just so: for such an agent only names count, and without one it stays unknown.
    """
    text = _HARMLESS.sub("", agent)
    return _list()("~ " + text if "(" not in text else text)  # no shape fits what begins with a tilde


@lru_cache(maxsize=1)
def _list() -> Callable[[str], bool]:
    from is_bot import Bots  # slow to import

    known: Callable[[str], bool] = Bots().is_bot
    return known
