"""NumPy arrays: a matrix, or named columns."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Column, Field, Frame
from unseen.core.masked import as_array, mask_of, unmasked
from unseen.core.source import Part, cut, grouping, no_unit, unit_missing
from unseen.core.stats import Array
from unseen.errors import DataError


class Arrays:
    """Columns in memory. NaN, None and masked cells are missing.

    Parameters
    ----------
    data : (n, d) matrix, (n,) vector, or mapping of names to (n,) arrays
    names : column names of a matrix; by default ``x0, x1, ...``
    unit : the column that names the unit (sequence, item, user) of each row; rows of one unit are put side by side, in
        the order they have. ``whole=True`` makes all rows one unit
    extra : further named columns, such as weights and labels that are not part of the data
    block_rows : rows per block; by default even blocks of at most 16,384 rows

    Raises
    ------
    DataError
        More than two dimensions, columns of different length, or duplicated names.

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
        self.unit, self.whole = unit, whole
        self._columns = {**_named(data, names), **{k: as_array(v) for k, v in (extra or {}).items()}}
        lengths = {len(v) for v in self._columns.values()}
        if len(lengths) > 1:
            raise DataError("the columns have different lengths: every column needs one value per row")
        self.rows = lengths.pop() if lengths else 0
        self._kinds = {name: _kind(v) for name, v in self._columns.items()}
        key = None if unit is None else self._unit_column(unit)
        self._order = None if key is None else grouping(key)
        if key is not None and self._order is not None:
            self._columns = {name: v[self._order] for name, v in self._columns.items()}
            key = key[self._order]
        self._cuts = cut(self.rows, block_rows, key, whole)

    def _unit_column(self, unit: str) -> Array:
        if unit not in self._columns:
            raise DataError(no_unit(unit))
        key, kind = self._columns[unit], self._kinds[unit]
        missing = int(np.sum([_absent(v) for v in unmasked(key)])) if kind != INTEGER or key.dtype == object else 0
        mask = mask_of(key)
        if missing := max(missing, 0 if mask is None else int(mask.sum())):
            raise DataError(unit_missing(unit, missing))
        return np.asarray(key)

    def schema(self) -> tuple[Field, ...]:
        return tuple(Field(name, kind) for name, kind in self._kinds.items() if name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        return tuple(Part(i, stop - start, (start, stop)) for i, (start, stop, _) in enumerate(self._cuts))

    def places(self, part: Part) -> Array | None:
        """Where the rows of a block stood before those of one unit were put together, or None where they were."""
        start, stop, _ = self._cuts[part.id]
        return None if self._order is None else self._order[start:stop]

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        start, stop, offsets = self._cuts[part.id]
        return Frame(
            part.id,
            stop - start,
            {name: self._read(name, start, stop) for name in columns},
            offsets,
        )

    def _read(self, name: str, start: int, stop: int) -> Column:
        try:
            return _column(self._columns[name][start:stop], self._kinds[name])
        except (ValueError, TypeError):
            raise DataError(
                f"column {name!r} mixes numbers with text or other objects: make it one type, mark what is not a "
                f"number as missing, or leave the column out (ignore=[{name!r}]; --ignore {name})"
            ) from None

    def fingerprint(self) -> dict[str, str | int]:
        digest = hashlib.sha256()
        for name, values in self._columns.items():
            digest.update(f"{name}\0{values.dtype}\0".encode())
            plain = unmasked(values)
            body = "\0".join(map(str, plain)).encode() if plain.dtype == object else np.ascontiguousarray(plain).data
            digest.update(body)
        return {"format": "arrays", "rows": self.rows, "sha256": digest.hexdigest()}


def _named(data: Any, names: Sequence[str] | None) -> dict[str, Array]:
    if isinstance(data, Mapping):
        return {str(k): as_array(v) for k, v in data.items()}
    matrix = as_array(data)
    if matrix.ndim == 1:
        matrix = matrix[:, None]
    if matrix.ndim != 2:
        raise DataError(f"the data has {matrix.ndim} dimensions: give rows and columns")
    labels = [f"x{j}" for j in range(matrix.shape[1])] if names is None else [str(n) for n in names]
    if len(labels) != matrix.shape[1]:
        raise DataError(f"{len(labels)} names were given for {matrix.shape[1]} columns")
    if len(set(labels)) != len(labels):
        twice = sorted({n for n in labels if labels.count(n) > 1})
        raise DataError(f"column names are duplicated: {', '.join(map(repr, twice))}; rename them")
    return {name: matrix[:, j] for j, name in enumerate(labels)}


def _kind(values: Array) -> str:
    letter = values.dtype.kind
    if letter == "O":
        present = [v for v in unmasked(values) if not _absent(v)]
        if all(isinstance(v, (bool, np.bool_)) for v in present):
            return BOOLEAN if present else EMPTY
        if all(isinstance(v, (int, float, np.number)) for v in present):
            return INTEGER if all(float(v).is_integer() for v in present) else NUMBER
        if all(isinstance(v, str) for v in present):
            return CATEGORY
        # numbers with text among them: refused when they are read, not passed over
        return NUMBER if any(isinstance(v, (int, float, np.number)) for v in present) else OTHER
    if letter == "f" and len(values) and _unknown(values[:1]).all():
        return EMPTY if _unknown(values).all() else NUMBER
    return {"f": NUMBER, "i": INTEGER, "u": INTEGER, "b": BOOLEAN, "U": CATEGORY, "S": CATEGORY}.get(letter, OTHER)


def _unknown(values: Array) -> Array:
    """Which numbers are NaN or masked."""
    mask, missing = mask_of(values), np.isnan(unmasked(values))
    return missing if mask is None else mask | missing


def _absent(value: Any) -> bool:
    """None, NaN, and the NA and NaT of pandas."""
    if value is None or (isinstance(value, (float, np.floating)) and value != value):
        return True
    return type(value).__name__ in ("NAType", "NaTType")


def _column(values: Array, kind: str) -> Column:
    mask, plain = mask_of(values), unmasked(values)
    if kind == CATEGORY:
        return _category(plain, mask)
    if plain.dtype == object:
        plain = np.array([np.nan if _absent(v) else float(v) for v in plain])
    if plain.dtype.kind != "f":
        plain = plain.astype(float)
    elif plain.dtype not in (np.float32, np.float64):
        plain = plain.astype(np.float32 if plain.dtype == np.float16 else float)
    missing = np.isnan(plain) if mask is None else mask | np.isnan(plain)
    if not missing.any():
        return Column(plain)
    return Column(np.where(missing, plain.dtype.type(0), plain), ~missing)


def _category(plain: Array, mask: Array | None) -> Column:
    missing = np.zeros(len(plain), bool) if mask is None else mask.copy()
    if plain.dtype == object:
        missing |= np.array([_absent(v) for v in plain], bool)
    text = np.where(missing, "", plain).astype(str)
    categories, codes = np.unique(text[~missing], return_inverse=True)
    out = np.zeros(len(plain), np.int32)
    out[~missing] = codes
    return Column(out, None if not missing.any() else ~missing, tuple(map(str, categories)))
