"""Completed cells put back into the kind of container the data came in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.arrow.columns import is_text
from unseen.arrow.convert import WIDE, is_column, is_table, labels_of, library_of, objects_of, to_arrow
from unseen.arrow.fill import filled, fitting
from unseen.arrow.libraries import pa, pd, pl
from unseen.arrow.place import on_disk
from unseen.arrow.regroup import taken
from unseen.core.block import OTHER, Column
from unseen.core.completed import completed_array, completed_fields, completed_matrix
from unseen.core.exact import EXACT, tell_rounded, within
from unseen.core.given import arrays_of, column_array
from unseen.core.masked import as_array
from unseen.core.objects import like
from unseen.core.records import are_records, completed_records
from unseen.core.source import input_places
from unseen.core.stats import Array

Fills = Mapping[str, tuple[Array, Array]]


def insert(data: Any, source: Any, fills: Fills) -> Any:
    """A copy of the data with new values in some cells; columns without new values are as they were.

    What hands itself over by a protocol, files, and sources come back as a pyarrow Table.
    """
    library = library_of(data)
    if library == "pandas":
        return _pandas(data, fills)
    if library == "polars":
        host = source.host
        frame = host.with_columns([_column(name, host[name], fill) for name, fill in fills.items()])
        return frame.lazy() if hasattr(data, "collect") else frame
    if library or is_table(data) or on_disk(data):
        return _arrow(data, source, fills)
    if are_records(data):
        return completed_records(data, fills)
    arrays = arrays_of(data)
    if isinstance(arrays, Mapping):
        return {name: _column(str(name), values, fills.get(str(name))) for name, values in arrays.items()}
    if arrays is None:
        return _arrow(data, source, fills)
    if arrays.dtype.names:
        return completed_fields(arrays, fills)
    # columns of a matrix are named by position, so the schema tells which is which
    return completed_matrix(as_array(arrays), {f.name: j for j, f in enumerate(source.schema())}, fills)


def _column(name: str, values: Any, fill: tuple[Array, Array] | None) -> Any:
    """One column of a mapping, of whatever library it came from; a list becomes an array."""
    if not is_column(values):
        return completed_array(name, column_array(name, values), fill)
    if fill is None:
        return values
    library = library_of(values)
    if library == "pyarrow":
        return filled(name, values, *fill)
    if library == "polars":
        return _of_polars(name, values, *fill).alias(values.name)
    if not isinstance(values, pd.Series):
        return _of_pandas(name, pd.Series(values), *fill)
    cells = _of_pandas(name, values, *fill)
    return pd.Series(cells, values.index, cells.dtype, name=values.name)


# ---- Arrow


def _arrow(data: Any, source: Any, fills: Fills) -> Any:
    """Arrow tables and whatever else has a table of Arrow blocks: files come back as one table."""
    if isinstance(data, pa.RecordBatch):
        table = _filled_table(pa.Table.from_batches([data]), fills)
        return table.combine_chunks().to_batches()[0] if table.num_rows else data
    if isinstance(data, pa.Table):
        return _filled_table(data, fills)
    parts = source.manifest()
    table = pa.concat_tables([source.table(p) if hasattr(source, "table") else _read(source, p) for p in parts])
    places = [p for part in parts if (p := input_places(source, part)) is not None]
    return _filled_table(taken(table, np.argsort(np.concatenate(places))) if places else table, fills)


def _read(source: Any, part: Any) -> Any:
    """The readable columns of a block of a source that has no tables."""

    def array(cells: Column) -> Any:
        mask = None if cells.observed is None else ~cells.observed
        codes = pa.array(cells.values, mask=mask)
        return pa.array(cells.categories, pa.string()).take(codes) if cells.values.dtype == np.int32 else codes

    names = [f.name for f in source.schema() if f.kind != OTHER]
    return pa.table({name: array(cells) for name, cells in source.read(part, names).columns.items()})


def _filled_table(table: Any, fills: Fills) -> Any:
    before = table.schema
    for name, (rows, new) in fills.items():
        j = table.column_names.index(name)
        array = filled(name, table.column(j), rows, new)
        table = table.set_column(j, before.field(j).with_type(array.type), array)
    return table.replace_schema_metadata(fitting(table.schema, before).metadata)


# ---- pandas


def _pandas(data: Any, fills: Fills) -> Any:
    """Cells go by position, so that names of any kind, and several levels of them, stay what they are."""
    out = data.copy()
    for j, label in enumerate(data.columns):
        if str(label) in fills:
            values = _of_pandas(str(label), data.iloc[:, j], *fills[str(label)])
            out.isetitem(j, pd.Series(values, out.index, values.dtype))  # told its type, or pandas would guess one
    if type(out) is not type(data):  # a class that does not say how it is made of its own kind
        out.__class__ = type(data)
    return out


def _of_pandas(name: str, series: Any, rows: Array, new: Array) -> Any:
    """The values of a pandas column with new cells, in its own dtype where that can hold them."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return completed_array(name, series.to_numpy(), (rows, new))
    if isinstance(dtype, pd.SparseDtype):
        dense = completed_array(name, series.sparse.to_dense().to_numpy(), (rows, new))
        return pd.arrays.SparseArray(dense, dtype=pd.SparseDtype(dense.dtype, dtype.fill_value))
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(name, series, rows, new)
    if isinstance(dtype, pd.IntervalDtype):  # by their names: the model knows no others than are there
        known = {str(v): v for v in series.dropna().unique()}
        out = series.astype(object).to_numpy(copy=True)
        out[rows] = [known.get(str(v), str(v)) for v in new]
        return type(series.array)(out, dtype=dtype) if all(str(v) in known for v in new) else out
    if not hasattr(dtype, "__from_arrow__"):  # a dtype of another package
        cells = series.array.copy()
        cells[rows] = like(series.to_numpy(object), new)
        return cells
    array, _ = to_arrow(name, series)
    after = pa.chunked_array([filled(name, array, rows, new)])
    if after.type != array.type:
        other = pd.StringDtype() if is_text(after.type) else pd.Float64Dtype()
        dtype = pd.ArrowDtype(after.type) if isinstance(dtype, pd.ArrowDtype) else other
    return dtype.__from_arrow__(after)


