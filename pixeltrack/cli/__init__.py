"""The ``pixeltrack`` command: its surface, and the one place where errors become exit codes.

Commands are imported when they are called, so that ``--help`` pays for click alone.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from typing import Any

import click

from pixeltrack.cli.common import global_options
from pixeltrack.errors import PixeltrackError

# In the order of use; the text is the first line of each command's help (a test compares them).
_COMMANDS = {
    "init": "Write a settings file, the key and the database.",
    "inject": "Put a pixel and tracked links into a mail, for each recipient.",
    "lint": "Say what may be wrong with a mail before it is sent.",
    "links": "Show where the links of a campaign lead.",
    "serve": "Run the collector that answers pixels, clicks and opt-outs.",
    "ingest": "Record opens and clicks from the access log of a web server or CDN.",
    "events": "Take over what mail systems report: deliveries, bounces, complaints.",
    "report": "Show how a campaign did, people and machines apart.",
    "export": "Write hits, links, people or days as a table for other programs.",
    "webhook": "Tell other programs of opens, clicks, orders, opt-outs and deliveries.",
    "goal": "Say what may be reached on your sites, and get what to paste there.",
    "audience": "Choose people by what they did, for those who agreed to it.",
    "campaigns": "List campaigns, and say when they were sent and what they cost.",
    "consent": "Keep who agreed to being tracked, and who withdrew.",
    "notice": "Print the privacy notice that your settings make.",
    "privacy": "Write what data protection law asks a sender to have on paper.",
    "subject": "Show everything that is held of one person.",
    "forget": "Erase one person everywhere, and prove it byte by byte.",
    "backup": "Write a copy of the database that holds nothing deleted.",
    "restore": "Put a backup in the place of the database.",
    "audit": "Check or write out the trail of who did what to people's data.",
    "explain": "Say why a hit was taken for a person's or a machine's.",
    "reclassify": "Judge hits again, and say how totals moved.",
    "rules": "Show the rules of judging, or what other rules would change.",
    "networks": "Show or refresh the lists that say whose network an address is in.",
    "purge": "Delete what is older than it may be; without --yes say what that is.",
    "doctor": "Look for what may be wrong with an installation.",
    "simulate": "Draw people and machines that open and click, with the truth about each hit.",
    "demo": "Play a whole campaign on this machine and check its report.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"pixeltrack.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _print_version(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from importlib.metadata import version

        click.echo(f"pixeltrack {version('pixeltrack')}")
        ctx.exit()


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with:  pixeltrack demo",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@global_options
@click.pass_context
def pixeltrack(ctx: click.Context, /, **options: Any) -> None:
    """Email campaign tracking: who opened, who clicked, on what device.

    inject puts a pixel and tracked links into your mail, serve records what happens to them, report
    tells how the campaign did.
    """
    ctx.obj = options


def _end(number: int, _frame: object) -> None:
    """End as at Ctrl-C, so that nothing half-written is left behind."""
    sys.exit(128 + number)


def main() -> None:
    """Run the command line. Exit codes: 0 fine, 1 failed, 2 wrong use, 3 refused, 130 interrupted."""
    signal.signal(signal.SIGTERM, _end)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that cannot show "█" gets "?"
    try:
        code = pixeltrack.main(standalone_mode=False)
        if sys.stdout:
            sys.stdout.flush()  # here, where a full disk is an error like others
        sys.exit(code if isinstance(code, int) else 0)
    except PixeltrackError as error:
        from pixeltrack.show.text import clean

        click.echo(f"Error: {clean(error.message, 600)}", err=True)
        if error.hint:
            click.echo(f"Hint: {clean(error.hint, 600)}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # the reader of a pipe has gone, as with "pixeltrack report | head"
        _close_stdout()
        sys.exit(1)
    except OSError as error:  # the system says no where no command has better words for it
        from pixeltrack.show.text import clean

        _close_stdout()
        place = f"{clean(str(error.filename), 600)}: " if error.filename else ""
        click.echo(f"Error: {place}{error.strerror or error}", err=True)
        sys.exit(1)


def _close_stdout() -> None:
    """Throw away what could not be written, which Python would try again at the end, with a traceback."""
    with suppress(OSError, AttributeError):
        sys.stdout.close()
