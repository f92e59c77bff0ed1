"""What several commands share: arguments, and finding the run that is meant."""

from __future__ import annotations

import functools
import re
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


PROJECT = Path("unseen.yaml")
#: how a model of the project is named: NAME, NAME@3, NAME@champion, NAME@challenger
NAMED = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,62})(@[^/\\]*)?")


def open_run(run: Path, options: Mapping[str, Any] | None = None) -> tuple[Any, Path]:
    """The fitted model at a run folder, the newest one in a folder of runs, or a model of the project; and where it is.

    ``options`` say how new data is read where that is not as the fit's was.
    """
    from unseen.store import load

    folder = which_run(run)
    result = load(folder)
    if options:
        from dataclasses import replace

        from unseen.cli.reading import asked_reading

        before = result.encoding
        result = replace(result, encoding=replace(before, reading=asked_reading(options, before.reading)))
    return result, folder


def which_run(run: Path) -> Path:
    """The folder of the run that is meant; what could have meant something else is told.

    Raises
    ------
    RunError, RegistryError
        There is none, or the project has no such version.
    """
    from unseen.errors import RunError
    from unseen.store import find, is_run

    meant = NAMED.fullmatch(str(run))
    name, version = (meant[1], meant[2]) if meant else ("", None)
    project = bool(name) and _names_project(name)
    holds = is_run(run) or (run.is_dir() and any(is_run(f) for f in run.iterdir() if f.is_dir()))
    if holds or not (project or (version and PROJECT.exists())):
        if project and holds:
            told = f"{run} is a folder of runs here, and it is taken; {name}@champion is the model of {PROJECT}"
            click.echo(f"unseen: {told}", err=True)
        elif version and not run.exists():
            raise RunError(f"there is no run at {run}, and no {PROJECT} here that could have a model of that name")
        if not run.exists() and PROJECT.exists() and (near := _near(str(run))):
            raise RunError(f"there is no run at {run}, and no retrain of {PROJECT} of that name; {near}")
        folder = find(run)
        if folder != run:
            click.echo(f"unseen: newest run in {run}: {folder.name}", err=True)
        return folder
    return _of_project(str(run), run.exists())


@needs_ops
def _of_project(text: str, exists: bool) -> Path:
    from unseen.ops.config import load
    from unseen.ops.registry import Registry, named

    registry = Registry(load(PROJECT))
    version = named(registry, text)
    more = f" (the folder {text} here holds no run)" if exists else ""
    click.echo(f"unseen: {text} is version {version.number} of {registry.settings.name}{more}", err=True)
    return registry.run(version)


def _near(run: str) -> str:
    """The retrains of the project whose ids are like a name; nothing where none is."""
    try:
        from unseen.ops.config import load
        from unseen.ops.places import Places, nearest
    except ModuleNotFoundError:
        return ""
    try:
        ids = sorted(p.name for p in Places.of(load(PROJECT)).runs.glob("*/"))
    except OpsError:
        return ""
    near = nearest(run, ids)
    return near if near.startswith("the nearest") else ""


def _names_project(name: str) -> bool:
    """Whether the project that this is typed in has that name; a glance, since most commands are about folders."""
    try:
        text = PROJECT.read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return False
    return re.search(rf"^name:\s*([\"']?){re.escape(name)}\1\s*(#.*)?$", text, re.M) is not None


def bar(what: str, silent: bool) -> Any:
    """A count of rows on the terminal, as a context whose value is called with the rows of each block."""
    from unseen.progress import Count

    return Count(what, silent)
