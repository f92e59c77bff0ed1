"""`unseen show` and `unseen report`: a run as text, and as a page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, open_run, quiet, run_argument
from unseen.cli.exits import print_json
from unseen.cli.options import split_columns
from unseen.cli.reading import hidden_read_options
from unseen.cli.spelling import in_settings, on_command_line
from unseen.errors import ConfigError


@click.command(epilog="\b\nExample:\n  unseen show runs/")
@run_argument
@as_json
def show(run: Path, as_json: bool) -> None:
    """Print the summary of a fit, or how a retrain ended.

    RUN is the folder of a run, or a folder of runs, of which the newest is taken; a retrain of the loop in
    unseen.yaml, by its id or its folder; or a model of the project here: NAME (its champion), NAME@3,
    NAME@challenger. The summary holds the outcome, log-likelihood, AIC, BIC and ICL, the components, the restarts
    with how many reached each optimum, and warnings; of a retrain all findings and gates.
    """
    from unseen.summary import facts, summary

    record, model = _retrain(run)
    if record is not None and as_json:
        fit = facts(open_run(model)[0], in_settings) if model.exists() else {}
        told = in_settings(record.model_dump(mode="json"))
        return print_json({"run": str(model.parent), "record": told, **fit})
    if record is not None:
        from unseen.cli.standing import retrained

        click.echo("\n".join(retrained(record)) + ("\n" if model.exists() else ""))
        if not model.exists():
            return
    result, folder = open_run(model if record is not None else run)
    spelled = on_command_line if record is None and folder.is_relative_to(run) else in_settings
    if as_json:
        print_json({"run": str(folder), **facts(result, spelled)})
    else:
        click.echo(summary(result, spelled), nl=False)


def _retrain(run: Path) -> tuple[Any, Path]:
    """The record of a retrain that is meant, and where its fit is; none where a run of `unseen fit` is."""
    folder, config = run, Path("unseen.yaml")
    if not run.exists() and config.exists():
        from unseen.ops.config import load
        from unseen.ops.places import Places

        with suppress(ConfigError):  # it is said where a name of the project has to be looked up
            folder = Places.of(load(config)).run(str(run))
    if not (folder / "record.json").is_file():
        return None, run
    from unseen.ops.runs import MODEL, read

    return read(folder), folder / MODEL


@click.command(
    epilog="\b\nExamples:\n  unseen report runs/ flights.parquet -o flights.html\n"
    "  unseen report runs/ --shareable --hide tail_number -o for-everyone.html"
)
@run_argument
@click.argument("data", metavar="[DATA]...", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write the page.  [default: report.html in the run folder]",
)
@click.option("--shareable", is_flag=True, help="For people who may not see the data: categories have no names.")
@click.option("--hide", multiple=True, metavar="COL,...", help="Leave these columns out of a shareable page.")
@hidden_read_options
@as_json
@quiet
def report(
    run: Path,
    data: tuple[Path, ...],
    output: Path | None,
    shareable: bool,
    hide: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Write one self-contained HTML page about a fit.

    The page needs no network. With DATA (the rows that were fitted, or others of the same columns) it also shows
    the rows themselves: a 2-D view with the components.
    """
    from unseen.report import write

    result, folder = open_run(run, options)
    target = output or folder / "report.html"
    rows = [str(p) for p in data] or None
    write(result, target, data=rows, shareable=shareable, hide=split_columns(hide))
    if as_json:
        print_json({"run": str(folder), "report": str(target)})
    else:
        click.echo(str(target) if quiet else f"Report written to {target}")
