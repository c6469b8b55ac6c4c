"""What pixeltrack serve --dashboard needs before anything is served."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import click

from pixeltrack.cli.common import Call
from pixeltrack.config import Settings
from pixeltrack.dashboard import token
from pixeltrack.dashboard.look import DashboardPages
from pixeltrack.dashboard.place import Place, place_of, read_listen
from pixeltrack.errors import PixeltrackError
from pixeltrack.serve import listen


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard that can be run in a process of its own."""

    call: Call
    listening: socket.socket
    place: Place
    templates: Path | None
    made: bool  # whether the token is new

    def started(self) -> None:
        """Say where it is, and where its token; the token itself only to a terminal, and once."""
        file = self.call.settings.dashboard_token
        self.call.say(f"dashboard on {self.place.url}  (token in {file})")
        if self.made and sys.stderr.isatty():
            click.echo(f"dashboard token, shown this once: {token.read(file)}", err=True)

    def run(self) -> int:
        from pixeltrack.dashboard.run import run

        return run(self.listening, self.place, self.call.settings, self.templates)


def _place(listening: socket.socket, settings: Settings) -> Place:
    host, port = listening.getsockname()[:2]
    return place_of(host, port, settings.dashboard_url, settings.base_url)


def prepare(call: Call, where: str, templates: Path | None) -> Dashboard:
    """Take the port, and make the token if there is none. Raises PixeltrackError when it cannot be run."""
    settings = call.settings
    host, port = read_listen(where)
    DashboardPages(templates)  # a template may not work
    try:
        listening = listen(host, port)
    except PixeltrackError as error:
        hint = "serve --dashboard HOST:PORT names another place; port 0 takes a free one"
        raise PixeltrackError(f"the dashboard: {error.message}", hint=hint) from None
    listening.listen(128)
    place = _place(listening, settings)
    made = token.make(settings.dashboard_token)
    token.read(settings.dashboard_token)
    return Dashboard(call, listening, place, templates, made)
