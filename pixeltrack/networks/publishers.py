"""What the publishers' own files say, each recognised by what is in it.

Apple, DigitalOcean and Linode publish geofeeds (RFC 8805: prefix, country, region, city), Amazon,
Google, Microsoft, Oracle and Cloudflare JSON of their own shapes, and mail hosts an SPF record. What
is only a list of prefixes says nothing of its owner: a label must be given then, or ``update``
finds out from the lists there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
    summarize_address_range,
)
from pathlib import Path
from typing import Any

from pixeltrack.errors import InputError
from pixeltrack.networks.lists import BROADEST, LABEL

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Published:
    """What a file has. ``label`` and ``date`` are empty where the file does not tell."""

    label: str
    date: str  # as 2026-11-01
    source: str
    covers: str
    networks: tuple[Network, ...]


class _File:
    """One file's text, its name for errors, and its name's date."""

    def __init__(self, path: str, text: str) -> None:
        self.path, self.text = path, text
        found = re.search(r"(20\d\d)-?([01]\d)-?([0-3]\d)", Path(path).name)
        self.day = _day("-".join(found.groups())) if found else ""

    def wrong(self, where: str, value: object) -> InputError:
        return InputError(
            f"{self.path} {where}: {str(value)[:80]!r} is no network",
            hint="a network is written as 192.0.2.0/24 or 2001:db8::/32; nothing was changed",
        )

    def network(self, value: object, where: str) -> Network:
        """Return one network, or raise InputError for what is none or far too large."""
        try:
            found = ip_network(str(value) if isinstance(value, str) else "")
        except ValueError:
            raise self.wrong(where, value) from None
        if found.prefixlen < BROADEST[found.version]:
            raise InputError(
                f"{self.path} {where}: {value} is larger than what anybody has",
                hint=f"the largest that is taken is /{BROADEST[found.version]}; nothing was changed",
            )
        if isinstance(found, IPv6Network) and found.network_address.ipv4_mapped:
            raise self.wrong(where, f"{value} (write it as IPv4)")
        return found


def published(path: str, text: str) -> Published:
    """Return what a publisher's file has; raise InputError when it is none."""
    file = _File(path, text.removeprefix("\ufeff"))
    if file.text.lstrip()[:1] in ("{", "["):
        found = _json(file)
    else:
        found = _spf(file) if "v=spf1" in file.text else _lines(file)
    return replace(found, date=found.date or file.day)


def _day(text: str) -> str:
    """Return a date if it is one."""
    try:
        return date.fromisoformat(text[:10]).isoformat()
    except ValueError:
        return ""


# -- JSON ---------------------------------------------------------------------------------------------


def _json(file: _File) -> Published:
    try:
        document = json.loads(file.text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file.path} is not valid JSON: {error}", hint="nothing was changed") from None
    kind = _microsoft_365 if isinstance(document, list) else _kind(document)
    if kind is None:
        raise InputError(
            f"{file.path} is JSON of a kind that is not known",
            hint="give a file of Amazon, Google, Azure, Microsoft 365, Oracle or Cloudflare, or a text file"
            " with one network a line and --label",
        )
    try:
        return kind(file, document)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{file.path} is not as its publisher writes it ({type(error).__name__}: {error})",
            hint="nothing was changed",
        ) from None


def _kind(document: Mapping[str, Any]) -> Callable[[_File, Any], Published] | None:
    """Return what reads a document that has one of these at its top."""
    kinds = {
        "syncToken": _amazon_or_google,
        "values": _azure,
        "regions": _oracle,
        "result": _cloudflare,
    }
    return next((kinds[key] for key in kinds if key in document), None)


def _amazon_or_google(file: _File, document: dict[str, Any]) -> Published:
    if "ipv6_prefixes" in document:
        entries = [
            *_each(file, document["prefixes"], "prefixes", "ip_prefix"),
            *_each(file, document["ipv6_prefixes"], "ipv6_prefixes", "ipv6_prefix"),
        ]
        return Published(
            "aws",
            _day(document["createDate"]),
            "https://ip-ranges.amazonaws.com/ip-ranges.json",
            "every service of Amazon Web Services, as published",
            tuple(entries),
        )
    cloud = any("service" in entry for entry in document["prefixes"])
    name = "cloud" if cloud else "goog"
    return Published(
        "gcp" if cloud else "google",
        _day(document["creationTime"]),
        f"https://www.gstatic.com/ipranges/{name}.json",
        "addresses of Google Cloud customers, as published" if cloud else "all of Google, as published",
        tuple(
            file.network(entry.get("ipv4Prefix", entry.get("ipv6Prefix")), f"prefixes[{place}]")
            for place, entry in enumerate(document["prefixes"])
        ),
    )


def _each(file: _File, entries: list[dict[str, Any]], where: str, key: str) -> Iterator[Network]:
    for place, entry in enumerate(entries):
        yield file.network(entry[key], f"{where}[{place}].{key}")


