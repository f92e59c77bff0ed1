"""`unseen retrain` and `unseen gate`: from a batch to a version, and the gates by themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, config, needs_ops, quiet
from unseen.cli.exits import print_json
from unseen.cli.spelling import in_settings
from unseen.cli.standing import following, largest

OUTCOMES = """\b
Exit codes of a retrain:
  0    promoted: the candidate is the champion now; or nothing new: the newest data was learned from or judged before
  10   held: fitted and registered as challenger; the gates keep the champion
  11   refused: the batch breaks the schema; nothing was trained
  12   unfit: no fit converged to a usable model
  13   limit: over the limit of time, memory or cost
  14   registry: log or registry cannot be used (out of reach, altered, another model's); when that is mended, the same
       command goes on from the fit
  15   error: something unexpected; the champion is untouched
  16   conflict: another process works on the same run; nothing was done
  130  interrupted; the same command goes on
"""


@click.command(epilog=f"\b\nExamples:\n  unseen retrain\n  unseen retrain --until 2013-04 --json\n\n{OUTCOMES}")
@config
@click.option("--until", metavar="PARTITION", help="The newest partition to use.  [default: the newest there is]")
@click.option("--again", is_flag=True, help="Run a batch anew, beside the run that there was.")
@click.option("--search", is_flag=True, help="Try all numbers of components, not only that of the champion.")
@click.option("--actor", help="Who is named in the log.  [default: user@host]")
@as_json
@quiet
@needs_ops
def retrain(
    config: Path, until: str | None, again: bool, search: bool, actor: str | None, as_json: bool, quiet: bool
) -> None:
    """Take the newest batch from its files to a promoted or held version.

    Checks the schema, fits, validates on held-out rows beside the champion, asks the gates, registers, and promotes
    or holds. The same batch with the same settings is not trained twice; an interrupted run goes on where it was.
    """
    from unseen.ops.config import load
    from unseen.ops.retrain import retrain as run
    from unseen.progress import Progress

    settings = load(config)
    starts = settings.fit.restarts
    with Progress(len(settings.model.components), starts, quiet or as_json) as bar:
        record = run(
            settings, until, again=again, search=search, actor=actor, tell=teller(quiet or as_json), observers=(bar,)
        )
    assert record.outcome is not None
    if as_json:
        print_json({**in_settings(record.model_dump(mode="json")), "exit": record.outcome.exit_code})
    elif quiet:
        click.echo(f"{record.outcome}: {in_settings(record.reason)}")
    else:
        lines = [("number", largest(record, settings)), *(("next", way) for way in following(record))]
        click.echo("".join(f"{name:<9} {said}\n" for name, said in lines if said), nl=False)
    raise click.exceptions.Exit(record.outcome.exit_code)


def teller(silent: bool) -> Any:
    """Prints what a stage says, one line each."""

    def tell(stage: str, said: str) -> None:
        if not silent:
            click.echo(f"{stage:<9} {in_settings(said)}", file=sys.stdout)

    return tell


@click.command(epilog="\b\nExamples:\n  unseen gate flights@challenger\n  unseen gate 2013-04-1f2e3d4c5b6a --against 2")
@click.argument("run", metavar="RUN|NAME@VERSION")
@config
@click.option("--against", default="champion", show_default=True, help="champion, a version's number, or none.")
@as_json
@needs_ops
def gate(run: str, config: Path, against: str, as_json: bool) -> None:
    """Ask the gates about a run that was fitted before, and change nothing.

    RUN is the id of a retrain, the name of its folder under runs/ in the state folder, or the version that came from
    it: NAME@3, NAME@challenger. Exit code 0: every gate passes; 10: at least one refuses.
    """
    from unseen.ops.config import load
    from unseen.ops.registry import Registry, named
    from unseen.ops.retrain import regate

    settings = load(config)
    if run.partition("@")[0] == settings.name:
        run = named(Registry(settings), run).record
    validation, verdicts, allowed = regate(settings, run, against)
    if as_json:
        print_json(
            {
                "run": run,
                "allowed": allowed,
                "gates": in_settings([v.model_dump(mode="json") for v in verdicts]),
                "validation": validation.model_dump(mode="json") if validation else None,
            }
        )
    else:
        for v in verdicts:
            click.echo(f"{'passed ' if v.passed else 'REFUSED'}  {v.gate:<18} {in_settings(v.reason)}")
    raise click.exceptions.Exit(0 if allowed else 10)
