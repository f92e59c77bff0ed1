"""`unseen drift`: new data beside what the champion was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from unseen.cli.common import as_json, bar, config, data_argument, needs_ops, quiet
from unseen.cli.exits import OK, print_json
from unseen.errors import RegistryError

if TYPE_CHECKING:
    from unseen.ops.drift import DriftReport

DRIFT = 20
MOST_SMALL = 4
CODES = """\b
Exit codes:
  0    no drift
  20   the data drifted; the causes are printed
"""


@click.command(
    epilog=f"\b\nExamples:\n  unseen drift flights/2013-07.parquet\n  unseen drift july.csv --peek\n\n{CODES}"
)
@data_argument
@config
@click.option("--peek", is_flag=True, help="Look without remembering it.")
@as_json
@quiet
@needs_ops
def drift(data: tuple[Path, ...], config: Path, peek: bool, as_json: bool, quiet: bool) -> None:
    """Say whether new data drifted away from what the champion was trained on, and why.

    Compared are every column, its missing cells, the model's own density and the numbers it says of rows, the shares
    and the positions of components where there are some. Each look adds to the evidence of the looks before, so slow
    drift shows as well, and looking often is allowed: drift.false_alarms bounds the chance of any false alarm over the
    champion's whole life. The same files looked at twice count once. With drift.retrain set, drift is followed by what
    `unseen retrain` does.
    """
    from unseen.ops.config import load
    from unseen.ops.drift import batch_id, look, of_version
    from unseen.ops.places import Places
    from unseen.ops.registry import Registry

    settings = load(config)
    registry, places, silent = Registry(settings), Places.of(settings), quiet or as_json
    champion = registry.champion()
    if champion is None:
        raise RegistryError(f"{settings.name!r} has no champion yet, so nothing to compare with: run unseen retrain")
    result, paths, keep = registry.load(champion.number), [str(p) for p in data], not peek
    own = of_version(settings, registry, champion, result)
    if own.anew:
        click.echo(f"unseen: {own.anew}: made anew from version {champion.number} and its partitions", err=True)
    with bar("drift", silent) as tick:
        report = look(result, own.stored, paths, batch_id(paths), places.drift, settings, record=keep, progress=tick)
    added, record = report.added and keep, None
    if added:
        facts = report.model_dump(include={"batch", "look", "rows", "drifted"})
        registry.log.append("drift", name=settings.name, version=champion.number, **facts)
    if not as_json:
        click.echo("\n".join(told(report, champion.number, peek, quiet)))
    if report.retrain and added:
        from unseen.cli.retrain import teller
        from unseen.ops.retrain import retrain

        record = retrain(settings, tell=teller(silent))
    code = DRIFT if report.drifted else OK
    if as_json:
        followed = {"retrained": record.model_dump(mode="json")} if record else {}
        facts = {"version": champion.number, "recorded": keep, "exit": code, **followed}
        print_json({**report.model_dump(mode="json"), **facts})
    raise click.exceptions.Exit(code)


def told(report: DriftReport, version: int, peek: bool, quiet: bool) -> list[str]:
    """The report as lines of text."""
    this = f"{report.rows:,} rows, look {report.look} at version {version}"
    since = next((t.since for t in report.tests if t.verdict == "drift"), report.look)
    head = "no drift" if not report.drifted else "drift" if since == report.look else f"drift since look {since}"
    lines = [f"{head} ({this})", *(f"  {cause}" for cause in report.causes)]
    if quiet:
        return lines
    small = [t.name for t in report.tests if t.verdict == "small"]
    if small:
        more = f" and {len(small) - MOST_SMALL} more" if len(small) > MOST_SMALL else ""
        lines.append(f"evident, but smaller than drift.min_effect: {', '.join(small[:MOST_SMALL])}{more}")
    if report.first_alarm is not None and report.first_alarm < report.look:
        lines.append(f"the first alarm was at look {report.first_alarm}")
    if report.repeated:
        lines.append("these rows were looked at before: nothing was added to the evidence")
    elif not report.added:
        lines.append("fewer rows than privacy.min_rows_per_component: nothing was added to the evidence")
    elif peek:
        lines.append("not recorded")
    if report.retrain:
        lines.append("drift.retrain is set: a look that adds to the evidence retrains")
    return lines
