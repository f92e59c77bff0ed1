"""Tables in memory, of any library, as Arrow tables, column by column: one that cannot be read spares the rest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unseen.arrow.columns import kind_of, names_once
from unseen.arrow.libraries import library, pa, pc, pd, pl
from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, NUMBER, OTHER, Field
from unseen.core.given import column_array
from unseen.core.objects import cannot_be_read, gaps, holds_complex, kind_of_objects, numbers_of
from unseen.core.stats import Array
from unseen.errors import DataError

#: methods that make a table or an array of something that is none
WAYS = ("to_pandas", "toPandas", "to_dataframe", "to_arrow", "collect", "compute", "to_frame", "toarray", "to_numpy")
#: whole numbers of polars for which Arrow has no type, and the powers of two that bound them
WIDE = {"Int128": (-(2**127), 2**127 - 1), "UInt128": (0, 2**128 - 1)}
INTERVALS = "read as text: intervals"


@dataclass(frozen=True)
class Converted:
    """An Arrow table of some data, and what its types do not say of its columns.

    broken : columns that must not be used, with the reason
    fields : kinds and notes of columns that are not what their Arrow types say
    host : the data itself, read to its end
    """

    table: Any
    host: Any
    broken: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Field] = field(default_factory=dict)


def library_of(data: Any) -> str:
    """The package that a table comes from: the one of its type, or of what its type derives from.

    >>> library_of([])
    ''
    """
    packages = (kind.__module__.partition(".")[0] for kind in type(data).__mro__)
    return next((p for p in packages if p in ("pandas", "polars", "pyarrow")), "")


def is_table(data: Any) -> bool:
    """Whether some data says that it is a table, or gives itself as one.

    An array may give its cells as one long column, whatever its shape: that is no table.
    """
    if library_of(data):
        return True
    protocols = ("__arrow_c_stream__", "__arrow_c_array__", "__dataframe__", "column_names")
    array = hasattr(data, "__array__") and hasattr(data, "ndim") and not hasattr(data, "columns")
    return not array and any(hasattr(data, name) for name in protocols)


def in_types_of_their_own(data: Any) -> bool:
    """Whether some data is a mapping of which a column comes from a table library."""
    return isinstance(data, Mapping) and any(is_column(values) for values in data.values())


def is_column(values: Any) -> bool:
    """Whether a column comes from a table library."""
    if not library_of(values) or not hasattr(values, "__len__"):
        return False
    return not any(hasattr(values, name) for name in ("columns", "column_names"))


def converted(data: Any) -> Converted:
    """The Arrow table of some data.

    Raises
    ------
    DataError
        It is no table, or two of its columns have one name.
    """
    library = library_of(data)
    if isinstance(data, Mapping):
        values = [v if is_column(v) else column_array(str(name), v) for name, v in data.items()]
        if len({len(v) for v in values}) > 1:
            raise DataError("the columns have different lengths: every column needs one value per row")
        return _by_column(data, data, values)
    if library == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns"):
        return _by_column(data, data.columns, (data.iloc[:, j] for j in range(len(data.columns))))
    if library == "polars":
        frame = data.collect() if isinstance(data, pl.LazyFrame) else data
        if isinstance(frame, pl.DataFrame):
            return _by_column(frame, frame.columns, frame.get_columns())
        raise DataError(cannot_read(data))
    table = _handed_over(data)
    names_once(table.column_names)
    return Converted(_decoded(table), data)


def _by_column(data: Any, names: Iterable[Any], columns: Iterable[Any]) -> Converted:
    names = [str(name) for name in names]
    names_once(names)
    arrays, broken, fields = [], {}, {}
    for name, values in zip(names, columns, strict=True):
        try:
            array, note = to_arrow(name, values)
        except DataError as error:
            array, note = pa.nulls(len(values), pa.float64()), ""
            broken[name], fields[name] = str(error), Field(name, NUMBER)
        if note:
            fields[name] = Field(name, OTHER if pa.types.is_null(array.type) else kind_of(array.type)[0], note)
        arrays.append(array)
    return Converted(_decoded(pa.table(arrays, names=names)), data, broken, fields)


def _handed_over(data: Any) -> Any:
    """A table of Arrow's own, or of a library that is not known here, by a protocol by which tables are handed over."""
    try:
        if hasattr(data, "to_table"):  # datasets and their scanners
            table = data.to_table()
        elif hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            table = pa.table(data)
        else:
            table = library("pyarrow.interchange").from_dataframe(data)
    except DataError:  # Arrow is not installed
        raise
    except Exception:  # whatever another library makes of it
        raise DataError(cannot_read(data)) from None
    if hasattr(data, "read_next_batch") and not table.num_rows:
        raise DataError("the record batch reader gave no rows; it can be read only once: pass a table instead")
    return table


