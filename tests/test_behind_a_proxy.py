"""The example behind-a-proxy: systemd's units and Caddy, run by these programs where they are there."""

from __future__ import annotations

import configparser
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command import run
from conftest import CHROME, Inject
from inbox import copies

EXAMPLES = Path(__file__).parents[1] / "examples" / "behind-a-proxy"

SERVICE = {
    *("ExecStart", "User", "SupplementaryGroups", "StateDirectory", "StateDirectoryMode", "WorkingDirectory"),
    *("Restart", "RestartSec", "TimeoutStopSec", "LimitNOFILE", "UMask", "NoNewPrivileges"),
    *("CapabilityBoundingSet", "PrivateTmp", "PrivateDevices", "PrivateNetwork", "ProtectSystem"),
    *("ProtectHome", "ProtectKernelTunables", "ProtectControlGroups", "RestrictAddressFamilies"),
    "MemoryDenyWriteExecute",
}
SECTIONS = {
    "Unit": {"Description", "Requires", "After"},
    "Service": SERVICE,
    "Socket": {"ListenStream", "Backlog", "NoDelay"},
    "Install": {"WantedBy"},
}


@pytest.mark.parametrize("name", ["pixeltrack.service", "pixeltrack.socket", "pixeltrack-ingest.service"])
def test_the_units_say_what_systemd_knows(name: str, tmp_path: Path) -> None:
    unit = configparser.ConfigParser(strict=True, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(EXAMPLES / name)
    for section in unit.sections():
        assert set(unit[section]) <= SECTIONS[section]
    if "Service" in unit:
        command = unit["Service"]["ExecStart"].split()[1:]
        asked = subprocess.run(
            [sys.executable, "-m", "pixeltrack", command[0], "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,
        )
        for option in re.findall(r"--[a-z-]+", " ".join(command)):
            assert option in asked.stdout
    if analyze := shutil.which("systemd-analyze"):
        for each in EXAMPLES.glob("pixeltrack*"):
            text = each.read_text().replace("/usr/local/bin/pixeltrack", sys.executable)
            (tmp_path / each.name).write_text(text)
        found = subprocess.run(
            [analyze, "verify", "--man=no", str(tmp_path / name)], capture_output=True, text=True, check=False
        )
        ours = [line for line in found.stderr.splitlines() if "pixeltrack" in line]
        assert ours == []


def test_readers_addresses_reach_a_collector_that_believes_them() -> None:
    """Else every rule about networks is silent, and nothing says so. Caddy sends both headers by itself."""
    for name in ("nginx.conf", "nginx-alone.conf"):
        passed_on = (EXAMPLES / name).read_text().rpartition("proxy_pass http://pixeltrack;")[2]
        assert "proxy_set_header X-Forwarded-For $remote_addr;" in passed_on
        assert "proxy_set_header X-Forwarded-Proto $scheme;" in passed_on
    assert "--trusted-proxy 127.0.0.1" in (EXAMPLES / "pixeltrack.service").read_text()


CADDY = shutil.which("caddy")
needs_caddy = pytest.mark.skipif(CADDY is None, reason="caddy is not installed (apt install caddy)")


@needs_caddy
def test_caddy_takes_the_example(tmp_path: Path) -> None:
    assert CADDY
    checked = subprocess.run(
        [CADDY, "validate", "--adapter", "caddyfile", "--config", str(EXAMPLES / "Caddyfile")],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )
    assert checked.returncode == 0, checked.stderr


@needs_caddy
def test_the_log_that_caddy_writes_is_read(inject: Inject, tmp_path: Path) -> None:
    assert CADDY
    (ann,) = copies(inject("ann@x.example"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "Caddyfile").write_text(
        f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{port} {{\n\tlog {{\n\t\toutput file {tmp_path}/caddy.log\n\t}}\n"
        "\trespond /o/* 200\n\tredir /c/* https://shop.example/ 302\n}\n"
    )
    program = subprocess.Popen(
        [CADDY, "run", "--adapter", "caddyfile", "--config", str(tmp_path / "Caddyfile")],
        stderr=subprocess.DEVNULL,
        env=os.environ | {"HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)},
    )
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        for method, path, headers in (
            ("GET", ann.open, {}),
            ("GET", f"{ann.open}?x", {"Sec-Purpose": "prefetch"}),
            ("HEAD", ann.click(1), {}),
            ("GET", ann.click(2), {}),
            ("GET", "/nothing", {}),
        ):
            browser = {"User-Agent": CHROME, "Accept": "text/html", "Accept-Language": "en"}
            connection.request(method, path, headers={**browser, **headers})
            connection.getresponse().read()
        connection.close()
    finally:
        program.terminate()
        program.wait(20)
    said = run(tmp_path, "ingest", "caddy.log", "--db", "t.db", "--json")
    assert said.code == 0, said.err
    counts = json.loads(said.out)
    assert counts["logs"][0]["format"] == "caddy"
    assert [counts[name] for name in ("lines", "opens", "clicks", "not_ours", "damaged")] == [5, 2, 2, 1, 0]
    report = json.loads(run(tmp_path, "report", "--campaign", "spring", "--json", "--db", "t.db").out)
    assert (report["opens"]["total"], report["clicks"]["total"]) == (1, 1)
    assert {row["reason"] for row in report["set_aside"]} == {"head", "speculative-load"}


@pytest.mark.parametrize("name", ["Caddyfile", "nginx.conf"])
def test_the_examples_ask_for_https_for_a_year(name: str) -> None:
    """ASVS 3.4.1: whoever has the certificate says it."""
    found = re.search(r'Strict-Transport-Security "max-age=(\d+)"', (EXAMPLES / name).read_text("utf-8"))
    assert found
    assert int(found[1]) >= 31_536_000
