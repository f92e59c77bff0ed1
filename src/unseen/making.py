"""How a model is made: of a kind with its options, and of the families of columns where it takes some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from difflib import get_close_matches
from typing import Any

import unseen
from unseen.core.block import Field
from unseen.core.capabilities import Structured
from unseen.core.family import Family
from unseen.core.model import Model
from unseen.core.option import COLUMN
from unseen.errors import ModelError
from unseen.families.gaussian import Gaussian
from unseen.families.hurdle import Hurdle
from unseen.families.log_normal import LogNormal
from unseen.families.product import Product
from unseen.families.student_t import StudentT
from unseen.families.zero_inflated import ZeroInflated
from unseen.spec import AUTO, BLOCK, FAMILIES, Choice, Spec, check_columns
from unseen.store import kinds


def of_kind(
    spec: Spec, schema: Sequence[Field], kind: str, options: Mapping[str, Any], unit: str | None = None
) -> Spec:
    """The spec of a kind of model; columns that its options name are there, and stay."""
    given = checked(kind, options)
    spec = replace(spec, kind=kind, options=given, over_families=issubclass(kinds.model(kind), Structured))
    if not spec.over_families:
        chosen = {
            "family": any(c.family != AUTO for c in spec.choices if c.family),
            "covariance": spec.covariance != AUTO,
        }
        for name in (n for n, there in chosen.items() if there):
            raise ModelError(f"model {kind!r} has no families of columns: leave {name} out (--{name})")
    own = [o for o in kinds.model(kind).options if o.kind == COLUMN and o.name in given and not o.unit]
    roles = {given[o.name]: o.name for o in own}
    named = list(roles)
    check_columns(schema, named, unit)
    for column in named:
        if column not in spec.columns:
            why = next(c.note for c in spec.choices if c.column == column)
            raise ModelError(f"column {column!r} is the {roles[column]} of model {kind!r}, and is left out ({why})")
    wanted = None if spec.over_families else model_of(spec, 1).wanted

    def part(c: Choice) -> Choice:
        if c.column in roles:
            return replace(c, family=kind, note=roles[c.column], role=roles[c.column])
        if wanted is None or c.column in wanted or not c.family:
            return c
        if c.asked:
            raise ModelError(f"model {kind!r} reads {', '.join(wanted)} alone: leave column {c.column!r} out")
        return replace(c, family="", note=f"not read by {kind}")

    return replace(spec, choices=tuple(map(part, spec.choices)))


def checked(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a kind of model, with its defaults.

    Raises
    ------
    ModelError
        One that the kind does not have (the nearest is named), lacks, or that cannot be so.
    """
    own = {option.name: option for option in kinds.model(kind).options if not option.order}
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


def model_of(spec: Spec, number: int, form: str = "") -> Model:
    """The model with so many components, states or factors, over the families of the columns if it takes one.

    Raises
    ------
    ModelError
        There is no such kind, or it cannot be what the options say.
    """
    cls = kinds.model(spec.kind)
    unit = {option.name for option in cls.options if option.unit}
    given = {name: value for name, value in spec.options.items() if name not in unit}
    if cls.order:
        given[cls.order] = number
    if is_dataclass(cls) and "family" in {f.name for f in fields(cls)}:
        given["family"] = family_of(spec, form)
    made: Model = cls(**given)
    return made


def family_of(spec: Spec, form: str = "") -> Family:
    """The family of all columns: one block of those with covariances, one term for each other family.

    Normal and log-normal columns, with atoms or without, form one block whose covariance has the given form (by
    default the spec's own, or full), and so do Student-t columns unless it is diagonal or spherical; the
    columns of other families are independent inside a component.
    """
    form, _, thoughts = (form or (spec.covariance if spec.covariance != AUTO else "full")).partition(", ")
    if thoughts:
        return family_of(spec.varied(thoughts), form)
    terms: dict[Any, Any] = {}
    if spec.of(*BLOCK, AUTO):
        terms[spec.of(*BLOCK, AUTO)] = _block(spec, form)
    students = spec.of("student_t")
    for group in [(c,) for c in students] if form.endswith(("diagonal", "spherical")) else [students]:
        if group:
            terms[group] = StudentT()
    beside = [c for c in spec.choices if c.family not in (*BLOCK, AUTO, "student_t", "")]
    for name in dict.fromkeys(c.family for c in beside):
        alike = [c for c in beside if c.family == name]
        # atoms differ from column to column; all else is one term, which costs one term's time
        for some in [[c] for c in alike] if name.startswith("hurdle_") else [alike]:
            terms[tuple(c.column for c in some)] = single(some[0])
    found: Family = next(iter(terms.values())) if len(terms) == 1 else Product(terms)
    return found


def _block(spec: Spec, form: str) -> Any:
    name, _, factors = form.removeprefix("tied-").partition("-")
    family: Any = Gaussian(name, tied=form.startswith("tied-"), factors=int(factors or 0), floor=spec.floor)
    logs = spec.of("log_normal", "hurdle_log_normal")
    if logs:
        family = LogNormal(family, logs=logs)
    hurdles = [c for c in spec.choices if c.family in ("hurdle_gaussian", "hurdle_log_normal")]
    if hurdles:
        atoms = {c.column: c.atoms for c in hurdles} if all(c.atoms for c in hurdles) else None
        family = Hurdle(family, atoms=atoms)
    return family


def single(choice: Choice) -> Any:
    """The family of a column that is independent of others inside a component."""
    if choice.family not in FAMILIES:
        return kinds.family(choice.family)()
    outer, rest = "", choice.family
    for head in ("hurdle_", "zero_inflated_"):
        if rest.startswith(head):
            outer, rest = head, rest.removeprefix(head)
    family = getattr(unseen, "".join(word.title() for word in rest.split("_")))()
    if outer == "zero_inflated_":
        return ZeroInflated(family)
    if outer == "hurdle_":
        return Hurdle(family, atoms={choice.column: choice.atoms} if choice.atoms else None)
    return family
