"""Rows of a partition as pandas tables, block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, INTEGER, OTHER, Column
from unseen.core.source import how_read
from unseen.errors import DataError


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows, columns by name: numbers as floats with NaN for gaps, text as categories, the rest as it is.

    ``keys`` are the same cells, told apart also where floats cannot: whole numbers of more than 53 bits.
    """

    table: Any
    keys: Any


def chunks(source: Any, columns: Sequence[str]) -> Iterator[Chunk]:
    """The rows of some columns, put in the order of their names: how they lay in the file does not matter."""
    import pandas as pd

    kinds = {f.name: f.kind for f in source.schema()}
    doubtful = mixed(source, [name for name in columns if kinds[name] == CATEGORY])
    raw = [name for name in columns if kinds[name] == OTHER or name in doubtful]
    coded = [name for name in columns if name not in raw]
    whole = [name for name in coded if kinds[name] == INTEGER]
    for part in source.manifest():
        if not part.rows:
            continue
        if raw:
            frame, table = source.read_all(part, coded)
            cells = {name: _raw(table.column(name)) for name in raw}
        else:
            frame, cells = source.read(part, coded), {}
        cells |= {name: _coded(column) for name, column in frame.columns.items()}
        out = pd.DataFrame({name: cells[name] for name in sorted(cells)}, index=range(part.rows), copy=False)
        long = [name for name in whole if np.nanmax(np.abs(cells[name]), initial=0) >= 2**53]
        yield Chunk(out, out.assign(**_exact(source.table(part), long)) if long else out)


def mixed(source: Any, columns: Sequence[str]) -> dict[str, str]:
    """Why columns of a text file must not be used, numbers with stray text say, in sentences without their cells."""
    if not how_read(source)[1]:  # columns of Parquet files have types, which are never in doubt
        return {}
    first = next((part for part in source.manifest() if part.rows), None)
    reasons = {}
    for name in columns if first is not None else ():
        try:
            source.read(first, [name])
        except DataError as error:
            reasons[name] = str(error)
    return reasons


def _exact(table: Any, columns: Sequence[str]) -> dict[str, Any]:
    """Bits of the floats, and on top of those of long numbers their size: short ones keep the hash of a float."""
    out = {}
    for name in columns:
        cells = table.column(name)
        ints, gaps = cells.fill_null(0).to_numpy(), cells.is_null().to_numpy()
        floats = np.where(gaps, np.nan, ints.astype(np.float64))
        sizes = (np.abs(ints) if ints.dtype.kind == "i" else ints).astype(np.uint64)
        out[name] = floats.view(np.uint64) + np.where(np.abs(floats) >= 2**53, sizes, np.uint64(0))
    return out


def _coded(column: Column) -> Any:
    import pandas as pd

    observed = column.observed
    if column.categories:
        codes = column.values if observed is None else np.where(observed, column.values, -1)
        return pd.Categorical.from_codes(codes, list(column.categories), validate=False)
    if column.values.dtype == np.int32:  # text without any value
        return pd.Categorical.from_codes(np.full(len(column.values), -1), [], validate=False)
    values = column.values.astype(np.float64, copy=False)
    return values if observed is None else np.where(observed, values, np.nan)


def _raw(cells: Any) -> Any:
    """Dates as pandas has them; of lists and bytes the exact text, which is all that hashing needs."""
    import pandas as pd
    import pyarrow as pa

    if pa.types.is_timestamp(cells.type):
        return cells.to_pandas().array
    return pd.array([None if v is None else repr(v) for v in cells.to_pylist()], dtype=object)
