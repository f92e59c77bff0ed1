"""Tables in memory, of any library, as Arrow tables, column by column: one that cannot be read spares the rest."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.columns import kind_of, names_once
from unseen.arrow.libraries import pa, pc, pd, pl
from unseen.core.block import NUMBER, OTHER, Field
from unseen.core.given import column_array
from unseen.errors import DataError

#: methods that make a table or an array of something that is none
WAYS = ("to_pandas", "toPandas", "to_dataframe", "to_arrow", "collect", "compute", "to_frame", "toarray", "to_numpy")


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
        return _mapping(data)
    if library == "pandas" and hasattr(data, "iloc") and hasattr(data, "columns"):
        from unseen.arrow.pandas_columns import to_arrow

        return _by_column(data, map(str, data.columns), lambda j: data.iloc[:, j], len(data), to_arrow)
    if library == "polars":
        return _polars(data)
    if library == "pyarrow":
        return _pyarrow(data)
    return _protocol(data)


def _by_column(
    data: Any, names: Any, column: Callable[[int], Any], rows: int, to_arrow: Callable[[str, Any], tuple[Any, str]]
) -> Converted:
    names = list(names)
    names_once(names)
    arrays, broken, fields = [], {}, {}
    for j, name in enumerate(names):
        try:
            array, note = to_arrow(name, column(j))
        except DataError as error:
            array, note = pa.nulls(rows, pa.float64()), ""
            broken[name], fields[name] = str(error), Field(name, NUMBER)
        if note:
            fields[name] = Field(name, OTHER if pa.types.is_null(array.type) else kind_of(array.type)[0], note)
        arrays.append(array)
    return Converted(_decoded(pa.table(arrays, names=names)), data, broken, fields)


def _polars(data: Any) -> Converted:
    from unseen.arrow.polars_columns import to_arrow

    frame = data.collect() if isinstance(data, pl.LazyFrame) else data
    if not isinstance(frame, pl.DataFrame):
        raise DataError(cannot_read(data))
    return _by_column(frame, frame.columns, lambda j: frame.to_series(j), frame.height, to_arrow)


def _mapping(data: Mapping[Any, Any]) -> Converted:
    """Columns of which some come from a library with types of its own."""
    names = [str(name) for name in data]
    values = [v if is_column(v) else column_array(n, v) for n, v in zip(names, data.values(), strict=True)]
    lengths = {len(v) for v in values}
    if len(lengths) > 1:
        raise DataError("the columns have different lengths: every column needs one value per row")
    return _by_column(data, names, values.__getitem__, lengths.pop(), _any_column)


def _any_column(name: str, values: Any) -> tuple[Any, str]:
    from unseen.arrow import pandas_columns, polars_columns
    from unseen.arrow.objects import objects_to_arrow

    library = library_of(values)
    if library == "pandas":
        return pandas_columns.to_arrow(name, values if isinstance(values, pd.Series) else pd.Series(values))
    if library == "polars":
        return polars_columns.to_arrow(name, values)
    return (values, "") if library == "pyarrow" else objects_to_arrow(name, values)


def _pyarrow(data: Any) -> Converted:
    if isinstance(data, pa.RecordBatch):
        table = pa.Table.from_batches([data])
    elif isinstance(data, pa.Table):
        table = data
    elif isinstance(data, pa.RecordBatchReader):
        names_once(data.schema.names)
        table = data.read_all()
        if not table.num_rows:
            raise DataError("the record batch reader gave no rows; it can be read only once: pass a table instead")
    elif hasattr(data, "to_table"):  # datasets and their scanners
        table = data.to_table()
    elif isinstance(data, pa.StructArray):
        table = pa.Table.from_struct_array(data)
    else:
        raise DataError(cannot_read(data))
    names_once(table.column_names)
    return Converted(_decoded(table), data if isinstance(data, pa.RecordBatch) else table)


def _protocol(data: Any) -> Converted:
    """A table of a library that is not known here, by one of the protocols by which tables are handed over."""
    try:
        if hasattr(data, "__arrow_c_stream__") or hasattr(data, "__arrow_c_array__"):
            table = pa.table(data)
        else:
            from pyarrow.interchange import from_dataframe

            table = from_dataframe(data)
    except Exception:  # whatever another library makes of it
        raise DataError(cannot_read(data)) from None
    names_once(table.column_names)
    return Converted(_decoded(table), data)


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
