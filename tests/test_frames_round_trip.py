"""What goes in comes out: tables of all types with holes come back in their container, each observed cell as it was."""

from __future__ import annotations

import copy
import math
import warnings
from datetime import date
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

import unseen

EXTRA = date(2020, 2, 29)
COLUMNS = ("x", "n", "long", "price", "paid", "kind")
#: whole numbers that hold in eight bits, so that every integer type can carry them
SMALL = st.integers(0, 100)
CELLS = {
    "x": st.integers(-400, 400).map(lambda v: v / 8),
    "n": SMALL,
    "long": st.integers(2**53, 2**63 - 1),
    "price": st.integers(-(10**6), 10**6).map(lambda v: Decimal(v) / 100),
    "paid": st.booleans(),
    "kind": st.sampled_from(["red", "blue", "a b", "é"]),
}


@st.composite
def tables(draw) -> dict[str, list]:
    """Columns of python cells, None where one is missing, but at least one of each column is there."""
    rows = draw(st.integers(1, 9))
    table = {}
    for name in COLUMNS:
        cells = draw(st.lists(st.none() | CELLS[name], min_size=rows, max_size=rows))
        table[name] = [draw(CELLS[name]), *cells]
    return {**table, "day": [EXTRA] * (rows + 1)}


@cache
def fitted() -> unseen.Result:
    """One component over columns of every kind, fitted once: what it fills does not matter, what it leaves does."""
    rng = np.random.default_rng(0)
    kinds = np.array(["red", "blue", "a b", "é"], object)
    data = {
        "x": rng.normal(size=80),
        "n": rng.integers(0, 100, 80),
        "long": rng.integers(2**53, 2**62, 80),
        "price": rng.normal(0, 100, 80),
        "paid": rng.random(80) < 0.5,
        "kind": kinds[rng.integers(0, 4, 80)],
    }
    families = dict.fromkeys(COLUMNS, unseen.Gaussian()) | {"paid": unseen.Bernoulli(), "kind": unseen.Categorical()}
    return unseen.fit(unseen.Mixture(unseen.Product(**families), 1), data, seed=0)


def same(before, after) -> bool:
    """The same value; the same object type, too, unless whole numbers and truth values had to become floats."""
    if isinstance(before, float) and math.isnan(before):
        return isinstance(after, float) and math.isnan(after)
    return bool(before == after) and (type(before) is type(after) or isinstance(before, (int, np.integer, np.bool_)))


def check(table: dict[str, list], before: dict[str, list], after: dict[str, list]) -> None:
    """Every observed cell as it was, and every hole filled."""
    assert list(before) == list(after)
    for name, cells in table.items():
        assert len(after[name]) == len(cells)
        for cell, old, new in zip(cells, before[name], after[name], strict=True):
            if cell is not None:
                assert same(old, new), (name, old, new)
            else:
                assert new is not None and new is not pd.NA and new == new, name


def impute(data, **options):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*beyond 2..53.*", UserWarning)
        return fitted().impute(data, **options)


def draw(data, options):
    return data.draw(st.sampled_from(options))


# ---- pandas

PANDAS = {
    "x": [
        "float64",
        "float32",
        ">f8",
        "Float64",
        "Float32",
        "object",
        "Sparse[float64]",
        "double[pyarrow]",
        "longdouble",
    ],
    "n": ["Int64", "Int8", "UInt16", "object", "float64", "int32[pyarrow]", "Float64"],
    "long": ["Int64", "UInt64", "object", "int64[pyarrow]", "uint64[pyarrow]"],
    "price": ["object", pd.ArrowDtype(pa.decimal128(12, 2))],
    "paid": ["boolean", "object", "bool[pyarrow]"],
    "kind": ["object", "str", "string", "string[python]", "category", "ordered", "string[pyarrow]"],
}


def series(cells: list, dtype) -> pd.Series:
    if dtype in ("category", "ordered"):
        return pd.Series(pd.Categorical(cells, ["é", "unused", "a b", "blue", "red"], ordered=dtype == "ordered"))
    if dtype in ("float64", "float32", ">f8", "longdouble", "Sparse[float64]"):
        cells = [np.nan if v is None else v for v in cells]
    return pd.Series(cells, dtype=dtype)


class Own(pd.DataFrame):
    """A kind of table of somebody's own."""


@settings(max_examples=60)
@given(table=tables(), data=st.data())
def test_pandas(table, data) -> None:
    frame = pd.DataFrame({n: series(v, draw(data, PANDAS.get(n, ["object"]))) for n, v in table.items()})
    frame.index = draw(data, [frame.index, pd.Index([7] * len(frame), name="dup")])
    frame.attrs["source"] = "here"
    frame = draw(data, [frame, Own(frame)])
    kept = frame.copy(deep=True)
    out = impute(frame)
    pd.testing.assert_frame_equal(frame, kept)
    assert type(out) is type(frame)
    pd.testing.assert_index_equal(out.index, frame.index)
    assert out.attrs == frame.attrs or isinstance(frame, Own)
    for name in frame:
        if out[name].dtype != frame[name].dtype:
            assert name in ("n", "paid"), name  # what fills whole numbers need not be whole
    check(table, *({c: list(f[c].array) for c in f} for f in (frame, out)))


