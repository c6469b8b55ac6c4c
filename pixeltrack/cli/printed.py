"""Printing a report in the form that was asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import click

Form = Literal["terminal", "json", "csv"]


def printed(form: Form, shown: Any, found: object) -> Callable[[], None]:
    """Return what prints a report. ``shown`` is its module of ``show``, with show, as_json and as_csv."""
    if form != "terminal":
        text = shown.as_json(found) if form == "json" else shown.as_csv(found)
        return lambda: put(text)
    from rich.console import Console

    return lambda: shown.show(Console(highlight=False), found)


def put(text: str) -> None:
    """Print a text that may end in a newline."""
    click.echo(text, nl=not text.endswith("\n"))