def _decoded(table: Any) -> Any:
    """Columns that are stored in runs of equal values, one value per row."""
    for i, f in enumerate(table.schema):
        if pa.types.is_run_end_encoded(f.type):
            chunks = [pc.run_end_decode(c) for c in table.column(i).chunks]
            table = table.set_column(i, f.name, pa.chunked_array(chunks, f.type.value_type))
    return table


def cannot_read(data: Any) -> str:
    """What is said of data that is no table, with a way out where its type has one."""
    name = type(data).__name__
    if name in ("Series", "Index") or name.endswith("Array"):
        return f"data of type {name} is one column: give a table of named columns, not a single column"
    ways: Sequence[str] = [way for way in WAYS if callable(getattr(type(data), way, None))]
    told = f"call its {ways[0]}() first, or give" if ways else "give"
    return (
        f"cannot read data of type {name}: {told} a NumPy array, a dict of columns, a pandas, polars or pyarrow table, "
        "or the path of a Parquet or CSV file"
    )


# ---- columns


def to_arrow(name: str, values: Any) -> tuple[Any, str]:
    """An Arrow array of a column of any library, and a note where it is not what it seems.

    Raises
    ------
    DataError
        The column mixes types, or holds complex numbers.
    """
    library = library_of(values)
    if library == "pandas":
        return _of_pandas(name, values if isinstance(values, pd.Series) else pd.Series(values))
    if library == "polars":
        wide = str(values.dtype) in WIDE or values.dtype == pl.Object
        return _of_objects(name, objects_of(values)) if wide else (values.to_arrow(), "")
    return (values, "") if library == "pyarrow" else _of_objects(name, values)


def objects_of(series: Any) -> Array:
    """The cells of a polars column as Python objects."""
    out = np.empty(len(series), object)
    out[:] = series.to_list()
    return out


def _of_pandas(name: str, series: Any) -> tuple[Any, str]:
    dtype = series.dtype
    if isinstance(dtype, pd.SparseDtype):
        return _of_pandas(name, series.sparse.to_dense())
    if isinstance(dtype, pd.IntervalDtype):
        return pa.array(series.astype(object).map(str, na_action="ignore"), pa.string(), from_pandas=True), INTERVALS
    if isinstance(dtype, pd.CategoricalDtype):
        labels, note = labels_of(name, series.cat.categories)
        codes = pa.array(series.cat.codes.to_numpy(), mask=series.isna().to_numpy())
        return pa.DictionaryArray.from_arrays(codes, labels, ordered=bool(dtype.ordered)), note
    if isinstance(dtype, np.dtype) and dtype.kind == "c":
        raise DataError(holds_complex(name))
    if isinstance(dtype, np.dtype) and dtype.kind == "O":
        return _of_objects(name, series.to_numpy())
    try:
        array = pa.Array.from_pandas(_native(series))
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):  # a dtype of another package
        return _of_objects(name, series.to_numpy(object))
    return (array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array), ""


def labels_of(name: str, categories: Any) -> tuple[Any, str]:
    """The categories of pandas as an Arrow array; intervals, and what Arrow has no type for, by their names."""
    intervals = isinstance(categories.dtype, pd.IntervalDtype)
    try:
        if not intervals:
            return pa.array(_native(categories)), ""
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass
    labels = [str(c) for c in categories]
    if len(set(labels)) < len(labels):
        raise DataError(f"column {name!r} has two categories that read the same, such as 1 and '1': rename one of them")
    return pa.array(labels), INTERVALS * intervals


def _native(values: Any) -> Any:
    """Numbers in the byte order of this machine, and in no more bits than Arrow has."""
    dtype = values.dtype
    if not isinstance(dtype, np.dtype) or dtype.kind not in "iuf" or (dtype.isnative and dtype.itemsize <= 8):
        return values
    return values.to_numpy().astype(np.float64 if dtype.itemsize > 8 else dtype.newbyteorder("="))


def _of_objects(name: str, values: Array) -> tuple[Any, str]:
    try:
        return pa.array(values, from_pandas=True), ""
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        pass  # Arrow has no type for them all: look at each
    kind, note = kind_of_objects(values)
    if kind == OTHER:
        return pa.nulls(len(values)), note
    missing = gaps(values)
    if kind == CATEGORY:
        return pa.array([None if gap else str(v) for v, gap in zip(values, missing, strict=True)], pa.string()), note
    try:
        numbers = numbers_of(values)
    except (ValueError, TypeError):
        raise DataError(cannot_be_read(name, values)) from None
    for type_ in (pa.int64(), pa.uint64()) if kind == INTEGER else ():  # which of them holds all
        with suppress(pa.ArrowException, OverflowError):
            return pa.array([None if gap else int(v) for v, gap in zip(values, missing, strict=True)], type_), note
    return pa.array(numbers.astype(bool) if kind == BOOLEAN else numbers, mask=missing), note
