"""Customer lists as advertising platforms take them: one column, the SHA-256 of each normalised address.

Google Ads: header ``Email``, lower case, no spaces (support.google.com/google-ads/answer/7659867); that page
says nothing of dots in Gmail addresses, so they stay. Meta: header ``email``
(facebook.com/business/help/2082575038703844). LinkedIn: header ``email``, SHA-256 is taken as it is
(linkedin.com/help/lms/answer/a1489764).
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

_HEADERS = {"google": "Email", "meta": "email", "linkedin": "email", "csv": "email"}


def normalised(address: str) -> str:
    """Return an address as all of them hash it: in lower case, without spaces."""
    return "".join(address.split()).lower()


def written(platform: str, people: Iterable[str]) -> bytes:
    """Return the file for a platform, in an order that tells nothing; ``csv`` has plain addresses."""
    plain = map(normalised, people)
    cells = plain if platform == "csv" else (sha256(each.encode()).hexdigest() for each in plain)
    return "".join(f"{line}\r\n" for line in (_HEADERS[platform], *sorted(cells))).encode()
