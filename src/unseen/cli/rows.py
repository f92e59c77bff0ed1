"""`unseen assign`, `impute` and `score`: a fitted model put to work on rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, bar, data_argument, open_run, out_file, quiet, run_argument, unknown
from unseen.cli.exits import DATA, print_json
from unseen.cli.reading import hidden_read_options


@click.command(epilog="\b\nExample:\n  unseen assign runs/ flights.parquet -o assigned.parquet")
@run_argument
@data_argument
@out_file
@click.option("--prefix", default="", help="Put before the names of the new columns.")
@unknown
@hidden_read_options
@as_json
@quiet
def assign(
    run: Path,
    data: tuple[Path, ...],
    output: Path,
    prefix: str,
    unknown: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Write the most probable component of each row.

    One row per input row, all input columns kept, and new columns: component, log_density, and one responsibility
    per component. Rows with missing cells, even all of them, get theirs too.
    """
    from unseen.rows import write_assign

    result, _ = open_run(run, options)
    with bar("assign", quiet) as tick:
        rows = write_assign(result, list(data), output, prefix=prefix, unknown=unknown, progress=tick)
    _written(rows, output, as_json, quiet)


@click.command(epilog="\b\nExample:\n  unseen impute runs/ flights.parquet -o complete.parquet")
@run_argument
@data_argument
@out_file
@click.option("--draws", type=click.IntRange(min=1), help="So many random completions instead of expectations.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="For --draws.")
@click.option("--prefix", default="", help='Put before the name of the column "draw".')
@unknown
@hidden_read_options
@as_json
@quiet
def impute(
    run: Path,
    data: tuple[Path, ...],
    output: Path,
    draws: int | None,
    seed: int,
    prefix: str,
    unknown: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Write the data with its missing cells filled in.

    By the conditional expectation given the observed cells of the row (for a category, the most probable one).
    With --draws M the output holds M random completions, told apart by a column "draw" (multiple imputation).
    """
    from unseen.rows import write_impute

    result, _ = open_run(run, options)
    _tell_untouched(result, data, quiet or as_json)
    with bar("impute", quiet) as tick:
        rows = write_impute(
            result, list(data), output, draws=draws, seed=seed, prefix=prefix, unknown=unknown, progress=tick
        )
    _written(rows, output, as_json, quiet)


@click.command(epilog="\b\nExample:\n  unseen score runs/ flights.parquet")
@run_argument
@data_argument
@unknown
@hidden_read_options
@as_json
@quiet
def score(run: Path, data: tuple[Path, ...], unknown: str, as_json: bool, quiet: bool, **options: Any) -> None:
    """Print the mean log-density per row with its standard error.

    Higher is better; compare models on the same rows, best on rows that no model was fitted to. If a row is impossible
    under every component the mean is minus infinity: then that of the others is told too, and the exit code is 3.
    """
    from unseen.cli.scoring import Scored
    from unseen.core.blas import one_blas_thread
    from unseen.errors import DataError

    result, folder = open_run(run, options)
    plain = replace(result, encoding=replace(result.encoding, unknown=unknown))
    scored = Scored(plain.model, plain.params)
    with bar("score", quiet) as tick, one_blas_thread():
        for block in plain.blocks([str(p) for p in data]):
            scored.add(block)
            tick(block.rows)
    if not scored.rows:
        raise DataError("the table has no rows: nothing to score")
    if scored.empty == scored.rows:
        raise DataError("no row has an observed cell of a column that the model describes: nothing to score")
    alone = scored.impossible or scored.rows - scored.empty == 1
    told = f"{scored.mean:.6f}" if alone else f"{scored.mean:.6f} ± {scored.error:.6f}"
    if as_json:
        print_json({"run": str(folder), **scored.facts()})
    else:
        click.echo(told if quiet else f"mean log-density {told} over {_rows(scored.rows - scored.empty)}")
    if scored.empty and not quiet and not as_json:
        click.echo(f"unseen: {scored.empty:,} rows have no observed cell and do not count", err=True)
    if scored.impossible:
        click.echo(f"unseen: {scored.why()}", err=True)
        raise click.exceptions.Exit(DATA)


def _tell_untouched(result: Any, data: tuple[Path, ...], silent: bool) -> None:
    """Columns that the model does not describe keep their holes: that is no failure, but nothing to be silent about."""
    source, encoding = result.open([str(p) for p in data])
    left = [field.name for field in source.schema() if field.name not in encoding.columns()]
    if left and not silent:
        click.echo(f"unseen: not in the model, left as they are with their holes: {', '.join(left)}", err=True)


def _written(rows: int, output: Path, as_json: bool, quiet: bool) -> None:
    if as_json:
        print_json({"rows": rows, "output": str(output)})
    elif not quiet:
        click.echo(f"{_rows(rows)} written to {output}")


def _rows(n: int) -> str:
    return f"{n:,} row{'s' * (n != 1)}"
