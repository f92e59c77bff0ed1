"""`unseen sample`: new rows out of a fitted model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, open_run, quiet, run_argument
from unseen.cli.exits import print_json


@click.command(epilog="\b\nExample:\n  unseen sample runs/ -n 1000 > new.csv")
@run_argument
@click.option("-n", "--rows", "n", type=click.IntRange(min=1), default=1000, show_default=True, help="How many rows.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Same seed, same rows.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .parquet or .csv file.  [default: CSV to standard output]",
)
@as_json
@quiet
def sample(run: Path, n: int, seed: int, output: Path | None, as_json: bool, quiet: bool) -> None:
    """Draw new rows from a fitted model."""
    result, _ = open_run(run)
    columns = result.sample(n, seed)
    if output is not None:
        _write(columns, output)
        if as_json:
            print_json({"rows": n, "output": str(output)})
        elif not quiet:
            click.echo(f"{n:,} rows written to {output}")
    elif as_json:
        print_json({"rows": n, "columns": columns})
    else:
        _print(columns)


def _write(columns: dict[str, Any], output: Path) -> None:
    import pyarrow as pa

    from unseen.arrow.output import table_writer

    table = pa.table(columns)
    with table_writer(output, table.schema) as write:
        write(table)


def _print(columns: dict[str, Any], chunk: int = 10_000) -> None:
    """CSV on standard output, some rows at a time, so that a closed pipe ends it soon."""
    import csv

    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(columns)
    rows = len(next(iter(columns.values())))
    for start in range(0, rows, chunk):
        part = (values[start : start + chunk].tolist() for values in columns.values())
        writer.writerows(zip(*part, strict=True))
