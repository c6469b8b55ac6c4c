"""Makes report.png: the head of the demo's report, and the mail with each link's share on it, in a browser.

    python docs/picture.py

It needs what the tests need: pip install -e '.[dev]', and Chromium.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from base64 import b64encode
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).parent
WIDTH, HEIGHT = 1_000, 1_130  # of each half
PIXELTRACK = (sys.executable, "-m", "pixeltrack")


def main() -> None:
    """Play the demo, write its report as a page, and take the picture."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        demo = subprocess.run(
            [*PIXELTRACK, "demo"],
            env={"TMPDIR": folder, "PATH": "", "TZ": "UTC"},
            capture_output=True,
            text=True,
            check=True,
        )
        (again,) = re.findall(r"pixeltrack (report .*--html )report\.html", demo.stderr)
        page = Path(folder, "report.html")
        subprocess.run([*PIXELTRACK, *again.split(), page], env={"TZ": "UTC"}, check=True)
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        window = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        window.goto(page.as_uri())
        halves = [window.screenshot(), _mail(window)]
        window.set_viewport_size({"width": 2 * WIDTH, "height": HEIGHT})
        images = "".join(
            f'<img src="data:image/png;base64,{b64encode(half).decode()}" style="display:block">'
            for half in halves
        )
        window.set_content(f'<body style="margin:0;display:flex">{images}')
        window.screenshot(path=HERE / "report.png", scale="css")


def _mail(window: Page) -> bytes:
    window.add_style_tag(content="iframe.mail { height: 60rem !important; max-height: none !important }")
    window.locator("#mail").scroll_into_view_if_needed()
    window.evaluate("document.querySelector('section[aria-labelledby=mail]').scrollIntoView()")
    window.wait_for_timeout(500)
    return window.screenshot()


if __name__ == "__main__":
    main()
