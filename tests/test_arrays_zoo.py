"""Arrays, lists, dicts and foreign tables: what comes out of each, or the sentence that refuses it by its name."""

from __future__ import annotations

import dataclasses
from collections import namedtuple
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
import scipy.sparse

from tests.tabular import cells
from tests.zoo import BYTES, COMPLEX, DATES, DAY, DURATIONS, LONG, NESTED, NUMBERS, TEXT, TRUTH, WHOLE, check
from unseen.errors import DataError
from unseen.sources import open_source

RECORDS = np.array([(1.5, 1), (np.nan, 3), (2.5, 2)], [("x", "f8"), ("c", "i4")])
Pair = namedtuple("Pair", "x c")
Row = dataclasses.make_dataclass("Row", ["x", "c"])
X = [1.5, None, 2.5]
ROWS = list(zip(X, [1, None, 2], strict=True))

PLAIN = {
    "structured": (RECORDS, ("integer", [1, 3, 2])),
    "records": (RECORDS.view(np.recarray), ("integer", [1, 3, 2])),
    "masked structured": (np.ma.array(RECORDS, mask=[(0, 0), (0, 1), (0, 0)]), WHOLE),
    "dicts": ([{"x": x, "c": c} for x, c in ROWS], WHOLE),
    "dicts that lack cells": ([{"x": 1.5, "c": 1}, {}, {"c": 2, "x": 2.5}], WHOLE),
    "named tuples": ([Pair(*row) for row in ROWS], WHOLE),
    "dataclasses": ([Row(*row) for row in ROWS], WHOLE),
    "integers": ({"x": X, "c": [1, None, 2]}, WHOLE),
    "text": ({"x": X, "c": ("a", None, "b")}, TEXT),
    "range": ({"x": X, "c": range(3)}, ("integer", [0, 1, 2])),
    "decimals": ({"x": X, "c": [Decimal("1.5"), None, Decimal(2)]}, NUMBERS),
    "truth": ({"x": X, "c": [True, None, False]}, TRUTH),
    "more than 64 bits": ({"x": X, "c": [2**70, None, 1]}, ("category", [str(2**70), None, "1"], LONG)),
    "dates": ({"x": X, "c": [DAY, None, DAY]}, DATES),
    "NumPy dates": ({"x": X, "c": np.array(["2020-02-29", "NaT", "2020-03-01"], "M8[D]")}, DATES),
    "NumPy durations": ({"x": X, "c": np.array([1, "NaT", 2], "m8[h]")}, DURATIONS),
    "nested": ({"x": X, "c": [[1], [2, 3], []]}, NESTED),
    "fields in fields": ({"x": X, "c": np.zeros(3, [("a", "f8")])}, NESTED),
    "void": ({"x": X, "c": np.zeros(3, "V4")}, BYTES),
    "bytes": ({"x": X, "c": np.array([b"a", "é".encode(), b"b"])}, ("category", ["a", "é", "b"])),
    "bytes that are no text": ({"x": X, "c": np.array([b"\xff", b"a", b"b"])}, "'c' holds bytes that are no UTF-8"),
    "strings": ({"x": X, "c": np.array(["a", None, "b"], np.dtypes.StringDType(na_object=None))}, TEXT),
    "complex": ({"x": X, "c": np.ones(3, complex)}, COMPLEX),
    "numbers and text": ({"x": X, "c": [1, "a", "b"]}, r"'c' mixes numbers with text .*\(2 str, 1 int\)"),
    "pandas": ({"x": X, "c": pd.Series([1, None, 2], dtype="Int64")}, WHOLE),
    "pandas categories": ({"x": X, "c": pd.Categorical(["a", None, "b"])}, TEXT),
    "polars": ({"x": X, "c": pl.Series([1, None, 2])}, WHOLE),
    "runs": ({"x": X, "c": pc.run_end_encode(pa.array([1, None, 2]))}, WHOLE),
    "pyarrow": ({"x": X, "c": pa.chunked_array([[1, None], [2]])}, WHOLE),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_what_no_table_library_made(name: str) -> None:
    check(*PLAIN[name])


class Tensor:
    """What NumPy makes an array of, or not."""

    def __init__(self, values) -> None:
        self.values = values

    def __array__(self, dtype=None, copy=None):
        if self.values is None:
            raise RuntimeError("it requires grad")
        return self.values

    def to_numpy(self):
        return self.values


class Stream:
    """A table of a library that is not known here, as an Arrow stream."""

    def __init__(self, table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


class Interchange:
    """A table of a library that is not known here, by the dataframe interchange protocol."""

    def __init__(self, table) -> None:
        self.table = table

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        return self.table.__dataframe__(nan_as_null, allow_copy)


class Broken:
    """A table that cannot be handed over."""

    def __dataframe__(self, nan_as_null=False, allow_copy=True):
        raise ValueError("SECRET")

    def collect(self):
        return self


TABLE = pa.table({"c": [1, None, 2], "x": X})


@pytest.mark.parametrize("make", [Stream, Interchange, pa.Table.to_reader, lambda t: ds.dataset(t).scanner()])
def test_tables_handed_over_by_a_protocol(make) -> None:
    check(make(TABLE), WHOLE)


class Cube(Tensor):
    """An array that gives its cells as one long column."""

    ndim = 2

    def __arrow_c_stream__(self, requested_schema=None):
        return pa.table({"values": self.values.ravel()}).__arrow_c_stream__(requested_schema)


@pytest.mark.parametrize("Tensor", [Tensor, Cube])
def test_matrices_of_other_libraries(Tensor) -> None:
    source, _, _ = open_source(Tensor(np.array([[1.0, np.nan], [2.0, 3.0]])))
    assert cells(source, "x1") == [None, 3]


REFUSED = {
    "pandas Series": (pd.Series([1.0]), "data of type Series is one column: give a table .*, not a single column"),
    "pandas Index": (pd.Index([1.0]), "data of type Index is one column"),
    "polars Series": (pl.Series("a", [1.0]), "data of type Series is one column"),
    "Arrow array": (pa.array([1.0]), "data of type DoubleArray is one column"),
    "Arrow chunks": (pa.chunked_array([[1.0]]), "data of type ChunkedArray is one column"),
    "Arrow schema": (TABLE.schema, "cannot read data of type Schema"),
    "groups": (pd.DataFrame({"a": [1]}).groupby("a"), "cannot read data of type DataFrameGroupBy"),
    "expression": (pl.col("a"), "cannot read data of type Expr"),
    "sparse matrix": (scipy.sparse.csr_matrix(np.eye(3)), r"data of type csr_matrix: call its toarray\(\) first"),
    "sparse dict": (scipy.sparse.dok_matrix(np.eye(3)), r"data of type dok_matrix: call its toarray\(\) first"),
    "sparse array": (scipy.sparse.csr_array(np.eye(3)), r"data of type csr_array: call its toarray\(\) first"),
    "tensor": (Tensor(None), r"data of type Tensor: call its to_numpy\(\) first"),
    "stream of one column": (Stream(pa.chunked_array([[1.0]])), "cannot read data of type Stream"),
    "broken table": (Broken(), r"cannot read data of type Broken: call its collect\(\) first"),
    "number": (3, "cannot read data of type int: give a NumPy array, a dict of columns"),
    "nothing": (None, "cannot read data of type NoneType"),
    "generator": ((i for i in range(3)), "cannot read data of type generator"),
    "set": ({1, 2}, "cannot read data of type set"),
    "three dimensions": (np.zeros((2, 2, 2)), "the data has 3 dimensions"),
    "records in a matrix": (np.zeros((2, 2), [("a", "f8")]), "the structured array has 2 dimensions"),
    "rows of two lengths": ([[1], [2, 3]], "parts that do not make rows of one length"),
    "two columns in one": ({"a": np.ones((3, 2))}, "column 'a' has 2 dimensions: give one value per row"),
    "a number for a column": ({"a": 1.0}, "column 'a' is a float: give a list or an array"),
    "text for a column": ({"a": "xyz"}, "column 'a' is a str"),
    "a generator for a column": ({"a": (i for i in range(3))}, "column 'a' is a generator"),
    "a dict for a column": ({"a": {"r": 1}}, "column 'a' is a dict"),
    "a number beside a column": ({"a": 1.0, "b": pd.Series([1])}, "column 'a' is a float"),
    "a table for a column": ({"a": pd.DataFrame({"b": [1], "c": [2]}), "b": pd.Series([1])}, "'a' has 2 dimensions"),
    "an Arrow table for a column": ({"a": TABLE}, "column 'a' has 2 dimensions"),
    "a moment for a column": ({"a": pd.Timestamp(0)}, "column 'a' is a Timestamp"),
    "a lazy frame for a column": ({"a": pl.LazyFrame({"b": [1]})}, "column 'a' is a LazyFrame"),
    "lengths": ({"a": [1, 2], "b": pd.Series([1])}, "the columns have different lengths"),
    "pandas names": (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column names are duplicated: 'a'; rename them"),
    "pandas names as text": (pd.DataFrame([[1, 2]], columns=[1, "1"]), "column names are duplicated: '1'"),
    "names of a dict as text": ({1: [1], "1": [2]}, "column names are duplicated: '1'"),
    "names of records as text": ([{1: 1, "1": 2}], "column names are duplicated: '1'"),
    "names in a stream": (Stream(pa.table([[1], [2]], ["a", "a"])), "column names are duplicated: 'a'"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_by_name(name: str) -> None:
    data, sentence = REFUSED[name]
    with pytest.raises(DataError, match=sentence) as error:
        open_source(data)
    assert error.value.__cause__ is None and "SECRET" not in str(error.value)
