"""Data frames, one line for each type that people have: its kind and cells, its note, or the sentence that refuses."""

from __future__ import annotations

import uuid
from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from tests.tabular import cells
from tests.zoo import BYTES, COMPLEX, DATES, DAY, DURATIONS, LONG, NESTED, NUMBERS, TEXT, TRUTH, WHOLE, check, strange
from unseen.errors import DataError
from unseen.sources import open_source


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def objects(*values):
    return pd.Series(values, dtype=object)


def sparse(*values):
    return pd.arrays.SparseArray(values)


def arrow_type(values, type_):
    return pd.Series(values, dtype=pd.ArrowDtype(type_))


INTERVALS = "read as text: intervals"
WHEN = pd.to_datetime(["2020-02-29", None, "2021-01-01"])

PANDAS = {
    "big-endian floats": (np.array([1.5, np.nan, 2], ">f8"), NUMBERS),
    "big-endian integers": (np.array([1, 3, 2], ">i4"), ("integer", [1, 3, 2])),
    "long double": (np.array([1.5, np.nan, 2], np.longdouble), NUMBERS),
    "half": (np.array([1.5, np.nan, 2], np.float16), NUMBERS),
    "complex": (np.array([1, 3, 2], complex), COMPLEX),
    "sparse floats": (sparse(1.5, np.nan, 2.0), NUMBERS),
    "sparse integers": (sparse(1, 0, 2), ("integer", [1, 0, 2])),
    "sparse truth": (sparse(True, False, True), ("boolean", [1, 0, 1])),
    "durations": (pd.to_timedelta([1, None, 3], unit="h"), DURATIONS),
    "dates": (WHEN, DATES),
    "dates with a zone": (WHEN.tz_localize("Europe/Berlin"), DATES),
    "periods": (pd.PeriodIndex(["2020-01", None, "2021-01"], freq="M"), ("other", "periods of time are not modelled")),
    "intervals": (
        pd.IntervalIndex.from_tuples([(0, 1), None, (1, 2)]),
        ("category", ["(0.0, 1.0]", None, "(1.0, 2.0]"], INTERVALS),
    ),
    "binned": (pd.cut([1, np.nan, 3], [0, 2, 4]), ("category", ["(0, 2]", None, "(2, 4]"], INTERVALS)),
    "categories": (pd.Categorical(["a", None, "b"], ["b", "unused", "a"], ordered=True), TEXT),
    "categories of integers": (pd.Categorical([1, None, 2]), ("category", ["1", None, "2"])),
    "categories of floats": (pd.Categorical([1.5, None, 2]), ("category", ["1.5", None, "2"])),
    "categories of truth": (pd.Categorical([True, None, False]), ("category", ["true", None, "false"])),
    "categories of several types": (pd.Categorical([1, None, "a"]), ("category", ["1", None, "a"])),
    "categories that read the same": (pd.Categorical([1, None, "1"]), "two categories that read the same"),
    "categories of dates": (pd.Categorical(WHEN), DATES),
    "categories of pairs": (pd.Categorical([(1, 2), None, (3, 4)]), NESTED),
    "objects, decimals": (objects(Decimal("1.5"), None, Decimal(2)), NUMBERS),
    "objects, decimal NaN": (objects(Decimal("1.5"), Decimal("NaN"), Decimal(2)), NUMBERS),
    "objects, fractions": (objects(Fraction(3, 2), None, Fraction(2)), NUMBERS),
    "objects, integers and floats": (objects(1.5, None, 2), NUMBERS),
    "objects, integers": (objects(1, None, np.int8(2)), WHOLE),
    "objects, 64 bits": (objects(2**63, None, 1), ("integer", [2.0**63, None, 1])),
    "objects, more than 64 bits": (objects(2**70, None, 1), ("category", [str(2**70), None, "1"], LONG)),
    "objects, 65 bits": (objects(2**63, None, -1), ("category", [str(2**63), None, "-1"], LONG)),
    "objects, truth": (objects(True, None, False), TRUTH),
    "objects, truth and integers": (objects(True, None, 2), WHOLE),
    "objects, enumeration": (objects(Level.LOW, None, Level.HIGH), WHOLE),
    "objects, text and NaN": (objects("a", np.nan, "b"), TEXT),
    "objects, text and NA": (objects("a", pd.NA, "b"), TEXT),
    "objects, text and NaT": (objects("a", pd.NaT, "b"), TEXT),
    "objects, NA": (objects(1.5, pd.NA, 2), NUMBERS),
    "objects, nothing": (objects(None, None, None), ("empty", [None, None, None])),
    "objects, numbers as text": (objects("1", None, "2"), ("category", ["1", None, "2"])),
    "objects, numbers and text": (objects(1, None, "a"), r"'c' mixes numbers with text .*\(1 int, 1 str\)"),
    "objects, text and dates": (objects(DAY, None, "a"), r"'c' mixes numbers with text .*\(1 date, 1 str\)"),
    "objects, complex": (objects(1j, None, 2), COMPLEX),
    "objects, dates": (objects(DAY, None, DAY), DATES),
    "objects, lists": (objects([1], None, [2, 3]), NESTED),
    "objects, lists of anything": (objects([1, "a"], None, [2]), NESTED),
    "objects, dicts": (objects({"a": 1}, None, {"a": 2}), NESTED),
    "objects, sets": (objects({1}, None, {2}), NESTED),
    "objects, bytes": (objects(b"a", None, b"b"), BYTES),
    "objects, paths": (objects(Path("a"), None, Path("b")), strange(type(Path()).__name__)),
    "objects, identifiers": (objects(uuid.UUID(int=1), None, uuid.UUID(int=2)), strange("arrow.uuid")),
    "objects, anything": (objects(object(), None, object()), strange("object")),
    "text": (pd.Series(["a", None, "b"], dtype="str"), TEXT),
    "text in Python": (pd.Series(["a", None, "b"], dtype="string[python]"), TEXT),
    "text in Arrow": (pd.Series(["a", None, "b"], dtype="string[pyarrow]"), TEXT),
    "nullable integers": (pd.Series([1, None, 2], dtype="Int64"), WHOLE),
    "nullable unsigned": (pd.Series([2**64 - 1, None, 2], dtype="UInt64"), ("integer", [2.0**64, None, 2])),
    "nullable floats": (pd.Series([1.5, None, 2], dtype="Float32"), NUMBERS),
    "nullable truth": (pd.Series([True, None, False], dtype="boolean"), TRUTH),
    "Arrow decimals": (arrow_type([Decimal("1.5"), None, Decimal(2)], pa.decimal128(9, 2)), NUMBERS),
    "Arrow text views": (arrow_type(["a", None, "b"], pa.string_view()), TEXT),
    "Arrow halves": (arrow_type([1.5, None, 2], pa.float16()), NUMBERS),
    "Arrow dictionaries": (arrow_type(["a", None, "b"], pa.dictionary(pa.int8(), pa.string())), TEXT),
    "Arrow lists": (arrow_type([[1], None, [2]], pa.list_(pa.int8())), NESTED),
    "Arrow nulls": (arrow_type([None] * 3, pa.null()), ("empty", [None] * 3)),
}  # fmt: skip


