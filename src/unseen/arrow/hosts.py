"""Completed cells put back into the kind of container the data came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.arrow.convert import is_column, is_table, library_of
from unseen.arrow.fill import filled
from unseen.arrow.libraries import pa, pd
from unseen.arrow.metadata import fitting
from unseen.arrow.regroup import taken
from unseen.core.block import OTHER
from unseen.core.completed import completed_array, completed_fields, completed_matrix
from unseen.core.given import arrays_of, column_array
from unseen.core.masked import as_array
from unseen.core.records import are_records, completed_records
from unseen.core.source import input_places
from unseen.core.stats import Array

Fills = Mapping[str, tuple[Array, Array]]


def insert(data: Any, source: Any, fills: Fills) -> Any:
    """A copy of the data with new values in some cells; columns without new values are as they were.

    What hands itself over by a protocol, and files, come back as a pyarrow Table.
    """
    library = library_of(data)
    if library == "pandas":
        return _pandas(data, fills)
    if library == "polars":
        frame = _polars(source.host, fills)
        return frame.lazy() if hasattr(data, "collect") else frame
    if library or is_table(data) or _are_paths(data):
        return _arrow(data, source, fills)
    if are_records(data):
        return completed_records(data, fills)
    arrays = arrays_of(data)
    if isinstance(arrays, Mapping):
        return {name: _column(str(name), values, fills.get(str(name))) for name, values in arrays.items()}
    return _arrow(data, source, fills) if arrays is None else _array(arrays, source, fills)


def _are_paths(data: Any) -> bool:
    many = data if isinstance(data, (list, tuple)) else [data]
    return bool(many) and all(isinstance(p, str) or hasattr(p, "__fspath__") for p in many)


def _array(values: Array, source: Any, fills: Fills) -> Array:
    """Columns of a matrix are named by position, so the schema tells which is which."""
    if values.dtype.names:
        return completed_fields(values, fills)
    return completed_matrix(as_array(values), {f.name: j for j, f in enumerate(source.schema())}, fills)


def _column(name: str, values: Any, fill: tuple[Array, Array] | None) -> Any:
    """One column of a mapping, of whatever library it came from; a list becomes an array."""
    if not is_column(values):
        return completed_array(name, column_array(name, values), fill)
    if fill is None:
        return values
    library = library_of(values)
    if library == "pyarrow":
        return filled(values, *fill, name)
    from unseen.arrow import pandas_columns, polars_columns

    if library == "polars":
        return polars_columns.completed(values.name, values, *fill)

    if isinstance(values, pd.Series):
        cells = pandas_columns.completed(name, values, *fill)
        return pd.Series(cells, values.index, cells.dtype, name=values.name)
    return pandas_columns.completed(name, pd.Series(values), *fill)


def _arrow(data: Any, source: Any, fills: Fills) -> Any:
    """Arrow tables and whatever else has a table of Arrow blocks: files come back as one table."""
    if isinstance(data, pa.RecordBatch):
        table = _filled_table(pa.Table.from_batches([data]), fills)
        return table.combine_chunks().to_batches()[0] if table.num_rows else data
    if isinstance(data, pa.Table):
        return _filled_table(data, fills)
    if hasattr(source, "table"):
        table = pa.concat_tables([source.table(p) for p in source.manifest()])
        places = [p for part in source.manifest() if (p := input_places(source, part)) is not None]
        return _filled_table(taken(table, np.argsort(np.concatenate(places))) if places else table, fills)
    return {name: _column(name, values, fills.get(name)) for name, values in _columns(source).items()}


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
    before = table.schema
    for name, (rows, new) in fills.items():
        j = table.column_names.index(name)
        array = filled(table.column(j), rows, new, name)
        table = table.set_column(j, before.field(j).with_type(array.type), array)
    return table.replace_schema_metadata(fitting(table.schema, before).metadata)


def _pandas(data: Any, fills: Fills) -> Any:
    """Cells go by position, so that names of any kind, and several levels of them, stay what they are."""
    from unseen.arrow.pandas_columns import completed

    out = data.copy()
    for j, label in enumerate(data.columns):
        if str(label) in fills:
            values = completed(str(label), data.iloc[:, j], *fills[str(label)])
            out.isetitem(j, pd.Series(values, out.index, values.dtype))  # told its type, or pandas would guess one
    if type(out) is not type(data):  # a class that does not say how it is made of its own kind
        out.__class__ = type(data)
    return out


def _polars(data: Any, fills: Fills) -> Any:
    from unseen.arrow.polars_columns import completed

    return data.with_columns([completed(name, data[name], *fill) for name, fill in fills.items()])
