"""What a request tells beyond its agent: header flags, the client's network, the day's number of its address.

Both lanes ask here, one with a WSGI environ, the other with the headers as it has read them, and both
get the same. The address itself goes no further.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pixeltrack.dayhash import DayHash
from pixeltrack.headerflags import header_flags
from pixeltrack.model import SIGNAL, Flag
from pixeltrack.networks import Networks
from pixeltrack.networks.address import kept_of, packed
from pixeltrack.peers import FORWARDING, client_of, is_spoken_for

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from pixeltrack.config import Ip, Settings
    from pixeltrack.store import Store

#: Flags, network (as ``netlabel`` has it, or empty) and address (32 bits, or 0), as an Event has them.
Facts = tuple[int, str, int]


class HeaderFacts:
    """What is made of a request before its address is dropped. Not for several threads at the same time.

    lists is the folder of the user's own network lists, country_db the file of countries, if there is one;
    trusted are the addresses of the proxies whose X-Forwarded-For and X-Forwarded-Proto count; clock returns
    milliseconds UTC; ip is what is kept of addresses. Raises InputError for a network list or a file of
    countries that is none.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], int],
        *,
        lists: Path | None,
        trusted: Collection[str],
        country_db: Path | None = None,
        ip: Ip = "none",
    ) -> None:
        self._ip = ip
        self._lists = lists
        self._country_db = country_db
        self._trusted = trusted
        self._hash = DayHash(store, clock)
        self.reload()

    @classmethod
    def of_settings(cls, settings: Settings, store: Store, clock: Callable[[], int]) -> HeaderFacts:
        trusted, countries = settings.trusted_proxies, settings.country_db
        return cls(
            store, clock, lists=settings.networks, trusted=trusted, country_db=countries, ip=settings.ip
        )

    def reload(self) -> None:
        """Read the network lists again, and the countries.

        When one is none all stay as they were, and InputError is raised.
        """
        networks = Networks.of(self._lists, self._country_db)
        networks.load()
        self._label = networks.label if self._ip == "none" else self._with_address(networks.label)

    def _with_address(self, label: Callable[[str], str]) -> Callable[[str], str]:
        """Return ``label`` with what is kept of the address behind it, as an Event has it."""
        whole = self._ip == "full"

        def labelled(client: str) -> str:
            kept = kept_of(packed(client), whole=whole)
            return f"{label(client)}\0{kept}" if kept else label(client)

        return labelled

    def tend(self) -> None:
        """Delete old salts when it is time; for a loop that turns without hits, too."""
        self._hash.tend()

    def of(self, environ: WSGIEnvironment, at: int, *, numbered: bool = True) -> Facts:
        """Return the facts of a WSGI request that came at a time (milliseconds UTC).

        Without numbered its address gets none.
        """
        peer: str = environ.get("REMOTE_ADDR", "")
        client = client_of(
            peer, environ.get("HTTP_X_FORWARDED_FOR", ""), is_spoken_for(environ), self._trusted
        )
        flags = header_flags(
            environ.get("HTTP_ACCEPT", ""),
            environ.get("HTTP_ACCEPT_LANGUAGE", ""),
            environ.get("HTTP_SEC_FETCH_MODE", ""),
            environ.get("HTTP_SEC_GPC", ""),
            environ.get("HTTP_DNT", ""),
        )
        if environ.get("wsgi.url_scheme") == "https" or (
            peer in self._trusted and _is_https(environ.get("HTTP_X_FORWARDED_PROTO", ""))
        ):
            flags |= Flag.TLS
        return flags, self._label(client), self._hash.key(client, at) if numbered else 0

    def of_said(self, said: Said, peer: str, at: int, *, numbered: bool = True) -> Facts:
        """Return the facts of a request whose headers ``said`` has looked at, over a plain connection."""
        client = client_of(peer, said.hops, said.spoken_for, self._trusted)
        flags = said.flags
        if said.https and peer in self._trusted:
            flags |= Flag.TLS
        return flags, self._label(client), self._hash.key(client, at) if numbered else 0


def signalled(environ: WSGIEnvironment) -> bool:
    """Return whether a browser says that its user does not want to be followed."""
    flags = header_flags("", "", "", environ.get("HTTP_SEC_GPC", ""), environ.get("HTTP_DNT", ""))
    return bool(flags & SIGNAL)


class Said:
    """What headers say that is the same whoever sends them: it may be remembered with them."""

    __slots__ = ("flags", "hops", "https", "spoken_for")

    def __init__(self, headers: Mapping[bytes, bytes]) -> None:
        """headers are by name in lower case, each there once."""

        def text(name: bytes) -> str:
            return headers.get(name, b"").decode("latin-1")

        self.hops = text(b"x-forwarded-for")
        self.https = _is_https(text(b"x-forwarded-proto"))
        self.spoken_for = any(name.startswith(FORWARDING) for name in headers)
        self.flags = header_flags(
            text(b"accept"),
            text(b"accept-language"),
            text(b"sec-fetch-mode"),
            text(b"sec-gpc"),
            text(b"dnt"),
        )


def _is_https(protocols: str) -> bool:
    """Return what the last proxy said; the earlier ones say what they like."""
    return protocols.rpartition(",")[2].strip().lower() == "https"
