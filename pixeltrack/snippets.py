"""What is pasted into the pages of a site: images without script, and a script without a cookie."""

from __future__ import annotations

import re
from functools import cache

from pixeltrack.resources import templates_dir
from pixeltrack.store import Goal
from pixeltrack.urls import Addresses

_INDENT = re.compile(rb"\n\s*|(?<=[,;:?{}()=&|+]) | (?=[=?:&|+{}()])")

_IMAGE = 'width="1" height="1" alt="" referrerpolicy="strict-origin-when-cross-origin"'


@cache
def script_text() -> bytes:
    """Return the script, without the blanks that are for readers: less than a kilobyte."""
    return _INDENT.sub(b"", (templates_dir() / "site" / "script.js").read_bytes())


def page_pixel(host: str, places: Addresses) -> str:
    """Return HTML for any page of a site, without script; the site fills in what is in braces."""
    return f'<img src="{places.base}/s/{host}.gif?p={{path}}&amp;pt={{pt}}" {_IMAGE}>'


def page_script(host: str, places: Addresses) -> str:
    """Return HTML for any page of a site: it tells the path by itself."""
    return f'<script src="{places.base}/s/{host}.js" async></script>'


def goal_pixel(goal: Goal, places: Addresses) -> str:
    """Return HTML for a thank-you page, without script; the site fills in what is in braces."""
    return (
        f'<img src="{places.base}/v/{goal.name}.gif?order={{order}}&amp;value={{value}}'
        f'&amp;currency={{currency}}&amp;pt={{pt}}" {_IMAGE}>'
    )


def goal_script(goal: Goal, places: Addresses) -> str:
    """Return HTML for a thank-you page that tells of the order by script."""
    return (
        f'<script src="{places.base}/s/{goal.host}.js" data-goal="{goal.name}" data-order="{{order}}"'
        ' data-value="{value}" data-currency="{currency}"></script>'
    )
