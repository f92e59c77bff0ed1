"""What several commands share: arguments, and finding the run that is meant."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar, cast

import click

from unseen.errors import OpsError

F = TypeVar("F", bound=Callable[..., Any])

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of text.")
quiet = click.option("--quiet", "-q", is_flag=True, help="No progress bar, and no more text than needed.")
run_argument = click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
data_argument = click.argument("data", metavar="DATA...", nargs=-1, required=True, type=click.Path())
unknown = click.option(
    "--unknown",
    type=click.Choice(["refuse", "missing"]),
    default="refuse",
    show_default=True,
    help="What to do with a category that was not there when the model was fitted.",
)
out_file = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="A .csv, .tsv, .txt (also with .gz, .zst, .bz2), .parquet, .feather or .jsonl file; it appears whole or not "
    "at all.",
)

config = click.option(
    "-c",
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default="unseen.yaml",
    show_default=True,
    help="The file that describes the production loop.",
)


def needs_ops(command: F) -> F:
    """Say which extra to install where a library of the production loop is missing."""

    @functools.wraps(command)
    def guarded(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except ModuleNotFoundError as error:
            if (error.name or "unseen").partition(".")[0] == "unseen":
                raise
            raise OpsError(f"this command needs {error.name}: pip install 'unseen[ops]'") from None

    return cast(F, guarded)


def open_run(run: Path, options: Mapping[str, Any] | None = None) -> tuple[Any, Path]:
    """The fitted model at a run folder, or the newest one in a folder of runs, and where it is.

    ``options`` say how new data is read where that is not as the fit's was.
    """
    from unseen.store import find, load

    folder = find(run)
    if folder != run:
        click.echo(f"unseen: newest run in {run}: {folder.name}", err=True)
    result = load(folder)
    if options:
        from dataclasses import replace

        from unseen.cli.reading import asked_reading

        before = result.encoding
        result = replace(result, encoding=replace(before, reading=asked_reading(options, before.reading)))
    return result, folder


def bar(what: str, silent: bool) -> Any:
    """A count of rows on the terminal, as a context whose value is called with the rows of each block."""
    from unseen.progress import Count

    return Count(what, silent)
