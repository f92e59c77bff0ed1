"""`unseen columns`: what a table is taken for, before anything is fitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, data_argument
from unseen.cli.exits import print_json
from unseen.cli.reading import read_options
from unseen.cli.spelling import on_command_line

EPILOG = "\b\nExamples:\n  unseen columns survey.csv\n  unseen columns export.csv --decimal , --missing -999 --text zip"


@click.command(epilog=EPILOG)
@data_argument
@click.option("--ignore", multiple=True, metavar="COL,...", help="Leave these columns out.")
@read_options
@as_json
def columns(data: tuple[Path, ...], ignore: tuple[str, ...], as_json: bool, **options: Any) -> None:
    """Print what a table is taken for: how it is read, and what each of its columns is, and why.

    Nothing is fitted and nothing written. What is wrong here is put right by the options below, which `unseen fit`
    has, too, and a run remembers.
    """
    from unseen.cli.fitting import column_table
    from unseen.cli.options import split_columns
    from unseen.cli.reading import asked_reading
    from unseen.core.source import told_of
    from unseen.plan import plan
    from unseen.sources import open_source

    source, _, _ = open_source([str(p) for p in data], read=asked_reading(options), infer=True)
    made = plan(source, ignore=split_columns(ignore, [f.name for f in source.schema()]), refuse=False)
    if as_json:
        told = [on_command_line(note) for note in told_of(source)]
        found = [{**c, "note": on_command_line(c["note"])} for c in made.columns]
        print_json({"rows": made.known.profile.rows, "columns": found, "reading": told})
    else:
        click.echo(column_table(made))
