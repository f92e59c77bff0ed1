"""What `unseen fit` does between its options and the saved run."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from unseen.cli.options import split_columns
from unseen.core.profile import ColumnProfile
from unseen.errors import ModelError
from unseen.problem import Survey, survey
from unseen.progress import Progress
from unseen.result import Result
from unseen.search.order import search
from unseen.spec import Choice, Spec, infer

STARTS = ("auto", "kmeans++", "rows", "random", "labels")


@dataclass(frozen=True, slots=True)
class Task:
    """Data that is read and profiled, the model for each number of components, and where to start."""

    known: Survey
    choices: tuple[Choice, ...]
    model_for: Callable[[int], Any]
    components: tuple[int, ...]
    start: Any


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that cannot go together, before any data is touched."""
    if options["start"] == "labels" and not options["labels"]:
        raise click.UsageError("--start labels needs --labels COL: which column holds the known classes?")
    if options["start"] in STARTS:
        return
    for name in ("columns", "family", "covariance", "ignore"):
        if options[name]:
            raise click.UsageError(f"--{name} cannot go with --start RUN: the run brings its own model")
    if options["restarts"] not in (None, 1):
        raise click.UsageError("--restarts cannot go with --start RUN: it starts once, at the run's parameters")


def prepare(data: Any, options: Mapping[str, Any]) -> Task:
    """Open the data, decide what each column is, and profile the columns in one pass."""
    from unseen.sources import open_source

    source, _, _ = open_source(data)
    if options["start"] not in STARTS:
        return _resume(source, options)
    spec = infer(
        source.schema(),
        columns=split_columns(options["columns"]),
        ignore=split_columns(options["ignore"]),
        families=dict(options["family"]),
        weights=options["weights"],
        labels=options["labels"],
        covariance=options["covariance"] or "full",
    )
    components = options["components"] or tuple(range(1, 9))
    known = _survey(spec.mixture(components[0]), source, spec.ignored, options)
    spec.check(known.profile)
    spec, known = _without_dependent(spec, known)
    return Task(known, spec.choices, spec.mixture, components, options["start"])


def _without_dependent(spec: Spec, known: Survey) -> tuple[Spec, Survey]:
    """Leave out columns of a full covariance that follow exactly from others: they would make it singular."""
    from unseen.numerics.dependence import dependent

    names = spec.of("gaussian")
    if not spec.covariance.endswith("full") or len(names) < 2:
        return spec, known
    found = dependent(_complete_rows(known.source, names))
    if not found:
        return spec, known
    notes = {names[j]: ", ".join(names[i] for i in others) for j, others in found.items()}
    choices = tuple(
        replace(c, family="", note=f"left out: follows from {notes[c.column]}") if c.column in notes else c
        for c in spec.choices
    )
    fields = tuple(f for f in known.fields if f.name not in notes)
    profile = known.profile.select(tuple(f.name for f in fields))
    return replace(spec, choices=choices), replace(known, fields=fields, profile=profile)


def _complete_rows(source: Any, names: Sequence[str], most: int = 20_000) -> Any:
    """Some rows of some columns that have no hole, (d, n), from blocks across the data."""
    import numpy as np

    parts = source.manifest()
    chosen = sorted({0, len(parts) // 2, len(parts) - 1})
    pieces = []
    for i in chosen:
        columns = source.read(parts[i], names).columns
        values = np.array([columns[n].values for n in names], float)
        seen = np.all([np.ones(values.shape[1], bool) if (o := columns[n].observed) is None else o for n in names], 0)
        pieces.append(values[:, seen][:, : most // len(chosen)])
    return np.concatenate(pieces, axis=1)


def _survey(model: Any, source: Any, ignore: Sequence[str], options: Mapping[str, Any]) -> Survey:
    return survey(
        model,
        source,
        weights=options["weights"],
        labels=options["labels"],
        ignore=ignore,
        engine=options["engine"],
        workers=options["workers"],
    )


def _resume(source: Any, options: Mapping[str, Any]) -> Task:
    """The model of a run, to go on from its parameters."""
    from unseen.cli.common import open_run

    result, folder = open_run(Path(options["start"]))
    before = result.encoding
    options = {**options, "weights": options["weights"] or before.weights, "labels": options["labels"] or before.labels}
    result.encoding.check(source.schema())
    used = [f.name for f in before.fields]
    side = (options["weights"], options["labels"])
    ignore = [f.name for f in source.schema() if f.name not in used and f.name not in side]
    known = _survey(result.model, source, ignore, options)
    components = getattr(result.model, "components", 1)
    if options["components"] not in (None, (components,)):
        raise ModelError(f"the run in {folder} has {components} components: leave --components out to go on from it")
    if result.model.bind(known.profile).slots != result.model.slots:
        raise ModelError(f"the categories of this data are not those of the run in {folder}: fit without --start")
    families = {e["column"]: e["family"] for e in result.model.describe(result.params)}
    choices = [
        Choice(f.name, f.kind, families.get(f.name, ""), "" if f.name in families else "not in the run")
        for f in source.schema()
    ]
    return Task(known, tuple(choices), lambda k: result.model, (components,), result.params)


def carry_out(task: Task, options: Mapping[str, Any], silent: bool) -> Result:
    """Fit every number of components under a progress bar, and return the best."""
    drawn = options["restarts"] or (10 if task.start in STARTS and not options["labels"] else 1)
    passed = ("criterion", "seed", "tol", "max_iterations", "max_seconds", "restarts", "prior")
    with Progress(len(task.components), drawn, silent) as bar:
        return search(
            task.model_for,
            task.known,
            task.components,
            start=task.start,
            observers=(bar,),
            **{name: options[name] for name in passed},
        )


def columns(task: Task) -> list[dict[str, Any]]:
    """What was decided about each column, as plain facts."""
    return [{"column": c.column, "kind": c.kind, "family": c.family or None, "note": c.note} for c in task.choices]


def column_table(task: Task) -> str:
    """What was decided about each column, as text."""
    from unseen.summary.text import table

    rows = [["column", "type", "family", "missing", "values"]]
    for c in task.choices:
        if not c.family:
            rows.append([c.column, c.kind, "-", "", c.note])
            continue
        known = task.known.profile[c.column]
        share = f"{100 * known.missing / known.rows:.3g} %" if known.missing else "none"
        rows.append([c.column, c.kind, c.family, share, _values(known)])
    return "\n".join([f"{task.known.profile.rows:,} rows", *table(rows, left=5)])


def _values(known: ColumnProfile) -> str:
    if known.kind == "category":
        return f"{len(known.values or ()):,} categories"
    return f"{known.low:,.6g} to {known.high:,.6g}"


def next_steps(folder: Path, data: Sequence[Path], result: Result) -> str:
    """The commands that a user most likely wants now."""
    run, given = shlex.quote(str(folder)), " ".join(shlex.quote(str(p)) for p in data)
    lines = [f"unseen report {run} {given}", f"unseen assign {run} {given} -o assigned.parquet"]
    if not result.converged:
        lines.insert(0, f"unseen fit {given} --start {run}")
    return "\n".join(f"  {line}" for line in lines)


__all__ = ["Task", "carry_out", "check_options", "column_table", "columns", "next_steps", "prepare"]
