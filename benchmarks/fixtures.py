"""User agents with known answers that nobody here wrote: fetched as packages, folded to one set of labels.

Fetched with the pip and npm of whoever runs this, as they are set up, into a folder that is theirs to
name. Nothing of it is kept in the project: one set is LGPL. Each file is pinned by version and by SHA-256.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Package:
    registry: str  # "pip" or "npm"
    name: str
    version: str
    file: str
    sha256: str
    binary: bool = False


PACKAGES = {
    "matomo": Package(
        "pip",
        "device_detector",
        "6.5.1",
        "device_detector-6.5.1.tar.gz",
        "610ed34b173b96ee91aa38165084695bbf76f6a5bd76bbb4fd777f7af1ff4170",
    ),
    "fake-useragent": Package(
        "pip",
        "fake-useragent",
        "2.2.0",
        "fake_useragent-2.2.0-py3-none-any.whl",
        "67f35ca4d847b0d298187443aaf020413746e56acd985a611908c73dba2daa24",
        binary=True,
    ),
    "crawler-user-agents": Package(
        "pip",
        "crawler-user-agents",
        "1.67.0",
        "crawler_user_agents-1.67.0-py3-none-any.whl",
        "438880782e9689d953f850846bb7a425dd444de02be2b7c3e1bf2dd636b65d8c",
        binary=True,
    ),
    "ua-parser-js": Package(
        "npm",
        "ua-parser-js",
        "0.7.28",
        "ua-parser-js-0.7.28.tgz",
        "416a7af001e40ea2430136873c638c8afe655a1485b62b3b9e0d7ed49535e46b",
    ),
    "woothee": Package(
        "npm",
        "woothee",
        "1.11.1",
        "woothee-1.11.1.tgz",
        "9e744f0584515248be4890cf5e77ceb1eb761075877df80ba42dd4369508465e",
    ),
    "user-agents": Package(
        "npm",
        "user-agents",
        "2.1.198",
        "user-agents-2.1.198.tgz",
        "581c4f5074669b6f125263b8ddf302d221a26a06842488c6cc8d50dc5c5c0851",
    ),
    "uap": Package(
        "npm",
        "ua-parser",
        "0.3.5",
        "ua-parser-0.3.5.tgz",
        "3bfcff2e8c7ffa4c5c38ee05a7d31b9f629e6cee8a5eda1415b5895337c5fbfe",
    ),
}


@dataclass(frozen=True, slots=True)
class Case:
    """One agent and what it is; None where the set does not say, or says what is outside the labels."""

    agent: str
    device: str | None = None
    os: str | None = None
    browser: str | None = None
    client: str | None = None
    bot: bool = False
    person: bool = False  # surely a person's browser
    weight: float = 1.0  # share of traffic, where the set has been counted from traffic


def fetch(folder: Path) -> None:
    """Download what is not in ``folder`` yet, and stop at a file that is not the pinned one."""
    folder.mkdir(parents=True, exist_ok=True)
    for package in PACKAGES.values():
        path = folder / package.file
        if not path.exists():
            subprocess.run(_command(package, folder), check=True, cwd=folder, stdout=subprocess.DEVNULL)
        if hashlib.sha256(path.read_bytes()).hexdigest() != package.sha256:
            raise SystemExit(f"{path}: not the file that was measured; its SHA-256 is another")


def _command(package: Package, folder: Path) -> list[str]:
    if package.registry == "npm":
        return ["npm", "pack", "--silent", f"{package.name}@{package.version}"]
    kind = "--only-binary" if package.binary else "--no-binary"
    pinned = f"{package.name}=={package.version}"
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder)]
    return [*pip, kind, package.name, pinned]


def _texts(folder: Path, package: str, pattern: str) -> Iterator[tuple[str, str]]:
    """The files of a package whose path fits the pattern."""
    path = folder / PACKAGES[package].file
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                if re.search(pattern, name):
                    yield name, wheel.read(name).decode()
        return
    with tarfile.open(path) as archive:
        for member in archive:
            if re.search(pattern, member.name) and (file := archive.extractfile(member)):
                yield member.name, file.read().decode()


_OS = {
    **dict.fromkeys(("Mac", "Mac OS", "Mac OS X", "Mac OSX", "macOS"), "macOS"),
    **dict.fromkeys(("iOS", "iPadOS", "iPhone", "iPad", "iPod"), "iOS"),
    **dict.fromkeys(("GNU/Linux", "Linux", "Ubuntu", "Debian", "debian", "Fedora"), "Linux"),
    **dict.fromkeys(("Kubuntu", "Mint", "SUSE", "Gentoo", "gentoo", "Arch", "Mandriva"), "Linux"),
    **dict.fromkeys(("Chrome OS", "ChromeOS", "Chromium OS"), "ChromeOS"),
    "Android": "Android",
    "Windows": "Windows",
}
_DEVICE = {
    **dict.fromkeys(("smartphone", "phablet", "feature phone", "mobile"), "mobile"),
    "tablet": "tablet",
    "desktop": "desktop",
}
_BROWSER = {
    **dict.fromkeys(("Chrome", "Chrome Mobile", "Chrome Mobile iOS", "Chrome Webview"), "Chrome"),
    "Chrome WebView": "Chrome",
    **dict.fromkeys(("Safari", "Mobile Safari"), "Safari"),
    **dict.fromkeys(("Firefox", "Firefox Mobile", "Firefox Mobile iOS", "Firefox iOS"), "Firefox"),
    **dict.fromkeys(("Edge", "Microsoft Edge", "Edge Mobile"), "Edge"),
    **dict.fromkeys(("IE", "Internet Explorer", "IE Mobile", "IEMobile"), "Internet Explorer"),
    **dict.fromkeys(("Opera", "Opera Mobile", "Opera Mobi"), "Opera"),
    **dict.fromkeys(("Opera Mini", "Opera Mini iOS"), "Opera Mini"),
    **dict.fromkeys(("Samsung Browser", "Samsung Internet"), "Samsung Internet"),
    "Android Browser": "Android Browser",
    **dict.fromkeys(("Yandex Browser", "Yandex Browser Lite", "Yandex"), "Yandex Browser"),
    **dict.fromkeys(("UC Browser", "UCBrowser", "UC Browser HD", "UC Browser Mini"), "UC Browser"),
    "UC Browser Turbo": "UC Browser",
}
# A suite that is a browser too, and an app that is no mail program.
_NO_CLIENT = {"SeaMonkey", "Google AdWords"}
_CLIENTS = {
    "Microsoft Outlook": "Outlook",
    "AppleMail": "Apple Mail",
    "Lotus-Notes": "Notes",
    **{name: name for name in ("Airmail", "Outlook", "Thunderbird")},
}


def matomo(folder: Path) -> Iterator[Case]:
    """matomo's device detector, as its Python port carries it."""
    for name, text in _texts(folder, "matomo", r"tests/fixtures/upstream/.*\.yml$"):
        if "clienthints" in name:
            continue  # their answers rest on headers that are not here
        for row in yaml.load(text, Loader=LOADER):
            agent = str(row["user_agent"])
            if row.get("bot"):
                yield Case(agent, bot=True)
                continue
            client, os, device = (row.get(key) or {} for key in ("client", "os", "device"))
            kind, called = client.get("type"), client.get("name")
            yield Case(
                agent,
                _DEVICE.get(device.get("type")),
                _OS.get(os.get("name")),
                _BROWSER.get(called) if kind == "browser" else None,
                _CLIENTS.get(called, called) if kind == "pim" and called not in _NO_CLIENT else None,
                person=kind == "browser",
            )


