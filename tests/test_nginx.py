"""The link table as nginx' map, in a real nginx: redirected there, read from its log, counted alike."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from command import run
from conftest import BASE, CHROME, Client, Clock, Inject, clients, people
from inbox import copies

from pixeltrack.accesslog import JSON_FORMAT, Format
from pixeltrack.clock import now_ms
from pixeltrack.collector import make_app
from pixeltrack.config import Settings
from pixeltrack.dayhash import DayHash
from pixeltrack.follow import _QUIET, Follower
from pixeltrack.hrefs import location
from pixeltrack.ingest import LogReading
from pixeltrack.links import Policy
from pixeltrack.logfile import open_log
from pixeltrack.model import LinkRow
from pixeltrack.nginxmap import Unmapped, lines
from pixeltrack.pages import Pages
from pixeltrack.serve import Server, listen
from pixeltrack.setup import Workspace
from pixeltrack.store import open_store
from pixeltrack.urls import addresses

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples" / "behind-a-proxy"
NGINX = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
needs_nginx = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (apt install nginx)")

BROWSER = {
    "Accept": "text/html,*/*;q=0.8",
    "Accept-Language": "de-DE,en;q=0.7",
    "Sec-Fetch-Mode": "navigate",
    "Sec-GPC": "1",
}
REAL_IP = "set_real_ip_from 127.0.0.1;\nreal_ip_header X-Forwarded-For;\n"
DESTINATIONS = [
    "https://shop.example/a?x=1&y=2",
    "https://shop.example/$price/${HOME}?$a=$b$",
    "https://shop.example/?q=\\d+\\\\n&w=\\",
    "https://shop.example/it's;{x}#part~1",
    'https://shop.example/"quoted" and spaced/ü?é=€',
    "http://user:pass@[2001:db8::1]:8080/",
    "https://bücher.example/%24%20%",
    "HTTPS://Shop.Example/Upper",
    "https://shop.example/default",
    "https://" + "a" * 60 + "." + "b" * 60 + "." + "c" * 60 + ".example/",
]


@contextmanager
def nginx(folder: Path, conf: str) -> Iterator[int]:
    """nginx with an http block; yields the port that stands as PORT in it."""
    folder.mkdir(exist_ok=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    places = "\n".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = folder / "nginx.conf"
    path.write_text(
        f"pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\n"
        f"http {{\n{places}\n{conf.replace('PORT', str(port))}\n}}\n"
    )
    assert NGINX
    command = [NGINX, "-p", str(folder), "-c", str(path), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    program = subprocess.Popen([*command, "-g", "daemon off; master_process off;"])
    try:
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        program.terminate()
        program.wait(10)


# What the client that calls the application says, too (conftest).
BROWSER = {"Accept": "text/html,image/*", "Accept-Language": "en", "Sec-Fetch-Mode": "navigate"}


def ask(
    port: int, path: str, method: str = "GET", agent: str = CHROME, **headers: str
) -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    said = {name: value for name, value in BROWSER.items() if name not in headers}
    connection.request(method, path, headers={"User-Agent": agent, **said, **headers})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer


def alone(folder: Path, upstream: int, tls: bool = False) -> str:
    """The example's configuration, with its files in a folder and the collector at a port."""
    text = local((EXAMPLES / "nginx-alone.conf").read_text(), folder, tls)
    text = text.replace("/etc/nginx/pixeltrack.map", str(folder / "pixeltrack.map"))
    return text.replace("127.0.0.1:8000", f"127.0.0.1:{upstream}").replace(" buffer=64k flush=1s", "")


def local(text: str, folder: Path, tls: bool) -> str:
    text = re.sub(r"^\s*listen \[::\].*\n", "", text, flags=re.MULTILINE)
    text = text.replace("/var/log/nginx", str(folder)).replace(
        "/etc/letsencrypt/live/track.example.com", str(folder)
    )
    if not tls:
        text = re.sub(r"^\s*ssl_.*\n", "", text, flags=re.MULTILINE)
    return text.replace("listen 443 ssl http2", "listen 127.0.0.1:PORT" + (" ssl http2" if tls else ""))


def stored_map(workspace: Workspace) -> tuple[str, list[Unmapped]]:
    left: list[Unmapped] = []
    tables = [(each, workspace.store.links(each.campaign_id)) for each in workspace.store.campaigns()]
    return "\n".join(lines(tables, workspace.keyring, left)), left


