"""New values in some cells of NumPy arrays, whose other cells stay as they are to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.exact import EXACT, tell_rounded, within
from unseen.core.masked import is_masked, mask_of, unmasked
from unseen.core.objects import like
from unseen.core.stats import Array

Fill = tuple[Array, Array]


def completed_array(name: str, values: Array, fill: Fill | None) -> Array:
    """One column with new values at some rows.

    Integers and booleans become float for fractional values, text becomes as wide as it needs. Integers beyond 2**53
    stay integers, and what fills them is rounded: floats would change those that are there.

    >>> completed_array("x", np.array([1.5, np.nan]), (np.array([1]), np.array([2.5])))
    array([1.5, 2.5])
    """
    if fill is None:
        return values
    rows, new = fill
    dtype, cells = fitted(name, values, new)
    out = _writable(values.astype(dtype))
    out[rows] = cells
    return _plain_if_full(out)


def completed_matrix(matrix: Array, names: Mapping[str, int], fills: Mapping[str, Fill]) -> Array:
    """A matrix with new values in some columns, whose positions ``names`` tells."""
    whole = matrix[:, None] if matrix.ndim == 1 else matrix
    # one type for all: that of the column which needs the widest
    fits = {n: fitted(n, whole[:, names[n]], new, whole) for n, (_, new) in fills.items()}
    out = _writable(whole.astype(np.result_type(whole.dtype, *(t for t, _ in fits.values()))))
    for name, (rows, _) in fills.items():
        out[rows, names[name]] = fits[name][1]
    return _plain_if_full(out).reshape(matrix.shape)


def completed_fields(records: Array, fills: Mapping[str, Fill]) -> Array:
    """A structured array with new values in some fields."""
    names = records.dtype.names or ()
    columns = {n: completed_array(n, records[n], fills.get(n)) for n in names}
    types = [(n, columns[n].dtype if n in fills else records.dtype[n]) for n in names]
    same = all(records.dtype[n] == t for n, t in types)
    masked = is_masked(records)
    empty: Any = np.ma.empty if masked else np.empty
    out: Array = _writable(records.copy()) if same else empty(records.shape, types)
    for name, column in columns.items():
        out[name] = column
    out = out.view(type(records)) if not masked and type(records) is not type(out) else out
    full = not masked or not any(np.ma.getmaskarray(out[n]).any() for n in names)
    return np.ma.getdata(out) if masked and full else out


def fitted(name: str, values: Array, new: Array, beside: Array | None = None) -> tuple[Any, Any]:
    """The type that holds a column and its new cells, and those cells as it holds them.

    ``beside`` is the whole matrix whose cells share that type.
    """
    have = values.dtype
    if have.kind in "OT" or (have.kind not in "US" and new.dtype == object):
        return (have if have.kind == "T" else object), like(np.asarray(unmasked(values), object), new)
    if have.kind in "US":
        text = new.astype(str) if have.kind == "U" else np.strings.encode(new.astype(str), "utf-8")
        return np.result_type(have, text), text
    if have.kind == "f":
        return have, new
    whole = bool((new == np.round(new)).all())
    if have.kind == "b":
        return (have if whole and np.isin(new, (0, 1)).all() else np.dtype(np.float64)), new
    limits = np.iinfo(have)
    fits = whole and bool((new >= limits.min).all()) and all(int(v) <= limits.max for v in new)
    if fits or not _beyond_floats(values if beside is None else beside):
        return (have, within(new, limits.min, limits.max)) if fits else (np.dtype(np.float64), new)
    tell_rounded(name)
    return have, within(new, limits.min, limits.max)


def _beyond_floats(values: Array) -> bool:
    mask, plain = mask_of(values), unmasked(values)
    seen = plain if mask is None else plain[~mask]
    return bool(seen.size) and (int(seen.max()) > EXACT or int(seen.min()) < -EXACT)


def _writable(copy: Array) -> Array:
    """A copy whose masked cells can be set, which a hard mask forbids."""
    if is_masked(copy):
        copy.soften_mask()  # type: ignore[attr-defined]
    return copy


def _plain_if_full(values: Array) -> Array:
    mask = mask_of(values)
    return unmasked(values) if mask is not None and not mask.any() else values
