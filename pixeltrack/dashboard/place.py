"""Where the dashboard is reached: the names that a browser may use for it, and what its cookies are called.

A name that is not known here is refused, or else a page of somebody's own that has its name point to this
machine could read the dashboard through a visitor's browser (DNS rebinding).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from pixeltrack.errors import InputError

DEFAULT = "127.0.0.1:8081"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """``origins`` are as browsers send them, ``hosts`` the values of Host that go with them.

    ``secure`` is whether a browser comes by HTTPS.
    """

    origins: frozenset[str]
    hosts: frozenset[str]
    secure: bool
    url: str
    session_cookie: str
    form_cookie: str


def read_listen(text: str) -> tuple[str, int]:
    """Return host and port of "HOST:PORT" or "PORT"; raise InputError when that is no place to listen."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") if colon else "127.0.0.1"
    if not host or not port.isascii() or not port.isdecimal() or int(port) > 65_535:
        raise InputError(
            f"the dashboard cannot listen on {text!r}", hint=f"give a host and a port, such as {DEFAULT}"
        )
    return host, int(port)


def place_of(host: str, port: int, url: str | None, base_url: str) -> Place:
    """Return what the dashboard is reached by, when it listens on an address of this machine.

    url is what its visitors have in their browsers, where that is another address: of an HTTPS proxy, or of
    this machine's end of a tunnel. Raises InputError when tokens would go over a network in clear, and when
    it would share a host with the links in mail, as browsers share cookies among ports.
    """
    if url is None:
        if not _is_loopback(host):
            raise InputError(
                f"on {host} anybody on the way could read the dashboard's token",
                hint="leave it on 127.0.0.1 behind your HTTPS proxy, and say what the proxy's address is: "
                "--dashboard-url https://stats.example.com",
            )
        hosts = [f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")]
        if port == _PORTS["http"]:
            hosts += ["127.0.0.1", "localhost", "[::1]"]
        bare = f"[{host}]" if ":" in host else host
        return _place("http", f"http://{bare}:{port}", [*hosts, f"{bare}:{port}"], port)
    try:
        parts = urlsplit(url)
        name, given = parts.hostname, parts.port
    except ValueError:
        name, given, parts = None, None, urlsplit("")
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if not name or parts.scheme not in _PORTS or extra:
        raise InputError(
            f"the dashboard's URL is {url!r}",
            hint="give the address without a path, such as https://stats.example.com",
        )
    if parts.scheme == "http" and not _is_loopback(name):
        raise InputError(
            f"with {url} the dashboard's token would go over the network in clear",
            hint="give it HTTPS by a proxy, or reach it through a tunnel (ssh -L) as http://localhost:PORT",
        )
    if name == urlsplit(base_url).hostname and not _is_loopback(name):
        raise InputError(
            f"the dashboard would be on {name}, as the links in your mail are",
            hint="give it a host name of its own, such as stats.example.com",
        )
    bare = f"[{name}]" if ":" in name else name
    usual = given in (None, _PORTS[parts.scheme])
    host_value = bare if usual else f"{bare}:{given}"
    return _place(parts.scheme, f"{parts.scheme}://{host_value}", [host_value], given or _PORTS[parts.scheme])


def _place(scheme: str, url: str, hosts: list[str], port: int) -> Place:
    secure = scheme == "https"
    # By a browser's rules __Host- is for this host alone, and needs Secure; over plain http not every browser
    # takes Secure from this machine. There ports share cookies, so their names tell them apart.
    prefix = "__Host-pixeltrack" if secure else f"pixeltrack-{port}"
    return Place(
        frozenset(f"{scheme}://{host}" for host in hosts),
        frozenset(hosts),
        secure,
        url,
        f"{prefix}-session",
        f"{prefix}-form",
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
