"""NumPy arrays: a matrix, or named columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.arrow.columns import names_once
from unseen.arrow.table import InMemory
from unseen.core.block import Field, Frame
from unseen.core.cells import column_of_array, kind_of_array, missing_cells
from unseen.core.given import column_array
from unseen.core.masked import as_array, mask_of, unmasked
from unseen.core.objects import cannot_be_read, families_of, types_of
from unseen.core.source import Part, no_unit, unit_missing
from unseen.core.stats import Array
from unseen.errors import DataError


class Arrays(InMemory):
    """Columns in memory. NaN, None and masked cells are missing.

    Parameters
    ----------
    data : (n, d) matrix, (n,) vector, structured array, or mapping of names to (n,) arrays
    names : column names of a matrix; by default ``x0, x1, ...``
    unit : the column that names the unit (sequence, item, user) of each row; rows of one unit are put side by side, in
        the order they have. ``whole=True`` makes all rows one unit
    extra : further named columns, such as weights and labels that are not part of the data
    block_rows : rows per block; by default even blocks of at most 16,384 rows

    Raises
    ------
    DataError
        More than two dimensions, columns of different length, duplicated names; when it is read, a column that mixes
        numbers and text.

    >>> Arrays(np.array([[1.0, 2.0], [np.nan, 3.0]])).schema()[0]
    Field(name='x0', kind='number', note='')
    """

    def __init__(
        self,
        data: Any,
        names: Sequence[str] | None = None,
        *,
        unit: str | None = None,
        whole: bool = False,
        extra: Mapping[str, Any] | None = None,
        block_rows: int | None = None,
    ) -> None:
        self.unit = unit
        self._columns = {**_named(data, names), **{k: as_array(v) for k, v in (extra or {}).items()}}
        lengths = {len(v) for v in self._columns.values()}
        if len(lengths) > 1:
            raise DataError("the columns have different lengths: every column needs one value per row")
        self.rows = lengths.pop() if lengths else 0
        self.fields = tuple(Field(name, *kind_of_array(v)) for name, v in self._columns.items())
        order = self._cut(self.rows, None if unit is None else self._unit_column(unit), block_rows, whole)
        if order is not None:
            self._columns = {name: v[order] for name, v in self._columns.items()}

    def _unit_column(self, unit: str) -> Array:
        if unit not in self._columns:
            raise DataError(no_unit(unit))
        key = self._columns[unit]
        if missing := int(missing_cells(key).sum()):
            raise DataError(unit_missing(unit, missing))
        if key.dtype == object and len(types := types_of(key)) > 1 and len(families_of(types)) > 1:
            raise DataError(cannot_be_read(unit, key))
        return np.asarray(key)

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        start, stop, offsets = self._cuts[part.id]
        kinds = {f.name: f.kind for f in self.fields}
        cells = {n: column_of_array(n, self._columns[n][start:stop], kinds[n]) for n in columns}
        return Frame(part.id, stop - start, cells, offsets)

    def fingerprint(self) -> dict[str, str | int]:
        digest = hashlib.sha256()
        for name, values in self._columns.items():
            digest.update(f"{name}\0{values.dtype}\0".encode())
            digest.update(_bytes(unmasked(values)))
            if (mask := mask_of(values)) is not None:
                digest.update(np.packbits(mask).data)
        return {"format": "arrays", "rows": self.rows, "sha256": digest.hexdigest()}


def _bytes(plain: Array) -> Any:
    if plain.dtype.kind in "OT":
        return "\0".join(map(str, plain)).encode()
    return np.ascontiguousarray(plain).view("i8" if plain.dtype.kind in "Mm" else plain.dtype).data


def _named(data: Any, names: Sequence[str] | None) -> dict[str, Array]:
    if isinstance(data, Mapping):
        names_once([str(k) for k in data])
        return {str(k): column_array(str(k), v) for k, v in data.items()}
    matrix = as_array(data)
    if matrix.dtype.names:
        return _fields_of(matrix)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2:
        raise DataError(f"the data has {matrix.ndim} dimensions: give rows and columns")
    labels = [f"x{j}" for j in range(matrix.shape[1])] if names is None else [str(n) for n in names]
    if len(labels) != matrix.shape[1]:
        raise DataError(f"{len(labels)} names were given for {matrix.shape[1]} columns")
    names_once(labels)
    return {name: matrix[:, j] for j, name in enumerate(labels)}


def _fields_of(records: Array) -> dict[str, Array]:
    """The fields of a structured array as columns."""
    if records.ndim != 1:
        raise DataError(f"the structured array has {records.ndim} dimensions: give one record per row")
    return {name: column_array(name, records[name]) for name in records.dtype.names or ()}
