"""What `unseen fit` does between its options and the saved run."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from unseen.algorithms import algorithm
from unseen.checkpoint.opening import check_asked
from unseen.cli.options import split_columns
from unseen.cli.reading import asked_reading
from unseen.cli.spelling import on_command_line
from unseen.core.interrupt import interruptible
from unseen.core.profile import ColumnProfile
from unseen.core.source import told_of
from unseen.errors import ModelError
from unseen.plan import Plan, fitted, plan
from unseen.problem import survey
from unseen.progress import Progress
from unseen.result import Result
from unseen.search.begin import STARTS
from unseen.search.order import DEFAULT
from unseen.spec import AUTO, Choice


@dataclass(frozen=True, slots=True)
class Task:
    """What to fit, the numbers of components to try, and where to start."""

    plan: Plan
    components: tuple[int, ...] | None  # None: 1 to 8, as far as the criterion does not get worse
    start: Any


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot go together, before any data is touched."""
    check_asked(options["checkpoint"], options["every"], options["resume"])
    if options["start"] == "labels" and not options["labels"]:
        raise click.UsageError("--start labels needs --labels COL: which column holds the known classes?")
    if options["start"] in STARTS:
        return
    for name in ("columns", "family", "covariance", "ignore"):
        if options[name]:
            raise click.UsageError(f"--{name} cannot go with --start RUN: the run brings its own model")
    if options["model"] != "mixture":
        raise click.UsageError("--model cannot go with --start RUN: the run brings its own model")
    if options["restarts"] not in (None, 1):
        raise click.UsageError("--restarts cannot go with --start RUN: it starts once, at the run's parameters")


def prepare(data: Any, options: Mapping[str, Any]) -> Task:
    """Open the data, decide what each column is, and profile the columns in one pass."""
    from unseen.sources import open_source

    if options["start"] not in STARTS:
        return _resume(data, options)
    from unseen.store.kinds import model

    kind = options["model"]
    own = {option.name: options[option.name] for option in model(kind).options if options.get(option.name) is not None}
    number = own.pop(model(kind).order, None)
    unit = next((own[option.name] for option in model(kind).options if option.unit and option.name in own), None)
    read = asked_reading(options)
    whole = model(kind).unit.ordered and unit is None
    source, _, _ = open_source(data, unit=unit, whole=whole, read=read, infer=True)
    names = [f.name for f in source.schema()]
    made = plan(
        source,
        columns=split_columns(options["columns"], names),
        ignore=split_columns(options["ignore"], names),
        families=dict(options["family"]),
        weights=options["weights"],
        labels=options["labels"],
        covariance=options["covariance"] or AUTO,
        model=kind,
        options=own,
        engine=options["engine"],
        workers=options["workers"],
    )
    return Task(made, number, options["start"])


def _resume(data: Any, options: Mapping[str, Any]) -> Task:
    """The model of a run, to go on from its parameters."""
    from unseen.cli.common import open_run
    from unseen.sources import open_source

    result, folder = open_run(Path(options["start"]))
    before = result.encoding
    whole = result.model.unit.ordered and before.unit is None
    read = asked_reading(options, before.reading)
    source, _, _ = open_source(data, unit=before.unit, whole=whole, read=read, known=before.written())
    options = {**options, "weights": options["weights"] or before.weights, "labels": options["labels"] or before.labels}
    result.encoding.check(source.schema())
    used = [f.name for f in before.fields]
    side = (options["weights"], options["labels"])
    ignore = [f.name for f in source.schema() if f.name not in used and f.name not in side]
    known = survey(
        result.model,
        source,
        weights=options["weights"],
        labels=options["labels"],
        ignore=ignore,
        engine=options["engine"],
        workers=options["workers"],
    )
    components, noun = result.model.number or 1, result.model.order
    if options.get("components") not in (None, (components,)):
        raise ModelError(f"the run in {folder} has {components} {noun}: leave --{noun} out to go on from it")
    if result.model.bind(known.profile).slots != result.model.slots:
        raise ModelError(f"the categories of this data are not those of the run in {folder}: fit without --start")
    families = {name: type(result.model).__name__ for slot in result.model.slots for name in slot.columns}
    families |= {e["column"]: e["family"] for e in result.description.views}
    choices = [
        Choice(f.name, f.kind, families.get(f.name, ""), "" if f.name in families else "not in the run")
        for f in source.schema()
    ]
    return Task(Plan(known, tuple(choices), lambda k: result.model), (components,), result.params)


