"""From a table and a few wishes to a model that is ready to be fitted, for those who write no code."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import partial
from typing import Any

import numpy as np

from unseen.columns import Decision
from unseen.core.blas import one_blas_thread
from unseen.core.block import BOOLEAN, CATEGORY, OTHER, Field
from unseen.core.model import Model
from unseen.core.option import COLUMN
from unseen.core.profile import Profile
from unseen.core.source import Source
from unseen.core.stats import Array
from unseen.errors import DataError, ModelError
from unseen.numerics.dependence import dependent
from unseen.problem import Survey, survey
from unseen.result import Result
from unseen.search.order import search
from unseen.spec import AUTO, COVARIANCES, FAMILIES, FLOOR, SIDE, Choice, Spec, is_family

#: complete rows that it takes to say that columns follow from one another: any few points lie in a plane
ROWS_PER_COLUMN = 2
#: share of its own variance below which a column nearly follows from others, and the lowest floor that is set then
NEARLY, LEAST_FLOOR = 1e-4, 1e-12


def column_facts(choice: Choice, profile: Profile) -> dict[str, Any]:
    """What was found in a column and decided about it, as plain facts; ``family`` is None where it is left out."""
    out: dict[str, Any] = {"column": choice.column, "kind": choice.kind, "family": choice.family or None}
    if choice.column in profile.names and choice.family:
        c = profile[choice.column]
        out["missing"] = c.missing
        out["distinct"] = c.distinct if c.kind != CATEGORY else len(c.values or ())
        if c.kind not in (CATEGORY, BOOLEAN):
            out |= {"low": c.low, "high": c.high, "resolution": c.resolution, "skewness": c.skewness}
            out |= {"atoms": [list(a) for a in c.atoms()], "sentinel": c.sentinel()}
    if choice.atoms:
        out["set_apart"] = list(choice.atoms)
    return {**out, "note": choice.note}


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
) -> Plan:
    """Decide what each column is, profile the columns in one pass, and leave out those that follow from others.

    ``model`` is the name of a kind with its own ``options``, its number of components, states or factors apart.
    ``before`` is what an earlier plan said of the columns (`Plan.columns`): its families stand, so that models of
    different days can be compared.

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
    )
    spec = _of_kind(spec, source.schema(), model, options or {})
    known = survey(
        spec.model(1),
        source,
        weights=weights,
        labels=labels,
        ignore=spec.ignored,
        engine=engine,
        workers=workers,
        empty=True,
    )
    spec = spec.decided(known.profile, _earlier(before))
    if spec.over_families:
        spec, known = _without_dependent(spec, known)
    else:  # what families say of columns is not what this model says
        spec = replace(
            spec, choices=tuple(replace(c, family=model, note=c.role) if c.family else c for c in spec.choices)
        )
    forms = spec.forms()
    make = partial(_model, spec, forms[0])
    return Plan(_only(known, spec.columns), spec.choices, make, forms, spec.variants(), spec.over_families)


def _of_kind(spec: Spec, schema: Sequence[Field], kind: str, options: Mapping[str, Any]) -> Spec:
    """The spec of a kind of model; columns that its options name are there, and stay."""
    from unseen.store.kinds import model

    given = checked(kind, options)
    spec = replace(spec, kind=kind, options=given)
    if not spec.over_families:
        chosen = {
            "family": any(c.family != AUTO for c in spec.choices if c.family),
            "covariance": spec.covariance != AUTO,
        }
        for name in (n for n, there in chosen.items() if there):
            raise ModelError(f"model {kind!r} has no families of columns: leave {name} out (--{name})")
    roles = {given[o.name]: o.name for o in model(kind).options if o.kind == COLUMN and o.name in given and not o.unit}
    named = list(roles)
    _there(schema, named)
    for column in named:
        if column not in spec.columns:
            raise ModelError(f"column {column!r} has a part in model {kind!r}, and is left out: name it once")
    choices = tuple(
        replace(c, family=kind, note=roles[c.column], role=roles[c.column]) if c.column in roles else c
        for c in spec.choices
    )
    return replace(spec, choices=choices)


