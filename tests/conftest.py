"""What tests share: a real store and key in a temporary folder, a WSGI client, a clock, the corpus."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from pixeltrack import config, setup
from pixeltrack.collector import make_app
from pixeltrack.compile import Task
from pixeltrack.consent import Rules
from pixeltrack.delivery import Delivery
from pixeltrack.inject import Summary, inject_list
from pixeltrack.links import Policy
from pixeltrack.listing import RecipientList
from pixeltrack.logclients import LogClients
from pixeltrack.model import Recipient
from pixeltrack.pages import Pages
from pixeltrack.recipients import identity
from pixeltrack.rewrite import plan
from pixeltrack.source import read
from pixeltrack.terms import Terms
from pixeltrack.urls import addresses

# No test is timed: how fast something is, benchmarks say, beside a baseline in the same run.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

BASE = "https://track.example.com"
START = 1_790_000_000_000  # ms UTC: Monday 2026-09-21 14:13:20
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)
MAIL = (
    b'<!DOCTYPE html>\r\n<html><body><p>Hello</p>\r\n<a href="https://shop.example/a?x=1&amp;y=2">First</a>\r\n'
    b"<a href='https://shop.example/b#part'>Second</a>\r\n"
    b'<a href="pixeltrack:unsubscribe">Unsubscribe</a> <a href="pixeltrack:preferences">Preferences</a>\r\n'
    b"</body></html>\r\n"
)


@dataclass
class Clock:
    """A clock that stands still until told otherwise. Milliseconds UTC."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += round(seconds * 1000)


def clients(workspace: setup.Workspace) -> LogClients:
    """What knows the clients of a log, on the day of START."""
    return LogClients(workspace.store, Clock(), lists=None)


@dataclass
class Response:
    status: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Client:
    """Calls a WSGI application as a server would, without a server, with the headers of a browser."""

    app: Callable[..., Any]
    environ: dict[str, str] = field(default_factory=dict)

    def request(
        self, method: str, path: str, body: bytes = b"", agent: str = CHROME, **headers: str
    ) -> Response:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path.removeprefix(BASE).partition("?")[0],
            "QUERY_STRING": path.partition("?")[2],
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_USER_AGENT": agent,
            "wsgi.input": io.BytesIO(body),
            "HTTP_ACCEPT": "text/html,image/*",
            "HTTP_ACCEPT_LANGUAGE": "en",
            "HTTP_SEC_FETCH_MODE": "navigate",
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
            **self.environ,
        }
        seen: list[tuple[str, dict[str, str]]] = []
        chunks = self.app(environ, lambda status, headers: seen.append((status, dict(headers))))
        return Response(*seen[0], b"".join(chunks))

    def get(self, path: str, agent: str = CHROME, **headers: str) -> Response:
        return self.request("GET", path, agent=agent, **headers)

    def head(self, path: str, agent: str = CHROME) -> Response:
        return self.request("HEAD", path, agent=agent)

    def post(self, path: str, body: bytes = b"") -> Response:
        return self.request("POST", path, body)


@pytest.fixture
def settings(tmp_path: Path) -> config.Settings:
    return config.load(options={"db": str(tmp_path / "t.db"), "base_url": BASE}, environment={})


@pytest.fixture
def workspace(settings: config.Settings) -> Iterator[setup.Workspace]:
    """A real database and key, made as the first command would make them."""
    made = setup.open_workspace(settings, create=True)
    yield made
    made.store.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(workspace: setup.Workspace, settings: config.Settings, clock: Clock) -> Client:
    """A client of the collector over the workspace's store; every hit is committed at once."""
    return Client(make_app(workspace.store, workspace.keyring, Pages(), settings, clock))


def people(*addresses_given: str, consent: str = "granted", **fields: str) -> list[Recipient]:
    """Recipients as a list would give them."""
    return [
        Recipient(address, identity(address, "test"), consent, consent, fields, line)  # type: ignore[arg-type]
        for line, address in enumerate(addresses_given, start=2)
    ]


Inject = Callable[..., Summary]


@pytest.fixture
def inject(workspace: setup.Workspace, tmp_path: Path) -> Inject:
    """Inject a mail for some addresses; returns the summary, files are in summary.out.

    Options are those of ``consent.Rules`` and of ``Delivery``.
    """

    def run(
        *given: str, mail: bytes = MAIL, campaign: str = "spring", policy: str = "assumed", **options: Any
    ) -> Summary:
        places = addresses(BASE)
        policy_of_links = options.pop("links", None)
        task = Task(
            plan(read(mail, "mail.html"), policy_of_links or Policy(places.owns)),
            campaign,
            places,
            tmp_path / "out" / campaign,
            START,
        )
        recipients = options.pop("recipients", None) or people(*given)
        progress = options.pop("progress", None)
        named = {key: options.pop(key) for key in Rules._fields if key in options}
        return inject_list(
            task,
            RecipientList(recipients, "list.csv"),
            workspace.store,
            workspace.keyring,
            Terms(Rules(policy, **named), fixed=bool(named)),  # type: ignore[arg-type]
            Delivery(**options),
            progress,
        )

    return run


@pytest.fixture(scope="session")
def corpus() -> list[Path]:
    """Real campaign mail from public projects; not part of pixeltrack, so its tests may skip."""
    folder = Path(os.environ.get("PIXELTRACK_CORPUS") or Path(__file__).parents[2] / "shared" / "corpus")
    files = sorted((folder / "mail").glob("*/*.html"))
    if not files:
        pytest.skip(f"no mail corpus at {folder} (set PIXELTRACK_CORPUS)")
    return files


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With PIXELTRACK_NO_SKIP a skipped test is a failure: where everything must be there, it is."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("PIXELTRACK_NO_SKIP") and reporter and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