def ua_parser_js(folder: Path) -> Iterator[Case]:
    """The test files of ua-parser-js while it was MIT-licensed and shipped them."""
    for name, text in _texts(folder, "ua-parser-js", r"test/(browser|os|device)-test\.json$"):
        for row in json.loads(text):
            if not (agent := row.get("ua")):
                continue
            expected = row["expect"]
            if "browser-" in name:
                yield Case(agent, browser=_BROWSER.get(expected["name"]))
            elif "os-" in name:
                yield Case(agent, os=_OS.get(expected["name"]))
            else:
                yield Case(agent, device=_DEVICE.get(expected.get("type")))


def woothee(folder: Path) -> Iterator[Case]:
    """woothee's test sets."""
    for _name, text in _texts(folder, "woothee", r"woothee/testsets/.*\.yaml$"):
        for row in yaml.load(text, Loader=LOADER):
            os, kind = str(row.get("os")), row.get("category")
            if os.startswith(("Windows Phone", "Windows CE")):
                os = ""
            if kind == "crawler":
                yield Case(row["target"], bot=True)
                continue
            device = "desktop" if kind == "pc" else {"iPhone": "mobile", "iPad": "tablet"}.get(os)
            yield Case(
                row["target"],
                device,
                _OS.get("Windows" if os.startswith("Windows") else os),
                _BROWSER.get(str(row.get("name"))) if kind != "misc" else None,
            )


