"""scanners: wapiti and sqlmap, as Debian packages them, against a running collector.

    apt-get install wapiti sqlmap

They are given every kind of our URLs. Promised: neither finds anything but what is by design. wapiti's
module for SSRF is left out, for it asks a server of wapiti's makers what it has seen.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
from pathlib import Path

from ground import PERSON, CannotRun, Ground, Serve, environment

_LEVELS = {  # what each tool tries, in its own words
    "wapiti": [
        *("-m", "common,-ssrf,crlf,csrf,methods,htaccess,shellshock,backup", "--scope", "folder"),
        *("-v", "1", "-f", "json", "--flush-session"),
    ],
    "sqlmap": ["--batch", "--level", "2", "--risk", "2", "--flush-session", "--ignore-code", "404,405"],
}
_BY_DESIGN = {  # what wapiti says of any site like ours, and why it stays
    "X-Frame-Options is not set": "Content-Security-Policy says frame-ancestors 'none', which replaces it",
    "X-XSS-Protection is not set": "browsers have dropped it, and pages carry no script",
    "Strict-Transport-Security is not set": "means nothing over plain HTTP (RFC 6797, 7.2): the proxy's job",
}
_INJECTABLE = re.compile(r"is vulnerable|sqlmap identified the following injection point", re.IGNORECASE)


def run(options: argparse.Namespace, folder: Path) -> list[str]:
    if missing := [tool for tool in _LEVELS if not shutil.which(tool)]:
        raise CannotRun(f"{' and '.join(missing)} are not installed (apt-get install wapiti sqlmap)")
    ground = Ground(folder)
    keys, pseudonym = ground.keys, ground.keys.pseudonym(PERSON)
    token = keys.message_token(pseudonym)
    paths = {
        "open": f"/o/{ground.code}/{token}.gif",
        "click": f"/c/{ground.code}/1/{token}",
        "unsubscribe": "/u/" + keys.personal_token("unsubscribe", pseudonym),
        "preferences": "/p/" + keys.personal_token("preferences", pseudonym),
        "privacy": "/privacy",
        "health": "/healthz",
    }
    with Serve(folder, options.serve) as serve:
        base = f"http://127.0.0.1:{serve.port}"
        found = _wapiti(base, paths, folder.parent)
        found += _sqlmap(base, paths, folder.parent)
        if serve.process.poll() is not None:
            found.append("the program ended")
        serve.stop()
    if not ground.sound():
        found.append("the database is damaged")
    return found


def _wapiti(base: str, paths: dict[str, str], folder: Path) -> list[str]:
    report = folder / "wapiti.json"
    starts = [part for path in paths.values() for part in ("-s", f"{base}{path}?a=1")]
    command = ["wapiti", "-u", f"{base}/", *starts, *_LEVELS["wapiti"], "-o", str(report)]
    subprocess.run(
        command,
        cwd=folder,
        env=environment({"HOME": str(folder)}),
        capture_output=True,
        check=False,
        timeout=900,
    )
    said = json.loads(report.read_text())
    found = [
        f"wapiti: {kind}: {each['method']} {each['path']}: {each['info']}"
        for part in ("vulnerabilities", "anomalies")
        for kind, all_ in said[part].items()
        for each in all_
        if each["info"].strip() not in _BY_DESIGN
    ]
    print(
        f"  wapiti {said['infos']['version']}: {len(starts) // 2} starts, {len(found)} findings", flush=True
    )
    return found


def _sqlmap(base: str, paths: dict[str, str], folder: Path) -> list[str]:
    found = []
    for name, path in paths.items():
        marked = re.sub(r"([^/]+?)(\.gif)?$", r"\1*\2", path)  # sqlmap's mark: what to inject into
        command = [
            "sqlmap",
            "-u",
            f"{base}{marked}",
            *_LEVELS["sqlmap"],
            "--output-dir",
            str(folder / "sqlmap"),
        ]
        done = subprocess.run(
            command, cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=900
        )
        if _INJECTABLE.search(done.stdout):
            found.append(f"sqlmap: {name} is injectable")
        elif "do not appear to be injectable" not in done.stdout:
            found.append(f"sqlmap: {name} was not tested: {done.stdout.strip()[-300:]}")
    print(f"  sqlmap: {len(paths)} kinds of addresses, {len(found)} findings", flush=True)
    return found
