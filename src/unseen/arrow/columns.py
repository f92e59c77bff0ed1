"""Arrow data to the columns of a frame: kinds, missing cells, category codes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.arrow.libraries import pa, pc
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Column, Field, Frame
from unseen.core.cells import column_of_numbers
from unseen.core.objects import BYTES, DATES, DURATIONS, NESTED
from unseen.core.source import no_names, unit_missing
from unseen.core.stats import Array
from unseen.errors import DataError

INDEX = "left out: the index of a pandas table, which names rows"
PERIODS = "periods of time are not modelled: derive numbers from them"
INTERVALS = "intervals are not modelled: give their ends or middles as numbers, or their names as text"


def kind_of(type_: Any) -> tuple[str, str]:
    """Kind of an Arrow type, and a note for the user where it cannot be modelled."""
    t = pa.types
    if t.is_dictionary(type_):
        kind, note = kind_of(type_.value_type)
        return (OTHER, note) if kind == OTHER else (CATEGORY, "")
    numeric = t.is_floating(type_) or t.is_decimal(type_)
    known = {EMPTY: t.is_null(type_), BOOLEAN: t.is_boolean(type_), INTEGER: t.is_integer(type_), NUMBER: numeric}
    for kind, there in {**known, CATEGORY: is_text(type_)}.items():
        if there:
            return kind, ""
    if t.is_temporal(type_) or t.is_interval(type_):
        return OTHER, DURATIONS if t.is_duration(type_) or t.is_interval(type_) else DATES
    if name := getattr(type_, "extension_name", ""):
        told = {"pandas.period": PERIODS, "pandas.interval": INTERVALS}
        return OTHER, told.get(name, f"values of type {name} are not modelled: convert them to numbers or text")
    if t.is_nested(type_):
        return OTHER, NESTED
    return OTHER, BYTES if "binary" in str(type_) else f"values of type {type_} are not modelled"


def is_text(type_: Any) -> bool:
    """Whether an Arrow type holds text, however it is laid out."""
    t = pa.types
    return bool(t.is_string(type_) or t.is_large_string(type_) or t.is_string_view(type_))


def fields_of(schema: Any) -> tuple[Field, ...]:
    """The columns of an Arrow schema, each name once."""
    names_once(schema.names)
    index = index_names(schema)
    return tuple(Field(f.name, *((OTHER, INDEX) if f.name in index else kind_of(f.type))) for f in schema)


def index_names(schema: Any) -> frozenset[str]:
    """The columns that pandas wrote for the index of a table: they name rows and measure nothing."""
    told = (schema.metadata or {}).get(b"pandas")
    try:
        kept = json.loads(told)["index_columns"] if told else ()
    except (ValueError, KeyError, TypeError):
        return frozenset()
    return frozenset(name for name in kept if isinstance(name, str))


def names_once(names: Sequence[str], where: str = "") -> None:
    """Refuse duplicated column names."""
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise DataError(f"column names are duplicated{where}: {', '.join(map(repr, twice))}; rename them")


def frame_of(table: Any, id: int, columns: Sequence[str], offsets: Array | None = None) -> Frame:
    """The frame of some columns of a table."""
    return Frame(id, table.num_rows, {name: column(table.column(name)) for name in columns}, offsets)


def column(values: Any) -> Column:
    """Values, observed mask and categories of an Arrow array; float columns without gaps are not copied."""
    kind, note = kind_of(values.type)
    if kind == OTHER:
        raise DataError(f"a column of type {values.type} cannot be read: {note}")
    if kind == EMPTY:
        return Column(np.zeros(len(values)), np.zeros(len(values), bool))
    return _category(values) if kind == CATEGORY else _number(values)


def _number(values: Any) -> Column:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.uint8())
    if pa.types.is_decimal(values.type) or pa.types.is_uint64(values.type):
        values = values.cast(pa.float64(), safe=False)
    # with nulls this is a float copy with NaN in their place; float32 stays float32
    return column_of_numbers(np.asarray(values.to_numpy()))


def _category(values: Any) -> Column:
    """Codes of a text or dictionary column, each category once."""
    values = values.unify_dictionaries() if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    values = values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()
    indices, categories = values.indices, values.dictionary.cast(pa.string())
    if categories.null_count or len(pc.unique(categories)) < len(categories):
        values = categories.take(indices).dictionary_encode()
        indices, categories = values.indices, values.dictionary
    codes = np.asarray(indices.fill_null(0).to_numpy(zero_copy_only=False)).astype(np.int32, copy=False)
    observed = np.asarray(indices.is_valid().to_numpy(zero_copy_only=False)) if indices.null_count else None
    if len(categories) > len(codes):  # a long dictionary of which these rows use little
        used, again = np.unique(codes, return_inverse=True)
        categories, codes = categories.take(pa.array(used.astype(np.int32))), again.astype(np.int32)
    return Column(codes, observed, tuple(categories.to_pylist()))


def unit_codes(values: Any, name: str) -> Array:
    """One number per row that changes where the unit (sequence, user) changes.

    Raises
    ------
    DataError
        A row does not say which unit it belongs to, or says it by what cannot be compared.
    """
    if isinstance(values.type, pa.BaseExtensionType):
        values = pa.chunked_array([c.storage for c in values.chunks], values.type.storage_type)
    if missing := pc.sum(pc.is_null(values, nan_is_null=True)).as_py() or 0:
        raise DataError(unit_missing(name, missing))
    try:
        values = values.unify_dictionaries() if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    except pa.ArrowNotImplementedError:
        raise DataError(no_names(name, kind_of(values.type)[1])) from None
    return np.concatenate([np.empty(0, np.int64), *(c.indices.to_numpy() for c in values.chunks)]).astype(np.int64)


def readable(broken: Mapping[str, str], columns: Sequence[str]) -> None:
    """Refuse columns that are ``broken``, with the reason, at the moment they are needed."""
    if bad := [name for name in columns if name in broken]:
        others = ", ".join(map(repr, bad[1:]))
        raise DataError(broken[bad[0]] + (f"; so does {others}" if others else ""))