@needs_nginx
def test_nginx_redirects_to_what_the_collector_would(workspace: Workspace, tmp_path: Path) -> None:
    store, keyring = workspace.store, workspace.keyring
    rows = [LinkRow(number, number, 1, "x", url) for number, url in enumerate(DESTINATIONS, start=1)]
    campaign = store.save_campaign(store.draft_campaign("spring\n}", "recipients", keyring, 1).number(rows))
    keys = keyring.campaign(campaign.code)
    token = keys.message_token(b"12345678")
    text, left = stored_map(workspace)
    assert left == []
    (tmp_path / "pixeltrack.map").write_text(text)
    with nginx(tmp_path / "n", alone(tmp_path, 9)) as port:
        for row in rows:
            answer = ask(port, f"/c/{campaign.code}/{row.number}/{token}?fbclid=1")
            assert (answer.status, answer.headers["Location"]) == (302, location(row.url)), row.url
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        name = "shop.example"
        seal = f"{name}~{keys.host_seal(1, name)}"
        readable = ask(port, f"/c/{campaign.code}/1/{seal}/{token}")
        assert readable.headers["Location"] == DESTINATIONS[0]
        for path in (
            f"/c/{campaign.code}/1/evil.example~{keys.host_seal(1, name)}/{token}",
            f"/c/{campaign.code}/99/{token}",
            f"/c/{campaign.code}/1/{token}x",
            f"/c/{campaign.code}/1/https://evil.example",
            "/c/default",
        ):
            assert ask(port, path).status == 502, path  # sent on to the collector, which is not there


@needs_nginx
def test_what_nginx_answers_is_ingested_and_the_rest_is_the_collectors(
    inject: Inject, workspace: Workspace, client: Client, clock: Clock, settings: Settings, tmp_path: Path
) -> None:
    """The same requests through nginx with ingest, and through the collector: the same report."""
    mail = (
        b'<a href="https://shop.example/a?x=1&amp;y=2">a</a> <a href="https://shop.example/{{ sku }}">b</a>'
    )
    policy = Policy(addresses(BASE).owns, fields=frozenset({"sku"}))
    clock.now = now_ms()
    DayHash(workspace.store, clock)  # makes today's salt, which both databases then have
    settings = replace(settings, trusted_proxies=frozenset({"127.0.0.1"}))
    app = make_app(workspace.store, workspace.keyring, Pages(), settings, clock)
    client = Client(app, {"REMOTE_ADDR": "127.0.0.1"})
    names = [f"p{number}@x.example" for number in range(12)]
    ours = copies(inject(mail=mail, links=policy, recipients=people(*names, sku="R 2")))
    twin = tmp_path / "twin.db"
    workspace.store._connection.execute("vacuum into ?", [str(twin)])
    twin.chmod(0o600)
    text, left = stored_map(workspace)
    assert left == [Unmapped("spring", 2, "its destination is different for each person")]
    (tmp_path / "pixeltrack.map").write_text(text)
    requests = []
    for number, copy in enumerate(ours):
        requests.append((copy.open, "GET", "Mozilla/5.0" if number % 3 == 0 else CHROME, {}))
        if number % 2:
            requests.append((copy.click(1), "HEAD" if number == 3 else "GET", CHROME, {}))
    requests += [
        (ours[0].open, "GET", "", {}),
        (ours[1].open, "GET", 'quoted "agent" \\ ü\t', {}),
        (ours[2].open + "?x=/../", "GET", CHROME, {"Sec-Purpose": "prefetch"}),
        (ours[2].click(1), "GET", CHROME, {"X-Moz": "prefetch"}),
        (ours[8].open, "GET", CHROME, {"Accept": "*/*", "X-Forwarded-For": "66.249.84.1"}),
        (ours[8].click(1), "GET", CHROME, {**BROWSER, "X-Forwarded-For": "80.1.2.3"}),
        (ours[9].click(1), "GET", CHROME, {**BROWSER, "X-Forwarded-For": "80.1.2.3", "DNT": "1"}),
        (ours[9].open, "GET", "", {"Accept-Language": " ", "X-Forwarded-For": "2a00:1450:4864::9"}),
        (ours[10].open, "GET", CHROME, {"Accept": 'a"\\ü', "Sec-Fetch-Mode": "no-cors"}),
        (ours[4].open.replace("/o/", "/%6f/"), "GET", CHROME, {}),
        (ours[4].open, "POST", CHROME, {}),
        (ours[4].open.replace(ours[4].token, "A" * 28), "GET", CHROME, {}),
        (ours[5].click(77), "GET", CHROME, {}),
    ]
    with ExitStack() as stack:
        store = open_store(twin, workspace.keyring)
        app = make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False)
        server = Server(app, listen("127.0.0.1", 0))
        thread = threading.Thread(target=server.run)
        thread.start()
        stack.callback(thread.join)
        stack.callback(server.stop)
        port = stack.enter_context(nginx(tmp_path / "n", REAL_IP + alone(tmp_path, server.port)))
        for path, method, agent, headers in requests:
            ask(port, path, method, agent.encode("latin-1").decode("latin-1"), **headers)
        personal = ask(port, ours[6].click(2))
        assert personal.headers["Location"] == "https://shop.example/R%202"
        assert ask(port, ours[6].preferences).status == 200
        log = tmp_path / "pixeltrack.log"
        told = [json.loads(line) for line in log.read_text("latin-1").splitlines()]
        moments = iter(round(row["time"] * 1000) for row in told)
        for path, method, agent, headers in requests:
            if "/77/" not in path:  # nginx has logged what it answered, in this order
                clock.now = next(moments)
            named = {name.replace("-", "_"): value for name, value in headers.items()}
            client.request(method, path.partition("?")[0].replace("%6f", "o"), agent=agent, **named)
        assert next(moments, None) is None
        clock.now += 1
        client.get(ours[6].click(2))
    connection = store._connection
    connection.execute("update events set at = ?", [clock.now])  # the personal click, by the same clock
    store.close()
    options = ("--key", str(settings.key))
    said = run(tmp_path, "ingest", "pixeltrack.log", "--db", "twin.db", "--json", *options)
    assert said.code == 0, said.err
    counts = json.loads(said.out)
    assert (counts["opens"], counts["clicks"]) == (19, 9)
    assert (counts["unanswered"], counts["unknown_tokens"]) == (1, 1)
    recorded, ingested = (facts(tmp_path / name) for name in ("t.db", "twin.db"))
    assert ingested == recorded
    assert {row[-2].partition("/")[0] for row in recorded} == {"", "google"}
    assert len({row[-1] for row in recorded}) == 4  # three clients, and nobody known
    direct, read = (
        run(tmp_path, "report", "--campaign", "spring", "--json", "--db", name, *options).out
        for name in ("t.db", "twin.db")
    )
    assert json.loads(direct)["clicks"]["total"] > 3
    assert read == direct


