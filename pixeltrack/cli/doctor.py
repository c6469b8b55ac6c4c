"""pixeltrack doctor"""

from __future__ import annotations

from typing import Any

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.errors import InputError

EPILOG = """\
Examples:

\b
  pixeltrack doctor
      the files here; and the collector, if the settings have its base_url
  pixeltrack doctor https://track.example.com
      a collector elsewhere
  pixeltrack doctor --rebuild
      count every campaign's hits anew, and compare that with what reports say
  pixeltrack doctor --json
      for a monitor: exit code 1 when a check failed
"""


@click.command("doctor", epilog=EPILOG)
@click.argument("url", metavar="[URL]", required=False)
@click.option("--local", is_flag=True, help="Look at this machine only; ask nothing over the network.")
@click.option(
    "--timeout",
    type=click.FloatRange(1, 600),
    default=30,
    show_default=True,
    metavar="SECONDS",
    help="How long asking over the network may take in all.",
)
@click.option(
    "--rebuild",
    is_flag=True,
    help="Count all hits anew instead, and replace figures of reports that differ.  [exit code 1 if any did]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@global_options
@click.pass_context
def command(
    ctx: click.Context,
    /,
    url: str | None,
    local: bool,
    timeout: float,
    rebuild: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Look for what may be wrong with an installation.

    Looks at the settings, key and database here. With a URL, or the base_url of the settings, it also
    asks that collector as a reader would: no other host, and nothing is recorded or changed.
    """
    call = Call(options, {"base_url": url})
    if rebuild:
        from pixeltrack.cli.rebuilding import rebuild_all

        if url:
            raise InputError("--rebuild is for the database here", hint="leave out the URL")
        ctx.exit(rebuild_all(call, as_json=as_json))
    import time

    from pixeltrack import urls
    from pixeltrack.config import DEFAULT_BASE_URL
    from pixeltrack.doctor import check_here, check_outside
    from pixeltrack.show.doctor import checks_json, show_checks

    def clock() -> int:
        return time.time_ns() // 1_000_000

    if url:
        urls.addresses(url)  # a wrong one is wrong use, not a finding
    settings = call.settings
    checks = check_here(settings, clock())
    known = url or settings.base_url != DEFAULT_BASE_URL
    broken = any(check.name == "base url" and check.outcome == "failed" for check in checks)
    if known and not local and not broken:
        checks += check_outside(settings.base_url, timeout, clock)
    if as_json:
        click.echo(checks_json(checks))
    elif not call.quiet:
        from rich.console import Console

        show_checks(Console(highlight=False), checks)
    if any(check.outcome == "failed" for check in checks):
        ctx.exit(1)
