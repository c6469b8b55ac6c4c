"""Options that commands of ``consent`` share."""

from __future__ import annotations

import click

from pixeltrack.ledger import PURPOSES

METHOD_HELP = "How it was said: form, double opt-in, phone."

purpose = click.option(
    "--purpose", "purposes", type=click.Choice(PURPOSES), multiple=True, help="For what; may be repeated."
)
at = click.option(
    "--at", metavar="TIME", help="When it was decided, in ISO 8601; local time without an offset."
)
source = click.option(
    "--source", metavar="TEXT", default="", help="Where it was said: a page, a shop, a mail."
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print the same as JSON.")