def facts(database: Path) -> list[tuple[int, int, str, int, str, int]]:
    """What is stored of each hit but its time; without the personal clicks, which the collector takes."""
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(
            "select message, link, agent, flags, coalesce(network, '') as label, address from events"
            " join agents using (agent_id) left join networks using (network_id) where link <> 2"
            " order by message, link, agent, flags, label, address"
        ).fetchall()


@needs_nginx
def test_a_log_that_is_rotated_under_nginx_is_followed(
    inject: Inject, workspace: Workspace, tmp_path: Path
) -> None:
    """Requests without a pause, three rotations as logrotate makes them: each request counts once."""
    ours = copies(inject(*[f"p{number}@x.example" for number in range(20)]))
    (tmp_path / "pixeltrack.map").write_text(stored_map(workspace)[0])
    log = tmp_path / "pixeltrack.log"

    def begin(path: Path, known: Format | None) -> LogReading:
        return LogReading(
            open_log(path),
            workspace.store,
            workspace.keyring,
            clients(workspace),
            known,
            trusted=known is not None,
        )

    with nginx(tmp_path / "n", alone(tmp_path, 9)) as port:
        follower = Follower(log, begin)
        stop, sent = threading.Event(), []

        def play() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            while not stop.is_set():
                connection.request("GET", ours[len(sent) % 20].open, headers={"User-Agent": CHROME})
                connection.getresponse().read()
                sent.append(1)

        player = threading.Thread(target=play)
        player.start()
        pid = int((tmp_path / "n" / "pid").read_text())
        for rotation in range(3):
            for _ in range(5):
                follower.step()
                time.sleep(0.02)
            log.rename(tmp_path / f"pixeltrack.log.{rotation}")
            follower.step()
            os.kill(pid, signal.SIGUSR1)
            for _ in range(10):
                follower.step()
                time.sleep(0.02)
        stop.set()
        player.join()
    for _ in range(_QUIET + 2):
        follower.step()
    assert follower.counts.opens == len(sent) > 100
    campaign = workspace.store.campaign("spring")
    assert sum(hit[-1] for hit in workspace.store.hits(campaign.campaign_id)) == len(sent)
    assert len(list(tmp_path.glob("pixeltrack.log.*"))) == 3


