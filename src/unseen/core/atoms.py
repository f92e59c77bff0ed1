"""Single values that many rows have: a column without them, and what it is with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unseen.core.known import FEW_SLIPS, SLIP
from unseen.core.profile import ColumnProfile, Profile
from unseen.core.stats import Array
from unseen.errors import DataError, ModelError


def without(column: ColumnProfile, values: Sequence[float]) -> ColumnProfile:
    """Return the profile of the cells that are none of ``values``; those count as missing.

    Moments are those of the distinct values, or of the profile's sample where there are too many to list.

    Raises
    ------
    DataError
        A column of text.
    """
    points, mass = column.table()
    rest = ~np.isin(points, values)
    known = dict(column.atoms(0.0))
    gone = sum(known.get(v, 0.0) for v in values) * column.weight
    weight = max(column.weight - gone, 0.0)
    seen = column.rows - column.missing
    dropped = seen if not weight else round(gone / column.weight * seen)
    points, mass = points[rest], mass[rest]
    names = {str(int(v)) for v in values if float(v).is_integer()}
    out = replace(
        column,
        missing=column.missing + dropped,
        weight=weight,
        values=None if column.values is None else {k: w for k, w in column.values.items() if k not in names},
        _shape=None if column._shape is None else column._shape.without(values),
    )
    if not len(points):
        return replace(out, mean=0.0, m2=0.0, m3=0.0, low=np.inf, high=-np.inf)
    mean = float(np.average(points, weights=mass))
    scale, centred = weight / mass.sum(), points - mean
    return replace(
        out,
        mean=mean,
        m2=float(mass @ centred**2 * scale),
        m3=float(mass @ centred**3 * scale),
        low=float(points.min()) if column.low in values else column.low,
        high=float(points.max()) if column.high in values else column.high,
    )


def is_slip(value: float, share: float, rest: ColumnProfile) -> bool:
    """Whether a rare value lies out of all proportion to the rest of its column."""
    away = max(value - rest.high, rest.low - value)
    return bool(share <= FEW_SLIPS and away > SLIP * (rest.high - rest.low) > 0)


def with_atoms(mean: Array, sd: Array, atoms: Array, shares: Array) -> dict[str, list[float]]:
    """``overall_mean`` and ``overall_sd`` per component, (K,), of a rest beside atoms (m,) with their shares (K, m)."""
    rest = 1 - shares.sum(axis=1)
    overall = rest * mean + shares @ atoms
    squares = rest * (sd**2 + (mean - overall) ** 2) + (shares * (atoms - overall[:, None]) ** 2).sum(axis=1)
    return {"overall_mean": overall.tolist(), "overall_sd": np.sqrt(np.maximum(squares, 0)).tolist()}


def listed(atoms: Mapping[str, Any]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The atoms of each column as tuples, refused where they are no numbers."""
    try:
        found = {name: tuple(np.atleast_1d(np.asarray(v, float)).tolist()) for name, v in atoms.items()}
    except (TypeError, ValueError):
        raise ModelError("atoms are numbers, given per column, such as atoms={'debt': 0}") from None
    if any(not np.isfinite(v) for values in found.values() for v in values):
        raise ModelError("an atom is a finite number: a missing cell needs no atom")
    return tuple((name, values) for name, values in found.items() if values)


def chosen(
    atoms: Sequence[tuple[str, tuple[float, ...]]] | None, profile: Profile, share: float
) -> dict[str, tuple[float, ...]]:
    """The atoms of each column: those that are given, else every value that holds at least a ``share`` of its column.

    Raises
    ------
    DataError
        Atoms of a column that is not there, or none at all.
    """
    columns = [c for c in profile.columns if c.kind != "category"]
    given = dict(atoms) if atoms is not None else {c.name: tuple(v for v, _ in c.atoms(share)) for c in columns}
    absent = [name for name in given if name not in profile.names]
    if absent:
        raise DataError(f"atoms are given for column {absent[0]!r}, which this family does not describe")
    found = {name: given[name] for name in profile.names if given.get(name)}
    if not found:
        raise DataError(
            f"no value of {', '.join(map(repr, profile.names))} holds {share:.0%} of the rows, so there is no "
            "atom: name some with atoms=, lower share, or use the inner family alone"
        )
    return found


def set_apart(column: ColumnProfile, values: Sequence[float]) -> tuple[ColumnProfile, Array, list[bool]]:
    """The profile beside the atoms, the shares (1 + m,) of rest and atoms, and which of these are slips.

    Raises
    ------
    DataError
        A column of text, or one that has no more than one value beside its atoms.
    """
    if column.kind == "category":
        raise DataError(f"column {column.name!r} holds text, which has no atoms: use Categorical for it, or ignore it")
    known = dict(column.atoms(0.0))
    weights = np.array([known.get(value, 0.0) * column.weight for value in values])
    rest, left = without(column, values), max(column.weight - weights.sum(), 0.0)
    if not rest.variance > 0:
        raise DataError(
            f"column {column.name!r} holds one value or none beside its atoms: use Categorical for it, or ignore it"
        )
    shares = np.append(left, weights) / (left + weights.sum())
    return rest, shares, [False, *(is_slip(v, s, rest) for v, s in zip(values, shares[1:], strict=True))]