# ---- polars and pyarrow

POLARS = {
    "x": [pl.Float64, pl.Float32],
    "n": [pl.Int64, pl.Int8, pl.UInt64, pl.Float64, pl.Int128],
    "long": [pl.Int64, pl.UInt64, pl.Int128],
    "price": [pl.Decimal(12, 2)],
    "paid": [pl.Boolean],
    "kind": [pl.String, pl.Categorical, pl.Enum(["é", "unused", "a b", "blue", "red"])],
    "day": [pl.Date],
}


@settings(max_examples=60)
@given(table=tables(), data=st.data())
def test_polars(table, data) -> None:
    frame = pl.DataFrame({n: pl.Series(v, dtype=draw(data, POLARS[n])) for n, v in table.items()})
    out = impute(frame.lazy() if data.draw(st.booleans()) else frame)
    out = out.collect() if isinstance(out, pl.LazyFrame) else out
    assert isinstance(out, pl.DataFrame)
    assert {n for n in frame.columns if out[n].dtype != frame[n].dtype} <= {"n", "paid"}
    check(table, frame.to_dict(as_series=False), out.to_dict(as_series=False))


ARROW = {
    "x": [pa.float64(), pa.float32()],
    "n": [pa.int64(), pa.int8(), pa.uint64(), pa.float64()],
    "long": [pa.int64(), pa.uint64()],
    "price": [pa.decimal128(12, 2), pa.decimal256(60, 2)],
    "paid": [pa.bool_()],
    "kind": [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())],
    "day": [pa.date32()],
}


@settings(max_examples=60)
@given(table=tables(), data=st.data())
def test_pyarrow(table, data) -> None:
    arrays = {n: pa.array(v, draw(data, ARROW[n])) for n, v in table.items()}
    frame = pa.table(arrays)
    if data.draw(st.booleans()):
        frame = pa.concat_tables([frame.slice(0, 1), frame.slice(1)])
    if data.draw(st.booleans()):
        frame = frame.combine_chunks().to_batches()[0]
    out = impute(frame)
    assert type(out) is type(frame)
    out.validate(full=True)
    assert {n for n in out.schema.names if out.schema.field(n).type != frame.schema.field(n).type} <= {"n", "paid"}
    check(table, frame.to_pydict(), out.to_pydict())


# ---- Python and NumPy


@settings(max_examples=40)
@given(table=tables())
def test_dicts_and_records(table) -> None:
    kept = copy.deepcopy(table)
    out = impute(table)
    assert table == kept
    assert type(out) is dict
    check(table, table, {n: v.tolist() for n, v in out.items()})
    records = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    done = impute(records)
    assert {type(done), *map(type, done)} == {list, dict}
    check(table, table, {n: [row[n] for row in done] for n in table})


def listed(values) -> list:
    return values.to_list() if isinstance(values, pl.Series) else getattr(values, "tolist", lambda: values)()


@settings(max_examples=40)
@given(table=tables())
def test_columns_of_several_libraries(table) -> None:
    data = {
        **table,
        "n": pd.Series(table["n"], dtype="Int64", index=range(5, 5 + len(table["n"]))),
        "long": pl.Series("other", table["long"], dtype=pl.UInt64),
        "price": pa.array(table["price"], pa.decimal128(12, 2)),
        "kind": pd.Categorical(table["kind"]),
    }
    out = impute(data)
    assert {n: type(out[n]) for n in ("n", "long", "kind")} == {n: type(data[n]) for n in ("n", "long", "kind")}
    assert out["n"].index.equals(data["n"].index)
    check(table, *({n: listed(v) for n, v in d.items()} for d in (data, out)))


@settings(max_examples=40)
@given(table=tables())
def test_structured_arrays(table) -> None:
    types = [("x", "f4"), ("n", "i2"), ("long", "u8"), ("price", "f8"), ("paid", "?"), ("kind", "U4"), ("day", "M8[D]")]
    rows = [[0 if v is None else v for v in row] for row in zip(*table.values(), strict=True)]
    holes = [tuple(v is None for v in row) for row in zip(*table.values(), strict=True)]
    masked = np.ma.array(np.array([tuple(r) for r in rows], types), mask=holes, hard_mask=True)
    kept = masked.copy()
    out = impute(masked)
    assert np.ma.getmaskarray(masked).tolist() == np.ma.getmaskarray(kept).tolist()
    assert isinstance(out, np.ndarray) and not isinstance(out, np.ma.MaskedArray)
    assert out.dtype.names == tuple(table)
    plain = np.ma.getdata(masked)
    check(table, *({n: list(a[n]) for n in table} for a in (plain, out)))
    records = np.rec.array(plain)
    assert type(impute(records, unknown="missing")) is np.recarray