def _categorical(name: str, series: Any, rows: Array, new: Array) -> Any:
    """Codes set where cells were missing; a category that is not listed comes behind those that are."""
    values, known = series.array.copy(), labels_of(name, series.cat.categories)[0]
    place = {label: i for i, label in enumerate(known.cast(pa.string()).to_pylist())}
    texts = [str(v) for v in new]
    if unlisted := sorted({t for t in texts if t not in place}):
        try:
            values = values.add_categories(pa.array(unlisted).cast(known.type).to_pandas())
        except pa.ArrowInvalid:  # the type of no category at all
            values = values.add_categories(unlisted)
        place |= {text: len(place) + i for i, text in enumerate(unlisted)}
    codes = values.codes.astype(np.int64)
    codes[rows] = [place[t] for t in texts]
    return pd.Categorical.from_codes(codes, dtype=values.dtype)


# ---- polars


def _of_polars(name: str, series: Any, rows: Array, new: Array) -> Any:
    """A polars column with new cells, in its own dtype where that can hold them."""
    if series.dtype == pl.Object:
        cells = objects_of(series)
        cells[rows] = like(cells, new)
        return pl.Series(name, cells.tolist(), dtype=pl.Object)
    if str(series.dtype) in WIDE:
        return _wide(name, series, rows, new)
    before = series.to_arrow()
    after = filled(name, pa.chunked_array([before]), rows, new)
    done = pl.Series(name, pl.from_arrow(after))
    if after.type != before.type or series.dtype == pl.Null:
        return done
    try:
        return done.cast(series.dtype)
    except pl.exceptions.PolarsError:  # an Enum that does not list the new category
        return done.cast(pl.String)


def _wide(name: str, series: Any, rows: Array, new: Array) -> Any:
    """Whole numbers of 128 bits, for which Arrow has no type."""
    values, cells = [int(v) for v in new] if new.dtype == object else new, objects_of(series)
    whole = within(values, *WIDE[str(series.dtype)])
    fits = whole == list(values)
    if not fits and all(v is None or abs(v) <= EXACT for v in cells):
        cells[rows] = new
        return pl.Series(name, [None if v is None else float(v) for v in cells], dtype=pl.Float64)
    if not fits:
        tell_rounded(name)
    cells[rows] = whole
    return pl.Series(name, cells.tolist(), dtype=series.dtype)
