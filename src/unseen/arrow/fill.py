"""Missing cells of an Arrow column replaced, in its own type where that can hold them; what pandas notes, kept true."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from unseen.arrow.columns import is_text
from unseen.arrow.libraries import pa, pc
from unseen.core.completed import fitted
from unseen.core.objects import rounded
from unseen.core.stats import Array


def filled(name: str, column: Any, rows: Array, values: Array) -> Any:
    """The column with ``values`` at positions ``rows``.

    Integers and booleans that get fractional values become float64, except integers beyond 2**53, which floats would
    change: what fills those is rounded, with a warning. Decimals keep their places, and are filled to the last of
    them. A category that a dictionary does not list is added at its end.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(rows):
        return array
    if pa.types.is_run_end_encoded(array.type):
        return pc.run_end_encode(filled(name, pc.run_end_decode(array), rows, values), array.type.run_end_type)
    if pa.types.is_dictionary(array.type):
        return _dictionary(array, rows, values)
    if is_text(array.type) or values.dtype == object:
        return _text(array, rows, values)
    return _decimal(array, rows, values) if pa.types.is_decimal(array.type) else _number(name, array, rows, values)


def _text(array: Any, rows: Array, values: Array) -> Any:
    """Text; in a column of another type only where that can be read as one of its values."""
    text = array.cast(pa.large_string())
    new = _replaced(text, rows, pa.array([str(v) for v in values], text.type))
    try:
        return new.cast(pa.string() if pa.types.is_null(array.type) else array.type)
    except pa.ArrowInvalid:  # a column of numbers that holds none
        return new.cast(pa.string())


def _number(name: str, array: Any, rows: Array, values: Array) -> Any:
    array = as_float(array) if pa.types.is_null(array.type) else array
    dtype, cells = fitted(name, array.drop_null().to_numpy(zero_copy_only=False), values)
    array = as_float(array) if dtype.kind == "f" else array
    return _replaced(array, rows, pa.array(np.asarray(cells, dtype)))


def _decimal(array: Any, rows: Array, values: Array) -> Any:
    """Decimals filled to their last place; a type with more digits where the new cells need them."""
    t = array.type
    new = [rounded(v, t.scale) for v in values]
    digits = max(len(v.as_tuple().digits) for v in new)
    if digits > 76:
        return _replaced(as_float(array), rows, pa.array(values.astype(float)))
    if digits > t.precision:
        array = array.cast((pa.decimal128 if digits <= 38 else pa.decimal256)(digits, t.scale))
    return _replaced(array, rows, pa.array(new, array.type))


def as_float(array: Any) -> Any:
    """The column as floats; floats stay as they are."""
    if pa.types.is_floating(array.type):
        return array
    if pa.types.is_boolean(array.type):
        array = array.cast(pa.uint8())
    return array.cast(pa.float64(), safe=False)


def _dictionary(array: Any, rows: Array, values: Array) -> Any:
    t = array.type
    known = array.dictionary
    new = pa.array([str(v) for v in values]).cast(known.type)
    plain = _replaced(known.take(array.indices), rows, new)
    unseen = pc.unique(new.filter(pc.invert(pc.is_in(new, value_set=known))))
    known = pa.concat_arrays([known, unseen])
    indices = pc.index_in(plain, value_set=known)
    roomy = len(known) <= 2 ** (t.index_type.bit_width - 1)
    return pa.DictionaryArray.from_arrays(indices.cast(t.index_type) if roomy else indices, known, ordered=t.ordered)


def _replaced(array: Any, rows: Array, new: Any) -> Any:
    mask = np.zeros(len(array), bool)
    mask[rows] = True
    return pc.replace_with_mask(array, pa.array(mask), new.cast(array.type, safe=False))


def fitting(schema: Any, before: Any) -> Any:
    """A schema whose metadata says nothing of columns that are gone or have another type than ``before``.

    The index stays. Names of several levels, and names that are no text, become text where a column has joined that
    pandas knows nothing of: it could not read them otherwise.

    >>> import pyarrow as pa
    >>> fitting(pa.schema([("x", pa.int8())]), pa.schema([])).metadata is None
    True
    """
    told = (schema.metadata or {}).get(b"pandas")
    if not told or (schema.names == before.names and schema.types == before.types):
        return schema
    try:
        notes = json.loads(told)
        notes["columns"] = [c for c in notes["columns"] if _unchanged(c.get("field_name", c["name"]), schema, before)]
        if set(schema.names) - set(before.names):
            notes["column_indexes"] = []
    except (ValueError, KeyError, TypeError):  # not as pandas writes it
        return schema.with_metadata({k: v for k, v in schema.metadata.items() if k != b"pandas"})
    return schema.with_metadata({**schema.metadata, b"pandas": json.dumps(notes).encode()})


def _unchanged(name: Any, schema: Any, before: Any) -> bool:
    if name is None or name not in schema.names or name not in before.names:
        return False
    return bool(schema.field(name).type == before.field(name).type)
