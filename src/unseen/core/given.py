"""Data that no table library made, as NumPy arrays: lists of rows, records, and what NumPy can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.masked import as_array
from unseen.core.records import are_records, columns_of
from unseen.core.stats import Array
from unseen.errors import DataError

#: packages whose objects look like arrays or mappings to NumPy, and are something else
NO_ARRAYS = ("scipy", "sparse")
NO_MAPPINGS = ("scipy", "xarray")


def arrays_of(data: Any) -> Any:
    """A matrix, a structured array or a mapping of columns, or None where NumPy can make no honest array of it.

    Raises
    ------
    DataError
        A list of parts that do not make rows.

    >>> arrays_of([[1, 2], [3, 4]]).shape, arrays_of(3) is None
    ((2, 2), True)
    """
    package = type(data).__module__.partition(".")[0]
    if isinstance(data, np.ndarray) or (isinstance(data, Mapping) and package not in NO_MAPPINGS):
        return data
    if are_records(data):
        return columns_of(data)
    if isinstance(data, (list, tuple)):
        return _matrix(data)
    if not hasattr(data, "__array__") or package in NO_ARRAYS:
        return None
    try:
        array = np.asarray(data)
    except Exception:  # whatever another library makes of it
        return None
    return array if array.ndim else None


def _matrix(data: Any) -> Array:
    """The matrix that a list of rows is; a list of tables is none."""
    try:
        matrix = as_array(data)
    except ValueError:  # lengths that differ
        matrix = np.empty((0, 0, 0))
    if matrix.ndim < 3:
        return matrix
    raise DataError(
        f"the data is a list of {len(data):,} parts that do not make rows of one length: put sequences below each "
        "other in one table, and name the column that tells them apart with unit="
    )


def column_array(name: str, values: Any) -> Array:
    """One column as an array, (n,).

    Raises
    ------
    DataError
        It is no sequence of one value per row.
    """
    try:
        array = as_array(values)
    except ValueError:  # parts of different lengths
        array = np.empty(len(values), object)
        array[:] = values
    if array.ndim == 0:
        raise DataError(f"column {name!r} is a {type(values).__name__}: give a list or an array, one value per row")
    if array.ndim > 1:
        raise DataError(
            f"column {name!r} has {array.ndim} dimensions: give one value per row, and columns of their own to further "
            "ones"
        )
    return array
