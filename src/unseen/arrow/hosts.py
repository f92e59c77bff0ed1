"""Completed cells put back into the kind of container the data came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.arrow.fill import filled
from unseen.arrow.regroup import taken
from unseen.core.block import OTHER
from unseen.core.masked import as_array, mask_of, unmasked
from unseen.core.source import input_places
from unseen.core.stats import Array

Fills = Mapping[str, tuple[Array, Array]]


def insert(data: Any, source: Any, fills: Fills) -> Any:
    """A copy of the data with new values in some cells; columns without new values are as they were."""
    if isinstance(data, Mapping):
        return {name: _array(as_array(v), fills.get(str(name))) for name, v in data.items()}
    if _is_matrix(data):
        return _matrix(as_array(data), source, fills)
    library = type(data).__module__.partition(".")[0]
    if library == "pandas":
        return _pandas(data, fills)
    if library == "polars":
        return _polars(data, fills)
    return _arrow(data, source, fills)


def _is_matrix(data: Any) -> bool:
    if isinstance(data, (list, tuple)):
        return not all(isinstance(p, str) or hasattr(p, "__fspath__") for p in data)
    return isinstance(data, np.ndarray)


def _array(values: Array, fill: tuple[Array, Array] | None) -> Array:
    """One NumPy column; integers and booleans become float for fractional values, text becomes as wide as it needs."""
    if fill is None:
        return values
    rows, new = fill
    out = values.astype(_type_for(values.dtype, new))
    out[rows] = new
    return _plain_if_full(out)


def _type_for(have: np.dtype[Any], new: Array) -> Any:
    if have.kind in "OU":
        return np.result_type(have, new.astype(str)) if have.kind == "U" else have
    if new.dtype == object:
        return object
    whole = bool((new == np.round(new)).all())
    fits = have.kind == "f" or (whole and have.kind in "iu") or (have.kind == "b" and np.isin(new, (0, 1)).all())
    return have if fits else np.float64


def _matrix(matrix: Array, source: Any, fills: Fills) -> Array:
    """Columns are named by position, so the schema tells which is which."""
    names = [f.name for f in source.schema()]
    out = matrix[:, None] if matrix.ndim == 1 else matrix
    for _, new in fills.values():
        out = out.astype(_type_for(out.dtype, new))
    out = out.copy()
    for name, (rows, new) in fills.items():
        out[rows, names.index(name)] = new
    return _plain_if_full(out).reshape(matrix.shape)


def _plain_if_full(values: Array) -> Array:
    mask = mask_of(values)
    return unmasked(values) if mask is not None and not mask.any() else values


def _arrow(data: Any, source: Any, fills: Fills) -> Any:
    """Arrow tables and whatever else has a table of Arrow blocks: files come back as one table."""
    import pyarrow as pa

    if isinstance(data, pa.RecordBatch):
        table = _filled_table(pa.Table.from_batches([data]), fills)
        return table.combine_chunks().to_batches()[0] if table.num_rows else data
    if isinstance(data, pa.Table):
        return _filled_table(data, fills)
    if hasattr(source, "table"):
        table = pa.concat_tables([source.table(p) for p in source.manifest()])
        places = [p for part in source.manifest() if (p := input_places(source, part)) is not None]
        return _filled_table(taken(table, np.argsort(np.concatenate(places))) if places else table, fills)
    return {name: _array(values, fills.get(name)) for name, values in _columns(source).items()}


def _columns(source: Any) -> dict[str, Array]:
    """The readable columns of any source as arrays, with NaN or None where they are missing."""
    names = [f.name for f in source.schema() if f.kind != OTHER]
    parts: dict[str, list[Array]] = {name: [] for name in names}
    for part in source.manifest():
        for name, cells in source.read(part, names).columns.items():
            values = cells.values
            if cells.categories or values.dtype == np.int32:
                values = np.array([*cells.categories, None], object)[values]
            if cells.observed is not None:
                values = np.where(cells.observed, values, None if values.dtype == object else np.nan)
            parts[name].append(values)
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _filled_table(table: Any, fills: Fills) -> Any:
    for name, (rows, new) in fills.items():
        table = table.set_column(table.column_names.index(name), name, filled(table.column(name), rows, new))
    return table


def _pandas(data: Any, fills: Fills) -> Any:
    out = data.copy()
    for j, label in enumerate(data.columns):
        if str(label) in fills:
            out[label] = _pandas_column(data.iloc[:, j], *fills[str(label)])
    return out


def _pandas_column(series: Any, rows: Array, new: Array) -> Any:
    import pandas as pd
    import pyarrow as pa

    if isinstance(series.dtype, np.dtype) and series.dtype.kind == "f":
        values = series.to_numpy(copy=True)
        values[rows] = new
        return values
    before = pa.chunked_array([pa.Array.from_pandas(series)])
    after = filled(before, rows, new)
    values = after.to_pandas()
    if after.type == before.type or pa.types.is_dictionary(after.type):
        kept = values if isinstance(series.dtype, pd.CategoricalDtype) else values.astype(series.dtype)
    elif isinstance(series.dtype, pd.ArrowDtype):
        kept = values.astype(pd.ArrowDtype(after.type))
    elif isinstance(series.dtype, np.dtype):
        kept = values
    else:  # a nullable integer or boolean that became fractional
        kept = values.astype("Float64")
    return kept.array


def _polars(data: Any, fills: Fills) -> Any:
    import polars as pl
    import pyarrow as pa

    columns = []
    for name, (rows, new) in fills.items():
        before = data[name].to_arrow()
        after = filled(pa.chunked_array([before]), rows, new)
        series = pl.Series(name, pl.from_arrow(after))
        keeps = after.type == before.type and data[name].dtype != pl.Null
        columns.append(_cast(series, data[name].dtype) if keeps else series)
    return data.with_columns(columns)


def _cast(series: Any, dtype: Any) -> Any:
    import polars as pl

    try:
        return series.cast(dtype)
    except pl.exceptions.PolarsError:  # an Enum that does not list the new category
        return series.cast(pl.String)