def user_agents(folder: Path) -> Iterator[Case]:
    """Ten thousand visits, counted from traffic. What a script saw in the browser says the system."""
    systems = {"iPhone": "iOS", "iPad": "iOS", "Win32": "Windows"}
    for _name, text in _texts(folder, "user-agents", r"dist/user-agents\.json$"):
        for row in json.loads(text):
            agent, platform = row["userAgent"], row["platform"]
            yield Case(
                agent,
                _DEVICE.get(row["deviceCategory"]),
                systems.get(platform),
                person=True,
                weight=row["weight"],
            )


def fake_useragent(folder: Path) -> Iterator[Case]:
    """Browsers counted from traffic, as fake-useragent ships them; only that they are people is taken."""
    for _name, text in _texts(folder, "fake-useragent", r"browsers\.jsonl$"):
        for line in text.splitlines():
            yield Case(json.loads(line)["useragent"], person=True)


def crawler_user_agents(folder: Path) -> Iterator[Case]:
    """The examples of crawler-user-agents."""
    for _name, text in _texts(folder, "crawler-user-agents", r"crawler-user-agents\.json$"):
        for row in json.loads(text):
            yield from (Case(agent, bot=True) for agent in row["instances"])


def uap(folder: Path) -> Iterator[Case]:
    """ua-parser's tests of 2013; only the mail programs, as its rules know the rest."""
    pattern = r"test_resources/(?:test_user_agent_parser|pgts_[a-z_]*)\.yaml$"
    for _name, text in _texts(folder, "uap", pattern):
        for row in yaml.load(text, Loader=LOADER)["test_cases"]:
            if client := _CLIENTS.get(row["family"]):
                yield Case(row["user_agent_string"], client=client)


SETS: dict[str, Callable[[Path], Iterator[Case]]] = {
    "matomo": matomo,
    "ua-parser-js": ua_parser_js,
    "woothee": woothee,
    "user-agents": user_agents,
    "fake-useragent": fake_useragent,
    "crawler-user-agents": crawler_user_agents,
    "uap": uap,
}


def load(folder: Path) -> dict[str, list[Case]]:
    """Every set, each agent once."""
    return {name: list(_once(read(folder))) for name, read in SETS.items()}


def _once(cases: Iterator[Case]) -> Iterator[Case]:
    seen: set[Any] = set()
    for case in cases:
        if not case.agent:
            continue  # woothee asks what nothing is
        key = (case.agent, case.device, case.os, case.browser, case.client)
        if key not in seen:
            seen.add(key)
            yield case
