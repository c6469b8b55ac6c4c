"""The copies that ``inject`` wrote, read as a mail program would: the URLs that stand in them."""

from __future__ import annotations

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pixeltrack import urls
from pixeltrack.errors import InputError


@dataclass(frozen=True, slots=True)
class Copy:
    """One recipient's message as it lies in the mailbox: the URLs that a program would call."""

    pixel: str
    links: tuple[str, ...]  # wrapped links in document order, and behind them the honeypot if there is one
    unsubscribe: str
    preferences: str


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The tracked copies of one output folder."""

    copies: tuple[Copy, ...]
    links: int  # that people can see
    honeypot: bool


def mailbox(out: Path) -> Mailbox:
    """Return the tracked copies of an output folder, whose messages must be HTML files of their own.

    Raises InputError for any other folder.
    """
    try:
        manifest = json.loads((out / "manifest.json").read_text("utf-8"))
        base, kind = manifest["base_url"], manifest["format"]
        told = {
            version: [link["number"] for link in mail["links"] if link.get("decision") == "wrap"]
            for version, mail in manifest.get("versions", {"": manifest}).items()
        }
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(
            f"{out} is no folder of messages",
            hint="name the folder that pixeltrack inject wrote, such as out/spring",
        ) from None
    if kind != "html" or not (out / "messages.csv").is_file():
        raise InputError(
            f"{out} has no HTML files of its own for each recipient (format {kind})",
            hint="inject with --recipients and --format html, which is the default",
        )
    click, pixel = (re.compile(rf"{re.escape(base)}/{kind}/[^\s\"'<>]+") for kind in "co")
    links = min(map(len, told.values()))  # a version with more has some that nobody follows
    copies, trapped = [], False
    with (out / "messages.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            if row["tracked"] != "yes":
                continue
            html = (out / row["file"]).read_text("utf-8")
            found = {_number(url): url for url in click.findall(html)}
            shown = told[row.get("version", "")]
            hidden = sorted(found.keys() - set(shown))
            trapped = trapped or bool(hidden)
            copies.append(
                Copy(
                    pixel.findall(html)[0],
                    tuple(found[number] for number in [*shown[:links], *hidden]),
                    row["list_unsubscribe"].strip("<>"),
                    row["preferences_url"],
                )
            )
    if not links:
        raise InputError(f"the mail in {out} has no wrapped link", hint="there is nothing to follow in it")
    if not copies:
        raise InputError(f"no message in {out} is tracked", hint="inject for people who have not refused it")
    return Mailbox(tuple(copies), links, trapped)


def _number(url: str) -> int:
    route = urls.parse(urlsplit(url).path)
    assert route is not None, url
    return route.link
