"""What is done with each column: as far as its name and type say, and then by what is in the data."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from unseen.alone import bounds_of
from unseen.columns import Decision, atoms_of, decide
from unseen.core.block import BOOLEAN, CATEGORY, OTHER, Field
from unseen.core.profile import MAX_CATEGORIES, ColumnProfile, Profile
from unseen.core.source import Source
from unseen.errors import DataError, ModelError
from unseen.spec import AUTO, COVARIANCES, FAMILIES, SIDE, Choice, Spec, check_columns, is_family

#: a column of fewer observed cells, and fewer than half of the rows, takes part only if it is asked for
FEWEST = 10


def infer(
    schema: Sequence[Field],
    *,
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    weights: str | None = None,
    labels: str | None = None,
    covariance: str = "full",
    unit: str | None = None,
    refuse: bool = True,
) -> Spec:
    """What to do with each column as far as its name and type say: `decided` finds the families in the data.

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
    check_columns(schema, [*columns, *ignore, *wanted, *(c for c in (weights, labels) if c)], unit)
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
            choices.append(Choice(f.name, f.kind, wanted.get(f.name, AUTO), asked=asked, read=f.note))
    spec = Spec(tuple(choices), covariance)
    if refuse and not spec.columns:
        raise DataError("no column is left to fit: numbers, booleans and text are what models read")
    return spec


#: hurdles around families of numbers above zero
POSITIVE = ("hurdle_log_normal", "hurdle_gamma")


def decided(spec: Spec, profile: Profile, before: Sequence[Mapping[str, Any]] = (), refuse: bool = True) -> Spec:
    """The spec with the family of every undecided column found in the data, or as an earlier plan had it ``before``.

    ``refuse`` a table of which no column is left.

    Raises
    ------
    DataError
        A column that the user asked for and no fit can use, or no column that is left.
    """
    known, choices = _earlier(before), []
    for c in spec.choices:
        if c.role:  # the model judges it
            choices.append(c)
            continue
        if c.column in profile.names:
            c = replace(c, missing=profile[c.column].missing)
        if c.family:
            why = _useless(c, profile[c.column])
            if why and c.asked:
                raise DataError(
                    f"column {c.column!r} {why}: leave it out (ignore=[{c.column!r}]; --ignore "
                    f"{shlex.quote(c.column)})" + (", or group the rare ones" if "different values" in why else "")
                )
            if why or not c.asked and c.column not in known and (why := _few(profile[c.column])):
                c = replace(c, family="", note=f"left out: {why}")
        if c.family == AUTO:
            found = known.get(c.column) or decide(profile[c.column], profile)
            c = replace(
                c,
                family=found.family,
                note=found.reason,
                atoms=found.atoms,
                otherwise=found.otherwise,
                beside=found.beside,
            )
            if not c.family and c.asked:  # left out by default, but wanted
                c = replace(c, family="categorical" if c.kind == "category" else "gaussian", note="")
        elif c.family.startswith("hurdle_") and not c.atoms:
            column = profile[c.column]
            atoms = atoms_of(column) or bounds_of(column, c.family)
            if c.family in POSITIVE and column.low == 0 and 0.0 not in atoms:
                atoms = (0.0, *atoms)  # however few they are, nothing inside takes them
            c = replace(c, atoms=atoms)
            if not c.atoms and column.kind != "category":
                plain = shlex.quote(f"{c.column}={c.family.removeprefix('hurdle_')}")
                raise DataError(
                    f"column {c.column!r} has no value that stands out, as a hurdle needs: write --family {plain}"
                )
        choices.append(c)
    if refuse and not any(c.family for c in choices):
        whys = "; ".join(f"{c.column!r} {c.note}" for c in choices if c.note.startswith("left out"))
        raise DataError(f"no column is left to fit: {whys or 'all are ignored'}")
    return replace(spec, choices=tuple(choices))


def _earlier(before: Sequence[Mapping[str, Any]]) -> dict[str, Decision]:
    """Families that were decided before, of the columns that had one."""
    known = [c for c in before if c["family"]]
    return {c["column"]: Decision(c["family"], c.get("note", ""), tuple(c.get("set_apart", ()))) for c in known}


def _useless(choice: Choice, known: ColumnProfile) -> str:
    """Why no fit can use a column, or nothing."""
    if known.missing == known.rows:
        return "is empty: no cell has a value"
    discrete = choice.family == "categorical" or known.kind == CATEGORY
    listed = known.listed if discrete else {}
    if listed is None or len(listed) > MAX_CATEGORIES:
        return f"has more than {MAX_CATEGORIES:,} different values, too many to compare"
    one = len(known.values or ()) == 1 if known.kind == CATEGORY else not known.variance > 0
    return "is constant, so it tells components nothing" if one else ""


def _few(known: ColumnProfile) -> str:
    """Why a column takes no part unless it is asked for, or nothing."""
    observed = known.rows - known.missing
    return (
        f"has {observed} observed values, too few to say how it varies with others"
        if observed < min(FEWEST, known.rows / 2)
        else ""
    )


def column_facts(choice: Choice, profile: Profile) -> dict[str, Any]:
    """What was found in a column and decided about it, as plain facts; ``family`` is None where it is left out."""
    out: dict[str, Any] = {"column": choice.column, "kind": choice.kind, "family": choice.family or None}
    out["missing"] = choice.missing
    if choice.column in profile.names and choice.family:
        c = profile[choice.column]
        out["missing"] = c.missing
        out["distinct"] = c.distinct if c.kind != CATEGORY else len(c.values or ())
        if c.kind not in (CATEGORY, BOOLEAN):
            out |= {"low": c.low, "high": c.high, "resolution": c.resolution, "skewness": c.skewness}
            out |= {"atoms": [list(a) for a in c.atoms()], "sentinel": c.sentinel()}
    if choice.atoms:
        out["set_apart"] = list(choice.atoms)
    return {**out, "note": choice.told}


def left_empty(columns: Sequence[Mapping[str, Any]], source: Source) -> str:
    """What is said of missing cells that stay so, since a plan left their columns out of the model, or nothing."""
    kinds = {f.name: f.kind for f in source.schema()}
    names = [c["column"] for c in columns if not c["family"] and c["note"].startswith("left out")]
    names = [n for n in names if kinds.get(n, OTHER) != OTHER]
    missing = dict.fromkeys(names, 0)
    for part in source.manifest() if names else ():
        for name, cells in source.read(part, names).columns.items():
            missing[name] += 0 if cells.observed is None else int((~cells.observed).sum())
    notes = {c["column"]: c["note"].removeprefix("left out: ") for c in columns}
    told = [f"{n!r} ({notes[n]}; {holes:,} cells)" for n, holes in missing.items() if holes]
    if not told:
        return ""
    return f"missing cells of columns that are not in the model stay missing: {', '.join(told)}; fill those yourself"