@needs_nginx
def test_the_example_before_the_collector_works_with_tls(
    inject: Inject, workspace: Workspace, settings: Settings, clock: Clock, tmp_path: Path
) -> None:
    (ann,) = copies(inject("ann@x.example"))
    certificate(tmp_path)
    text = (EXAMPLES / "nginx.conf").read_text()
    text = re.sub(r"server \{\n    listen 80;.*?\n\}\n", "", text, flags=re.DOTALL)
    store = open_store(settings.db, workspace.keyring)
    server = Server(
        make_app(store, workspace.keyring, Pages(), settings, clock, commit_each=False),
        listen("127.0.0.1", 0),
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        text = local(text, tmp_path, tls=True).replace("127.0.0.1:8000", f"127.0.0.1:{server.port}")
        with nginx(tmp_path / "n", text) as port:
            trust = ssl.create_default_context(cafile=tmp_path / "fullchain.pem")
            connection = http.client.HTTPSConnection("localhost", port, timeout=10, context=trust)
            for path, status in ((ann.open, 200), (ann.click(1), 302), (ann.preferences, 200)):
                connection.request("GET", path, headers={"User-Agent": CHROME})
                answer = connection.getresponse()
                answer.read()
                assert answer.status == status
                assert "max-age" in answer.headers["Strict-Transport-Security"]
            connection.close()
    finally:
        server.stop()
        thread.join()
        store.close()
    for log in tmp_path.rglob("*.log"):
        assert ann.token not in log.read_text()


def certificate(folder: Path) -> None:
    """A certificate for localhost, that nobody else trusts."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")),
        ],
        check=True,
        capture_output=True,
    )


def test_the_example_logs_as_ingest_reads() -> None:
    for page in (EXAMPLES / "nginx-alone.conf", ROOT / "docs" / "without-a-collector.md"):
        assert " ".join(JSON_FORMAT.split()) in " ".join(page.read_text("utf-8").split()), page


def test_what_nginx_cannot_say_is_left_to_the_collector(workspace: Workspace) -> None:
    store = workspace.store
    urls = ["https://shop.example/" + "x" * 5_000, "https://shop.example/{{ sku }}", "https://a b/"]
    rows = [LinkRow(number, number, 1, "x", url) for number, url in enumerate(urls, start=1)]
    store.save_campaign(store.draft_campaign("spring", "recipients", workspace.keyring, 1).number(rows))
    text, left = stored_map(workspace)
    assert [link.number for link in left] == [1, 2, 3]
    assert text.count("# link ") == 3


# -- the command ----------------------------------------------------------------------------------------


def test_links_shows_where_they_lead(inject: Inject, settings: Settings, tmp_path: Path) -> None:
    inject("ann@x.example")
    inject("ann@x.example", campaign="summer", mail=b'<a data-pt-group="top" href="https://a.example/">x</a>')
    shown = run(tmp_path, "links", "--campaign", "spring", "--db", "t.db")
    assert "https://shop.example/b#part" in shown.out
    assert "group" not in shown.out
    assert "top" in run(tmp_path, "links", "--db", "t.db").out
    one = json.loads(run(tmp_path, "links", "--campaign", "spring", "--json", "--db", "t.db").out)
    assert [link["destination"] for link in one["links"]] == [
        "https://shop.example/a?x=1&y=2",
        "https://shop.example/b#part",
    ]
    every = json.loads(run(tmp_path, "links", "--json", "--db", "t.db").out)
    assert {table["campaign"] for table in every} == {"spring", "summer"}
    assert run(tmp_path, "links", "--json", "--nginx-map", "--db", "t.db").code == 2
    assert run(tmp_path, "links", "--campaign", "sprng", "--db", "t.db").code == 1


def test_the_map_warns_of_what_is_not_in_it(inject: Inject, tmp_path: Path) -> None:
    policy = Policy(addresses(BASE).owns, fields=frozenset({"sku"}))
    inject(
        mail=b'<a href="https://shop.example/{{ sku }}">b</a>',
        links=policy,
        recipients=people("ann@x.example", sku="1"),
    )
    ran = run(tmp_path, "links", "--nginx-map", "--db", "t.db")
    assert ran.code == 0
    assert "link 1 of spring is not in the map" in ran.err
    assert "shop.example" not in ran.out
