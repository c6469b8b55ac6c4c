"""The main job as a user does it: 1,000 mails, curl against ``serve``, and a report that is right."""

from __future__ import annotations

import csv
import json
import random
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import CHROME
from test_cli import pixeltrack

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
    " AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
EXAMPLE = Path(__file__).parents[1] / "examples" / "spring-sale" / "campaign.html"


@contextmanager
def serving(folder: Path, port: str = "0") -> Iterator[str]:
    server = subprocess.Popen(
        [sys.executable, "-m", "pixeltrack", "serve", "--port", port],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        line = next(line for line in server.stderr if line.startswith("collecting on"))
        yield line.split()[2]
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
        server.stderr.close()


def curl(folder: Path, urls: list[str], agent: str, *options: str) -> list[str]:
    """Request every URL with one curl process; return "status redirect" of each."""
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    config = folder / "urls"
    config.write_text("".join(f'url = "{url}"\noutput = "/dev/null"\n' for url in urls))
    browser = ("Accept: text/html", "Accept-Language: en", "Sec-Fetch-Mode: navigate")
    headers = [part for header in browser for part in ("-H", header)]
    run = subprocess.run(
        [
            "curl",
            "-s",
            "-A",
            agent,
            *headers,
            "-w",
            "%{http_code} %header{location}\n",
            "-K",
            config,
            *options,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    return run.stdout.splitlines()


def busiest(corpus: list[Path]) -> Path:
    """A real mail with many web links, the same one each time."""
    candidates = [path for path in corpus if path.parent.name == "sendwithus+templates"]
    return max(
        candidates, key=lambda path: (len(re.findall(rb'href="https?://\w', path.read_bytes())), path.name)
    )


@pytest.mark.parametrize("which", ["example", "corpus"])
def test_every_number_is_what_was_done(which: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    source = EXAMPLE if which == "example" else busiest(request.getfixturevalue("corpus"))
    (tmp_path / "mail.html").write_bytes(source.read_bytes())
    (tmp_path / "list.csv").write_text("email\n" + "".join(f"reader{n}@example.com\n" for n in range(1000)))
    with serving(tmp_path) as base:
        made = pixeltrack("inject", "mail.html", "--recipients", "list.csv", "--base-url", base, cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        out = tmp_path / "out" / "mail"
        with (out / "messages.csv").open() as stream:
            rows = list(csv.DictReader(stream))
        assert len(rows) == 1000
        destinations = {
            link["number"]: link["destination"]
            for link in json.loads((out / "manifest.json").read_text())["links"]
            if link["decision"] == "wrap"
        }
        mails = [(out / row["file"]).read_text("latin-1") for row in rows]
        pixels = [re.findall(rf'src="({base}/o/[^"]+)"', mail)[0] for mail in mails]
        links = [re.findall(rf'{base}/c/[^"\'\s>]+', mail) for mail in mails]

        chance = random.Random(7)
        opened = chance.sample(range(1000), 400)
        again = chance.sample(opened, 150)
        phones = set(opened[:100])
        for agent, readers in (
            (IPHONE, [n for n in opened + again if n in phones]),
            (CHROME, [n for n in opened + again if n not in phones]),
        ):
            assert set(curl(tmp_path, [pixels[n] for n in readers], agent)) == {"200 "}
        clicks = [(n, chance.choice(links[n])) for n in chance.sample(range(1000), 120)]
        answers = curl(tmp_path, [url for _n, url in clicks], CHROME)
        assert answers == [f"302 {destinations[int(url.split('/')[-2])]}" for _n, url in clicks]
        assert set(curl(tmp_path, [pixels[n] for n in range(60)], "Mozilla/5.0")) == {"200 "}
        assert set(curl(tmp_path, [links[n][0] for n in range(25)], CHROME, "-I")) == {
            f"302 {destinations[int(links[0][0].split('/')[-2])]}"
        }
        unsubscribed = [rows[n]["list_unsubscribe"].strip("<>") for n in (5, 50, 500)]
        assert set(curl(tmp_path, unsubscribed, CHROME, "-d", "List-Unsubscribe=One-Click")) == {"200 "}

    run = pixeltrack("report", "--campaign", "mail", "--json", cwd=tmp_path)
    said = json.loads(run.stdout)
    clickers = {n for n, _url in clicks}
    assert (said["messages"], said["tracked"]) == (1000, 1000)
    assert said["opens"] == {"unique": 400, "total": 550}
    assert said["clicks"] == {"unique": 120, "total": 120}
    assert (said["open_rate"], said["click_rate"], said["click_to_open_rate"]) == (0.4, 0.12, 0.3)
    assert said["clicked_without_open"] == len(clickers - set(opened))
    assert said["machine_opens"] == {"unique": 60, "total": 60}
    assert said["machine_clicks"] == {"unique": 25, "total": 25}
    assert said["unsubscribed"] == 3
    per_link = Counter(int(url.split("/")[-2]) for _n, url in clicks)
    assert {link["number"]: link["clicks"]["total"] for link in said["links"]} == {
        number: per_link[number] for number in destinations
    }
    desktop = (set(opened) - phones) | clickers
    assert {row["name"]: row["people"] for row in said["devices"]} == {"desktop": len(desktop), "mobile": 100}
    assert {row["name"]: row["people"] for row in said["clients"]} == {
        "Apple Mail": 100,
        "webmail or browser": 300,
    }