def checked(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a kind of model, with its defaults.

    Raises
    ------
    ModelError
        One that the kind does not have (the nearest is named), lacks, or that cannot be so.
    """
    from unseen.store.kinds import model

    own = {option.name: option for option in model(kind).options if not option.order}
    for name in given:
        if name not in own:
            near = get_close_matches(name, own, 1)
            what = f"; the nearest is {near[0]!r}" if near else f": it has {', '.join(own) or 'none of its own'}"
            raise ModelError(f"model {kind!r} has no option {name!r}{what}")
    out = {}
    for name, option in own.items():
        value = option.read(given.get(name, option.default))
        if value is None and option.required:
            what = option.sentence[0].lower() + option.sentence[1:].rstrip(".")
            raise ModelError(f"model {kind!r} needs {name}, {what} ({name}='...'; --{name} COL)")
        if value is not None:
            option.check(value)
            out[name] = value
    return out


def fitted(made: Plan, components: Iterable[int] | None = None, rows: Survey | None = None, **options: Any) -> Result:
    """The best model of a plan, with what was decided about each column; options are those of `search.order.search`.

    ``rows`` are those to fit, by default all.
    """
    if not made.model_for(1).order:  # there is nothing to try numbers of
        components = (1,)
    several = len(made.forms) > 1 or made.variants
    forms, variants = (made.forms, made.variants) if several else ((), {})
    result = search(made.model_for, rows or made.known, components, forms=forms, variants=variants, **options)
    return replace(result, columns=made.after(result).columns)


def _earlier(before: Sequence[Mapping[str, Any]]) -> dict[str, Decision]:
    """Families that were decided before, of the columns that had one."""
    known = [c for c in before if c["family"]]
    return {c["column"]: Decision(c["family"], c.get("note", ""), tuple(c.get("set_apart", ()))) for c in known}


def _model(spec: Spec, first: str, components: int, form: str = "") -> Model:
    return spec.model(components, form or first)


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
    rows = _complete_rows(known.source, names)
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


def _complete_rows(source: Source, names: Sequence[str], most: int = 20_000) -> Array:
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


def infer(
    schema: Sequence[Field],
    *,
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    weights: str | None = None,
    labels: str | None = None,
    covariance: str = "full",
) -> Spec:
    """What to do with each column as far as its name and type say: `Spec.decided` finds the families in the data.

    Raises
    ------
    DataError
        A column that is named but not there, or no column that can be used.
    ModelError
        An unknown family or covariance, or a column that is both named and left out.

    >>> from unseen.core.block import Field
    >>> infer([Field("delay", "number"), Field("day", "other")], families={"delay": "student_t"}).of("student_t")
    ('delay',)
    """
    wanted = dict(families or {})
    if covariance not in COVARIANCES:
        raise ModelError(f"covariance {covariance!r} is none of {', '.join(COVARIANCES)}")
    for column, family in wanted.items():
        if not is_family(family):
            raise ModelError(f"family {family!r} of column {column!r} is none of {', '.join(FAMILIES)}")
    _there(schema, [*columns, *ignore, *wanted, *(c for c in (weights, labels) if c)])
    if weights is not None and weights == labels:
        raise ModelError(f"column {weights!r} is named for the row weights and for the known classes: name two columns")
    side = {weights: SIDE[0], labels: SIDE[1]}
    out = {*ignore, *(c for c in side if c)}
    for name in (*columns, *wanted):
        if name in out:
            raise ModelError(f"column {name!r} is both used and left out: name it once")
    for name in wanted:
        if columns and name not in columns:
            raise ModelError(f"column {name!r} has a family but is not among the chosen columns")
    choices = []
    for f in schema:
        if f.name in side:
            choices.append(Choice(f.name, f.kind, "", side[f.name]))
        elif f.name in ignore or (columns and f.name not in columns):
            choices.append(Choice(f.name, f.kind, "", "ignored"))
        elif f.kind == OTHER and f.name not in wanted:
            if f.name in columns:
                raise DataError(f"column {f.name!r} cannot be modelled: {f.note or 'it is no number, boolean or text'}")
            choices.append(Choice(f.name, f.kind, "", f.note or "ignored: no number, boolean or text"))
        else:
            asked = f.name in columns or f.name in wanted
            choices.append(Choice(f.name, f.kind, wanted.get(f.name, AUTO), asked=asked))
    spec = Spec(tuple(choices), covariance)
    if not spec.columns:
        raise DataError("no column is left to fit: numbers, booleans and text are what models read")
    return spec


def _there(schema: Sequence[Field], names: Sequence[str]) -> None:
    known = [f.name for f in schema]
    for name in names:
        if name not in known:
            raise DataError(f"there is no column {name!r}; the columns are {', '.join(map(repr, known))}")
