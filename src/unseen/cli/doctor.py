"""`unseen doctor`: what is wrong with a run or a service, why, and what to type next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import click

from unseen.cli.common import as_json, config, needs_ops
from unseen.cli.exits import OK, print_json
from unseen.cli.standing import findings

FOUND = 30
CODES = """\b
Exit codes:
  0   nothing that needs a hand (notes may be printed)
  30  a failure mode that is worth a page or a ticket
"""


@click.command(
    epilog="\b\nExamples:\n  unseen doctor flights\n  unseen doctor 2013-04-1f2e3d4c5b6a --replay\n"
    f"  unseen doctor runs/\n\n{CODES}"
)
@click.argument("subject", metavar="RUN|NAME")
@config
@click.option("--replay", is_flag=True, help="Fit the run again and compare the parameters bit by bit.")
@as_json
@needs_ops
def doctor(subject: str, config: Path, replay: bool, as_json: bool) -> None:
    """Name the failure modes of a run or of the loop: evidence, cause, next command, runbook.

    NAME is the name in unseen.yaml (the last retrain is examined), NAME@3 or NAME@champion the retrain of a version;
    RUN is the id of a retrain, or the folder of a run of `unseen fit`, or a folder of such runs, of which the newest
    is taken.
    """
    from unseen.ops.config import load
    from unseen.ops.doctor import case_of, diagnose, failing

    # a run folder of `unseen fit` can be examined without the loop's file
    case = case_of(subject, None if Path(subject).exists() and not config.exists() else load(config))
    if replay and case.record is None:
        raise click.UsageError(f"--replay needs a retrain of a loop, and {subject} is a run of `unseen fit`")
    if replay:
        from unseen.ops.retrain import replay as again

        case = replace(case, replayed=again(case))
    found = diagnose(case)
    code = FOUND if failing(found) else OK
    if as_json:
        said = [d.model_dump(mode="json") for d in found]
        print_json({"subject": subject, "found": said, "replayed": case.replayed, "exit": code})
    else:
        click.echo("\n\n".join("\n".join(part) for part in _told(found, case)))
    raise click.exceptions.Exit(code)


def _told(found: Any, case: Any) -> Iterable[list[str]]:
    """The lines of each part of the answer."""
    if said := findings(case.record):
        yield [f"{case.record.id} was {case.record.outcome}", *(f"  {f}" for f in said)]
    if not found:
        yield ["Nothing found: none of F1 to F10 shows."]
    for d in found:
        lines = [f"{d.mode}  {d.title}  ({d.severity})", *(f"  shows in  {e}" for e in d.evidence)]
        yield [*lines, f"  because   {d.cause}", f"  next      {d.command}", f"  read      {_there(d.runbook)}"]
    if case.replayed:
        yield ["Replayed: the same parameters, bit by bit."]


def _there(page: str) -> str:
    """A runbook as it can be opened: one that is no file here is in the documentation."""
    parts = urlsplit(page)
    if parts.scheme != "file" or Path(unquote(parts.path)).exists():
        return page
    return f"docs/runbooks/{Path(parts.path).name} of unseen (alerts.runbooks says where yours are)"
