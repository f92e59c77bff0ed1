"""`unseen fit`: from files to a run on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, data_argument, quiet
from unseen.cli.exits import INTERRUPTED, NOT_CONVERGED, print_json
from unseen.cli.kinds import MIXTURE, ModelCommand, fit_options, kinds
from unseen.cli.options import ColumnFamily
from unseen.cli.reading import read_options
from unseen.cli.spelling import on_command_line
from unseen.spec import COVARIANCES, FAMILIES

EXAMPLES = """\b
Examples:
  unseen fit flights.parquet --components 1:8 --out runs/
  unseen fit a.csv b.csv --columns age,plan --family age=student_t --components 3
  unseen fit flights.parquet --start runs/      (go on from the newest run)
  unseen fit flights.parquet --checkpoint half-way --resume      (begin, or go on where it was)
"""


@click.command(cls=ModelCommand, epilog=EXAMPLES)
@data_argument
@click.option(
    "--model",
    metavar="NAME",
    default=MIXTURE,
    show_default=True,
    help="The kind of model; --model NAME --help shows its own options.  [one of: " + ", ".join(kinds()) + ", or one "
    "that an installed package declares]",
)
@click.option("--columns", multiple=True, metavar="COL,...", help="Use these columns only.")
@click.option("--ignore", multiple=True, metavar="COL,...", help="Leave these columns out.")
@click.option(
    "--family",
    multiple=True,
    type=ColumnFamily(),
    help=f"The distribution of a column: {', '.join(n for n in FAMILIES if not n.startswith('hurdle'))}, or hurdle_ "
    "before one of numbers. [default: found in the data]",
)
@click.option(
    "--covariance",
    type=click.Choice(COVARIANCES),
    metavar="FORM",
    default=None,
    help="The form of the Gaussian covariances: full, diagonal, spherical, factors-1 to factors-5, each also with "
    "tied- before it (shared by all components), or common (shared axes, lengths of their own).  "
    "[default: auto, the best of them by the criterion]",
)
@click.option("--weights", metavar="COL", help="A column that says how many copies each row stands for.")
@click.option("--labels", metavar="COL", help="A column with the known classes of some rows; empty is unknown.")
@click.option(
    "--start",
    metavar="START",
    default="auto",
    show_default=True,
    help="kmeans++, rows, random, labels, moments, or a run to go on from.",
)
@fit_options
@read_options
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="A folder that keeps where the fit stands, so that it can be gone on with.",
)
@click.option(
    "--every", type=click.IntRange(min=1), help="Iterations between two states in it.  [default: one in ten seconds]"
)
@click.option("--resume", is_flag=True, help="Go on from the checkpoint, to the same result.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("runs"),
    show_default=True,
    help="The folder that the run's own folder is made in.",
)
@click.option("--name", help="The name of the run's folder.  [default: date, time and a short hash]")
@as_json
@quiet
def fit(data: tuple[Path, ...], out: Path, name: str | None, as_json: bool, quiet: bool, **options: Any) -> None:
    """Fit a latent-variable model to incomplete data, and save the run.

    The model is a mixture, unless --model says otherwise: hidden Markov models, factor analysis and so on. DATA is a
    Parquet or CSV file, several of them, or a folder. What each column is, is found in the data and told: counts,
    amounts with a heap at zero, few codes, skewed numbers, text; dates are left out. Numbers that vary together form
    one block with covariances. Missing cells stay missing: they are part of the likelihood.

    Ctrl-C saves the best parameters so far; go on with --start RUN. A second Ctrl-C ends without saving. With
    --checkpoint the same command and --resume goes on where the search was, even if the process was killed.
    """
    from unseen.cli import fitting
    from unseen.store import check_kept, check_place, run_name, save

    if name is not None and (not name or name != Path(name).name or name.startswith(".")):
        raise click.BadParameter("a run's name is one plain folder name", param_hint="--name")
    check_place(out / (name or ".new-run"))
    fitting.check_options(options)
    task = fitting.prepare([str(p) for p in data], options)
    check_kept(task.plan.model_for(1))
    if not quiet and not as_json:
        click.echo(fitting.column_table(task.plan) + "\n")
    result = fitting.carry_out(task, options, silent=quiet or as_json)
    folder = save(result, out / (name or run_name(result)))
    if as_json:
        from unseen.summary import facts

        print_json({"run": str(folder), **facts(result, on_command_line)})
    elif quiet:
        click.echo(str(folder))
    else:
        from unseen.summary import summary

        click.echo(fitting.changed_families(task.plan, result) + summary(result, on_command_line))
        click.echo(f"Saved as {folder}\nNext:\n{fitting.next_steps(folder, data, result)}")
    if result.outcome.name == "interrupted":
        raise click.exceptions.Exit(INTERRUPTED)
    if not result.converged:
        raise click.exceptions.Exit(NOT_CONVERGED)