class Places(pd.api.extensions.ExtensionArray):
    """A column type of another package, that Arrow knows nothing of."""

    class dtype(pd.api.extensions.ExtensionDtype):
        name, type = "place", object

    dtype = dtype()

    def __init__(self, values) -> None:
        self.values = np.asarray(values, object)

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, item):
        return Places(self.values[item]) if isinstance(item, slice) else self.values[item]

    def __setitem__(self, item, values) -> None:
        self.values[item] = values

    def isna(self):
        return pd.isna(self.values)

    def copy(self):
        return Places(self.values.copy())


def test_pandas_columns_of_other_packages() -> None:
    for values, expected in ([Path("a"), None, Path("b")], strange(type(Path()).__name__)), ([1.5, None, 2.0], NUMBERS):
        check(pd.DataFrame({"c": Places(values), "x": [1.5, np.nan, 2.5]}), expected)


@pytest.mark.parametrize("name", PANDAS)
def test_pandas(name: str) -> None:
    values, expected = PANDAS[name]
    check(pd.DataFrame({"c": values, "x": [1.5, np.nan, 2.5]}), expected)


POLARS = {
    "128 bits": (pl.Series([2**100, None, 1], dtype=pl.Int128), ("category", [str(2**100), None, "1"], LONG)),
    "128 bits, small": (pl.Series([1, None, 2], dtype=pl.Int128), WHOLE),
    "decimals": (pl.Series([Decimal("1.5"), None, Decimal(2)]), NUMBERS),
    "enumeration": (pl.Series(["a", None, "b"], dtype=pl.Enum(["b", "unused", "a"])), TEXT),
    "categories": (pl.Series(["a", None, "b"], dtype=pl.Categorical), TEXT),
    "lists": (pl.Series([[1], None, [2, 3]]), NESTED),
    "arrays": (pl.Series([[1, 2], None, [2, 3]], dtype=pl.Array(pl.Int8, 2)), NESTED),
    "structs": (pl.Series([{"a": 1}, None, {"a": 2}]), NESTED),
    "objects": (pl.Series([object(), None, object()], dtype=pl.Object), strange("object")),
    "objects that are numbers": (pl.Series([1.5, None, 2.0], dtype=pl.Object), NUMBERS),
    "objects of several types": (pl.Series([1.5, None, "a"], dtype=pl.Object), "mixes numbers with text"),
    "nulls": (pl.Series([None] * 3), ("empty", [None] * 3)),
    "durations": (pl.Series([timedelta(1), None, timedelta(2)]), DURATIONS),
    "dates": (pl.Series([DAY, None, DAY]), DATES),
    "bytes": (pl.Series([b"a", None, b"b"]), BYTES),
}  # fmt: skip


