"""Anything as an array, masked where it is; who has no masked array never loads their module, which is slow."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from unseen.core.stats import Array


def as_array(values: Any) -> Array:
    """An array of anything; one that is masked stays so, and a list whose cells no one type can hold stays objects.

    >>> as_array([1, 2]), as_array([1, "a"])
    (array([1, 2]), array([1, 'a'], dtype=object))
    """
    if isinstance(values, (list, tuple)):
        return _of_list(values)
    return values if is_masked(values) and values.mask is not np.ma.nomask else np.asarray(values)


def _of_list(values: Any) -> Array:
    """NumPy would turn the numbers beside text into text, and whole numbers that floats cannot tell apart to floats."""
    if any(map(is_masked, values)):
        return as_array(np.ma.array(values))
    plain = np.asarray(values)
    if plain.dtype.kind in "US":
        cells = np.asarray(values, object)
        return plain if all(isinstance(v, (str, bytes)) for v in cells.flat) else cells
    if plain.dtype.kind == "f" and bool((np.abs(plain) >= 2**53).any()):
        cells = np.asarray(values, object)
        return cells if any(isinstance(v, int) and abs(v) > 2**53 for v in cells.flat) else plain
    return plain


def is_masked(values: Any) -> bool:
    """Whether an array is one of NumPy's masked ones."""
    masked = sys.modules.get("numpy.ma")  # who has a masked array has loaded it
    return isinstance(values, getattr(masked, "MaskedArray", ()))  # another thread may be importing it


def shown(values: Any) -> Any:
    """What a masked array shows: NaN under the mask of numbers, None under that of others; anything else as it is."""
    if not is_masked(values):
        return values
    hidden, numbers = np.ma.getmaskarray(values), values.dtype.kind in "fiub"
    plain = np.ma.getdata(values)
    plain = plain.astype(float if values.dtype.kind in "iub" else plain.dtype if numbers else object)
    plain[hidden] = np.nan if numbers else None
    return plain


def mask_of(values: Array) -> Array | None:
    """Where a masked array is masked (same shape), or None for any other array."""
    return np.ma.getmaskarray(values) if is_masked(values) else None


def unmasked(values: Array) -> Array:
    """What lies in an array, under its mask as well."""
    return np.ma.getdata(values) if is_masked(values) else values
