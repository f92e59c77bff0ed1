"""Columns of pandas as Arrow arrays, and completed ones in the dtype that they had."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.arrow.columns import is_text
from unseen.arrow.fill import filled
from unseen.arrow.libraries import pa, pd
from unseen.arrow.objects import objects_to_arrow
from unseen.core.completed import completed_array
from unseen.core.objects import holds_complex, like
from unseen.core.stats import Array
from unseen.errors import DataError

INTERVALS = "read as text: intervals"


def to_arrow(name: str, series: Any) -> tuple[Any, str]:
    """An Arrow array of a pandas column, and a note where it is not what it seems.

    Raises
    ------
    DataError
        The column mixes types, or holds complex numbers.
    """
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        return to_arrow(name, series.sparse.to_dense())
    if isinstance(dtype, pd.IntervalDtype):
        return pa.array(series.astype(object).map(str, na_action="ignore"), pa.string(), from_pandas=True), INTERVALS
    if isinstance(dtype, pd.CategoricalDtype):
        labels, note = _labels(name, series.cat.categories)
        codes = pa.array(series.cat.codes.to_numpy(), mask=series.isna().to_numpy())
        return pa.DictionaryArray.from_arrays(codes, labels, ordered=bool(dtype.ordered)), note
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        raise DataError(holds_complex(name))
    if isinstance(dtype, np.dtype) and dtype.kind in "iuf":
        series = _native(series)
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return objects_to_arrow(name, series.to_numpy())
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):  # a dtype of another package
        return objects_to_arrow(name, series.to_numpy(object))
    return (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array), ""


def _labels(name: str, categories: Any) -> tuple[Any, str]:
    """The categories as an Arrow array; intervals, and what Arrow has no type for, by their names."""
    if not isinstance(categories.dtype, pd.IntervalDtype):
        try:
            return pa.array(_native(categories)), ""
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass
    labels = [str(c) for c in categories]
    if len(set(labels)) < len(labels):
        raise DataError(f"column {name!r} has two categories that read the same, such as 1 and '1': rename one of them")
    return pa.array(labels), INTERVALS if isinstance(categories.dtype, pd.IntervalDtype) else ""


def _native(values: Any) -> Any:
    """Numbers in the byte order of this machine, and in no more bits than Arrow has."""
    dtype = values.dtype
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iuf":
        return values
    fits = dtype.isnative and dtype.itemsize <= 8
    return values if fits else values.to_numpy().astype(np.float64 if dtype.itemsize > 8 else dtype.newbyteorder("="))


def completed(name: str, series: Any, rows: Array, new: Array) -> Any:
    """The values of a pandas column with new cells, in its own dtype where that can hold them."""
    dtype = series.dtype
    if isinstance(dtype, np.dtype):
        return completed_array(name, series.to_numpy(), (rows, new))
    if isinstance(dtype, pd.SparseDtype):
        dense = completed_array(name, series.sparse.to_dense().to_numpy(), (rows, new))
        return pd.arrays.SparseArray(dense, dtype=pd.SparseDtype(dense.dtype, dtype.fill_value))
    if isinstance(dtype, pd.CategoricalDtype):
        return _categorical(name, series, rows, new)
    if isinstance(dtype, pd.IntervalDtype):
        return _intervals(series, rows, new)
    if not hasattr(dtype, "__from_arrow__"):  # a dtype of another package
        cells = series.array.copy()
        cells[rows] = like(series.to_numpy(object), new)
        return cells
    array, _ = to_arrow(name, series)
    after = pa.chunked_array([filled(array, rows, new, name)])
    if after.type != array.type:
        other = pd.StringDtype() if is_text(after.type) else pd.Float64Dtype()
        dtype = pd.ArrowDtype(after.type) if isinstance(dtype, pd.ArrowDtype) else other
    return dtype.__from_arrow__(after)


def _categorical(name: str, series: Any, rows: Array, new: Array) -> Any:
    """Codes set where cells were missing; a category that is not listed comes behind those that are."""
    values, known = series.array.copy(), _labels(name, series.cat.categories)[0]
    place = {label: i for i, label in enumerate(known.cast(pa.string()).to_pylist())}
    texts = [str(v) for v in new]
    if unlisted := sorted({t for t in texts if t not in place}):
        values = values.add_categories(_as_those(unlisted, known))
        place |= {text: len(place) + i for i, text in enumerate(unlisted)}
    codes = values.codes.astype(np.int64)
    codes[rows] = [place[t] for t in texts]
    return pd.Categorical.from_codes(codes, dtype=values.dtype)


def _as_those(labels: list[str], known: Any) -> Any:
    """New categories in the type that the known ones have."""
    try:
        return pa.array(labels).cast(known.type).to_pandas()
    except pa.ArrowInvalid:  # the type of no category at all
        return labels


def _intervals(series: Any, rows: Array, new: Array) -> Any:
    """The intervals by their names; all of them are there, since the model knows no others."""
    known = {str(v): v for v in series.dropna().unique()}
    out = series.astype(object).to_numpy(copy=True)
    out[rows] = [known.get(str(v), str(v)) for v in new]
    kept = all(str(v) in known for v in new)
    return type(series.array)(out, dtype=series.dtype) if kept else out
