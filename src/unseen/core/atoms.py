"""Single values that many rows have: a column without them, and what it is with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array


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


def with_atoms(mean: Array, sd: Array, atoms: Array, shares: Array) -> dict[str, list[float]]:
    """``overall_mean`` and ``overall_sd`` per component, (K,), of a rest beside atoms (m,) with their shares (K, m)."""
    rest = 1 - shares.sum(axis=1)
    overall = rest * mean + shares @ atoms
    squares = rest * (sd**2 + (mean - overall) ** 2) + (shares * (atoms - overall[:, None]) ** 2).sum(axis=1)
    return {"overall_mean": overall.tolist(), "overall_sd": np.sqrt(np.maximum(squares, 0)).tolist()}
