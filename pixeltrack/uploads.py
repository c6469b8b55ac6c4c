"""Customer lists as advertising platforms take them: one column, the SHA-256 of each normalised address.

What each platform documents, and where:

- Google Ads Customer Match: a CSV file, header ``Email`` (support.google.com/google-ads/answer/7659867), in
  lower case and without spaces, between either, before hashing (its template, g.co/wudy8r). Of gmail.com and
  googlemail.com dots before the @ go, and a plus sign with what follows it
  (developers.google.com/data-manager/api/devguides/concepts/formatting, Google's page for the same data by
  API; the page about files says nothing of it). 100 active members in 30 days to serve ads
  (support.google.com/google-ads/answer/7476585).
- Meta custom audiences: header ``email``, no lists of fewer than 100 people
  (facebook.com/business/help/2082575038703844); trimmed and in lower case before hashing, as its own library
  does (facebook/facebook-python-business-sdk, adobjects/helpers/customaudiencemixin.py).
- LinkedIn contact lists: plain or SHA-256, at least 300 rows, at most 300,000 or 20 MB
  (linkedin.com/help/lms/answer/a1489764). The page says nothing of normalising, and names no headers, only a
  template; ``email`` is what tools that fill that in write.

Google's page on sizes, Meta's and LinkedIn's were read as copies, not on the platforms' own hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple


class Platform(NamedTuple):
    """What one takes: a header, and how many rows at least and at most, None where it says nothing."""

    name: str
    header: str
    hashed: bool = True
    least: int | None = None
    most: int | None = None


PLATFORMS = {
    "google": Platform("Google Ads", "Email", least=100),
    "meta": Platform("Meta", "email", least=100),
    "linkedin": Platform("LinkedIn", "email", least=300, most=300_000),
    "csv": Platform("CSV", "email", hashed=False),
}
_GMAIL = ("gmail.com", "googlemail.com")


def normalised(address: str, platform: str) -> str:
    """Return an address as a platform hashes it: in lower case, without spaces, and what Google drops."""
    plain = "".join(address.split()).lower()
    local, at, domain = plain.rpartition("@")
    if platform == "google" and domain in _GMAIL:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}{at}{domain}"


def written(platform: str, people: Iterable[str]) -> Iterator[bytes]:
    """Yield the lines of the file for a platform, in an order that tells nothing, each person once."""
    chosen = PLATFORMS[platform]
    yield f"{chosen.header}\r\n".encode()
    plain = (normalised(each, platform).encode() for each in people)
    if chosen.hashed:
        digests = sorted({sha256(each).digest() for each in plain})
        yield from (f"{each.hex()}\r\n".encode() for each in digests)
    else:
        yield from (each + b"\r\n" for each in sorted(plain))


def refused(platform: str, rows: int) -> str:
    """Return why a platform would not take, or not use, a file of so many rows; empty where it would."""
    chosen = PLATFORMS[platform]
    if chosen.least is not None and rows < chosen.least:
        return f"{chosen.name} wants {chosen.least:,} people or more, and here are {rows:,}"
    if chosen.most is not None and rows > chosen.most:
        return f"{chosen.name} takes {chosen.most:,} rows at most, and here are {rows:,}"
    return ""
