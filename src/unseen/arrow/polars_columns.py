"""Columns of polars as Arrow arrays, and completed ones in the dtype that they had."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.arrow.fill import filled
from unseen.arrow.libraries import pa, pl
from unseen.arrow.objects import objects_to_arrow
from unseen.core.exact import EXACT, tell_rounded, within
from unseen.core.objects import like
from unseen.core.stats import Array

#: whole numbers for which Arrow has no type, and the powers of two that bound them
WIDE = {"Int128": (-(2**127), 2**127 - 1), "UInt128": (0, 2**128 - 1)}


def to_arrow(name: str, series: Any) -> tuple[Any, str]:
    """An Arrow array of a polars column, and a note where it is not what it seems.

    Raises
    ------
    DataError
        The column holds Python objects that mix types.
    """
    if str(series.dtype) in WIDE or series.dtype == pl.Object:
        return objects_to_arrow(name, _objects(series))
    return series.to_arrow(), ""


def _objects(series: Any) -> Array:
    out = np.empty(len(series), object)
    out[:] = series.to_list()
    return out


def completed(name: str, series: Any, rows: Array, new: Array) -> Any:
    """A polars column with new cells, in its own dtype where that can hold them."""
    if series.dtype == pl.Object:
        cells = _objects(series)
        cells[rows] = like(cells, new)
        return pl.Series(name, cells.tolist(), dtype=pl.Object)
    if str(series.dtype) in WIDE:
        return _wide(name, series, rows, new)
    before = series.to_arrow()
    after = filled(pa.chunked_array([before]), rows, new, name)
    done = pl.Series(name, pl.from_arrow(after))
    keeps = after.type == before.type and series.dtype != pl.Null
    return _cast(done, series.dtype) if keeps else done


def _wide(name: str, series: Any, rows: Array, new: Array) -> Any:
    low, high = WIDE[str(series.dtype)]
    values = [int(v) for v in new] if new.dtype == object else new
    whole, cells = within(values, low, high), _objects(series)
    fits = whole == list(values)
    if not fits and all(v is None or abs(v) <= EXACT for v in cells):
        cells[rows] = new
        return pl.Series(name, [None if v is None else float(v) for v in cells], dtype=pl.Float64)
    if not fits:
        tell_rounded(name)
    cells[rows] = whole
    return pl.Series(name, cells.tolist(), dtype=series.dtype)


def _cast(series: Any, dtype: Any) -> Any:
    try:
        return series.cast(dtype)
    except pl.exceptions.PolarsError:  # an Enum that does not list the new category
        return series.cast(pl.String)
