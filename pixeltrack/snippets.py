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


#: What each is for.
SAID = {
    "page": "on every page, without script; your site fills in what is in braces",
    "page_script": "or by script, which knows the path by itself",
    "goal": "on the page that says thank you, without script",
    "goal_script": "or by script, which tells of the page, too",
}


def of(goal: Goal, places: Addresses) -> dict[str, str]:
    """Return what may be pasted, by what it is; the site fills in what is in braces.

    ``{pt}`` is the value of the parameter that the click came with, which the site keeps. Whoever wants to
    keep it in a cookie of the site's own asks first, and adds data-consent="yes" to the script.
    """
    script = f'<script src="{places.base}/s/{goal.host}.js"'
    order = "order={order}&amp;value={value}&amp;currency={currency}&amp;pt={pt}"
    return {
        "page": f'<img src="{places.base}/s/{goal.host}.gif?p={{path}}&amp;pt={{pt}}" {_IMAGE}>',
        "page_script": f"{script}></script>",
        "goal": f'<img src="{places.base}/v/{goal.name}.gif?{order}" {_IMAGE}>',
        "goal_script": f'{script} data-goal="{goal.name}" data-order="{{order}}"'
        ' data-value="{value}" data-currency="{currency}"></script>',
    }
