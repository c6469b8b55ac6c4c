"""One POST of a webhook: where it may go, how long it may take, and what counts as an answer."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme
from hookserver import Answer, receiving
from hypothesis import given
from hypothesis import strategies as st

from pixeltrack.errors import InputError
from pixeltrack.webhooks import target, wire
from pixeltrack.webhooks.target import fault, read

BODY = b'{"events":[]}'
LARGE = b'{"events":[' + b" " * 250_000 + b"]}"


def post(url: str, *, allow_private: bool = False, body: bytes = BODY) -> wire.Answer:
    return wire.post(read(url), body, {"Content-Type": "application/json"}, allow_private=allow_private)


# -- where it may go -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://crm.example/hook", "not encrypted"),
        ("http://127.0.0.1.crm.example/", "not encrypted"),
        ("http://10.0.0.1/", "not encrypted"),
        ("ftp://crm.example/", "no web address"),
        ("crm.example/hook", "no web address"),
        ("https:///hook", "no web address"),
        ("https://crm.example:99999/", "no URL"),
        ("https://crm.example:http/", "no URL"),
        ("https://[::1", "no URL"),
        ("https://user:secret@crm.example/", "password"),
        ("https://crm.example/#part", "fragment"),
        ("https://crm.example/a b", "printable ASCII"),
        ("https://crm.example/\r\nHost: evil.example", "printable ASCII"),
        ("https://bücher.example/", "printable ASCII"),
        ("https://crm.example/" + "a" * 2_000, "2,000"),
        ("https://exa%6Dple.com/", "no web address"),
    ],
)
def test_a_url_that_nothing_is_sent_to_is_refused(url: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        read(url)


@pytest.mark.parametrize(
    ("url", "host", "port", "path", "authority"),
    [
        ("https://crm.example", "crm.example", 443, "/", "crm.example"),
        ("https://CRM.example:8443/a?b=c", "crm.example", 8443, "/a?b=c", "crm.example:8443"),
        ("http://localhost:9000/", "localhost", 9000, "/", "localhost:9000"),
        ("http://[::1]/x", "::1", 80, "/x", "[::1]"),
        ("https://[2606:4700::1111]/", "2606:4700::1111", 443, "/", "[2606:4700::1111]"),
    ],
)
def test_a_url_is_read(url: str, host: str, port: int, path: str, authority: str) -> None:
    found = read(url)
    assert (found.host, found.port, found.path, found.authority) == (host, port, path, authority)


PUBLIC = read("https://crm.example/")


@pytest.mark.parametrize(
    "address",
    [
        *("10.0.0.1", "172.16.3.4", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1"),
        *("192.0.2.1", "198.18.0.1", "240.0.0.1", "::1", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:db8::1"),
    ],
)
def test_addresses_in_private_networks_are_refused_unless_they_are_allowed(address: str) -> None:
    assert "private network" in (fault(PUBLIC, address, allow_private=False) or "")
    assert fault(PUBLIC, address, allow_private=True) is None


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "224.0.0.1", "ff02::1", "::ffff:0.0.0.0", "no address"])
def test_what_is_no_machines_address_is_never_connected(address: str) -> None:
    assert fault(PUBLIC, address, allow_private=True)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_connected(address: str) -> None:
    assert fault(PUBLIC, address, allow_private=False) is None


def test_this_machine_is_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    here = read("http://localhost/")
    assert fault(here, "127.0.0.1", allow_private=False) is None
    assert fault(here, "8.8.8.8", allow_private=True), "whoever answers for localhost is not this machine"


@given(st.ip_addresses(v=4))
def test_only_global_addresses_pass(address: object) -> None:
    if fault(PUBLIC, str(address), allow_private=False) is None:
        assert address.is_global  # type: ignore[attr-defined]


def test_a_name_that_leads_inside_is_refused_and_never_asked_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the name has is looked at, and that is connected to: a second look could find another one."""
    with receiving() as receiver:
        port = read(receiver.url).port
        asked = []

        def rebinding(host: str, *_more: object, **_named: object) -> list[tuple[object, ...]]:
            asked.append(host)
            address = "127.0.0.1" if len(asked) > 1 else "8.8.8.8"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        connected = []

        def connect(address: tuple[str, int], _timeout: float) -> socket.socket:
            connected.append(address)
            raise ConnectionRefusedError(111, "refused")

        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        monkeypatch.setattr(socket, "create_connection", connect)
        assert "refused" in post(f"https://rebind.example:{port}/").error
        assert (asked, connected) == (["rebind.example"], [("8.8.8.8", port)])
        assert "private network" in post(f"https://rebind.example:{port}/").error
        assert len(connected) == 1
        assert receiver.bodies == []


