"""Doctor: what is wrong is found and told with what to do, on this machine and over the network."""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import sqlite3
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import trustme
from command import run
from conftest import START, Clock, Inject
from inbox import copies

from pixeltrack import keyfile, serve
from pixeltrack.clock import now_ms
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.dayhash import DayHash
from pixeltrack.doctor import Check, check_here, check_outside, gif, here
from pixeltrack.errors import InputError
from pixeltrack.model import Event, EventKind
from pixeltrack.pages import Pages
from pixeltrack.pixel import PIXEL
from pixeltrack.serve import Server, listen
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store

DAY = 86_400_000


def by_name(checks: list[Check]) -> dict[str, Check]:
    found = {check.name: check for check in checks}
    assert len(found) == len(checks), "two checks of one name"
    for check in checks:
        assert check.message
        assert bool(check.hint) is (check.outcome != "ok")
    return found


def outcomes(checks: list[Check]) -> dict[str, str]:
    return {name: check.outcome for name, check in by_name(checks).items() if check.outcome != "ok"}


# -- on this machine ------------------------------------------------------------------------------------


@pytest.fixture
def sane(workspace: Workspace, settings: Settings, inject: Inject) -> Settings:
    inject("ann@x.example")
    return replace(settings, events_days=30)


def test_a_sane_installation_is_fine(sane: Settings) -> None:
    assert outcomes(check_here(sane, START)) == {}


def test_looking_changes_nothing(sane: Settings, workspace: Workspace) -> None:
    workspace.store.close()
    before = sane.db.read_bytes(), sane.key.read_bytes(), sane.db.stat().st_mtime_ns
    check_here(sane, START)
    assert before == (sane.db.read_bytes(), sane.key.read_bytes(), sane.db.stat().st_mtime_ns)


@pytest.mark.parametrize(
    ("base_url", "outcome", "said"),
    [
        ("https://track.example.com", "ok", "https://track.example.com"),
        ("http://127.0.0.1:8000", "warning", "not set"),
        ("https://localhost", "warning", "this machine only"),
        ("http://track.example.com", "warning", "not encrypted"),
        ("https://192.0.2.1", "warning", "an address without a name"),
        ("track.example.com", "failed", "is not of the form https://host"),
    ],
)
def test_the_base_url(sane: Settings, base_url: str, outcome: str, said: str) -> None:
    check = by_name(check_here(replace(sane, base_url=base_url), START))["base url"]
    assert check.outcome == outcome
    assert said in check.message


def test_old_network_lists_and_broken_ones(sane: Settings) -> None:
    assert by_name(check_here(sane, START))["networks"].outcome == "ok"
    check = by_name(check_here(sane, START + 400 * DAY))["networks"]
    assert (check.outcome, "google/2026-10-05" in check.message) == ("warning", True)
    sane.networks.mkdir()
    (sane.networks / "google.txt").write_text("8.8.8.0/24\n")
    check = by_name(check_here(sane, START))["networks"]
    assert (check.outcome, "google.txt" in check.message) == ("failed", True)


def test_salts_of_days_that_are_over(sane: Settings, workspace: Workspace) -> None:
    day = START // DAY * DAY
    DayHash(workspace.store, Clock(day - 1))
    for now, outcome in ((day, "ok"), (day + 3_600_000, "ok"), (day + 3_720_000, "warning")):
        assert by_name(check_here(sane, now))["salts"].outcome == outcome
    assert "2026-09-20" in by_name(check_here(sane, day + 3_720_000))["salts"].message
    DayHash(workspace.store, Clock(day + 3_720_000))
    assert by_name(check_here(sane, day + 3_720_000))["salts"].outcome == "ok"


def test_who_waits_to_be_erased_is_said(sane: Settings, workspace: Workspace) -> None:
    now = now_ms()
    assert by_name(check_here(sane, now))["erasures"].outcome == "ok"
    workspace.store.ask_erasure(b"s" * 16, now - DAY)
    workspace.store.ask_erasure(b"t" * 16, now)
    for later, outcome in ((0, "warning"), (2 * DAY, "failed")):
        check = by_name(check_here(sane, now + later))["erasures"]
        assert check.outcome == outcome
        assert check.message.startswith("2 people have asked")
        assert "pixeltrack forget --asked" in check.hint


