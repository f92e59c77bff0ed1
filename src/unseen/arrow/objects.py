"""Python objects as Arrow arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.arrow.libraries import pa
from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, OTHER
from unseen.core.objects import cannot_be_read, gaps, kind_of_objects, numbers_of
from unseen.core.stats import Array
from unseen.errors import DataError


def objects_to_arrow(name: str, values: Array) -> tuple[Any, str]:
    """An Arrow array of some objects, and a note where they are not what they seem.

    Raises
    ------
    DataError
        They mix numbers with text, or are complex numbers.
    """
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
    if kind == BOOLEAN:
        return pa.array(numbers.astype(bool), mask=missing), note
    return pa.array(_whole(values, missing) if kind == INTEGER else numbers, mask=missing), note


def _whole(values: Array, missing: Array) -> Array:
    """Whole numbers in the 64 bits that hold them, else as floats."""
    plain = [0 if gap else v for v, gap in zip(values, missing, strict=True)]
    for dtype in (np.int64, np.uint64):
        try:
            return np.array([int(v) for v in plain], dtype)
        except OverflowError:
            continue
    return np.array(plain, float)
