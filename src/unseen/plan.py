"""From a table and a few wishes to a model that is ready to be fitted, for those who write no code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from unseen.choices import column_facts, decided, infer
from unseen.core.blas import one_blas_thread
from unseen.core.block import CATEGORY, Column
from unseen.core.model import Model
from unseen.core.profile import Profile
from unseen.core.source import Source, missing_in, told_of
from unseen.core.stats import Array
from unseen.making import model_of, of_kind
from unseen.numerics.dependence import dependent
from unseen.problem import Survey, survey
from unseen.result import Result
from unseen.search.order import search
from unseen.spec import FLOOR, Choice, Spec

#: complete rows that it takes to say that columns follow from one another: any few points lie in a plane
ROWS_PER_COLUMN = 2
#: families of codes, of which a copy would count twice
CODED = ("categorical", "ordinal")
#: share of its own variance below which a column nearly follows from others, and the lowest floor that is set then
NEARLY, LEAST_FLOOR = 1e-4, 1e-12


@dataclass(frozen=True, slots=True)
class Plan:
    """Data that is read and profiled, what is done with each column, and what to try.

    ``model_for(components, form)`` is the model with one of the ``forms`` of covariance, by default the first.
    """

    known: Survey
    choices: tuple[Choice, ...]
    model_for: Callable[..., Any]
    forms: tuple[str, ...] = ("full",)
    variants: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: whether the model describes each column by a family of its own
    over_families: bool = True

    @property
    def columns(self) -> tuple[dict[str, Any], ...]:
        """What was found in each column and decided about it, as plain facts."""
        return tuple(column_facts(c, self.known.profile) for c in self.choices)

    def after(self, result: Result) -> Plan:
        """The plan with the families that the search came to."""
        _, _, thoughts = str(result.options.get("form", "")).partition(", ")
        return replace(self, choices=Spec(self.choices).varied(thoughts).choices) if thoughts else self


@one_blas_thread()
def plan(
    source: Source,
    *,
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    weights: str | None = None,
    labels: str | None = None,
    covariance: str = "auto",
    model: str = "mixture",
    options: Mapping[str, Any] | None = None,
    engine: str = "auto",
    workers: int | None = None,
    before: Sequence[Mapping[str, Any]] = (),
    refuse: bool = True,
) -> Plan:
    """Decide what each column is, profile the columns in one pass, and leave out those that follow from others.

    ``model`` is the name of a kind with its own ``options``, its number of components, states or factors apart.
    ``before`` is what an earlier plan said of the columns (`Plan.columns`): its families stand, so that models of
    different days can be compared. ``refuse`` a table of which no column is left to fit.

    Raises
    ------
    DataError
        A column that is named but not there, that is constant, or no column that can be used.
    ModelError
        Options that contradict each other.
    """
    spec = infer(
        source.schema(),
        columns=columns,
        ignore=ignore,
        families=families,
        weights=weights,
        labels=labels,
        covariance=covariance,
        unit=source.unit,
        refuse=refuse,
    )
    if not spec.columns and not refuse:
        rows = sum(part.rows for part in source.manifest())
        known = Survey(source, (), Profile((), rows, rows, float(rows)), None)
        return Plan(known, spec.choices, partial(_model, spec, "full"))
    spec = of_kind(spec, source.schema(), model, options or {}, source.unit)
    known = survey(
        model_of(spec, 1),
        source,
        weights=weights,
        labels=labels,
        ignore=spec.ignored,
        engine=engine,
        workers=workers,
        empty=True,
    )
    spec = decided(spec, known.profile, before, refuse)
    unread = missing_in(source)
    spec = replace(
        spec,
        choices=tuple(c if c.missing is not None else replace(c, missing=unread.get(c.column)) for c in spec.choices),
    )
    if spec.over_families:
        spec, known = _without_dependent(_without_copies(spec, known), known)
    else:  # what families say of columns is not what this model says
        spec = replace(
            spec, choices=tuple(replace(c, family=model, note=c.role) if c.family else c for c in spec.choices)
        )
    forms = spec.forms()
    make = partial(_model, spec, forms[0])
    return Plan(_only(known, spec.columns), spec.choices, make, forms, spec.variants(), spec.over_families)


def fitted(made: Plan, components: Iterable[int] | None = None, rows: Survey | None = None, **options: Any) -> Result:
    """The best model of a plan, with what was decided about each column; options are those of `search.order.search`.

    ``rows`` are those to fit, by default all.
    """
    if not made.model_for(1).order:  # there is nothing to try numbers of
        components = (1,)
    several = len(made.forms) > 1 or made.variants
    forms, variants = (made.forms, made.variants) if several else ((), {})
    result = search(made.model_for, rows or made.known, components, forms=forms, variants=variants, **options)
    return replace(result, columns=made.after(result).columns, told=told_of(made.known.source))


def _model(spec: Spec, first: str, components: int, form: str = "") -> Model:
    return model_of(spec, components, form or first)


def _only(known: Survey, columns: tuple[str, ...]) -> Survey:
    """What is known of the columns that the model reads."""
    if columns == known.profile.names:
        return known
    fields = tuple(f for f in known.fields if f.name in columns)
    left = tuple(f for f in known.fields if f.name not in columns)
    return replace(
        known, fields=fields, profile=known.profile.select(tuple(f.name for f in fields)), ignored=known.ignored + left
    )


def _without_dependent(spec: Spec, known: Survey) -> tuple[Spec, Survey]:
    """Leave out columns of a full covariance that follow from others: they would make it singular."""
    names, logs = spec.of("gaussian", "log_normal"), spec.of("log_normal")
    if spec.covariance.endswith(("diagonal", "spherical")) or len(names) < 2:
        return spec, known
    rows = complete_rows(known.source, names)
    if rows.shape[1] < ROWS_PER_COLUMN * len(names):
        return spec, known
    for j, name in enumerate(names):
        if name in logs:
            rows[j] = np.log(np.maximum(rows[j], np.finfo(float).tiny))
    with np.errstate(over="ignore", invalid="ignore"):  # numbers without a square are refused later
        found, own = dependent(rows)
    if own < NEARLY:
        # what columns have of their own that nearly follow from others must not rest on the floor
        spec = replace(spec, floor=max(FLOOR * (own / NEARLY) ** 2, LEAST_FLOOR))
    if not found:
        return spec, known
    notes = {names[j]: ", ".join(names[i] for i in others) for j, others in found.items()}
    choices = tuple(
        replace(c, family="", note=f"left out: follows from {notes[c.column]}") if c.column in notes else c
        for c in spec.choices
    )
    return replace(spec, choices=choices), known


def _without_copies(spec: Spec, known: Survey) -> Spec:
    """Leave out columns of codes that say what another says, in the same words or others: they would count twice."""
    profile, left = known.profile, dict[str, str]()
    alike: dict[tuple[int, int], list[str]] = {}
    for c in spec.choices:
        if c.family in CODED and not c.role:
            column = profile[c.column]
            codes = len(column.values or ()) if column.kind == CATEGORY else column.distinct or 0
            if codes > 2:  # two columns of yes and no may well agree
                alike.setdefault((codes, column.missing), []).append(c.column)
    for names in alike.values():
        for j, name in enumerate(names):
            first = next((n for n in names[:j] if n not in left and _same_codes(known.source, n, name)), None)
            if first is not None:
                left[name] = first
    choices = tuple(
        replace(c, family="", note=f"left out: the same as {left[c.column]}, in other words or the same")
        if c.column in left and not c.asked
        else c
        for c in spec.choices
    )
    return replace(spec, choices=choices)


def _same_codes(source: Source, one: str, other: str) -> bool:
    """Whether each value of a column always stands beside one and the same value of another, and back."""
    there: dict[Any, Any] = {}
    back: dict[Any, Any] = {}
    for part in source.manifest():
        columns = source.read(part, (one, other)).columns
        a, b = (_values(columns[name]) for name in (one, other))
        for x, y in dict.fromkeys(zip(a.tolist(), b.tolist(), strict=True)):
            if there.setdefault(x, y) != y or back.setdefault(y, x) != x:
                return False
    return True


def _values(column: Column) -> Array:
    values: Array = np.array(column.categories, object)[column.values] if column.categories else column.values
    values = values.astype(object)
    if column.observed is not None:
        values[~column.observed] = None
    return values


def complete_rows(source: Source, names: Sequence[str], most: int = 20_000) -> Array:
    """Some rows of some columns that have no hole, (d, n), from blocks across the data."""
    parts = source.manifest()
    chosen = sorted({0, len(parts) // 2, len(parts) - 1})
    pieces = []
    for i in chosen:
        columns = source.read(parts[i], names).columns
        values = np.array([columns[n].values for n in names], float)
        seen = np.all([np.ones(values.shape[1], bool) if (o := columns[n].observed) is None else o for n in names], 0)
        pieces.append(values[:, seen][:, : most // len(chosen)])
    return np.concatenate(pieces, axis=1)