# -- what comes back -------------------------------------------------------------------------------------


def test_the_body_arrives_with_its_fields() -> None:
    with receiving() as receiver:
        assert post(receiver.url, body=LARGE).status == 204
        sent = receiver.headers[0]
        assert receiver.bodies[0] == LARGE
        assert receiver.paths == ["/hook?a=1"]
        assert sent["Content-Type"] == "application/json"
        assert sent["Host"] == read(receiver.url).authority


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        *((200, 200, ""), (202, 202, ""), (204, 204, ""), (400, 400, ""), (410, 410, ""), (500, 500, "")),
        *(("redirect", 302, ""), ("hints", 200, ""), ("slow", 200, "")),
        *(("drop", 0, "closed the connection"), ("noise", 0, "not HTTP")),
    ],
)
def test_the_status_is_what_counts(answer: Answer, status: int, error: str) -> None:
    with receiving(lambda _number: answer) as receiver:
        found = post(receiver.url, body=b'{"events":[]}')
        assert found.status == status
        assert error in found.error
        assert receiver.paths == ["/hook?a=1"], "no redirect is followed"


def test_retry_after_is_read() -> None:
    with receiving(lambda _number: "busy") as receiver:
        assert post(receiver.url) == wire.Answer(503, later=600)


@pytest.mark.parametrize("answer", ["hang", "drip"])
def test_whoever_hangs_or_drips_is_left_in_time(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WHOLE_SECONDS", 1.0)
    with receiving(lambda _number: answer) as receiver:
        begun = time.monotonic()
        found = post(receiver.url)
        assert time.monotonic() - begun < 5
    assert found == wire.Answer(0, "no answer within 1 seconds")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert "Connection refused" in post(f"http://127.0.0.1:{port}/").error


def test_whoever_does_not_read_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "WHOLE_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = post(f"http://127.0.0.1:{server.getsockname()[1]}/", body=b"x" * 30_000_000)
    assert "no answer within" in found.error


def test_a_name_that_nobody_has() -> None:
    assert "was not found" in post("https://nobody.invalid/").error


def test_the_certificate_has_to_be_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    def asked(name: str, *, known: bool) -> wire.Answer:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        with receiving(context=context) as receiver, monkeypatch.context() as patch:
            if known:
                patch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
            found = post(receiver.url)
            assert len(receiver.bodies) == bool(found.status)
        return found

    assert asked("127.0.0.1", known=True).status == 204
    assert "certificate of 127.0.0.1 is not valid" in asked("127.0.0.1", known=False).error
    assert "certificate of 127.0.0.1 is not valid" in asked("other.example", known=True).error


def test_no_tls_where_none_is() -> None:
    with receiving() as receiver:
        found = post(receiver.url.replace("http:", "https:"))
    assert found.status == 0
    assert "no TLS" in found.error


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with receiving() as receiver:
        assert post(receiver.url).status == 204


def test_target_names_this_machine() -> None:
    assert [read(f"http://{host}/").is_loopback for host in ("127.0.0.2", "a.localhost", "[::1]")] == [
        True
    ] * 3
    assert not target.read("https://localhost.example/").is_loopback


def test_connecting_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CONNECT_SECONDS", 0.4)
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, contextlib.ExitStack() as others:
        for _filler in range(4):  # more than wait in the line of whoever takes no connection
            filler = others.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        begun = time.monotonic()
        found = post(f"http://127.0.0.1:{server.getsockname()[1]}/")
        assert "no connection to 127.0.0.1 within" in found.error
        assert time.monotonic() - begun < 5


def test_a_name_that_is_looked_up_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(wire, "CONNECT_SECONDS", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_asked, **_more: [][: over.wait(20)])
    assert post("https://crm.example/").error == "the address of crm.example was not found in time"
    over.set()