def _azure(file: _File, document: dict[str, Any]) -> Published:
    for tag in document["values"]:
        if tag["name"] == "AzureCloud":
            found = tag["properties"]["addressPrefixes"]
            return Published(
                "azure",
                "",
                "https://www.microsoft.com/en-us/download/details.aspx?id=56519",
                "the service tag AzureCloud, as published",
                tuple(file.network(each, f"AzureCloud[{place}]") for place, each in enumerate(found)),
            )
    raise InputError(
        f"{file.path} has no service tag AzureCloud", hint="give the file ServiceTags_Public_….json"
    )


def _oracle(file: _File, document: dict[str, Any]) -> Published:
    return Published(
        "oracle",
        _day(document.get("last_updated_timestamp", "")),
        "https://docs.oracle.com/iaas/tools/public_ip_ranges.json",
        "Oracle Cloud Infrastructure, as published",
        tuple(
            file.network(entry["cidr"], f"regions[{place}].cidrs[{number}]")
            for place, region in enumerate(document["regions"])
            for number, entry in enumerate(region["cidrs"])
        ),
    )


def _cloudflare(file: _File, document: dict[str, Any]) -> Published:
    found = document["result"]["ipv4_cidrs"] + document["result"]["ipv6_cidrs"]
    return Published(
        "cloudflare",
        "",
        "https://api.cloudflare.com/client/v4/ips",
        "the addresses that Cloudflare names",
        tuple(file.network(each, f"result[{place}]") for place, each in enumerate(found)),
    )


def _microsoft_365(file: _File, document: Any) -> Published:
    """Return the mail filter, Exchange Online Protection: endpoint sets 9 and 10."""
    found: list[Network] = []
    sets = set()
    for entry in document:
        if not isinstance(entry, dict) or "serviceArea" not in entry:
            raise InputError(
                f"{file.path} is a JSON list, but not of Microsoft 365 endpoints", hint="nothing was changed"
            )
        number = entry.get("id")
        sets.add(number)
        for place, each in enumerate(entry.get("ips", ()) if number in (9, 10) else ()):
            found.append(file.network(each, f"endpoint set {number}, ips[{place}]"))
    if not {9, 10} <= sets:
        raise InputError(
            f"{file.path} lacks endpoint sets 9 and 10, the mail filter",
            hint="give the whole worldwide list of Microsoft 365 endpoints",
        )
    return Published(
        "ms-eop",
        "",
        "https://endpoints.office.com/endpoints/worldwide",
        "Exchange Online Protection: endpoint sets 9 and 10",
        tuple(found),
    )


# -- text ---------------------------------------------------------------------------------------------


def _spf(file: _File) -> Published:
    """Return the networks of SPF records, as dig or nslookup shows them, or as they are."""
    found = []
    for number, line in enumerate(file.text.splitlines(), start=1):
        for value in re.findall(r"\bip[46]:([^\s\"~]+)", line):
            found.append(file.network(value, f"line {number}"))
    google = "_netblocks" in file.text or "_spf.google.com" in file.text
    return Published(
        "google" if google else "", "", "SPF records", "the mail servers of SPF records", tuple(found)
    )


def _lines(file: _File) -> Published:
    """Return the networks of a text: the first field of each line, or from and to in the first two."""
    head: dict[str, str] = {}
    found: list[Network] = []
    for number, line in enumerate(file.text.splitlines(), start=1):
        if said := re.fullmatch(r"#\s*(label|date|source|covers):\s*(.*?)\s*", line):
            head.setdefault(said[1], said[2])
        text = re.split(r"#|;", line, maxsplit=1)[0].strip()
        if text:
            found += _line(file, text, number)
    label = head.get("label", "")
    return Published(
        label if LABEL.fullmatch(label) else "",
        _day(head.get("date", "")),
        head.get("source", Path(file.path).name),
        head.get("covers", "as in the file"),
        tuple(found),
    )


def _line(file: _File, text: str, number: int) -> Iterable[Network]:
    fields = [field.strip(" \t\"'") for field in re.split(r",|\t|\s-\s", text)]
    if number == 1 and not re.search(r"\d", fields[0]):
        return []  # the names of columns
    first, second = fields[0], fields[1] if len(fields) > 1 else ""
    if "/" not in first and second and re.fullmatch(r"[0-9a-fA-F:.]*[:.][0-9a-fA-F:.]*", second):
        return _between(file, first, second, number)
    if "-" in first:
        start, _, end = first.partition("-")
        return _between(file, start, end, number)
    return [file.network(first, f"line {number}")]


def _between(file: _File, first: str, last: str, number: int) -> list[Network]:
    try:
        start, end = ip_address(first.strip()), ip_address(last.strip())
        if isinstance(start, IPv4Address) and isinstance(end, IPv4Address):
            found: list[Network] = list(summarize_address_range(start, end))
        elif isinstance(start, IPv6Address) and isinstance(end, IPv6Address):
            found = list(summarize_address_range(start, end))
        else:
            raise ValueError
    except ValueError:
        raise file.wrong(f"line {number}", f"{first} to {last}") from None
    return [file.network(str(each), f"line {number}") for each in found]