def test_a_proxy_that_hides_everybody_is_said(sane: Settings, workspace: Workspace) -> None:
    public, local = sane, replace(sane, base_url="http://127.0.0.1:8000")
    campaign = workspace.store.campaign("spring").campaign_id
    hit = Event(START, campaign, EventKind.OPEN, 0, 1, "Mozilla/5.0", 0)
    for hits, settings, outcome in ((19, public, "ok"), (1, public, "warning"), (0, local, "ok")):
        workspace.store.put_events([hit._replace(message=message) for message in range(hits)])
        assert by_name(check_here(settings, START))["clients"].outcome == outcome
    assert "--trusted-proxy 127.0.0.1" in by_name(check_here(public, START))["clients"].hint
    workspace.store.put_events([hit._replace(address=7)])
    assert by_name(check_here(public, START))["clients"].outcome == "ok"


def test_nothing_here_yet(tmp_path: Path, settings: Settings) -> None:
    empty = replace(settings, db=tmp_path / "no.db", key=tmp_path / "no.key")
    assert "database" in outcomes(check_here(empty, START))


def _hit(settings: Settings, at: int) -> None:
    with sqlite3.connect(settings.db) as other:
        other.execute(
            "insert into events (at, campaign_id, kind, link, message, agent_id, flags)"
            " values (?, 1, 1, 0, 1, 1, 0)",
            [at],
        )


def _damage(settings: Settings) -> None:
    with settings.db.open("r+b") as file:
        file.seek(4_096)
        file.write(b"\xa5" * 40_960)


def _other_key(settings: Settings) -> None:
    settings.key.unlink()
    keyfile.create(settings.key)


