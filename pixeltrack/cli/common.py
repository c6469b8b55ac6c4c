"""What commands share: the global options, and settings made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pixeltrack.config import Settings, load
from pixeltrack.errors import StoreError

if TYPE_CHECKING:
    from pixeltrack.rules import Rules
    from pixeltrack.store import Store

F = TypeVar("F", bound=Callable[..., Any])

_GLOBAL = (
    click.option("--db", metavar="FILE", help="Database  [default: pixeltrack.db, env PIXELTRACK_DB]"),
    click.option("--key", metavar="FILE", help="Key file  [default: pixeltrack.key beside the database]"),
    click.option("--config", metavar="FILE", help="Settings file  [default: pixeltrack.toml if there]"),
    click.option("-q", "--quiet", is_flag=True, default=None, help="Print errors only."),
    click.option(
        "-v", "--verbose", is_flag=True, default=None, help="Tell more, such as each link left alone."
    ),
)


def global_options(function: F) -> F:
    """Add the options that may stand before or after the command's name."""
    for option in reversed(_GLOBAL):
        function = option(function)
    return function


def pass_on(ctx: click.Context, options: dict[str, Any]) -> None:
    """Let a command of a group take over the global options that stand before its own name."""
    given = {name: value for name, value in options.items() if value is not None}
    ctx.obj = {**(ctx.obj or {}), **given}


class Call:
    """One command call: its global options and the settings that follow from them."""

    def __init__(self, options: dict[str, Any], own: dict[str, Any]) -> None:
        parent = click.get_current_context().obj or {}
        given = {name: options.pop(name) for name in ("db", "key", "config", "quiet", "verbose")}
        merged = {name: value if value is not None else parent.get(name) for name, value in given.items()}
        self.quiet = bool(merged["quiet"])
        self.verbose = bool(merged["verbose"])
        self.config = Path(merged["config"]) if merged["config"] else None
        self._options = {"db": merged["db"], "key": merged["key"], **own}

    @property
    def named_files(self) -> bool:
        """Whether --db, --key or --config was given."""
        return bool(self.config or self._options["db"] or self._options["key"])

    @cached_property
    def settings(self) -> Settings:
        return load(self.config, self._options)

    def use_rules(self) -> Rules:
        """Put the rules of the settings in force for this command, for judging and describing agents."""
        from pixeltrack import rules

        return click.get_current_context().with_resource(rules.using(rules.load(self.settings.rules)))

    def say(self, text: str) -> None:
        """Print talk, as opposed to data: to stderr, and not when quiet."""
        if not self.quiet:
            click.echo(_safe(text), err=True)

    def warn(self, text: str) -> None:
        """Print what may be a mistake, but stops nothing: to stderr, and not when quiet."""
        if not self.quiet:
            click.secho(f"Warning: {_safe(text)}", err=True, fg="yellow")

    def note(self, store: Store, action: str, of: str, counts: Mapping[str, object] | None = None) -> None:
        """Put an act of reading into the audit trail; where another program holds the database, say so."""
        try:
            store.note(action, of, counts=counts)
        except StoreError as error:
            self.warn(f"this {action} is not in the audit trail: {error.message}")

    def gone(self, store: Store, campaigns: Iterable[str], since: int | None = None) -> None:
        """Warn of hits that are deleted, for what is made from single hits and cannot say so itself."""
        from pixeltrack.show.text import gone

        for name in campaigns:
            said = gone(store.gone_from(store.campaign(name).campaign_id, since))
            if said:
                self.warn(f"{name}: {said[0].lower()}{said[1:]}")

    def created(self, paths: tuple[Path, ...]) -> None:
        """Tell which files had to be made."""
        for path in paths:
            what = "key file; keep a copy of it" if path == self.settings.key else "database"
            self.say(f"created {path} ({what})")


def _safe(text: str) -> str:
    """Return talk as a terminal may have it: file names in it can hold anything (security rule S10)."""
    from pixeltrack.show.text import clean

    return "\n".join(clean(line, 600) for line in text.split("\n"))
