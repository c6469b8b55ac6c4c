"""pixeltrack subject"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from pixeltrack.cli.common import Call, global_options

EPILOG = """\
Examples:

\b
  pixeltrack subject ada@example.com
      all that is held of Ada, to read
  pixeltrack subject ada@example.com --json > ada.json
      the same for a program: GDPR articles 15 and 20
"""


@click.command("subject", epilog=EPILOG)
@click.argument("address")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, by the schema in the package.")
@global_options
def command(address: str, as_json: bool, **options: Any) -> None:
    """Show everything that is held of one person.

    docs/rights.md says what each part means. Whoever asks should be who they say: that is yours to check.
    """
    call = Call(options, {})
    import json

    from pixeltrack import rights
    from pixeltrack.clock import now_ms
    from pixeltrack.recipients import identity
    from pixeltrack.setup import open_workspace
    from pixeltrack.show.subject import lines

    known_as = identity(address, "ADDRESS")
    workspace = open_workspace(call.settings, create=False)
    with closing(workspace.store) as store:
        found = rights.export_of(store, workspace.keyring, known_as, call.settings, now_ms())
        store.note("subject", subject=workspace.keyring.subject(known_as))
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=True))
        return
    for line in lines(found):
        click.echo(line)