@pytest.mark.parametrize("name", POLARS)
def test_polars(name: str) -> None:
    values, expected = POLARS[name]
    frame = pl.DataFrame({"c": values, "x": [1.5, None, 2.5]})
    check(frame, expected)
    if frame["c"].dtype != pl.Object:
        check(frame.lazy(), expected)


def coded(*values):
    return pa.DictionaryArray.from_arrays(pa.array([0, None, 1]), pa.array(values))


RUNS = pa.RunEndEncodedArray.from_arrays(pa.array([1, 2, 3], pa.int32()), pa.array([1.5, None, 2.0]))
UNION = pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", "b", "c"])])

ARROW = {
    "halves": (pa.array([1.5, None, 2], pa.float16()), NUMBERS),
    "decimals of 256 bits": (pa.array([Decimal("1.5"), None, Decimal(2)], pa.decimal256(60, 3)), NUMBERS),
    "text views": (pa.array(["a", None, "b"], pa.string_view()), TEXT),
    "byte views": (pa.array([b"a", None, b"b"], pa.binary_view()), BYTES),
    "runs": (RUNS, NUMBERS),
    "unions": (UNION, NESTED),
    "maps": (pa.array([[("a", 1)], None, []], pa.map_(pa.string(), pa.int8())), NESTED),
    "spans": (pa.array([(1, 2, 3), None, (1, 1, 1)], pa.month_day_nano_interval()), DURATIONS),
    "dictionaries of floats": (coded(1.5, 2.0), ("category", ["1.5", None, "2"])),
    "dictionaries of truth": (coded(True, False), ("category", ["true", None, "false"])),
    "dictionaries of dates": (coded(DAY, date(2021, 1, 1)), DATES),
    "unsigned": (pa.array([2**64 - 1, None, 2], pa.uint64()), ("integer", [2.0**64, None, 2])),
}


@pytest.mark.parametrize("name", ARROW)
def test_arrow(name: str) -> None:
    values, expected = ARROW[name]
    table = pa.table({"c": values, "x": [1.5, None, 2.5]})
    check(table, expected)
    check(table.to_batches()[0], expected)
    if name not in ("runs", "unions"):
        check(ds.dataset(table), expected)


def test_names_that_are_no_text() -> None:
    levels = pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")])
    for columns, names in (
        ([0, 1], ["0", "1"]),
        (levels, ["('a', 'x')", "('a', 'y')"]),
        ([pd.Timestamp("2020-02-29"), 2.5], ["2020-02-29 00:00:00", "2.5"]),
    ):
        frame = pd.DataFrame([[1.0, 2.0]], columns=columns)
        source, _, _ = open_source(frame)
        assert [f.name for f in source.schema()] == names
        if not isinstance(columns, list):  # as in the Parquet file that pandas writes of it
            assert pa.Table.from_pandas(frame).column_names == names


def test_tables_without_rows_or_columns() -> None:
    for data in (pd.DataFrame(), pd.DataFrame(index=range(3)), pl.DataFrame(), pa.table({}), {}):
        assert open_source(data)[0].schema() == ()
    for data in (pd.DataFrame({"a": np.empty(0)}), pl.DataFrame({"a": []}), pa.table({"a": pa.array([], pa.int8())})):
        (part,) = open_source(data)[0].manifest()
        assert part.rows == 0


@pytest.mark.parametrize(
    "unit",
    [
        objects(uuid.UUID(int=1), uuid.UUID(int=2), uuid.UUID(int=1)),
        pd.PeriodIndex(["2020-01", "2020-02", "2020-01"], freq="M"),
        pd.cut([1, 3, 1], [0, 2, 4]),
        objects(2**70, 1, 2**70),
        objects(b"a", b"b", b"a"),
    ],
    ids=["identifiers", "periods", "intervals", "long", "bytes"],
)
def test_units_go_by_what_is_not_modelled(unit) -> None:
    source, _, _ = open_source(pd.DataFrame({"u": unit, "x": [1.0, 2.0, 3.0]}), unit="u")
    assert cells(source, "x") == [1, 3, 2]


@pytest.mark.parametrize(
    ("unit", "sentence"),
    [
        (objects(Path("a"), Path("b"), Path("a")), "unit column 'u' cannot tell units apart: values of type"),
        (objects([1], [2], [1]), "unit column 'u' cannot tell units apart: lists"),
        (objects(1, "a", 1), "column 'u' mixes numbers with text"),
    ],
    ids=["paths", "lists", "mixed"],
)
def test_units_that_cannot_be_told_apart(unit, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_source(pd.DataFrame({"u": unit, "x": [1.0, 2.0, 3.0]}), unit="u")
    if "mixes" in sentence:
        with pytest.raises(DataError, match=sentence):
            open_source({"u": unit.to_numpy(), "x": [1.0, 2.0, 3.0]}, unit="u")
