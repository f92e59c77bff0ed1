"""Rows that bring their names along: lists of dicts, of named tuples, or of dataclass instances."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.core.objects import like
from unseen.core.stats import Array


def are_records(data: Any) -> bool:
    """Whether some data is a list of rows with names.

    >>> are_records([{"x": 1}, {"y": 2}]), are_records([[1, 2]])
    (True, False)
    """
    if not isinstance(data, (list, tuple)) or not data:
        return False
    return any(all(is_one(row) for row in data) for is_one in (_is_dict, _is_named, _is_instance))


def _is_dict(row: Any) -> bool:
    return isinstance(row, Mapping)


def _is_named(row: Any) -> bool:
    return isinstance(row, tuple) and hasattr(row, "_fields")


def _is_instance(row: Any) -> bool:
    return dataclasses.is_dataclass(row) and not isinstance(row, type)


def _cells(row: Any) -> Mapping[Any, Any]:
    if _is_dict(row):
        return row  # type: ignore[no-any-return]
    if _is_named(row):
        return row._asdict()  # type: ignore[no-any-return]
    return {f.name: getattr(row, f.name) for f in dataclasses.fields(row)}


def columns_of(records: Sequence[Any]) -> dict[Any, Array]:
    """The columns of some records as objects; what a record lacks is missing.

    >>> {k: v.tolist() for k, v in columns_of([{"x": 1}, {"x": 2, "y": "a"}]).items()}
    {'x': [1, 2], 'y': [None, 'a']}
    """
    rows = [_cells(row) for row in records]
    out = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        out[name] = np.empty(len(rows), object)
        out[name][:] = [row.get(name) for row in rows]
    return out


def completed_records(records: Sequence[Any], fills: Mapping[str, tuple[Array, Array]]) -> Any:
    """The same records with new values in some cells; the others are the objects that they were."""
    new: list[dict[Any, Any]] = [{} for _ in records]
    for name, values in columns_of(records).items():
        if str(name) in fills:
            rows, cells = fills[str(name)]
            for row, cell in zip(rows, like(values, cells), strict=True):
                new[row][name] = cell
    done = [_with(row, cells) if cells else row for row, cells in zip(records, new, strict=True)]
    return done if isinstance(records, list) else tuple(done)


def _with(row: Any, cells: dict[Any, Any]) -> Any:
    if _is_named(row):
        return row._replace(**cells)
    if _is_dict(row):
        return {**row, **cells}
    return dataclasses.replace(row, **cells)
