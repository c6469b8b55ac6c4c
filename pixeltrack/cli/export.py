"""pixeltrack export"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

import click

from pixeltrack.cli.common import Call, global_options
from pixeltrack.cli.inputs import GivenPath, standard_output
from pixeltrack.errors import InputError, StoreError

if TYPE_CHECKING:
    from pixeltrack.export import Format, Scope, Table
    from pixeltrack.store import Store

EPILOG = """\
Examples:

\b
  pixeltrack export --people --campaign spring-sale -o people.csv
      who opened and clicked, for a spreadsheet
  pixeltrack export --events --format jsonl | jq 'select(.counted == "people")'
      every hit, one JSON object a line
  pixeltrack export -o spring.db --campaign spring-sale
      all of it in a SQLite file: datasette spring.db, or sqlite3 spring.db
"""
_UNITS: dict[str, str] = {
    "daily": "days",
    "together": "figures counted together",
    "conversions": "shares of conversions",
}  # of rows, where the table's name does not say it
_FORMATS: dict[str, Format] = {
    ".csv": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".db": "sqlite",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
}
_SAID: dict[Format, str] = {
    "csv": "a CSV file",
    "jsonl": "a file of JSON lines",
    "parquet": "a Parquet file",
    "sqlite": "a SQLite file",
}


@click.command("export", epilog=EPILOG)
@click.option("--events", is_flag=True, help="One row for each hit, with what it was taken for and why.")
@click.option("--links", is_flag=True, help="One row for each link of a campaign.")
@click.option("--people", is_flag=True, help="One row for each message: who opened and clicked.")
@click.option("--daily", is_flag=True, help="One row for each campaign and day.")
@click.option("--together", is_flag=True, help="One row for each figure of recipients counted together.")
@click.option("--conversions", is_flag=True, help="One row for each share of each conversion.")
@click.option("--model", metavar="MODEL", help="Who earns a conversion, as of report.  [default: last-click]")
@click.option("--window", metavar="LENGTH", help="How long before it a click counts.  [default: 7d]")
@click.option("--campaign", metavar="NAME", help="One campaign; without it all of them.")
@click.option(
    "--format",
    "format_name",
    type=click.Choice(["csv", "jsonl", "parquet", "sqlite"]),
    help="What to write.  [default: by the end of the file's name, else csv]",
)
@click.option(
    "-o",
    "--out",
    type=GivenPath(path_type=Path),
    metavar="FILE",
    help="Write there, all at once.  [default: standard output]",
)
@click.option("--since", metavar="TIME", help="Only hits since then, in ISO 8601.")
@click.option("--until", metavar="TIME", help="Only hits before then.")
@click.option(
    "--tz", metavar="ZONE", help="Of days, and of times without an offset.  [default: this machine's]"
)
@click.option("--raw-csv", is_flag=True, help="Leave texts in CSV as they are: a spreadsheet may run them.")
@click.option("--force", is_flag=True, help="Replace the file if there is one.")
@global_options
def command(
    events: bool,
    links: bool,
    people: bool,
    daily: bool,
    together: bool,
    conversions: bool,
    model: str | None,
    window: str | None,
    campaign: str | None,
    format_name: Format | None,
    out: Path | None,
    since: str | None,
    until: str | None,
    tz: str | None,
    raw_csv: bool,
    force: bool,
    **options: Any,
) -> None:
    """Write hits, links, people or days as a table for other programs.

    CSV and JSON lines go to standard output or a file, Parquet and SQLite to a file; a SQLite file can have
    several tables, and has the first four when none is named. Figures are those of report. Addresses are
    there only of people who may be measured. docs/export.md says what each column holds.
    """
    call = Call(options, {})
    named: dict[Table, bool] = {"events": events, "links": links, "people": people, "daily": daily}
    named |= {"together": together, "conversions": conversions}
    if (model or window) and not conversions:
        raise InputError(f"--{'model' if model else 'window'} is for --conversions", hint="add it")
    out = None if str(out) == "-" else out
    order = _order(
        [table for table, given in named.items() if given], format_name, out, raw=raw_csv, force=force
    )
    from pixeltrack import export
    from pixeltrack.cli.earned import read_wanted
    from pixeltrack.setup import open_workspace
    from pixeltrack.times import local_zone, read_time, read_zone

    if order.format == "parquet":
        export.parquet.check()
    rule = read_wanted(model, window, None, None).rule
    zone = local_zone() if tz is None else read_zone(tz)
    times = {
        name: read_time(given, f"--{name}", zone)
        for name, given in (("since", since), ("until", until))
        if given is not None
    }
    if times.get("since", 0) >= times.get("until", sys.maxsize):
        raise InputError("--until is not after --since", hint="there is no time between them")
    call.use_rules()
    with closing(open_workspace(call.settings, create=False).store) as store:
        campaigns = store.campaigns() if campaign is None else [store.campaign(campaign)]
        if people and campaign is not None:
            from pixeltrack.together import check_people

            check_people(campaigns[0], "--people")
        _judge(call, store)
        call.gone(store, (each.name for each in campaigns), times.get("since"))
        written = _write(call, store, order, export.Scope(tuple(campaigns), zone, **times, rule=rule))
        call.note(
            store,
            "export",
            campaign or "all campaigns",
            {str(table): rows for table, rows in written.items()},
        )
    _say_spooled(call)
    if out is not None:
        sizes = [f"{rows:,} {_UNITS.get(table, table)}" for table, rows in written.items()]
        call.say(f"{out}: {', '.join(sizes)}")


class _Order(NamedTuple):
    """What to write, and where; ``out`` is None for standard output."""

    tables: list[Table]
    format: Format
    out: Path | None
    raw: bool
    force: bool


def _order(tables: list[Table], given: Format | None, out: Path | None, *, raw: bool, force: bool) -> _Order:
    """Return the order, or raise InputError for one that cannot be met."""
    format_of: Format = given or (_FORMATS.get(out.suffix.lower(), "csv") if out else "csv")
    if format_of == "sqlite":
        tables = tables or ["events", "links", "people", "daily"]
    elif len(tables) != 1:
        raise InputError(
            f"{_SAID[format_of]} has one table, and {len(tables) or 'none'} "
            + ("was named" if not tables else "were named"),
            hint="give one of --events, --links, --people, --daily, --together, --conversions;"
            " a SQLite file (-o FILE.db) takes several",
        )
    if out is None and format_of in ("parquet", "sqlite"):
        raise InputError(f"{_SAID[format_of]} cannot go to standard output", hint="name a file with -o")
    if raw and format_of != "csv":
        raise InputError(
            f"--raw-csv is for CSV, not for {_SAID[format_of]}", hint="leave it out: that is exact"
        )
    return _Order(tables, format_of, out, raw, force)


def _judge(call: Call, store: Store) -> None:
    """Judge what is new, as a report does; where that cannot be stored, say what is missing."""
    from pixeltrack import verdicts
    from pixeltrack.cli.progress import progress

    waiting = store.unjudged()

    def failed(error: StoreError) -> None:
        call.warn(f"{waiting:,} hits are not judged, and left out: {error.message}")

    with progress(waiting, call, "judging") as tell:
        verdicts.bring_up_to_date(store, tell, failed)


def _write(call: Call, store: Store, order: _Order, scope: Scope) -> dict[Table, int]:
    from pixeltrack import export
    from pixeltrack.cli.progress import progress
    from pixeltrack.export.newfile import NewFile

    def bytes_to(out: IO[bytes], tell: Callable[[int], None] | None) -> dict[Table, int]:
        (table,) = order.tables
        rows = export.write(store, table, scope, order.format, out, export.Steps(tell), raw=order.raw)
        return {table: rows}

    total = _steps(store, order, scope)
    if order.out is None:
        stream = standard_output()
        if sys.stdout.isatty():  # rows and a bar on one terminal would be neither
            return bytes_to(stream, None)
        with progress(total, call, "exporting") as tell:
            return bytes_to(stream, tell)
    database = call.settings.db
    ours = (database, call.settings.key, *(Path(f"{database}{end}") for end in ("-wal", "-shm")))
    with (
        NewFile(order.out, force=order.force, not_over=ours) as new,
        progress(total, call, "exporting") as tell,
    ):
        if order.format == "sqlite":
            return export.write_sqlite(store, order.tables, scope, new.path, export.Steps(tell))
        return bytes_to(new.file, tell)


def _steps(store: Store, order: _Order, scope: Scope) -> int:
    """Return how many hits are looked at: those of all campaigns, or once for each sum of those in scope."""
    hits = store.hit_counts()
    each = sum(hits.get(campaign.campaign_id, 0) for campaign in scope.campaigns)
    hits_of = {"events": store.last_event(), "together": 0, "conversions": 0}
    return sum(hits_of.get(table, each) for table in order.tables)


def _say_spooled(call: Call) -> None:
    from pixeltrack.spool import waiting_bytes

    spooled = waiting_bytes(call.settings.db)
    if spooled:
        call.warn(
            f"{spooled:,} bytes of hits wait in a spool beside {call.settings.db} and are left out;"
            " pixeltrack serve takes them in"
        )