@interruptible()
def carry_out(task: Task, options: Mapping[str, Any], silent: bool) -> Result:
    """Fit every number of components under a progress bar, and return the best."""
    drawn = options["restarts"] or (10 if task.start in STARTS and not options["labels"] else 1)
    passed = ("criterion", "seed", "tol", "max_iterations", "max_seconds", "restarts", "prior")
    # how many forms will be tried around the best number is not known before: about three fits each
    fits = len(task.components or DEFAULT) + 3 * max(len(task.plan.forms) - 1, 0)
    with Progress(fits, drawn, silent) as bar:
        told = {name: options[name] for name in passed}
        told["algorithm"] = algorithm(options["algorithm"]) if options.get("algorithm") else None
        told |= {name: options[name] for name in ("checkpoint", "every", "resume") if name in options}
        return fitted(task.plan, task.components, start=task.start, observers=(bar,), **told)


def column_table(plan: Plan) -> str:
    """What was decided about each column, and why, as text."""
    from unseen.summary.text import table

    rows = [["column", "type", "family", "missing", "values", "why"]]
    for c in plan.choices:
        if not c.family:
            share = "" if c.missing is None else _share(c.missing, plan.known.profile.rows)
            rows.append([_in_line(c.column), c.kind, "-", share, "", on_command_line(c.told)])
            continue
        known = plan.known.profile[c.column]
        share = _share(known.missing, known.rows)
        rows.append([_in_line(c.column), c.kind, c.family, share, _values(known), on_command_line(c.told)])
    read = [f"  {on_command_line(note)}" for note in told_of(plan.known.source)]
    lines = [f"{plan.known.profile.rows:,} rows", *read, *table(rows, left=6)]
    if any(c.family for c in plan.choices) and plan.model_for(1).unit.ordered and plan.known.source.unit is None:
        lines.append("  one sequence, in the order of the rows (--unit COLUMN tells several apart)")
    another = "another family: --family COLUMN=FAMILY; " if plan.over_families else ""
    return "\n".join([*lines, f"  ({another}leave out: --ignore COLUMN)"])


def _in_line(name: str) -> str:
    """A name without line breaks, which would break the table."""
    return " ".join(name.split())


def _share(missing: int, rows: int) -> str:
    return f"{100 * missing / rows:.3g} %" if missing else "none"


def changed_families(plan: Plan, result: Result) -> str:
    """What became of columns whose family was another inside components than alone, a line for each."""
    before = {c.column: c.family for c in plan.choices}
    lines = [
        f"{c['column']}: {c['family']} inside components, in place of {before[c['column']]}, by the criterion"
        for c in result.columns
        if c["family"] and before.get(c["column"]) != c["family"]
    ]
    return "".join(f"{line}\n" for line in lines)


def _values(known: ColumnProfile) -> str:
    if known.kind == "category" or known.open:
        return f"{len(known.values or ()):,} categories"
    step = known.resolution
    return f"{known.low:,.6g} to {known.high:,.6g}" + ("" if step in (None, 1) else f" by {step:.3g}")


def next_steps(folder: Path, data: Sequence[Path], result: Result) -> str:
    """The commands that a user most likely wants now."""
    run, given = shlex.quote(str(folder)), " ".join(shlex.quote(str(p)) for p in data)
    lines = [f"unseen report {run} {given}", f"unseen assign {run} {given} -o assigned.parquet"]
    if not result.converged:
        lines.insert(0, f"unseen fit {given} --start {run}")
    return "\n".join(f"  {line}" for line in lines)


__all__ = ["Task", "carry_out", "changed_families", "check_options", "column_table", "next_steps", "prepare"]
