"""The group of commands: loaded when they are asked for, with every exception turned into a sentence and a code."""

from __future__ import annotations

import importlib
from difflib import get_close_matches
from typing import Any

import click

import unseen
from unseen.cli.exits import INTERRUPTED, guarded, told_as_json

COMMANDS = {
    "columns": "columns",
    "fit": "fit",
    "show": "look",
    "report": "look",
    "assign": "rows",
    "impute": "rows",
    "score": "rows",
    "sample": "sample",
    "init": "project",
    "check": "project",
    "config": "config",
    "retrain": "retrain",
    "gate": "retrain",
    "promote": "production",
    "rollback": "production",
    "pin": "production",
    "status": "production",
    "history": "production",
    "rebuild": "production",
    "exclude": "keeping",
    "prune": "keeping",
    "drift": "drift",
    "monitor": "watch",
    "doctor": "doctor",
    "dashboards": "watch",
    "alerts": "watch",
}

EPILOG = """\b
Example:
  unseen fit flights.parquet --components 1:8 --out runs/
  unseen report runs/

\b
Exit codes:
  0    all went well
  1    a bug in unseen, or the machine ran out of memory
  2    wrong usage: an unknown option, or options that cannot go together
  3    the data cannot be used as given
  4    the fit did not converge (a fit that got somewhere is saved all the same)
  5    a run or an output file cannot be read or written
  10+  of the production loop: see unseen retrain --help; 14 log or registry cannot be used, or lack what was
       named; 16 someone else was first, or the gates keep a version back
  130  interrupted; an interrupted fit saves its best parameters

\b
With --json a command prints one JSON object, also for an error:
  {"error": {"kind": ..., "message": ..., "exit": ...}}
"""


class Shell(click.Group):
    """Commands in the order of a working day, each imported when it is needed."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands about a model, then those of the production loop."""
        names = self.list_commands(ctx)
        loop = names.index("init")
        for title, part in (("Models", names[:loop]), ("Production", names[loop:])):
            told = [(n, c.get_short_help_str(80)) for n in part if (c := self.get_command(ctx, n)) is not None]
            with formatter.section(title):
                formatter.write_dl(told)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"unseen.cli.{COMMANDS[name]}")
        command: click.Command = getattr(module, name)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            if near := get_close_matches(args[0], COMMANDS, 1):
                raise click.UsageError(f"No such command {args[0]!r}; the nearest is {near[0]!r}.", ctx) from error
            raise

    def main(self, args: Any = None, *rest: Any, **extra: Any) -> Any:
        with told_as_json(args):
            try:
                return super().main(args, *rest, **extra)
            except SystemExit as end:
                if isinstance(end.__context__, click.Abort):  # interrupted before the command, or after it had ended
                    raise SystemExit(INTERRUPTED) from None
                raise

    def invoke(self, ctx: click.Context) -> Any:
        with guarded():
            return super().invoke(ctx)


@click.group(
    cls=Shell,
    invoke_without_command=True,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(unseen.__version__, prog_name="unseen")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Fit latent-variable models to incomplete data by expectation-maximization, and explain them."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
