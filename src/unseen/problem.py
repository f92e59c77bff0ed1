"""Model and data brought together: impossible pairs are refused here, before any data is read for the fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from unseen.core.block import OTHER, Field
from unseen.core.checks import check_finite, check_profile
from unseen.core.encoding import Encoded, Encoding, usable
from unseen.core.engine import Engine
from unseen.core.model import Latent, Model, latent_classes
from unseen.core.profile import Profile
from unseen.core.source import Frames, Source, how_read
from unseen.core.tasks import ProfileFrame
from unseen.engines import engine_for, traits_of
from unseen.engines.local import OutOfCore
from unseen.errors import DataError, ModelError


@dataclass(frozen=True, slots=True)
class Problem:
    """A model bound to data: anchors and categories fixed, blocks ready to be summed over."""

    model: Model
    source: Source
    encoding: Encoding
    profile: Profile
    engine: Engine
    ignored: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """What one pass over the data learned before any model is bound: shared by every model tried on it."""

    source: Source
    fields: tuple[Field, ...]
    profile: Profile
    make: Any
    weights: str | None = None
    labels: str | None = None
    ignored: tuple[Field, ...] = ()
    unknown: str = "refuse"


def survey(
    model: Model,
    source: Source,
    *,
    weights: str | None = None,
    labels: str | None = None,
    ignore: Sequence[str] = (),
    engine: str | Any = "auto",
    workers: int | None = None,
    unknown: str = "refuse",
    empty: bool = False,
) -> Survey:
    """Read the schema, choose the columns the model asks for, and profile them in one pass.

    ``empty`` lets columns pass that have no observed value: the caller leaves them out.

    Raises
    ------
    DataError
        Columns or weights that cannot be used.
    ModelError
        Rows that do not say which unit they belong to, an unknown engine.
    """
    schema = {f.name: f for f in source.schema()}
    for name in (weights, labels, *ignore):
        if name is not None and name not in schema:
            raise DataError(f"there is no column {name!r}; the columns are {', '.join(map(repr, schema))}")
    if model.unit.many and source.unit is None and not getattr(source, "whole", False):
        raise ModelError(
            f"{type(model).__name__} reads {model.unit.value}s of rows, and this source does not say where one ends "
            "and the next begins: name the column that tells them apart (unit='...'; --unit COL)"
        )
    side = {weights, labels, *ignore}
    candidates = tuple(f for n, f in schema.items() if n not in side)
    fields = chosen(model, candidates)
    make = engine_for(engine, source, len(fields), workers) if isinstance(engine, str) else engine
    once = make if not traits_of(make).keeps_blocks else partial(OutOfCore, workers=workers)
    side_columns = tuple(n for n in (weights, labels) if n is not None)
    frames = Frames(source, tuple(f.name for f in fields) + side_columns)
    coded = frozenset(model.coded([f.name for f in fields]))
    task = ProfileFrame(fields, weights, labels, frozenset(model.index), coded)
    profile: Profile = once(frames).total(task)
    check_profile(profile, empty=empty)
    used = {f.name for f in fields}
    ignored = tuple(replace(f, note=f.note or "not used by the model") for f in candidates if f.name not in used)
    return Survey(source, fields, profile, make, weights, labels, ignored, unknown)


def bind(model: Model, known: Survey, like: Sequence[Problem] = (), part: Any = None) -> Problem:
    """Bind a model to surveyed data; the blocks of one of ``like`` are used again if they would be the same.

    ``part`` takes the blocks and gives those to fit to: a training share, for instance.

    Raises
    ------
    DataError
        Columns the model cannot describe, or fewer rows than components.
    """
    if model.needs_pass and traits_of(known.make).elsewhere:
        raise ModelError(
            f"{type(model).__name__} draws or remembers in its E-step, which has to stay in this process: fit on this "
            "machine (engine='auto'; --engine auto)"
        )
    classes = _classes(known.profile, model, known.labels)
    check_size(model, known.profile, known.labels)
    check_finite(known.profile)
    bound = model.bind(known.profile)
    encoding = Encoding(
        known.fields,
        bound.slots,
        known.weights,
        known.labels,
        classes,
        known.unknown,
        grouped=True,
        unit=known.source.unit,
        reading=how_read(known.source)[0],
        notations={f.name: n for f in known.fields if (n := how_read(known.source)[1].get(f.name)) is not None},
    )
    for problem in like:
        if problem.encoding == encoding:
            return replace(problem, model=bound)
    blocks = Encoded(known.source, encoding)
    engine = known.make(blocks if part is None else part(blocks))
    return Problem(bound, known.source, encoding, known.profile, engine, known.ignored)


def pose(model: Model, source: Source, **options: Any) -> Problem:
    """Survey the data and bind the model to it; options are those of `survey`."""
    return bind(model, survey(model, source, **options))


def chosen(model: Model, schema: Sequence[Field]) -> tuple[Field, ...]:
    """The columns the model asks for, or every usable one."""
    wanted = model.wanted
    if wanted is None:
        fields = usable(schema)
        if not fields:
            raise DataError("no column of the data can be used: numbers, booleans and text are what models read")
        return fields
    by_name = {f.name: f for f in schema}
    missing = [n for n in wanted if n not in by_name]
    if missing:
        raise DataError(
            f"the model names column {', '.join(map(repr, missing))}, which the data does not have; "
            f"it has {', '.join(map(repr, by_name))}"
        )
    fields = tuple(by_name[n] for n in wanted)
    for f in fields:
        if f.kind == OTHER:
            raise DataError(f"column {f.name!r} cannot be modelled: {f.note or 'it holds neither numbers nor text'}")
    return fields


def check_size(model: Model, profile: Profile, labels: str | None) -> None:
    """Refuse fewer rows than components, and labels no component could stand for."""
    components = latent_classes(model)
    rows = profile.rows - profile.empty_rows
    if rows < components:
        seen = " with an observed cell" if profile.empty_rows else ""
        raise DataError(
            f"{rows:,} rows{seen} cannot tell {components} components apart: use fewer components or more rows"
        )
    if labels is not None and len(profile.labels) > components:
        minus = "; -1 is one of them: mark unknown labels by NaN or None" if "-1" in profile.labels else ""
        raise DataError(
            f"label column {labels!r} has {len(profile.labels)} classes but the model has {components} components: "
            f"use at least as many components as classes{minus}"
        )


def _classes(profile: Profile, model: Model, labels: str | None) -> tuple[str, ...]:
    if labels is None:
        return ()
    if not isinstance(model, Latent):
        raise ModelError(f"{type(model).__name__} takes no labels")
    try:
        return tuple(sorted(profile.labels, key=float))
    except ValueError:
        return tuple(sorted(profile.labels))
