"""Tables in memory: pandas, polars, pyarrow, and whatever else speaks the Arrow C stream protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unseen.arrow.columns import fields_of, names_once
from unseen.arrow.table import TableBlocks
from unseen.core.block import EMPTY, Field
from unseen.core.masked import as_array
from unseen.errors import DataError


class Frames(TableBlocks):
    """The columns of a data frame. Null, None and NaN are missing; float columns without gaps are not copied.

    Parameters
    ----------
    data : pandas or polars DataFrame, pyarrow Table, RecordBatch or RecordBatchReader (read once, to its end)
    unit : the column that names the unit (sequence, item, user) of each row; rows of one unit are put side by side, in
        the order they have. ``whole=True`` makes all rows one unit
    extra : further named columns, such as weights and labels that are not part of the data
    block_rows : rows per block; by default even blocks of at most 16,384 rows

    Raises
    ------
    DataError
        Not a table, duplicated names, extra columns of another length; when it is read, a column that mixes
        numbers and text.

    >>> import pyarrow as pa
    >>> Frames(pa.table({"delay": [1.5, None], "carrier": ["UA", "AA"]})).schema()[1]
    Field(name='carrier', kind='category', note='')
    """

    def __init__(
        self,
        data: Any,
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        table, broken = as_table(data)
        for name, values in (extra or {}).items():
            table = table.append_column(name, _extra(name, values, table.num_rows))
        fields = [Field(f.name, EMPTY) if _hollow(table.column(f.name)) else f for f in fields_of(table.schema)]
        super().__init__(table, unit=unit, whole=whole, block_rows=block_rows, fields=fields, broken=broken)


def as_table(data: Any) -> tuple[Any, dict[str, str]]:
    """An Arrow table, and the columns that cannot be part of one with the reason."""
    import pyarrow as pa

    if isinstance(data, pa.RecordBatch):
        data = pa.Table.from_batches([data])
    if isinstance(data, pa.Table):
        names_once(data.column_names)
        return data, {}
    if isinstance(data, pa.RecordBatchReader):
        names_once(data.schema.names)
        table = data.read_all()
        if not table.num_rows:
            raise DataError("the record batch reader gave no rows; it can be read only once: pass a table instead")
        return table, {}
    if type(data).__module__.partition(".")[0] == "pandas" and hasattr(data, "columns"):
        return _from_pandas(data)
    try:
        table = pa.table(data)
    except (pa.ArrowException, TypeError, ValueError):
        raise DataError(
            f"a {type(data).__name__} is not a table of named columns: give a data frame, not a single column"
        ) from None
    names_once(table.column_names)
    return table, {}


def _from_pandas(data: Any) -> tuple[Any, dict[str, str]]:
    """Column by column, so that one that mixes types does not keep the others from being read."""
    import pyarrow as pa

    names = [str(c) for c in data.columns]
    names_once(names)
    columns, broken = [], {}
    for j, name in enumerate(names):
        try:
            columns.append(pa.chunked_array([_pandas_column(data.iloc[:, j])]))
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            broken[name] = (
                f"column {name!r} mixes numbers with text or other objects: make it one type, mark what is not a "
                f"number as missing, or leave the column out (ignore=[{name!r}]; --ignore {name})"
            )
            columns.append(pa.chunked_array([pa.nulls(len(data), pa.float64())]))
    return pa.table(columns, names=names), broken


def _pandas_column(series: Any) -> Any:
    import pyarrow as pa

    array = pa.Array.from_pandas(series)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _extra(name: str, values: Any, rows: int) -> Any:
    import pyarrow as pa

    try:
        array = pa.array(values if hasattr(values, "dtype") else as_array(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        raise DataError(f"the {name.strip('()')} mix types: give numbers, or text, one per row") from None
    if len(array) != rows:
        raise DataError(f"there are {len(array):,} {name.strip('()')} for {rows:,} rows: give one per row")
    return array


def _hollow(values: Any) -> bool:
    """Whether a column has no value at all: its type is then what a frame library makes of nothing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(values) or values.null_count == len(values):
        return bool(len(values))
    if not pa.types.is_floating(values.type):
        return False
    head = values[0].as_py()
    return (head is None or head != head) and bool(pc.all(pc.is_nan(values)).as_py())
