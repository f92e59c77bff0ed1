"""Tables in memory: pandas, polars, pyarrow, and whatever else speaks the Arrow C stream protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unseen.arrow.columns import fields_of
from unseen.arrow.convert import converted
from unseen.arrow.libraries import pa, pc
from unseen.arrow.table import TableBlocks
from unseen.core.block import EMPTY, OTHER, Field
from unseen.core.masked import as_array
from unseen.core.source import no_names
from unseen.errors import DataError


class Frames(TableBlocks):
    """The columns of a data frame. Null, None and NaN are missing; float columns without gaps are not copied.

    Parameters
    ----------
    data : pandas or polars DataFrame or LazyFrame, pyarrow Table, RecordBatch, Dataset or RecordBatchReader (read once,
        to its end), a mapping of names to columns of these libraries, or what gives itself by the Arrow C stream or the
        dataframe interchange protocol
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
        known = converted(data)
        table, self.host = known.table, known.host
        if unit in known.broken:
            raise DataError(known.broken[unit])
        if unit in known.fields and known.fields[unit].kind == OTHER:
            raise DataError(no_names(unit, known.fields[unit].note))
        for name, values in (extra or {}).items():
            table = table.append_column(name, _extra(name, values, table.num_rows))
        hollow = {name for name in table.column_names if _hollow(table.column(name))}
        found = [Field(f.name, EMPTY) if f.name in hollow else f for f in fields_of(table.schema)]
        fields = [known.fields.get(f.name, f) for f in found]
        super().__init__(table, unit=unit, whole=whole, block_rows=block_rows, fields=fields, broken=known.broken)


def _extra(name: str, values: Any, rows: int) -> Any:
    try:
        array = pa.array(values if hasattr(values, "dtype") else as_array(values), from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError):
        raise DataError(f"the {name.strip('()')} mix types: give numbers, or text, one per row") from None
    if len(array) != rows:
        raise DataError(f"there are {len(array):,} {name.strip('()')} for {rows:,} rows: give one per row")
    return array


def _hollow(values: Any) -> bool:
    """Whether a column has no value at all: its type is then what a frame library makes of nothing."""
    if not len(values) or values.null_count == len(values):
        return bool(len(values))
    if not pa.types.is_floating(values.type):
        return False
    head = values[0].as_py()
    return (head is None or head != head) and bool(pc.all(pc.is_nan(values)).as_py())
