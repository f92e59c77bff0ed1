"""NumPy columns to the columns of a frame: kinds, missing cells, category codes."""

from __future__ import annotations

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Column
from unseen.core.masked import mask_of, unmasked
from unseen.core.objects import (
    BYTES,
    DATES,
    DURATIONS,
    NESTED,
    cannot_be_read,
    gaps,
    holds_complex,
    kind_of_objects,
    numbers_of,
)
from unseen.core.stats import Array
from unseen.errors import DataError

#: kinds, and notes where they cannot be modelled, by the letter of a NumPy type
LETTERS = {
    "f": (NUMBER, ""),
    "i": (INTEGER, ""),
    "u": (INTEGER, ""),
    "b": (BOOLEAN, ""),
    "U": (CATEGORY, ""),
    "S": (CATEGORY, ""),
    "T": (CATEGORY, ""),
    "c": (NUMBER, ""),  # refused when they are read, not passed over
    "M": (OTHER, DATES),
    "m": (OTHER, DURATIONS),
    "V": (OTHER, BYTES),
}


def kind_of_array(values: Array) -> tuple[str, str]:
    """Kind of a column, and a note for the user where it cannot be modelled.

    >>> kind_of_array(np.array([1, 2]))
    ('integer', '')
    """
    if values.dtype.kind == "O":
        mask, plain = mask_of(values), unmasked(values)
        return kind_of_objects(plain if mask is None else plain[~mask])
    if values.dtype.kind == "f" and len(values) and unknown(values[:1]).all() and unknown(values).all():
        return EMPTY, ""
    return (OTHER, NESTED) if values.dtype.names else LETTERS[values.dtype.kind]


def unknown(values: Array) -> Array:
    """Which numbers are NaN or masked."""
    mask, missing = mask_of(values), np.isnan(unmasked(values))
    return missing if mask is None else mask | missing


def missing_cells(values: Array) -> Array:
    """Which cells of a column of any type are missing, (n,)."""
    mask, plain = mask_of(values), unmasked(values)
    if plain.dtype.kind in "OT":
        out = gaps(plain.astype(object))
    elif plain.dtype.kind in "fcMm":
        out = np.isnan(plain)
    else:
        out = np.zeros(len(plain), bool)
    return out if mask is None else mask | out


def column_of_array(name: str, values: Array, kind: str) -> Column:
    """Values, observed mask and categories of a column; numbers without gaps are not copied.

    Raises
    ------
    DataError
        The column mixes numbers with something else, or holds what no model reads.
    """
    mask, plain = mask_of(values), unmasked(values)
    if plain.dtype.kind == "c":
        raise DataError(holds_complex(name))
    if kind == CATEGORY:
        return _category(name, plain, missing_cells(values))
    if plain.dtype == object:
        try:
            plain = numbers_of(np.where(mask, np.array(None, object), plain) if mask is not None else plain)
        except (ValueError, TypeError):
            raise DataError(cannot_be_read(name, plain if mask is None else plain[~mask])) from None
    return column_of_numbers(plain, mask)


def column_of_numbers(plain: Array, mask: Array | None = None) -> Column:
    """Numbers of any type, missing where they are NaN or masked; floats without gaps are not copied."""
    if plain.dtype not in (np.float32, np.float64):
        plain = plain.astype(np.float32 if plain.dtype == np.float16 else float)
    missing = np.isnan(plain) if mask is None else mask | np.isnan(plain)
    if not missing.any():
        return Column(plain)
    return Column(np.where(missing, plain.dtype.type(0), plain), ~missing)


def _category(name: str, plain: Array, missing: Array) -> Column:
    if plain.dtype.kind == "S":
        try:
            plain = np.strings.decode(plain, "utf-8")
        except UnicodeDecodeError:
            raise DataError(f"column {name!r} holds bytes that are no UTF-8 text: decode them first") from None
    text = np.where(missing, "", plain.astype(object)).astype(str)
    categories, codes = np.unique(text[~missing], return_inverse=True)
    out = np.zeros(len(plain), np.int32)
    out[~missing] = codes
    return Column(out, None if not missing.any() else ~missing, tuple(map(str, categories)))