FAULTS: dict[str, tuple[Callable[[Settings], object], str, str, str]] = {
    "key for others": (lambda s: s.key.chmod(0o644), "key", "failed", "can be read by others"),
    "no key": (lambda s: s.key.unlink(), "key", "failed", "no key file at"),
    "another key": (_other_key, "database", "failed", "is not the one that made"),
    "database for others": (lambda s: s.db.chmod(0o640), "file modes", "failed", "mode 0640"),
    "spool for others": (
        lambda s: s.db.with_name("t.db.spool-1").touch(0o644),
        "file modes",
        "failed",
        "t.db.spool-1 can be read by others",
    ),
    "hits wait": (
        lambda s: s.db.with_name("t.db.spool-1").write_text("x\n"),
        "spool",
        "warning",
        "2 bytes of hits wait",
    ),
    "no database": (lambda s: s.db.unlink(), "database", "failed", "only its key"),
    "damage": (_damage, "database", "failed", "is damaged"),
    "no database at all": (lambda s: s.db.write_bytes(b"x" * 9_999), "database", "failed", "not a database"),
    "of a newer version": (
        lambda s: sqlite3.connect(s.db).execute("pragma user_version = 99").connection.close(),
        "database",
        "failed",
        "a newer pixeltrack (schema 99)",
    ),
    "of another program": (
        lambda s: sqlite3.connect(s.db).execute("pragma user_version = 0").connection.close(),
        "database",
        "failed",
        "belongs to another program",
    ),
    "from the future": (lambda s: _hit(s, START + DAY), "clock", "failed", "2026-09-22 14:13 UTC"),
    "too old": (lambda s: _hit(s, START - 31 * DAY), "retention", "failed", "31 days old"),
    "a long journal": (
        lambda s: os.truncate(s.db.with_name("t.db-wal"), 300 << 20),
        "journal",
        "warning",
        "314,572,800 bytes",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(sane: Settings, workspace: Workspace, fault: str) -> None:
    cause, name, outcome, said = FAULTS[fault]
    if fault != "a long journal":
        workspace.store.close()
    cause(sane)
    check = by_name(check_here(sane, START))[name]
    assert (check.outcome, said in check.message) == (outcome, True), check


def test_no_retention_is_said(sane: Settings) -> None:
    assert outcomes(check_here(replace(sane, events_days=None), START)) == {"retention": "warning"}


def test_little_room_is_said(sane: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    free = here.shutil.disk_usage(sane.db.parent).free
    monkeypatch.setattr(here, "_DISK_LOW", free * 2)
    assert outcomes(check_here(sane, START)) == {"disk": "warning"}
    monkeypatch.setattr(here, "_DISK_OUT", free * 2)
    assert outcomes(check_here(sane, START)) == {"disk": "failed"}


def test_few_files_are_said(sane: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.FILES == serve._CONNECTIONS + serve._OTHER_FILES
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    monkeypatch.setattr(here, "FILES", most + 1)
    assert outcomes(check_here(sane, START)) == {"open files": "warning"}


# -- over the network -----------------------------------------------------------------------------------

Wsgi = Callable[..., Any]


@contextmanager
def answering(app: Wsgi, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server of the standard library in a thread, with or without TLS; yields its port."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def app(workspace: Workspace, settings: Settings, clock: Clock) -> Wsgi:
    return make_app(workspace.store, workspace.keyring, Pages(), settings, clock)


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))  # as OpenSSL's own variable
    return authority


def certified(authority: trustme.CA, *names: str, days: float = 90) -> ssl.SSLContext:
    ends = datetime.now(UTC) + timedelta(days=days)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    begins = min(datetime.now(UTC), ends) - timedelta(days=1)
    authority.issue_cert(*names, not_before=begins, not_after=ends).configure_cert(context)
    return context


def changed(
    app: Wsgi,
    *,
    path: str = "",
    status: str = "",
    headers: dict[str, str | None] | None = None,
    body: bytes | None = None,
) -> Wsgi:
    """The same application with something changed in its answers below a path; None drops a header."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        if not environ["PATH_INFO"].startswith(path):
            return app(environ, start_response)  # type: ignore[no-any-return]
        seen: list[Any] = []
        chunks = app(environ, lambda *answer: seen.extend(answer))
        content = b"".join(chunks) if body is None else body
        given = {key: value for key, value in seen[1] if key not in (headers or {})}
        given |= {key: value for key, value in (headers or {}).items() if value is not None}
        given["Content-Length"] = str(len(content))
        start_response(status or seen[0], list(given.items()))
        return [content]

    return call


HSTS: dict[str, str | None] = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}


def to_https(port: int) -> Wsgi:
    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        where = f"https://localhost:{port}{environ['PATH_INFO']}"
        start_response("301 Moved Permanently", [("Location", where), ("Content-Length", "0")])
        return []

    return call


def look(port: int, scheme: str = "https", plain: int | None = None, seconds: float = 20) -> list[Check]:
    return check_outside(f"{scheme}://localhost:{port}", seconds, now_ms, plain)


def test_the_real_collector_has_nothing_wrong_but_its_missing_encryption(
    workspace: Workspace, settings: Settings, clock: Clock, inject: Inject
) -> None:
    copy = copies(inject("ann@x.example"))[0]
    store = open_store(workspace.store.path, workspace.keyring)
    app = make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False)
    server = Server(app, listen("127.0.0.1", 0))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        checks = check_outside(server.url, 20, now_ms)
    finally:
        server.stop()
        thread.join()
    assert outcomes(checks) == {"certificate": "warning"}
    assert by_name(checks)["pixel"].message == "a GIF of 1 by 1, 43 bytes"
    campaign = workspace.store.campaign("spring").campaign_id
    assert list(workspace.store.events(campaign)) == []  # nothing was recorded
    assert copy.code
    store.close()


def test_behind_a_good_proxy_all_is_well(app: Wsgi, trusted: trustme.CA) -> None:
    with (
        answering(changed(app, headers=HSTS), certified(trusted, "localhost")) as port,
        answering(to_https(port)) as plain,
    ):
        checks = look(port, plain=plain)
    assert outcomes(checks) == {}
    found = by_name(checks)
    assert found["certificate"].message.endswith(" 89 days left")
    assert found["plain http"].message == "redirects to https (301)"
    assert found["hsts"].message == "365 days"


@pytest.mark.parametrize(
    ("names", "days", "outcome", "said"),
    [
        (["localhost"], 3, "warning", "2 days left"),
        (["localhost"], -2, "failed", "certificate has expired"),
        (["other.example"], 90, "failed", "mismatch"),
    ],
)
def test_a_bad_certificate_is_told_and_the_rest_is_looked_at_all_the_same(
    app: Wsgi, trusted: trustme.CA, names: list[str], days: float, outcome: str, said: str
) -> None:
    with answering(changed(app, headers=HSTS), certified(trusted, *names, days=days)) as port:
        checks = look(port)
    assert outcomes(checks) == {"certificate": outcome}
    assert said in by_name(checks)["certificate"].message.lower()


def test_a_self_signed_certificate_fails(app: Wsgi) -> None:
    with answering(changed(app, headers=HSTS), certified(trustme.CA(), "localhost")) as port:
        checks = look(port)
    assert outcomes(checks) == {"certificate": "failed"}


WRONG: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "a wrong GIF": ({"path": "/o/", "body": PIXEL[:-3]}, {"pixel": "failed"}, "it ends too early"),
    "no GIF": ({"path": "/o/", "body": b"<html>"}, {"pixel": "failed"}, "it is no GIF"),
    "an empty image": ({"path": "/o/", "body": b""}, {"pixel": "failed"}, "it is no GIF"),
    "a large GIF": (
        {"path": "/o/", "body": PIXEL.replace(b",\0\0\0\0\1\0\1\0", b",\0\0\0\0\xff\xff\xff\xff")},
        {"pixel": "failed"},
        "it is 65535 by 65535 pixels",
    ),
    "no image at all": ({"path": "/o/", "status": "404 Not Found"}, {"pixel": "failed"}, "the status is 404"),
    "another type": (
        {"path": "/o/", "headers": {"Content-Type": "text/plain"}},
        {"pixel": "failed"},
        "its type is text/plain",
    ),
    "a cache": (
        {"path": "/o/", "headers": {"Cache-Control": "max-age=86400"}},
        {"pixel cache": "failed"},
        "Cache-Control is 'max-age=86400'",
    ),
    "a static file": (
        {"path": "/o/", "headers": {"X-Pixeltrack": None}},
        {"pixel source": "warning"},
        "no X-Pixeltrack header",
    ),
    "an open redirect": (
        {"path": "/c/", "status": "302 Found", "headers": {"Location": "https://evil.example/"}},
        {"unknown link": "failed"},
        "leads to https://evil.example/",
    ),
    "links not passed on": (
        {"path": "/c/", "status": "200 OK"},
        {"unknown link": "failed"},
        "200 instead of 404",
    ),
    "no robots.txt": ({"path": "/robots.txt", "status": "404 Not Found"}, {"robots.txt": "warning"}, "404"),
    "no health": ({"path": "/healthz", "body": b"[]"}, {"health": "warning"}, "is not the collector's"),
    "degraded": (
        {"path": "/healthz", "body": b'{"status": "degraded", "lost": 0, "spool_bytes": 70}'},
        {"health": "warning"},
        "70 bytes wait in the spool",
    ),
    "losing": (
        {"path": "/healthz", "body": b'{"status": "unsafe", "lost": 7, "spool_bytes": 0}'},
        {"health": "failed"},
        "7 so far",
    ),
    "sent on": (
        {"path": "/robots.txt", "status": "301 Moved", "headers": {"Location": "https://www.localhost/"}},
        {"redirect": "failed", "robots.txt": "warning"},
        "sent on to https://www.localhost/",
    ),
    "a clock that is off": (
        {"path": "/robots.txt", "headers": {"Date": "Mon, 21 Sep 2026 13:33:20 GMT"}},
        {"clock difference": "failed"},
        "seconds",
    ),
    "an odd date": (
        {"path": "/robots.txt", "headers": {"Date": "yesterday"}},
        {"clock difference": "warning"},
        "no Date header",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_is_found(app: Wsgi, wrong: str) -> None:
    change, expected, said = WRONG[wrong]
    with answering(changed(app, **change)) as port:
        checks = look(port, "http")
    assert outcomes(checks) == {"certificate": "warning"} | expected
    assert said in " ".join(by_name(checks)[name].message for name in expected)


def test_no_hsts_is_said(app: Wsgi, trusted: trustme.CA) -> None:
    context = certified(trusted, "localhost")
    with answering(app, context) as port:
        assert outcomes(look(port)) == {"hsts": "warning"}
    short: dict[str, str | None] = {"Strict-Transport-Security": "max-age=3600"}
    with answering(changed(app, headers=short), context) as port:
        assert by_name(look(port))["hsts"].message == "3600 seconds is short"


@pytest.mark.parametrize(
    ("plain", "outcome"), [("app", "warning"), ("elsewhere", "failed"), ("closed", "ok")]
)
def test_plain_http(app: Wsgi, trusted: trustme.CA, plain: str, outcome: str) -> None:
    elsewhere = changed(app, status="301 Moved", headers={"Location": "https://elsewhere.example/"})
    with (
        answering(changed(app, headers=HSTS), certified(trusted, "localhost")) as port,
        answering(elsewhere if plain == "elsewhere" else app) as other,
    ):
        checks = look(port, plain=1 if plain == "closed" else other)
    assert by_name(checks)["plain http"].outcome == outcome


def believing(app: Wsgi) -> Wsgi:
    """A proxy, or server, that believes whatever a request says of itself."""

    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        host = environ.pop("HTTP_X_FORWARDED_HOST", None)
        if host and environ["PATH_INFO"] == "/privacy":
            return changed(app, body=host.encode())(environ, start_response)
        return app(environ, start_response)

    return call


def showing_host(app: Wsgi) -> Wsgi:
    def call(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if environ["PATH_INFO"] == "/privacy":
            return changed(app, body=environ["HTTP_HOST"].encode())(environ, start_response)
        return app(environ, start_response)

    return call


@pytest.mark.parametrize(("fault", "name"), [(believing, "proxy headers"), (showing_host, "host header")])
def test_headers_that_anybody_can_make_up_must_change_nothing(
    app: Wsgi, fault: Callable[[Wsgi], Wsgi], name: str
) -> None:
    with answering(fault(app)) as port:
        assert outcomes(look(port, "http")) == {"certificate": "warning", name: "failed"}


def test_metrics_that_open_to_a_made_up_address_are_found(
    workspace: Workspace, settings: Settings, clock: Clock
) -> None:
    trusting = replace(settings, trusted_proxies=frozenset({"127.0.0.1"}))
    inner = make_app(workspace.store, workspace.keyring, Pages(), trusting, clock)

    def passing(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if "HTTP_X_FORWARDED_FOR" not in environ:  # only else: the mistake to be found
            environ["HTTP_X_FORWARDED_FOR"] = "203.0.113.9"
        environ["HTTP_HOST"] = "localhost"
        return inner(environ, start_response)

    with answering(passing) as port:
        checks = look(port, "http")
    assert outcomes(checks) == {"certificate": "warning", "proxy headers": "failed"}
    assert "/metrics" in by_name(checks)["proxy headers"].message


def test_nobody_there_is_one_failed_check() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for scheme in ("http", "https"):
        check = by_name(look(port, scheme))["reach"]
        assert (check.outcome, "connection refused" in check.message) == ("failed", True)


def test_a_name_that_does_not_exist_is_one_failed_check() -> None:
    check = by_name(check_outside("http://nobody.invalid", 5, now_ms))["reach"]
    assert check.outcome == "failed"


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: y"])
def test_a_host_that_drips_does_not_keep_us(drip: bytes) -> None:
    ending = threading.Event()

    def serve_slowly(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while not ending.wait(0.05):
                try:
                    connection.sendall(drip)
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve_slowly, args=(server,))
        thread.start()
        started = time.monotonic()
        checks = look(server.getsockname()[1], "http", seconds=1)
        assert time.monotonic() - started < 3
        ending.set()
        thread.join()
    assert by_name(checks)["reach"].outcome == "failed"


def test_a_base_url_that_is_none_is_wrong_use() -> None:
    with pytest.raises(InputError):
        check_outside("ftp://x", 5, now_ms)


def test_s28_doctor_follows_no_redirect(app: Wsgi) -> None:
    asked: list[str] = []

    def trap(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        asked.append(environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with answering(trap) as inside:
        target: dict[str, str | None] = {"Location": f"http://127.0.0.1:{inside}/secret"}
        with answering(changed(app, status="302 Found", headers=target)) as port:
            look(port, "http")
    assert asked == []


# -- the decoder ----------------------------------------------------------------------------------------


def test_our_pixel_decodes() -> None:
    assert gif.decode(PIXEL) == (1, 1, [0])


def test_a_larger_gif_with_growing_codes_decodes() -> None:
    # 3 by 3 with four colours, the sample image of the format's best known description.
    data = bytes.fromhex(
        "4749463839610a000a0091 00 00ffffffff00000000ff000000 21f904000000 0000"
        "2c000000000a000a0000 02 16 8c2d99872a1cdc33a00275ec95faa8de608c04914c01 00 3b".replace(" ", "")
    )
    image = gif.decode(data)
    assert image[:2] == (10, 10)
    assert image.pixels[:10] == [1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert image.pixels[33:37] == [0, 0, 0, 0]
    assert len(image.pixels) == 100


def test_no_cut_or_changed_gif_breaks_the_decoder() -> None:
    for at in range(len(PIXEL)):
        with pytest.raises(ValueError, match="it "):
            gif.decode(PIXEL[:at])
    for at in range(len(PIXEL)):
        for value in range(256):
            with suppress(ValueError):
                gif.decode(PIXEL[:at] + bytes([value]) + PIXEL[at + 1 :])


# -- the command ----------------------------------------------------------------------------------------


def test_by_command(tmp_path: Path, app: Wsgi) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    told = run(folder, "doctor")
    assert told.code == 0
    assert re.search("6 checks, 0 failed, [23] warnings", told.out)  # the third: shipped lists get old
    with answering(changed(app, path="/o/", body=b"")) as port:
        told = run(folder, "doctor", f"http://localhost:{port}", "--json")
        told_quietly = run(folder, "doctor", f"http://localhost:{port}", "-q")
        local = run(folder, "doctor", f"http://localhost:{port}", "--local")
    assert (told.code, told_quietly.code, told_quietly.out, local.code) == (1, 1, "", 0)
    checks = {check["name"]: check for check in json.loads(told.out)}
    assert checks["pixel"] == {
        "name": "pixel",
        "outcome": "failed",
        "message": "it is no GIF",
        "hint": "let the proxy pass /o/ on to the collector, and change nothing in what it answers",
    }
    assert run(folder, "doctor", "ftp://x").code == 2
    (folder / "pixeltrack.toml").write_text('base_url = "x"')
    assert run(folder, "doctor").code == 1


def test_what_a_host_says_cannot_speak_to_the_terminal(tmp_path: Path, app: Wsgi) -> None:
    hostile: dict[str, str | None] = {"Location": "https://\x1b]0;title\x07/"}

    with answering(changed(app, path="/c/", headers=hostile)) as port:
        told = run(tmp_path, "doctor", f"http://localhost:{port}")
    assert told.code == 1
    assert "\x1b" not in told.out
    assert "\x07" not in told.out
