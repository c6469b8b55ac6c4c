"""What ``inject`` shows without doing it: each link's decision, and every span that would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from rich.console import Console

from pixeltrack.compile import Task, compile_mail
from pixeltrack.config import Settings
from pixeltrack.rewrite import Plan
from pixeltrack.setup import open_workspace
from pixeltrack.show.changes import show_changes as show
from pixeltrack.show.injection import plan_json
from pixeltrack.show.links import show_plan


def show_plans(plans: Sequence[Plan], *, as_json: bool) -> None:
    """Print each mail's links with what would be done to them."""
    if as_json:
        click.echo(plan_json(plans))
        return
    console = Console()
    for plan in plans:
        if len(plans) > 1:
            console.print(plan.source.name, markup=False, style="bold")
        show_plan(console, plan)


def show_changes(
    plans: Iterable[Plan], task_of: Callable[[Plan, str, Path], Task], settings: Settings
) -> None:
    """Print every span that would be changed, as it is and as it would be; nothing is made by looking."""
    console = Console()
    with TemporaryDirectory() as folder:
        if not settings.db.exists():
            settings = replace(settings, db=Path(folder) / "t.db", key=Path(folder) / "t.key")
        workspace = open_workspace(settings, create=True)
        with suppress(BrokenPipeError):
            for plan in plans:
                task = task_of(plan, plan.source.name, Path(folder))
                compiled = compile_mail(task, "preview", workspace.store, workspace.keyring)
                show(console, plan, compiled.copy(compiled.ceiling).changes)
        workspace.store.close()
